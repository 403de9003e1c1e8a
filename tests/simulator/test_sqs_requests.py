"""SQS as clients see it: boto3, plain HTTP, the AWS command line, policies, the trail."""

import hashlib
import json
import struct
import time
from functools import partial

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab
from pkilab.simulator.service import HttpRequest

MAIN, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
ARN = f"arn:aws:sqs:{REGION}:{MAIN}:q"
URL = f"https://sqs.{REGION}.amazonaws.com/{MAIN}/q"


@pytest.fixture
def sqs(lab):
    return lab.client("sqs")


@pytest.fixture
def url(sqs):
    """A standard queue of the first account."""
    return sqs.create_queue(QueueName="q")["QueueUrl"]


@pytest.fixture
def strict():
    """A lab of two accounts in which policies are enforced."""
    accounts = {"owner": MAIN, "consumer": OTHER}
    with Lab.simulated(seed="queues", accounts=accounts, enforce_policies=True) as lab:
        yield lab


def policy(*statements):
    whole = [{"Effect": "Allow", "Resource": ARN, **each} for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def attributes_md5(attributes):
    """SQS Developer Guide, "Calculating the MD5 message digest for message attributes"."""
    digest = hashlib.md5(usedforsecurity=False)
    for name, value in sorted(attributes.items()):
        binary = "BinaryValue" in value
        content = value["BinaryValue"] if binary else value["StringValue"].encode()
        for part in (name.encode(), value["DataType"].encode()):
            digest.update(struct.pack("!I", len(part)) + part)
        digest.update(b"\x02" if binary else b"\x01")
        digest.update(struct.pack("!I", len(content)) + content)
    return digest.hexdigest()


def test_digests_are_those_of_what_was_sent(sqs, url):
    """Of the body and of attributes, by the guide's procedure."""
    attributes = {
        "b": {"DataType": "Binary.x", "BinaryValue": b"\x00\xff"},
        "a": {"DataType": "String", "StringValue": "é"},
        "n": {"DataType": "Number", "StringValue": "-1.5e3"},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody="né", MessageAttributes=attributes)
    md5 = hashlib.md5("né".encode(), usedforsecurity=False).hexdigest()
    assert (sent["MD5OfMessageBody"], sent["MD5OfMessageAttributes"]) == (
        md5, attributes_md5(attributes),
    )  # fmt: skip
    (found,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert (found["MD5OfBody"], found["MessageAttributes"]) == (md5, attributes)
    assert found["MD5OfMessageAttributes"] == attributes_md5(attributes)


def test_a_long_poll_answers_at_once_what_is_there(sqs, url):
    """On a clock that stands still it would never end; so does a queue whose polls are long."""
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"ReceiveMessageWaitTimeSeconds": "20"})
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    assert time.monotonic() - began < 10
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]["Body"] == "m"


def test_setting_one_attribute_leaves_the_policy_alone(sqs, url):
    """And an empty policy takes it away."""
    document = policy({"Principal": "*", "Action": "sqs:SendMessage"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"})
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy", "DelaySeconds"])
    assert json.loads(found["Attributes"]["Policy"]) == json.loads(document)
    assert found["Attributes"]["DelaySeconds"] == "1"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])


def test_a_permission_is_a_statement_of_the_policy(sqs, url):
    """Added and removed by its label."""
    sqs.add_permission(QueueUrl=url, Label="l", AWSAccountIds=[OTHER], Actions=["SendMessage"])
    document = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
    (statement,) = json.loads(document["Policy"])["Statement"]
    assert statement == {
        "Sid": "l", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": "SQS:SendMessage", "Resource": ARN,
    }  # fmt: skip
    sqs.remove_permission(QueueUrl=url, Label="l")
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    with pytest.raises(ClientError, match="can't find label"):
        sqs.remove_permission(QueueUrl=url, Label="l")


