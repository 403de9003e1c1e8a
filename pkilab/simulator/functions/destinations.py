"""Who is told what came of an asynchronous invocation: destinations and dead-letter queues.

Everything is sent by the function's execution role, which needs the permission where policies are
enforced. What cannot be sent is lost, and counted.

Sources: Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations" and "Adding
a dead-letter queue" (records, attributes, permissions).
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pkilab.simulator.functions.calling import DirectCaller, Handle, as_role
from pkilab.simulator.functions.environment import Invocation
from pkilab.simulator.functions.errors import invalid
from pkilab.simulator.functions.roles import ExecutionRoles
from pkilab.simulator.functions.state import Function
from pkilab.simulator.service import AwsError, Json, not_simulated
from pkilab.simulator.world import World

SUCCESS, EXHAUSTED, TOO_OLD = "Success", "RetriesExhausted", "EventAgeExceeded"
_MOST_MESSAGE = 1024  # bytes of an error message, in an attribute
_ARN_PARTS = 6
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an asynchronous invocation ended.

    Attributes:
        function: whose it was.
        number: the request id.
        payload: the event, JSON.
        condition: Success, RetriesExhausted or EventAgeExceeded.
        runs: how often the function ran.
        last: what came of the latest run; None: there was none.
        when: when it ended.
    """

    function: Function
    number: str
    payload: bytes
    condition: str
    runs: int
    last: Invocation | None
    when: datetime


class Destinations:
    """Tells destinations and dead-letter queues of a world's functions.

    ``failures`` counts, by function ARN, what could not be sent: CloudWatch's metrics
    DestinationDeliveryFailures and DeadLetterErrors, which are not simulated.

    Args:
        world: whose clock counts.
        roles: the execution roles.
        handle: the world's door.
    """

    def __init__(self, world: World, roles: ExecutionRoles, handle: Handle) -> None:
        self._world, self._roles, self._handle = world, roles, handle
        self.failures: Counter[str] = Counter()

    def check(self, role: str, function_arn: str, destination: str, *, failure: bool) -> None:
        """Check a destination and that the execution role may send to it.

        Whether the destination exists is not looked at.

        Raises:
            AwsError: InvalidParameterValueException; NotImplemented.
        """
        service = _service(destination)
        if service == "s3" and failure:
            raise not_simulated("an S3 bucket as the destination of a Lambda function")
        if service not in _SENDING:
            raise invalid(f"The destination ARN {destination} is invalid.")
        self._require(role, function_arn, destination)

    def check_dead_letter(self, role: str, function_arn: str, target: str) -> None:
        """Check a dead-letter target and that the execution role may send to it.

        Raises:
            AwsError: InvalidParameterValueException.
        """
        if _service(target) not in {"sqs", "sns"}:
            raise invalid("The target of DeadLetterConfig must be an SQS queue or an SNS topic.")
        self._require(role, function_arn, target)

    def tell(self, outcome: Outcome) -> None:
        """Send what is to be sent of an outcome, outside of any turn.

        Raises:
            LabClosedError: the world was closed.
        """
        function, config = outcome.function, outcome.function.asynchronous
        succeeded = outcome.condition == SUCCESS
        target = function.dead_letter_arn
        if target and not succeeded:
            body, attributes = outcome.payload.decode(), _attributes(outcome)
            self._send(function, target, lambda caller: _post(caller, target, body, attributes))
        destination = (config.on_success if succeeded else config.on_failure) if config else None
        if destination:
            send = _SENDING[_service(destination)]
            self._send(function, destination, lambda caller: send(caller, destination, outcome))

    def _send(self, function: Function, arn: str, send: Callable[[DirectCaller], object]) -> None:
        try:
            send(self._caller(function.role, function.arn, arn))
        except AwsError as why:
            self.failures[function.arn] += 1
            _log.info("%s could not tell %s: %s", function.arn, arn, why)

    def _caller(self, role: str, function_arn: str, destination: str) -> DirectCaller:
        with self._world.turn():
            identity = self._roles.session(role, function_arn)
            if identity is None:
                raise AwsError("AccessDeniedException", f"There is no role {role}", 403)
            now = self._world.clock.now()
        return as_role(self._handle, identity, destination.split(":")[3], now)

    def _require(self, role: str, function_arn: str, destination: str) -> None:
        """Check that a function's role may send to a destination.

        Raises:
            AwsError: InvalidParameterValueException.
        """
        service = _service(destination)
        operation, members, shown = _NEEDED[service](destination)
        call = self._caller(role, function_arn, destination).call
        try:
            self._world.gate.admit(service, operation, members, call)
        except AwsError as refused:
            if refused.status == not_simulated("").status:
                raise
            message = "The provided execution role does not have permissions to call"
            raise invalid(f"{message} {shown}") from refused


