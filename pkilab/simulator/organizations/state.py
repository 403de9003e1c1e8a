"""What an organization is made of. The state alone: rules live beside it, in files of their own.

Source: AWS Organizations User Guide, "Terminology and concepts"; ARNs as the Service Authorization
Reference has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pkilab.iam import Document

Json = dict[str, Any]
PolicyType = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
SCP: PolicyType = "SERVICE_CONTROL_POLICY"
RCP: PolicyType = "RESOURCE_CONTROL_POLICY"

OPEN = "OPEN"
LIFETIME = timedelta(days=15)  # of an invitation
REMEMBERED = timedelta(days=30)  # after a handshake ended


@dataclass(slots=True)
class Unit:
    """The root, or an organizational unit."""

    id: str
    arn: str
    name: str
    parent: str | None  # None: the root
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Member:
    """An account of the organization."""

    account: str  # 12 digits
    arn: str
    name: str
    email: str
    parent: str
    joined_at: datetime
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Policy:
    """A service control policy or a resource control policy; ``document`` is its content, read."""

    id: str
    arn: str
    name: str
    description: str
    type: PolicyType
    content: str
    document: Document
    aws_managed: bool = False
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Handshake:
    """An invitation of an account into an organization."""

    id: str
    arn: str
    organization: str
    inviter: str  # the management account
    account: str  # the invited one
    party: Json  # it, as the inviter named it: Id and Type
    resources: list[Json]
    requested_at: datetime
    tags: dict[str, str]
    ended: str = ""  # ACCEPTED, DECLINED or CANCELED; EXPIRED follows from the clock
    ended_at: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        """When nobody can answer it any more."""
        return self.requested_at + LIFETIME

    def state(self, now: datetime) -> str:
        """Return its state at a moment."""
        return self.ended or (OPEN if now < self.expires_at else "EXPIRED")

    def is_gone(self, now: datetime) -> bool:
        """Say whether it ended so long ago that it is not shown any more."""
        if self.state(now) == OPEN:
            return False
        return now >= (self.ended_at or self.expires_at) + REMEMBERED


@dataclass(slots=True)
class Organization:
    """One organization: a tree of units with accounts in it, and the policies attached to them."""

    id: str
    management: str  # the account
    feature_set: str  # ALL or CONSOLIDATED_BILLING
    root: Unit
    units: dict[str, Unit] = field(default_factory=dict)  # without the root, in order of creation
    members: dict[str, Member] = field(default_factory=dict)  # by account, in order of joining
    policies: dict[str, Policy] = field(default_factory=dict)  # AWS's own and the customer's
    attached: dict[str, list[str]] = field(default_factory=dict)  # policy ids by target
    enabled: list[PolicyType] = field(default_factory=list)
    services: dict[str, datetime] = field(default_factory=dict)  # trusted access, by principal

    def arn(self, kind: str, *parts: str) -> str:
        """Return the ARN of something in the organization."""
        return f"arn:aws:organizations::{self.management}:{'/'.join((kind, self.id, *parts))}"

    def container(self, unit: str) -> Unit | None:
        """Return the root or an organizational unit."""
        return self.root if unit == self.root.id else self.units.get(unit)

    def target(self, name: str) -> Unit | Member | None:
        """Return what a policy may be attached to."""
        return self.container(name) or self.members.get(name)

    def above(self, unit: str) -> tuple[str, ...]:
        """Return the ids from the root down to a unit, with both."""
        found: list[str] = []
        step = self.container(unit)
        while step is not None:
            found.append(step.id)
            step = self.container(step.parent) if step.parent else None
        return tuple(reversed(found))

    def path(self, unit: str) -> str:
        """Return a unit's path as aws:PrincipalOrgPaths has it: ``o-.../r-.../ou-.../``."""
        return "/".join((self.id, *self.above(unit), ""))

    def children(self, unit: str) -> list[Unit]:
        """Return the organizational units right below a unit."""
        return [each for each in self.units.values() if each.parent == unit]

    def accounts(self, unit: str) -> list[Member]:
        """Return the accounts right below a unit."""
        return [each for each in self.members.values() if each.parent == unit]

    def attachments(self, target: str, kind: str) -> list[Policy]:
        """Return the policies of a type attached to a target, the first attached first."""
        found = (self.policies[name] for name in self.attached.get(target, ()))
        return [policy for policy in found if policy.type == kind]