def test_a_queue_that_is_not_there_is_told_as_sdks_expect_it(sqs, lab):
    """The exception of the model, the code of the query protocol, 400, and AWS's sentence."""
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        sqs.get_queue_url(QueueName="nothing")
    assert caught.value.response["Error"] == {
        "Code": "AWS.SimpleQueueService.NonExistentQueue",
        "Message": "The specified queue does not exist.",
        "QueryErrorCode": "QueueDoesNotExist",
        "Type": "Sender",
    }
    credentials = lab._place.gateway.credentials["owner"]
    scope = f"Credential={credentials.access_key_id}/20261102/{REGION}/sqs/aws4_request"
    answer = lab._place.gateway.handle(
        HttpRequest(
            "POST",
            f"https://sqs.{REGION}.amazonaws.com/",
            {
                "content-type": "application/x-amz-json-1.0",
                "x-amz-target": "AmazonSQS.DeleteQueue",
                "authorization": f"AWS4-HMAC-SHA256 {scope}",
            },
            json.dumps({"QueueUrl": URL}).encode(),
        )
    )
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert answer.headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert json.loads(answer.body) == {
        "__type": "com.amazonaws.sqs#QueueDoesNotExist",
        "message": "The specified queue does not exist.",
    }


def test_the_query_protocol_and_move_tasks_are_refused_as_not_simulated(sqs, url, lab):
    """Rather than answered by moto."""
    with pytest.raises(ClientError, match="sqs:ListMessageMoveTasks is not simulated"):
        sqs.list_message_move_tasks(SourceArn=ARN)
    credentials = lab._place.gateway.credentials["owner"]
    scope = f"Credential={credentials.access_key_id}/20261102/{REGION}/sqs/aws4_request"
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "authorization": f"AWS4-HMAC-SHA256 {scope}",
    }
    request = HttpRequest("POST", url, headers, b"Action=ListQueues&Version=2012-11-05")
    answer = lab._place.gateway.handle(request)
    assert answer.status == 501
    assert b"JSON 1.0 is not simulated by pkilab" in answer.body


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("receive_message", {"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
        ("receive_message", {"WaitTimeSeconds": 21}, "InvalidParameterValue"),
        ("receive_message", {"VisibilityTimeout": 43_201}, "InvalidParameterValue"),
        ("receive_message", {"MessageSystemAttributeNames": ["x"]}, "InvalidAttributeName"),
        ("get_queue_attributes", {"AttributeNames": ["x"]}, "InvalidAttributeName"),
        ("delete_message", {"ReceiptHandle": "x"}, "ReceiptHandleIsInvalid"),
        (
            "change_message_visibility",
            {"ReceiptHandle": "x", "VisibilityTimeout": 1},
            "ReceiptHandleIsInvalid",
        ),
        ("send_message", {"MessageBody": "\x00"}, "InvalidMessageContents"),
        ("send_message_batch", {"Entries": []}, "AWS.SimpleQueueService.EmptyBatchRequest"),
    ],
)
def test_what_sqs_refuses_is_refused_with_its_code(sqs, url, operation, members, code):
    """Codes as SDKs show them."""
    with pytest.raises(ClientError) as caught:
        getattr(sqs, operation)(QueueUrl=url, **members)
    assert caught.value.response["Error"]["Code"] == code


def test_a_url_that_is_not_this_endpoints_is_refused(sqs, url, lab):
    """No URL, and a queue of another Region; a served world's address will do."""
    for wrong in ("q", url.replace(REGION, "eu-west-1")):
        with pytest.raises(sqs.exceptions.InvalidAddress):
            sqs.purge_queue(QueueUrl=wrong)
    sqs.purge_queue(QueueUrl=f"http://127.0.0.1:1/{MAIN}/q")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        lab.client("sqs", region="eu-west-1").purge_queue(QueueUrl=url.replace(REGION, "eu-west-1"))