def record(outcome: Outcome) -> Json:
    """Return an invocation record."""
    moment = outcome.when
    found: Json = {
        "version": "1.0",
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
        "requestContext": {
            "requestId": outcome.number,
            "functionArn": f"{outcome.function.arn}:$LATEST",
            "condition": outcome.condition,
            "approximateInvokeCount": outcome.runs,
        },
        "requestPayload": json.loads(outcome.payload),
    }
    if (last := outcome.last) is not None:
        context: Json = {"statusCode": last.status, "executedVersion": "$LATEST"}
        if last.function_error:
            context["functionError"] = last.function_error
        found |= {"responseContext": context, "responsePayload": _read(last.payload)}
    return found


def _read(payload: bytes) -> object:
    """Return a function's answer as JSON; one that is none, as text."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")


def _attributes(outcome: Outcome) -> Json:
    """Return the message attributes of a dead letter."""
    said = _read(outcome.last.payload) if outcome.last else None
    message = said.get("errorMessage") if isinstance(said, dict) else None
    text = str(message or outcome.condition).encode()[:_MOST_MESSAGE].decode(errors="ignore")
    status = outcome.last.status if outcome.last else 429
    values = {
        "RequestID": ("String", outcome.number),
        "ErrorCode": ("Number", str(status)),
        "ErrorMessage": ("String", text),
    }
    return {
        name: {"DataType": kind, "StringValue": value} for name, (kind, value) in values.items()
    }


def _service(arn: str) -> str:
    """Return the service of an ARN; "": it is none."""
    parts = arn.split(":", _ARN_PARTS - 1)
    return parts[2] if len(parts) == _ARN_PARTS and parts[0] == "arn" else ""


def queue_url(arn: str) -> str:
    """Return the URL of the queue of an ARN."""
    _, _, _, region, account, name = arn.split(":", _ARN_PARTS - 1)
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"


# How it is sent, by service.


def _post(caller: DirectCaller, arn: str, body: str, attributes: Json | None = None) -> None:
    """Send a message to a queue or a topic."""
    if _service(arn) == "sqs":
        caller(
            "sqs",
            "SendMessage",
            QueueUrl=queue_url(arn),
            MessageBody=body,
            MessageAttributes=attributes,
        )
    else:
        caller("sns", "Publish", TopicArn=arn, Message=body, MessageAttributes=attributes)


def _post_record(caller: DirectCaller, arn: str, outcome: Outcome) -> None:
    _post(caller, arn, json.dumps(record(outcome)))


def _invoke(caller: DirectCaller, arn: str, outcome: Outcome) -> None:
    payload = json.dumps(record(outcome)).encode()
    caller("lambda", "Invoke", FunctionName=arn, InvocationType="Event", Payload=payload)


def _put_event(caller: DirectCaller, arn: str, outcome: Outcome) -> None:
    kind = "Success" if outcome.condition == SUCCESS else "Failure"
    entry = {
        "EventBusName": arn,
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {kind}",
        "Resources": [arn, f"{outcome.function.arn}:$LATEST"],
        "Detail": json.dumps(record(outcome)),
    }
    answer = caller("events", "PutEvents", Entries=[entry])
    for each in answer["Entries"]:
        if "ErrorCode" in each:
            raise AwsError(each["ErrorCode"], each.get("ErrorMessage", ""))


_SENDING: dict[str, Callable[[DirectCaller, str, Outcome], None]] = {
    "sqs": _post_record,
    "sns": _post_record,
    "lambda": _invoke,
    "events": _put_event,
}
# What the role needs: operation, members, and how Lambda's sentence names it.
_NEEDED: dict[str, Callable[[str], tuple[str, Json, str]]] = {
    "sqs": lambda arn: ("SendMessage", {"QueueUrl": queue_url(arn)}, "SendMessage on SQS"),
    "sns": lambda arn: ("Publish", {"TopicArn": arn}, "Publish on SNS"),
    "lambda": lambda arn: ("Invoke", {"FunctionName": arn}, "InvokeFunction on Lambda"),
    "events": lambda arn: (
        "PutEvents",
        {"Entries": [{"EventBusName": arn, "Source": "lambda", "DetailType": "", "Detail": "{}"}]},
        "PutEvents on EventBridge",
    ),
}
