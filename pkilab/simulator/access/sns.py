"""Amazon SNS: what its operations need.

A batch needs what Publish needs. A subscription is no resource of IAM's. To confirm one takes the
token, wherever the topic is, and leave from one's own account alone.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon SNS".
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    anywhere,
    given,
    removing,
    rows,
    tagging,
)

PREFIX = "sns"
KEYS = frozenset({"aws:requesttag/", "aws:tagkeys", "sns:endpoint", "sns:protocol"})


def _topic(asked: Asked) -> Iterator[Access]:
    yield asked.access(asked.members["TopicArn"])


def _creation(asked: Asked) -> Iterator[Access]:
    tags = tagging(asked.members.get("Tags"))
    topic = asked.arn(asked.members["Name"])
    yield asked.access(topic, context=tags)
    if tags:
        yield asked.access(topic, "TagResource", tags)


def _publication(asked: Asked) -> Iterator[Access]:
    members = asked.members
    target = members.get("TopicArn") or members.get("TargetArn")
    if target:  # what is sent to a telephone is not simulated
        yield asked.access(target, "Publish")


def _subscription(asked: Asked) -> Iterator[Access]:
    members = asked.members
    keys = {"sns:protocol": members["Protocol"], "sns:endpoint": members.get("Endpoint")}
    yield asked.access(members["TopicArn"], context=given(keys))


def _confirmation(asked: Asked) -> Iterator[Access]:
    yield Access(f"{PREFIX}:{asked.operation}", asked.members["TopicArn"], asked.call.account)


def _tags(asked: Asked) -> Iterator[Access]:
    members = asked.members
    tags = tagging(members.get("Tags")) | removing(members.get("TagKeys"))
    yield asked.access(members["ResourceArn"], context=tags)


TABLE = rows(
    (
        _topic,
        """
        AddPermission DeleteTopic GetTopicAttributes ListSubscriptionsByTopic RemovePermission
        SetTopicAttributes
        """,
    ),
    (_creation, "CreateTopic"),
    (_publication, "Publish PublishBatch"),
    (_subscription, "Subscribe"),
    (_confirmation, "ConfirmSubscription"),
    (_tags, "ListTagsForResource TagResource UntagResource"),
    (
        anywhere,
        """
        GetSubscriptionAttributes ListSubscriptions ListTopics SetSubscriptionAttributes Unsubscribe
        """,
    ),
)
