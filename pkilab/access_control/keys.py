"""A KMS key that another account may use: the owner's half.

Source: KMS Developer Guide, "Allowing users in other accounts to use a KMS key", "Changing a key
policy".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pkilab.access_control.documents import Json, actions_of
from pkilab.errors import MalformedError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:\S+", re.ASCII)


def share_key(
    kms: KMSClient, key_id: str, principal: str, actions: Iterable[str], *, sid: str = ""
) -> Json:
    """Let another account, or a role of it, use a key; return the statement.

    Half of it: the other account must allow its own users and roles (`use_shared_key_policy`).
    Doing it again replaces the statement with the same Sid. An account that is named may delegate;
    a role that is named is trusted by itself, and must exist.

    Args:
        kms: client of the key's account.
        key_id: key ID or ARN. Aliases have no policy.
        principal: 12 digits, or the ARN of a role or user.
        actions: such as ``kms:Sign``, or ``Sign``.
        sid: of the statement; one that names the principal by default.

    Raises:
        MalformedError: principal or actions are not what they should be, or the key's policy is
            not.
        ClientError: as GetKeyPolicy and PutKeyPolicy (botocore's).
    """
    if _ACCOUNT.fullmatch(principal):
        principal = f"arn:aws:iam::{principal}:root"
    if _PRINCIPAL.fullmatch(principal) is None:
        raise MalformedError(
            "principal", found=repr(principal), expected="12 digits, or the ARN of a role or user"
        )
    named = actions_of("kms", actions)
    title = sid or "Shared with " + re.sub(r"[^A-Za-z0-9]+", " ", principal.partition("::")[2])
    statement: Json = {
        "Sid": title,
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": named,
        "Resource": "*",  # in a key policy, the key
    }
    document = _read(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"], key_id)
    kept = [each for each in document["Statement"] if each.get("Sid") != title]
    changed = {**document, "Statement": [*kept, statement]}
    if changed != document:
        kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=json.dumps(changed))
    return statement


def _read(text: str, key_id: str) -> dict[str, Any]:
    expected = "a JSON object with statements"
    try:
        document = json.loads(text)
    except ValueError as error:
        raise MalformedError(f"key policy of {key_id}", found="text", expected=expected) from error
    statements = document.get("Statement") if isinstance(document, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not all(isinstance(one, dict) for one in statements):
        raise MalformedError(f"key policy of {key_id}", found=text[:60], expected=expected)
    return {**document, "Statement": statements}
