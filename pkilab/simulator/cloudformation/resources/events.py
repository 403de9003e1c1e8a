"""AWS::Events: rules with their targets, event buses and who may put events on them.

Source: AWS CloudFormation Template Reference, AWS::Events::Rule, ::EventBus and ::EventBusPolicy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    REPLACES_REQUIRED,
    FailedError,
    Property,
    ResourceType,
    Work,
    document,
    tag_changes,
    typed,
)
from pkilab.simulator.service import Json, not_simulated, service_model

_LONGEST = 64
_DEFAULT = "default"


class Rule(ResourceType):
    """A rule and its targets. The physical ID is its name, after its bus unless that is default."""

    type: ClassVar[str] = "AWS::Events::Rule"
    properties: ClassVar[Mapping[str, Property]] = {
        "Name": REPLACES,
        "EventBusName": REPLACES,
        "Description": IN_PLACE,
        "EventPattern": IN_PLACE,
        "RoleArn": IN_PLACE,
        "ScheduleExpression": IN_PLACE,
        "State": IN_PLACE,
        "Targets": IN_PLACE,
        "Tags": IN_PLACE,
    }
    attributes: ClassVar[tuple[str, ...]] = ("Arn",)
    own_name: ClassVar[str] = "Name"
    tags: ClassVar[str] = "Tags"

    def create(self, work: Work) -> str:
        name = str(text_of(work.get("Name", work.name(_LONGEST))))
        tags, _ = tag_changes(None, work.get("Tags"))
        self._put(work, name, Tags=tags or None)
        bus = _bus(work)
        return name if bus in {None, _DEFAULT} else f"{bus}|{name}"

    def settle(self, work: Work) -> Iterator[None]:
        name, bus = _name(work), _bus(work)
        found = work.aws("events", "DescribeRule", Name=name, EventBusName=bus)
        work.attributes["Arn"] = found["Arn"]
        if targets := _targets(work):
            answer = work.aws("events", "PutTargets", Rule=name, EventBusName=bus, Targets=targets)
            _all_done(answer)
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        name, bus = _name(work), _bus(work)
        self._put(work, name)
        kept = {each["Id"] for each in _targets(work)}
        held = work.aws("events", "ListTargetsByRule", Rule=name, EventBusName=bus)["Targets"]
        if gone := [each["Id"] for each in held if each["Id"] not in kept]:
            answer = work.aws("events", "RemoveTargets", Rule=name, EventBusName=bus, Ids=gone)
            _all_done(answer)
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        arn = work.attributes.get("Arn")
        if added:
            work.aws("events", "TagResource", ResourceARN=arn, Tags=added)
        if removed:
            work.aws("events", "UntagResource", ResourceARN=arn, TagKeys=removed)

    def _put(self, work: Work, name: str, **more: Any) -> None:  # noqa: ANN401 - as the API has it
        asked = work.members(
            "events", "PutRule", "Description", "RoleArn", "ScheduleExpression", "State"
        )
        if "EventPattern" in work.properties:
            asked["EventPattern"] = document(work.get("EventPattern"), "#/EventPattern")
        work.aws("events", "PutRule", Name=name, EventBusName=_bus(work), **asked, **more)

    def delete(self, work: Work) -> None:
        name, bus = _name(work), _bus(work)
        held = work.aws("events", "ListTargetsByRule", Rule=name, EventBusName=bus)["Targets"]
        if ids := [each["Id"] for each in held]:
            answer = work.aws("events", "RemoveTargets", Rule=name, EventBusName=bus, Ids=ids)
            _all_done(answer)
        work.aws("events", "DeleteRule", Name=name, EventBusName=bus)


def _name(work: Work) -> str:
    return work.physical_id.rpartition("|")[2]


def _bus(work: Work) -> str | None:
    return text_of(work.get("EventBusName")) if "EventBusName" in work.properties else None


def _targets(work: Work) -> list[Json]:
    if "Targets" not in work.properties:
        return []
    shape = service_model("events").shape_for("TargetList")
    found: list[Json] = typed(shape, work.get("Targets"), "#/Targets")
    return found


def _all_done(answer: Json) -> None:
    """Refuse what EventBridge did for some targets only.

    Raises:
        FailedError: it did not do it for one.
    """
    for each in answer.get("FailedEntries", []):
        why = f"{each.get('TargetId')}: {each.get('ErrorCode')}: {each.get('ErrorMessage')}"
        raise FailedError(why)


class EventBus(ResourceType):
    """An event bus of one's own."""

    type: ClassVar[str] = "AWS::Events::EventBus"
    properties: ClassVar[Mapping[str, Property]] = {
        "Name": REPLACES_REQUIRED,
        "Description": IN_PLACE,
        "Tags": IN_PLACE,
    }
    unmodelled: ClassVar[tuple[str, ...]] = (
        "DeadLetterConfig", "EventSourceName", "KmsKeyIdentifier", "LogConfig", "Policy",
    )  # fmt: skip
    attributes: ClassVar[tuple[str, ...]] = ("Arn",)
    own_name: ClassVar[str] = "Name"
    tags: ClassVar[str] = "Tags"

    def create(self, work: Work) -> str:
        asked = work.members("events", "CreateEventBus", "Name", "Description")
        tags, _ = tag_changes(None, work.get("Tags"))
        work.aws("events", "CreateEventBus", Tags=tags or None, **asked)
        return str(asked["Name"])

    def settle(self, work: Work) -> Iterator[None]:
        found = work.aws("events", "DescribeEventBus", Name=work.physical_id)
        work.attributes["Arn"] = found["Arn"]
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        if before.get("Description") != work.get("Description"):
            description = text_of(work.get("Description", ""))
            asked = {"Name": work.physical_id, "Description": description}
            work.aws("events", "UpdateEventBus", **asked)
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        arn = work.attributes.get("Arn")
        if added:
            work.aws("events", "TagResource", ResourceARN=arn, Tags=added)
        if removed:
            work.aws("events", "UntagResource", ResourceARN=arn, TagKeys=removed)

    def delete(self, work: Work) -> None:
        work.aws("events", "DeleteEventBus", Name=work.physical_id)


class EventBusPolicy(ResourceType):
    """A statement of a bus's policy, by action and principal; whole statements are refused."""

    type: ClassVar[str] = "AWS::Events::EventBusPolicy"
    properties: ClassVar[Mapping[str, Property]] = {
        "StatementId": REPLACES_REQUIRED,
        "EventBusName": REPLACES,
        "Action": IN_PLACE,
        "Principal": IN_PLACE,
        "Condition": IN_PLACE,
        "Statement": IN_PLACE,
    }

    def create(self, work: Work) -> str:
        self._put(work)
        return f"{_bus(work) or _DEFAULT}|{text_of(work.get('StatementId'))}"

    def update(self, work: Work, before: Json) -> None:  # noqa: ARG002 - it is put anew
        self._put(work)

    def _put(self, work: Work) -> None:
        if "Statement" in work.properties:
            raise not_simulated(f"Statement of {self.type}")
        names = ("StatementId", "EventBusName", "Action", "Principal", "Condition")
        work.aws("events", "PutPermission", **work.members("events", "PutPermission", *names))

    def delete(self, work: Work) -> None:
        asked = work.members("events", "RemovePermission", "StatementId", "EventBusName")
        work.aws("events", "RemovePermission", **asked)
