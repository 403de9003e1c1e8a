"""Reading policies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError, UnsupportedError
from pkilab.iam import read_policy
from pkilab.iam.documents import KINDS

VERSION = "2012-10-17"
ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def document(statement, **elements):
    return {"Version": VERSION, "Statement": statement, **elements}


def test_a_document_is_read_into_its_statements():
    """One statement or a list of them; names as they were given."""
    policy = read_policy(
        document([ALLOW | {"Sid": "One"}, ALLOW | {"Effect": "Deny"}]), kind="identity", name="p"
    )
    assert (policy.kind, policy.name, policy.version) == ("identity", "p", VERSION)
    assert [(each.sid, each.effect) for each in policy.statements] == [
        ("One", "Allow"),
        ("", "Deny"),
    ]
    assert len(read_policy(document(ALLOW), kind="identity").statements) == 1


def test_text_and_mapping_are_the_same_and_read_once():
    """The second time it is the same object."""
    first = read_policy(document(ALLOW), kind="identity", name="p")
    assert read_policy(json.dumps(document(ALLOW)), kind="identity", name="p") is first
    assert hash(first) == hash(read_policy(document(ALLOW), kind="identity", name="p"))
    assert read_policy(document(ALLOW), kind="boundary", name="p") != first


def test_a_document_tells_which_condition_keys_it_asks_for():
    """In conditions and in variables of both places."""
    statement = ALLOW | {
        "Resource": "arn:aws:s3:::home/${aws:username}/${*}",
        "Condition": {
            "Null": {"aws:MultiFactorAuthAge": "false"},
            "StringLike": {"s3:prefix": ["a", "${aws:PrincipalTag/Team, 'none'}"]},
        },
    }
    policy = read_policy(document([statement, ALLOW]), kind="identity")
    assert policy.context_keys == (
        "aws:multifactorauthage", "aws:principaltag/team", "aws:username", "s3:prefix",
    )  # fmt: skip
    assert read_policy(document(ALLOW), kind="identity").context_keys == ()


def test_a_document_without_a_version_is_of_the_first():
    """IAM User Guide, "IAM JSON policy elements: Version"."""
    assert read_policy({"Statement": ALLOW}, kind="identity").version == "2008-10-17"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("x", "Statement: found \"'x'\", expected an object"),
        (ALLOW | {"Actions": "s3:*"}, "found Actions"),
        ({"Action": "s3:*", "Resource": "*"}, "Effect: found None, expected Allow or Deny"),
        (ALLOW | {"Effect": "allow"}, "Effect: found 'allow'"),
        ({"Effect": "Allow", "Resource": "*"}, "found none, expected Action or NotAction"),
        ({"Effect": "Allow", "Action": "s3:*"}, "found none, expected Resource or NotResource"),
        (ALLOW | {"NotAction": "s3:*"}, "found Action and NotAction, expected one of them"),
        (ALLOW | {"NotResource": "*"}, "found Resource and NotResource"),
        (ALLOW | {"Action": []}, "Statement.Action: found '\\[\\]'"),
        (ALLOW | {"Action": 1}, "Statement.Action"),
        (ALLOW | {"Action": "GetObject"}, "a service, a colon and an action"),
        (ALLOW | {"Action": "s3:"}, "a service, a colon and an action"),
        (ALLOW | {"Action": " s3:GetObject"}, "a service, a colon and an action"),
        (ALLOW | {"Resource": [""]}, "Statement.Resource"),
        (ALLOW | {"Resource": "bucket/*"}, "expected an ARN or"),
        (ALLOW | {"Sid": "not a name"}, "Sid: found 'not a name', expected letters and digits"),
        (ALLOW | {"Sid": 1}, "Sid"),
        (ALLOW | {"Principal": "*"}, "found Principal, expected none"),
        (ALLOW | {"NotPrincipal": "*"}, "found NotPrincipal, expected none"),
    ],
)
def test_an_identity_policys_statement_that_cannot_be(statement, words):
    """IAM User Guide, "Grammar of the IAM JSON policy language"."""
    with pytest.raises(MalformedError, match=words):
        read_policy(document(statement), kind="identity")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("", "expected JSON"),
        ("[]", "a JSON object"),
        ("{}", "Statement: found none"),
        ('{"Statement": []}', "Statement: found none"),
        (f'{{"Version": "{VERSION}"', "expected JSON"),
        ('{"Version": NaN, "Statement": []}', "found NaN"),
        ('{"Statement": 1, "Statement": 2}', "found Statement twice"),
        ('{"Statement": {"Effect": "Deny", "Effect": "Allow"}}', "found Effect twice"),
        ("[" * 100_000, "expected JSON"),
        ({"Version": "2012-10-18", "Statement": ALLOW}, "Version: found '2012-10-18'"),
        ({"Version": ["2012-10-17"], "Statement": ALLOW}, "Version"),
        ({"Version": VERSION, "Statement": ALLOW, "Comment": ""}, "found Comment"),
        ({"Version": VERSION, "Statement": ALLOW, "Id": "a"}, "found Id, expected none"),
        ({"Statement": [ALLOW | {"Sid": "A"}, ALLOW | {"Sid": "A"}]}, "A twice"),
        ({"Statement": object()}, "found dict, expected JSON"),
    ],
)
def test_a_document_that_cannot_be(policy, words):
    """Elements once each, statement ids unique, and JSON to begin with."""
    with pytest.raises(MalformedError, match=words):
        read_policy(policy, kind="identity")


def test_a_resource_policy_needs_principals_and_may_leave_out_the_resource():
    """A trust policy has none. An Id, and a Sid with blanks, are its service's business."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": "111122223333"},
    }
    read_policy(document(statement), kind="resource")
    read_policy(document(ALLOW | {"Principal": "*", "Sid": "a b"}, Id="x"), kind="resource")
    with pytest.raises(MalformedError, match="expected Principal or NotPrincipal"):
        read_policy(document(ALLOW), kind="resource")
    with pytest.raises(MalformedError, match="Id: found 1"):
        read_policy(document(ALLOW | {"Principal": "*"}, Id=1), kind="resource")


