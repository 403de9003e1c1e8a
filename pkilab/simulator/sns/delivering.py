"""Bringing messages to subscribers: queues and functions.

A delivery is an errand, done after the publisher's turn. What the endpoint refuses for good (it is
not there, its policy does not let SNS in, it cannot take the message) goes to the subscription's
dead-letter queue, or nowhere, without another try; what may pass (a function is not active yet) is
tried again as SNS tries AWS-managed endpoints: three times at once, twice after a second, ten times
with a growing pause of one to twenty seconds, then every twenty seconds, 100,015 times in all. A
function is invoked asynchronously: what becomes of that is Lambda's to see to.

Source: SNS Developer Guide, "Amazon SNS message delivery retries", "Amazon SNS dead-letter queues".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pkilab.simulator.functions.service import Lambda
from pkilab.simulator.service import AwsError
from pkilab.simulator.sns import messages
from pkilab.simulator.sns.checks import read_redrive
from pkilab.simulator.sns.signing import Signer
from pkilab.simulator.sns.state import Message, Subscription, Topic
from pkilab.simulator.sqs import Queues
from pkilab.simulator.world import World

PRINCIPAL = "sns.amazonaws.com"
_AT_ONCE, _AFTER_A_SECOND, _GROWING, _LAST = 3, 5, 15, 100_015  # retries
_LONGEST = 20.0  # seconds
# What a function's service answers and may not answer the next time.
_PASSING = frozenset({"ResourceConflictException", "ServiceException", "TooManyRequestsException"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A message, packed for one subscription."""

    to: Subscription
    text: str = field(repr=False)  # for queues
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # likewise
    group_id: str | None = None
    event: bytes | None = field(default=None, repr=False)  # for a function


class Delivering:
    """Delivers for SNS.

    Args:
        world: whose errands deliveries are.
        signer: of envelopes.
        functions: Lambda's.
        queues: SQS's.
    """

    def __init__(self, world: World, signer: Signer, functions: Lambda, queues: Queues) -> None:
        self._world, self._signer = world, signer
        self._functions, self._queues = functions, queues

    def send(self, topic: Topic, message: Message, to: Subscription) -> None:
        """Leave the delivery of a message as an errand; to be called in a turn."""
        group = message.group_id if to.protocol == "sqs" else None
        if to.raw:
            text = message.text_for(to.protocol)
            self._leave(_Parcel(to, text, message.attributes, group), 0)
            return
        envelope = messages.notification(self._signer, topic, message, to)
        event = messages.lambda_event(envelope, to.arn) if to.protocol == "lambda" else None
        packed = json.dumps(event).encode() if event else None
        self._leave(_Parcel(to, messages.written(envelope), {}, group, packed), 0)

    def confirm(self, topic: Topic, to: Subscription, message_id: str) -> None:
        """Leave the question whether a queue's owner wants a subscription; likewise."""
        now = self._world.clock.now()
        asked = messages.confirmation(self._signer, topic, to, message_id, now)
        self._leave(_Parcel(to, messages.written(asked)), 0)

    def _leave(self, parcel: _Parcel, retries: int) -> None:
        label = f"SNS delivers to {parcel.to.endpoint}"
        self._world.errand(lambda: self._deliver(parcel, retries), label)

    def _deliver(self, parcel: _Parcel, retries: int) -> None:
        """Deliver outside of any turn."""
        to = parcel.to
        try:
            if parcel.event is None:
                self._enqueue(parcel, to.endpoint)
            else:
                self._functions.call_later(
                    to.endpoint, parcel.event, principal=PRINCIPAL, source_arn=to.topic_arn
                )
        except AwsError as refused:
            if refused.code in _PASSING and retries < _LAST:
                self._again(parcel, retries + 1)
            else:
                self._give_up(parcel, refused)

    def _again(self, parcel: _Parcel, retries: int) -> None:
        if retries <= _AT_ONCE:
            self._leave(parcel, retries)
            return
        with self._world.turn():
            when = self._world.clock.now() + timedelta(seconds=pause(retries))
            label = f"SNS delivers again to {parcel.to.endpoint}"
            self._world.clock.at(when, lambda: self._leave(parcel, retries), label)

    def _give_up(self, parcel: _Parcel, refused: AwsError) -> None:
        _log.info("SNS cannot deliver to %s: %s", parcel.to.endpoint, refused)
        if not (policy := parcel.to.attributes.get("RedrivePolicy")):
            return
        try:
            self._enqueue(parcel, read_redrive(policy))
        except AwsError as also:
            _log.info("and the dead-letter queue refuses the message: %s", also)

    def _enqueue(self, parcel: _Parcel, queue_arn: str) -> None:
        self._queues.send(
            queue_arn,
            parcel.text,
            principal=PRINCIPAL,
            source_arn=parcel.to.topic_arn,
            attributes=parcel.attributes,
            group_id=parcel.group_id,
        )


def pause(retries: int) -> float:
    """Return for how many seconds SNS waits before a retry, counted from 1."""
    if retries <= _AT_ONCE:
        return 0.0
    if retries <= _AFTER_A_SECOND:
        return 1.0
    if retries <= _GROWING:
        steps = _GROWING - _AFTER_A_SECOND - 1
        return float(_LONGEST ** ((retries - _AFTER_A_SECOND - 1) / steps))
    return _LONGEST
