"""Access keys, secrets, session tokens and unique ids in AWS's shapes.

An access key id says whose it is: after a prefix of four letters, Base32 of the account's number
above a bit that is always set, one bit of which reaches into the ninth character.

Source: IAM User Guide, "Understanding unique ID prefixes"; how the number lies in it is unpublished
and was found by Tal Be'ery, "A short note on AWS KEY ID" (2023).
"""

from __future__ import annotations

import base64
import re

from pkilab.pki.entropy import RandomSource

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_KEY_ID = re.compile(r"(?:AKIA|ASIA)[A-Z2-7]{16}")
_TOP = 1 << 40  # the bit above the account's 40
_TOKEN_START = bytes.fromhex("170a06") + b"er/aws" + b"\x10"  # FwoGZXIvYXdz...
_TOKEN_BYTES = 270


def access_key_id(account: str, entropy: RandomSource, *, prefix: str = "ASIA") -> str:
    """Return a new access key id of an account: ASIA is temporary, AKIA is not."""
    number = _TOP | int(account)
    first = _base32(number >> 1, 8)
    ninth = _ALPHABET[(number & 1) << 4 | entropy.bytes(1)[0] & 15]
    return f"{prefix}{first}{ninth}{_random(entropy, 7)}"


def account_of(access_key_id: str) -> str | None:
    """Return the account that an access key id names; None: it names none."""
    if not _KEY_ID.fullmatch(access_key_id):
        return None
    number = 0
    for letter in access_key_id[4:12]:
        number = number << 5 | _ALPHABET.index(letter)
    number = number << 1 | _ALPHABET.index(access_key_id[12]) >> 4
    return f"{number & _TOP - 1:012}" if number & _TOP and number & _TOP - 1 < 10**12 else None


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
    return "".join(_ALPHABET[each & 31] for each in entropy.bytes(count))


def _base32(number: int, count: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(count)))
