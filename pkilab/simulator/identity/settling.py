"""What of IAM is heard of: changes that take the world's latency until they count.

IAM answers with what was changed at once; STS, the policies' decisions and other services go by
what they have heard. A role, a user, an access key, a policy or a trust policy counts once the
latency has passed, and one that was changed or taken away counts as it was for as long. Whoever is
deleted is gone at once; tags, boundaries and what is in managed policies of AWS's change at once.

Source: IAM User Guide, "Troubleshoot IAM" ("Changes that I make are not always immediately
visible"), which gives no times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from pkilab.simulator.identity.directory import AccessKey, Attached, Directory, Role, User

_Holder = TypeVar("_Holder", User, Role)
_Part = Attached | str | None  # a policy, or a text: a trust policy, a key's status
_ACTIVE = "Active"
_ITSELF = ""  # the part that says that somebody is there; of a role, its trust policy
_BY_SERVICES = "/aws-service-role/"  # AWS makes them when its services are ready for them


@dataclass(frozen=True, slots=True)
class _Change:
    """One part of somebody: what it was, what it has become, and when."""

    before: _Part
    after: _Part
    since: datetime


class Settling:
    """Remembers when each part of IAM's users and roles was changed.

    Args:
        directory: who is there, whose policies are looked at.
        latency: how long a change takes.
        start: what is there then counts at once.
    """

    def __init__(self, directory: Directory, latency: timedelta, start: datetime) -> None:
        self._directory, self._latency = directory, latency
        self._changes: dict[str, dict[str, _Change]] = {  # by unique id, then by part
            holder: {name: _Change(part, part, start) for name, part in parts.items()}
            for holder, parts in self._present()
        }

    def note(self, now: datetime) -> None:
        """Take down what has changed; to be called after every change."""
        for holder, parts in self._present():
            known = self._changes.setdefault(holder, {})
            for name in {**parts, **known}:
                part = parts.get(name)
                if part != (known[name].after if name in known else None):
                    known[name] = _Change(self._part(holder, name, now), part, now)

    def heard(self, found: _Holder | None, now: datetime) -> _Holder | None:
        """Return a user or role as others have heard of it; None: they have not."""
        if found is None or found.path.startswith(_BY_SERVICES):
            return found
        unique = found.role_id if isinstance(found, Role) else found.user_id
        if unique not in self._changes:  # not made by IAM's operations
            return found
        parts = {name: self._part(unique, name, now) for name in self._changes[unique]}
        trust = parts.get(_ITSELF)
        if not isinstance(trust, str):
            return None
        policies = tuple(each for each in parts.values() if isinstance(each, Attached))
        if isinstance(found, Role):
            return replace(found, policies=policies, trust_policy=trust)
        return replace(found, policies=policies)

    def is_active(self, key: AccessKey, user: User, now: datetime) -> bool:
        """Whether others have heard of a user's access key, and that it is active."""
        part = f"key {key.access_key_id}"
        if part not in self._changes.get(user.user_id, {}):  # not made by IAM's operations
            return key.active
        return self._part(user.user_id, part, now) == _ACTIVE

    def _part(self, holder: str, name: str, now: datetime) -> _Part:
        change = self._changes.get(holder, {}).get(name)
        if change is None:
            return None
        return change.after if now >= change.since + self._latency else change.before

    def _present(self) -> Iterable[tuple[str, Mapping[str, _Part]]]:
        for role in self._directory.roles():
            yield role.role_id, {_ITSELF: role.trust_policy, **_policies(role)}
        for user in self._directory.users():
            keys = self._directory.key_statuses(user)
            statuses = {f"key {number}": status for number, status in keys.items()}
            yield user.user_id, {_ITSELF: "", **_policies(user), **statuses}


def _policies(holder: User | Role) -> dict[str, _Part]:
    return {
        f"{each.owner} {each.owner_name} {each.arn or each.name}": each for each in holder.policies
    }
