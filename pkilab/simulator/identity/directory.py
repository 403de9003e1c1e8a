"""The one door to moto's IAM models: users, groups and roles, and the policies that they have.

moto stores what IAM's operations put down; nothing of it is decided there. Users' permissions
boundaries and what MFA devices know are not among what moto stores: `pkilab.simulator.iam` keeps
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from moto.iam.models import AccessKeyLastUsed, iam_backends

from pkilab.iam import Document
from pkilab.iam import PolicyKind as Kind
from pkilab.pki.entropy import RandomSource
from pkilab.simulator.identity import keys
from pkilab.simulator.identity.managed import admit_managed
from pkilab.simulator.policies import read_policy

_ENTITY = re.compile(
    r"arn:aws:iam::(?P<account>\d{12}):(?P<kind>user|role|group)(?P<path>/(?:[^/]+/)*)(?P<name>[^/]+)"
)
# Well-formed, and about no action at all.
_NOTHING = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "*", "Resource": "*"}}'
)
Owner = Literal["user", "group", "role"]


@dataclass(frozen=True, slots=True)
class Attached:
    """A policy as somebody has it."""

    name: str  # of the policy
    text: str
    owner: Owner
    owner_name: str
    arn: str = ""  # of a managed one; an inline policy has none

    def document(self, kind: Kind = "identity") -> Document:
        """Return it as the engine reads it; its name is the ARN, or says whose policy it is.

        Raises:
            MalformedError: it is no policy.
            UnsupportedError: it says what is not modelled.
        """
        name = self.arn or f"{self.owner} {self.owner_name}'s policy {self.name}"
        return read_policy(self.text, kind=kind, name=name)


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user."""

    account: str
    name: str
    path: str
    arn: str
    user_id: str
    tags: Mapping[str, str]
    policies: tuple[Attached, ...]  # its own and its groups', inline and managed
    boundary_arn: str


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role."""

    account: str
    name: str
    path: str
    arn: str
    role_id: str
    tags: Mapping[str, str]
    policies: tuple[Attached, ...]
    boundary_arn: str
    trust_policy: str
    max_session_seconds: int


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-term access key of a user."""

    account: str
    access_key_id: str
    user_name: str
    active: bool
    secret: str = field(repr=False)


