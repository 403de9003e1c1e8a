"""How a client's request comes to moto's queues, and how the answer goes back.

What the API Reference has and moto has not is done here: members are checked, a queue of another
account is found by its URL, entries of a batch fail one by one, a long poll does not wait. moto is
then asked in one plain way, and its errors are written as SQS writes them: JSON 1.0 with the code
of the query protocol in a header, which SDKs show.

A long poll answers at once what is there: the clock of a world stands still while it would wait.

Sources: SQS API Reference; SQS Developer Guide, "Making Query API requests using AWS JSON protocol
in Amazon SQS"; smithy.io/2.0/aws/protocols/aws-query-protocol.html (awsQueryCompatible).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from pkilab.simulator.borrowed_requests import read
from pkilab.simulator.service import (
    AwsError,
    Call,
    HttpRequest,
    HttpResponse,
    Json,
    encode,
    not_simulated,
    service_model,
)
from pkilab.simulator.sqs import NO_QUEUE, Queue, Queues
from pkilab.simulator.sqs_checks import (
    check_attributes,
    check_batch,
    check_message,
    check_name,
    check_range,
    check_target,
    invalid_parameter,
    missing,
    queue_of,
    read_redrive,
    region_of,
)
from pkilab.simulator.world import World

NAME = "sqs"
CONTENT_TYPE = "application/x-amz-json-1.0"
_PREFIX = "AWS.SimpleQueueService."
# Codes of the query protocol -> exceptions of the model, where they differ.
_SHAPES = {
    NO_QUEUE: "QueueDoesNotExist",
    "QueueAlreadyExists": "QueueNameExists",
}
_CORAL = {
    "AccessDenied": "AccessDeniedException",
    "InvalidParameterValue": "InvalidParameterValueException",
    "MissingParameter": "MissingRequiredParameterException",
}
_FAILED, _FORBIDDEN, _NOT_FOUND, _SERVER_FAULT = 400, 403, 404, 500
# "Cross-account permissions don't apply to this action", as each one's page says.
_OWNERS_ONLY = frozenset({
    "AddPermission", "CancelMessageMoveTask", "DeleteQueue", "ListMessageMoveTasks",
    "ListQueueTags", "RemovePermission", "SetQueueAttributes", "StartMessageMoveTask", "TagQueue",
    "UntagQueue",
})  # fmt: skip
_NOT_THERE = frozenset({"CancelMessageMoveTask", "ListMessageMoveTasks", "StartMessageMoveTask"})
# ReceiveMessage's members that name message attributes of SQS's own -> in the model, of what kind.
_SYSTEM_ATTRIBUTES = {
    "AttributeNames": "QueueAttributeName",  # of which SQS ignores those
    "MessageSystemAttributeNames": "MessageSystemAttributeName",
}
_NO_ATTRIBUTE = "RedriveAllowPolicy"  # which no queue has
_LONGEST = 43_200
_MOST_TAGS = 50
_ACTION = re.compile(r"\bsqs:[A-Z]\w+")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What moto is asked, and of which account's queue."""

    operation: str
    members: Json
    account: str
    queue: Queue | None = None
    failed: tuple[Json, ...] = ()  # entries that moto does not hear of
    nothing_left: bool = False  # every entry failed


