"""What SQS takes: limits of messages, batches and attributes, in its own sentences.

Sources: SQS API Reference, CreateQueue, SetQueueAttributes, SendMessage, SendMessageBatch,
ReceiveMessage; SQS Developer Guide, "Amazon SQS message quotas" (1 MiB since August 2025), "Amazon
SQS message metadata". Sentences as public issues quote them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from pkilab import iam
from pkilab.errors import MalformedError, UnsupportedError
from pkilab.simulator.service import AwsError, Json, decode, not_simulated

LARGEST = 1_048_576  # bytes of a message, and of a batch
_MOST_ATTRIBUTES, _MOST_ENTRIES, _MOST_POLICY = 10, 10, 8192
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")
_QUEUE_PATH = re.compile(r"/(\d{12})/([A-Za-z0-9_.-]{1,80})")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ATTRIBUTE_NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_RESERVED = ("aws.", "amazon.")
_DATA_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_GROUP = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
# W3C's characters: those of XML 1.0.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, LARGEST),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
_FIFO_ONLY = frozenset({"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"})
_UNMODELLED = frozenset({"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "RedriveAllowPolicy"})
_SETTABLE = frozenset(
    {*_RANGES, *_FIFO_ONLY, *_UNMODELLED, "Policy", "RedrivePolicy", "SqsManagedSseEnabled"}
)
_ONLY_VALUES = {"DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}


class _Queue(Protocol):
    @property
    def fifo(self) -> bool: ...
    @property
    def content_based_deduplication(self) -> bool: ...
    @property
    def largest(self) -> int: ...


def invalid_parameter(message: str) -> AwsError:
    """Return SQS's refusal of a parameter."""
    return AwsError("InvalidParameterValue", message)


def missing(parameter: str) -> AwsError:
    """Return SQS's refusal of a request without a parameter."""
    return AwsError("MissingParameter", f"The request must contain the parameter {parameter}.")


def read_members(operation: OperationModel, body: bytes) -> Json:
    """Decode a request, and check that what is required is there.

    SQS has checks of its own for all else; the model's enumerations leave names out that it takes.

    Raises:
        AwsError: SerializationException, it is not of the operation's shape; MissingParameter.
    """
    shape = operation.input_shape
    try:
        document = json.loads(body or b"{}")
        found: Json = decode(shape, document) if shape else {}
        if shape and (absent := next(_absent(shape, found, ""), None)):
            raise missing(absent)
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", "The request body cannot be read") from error
    return found


def _absent(shape: Shape, value: Any, where: str) -> Iterator[str]:  # noqa: ANN401 - by the shape
    """Yield the places of required members that are not there."""
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield f"{where}{name}"
        for name, inside in value.items():
            yield from _absent(shape.members[name], inside, f"{where}{name}.")
    elif isinstance(shape, ListShape):
        for number, inside in enumerate(value, start=1):
            yield from _absent(shape.member, inside, f"{where}{number}.")
    elif isinstance(shape, MapShape):
        for name, inside in value.items():
            yield from _absent(shape.value, inside, f"{where}{name}.")


# Queues.


def queue_of(url: str) -> tuple[str, str] | None:
    """Return the account and the name in a queue's URL; None: it is none."""
    try:
        found = _QUEUE_PATH.fullmatch(urlsplit(url).path)
    except ValueError:
        return None
    return (found[1], found[2]) if found and url.startswith(("http://", "https://")) else None


def region_of(url: str) -> str | None:
    """Return the Region in a queue's URL; None: it is an address of the served world."""
    host = (urlsplit(url).hostname or "").split(".")
    return host[1] if host[0] == "sqs" and host[2:] == ["amazonaws", "com"] else None


def check_name(name: str, *, fifo: bool) -> None:
    """Check a new queue's name.

    Raises:
        AwsError: InvalidParameterValue.
    """
    if not _QUEUE_NAME.fullmatch(name) or name.endswith(".fifo") != fifo:
        suffix = " The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
        suffix += "underscores, must end with .fifo suffix and be 1 to 80 in length."
        message = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
        raise invalid_parameter(suffix.strip() if fifo else f"{message}length")


