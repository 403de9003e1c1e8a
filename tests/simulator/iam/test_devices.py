"""Virtual MFA devices, as an authenticator app would use them."""

import base64
import hashlib
import hmac
import struct

import pytest
from botocore.exceptions import ClientError

OWNER = "111122223333"


def refused(call, *arguments, **members):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


class App:
    """An authenticator app, written from RFC 4226 and RFC 6238 alone."""

    def __init__(self, lab, seed):
        self._clock, self._key = lab.clock, base64.b32decode(seed)

    def code(self, after=0):
        """Return what it shows some seconds from now."""
        step = (int(self._clock.now().timestamp()) + after) // 30
        digest = hmac.new(self._key, struct.pack(">Q", step), hashlib.sha1).digest()
        start = digest[-1] & 15
        number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
        return f"{number % 10**6:06}"


@pytest.fixture
def phone(lab, iam):
    """Alice's app; the device is not enabled yet."""
    iam.create_user(UserName="alice")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]
    assert made["SerialNumber"] == SERIAL
    assert "QRCodePNG" not in made
    return App(lab, made["Base32StringSeed"])


SERIAL = f"arn:aws:iam::{OWNER}:mfa/phone"
ALICE = {"UserName": "alice", "SerialNumber": SERIAL}


def codes(phone, first=0, second=30):
    return {"AuthenticationCode1": phone.code(first), "AuthenticationCode2": phone.code(second)}


def test_a_device_is_enabled_with_two_codes_in_a_row(iam, phone, lab):
    """It is then the user's."""
    iam.enable_mfa_device(**ALICE, **codes(phone))
    (device,) = iam.list_mfa_devices(UserName="alice")["MFADevices"]
    assert (device["SerialNumber"], device["EnableDate"]) == (SERIAL, lab.clock.now())
    assert iam.get_mfa_device(SerialNumber=SERIAL)["UserName"] == "alice"
    iam.create_virtual_mfa_device(VirtualMFADeviceName="spare")
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["MFADevices"], summary["MFADevicesInUse"]) == (2, 1)


@pytest.mark.parametrize("starts", [(0, 0), (30, 0), (0, 60), (-600, -570)])
def test_other_codes_do_not_enable_it(iam, phone, starts):
    """Nor is it anybody's then."""
    assert refused(iam.enable_mfa_device, **ALICE, **codes(phone, *starts)) == (
        "InvalidAuthenticationCode",
        "Authentication code for device is not valid.",
    )
    assert iam.list_mfa_devices(UserName="alice")["MFADevices"] == []


def test_a_session_with_a_code_may_call_iam_and_one_without_may_not(iam, phone, lab):
    """The code counts once, and not one of those that enabled the device."""
    iam.enable_mfa_device(**ALICE, **codes(phone, -30, 0))
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    sts = lab.client("sts", credentials=key)
    ask = {"SerialNumber": SERIAL, "TokenCode": phone.code()}
    assert refused(sts.get_session_token, **ask)[0] == "AccessDenied"
    lab.clock.advance(seconds=30)
    ask = {"SerialNumber": SERIAL, "TokenCode": phone.code()}
    session = sts.get_session_token(**ask)["Credentials"]
    assert lab.client("iam", credentials=session).get_user()["User"]["UserName"] == "alice"
    assert refused(sts.get_session_token, **ask)[0] == "AccessDenied"


def test_a_device_whose_clock_is_off_is_synchronised_again(iam, phone, lab):
    """By two codes of its own time."""
    iam.enable_mfa_device(**ALICE, **codes(phone, -30, 0))
    sts = lab.client("sts", credentials=iam.create_access_key(UserName="alice")["AccessKey"])
    late = {"SerialNumber": SERIAL, "TokenCode": phone.code(600)}
    assert refused(sts.get_session_token, **late)[0] == "AccessDenied"
    iam.resync_mfa_device(**ALICE, **codes(phone, 570, 600))
    late["TokenCode"] = phone.code(630)
    assert sts.get_session_token(**late)["Credentials"]
    assert refused(iam.resync_mfa_device, **ALICE, **codes(phone, 0, 30))[0] == (
        "InvalidAuthenticationCode"
    )


