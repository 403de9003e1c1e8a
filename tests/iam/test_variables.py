"""Policy variables."""

import pytest

from pkilab.errors import MalformedError, UnsupportedError
from pkilab.iam import Policies, Principal, Request, decide, read_policy

ALICE = Principal("user", "arn:aws:iam::111122223333:user/alice", "111122223333")


def allowed(statement, resource="arn:aws:s3:::home/alice/a", version="2012-10-17", **context):
    policy = read_policy(
        {
            "Version": version,
            "Statement": {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": "*",
                **statement,
            },
        },
        kind="identity",
    )
    keys = {name.replace("__", ":"): value for name, value in context.items()}
    request = Request(ALICE, "s3:GetObject", resource, context=keys)
    return decide(request, Policies(identity=(policy,))).allowed


@pytest.mark.parametrize(
    ("pattern", "context", "expected"),
    [
        ("arn:aws:s3:::home/${aws:username}/*", {"aws__username": "alice"}, True),
        ("arn:aws:s3:::home/${AWS:UserName}/*", {"aws__username": "alice"}, True),
        ("arn:aws:s3:::home/${aws:username}/*", {"aws__username": "bob"}, False),
        ("arn:aws:s3:::home/${aws:username}/*", {}, False),
        ("arn:aws:s3:::home/${aws:username, 'alice'}/*", {}, True),
        ("arn:aws:s3:::home/${aws:username, 'alice'}/*", {"aws__username": "bob"}, False),
        ("arn:aws:s3:::home/${aws:username}/*", {"aws__username": "*"}, False),
        ("arn:aws:s3:::home/${*}", {}, False),
        ("arn:aws:s3:::home/${aws:PrincipalTag/team}/*", {"aws__principaltag/team": "alice"}, True),
    ],
)
def test_a_variable_in_a_resource_is_the_requests_value(pattern, context, expected):
    """IAM User Guide, "IAM policy elements: Variables and tags"; a value's star is a character."""
    assert allowed({"Resource": pattern}, **context) is expected


@pytest.mark.parametrize(
    ("written", "meant"), [("${*}", "*"), ("${?}", "?"), ("${$}", "$"), ("a${*}b", "a*b")]
)
def test_special_characters_are_written_as_variables(written, meant):
    """They are plain characters, not wildcards."""
    statement = {"Resource": f"arn:aws:s3:::home/{written}"}
    assert allowed(statement, resource=f"arn:aws:s3:::home/{meant}")
    assert not allowed(statement, resource="arn:aws:s3:::home/x")


def test_a_variable_without_a_value_takes_its_whole_statement_along():
    """The other resource does not apply either: AWS calls such a statement invalid."""
    both = ["arn:aws:s3:::home/alice/*", "arn:aws:s3:::home/${aws:username}/*"]
    assert allowed({"Resource": both}, aws__username="bob")
    assert not allowed({"Resource": both})


def test_a_not_resource_whose_variable_has_no_value_does_not_apply():
    """Otherwise it would cover everything."""
    policy = read_policy(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Action": "*",
                "NotResource": "arn:aws:s3:::home/${aws:username}",
            },
        },
        kind="identity",
    )
    for context, expected in (({"aws:username": "bob"}, True), ({}, False)):
        request = Request(ALICE, "s3:GetObject", "arn:aws:s3:::home/alice", context=context)
        assert decide(request, Policies(identity=(policy,))).allowed is expected


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "StringNotEquals"])
def test_a_variable_in_a_condition_without_a_value_lets_nothing_match(operator):
    """Not even the negated operator."""
    condition = {"Condition": {operator: {"s3:prefix": "${aws:username}/"}}}
    assert not allowed(condition, s3__prefix="alice/")
    same = allowed(condition, s3__prefix="alice/", aws__username="alice")
    assert same is (operator != "StringNotEquals")


def test_the_users_guides_home_directories():
    """IAM User Guide, "Condition operators", martha_rivera, nikki_wolf and nobody."""
    condition = {"Condition": {"StringLike": {"s3:prefix": ["home/", "home/${aws:username}/"]}}}
    assert allowed(condition, s3__prefix="home/martha_rivera/", aws__username="martha_rivera")
    assert not allowed(condition, s3__prefix="home/martha_rivera/", aws__username="nikki_wolf")
    assert not allowed(condition, s3__prefix="home/")


def test_bool_takes_variables_too():
    """As the operators' page says; a text that is no boolean matches nothing."""
    condition = {"Condition": {"Bool": {"aws:SecureTransport": "${aws:PrincipalTag/tls}"}}}
    tag = "aws__principaltag/tls"
    assert allowed(condition, aws__securetransport="true", **{tag: "True"})
    assert not allowed(condition, aws__securetransport="true", **{tag: "false"})
    assert not allowed(condition, aws__securetransport="true", **{tag: "maybe"})


def test_the_first_version_of_the_language_has_no_variables():
    """2008-10-17 takes the same text literally."""
    pattern = {"Resource": "arn:aws:s3:::home/${aws:username}/*"}
    assert not allowed(pattern, version="2008-10-17", aws__username="alice")
    literal = "arn:aws:s3:::home/${aws:username}/a"
    assert allowed(pattern, resource=literal, version="2008-10-17", aws__username="alice")


@pytest.mark.parametrize(
    ("resource", "error", "words"),
    [
        ("arn:aws:s3:::home/${aws:username", MalformedError, "a } after"),
        ("arn:aws:s3:::home/${}", MalformedError, r"expected \$\{key\}"),
        ("arn:aws:s3:::home/${aws:username, alice}", MalformedError, "'default'"),
        ("arn:aws:s3:::home/${aws:nonsense}", UnsupportedError, "the policy variable aws:nonsense"),
        ("arn:aws:s3:::home/${aws:TagKeys}", UnsupportedError, "many values"),
        ("arn:aws:s3:::${aws:username}", None, ""),
        ("arn:aws:s3::${aws:PrincipalAccount}:x", MalformedError, "after the fifth colon"),
    ],
)
def test_variables_that_cannot_be_are_refused(resource, error, words):
    """And the place is named."""
    if error is None:
        assert allowed({"Resource": resource}, resource="arn:aws:s3:::bob", aws__username="bob")
        return
    with pytest.raises(error, match=words) as caught:
        allowed({"Resource": resource})
    assert "Statement.Resource" in str(caught.value)
