"""Policy documents: read once, with everything prepared that a decision needs.

Sources: IAM User Guide, "Grammar of the IAM JSON policy language", "IAM JSON policy elements
reference".
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, get_args

from pkilab.errors import MalformedError
from pkilab.iam.conditions import Comparison, Condition, read_conditions
from pkilab.iam.patterns import Patterns, prepare
from pkilab.iam.principals import Naming, Principal, Principals, read_principals
from pkilab.iam.resources import resource_matcher
from pkilab.iam.variables import Context, read_template
from pkilab.iam.wildcards import listed, matcher

PolicyKind = Literal[
    "identity", "boundary", "session", "resource", "grant", "service control", "resource control"
]
KINDS: tuple[str, ...] = get_args(PolicyKind)
Effect = Literal["Allow", "Deny"]

_WITH_PRINCIPAL = frozenset({"resource", "grant", "resource control"})
_VERSIONS = ("2008-10-17", "2012-10-17")
_DOCUMENT_MEMBERS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_MEMBERS = frozenset({
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource",
    "Condition",
})  # fmt: skip
_VENDOR = re.compile(r"[A-Za-z0-9*?-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, with its text as JSON; what is prepared from it is not compared."""

    sid: str
    effect: Effect
    text: str
    principals: Principals | None = field(repr=False, compare=False)
    actions: Patterns = field(repr=False, compare=False)
    resources: Patterns | None = field(repr=False, compare=False)
    conditions: tuple[Condition, ...] = field(repr=False, compare=False)

    def applies(self, resource: str, context: Context) -> bool:
        """Say whether resource and conditions hold; action and principal are asked elsewhere."""
        if self.resources is not None and not self.resources.cover(resource, context):
            return False
        return all(test.holds(context) for test in self.conditions)

    def context_keys(self) -> Iterator[str]:
        """Yield the condition keys it asks for, in small letters."""
        templates = [] if self.resources is None else list(self.resources.templates)
        for test in self.conditions:
            yield test.key
            if isinstance(test, Comparison):
                templates.extend(template for template, _ in test.templates)
        for template in templates:
            yield from template.keys


@dataclass(frozen=True, slots=True)
class Document:
    """A policy of one kind. Documents are equal if kind, name, version and texts are."""

    kind: PolicyKind
    name: str
    statements: tuple[Statement, ...]
    version: str

    def __hash__(self) -> int:
        # Asked at every decision: two statements tell most documents apart.
        return hash((self.kind, self.name, self.statements[:1], self.statements[-1:]))

    @property
    def text(self) -> str:
        """The document as JSON, which `read_policy` reads again."""
        statements = ", ".join(statement.text for statement in self.statements)
        return f'{{"Version": {json.dumps(self.version)}, "Statement": [{statements}]}}'

    @property
    def context_keys(self) -> tuple[str, ...]:
        """The condition keys it asks for, in conditions and variables, in small letters, sorted."""
        return tuple(sorted({key for each in self.statements for key in each.context_keys()}))

    def matching(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Context,
        *,
        bounded: bool = False,
    ) -> Iterator[tuple[int, Statement, Naming]]:
        """Yield the statements that apply to a request, and how they name the caller.

        Args:
            principal: who calls.
            action: in small letters, such as ``kms:sign``.
            resource: an ARN, or ``*``.
            context: condition keys in small letters.
            bounded: whether the caller has a permissions boundary, which no NotPrincipal spares.
        """
        for index, statement in candidates(self, action):
            naming: Naming | None = "direct"
            if statement.principals is not None:
                naming = statement.principals.names(principal, bounded=bounded)
            if naming is not None and statement.applies(resource, context):
                yield index, statement, naming


@functools.lru_cache(maxsize=8192)
def candidates(document: Document, action: str) -> tuple[tuple[int, Statement], ...]:
    """Return the statements that speak of an action."""
    return tuple(
        (index, statement)
        for index, statement in enumerate(document.statements)
        if statement.actions.cover(action, {})
    )


def read_policy(policy: str | Mapping[str, Any], *, kind: PolicyKind, name: str = "") -> Document:
    """Read a policy.

    Not checked: sizes, whether actions, resources and principals exist, and what a single service
    demands beyond the language (a bucket policy's own bucket, a trust policy without Resource).

    Args:
        policy: its text, or the same as a mapping.
        kind: what the policy is attached to. Identity policies, boundaries, session policies and
            service control policies have no Principal; the others must have one, and may leave out
            Resource.
        name: a name or an ARN, for reports.

    Raises:
        MalformedError: it is not a policy of this kind; names the place.
        UnsupportedError: an operator, a condition key, a variable or a kind of principal that is
            not modelled.
    """
    if kind not in KINDS:
        raise MalformedError("kind", found=repr(kind), expected=" or ".join(KINDS))
    if isinstance(policy, str):
        return _read(policy, kind, name)
    try:
        text = json.dumps(policy)
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedError("policy", found=type(policy).__name__, expected="JSON") from error
    return _read(text, kind, name)


