"""What IAM knows of virtual MFA devices, and whether a code is one that a device shows now.

A code counts once, and no code before it counts any more. How far a device's clock may be off is
unpublished: one step either way of where the device was when it was last synchronised.

Source: IAM API Reference, EnableMFADevice and ResyncMFADevice; STS API Reference, GetSessionToken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pkilab.simulator.identity import totp
from pkilab.simulator.service import AwsError

_DRIFT = 1  # steps, either way
_RESYNC_DRIFT = 60  # half an hour, when a device is synchronised


@dataclass(slots=True)
class Device:
    """A virtual MFA device."""

    serial_number: str  # its ARN
    seed: str = field(repr=False)  # Base32
    user_id: str = ""  # whose it is; nobody's until it is enabled
    enabled: datetime | None = None
    drift: int = 0  # steps by which its clock is ahead
    used: int = -1  # the last step whose code was taken
    tags: dict[str, str] = field(default_factory=dict)

    def takes(self, code: str, now: datetime) -> int | None:
        """Return the step of a code that counts now; taking it is left to the caller."""
        middle = totp.step_of(now) + self.drift
        first = max(middle - _DRIFT, self.used + 1)
        return totp.find(self.seed, code, range(first, middle + _DRIFT + 1))

    def synchronise(self, first: str, second: str, now: datetime, *, again: bool = False) -> bool:
        """Take two codes of consecutive steps, and remember how far the device's clock is off.

        Args:
            first: the earlier code.
            second: the next one.
            now: aware; the later code's time, as far as the device's clock is right.
            again: whether the device was enabled before, and may be off further.

        Returns:
            Whether they are such codes; if not, nothing has changed.
        """
        width = _RESYNC_DRIFT if again else _DRIFT
        here = totp.step_of(now)
        for step in range(max(here - width - 1, self.used + 1), here + width):
            found = totp.find(self.seed, first, range(step, step + 1))
            if found is not None and totp.find(self.seed, second, range(step + 1, step + 2)):
                self.drift, self.used = step + 1 - here, step + 1
                return True
        return False


class MfaDevices:
    """The world's virtual MFA devices, by serial number."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}

    def of_user(self, user_id: str) -> list[Device]:
        """Return a user's devices, by serial number."""
        found = (each for each in self.devices.values() if each.user_id == user_id)
        return sorted(found, key=lambda each: each.serial_number)

    def check(
        self,
        user_id: str,
        serial_number: str | None,
        code: str | None,
        now: datetime,
        *,
        take: bool,
    ) -> bool:
        """Say whether a request brings a code of the caller's device; False: it brings none.

        Args:
            user_id: the unique id of whose device it must be.
            serial_number: as requested.
            code: as requested.
            now: aware.
            take: whether the code is used up.

        Raises:
            AwsError: AccessDenied, the code does not count.
        """
        if serial_number is None and code is None:
            return False
        if serial_number is None or code is None:
            raise _denied(", must provide both MFA serial number and one time pass code.")
        device = self.devices.get(serial_number)
        if device is None or device.enabled is None or device.user_id != user_id:
            raise _denied(
                ", unable to validate MFA code.  Please verify your MFA serial number is valid and "
                "associated with this user."
            )
        step = device.takes(code, now)
        if step is None:
            raise _denied(" with invalid MFA one time pass code. ")
        if take:
            device.used = step
        return True


def _denied(why: str) -> AwsError:
    return AwsError("AccessDenied", f"MultiFactorAuthentication failed{why}", 403)
