"""Resource shares and permissions of RAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkilab.cleaning.removal.asking import Removal
from pkilab.cleaning.removal.kinds import Removed

if TYPE_CHECKING:
    from mypy_boto3_ram import RAMClient

_AT_MOST, _EVERY = 300, 5
_DONE = ("DELETED", "")


def share(of: Removal) -> Removed:
    """Delete a share, which takes all from it, and wait until RAM has done so.

    Source: RAM API Reference, DeleteResourceShare; the status is DELETING meanwhile.
    """
    client: RAMClient = of.client()
    arn = of.thing.arn
    status = _status(client, arn)
    if status in _DONE:
        return Removed("gone")
    if status != "DELETING":
        client.delete_resource_share(resourceShareArn=arn)
    of.until(
        lambda: _status(client, arn) in _DONE,
        what="the share's deletion",
        at_most=_AT_MOST,
        every=_EVERY,
    )
    return Removed("removed", "what was issued through it stays valid")


def _status(client: RAMClient, arn: str) -> str:
    """Return a share's status; empty where RAM does not know it any more."""
    answer = client.get_resource_shares(resourceOwner="SELF", resourceShareArns=[arn])
    return next((each["status"] for each in answer["resourceShares"]), "")


def permission(of: Removal) -> Removed:
    """Delete a permission of the customer's, which no share may use."""
    client: RAMClient = of.client()
    client.delete_permission(permissionArn=of.thing.arn)
    return Removed("removed")
