"""AWS::SNS: topics, subscriptions and policies.

Source: AWS CloudFormation Template Reference, AWS::SNS::Topic, ::Subscription, ::TopicPolicy and
::TopicInlinePolicy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import ClassVar

from pkilab.simulator.cloudformation.documents import Value
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.attributes import attributes
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    REPLACES_REQUIRED,
    FailedError,
    Property,
    ResourceType,
    Work,
    tag_changes,
)
from pkilab.simulator.cloudformation.resources.policies import Policy, PolicyOfOne, PolicyOfSeveral
from pkilab.simulator.service import Json, not_simulated

_LONGEST = 256
_FIFO = ".fifo"
_TOPIC = {  # attributes, and what they are again once the property is gone
    "ContentBasedDeduplication": "false",
    "DisplayName": "",
    "FifoThroughputScope": "Topic",
    "KmsMasterKeyId": "",
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
}
_SUBSCRIPTION = {
    "DeliveryPolicy": "",
    "FilterPolicy": "{}",
    "FilterPolicyScope": "MessageAttributes",
    "RawMessageDelivery": "false",
    "RedrivePolicy": "",
    "SubscriptionRoleArn": "",
}
_GONE = frozenset({"NotFound", "NotFoundException"})


class Topic(ResourceType):
    """A topic, and the subscriptions that stand in it. The physical ID is its ARN."""

    type: ClassVar[str] = "AWS::SNS::Topic"
    properties: ClassVar[Mapping[str, Property]] = {
        "TopicName": REPLACES,
        "FifoTopic": REPLACES,
        **dict.fromkeys(_TOPIC, IN_PLACE),
        "Subscription": IN_PLACE,
        "Tags": IN_PLACE,
    }
    unmodelled: ClassVar[tuple[str, ...]] = (
        "ArchivePolicy", "DataProtectionPolicy", "DeliveryStatusLogging", "MaximumMessageSize",
    )  # fmt: skip
    attributes: ClassVar[tuple[str, ...]] = ("TopicArn", "TopicName")
    own_name: ClassVar[str] = "TopicName"
    tags: ClassVar[str] = "Tags"
    gone: ClassVar[frozenset[str]] = _GONE

    def create(self, work: Work) -> str:
        _inline(work.properties)  # refused before there is a topic
        is_fifo = text_of(work.get("FifoTopic", "false")) == "true"
        made = work.name(_LONGEST - len(_FIFO)) + _FIFO if is_fifo else work.name(_LONGEST)
        asked = attributes(work.properties, _TOPIC)
        if is_fifo:
            asked["FifoTopic"] = "true"
        tags, _ = tag_changes(None, work.get("Tags"))
        answer = work.aws(
            "sns", "CreateTopic",
            Name=text_of(work.get("TopicName", made)), Attributes=asked or None, Tags=tags or None,
        )  # fmt: skip
        return str(answer["TopicArn"])

    def settle(self, work: Work) -> Iterator[None]:
        arn = work.physical_id
        work.attributes |= {"TopicArn": arn, "TopicName": arn.rpartition(":")[2]}
        held = _subscribed(work)
        for protocol, endpoint in _inline(work.properties):
            if (protocol, endpoint) not in held:
                work.aws("sns", "Subscribe", TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        arn = work.physical_id
        old, new = attributes(before, _TOPIC), attributes(work.properties, _TOPIC)
        for name in old | new:
            if old.get(name) != new.get(name):
                asked = {"AttributeName": name, "AttributeValue": new.get(name, _TOPIC[name])}
                work.aws("sns", "SetTopicAttributes", TopicArn=arn, **asked)
        held, kept = _subscribed(work), _inline(work.properties)
        for each in _inline(before):
            if each not in kept and each in held:
                work.aws("sns", "Unsubscribe", SubscriptionArn=held[each])
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        if added:
            work.aws("sns", "TagResource", ResourceArn=arn, Tags=added)
        if removed:
            work.aws("sns", "UntagResource", ResourceArn=arn, TagKeys=removed)

    def delete(self, work: Work) -> None:
        held = _subscribed(work)
        for each in _inline(work.properties):
            if held.get(each, "").startswith("arn:"):
                work.aws("sns", "Unsubscribe", SubscriptionArn=held[each])
        work.aws("sns", "DeleteTopic", TopicArn=work.physical_id)


def _inline(properties: Json) -> list[tuple[str, str]]:
    """Return protocol and endpoint of the subscriptions in a topic's properties.

    Raises:
        FailedError: they are no list of the two.
    """
    found: Value = properties.get("Subscription", [])
    pairs = list[tuple[str, str]]()
    for each in found if isinstance(found, list) else [None]:
        if not isinstance(each, dict) or set(each) != {"Protocol", "Endpoint"}:
            message = "#/Subscription: required keys [Endpoint] and [Protocol]"
            raise FailedError(message, "ModelValidationFailed")
        pairs.append((str(text_of(each["Protocol"])), str(text_of(each["Endpoint"]))))
    return pairs


def _subscribed(work: Work) -> dict[tuple[str, str], str]:
    """Return the ARNs of a topic's subscriptions by protocol and endpoint."""
    answer = work.aws("sns", "ListSubscriptionsByTopic", TopicArn=work.physical_id)
    return {
        (each["Protocol"], each["Endpoint"]): each["SubscriptionArn"]
        for each in answer.get("Subscriptions", [])
    }