def test_not_principal_goes_with_deny_alone():
    """With Allow it would allow everyone else; AWS does not support it."""
    statement = ALLOW | {"NotPrincipal": {"AWS": "111122223333"}}
    read_policy(document(statement | {"Effect": "Deny"}), kind="resource")
    with pytest.raises(MalformedError, match="found NotPrincipal with Allow, expected Deny"):
        read_policy(document(statement), kind="resource")


def test_a_resource_control_policy_is_for_everyone():
    """AWS Organizations User Guide, "RCP syntax": Principal must be the star."""
    statement = ALLOW | {"Effect": "Deny", "Principal": "*"}
    read_policy(document(statement), kind="resource control")
    for wrong in ({"Principal": {"AWS": "111122223333"}}, {"NotPrincipal": "*", "Principal": None}):
        with pytest.raises(MalformedError):
            read_policy(document(statement | wrong), kind="resource control")


def test_the_kind_is_one_of_seven():
    """Anything else is a mistake of the caller's."""
    with pytest.raises(MalformedError, match="kind: found 'trust'"):
        read_policy(document(ALLOW), kind="trust")


TEXTS = st.sampled_from(
    ["*", "s3:*", "s3:Get?bject", "kms:Sign ", "arn:aws:s3:::a/*", "arn:aws:s3:::${aws:username}",
     "${", "aws:username", "aws:TagKeys", "StringEquals", "ForAnyValue:StringLike", "Null", "Allow",
     "Deny", VERSION, "2008-10-17", "111122223333", "true", "acm.amazonaws.com"]
) | st.text(max_size=6)  # fmt: skip
NAMES = st.sampled_from(
    ["Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action",
     "NotAction", "Resource", "NotResource", "Condition", "AWS", "Service", "StringEquals", "Bool",
     "IpAddress", "NumericEquals", "DateLessThan", "BinaryEquals", "aws:username", "aws:SourceIp",
     "ForAllValues:StringLike", "aws:TagKeys", "Null"]
) | st.text(max_size=4)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6)
)
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": TEXTS, "Resource": TEXTS},
    optional={
        "Sid": TEXTS,
        "Principal": VALUES,
        "Condition": st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=2), max_size=2),
    },
)
ANYTHING = VALUES | st.fixed_dictionaries(
    {"Statement": STATEMENTS | st.lists(STATEMENTS, max_size=3)},
    optional={"Version": st.sampled_from([VERSION, "2008-10-17", "2020-01-01"])},
)


@given(policy=ANYTHING, kind=st.sampled_from(KINDS))
def test_only_declared_errors_leave(policy, kind):
    """And what is read comes back from its own text."""
    try:
        found = read_policy(json.dumps(policy), kind=kind, name="p")
    except (MalformedError, UnsupportedError):
        return
    assert read_policy(found.text, kind=kind, name="p") == found


@given(st.text() | st.text('{}[]":,\\u0 eE1.-', max_size=30))
def test_only_declared_errors_leave_for_any_text(text):
    """Hardly any of it is JSON."""
    with pytest.raises((MalformedError, UnsupportedError)):
        read_policy(text, kind="identity")


@given(VALUES)
def test_only_declared_errors_leave_for_any_mapping(value):
    """What is not a mapping included."""
    with pytest.raises((MalformedError, UnsupportedError)):
        read_policy({"Statement": value, "Nonsense": 1}, kind="identity")
