"""What SNS takes: names, attributes of topics and subscriptions, messages.

Sources: SNS API Reference, CreateTopic, SetTopicAttributes, Subscribe, Publish and
MessageAttributeValue; SNS Developer Guide, "Amazon SNS message attributes", "Large message
payloads". Sentences as public issues quote them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pkilab import iam
from pkilab.errors import MalformedError, UnsupportedError
from pkilab.simulator.service import AwsError, Json, not_simulated
from pkilab.simulator.sns.state import invalid

PROTOCOLS = ("sqs", "lambda")
_OTHER_PROTOCOLS = frozenset(
    {"application", "email", "email-json", "firehose", "http", "https", "sms"}
)
_TOPIC = re.compile(r"arn:aws:sns:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_-]{1,256})")
_SUBSCRIPTION = re.compile(r"(arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}):[0-9a-f-]{36}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_ENDPOINTS = {
    "sqs": re.compile(r"arn:aws:sqs:[a-z0-9-]+:(\d{12}):([A-Za-z0-9_.-]{1,80})"),
    "lambda": re.compile(r"arn:aws:lambda:[a-z0-9-]+:(\d{12}):function:[A-Za-z0-9_-]{1,64}(:.+)?"),
}
# Actions that a topic's policy can speak of: Developer Guide, "Allowed actions".
POLICY_ACTIONS = (
    "AddPermission", "DeleteTopic", "GetDataProtectionPolicy", "GetTopicAttributes",
    "ListSubscriptionsByTopic", "ListTagsForResource", "Publish", "PutDataProtectionPolicy",
    "RemovePermission", "SetTopicAttributes", "Subscribe",
)  # fmt: skip
_UNMODELLED = frozenset(
    {
        "ArchivePolicy", "ContentBasedDeduplication", "DataProtectionPolicy", "DeliveryPolicy",
        "FifoThroughputScope", "FifoTopic", "KmsMasterKeyId", "ReplayPolicy", "SubscriptionRoleArn",
    }
)  # fmt: skip
_FEEDBACK = re.compile(
    r"(Application|Firehose|HTTP|Lambda|SQS)(SuccessFeedbackRoleArn|SuccessFeedbackSampleRate|"
    r"FailureFeedbackRoleArn)"
)
_OF_TOPICS = frozenset(
    {"DisplayName", "MaximumMessageSize", "Policy", "SignatureVersion", "TracingConfig"}
)
_OF_SUBSCRIPTIONS = frozenset(
    {"FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"}
)
_LONGEST_DISPLAY_NAME, _LONGEST_SUBJECT = 100, 100
_SIZES = (1024, 1_048_576)
_ATTRIBUTE_NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_DATA_TYPE = re.compile(r"(String|Number|Binary)(\.[A-Za-z0-9_.-]+)?")
_GROUP = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_LONE = re.compile("[\ud800-\udfff]")  # half of a character
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def read_topic_arn(arn: str, what: str = "TopicArn") -> tuple[str, str, str]:
    """Return Region, account and name of a topic's ARN.

    Raises:
        AwsError: InvalidParameter, it is none.
    """
    found = _TOPIC.fullmatch(arn)
    if found is None:
        parts = len(arn.split(":"))
        reason = f"An ARN must have at least 6 elements, not {parts}" if parts < 6 else ""  # noqa: PLR2004 - as it says
        raise invalid(f"{what} Reason: {reason}" if reason else what)
    return found[1], found[2], found[3]


def topic_of(subscription_arn: str) -> str:
    """Return the ARN of a subscription's topic.

    Raises:
        AwsError: InvalidParameter, it is no subscription's.
    """
    found = _SUBSCRIPTION.fullmatch(subscription_arn)
    if found is None:
        parts = len(subscription_arn.split(":"))
        raise invalid(f"SubscriptionArn Reason: An ARN must have at least 6 elements, not {parts}"
                      if parts < 6 else "SubscriptionArn")  # noqa: PLR2004  # fmt: skip
    return found[1]


def check_name(name: str) -> None:
    """Check a new topic's name.

    Raises:
        AwsError: InvalidParameter; NotImplemented, a FIFO topic's.
    """
    if name.endswith(".fifo"):
        raise not_simulated("a FIFO topic of SNS")
    if not _NAME.fullmatch(name):
        raise invalid("Topic Name")


def check_protocol(protocol: str, endpoint: str | None) -> str:
    """Check where a subscription delivers to.

    Returns:
        The account whose the endpoint is.

    Raises:
        AwsError: InvalidParameter; NotImplemented, a protocol that is not simulated.
    """
    if protocol in _OTHER_PROTOCOLS:
        raise not_simulated(f"a subscription of SNS by {protocol}")
    if protocol not in PROTOCOLS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    found = _ENDPOINTS[protocol].fullmatch(endpoint or "")
    if found is None:
        raise invalid(f"{'SQS' if protocol == 'sqs' else 'Lambda'} endpoint ARN")
    if protocol == "sqs" and found[2].endswith(".fifo"):
        raise invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard "
            "SNS topics"
        )
    return found[1]


# Attributes.


def check_topic_attribute(name: str, value: str) -> None:
    """Check one attribute of a topic, but for its policy.

    Raises:
        AwsError: InvalidParameter; NotImplemented.
    """
    if name in _UNMODELLED or _FEEDBACK.fullmatch(name):
        raise not_simulated(f"a topic of SNS with {name}")
    if name not in _OF_TOPICS:
        raise invalid("AttributeName")
    if name == "DisplayName" and len(value) > _LONGEST_DISPLAY_NAME:
        raise invalid("DisplayName: Must be less than or equal to 100 characters long")
    if name == "SignatureVersion" and value not in {"1", "2"}:
        raise invalid("SignatureVersion")
    if name == "TracingConfig":
        if value not in {"PassThrough", "Active"}:
            raise invalid("TracingConfig")
        if value == "Active":
            raise not_simulated("SNS with active tracing")
    if name == "MaximumMessageSize" and not (
        value.isascii() and value.isdigit() and _SIZES[0] <= int(value[:8]) <= _SIZES[1]
    ):
        raise invalid("MaximumMessageSize")


def read_policy(text: str, arn: str) -> Json:
    """Return a topic's new policy.

    Raises:
        AwsError: InvalidParameter, it is none, or not about the topic.
    """
    try:
        iam.read_policy(text, kind="resource")
    except MalformedError as error:
        raise invalid("Policy Error: null") from error
    except UnsupportedError:  # stored; whoever is decided by it hears of it
        pass
    policy: Json = json.loads(text)
    for each in _listed(policy.get("Statement")):
        if not isinstance(each, dict):
            raise invalid("Policy Error: null")
        if not all(map(is_topics, _listed(each.get("Action", [])))):
            raise invalid("Policy statement action out of service scope!")
        if any(found != arn for found in _listed(each.get("Resource", []))):
            raise invalid("Policy Error: null")
    return policy


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON is untyped
    return value if isinstance(value, list) else [value]


def is_topics(action: str) -> bool:
    """Say whether a topic's policy can speak of an action, such as ``SNS:Publish``."""
    service, _, name = str(action).partition(":")
    known = {each.lower() for each in POLICY_ACTIONS}
    return service.lower() == "sns" and (name == "*" or name.lower() in known)


