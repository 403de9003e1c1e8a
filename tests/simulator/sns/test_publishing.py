"""Publishing: what is taken, and what subscribers get."""

import base64

import pytest
from botocore.exceptions import ClientError

TEXT = {"DataType": "String", "StringValue": "v"}


def refusal(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def attribute(kind="String", **value):
    return {"MessageAttributes": {"a": {"DataType": kind, **value}}}


def test_an_envelope_has_the_members_of_snss_in_its_order(sns, topic, queue, subscription):
    """A member a line, an attribute a line; octets in Base64."""
    attributes = {
        "t": TEXT,
        "n": {"DataType": "Number", "StringValue": "1"},
        "o": {"DataType": "Binary", "BinaryValue": b"\x00"},
    }
    sent = sns.publish(TopicArn=topic, Message="m", Subject="s", MessageAttributes=attributes)
    (received,) = queue.messages()
    lines = received["Body"].splitlines()
    assert lines[:6] == [
        "{",
        '  "Type" : "Notification",',
        f'  "MessageId" : "{sent["MessageId"]}",',
        f'  "TopicArn" : "{topic}",',
        '  "Subject" : "s",',
        '  "Message" : "m",',
    ]
    assert lines[6] == '  "Timestamp" : "2026-11-02T09:00:00.000Z",'
    names = [line.split('"')[1] for line in lines[7:10]]
    assert names == ["SignatureVersion", "Signature", "SigningCertURL"]
    assert lines[-7:] == [
        f'  "UnsubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&'
        f'SubscriptionArn={subscription}",',
        '  "MessageAttributes" : {',
        '    "t" : {"Type":"String","Value":"v"},',
        '    "n" : {"Type":"Number","Value":"1"},',
        f'    "o" : {{"Type":"Binary","Value":"{base64.b64encode(bytes(1)).decode()}"}}',
        "  }",
        "}",
    ]
    assert "MessageAttributes" not in received


def test_a_raw_message_is_the_message_with_its_attributes(sns, topic, queue, subscription):
    """As the queue's own."""
    sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    sns.publish(TopicArn=topic, Message="m", Subject="s", MessageAttributes={"a": TEXT})
    (received,) = queue.messages()
    assert (received["Body"], received["MessageAttributes"]) == ("m", {"a": TEXT})


def test_protocols_get_their_own_text(sns, topic, queue, subscription):
    """MessageStructure json; others get the default."""
    sns.publish(
        TopicArn=topic, MessageStructure="json", Message='{"default": "d", "sqs": "for queues"}'
    )
    sns.publish(TopicArn=topic, MessageStructure="json", Message='{"default": "d", "sqs": 1}')
    assert sorted(each["Message"] for each in queue.envelopes()) == ["d", "for queues"]


def test_a_filter_keeps_messages_back(sns, topic, queue, subscription):
    """By attributes, or by the body."""
    change = {"SubscriptionArn": subscription, "AttributeName": "FilterPolicy"}
    sns.set_subscription_attributes(**change, AttributeValue='{"a": ["v"]}')
    sns.publish(TopicArn=topic, Message="yes", MessageAttributes={"a": TEXT})
    sns.publish(TopicArn=topic, Message="no")
    sns.set_subscription_attributes(
        **{**change, "AttributeName": "FilterPolicyScope"}, AttributeValue="MessageBody"
    )
    sns.publish(TopicArn=topic, Message='{"a": "v"}')
    sns.publish(TopicArn=topic, Message='{"a": "w"}')
    assert sorted(each["Message"] for each in queue.envelopes()) == sorted(["yes", '{"a": "v"}'])


def test_a_group_goes_on_to_queues(sns, topic, queue, subscription):
    """For fair queues; deduplication is for FIFO topics."""
    sns.publish(TopicArn=topic, Message="m", MessageGroupId="g")
    (received,) = queue.messages()
    assert received["Attributes"]["MessageGroupId"] == "g"
    code, _ = refusal(sns.publish, TopicArn=topic, Message="m", MessageDeduplicationId="d")
    assert code == "InvalidParameter"


@pytest.mark.parametrize(
    ("members", "code", "said"),
    [
        ({"Message": ""}, "InvalidParameter", "Empty message"),
        ({"Message": "é" * 131_073}, "InvalidParameter", "Message too long"),
        ({"Subject": "x" * 101}, "InvalidParameter", "Subject"),
        ({"Subject": "a\nb"}, "InvalidParameter", "Subject"),
        ({"MessageStructure": "xml"}, "InvalidParameter", "MessageStructure"),
        ({"MessageStructure": "json", "Message": "x"}, "InvalidParameter", "failed to parse"),
        ({"MessageStructure": "json", "Message": "{}"}, "InvalidParameter", "No default entry"),
        (
            {"MessageStructure": "json", "Message": '{"default": "\\ud800"}'},
            "InvalidParameter",
            "failed to parse",
        ),
        (attribute("Text", StringValue="x"), "ParameterValueInvalid", "type prefixes"),
        (attribute("String", StringValue=""), "ParameterValueInvalid", "non-empty"),
        (attribute("Number", StringValue="x"), "ParameterValueInvalid", "number"),
        (attribute("String.Array", StringValue="x"), "ParameterValueInvalid", "array"),
        ({"MessageGroupId": "a b"}, "InvalidParameter", "MessageGroupId"),
    ],
)
def test_what_sns_does_not_take_is_refused(sns, topic, queue, subscription, members, code, said):
    """And nothing is delivered."""
    found, message = refusal(sns.publish, **{"TopicArn": topic, "Message": "m", **members})
    assert found == code
    assert said in message
    assert queue.messages() == []


def test_a_topic_may_take_a_mebibyte(sns, topic, queue, subscription):
    """MaximumMessageSize; the queue must take the envelope, too."""
    message = "m" * 300_000
    assert refusal(sns.publish, TopicArn=topic, Message=message)[0] == "InvalidParameter"
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="MaximumMessageSize", AttributeValue="1048576"
    )
    sns.publish(TopicArn=topic, Message=message)
    (received,) = queue.envelopes()
    assert received["Message"] == message


