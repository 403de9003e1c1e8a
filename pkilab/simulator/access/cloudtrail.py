"""CloudTrail: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS
CloudTrail".
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Rule,
    anywhere,
    removing,
    rows,
    tagging,
)

PREFIX = "cloudtrail"
KEYS = frozenset({"aws:requesttag/", "aws:resourcetag/", "aws:tagkeys"})


def _trail(member: str) -> Rule:
    """Return the rule for an operation on a trail that is named by its name or its ARN."""

    def rule(asked: Asked) -> Iterator[Access]:
        name = asked.members.get(member) or "*"
        arn = name if name.startswith("arn:") else asked.arn(f"trail/{name}")
        tags = tagging(asked.members.get("TagsList"))
        if asked.operation == "RemoveTags":
            tags = removing(asked.members.get("TagsList"))
        yield asked.access(arn, context=tags)
        if asked.operation == "CreateTrail" and tags:
            yield asked.access(arn, "AddTags", tags)

    return rule


def _tags_of(asked: Asked) -> Iterator[Access]:
    for arn in asked.members.get("ResourceIdList", ()):
        yield asked.access(arn)


TABLE = rows(
    (
        _trail("Name"),
        "CreateTrail DeleteTrail GetTrail GetTrailStatus StartLogging StopLogging UpdateTrail",
    ),
    (
        _trail("TrailName"),
        "GetEventSelectors GetInsightSelectors PutEventSelectors PutInsightSelectors",
    ),
    (_trail("ResourceId"), "AddTags RemoveTags"),
    (_tags_of, "ListTags"),
    (anywhere, "DescribeTrails ListPublicKeys ListTrails LookupEvents"),
)