def check_attributes(attributes: Mapping[str, str], *, fifo: bool, new: bool) -> None:
    """Check a queue's attributes, but for where a redrive policy points to.

    Args:
        attributes: as CreateQueue and SetQueueAttributes take them.
        fifo: whether the queue is one.
        new: whether it is about to be made.

    Raises:
        AwsError: InvalidAttributeName, InvalidAttributeValue; NotImplemented.
    """
    for name, value in attributes.items():
        if name == "FifoQueue" and new and value == "true":
            continue
        if name not in _SETTABLE or (name in _FIFO_ONLY and not fifo):
            raise AwsError("InvalidAttributeName", f"Unknown Attribute {name}.")
        if (name in _UNMODELLED and value) or value != _ONLY_VALUES.get(name, value):
            raise not_simulated(f"SQS with {name} {value!r}")
        if not _is_value(name, value):
            message = f"Invalid value for the parameter {name}."
            raise AwsError("InvalidAttributeValue", message)


def _is_value(name: str, value: str) -> bool:
    if name in _RANGES:
        low, high = _RANGES[name]
        return value.isascii() and value.isdigit() and low <= int(value[:10]) <= high
    if name in {"ContentBasedDeduplication", "SqsManagedSseEnabled"}:
        return value.lower() in {"true", "false"}
    return _is_policy(value) if name == "Policy" and value else True


def _is_policy(text: str) -> bool:
    if len(text.encode()) > _MOST_POLICY:
        return False
    try:
        iam.read_policy(text, kind="resource")
    except MalformedError:
        return False
    except UnsupportedError:  # stored; whoever is decided by it hears of it
        pass
    return True


def read_redrive(text: str) -> tuple[str, int] | None:
    """Return the dead-letter queue and the most receipts of a redrive policy; None: there is none.

    Raises:
        AwsError: InvalidParameterValue.
    """
    try:
        asked = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise _redrive(text, "Redrive policy is not a valid JSON map.")
    if not asked:
        return None
    for needed in ("maxReceiveCount", "deadLetterTargetArn"):
        if needed not in asked:
            reason = f"Redrive policy does not contain mandatory attribute: {needed}."
            raise _redrive(text, reason)
    if unknown := sorted(asked.keys() - {"maxReceiveCount", "deadLetterTargetArn"}):
        reason = "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]"
        raise _redrive(text, f"{reason}. Found {unknown[0]}.")
    shown = str(asked["maxReceiveCount"])
    if not (shown.isascii() and shown.isdigit() and 1 <= int(shown[:5]) <= 1000):  # noqa: PLR2004
        reason = f"Invalid value for maxReceiveCount: {shown}, valid values are from 1 to 1000 both"
        raise _redrive(text, f"{reason} inclusive.")
    return str(asked["deadLetterTargetArn"]), int(shown)


def check_target(text: str, target: _Queue | None, *, fifo: bool) -> None:
    """Check the dead-letter queue of a redrive policy.

    Args:
        text: the policy's, for the refusal.
        target: the queue; None: there is none in the account and Region.
        fifo: whether the source is a FIFO queue.

    Raises:
        AwsError: InvalidParameterValue.
    """
    if target is None:
        raise _redrive(text, "Dead letter target does not exist.")
    if target.fifo != fifo:
        raise _redrive(text, "Dead-letter queue must be same type of queue as the source.")


def _redrive(text: str, reason: str) -> AwsError:
    return invalid_parameter(
        f"Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"
    )


# Messages.


def check_message(queue: _Queue, entry: Mapping[str, Any]) -> None:
    """Check a message before it is sent.

    Args:
        queue: where to.
        entry: SendMessage's members, or those of an entry of a batch.

    Raises:
        AwsError: with the code and sentence that SQS answers; NotImplemented.
    """
    body: str = entry["MessageBody"]
    if not body:
        raise missing("MessageBody")
    if _FORBIDDEN.search(body):
        message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to"
        message += " #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
        raise AwsError("InvalidMessageContents", message)
    if entry.get("MessageSystemAttributes"):
        raise not_simulated("SQS with MessageSystemAttributes")
    _check_message_attributes(entry.get("MessageAttributes") or {})
    if size(entry) > queue.largest:
        reason = f"Message must be shorter than {queue.largest} bytes."
        raise invalid_parameter(f"One or more parameters are invalid. Reason: {reason}")
    _check_order(queue, entry)


