"""Which principals a key policy or a grant may name: those that exist in this world.

Source: API Reference, CreateKey and CreateGrant; IAM User Guide, "AWS JSON policy elements:
Principal".
"""

from __future__ import annotations

import re
from collections.abc import Collection

from moto.iam.models import iam_backends

_NAMED = re.compile(
    r"arn:[a-z-]+:(?:iam|sts)::(?P<account>\d{12}):"
    r"(?P<kind>root|(?:user|role|assumed-role|federated-user)(?=/))/?(?P<rest>.*)"
)


def exists(principal: str, accounts: Collection[str]) -> bool:
    """Whether there is such an account, user, role, or role or user to have such a session.

    Args:
        principal: an ARN, an account's 12 digits, or IAM's unique id of a user or role.
        accounts: those of the world.
    """
    if principal in accounts:
        return True
    named = _NAMED.fullmatch(principal)
    if named is None:
        return any(_has_id(account, principal) for account in accounts)
    account, kind = named["account"], named["kind"]
    if account not in accounts:
        return False
    if kind in {"root", "federated-user"}:
        return True
    backend = iam_backends[account]["aws"]
    if kind == "assumed-role":
        role, _, session = named["rest"].partition("/")
        return bool(session) and any(each.name == role for each in backend.roles.values())
    holders = backend.users if kind == "user" else backend.roles
    return any(each.arn == principal for each in holders.values())


def _has_id(account: str, unique_id: str) -> bool:
    backend = iam_backends[account]["aws"]
    return any(each.id == unique_id for each in (*backend.users.values(), *backend.roles.values()))
