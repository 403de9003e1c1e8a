"""An organization, its units and its policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkilab.cleaning.removal.asking import Removal, pages
from pkilab.cleaning.removal.kinds import Removed
from pkilab.journal import count

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient


def control(of: Removal) -> Removed:
    """Detach a policy from all its targets and delete it."""
    client: OrganizationsClient = of.client()
    name = of.thing.name
    targets = list(pages(client, "list_targets_for_policy", "Targets", PolicyId=name))
    for target in targets:
        client.detach_policy(PolicyId=name, TargetId=target["TargetId"])
    client.delete_policy(PolicyId=name)
    return Removed("removed", f"detached from {count(len(targets), 'target')}" if targets else "")


def unit(of: Removal) -> Removed:
    """Move a unit's accounts to the root and delete it."""
    client: OrganizationsClient = of.client()
    name, root = of.thing.name, client.list_roots()["Roots"][0]["Id"]
    for account in list(pages(client, "list_accounts_for_parent", "Accounts", ParentId=name)):
        client.move_account(AccountId=account["Id"], SourceParentId=name, DestinationParentId=root)
    client.delete_organizational_unit(OrganizationalUnitId=name)
    return Removed("removed")


def organization(of: Removal) -> Removed:
    """Let the member accounts go and delete the organization."""
    client: OrganizationsClient = of.client()
    manager = client.describe_organization()["Organization"]["MasterAccountId"]
    found = [each["Id"] for each in pages(client, "list_accounts", "Accounts")]
    members = [each for each in found if each != manager]
    for member in members:
        client.remove_account_from_organization(AccountId=member)
    client.delete_organization()
    left = f"its {count(len(members), 'member account')} left it first" if members else ""
    return Removed("removed", left)
