"""What SNS keeps of topics and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pkilab.simulator.service import AwsError, Json
from pkilab.simulator.sns.filters import Filter


@dataclass
class Subscription:
    """Who gets what is published to a topic."""

    arn: str
    topic_arn: str
    owner: str  # the account that asked for it
    principal: str  # in whose name
    protocol: str  # sqs or lambda
    endpoint: str
    asked_at: datetime
    token: str = field(repr=False)
    attributes: dict[str, str] = field(default_factory=dict)
    pending: bool = False
    authenticated: bool = True  # whether only owners can end it
    filter: Filter | None = None

    @property
    def raw(self) -> bool:
        """Whether the message alone is delivered, and no envelope."""
        return self.attributes.get("RawMessageDelivery", "").lower() == "true"


@dataclass
class Topic:
    """A topic and its subscriptions, in the order in which they were made."""

    arn: str
    account: str
    region: str
    name: str
    policy: Json
    attributes: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    ended: int = 0  # subscriptions that are no more

    @property
    def signature_version(self) -> str:
        """``1`` or ``2``."""
        return self.attributes.get("SignatureVersion", "1")

    @property
    def largest(self) -> int:
        """The most bytes of a message."""
        return int(self.attributes.get("MaximumMessageSize", 262_144))


@dataclass(frozen=True, slots=True)
class Message:
    """What was published."""

    message_id: str
    topic_arn: str
    timestamp: datetime
    text: str
    texts: Mapping[str, str] = field(default_factory=dict)  # by protocol, where they differ
    subject: str | None = None
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # as Publish has them
    group_id: str | None = None

    def text_for(self, protocol: str) -> str:
        """Return what a protocol's subscriptions get."""
        return self.texts.get(protocol, self.text)


def invalid(what: str) -> AwsError:
    """Return SNS's refusal of a parameter."""
    return AwsError("InvalidParameter", f"Invalid parameter: {what}")


def no_topic() -> AwsError:
    """Return what SNS says of a topic that is not there."""
    return AwsError("NotFound", "Topic does not exist", 404)


def no_subscription() -> AwsError:
    """Return what SNS says of a subscription that is not there."""
    return AwsError("NotFound", "Subscription does not exist", 404)


def forbidden(message: str) -> AwsError:
    """Return SNS's access denied."""
    return AwsError("AuthorizationError", message, 403)
