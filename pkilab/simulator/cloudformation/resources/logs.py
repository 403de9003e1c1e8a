"""AWS::Logs: log groups.

Source: AWS CloudFormation Template Reference, AWS::Logs::LogGroup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    Property,
    ResourceType,
    Work,
    tag_changes,
)
from pkilab.simulator.service import Json

_LONGEST = 512


class LogGroup(ResourceType):
    """A log group. What functions print does not get there: that is not simulated."""

    type: ClassVar[str] = "AWS::Logs::LogGroup"
    properties: ClassVar[Mapping[str, Property]] = {
        "LogGroupName": REPLACES,
        "RetentionInDays": IN_PLACE,
        "Tags": IN_PLACE,
    }
    unmodelled: ClassVar[tuple[str, ...]] = (
        "BearerTokenAuthenticationEnabled", "DataProtectionPolicy", "DeletionProtectionEnabled",
        "FieldIndexPolicies", "KmsKeyId", "LogGroupClass", "ResourcePolicyDocument",
    )  # fmt: skip
    attributes: ClassVar[tuple[str, ...]] = ("Arn",)
    own_name: ClassVar[str] = "LogGroupName"
    tags: ClassVar[str] = "Tags"

    def create(self, work: Work) -> str:
        name = text_of(work.get("LogGroupName", work.name(_LONGEST)))
        tags, _ = tag_changes(None, work.get("Tags"))
        shown = {each["Key"]: each["Value"] for each in tags}
        work.aws("logs", "CreateLogGroup", logGroupName=name, tags=shown or None)
        return str(name)

    def settle(self, work: Work) -> Iterator[None]:
        if "RetentionInDays" in work.properties:
            asked = work.members("logs", "PutRetentionPolicy", retentionInDays="RetentionInDays")
            work.aws("logs", "PutRetentionPolicy", logGroupName=work.physical_id, **asked)
        place = f"{work.aws.region}:{work.aws.account}"
        work.attributes["Arn"] = f"arn:aws:logs:{place}:log-group:{work.physical_id}:*"
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        name = work.physical_id
        if "RetentionInDays" in before and "RetentionInDays" not in work.properties:
            work.aws("logs", "DeleteRetentionPolicy", logGroupName=name)
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        if added:
            tags = {each["Key"]: each["Value"] for each in added}
            work.aws("logs", "TagLogGroup", logGroupName=name, tags=tags)
        if removed:
            work.aws("logs", "UntagLogGroup", logGroupName=name, tags=removed)

    def delete(self, work: Work) -> None:
        work.aws("logs", "DeleteLogGroup", logGroupName=work.physical_id)
