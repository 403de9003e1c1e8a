"""With whom something is shared: accounts, users and roles, organizations and services.

Sources: AWS RAM API Reference, CreateResourceShare (principals); sentences as quoted in
hashicorp/terraform-provider-aws issues 7769 and 15254.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pkilab.simulator.organizations.service import Organizations
from pkilab.simulator.organizations.state import Organization
from pkilab.simulator.service import AwsError, Call, error
from pkilab.simulator.world import World

SERVICE = "ram.amazonaws.com"
OUTSIDE = (
    "The resource you are attempting to share can only be shared within your AWS Organization. "
    "This error may also occur if you have not enabled sharing with your AWS organization, or that "
    "onboarding process is still in progress."
)
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("account", re.compile(r"(?P<account>\d{12})", re.ASCII)),
    (
        "organization",
        re.compile(
            r"arn:aws:organizations::\d{12}:organization/(?P<organization>o-[a-z0-9]{10,32})",
            re.ASCII,
        ),
    ),
    (
        "unit",
        re.compile(
            r"arn:aws:organizations::\d{12}:ou/(?P<organization>o-[a-z0-9]{10,32})"
            r"/(?P<unit>ou-[a-z0-9-]+)",
            re.ASCII,
        ),
    ),
    ("entity", re.compile(r"arn:aws:iam::(?P<account>\d{12}):(?:role|user)/[^*?\s]+", re.ASCII)),
    ("service", re.compile(r"[a-z0-9][a-z0-9.-]*\.amazonaws\.com", re.ASCII)),
)
PrincipalKind = Literal["account", "organization", "unit", "entity", "service"]


@dataclass(frozen=True, slots=True)
class Named:
    """A principal, by what its name says."""

    text: str
    kind: str  # PrincipalKind
    account: str = ""  # of an account, a user or a role
    organization: str = ""  # o-...
    unit: str = ""  # ou-...


def read_principal(text: str) -> Named:
    """Read a principal. Whether there is such a user, role or account is not looked at.

    Raises:
        AwsError: InvalidParameterException.
    """
    for kind, form in _FORMS:
        if found := form.fullmatch(text):
            return Named(text, kind, **found.groupdict())
    message = f"Principal ID {text} is malformed. Verify the ID and try again."
    raise error("ram", "InvalidParameterException", message)


class Neighbours:
    """Who is in whose organization, and which organizations share without invitations.

    Args:
        world: whose clock counts.
        organizations: the service that knows them.
    """

    def __init__(self, world: World, organizations: Organizations) -> None:
        self._world, self._organizations = world, organizations
        self._enabled: set[str] = set()  # ids of organizations

    def enable(self, organization: Organization) -> None:
        """Remember that an organization's management account enabled sharing."""
        self._enabled.add(organization.id)

    def disable(self, organization: Organization) -> None:
        """Remember that it is not trusted any more."""
        self._enabled.discard(organization.id)

    def organization(self, account: str) -> Organization | None:
        """Return an account's organization."""
        call = Call(account, self._world.region, self._world.clock.now(), SERVICE)
        try:
            return self._organizations.own(call)
        except AwsError:
            return None

    def sharing(self, account: str) -> Organization | None:
        """Return an account's organization if sharing is enabled in it."""
        found = self.organization(account)
        if found is None or found.id not in self._enabled or SERVICE not in found.services:
            return None
        return found

    def is_external(self, named: Named, owner: str) -> bool:
        """Whether a principal is of another account that no organization lets in."""
        if not named.account or named.account == owner:
            return False
        own = self.sharing(owner)
        return own is None or named.account not in own.members

    def require_known(self, named: Named, owner: str) -> None:
        """Refuse organizations and units but those of the owner's own that shares.

        Raises:
            AwsError: UnknownResourceException.
        """
        if named.kind not in {"organization", "unit"}:
            return
        own = self.sharing(owner)
        mine = own is not None and own.id == named.organization
        if named.kind == "organization" and not mine:
            message = f"Organization {named.organization} could not be found."
            raise error("ram", "UnknownResourceException", message)
        if named.kind == "unit" and not (mine and own and named.unit in own.units):
            where = named.organization if mine else "unknown organization"
            message = f"OrganizationalUnit {named.unit} in {where} could not be found."
            raise error("ram", "UnknownResourceException", message)

    def covers(self, named: Named, account: str) -> bool:
        """Whether an account, or somebody in it, is meant by a principal."""
        if named.account:
            return named.account == account
        own = self.organization(account) if named.organization else None
        if own is None or own.id != named.organization:
            return False
        return not named.unit or named.unit in own.above(own.members[account].parent)

    def path(self, named: Named, owner: str) -> str:
        """Return the path of a unit and of everything below it, as aws:PrincipalOrgPaths has it."""
        own = self.organization(owner)
        if own is None or named.unit not in own.units:
            return f"{named.organization}/*/{named.unit}/*"
        return f"{own.path(named.unit)}*"
