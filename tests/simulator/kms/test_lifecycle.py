"""Key states: AWS's table, operation by operation."""

import pytest

USING = {
    "Sign": {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"},
    "Verify": {"Message": b"x", "Signature": b"x", "SigningAlgorithm": "ECDSA_SHA_256"},
    "GetPublicKey": {},
    "CreateGrant": {"GranteePrincipal": "arn:aws:iam::111122223333:root", "Operations": ["Sign"]},
}
ROTATING = ("EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand")
CHANGING = {
    "DisableKey": {},
    "EnableKey": {},
    "ScheduleKeyDeletion": {},
    "UpdateKeyDescription": {"Description": "x"},
    "TagResource": {"Tags": [{"TagKey": "k", "TagValue": "v"}]},
    "UntagResource": {"TagKeys": ["k"]},
}
READING = ("DescribeKey", "GetKeyPolicy", "ListKeyPolicies", "ListGrants", "ListResourceTags",
           "GetKeyRotationStatus", "ListAliases")  # fmt: skip


@pytest.mark.parametrize("operation", USING)
def test_a_disabled_key_is_not_used(kms, operation):
    arn = kms.signer()
    kms("DisableKey", KeyId=arn)
    found = kms.metadata(arn)
    assert (found["KeyState"], found["Enabled"]) == ("Disabled", False)
    message = kms.refused("DisabledException", operation, KeyId=arn, **USING[operation])
    assert message == f"{arn} is disabled."


@pytest.mark.parametrize("operation", USING)
def test_a_key_pending_deletion_is_not_used(kms, operation):
    arn = kms.signer()
    kms("ScheduleKeyDeletion", KeyId=arn)
    message = kms.refused("KMSInvalidStateException", operation, KeyId=arn, **USING[operation])
    assert message == f"{arn} is pending deletion."


@pytest.mark.parametrize("operation", ROTATING)
def test_a_key_that_is_not_enabled_is_not_rotated(kms, operation):
    arn = kms.create()
    kms("DisableKey", KeyId=arn)
    kms.refused("DisabledException", operation, KeyId=arn)
    kms("ScheduleKeyDeletion", KeyId=arn)
    kms.refused("KMSInvalidStateException", operation, KeyId=arn)


@pytest.mark.parametrize("operation", CHANGING)
def test_a_disabled_key_is_changed_and_one_pending_deletion_is_not(kms, operation):
    arn = kms.create()
    kms("DisableKey", KeyId=arn)
    kms(operation, KeyId=arn, **CHANGING[operation])
    if operation != "ScheduleKeyDeletion":
        kms("ScheduleKeyDeletion", KeyId=arn)
    message = kms.refused("KMSInvalidStateException", operation, KeyId=arn, **CHANGING[operation])
    assert message == f"{arn} is pending deletion."


@pytest.mark.parametrize("operation", READING)
def test_a_key_in_any_state_is_looked_at(kms, operation):
    arn = kms.create()
    for change in ("DisableKey", "EnableKey", "ScheduleKeyDeletion"):
        kms(change, KeyId=arn)
        kms(operation, KeyId=arn)


def test_the_policy_of_a_key_in_any_state_is_replaced(kms):
    """AWS's table has no mark against PutKeyPolicy."""
    arn = kms.create()
    policy = kms("GetKeyPolicy", KeyId=arn)["Policy"]
    kms("ScheduleKeyDeletion", KeyId=arn)
    assert kms("PutKeyPolicy", KeyId=arn, Policy=policy) == {}


def test_an_enabled_key_is_used_again(kms):
    arn = kms.signer()
    kms("DisableKey", KeyId=arn)
    kms("EnableKey", KeyId=arn)
    assert kms("Sign", KeyId=arn, **USING["Sign"])["Signature"]


@pytest.mark.parametrize(("members", "days"), [({}, 30), ({"PendingWindowInDays": 7}, 7)])
def test_a_key_is_deleted_when_its_waiting_period_ends(kms, members, days):
    arn = kms.signer()
    kms("CreateAlias", AliasName="alias/a", TargetKeyId=arn)
    when = kms.now.timestamp() + days * 86400
    assert kms("ScheduleKeyDeletion", KeyId=arn, **members) == {
        "KeyId": arn,
        "DeletionDate": when,
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": days,
    }
    kms.world.clock.advance(seconds=days * 86400 - 1)
    found = kms.metadata("alias/a")
    assert (found["KeyState"], found["DeletionDate"]) == ("PendingDeletion", when)
    kms.world.clock.advance(seconds=1)
    kms.refused("NotFoundException", "DescribeKey", KeyId=arn)
    kms.refused("NotFoundException", "DescribeKey", KeyId="alias/a")
    assert kms("ListKeys")["Keys"] == kms("ListAliases")["Aliases"] == []


@pytest.mark.parametrize("days", [6, 31])
def test_a_waiting_period_is_from_7_to_30_days(kms, days):
    arn = kms.create()
    message = kms.refused(
        "ValidationException", "ScheduleKeyDeletion", KeyId=arn, PendingWindowInDays=days
    )
    assert f"Value '{days}' at 'pendingWindowInDays'" in message
    assert kms.metadata(arn)["KeyState"] == "Enabled"


def test_a_deletion_that_is_cancelled_leaves_the_key_disabled(kms):
    arn = kms.signer()
    kms("ScheduleKeyDeletion", KeyId=arn)
    assert kms("CancelKeyDeletion", KeyId=arn) == {"KeyId": arn}
    found = kms.metadata(arn)
    assert found["KeyState"] == "Disabled"
    assert "DeletionDate" not in found
    kms.world.clock.advance(days=31)
    kms("EnableKey", KeyId=arn)
    kms("Sign", KeyId=arn, **USING["Sign"])


@pytest.mark.parametrize("state", ["Enabled", "Disabled"])
def test_only_a_deletion_that_is_pending_is_cancelled(kms, state):
    arn = kms.create()
    if state == "Disabled":
        kms("DisableKey", KeyId=arn)
    message = kms.refused("KMSInvalidStateException", "CancelKeyDeletion", KeyId=arn)
    assert message == f"{arn} is not pending deletion."
