"""Access keys, secrets, session tokens and unique ids in AWS's shapes.

How an access key id says whose it is, `pkilab.credentials` knows.

Source: IAM User Guide, "Understanding unique ID prefixes".
"""

from __future__ import annotations

import base64

from pkilab.credentials import BASE32, TOP_BIT
from pkilab.pki.entropy import RandomSource

_TOKEN_START = bytes.fromhex("170a06") + b"er/aws" + b"\x10"  # FwoGZXIvYXdz...
_TOKEN_BYTES = 270


def access_key_id(account: str, entropy: RandomSource, *, prefix: str = "ASIA") -> str:
    """Return a new access key id of an account: ASIA is temporary, AKIA is not."""
    number = TOP_BIT | int(account)
    first = _base32(number >> 1, 8)
    ninth = BASE32[(number & 1) << 4 | entropy.bytes(1)[0] & 15]
    return f"{prefix}{first}{ninth}{_random(entropy, 7)}"


def unique_id(prefix: str, entropy: RandomSource) -> str:
    """Return a new unique id, such as of a user: AIDA and 17 letters and digits."""
    return prefix + _random(entropy, 17)


def secret(entropy: RandomSource) -> str:
    """Return a new secret access key: 40 characters."""
    return base64.b64encode(entropy.bytes(30)).decode()


def session_token(entropy: RandomSource) -> str:
    """Return a new session token; what is in AWS's is nobody's business, and this is random."""
    return base64.b64encode(_TOKEN_START + entropy.bytes(_TOKEN_BYTES)).decode()


def seed(entropy: RandomSource) -> str:
    """Return a new seed of an MFA device: 40 bytes in Base32."""
    return base64.b32encode(entropy.bytes(40)).decode()


def _random(entropy: RandomSource, count: int) -> str:
    return "".join(BASE32[each & 31] for each in entropy.bytes(count))


def _base32(number: int, count: int) -> str:
    return "".join(BASE32[number >> 5 * place & 31] for place in reversed(range(count)))