class Sqs:
    """SQS over moto.

    Args:
        world: whose gate and trail count.
        queues: the queues.
        ask: answers a request with moto, in the name of whoever calls.
    """

    def __init__(
        self, world: World, queues: Queues, ask: Callable[[HttpRequest, Call], HttpResponse]
    ) -> None:
        self._world, self._queues, self._ask = world, queues, ask

    def respond(self, request: HttpRequest, call: Call) -> HttpResponse:
        """Answer one request; errors in SQS's shape."""
        try:
            operation, members = read(NAME, request)
            result = self._perform(operation, members, call)
        except AwsError as error:
            return refusal(error)
        return HttpResponse(200, {"content-type": CONTENT_TYPE}, json.dumps(result).encode())

    def _perform(self, operation: str, members: Json, call: Call) -> Json:
        world = self._world
        try:
            world.throttle.admit(NAME, operation, call)
            world.gate.admit(NAME, operation, members, call)
            asked = self._prepared(operation, members, call)
            result: Json = {"Successful": []} if asked.nothing_left else self._of_moto(asked, call)
            result = self._finished(asked, result, members, call)
        except AwsError as refused:
            world.trail.record(NAME, operation, members, call, error=refused)
            raise
        world.trail.record(NAME, operation, members, call, result=result)
        return result

    def _of_moto(self, asked: _Asked, call: Call) -> Json:
        """Ask moto in one way that it cannot take for another.

        Raises:
            AwsError: moto's refusal.
        """
        shape = service_model(NAME).operation_model(asked.operation).input_shape
        scope = f"{call.access_key_id or 'service'}/20000101/{call.region}/{NAME}/aws4_request"
        headers = {
            "host": f"{NAME}.{call.region}.amazonaws.com",
            "content-type": CONTENT_TYPE,
            "x-amz-target": f"AmazonSQS.{asked.operation}",
            "authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
        }
        body = json.dumps(encode(shape, asked.members) if shape else {})
        url = f"https://{NAME}.{call.region}.amazonaws.com/?json"
        whose = _as(call, asked.account)
        response = self._ask(HttpRequest("POST", url, headers, body.encode()), whose)
        result: Json = json.loads(response.body or b"{}")
        if response.status >= _FAILED:
            kind = response.headers.get("x-amzn-query-error") or result.get("__type", "")
            code = kind.rpartition("#")[2].partition(";")[0]
            message = result.get("message") or result.get("Message", "")
            raise AwsError(code, message, response.status)
        return result

    # Before moto.

    def _prepared(self, operation: str, members: Json, call: Call) -> _Asked:
        if operation in _NOT_THERE:
            raise not_simulated(f"sqs:{operation}")
        if operation == "CreateQueue":
            return self._creation(members, call)
        if operation == "ListQueues":
            return self._listing(members, call)
        queue = self._queue(operation, members, call)
        if operation not in {"GetQueueUrl", "DeleteQueue"}:
            self._queues.tidy(queue.arn, received=operation == "ReceiveMessage")
        if operation.endswith("Batch"):
            return self._batch(operation, members, queue)
        self._check(operation, members, queue)
        return _Asked(operation, self._plain(operation, members, queue), queue.account, queue)

    def _queue(self, operation: str, members: Json, call: Call) -> Queue:
        """Return the queue that a request names.

        Raises:
            AwsError: AWS.SimpleQueueService.NonExistentQueue, InvalidAddress; AccessDenied, what
                only the owner may.
        """
        if operation == "GetQueueUrl":
            place = members.get("QueueOwnerAWSAccountId") or call.account, members["QueueName"]
        else:
            named = queue_of(members["QueueUrl"])
            if named is None or region_of(members["QueueUrl"]) not in {None, call.region}:
                message = f"The address {members['QueueUrl']} is not valid for this endpoint."
                raise AwsError("InvalidAddress", message, _NOT_FOUND)
            place = named
        account, name = place
        if operation in _OWNERS_ONLY and account != call.account:
            message = f"Access to the resource {members['QueueUrl']} is denied."
            raise AwsError("AccessDenied", message, _FORBIDDEN)
        found = self._queues.find(f"arn:aws:sqs:{call.region}:{account}:{name}")
        if found is None:
            raise AwsError(NO_QUEUE, "The specified queue does not exist.")
        return found

    def _creation(self, members: Json, call: Call) -> _Asked:
        attributes: dict[str, str] = members.get("Attributes") or {}
        fifo = attributes.get("FifoQueue") == "true"
        check_attributes(attributes, fifo=fifo, new=True)
        check_name(name := members["QueueName"], fifo=fifo)
        place = f"arn:aws:sqs:{call.region}:{call.account}:"
        self._check_redrive(attributes.get("RedrivePolicy"), place, fifo=fifo)
        if len(members.get("tags") or {}) > _MOST_TAGS:
            raise invalid_parameter(f"Too many tags added for queue {name}.")
        existing = self._queues.find(f"{place}{name}")
        if existing is None and self._queues.was_deleted(f"{place}{name}"):
            raise AwsError(
                f"{_PREFIX}QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another with"
                " the same name.",
            )
        plain = {"QueueName": name, "Attributes": _without_empty(attributes)}
        if existing is None:
            plain["tags"] = members.get("tags") or {}
        return _Asked("CreateQueue", plain, call.account)

    def _check_redrive(self, text: str | None, place: str, *, fifo: bool) -> None:
        if text and (found := read_redrive(text)):
            target = self._queues.find(found[0]) if found[0].startswith(place) else None
            check_target(text, target, fifo=fifo)

    @staticmethod
    def _listing(members: Json, call: Call) -> _Asked:
        check_range("MaxResults", members.get("MaxResults"), 1, 1000)
        plain = dict(members)
        if "QueueNamePrefix" in plain:  # moto takes it for a regular expression
            plain["QueueNamePrefix"] = re.escape(plain["QueueNamePrefix"])
        return _Asked("ListQueues", plain, call.account)

    def _check(self, operation: str, members: Json, queue: Queue) -> None:
        """Check what is asked of one queue.

        Raises:
            AwsError: with SQS's code.
        """
        if operation == "SendMessage":
            check_message(queue, members)
        elif operation == "ReceiveMessage":
            check_range("MaxNumberOfMessages", members.get("MaxNumberOfMessages"), 1, 10)
            check_range("WaitTimeSeconds", members.get("WaitTimeSeconds"), 0, 20)
            check_range("VisibilityTimeout", members.get("VisibilityTimeout"), 0, _LONGEST)
            for key, shape in _SYSTEM_ATTRIBUTES.items():
                for name in members.get(key) or ():
                    _check_known(name, "MessageSystemAttributeName", shape)
        elif operation == "ChangeMessageVisibility":
            self._check_visibility(members, queue)
        elif operation == "SetQueueAttributes":
            attributes = members["Attributes"]
            check_attributes(attributes, fifo=queue.fifo, new=False)
            place = queue.arn.removesuffix(queue.name)
            self._check_redrive(attributes.get("RedrivePolicy"), place, fifo=queue.fifo)
        elif operation == "GetQueueAttributes":
            for name in members.get("AttributeNames") or ():
                _check_known(name, "QueueAttributeName")
        elif operation == "PurgeQueue" and self._queues.purged_within(queue.arn, 60):
            message = f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds."
            raise AwsError(f"{_PREFIX}PurgeQueueInProgress", message, _FORBIDDEN)

    def _check_visibility(self, members: Json, queue: Queue) -> None:
        if "VisibilityTimeout" not in members:  # of a batch's entry; the model does not require it
            raise missing("VisibilityTimeout")
        check_range("VisibilityTimeout", members["VisibilityTimeout"], 0, _LONGEST)
        if self._queues.in_flight(queue.arn, handle := members["ReceiptHandle"]) is False:
            message = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does"
            message += " not exist or is not available for visibility timeout change."
            raise AwsError(f"{_PREFIX}MessageNotInflight", message)

    @staticmethod
    def _plain(operation: str, members: Json, queue: Queue) -> Json:
        """Return the members for moto."""
        plain = {**members, "QueueUrl": queue.url}
        if operation == "GetQueueUrl":
            return {"QueueName": queue.name}
        if operation == "ReceiveMessage":
            plain["WaitTimeSeconds"] = 0
        if operation == "SetQueueAttributes":
            # moto takes the policy away whenever something else is set.
            kept = {"Policy": queue.policy} if queue.policy else {}
            plain["Attributes"] = {**kept, **members["Attributes"]}
        if operation == "GetQueueAttributes" and "AttributeNames" in members:
            names = members["AttributeNames"]
            plain["AttributeNames"] = [each for each in names if each != _NO_ATTRIBUTE]
        return plain

    def _batch(self, operation: str, members: Json, queue: Queue) -> _Asked:
        entries: list[Json] = members["Entries"]
        check_batch(operation, entries)
        good, failed = [], []
        for entry in entries:
            try:
                self._check(operation.removesuffix("Batch"), entry, queue)
            except AwsError as refused:
                if refused.status >= _SERVER_FAULT:
                    raise
                said = {"Code": refused.code, "Message": refused.message}
                failed.append({"Id": entry["Id"], "SenderFault": True, **said})
            else:
                good.append(entry)
        plain = {"QueueUrl": queue.url, "Entries": good}
        return _Asked(operation, plain, queue.account, queue, tuple(failed), nothing_left=not good)

    # After moto.

    def _finished(self, asked: _Asked, result: Json, members: Json, call: Call) -> Json:
        queue, operation = asked.queue, asked.operation
        if operation.endswith("Batch"):
            failed = [*asked.failed, *result.get("Failed", ())]
            result = {"Successful": result.get("Successful", []), "Failed": failed}
        if queue is None:
            return result
        if operation == "DeleteQueue":
            self._queues.deleted(queue.arn)
        elif operation in {"SendMessage", "SendMessageBatch"}:
            user = call.identity.principal.user_id if call.identity else ""
            for each in result.get("Successful", [result]):
                self._queues.sent_by(queue.arn, each["MessageId"], user or call.account)
        elif operation == "GetQueueAttributes":
            _make_whole(result.get("Attributes", {}))
        elif operation == "ReceiveMessage":
            self._add_sources(queue, result.get("Messages", ()), members)
        return result

    def _add_sources(self, queue: Queue, messages: Iterable[Json], members: Json) -> None:
        """Say of messages from which queue they came to this one, if it was asked."""
        wanted = {each for key in _SYSTEM_ATTRIBUTES for each in members.get(key) or ()}
        if not wanted & {"All", "DeadLetterQueueSourceArn"}:
            return
        for message in messages:
            if source := self._queues.source_of(queue.arn, message["MessageId"]):
                message.setdefault("Attributes", {})["DeadLetterQueueSourceArn"] = source


