"""A tap on an event bus: what a rule's target gets, kept in a queue to be read.

It has a rule of its own: CloudFormation cannot delete one to which somebody else added a target.

Source: Amazon EventBridge User Guide, "Amazon SQS permissions" of resource-based policies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

Json = dict[str, Any]
_MOST = 10  # messages of a call
_MOST_CALLS = 1_000


@dataclass(frozen=True, slots=True)
class Tap:
    """A queue that a rule fills.

    Attributes:
        rule_arn: the rule.
        queue_url: the queue.
        wait: for how many seconds a call of `take` waits for a message, 0 to 20.
    """

    rule_arn: str
    queue_url: str
    wait: int
    _sqs: SQSClient = field(repr=False, compare=False)

    def take(self) -> list[Json]:
        """Take the events out that have come since."""
        return [
            json.loads(each["Body"]) for each in take(self._sqs, self.queue_url, wait=self.wait)
        ]


def take(sqs: SQSClient, queue_url: str, *, wait: int = 0) -> list[MessageTypeDef]:
    """Take messages out of a queue, with their attributes, until a call finds none, or 10,000.

    Standard queues promise neither order nor that a message comes once.

    Args:
        sqs: of the queue's account and Region.
        queue_url: the queue.
        wait: for how many seconds a call waits for a message, 0 to 20.

    Raises:
        ClientError: a call was refused.
    """
    taken = list["MessageTypeDef"]()
    for _ in range(_MOST_CALLS):
        messages = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=_MOST,
            MessageAttributeNames=["All"],
            WaitTimeSeconds=wait,
        ).get("Messages")
        if not messages:
            break
        for each in messages:
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=each["ReceiptHandle"])
        taken += messages
    return taken


def tap(
    events: EventBridgeClient,
    sqs: SQSClient,
    pattern: Mapping[str, Any],
    *,
    name: str = "tap",
    wait: int = 0,
) -> Tap:
    """Make a queue and a rule of one name that sends it the default bus's events of a pattern.

    EventBridge takes a moment to apply a new rule or target, and has nothing to ask whether it
    does: what happens in that moment may not come.

    Args:
        events: of the account and Region of the bus.
        sqs: of the same.
        pattern: an event pattern.
        name: of both.
        wait: for how many seconds a call of `Tap.take` waits for a message, 0 to 20.

    Raises:
        ClientError: a call was refused: such as a pattern that is none, or a queue of this name.
    """
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    queue = attributes["QueueArn"]
    rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
    return Tap(rule, url, wait, sqs)
