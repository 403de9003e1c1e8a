"""Tags of a certificate. Source: ACM API Reference, Tag; ACM User Guide, "Tag restrictions"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pkilab.simulator.acmpca.tagging import listed
from pkilab.simulator.service import AwsError

__all__ = ["MAXIMUM", "added", "listed", "removed"]

Json = dict[str, Any]
MAXIMUM = 50


def added(current: dict[str, str | None], tags: Sequence[Json]) -> dict[str, str | None]:
    """Return ``current`` with ``tags`` set.

    Raises:
        AwsError: InvalidTagException, a reserved key or value, or a key given twice;
            TooManyTagsException.
    """
    keys = [tag["Key"] for tag in tags]
    for tag in tags:
        for text in (tag["Key"], tag.get("Value") or ""):
            if text.lower().startswith("aws:"):
                raise AwsError("InvalidTagException", f"The prefix aws: is reserved; found {text}")
        if keys.count(tag["Key"]) > 1:
            raise AwsError("InvalidTagException", f"The tag {tag['Key']} is given more than once.")
    result = {**current, **{tag["Key"]: tag.get("Value") for tag in tags}}
    if len(result) > MAXIMUM:
        raise AwsError("TooManyTagsException", f"A certificate has at most {MAXIMUM} tags.")
    return result


def removed(current: dict[str, str | None], tags: Sequence[Json]) -> dict[str, str | None]:
    """Return ``current`` without ``tags``; one given with a value goes only if the value is its."""
    result = dict(current)
    for tag in tags:
        if tag["Key"] in result and tag.get("Value") in (None, result[tag["Key"]]):
            del result[tag["Key"]]
    return result