def test_a_target_is_a_topic_and_nothing_else(sns, topic):
    """TargetArn may name it; telephones and endpoints are not simulated."""
    assert sns.publish(TargetArn=topic, Message="m")["MessageId"]
    assert refusal(sns.publish, PhoneNumber="+10000000000", Message="m")[0] == "NotImplemented"
    endpoint = topic.replace(":t", ":endpoint/GCM/a/1")
    assert refusal(sns.publish, TargetArn=endpoint, Message="m")[0] == "NotImplemented"
    assert refusal(sns.publish, Message="m")[0] == "InvalidParameter"
    assert refusal(sns.publish, TopicArn=topic, TargetArn=topic, Message="m")[0] == (
        "InvalidParameter"
    )


def test_entries_of_a_batch_fail_one_by_one(sns, topic, queue, subscription):
    """The others are published."""
    entries = [{"Id": "a", "Message": "1"}, {"Id": "b", "Message": "2", "Subject": "\n"}]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [each["Id"] for each in answer["Successful"]] == ["a"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("b", "InvalidParameter", True)
    assert [each["Message"] for each in queue.envelopes()] == ["1"]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n)} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a b"}], "InvalidBatchEntryId"),
        ([{"Id": "a"}, {"Id": "a"}], "BatchEntryIdsNotDistinct"),
        ([{"Id": "a", "Message": "m" * 262_144}, {"Id": "b"}], "BatchRequestTooLong"),
    ],
)
def test_a_batch_that_is_none_is_refused(sns, topic, entries, code):
    """Whole."""
    entries = [{"Message": "m", **each} for each in entries]
    found, _ = refusal(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)
    assert found == code