def check_subscription_attribute(name: str, value: str, protocol: str) -> None:
    """Check one attribute of a subscription, but for its filter policy.

    Raises:
        AwsError: InvalidParameter; NotImplemented.
    """
    if name in _UNMODELLED:
        raise not_simulated(f"a subscription of SNS with {name}")
    if name not in _OF_SUBSCRIPTIONS:
        raise invalid("AttributeName")
    if name == "RawMessageDelivery":
        if value.lower() not in {"true", "false"}:
            raise invalid("RawMessageDelivery")
        if protocol != "sqs" and value.lower() == "true":
            message = f"Delivery protocol [{protocol}] does not support raw message delivery."
            raise invalid(f"Attributes Reason: {message}")
    if name == "FilterPolicyScope" and value not in {"MessageAttributes", "MessageBody"}:
        raise invalid(f"FilterPolicyScope: Invalid value [{value}].")
    if name == "RedrivePolicy" and value:
        read_redrive(value)


def read_redrive(text: str) -> str:
    """Return the dead-letter queue of a subscription's redrive policy.

    Raises:
        AwsError: InvalidParameter.
    """
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        policy = None
    if not isinstance(policy, dict) or policy.keys() != {"deadLetterTargetArn"}:
        raise invalid("RedrivePolicy: failed to parse JSON.")
    target = policy["deadLetterTargetArn"]
    if not isinstance(target, str) or not _ENDPOINTS["sqs"].fullmatch(target):
        raise invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
    return target


