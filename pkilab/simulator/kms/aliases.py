"""Aliases: their names, and what they may be moved to.

Source: API Reference, CreateAlias, UpdateAlias and DeleteAlias; Developer Guide, "Managing
aliases" and "Resource quotas". Sentences as seen from KMS (LocalStack's snapshots, local-kms).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pkilab.simulator.kms.keys import Keys, alias_arn
from pkilab.simulator.kms.lifecycle import require_not_pending
from pkilab.simulator.kms.state import Alias, Key
from pkilab.simulator.service import AwsError, Call

Json = dict[str, Any]
MAXIMUM = 50  # of a key


def create(keys: Keys, call: Call, name: str, target: str) -> None:
    """Name a key of the caller's account and Region.

    Raises:
        AwsError: as `check_name`; NotFoundException; KMSInvalidStateException;
            AlreadyExistsException; LimitExceededException.
    """
    check_name(name)
    key = keys.find(call, target, "CreateAlias")
    require_not_pending(key)
    arn = alias_arn(call, name)
    if keys.alias(arn):
        raise AwsError("AlreadyExistsException", f"An alias with the name {arn} already exists")
    _require_room(key)
    keys.put_alias(key, Alias(name, arn, key.arn, call.now, call.now))


def update(keys: Keys, call: Call, name: str, target: str) -> None:
    """Let an alias stand for another key of the same type and usage, pending deletion or not.

    Raises:
        AwsError: as `create`, where it applies; ValidationException, the keys differ.
    """
    check_name(name)
    alias = _existing(keys, call, name)
    new = keys.find(call, target, "UpdateAlias")
    require_not_pending(new)
    old = keys.by_arn(alias.key_arn)
    assert old is not None  # noqa: S101 - a key takes its aliases with it
    for what, before, after in (
        ("key usage", old.usage, new.usage),
        ("key type", _type(old), _type(new)),
    ):
        if before != after:
            raise AwsError(
                "ValidationException",
                f"Alias {name} cannot be changed from a CMK with {what} {before} to a CMK with "
                f"{what} {after}. The {what} of the current CMK and the new CMK must be the same.",
            )
    if new is not old:
        _require_room(new)
    keys.put_alias(new, replace(alias, key_arn=new.arn, updated_at=call.now))


def delete(keys: Keys, call: Call, name: str) -> None:
    """Forget an alias; the key does not notice.

    Raises:
        AwsError: as `check_name`; NotFoundException.
    """
    check_name(name)
    keys.delete_alias(_existing(keys, call, name))


def check_name(name: str) -> None:
    """Refuse what is no name for a customer's alias; the model looks at characters and length.

    Raises:
        AwsError: ValidationException; NotAuthorizedException, a name reserved for AWS.
    """
    if not name.startswith("alias/"):
        raise AwsError(
            "ValidationException",
            'Alias must start with the prefix "alias/". Please see '
            "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        )
    if name.startswith("alias/aws/"):
        raise AwsError("NotAuthorizedException", "")
    if ":" in name or name == "alias/":  # the pattern of the model is wider than the guide
        raise AwsError("ValidationException", f"{name} contains invalid characters for an alias")


def listed(alias: Alias) -> Json:
    """Return an alias as the API lists it."""
    return {
        "AliasName": alias.name,
        "AliasArn": alias.arn,
        "TargetKeyId": alias.key_arn.rpartition("/")[2],
        "CreationDate": alias.created_at,
        "LastUpdatedDate": alias.updated_at,
    }


def _existing(keys: Keys, call: Call, name: str) -> Alias:
    arn = alias_arn(call, name)
    alias = keys.alias(arn)
    if alias is None:
        raise AwsError("NotFoundException", f"Alias {arn} is not found.")
    return alias


def _require_room(key: Key) -> None:
    if len(key.aliases) >= MAXIMUM:
        raise AwsError("LimitExceededException", f"A KMS key has at most {MAXIMUM} aliases.")


def _type(key: Key) -> str:
    if key.spec.is_asymmetric:
        return "asymmetric"
    return "HMAC" if key.spec.is_mac else "symmetric"
