"""Tags of a KMS key. Source: API Reference, Tag, TagResource and UntagResource.

The sentences were recorded from KMS (LocalStack, tests/aws/services/kms/test_kms.snapshot.json).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pkilab.simulator.service import AwsError

Json = dict[str, Any]
MAXIMUM = 50  # AWS General Reference, "Tagging AWS resources"


def added(current: dict[str, str], tags: Sequence[Json]) -> dict[str, str]:
    """Return ``current`` with ``tags`` set.

    Raises:
        AwsError: TagException, a reserved key, one given twice, or too many.
    """
    keys = [tag["TagKey"] for tag in tags]
    _require_own(keys)
    if len(set(keys)) != len(keys):
        raise AwsError("TagException", "Duplicate tag keys")
    result = {**current, **{tag["TagKey"]: tag["TagValue"] for tag in tags}}
    if len(result) > MAXIMUM:
        raise AwsError("TagException", "Too many tags")
    return result


def removed(current: dict[str, str], keys: Sequence[str]) -> dict[str, str]:
    """Return ``current`` without ``keys``, which need not be there.

    Raises:
        AwsError: TagException, a reserved key.
    """
    _require_own(keys)
    return {key: value for key, value in current.items() if key not in set(keys)}


def listed(tags: dict[str, str]) -> list[Json]:
    """Return tags as the API lists them, in the order they were set."""
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def _require_own(keys: Sequence[str]) -> None:
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("TagException", "Tags beginning with aws: are reserved")
