"""Who calls: the policies of a user or role, and what conditions may ask about them.

Source: IAM User Guide, "IAM identifiers", "AWS global condition context keys" and "Principal key
values"; IAM API Reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pkilab.access_control.reading import Reader
from pkilab.errors import MalformedError, UnsupportedError
from pkilab.iam import Document, PolicyKind, Principal

Context = dict[str, str | tuple[str, ...]]
_Entity = Literal["user", "role", "group"]

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>iam|sts)::(?P<account>[0-9]{12}):(?P<rest>\S+)",
    re.ASCII,
)
_SERVICE = re.compile(r"[a-z0-9.-]+\.(?:amazonaws\.com|amazonaws\.com\.cn|amazon\.com|aws)")
_SESSION = "session"  # of a role, when nobody says which
_TYPES = {"root": "Account", "user": "User", "assumed-role": "AssumedRole"}
_EXPECTED = "the ARN of a user, role, role session or account root, a service's name, or *"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody, and what is attached to them.

    Attributes:
        principal: who.
        identity: identity-based policies, those of groups too.
        boundary: the permissions boundary.
        context: condition keys that are known of them, in small letters.
    """

    principal: Principal
    identity: tuple[Document, ...] = ()
    boundary: Document | None = None
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


def read_caller(arn: str, reader: Reader) -> Caller:
    """Read everything that is attached to a caller.

    Args:
        arn: of a user, a role, a role's session or an account's root; a service's name; ``*``.
        reader: of the caller's account.

    Raises:
        MalformedError: it is none of these.
        UnsupportedError: a federated user, whose name does not tell who federated it.
        ClientError: there is no such user or role (botocore's).
    """
    if arn == "*":
        return Caller(Principal("anonymous", "*", ""))
    if _SERVICE.fullmatch(arn):
        keys: Context = {"aws:principalisawsservice": "true", "aws:principalservicename": arn}
        return Caller(Principal("service", arn, ""), context=keys)
    named = _ARN.fullmatch(arn)
    if named is None:
        raise MalformedError("principal", found=repr(arn), expected=_EXPECTED)
    kind, _, name = named["rest"].partition("/")
    account = named["account"]
    if (named["service"], named["rest"]) == ("iam", "root"):
        return _caller(Principal("root", arn, account, user_id=account))
    if (named["service"], kind) == ("iam", "user") and name:
        return _read_user(arn, account, name.rpartition("/")[2], reader)
    if (named["service"], kind) == ("iam", "role") and name:
        return _read_role(named["partition"], account, name.rpartition("/")[2], _SESSION, reader)
    if (named["service"], kind) == ("sts", "assumed-role") and "/" in name:
        role, _, session = name.partition("/")
        return _read_role(named["partition"], account, role, session, reader)
    if kind == "federated-user":
        raise UnsupportedError(f"{arn}: who federated it is not in its name, and so it")
    raise MalformedError("principal", found=repr(arn), expected=_EXPECTED)


def _read_user(arn: str, account: str, name: str, reader: Reader) -> Caller:
    what = f"user {name}"
    iam = reader.client("iam", account, "", "identity", f"policies of {what}")
    if iam is None:
        return _caller(Principal("user", arn, account))
    found = reader.ask("boundary", what, lambda: iam.get_user(UserName=name)["User"]) or {}
    principal = Principal("user", arn, account, user_id=found.get("UserId", ""))
    policies = (*_policies(iam, "user", name, reader), *_group_policies(iam, name, reader))
    keys: Context = {"aws:username": name, **_tags(found)}
    return _caller(principal, policies, _boundary(iam, found, reader), keys)


def _read_role(partition: str, account: str, name: str, session: str, reader: Reader) -> Caller:
    what = f"role {name}"
    arn = f"arn:{partition}:sts::{account}:assumed-role/{name}/{session}"
    likely = f"arn:{partition}:iam::{account}:role/{name}"  # unless it has a path
    iam = reader.client("iam", account, "", "identity", f"policies of {what}")
    if iam is None:
        return _caller(Principal("assumed-role", arn, account, role_arn=likely))
    found = reader.ask("boundary", what, lambda: iam.get_role(RoleName=name)["Role"]) or {}
    principal = Principal(
        "assumed-role",
        arn,
        account,
        role_arn=found.get("Arn", likely),
        user_id=f"{found['RoleId']}:{session}" if found else "",
    )
    policies = tuple(_policies(iam, "role", name, reader))
    return _caller(principal, policies, _boundary(iam, found, reader), _tags(found))


def _caller(
    principal: Principal,
    identity: tuple[Document, ...] = (),
    boundary: Document | None = None,
    context: Context | None = None,
) -> Caller:
    own: Context = {
        "aws:principalarn": principal.role_arn or principal.arn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": _TYPES[principal.kind],
        "aws:principalisawsservice": "false",
    }
    if principal.user_id:
        own["aws:userid"] = principal.user_id
    return Caller(principal, identity, boundary, own | (context or {}))


def _tags(found: Mapping[str, Any]) -> Context:
    return {f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in found.get("Tags", ())}


# Policies, by IAM's names of operations: ListUserPolicies, GetUserPolicy and so on.


def _policies(iam: Any, kind: _Entity, name: str, reader: Reader) -> Iterator[Document]:  # noqa: ANN401 - boto3's
    """Yield the inline and the managed policies of a user, role or group."""
    who = {f"{kind.capitalize()}Name": name}
    whose = f"{kind} {name}"

    def inline() -> list[str]:
        pages = iam.get_paginator(f"list_{kind}_policies").paginate(**who)
        return [each for page in pages for each in page["PolicyNames"]]

    for policy in reader.ask("identity", f"inline policies of {whose}", inline) or ():
        title = f"inline policy {policy} of {whose}"

        def text(policy: str = policy) -> Any:  # noqa: ANN401 - boto3 decodes it
            return getattr(iam, f"get_{kind}_policy")(**who, PolicyName=policy)["PolicyDocument"]

        if (found := reader.ask("identity", title, text)) is not None:
            yield from reader.policy(found, "identity", title)

    def attached() -> list[str]:
        pages = iam.get_paginator(f"list_attached_{kind}_policies").paginate(**who)
        return [each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]]

    for arn in reader.ask("identity", f"managed policies of {whose}", attached) or ():
        yield from _managed(iam, arn, "identity", reader)


def _group_policies(iam: Any, user: str, reader: Reader) -> Iterator[Document]:  # noqa: ANN401 - boto3's
    def groups() -> list[str]:
        pages = iam.get_paginator("list_groups_for_user").paginate(UserName=user)
        return [each["GroupName"] for page in pages for each in page["Groups"]]

    for group in reader.ask("identity", f"groups of user {user}", groups) or ():
        yield from _policies(iam, "group", group, reader)


def _managed(iam: Any, arn: str, kind: PolicyKind, reader: Reader) -> Iterator[Document]:  # noqa: ANN401 - boto3's
    def text() -> Any:  # noqa: ANN401 - boto3 decodes it
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        return answer["PolicyVersion"]["Document"]

    if (found := reader.ask(kind, arn, text)) is not None:
        yield from reader.policy(found, kind, arn)


def _boundary(iam: Any, found: Mapping[str, Any], reader: Reader) -> Document | None:  # noqa: ANN401 - boto3's
    arn = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return next(_managed(iam, arn, "boundary", reader), None) if arn else None
