"""A KMS key that another account may use: the owner's half.

Source: KMS Developer Guide, "Allowing users in other accounts to use a KMS key", "Changing a key
policy".
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pkilab.access_control.documents import Json, actions_of
from pkilab.errors import MalformedError
from pkilab.waiting import IAM_SETTLES, accepted, until

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_POLL = timedelta(seconds=2)
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:\S+", re.ASCII)


def share_key(
    kms: KMSClient,
    key_id: str,
    principal: str,
    actions: Iterable[str],
    *,
    sid: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> Json:
    """Let another account, or a role of it, use a key; return the statement.

    Half of it: the other account must allow its own users and roles (`use_shared_key_policy`).
    Doing it again replaces the statement with the same Sid. An account that is named may delegate;
    a role that is named is trusted by itself, and must exist. KMS sees a new one some seconds
    later: a policy that is refused for its principals is put again, for a minute.

    Args:
        kms: client of the key's account.
        key_id: key ID or ARN. Aliases have no policy.
        principal: 12 digits, or the ARN of a role or user.
        actions: such as ``kms:Sign``, or ``Sign``.
        sid: of the statement; one that names the principal by default.
        sleep: how to wait, in seconds.

    Raises:
        MalformedError: principal or actions are not what they should be, or the key's policy is
            not.
        LabError: KMS still does not see the principal after a minute.
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
        until(
            accepted(
                lambda: kms.put_key_policy(
                    KeyId=key_id, PolicyName="default", Policy=json.dumps(changed)
                ),
                "MalformedPolicyDocumentException",
                saying="invalid principals",
            ),
            what=f"KMS to see {principal}",
            at_most=IAM_SETTLES,
            every=_POLL,
            sleep=sleep,
        )
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
