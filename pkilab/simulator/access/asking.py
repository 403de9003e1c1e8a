"""What an operation needs: actions on resources, as the Service Authorization Reference has them.

Each service has a table from operations to rules. A rule is a function from what is asked to the
accesses that AWS checks for it; most are made by the few functions here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from pkilab.iam import Document
from pkilab.simulator.service import Call, Json

Context: TypeAlias = dict[str, str | tuple[str, ...]]
ANY = "*"


@dataclass(frozen=True, slots=True)
class Access:
    """One action on one resource that a call needs.

    Attributes:
        action: such as ``kms:Sign``.
        resource: an ARN; ``*`` for an action that AWS limits to no resource.
        owner: the account whose resource it is; ``""``: the ARN says, or else the caller's own.
        context: the request's condition keys for this action, in lower case.
        requires_resource_policy: an identity policy alone never allows it.
        shown: what a refusal calls the resource, where that is not its ARN.
        otherwise: another action that is enough as well; a refusal does not name it.
    """

    action: str
    resource: str = ANY
    owner: str = ""
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    requires_resource_policy: bool = False
    shown: str | None = None
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """An existing resource, as far as policies must know it.

    Attributes:
        arn: its ARN.
        owner: the account whose it is.
        tags: for aws:ResourceTag, where a service has it.
        policy: the text of its policy, if it has one.
        context: condition keys that hold for every action on it.
        details: what only some actions' condition keys tell.
    """

    arn: str
    owner: str
    tags: Mapping[str, str] = field(default_factory=dict)
    policy: str | None = None
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    details: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Key:
    """A KMS key that an operation names: by its ARN or id, or by an alias."""

    arn: str
    owner: str
    alias: str = ""  # alias/NAME, if that is how it was named


class Facts(Protocol):
    """What the tables must know of the world."""

    def resource(self, arn: str) -> Resource | None:
        """Return the resource of an ARN; None: there is none, or nothing is known of it."""

    def key(self, key_id: str, operation: str, call: Call) -> Key | None:
        """Return the key that an operation of KMS means; None: KMS itself refuses what it names."""

    def grant(self, members: Json, call: Call) -> Key | None:
        """Return the key of the grant that RetireGrant means, as its issuer's; None: no such."""

    def grants(
        self, key_arn: str, operation: str, members: Json, now: datetime, issuer: str = ""
    ) -> tuple[Document, ...]:
        """Return a key's grants that may speak for an operation, as policies.

        Args:
            key_arn: the key's.
            operation: of those that grants have.
            members: the request's.
            now: the time.
            issuer: the account whose grants alone are meant; "": those of all.
        """

    def encrypting_key(self, ciphertext: bytes) -> str | None:
        """Return the ARN of the symmetric key that a ciphertext of KMS's was made with."""

    def object_tags(self, bucket: str, key: str, version: str | None) -> Mapping[str, str] | None:
        """Return an object's tags; None: there is no such object or version."""

    def path(self, account: str, kind: str, name: str) -> str:
        """Return the path of an IAM user, role, group or other entity; ``/``: there is none."""

    def key_user(self, account: str, access_key_id: str) -> str | None:
        """Return the name of the user whose access key it is."""

    def organization_arn(self, call: Call, identifier: str) -> str | None:
        """Return the ARN of what the caller's organization calls by an id (r-, ou-, p-, ...)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation of a service that somebody asks for."""

    prefix: str  # of the actions: kms, apigateway ...
    operation: str
    members: Json
    call: Call
    facts: Facts

    def access(
        self,
        resource: str = ANY,
        action: str = "",
        context: Mapping[str, str | tuple[str, ...]] | None = None,
        shown: str | None = None,
    ) -> Access:
        """Return an access; the action is that of the operation's name unless said otherwise."""
        name = action or self.operation
        full = name if ":" in name else f"{self.prefix}:{name}"
        return Access(full, resource, context=context or {}, shown=shown)

    def arn(self, resource: str, *, service: str = "") -> str:
        """Return the ARN of something in the caller's account and Region."""
        place = f"{self.call.region}:{self.call.account}"
        return f"arn:aws:{service or self.prefix}:{place}:{resource}"


Rule: TypeAlias = Callable[[Asked], Iterable[Access]]
Table: TypeAlias = Mapping[str, Rule]


def nothing(_asked: Asked) -> tuple[Access, ...]:
    """AWS asks for no permission."""
    return ()


def anywhere(asked: Asked) -> Iterator[Access]:
    """The operation's own action, which AWS limits to no resource."""
    yield asked.access()


def on(member: str, *, tags: str = "", keys: str = "") -> Rule:
    """Return the rule for an operation whose member is the ARN of what it acts on.

    Args:
        member: its name.
        tags: the member that brings tags, if one does.
        keys: the member that names the keys of tags to be taken away.
    """

    def rule(asked: Asked) -> Iterator[Access]:
        context = tagging(asked.members.get(tags)) | removing(asked.members.get(keys))
        yield asked.access(asked.members[member], context=context)

    return rule


def rows(*pairs: tuple[Rule, str]) -> dict[str, Rule]:
    """Return a table in which each rule stands for every operation that a text names."""
    return {operation: rule for rule, names in pairs for operation in names.split()}


def tagging(tags: object) -> Context:
    """Return the condition keys of tags that a request brings, however the service writes them."""
    found = {str(key): str(value) for key, value in _pairs(tags)}
    if not found:
        return {}
    brought: Context = {f"aws:requesttag/{key.lower()}": value for key, value in found.items()}
    return brought | {"aws:tagkeys": tuple(found)}


def removing(keys: object) -> Context:
    """Return the condition key of tags that a request takes away: keys, or tags with keys."""
    if not isinstance(keys, list) or not keys:
        return {}
    names = (each if isinstance(each, str) else next(_pairs([each]))[0] for each in keys)
    return {"aws:tagkeys": tuple(map(str, names))}


def given(context: Mapping[str, object]) -> Context:
    """Return condition keys whose values are there, as text."""
    found: Context = {}
    for key, value in context.items():
        if value is None or value in ("", []):
            continue
        if isinstance(value, list | tuple | set | frozenset):
            found[key] = tuple(map(str, value))
        else:
            found[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def pass_role(role: object, service: str) -> Iterator[Access]:
    """Yield what handing a role to a service needs.

    Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
    """
    if isinstance(role, str) and role:
        yield Access("iam:PassRole", role, context={"iam:passedtoservice": service})


def _pairs(tags: object) -> Iterator[tuple[object, object]]:
    if isinstance(tags, Mapping):
        yield from tags.items()
        return
    for each in tags if isinstance(tags, list) else ():
        low = {str(name).lower(): value for name, value in each.items()}
        yield low.get("key", low.get("tagkey", "")), low.get("value", low.get("tagvalue")) or ""
