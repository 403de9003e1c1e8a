"""ListSecrets: its filters, and how secrets are described.

Source: Secrets Manager API Reference, ListSecrets, Filter, SecretListEntry; User Guide, "Find
secrets in AWS Secrets Manager".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pkilab.simulator.secretsmanager.state import Secret, Version
from pkilab.simulator.service import AwsError

Json = dict[str, Any]
_WORDS = re.compile(r"[^\s/_+=.@!,:;-]+")


def fits(secret: Secret, filters: Iterable[Json]) -> bool:
    """Say whether a secret is among what all of some filters ask for.

    Raises:
        AwsError: InvalidParameterException, a filter without key or values.
    """
    return all(_fits(secret, _key(each), _values(each)) for each in filters)


def ordered(secrets: Iterable[Secret], by: str, order: str) -> list[Secret]:
    """Return secrets in an order; those that have no such date come as if of the beginning."""
    keys = {
        "created-date": lambda each: each.created_at,
        "last-changed-date": lambda each: each.changed_at,
        "last-accessed-date": lambda each: each.accessed_at or each.created_at.replace(year=1970),
        "name": lambda each: each.name,
    }
    return sorted(secrets, key=keys[by], reverse=order == "desc")


def described(secret: Secret) -> Json:
    """Return the members that DescribeSecret and ListSecrets have in common."""
    rotation = secret.rotation
    found: Json = {
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": secret.description or None,
        "KmsKeyId": secret.key_id or None,
        "LastChangedDate": secret.changed_at,
        "LastAccessedDate": secret.accessed_at,
        "DeletedDate": secret.deleted_at,
        "Tags": [{"Key": key, "Value": value} for key, value in secret.tags.items()],
        "CreatedDate": secret.created_at,
    }
    if rotation is not None:
        found |= {
            "RotationEnabled": rotation.enabled,
            "RotationLambdaARN": rotation.function_arn,
            "RotationRules": rotation.schedule.rules() if rotation.schedule else None,
            "LastRotatedDate": rotation.rotated_at,
            "NextRotationDate": rotation.next_at if rotation.enabled else None,
        }
    return found


def stages(secret: Secret) -> dict[str, list[str]]:
    """Return the staging labels of each version that has some."""
    return {each.version_id: list(each.stages) for each in secret.labelled()}


def version_entry(version: Version) -> Json:
    """Return a SecretVersionsListEntry."""
    return {
        "VersionId": version.version_id,
        "VersionStages": list(version.stages),
        "LastAccessedDate": version.accessed_at,
        "CreatedDate": version.created_at,
        "KmsKeyIds": [version.key_arn] if version.key_arn else None,
    }


def _key(asked: Json) -> str:
    if "Key" not in asked:
        raise AwsError("InvalidParameterException", "Invalid filter: a filter must have a key.")
    return str(asked["Key"])


def _values(asked: Json) -> Sequence[str]:
    if not asked.get("Values"):
        raise AwsError(
            "InvalidParameterException",
            f"Invalid filter values for key: {_key(asked)}. A filter must have values.",
        )
    values: Sequence[str] = asked["Values"]
    return values


def _fits(secret: Secret, key: str, values: Sequence[str]) -> bool:
    """Any of the values, and none of those with an exclamation mark."""
    refused = [each.removeprefix("!") for each in values if each.startswith("!")]
    wanted = [each for each in values if not each.startswith("!")]
    if any(_has(secret, key, each) for each in refused):
        return False
    return not wanted or any(_has(secret, key, each) for each in wanted)


def _has(secret: Secret, key: str, value: str) -> bool:
    if key == "name":
        return secret.name.startswith(value)
    if key == "description":
        return secret.description.lower().startswith(value.lower())
    if key == "tag-key":
        return any(each.startswith(value) for each in secret.tags)
    if key == "tag-value":
        return any(each.startswith(value) for each in secret.tags.values())
    if key == "all":
        texts = (secret.name, secret.description, *secret.tags, *secret.tags.values())
        words = {word.lower() for text in texts for word in _WORDS.findall(text)}
        return all(
            any(word.startswith(asked.lower()) for word in words) for asked in _WORDS.findall(value)
        )
    return False  # no secret here is a replica, or owned by a service