class Directory:
    """Users, groups, roles and access keys of the world's accounts.

    Args:
        accounts: 12 digits each; what has another account's number is not there.
    """

    def __init__(self, accounts: tuple[str, ...]) -> None:
        self._accounts = accounts

    def has(self, account: str) -> bool:
        """Whether an account is one of the world's."""
        return account in self._accounts

    def has_role_called(self, account: str, name: str) -> bool:
        """Whether an account has a role of this name, whatever its path."""
        return self.has(account) and any(
            each.name == name for each in self._backend(account).roles.values()
        )

    def path(self, account: str, kind: str, name: str) -> str:
        """Return the path of a user, role, group or other entity; ``/``: there is none."""
        backend = self._backend(account)
        if kind == "role":
            found = next((each for each in backend.roles.values() if each.name == name), None)
        else:
            held = {
                "user": backend.users,
                "group": backend.groups,
                "instance-profile": backend.instance_profiles,
                "server-certificate": backend.certificates,
            }
            found = held.get(kind, {}).get(name)
        return getattr(found, "path", None) or "/"

    def name_users(self, entropy: RandomSource) -> None:
        """Give users whom moto has made before unique ids of AWS's shape."""
        for account in self._accounts:
            for user in self._backend(account).users.values():
                user.id = keys.unique_id("AIDA", entropy)

    def user(self, arn: str) -> User | None:
        """Return the user of an ARN."""
        found = self._found(arn, "user")
        return self._user(found) if found else None

    def user_called(self, account: str, name: str) -> User | None:
        """Return the user of a name."""
        found = self._backend(account).users.get(name) if account in self._accounts else None
        return self._user(found) if found else None

    def role(self, arn: str) -> Role | None:
        """Return the role of an ARN, path and all."""
        found = self._found(arn, "role")
        return _role(found) if found else None

    def roles(self) -> Iterator[Role]:
        """Return every role."""
        for account in self._accounts:
            yield from map(_role, tuple(self._backend(account).roles.values()))

    def users(self) -> Iterator[User]:
        """Return every user."""
        for account in self._accounts:
            yield from map(self._user, tuple(self._backend(account).users.values()))

    def key_statuses(self, user: User) -> dict[str, str]:
        """Return the statuses of a user's access keys, by their ids."""
        found = self._backend(user.account).users[user.name]
        return {each.access_key_id: each.status for each in found.access_keys}

    def group_policies(self, arn: str) -> tuple[Attached, ...] | None:
        """Return what a group has; None: there is none of this ARN."""
        found = self._found(arn, "group")
        return tuple(_policies(found, "group")) if found else None

    def access_key(self, access_key_id: str) -> AccessKey | None:
        """Return a long-term key of one of the accounts' users."""
        for account in self._accounts:
            found = self._backend(account).access_keys.get(access_key_id)
            if found is not None and found.user_name:
                return AccessKey(
                    account=account,
                    access_key_id=access_key_id,
                    user_name=found.user_name,
                    active=found.status == "Active",
                    secret=found.secret_access_key,
                )
        return None

    def note_use(
        self, role_arn: str, access_key_id: str, moment: datetime, service: str, region: str
    ) -> None:
        """Remember when, for which service and where a key or a role was used last.

        Args:
            role_arn: whose session it is; "" for a user's key.
            access_key_id: the key.
            moment: aware.
            service: the signing name.
            region: where.
        """
        plain = moment.replace(tzinfo=None)  # as moto's times are
        role = self._found(role_arn, "role")
        if role is not None:
            role.last_used, role.last_used_region = plain, region
            return
        for account in self._accounts:
            key = self._backend(account).access_keys.get(access_key_id)
            if key is not None:
                key.last_used = AccessKeyLastUsed(plain, service, region)

    def managed_policy(self, account: str, arn: str) -> str | None:
        """Return the text of a managed policy's default version, AWS's or the account's own."""
        admit_managed(account, arn)
        found = self._backend(account).managed_policies.get(arn)
        return _default_text(found) if found else None

    def boundary(self, holder: User | Role) -> Document | None:
        """Return the permissions boundary of a user or role.

        A boundary whose policy was deleted allows nothing.

        Raises:
            MalformedError: it is no policy.
            UnsupportedError: it says what is not modelled.
        """
        if not holder.boundary_arn:
            return None
        text = self.managed_policy(holder.account, holder.boundary_arn)
        return read_policy(text or _NOTHING, kind="boundary", name=holder.boundary_arn)

    def _found(self, arn: str, kind: Owner) -> Any:  # noqa: ANN401 - moto's model
        named = _ENTITY.fullmatch(arn)
        if named is None or named["kind"] != kind or named["account"] not in self._accounts:
            return None
        backend = self._backend(named["account"])
        if kind == "role":
            return next((each for each in backend.roles.values() if each.arn == arn), None)
        found = (backend.users if kind == "user" else backend.groups).get(named["name"])
        return found if found is not None and found.arn == arn else None

    def _user(self, found: Any) -> User:  # noqa: ANN401 - moto's model
        groups = self._backend(found.account_id).get_groups_for_user(found.name)
        policies = [*_policies(found, "user")]
        for group in groups:
            policies += _policies(group, "group")
        return User(
            account=found.account_id,
            name=found.name,
            path=found.path,
            arn=found.arn,
            user_id=found.id,
            tags={each["Key"]: each["Value"] for each in found.tags or ()},
            policies=tuple(policies),
            boundary_arn=boundary_of(found),
        )

    def _backend(self, account: str) -> Any:  # noqa: ANN401 - moto's model
        return iam_backends[account]["aws"]


def boundary_of(user: Any) -> str:  # noqa: ANN401 - moto's model
    """Return the ARN of a moto user's permissions boundary; moto's users have none of their own."""
    found: str = getattr(user, "permissions_boundary_arn", "")
    return found


def _role(found: Any) -> Role:  # noqa: ANN401 - moto's model
    return Role(
        account=found.account_id,
        name=found.name,
        path=found.path,
        arn=found.arn,
        role_id=found.id,
        tags={each["Key"]: each["Value"] for each in found.tags or ()},
        policies=tuple(_policies(found, "role")),
        boundary_arn=found.permissions_boundary_arn or "",
        trust_policy=found.assume_role_policy_document,
        max_session_seconds=int(found.max_session_duration or 3600),
    )


def _policies(holder: Any, owner: Owner) -> Iterator[Attached]:  # noqa: ANN401 - moto's model
    for name, text in holder.policies.items():
        yield Attached(name, text, owner, holder.name)
    for arn, policy in holder.managed_policies.items():
        yield Attached(policy.name, _default_text(policy), owner, holder.name, arn)


def _default_text(policy: Any) -> str:  # noqa: ANN401 - moto's model
    versions: dict[str, str] = {each.version_id: each.document for each in policy.versions}
    return versions[policy.default_version_id]
