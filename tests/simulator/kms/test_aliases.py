"""Second names of keys."""

import pytest

from pkilab.simulator.kms import aliases

OTHER = "444455556666"


def names(kms, **members):
    """The aliases that ListAliases shows."""
    return [one["AliasName"] for one in kms("ListAliases", **members)["Aliases"]]


def test_an_alias_is_made_listed_moved_and_deleted(kms):
    first, second = kms.signer(), kms.signer()
    created = kms.now.timestamp()
    assert kms("CreateAlias", AliasName="alias/release", TargetKeyId=first) == {}
    listed = {
        "AliasName": "alias/release",
        "AliasArn": "arn:aws:kms:us-east-1:111122223333:alias/release",
        "TargetKeyId": first.rpartition("/")[2],
        "CreationDate": created,
        "LastUpdatedDate": created,
    }
    assert kms("ListAliases") == {"Aliases": [listed], "Truncated": False}
    kms.world.clock.advance(days=1)
    kms("UpdateAlias", AliasName="alias/release", TargetKeyId=second)
    moved = {
        **listed,
        "TargetKeyId": second.rpartition("/")[2],
        "LastUpdatedDate": kms.now.timestamp(),
    }
    assert kms("ListAliases")["Aliases"] == [moved]
    assert names(kms, KeyId=first) == []
    assert names(kms, KeyId=second) == ["alias/release"]
    assert kms("DeleteAlias", AliasName="alias/release") == {}
    assert names(kms) == []
    kms.refused("NotFoundException", "DescribeKey", KeyId="alias/release")
    assert kms.metadata(second)["KeyState"] == "Enabled"


def test_an_asymmetric_key_is_rotated_by_its_alias(kms):
    """New signatures come from the new key; the old one still verifies what it signed."""
    old, new = kms.signer(), kms.signer()
    kms("CreateAlias", AliasName="alias/release", TargetKeyId=old)
    signing = {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
    before = kms("Sign", KeyId="alias/release", **signing)
    kms("UpdateAlias", AliasName="alias/release", TargetKeyId=new)
    after = kms("Sign", KeyId="alias/release", **signing)
    assert (before["KeyId"], after["KeyId"]) == (old, new)
    kms("Verify", KeyId=before["KeyId"], Signature=before["Signature"], **signing)
    kms.refused(
        "KMSInvalidSignatureException",
        "Verify",
        KeyId="alias/release",
        Signature=before["Signature"],
        **signing,
    )


@pytest.mark.parametrize("operation", ["CreateAlias", "UpdateAlias", "DeleteAlias"])
@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("release", "ValidationException",
         'Alias must start with the prefix "alias/". Please see '
         "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"),
        ("alias/aws/lambda", "NotAuthorizedException", ""),
        ("alias/a:b", "ValidationException",
         "alias/a:b contains invalid characters for an alias"),
        ("alias/", "ValidationException", "alias/ contains invalid characters for an alias"),
    ],
)  # fmt: skip
def test_what_is_no_name_for_an_alias_is_refused(kms, operation, name, code, message):
    members = {} if operation == "DeleteAlias" else {"TargetKeyId": kms.create()}
    assert kms.refused(code, operation, AliasName=name, **members) == message


@pytest.mark.parametrize("name", ["alias/with space", "alias/" + "x" * 251, ""])
def test_the_model_limits_characters_and_length(kms, name):
    kms.refused("ValidationException", "CreateAlias", AliasName=name, TargetKeyId=kms.create())


def test_a_name_is_given_once_in_an_account_and_region(kms):
    key, other = kms.create(), kms.create()
    kms("CreateAlias", AliasName="alias/a", TargetKeyId=key)
    message = kms.refused(
        "AlreadyExistsException", "CreateAlias", AliasName="alias/a", TargetKeyId=other
    )
    arn = "arn:aws:kms:us-east-1:111122223333:alias/a"
    assert message == f"An alias with the name {arn} already exists"
    kms("CreateAlias", AliasName="alias/A", TargetKeyId=other)
    for place in ({"region": "eu-west-1"}, {"account": OTHER}):
        kms("CreateAlias", AliasName="alias/a", TargetKeyId=kms.create(**place), **place)


@pytest.mark.parametrize("operation", ["UpdateAlias", "DeleteAlias"])
def test_an_alias_that_is_not_there_is_not_found(kms, operation):
    members = {} if operation == "DeleteAlias" else {"TargetKeyId": kms.create()}
    message = kms.refused("NotFoundException", operation, AliasName="alias/none", **members)
    assert message == "Alias arn:aws:kms:us-east-1:111122223333:alias/none is not found."


