"""Handing an event to a target: functions, queues, topics, log groups and other buses.

A target with a role is called in that role; one without lets EventBridge in by its own resource
policy, for the rule. Outside of any turn.

Sources: EventBridge User Guide, "Permissions for Amazon EventBridge to access targets using IAM
roles", "Using resource-based policies for Amazon EventBridge".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pkilab.simulator.eventbridge.state import Json, Rule, Target
from pkilab.simulator.eventbridge.targets_buses import BusTargets
from pkilab.simulator.eventbridge.targets_kinds import kind_of
from pkilab.simulator.eventbridge.targets_logs import LogTargets
from pkilab.simulator.eventbridge.targets_roles import PRINCIPAL, take_role
from pkilab.simulator.functions.calling import DirectCaller, Handle, as_role
from pkilab.simulator.functions.destinations import queue_url
from pkilab.simulator.functions.service import Lambda
from pkilab.simulator.identity import Identities
from pkilab.simulator.service import not_simulated
from pkilab.simulator.sqs import Queues
from pkilab.simulator.world import World


class Topics(Protocol):
    """What is asked of SNS."""

    def publish_for(
        self, topic_arn: str, message: str, *, principal: str, source_arn: str
    ) -> object:
        """Publish for a service that the topic's policy lets in.

        Raises:
            AwsError: there is no such topic, or it does not.
        """


class Targets:
    """The targets of a world.

    Args:
        world: whose clock counts.
        functions: Lambda's.
        queues: SQS's.
        topics: SNS's.
        handle: the world's door.
        identities: the roles that targets name.
    """

    def __init__(  # noqa: PLR0917 - one for each service
        self,
        world: World,
        functions: Lambda,
        queues: Queues,
        topics: Topics,
        handle: Handle,
        identities: Identities,
    ) -> None:
        self._world, self._functions, self._queues, self._topics = world, functions, queues, topics
        self._handle, self._identities = handle, identities
        self.buses = BusTargets(world, identities)
        self._logs = LogTargets(world)
        self._by_kind: dict[str, Callable[[Rule, Target, str], object]] = {
            "lambda": self._to_function,
            "sqs": self._to_queue,
            "sns": self._to_topic,
            "logs": self._logs.send,
        }

    def send(self, rule: Rule, target: Target, event: Json, text: str) -> None:
        """Hand an event to a target.

        Args:
            rule: what matched.
            target: one of the rule's.
            event: as it matched, for another bus.
            text: what any other target gets of it.

        Raises:
            AwsError: the target's refusal, or EventBridge's own.
            LabClosedError: the world was closed.
        """
        kind = kind_of(target.arn)
        if kind == "events":
            self.buses.send(rule, target, event)
        elif kind is None:
            raise not_simulated(f"an EventBridge target such as {target.arn}")
        else:
            self._by_kind[kind](rule, target, text)

    def _to_function(self, rule: Rule, target: Target, text: str) -> None:
        if caller := self._in_role(rule, target):
            payload = text.encode()
            caller(
                "lambda", "Invoke", FunctionName=target.arn, InvocationType="Event", Payload=payload
            )
            return
        self._functions.call_later(
            target.arn, text.encode(), principal=PRINCIPAL, source_arn=rule.arn
        )

    def _to_queue(self, rule: Rule, target: Target, text: str) -> None:
        if caller := self._in_role(rule, target):
            caller(
                "sqs",
                "SendMessage",
                QueueUrl=queue_url(target.arn),
                MessageBody=text,
                MessageGroupId=target.sqs_group_id,
            )
            return
        self._queues.send(
            target.arn,
            text,
            principal=PRINCIPAL,
            source_arn=rule.arn,
            group_id=target.sqs_group_id,
        )

    def _to_topic(self, rule: Rule, target: Target, text: str) -> None:
        if caller := self._in_role(rule, target):
            caller("sns", "Publish", TopicArn=target.arn, Message=text)
            return
        self._topics.publish_for(target.arn, text, principal=PRINCIPAL, source_arn=rule.arn)

    def _in_role(self, rule: Rule, target: Target) -> DirectCaller | None:
        """Return who calls in the target's role; None: it has none."""
        if not target.role_arn:
            return None
        with self._world.turn():
            identity, now = take_role(self._identities, rule, target), self._world.clock.now()
        return as_role(self._handle, identity, target.arn.split(":")[3], now)
