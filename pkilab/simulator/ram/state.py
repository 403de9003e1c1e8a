"""What RAM keeps. The state alone: rules live beside it, in files of their own.

Source: AWS RAM API Reference, ResourceShare, ResourceShareAssociation, ResourceShareInvitation and
ResourceSharePermissionDetail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["PRINCIPAL", "RESOURCE", "SOURCE"]
FeatureSet = Literal["STANDARD", "CREATED_FROM_POLICY"]

CA = "acm-pca:CertificateAuthority"  # the one resource type that is simulated
# RAM User Guide, "Responding to invitations": most resource types have so long, a CA among them.
INVITATION = timedelta(hours=12)
REMEMBERED = timedelta(hours=2)  # how long a share or an association that ended is still shown
ENDED = frozenset({"DISASSOCIATED", "DISASSOCIATING", "FAILED"})


@dataclass(slots=True)
class Association:
    """A principal, a resource or a source of a share."""

    entity: str
    kind: Kind
    status: str  # ASSOCIATING, ASSOCIATED, DISASSOCIATING, DISASSOCIATED
    created: datetime
    updated: datetime
    external: bool = False
    organization: str = ""  # in which a principal is let in without an invitation
    message: str | None = None

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.status not in ENDED

    def move(self, status: str, now: datetime, message: str | None = None) -> None:
        """Put it into another state."""
        self.status, self.updated, self.message = status, now, message


@dataclass(slots=True)
class Share:
    """One resource share."""

    arn: str
    name: str
    owner: str  # account
    region: str
    external: bool  # allowExternalPrincipals
    status: str  # PENDING, ACTIVE, DELETING, DELETED
    created: datetime
    updated: datetime
    feature_set: FeatureSet = "STANDARD"
    retain: bool = False  # whether an account keeps access when it leaves the organization
    tags: dict[str, str] = field(default_factory=dict)
    associations: list[Association] = field(default_factory=list)
    permission: tuple[str, int] | None = None  # ARN and version; of CAs, as nothing else is shared
    permission_since: datetime | None = None
    statements: list[Json] | None = None  # of the policy that it was created from

    def of(self, kind: Kind) -> list[Association]:
        """Return the associations of a kind that have not ended."""
        return [each for each in self.associations if each.kind == kind and each.live]

    def find(self, kind: Kind, entity: str) -> Association | None:
        """Return the association of an entity that has not ended."""
        return next((each for each in self.of(kind) if each.entity == entity), None)

    @property
    def principals(self) -> list[str]:
        """The principals that have access."""
        return [each.entity for each in self.of("PRINCIPAL") if each.status == "ASSOCIATED"]

    @property
    def resources(self) -> list[str]:
        """The ARNs of the resources that principals have access to."""
        return [each.entity for each in self.of("RESOURCE") if each.status == "ASSOCIATED"]


@dataclass(slots=True)
class Invitation:
    """The question to another account whether it wants to join a share."""

    arn: str
    share: Share
    principal: str  # as the owner named it
    receiver: str  # account
    sent: datetime
    status: Literal["PENDING", "ACCEPTED", "REJECTED", "EXPIRED"] = "PENDING"

    @property
    def receiver_arn(self) -> str | None:
        """The user or role that is invited; None: the whole account."""
        return self.principal if self.principal.startswith("arn:") else None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a managed permission."""

    number: int
    statements: tuple[Json, ...]  # without Principal and Resource
    created: datetime | None  # None: AWS does not say when it made its own


@dataclass(slots=True)
class Permission:
    """A managed permission for CAs: AWS's, a customer's, or made from a policy."""

    arn: str
    name: str
    owner: str  # account; "" for AWS's own
    region: str  # "" for AWS's own
    versions: dict[int, Version]
    default: int
    updated: datetime | None
    feature_set: FeatureSet = "STANDARD"
    resource_default: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    numbered: int = 1  # the last number that a version was given

    @property
    def managed_by_aws(self) -> bool:
        """Whether it is AWS's own."""
        return not self.owner

    @property
    def current(self) -> Version:
        """The default version."""
        return self.versions[self.default]
