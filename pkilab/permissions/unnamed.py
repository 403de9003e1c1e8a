"""ARNs of what calls act on and neither name in their parameters nor in their answers' ARNs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkilab.permissions.besides import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkilab.journal import Entry

_LINKED = "AWSServiceRoleFor"
# What Organizations' calls name by an id, and how the ARN of such a thing ends. No caller knows the
# organization's own id beforehand.
_IDS = {
    "r-": "root/o-*/{}",
    "ou-": "ou/o-*/{}",
    "p-": "policy/o-*/*/{}",
    "h-": "handshake/o-*/*/{}",
    "": "account/o-*/{}",
}
_MEMBERS = (
    "AccountId", "ChildId", "DestinationParentId", "HandshakeId", "OrganizationalUnitId",
    "ParentId", "PolicyId", "ResourceId", "RootId", "SourceParentId", "TargetId",
)  # fmt: skip
_AWS_POLICY = "p-FullAWSAccess"  # AWS's own, in every organization


def unnamed(entry: Entry) -> Iterator[str]:
    """Yield the ARNs of what a call acts on by the nature of its service."""
    place = f"{entry.region}:{entry.account_id}"
    start, asked = f"arn:{partition_of(entry)}", entry.parameters
    if entry.service == "securityhub":  # an account has one hub in a Region
        yield f"{start}:securityhub:{place}:hub/default"
    elif entry.service == "secretsmanager" and entry.operation == "CreateSecret":
        # AWS's refusals name it by its name alone, older ones with the letters that it will get.
        yield f"{start}:secretsmanager:{place}:secret:{asked.get('Name')!s}*"
    elif is_linked_role(entry):
        # Nobody gives its path.
        name = str(asked["RoleName"])
        yield f"{start}:iam::{entry.account_id}:role/aws-service-role/*/{name}"
    elif entry.service == "organizations":
        target = asked.get("Target")
        named = [asked.get(each) for each in _MEMBERS]
        # An invited account may be called by its mail address, and so is not kept.
        named += ["*"] if isinstance(target, dict) else []
        for number in named:
            if isinstance(number, str):
                yield f"{start}:organizations::{_of_organization(entry, number)}"


def is_linked_role(entry: Entry) -> bool:
    """Whether a call is about a service-linked role."""
    name = str(entry.parameters.get("RoleName"))
    return entry.service == "iam" and name.startswith(_LINKED)


def _of_organization(entry: Entry, number: str) -> str:
    """Return account and resource of what has an id in an organization."""
    if number == _AWS_POLICY:
        return f"aws:policy/*/{number}"
    form = next(form for begins, form in _IDS.items() if number.startswith(begins))
    # Whom a handshake asks has another account's ARN of it.
    owner = "*" if number.startswith("h-") else entry.account_id
    return f"{owner}:{form.format(number)}"
