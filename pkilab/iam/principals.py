"""Who calls, and how a resource policy names who calls.

Source: IAM User Guide, "AWS JSON policy elements: Principal", "AWS JSON policy elements:
NotPrincipal", "How AWS enforcement code logic evaluates requests to allow or deny access".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pkilab.errors import MalformedError, UnsupportedError
from pkilab.iam.wildcards import listed

PrincipalKind = Literal["root", "user", "assumed-role", "federated-user", "service", "anonymous"]
KINDS: tuple[str, ...] = get_args(PrincipalKind)

#: How a statement names a caller. ``direct``: itself, or everyone; ``entity``: the role, or the
#: federating user, whose session the caller is; ``account``: its account, which may delegate.
Naming = Literal["direct", "entity", "account"]

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_ROOT = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):root", re.ASCII)
_NAMED = re.compile(
    r"arn:[a-z-]+:(?:iam::[0-9]{12}:(?:user|role)/[^*?\s]+"
    r"|sts::[0-9]{12}:(?:assumed-role/[^*?/\s]+/[^*?/\s]+|federated-user/[^*?\s]+))",
    re.ASCII,
)
_UNIQUE_ID = re.compile(r"A(?:ROA|IDA)[A-Z0-9]{12,}", re.ASCII)
_SERVICE = re.compile(
    r"[a-z0-9.-]+\.(?:amazonaws\.com|amazonaws\.com\.cn|amazon\.com|aws)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls.

    Attributes:
        kind: what it is.
        arn: as AWS writes it. A role's session is
            ``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION``, a service
            ``acm.amazonaws.com``, someone without credentials ``*``.
        account: its 12 digits; ``""`` for services and for someone without credentials.
        role_arn: the role of an assumed role, with its path; of a federated user's session, the
            user who federated it.
        organization: the id of the account's organization, or ``""``.
        user_id: AWS's unique id, such as ``AROA...:SESSION``, or ``""``.
    """

    kind: PrincipalKind
    arn: str
    account: str
    role_arn: str = ""
    organization: str = ""
    user_id: str = ""

    def __post_init__(self) -> None:
        """Refuse a kind that is none."""
        if self.kind not in KINDS:
            raise MalformedError("Principal", found=repr(self.kind), expected=" or ".join(KINDS))

    @property
    def in_account(self) -> bool:
        """Whether the caller belongs to an account, whose policies speak for it."""
        return self.kind not in ("service", "anonymous")

    @property
    def service_linked(self) -> bool:
        """Whether it is the session of a service-linked role."""
        return ":role/aws-service-role/" in self.role_arn


@dataclass(frozen=True, slots=True)
class Principals:
    """A Principal or NotPrincipal element."""

    everyone: bool
    accounts: frozenset[str]
    arns: frozenset[str]
    services: frozenset[str]
    excluded: bool  # NotPrincipal

    def names(self, principal: Principal, *, bounded: bool = False) -> Naming | None:
        """Say in which way the element names a caller, the closest first; ``None`` if it does not.

        A NotPrincipal applies to everyone but those whose every name it has: the account, the role
        and the session. It spares nobody who has a permissions boundary (``bounded``).
        """
        if self.excluded:
            return None if self._exempts(principal) and not bounded else "direct"
        if self.everyone or self._itself(principal):
            return "direct"
        if self._entity(principal):
            return "entity"
        return "account" if principal.account in self.accounts else None

    def _itself(self, principal: Principal) -> bool:
        if principal.kind == "service":
            return principal.arn in self.services
        if principal.kind == "root":
            return principal.account in self.accounts
        return principal.arn in self.arns or principal.user_id in self.arns

    def _entity(self, principal: Principal) -> bool:
        role_id = principal.user_id.partition(":")[0]
        return principal.role_arn in self.arns or role_id in self.arns

    def _exempts(self, principal: Principal) -> bool:
        if self.everyone:
            return True
        if principal.kind == "service":
            return principal.arn in self.services
        if principal.account not in self.accounts:
            return False
        if principal.kind == "root":
            return True
        return principal.arn in self.arns and (
            not principal.role_arn or principal.role_arn in self.arns
        )


def read_principals(element: object, place: str, *, excluded: bool) -> Principals:
    """Read a Principal or NotPrincipal element.

    Raises:
        MalformedError: it is not ``"*"`` or a map of kinds with names.
        UnsupportedError: a canonical user id.
    """
    if element == "*":
        return Principals(
            everyone=True, accounts=frozenset(), arns=frozenset(), services=frozenset(),
            excluded=excluded,
        )  # fmt: skip
    if not isinstance(element, dict) or not element:
        raise MalformedError(
            place, found=repr(element), expected='"*", or AWS, Service or Federated with names'
        )
    by_kind = {kind: _names(found, f"{place}.{kind}") for kind, found in element.items()}
    if unknown := sorted(by_kind.keys() - {"AWS", "Service", "Federated", "CanonicalUser"}):
        raise MalformedError(place, found=unknown[0], expected="AWS, Service or Federated")
    if "CanonicalUser" in by_kind:
        raise UnsupportedError(f"{place}: CanonicalUser")
    return _principals(by_kind, place, excluded=excluded)


def _principals(by_kind: Mapping[str, list[str]], place: str, *, excluded: bool) -> Principals:
    accounts, arns = set(), set()
    for name in by_kind.get("AWS", ()):
        if root := _ROOT.fullmatch(name):
            accounts.add(root[1])
        elif _ACCOUNT.fullmatch(name):
            accounts.add(name)
        elif _NAMED.fullmatch(name) or _UNIQUE_ID.fullmatch(name):
            arns.add(name)
        elif name != "*":
            raise MalformedError(
                f"{place}.AWS",
                found=repr(name),
                expected='12 digits, the ARN of an account, user, role or session, or "*"',
            )
    for name in by_kind.get("Service", ()):
        if _SERVICE.fullmatch(name) is None:
            raise MalformedError(
                f"{place}.Service", found=repr(name), expected="a name such as acm.amazonaws.com"
            )
    return Principals(
        everyone="*" in by_kind.get("AWS", ()),
        accounts=frozenset(accounts),
        arns=frozenset(arns),
        services=frozenset(by_kind.get("Service", ())),
        excluded=excluded,
    )


def _names(found: object, place: str) -> list[str]:
    names: list[Any] = listed(found)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise MalformedError(place, found=repr(found), expected="one or more names")
    return names
