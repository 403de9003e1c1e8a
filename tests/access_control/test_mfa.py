"""Codes, devices and sessions with a code."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pkilab import access_control
from pkilab.access_control import enable_mfa, mfa_session, require_mfa_policy, totp
from pkilab.errors import MalformedError

SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B: "12345678901234567890"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    # RFC 6238, appendix B, SHA-1; the last six of its eight digits.
    [
        (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
        (2000000000, "279037"), (20000000000, "353130"),
    ],
)  # fmt: skip
def test_codes_are_those_of_rfc_6238(seconds, code):
    """In Base32 as text and as bytes, and in small letters."""
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp(SEED, at) == totp(SEED.encode(), at) == totp(SEED.lower(), at) == code


@given(st.one_of(st.text(), st.binary()))
def test_what_is_no_seed_is_refused_and_not_repeated(seed):
    """A secret does not belong into a message."""
    try:
        code = totp(seed, NOW)
    except MalformedError as refusal:
        assert "expected Base32" in str(refusal)
        assert refusal.found.endswith("characters")
    else:
        assert len(code) == 6


def test_a_time_without_a_zone_is_refused():
    """And one before the epoch; a device's step is counted from there."""
    for at in (datetime(2026, 11, 2, 9), datetime(1960, 1, 1, tzinfo=UTC)):  # noqa: DTZ001
        with pytest.raises(MalformedError, match="expected an aware time"):
            totp(SEED, at)


def test_with_a_code_a_user_may_and_without_not(place):
    """What require_mfa_policy denies, and what of it the explanation says."""
    arn, key = place.user("ana", {"Effect": "Allow", "Action": "kms:List*", "Resource": "*"})
    place.iam.put_user_policy(
        UserName="ana", PolicyName="MFA", PolicyDocument=json.dumps(require_mfa_policy())
    )
    now = place.lab.clock.now()
    device = enable_mfa(place.iam, "ana", "phone", now)
    without = place.verdict(place.lab.client("kms", credentials=key).list_keys)
    assert (without.kind, without.explicit) == ("identity", True)
    found = place.explain(arn, "kms:ListKeys", "*")
    assert (found.allowed, found.statements[0].sid) == (False, "DenyWithoutMFA")
    assert found.asked == ("aws:multifactorauthpresent",)

    later = place.lab.clock.advance(seconds=30)
    sts = place.lab.client("sts", credentials=key)
    session = mfa_session(sts, device.serial, device.code(later))
    assert place.lab.client("kms", credentials=session).list_keys()["Keys"] == []
    with_code = {"aws:MultiFactorAuthPresent": True}
    assert place.explain(arn, "kms:ListKeys", "*", context=with_code).allowed


def test_a_code_counts_once_and_a_wrong_one_never(place):
    """The device's next one does."""
    _, key = place.user("ana")
    sts = place.lab.client("sts", credentials=key)
    device = enable_mfa(place.iam, "ana", "phone", place.lab.clock.now())
    code = device.code(place.lab.clock.advance(seconds=30))
    assert mfa_session(sts, device.serial, code)["SessionToken"]
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for again in (code, wrong):
        with pytest.raises(ClientError, match="invalid MFA one time pass code"):
            mfa_session(sts, device.serial, again)
    fresh = device.code(place.lab.clock.advance(seconds=30))
    assert mfa_session(sts, device.serial, fresh, seconds=900)


def test_an_old_code_is_not_enough_where_age_is_limited(place):
    """A quarter of an hour, and then no more."""
    arn, key = place.user("ana", {"Effect": "Allow", "Action": "kms:List*", "Resource": "*"})
    limited = require_mfa_policy(max_age=timedelta(minutes=15))
    place.iam.put_user_policy(UserName="ana", PolicyName="MFA", PolicyDocument=json.dumps(limited))
    device = enable_mfa(place.iam, "ana", "phone", place.lab.clock.now())
    code = device.code(place.lab.clock.advance(seconds=30))
    session = mfa_session(place.lab.client("sts", credentials=key), device.serial, code)
    kms = place.lab.client("kms", credentials=session)
    for minutes, expected in ((14, True), (2, False)):
        place.lab.clock.advance(minutes=minutes)
        age = "840" if expected else "960"
        context = {"aws:MultiFactorAuthPresent": True, "aws:MultiFactorAuthAge": age}
        assert place.explain(arn, "kms:ListKeys", "*", context=context).allowed is expected
        assert (place.verdict(kms.list_keys) is None) is expected


def test_a_users_own_way_to_a_device_stays_open(place):
    """Or nobody would ever get in; but not for other users."""
    _, key = place.user("ana", {"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    place.iam.put_user_policy(
        UserName="ana", PolicyName="MFA", PolicyDocument=json.dumps(require_mfa_policy())
    )
    own = place.lab.client("iam", credentials=key)
    assert enable_mfa(own, "ana", "phone", place.lab.clock.now()).serial.endswith(":mfa/phone")
    assert place.verdict(own.list_users).explicit
    closed = require_mfa_policy(besides=())
    assert closed["Statement"][0]["Action"] == "*"


def test_a_seed_is_never_shown(place):
    """And a device that could not be enabled is not left behind."""
    place.user("ana")
    device = enable_mfa(place.iam, "ana", "phone", place.lab.clock.now())
    assert repr(device) == f"VirtualDevice(serial='{device.serial}')"
    assert device._seed not in str(device)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        enable_mfa(place.iam, "nobody", "spare", place.lab.clock.now())
    serials = [
        each["SerialNumber"] for each in place.iam.list_virtual_mfa_devices()["VirtualMFADevices"]
    ]
    assert serials == [device.serial]
    with pytest.raises(MalformedError, match="at: found"):
        enable_mfa(place.iam, "ana", "third", datetime(2026, 1, 1))  # noqa: DTZ001
    assert access_control.VirtualDevice is type(device)
