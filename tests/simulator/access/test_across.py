"""Accounts kept apart where policies are not enforced."""

import json

import pytest

from pkilab.simulator.access import Resource
from pkilab.simulator.access.across import AcrossAccounts
from pkilab.simulator.service import AwsError
from tests.simulator.access.conftest import MAIN, OTHER

FOREIGN = f"arn:aws:acm-pca:us-east-1:{OTHER}:certificate-authority/1"
OWN = FOREIGN.replace(OTHER, MAIN)
READ = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow", "Principal": {"AWS": MAIN}, "Resource": FOREIGN,
        "Action": "acm-pca:DescribeCertificateAuthority",
    },
}  # fmt: skip


@pytest.fixture
def gate(fakes):
    """Make a gate in front of the other account's CA, which may have a policy."""

    def make(policy=None):
        facts = fakes.facts({FOREIGN: Resource(FOREIGN, OTHER, policy=policy)})
        return AcrossAccounts(fakes.identities(), facts, fakes.organizations())

    return make


def named(arn=FOREIGN):
    return {"CertificateAuthorityArn": arn}


def test_in_ones_own_account_everybody_may_everything(gate, fakes):
    """So too what names no account, and other services' resources."""
    door = gate()
    door.admit("acm-pca", "DeleteCertificateAuthority", named(OWN), fakes.call())
    door.admit("acm-pca", "ListCertificateAuthorities", {}, fakes.call())
    door.admit("acm-pca", "DescribeCertificateAuthority", named("nonsense"), fakes.call())
    door.admit("s3", "GetObject", {"Bucket": "b", "Key": "k"}, fakes.call())
    door.admit_anyone("s3:GetObject", "arn:aws:s3:::b/k", OTHER, fakes.call())
    assert not door.decisions


def test_over_another_accounts_ca_its_policy_decides(gate, fakes):
    """The action that it allows, and no other; without a policy, none."""
    door = gate(json.dumps(READ))
    door.admit("acm-pca", "DescribeCertificateAuthority", named(), fakes.call())
    for operation, policy in (
        ("GetCertificateAuthorityCsr", json.dumps(READ)), ("DescribeCertificateAuthority", None),
    ):  # fmt: skip
        with pytest.raises(AwsError, match="no resource-based policy allows") as caught:
            gate(policy).admit("acm-pca", operation, named(), fakes.call())
        assert caught.value.code == "AccessDeniedException"
    with pytest.raises(AwsError, match="acm-pca:PutPolicy"):
        gate().admit("acm-pca", "PutPolicy", {"ResourceArn": FOREIGN}, fakes.call())


def test_organizations_bound_nobody_and_are_known_all_the_same(fakes):
    """No service control policy counts; a condition on the organization holds, or does not."""
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-e"}}
    members = {"Principal": "*", "Condition": condition}
    policy = {**READ, "Statement": {**READ["Statement"], **members}}
    facts = fakes.facts({FOREIGN: Resource(FOREIGN, OTHER, policy=json.dumps(policy))})
    nothing = {MAIN: ((),)}  # a level without a policy that allows
    inside = fakes.organizations({MAIN: ("o-e", "o-e/r-e/")}, service_control=nothing)
    asked = ("acm-pca", "DescribeCertificateAuthority", named(), fakes.call())
    AcrossAccounts(fakes.identities(), facts, inside).admit(*asked)
    outside = AcrossAccounts(fakes.identities(), facts, fakes.organizations())
    with pytest.raises(AwsError, match="no resource-based policy allows"):
        outside.admit(*asked)


@pytest.mark.parametrize(
    ("service", "operation", "members"),
    [
        ("secretsmanager", "GetSecretValue", {"SecretId": "arn:{}:secretsmanager:{}:secret:s"}),
        (
            "secretsmanager",
            "DeleteSecret",
            {"SecretId": "arn:{}:secretsmanager:{}:secret:s-AbCdEf"},
        ),
        ("sns", "DeleteTopic", {"TopicArn": "arn:{}:sns:{}:t"}),
        ("sns", "Publish", {"TargetArn": "arn:{}:sns:{}:t"}),
        ("sns", "TagResource", {"ResourceArn": "arn:{}:sns:{}:t"}),
        ("sqs", "ReceiveMessage", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/{1}/q"}),
        ("sqs", "GetQueueUrl", {"QueueName": "q", "QueueOwnerAWSAccountId": "{1}"}),
    ],
)
def test_secrets_queues_and_topics_are_their_owners(gate, fakes, service, operation, members):
    """Without a policy of theirs nobody else has anything of them; their owner has."""

    def named(account):
        place = account if service == "sqs" else f"us-east-1:{account}"
        return {key: value.format("aws", place) for key, value in members.items()}

    gate().admit(service, operation, named(MAIN), fakes.call())
    with pytest.raises(AwsError, match=r"not authorized|no resource-based policy"):
        gate().admit(service, operation, named(OTHER), fakes.call())


def test_a_token_confirms_a_subscription_to_a_topic_of_anybodys(gate, fakes):
    """Whoever got it is who was asked."""
    members = {"TopicArn": f"arn:aws:sns:us-east-1:{OTHER}:t", "Token": "x"}
    gate().admit("sns", "ConfirmSubscription", members, fakes.call())
