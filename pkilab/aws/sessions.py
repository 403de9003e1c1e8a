"""boto3 sessions whose credentials are looked for again when they have expired.

boto3 renews by itself what it can: roles, SSO, instance profiles. What it cannot renew ends in the
middle of a run: a session token in the environment, an SSO login, an MFA session that some tool
writes to the credentials file. Then the same places are looked at again, since the user may have
logged in anew; if there is nothing new, the run stops with a message that says what to do.

Sources: Boto3 Guide, "Credentials"; AWS CLI User Guide, "Cache" (``~/.aws/cli/cache``, so that one
MFA code serves the command line and every kernel).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import JSONFileCache

from pkilab.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

# What botocore lets through where a credential_process is not there, answers no JSON, or gives
# credentials that are over already.
_UNUSABLE = (BotoCoreError, ClientError, OSError, RuntimeError, ValueError)

#: What services answer once a session is over; nothing was done then.
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})

_CACHE = Path("~/.aws/cli/cache")


class Renewed(Credentials):
    """Credentials that can be looked for again. Those of a refreshable kind refresh as ever.

    Args:
        look: looks for credentials where boto3 does; None where there are none.
        profile: whose they are, for messages.
    """

    def __init__(self, look: Callable[[], Credentials | None], profile: str | None) -> None:
        self._look, self._profile = look, profile
        found = look()
        if found is None:
            raise CredentialsError(f"{self._whose}: there are none. {self._remedy}")
        self._held: Credentials = found
        self.method: str = found.method
        self.account_id: str | None = None

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return the keys of now.

        Raises:
            CredentialsError: they cannot be had any more.
        """
        try:
            return self._held.get_frozen_credentials()
        except (EOFError, NotImplementedError) as error:  # a kernel without anyone to ask
            raise CredentialsError(
                f"{self._whose}: an MFA code is wanted, and nobody can be asked here. Run `aws sts "
                f"get-caller-identity{self._option}` first: its session is used"
            ) from error
        except _UNUSABLE as error:
            raise CredentialsError(f"{self._whose}: {error}. {self._remedy}") from error

    @property
    def access_key(self) -> str:  # type: ignore[override] # read anew each time
        """The key's id."""
        return str(self.get_frozen_credentials().access_key)

    @property
    def secret_key(self) -> str:  # type: ignore[override] # read anew each time
        """The key's secret."""
        return str(self.get_frozen_credentials().secret_key)

    @property
    def token(self) -> str | None:  # type: ignore[override] # read anew each time
        """The session token of temporary credentials."""
        found: str | None = self.get_frozen_credentials().token
        return found

    def renew(self) -> None:
        """Look for other credentials than those that have just been refused.

        Raises:
            CredentialsError: there are no others.
        """
        refused = self.get_frozen_credentials()
        try:
            found = self._look()
            other = found and found.get_frozen_credentials()
        except _UNUSABLE as error:
            raise CredentialsError(f"{self._whose}: {error}. {self._remedy}") from error
        if found is None or other == refused:
            raise CredentialsError(
                f"{self._whose}: the session is over. {self._remedy} Then go on with the cell that "
                "stopped: AWS did nothing of what it asked"
            )
        self._held = found

    @property
    def _whose(self) -> str:
        return f"credentials of profile {self._profile!r}" if self._profile else "credentials"

    @property
    def _option(self) -> str:
        return f" --profile {self._profile}" if self._profile else ""

    @property
    def _remedy(self) -> str:
        return (
            f"Log in again (`aws sso login{self._option}`, or whatever gives you keys; what the "
            "environment says is read when a kernel starts)."
        )


class _Provider:
    """Gives a session the credentials that were found for it."""

    def __init__(self, credentials: Renewed) -> None:
        self._credentials = credentials

    def load_credentials(self) -> Renewed:
        return self._credentials


def open_session(profile: str | None, region: str | None) -> tuple[boto3.Session, Renewed]:
    """Return a session by boto3's ordinary configuration, and its credentials.

    Args:
        profile: None for what the environment says.
        region: overrides the profile's.

    Raises:
        CredentialsError: there are no credentials, or no such profile.
    """
    try:
        credentials = Renewed(lambda: _configured(profile).get_credentials(), profile)
        session = _configured(profile)
        session.register_component("credential_provider", _Provider(credentials))
        return boto3.Session(botocore_session=session, region_name=region), credentials
    except _UNUSABLE as error:
        raise CredentialsError(f"profile {profile!r}: {error}") from error


def _configured(profile: str | None) -> botocore.session.Session:
    session = botocore.session.Session(profile=profile)
    provider = session.get_component("credential_provider").get_provider("assume-role")
    provider.cache = JSONFileCache(str(_CACHE.expanduser()))
    return session
