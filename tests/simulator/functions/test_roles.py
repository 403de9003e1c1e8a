"""Whether a role lets Lambda assume it, and what a function gets of it."""

import json

import pytest

from pkilab.simulator.functions.roles import ExecutionRoles
from pkilab.simulator.service import AwsError

ALLOW = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
EC2 = {"Service": "ec2.amazonaws.com"}
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:f"


@pytest.fixture
def roles(lab):
    return ExecutionRoles(lab._place.gateway.identities)


def made(lab, statements):
    """Return a role that trusts as the statements say."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam = lab.client("iam")
    return iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy)["Role"]["Arn"]


@pytest.mark.parametrize(
    "statements",
    [
        ALLOW,
        [{**ALLOW, "Principal": EC2}, ALLOW],
        [{**ALLOW, "Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}}],
        [{**ALLOW, "Action": ["sts:TagSession", "sts:AssumeRole"]}],
        [ALLOW, {**ALLOW, "Effect": "Deny", "Principal": EC2}],
        {**ALLOW, "Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}}},
    ],
)
def test_a_role_that_names_lambda_trusts_it(lab, roles, statements):
    """Alone or among others."""
    assert roles.trust_lambda(made(lab, statements))


@pytest.mark.parametrize(
    "statements",
    [
        {**ALLOW, "Principal": EC2},
        {**ALLOW, "Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        {**ALLOW, "Action": "sts:TagSession"},
        {**ALLOW, "Effect": "Deny"},
        [ALLOW, {**ALLOW, "Effect": "Deny"}],
        {**ALLOW, "Condition": {"StringEquals": {"aws:SourceAccount": "444455556666"}}},
    ],
)
def test_any_other_role_does_not(lab, roles, statements):
    """Nor one that is denied, or that asks for what Lambda does not say."""
    assert not roles.trust_lambda(made(lab, statements))


def test_a_trust_policy_that_is_not_modelled_is_not_guessed(lab, roles):
    """It is refused, and Lambda is not let in."""
    condition = {"StringEquals": {"made:Up": "x"}}
    with pytest.raises(AwsError) as caught:
        roles.trust_lambda(made(lab, {**ALLOW, "Condition": condition}))
    assert caught.value.code == "NotImplemented"


def test_a_role_that_is_not_there_trusts_nobody(roles):
    """In an account of the world, and in one that is not."""
    for account in ("111122223333", "999999999999"):
        role = f"arn:aws:iam::{account}:role/none"
        assert not roles.trust_lambda(role)
        assert roles.assume(role, FUNCTION) == {}


def test_a_function_calls_as_its_role(lab, roles):
    """The session is named after the function."""
    variables = roles.assume(made(lab, ALLOW), FUNCTION)
    credentials = {
        "AccessKeyId": variables["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": variables["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": variables["AWS_SESSION_TOKEN"],
    }
    caller = lab.client("sts", credentials=credentials).get_caller_identity()
    assert caller["Arn"] == "arn:aws:sts::111122223333:assumed-role/r/f"
