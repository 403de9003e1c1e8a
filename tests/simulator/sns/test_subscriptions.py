"""Subscriptions: by their owner at once, by others with a token."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

MAIN, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{MAIN}:function:f"


def refusal(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_endpoint_of_ones_own_is_subscribed_at_once(sns, topic, queue, subscription):
    """And only once; its attributes are as documented."""
    again = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    assert again["SubscriptionArn"] == subscription
    assert subscription.startswith(f"{topic}:")
    found = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert found == {
        "SubscriptionArn": subscription, "TopicArn": topic, "Owner": MAIN, "Protocol": "sqs",
        "Endpoint": queue.arn, "PendingConfirmation": "false", "RawMessageDelivery": "false",
        "ConfirmationWasAuthenticated": "true",
        "SubscriptionPrincipal": f"arn:aws:iam::{MAIN}:user/learner",
    }  # fmt: skip
    wanted = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue.arn}
    code, message = refusal(sns.subscribe, **wanted, Attributes={"RawMessageDelivery": "true"})
    assert (code, message.rpartition(": ")[2]) == (
        "InvalidParameter", "Subscription already exists with different attributes",
    )  # fmt: skip
    listed = {
        "SubscriptionArn": subscription, "Owner": MAIN, "Protocol": "sqs", "Endpoint": queue.arn,
        "TopicArn": topic,
    }  # fmt: skip
    assert sns.list_subscriptions()["Subscriptions"] == [listed]
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == [listed]


def test_a_queue_of_another_account_is_asked_and_confirms_with_the_token(
    lab, sns, topic, open_queue
):
    """Nothing is delivered before; the token is the message's own."""
    queue = open_queue("q", "consumer")
    wanted = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue.arn}
    assert sns.subscribe(**wanted)["SubscriptionArn"] == "pending confirmation"
    sns.publish(TopicArn=topic, Message="early")
    (asked,) = queue.envelopes()
    assert (asked["Type"], asked["TopicArn"]) == ("SubscriptionConfirmation", topic)
    assert list(asked) == [
        "Type", "MessageId", "Token", "TopicArn", "Message", "SubscribeURL", "Timestamp",
        "SignatureVersion", "Signature", "SigningCertURL",
    ]  # fmt: skip
    (listed,) = sns.list_subscriptions()["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    consumer = lab.client("sns", account="consumer")
    wrong = asked["Token"][:-1] + ("0" if asked["Token"][-1] != "0" else "1")
    assert refusal(consumer.confirm_subscription, TopicArn=topic, Token=wrong) == (
        "InvalidParameter", "Invalid parameter: Token",
    )  # fmt: skip
    confirmed = consumer.confirm_subscription(TopicArn=topic, Token=asked["Token"])
    arn = confirmed["SubscriptionArn"]
    assert sns.subscribe(**wanted)["SubscriptionArn"] == arn
    found = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert found["ConfirmationWasAuthenticated"] == "false"
    sns.publish(TopicArn=topic, Message="late")
    assert [each["Message"] for each in queue.envelopes()] == ["late"]


def test_the_links_in_messages_confirm_and_end_a_subscription(lab, sns, topic, open_queue):
    """For whoever has them, without credentials; an authenticated one they do not end."""
    queue = open_queue("q", "consumer")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    (asked,) = queue.envelopes()
    assert parse_qs(urlsplit(asked["SubscribeURL"]).query)["Token"] == [asked["Token"]]
    assert lab.fetch(asked["SubscribeURL"][:-1] + "x").status == 400
    answer = lab.fetch(asked["SubscribeURL"])
    assert answer.status == 200
    assert f"<SubscriptionArn>{topic}:".encode() in answer.body
    sns.publish(TopicArn=topic, Message="m")
    (message,) = queue.envelopes()
    assert lab.fetch(message["UnsubscribeURL"]).status == 200
    assert sns.list_subscriptions()["Subscriptions"] == []
    counts = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert counts["SubscriptionsDeleted"] == "1"


def test_a_link_does_not_end_what_was_confirmed_with_a_signature(
    lab, sns, topic, queue, subscription
):
    """Nor does another account; the owner does."""
    sns.publish(TopicArn=topic, Message="m")
    (message,) = queue.envelopes()
    answer = lab.fetch(message["UnsubscribeURL"])
    assert answer.status == 403
    assert b"<Code>AuthorizationError</Code>" in answer.body
    other = lab.client("sns", account="consumer")
    assert refusal(other.unsubscribe, SubscriptionArn=subscription)[0] == "AuthorizationError"
    assert refusal(other.get_subscription_attributes, SubscriptionArn=subscription)[0] == "NotFound"
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.publish(TopicArn=topic, Message="m")
    assert queue.messages() == []


def test_whoever_confirms_with_authentication_keeps_others_from_ending_it(
    lab, sns, topic, open_queue
):
    """AuthenticateOnUnsubscribe."""
    queue = open_queue("q", "consumer")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    (asked,) = queue.envelopes()
    lab.client("sns", account="consumer").confirm_subscription(
        TopicArn=topic, Token=asked["Token"], AuthenticateOnUnsubscribe="true"
    )
    sns.publish(TopicArn=topic, Message="m")
    (message,) = queue.envelopes()
    assert lab.fetch(message["UnsubscribeURL"]).status == 403


def test_a_token_is_good_for_two_days(lab, sns, topic, open_queue):
    """Then the question is forgotten, and may be asked again."""
    queue = open_queue("q", "consumer")
    wanted = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue.arn}
    first = sns.subscribe(**wanted, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert first.startswith(f"{topic}:")
    (asked,) = queue.envelopes()
    lab.clock.advance(days=2)
    assert refusal(sns.confirm_subscription, TopicArn=topic, Token=asked["Token"])[0] == (
        "InvalidParameter"
    )
    assert sns.list_subscriptions()["Subscriptions"] == []
    second = sns.subscribe(**wanted, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert second != first


@pytest.mark.parametrize(
    ("protocol", "endpoint", "code"),
    [
        ("https", "https://example.com", "NotImplemented"),
        ("email", "a@example.com", "NotImplemented"),
        ("sms", "+10000000000", "NotImplemented"),
        ("firehose", "arn", "NotImplemented"),
        ("pigeon", "x", "InvalidParameter"),
        ("sqs", "https://sqs.us-east-1.amazonaws.com/111122223333/q", "InvalidParameter"),
        ("sqs", f"arn:aws:sqs:{REGION}:{MAIN}:q.fifo", "InvalidParameter"),
        ("lambda", "f", "InvalidParameter"),
        ("lambda", FUNCTION.replace(MAIN, OTHER), "NotImplemented"),
    ],
)
def test_an_endpoint_that_cannot_be_had_is_refused(sns, topic, protocol, endpoint, code):
    """As not simulated, or as no endpoint of the protocol."""
    wanted = {"TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint}
    assert refusal(sns.subscribe, **wanted)[0] == code
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_attributes_of_a_subscription_are_set_and_taken_away(sns, subscription):
    """A filter policy has a scope; an empty one is none."""

    def change(name, value):
        sns.set_subscription_attributes(
            SubscriptionArn=subscription, AttributeName=name, AttributeValue=value
        )
        return sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]

    found = change("FilterPolicy", '{"a": ["b"]}')
    assert (found["FilterPolicy"], found["FilterPolicyScope"]) == (
        '{"a": ["b"]}', "MessageAttributes",
    )  # fmt: skip
    assert change("FilterPolicyScope", "MessageBody")["FilterPolicyScope"] == "MessageBody"
    assert "FilterPolicy" not in change("FilterPolicy", "{}")
    assert change("RawMessageDelivery", "true")["RawMessageDelivery"] == "true"
    dead = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{MAIN}:dead"})
    assert change("RedrivePolicy", dead)["RedrivePolicy"] == dead


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("RawMessageDelivery", "yes", "InvalidParameter"),
        ("FilterPolicy", "x", "InvalidParameter"),
        ("FilterPolicyScope", "x", "InvalidParameter"),
        ("RedrivePolicy", "{}", "InvalidParameter"),
        ("RedrivePolicy", '{"deadLetterTargetArn": "q"}', "InvalidParameter"),
        ("Colour", "red", "InvalidParameter"),
        ("DeliveryPolicy", "{}", "NotImplemented"),
    ],
)
def test_an_attribute_that_no_subscription_has_is_refused(sns, subscription, name, value, code):
    """And it stays as it was."""
    before = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    change = {"SubscriptionArn": subscription, "AttributeName": name, "AttributeValue": value}
    assert refusal(sns.set_subscription_attributes, **change)[0] == code
    after = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert after == before


def test_a_function_gets_no_raw_messages(sns, topic):
    """Only queues do."""
    wanted = {"TopicArn": topic, "Protocol": "lambda", "Endpoint": FUNCTION}
    code, message = refusal(sns.subscribe, **wanted, Attributes={"RawMessageDelivery": "true"})
    assert code == "InvalidParameter"
    assert "[lambda] does not support raw message delivery" in message
    assert sns.subscribe(**wanted)["SubscriptionArn"].startswith(topic)
