"""Deliveries: to functions that really run, to dead-letter queues, again and again."""

import json

import pytest

from pkilab import functions
from pkilab.simulator.service import AwsError
from pkilab.simulator.sns.delivering import Delivering, pause
from pkilab.simulator.sns.signing import string_to_sign
from pkilab.simulator.sns.state import Subscription

MAIN, REGION = "111122223333", "us-east-1"
# Sends its event on to a queue, raw.
CODE = """
import json, os, boto3
def handler(event, context):
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


@pytest.fixture
def function(lab, open_queue):
    """A function that writes what it gets to the queue ``seen``."""
    seen = open_queue("seen")
    role = functions.create_role(lab.client("iam"), "r")
    client = lab.client("lambda")
    package = functions.package({"index.py": CODE})
    functions.deploy(
        client, "f", package, role=role, handler="index.handler", environment={"QUEUE": seen.url}
    )
    return client, f"arn:aws:lambda:{REGION}:{MAIN}:function:f", seen


def allow(client, topic):
    client.add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com", SourceArn=topic,
    )  # fmt: skip


def test_a_function_gets_lambdas_event(sns, topic, function):
    """With the names that Lambda's has, a Subject that may be null, and the same signature."""
    client, arn, seen = function
    allow(client, topic)
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)["SubscriptionArn"]
    number = {"DataType": "Number", "StringValue": "7"}
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes={"n": number})
    (event,) = seen.envelopes()
    (record,) = event["Records"]
    assert {key: value for key, value in record.items() if key != "Sns"} == {
        "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription,
    }  # fmt: skip
    message = record["Sns"]
    assert list(message) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion",
        "Signature", "SigningCertUrl", "UnsubscribeUrl", "MessageAttributes",
    ]  # fmt: skip
    assert (message["Subject"], message["Message"]) == (None, "hello")
    assert message["MessageAttributes"] == {"n": {"Type": "String", "Value": "7"}}
    signed = {key: value for key, value in message.items() if value is not None}
    assert string_to_sign(signed).startswith(b"Message\nhello\n")


def test_a_function_that_does_not_let_sns_in_is_not_run(sns, topic, function, open_queue):
    """Nor is one that lets another topic in: the message goes to the dead-letter queue."""
    client, arn, seen = function
    allow(client, f"{topic}2")
    dead = open_queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead.arn})
    sns.subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=arn, Attributes={"RedrivePolicy": redrive}
    )
    sns.publish(TopicArn=topic, Message="m")
    assert seen.messages() == []
    assert [each["Message"] for each in dead.envelopes()] == ["m"]


def test_what_a_queue_refuses_goes_to_the_dead_letter_queue_or_nowhere(
    sns, topic, open_queue, caplog
):
    """No policy for SNS, and no queue; the publisher hears nothing of it."""
    closed, dead = open_queue("closed", opened=False), open_queue("dead")
    for endpoint in (closed.arn, closed.arn.replace("closed", "absent")):
        redrive = json.dumps({"deadLetterTargetArn": dead.arn})
        attributes = {"RedrivePolicy": redrive}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes=attributes)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{closed.arn}2")
    sns.publish(TopicArn=topic, Message="m")
    assert closed.messages() == []
    assert [each["Message"] for each in dead.envelopes()] == ["m", "m"]
    assert "an errand failed" not in caplog.text


def test_a_raw_message_with_too_many_attributes_is_not_for_a_queue(sns, topic, open_queue):
    """Ten are what SQS takes; in an envelope they are text."""
    raw, plain = open_queue("raw"), open_queue("plain")
    attributes = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=raw.arn, Attributes=attributes)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=plain.arn)
    many = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(11)}
    sns.publish(TopicArn=topic, Message="m", MessageAttributes=many)
    assert raw.messages() == []
    assert len(plain.envelopes()[0]["MessageAttributes"]) == 11


class Busy:
    """A Lambda whose function is not ready for some calls."""

    def __init__(self, clock, calls):
        self.clock, self.left, self.times = clock, calls, []

    def call_later(self, *_arguments, **_named):
        """Refuse as often as there are calls left."""
        self.times.append(self.clock.now())
        self.left -= 1
        if self.left >= 0:
            raise AwsError("ResourceConflictException", "not yet", 409)


def test_what_may_pass_is_tried_again_on_the_worlds_clock(lab, sns, topic):
    """Three times at once, twice after a second, then slower and slower."""
    gateway = lab._place.gateway
    busy = Busy(lab.clock, 7)
    gateway._sns._delivering = Delivering(gateway.world, gateway._sns._signer, busy, gateway.queues)
    arn = f"arn:aws:lambda:{REGION}:{MAIN}:function:f"
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="m")
    start = lab.clock.now()
    assert busy.times == [start] * 4
    lab.clock.advance(minutes=1)
    seconds = [(each - start).total_seconds() for each in busy.times[4:]]
    assert seconds[:3] == [1.0, 2.0, 3.0]
    assert seconds[3] == pytest.approx(3 + 20 ** (1 / 9), abs=1e-5)
    assert len(busy.times) == 8


def test_pauses_grow_from_a_second_to_twenty():
    """And stay there."""
    assert [pause(n) for n in range(1, 7)] == [0, 0, 0, 1, 1, 1]
    assert pause(15) == pytest.approx(20)
    assert [pause(n) for n in (16, 100_015)] == [20, 20]
    growing = [pause(n) for n in range(6, 16)]
    assert growing == sorted(growing)


def test_a_token_is_not_shown():
    """Whoever has it may confirm."""
    made = Subscription("a", "t", MAIN, "p", "sqs", "e", None, "secret-token")
    assert "secret-token" not in repr(made)
