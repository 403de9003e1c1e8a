"""AWS::SecurityHub: that it is enabled.

Source: AWS CloudFormation Template Reference, AWS::SecurityHub::Hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    Property,
    ResourceType,
    Work,
    tag_changes,
)
from pkilab.simulator.service import Json, not_simulated

_CONFIGURATION = ("AutoEnableControls", "ControlFindingGenerator")


class Hub(ResourceType):
    """Security Hub of the account and Region. The physical ID is the hub's ARN."""

    type: ClassVar[str] = "AWS::SecurityHub::Hub"
    properties: ClassVar[Mapping[str, Property]] = {
        "AutoEnableControls": IN_PLACE,
        "ControlFindingGenerator": IN_PLACE,
        "EnableDefaultStandards": IN_PLACE,
        "Tags": IN_PLACE,
    }
    attributes: ClassVar[tuple[str, ...]] = ("ARN", "SubscribedAt")
    tags: ClassVar[str] = "Tags"
    tags_are_map: ClassVar[bool] = True
    # Without a subscription, there is none.
    gone: ClassVar[frozenset[str]] = frozenset({
        "ResourceNotFoundException", "InvalidAccessException",
    })  # fmt: skip

    def create(self, work: Work) -> str:
        asked = work.members(
            "securityhub", "EnableSecurityHub",
            "EnableDefaultStandards", "ControlFindingGenerator", "Tags",
        )  # fmt: skip
        work.aws("securityhub", "EnableSecurityHub", **asked)
        if "AutoEnableControls" in work.properties:
            self._configure(work)
        return str(work.aws("securityhub", "DescribeHub")["HubArn"])

    def settle(self, work: Work) -> Iterator[None]:
        found = work.aws("securityhub", "DescribeHub")
        work.attributes |= {"ARN": found["HubArn"], "SubscribedAt": found["SubscribedAt"]}
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        changed = self.changed(before, work.properties)
        enables = text_of(work.get("EnableDefaultStandards", "true")) == "true"
        if "EnableDefaultStandards" in changed and enables:
            raise not_simulated("an update of EnableDefaultStandards")
        if set(_CONFIGURATION) & set(changed):
            self._configure(work)
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        arn = work.physical_id
        if added:
            tags = {each["Key"]: each["Value"] for each in added}
            work.aws("securityhub", "TagResource", ResourceArn=arn, Tags=tags)
        if removed:
            work.aws("securityhub", "UntagResource", ResourceArn=arn, TagKeys=removed)

    def _configure(self, work: Work) -> None:
        operation = "UpdateSecurityHubConfiguration"
        asked = work.members("securityhub", operation, *_CONFIGURATION)
        work.aws("securityhub", operation, **asked)

    def delete(self, work: Work) -> None:
        work.aws("securityhub", "DisableSecurityHub")
