"""How keys are made, named and found."""

import re

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pkilab.simulator.kms import keys
from pkilab.simulator.kms.specs import SPECS
from pkilab.simulator.service import AwsError

OTHER = "444455556666"
NOWHERE = "0" * 8 + "-0000" * 3 + "-" + "0" * 12
# RSA_3072 and RSA_4096 take seconds to make, and differ in length alone.
QUICK = [name for name in SPECS if name not in {"RSA_3072", "RSA_4096"}]


def test_a_key_is_symmetric_and_encrypts_unless_said_otherwise(kms):
    metadata = kms("CreateKey", Description="the first")["KeyMetadata"]
    assert re.fullmatch(r"[0-9a-f]{64}", metadata.pop("CurrentKeyMaterialId"))
    key_id = metadata["KeyId"]
    assert metadata == {
        "AWSAccountId": "111122223333",
        "KeyId": key_id,
        "Arn": f"arn:aws:kms:us-east-1:111122223333:key/{key_id}",
        "CreationDate": kms.now.timestamp(),
        "Enabled": True,
        "Description": "the first",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }


@pytest.mark.parametrize("name", QUICK)
def test_every_spec_makes_a_key_that_lists_its_algorithms(kms, name):
    members = {
        "SIGN_VERIFY": "SigningAlgorithms",
        "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
        "KEY_AGREEMENT": "KeyAgreementAlgorithms",
        "GENERATE_VERIFY_MAC": "MacAlgorithms",
    }
    for usage, algorithms in SPECS[name].algorithms.items():
        arn = kms.create(name, usage)
        found = kms.metadata(arn)
        assert found[members[usage]] == list(algorithms)
        assert [each for each in members.values() if each in found] == [members[usage]]
        assert ("CurrentKeyMaterialId" in found) == (name == "SYMMETRIC_DEFAULT")
        if SPECS[name].is_asymmetric:
            public = kms("GetPublicKey", KeyId=arn)
            load_der_public_key(public["PublicKey"])
            assert public.get(members[usage]) == list(algorithms)
            assert (public["KeySpec"], public["KeyUsage"]) == (name, usage)
        else:
            kms.refused("UnsupportedOperationException", "GetPublicKey", KeyId=arn)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"KeySpec": "ECC_NIST_P256"},
         "You must specify a KeyUsage value for all KMS keys except for symmetric encryption "
         "keys."),
        ({"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"},
         "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"),
        ({"KeyUsage": "SIGN_VERIFY"},
         "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT"),
        ({"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
         "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
         "CustomerMasterKeySpec is deprecated."),
    ],
)  # fmt: skip
def test_spec_and_usage_must_go_together(kms, members, message):
    assert kms.refused("ValidationException", "CreateKey", **members) == message
    assert kms("ListKeys")["Keys"] == []


def test_the_old_name_of_the_spec_still_makes_a_key(kms):
    made = kms("CreateKey", CustomerMasterKeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")
    assert made["KeyMetadata"]["KeySpec"] == "ECC_NIST_P384"


@pytest.mark.parametrize(
    "members",
    [
        {"Origin": "EXTERNAL"},
        {"Origin": "AWS_CLOUDHSM"},
        {"CustomKeyStoreId": "cks-1"},
        {"XksKeyId": "x"},
        {"MultiRegion": True},
        {"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"},
    ],
)
def test_keys_that_are_not_simulated_are_refused(kms, members):
    assert "not simulated by pkilab" in kms.refused("NotImplemented", "CreateKey", **members)


def test_the_same_seed_makes_the_same_keys(open_kms):
    def world(seed):
        kms = open_kms(seed=seed)
        signer, cipher = kms.signer(), kms.create()
        made = kms("Encrypt", KeyId=cipher, Plaintext=b"x")["CiphertextBlob"]
        return signer, kms("GetPublicKey", KeyId=signer)["PublicKey"], made

    assert world("a") == world("a")
    assert not set(world("a")) & set(world("b"))


def test_keys_of_two_regions_and_accounts_differ(kms):
    arns = [kms.create(), kms.create(region="eu-west-1"), kms.create(account=OTHER)]
    assert len({arn.rpartition("/")[2] for arn in arns}) == 3
    assert kms.create(region="cn-north-1").startswith("arn:aws-cn:kms:cn-north-1:")


def test_a_key_answers_to_four_names(kms):
    arn = kms.create()
    key_id = arn.rpartition("/")[2]
    kms("CreateAlias", AliasName="alias/four", TargetKeyId=key_id)
    for name in (arn, key_id, "alias/four", arn.replace(f"key/{key_id}", "alias/four")):
        assert kms.metadata(name)["Arn"] == arn
        kms("Encrypt", KeyId=name, Plaintext=b"x")


HERE = "arn:aws:kms:us-east-1:111122223333:"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (NOWHERE, f"Key '{HERE}key/{NOWHERE}' does not exist"),
        (f"{HERE}key/{NOWHERE}", f"Key '{HERE}key/{NOWHERE}' does not exist"),
        ("mrk-" + "0" * 32, f"Key '{HERE}key/mrk-{'0' * 32}' does not exist"),
        ("fake-key-id", "Invalid keyId 'fake-key-id'"),
        (NOWHERE.replace("-", ""), f"Invalid keyId '{NOWHERE.replace('-', '')}'"),
        ("alias/none", f"Alias {HERE}alias/none is not found."),
        (f"{HERE}alias/none", f"Alias {HERE}alias/none is not found."),
        (f"arn:aws:kms:eu-west-1:111122223333:key/{NOWHERE}", "Invalid arn eu-west-1"),
        ("arn:aws:s3:::bucket", "Invalid arn arn:aws:s3:::bucket"),
        (f"{HERE}secret/x", f"Invalid arn {HERE}secret/x"),
    ],
)
def test_what_names_no_key_is_not_found(kms, name, message):
    """In the sentences recorded from KMS."""
    for operation in ("DescribeKey", "GetPublicKey"):
        assert kms.refused("NotFoundException", operation, KeyId=name) == message


