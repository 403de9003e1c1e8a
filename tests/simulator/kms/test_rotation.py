"""Rotation of symmetric keys."""

from datetime import timedelta

import pytest

from pkilab.simulator.kms import rotation

OPERATIONS = ("EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand", "ListKeyRotations")
KINDS = [
    ("ECC_NIST_P256", "SIGN_VERIFY"),
    ("ECC_NIST_P256", "KEY_AGREEMENT"),
    ("HMAC_256", "GENERATE_VERIFY_MAC"),
]


def status(kms, arn):
    """What GetKeyRotationStatus says."""
    return kms("GetKeyRotationStatus", KeyId=arn)


def material(kms, arn):
    """The id of the material that encrypts."""
    return kms.metadata(arn)["CurrentKeyMaterialId"]


def rotations(kms, arn, **members):
    """What ListKeyRotations shows."""
    return kms("ListKeyRotations", KeyId=arn, **members)["Rotations"]


@pytest.mark.parametrize(("members", "days"), [({}, 365), ({"RotationPeriodInDays": 90}, 90)])
def test_a_key_is_rotated_every_so_many_days(kms, members, days):
    arn = kms.create()
    assert status(kms, arn) == {"KeyId": arn, "KeyRotationEnabled": False}
    assert kms("EnableKeyRotation", KeyId=arn, **members) == {}
    first, start = material(kms, arn), kms.now
    assert status(kms, arn) == {
        "KeyId": arn,
        "KeyRotationEnabled": True,
        "RotationPeriodInDays": days,
        "NextRotationDate": (start + timedelta(days=days)).timestamp(),
    }
    kms.world.clock.advance(days=days, seconds=-1)
    assert material(kms, arn) == first
    kms.world.clock.advance(days=days)
    second = material(kms, arn)
    assert second != first
    assert rotations(kms, arn) == [
        {
            "KeyId": arn,
            "KeyMaterialId": second,
            "KeyMaterialState": "CURRENT",
            "RotationDate": (start + timedelta(days=days)).timestamp(),
            "RotationType": "AUTOMATIC",
        }
    ]
    due = (start + timedelta(days=2 * days)).timestamp()
    assert status(kms, arn)["NextRotationDate"] == due


