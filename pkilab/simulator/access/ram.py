"""AWS Resource Access Manager: what its operations need.

Shares are limited by what they share and with whom: condition keys, not resources, say so.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Resource
Access Manager".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Context,
    Rule,
    anywhere,
    given,
    removing,
    rows,
    tagging,
)

PREFIX = "ram"
KEYS = frozenset(
    {
        "ram:allowsexternalprincipals", "ram:permissionarn", "ram:permissionresourcetype",
        "ram:principal", "ram:requestedallowsexternalprincipals", "ram:requestedresourcetype",
        "ram:resourcearn", "ram:resourcesharename", "ram:resourcetag/",
        "ram:retainsharingonaccountleaveorganization", "ram:shareowneraccountid",
        "aws:resourcetag/", "aws:requesttag/", "aws:tagkeys",
    }
)  # fmt: skip
_TYPES = {"acm-pca": "acm-pca:CertificateAuthority"}


def _what(asked: Asked) -> Iterator[Context]:
    """Yield the condition keys of what is shared and with whom: these keys have one value each.

    How AWS asks for several at once is unpublished. Here every resource and every principal is
    asked for once, beside one of the others.
    """
    resources = asked.members.get("resourceArns") or [None]
    principals = asked.members.get("principals") or [None]
    for number in range(max(len(resources), len(principals))):
        resource = resources[min(number, len(resources) - 1)]
        service = resource.split(":")[2] if resource and resource.count(":") > 1 else ""
        yield given(
            {
                "ram:principal": principals[min(number, len(principals) - 1)],
                "ram:resourcearn": resource,
                "ram:requestedresourcetype": _TYPES.get(service),
            }
        )


def _create(asked: Asked) -> Iterator[Access]:
    external = asked.members.get("allowExternalPrincipals", True)
    context = given({"ram:requestedallowsexternalprincipals": external})
    tags = tagging(asked.members.get("tags"))
    for each in _what(asked):
        yield asked.access(context=context | tags | each)
    yield from _tagged(asked, "resource-share/*")


def _tagged(asked: Asked, new: str) -> Iterator[Access]:
    """Yield what tags of something new need.

    Source: Service Authorization Reference, CreatePermission ("Dependent actions"); handlers of
    AWS::RAM::ResourceShare in the CloudFormation registry.
    """
    if tags := tagging(asked.members.get("tags")):
        yield asked.access(asked.arn(new), "TagResource", tags)


def _update(asked: Asked) -> Iterator[Access]:
    external = asked.members.get("allowExternalPrincipals")
    context = given({"ram:requestedallowsexternalprincipals": external})
    yield asked.access(asked.members["resourceShareArn"], context=context)


def _change(asked: Asked) -> Iterator[Access]:
    for each in _what(asked):
        yield asked.access(asked.members["resourceShareArn"], context=each)


def _on(*members: str) -> Rule:
    """Return the rule for an operation on everything that these members name by its ARN."""

    def rule(asked: Asked) -> Iterator[Access]:
        for member in members:
            yield asked.access(asked.members[member])

    return rule


def _received(member: str) -> Rule:
    """Return the rule for what another account's ARN names and is the caller's to look at.

    Invitations have the ARN of who sends them, and whom they invite does not need their policy.
    """

    def rule(asked: Asked) -> Iterator[Access]:
        found = asked.access(asked.members[member])
        yield replace(found, owner=asked.call.account)

    return rule


def _create_permission(asked: Asked) -> Iterator[Access]:
    keys = {
        "ram:permissionarn": asked.arn(f"permission/{asked.members['name']}"),
        "ram:permissionresourcetype": asked.members["resourceType"],
    }
    yield asked.access(context=given(keys) | tagging(asked.members.get("tags")))
    yield from _tagged(asked, f"permission/{asked.members['name']}")


def _associations(asked: Asked) -> Iterator[Access]:
    yield asked.access(asked.members.get("permissionArn") or asked.arn("permission/*"))


def _tag(asked: Asked) -> Iterator[Access]:
    members = asked.members
    named = members.get("resourceShareArn") or members.get("resourceArn")
    context = tagging(members.get("tags")) | removing(members.get("tagKeys"))
    yield asked.access(named or asked.arn("resource-share/*"), context=context)


TABLE = rows(
    (_create, "CreateResourceShare"),
    (_update, "UpdateResourceShare"),
    (_change, "AssociateResourceShare DisassociateResourceShare"),
    (
        _on("resourceShareArn"),
        "DeleteResourceShare PromoteResourceShareCreatedFromPolicy",
    ),
    (_received("resourceShareArn"), "ListResourceSharePermissions"),
    (
        _on("permissionArn", "resourceShareArn"),
        "AssociateResourceSharePermission DisassociateResourceSharePermission",
    ),
    (
        _received("resourceShareInvitationArn"),
        """
        AcceptResourceShareInvitation ListPendingInvitationResources
        RejectResourceShareInvitation
        """,
    ),
    (_create_permission, "CreatePermission"),
    (
        _on("permissionArn"),
        """
        CreatePermissionVersion DeletePermission DeletePermissionVersion GetPermission
        PromotePermissionCreatedFromPolicy SetDefaultPermissionVersion
        """,
    ),
    (_associations, "ListPermissionAssociations"),
    (_tag, "TagResource UntagResource"),
    (
        anywhere,
        """
        EnableSharingWithAwsOrganization GetResourcePolicies GetResourceShareAssociations
        GetResourceShareInvitations GetResourceShares ListPermissionVersions ListPermissions
        ListPrincipals ListResourceTypes ListResources ListSourceAssociations
        """,
    ),
)