def refusal(error: AwsError) -> HttpResponse:
    """Write an error as SQS does."""
    code = "AccessDenied" if error.code == "AccessDeniedException" else error.code
    bare = _SHAPES.get(code, code.removeprefix(_PREFIX))
    if bare in service_model(NAME).shape_names:
        kind = f"com.amazonaws.sqs#{bare}"
    else:
        kind = f"com.amazon.coral.service#{_CORAL.get(code, code)}"
    message, status = error.message, error.status
    if code == "AccessDenied":  # SQS names its actions in small letters
        message = _ACTION.sub(lambda found: found[0].lower(), message)
        status = _FORBIDDEN
    fault = "Receiver" if status >= _SERVER_FAULT else "Sender"
    headers = {"content-type": CONTENT_TYPE, "x-amzn-query-error": f"{code};{fault}"}
    return HttpResponse(status, headers, json.dumps({"__type": kind, "message": message}).encode())


def _check_known(name: str, *shapes: str) -> None:
    model = service_model(NAME)
    if not any(name in model.shape_for(each).metadata["enum"] for each in shapes):
        raise AwsError("InvalidAttributeName", f"Unknown Attribute {name}.")


def _make_whole(attributes: dict[str, str]) -> None:
    """Write times in seconds; moto answers fractions of them."""
    for name in ("CreatedTimestamp", "LastModifiedTimestamp"):
        if name in attributes:
            attributes[name] = attributes[name].partition(".")[0]


def _without_empty(attributes: Mapping[str, str]) -> dict[str, str]:
    """Leave out attributes whose emptiness says that there is none."""
    return {name: value for name, value in attributes.items() if value}


def _as(call: Call, account: str) -> Call:
    return call if call.account == account else replace(call, account=account)
