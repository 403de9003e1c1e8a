"""Messages as subscribers get them: SNS's envelope, and Lambda's event.

Sources: SNS Developer Guide, "Amazon SNS message and JSON formats", "Fanout to Amazon SQS queues",
"Amazon SNS raw message delivery", "Message attribute data types"; Lambda Developer Guide, "Invoking
Lambda functions with Amazon SNS notifications". Lambda's event has ``SigningCertUrl`` and
``UnsubscribeUrl`` where envelopes have ``URL``, and a null Subject: aws/aws-lambda-go,
events/sns.go.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pkilab.simulator.service import Json
from pkilab.simulator.sns.signing import Signer
from pkilab.simulator.sns.state import Message, Subscription, Topic

_CONFIRM = (
    "You have chosen to subscribe to the topic {}.\n"
    "To confirm the subscription, visit the SubscribeURL included in this message."
)


def notification(signer: Signer, topic: Topic, message: Message, to: Subscription) -> Json:
    """Return a signed notification, its members in SNS's order; to be called in a turn."""
    said = {
        "Type": "Notification",
        "MessageId": message.message_id,
        "TopicArn": topic.arn,
        **({"Subject": message.subject} if message.subject is not None else {}),
        "Message": message.text_for(to.protocol),
        "Timestamp": _iso(message.timestamp),
    }
    place = f"https://sns.{topic.region}.amazonaws.com/"
    found: Json = {
        **signer.signed(topic.region, said, topic.signature_version),
        "UnsubscribeURL": f"{place}?Action=Unsubscribe&SubscriptionArn={to.arn}",
    }
    if message.attributes:
        found["MessageAttributes"] = {
            name: {"Type": each["DataType"], "Value": _shown(each)}
            for name, each in message.attributes.items()
        }
    return found


def confirmation(
    signer: Signer, topic: Topic, to: Subscription, message_id: str, now: datetime
) -> Json:
    """Return the signed message that asks a subscriber to confirm; to be called in a turn."""
    place = f"https://sns.{topic.region}.amazonaws.com/"
    said = {
        "Type": "SubscriptionConfirmation",
        "MessageId": message_id,
        "Token": to.token,
        "TopicArn": topic.arn,
        "Message": _CONFIRM.format(topic.arn),
        "SubscribeURL": f"{place}?Action=ConfirmSubscription&TopicArn={topic.arn}&Token={to.token}",
        "Timestamp": _iso(now),
    }
    return {**signer.signed(topic.region, said, topic.signature_version)}


def written(envelope: Mapping[str, Any]) -> str:
    """Write an envelope as SNS does: a member a line, an attribute a line."""
    lines = []
    for name, value in envelope.items():
        if isinstance(value, Mapping):
            inside = ",\n".join(
                f"    {_text(key)} : {json.dumps(each, ensure_ascii=False, separators=(',', ':'))}"
                for key, each in value.items()
            )
            lines.append(f"  {_text(name)} : {{\n{inside}\n  }}")
        else:
            lines.append(f"  {_text(name)} : {_text(value)}")
    return "{\n" + ",\n".join(lines) + "\n}"


def lambda_event(envelope: Mapping[str, Any], subscription_arn: str) -> Json:
    """Return the event that a function is invoked with.

    Attributes of Number and String.Array come as String.
    """
    named: Json = {
        "Type": envelope["Type"],
        "MessageId": envelope["MessageId"],
        "TopicArn": envelope["TopicArn"],
        "Subject": envelope.get("Subject"),
        "Message": envelope["Message"],
        "Timestamp": envelope["Timestamp"],
        "SignatureVersion": envelope["SignatureVersion"],
        "Signature": envelope["Signature"],
        "SigningCertUrl": envelope["SigningCertURL"],
        "UnsubscribeUrl": envelope["UnsubscribeURL"],
        "MessageAttributes": {
            name: {**each, "Type": _type_for_lambda(each["Type"])}
            for name, each in envelope.get("MessageAttributes", {}).items()
        },
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "Sns": named,
    }
    return {"Records": [record]}


def _type_for_lambda(kind: str) -> str:
    plain = kind in {"String.Array", "Number"} or kind.startswith("Number.")
    return "String" if plain else kind


def _shown(value: Mapping[str, Any]) -> str:
    if "BinaryValue" in value:
        return base64.b64encode(value["BinaryValue"]).decode()
    return str(value["StringValue"])


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
