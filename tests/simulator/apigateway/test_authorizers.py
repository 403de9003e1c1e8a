"""What is asked of an authorizer's answer, what it means, and where identities stand."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.apigateway.authorizers import (
    AuthorizerError,
    Results,
    authorize,
    identity,
    read_answer,
)
from pkilab.simulator.apigateway.events import Routed
from pkilab.simulator.apigateway.requests import ApiRequest

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
ARN = "arn:aws:execute-api:us-east-1:111122223333:api/v1/GET/pets/1"


def routed(target="/v1/pets/1?x=1&x=2&a.b=dot&empty=", headers=(), certificate=None):
    """Return a request that found its way."""
    request = ApiRequest(
        "api.lab.example", "GET", target, tuple(headers), source_ip="192.0.2.1",
        client_certificate=certificate,
    )  # fmt: skip
    return Routed(
        request, "id", "111122223333", "us-east-1", "api", "v1", {"kind": "blue"},
        "GET /pets/{id}", "/pets/1", {"id": "1"}, NOW,
    )  # fmt: skip


WHERE = {
    "$request.header.Who": "ana",
    "$request.header.WHO": "ana",
    "$request.header.x.dotted": "dots",
    "$request.header.twice": "1,2",
    "$request.querystring.x": "1,2",
    "$request.querystring.a.b": "dot",
    "$stageVariables.kind": "blue",
    "$context.routeKey": "GET /pets/{id}",
    "$context.path": "/pets/1",
    "$context.httpMethod": "GET",
    "$context.stage": "v1",
    "$context.identity.sourceIp": "192.0.2.1",
    "method.request.header.who": "ana",
    "method.request.querystring.x": "1,2",
    "stageVariables.kind": "blue",
    "context.stage": "v1",
}
HEADERS = (("who", "ana"), ("X.Dotted", "dots"), ("Twice", "1"), ("twice", "2"), ("Empty", ""))


@pytest.mark.parametrize("source", WHERE)
def test_an_identity_source_is_found_where_it_stands(source):
    """As HTTP APIs and as REST APIs write it; header names in any case, dots and all."""
    assert identity([source], routed(headers=HEADERS)) == [WHERE[source]]


@pytest.mark.parametrize(
    "source",
    ["$request.header.nobody", "$request.header.empty", "$request.querystring.X",
     "$request.querystring.empty", "$stageVariables.none", "$context.nothing", "$request.body.x",
     "context.identity.clientCert.serialNumber", "", "$"],
)  # fmt: skip
def test_an_identity_source_that_is_missing_or_empty_makes_all_missing(source):
    """One is enough."""
    request = routed(headers=HEADERS)
    assert identity(["$request.header.who", source], request) is None
    assert identity([], request) == []


SIMPLE = {"isAuthorized": True}
STATEMENT = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": ARN}
POLICY = {
    "principalId": "ana",
    "policyDocument": {"Version": "2012-10-17", "Statement": [STATEMENT]},
}


def policy(*statements):
    """Return an answer with a policy of statements."""
    return {**POLICY, "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}


@pytest.mark.parametrize(
    ("answer", "simple"),
    [
        (SIMPLE, True),
        ({"isAuthorized": False, "context": None}, True),
        ({**SIMPLE, "context": {"a": {"b": [1]}}}, True),
        (POLICY, False),
        ({**POLICY, "policyDocument": {"Statement": STATEMENT}}, False),
        ({**POLICY, "context": {"a": 1}}, False),
        (policy(), False),
    ],
)
def test_an_answer_of_the_shape_agreed_on_is_read(answer, simple):
    """Simple, or a policy."""
    assert read_answer(json.dumps(answer).encode(), simple=simple) == answer


@pytest.mark.parametrize(
    ("answer", "simple"),
    [
        (POLICY, True),
        ({}, True),
        ({"isAuthorized": "true"}, True),
        ({"isAuthorized": 1}, True),
        ({**SIMPLE, "context": []}, True),
        ([SIMPLE], True),
        (None, True),
        (SIMPLE, False),
        ({**POLICY, "principalId": ""}, False),
        ({**POLICY, "policyDocument": None}, False),
        ({**POLICY, "policyDocument": {}}, False),
        ({**POLICY, "policyDocument": json.dumps(POLICY["policyDocument"])}, False),
        ({**POLICY, "context": "x"}, False),
        (policy("x"), False),
        (policy({**STATEMENT, "Effect": "allow"}), False),
        (policy({**STATEMENT, "Effect": ["Allow"]}), False),
        (policy({**STATEMENT, "Effect": {}}), False),
        (policy({**STATEMENT, "Condition": {}}), False),
        (policy({**STATEMENT, "NotResource": "*"}), False),
    ],
)
def test_an_answer_of_another_shape_means_nothing(answer, simple):
    """Whatever it may have been meant to say."""
    with pytest.raises(AuthorizerError):
        read_answer(json.dumps(answer).encode(), simple=simple)


def test_a_rest_apis_context_is_text_and_nothing_nested():
    """Numbers and booleans become what JSON writes."""

    def read(context):
        answer = json.dumps({**POLICY, "context": context}).encode()
        return read_answer(answer, simple=False, rest=True)["context"]

    found = read({"text": "x", "number": 1, "half": 0.5, "yes": True})
    assert found == {"text": "x", "number": "1", "half": "0.5", "yes": "true"}
    assert read(None) == {}
    for nested in ([], {}, [1], {"a": "b"}):
        with pytest.raises(AuthorizerError, match="is an object or an array"):
            read({"deep": nested})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(
    junk=st.binary(max_size=40),
    simple=st.booleans(),
    rest=st.booleans(),
    answer=JSON
    | st.fixed_dictionaries(
        {},
        optional={
            "isAuthorized": JSON, "context": JSON, "principalId": st.text(max_size=2) | JSON,
            "policyDocument": st.fixed_dictionaries({"Statement": st.lists(
                st.fixed_dictionaries(
                    {"Effect": st.sampled_from(["Allow", "Deny"]) | JSON},
                    optional={"Action": JSON, "Resource": JSON, "Sid": JSON},
                ), max_size=2,
            ) | JSON}) | JSON,
        },
    ),
)  # fmt: skip
def test_whatever_an_authorizer_answers_is_read_or_means_nothing(junk, simple, rest, answer):
    """And what is read can be decided by."""
    for payload in (junk, json.dumps(answer).encode(), b"[" * 100_000, b'{"a":' * 100_000):
        try:
            found = read_answer(payload, simple=simple, rest=rest)
        except AuthorizerError:
            continue
        assert isinstance(authorize(found, routed(), simple=simple).allowed, bool)


RESOURCES = [
    (ARN, True),
    ("*", True),
    (["nothing", ARN], True),
    ("arn:aws:execute-api:*:*:api/v1/*", True),
    ("arn:aws:execute-api:us-east-1:111122223333:api/v1/GET/pets/?", True),
    ("arn:aws:execute-api:us-east-1:111122223333:api/v1/POST/pets/1", False),
    ("arn:aws:execute-api:us-east-1:111122223333:api/v1/GET/pets/[0-9]", False),
    ("arn:aws:execute-api:us-east-1:111122223333:api/v1/GET/PETS/1", False),
    ([], False),
    (None, False),
]


@pytest.mark.parametrize(("resource", "allowed"), RESOURCES)
def test_a_policy_allows_what_it_names(resource, allowed):
    """By stars and question marks."""
    answer = policy({**STATEMENT, "Resource": resource})
    assert authorize(answer, routed(), simple=False).allowed is allowed


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("execute-api:Invoke", True), ("execute-api:*", True), ("*", True),
        ("EXECUTE-API:INVOKE", True), (["s3:GetObject", "execute-api:Invoke"], True),
        ("execute-api:ManageConnections", False), ("s3:*", False), (None, False),
    ],
)  # fmt: skip
def test_a_policy_is_about_invoking(action, allowed):
    """In any case of letters."""
    answer = policy({**STATEMENT, "Action": action})
    assert authorize(answer, routed(), simple=False).allowed is allowed


def test_a_deny_wins_and_silence_denies():
    """In either order; one that is about something else does not count."""
    deny = {**STATEMENT, "Effect": "Deny"}
    elsewhere = {**deny, "Resource": f"{ARN}/other"}
    for statements, allowed in (
        ([STATEMENT], True), ([STATEMENT, elsewhere], True), ([STATEMENT, deny], False),
        ([deny, STATEMENT], False), ([deny], False), ([], False),
    ):  # fmt: skip
        assert authorize(policy(*statements), routed(), simple=False).allowed is allowed


def test_the_context_goes_on_with_the_principal():
    """A simple answer has none."""
    told = authorize({**POLICY, "context": {"a": "b"}}, routed(), simple=False)
    assert told.context == {"principalId": "ana", "a": "b"}
    assert authorize({**SIMPLE, "context": {"a": 1}}, routed(), simple=True).context == {"a": 1}
    assert authorize(SIMPLE, routed(), simple=True).context == {}


def test_answers_are_kept_for_their_time_and_their_key():
    """To the second."""
    results, key = Results(), ("authorizer", "v1", "ana")
    assert results.recall(key, NOW) is None
    results.keep(key, SIMPLE, NOW, 60)
    assert results.recall(key, NOW + timedelta(seconds=59)) == SIMPLE
    for other in (("authorizer", "v1", "eve"), ("authorizer", "v2", "ana"), ("x", "v1", "ana")):
        assert results.recall(other, NOW) is None
    assert results.recall(key, NOW + timedelta(seconds=60)) is None
    assert results.recall(key, NOW) is None
