"""Virtual MFA devices that count: seeds are real, and codes are checked on the world's clock.

moto keeps which device a user has, so that its reports know; what is asked of codes is here. There
is no picture of a QR code among what CreateVirtualMFADevice answers: nothing here draws one.

Source: IAM API Reference, CreateVirtualMFADevice, EnableMFADevice, ResyncMFADevice and
DeactivateMFADevice; RFC 6238.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.iam.models import MFADevice

from pkilab.simulator.iam.base import IamBase, conflict, exceeded, no_such
from pkilab.simulator.identity import keys
from pkilab.simulator.identity.mfa import Device
from pkilab.simulator.pages import page
from pkilab.simulator.service import AwsError, Call, Json, error

_MOST_DEVICES = 8
_PAGE = 100
_MOST_TAGS = 50


class Devices(IamBase):
    """The operations on MFA devices."""

    def create_virtual_mfa_device(
        self,
        call: Call,
        *,
        virtual_mfa_device_name: str,
        path: str = "/",
        tags: list[Json] | None = None,
    ) -> Json:
        """Make a device that nobody has yet, and show its seed this once."""
        new_tags = _with_tags({}, tags or ())
        serial = f"arn:aws:iam::{call.account}:mfa{path}{virtual_mfa_device_name}"
        if serial in self._identities.mfa.devices:
            message = "MFADevice entity at the same path and name already exists."
            raise AwsError("EntityAlreadyExists", message, 409)
        device = Device(serial, keys.seed(self._entropy), tags=new_tags)
        self._identities.mfa.devices[serial] = device
        shown = {"SerialNumber": serial, "Base32StringSeed": device.seed.encode()}
        return {"VirtualMFADevice": shown | ({"Tags": _listed(new_tags)} if new_tags else {})}

    def tag_mfa_device(self, call: Call, *, serial_number: str, tags: Sequence[Json]) -> Json:
        """Add tags to a device, or change their values."""
        device = self._device(call, serial_number)
        device.tags = _with_tags(device.tags, tags)
        return {}

    def untag_mfa_device(self, call: Call, *, serial_number: str, tag_keys: Sequence[str]) -> Json:
        """Take tags from a device."""
        device = self._device(call, serial_number)
        device.tags = {key: value for key, value in device.tags.items() if key not in tag_keys}
        return {}

    def list_mfa_device_tags(
        self, call: Call, *, serial_number: str, marker: str | None = None, max_items: int = _PAGE
    ) -> Json:
        """Return a device's tags."""
        found = _listed(self._device(call, serial_number).tags)
        return _paged("Tags", found, marker, max_items, f"{serial_number} tags")

    def delete_virtual_mfa_device(self, call: Call, *, serial_number: str) -> Json:
        """Delete a device that nobody has."""
        device = self._device(call, serial_number)
        if device.user_id:
            raise conflict("Virtual MFA device is attached to a user and cannot be deleted.")
        del self._identities.mfa.devices[serial_number]
        return {}

    def enable_mfa_device(
        self,
        call: Call,
        *,
        user_name: str,
        serial_number: str,
        authentication_code1: str,
        authentication_code2: str,
    ) -> Json:
        """Give a user a device that shows two codes, one after the other."""
        user = self._holder(call, "user", user_name)
        device = self._device(call, serial_number)
        if device.user_id:
            message = "MFA Device is already in use."
            raise AwsError("EntityAlreadyExists", message, 409)
        if len(user.mfa_devices) >= _MOST_DEVICES:
            raise exceeded(f"Cannot exceed quota for MFADevicesPerUser: {_MOST_DEVICES}")
        codes = authentication_code1, authentication_code2
        if not device.synchronise(*codes, call.now):
            raise _wrong_code()
        device.user_id, device.enabled = user.id, call.now
        user.mfa_devices[serial_number] = MFADevice(serial_number, *codes)
        return {}

    def resync_mfa_device(
        self,
        call: Call,
        *,
        user_name: str,
        serial_number: str,
        authentication_code1: str,
        authentication_code2: str,
    ) -> Json:
        """Learn how far a device's clock is off, from two codes."""
        device = self._device_of(call, user_name, serial_number)
        codes = authentication_code1, authentication_code2
        if not device.synchronise(*codes, call.now, again=True):
            raise _wrong_code()
        return {}

    def deactivate_mfa_device(self, call: Call, *, serial_number: str, user_name: str) -> Json:
        """Take a device from a user; it keeps its seed."""
        device = self._device_of(call, user_name, serial_number)
        self._holder(call, "user", user_name).mfa_devices.pop(serial_number, None)
        device.user_id, device.enabled = "", None
        return {}

    def list_mfa_devices(
        self, call: Call, *, user_name: str, marker: str | None = None, max_items: int = _PAGE
    ) -> Json:
        """Return the devices of a user."""
        user = self._holder(call, "user", user_name)
        found = [
            {"UserName": user_name, "SerialNumber": each.serial_number, "EnableDate": each.enabled}
            for each in self._identities.mfa.of_user(user.id)
        ]
        return _paged("MFADevices", found, marker, max_items, f"{call.account} {user_name} mfa")

    def get_mfa_device(
        self, call: Call, *, serial_number: str, user_name: str | None = None
    ) -> Json:
        """Return who has a device, and since when."""
        device = self._device(call, serial_number)
        user = self._user_of(call, device)
        if user is None or user_name not in {None, user.name}:
            raise _no_device(serial_number)
        return {
            "UserName": user.name,
            "SerialNumber": serial_number,
            "EnableDate": device.enabled,
            "Certifications": {},
        }

    def list_virtual_mfa_devices(
        self,
        call: Call,
        *,
        assignment_status: str = "Any",
        marker: str | None = None,
        max_items: int = _PAGE,
    ) -> Json:
        """Return an account's devices, with whose they are and without their seeds."""
        start = f"arn:aws:iam::{call.account}:mfa/"
        found = []
        for serial, device in sorted(self._identities.mfa.devices.items()):
            user = self._user_of(call, device)
            status = "Assigned" if user else "Unassigned"
            if serial.startswith(start) and assignment_status in {"Any", status}:
                shown = {"SerialNumber": serial, "EnableDate": device.enabled}
                found.append(shown | ({"User": _shown(user)} if user else {}))
        scope = f"{call.account} {assignment_status} virtual"
        return _paged("VirtualMFADevices", found, marker, max_items, scope)

    def get_account_summary(self, call: Call) -> Json:
        """Return what an account has; moto does not know of its devices."""
        summary = self._by_moto("GetAccountSummary", call)["SummaryMap"]
        start = f"arn:aws:iam::{call.account}:mfa/"
        devices = self._identities.mfa.devices
        own = [device for serial, device in devices.items() if serial.startswith(start)]
        in_use = sum(bool(each.user_id) for each in own)
        return {"SummaryMap": {**summary, "MFADevices": len(own), "MFADevicesInUse": in_use}}

    def _device(self, call: Call, serial_number: str) -> Device:
        """Return a device of the account.

        Raises:
            AwsError: NoSuchEntity.
        """
        found = self._identities.mfa.devices.get(serial_number)
        if found is None or serial_number.split(":")[4] != call.account:
            raise _no_device(serial_number)
        return found

    def _device_of(self, call: Call, user_name: str, serial_number: str) -> Device:
        user = self._holder(call, "user", user_name)
        device = self._device(call, serial_number)
        if device.user_id != user.id:
            raise no_such("MFA Device invalid for user.")
        return device

    def _user_of(self, call: Call, device: Device) -> Any:  # noqa: ANN401 - moto's model
        users = self._backend(call).users.values()
        return next((each for each in users if each.id == device.user_id), None)


