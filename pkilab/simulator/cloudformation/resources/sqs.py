"""AWS::SQS: queues and their policies.

Source: AWS CloudFormation Template Reference, AWS::SQS::Queue, ::QueuePolicy and
::QueueInlinePolicy; Amazon SQS API Reference, SetQueueAttributes (the defaults).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.attributes import attributes
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    Property,
    ResourceType,
    Work,
    tag_changes,
)
from pkilab.simulator.cloudformation.resources.policies import Policy, PolicyOfOne, PolicyOfSeveral
from pkilab.simulator.service import Json

_LONGEST = 80
_FIFO = ".fifo"
# What an attribute is again once its property is gone.
_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "DelaySeconds": "0",
    "FifoThroughputLimit": "perQueue",
    "KmsDataKeyReusePeriodSeconds": "300",
    "KmsMasterKeyId": "",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "RedriveAllowPolicy": "",
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
_GONE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


class Queue(ResourceType):
    """A queue. The physical ID is its URL."""

    type: ClassVar[str] = "AWS::SQS::Queue"
    properties: ClassVar[Mapping[str, Property]] = {
        "QueueName": REPLACES,
        "FifoQueue": REPLACES,
        **dict.fromkeys(_DEFAULTS, IN_PLACE),
        "Tags": IN_PLACE,
    }
    attributes: ClassVar[tuple[str, ...]] = ("Arn", "QueueName", "QueueUrl")
    own_name: ClassVar[str] = "QueueName"
    tags: ClassVar[str] = "Tags"
    gone: ClassVar[frozenset[str]] = _GONE

    def create(self, work: Work) -> str:
        is_fifo = text_of(work.get("FifoQueue", "false")) == "true"
        made = work.name(_LONGEST - len(_FIFO)) + _FIFO if is_fifo else work.name(_LONGEST)
        asked = attributes(work.properties, _DEFAULTS)
        if is_fifo:
            asked["FifoQueue"] = "true"
        tags, _ = tag_changes(None, work.get("Tags"))
        answer = work.aws(
            "sqs", "CreateQueue",
            QueueName=text_of(work.get("QueueName", made)),
            Attributes=asked or None,
            tags={each["Key"]: each["Value"] for each in tags} or None,
        )  # fmt: skip
        return str(answer["QueueUrl"])

    def settle(self, work: Work) -> Iterator[None]:
        answer = work.aws(
            "sqs", "GetQueueAttributes", QueueUrl=work.physical_id, AttributeNames=["QueueArn"]
        )
        arn = answer["Attributes"]["QueueArn"]
        name = arn.rpartition(":")[2]
        work.attributes |= {"Arn": arn, "QueueName": name, "QueueUrl": work.physical_id}
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        old, new = attributes(before, _DEFAULTS), attributes(work.properties, _DEFAULTS)
        asked = {name: value for name, value in new.items() if old.get(name) != value}
        asked |= {name: _DEFAULTS[name] for name in old if name not in new}
        if asked:
            work.aws("sqs", "SetQueueAttributes", QueueUrl=work.physical_id, Attributes=asked)
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        if added:
            tags = {each["Key"]: each["Value"] for each in added}
            work.aws("sqs", "TagQueue", QueueUrl=work.physical_id, Tags=tags)
        if removed:
            work.aws("sqs", "UntagQueue", QueueUrl=work.physical_id, TagKeys=removed)

    def delete(self, work: Work) -> None:
        work.aws("sqs", "DeleteQueue", QueueUrl=work.physical_id)


class _Policy(Policy):
    """A policy of a queue."""

    gone: ClassVar[frozenset[str]] = _GONE

    def put(self, work: Work, target: str, policy: str | None) -> None:
        work.aws("sqs", "SetQueueAttributes", QueueUrl=target, Attributes={"Policy": policy or ""})


class QueuePolicy(_Policy, PolicyOfSeveral):
    """One policy of several queues."""

    type: ClassVar[str] = "AWS::SQS::QueuePolicy"
    several: ClassVar[str] = "Queues"
    longest: ClassVar[int] = _LONGEST


class QueueInlinePolicy(_Policy, PolicyOfOne):
    """The policy of one queue."""

    type: ClassVar[str] = "AWS::SQS::QueueInlinePolicy"
    one: ClassVar[str] = "Queue"
