"""AWS managed keys: who may do what to them, and that each account and Region has its own."""

import json
from dataclasses import replace

import pytest

from pkilab.iam import Policies, Principal, Request, decide, read_policy
from pkilab.simulator.service import AwsError, run

OWNER, OTHER = "111122223333", "444455556666"


@pytest.mark.parametrize("service", ["ssm", "secretsmanager"])
def test_a_key_is_made_once_for_each_account_and_region(kms, service):
    """And is found by its alias."""
    first = kms.service.managed_key(kms.call(), service)
    assert kms.service.managed_key(kms.call(), service) is first
    assert kms.metadata(f"alias/aws/{service}")["Arn"] == first.arn
    others = {
        kms.service.managed_key(kms.call(account=OTHER), service).arn,
        kms.service.managed_key(kms.call(region="eu-west-1"), service).arn,
    }
    assert len(others | {first.arn}) == 3
    assert kms.metadata(first.key_id)["KeyManager"] == "AWS"
    assert kms.metadata(kms.create())["KeyManager"] == "CUSTOMER"


def test_it_is_used_through_its_service_and_from_its_account_alone(kms):
    """Whoever comes by themselves, through another service or from elsewhere is refused."""
    key = kms.service.managed_key(kms.call(), "ssm")
    through = replace(kms.call(), via=("ssm.amazonaws.com",))
    asked = {"KeyId": key.arn, "Plaintext": b"m"}
    blob = run(kms.service, "Encrypt", asked, through)["CiphertextBlob"]
    opened = run(kms.service, "Decrypt", {"CiphertextBlob": blob}, through)
    assert opened["Plaintext"] == b"m"
    for call in (
        kms.call(),
        replace(kms.call(), via=("s3.amazonaws.com",)),
        replace(kms.call(account=OTHER), via=("ssm.amazonaws.com",)),
    ):
        for operation, members in (("Encrypt", asked), ("Decrypt", {"CiphertextBlob": blob})):
            with pytest.raises(AwsError, match="AccessDeniedException"):
                run(kms.service, operation, members, call)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("ScheduleKeyDeletion", {}),
        ("DisableKey", {}),
        ("DisableKeyRotation", {}),
        ("UpdateKeyDescription", {"Description": "mine"}),
        ("TagResource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        ("PutKeyPolicy", {"Policy": "{}"}),
    ],
)
def test_it_is_not_changed_or_deleted(kms, operation, members):
    """Its alias neither; reading about it is open to the account."""
    key = kms.service.managed_key(kms.call(), "ssm")
    kms.refused("AccessDeniedException", operation, KeyId=key.arn, **members)
    kms.refused("NotAuthorizedException", "DeleteAlias", AliasName="alias/aws/ssm")
    assert kms("GetKeyRotationStatus", KeyId=key.arn)["KeyRotationEnabled"]
    assert kms.metadata(key.arn)["KeyState"] == "Enabled"


@pytest.mark.parametrize("service", ["ssm", "secretsmanager"])
def test_the_key_policy_says_the_same(kms, service):
    """The engine, asked for the policy alone."""
    key = kms.service.managed_key(kms.call(), service)
    document = read_policy(json.loads(key.policy), kind="resource", name="key policy")
    policies = Policies(resource=(document,), requires_resource_policy=True)
    user = Principal("user", f"arn:aws:iam::{OWNER}:user/u", OWNER)
    for action, via, account, allowed in (
        ("kms:Decrypt", f"{service}.us-east-1.amazonaws.com", OWNER, True),
        ("kms:GenerateDataKey", f"{service}.us-east-1.amazonaws.com", OWNER, True),
        ("kms:Decrypt", "s3.us-east-1.amazonaws.com", OWNER, False),
        ("kms:Decrypt", f"{service}.us-east-1.amazonaws.com", OTHER, False),
        ("kms:ScheduleKeyDeletion", f"{service}.us-east-1.amazonaws.com", OWNER, False),
    ):
        context = {"kms:calleraccount": account, "kms:viaservice": via}
        request = Request(user, action, key.arn, OWNER, context)
        assert decide(request, policies).allowed is allowed, (action, via, account)
