"""AWS::CloudTrail: trails.

Source: AWS CloudFormation Template Reference, AWS::CloudTrail::Trail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    REQUIRED,
    Property,
    ResourceType,
    Work,
    tag_changes,
)
from pkilab.simulator.service import Json, not_simulated

_LONGEST = 128
_SETTINGS = (
    "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "EnableLogFileValidation",
    "IncludeGlobalServiceEvents", "IsMultiRegionTrail", "IsOrganizationTrail", "S3BucketName",
    "S3KeyPrefix", "SnsTopicName",
)  # fmt: skip
_SELECTORS = ("AdvancedEventSelectors", "EventSelectors")


class Trail(ResourceType):
    """A trail. The physical ID is its name; its bucket's policy must be there before it."""

    type: ClassVar[str] = "AWS::CloudTrail::Trail"
    properties: ClassVar[Mapping[str, Property]] = {
        "TrailName": REPLACES,
        "IsLogging": REQUIRED,
        **{name: REQUIRED if name == "S3BucketName" else IN_PLACE for name in _SETTINGS},
        "KMSKeyId": IN_PLACE,
        **dict.fromkeys(_SELECTORS, IN_PLACE),
        "Tags": IN_PLACE,
    }
    unmodelled: ClassVar[tuple[str, ...]] = ("AggregationConfigurations", "InsightSelectors")
    attributes: ClassVar[tuple[str, ...]] = ("Arn", "SnsTopicArn")
    own_name: ClassVar[str] = "TrailName"
    tags: ClassVar[str] = "Tags"
    gone: ClassVar[frozenset[str]] = frozenset({"TrailNotFoundException"})

    def create(self, work: Work) -> str:
        name = str(text_of(work.get("TrailName", work.name(_LONGEST))))
        asked = work.members("cloudtrail", "CreateTrail", *_SETTINGS, KmsKeyId="KMSKeyId")
        tags, _ = tag_changes(None, work.get("Tags"))
        work.aws("cloudtrail", "CreateTrail", Name=name, TagsList=tags or None, **asked)
        return name

    def settle(self, work: Work) -> Iterator[None]:
        name = work.physical_id
        asked = work.members("cloudtrail", "PutEventSelectors", *_SELECTORS)
        if any(asked.values()):
            work.aws("cloudtrail", "PutEventSelectors", TrailName=name, **asked)
        starts = text_of(work.get("IsLogging")) == "true"
        work.aws("cloudtrail", "StartLogging" if starts else "StopLogging", Name=name)
        found = work.aws("cloudtrail", "GetTrail", Name=name)["Trail"]
        work.attributes["Arn"] = found["TrailARN"]
        if topic := found.get("SnsTopicARN"):
            work.attributes["SnsTopicArn"] = topic
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        name, changed = work.physical_id, set(self.changed(before, work.properties))
        for each in _SELECTORS:
            if each in changed and each not in work.properties:
                raise not_simulated(f"an update that takes {each} of a trail away")
        if changed & {*_SETTINGS, "KMSKeyId"}:
            asked = work.members("cloudtrail", "UpdateTrail", *_SETTINGS, KmsKeyId="KMSKeyId")
            work.aws("cloudtrail", "UpdateTrail", Name=name, **asked)
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        arn = work.attributes.get("Arn")
        if added:
            work.aws("cloudtrail", "AddTags", ResourceId=arn, TagsList=added)
        if removed:
            gone = [{"Key": key} for key in removed]
            work.aws("cloudtrail", "RemoveTags", ResourceId=arn, TagsList=gone)

    def delete(self, work: Work) -> None:
        work.aws("cloudtrail", "DeleteTrail", Name=work.physical_id)
