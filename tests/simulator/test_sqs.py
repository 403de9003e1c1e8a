"""Queues over moto: what is mended, and what services of the world send."""

import json

import moto.sqs.models
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pkilab import Lab
from pkilab.simulator.service import AwsError
from pkilab.simulator.sqs import NO_QUEUE

MAIN, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
ARN = f"arn:aws:sqs:{REGION}:{MAIN}:q"
RULE = f"arn:aws:events:{REGION}:{MAIN}:rule/r"
EVENTS = "events.amazonaws.com"


@pytest.fixture
def sqs(lab):
    return lab.client("sqs")


@pytest.fixture
def url(sqs):
    """A standard queue of the first account."""
    return sqs.create_queue(QueueName="q")["QueueUrl"]


@pytest.fixture
def fifo(sqs):
    """A FIFO queue that knows duplicates by their content."""
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    return sqs.create_queue(QueueName="q.fifo", Attributes=attributes)["QueueUrl"]


@pytest.fixture
def queues(lab):
    """What services of the world have."""
    return lab._place.gateway.queues


def policy(arn=ARN, *, service=EVENTS, condition=None, effect="Allow"):
    statement = {
        "Effect": effect,
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    statement |= {"Condition": condition} if condition else {}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def bodies(sqs, url, **members):
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **members)
    return [each["Body"] for each in found.get("Messages", ())]


def receive(sqs, url, **members):
    (found,) = sqs.receive_message(QueueUrl=url, **members)["Messages"]
    return found


# The world's clock.


def test_a_message_is_visible_again_at_the_end_of_its_timeout_and_not_before(lab, sqs, url):
    """Thirty seconds of the world's time."""
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert bodies(sqs, url) == ["m"]
    lab.clock.advance(seconds=29)
    assert bodies(sqs, url) == []
    lab.clock.advance(seconds=1)
    assert bodies(sqs, url) == ["m"]


def test_a_message_that_is_given_back_is_visible_at_once(sqs, url):
    """ChangeMessageVisibility with zero, on a clock that stands still."""
    sqs.send_message(QueueUrl=url, MessageBody="m")
    handle = receive(sqs, url)["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert bodies(sqs, url) == ["m"]


def test_a_message_that_nobody_has_cannot_be_kept_longer(lab, sqs, url):
    """MessageNotInflight, once its timeout has passed."""
    sqs.send_message(QueueUrl=url, MessageBody="m")
    handle = receive(sqs, url)["ReceiptHandle"]
    lab.clock.advance(seconds=30)
    with pytest.raises(sqs.exceptions.MessageNotInflight):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5)


def test_twelve_hours_count_from_the_receipt_and_not_from_the_sending(lab, sqs, url):
    """A day-old message can be kept for twelve hours, and for no second more."""
    sqs.send_message(QueueUrl=url, MessageBody="m")
    lab.clock.advance(days=1)
    handle = receive(sqs, url)["ReceiptHandle"]
    kept = {"QueueUrl": url, "ReceiptHandle": handle}
    sqs.change_message_visibility(**kept, VisibilityTimeout=43_200)
    lab.clock.advance(seconds=1)
    with pytest.raises(ClientError, match="beyond the limit"):
        sqs.change_message_visibility(**kept, VisibilityTimeout=43_200)


def test_a_delayed_message_comes_when_its_delay_is_over(lab, sqs, url):
    """Not before, and counted as delayed until then."""
    sqs.send_message(QueueUrl=url, MessageBody="m", DelaySeconds=10)
    assert bodies(sqs, url) == []
    names = ["ApproximateNumberOfMessagesDelayed"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert found == {"ApproximateNumberOfMessagesDelayed": "1"}
    lab.clock.advance(seconds=10)
    assert bodies(sqs, url) == ["m"]


def test_a_message_is_gone_when_its_retention_is_over(lab, sqs, url):
    """Others behind it are received all the same."""
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    sqs.send_message(QueueUrl=url, MessageBody="old")
    lab.clock.advance(seconds=59)
    sqs.send_message(QueueUrl=url, MessageBody="new")
    assert sorted(bodies(sqs, url, VisibilityTimeout=0)) == ["new", "old"]
    lab.clock.advance(seconds=1)
    assert bodies(sqs, url) == ["new"]


def test_times_are_the_worlds_in_whole_seconds(lab, sqs, url):
    """Of the queue and of the message."""
    now = int(lab.clock.now().timestamp())
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["CreatedTimestamp"] == found["LastModifiedTimestamp"] == str(now)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    message = receive(sqs, url, MessageSystemAttributeNames=["SentTimestamp"])
    assert message["Attributes"] == {"SentTimestamp": str(now * 1000)}


# FIFO queues.


def test_a_duplicate_is_accepted_and_not_delivered_for_five_minutes(lab, sqs, fifo):
    """Even when the first is deleted already; its answer is the first's."""
    first = sqs.send_message(QueueUrl=fifo, MessageBody="m", MessageGroupId="g")
    handle = receive(sqs, fifo)["ReceiptHandle"]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=handle)
    lab.clock.advance(seconds=299)
    again = sqs.send_message(QueueUrl=fifo, MessageBody="m", MessageGroupId="g")
    assert (again["MessageId"], again["SequenceNumber"]) == (
        first["MessageId"], first["SequenceNumber"],
    )  # fmt: skip
    assert bodies(sqs, fifo) == []
    lab.clock.advance(seconds=1)
    later = sqs.send_message(QueueUrl=fifo, MessageBody="m", MessageGroupId="g")
    assert later["MessageId"] != first["MessageId"]
    assert bodies(sqs, fifo) == ["m"]


