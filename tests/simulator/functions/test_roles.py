"""Whether a role lets Lambda assume it."""

import json

import pytest

from pkilab.simulator.functions.roles import trusts_lambda

ALLOW = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
EC2 = {"Service": "ec2.amazonaws.com"}


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
    ],
)
def test_a_role_that_names_lambda_trusts_it(lab, statements):
    """Alone or among others."""
    assert trusts_lambda(made(lab, statements))


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
def test_any_other_role_does_not(lab, statements):
    """Nor one that is denied, or that says when."""
    assert not trusts_lambda(made(lab, statements))


def test_a_role_that_is_not_there_trusts_nobody(lab):
    """In an account of the world, and in one that is not."""
    for account in ("111122223333", "999999999999"):
        assert not trusts_lambda(f"arn:aws:iam::{account}:role/none")
