"""The one door from simulated services to moto's SQS, and what moto's queues are mended in.

moto keeps the queues' state and answers their API; nothing else in pkilab touches moto's models of
SQS. moto's version is pinned, because they are not a public interface. How a client's request comes
to moto stands in `pkilab.simulator.sqs_requests`.

Mended here: a message is visible again at the end of its timeout, not after it; FIFO queues know
duplicates for five minutes, whether or not the first is deleted, and number their messages upwards;
a visibility timeout is bounded from the message's receipt; what is too old is gone; messages that
were received too often go to the dead-letter queue that there is now; a policy's statements need no
Sid, and a queue of many messages is about as fast as one of few.

Sources: SQS Developer Guide, "Amazon SQS visibility timeout", "Exactly-once processing in Amazon
SQS", "Using dead-letter queues in Amazon SQS"; SQS API Reference, ChangeMessageVisibility.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from moto.core.utils import unix_time_millis
from moto.sqs import models
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.bucket_policies import allows
from pkilab.simulator.identity.keys import unique_id
from pkilab.simulator.service import AwsError, Json
from pkilab.simulator.sqs_checks import check_message
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
_DEDUPLICATED = timedelta(minutes=5)
_NAME_KEPT = timedelta(seconds=60)
_LONGEST = 43_200  # seconds that a message may be out
_FIRST_NUMBER, _NUMBER_STEP = 18_849_496_460_467_696_128, 256  # 20 digits, growing


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue's settings at one moment, as far as others must know them."""

    arn: str
    account: str  # the owner
    region: str
    name: str
    fifo: bool
    content_based_deduplication: bool
    largest: int  # bytes of a message
    policy: str | None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"https://sqs.{self.region}.amazonaws.com/{self.account}/{self.name}"