def test_messages_of_a_group_come_in_order_and_wait_for_one_another(sqs, fifo):
    """While one is out, the rest of its group is not received, and other groups are."""
    numbers = [
        sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId=body[0])["SequenceNumber"]
        for body in ("a1", "a2", "b1")
    ]
    assert numbers == sorted(numbers)
    assert {len(each) for each in numbers} == {20}
    first = receive(sqs, fifo)
    assert first["Body"] == "a1"
    assert bodies(sqs, fifo) == ["b1"]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(sqs, fifo) == ["a2"]


# Dead-letter queues.


def test_a_message_that_was_received_too_often_goes_to_the_dead_letter_queue(lab, sqs, url):
    """With its id, its count, and the ARN of where it was."""
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": ARN.replace(":q", ":dead"), "maxReceiveCount": "2"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(redrive)})
    sent = sqs.send_message(QueueUrl=url, MessageBody="m")["MessageId"]
    for _ in range(2):
        assert bodies(sqs, url) == ["m"]
        assert bodies(sqs, dead) == []
        lab.clock.advance(seconds=30)
    assert bodies(sqs, url) == []
    found = receive(sqs, dead, MessageSystemAttributeNames=["All"])
    assert found["MessageId"] == sent
    assert found["Attributes"]["DeadLetterQueueSourceArn"] == ARN
    assert found["Attributes"]["ApproximateReceiveCount"] == "3"


def test_a_message_stays_where_its_dead_letter_queue_is_gone(lab, sqs, url):
    """Nothing is lost in a queue that was deleted."""
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": ARN.replace(":q", ":dead"), "maxReceiveCount": 1}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(redrive)})
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert bodies(sqs, url) == ["m"]
    sqs.delete_queue(QueueUrl=dead)
    lab.clock.advance(seconds=30)
    assert bodies(sqs, url) == ["m"]


# For services of the world.


def test_a_service_sends_where_the_policy_lets_it(lab, sqs, url, queues):
    """With attributes, and an id of AWS's shape for who has sent it."""
    condition = {"ArnEquals": {"aws:SourceArn": RULE}, "StringEquals": {"aws:SourceAccount": MAIN}}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(condition=condition)})
    attributes = {"RULE_ARN": {"DataType": "String", "StringValue": RULE}}
    sent = queues.send(ARN, "m", principal=EVENTS, source_arn=RULE, attributes=attributes)
    found = receive(sqs, url, MessageAttributeNames=["All"], AttributeNames=["SenderId"])
    assert (found["MessageId"], found["Body"]) == (sent, "m")
    assert found["MessageAttributes"]["RULE_ARN"] == attributes["RULE_ARN"]
    assert found["Attributes"]["SenderId"].startswith("AIDA")


@pytest.mark.parametrize(
    "document",
    [
        None,
        policy(service="sns.amazonaws.com"),
        policy(condition={"ArnEquals": {"aws:SourceArn": f"{RULE}2"}}),
        policy(condition={"StringEquals": {"aws:SourceAccount": OTHER}}),
        policy(effect="Deny"),
        policy(ARN + "2"),
    ],
)
def test_a_service_does_not_send_where_the_policy_does_not_let_it(sqs, url, queues, document):
    """No policy, another service, source, account or queue, and a denial."""
    if document:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    with pytest.raises(AwsError, match="no resource-based policy allows") as refused:
        queues.send(ARN, "m", principal=EVENTS, source_arn=RULE)
    assert (refused.value.code, refused.value.status) == ("AccessDenied", 403)
    assert bodies(sqs, url) == []