def test_an_alias_is_for_a_key_and_not_for_an_alias(kms):
    kms("CreateAlias", AliasName="alias/a", TargetKeyId=kms.create())
    for target in ("alias/a", "arn:aws:kms:us-east-1:111122223333:alias/a"):
        kms.refused("NotFoundException", "CreateAlias", AliasName="alias/b", TargetKeyId=target)


def test_an_alias_is_for_a_key_of_the_same_account_and_region(kms):
    there = kms.create(region="eu-west-1")
    kms.refused("NotFoundException", "CreateAlias", AliasName="alias/b", TargetKeyId=there)
    theirs = kms.create(account=OTHER)
    kms.refused("AccessDeniedException", "CreateAlias", AliasName="alias/b", TargetKeyId=theirs)


KINDS = [
    ("SYMMETRIC_DEFAULT", None),
    ("ECC_NIST_P256", "SIGN_VERIFY"),
    ("ECC_NIST_P256", "KEY_AGREEMENT"),
    ("RSA_2048", "ENCRYPT_DECRYPT"),
    ("HMAC_256", "GENERATE_VERIFY_MAC"),
]


def test_an_alias_moves_only_to_a_key_of_the_same_type_and_usage(kms):
    made = {kind: kms.create(*kind) for kind in KINDS}
    for old in KINDS:
        kms("CreateAlias", AliasName="alias/a", TargetKeyId=made[old])
        for new in KINDS:
            if new == old:
                kms("UpdateAlias", AliasName="alias/a", TargetKeyId=made[new])
                continue
            message = kms.refused(
                "ValidationException", "UpdateAlias", AliasName="alias/a", TargetKeyId=made[new]
            )
            assert "of the current CMK and the new CMK must be the same." in message
        assert kms.metadata("alias/a")["Arn"] == made[old]
        kms("DeleteAlias", AliasName="alias/a")


def test_specs_may_differ_where_type_and_usage_do_not(kms):
    kms("CreateAlias", AliasName="alias/a", TargetKeyId=kms.signer())
    kms("UpdateAlias", AliasName="alias/a", TargetKeyId=kms.signer("ECC_NIST_P384"))


def test_a_key_pending_deletion_gets_no_alias_and_may_lose_one(kms):
    going, staying = kms.create(), kms.create()
    kms("CreateAlias", AliasName="alias/a", TargetKeyId=going)
    kms("CreateAlias", AliasName="alias/b", TargetKeyId=staying)
    kms("ScheduleKeyDeletion", KeyId=going)
    for operation, name in (("CreateAlias", "alias/c"), ("UpdateAlias", "alias/b")):
        message = kms.refused(
            "KMSInvalidStateException", operation, AliasName=name, TargetKeyId=going
        )
        assert message == f"{going} is pending deletion."
    kms("UpdateAlias", AliasName="alias/a", TargetKeyId=staying)
    assert names(kms, KeyId=going) == []


def test_a_key_has_at_most_50_aliases(kms):
    key, other = kms.create(), kms.create()
    for number in range(aliases.MAXIMUM):
        kms("CreateAlias", AliasName=f"alias/{number}", TargetKeyId=key)
    kms.refused("LimitExceededException", "CreateAlias", AliasName="alias/x", TargetKeyId=key)
    kms("CreateAlias", AliasName="alias/x", TargetKeyId=other)
    kms.refused("LimitExceededException", "UpdateAlias", AliasName="alias/x", TargetKeyId=key)
    kms("UpdateAlias", AliasName="alias/7", TargetKeyId=key)
    assert aliases.MAXIMUM == 50


def test_aliases_are_listed_by_name_in_pages_of_at_most_100(kms):
    key = kms.create()
    for name in ("b", "c", "a"):
        kms("CreateAlias", AliasName=f"alias/{name}", TargetKeyId=key)
    first = kms("ListAliases", Limit=2)
    assert [one["AliasName"] for one in first["Aliases"]] == ["alias/a", "alias/b"]
    rest = kms("ListAliases", Limit=2, Marker=first["NextMarker"])
    assert [one["AliasName"] for one in rest["Aliases"]] == ["alias/c"]
    message = kms.refused("ValidationException", "ListAliases", Limit=101)
    assert message.endswith("Member must have value less than or equal to 100")
    assert names(kms, account=OTHER) == []
