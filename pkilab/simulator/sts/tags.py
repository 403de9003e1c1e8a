"""Session tags: which are taken, and which go on to the next role.

Source: IAM User Guide, "Pass session tags in AWS STS" and "Chaining roles with session tags".
"""

from __future__ import annotations

from collections.abc import Mapping

from pkilab.simulator.identity import Session
from pkilab.simulator.service import AwsError, Json


def session_tags(
    tags: list[Json] | None, transitive: list[str] | None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return tags by key, and the keys of those that go on to the next role.

    Raises:
        AwsError: InvalidParameterValue.
    """
    found: dict[str, str] = {}
    for each in tags or ():
        key, value = each["Key"], each["Value"]
        if key.lower() in {other.lower() for other in found}:
            message = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
            raise AwsError("InvalidParameterValue", message)
        if key.lower().startswith("aws:"):
            message = "Tag keys that begin with 'aws:' are reserved for system use."
            raise AwsError("InvalidParameterValue", message)
        found[key] = value
    small = {key.lower() for key in found}
    if any(key.lower() not in small for key in transitive or ()):
        message = "The specified transitive tag key must be included in the requested tags."
        raise AwsError("InvalidParameterValue", message)
    return found, tuple(transitive or ())


def inherited(
    before: Session | None, given: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the transitive tags of the session that assumes the next role, and their keys.

    Raises:
        AwsError: InvalidParameterValue, a tag that goes on by itself is given anew.
    """
    if before is None:
        return {}, ()
    wanted = {key.lower() for key in before.transitive}
    kept = {key: value for key, value in before.tags.items() if key.lower() in wanted}
    if {key.lower() for key in given} & wanted:
        raise AwsError(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a "
            "transitive tag key from the calling session.",
        )
    return kept, before.transitive