# Messages.


def check_entry(entry: Mapping[str, Any], largest: int) -> tuple[str, dict[str, str]]:
    """Check what is published.

    Args:
        entry: Publish's members, or an entry's of a batch.
        largest: the most bytes that the topic takes.

    Returns:
        The message, and what single protocols get instead of it.

    Raises:
        AwsError: InvalidParameter, ParameterValueInvalid.
    """
    text: str = entry["Message"]
    if not text:
        raise invalid("Empty message")
    attributes = entry.get("MessageAttributes") or {}
    check_attributes(attributes)
    if size(text, attributes) > largest:
        raise invalid("Message too long")
    subject = entry.get("Subject")
    if subject is not None and (
        not 1 <= len(subject) <= _LONGEST_SUBJECT or _CONTROL.search(subject)
    ):
        raise invalid("Subject")
    if entry.get("MessageDeduplicationId") is not None:
        raise invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId "
                      "parameter that is not valid for this topic type")  # fmt: skip
    group = entry.get("MessageGroupId")
    if group is not None and not _GROUP.fullmatch(group):
        raise invalid("MessageGroupId")
    structure = entry.get("MessageStructure")
    if structure not in {None, "json"}:
        raise invalid("MessageStructure")
    return _structured(text) if structure else (text, {})


def _structured(text: str) -> tuple[str, dict[str, str]]:
    try:
        texts = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = "Message Structure - JSON message body failed to parse"
        raise invalid(why) from error
    if not isinstance(texts, dict) or not isinstance(texts.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")
    # "Non-string values will cause the key to be ignored": API Reference, Publish.
    found = {key: each for key, each in texts.items() if isinstance(each, str)}
    if any(_LONE.search(each) for each in found.values()):
        raise invalid("Message Structure - JSON message body failed to parse")
    return found["default"], found


def check_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Check message attributes.

    Raises:
        AwsError: ParameterValueInvalid.
    """
    for name, value in attributes.items():
        if not _ATTRIBUTE_NAME.fullmatch(name) or name.lower().startswith(("aws.", "amazon.")):
            raise _bad(f"The message attribute name '{name}' is invalid.")
        kind = _DATA_TYPE.fullmatch(value.get("DataType") or "")
        if kind is None:
            raise _bad(
                f"The message attribute '{name}' has an invalid message attribute type, the set of "
                "supported type prefixes is Binary, Number, and String."
            )
        used = "BinaryValue" if kind[1] == "Binary" else "StringValue"
        if not (content := value.get(used)) or value.keys() - {used, "DataType"}:
            raise _bad(
                f"The message attribute '{name}' must contain non-empty message attribute value "
                f"for message attribute type '{kind[0]}'."
            )
        if kind[1] == "Number" and not isinstance(_json(content), int | float):
            raise _bad(f"Could not cast message attribute '{name}' value to number.")
        if kind[0] == "String.Array" and not isinstance(_json(content), list):
            raise _bad(f"The message attribute '{name}' is no array of JSON.")


def size(text: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the bytes of a message and of its attributes' names, types and values."""
    found = len(text.encode(errors="replace"))
    for name, value in attributes.items():
        found += len(name.encode(errors="replace")) + len(value.get("DataType", ""))
        found += len(value.get("StringValue", "").encode(errors="replace"))
        found += len(value.get("BinaryValue", b""))
    return found


def _json(text: str) -> Any:  # noqa: ANN401 - JSON is untyped
    try:
        return json.loads(text, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        return None


def _bad(message: str) -> AwsError:
    return AwsError("ParameterValueInvalid", message)
