"""Operations on subscriptions.

Who subscribes an endpoint of their own account has it at once. An endpoint of another account is
asked: its queue gets a token, good for two days, with which anybody may confirm.

Sources: SNS API Reference; SNS Developer Guide, "Sending Amazon SNS messages to an Amazon SQS queue
in a different account", "Deleting Amazon SNS topics and subscriptions" (pending ones).
"""

from __future__ import annotations

import hmac
import json

from pkilab.simulator.service import Call, Json, not_simulated
from pkilab.simulator.sns.base import Base, page
from pkilab.simulator.sns.checks import (
    check_protocol,
    check_subscription_attribute,
    topic_of,
)
from pkilab.simulator.sns.filters import Filter, compile_filter
from pkilab.simulator.sns.state import Subscription, Topic, forbidden, invalid

_TOKEN_BYTES = 128
_ATTRIBUTES_ONLY = "MessageAttributes"


class SubscriptionOperations(Base):
    """Subscriptions."""

    def subscribe(  # noqa: PLR0917 - the model's
        self,
        call: Call,
        topic_arn: str,
        protocol: str,
        endpoint: str | None = None,
        attributes: dict[str, str] | None = None,
        return_subscription_arn: bool = False,  # noqa: FBT001, FBT002 - the model's
    ) -> Json:
        """Subscribe a queue or a function, or return the subscription that there is."""
        topic = self._topic(topic_arn, call)
        account = check_protocol(protocol, endpoint)
        asked = {key: value for key, value in (attributes or {}).items() if value}
        for name, value in asked.items():
            check_subscription_attribute(name, value, protocol)
        compiled = _filter(asked)
        for each in topic.subscriptions.values():
            if (each.protocol, each.endpoint) == (protocol, endpoint):
                if each.attributes != asked and attributes:
                    raise invalid("Attributes Reason: Subscription already exists with different "
                                  "attributes")  # fmt: skip
                return _answer(each, whole=return_subscription_arn)
        pending = account != call.account
        if pending and protocol == "lambda":
            raise not_simulated("a subscription of another account's function")
        made = Subscription(
            arn=f"{topic.arn}:{self._numbers.uuid()}",
            topic_arn=topic.arn,
            owner=call.account,
            principal=call.principal,
            protocol=protocol,
            endpoint=endpoint or "",
            asked_at=self.world.clock.now(),
            token=self._tokens.bytes(_TOKEN_BYTES).hex(),
            attributes=asked,
            pending=pending,
            authenticated=not pending,
            filter=compiled,
        )
        topic.subscriptions[made.arn] = made
        if pending:
            self._delivering.confirm(topic, made, self._messages.uuid())
        return _answer(made, whole=return_subscription_arn)

    def confirm_subscription(
        self, call: Call, topic_arn: str, token: str, authenticate_on_unsubscribe: str = "false"
    ) -> Json:
        """Confirm the subscription that a token was sent for."""
        topic = self._topic(topic_arn, call)
        if authenticate_on_unsubscribe.lower() not in {"true", "false"}:
            raise invalid("AuthenticateOnUnsubscribe")
        for each in topic.subscriptions.values():
            if hmac.compare_digest(each.token.encode(), token.encode()):
                if each.pending:
                    each.pending = False
                    signed = call.identity is not None
                    each.authenticated = signed and authenticate_on_unsubscribe.lower() == "true"
                return {"SubscriptionArn": each.arn}
        raise invalid("Token")

    def unsubscribe(self, call: Call, subscription_arn: str) -> None:
        """End a subscription; of one that is not there nothing is said."""
        topic = self._topics.get(topic_of(subscription_arn))
        found = topic.subscriptions.get(subscription_arn) if topic else None
        if topic is None or found is None or topic.region != call.region:
            return
        owners = {found.owner, topic.account}
        known = call.identity is not None and call.account in owners
        if not known and (found.authenticated or found.pending or call.identity is not None):
            raise forbidden("Access Denied")
        del topic.subscriptions[subscription_arn]
        topic.ended += 1

    def list_subscriptions(self, call: Call, next_token: str | None = None) -> Json:
        """List the subscriptions of an account in a Region."""
        found = [
            _listed(each)
            for _, topic in sorted(self._topics.items())
            for each in self._kept(topic)
            if topic.region == call.region and each.owner == call.account
        ]
        return page(call, found, next_token, "Subscriptions")

    def list_subscriptions_by_topic(
        self, call: Call, topic_arn: str, next_token: str | None = None
    ) -> Json:
        """List a topic's subscriptions."""
        topic = self._topic(topic_arn, call)
        found = [_listed(each) for each in self._kept(topic)]
        return page(call, found, next_token, "Subscriptions", topic_arn)

    def get_subscription_attributes(self, call: Call, subscription_arn: str) -> Json:
        """Return a subscription's attributes."""
        found = self._subscription(subscription_arn, call)
        shown = {
            "SubscriptionArn": found.arn,
            "TopicArn": found.topic_arn,
            "Owner": found.owner,
            "Protocol": found.protocol,
            "Endpoint": found.endpoint,
            "PendingConfirmation": _lower(found.pending),
            "ConfirmationWasAuthenticated": _lower(found.authenticated),
            "RawMessageDelivery": _lower(found.raw),
            "SubscriptionPrincipal": found.principal,
        }
        others = {
            key: value for key, value in found.attributes.items() if key != "RawMessageDelivery"
        }
        if "FilterPolicy" in others:
            others.setdefault("FilterPolicyScope", _ATTRIBUTES_ONLY)
        return {"Attributes": {**shown, **others}}

    def set_subscription_attributes(
        self,
        call: Call,
        subscription_arn: str,
        attribute_name: str,
        attribute_value: str = "",
    ) -> None:
        """Set one attribute of a subscription; an empty policy is none."""
        found = self._subscription(subscription_arn, call)
        check_subscription_attribute(attribute_name, attribute_value, found.protocol)
        changed = {**found.attributes, attribute_name: attribute_value}
        if not attribute_value or (attribute_name == "FilterPolicy" and _is_empty(attribute_value)):
            del changed[attribute_name]
        found.filter = _filter(changed)
        found.attributes = changed

    def _kept(self, topic: Topic) -> list[Subscription]:
        self._forget_unconfirmed(topic)
        return list(topic.subscriptions.values())


def _filter(attributes: dict[str, str]) -> Filter | None:
    """Compile the filter policy among attributes; None: everything is delivered."""
    scope = attributes.get("FilterPolicyScope", _ATTRIBUTES_ONLY)
    text = attributes.get("FilterPolicy")
    return compile_filter(text, scope) if text and not _is_empty(text) else None


def _is_empty(text: str) -> bool:
    try:
        return bool(json.loads(text) == {})
    except (ValueError, RecursionError):
        return False


def _answer(found: Subscription, *, whole: bool) -> Json:
    hidden = found.pending and not whole
    return {"SubscriptionArn": "pending confirmation" if hidden else found.arn}


def _listed(found: Subscription) -> Json:
    return {
        "SubscriptionArn": "PendingConfirmation" if found.pending else found.arn,
        "Owner": found.owner,
        "Protocol": found.protocol,
        "Endpoint": found.endpoint,
        "TopicArn": found.topic_arn,
    }


def _lower(value: bool) -> str:  # noqa: FBT001 - it is written
    return str(value).lower()
