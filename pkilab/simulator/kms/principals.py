"""Which principals a key policy or a grant may name: those that exist in this world.

Source: API Reference, CreateKey and CreateGrant; IAM User Guide, "AWS JSON policy elements:
Principal".
"""

from __future__ import annotations

import re
from collections.abc import Collection

from pkilab.simulator.identity.directory import Directory

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
    directory = Directory(tuple(accounts))
    if principal in accounts:
        return True
    named = _NAMED.fullmatch(principal)
    if named is None:
        return directory.has_id(principal)
    account, kind = named["account"], named["kind"]
    if account not in accounts:
        return False
    if kind == "assumed-role":
        role, _, session = named["rest"].partition("/")
        return bool(session) and directory.has_role_called(account, role)
    if kind in {"user", "role"}:
        return (directory.user if kind == "user" else directory.role)(principal) is not None
    return True