def test_entries_of_a_batch_fail_one_by_one(sqs, url):
    """The others are sent, with the right ids, and a batch of failures sends nothing."""
    entries = [
        {"Id": "a", "MessageBody": "1"},
        {"Id": "b", "MessageBody": "2", "DelaySeconds": 901},
        {"Id": "c", "MessageBody": "3"},
    ]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in answer["Successful"]] == ["a", "c"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == (
        "b", "InvalidParameterValue", True,
    )  # fmt: skip
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries[1:2])
    assert (answer["Successful"], len(answer["Failed"])) == ([], 1)
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(each["Body"] for each in found) == ["1", "3"]
    gone = [{"Id": "x", "ReceiptHandle": found[0]["ReceiptHandle"]}]
    answer = sqs.delete_message_batch(
        QueueUrl=url, Entries=[*gone, {"Id": "y", "ReceiptHandle": "no"}]
    )
    assert [each["Id"] for each in answer["Successful"]] == ["x"]
    assert [each["Code"] for each in answer["Failed"]] == ["ReceiptHandleIsInvalid"]


def test_a_name_can_be_had_again_after_a_minute(lab, sqs, url):
    """QueueDeletedRecently until then; and a purge is one a minute."""
    sqs.purge_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
        sqs.purge_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDeletedRecently):
        sqs.create_queue(QueueName="q")
    lab.clock.advance(seconds=60)
    assert sqs.create_queue(QueueName="q")["QueueUrl"] == url


def test_a_queue_that_exists_is_returned_if_it_is_as_asked(sqs, url):
    """Its tags stay as they were; another attribute is refused."""
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1"})
    assert sqs.create_queue(QueueName="q", tags={"b": "2"})["QueueUrl"] == url
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "1"}
    with pytest.raises(sqs.exceptions.QueueNameExists) as caught:
        sqs.create_queue(QueueName="q", Attributes={"DelaySeconds": "7"})
    assert caught.value.response["Error"]["Code"] == "QueueAlreadyExists"


def test_a_prefix_is_no_regular_expression(sqs, url):
    """Queues are listed by how their names begin."""
    sqs.create_queue(QueueName="other")
    assert sqs.list_queues(QueueNamePrefix="q")["QueueUrls"] == [url]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=".")
    first = sqs.list_queues(MaxResults=1)
    rest = sqs.list_queues(MaxResults=1, NextToken=first["NextToken"])
    assert sorted(first["QueueUrls"] + rest["QueueUrls"]) == sorted(
        [url, URL.replace("/q", "/other")]
    )


def test_a_redrive_policy_points_to_a_queue_of_the_same_account_and_kind(sqs, url):
    """One that is not there, or of the other kind, is refused at once."""
    sqs.create_queue(QueueName="d.fifo", Attributes={"FifoQueue": "true"})
    for name, reason in (("gone", "does not exist"), ("d.fifo", "same type of queue")):
        redrive = {"deadLetterTargetArn": f"{ARN[:-1]}{name}", "maxReceiveCount": 1}
        with pytest.raises(ClientError, match=reason):
            sqs.set_queue_attributes(
                QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(redrive)}
            )


# Policies.


def person(lab, account, *statements):
    iam = lab.client("iam", account=account)
    iam.create_user(UserName="u")
    if statements:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    return lab.client("sqs", credentials=key)


def test_a_user_needs_leave_for_the_queue(strict):
    """The refusal names the action in small letters, as SQS writes it."""
    own = strict.client("sqs")
    url = own.create_queue(QueueName="q")["QueueUrl"]
    user = person(
        strict, "owner", {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": ARN}
    )
    user.send_message(QueueUrl=url, MessageBody="m")
    user.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "m"}])
    with pytest.raises(ClientError) as caught:
        user.receive_message(QueueUrl=url)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert caught.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::{MAIN}:user/u is not authorized to perform: sqs:receivemessage on "
        f"resource: {ARN} because no identity-based policy allows the sqs:receivemessage action"
    )


