"""A topic, a queue that takes what the topic sends, and what came."""

import json

import pytest

from pkilab.pki import keys
from pkilab.simulator.acm import amazon
from pkilab.simulator.sns import signing

MAIN, OTHER, REGION = "111122223333", "444455556666", "us-east-1"


class Queue:
    """A queue that lets SNS in."""

    def __init__(self, lab, name="q", account="owner", *, opened=True):
        self.sqs = lab.client("sqs", account=account)
        number = {"owner": MAIN, "consumer": OTHER}[account]
        self.arn = f"arn:aws:sqs:{REGION}:{number}:{name}"
        attributes = {"Policy": self.policy()} if opened else {}
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def policy(self):
        """Return a policy by which any topic may send."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def messages(self):
        """Return what is there, as received."""
        found = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )
        return found.get("Messages", [])

    def envelopes(self):
        """Return what is there, as SNS's envelopes."""
        return [json.loads(each["Body"]) for each in self.messages()]


_made = {}


def _generate_once(algorithm, entropy):
    """Make a key as ever, but once for each of its seeds: RSA takes its time."""
    name = algorithm, entropy.child("which").bytes(16)
    if name not in _made:
        _made[name] = keys.generate_key(algorithm, entropy)
    return _made[name]


@pytest.fixture(autouse=True)
def keys_once(monkeypatch):
    """Let worlds of one seed share their keys, which are the same."""
    for module in (amazon, signing):
        monkeypatch.setattr(module, "generate_key", _generate_once)


@pytest.fixture
def open_queue(lab):
    """Make a queue."""
    return lambda *names, **options: Queue(lab, *names, **options)


@pytest.fixture
def queue(open_queue):
    """The queue ``q`` of the first account."""
    return open_queue()


@pytest.fixture
def sns(lab):
    return lab.client("sns")


@pytest.fixture
def topic(sns):
    """The ARN of a topic of the first account."""
    return sns.create_topic(Name="t")["TopicArn"]


@pytest.fixture
def subscription(sns, topic, queue):
    """The ARN of the queue's subscription."""
    return sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)["SubscriptionArn"]
