"""AWS managed keys: made by a service when it first needs one, used through that service alone.

Sources: KMS Developer Guide, "AWS managed keys"; Systems Manager User Guide, "AWS KMS encryption
for AWS Systems Manager Parameter Store SecureString parameters"; Secrets Manager User Guide,
"Secret encryption and decryption" (its example of a key policy, ``auto-secretsmanager-2``). The
policy of ``aws/ssm`` is read off keys of accounts, as public issues quote it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pkilab.simulator.acmpca.creation import partition_of
from pkilab.simulator.kms.specs import SYMMETRIC_DEFAULT, spec_named
from pkilab.simulator.kms.state import Alias
from pkilab.simulator.service import AwsError, Call

if TYPE_CHECKING:
    from pkilab.simulator.kms.keys import Keys
    from pkilab.simulator.kms.state import Key

Json = dict[str, Any]
_USES = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*")
_DATA_KEYS = ("kms:GenerateDataKey*",)
_OTHERS = ("kms:CreateGrant", "kms:DescribeKey")
_READS = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]
# Of users who come by themselves: what the policy's last statement lets the account do.
_DIRECT = ("Describe", "Get", "List", "RevokeGrant")


def _ssm(call: Call) -> Json:
    who = "all principals in the account that are authorized to use SSM"
    statement = _through(
        f"Allow access through SSM for {who}", (*_USES, *_DATA_KEYS, *_OTHERS), call, "ssm"
    )
    return _policy("auto-ssm-1", [statement], call)


def _secretsmanager(call: Call) -> Json:
    name = "AWS Secrets Manager"
    who = f"all principals in the account that are authorized to use {name}"
    uses = _through(
        f"Allow access through {name} for {who}", (*_USES, *_OTHERS), call, "secretsmanager"
    )
    data_keys = {
        **uses,
        "Action": "kms:GenerateDataKey*",
        "Condition": {
            "StringEquals": {"kms:CallerAccount": call.account},
            "StringLike": {"kms:ViaService": "secretsmanager.*.amazonaws.com"},
        },
    }
    return _policy("auto-secretsmanager-2", [uses, data_keys], call)


def _through(sid: str, actions: tuple[str, ...], call: Call, service: str) -> Json:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": list(actions),
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": call.account,
                "kms:ViaService": f"{service}.{call.region}.amazonaws.com",
            }
        },
    }


def _policy(name: str, statements: list[Json], call: Call) -> Json:
    direct = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition_of(call.region)}:iam::{call.account}:root"},
        "Action": _READS,
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Id": name, "Statement": [*statements, direct]}


@dataclass(frozen=True, slots=True)
class _Made:
    description: str
    policy: Callable[[Call], Json]


_SERVICES: Mapping[str, _Made] = {
    "ssm": _Made("Default key that protects my SSM parameters when no other key is defined", _ssm),
    "secretsmanager": _Made(
        "Default key that protects my Secrets Manager data when no other key is defined",
        _secretsmanager,
    ),
}


def managed_key(keys: Keys, call: Call, service: str) -> tuple[Key, bool]:
    """Return a service's AWS managed key in the caller's account and Region, made if need be.

    Args:
        keys: the world's.
        call: whose account and Region count.
        service: ``ssm`` or ``secretsmanager``.

    Returns:
        The key, and whether it was made just now.

    Raises:
        AwsError: LimitExceededException.
    """
    name = f"alias/aws/{service}"
    arn = f"arn:{partition_of(call.region)}:kms:{call.region}:{call.account}:{name}"
    alias = keys.alias(arn)
    found = keys.by_arn(alias.key_arn) if alias else None
    if found is not None:
        return found, False
    made = _SERVICES[service]
    policy = json.dumps(made.policy(call), separators=(",", ":"))
    key = keys.create(
        call, spec_named(SYMMETRIC_DEFAULT), "ENCRYPT_DECRYPT", made.description, policy
    )
    key.manager = service
    keys.put_alias(key, Alias(name, arn, key.arn, call.now, call.now))
    return key, True


def require_permitted(key: Key, call: Call, operation: str) -> None:
    """Refuse what a caller cannot do to an AWS managed key; of another key, nothing.

    They use it through its service in their own account, or read about it; what they may besides
    is for policies to say. The sentence is IAM's for a key policy that does not allow.

    Raises:
        AwsError: AccessDeniedException.
    """
    if not key.manager or operation.startswith(_DIRECT):
        return
    through = bool(call.via) and call.via[-1] == f"{key.manager}.amazonaws.com"
    if through and call.account == key.account:
        return
    raise AwsError(
        "AccessDeniedException",
        f"User: {call.principal} is not authorized to perform: kms:{operation} on resource: "
        f"{key.arn} because no resource-based policy allows the kms:{operation} action",
    )
