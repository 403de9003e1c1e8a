"""Operations on topics: attributes, the policy, tags.

Source: SNS API Reference. A topic's first policy is the one that the console shows; its condition
on AWS:SourceOwner, which no caller of this world has, leaves IAM users to their own policies.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pkilab.simulator.service import AwsError, Call, Json, not_simulated
from pkilab.simulator.sns.base import Base, page
from pkilab.simulator.sns.checks import check_name, check_topic_attribute, is_topics, read_policy
from pkilab.simulator.sns.state import Topic, invalid, no_topic

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_MOST_TAGS = 50
_DELIVERY = {
    "http": {
        "defaultHealthyRetryPolicy": {
            "minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, "numMaxDelayRetries": 0,
            "numNoDelayRetries": 0, "numMinDelayRetries": 0, "backoffFunction": "linear",
        },
        "disableSubscriptionOverrides": False,
        "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
    }
}  # fmt: skip


class TopicOperations(Base):
    """Topics."""

    def create_topic(
        self,
        call: Call,
        name: str,
        attributes: dict[str, str] | None = None,
        tags: list[Json] | None = None,
        data_protection_policy: str | None = None,
    ) -> Json:
        """Make a topic, or return the one of that name if it has what is asked for."""
        if data_protection_policy:
            raise not_simulated("SNS with DataProtectionPolicy")
        check_name(name)
        arn = f"arn:aws:sns:{call.region}:{call.account}:{name}"
        asked, wanted = dict(attributes or {}), _tags(tags)
        for key, value in asked.items():
            check_topic_attribute(key, value)
        text = asked.pop("Policy", None)
        existing = self._topics.get(arn)
        if existing is not None:
            if any(existing.attributes.get(key) != value for key, value in asked.items()):
                raise invalid("Attributes Reason: Topic already exists with different attributes")
            if tags and existing.tags != wanted:
                raise invalid("Tags Reason: Topic already exists with different tags")
            return {"TopicArn": arn}
        policy = _default_policy(arn, call.account) if text is None else read_policy(text, arn)
        self._topics[arn] = Topic(arn, call.account, call.region, name, policy, asked, wanted)
        return {"TopicArn": arn}

    def delete_topic(self, call: Call, topic_arn: str) -> None:
        """Delete a topic with its subscriptions; one that is not there is deleted already."""
        try:
            self._topic(topic_arn, call)
        except AwsError as error:
            if error.code != "NotFound":
                raise
        self._topics.pop(topic_arn, None)

    def list_topics(self, call: Call, next_token: str | None = None) -> Json:
        """List the topics of an account and Region by name."""
        place = f"arn:aws:sns:{call.region}:{call.account}:"
        found = [{"TopicArn": arn} for arn in sorted(self._topics) if arn.startswith(place)]
        return page(call, found, next_token, "Topics")

    def get_topic_attributes(self, call: Call, topic_arn: str) -> Json:
        """Return a topic's attributes."""
        topic = self._topic(topic_arn, call)
        pending = sum(each.pending for each in topic.subscriptions.values())
        found = {
            "Policy": json.dumps(topic.policy, separators=(",", ":")),
            "Owner": topic.account,
            "SubscriptionsPending": str(pending),
            "SubscriptionsConfirmed": str(len(topic.subscriptions) - pending),
            "SubscriptionsDeleted": str(topic.ended),
            "TopicArn": topic.arn,
            "EffectiveDeliveryPolicy": json.dumps(_DELIVERY, separators=(",", ":")),
            "DisplayName": "",
        }
        return {"Attributes": {**found, **topic.attributes}}

    def set_topic_attributes(
        self, call: Call, topic_arn: str, attribute_name: str, attribute_value: str = ""
    ) -> None:
        """Set one attribute of a topic."""
        topic = self._topic(topic_arn, call)
        check_topic_attribute(attribute_name, attribute_value)
        if attribute_name == "Policy":
            if not attribute_value:
                raise invalid("Policy is empty")
            topic.policy = read_policy(attribute_value, topic.arn)
        else:
            topic.attributes[attribute_name] = attribute_value

    def add_permission(
        self,
        call: Call,
        topic_arn: str,
        label: str,
        aws_account_id: list[str],
        action_name: list[str],
    ) -> None:
        """Add a statement that lets other accounts do something to a topic."""
        topic = self._topic(topic_arn, call)
        statements = _statements(topic)
        if any(each.get("Sid") == label for each in statements):
            raise invalid("Statement already exists")
        if not aws_account_id or not action_name:
            raise invalid("AWSAccountId" if not aws_account_id else "ActionName")
        if not all(map(_ACCOUNT.fullmatch, aws_account_id)):
            raise invalid("PrincipalId")
        actions = [f"SNS:{each}" for each in action_name]
        if not all(map(is_topics, actions)):
            raise invalid("Policy statement action out of service scope!")
        accounts = [f"arn:aws:iam::{each}:root" for each in aws_account_id]
        added = {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": _one_or_all(accounts)},
            "Action": _one_or_all(actions),
            "Resource": topic.arn,
        }
        topic.policy = {**topic.policy, "Statement": [*statements, added]}

    def remove_permission(self, call: Call, topic_arn: str, label: str) -> None:
        """Take a statement away; of a label that is not there nothing is said."""
        topic = self._topic(topic_arn, call)
        kept = [each for each in _statements(topic) if each.get("Sid") != label]
        topic.policy = {**topic.policy, "Statement": kept}

    def list_tags_for_resource(self, call: Call, resource_arn: str) -> Json:
        """Return a topic's tags."""
        topic = self._tagged(resource_arn, call)
        return {"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]}

    def tag_resource(self, call: Call, resource_arn: str, tags: list[Json]) -> None:
        """Add tags to a topic."""
        topic = self._tagged(resource_arn, call)
        merged = {**topic.tags, **_tags(tags)}
        if len(merged) > _MOST_TAGS:
            raise AwsError("TagLimitExceeded", "Could not complete request: tag quota of per "
                           "resource exceeded")  # fmt: skip
        topic.tags = merged

    def untag_resource(self, call: Call, resource_arn: str, tag_keys: list[str]) -> None:
        """Take tags from a topic."""
        topic = self._tagged(resource_arn, call)
        topic.tags = {key: value for key, value in topic.tags.items() if key not in tag_keys}

    def _tagged(self, arn: str, call: Call) -> Topic:
        try:
            return self._topic(arn, call)
        except AwsError as error:
            if error.code != "NotFound":
                raise
            raise AwsError("ResourceNotFound", no_topic().message, 404) from error


def _statements(topic: Topic) -> list[Json]:
    found: Any = topic.policy["Statement"]
    return list(found) if isinstance(found, list) else [found]


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _tags(tags: list[Json] | None) -> dict[str, str]:
    found = {each["Key"]: each["Value"] for each in tags or ()}
    if len(found) < len(tags or ()):
        raise invalid("Duplicated keys are not allowed.")
    if len(found) > _MOST_TAGS:
        raise AwsError("TagLimitExceeded", "Could not complete request: tag quota of per resource "
                       "exceeded")  # fmt: skip
    return found


def _default_policy(arn: str, account: str) -> Json:
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
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
