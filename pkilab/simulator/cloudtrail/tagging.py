"""Tags of a trail. Source: CloudTrail API Reference, AddTags, RemoveTags and Tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pkilab.simulator.cloudtrail.state import Json
from pkilab.simulator.service import AwsError

MAXIMUM = 50


def added(current: Mapping[str, str | None], tags: Sequence[Json]) -> dict[str, str | None]:
    """Return ``current`` with ``tags`` set.

    Raises:
        AwsError: InvalidTagParameterException, a reserved key or one given twice;
            TagsLimitExceededException.
    """
    keys = [tag["Key"] for tag in tags]
    for key in keys:
        if key.lower().startswith("aws:"):
            raise _invalid(f"The prefix aws: is reserved; found {key}.")
        if keys.count(key) > 1:
            raise _invalid(f"The tag {key} is given more than once.")
    result = {**current, **{tag["Key"]: tag.get("Value") for tag in tags}}
    if len(result) > MAXIMUM:
        raise AwsError("TagsLimitExceededException", f"A trail has at most {MAXIMUM} tags.")
    return result


def removed(current: Mapping[str, str | None], tags: Sequence[Json]) -> dict[str, str | None]:
    """Return ``current`` without ``tags``; one given with a value goes only if the value is its."""
    result = dict(current)
    for tag in tags:
        key = tag["Key"]
        if key in result and tag.get("Value") in (None, result[key]):
            del result[key]
    return result


def listed(tags: Mapping[str, str | None]) -> list[Json]:
    """Return tags as the API lists them, in the order they were set."""
    return [
        {"Key": key} if value is None else {"Key": key, "Value": value}
        for key, value in tags.items()
    ]


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidTagParameterException", message)
