"""An access key, as STS and IAM answer it and as boto3 and the aws command line take it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pkilab.errors import LabError

BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TOP_BIT = 1 << 40  # above the account's 40
_KEY_ID = re.compile(r"(?:AKIA|ASIA)[A-Z2-7]{16}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key with its secret, and the session token that belongs to a temporary one."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, answer: Mapping[str, object]) -> Self:
        """Take the ``Credentials`` of AssumeRole and GetSessionToken, or CreateAccessKey's answer.

        Raises:
            LabError: it is neither.
        """
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        found = [answer.get(name) for name in names]
        key, secret, token = found
        if not (isinstance(key, str) and isinstance(secret, str)):
            raise LabError(
                f"credentials: found the members {', '.join(sorted(map(str, answer)))}, expected "
                "AccessKeyId and SecretAccessKey, as in what AssumeRole answers as Credentials"
            )
        return cls(key, secret, token if isinstance(token, str) else None)

    @property
    def account_id(self) -> str | None:
        """The 12 digits of the account that the key belongs to; None: the key does not say."""
        return account_of(self.access_key_id)

    def variables(self) -> dict[str, str]:
        """Return the environment variables by which AWS's tools take it."""
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            **token,
        }


def account_of(access_key_id: str) -> str | None:
    """Return the account that an access key id names; None: it names none.

    After a prefix of four letters comes, in Base32, the account's number above a bit that is always
    set; one bit of it reaches into the ninth character.

    Source: none of AWS's; found by Tal Be'ery, "A short note on AWS KEY ID" (2023), and confirmed
    by what sts GetAccessKeyInfo answers.
    """
    if not _KEY_ID.fullmatch(access_key_id):
        return None
    number = 0
    for letter in access_key_id[4:12]:
        number = number << 5 | BASE32.index(letter)
    number = number << 1 | BASE32.index(access_key_id[12]) >> 4
    account = number - TOP_BIT
    return f"{account:012}" if 0 <= account < 10**12 else None
