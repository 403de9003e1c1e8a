"""Who is told what came of an asynchronous invocation."""

import json

import pytest

from pkilab import Lab

SENDS = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sqs:SendMessage",'
    '"sns:Publish","lambda:InvokeFunction","events:PutEvents"],"Resource":"*"}}'
)
FAILS = "def handler(event, context): raise ValueError('no: ' + 'x' * 2000)"
WELL = "def handler(event, context): return {'got': event}"


def queue(lab, name):
    """Make a queue; return a function that returns its messages, and its ARN."""
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def messages():
        said = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        return sqs.receive_message(QueueUrl=url, **said).get("Messages", [])

    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return messages, found["Attributes"]["QueueArn"]


def configure(aws, **destinations):
    """Set the destinations of the function, and no retries."""
    aws.client.put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=0,
        DestinationConfig={side: {"Destination": arn} for side, arn in destinations.items()},
    )


def invoke(aws, payload=b'{"a": 1}'):
    """Hand the function an event; return its request id."""
    aws.client.invoke(FunctionName="f", InvocationType="Event", Payload=payload)


def test_a_success_is_recorded_with_its_answer(aws, lab):
    """And only where successes go."""
    arn = aws.deploy(WELL)
    messages, succeeded = queue(lab, "succeeded")
    others, failed = queue(lab, "failed")
    configure(aws, OnSuccess=succeeded, OnFailure=failed)
    invoke(aws)
    (message,) = messages()
    found = json.loads(message["Body"])
    number = found["requestContext"].pop("requestId")
    assert len(number) == 36
    assert found == {
        "version": "1.0",
        "timestamp": "2026-11-02T09:00:00.000Z",
        "requestContext": {
            "functionArn": f"{arn}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"got": {"a": 1}},
    }
    assert others() == []


def test_a_failure_is_recorded_when_the_retries_are_over(aws, lab):
    """With how often it was tried and the last error."""
    aws.deploy(FAILS)
    messages, failed = queue(lab, "failed")
    aws.client.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": failed}}
    )
    invoke(aws)
    lab.clock.advance(minutes=2, seconds=59)
    assert messages() == []
    lab.clock.advance(seconds=1)
    (message,) = messages()
    found = json.loads(message["Body"])
    assert found["requestContext"]["condition"] == "RetriesExhausted"
    assert found["requestContext"]["approximateInvokeCount"] == 3
    assert found["responseContext"]["functionError"] == "Unhandled"
    assert found["responsePayload"]["errorType"] == "ValueError"
    assert found["timestamp"] == "2026-11-02T09:03:00.000Z"


def test_an_event_that_became_too_old_is_recorded_as_such(aws, lab):
    """With the last error there was."""
    aws.deploy(FAILS)
    messages, failed = queue(lab, "failed")
    aws.client.put_function_event_invoke_config(
        FunctionName="f",
        MaximumEventAgeInSeconds=90,
        DestinationConfig={"OnFailure": {"Destination": failed}},
    )
    invoke(aws)
    lab.clock.advance(hours=1)
    (message,) = messages()
    found = json.loads(message["Body"])
    assert found["requestContext"]["condition"] == "EventAgeExceeded"
    assert found["requestContext"]["approximateInvokeCount"] == 2
    assert found["timestamp"] == "2026-11-02T09:01:30.000Z"


def test_a_dead_letter_is_the_event_with_the_error_in_attributes(aws, lab):
    """Beside a destination, if there is one; the message is cut to a kibibyte."""
    aws.deploy(FAILS)
    messages, dead = queue(lab, "dead")
    others, failed = queue(lab, "failed")
    aws.client.update_function_configuration(FunctionName="f", DeadLetterConfig={"TargetArn": dead})
    configure(aws, OnFailure=failed)
    invoke(aws)
    (message,) = messages()
    assert message["Body"] == '{"a": 1}'
    found = message["MessageAttributes"]
    (record,) = others()
    number = json.loads(record["Body"])["requestContext"]["requestId"]
    assert found["RequestID"] == {"StringValue": number, "DataType": "String"}
    assert found["ErrorCode"] == {"StringValue": "200", "DataType": "Number"}
    assert found["ErrorMessage"]["StringValue"] == ("no: " + "x" * 2000)[:1024]


def test_another_function_gets_the_record_as_its_event(aws, lab, tmp_path):
    """Asynchronously, too."""
    seen = tmp_path / "seen"
    code = f"import json\ndef handler(e, c): open({str(seen)!r}, 'a').write(json.dumps(e))"
    other = aws.deploy(code, "g")
    aws.deploy(WELL)
    configure(aws, OnSuccess=other)
    invoke(aws)
    assert json.loads(seen.read_text())["responsePayload"] == {"got": {"a": 1}}


def test_a_destination_that_is_not_there_loses_the_record(aws, lab):
    """Which is counted, and nobody is told."""
    arn = aws.deploy(WELL)
    configure(aws, OnSuccess="arn:aws:sqs:us-east-1:111122223333:nowhere")
    invoke(aws)
    assert lab._place.gateway.functions.destinations.failures == {arn: 1}


@pytest.mark.parametrize("allowed", [True, False])
def test_the_execution_role_needs_the_permission(open_lambda, allowed):
    """Where policies are enforced: one that is taken away is missed."""
    with Lab.simulated(enforce_policies=True) as lab:
        aws, iam = open_lambda(lab), lab.client("iam")
        arn = aws.deploy(WELL)
        messages, succeeded = queue(lab, "succeeded")
        iam.put_role_policy(RoleName="r", PolicyName="sends", PolicyDocument=SENDS)
        configure(aws, OnSuccess=succeeded)
        if not allowed:
            iam.delete_role_policy(RoleName="r", PolicyName="sends")
        invoke(aws)
        assert len(messages()) == allowed
        failures = lab._place.gateway.functions.destinations.failures
        assert failures == ({} if allowed else {arn: 1})
