"""AWS Organizations: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS
Organizations".
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Rule,
    given,
    rows,
    tagging,
)

PREFIX = "organizations"
_KINDS = {
    "r-": "root/o-*",
    "ou-": "ou/o-*",
    "p-": "policy/o-*/service_control_policy",
    "h-": "handshake/o-*/invite",
    "": "account/o-*",
}
# What is made with tags, before it has an id.
_MADE = {
    "CreateAccount": "account/o-*/*",
    "CreateOrganizationalUnit": "ou/o-*/ou-*",
    "CreatePolicy": "policy/o-*/{}/p-*",
    "InviteAccountToOrganization": "account/o-*/*",
}
KEYS = frozenset(
    {
        "organizations:policytype", "organizations:serviceprincipal", "aws:requesttag/",
        "aws:tagkeys",
    }
)  # fmt: skip


def _on(*names: str) -> Rule:
    """Return the rule for an operation on everything that these members name by its id."""

    def rule(asked: Asked) -> Iterator[Access]:
        for name in names:
            if number := asked.members.get(name):
                found = asked.facts.organization_arn(asked.call, number)
                yield asked.access(found or _unknown(asked, number), context=_context(asked))
        yield from _tagged(asked)

    return rule


def _unknown(asked: Asked, number: str) -> str:
    """Return the ARN of what is not, or not yet, in the caller's organization."""
    kind = next((kind for start, kind in _KINDS.items() if number.startswith(start)), "")
    return f"arn:aws:organizations::{asked.call.account}:{kind}/{number}"


def _invite(asked: Asked) -> Iterator[Access]:
    target = asked.members["Target"]["Id"]
    yield asked.access(_unknown(asked, target), context=_context(asked))
    yield from _tagged(asked)


def _everywhere(asked: Asked) -> Iterator[Access]:
    yield asked.access(context=_context(asked))
    yield from _tagged(asked)


def _tagged(asked: Asked) -> Iterator[Access]:
    """Yield what tags of something new need (API Reference, each operation's Tags)."""
    tags, new = tagging(asked.members.get("Tags")), _MADE.get(asked.operation)
    if tags and new:
        kind = str(asked.members.get("Type", "")).lower() or "*"
        arn = f"arn:aws:organizations::{asked.call.account}:{new.format(kind)}"
        yield asked.access(arn, "TagResource", tags)


def _context(asked: Asked) -> dict[str, str | tuple[str, ...]]:
    members = asked.members
    named = "Policy" in asked.operation or "Policies" in asked.operation
    types = [members.get(each) for each in ("PolicyType", "Filter", "Type")] if named else []
    keys = {
        "organizations:policytype": next((each for each in types if each), None),
        "organizations:serviceprincipal": members.get("ServicePrincipal"),
        "aws:tagkeys": members.get("TagKeys"),
    }
    return given(keys) | tagging(members.get("Tags"))


TABLE = rows(
    (_on("PolicyId", "TargetId"), "AttachPolicy DetachPolicy"),
    (_invite, "InviteAccountToOrganization"),
    (_on("HandshakeId"), "AcceptHandshake CancelHandshake DeclineHandshake DescribeHandshake"),
    (_on("AccountId"), "CloseAccount DescribeAccount RemoveAccountFromOrganization"),
    (_on("AccountId", "SourceParentId", "DestinationParentId"), "MoveAccount"),
    (_on("ParentId"), "CreateOrganizationalUnit ListAccountsForParent ListChildren"),
    (_on("ParentId"), "ListOrganizationalUnitsForParent"),
    (_on("ChildId"), "ListParents"),
    (
        _on("OrganizationalUnitId"),
        "DeleteOrganizationalUnit DescribeOrganizationalUnit UpdateOrganizationalUnit",
    ),
    (_on("PolicyId"), "DeletePolicy DescribePolicy ListTargetsForPolicy UpdatePolicy"),
    (_on("TargetId"), "ListPoliciesForTarget"),
    (_on("RootId"), "DisablePolicyType EnablePolicyType"),
    (_on("ResourceId"), "ListTagsForResource TagResource UntagResource"),
    (
        _everywhere,
        """
        CreateAccount CreateOrganization CreatePolicy DeleteOrganization
        DescribeCreateAccountStatus DescribeOrganization DisableAWSServiceAccess
        EnableAWSServiceAccess EnableAllFeatures LeaveOrganization
        ListHandshakesForAccount ListHandshakesForOrganization
        ListAWSServiceAccessForOrganization ListAccounts ListCreateAccountStatus ListPolicies
        ListRoots
        """,
    ),
)