class Queues:
    """Queues of every account of a world, seen by an AWS service rather than by a client.

    Args:
        world: whose clock and entropy count.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._deleted: dict[str, datetime] = {}  # ARN -> when
        self._senders: dict[str, str] = {}  # service principal -> what its messages say

    def find(self, arn: str) -> Queue | None:
        """Return the queue of an ARN, whoever owns it; ``None``: no such."""
        found = _model(arn)
        if found is None:
            return None
        return Queue(
            arn=found.queue_arn,
            account=found.account_id,
            region=found.region,
            name=found.name,
            fifo=bool(found.fifo_queue),
            content_based_deduplication=bool(found.content_based_deduplication),
            largest=int(found.maximum_message_size),
            policy=found.policy,
            tags=dict(found.tags),
        )

    def resource(self, arn: str) -> Resource | None:
        """Return the queue of an ARN, for policies."""
        found = self.find(arn)
        return Resource(arn, found.account, found.tags, found.policy) if found else None

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's queues of a Region with their tags."""
        for each in models.sqs_backends[account][region].queues.values():
            yield each.queue_arn, dict(each.tags)

    def send(
        self,
        queue_arn: str,
        body: str,
        *,
        principal: str,
        source_arn: str,
        attributes: Mapping[str, Mapping[str, Any]] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
    ) -> str:
        """Send a message in the name of an AWS service, if the queue's policy lets it.

        The policy is heeded whether or not the world enforces policies: without it no service of
        AWS can send either. To be called in a turn or outside of one.

        Args:
            queue_arn: the queue's, of any account and Region.
            body: the message's text.
            principal: the service, such as ``events.amazonaws.com``.
            source_arn: on whose behalf (aws:SourceArn); its account is aws:SourceAccount.
            attributes: name to ``{"DataType": ..., "StringValue": ...}``.
            group_id: of a FIFO queue's message, or for fair queues.
            deduplication_id: of a FIFO queue's message.

        Returns:
            The message's id.

        Raises:
            AwsError: AWS.SimpleQueueService.NonExistentQueue; AccessDenied; what SendMessage
                answers for the message; NotImplemented, the policy says what is not modelled.
            LabClosedError: the world was closed.
        """
        with self._world.turn():
            queue = self.find(queue_arn)
            if queue is None:
                raise AwsError(NO_QUEUE, "The specified queue does not exist.")
            context = (
                ("aws:sourcearn", source_arn),
                ("aws:sourceaccount", source_arn.split(":")[4]),
                ("aws:securetransport", "true"),
                ("aws:principalisawsservice", "true"),
                ("aws:principalservicename", principal),
            )
            if queue.policy is None or not allows(
                queue.policy, "sqs:SendMessage", queue_arn,
                service=principal, context=context, kind="queue",
            ):  # fmt: skip
                message = (
                    f"User: {principal} is not authorized to perform: sqs:sendmessage on resource: "
                    f"{queue_arn} because no resource-based policy allows the sqs:sendmessage "
                    "action"
                )
                raise AwsError("AccessDenied", message, 403)
            entry: Json = {"MessageBody": body, "MessageAttributes": dict(attributes or {})}
            entry |= {"MessageGroupId": group_id} if group_id is not None else {}
            if deduplication_id is not None:
                entry["MessageDeduplicationId"] = deduplication_id
            check_message(queue, entry)
            backend = models.sqs_backends[queue.account][queue.region]
            sent = backend.send_message(
                queue.name,
                body,
                message_attributes=entry["MessageAttributes"],
                deduplication_id=deduplication_id,
                group_id=group_id,
            )
            _say_who(sent, self._sender(principal))
            return str(sent.id)

    # For requests of clients.

    def was_deleted(self, arn: str) -> bool:
        """Whether a queue of the ARN was deleted so lately that its name cannot be had."""
        when = self._deleted.get(arn)
        return when is not None and self._world.clock.now() - when < _NAME_KEPT

    def deleted(self, arn: str) -> None:
        """Remember that a queue is deleted."""
        self._deleted[arn] = self._world.clock.now()

    def purged_within(self, arn: str, seconds: int) -> bool:
        """Whether a queue was purged within so many seconds."""
        found = _model(arn)
        last = found.last_purged_at if found else None
        return last is not None and self._world.clock.now().timestamp() - last < seconds

    def sent_by(self, arn: str, message_id: str, user_id: str) -> None:
        """Note who has sent a message: the unique id of a user, or a role's with its session."""
        found = _model(arn)
        for message in reversed(found._messages if found else ()):  # noqa: SLF001 - moto's
            if message.id == message_id:
                _say_who(message, user_id)
                return

    def source_of(self, arn: str, message_id: str) -> str | None:
        """Return the ARN of the queue from which a message came to this one, its dead-letter queue.

        None: it was sent here.
        """
        found = _model(arn)
        for message in found._messages if found else ():  # noqa: SLF001 - moto's
            if message.id == message_id:
                return getattr(message, "dead_letter_source", None)
        return None

    def in_flight(self, arn: str, receipt_handle: str) -> bool | None:
        """Whether the message of a receipt handle is received and not visible; None: no message."""
        found = _model(arn)
        for message in found._messages if found else ():  # noqa: SLF001 - moto's
            if message.had_receipt_handle(receipt_handle):
                return not message.visible
        return None

    def tidy(self, arn: str, *, received: bool) -> None:
        """Bring a queue up to the world's time.

        What is older than the retention period goes; if somebody is about to receive, what was
        received as often as the redrive policy allows goes to the dead-letter queue.
        """
        queue = _model(arn)
        if queue is None:
            return
        oldest = unix_time_millis() - queue.message_retention_period * 1000
        if oldest == getattr(queue, "tidied", None) and not received:
            return
        queue.tidied = oldest
        kept = [each for each in queue._messages if each.sent_timestamp > oldest]  # noqa: SLF001
        if len(kept) < len(queue._messages):  # noqa: SLF001
            queue.pending_messages.intersection_update(kept)
            queue._messages = kept  # noqa: SLF001
        if not received or not queue.redrive_policy:
            return
        target = queue.dead_letter_queue = _model(queue.redrive_policy["deadLetterTargetArn"])
        if target is None:  # without one they stay
            return
        most = queue.redrive_policy["maxReceiveCount"]
        for message in queue.messages:
            if message.approximate_receive_count >= most:
                queue.pending_messages.discard(message)
                queue._messages.remove(message)  # noqa: SLF001
                message.dead_letter_source = queue.queue_arn
                if target.fifo_queue:  # of a standard queue it stays that of the first sending
                    message.sent_timestamp = int(unix_time_millis())
                target.add_message(message)
                target.tidied = None  # it may be older than what was looked at

    def _sender(self, principal: str) -> str:
        """Return what SenderId is for a service: the id of a user of AWS's own."""
        if principal not in self._senders:
            source = self._world.entropy("sqs", "senders", principal)
            self._senders[principal] = unique_id("AIDA", source)
        return self._senders[principal]


def _model(arn: str) -> Any | None:  # noqa: ANN401 - moto publishes no types
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "sqs" or not parts[3]:  # noqa: PLR2004 - of an ARN
        return None
    accounts = models.sqs_backends
    if parts[4] not in accounts or parts[3] not in accounts[parts[4]]:
        return None
    return accounts[parts[4]][parts[3]].queues.get(parts[5])


def _say_who(message: Any, user_id: str) -> None:  # noqa: ANN401 - as above
    if user_id and message.sender_id == models.DEFAULT_SENDER_ID:  # a duplicate has its first's
        message.sender_id = user_id


# What moto does otherwise than AWS.