@functools.lru_cache(maxsize=1024)
def _read(text: str, kind: PolicyKind, name: str) -> Document:
    document = _parse(text)
    if unknown := sorted(document.keys() - _DOCUMENT_MEMBERS):
        raise MalformedError("policy", found=unknown[0], expected="Version, Id and Statement")
    if "Id" in document and kind not in _WITH_PRINCIPAL:
        raise MalformedError("policy", found="Id", expected="none in this kind of policy")
    if not isinstance(document.get("Id", ""), str):
        raise MalformedError("Id", found=repr(document["Id"]), expected="text")
    version = document.get("Version", _VERSIONS[0])
    if version not in _VERSIONS:
        raise MalformedError("Version", found=repr(version), expected=" or ".join(_VERSIONS))
    found = listed(document.get("Statement"))
    if not found:
        raise MalformedError("Statement", found="none", expected="at least one")
    many = isinstance(document["Statement"], list)
    statements = tuple(
        _statement(each, f"Statement[{index}]" if many else "Statement", kind, version)
        for index, each in enumerate(found)
    )
    sids = [statement.sid for statement in statements if statement.sid]
    if kind not in _WITH_PRINCIPAL and len(set(sids)) < len(sids):
        twice = next(sid for sid in sids if sids.count(sid) > 1)
        raise MalformedError("Sid", found=f"{twice} twice", expected="unique statement ids")
    return Document(kind, name, statements, version)


def _parse(text: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise MalformedError("policy", found=f"{twice} twice", expected="each element once")
        return found

    def never(constant: str) -> NoReturn:
        raise MalformedError("policy", found=constant, expected="JSON")

    try:
        document = json.loads(text, object_pairs_hook=once, parse_constant=never)
    except MalformedError:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedError("policy", found=_short(text), expected="JSON") from error
    if not isinstance(document, dict):
        raise MalformedError("policy", found=_short(text), expected="a JSON object")
    return document


def _statement(found: object, place: str, kind: PolicyKind, version: str) -> Statement:
    if not isinstance(found, dict):
        raise MalformedError(place, found=_short(repr(found)), expected="an object")
    if unknown := sorted(found.keys() - _STATEMENT_MEMBERS):
        raise MalformedError(place, found=unknown[0], expected="the elements of a statement")
    sid, effect, condition = found.get("Sid", ""), found.get("Effect"), found.get("Condition", {})
    if not isinstance(sid, str) or (kind not in _WITH_PRINCIPAL and not _alphanumeric(sid)):
        raise MalformedError(f"{place}.Sid", found=repr(sid), expected="letters and digits")
    if effect not in ("Allow", "Deny"):
        raise MalformedError(f"{place}.Effect", found=repr(effect), expected="Allow or Deny")
    if not isinstance(condition, dict):
        raise MalformedError(
            f"{place}.Condition", found=type(condition).__name__, expected="operators with keys"
        )
    variables = version == _VERSIONS[1]
    return Statement(
        sid,
        effect,
        json.dumps(found),
        _principal(found, place, kind),
        _actions(found, place),
        _resources(found, place, kind, variables=variables),
        read_conditions(condition, f"{place}.Condition", variables=variables),
    )


def _principal(found: Mapping[str, Any], place: str, kind: PolicyKind) -> Principals | None:
    name = _either(found, "Principal", place, required=kind in _WITH_PRINCIPAL)
    if name is None:
        return None
    if kind not in _WITH_PRINCIPAL:
        raise MalformedError(place, found=name, expected=f"none in a policy of kind {kind}")
    if name == "NotPrincipal" and found["Effect"] == "Allow":
        raise MalformedError(place, found="NotPrincipal with Allow", expected="Deny")
    if kind == "resource control" and found[name] != "*":
        raise MalformedError(f"{place}.{name}", found=_short(repr(found[name])), expected='"*"')
    return read_principals(found[name], f"{place}.{name}", excluded=name == "NotPrincipal")


def _actions(found: Mapping[str, Any], place: str) -> Patterns:
    name = _either(found, "Action", place, required=True) or "Action"
    actions = _texts(found[name], f"{place}.{name}")
    for action in actions:
        vendor, colon, operation = action.partition(":")
        if action != "*" and not (colon and operation and _VENDOR.fullmatch(vendor)):
            raise MalformedError(
                f"{place}.{name}",
                found=repr(action),
                expected='"*", or a service, a colon and an action',
            )
    patterns = [
        read_template(each.lower(), place, wildcards=True, variables=False) for each in actions
    ]
    return prepare(patterns, matcher, excluded=name == "NotAction")


def _resources(
    found: Mapping[str, Any], place: str, kind: PolicyKind, *, variables: bool
) -> Patterns | None:
    name = _either(found, "Resource", place, required=kind not in _WITH_PRINCIPAL)
    if name is None:
        return None
    place = f"{place}.{name}"
    patterns = []
    for resource in _texts(found[name], place):
        if kind not in _WITH_PRINCIPAL and resource != "*" and not resource.startswith("arn:"):
            raise MalformedError(place, found=repr(resource), expected='an ARN or "*"')
        head, _, _ = resource.partition("${") if variables else (resource, "", "")
        if head != resource and head.count(":") < 5:  # noqa: PLR2004 - the fifth colon of an ARN
            raise MalformedError(
                place, found=repr(resource), expected="a variable after the fifth colon only"
            )
        patterns.append(read_template(resource, place, wildcards=True, variables=variables))
    return prepare(patterns, resource_matcher, excluded=name == "NotResource")


def _either(found: Mapping[str, Any], name: str, place: str, *, required: bool) -> str | None:
    present = [each for each in (name, f"Not{name}") if each in found]
    if len(present) > 1:
        raise MalformedError(place, found=" and ".join(present), expected="one of them")
    if required and not present:
        raise MalformedError(place, found="none", expected=f"{name} or Not{name}")
    return present[0] if present else None


def _texts(found: object, place: str) -> list[str]:
    texts = listed(found)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise MalformedError(place, found=_short(repr(found)), expected="one or more texts")
    return texts


def _alphanumeric(text: str) -> bool:
    return not text or (text.isascii() and text.isalnum())


def _short(text: str) -> str:
    return repr(text) if len(text) <= 60 else repr(text[:57] + "...")  # noqa: PLR2004 - a line