def test_a_key_of_another_region_is_not_found_by_its_arn(kms):
    arn = kms.create(region="eu-west-1")
    assert kms.refused("NotFoundException", "DescribeKey", KeyId=arn) == "Invalid arn eu-west-1"
    assert kms.metadata(arn, region="eu-west-1")["Arn"] == arn


MANAGING = {
    "EnableKey": {}, "DisableKey": {}, "CancelKeyDeletion": {}, "ScheduleKeyDeletion": {},
    "UpdateKeyDescription": {"Description": "x"}, "GetKeyPolicy": {}, "ListKeyPolicies": {},
    "PutKeyPolicy": {"Policy": "{}"}, "TagResource": {"Tags": [{"TagKey": "k", "TagValue": "v"}]},
    "UntagResource": {"TagKeys": ["k"]}, "ListResourceTags": {}, "EnableKeyRotation": {},
    "DisableKeyRotation": {}, "RotateKeyOnDemand": {}, "ListKeyRotations": {}, "ListAliases": {},
}  # fmt: skip


@pytest.mark.parametrize("operation", MANAGING)
def test_a_key_is_managed_by_its_id_or_arn_and_in_its_own_account(kms, operation):
    """As the pages with "Cross-account use: No" have it; an alias is not taken either."""
    arn = kms.create()
    kms("CreateAlias", AliasName="alias/a", TargetKeyId=arn)
    members = MANAGING[operation]
    for alias in ("alias/a", f"{HERE}alias/a"):
        assert "Invalid" in kms.refused("NotFoundException", operation, KeyId=alias, **members)
    message = kms.refused("AccessDeniedException", operation, account=OTHER, KeyId=arn, **members)
    assert message == (
        f"User: arn:aws:iam::{OTHER}:user/someone is not authorized to perform: kms:{operation} on "
        "this resource because the resource does not exist in this Region, no resource-based "
        "policies allow access, or a resource-based policy explicitly denies access"
    )


def test_another_accounts_key_is_used_by_its_arns_and_by_nothing_else(kms):
    arn = kms.create()
    key_id = arn.rpartition("/")[2]
    kms("CreateAlias", AliasName="alias/a", TargetKeyId=arn)
    for name in (arn, f"{HERE}alias/a"):
        assert kms.metadata(name, account=OTHER)["AWSAccountId"] == "111122223333"
        kms("Encrypt", account=OTHER, KeyId=name, Plaintext=b"x")
    for name in (key_id, "alias/a"):
        kms.refused("NotFoundException", "DescribeKey", account=OTHER, KeyId=name)
    assert kms("GetKeyRotationStatus", account=OTHER, KeyId=arn)["KeyRotationEnabled"] is False


@pytest.mark.parametrize("kind", ["key", "alias"])
def test_another_accounts_missing_key_is_not_told_from_a_forbidden_one(kms, kind):
    name = f"{HERE}{kind}/{NOWHERE}"
    message = kms.refused("AccessDeniedException", "DescribeKey", account=OTHER, KeyId=name)
    assert "the resource does not exist in this Region, no resource-based policies" in message


def test_keys_are_listed_in_pages_in_order_of_creation(kms):
    arns = [kms.create() for _ in range(3)]
    kms.create(account=OTHER)
    kms.create(region="eu-west-1")
    first = kms("ListKeys", Limit=2)
    assert first["Truncated"] is True
    rest = kms("ListKeys", Limit=2, Marker=first["NextMarker"])
    assert rest["Truncated"] is False
    assert "NextMarker" not in rest
    found = [*first["Keys"], *rest["Keys"]]
    assert [one["KeyArn"] for one in found] == arns
    assert [one["KeyId"] for one in found] == [arn.rpartition("/")[2] for arn in arns]
    kms.refused("InvalidMarkerException", "ListKeys", Marker="x")
    kms.refused("InvalidMarkerException", "ListKeys", account=OTHER, Marker=first["NextMarker"])
    kms.refused("NotImplemented", "ListKeys", ResourceOwners=["OTHER_ACCOUNTS_VIA_RAM"])


def test_an_account_has_a_quota_of_keys(kms, monkeypatch):
    monkeypatch.setattr(keys, "KEYS", 1)
    arn = kms.create()
    kms.refused("LimitExceededException", "CreateKey")
    kms.create(account=OTHER)
    kms("ScheduleKeyDeletion", KeyId=arn, PendingWindowInDays=7)
    kms.refused("LimitExceededException", "CreateKey")
    kms.world.clock.advance(days=7)
    kms.create()


def test_who_decides_finds_keys_as_an_operation_does(kms):
    arn = kms.create()
    kms("CreateAlias", AliasName="alias/a", TargetKeyId=arn)
    call, other = kms.call(), kms.call(account=OTHER)
    find = kms.service.keys.find
    assert find(call, "alias/a", "DescribeKey").arn == arn
    assert find(other, arn, "Sign").account == "111122223333"
    with pytest.raises(AwsError, match="AccessDenied"):
        find(other, arn, "PutKeyPolicy")


def test_no_private_key_is_in_a_repr(kms):
    key = kms.service.keys.by_arn(kms.create())
    assert key.material.secret.hex() not in repr(key)
    assert "KeyMaterial" not in repr(key)
