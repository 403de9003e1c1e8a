"""A virtual MFA device on this side: codes, enabling, and sessions with a code.

Source: RFC 6238 over RFC 4226, with SHA-1, six digits and steps of 30 seconds; IAM User Guide,
"Assign a virtual MFA device in the AWS CLI or AWS API"; STS API Reference, GetSessionToken.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from pkilab.errors import MalformedError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

_STEP, _DIGITS = 30, 6
_SHORTEST = 16  # bytes of a seed: RFC 4226, section 4, R6


def totp(seed: str | bytes, at: datetime) -> str:
    """Return the six digits that a device shows at a moment.

    Args:
        seed: Base32, as CreateVirtualMFADevice answers it. A secret.
        at: an aware time, not before 1970.

    Raises:
        MalformedError: the seed is no Base32 of 16 bytes or more, or the time has no time zone.
    """
    if at.tzinfo is None or at.timestamp() < 0:
        raise MalformedError("at", found=at.isoformat(), expected="an aware time after 1970")
    text = seed.encode() if isinstance(seed, str) else seed
    try:
        secret = base64.b32decode(text + b"=" * (-len(text) % 8), casefold=True)
    except (binascii.Error, ValueError):  # the seed is not repeated in the message
        secret = b""
    if len(secret) < _SHORTEST:
        raise MalformedError(
            "seed", found=f"{len(text)} characters", expected="Base32 of 16 bytes or more"
        ) from None
    # IAM's devices are those of every authenticator app, which know SHA-1 alone.
    return TOTP(secret, _DIGITS, SHA1(), _STEP).generate(int(at.timestamp())).decode()  # noqa: S303 - RFC 6238


@dataclass(frozen=True, slots=True)
class VirtualDevice:
    """A virtual MFA device and its seed, which is a secret and is never shown."""

    serial: str
    _seed: str = field(repr=False)

    def code(self, at: datetime) -> str:
        """Return what it shows at an aware time. AWS takes each code once."""
        return totp(self._seed, at)


def enable_mfa(iam: IAMClient, user_name: str, device_name: str, at: datetime) -> VirtualDevice:
    """Make a virtual MFA device and enable it for a user, with two codes.

    The codes are those of ``at`` and of half a minute before. Both are used up: the next one that
    counts is that of 30 seconds later.

    Args:
        iam: client of somebody who may.
        user_name: whose it will be.
        device_name: unique in the account.
        at: the time now, aware.

    Raises:
        MalformedError: the time has no time zone.
        ClientError: as CreateVirtualMFADevice and EnableMFADevice (botocore's). A device that was
            made and could not be enabled is deleted.
    """
    if at.tzinfo is None:
        raise MalformedError("at", found=at.isoformat(), expected="an aware time")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=device_name)["VirtualMFADevice"]
    seed = made["Base32StringSeed"]
    device = VirtualDevice(made["SerialNumber"], seed.decode() if isinstance(seed, bytes) else seed)
    try:
        iam.enable_mfa_device(
            UserName=user_name,
            SerialNumber=device.serial,
            AuthenticationCode1=device.code(at - timedelta(seconds=_STEP)),
            AuthenticationCode2=device.code(at),
        )
    except iam.exceptions.ClientError:
        iam.delete_virtual_mfa_device(SerialNumber=device.serial)
        raise
    return device


def mfa_session(
    sts: STSClient, serial: str, code: str, *, seconds: int = 3600
) -> CredentialsTypeDef:
    """Begin a session of the caller with a code; return its credentials.

    Args:
        sts: client with the user's own long-term access key.
        serial: of the user's device.
        code: what it shows now.
        seconds: how long the session lasts, 900 to 129600.

    Raises:
        ClientError: AccessDenied, the code does not count (botocore's).
    """
    answer = sts.get_session_token(SerialNumber=serial, TokenCode=code, DurationSeconds=seconds)
    return answer["Credentials"]
