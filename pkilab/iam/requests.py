"""What is decided: a request, and every policy that has a say.

Source: IAM User Guide, "Processing the request context", "Policies and permissions in AWS Identity
and Access Management".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pkilab.iam.documents import Document
from pkilab.iam.principals import Principal


@dataclass(frozen=True, slots=True)
class Request:
    """What someone wants to do.

    Attributes:
        principal: who.
        action: what, such as ``kms:Sign``.
        resource: on what: an ARN, or ``*`` for actions without one.
        owner: the 12 digits of the account that owns the resource; ``""``, the caller's own.
        context: condition keys in small letters, with their values; a tuple is a key of many.
    """

    principal: Principal
    action: str
    resource: str
    owner: str = ""
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    @property
    def same_account(self) -> bool:
        """Whether caller and resource belong together."""
        return self.owner in ("", self.principal.account)


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy that has a say.

    Attributes:
        identity: what is attached to the caller, and to a user's groups.
        boundary: the caller's permissions boundary.
        session: the session policies; ``None``, none were passed.
        resource: the resource's policy, and a key's grants (documents of kind ``grant``).
        service_control: one tuple a level: root, each organizational unit, account. Empty outside
            an organization, and for its management account.
        resource_control: the same for the resource's account.
        requires_resource_policy: for KMS keys and role trust policies: an identity policy counts
            only if the resource's policy lets the account delegate.
    """

    identity: tuple[Document, ...] = ()
    boundary: Document | None = None
    session: tuple[Document, ...] | None = None
    resource: tuple[Document, ...] = ()
    service_control: tuple[tuple[Document, ...], ...] = ()
    resource_control: tuple[tuple[Document, ...], ...] = ()
    requires_resource_policy: bool = False