def test_a_service_hears_of_a_queue_that_is_not_there(queues):
    """Also of what is no queue's ARN, and of an account that the world does not have."""
    for arn in (ARN, "arn:aws:sqs:us-east-1:999999999999:q", "q"):
        with pytest.raises(AwsError) as refused:
            queues.send(arn, "m", principal=EVENTS, source_arn=RULE)
        assert refused.value.code == NO_QUEUE
        assert queues.resource(arn) is None


def test_a_service_sends_to_a_fifo_queue_with_a_group_alone(sqs, fifo, queues):
    """As anybody else."""
    arn = ARN + ".fifo"
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"Policy": policy(arn)})
    with pytest.raises(AwsError, match="MessageGroupId"):
        queues.send(arn, "m", principal=EVENTS, source_arn=RULE)
    queues.send(arn, "m", principal=EVENTS, source_arn=RULE, group_id="g", deduplication_id="1")
    queues.send(arn, "n", principal=EVENTS, source_arn=RULE, group_id="g", deduplication_id="1")
    assert bodies(sqs, fifo) == ["m"]


def test_a_condition_that_is_not_modelled_is_refused_and_not_ignored(sqs, url, queues):
    """Neither let in nor kept out by a key that nobody fills in."""
    condition = {"StringEquals": {"aws:RequestedRegion": REGION}}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(condition=condition)})
    with pytest.raises(AwsError, match="aws:requestedregion in a queue policy is not simulated"):
        queues.send(ARN, "m", principal=EVENTS, source_arn=RULE)


def test_the_same_seed_gives_the_same_ids_and_handles():
    """And another seed others."""

    def told(seed):
        with Lab.simulated(seed=seed) as lab:
            sqs = lab.client("sqs")
            url = sqs.create_queue(QueueName="q")["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody="m")
            found = receive(sqs, url, AttributeNames=["SenderId"])
            return found["MessageId"], found["ReceiptHandle"], found["Attributes"]["SenderId"]

    assert told("a") == told("a")
    assert not set(told("a")) & set(told("b"))


def test_a_full_queue_asks_the_time_as_seldom_as_an_empty_one(lab, sqs, url, monkeypatch):
    """Neither sending nor receiving reads the clock for each message that is there."""

    def readings():
        asked, now = [], lab.clock.now

        def counted():
            asked.append(1)
            return now()

        with monkeypatch.context() as patched:
            patched.setattr(lab.clock, "now", counted)
            sqs.send_message(QueueUrl=url, MessageBody="m")
            assert bodies(sqs, url) == ["m"] * min(10, number)
        return len(asked)

    number = 1
    few = readings()
    for _ in range(59):
        sqs.send_message(QueueUrl=url, MessageBody="m")
    lab.clock.advance(seconds=30)
    number = 61
    assert readings() < few + 9 * 20  # nine messages more are received, out of sixty more
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == "51"
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "10"


def test_what_was_in_order_is_looked_at_again_when_time_goes_on(lab, sqs, url):
    """A queue that was tidied is tidied anew once its time or its retention period changes."""
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    name = "ApproximateNumberOfMessages"
    found = []
    for _ in range(2):
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        found.append(answer["Attributes"][name])
        lab.clock.advance(seconds=60)
    assert found == ["1", "0"]


def test_a_permission_comes_and_goes_among_statements_without_a_sid(sqs, url):
    """They stay; a label that no statement has is refused."""
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy()})
    sqs.add_permission(QueueUrl=url, Label="l", AWSAccountIds=[OTHER], Actions=["SendMessage"])

    def sids():
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        found = json.loads(answer["Attributes"]["Policy"])["Statement"]
        return [each.get("Sid") for each in found]

    assert sids() == [None, "l"]
    sqs.remove_permission(QueueUrl=url, Label="l")
    assert sids() == [None]
    with pytest.raises(ClientError, match="can't find label on existing policy"):
        sqs.remove_permission(QueueUrl=url, Label="l")


def test_moto_is_given_back_unmended():
    """Every patched member is the original's again."""
    message, backend = moto.sqs.models.Message, moto.sqs.models.SQSBackend
    queue = moto.sqs.models.Queue

    def members():
        return (
            message.__dict__["visible"],
            message.mark_received,
            queue.__dict__["messages"],
            backend.send_message,
            backend.receive_message,
            backend.change_message_visibility,
            backend.add_permission,
            backend.remove_permission,
        )

    before = members()
    with Lab.simulated():
        assert not set(members()) & set(before)
    assert members() == before


@given(st.text())
def test_any_text_names_a_queue_or_none(text):
    """An ARN is looked up, never broken on."""
    with Lab.simulated() as lab:
        assert lab._place.gateway.queues.find(f"arn:aws:sqs:{text}") is None
