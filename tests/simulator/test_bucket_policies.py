"""Bucket policies, decided for AWS services and for anyone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.bucket_policies import allows
from pkilab.simulator.service import AwsError

SERVICE = "acm-pca.amazonaws.com"
BUCKET, OBJECT = "arn:aws:s3:::lab", "arn:aws:s3:::lab/crl/a.crl"
CONTEXT = {
    "aws:sourceaccount": "111122223333",
    "aws:sourcearn": "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/1",
    "aws:securetransport": "true",
}
ANYONE = {"aws:securetransport": "false"}


def statement(**changes):
    whole = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "s3:PutObject",
        "Resource": f"{BUCKET}/*",
        **changes,
    }
    return {element: value for element, value in whole.items() if value is not None}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def decide(text, action="s3:PutObject", resource=OBJECT, *, service=SERVICE, context=None):
    known = tuple((CONTEXT if context is None else context).items())
    return allows(text, action, resource, service=service, context=known)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, True),
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["*"], "Service": "acm.amazonaws.com"}}, True),
        ({"Principal": {"Service": [SERVICE, "acm.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "acm.amazonaws.com"}}, False),
        ({"Principal": {"Service": "*"}}, False),
        ({"Principal": {"Federated": "*"}}, False),
        ({"Principal": None}, False),
        ({"Action": "*"}, True),
        ({"Action": "S3:PUTOBJECT"}, True),
        ({"Action": "s3:Put*"}, True),
        ({"Action": "s3:PutObjec?"}, True),
        ({"Action": "s3:PutObject?"}, False),
        ({"Action": ["s3:GetObject", "s3:PutObject"]}, True),
        ({"Action": "s3:GetObject"}, False),
        ({"Action": []}, False),
        ({"Action": None}, False),
        ({"Action": None, "NotAction": "s3:GetObject"}, True),
        ({"Action": None, "NotAction": ["s3:Get*", "s3:Put*"]}, False),
        ({"Resource": OBJECT}, True),
        ({"Resource": "*"}, True),
        ({"Resource": "arn:aws:s3:::lab/crl/?.crl"}, True),
        ({"Resource": "arn:aws:s3:::lab/CRL/*"}, False),
        ({"Resource": BUCKET}, False),
        ({"Resource": "arn:aws:s3:::lab.crl.a.crl"}, False),
        ({"Resource": None}, False),
        ({"Resource": None, "NotResource": BUCKET}, True),
        ({"Resource": None, "NotResource": f"{BUCKET}/*"}, False),
        ({"Effect": "Deny"}, False),
        ({"Effect": "allow"}, False),
        ({"Effect": None}, False),
    ],
)
def test_a_statement_applies_to_the_caller_action_and_resource_it_names(changes, verdict):
    """Actions in any case, all else exactly; ``*`` and ``?`` are the only wildcards."""
    assert decide(policy(statement(**changes))) is verdict


@pytest.mark.parametrize(
    ("operator", "key", "values", "verdict"),
    [
        ("StringEquals", "aws:SourceAccount", "111122223333", True),
        ("StringEquals", "aws:SourceAccount", ["4", "111122223333"], True),
        ("StringEquals", "aws:SourceAccount", "1111*", False),
        ("StringEquals", "aws:SourceAccount", [], False),
        ("StringEqualsIgnoreCase", "aws:SourceAccount", "111122223333", True),
        ("StringLike", "aws:SourceAccount", "1111*", True),
        ("StringNotEquals", "aws:SourceAccount", ["4", "5"], True),
        ("StringNotEquals", "aws:SourceAccount", ["4", "111122223333"], False),
        ("StringNotLike", "aws:SourceAccount", "1*", False),
        ("ArnLike", "aws:SourceArn", "arn:aws:acm-pca:*:111122223333:*", True),
        ("ArnEquals", "aws:SourceArn", "arn:*:acm-pca:*:*:certificate-authority/?", True),
        ("ArnLike", "aws:SourceArn", "arn:aws:acm-pca:*", False),
        ("ArnNotLike", "aws:SourceArn", "arn:aws:s3:*:*:*", True),
        ("Bool", "aws:SecureTransport", True, True),
        ("Bool", "aws:SecureTransport", "TRUE", True),
        ("Bool", "aws:SecureTransport", False, False),
        ("Null", "aws:SourceOrgID", "true", True),
        ("Null", "aws:SourceOrgID", True, True),
        ("Null", "aws:SourceAccount", "true", False),
        ("StringEquals", "aws:SourceOrgID", "o-1", False),
        ("StringEqualsIfExists", "aws:SourceOrgID", "o-1", True),
        ("StringNotEquals", "aws:SourceOrgID", "o-1", True),
    ],
)
def test_a_condition_holds_by_its_operator(operator, key, values, verdict):
    """Several values are alternatives; an absent key matches only negated or IfExists operators."""
    assert decide(policy(statement(Condition={operator: {key: values}}))) is verdict


def test_every_line_of_a_condition_must_hold():
    """Of one operator and of several."""
    holds = {"aws:SourceAccount": "111122223333"}
    fails = {"aws:SourceArn": "arn:aws:acm-pca:eu-west-1:*:*"}
    insecure = {"Bool": {"aws:SecureTransport": False}}
    assert decide(policy(statement(Condition={"StringEquals": holds})))
    assert not decide(policy(statement(Condition={"StringEquals": holds, "ArnLike": fails})))
    assert not decide(policy(statement(Condition={"StringEquals": {**holds, **fails}})))
    assert not decide(policy(statement(Condition={"StringEquals": holds, **insecure})))


@pytest.mark.parametrize(
    ("principal", "verdict"),
    [("*", True), ({"AWS": "*"}, True), ({"Service": SERVICE}, False), ({"AWS": "1"}, False)],
)
def test_anyone_is_only_who_a_star_names(principal, verdict):
    """A caller without credentials is no service."""
    text = policy(statement(Principal=principal, Action="s3:GetObject"))
    assert decide(text, "s3:GetObject", service=None, context=ANYONE) is verdict


def test_a_condition_on_the_caller_keeps_anyone_out():
    """Who has no account has not the account asked for."""
    ours = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    text = policy(statement(Principal="*", Condition=ours))
    assert decide(text)
    assert not decide(text, service=None, context=ANYONE)


@pytest.mark.parametrize(
    "changes",
    [
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"StringEquals": {"s3:x-amz-acl": "public-read"}}},
        {"Condition": {"StringEquals": {"aws:NoSuchKey": "1"}}},
        {"Condition": {"StringLike": {"aws:SourceAccount": "${aws:RequestedRegion}"}}},
        {"Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d"}},
    ],
)
def test_what_is_not_modelled_is_refused_not_ignored(changes):
    """In an Allow and in a Deny."""
    for effect in ("Allow", "Deny"):
        with pytest.raises(AwsError, match="not simulated") as caught:
            decide(policy(statement(Effect=effect, **changes), statement()))
        assert (caught.value.code, caught.value.status) == ("NotImplemented", 501)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, True),
        ({"ForAllValues:StringEquals": {"aws:SourceAccount": "111122223333"}}, True),
        ({"ForAnyValue:StringEquals": {"aws:SourceAccount": "1"}}, False),
        ({"StringLike": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}, False),
        ({"StringEquals": {"aws:PrincipalTag/Team": "pki"}}, False),
    ],
)
def test_what_a_service_never_has_is_absent(changes, verdict):
    """No account, no organization and no tags: a condition on them is decided, not refused."""
    assert decide(policy(statement(Condition=changes))) is verdict


def test_everybody_but_a_service_can_be_denied():
    """NotPrincipal, in a Deny; in an Allow it is no policy that S3 would take."""
    ours = statement(Effect="Deny", Principal=None, NotPrincipal={"Service": SERVICE})
    assert decide(policy(statement(), ours))
    other = statement(Effect="Deny", Principal=None, NotPrincipal={"Service": "acm.amazonaws.com"})
    assert not decide(policy(statement(), other))
    assert not decide(policy(statement(Principal=None, NotPrincipal={"Service": SERVICE})))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", '"*"', "{}", '{"Statement": 3}', "[" * 100_000]
)
def test_what_is_no_policy_allows_nothing(text):
    """However it is broken."""
    assert not decide(text)


def test_one_statement_need_not_be_in_a_list():
    """IAM takes both."""
    assert decide(json.dumps({"Statement": statement()}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Statement", "Effect", "Principal", "Action", "Resource", "Condition", "Service"]
            )
            | st.text(max_size=8),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ELEMENTS = st.sampled_from(
    ["Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"]
)
STATEMENTS = st.dictionaries(ELEMENTS, JSON, max_size=3).map(lambda each: statement(**each))


@given(
    st.text() | JSON.map(json.dumps) | st.lists(STATEMENTS, max_size=3).map(lambda s: policy(*s))
)
def test_any_text_is_a_verdict_or_a_refusal(text):
    """Policies that are none allow nothing and break nothing."""
    try:
        verdict = decide(text)
    except AwsError as error:
        assert error.code == "NotImplemented"
    else:
        assert verdict in {True, False}


@given(st.lists(STATEMENTS, max_size=4), st.integers(0, 4))
def test_a_deny_wins_wherever_it_stands(statements, place):
    """Among any others, if they are understood."""
    denied = [*statements[:place], statement(Effect="Deny"), *statements[place:]]
    try:
        assert not decide(policy(*denied))
    except AwsError as error:
        assert error.code == "NotImplemented"


@given(st.lists(STATEMENTS, max_size=3))
def test_a_statement_about_another_bucket_changes_nothing(statements):
    """Neither an Allow nor a Deny."""
    beside = [statement(Effect=each, Resource="arn:aws:s3:::other/*") for each in ("Allow", "Deny")]
    try:
        assert decide(policy(*statements)) == decide(policy(*statements, *beside))
    except AwsError as error:
        assert error.code == "NotImplemented"
