"""Bringing events to targets: what a rule's match leads to, and what becomes of failures.

A delivery is an errand of the turn in which the rule matched. Errors that pass are met by trying
again, ever later and at a moment that is drawn, by the world's clock: AWS publishes neither the
intervals nor the jitter, only that there are both; 185 attempts fit into a day. What cannot be
delivered goes to the target's dead-letter queue, as the event was before any transformation, and
is dropped where there is none.

Sources: EventBridge User Guide, "How EventBridge retries delivering events", "Using dead-letter
queues to process undelivered events" (attributes, error codes); serverless/serverless issue 4647
(a dead letter's body is the raw event).
"""

from __future__ import annotations

import functools
import json
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pkilab.simulator.eventbridge import transformers
from pkilab.simulator.eventbridge.state import Json, Rule, Target
from pkilab.simulator.eventbridge.targets import Targets
from pkilab.simulator.eventbridge.targets_kinds import kind_of
from pkilab.simulator.eventbridge.targets_roles import PRINCIPAL
from pkilab.simulator.service import AwsError
from pkilab.simulator.sqs import Queues
from pkilab.simulator.world import World

_log = logging.getLogger(__name__)

_LONGEST_PAUSE = 600.0  # seconds
_DENIED, _MISSING, _THROTTLED, _SERVER = 403, 404, 429, 500
_NOT_MODELLED = 501
# Errors of the targets' services by code, where the HTTP status does not tell.
_BY_CODE = {
    "AWS.SimpleQueueService.NonExistentQueue": "NO_RESOURCE",
    "QueueDoesNotExist": "NO_RESOURCE",
    "NotFound": "NO_RESOURCE",
    "ResourceNotFoundException": "NO_RESOURCE",
    "AccessDenied": "NO_PERMISSIONS",
    "AccessDeniedException": "NO_PERMISSIONS",
    "AuthorizationError": "NO_PERMISSIONS",
    "Throttling": "THROTTLING",
    "ThrottlingException": "THROTTLING",
    "RequestThrottled": "THROTTLING",
    "InvalidRequestContentException": "INVALID_JSON",
    "InvalidParameterException": "INVALID_PARAMETER",
    "ResourceConflictException": "RESOURCE_MODIFICATION_COLLISION",
}
_OWN = frozenset({
    "FAILED_TO_ASSUME_ROLE", "INVALID_JSON", "NO_PERMISSIONS", "THIRD_ACCOUNT_HOP_DETECTED",
    "THIRD_REGION_HOP_DETECTED",
})  # fmt: skip
_RETRIED = frozenset({"THROTTLING", "INTERNAL_ERROR", "RESOURCE_MODIFICATION_COLLISION"})


@dataclass(frozen=True, slots=True)
class Counters:
    """What has become of a rule's deliveries; CloudWatch has metrics for them.

    Attributes:
        invocations: deliveries that ended well or for good (Invocations).
        failed: those that failed for good (FailedInvocations).
        retried: attempts after the first (RetryInvocationAttempts).
        dead_lettered: events in dead-letter queues (InvocationsSentToDlq).
        lost: events that no dead-letter queue took (InvocationsFailedToBeSentToDlq).
    """

    invocations: int = 0
    failed: int = 0
    retried: int = 0
    dead_lettered: int = 0
    lost: int = 0


@dataclass(slots=True)
class _Delivery:
    """One event on its way to one target."""

    rule: Rule
    target: Target
    event: Json
    since: datetime
    forwarded: bool  # whether the rule's bus has it from another bus
    retries: int = 0