def test_what_older_material_encrypted_is_still_decrypted(kms):
    arn = kms.create()
    kms("EnableKeyRotation", KeyId=arn, RotationPeriodInDays=90)
    made = []
    for number in range(3):
        made.append(kms("Encrypt", KeyId=arn, Plaintext=str(number).encode()))
        kms.world.clock.advance(days=90)
    ids = [
        one["KeyMaterialId"] for one in rotations(kms, arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    ]
    assert len(set(ids)) == 4
    for number, one in enumerate(made):
        opened = kms("Decrypt", CiphertextBlob=one["CiphertextBlob"])
        assert opened["Plaintext"] == str(number).encode()
        assert opened["KeyMaterialId"] == ids[number]
    assert kms("GenerateDataKey", KeyId=arn, KeySpec="AES_256")["KeyMaterialId"] == ids[-1]


def test_a_schedule_that_is_the_same_stays_and_another_starts_now(kms):
    arn = kms.create()
    kms("EnableKeyRotation", KeyId=arn, RotationPeriodInDays=100)
    due = status(kms, arn)["NextRotationDate"]
    kms.world.clock.advance(days=1)
    kms("EnableKeyRotation", KeyId=arn, RotationPeriodInDays=100)
    assert status(kms, arn)["NextRotationDate"] == due
    kms("EnableKeyRotation", KeyId=arn, RotationPeriodInDays=200)
    assert status(kms, arn)["NextRotationDate"] == (kms.now + timedelta(days=200)).timestamp()
    kms.world.clock.advance(days=150)
    assert rotations(kms, arn) == []


def test_a_key_that_is_rotated_no_more_keeps_its_material(kms):
    arn = kms.create()
    kms("EnableKeyRotation", KeyId=arn)
    assert kms("DisableKeyRotation", KeyId=arn) == {}
    assert status(kms, arn) == {"KeyId": arn, "KeyRotationEnabled": False}
    kms.world.clock.advance(days=800)
    assert rotations(kms, arn) == []
    kms("EnableKeyRotation", KeyId=arn)
    kms.world.clock.advance(days=365)
    assert len(rotations(kms, arn)) == 1


@pytest.mark.parametrize("days", [89, 2561])
def test_the_period_is_the_models(kms, days):
    kms.refused(
        "ValidationException", "EnableKeyRotation", KeyId=kms.create(), RotationPeriodInDays=days
    )


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_asymmetric_and_hmac_keys_are_not_rotated(kms, operation, kind):
    assert kms.refused("UnsupportedOperationException", operation, KeyId=kms.create(*kind)) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_cannot_be_rotated_says_that_it_is_not(kms, kind):
    arn = kms.create(*kind)
    assert status(kms, arn) == {"KeyId": arn, "KeyRotationEnabled": False}


def test_a_disabled_key_is_rotated_when_it_is_enabled_again(kms):
    arn = kms.create()
    kms("EnableKeyRotation", KeyId=arn)
    kms("DisableKey", KeyId=arn)
    kms.world.clock.advance(days=400)
    assert status(kms, arn)["KeyRotationEnabled"] is True
    assert rotations(kms, arn) == []
    kms("EnableKey", KeyId=arn)
    assert len(rotations(kms, arn)) == 1
    assert status(kms, arn)["NextRotationDate"] == (kms.now + timedelta(days=365)).timestamp()


def test_a_key_disabled_for_a_while_keeps_its_schedule(kms):
    arn = kms.create()
    kms("EnableKeyRotation", KeyId=arn)
    due = status(kms, arn)["NextRotationDate"]
    kms("DisableKey", KeyId=arn)
    kms.world.clock.advance(days=100)
    kms("EnableKey", KeyId=arn)
    assert status(kms, arn)["NextRotationDate"] == due
    assert rotations(kms, arn) == []


def test_a_key_pending_deletion_says_that_it_is_not_rotated_and_remembers_that_it_was(kms):
    arn = kms.create()
    kms("EnableKeyRotation", KeyId=arn)
    kms("ScheduleKeyDeletion", KeyId=arn)
    assert status(kms, arn) == {"KeyId": arn, "KeyRotationEnabled": False}
    kms("CancelKeyDeletion", KeyId=arn)
    assert status(kms, arn)["KeyRotationEnabled"] is True


def test_a_deleted_key_is_not_rotated(kms):
    arn = kms.create()
    kms("EnableKeyRotation", KeyId=arn, RotationPeriodInDays=90)
    kms("ScheduleKeyDeletion", KeyId=arn)
    kms.world.clock.advance(days=400)
    kms.refused("NotFoundException", "DescribeKey", KeyId=arn)


def test_a_key_is_rotated_on_demand_whatever_its_schedule(kms):
    arn = kms.create()
    kms("EnableKeyRotation", KeyId=arn)
    first, due = material(kms, arn), status(kms, arn)["NextRotationDate"]
    blob = kms("Encrypt", KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert kms("RotateKeyOnDemand", KeyId=arn.rpartition("/")[2]) == {"KeyId": arn}
    assert material(kms, arn) != first
    assert kms("Decrypt", CiphertextBlob=blob)["Plaintext"] == b"x"
    assert status(kms, arn)["NextRotationDate"] == due
    assert "OnDemandRotationStartDate" not in status(kms, arn)
    (shown,) = rotations(kms, arn)
    assert shown["RotationType"] == "ON_DEMAND"


def test_a_rotation_on_demand_takes_the_worlds_latency(slow_kms):
    arn = slow_kms.create()
    first, start = material(slow_kms, arn), slow_kms.now
    slow_kms("RotateKeyOnDemand", KeyId=arn)
    assert material(slow_kms, arn) == first
    assert status(slow_kms, arn)["OnDemandRotationStartDate"] == start.timestamp()
    slow_kms.refused("ConflictException", "RotateKeyOnDemand", KeyId=arn)
    slow_kms.world.clock.advance(minutes=5)
    assert material(slow_kms, arn) != first
    slow_kms("RotateKeyOnDemand", KeyId=arn)


def test_a_rotation_on_demand_keeps_away_from_an_automatic_one(kms):
    arn = kms.create()
    kms("EnableKeyRotation", KeyId=arn, RotationPeriodInDays=90)
    kms.world.clock.advance(days=90, minutes=-20)
    kms.refused("ConflictException", "RotateKeyOnDemand", KeyId=arn)
    kms.world.clock.advance(minutes=20)
    kms("RotateKeyOnDemand", KeyId=arn)
    assert [one["RotationType"] for one in rotations(kms, arn)] == ["AUTOMATIC", "ON_DEMAND"]


def test_a_key_is_rotated_on_demand_25_times(kms):
    arn = kms.create()
    for _ in range(rotation.ON_DEMAND):
        kms("RotateKeyOnDemand", KeyId=arn)
    assert kms.refused("LimitExceededException", "RotateKeyOnDemand", KeyId=arn) == (
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand "
        f"rotations can be performed for this key: {arn}"
    )
    assert len(rotations(kms, arn)) == 25


def test_all_material_is_listed_in_pages_if_wanted(kms):
    arn = kms.create()
    for _ in range(2):
        kms("RotateKeyOnDemand", KeyId=arn)
    shown = rotations(kms, arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    assert [one["KeyMaterialState"] for one in shown] == ["NON_CURRENT", "NON_CURRENT", "CURRENT"]
    assert "RotationDate" not in shown[0]
    first = kms("ListKeyRotations", KeyId=arn, Limit=1)
    rest = kms("ListKeyRotations", KeyId=arn, Limit=1, Marker=first["NextMarker"])
    assert [*first["Rotations"], *rest["Rotations"]] == shown[1:]
    kms.refused("InvalidMarkerException", "ListKeyRotations", KeyId=arn, Marker="x")