def test_another_account_needs_the_queues_policy_besides_its_own(strict):
    """And some operations are the owner's alone, whatever a policy says."""
    own, other = strict.client("sqs"), strict.client("sqs", account="consumer")
    url = own.create_queue(QueueName="q")["QueueUrl"]
    with pytest.raises(ClientError, match="sqs:sendmessage on resource"):
        other.send_message(QueueUrl=url, MessageBody="m")
    document = policy({"Principal": {"AWS": OTHER}, "Action": "sqs:*"})
    own.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    found = other.get_queue_url(QueueName="q", QueueOwnerAWSAccountId=MAIN)["QueueUrl"]
    assert found == url
    other.send_message(QueueUrl=url, MessageBody="m")
    (message,) = own.receive_message(QueueUrl=url, AttributeNames=["SenderId"])["Messages"]
    assert message["Body"] == "m"
    with pytest.raises(ClientError, match=r"Access to the resource .* is denied"):
        other.delete_queue(QueueUrl=url)
    with pytest.raises(other.exceptions.QueueDoesNotExist):
        other.send_message(QueueUrl=url.replace(MAIN, OTHER), MessageBody="m")


def test_messages_are_no_management_events_and_queues_are(lab, sqs, url):
    """The trail has what was made, with its answer, and never what was sent."""
    sqs.send_message(QueueUrl=url, MessageBody="secret")
    sqs.receive_message(QueueUrl=url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"})
    lab.clock.advance(minutes=30)
    source = {"AttributeKey": "EventSource", "AttributeValue": "sqs.amazonaws.com"}
    events = lab.client("cloudtrail").lookup_events(LookupAttributes=[source])["Events"]
    assert sorted(each["EventName"] for each in events) == ["CreateQueue", "SetQueueAttributes"]
    (created,) = (each for each in events if each["EventName"] == "CreateQueue")
    assert json.loads(created["CloudTrailEvent"])["responseElements"] == {"queueUrl": url}


# The AWS command line.


def test_the_command_line_sends_and_receives(lab, aws_cli):
    """Against the served world, with the real program."""
    # Version 1 of the program goes to AWS's older host unless it is told on the line:
    # https://github.com/aws/aws-cli/issues/8737.
    aws = partial(aws_cli, lab, "sqs", "--endpoint-url", lab.serve().url)

    first = aws("create-queue", "--queue-name", "q")
    assert first.returncode == 0, first.stderr
    made = json.loads(first.stdout)["QueueUrl"]
    assert made == URL
    attributes = json.dumps({"a": {"DataType": "String", "StringValue": "b"}})
    sent = aws(
        "send-message", "--queue-url", made, "--message-body", "hello",
        "--message-attributes", attributes,
    )  # fmt: skip
    assert json.loads(sent.stdout)["MD5OfMessageBody"] == "5d41402abc4b2a76b9719d911017c592"
    received = aws(
        "receive-message", "--queue-url", made, "--wait-time-seconds", "20",
        "--attribute-names", "All", "--message-attribute-names", "All",
    )  # fmt: skip
    (found,) = json.loads(received.stdout)["Messages"]
    assert (found["Body"], found["MessageAttributes"]) == ("hello", json.loads(attributes))
    refused = aws("get-queue-url", "--queue-name", "nothing")
    assert refused.returncode != 0
    assert (
        "(AWS.SimpleQueueService.NonExistentQueue) when calling the GetQueueUrl" in refused.stderr
    )


def test_an_entry_without_a_timeout_fails_and_the_others_do_not(lab):
    """The model does not require what the service does."""
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName="timeouts")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    answer = sqs.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "without", "ReceiptHandle": handle},
            {"Id": "with", "ReceiptHandle": handle, "VisibilityTimeout": 9},
        ],
    )
    assert [each["Id"] for each in answer["Successful"]] == ["with"]
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [
        ("without", "MissingParameter")
    ]


def test_a_token_that_nobody_gave_out_is_refused(lab):
    """In SQS's shape, though moto leaves out the header that says so."""
    with pytest.raises(ClientError) as caught:
        lab.client("sqs").list_queues(MaxResults=1, NextToken="x")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
