"""An access key, as STS and IAM answer it and as boto3 and the aws command line take it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pkilab.errors import LabError


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
        """The 12 digits of the account that the key belongs to; None: the key does not say.

        Source: keys carry it in Base32 after their first four letters, as security researchers
        found and sts GetAccessKeyInfo confirms; AWS documents no format.
        """
        try:
            number = int.from_bytes(base64.b32decode(self.access_key_id[4:])[:6])
        except ValueError:  # also of letters beyond ASCII
            return None
        return f"{(number & 0x7FFFFFFFFF80) >> 7:012}"

    def variables(self) -> dict[str, str]:
        """Return the environment variables by which AWS's tools take it."""
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            **token,
        }