def mend_queues() -> Callable[[], None]:
    """Make moto's queues do as AWS's do, as far as it can be done from outside.

    Returns:
        A function that puts moto back as it was.
    """
    message, queue, backend = models.Message, models.Queue, models.SQSBackend
    originals = (
        (message, "visible", message.__dict__["visible"]),
        (message, "mark_received", message.mark_received),
        (queue, "messages", queue.__dict__["messages"]),
        (backend, "send_message", backend.send_message),
        (backend, "receive_message", backend.receive_message),
        (backend, "change_message_visibility", backend.change_message_visibility),
        (backend, "add_permission", backend.add_permission),
        (backend, "remove_permission", backend.remove_permission),
    )
    mark, send, receive = message.mark_received, backend.send_message, backend.receive_message

    def mark_received(self: Any, visibility_timeout: int | None = None) -> None:  # noqa: ANN401
        self.received_at = unix_time_millis()
        mark(self, visibility_timeout)

    def send_message(self: Any, queue_name: str, message_body: str, **members: Any) -> Any:  # noqa: ANN401
        with _uncounted(self.get_queue(queue_name)):
            return _sent_once(self, send, queue_name, message_body, members)

    def receive_message(self: Any, queue_name: str, *members: Any, **named: Any) -> Any:  # noqa: ANN401
        with _uncounted(self.get_queue(queue_name)):
            return receive(self, queue_name, *members, **named)

    changed: Any = message
    changed.visible = property(lambda self: unix_time_millis() >= self.visible_at)
    changed.mark_received = mark_received
    changed = queue
    changed.messages = property(_receivable)
    changed = backend
    changed.send_message = send_message
    changed.receive_message = receive_message
    changed.change_message_visibility = _change_visibility
    changed.add_permission = _among_named(backend.add_permission)
    changed.remove_permission = _among_named(backend.remove_permission)

    def restore() -> None:
        for owner, name, original in originals:
            setattr(owner, name, original)

    return restore


def _among_named(change: Callable[..., None]) -> Callable[..., None]:
    """Have moto look at a policy's statements that have a Sid; it breaks on one that has none."""

    def changed(backend: Any, *members: Any, **named: Any) -> None:  # noqa: ANN401
        queue = backend.get_queue(named["queue_name"] if named else members[0])
        policy = queue._policy_json  # noqa: SLF001 - moto's
        found = policy.get("Statement", [])
        statements = found if isinstance(found, list) else [found]
        policy["Statement"] = [each for each in statements if "Sid" in each]
        try:
            change(backend, *members, **named)
        finally:
            unnamed = [each for each in statements if "Sid" not in each]
            policy["Statement"] = [*unnamed, *policy["Statement"]]

    return changed


@contextmanager
def _uncounted(queue: Any) -> Iterator[None]:  # noqa: ANN401 - moto's
    """Have moto not count a queue's messages while it sends or receives.

    It asks for all attributes where it wants one, several times for each message, and three of them
    are counts that go over all messages.
    """
    queue.BASE_ATTRIBUTES = [
        name for name in type(queue).BASE_ATTRIBUTES if not name.startswith("ApproximateNumber")
    ]
    try:
        yield
    finally:
        queue.__dict__.pop("BASE_ATTRIBUTES", None)


def _receivable(queue: Any) -> list[Any]:  # noqa: ANN401 - moto's
    """Return the messages that can be received; moto reads the clock twice for each of them."""
    now = unix_time_millis()
    return [
        each
        for each in queue._messages  # noqa: SLF001 - moto's
        if now >= each.visible_at and now >= each.delayed_until
    ]


def _sent_once(
    backend: Any,  # noqa: ANN401 - moto's
    send: Callable[..., Any],
    queue_name: str,
    body: str,
    members: dict[str, Any],
) -> Any:  # noqa: ANN401
    """Send a message; of a duplicate within five minutes return the first, and add nothing."""
    queue = backend.get_queue(queue_name)
    if not queue.fifo_queue:
        return send(backend, queue_name, body, **members)
    now = unix_time_millis()
    interval = _DEDUPLICATED.total_seconds() * 1000
    known: dict[str, tuple[float, Any]] = {
        name: found
        for name, found in getattr(queue, "deduplicated", {}).items()
        if now - found[0] < interval
    }
    queue.deduplicated = known
    given = members.get("deduplication_id")
    if given is None:
        given = _content_id(body) if queue.content_based_deduplication else None
    if given in known:
        return copy.copy(known[given][1])
    message = send(backend, queue_name, body, **members)
    queue.numbered = getattr(queue, "numbered", 0) + 1
    message.sequence_number = str(_FIRST_NUMBER + _NUMBER_STEP * queue.numbered)
    if message.deduplication_id is not None:
        known[message.deduplication_id] = (now, message)
    return message


def _change_visibility(
    backend: Any,  # noqa: ANN401 - moto's
    queue_name: str,
    receipt_handle: str,
    visibility_timeout: int,
) -> None:
    queue = backend.get_queue(queue_name)
    for message in queue._messages:  # noqa: SLF001 - moto's
        if message.had_receipt_handle(receipt_handle):
            until = unix_time_millis() + int(visibility_timeout) * 1000
            if until - message.received_at > _LONGEST * 1000:
                raise InvalidParameterValue(
                    f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. "
                    "Reason: Total VisibilityTimeout for the message is beyond the limit "
                    f"[{_LONGEST} seconds]"
                )
            message.change_visibility(visibility_timeout)
            if message.visible:
                queue.pending_messages.discard(message)
            return
    raise ReceiptHandleIsInvalid


def _content_id(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
