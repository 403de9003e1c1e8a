"""What an account's organization limits: service control and resource control policies.

Source: AWS Organizations User Guide, "SCP evaluation", "Resource control policies (RCPs)", "SCP
effects on permissions" (the management account, service-linked roles); Organizations API Reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from pkilab.access_control.callers import Context
from pkilab.access_control.reading import Reader
from pkilab.iam import Document, PolicyKind

Levels = tuple[tuple[Document, ...], ...]

#: Services that this package uses and whose resources RCPs do not protect; what is on neither list
#: may have been added since, and is marked as not read through.
NOT_RESOURCE_CONTROLLED = frozenset(
    {
        "acm", "acm-pca", "apigateway", "cloudformation", "cloudtrail", "iam", "lambda",
        "organizations", "route53", "route53domains",
    }
)  # fmt: skip
_TYPES: dict[PolicyKind, str] = {
    "service control": "SERVICE_CONTROL_POLICY",
    "resource control": "RESOURCE_CONTROL_POLICY",
}
_NO_ORGANIZATION = frozenset({"AWSOrganizationsNotInUseException"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where an account is in its organization.

    ``path`` is the way from the root down to it, with both ends; empty where it was not read.
    """

    organization: str
    manager: str  # the management account
    path: tuple[str, ...] = ()
    client: Any = None  # of the management account

    def context(self, whose: str) -> Context:
        """Return the condition keys; ``whose``: principal or resource."""
        found: Context = {f"aws:{whose}orgid": self.organization}
        if self.path:
            found[f"aws:{whose}orgpaths"] = (f"{'/'.join((self.organization, *self.path[:-1]))}/",)
        return found


def read_place(account: str, manager: str, kind: PolicyKind, reader: Reader) -> Place | None:
    """Find an account in its organization; ``None``: it is in none, or that could not be read.

    Any account of an organization may ask which it is, unless it is denied that; only the
    management account and delegated administrators may ask further.

    Args:
        account: its 12 digits.
        manager: the management account to ask first; ``""``: the account itself is asked.
        kind: of the policies that are looked for.
        reader: of both accounts.
    """
    what = f"{kind} policies of account {account}"
    for asked in filter(None, (manager, account)):
        client = reader.client("organizations", asked, "", kind, what)
        if client is None:
            return None
        described = reader.ask(
            kind,
            what,
            partial(_described, client),
            absent=_NO_ORGANIZATION,
        )
        if described is None:
            return None
        found = _place(account, described["Id"], described["MasterAccountId"], kind, reader)
        if found is not None:
            return found
    return None


def _place(
    account: str, organization: str, manager: str, kind: PolicyKind, reader: Reader
) -> Place | None:
    """Find an account in an organization; ``None``: it is not in this one."""
    what = f"{kind} policies of account {account}"
    client = reader.client("organizations", manager, "", kind, what)
    if client is None:
        return Place(organization, manager)

    def path() -> tuple[str, ...]:
        steps = [account]
        while not steps[0].startswith("r-"):
            try:
                (parent,) = client.list_parents(ChildId=steps[0])["Parents"]
            except client.exceptions.ChildNotFoundException:
                return ()
            steps.insert(0, parent["Id"])
        return tuple(steps)

    found = reader.ask(kind, what, path)
    if found == ():
        return None
    return Place(organization, manager, found or (), client)


def read_controls(place: Place | None, kind: PolicyKind, reader: Reader) -> Levels:
    """Read the policies of a kind that limit an account, one tuple a level from the root down."""
    if place is None or not place.path or place.path[-1] == place.manager:
        return ()  # nothing limits the management account
    client, what = place.client, f"{kind} policies of account {place.path[-1]}"

    def enabled() -> bool:
        pages = client.get_paginator("list_roots").paginate()
        (root,) = (each for page in pages for each in page["Roots"])
        return {"Type": _TYPES[kind], "Status": "ENABLED"} in root["PolicyTypes"]

    def attached(target: str) -> list[dict[str, Any]]:
        pages = client.get_paginator("list_policies_for_target").paginate(
            TargetId=target, Filter=_TYPES[kind]
        )
        return [
            client.describe_policy(PolicyId=each["Id"])["Policy"]
            for page in pages
            for each in page["Policies"]
        ]

    if not reader.ask(kind, what, enabled):
        return ()
    levels = []
    for target in place.path:
        found = reader.ask(kind, f"{kind} policies of {target}", partial(attached, target))
        if found is None:
            return ()  # and it is noted
        levels.append(
            tuple(
                document
                for policy in found
                for document in reader.policy(
                    policy["Content"], kind, f"{policy['PolicySummary']['Name']} ({_at(target)})"
                )
            )
        )
    return tuple(levels)


def _described(client: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
    organization: dict[str, Any] = client.describe_organization()["Organization"]
    return organization


def _at(target: str) -> str:
    """Say where a policy is attached: ``r-...`` a root, ``ou-...`` a unit, 12 digits an account."""
    what = "root " if target.startswith("r-") else "account " if target.isdigit() else ""
    return f"attached to {what}{target}"