class Deliveries:
    """Delivers events for EventBridge.

    Args:
        world: whose clock retries wait by; deliveries are its errands.
        targets: who gets events.
        queues: SQS's, for what could not be delivered.
    """

    def __init__(self, world: World, targets: Targets, queues: Queues) -> None:
        self._world, self.targets, self._queues = world, targets, queues
        self._jitter = world.entropy("eventbridge", "jitter")
        self._counters: dict[str, Counters] = {}  # by rule ARN

    def send(self, rule: Rule, target: Target, event: Json) -> None:
        """Deliver an event to a target of a rule that has matched it; in a turn.

        Args:
            rule: what matched.
            target: one of its targets.
            event: as it matched; nobody may change it afterwards.
        """
        now, forwarded = self._world.clock.now(), self.targets.buses.forwarding
        self._leave(_Delivery(rule, target, event, now, forwarded))

    def counters(self, rule_arn: str) -> Counters:
        """Return what has become of a rule's deliveries so far."""
        return self._counters.get(rule_arn, Counters())

    def _leave(self, delivery: _Delivery) -> None:
        label = f"events: {delivery.rule.arn} to {delivery.target.arn}"
        self._world.errand(functools.partial(self._attempt, delivery), label)

    def _attempt(self, delivery: _Delivery) -> None:
        rule, target, event = delivery.rule, delivery.target, delivery.event
        try:
            if delivery.forwarded and kind_of(target.arn) == "events":
                self.targets.buses.refuse_third(rule, target)
            text = transformers.payload(target, rule, event)
            self.targets.send(rule, target, event, text)
        except AwsError as why:
            with self._world.turn():
                self._failed(delivery, why)
            return
        self._count(rule, invocations=1)

    def _failed(self, delivery: _Delivery, why: AwsError) -> None:
        """Try again, or give up."""
        code = _code(why)
        if code not in _RETRIED:
            self._give_up(delivery, code, why.message)
            return
        retry, now = delivery.target.retry, self._world.clock.now()
        end = delivery.since + timedelta(seconds=retry.age)
        if delivery.retries >= retry.attempts:
            self._give_up(delivery, code, why.message, "MaximumRetryAttempts")
            return
        when = now + timedelta(seconds=self._pause(delivery.retries))
        label = f"events: {delivery.rule.arn} to {delivery.target.arn} again"
        if when > end:
            condition = "MaximumEventAgeInSeconds"
            run = functools.partial(self._give_up, delivery, code, why.message, condition)
            self._world.clock.at(end, run, label)
            return

        def again() -> None:
            delivery.retries += 1
            self._count(delivery.rule, retried=1)
            self._leave(delivery)

        self._world.clock.at(when, again, label)

    def _pause(self, retries: int) -> float:
        """Return how many seconds to wait: doubled each time, the half of it at random."""
        most = min(_LONGEST_PAUSE, 2.0 ** min(retries, 16))
        drawn = int.from_bytes(self._jitter.bytes(4)) / 2**32
        return most * (1 + drawn) / 2

    def _give_up(
        self, delivery: _Delivery, code: str, message: str, condition: str | None = None
    ) -> None:
        rule, target = delivery.rule, delivery.target
        self._count(rule, invocations=1, failed=1)
        _log.info("%s failed to reach %s: %s (%s)", rule.arn, target.arn, message, code)
        if target.dead_letter_arn is None:
            return
        said = {
            "RULE_ARN": rule.arn,
            "TARGET_ARN": target.arn,
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message or code,
            "EXHAUSTED_RETRY_CONDITION": condition,
            "RETRY_ATTEMPTS": str(delivery.retries),
        }
        attributes: dict[str, Json] = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in said.items()
            if value is not None
        }
        try:
            self._queues.send(
                target.dead_letter_arn,
                json.dumps(delivery.event),
                principal=PRINCIPAL,
                source_arn=rule.arn,
                attributes=attributes,
            )
        except AwsError as why:
            self._count(rule, lost=1)
            _log.info("%s lost an event: %s", rule.arn, why)
            return
        self._count(rule, dead_lettered=1)

    def _count(self, rule: Rule, **more: int) -> None:
        before = self._counters.get(rule.arn, Counters())
        sums = {name: getattr(before, name) + number for name, number in more.items()}
        self._counters[rule.arn] = replace(before, **sums)


def _code(why: AwsError) -> str:
    """Return EventBridge's code for the refusal of a target."""
    if why.code in _OWN:
        return why.code
    if found := _BY_CODE.get(why.code):
        return found
    if why.status == _NOT_MODELLED:
        return "SDK_CLIENT_ERROR"
    if why.status == _THROTTLED:
        return "THROTTLING"
    if why.status >= _SERVER:
        return "INTERNAL_ERROR"
    return {_DENIED: "NO_PERMISSIONS", _MISSING: "NO_RESOURCE"}.get(why.status, "ERROR_FROM_TARGET")