class Subscription(ResourceType):
    """A subscription. Those that wait for a confirmation have no ARN to be deleted by."""

    type: ClassVar[str] = "AWS::SNS::Subscription"
    properties: ClassVar[Mapping[str, Property]] = {
        "TopicArn": REPLACES_REQUIRED,
        "Protocol": REPLACES_REQUIRED,
        "Endpoint": REPLACES,
        "Region": IN_PLACE,
        **dict.fromkeys(_SUBSCRIPTION, IN_PLACE),
    }
    unmodelled: ClassVar[tuple[str, ...]] = ("ReplayPolicy",)
    attributes: ClassVar[tuple[str, ...]] = ("Arn",)
    gone: ClassVar[frozenset[str]] = _GONE

    def create(self, work: Work) -> str:
        if text_of(work.get("Region", work.aws.region)) != work.aws.region:
            raise not_simulated("a subscription to a topic in another Region by CloudFormation")
        asked = work.members("sns", "Subscribe", "TopicArn", "Protocol", "Endpoint")
        given = attributes(work.properties, _SUBSCRIPTION)
        answer = work.aws(
            "sns", "Subscribe", Attributes=given or None, ReturnSubscriptionArn=True, **asked
        )
        return str(answer["SubscriptionArn"])

    def settle(self, work: Work) -> Iterator[None]:
        work.attributes["Arn"] = work.physical_id
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        if "Region" in self.changed(before, work.properties):
            raise not_simulated("a subscription to a topic in another Region by CloudFormation")
        old = attributes(before, _SUBSCRIPTION)
        new = attributes(work.properties, _SUBSCRIPTION)
        for name in old | new:
            if old.get(name) != new.get(name):
                value = new.get(name, _SUBSCRIPTION[name])
                asked = {"AttributeName": name, "AttributeValue": value}
                work.aws("sns", "SetSubscriptionAttributes",
                         SubscriptionArn=work.physical_id, **asked)  # fmt: skip

    def delete(self, work: Work) -> None:
        work.aws("sns", "Unsubscribe", SubscriptionArn=work.physical_id)


class _Policy(Policy):
    """A policy of a topic."""

    gone: ClassVar[frozenset[str]] = _GONE

    def put(self, work: Work, target: str, policy: str | None) -> None:
        asked = {"AttributeName": "Policy", "AttributeValue": policy or _default(target)}
        work.aws("sns", "SetTopicAttributes", TopicArn=target, **asked)


class TopicPolicy(_Policy, PolicyOfSeveral):
    """One policy of several topics. A topic has always one: deleting it leaves the default."""

    type: ClassVar[str] = "AWS::SNS::TopicPolicy"
    several: ClassVar[str] = "Topics"
    longest: ClassVar[int] = _LONGEST


class TopicInlinePolicy(_Policy, PolicyOfOne):
    """The policy of one topic."""

    type: ClassVar[str] = "AWS::SNS::TopicInlinePolicy"
    one: ClassVar[str] = "TopicArn"


def _default(arn: str) -> str:
    """Return the policy that CreateTopic gives: the owner may do everything."""
    actions = (
        "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission",
        "DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish",
    )  # fmt: skip
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{each}" for each in actions],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}},
    }
    policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return json.dumps(policy)
