"""Time-based one-time passwords as virtual MFA devices make them.

Source: RFC 6238 (TOTP) over RFC 4226 (HOTP) with SHA-1, six digits and steps of 30 seconds from the
Unix epoch, as IAM's virtual devices do; IAM User Guide, "Assign a virtual MFA device".
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

STEP = 30  # seconds
_DIGITS = 6


def step_of(moment: datetime) -> int:
    """Return the number of the step that an aware moment lies in."""
    return int(moment.timestamp()) // STEP


def code_of(seed: str, step: int) -> str:
    """Return the six digits that a device shows during a step.

    Args:
        seed: in Base32, of a length that is a multiple of 8; at least 16 bytes decoded.
        step: see `step_of`; not negative.
    """
    # RFC 6238 leaves the hash to the device; IAM's use the one that every app knows.
    return HOTP(base64.b32decode(seed), _DIGITS, SHA1()).generate(step).decode()  # noqa: S303 - RFC 6238


def find(seed: str, code: str, steps: range) -> int | None:
    """Return the first of the steps that a code belongs to; every step takes the same time."""
    return next((step for step in steps if hmac.compare_digest(code_of(seed, step), code)), None)