def _check_order(queue: _Queue, entry: Mapping[str, Any]) -> None:
    delay, group = entry.get("DelaySeconds"), entry.get("MessageGroupId")
    duplicate = entry.get("MessageDeduplicationId")
    alien = "The request include parameter that is not valid for this queue type"
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", duplicate)):
        if value is not None and not _GROUP.fullmatch(value):
            reason = f"{name} can only include alphanumeric and punctuation characters. 1 to 128 in"
            raise invalid_parameter(
                f"Value {value} for parameter {name} is invalid. Reason: {reason} length."
            )
    if delay is not None and not 0 <= delay <= 900:  # noqa: PLR2004 - as the sentence says
        raise invalid_parameter(
            f"Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= "
            "0 and <= 900."
        )
    if not queue.fifo:
        if duplicate is not None:
            raise invalid_parameter(
                f"Value {duplicate} for parameter MessageDeduplicationId is invalid. "
                f"Reason: {alien}."
            )
        return
    if group is None:
        raise missing("MessageGroupId")
    if delay:
        raise invalid_parameter(
            f"Value {delay} for parameter DelaySeconds is invalid. Reason: {alien}."
        )
    if duplicate is None and not queue.content_based_deduplication:
        raise invalid_parameter(
            "The queue should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )


def _check_message_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    if len(attributes) > _MOST_ATTRIBUTES:
        raise invalid_parameter(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
            f"[{_MOST_ATTRIBUTES}]."
        )
    for name, value in attributes.items():
        if not _ATTRIBUTE_NAME.fullmatch(name) or name.lower().startswith(_RESERVED):
            raise invalid_parameter(f"The message attribute name '{name}' is invalid.")
        _check_message_attribute(name, value)


def _check_message_attribute(name: str, value: Mapping[str, Any]) -> None:
    kind = _DATA_TYPE.fullmatch(value.get("DataType") or "")
    if kind is None:
        raise invalid_parameter(
            f"The message attribute '{name}' has an invalid message attribute type, the set of "
            "supported type prefixes is Binary, Number, and String."
        )
    used = "BinaryValue" if kind[1] == "Binary" else "StringValue"
    content = value.get(used)
    if not content:
        raise invalid_parameter(
            f"The message attribute '{name}' must contain non-empty message attribute value for "
            f"message attribute type '{kind[1]}'."
        )
    if kind[1] == "Number" and not _NUMBER.fullmatch(content):
        raise invalid_parameter(f"Can't cast the value of message attribute '{name}' to a number.")
    if isinstance(content, str) and _FORBIDDEN.search(content):
        raise invalid_parameter(f"The message attribute '{name}' has invalid characters.")
    if others := value.keys() - {used, "DataType"}:
        shown = ", ".join(sorted(others))
        raise invalid_parameter(f"The message attribute '{name}' has more than one value: {shown}.")


def size(entry: Mapping[str, Any]) -> int:
    """Return the bytes of a message: body, and names, types and values of its attributes."""
    found = len(entry["MessageBody"].encode(errors="replace"))
    for name, value in (entry.get("MessageAttributes") or {}).items():
        found += len(name.encode()) + len((value.get("DataType") or "").encode())
        found += len((value.get("StringValue") or "").encode(errors="replace"))
        found += len(value.get("BinaryValue") or b"")
    return found


def check_batch(operation: str, entries: list[Json]) -> None:
    """Check what is asked of a batch as a whole.

    Raises:
        AwsError: EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId,
            BatchEntryIdsNotDistinct or BatchRequestTooLong, each with SQS's prefix.
    """
    if problem := next(_of_batch(operation, entries), None):
        code, message = problem
        raise AwsError(f"AWS.SimpleQueueService.{code}", message)


def _of_batch(operation: str, entries: list[Json]) -> Iterator[tuple[str, str]]:
    ids = [each["Id"] for each in entries]
    if not entries:
        message = f"There should be at least one {operation}RequestEntry in the request."
        yield "EmptyBatchRequest", message
    if len(entries) > _MOST_ENTRIES:
        message = f"Maximum number of entries per request are {_MOST_ENTRIES}. You have sent "
        yield "TooManyEntriesInBatchRequest", f"{message}{len(entries)}."
    if not all(map(_ENTRY_ID.fullmatch, ids)):
        message = "A batch entry id can only contain alphanumeric characters, hyphens and "
        yield "InvalidBatchEntryId", f"{message}underscores. It can be at most 80 letters long."
    for number, each in enumerate(ids):
        if each in ids[:number]:
            yield "BatchEntryIdsNotDistinct", f"Id {each} repeated."
    if operation == "SendMessageBatch" and (sent := sum(map(size, entries))) > LARGEST:
        message = f"Batch requests cannot be longer than {LARGEST} bytes. You have sent {sent}"
        yield "BatchRequestTooLong", f"{message} bytes."


def check_range(name: str, value: int | None, low: int, high: int) -> None:
    """Check a number of ReceiveMessage or ChangeMessageVisibility.

    Raises:
        AwsError: InvalidParameterValue.
    """
    if value is not None and not low <= value <= high:
        raise invalid_parameter(
            f"Value {value} for parameter {name} is invalid. Reason: Must be between {low} and "
            f"{high}, if provided."
        )