def _shown(user: Any) -> Json:  # noqa: ANN401 - moto's model
    return {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": user.create_date,
    }


def _with_tags(current: Mapping[str, str], tags: Sequence[Json]) -> dict[str, str]:
    """Return tags with others set.

    Raises:
        AwsError: InvalidInput, a key is reserved or is there twice; LimitExceeded.

    Source: IAM User Guide, "Tags for AWS Identity and Access Management resources".
    """
    keys_given = [each["Key"] for each in tags]
    if len({key.lower() for key in keys_given}) < len(keys_given):
        message = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        raise AwsError("InvalidInput", message)
    if any(key.lower().startswith("aws:") for key in keys_given):
        raise AwsError("InvalidInput", "Tags with the prefix aws: are reserved for AWS.")
    found = {**current, **{each["Key"]: each["Value"] for each in tags}}
    if len(found) > _MOST_TAGS:
        raise exceeded(f"The number of tags has reached the maximum limit of {_MOST_TAGS}.")
    return found


def _listed(tags: Mapping[str, str]) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _paged(name: str, items: list[Json], marker: str | None, size: int, scope: str) -> Json:
    shown, following = page(items, size, marker, scope=scope, refusal="InvalidInput")
    return {name: shown, "IsTruncated": following is not None, "Marker": following}


def _no_device(serial_number: str) -> AwsError:
    return no_such(f"VirtualMFADevice with serial number {serial_number} doesn't exist.")


def _wrong_code() -> AwsError:
    return error(
        "iam", "InvalidAuthenticationCodeException", "Authentication code for device is not valid."
    )
