"""Shares from both sides: made, accepted, seen and taken back.

RAM has no waiters, so these look again until something has happened, and say what they wait for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pkilab.access_control.denials import CODES
from pkilab.errors import LabError
from pkilab.waiting import accepted, until

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient
    from mypy_boto3_ram import RAMClient
    from mypy_boto3_ram.literals import ResourceOwnerType
    from mypy_boto3_ram.type_defs import (
        ResourceShareAssociationTypeDef,
        ResourceShareInvitationTypeDef,
        ResourceShareTypeDef,
    )

_POLL = timedelta(seconds=2)
_MOST_SECONDS = 120.0
PERMISSIONS = "arn:aws:ram::aws:permission/"
DEFAULT_PERMISSION = "AWSRAMDefaultPermissionCertificateAuthority"


@dataclass(frozen=True, slots=True)
class Share:
    """A resource share, as an account sees it.

    Attributes:
        arn: its ARN, which has the owner's account in it.
        name: what the owner calls it.
        owner: the account, 12 digits.
        status: ``ACTIVE``, ``PENDING``, ``DELETED`` ...
        resources: the ARNs that are associated with it.
        principals: with whom: accounts, ARNs. The owner alone sees all of them.
        permissions: the ARNs of what they may.
        created: when, aware.
    """

    arn: str
    name: str
    owner: str
    status: str
    resources: tuple[str, ...]
    principals: tuple[str, ...]
    permissions: tuple[str, ...]
    created: datetime


def share(
    ram: RAMClient,
    ca_arn: str,
    principals: Iterable[str],
    *,
    name: str = "Shared_Private_CA",
    permission: str = DEFAULT_PERMISSION,
    allow_external: bool = True,
    sleep: Callable[[float], None] = time.sleep,
    seconds: float = _MOST_SECONDS,
) -> str:
    """Share a CA and wait until it is associated; return the share's ARN.

    A principal outside of the owner's organization has to `accept` first.

    Args:
        ram: the owner's client.
        ca_arn: the CA.
        principals: account ids, ARNs of organizations, organizational units, roles or users.
        name: of the share.
        permission: the name of one of AWS's managed permissions, or a permission's ARN.
        allow_external: whether principals outside of the owner's organization may be meant.
        sleep: how to wait.
        seconds: how long at most.

    Raises:
        LabError: it was not associated in time, or the association failed.
        ClientError: RAM refuses.
    """
    arn = permission if permission.startswith("arn:") else PERMISSIONS + permission
    made = ram.create_resource_share(
        name=name,
        resourceArns=[ca_arn],
        principals=list(principals),
        permissionArns=[arn],
        allowExternalPrincipals=allow_external,
    )["resourceShare"]["resourceShareArn"]

    def associated() -> bool:
        found = list(_associations(ram, made))
        if failed := [each for each in found if each.get("status") == "FAILED"]:
            why = failed[0].get("statusMessage", "no reason given")
            raise LabError(f"{failed[0].get('associatedEntity')} in {made}: {why}")
        return bool(found) and all(each.get("status") == "ASSOCIATED" for each in found)

    until(
        associated,
        what=f"the association of {ca_arn} with {made}",
        at_most=timedelta(seconds=seconds),
        every=_POLL,
        sleep=sleep,
    )
    return made


def invitation(
    ram: RAMClient,
    share_arn: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    seconds: float = _MOST_SECONDS,
) -> ResourceShareInvitationTypeDef:
    """Return the invitation to a share, as its receiver sees it; wait until there is one.

    An organization that shares within itself sends none.

    Raises:
        LabError: none came in time.
    """

    def found() -> ResourceShareInvitationTypeDef | None:
        answer = ram.get_resource_share_invitations(resourceShareArns=[share_arn])
        invitations = answer["resourceShareInvitations"]
        return max(invitations, key=lambda each: each["invitationTimestamp"], default=None)

    return until(
        found,
        what=f"an invitation to {share_arn}",
        at_most=timedelta(seconds=seconds),
        every=_POLL,
        sleep=sleep,
    )


def accept(
    ram: RAMClient,
    share_arn: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    seconds: float = _MOST_SECONDS,
) -> str:
    """Accept the invitation to a share, as its receiver; return the invitation's ARN.

    An invitation to a private CA lapses after 12 hours.

    Raises:
        LabError: there is none in time.
        ClientError: it was accepted or rejected already, or has expired.
    """
    arn = invitation(ram, share_arn, sleep=sleep, seconds=seconds)["resourceShareInvitationArn"]
    ram.accept_resource_share_invitation(resourceShareInvitationArn=arn)
    return arn


def wait_usable(
    pca: ACMPCAClient,
    ca_arn: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    seconds: float = _MOST_SECONDS,
) -> None:
    """Wait until an account may describe a CA that is shared with it.

    Raises:
        LabError: it may not in time.
        ClientError: something else is refused.
    """
    until(
        accepted(
            lambda: pca.describe_certificate_authority(CertificateAuthorityArn=ca_arn),
            "ResourceNotFoundException",
            *CODES,
        ),
        what=f"access to {ca_arn}",
        at_most=timedelta(seconds=seconds),
        every=_POLL,
        sleep=sleep,
    )


def shares(ram: RAMClient, owner: ResourceOwnerType = "SELF") -> tuple[Share, ...]:
    """Return an account's shares, or (``OTHER-ACCOUNTS``) those that it is given a part in."""
    found = [
        each
        for page in ram.get_paginator("get_resource_shares").paginate(resourceOwner=owner)
        for each in page["resourceShares"]
    ]
    return tuple(_described(ram, each, owner) for each in found)


def revoke(ram: RAMClient, share_arn: str) -> None:
    """Delete a share. What was issued through it stays valid, and cannot be renewed.

    Raises:
        ClientError: RAM refuses.
    """
    ram.delete_resource_share(resourceShareArn=share_arn)


def _described(ram: RAMClient, found: ResourceShareTypeDef, owner: ResourceOwnerType) -> Share:
    arn = found["resourceShareArn"]
    resources = ram.list_resources(resourceOwner=owner, resourceShareArns=[arn])["resources"]
    principals = ram.list_principals(resourceOwner=owner, resourceShareArns=[arn])["principals"]
    permissions = ram.list_resource_share_permissions(resourceShareArn=arn)["permissions"]
    return Share(
        arn=arn,
        name=found["name"],
        owner=found["owningAccountId"],
        status=found["status"],
        resources=tuple(one["arn"] for one in resources),
        principals=tuple(one["id"] for one in principals),
        permissions=tuple(one["arn"] for one in permissions),
        created=found["creationTime"],
    )


def _associations(ram: RAMClient, share_arn: str) -> Iterator[ResourceShareAssociationTypeDef]:
    """Yield what a share is associated with; principals that are still to accept are left out."""
    for kind in ("RESOURCE", "PRINCIPAL"):
        found = ram.get_resource_share_associations(
            associationType=kind,
            resourceShareArns=[share_arn],
        )["resourceShareAssociations"]
        invited = kind == "PRINCIPAL"
        yield from (each for each in found if not (invited and each.get("status") == "ASSOCIATING"))
