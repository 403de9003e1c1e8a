"""What SQS takes and what it says of the rest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.service import AwsError, service_model
from pkilab.simulator.sqs import Queue
from pkilab.simulator.sqs_checks import (
    LARGEST,
    check_attributes,
    check_batch,
    check_message,
    check_name,
    check_range,
    check_target,
    queue_of,
    read_members,
    read_redrive,
    region_of,
    size,
)


def queue(*, fifo=False, content=False, largest=LARGEST):
    arn = "arn:aws:sqs:us-east-1:111122223333:q"
    return Queue(arn, "111122223333", "us-east-1", "q", fifo, content, largest, None)


def refusal(check, *arguments, **named):
    with pytest.raises(AwsError) as caught:
        check(*arguments, **named)
    return caught.value.code, caught.value.message


def text(value="v", kind="String"):
    return {"DataType": kind, "StringValue": value}


def test_a_queue_is_found_in_its_url():
    """At AWS's host and at the served world's."""
    for host in ("https://sqs.us-east-1.amazonaws.com", "http://127.0.0.1:8080"):
        assert queue_of(f"{host}/111122223333/q.fifo") == ("111122223333", "q.fifo")
    for other in ("q", "https://sqs.us-east-1.amazonaws.com/q", "http://[/111122223333/q", ""):
        assert queue_of(other) is None
    assert region_of("https://sqs.eu-west-1.amazonaws.com/1/q") == "eu-west-1"
    assert region_of("http://127.0.0.1:8080/111122223333/q") is None


def test_a_name_ends_as_its_kind_of_queue_says():
    """Eighty characters, and .fifo for FIFO queues alone."""
    check_name("a" * 80, fifo=False)
    check_name("a.fifo", fifo=True)
    for name, fifo in (("a" * 81, False), ("a.fifo", False), ("a", True), ("a b", False)):
        assert refusal(check_name, name, fifo=fifo)[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("VisibilityTimeout", "43201", "InvalidAttributeValue"),
        ("VisibilityTimeout", "-1", "InvalidAttributeValue"),
        ("DelaySeconds", "901", "InvalidAttributeValue"),
        ("MaximumMessageSize", "1023", "InvalidAttributeValue"),
        ("MaximumMessageSize", "1048577", "InvalidAttributeValue"),
        ("MessageRetentionPeriod", "59", "InvalidAttributeValue"),
        ("ReceiveMessageWaitTimeSeconds", "21", "InvalidAttributeValue"),
        ("SqsManagedSseEnabled", "yes", "InvalidAttributeValue"),
        ("Policy", "{", "InvalidAttributeValue"),
        (
            "Policy",
            json.dumps({"Version": "2012-10-17", "Id": "x" * 9000}),
            "InvalidAttributeValue",
        ),
        ("Colour", "red", "InvalidAttributeName"),
        ("QueueArn", "arn", "InvalidAttributeName"),
        ("FifoQueue", "false", "InvalidAttributeName"),
        ("ContentBasedDeduplication", "true", "InvalidAttributeName"),
        ("KmsMasterKeyId", "alias/aws/sqs", "NotImplemented"),
        ("RedriveAllowPolicy", "{}", "NotImplemented"),
    ],
)
def test_an_attribute_that_no_queue_has_is_refused(name, value, code):
    """By its name, its value, or as not simulated."""
    assert refusal(check_attributes, {name: value}, fifo=False, new=True)[0] == code


def test_attributes_that_a_queue_can_have_are_taken():
    """At both ends of their ranges."""
    ends = {
        "VisibilityTimeout": ("0", "43200"),
        "DelaySeconds": ("0", "900"),
        "MaximumMessageSize": ("1024", "1048576"),
        "MessageRetentionPeriod": ("60", "1209600"),
        "ReceiveMessageWaitTimeSeconds": ("0", "20"),
    }
    for name, values in ends.items():
        for value in values:
            check_attributes({name: value}, fifo=False, new=False)
    check_attributes(
        {"FifoQueue": "true", "ContentBasedDeduplication": "true"}, fifo=True, new=True
    )
    assert refusal(check_attributes, {"FifoQueue": "true"}, fifo=True, new=False)[0] == (
        "InvalidAttributeName"
    )
    several = {"DeduplicationScope": "messageGroup"}
    assert refusal(check_attributes, several, fifo=True, new=True)[0] == "NotImplemented"


def test_a_redrive_policy_names_a_queue_and_a_count():
    """Both of them, and nothing else; an empty one is none."""
    assert read_redrive('{"deadLetterTargetArn": "arn", "maxReceiveCount": "3"}') == ("arn", 3)
    assert read_redrive("") is None
    assert read_redrive("{}") is None
    for wrong, reason in (
        ("x", "not a valid JSON map"),
        ("[]", "not a valid JSON map"),
        ('{"deadLetterTargetArn": "arn"}', "mandatory attribute: maxReceiveCount"),
        ('{"maxReceiveCount": 1}', "mandatory attribute: deadLetterTargetArn"),
        ('{"deadLetterTargetArn": "a", "maxReceiveCount": 0}', "from 1 to 1000"),
        ('{"deadLetterTargetArn": "a", "maxReceiveCount": 1001}', "from 1 to 1000"),
        ('{"deadLetterTargetArn": "a", "maxReceiveCount": 1, "x": 1}', "Found x"),
    ):
        code, message = refusal(read_redrive, wrong)
        assert code == "InvalidParameterValue"
        assert reason in message


def test_a_dead_letter_queue_is_there_and_of_the_same_kind():
    """FIFO with FIFO, standard with standard."""
    check_target("{}", queue(), fifo=False)
    assert "does not exist" in refusal(check_target, "{}", None, fifo=False)[1]
    assert "same type of queue" in refusal(check_target, "{}", queue(), fifo=True)[1]


@pytest.mark.parametrize(
    ("entry", "code", "said"),
    [
        ({"MessageBody": ""}, "MissingParameter", "MessageBody"),
        ({"MessageBody": "\x00"}, "InvalidMessageContents", "Invalid characters"),
        ({"MessageBody": "\ud800"}, "InvalidMessageContents", "Invalid characters"),
        ({"MessageBody": "é" * 524_289}, "InvalidParameterValue", "shorter than 1048576 bytes"),
        ({"DelaySeconds": 901}, "InvalidParameterValue", "DelaySeconds must be >= 0 and <= 900"),
        ({"DelaySeconds": -1}, "InvalidParameterValue", "DelaySeconds must be >= 0 and <= 900"),
        ({"MessageDeduplicationId": "d"}, "InvalidParameterValue", "not valid for this queue type"),
        ({"MessageGroupId": "a b"}, "InvalidParameterValue", "1 to 128"),
        ({"MessageAttributes": {"AWS.a": text()}}, "InvalidParameterValue", "is invalid"),
        ({"MessageAttributes": {"a": text(kind="Text")}}, "InvalidParameterValue", "type prefixes"),
        ({"MessageAttributes": {"a": text("")}}, "InvalidParameterValue", "must contain non-empty"),
        ({"MessageAttributes": {"a": text("x", "Number")}}, "InvalidParameterValue", "number"),
        ({"MessageAttributes": {"a": text("\x01")}}, "InvalidParameterValue", "characters"),
        (
            {"MessageAttributes": {"a": text() | {"BinaryValue": b"b"}}},
            "InvalidParameterValue",
            "more than one value",
        ),
        (
            {"MessageAttributes": {f"a{n}": text() for n in range(11)}},
            "InvalidParameterValue",
            "maximum [10]",
        ),
        ({"MessageSystemAttributes": {"AWSTraceHeader": text()}}, "NotImplemented", "simulated"),
    ],
)
def test_a_message_that_sqs_does_not_take_is_refused(entry, code, said):
    """With the code and the sentence of SQS."""
    found, message = refusal(check_message, queue(), {"MessageBody": "m", **entry})
    assert found == code
    assert said in message


def test_a_message_of_a_mebibyte_is_taken_and_not_a_byte_more():
    """Bytes count, not characters, and those of attributes do."""
    entry = {"MessageBody": "é" * 524_288}
    assert size(entry) == LARGEST
    check_message(queue(), entry)
    attributes = {"ab": text("cd"), "e": {"DataType": "Binary", "BinaryValue": b"fgh"}}
    assert size({"MessageBody": "m", "MessageAttributes": attributes}) == 1 + 10 + 10
    code, _ = refusal(check_message, queue(largest=1024), {"MessageBody": "m" * 1025})
    assert code == "InvalidParameterValue"


def test_a_fifo_message_needs_a_group_and_something_to_know_it_by():
    """An id, or content-based deduplication; and it has no delay of its own."""
    check_message(
        queue(fifo=True),
        {"MessageBody": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d"},
    )
    check_message(queue(fifo=True, content=True), {"MessageBody": "m", "MessageGroupId": "g"})
    for entry, code in (
        ({}, "MissingParameter"),
        ({"MessageGroupId": "g"}, "InvalidParameterValue"),
        ({"MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 1},
         "InvalidParameterValue"),
    ):  # fmt: skip
        assert refusal(check_message, queue(fifo=True), {"MessageBody": "m", **entry})[0] == code


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n)} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a b"}], "InvalidBatchEntryId"),
        ([{"Id": "a"}, {"Id": "a"}], "BatchEntryIdsNotDistinct"),
        ([{"Id": "a"}, {"Id": "b", "MessageBody": "m" * LARGEST}], "BatchRequestTooLong"),
    ],
)
def test_a_batch_that_is_none_is_refused(entries, code):
    """Whole, before any of its entries is looked at."""
    entries = [{"MessageBody": "m", **each} for each in entries]
    assert refusal(check_batch, "SendMessageBatch", entries)[0] == f"AWS.SimpleQueueService.{code}"


def test_a_batch_of_ten_is_taken():
    """Whose messages are a mebibyte together."""
    entries = [{"Id": str(n), "MessageBody": "m" * (LARGEST // 10)} for n in range(10)]
    check_batch("SendMessageBatch", entries)


def test_a_number_out_of_range_is_told_with_its_range():
    """Absent ones are in range."""
    check_range("MaxNumberOfMessages", None, 1, 10)
    check_range("MaxNumberOfMessages", 10, 1, 10)
    _, message = refusal(check_range, "MaxNumberOfMessages", 11, 1, 10)
    assert message == (
        "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, "
        "if provided."
    )


def test_what_is_required_and_absent_is_named():
    """At its place, in SQS's own words."""
    send = service_model("sqs").operation_model("SendMessageBatch")
    body = {"QueueUrl": "u", "Entries": [{"Id": "a", "MessageBody": "m"}, {"Id": "b"}]}
    assert refusal(read_members, send, json.dumps(body).encode()) == (
        "MissingParameter", "The request must contain the parameter Entries.2.MessageBody.",
    )  # fmt: skip
    body["Entries"].pop()
    assert read_members(send, json.dumps(body).encode()) == body
    assert refusal(read_members, send, b"[")[0] == "SerializationException"


@given(st.sampled_from(sorted(service_model("sqs").operation_names)), st.binary())
def test_only_declared_errors_leave_the_reader(operation, body):
    """Whatever octets come."""
    try:
        found = read_members(service_model("sqs").operation_model(operation), body)
    except AwsError as error:
        assert error.code in {"SerializationException", "MissingParameter"}
    else:
        assert isinstance(found, dict)


@given(st.text(), st.text())
def test_only_declared_errors_leave_the_checks_of_attributes(name, value):
    """Whatever is set."""
    for each in (name, "Policy", "VisibilityTimeout"):
        try:
            check_attributes({each: value}, fifo=False, new=False)
        except AwsError as error:
            assert error.code.startswith("InvalidAttribute")
    try:
        read_redrive(value)
    except AwsError as error:
        assert error.code == "InvalidParameterValue"
