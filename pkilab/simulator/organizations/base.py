"""What all operations of AWS Organizations stand on: who calls, which organization, new names.

Source: AWS Organizations API Reference. Which account may call what: the operations' own pages;
delegated administrators are not simulated.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from pkilab.simulator.organizations.errors import constraint, invalid, refusal
from pkilab.simulator.organizations.state import Handshake, Json, Organization
from pkilab.simulator.pages import page
from pkilab.simulator.service import AwsError, Call, JsonService
from pkilab.simulator.world import World

Item = TypeVar("Item")
PAGE = 20
TAGS = 50  # per resource
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class OrganizationsBase(JsonService):
    """The organizations of a world, and who may call what."""

    name: ClassVar[str] = "organizations"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._organizations: dict[str, Organization] = {}  # by id, in order of creation
        self._memberships: dict[str, Organization] = {}  # by account
        self._handshakes: dict[str, Handshake] = {}  # of all organizations, in order of sending
        self._numbers = itertools.count()
        # Told which account an organization no longer has, and which service it no longer trusts.
        self.on_leaving: list[Callable[[Organization, str], None]] = []
        self.on_distrust: list[Callable[[Organization, str], None]] = []
        self._aliases = {number: alias for alias, number in world.accounts.items()}

    def new_name(self, kind: str, length: int) -> str:
        """Return letters and digits that no other name of this world has."""
        source = self.world.entropy("organizations", kind, str(next(self._numbers)))
        return "".join(_LETTERS[octet % len(_LETTERS)] for octet in source.bytes(length))

    def email(self, account: str) -> str:
        """Return an account's email address: its alias in the world, at example.com."""
        return f"{re.sub(r'[^A-Za-z0-9._+-]', '-', self._aliases[account])[:52]}@example.com"

    def account_name(self, account: str) -> str:
        """Return an account's friendly name: its alias in the world."""
        return self._aliases[account]

    def own(self, call: Call) -> Organization:
        """Return the caller's organization.

        Raises:
            AwsError: AWSOrganizationsNotInUseException.
        """
        if (found := self._memberships.get(call.account)) is None:
            raise refusal("AWSOrganizationsNotInUseException")
        return found

    def managed(self, call: Call) -> Organization:
        """Return the organization whose management account calls.

        Raises:
            AwsError: AWSOrganizationsNotInUseException; AccessDeniedException, for a member.
        """
        found = self.own(call)
        if found.management != call.account:
            raise refusal("AccessDeniedException")
        return found

    def listing(
        self, key: str, items: Sequence[Item], size: int | None, token: str | None, scope: str
    ) -> Json:
        """Return one page of a list under its name, and the token of the next."""
        try:
            shown, following = page(items, size or PAGE, token, scope=f"organizations {scope}")
        except AwsError as error:
            raise invalid("INVALID_NEXT_TOKEN") from error
        return {key: shown, "NextToken": following}


def with_tags(current: dict[str, str], tags: Sequence[Json]) -> dict[str, str]:
    """Return tags with more set.

    Raises:
        AwsError: InvalidInputException, a reserved key or one given twice;
            ConstraintViolationException, too many.
    """
    keys = [tag["Key"] for tag in tags]
    if len(set(keys)) < len(keys):
        raise invalid("DUPLICATE_TAG_KEY")
    require_own_keys(keys)
    found = {**current, **{tag["Key"]: tag["Value"] for tag in tags}}
    if len(found) > TAGS:
        raise constraint("MAX_TAG_LIMIT_EXCEEDED")
    return found


def require_own_keys(keys: Sequence[str]) -> None:
    """Refuse tag keys that are AWS's.

    Raises:
        AwsError: InvalidInputException.
    """
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("INVALID_SYSTEM_TAGS_PARAMETER")