def test_a_device_is_one_users_at_a_time(iam, phone):
    """Another gets it when it was taken from the first; then it can be deleted."""
    iam.create_user(UserName="bob")
    iam.enable_mfa_device(**ALICE, **codes(phone))
    bob = {"UserName": "bob", "SerialNumber": SERIAL}
    assert refused(iam.enable_mfa_device, **bob, **codes(phone))[0] == "EntityAlreadyExists"
    assert refused(iam.deactivate_mfa_device, **bob) == (
        "NoSuchEntity",
        "MFA Device invalid for user.",
    )
    assert refused(iam.deactivate_mfa_device, SerialNumber=SERIAL)[0] == "NoSuchEntity"  # one's own
    assert refused(iam.delete_virtual_mfa_device, SerialNumber=SERIAL)[0] == "DeleteConflict"
    assert "must delete MFA device first" in refused(iam.delete_user, UserName="alice")[1]
    iam.deactivate_mfa_device(**ALICE)
    iam.delete_virtual_mfa_device(SerialNumber=SERIAL)
    assert refused(iam.enable_mfa_device, **bob, **codes(phone))[0] == "NoSuchEntity"
    iam.delete_user(UserName="alice")


def test_devices_are_listed_without_their_seeds(iam, phone):
    """Assigned or not, a page at a time."""
    iam.create_virtual_mfa_device(VirtualMFADeviceName="spare", Path="/a/")
    iam.enable_mfa_device(**ALICE, **codes(phone))
    spare = f"arn:aws:iam::{OWNER}:mfa/a/spare"

    def listed(**members):
        return iam.list_virtual_mfa_devices(**members)["VirtualMFADevices"]

    assert [each["SerialNumber"] for each in listed()] == [spare, SERIAL]
    (assigned,) = listed(AssignmentStatus="Assigned")
    assert assigned["User"]["UserName"] == "alice"
    assert "Base32StringSeed" not in assigned
    assert [each["SerialNumber"] for each in listed(AssignmentStatus="Unassigned")] == [spare]
    first = iam.list_virtual_mfa_devices(MaxItems=1)
    assert first["IsTruncated"]
    (second,) = listed(MaxItems=1, Marker=first["Marker"])
    assert second["SerialNumber"] == SERIAL


def test_a_name_is_taken_once(iam, phone):
    """In one account."""
    code, message = refused(iam.create_virtual_mfa_device, VirtualMFADeviceName="phone")
    assert code == "EntityAlreadyExists"
    assert message == "MFADevice entity at the same path and name already exists."


def test_a_device_has_the_tags_that_it_was_made_with_and_others(iam):
    """Given, changed, taken away, and listed."""
    tags = [{"Key": "a", "Value": "b"}]
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="x", Tags=tags)["VirtualMFADevice"]
    serial = made["SerialNumber"]
    assert made["Tags"] == tags
    assert "QRCodePNG" not in made
    more = [{"Key": "c", "Value": "d"}]
    iam.tag_mfa_device(SerialNumber=serial, Tags=more)
    assert iam.list_mfa_device_tags(SerialNumber=serial)["Tags"] == tags + more
    iam.untag_mfa_device(SerialNumber=serial, TagKeys=["a"])
    assert iam.list_mfa_device_tags(SerialNumber=serial)["Tags"] == more


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}], "InvalidInput"),
        ([{"Key": "aws:x", "Value": "1"}], "InvalidInput"),
        ([{"Key": f"k{number}", "Value": ""} for number in range(51)], "ValidationError"),
    ],
    ids=["a key twice", "a reserved key", "too many"],
)
def test_tags_that_cannot_be_make_no_device(iam, tags, code):
    """It is refused whole, and there is none."""
    assert refused(iam.create_virtual_mfa_device, VirtualMFADeviceName="x", Tags=tags)[0] == code
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []


def test_a_device_of_another_account_is_not_there(iam, phone, lab):
    """Whoever knows its number."""
    other = lab.client("iam", account="consumer")
    for call in (other.get_mfa_device, other.delete_virtual_mfa_device):
        assert refused(call, SerialNumber=SERIAL)[0] == "NoSuchEntity"
    assert other.list_virtual_mfa_devices()["VirtualMFADevices"] == []


def test_a_device_has_fifty_tags_at_most(iam):
    """One more is refused, and the others stay."""
    tags = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="x", Tags=tags)["VirtualMFADevice"]
    serial = made["SerialNumber"]
    more = [{"Key": "one more", "Value": ""}]
    assert refused(iam.tag_mfa_device, SerialNumber=serial, Tags=more)[0] == "LimitExceeded"
    assert len(iam.list_mfa_device_tags(SerialNumber=serial)["Tags"]) == 50
