"""How a function's asynchronous invocations are to be handled, as its owner says."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab, functions

WELL = "def handler(event, context): return event"
QUEUE = "arn:aws:sqs:us-east-1:111122223333:failed"
TOPIC = "arn:aws:sns:us-east-1:111122223333:done"


def refused(code, call, **members):
    """Call what must be refused; return the message."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def told(answer):
    """Return an answer without its metadata."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_a_configuration_is_put_changed_read_and_deleted(aws, lab):
    """Put replaces, update changes what it names."""
    arn, client = aws.deploy(WELL), aws.client
    put = client.put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": QUEUE}},
    )
    assert told(put) == {
        "LastModified": put["LastModified"],
        "FunctionArn": f"{arn}:$LATEST",
        "MaximumRetryAttempts": 1,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": QUEUE}},
    }
    assert put["LastModified"] == lab.clock.now()
    lab.clock.advance(minutes=1)
    changed = client.update_function_event_invoke_config(
        FunctionName="f",
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnSuccess": {"Destination": TOPIC}},
    )
    assert changed["LastModified"] - put["LastModified"] == timedelta(minutes=1)
    assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (1, 60)
    assert changed["DestinationConfig"] == {
        "OnSuccess": {"Destination": TOPIC},
        "OnFailure": {"Destination": QUEUE},
    }
    listed = client.list_function_event_invoke_configs(FunctionName="f")
    read = client.get_function_event_invoke_config(FunctionName="f", Qualifier="$LATEST")
    assert [told(read)] == listed["FunctionEventInvokeConfigs"] == [told(changed)]
    put = client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    assert "MaximumEventAgeInSeconds" not in put
    assert put["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    client.delete_function_event_invoke_config(FunctionName="f")
    assert (
        client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]
        == []
    )


def test_where_there_is_none_that_is_said(aws):
    """In Lambda's sentence, for everything but putting one."""
    arn, client = aws.deploy(WELL), aws.client
    for call in (
        client.get_function_event_invoke_config,
        client.update_function_event_invoke_config,
        client.delete_function_event_invoke_config,
    ):
        message = refused("ResourceNotFoundException", call, FunctionName="f")
        assert message == f"The function {arn}:$LATEST doesn't have an EventInvokeConfig"
    put = client.put_function_event_invoke_config
    assert "Function not found" in refused("ResourceNotFoundException", put, FunctionName="g")


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("ValidationException", {"MaximumRetryAttempts": 3}),
        ("ValidationException", {"MaximumEventAgeInSeconds": 21601}),
        (
            "InvalidParameterValueException",
            {"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}},
        ),
        (
            "InvalidParameterValueException",
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:dynamodb:us-east-1::x"}}},
        ),
        (
            "NotImplemented",
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::bucket"}}},
        ),
        ("ResourceNotFoundException", {"Qualifier": "3"}),
    ],
)
def test_what_cannot_be_is_refused(aws, code, members):
    """And nothing is kept of it."""
    aws.deploy(WELL)
    refused(code, aws.client.put_function_event_invoke_config, FunctionName="f", **members)
    assert (
        aws.client.list_function_event_invoke_configs(FunctionName="f")[
            "FunctionEventInvokeConfigs"
        ]
        == []
    )


def test_a_role_that_may_not_send_is_found_out_at_once(open_lambda):
    """Where policies are enforced; the permission is enough."""
    with Lab.simulated(enforce_policies=True) as lab:
        aws = open_lambda(lab)
        aws.deploy(WELL)
        put = aws.client.put_function_event_invoke_config
        said = {
            "FunctionName": "f",
            "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
        }
        message = refused("InvalidParameterValueException", put, **said)
        assert message == (
            "The provided execution role does not have permissions to call SendMessage on SQS"
        )
        lab.client("iam").put_role_policy(
            RoleName="r",
            PolicyName="send",
            PolicyDocument=(
                '{"Version":"2012-10-17","Statement":{"Effect":"Allow",'
                f'"Action":"sqs:SendMessage","Resource":"{QUEUE}"}}}}'
            ),
        )
        assert put(**said)["DestinationConfig"]["OnFailure"]["Destination"] == QUEUE


def test_a_dead_letter_queue_is_part_of_a_functions_configuration(aws):
    """Set, shown, and taken away by an empty one."""
    create = {
        "FunctionName": "f", "Runtime": "python3.12", "Handler": "index.handler",
        "Role": aws.role, "Code": {"ZipFile": functions.package({"index.py": WELL})},
    }  # fmt: skip
    message = refused(
        "InvalidParameterValueException",
        aws.client.create_function,
        **create,
        DeadLetterConfig={"TargetArn": "arn:aws:lambda:us-east-1:111122223333:function:g"},
    )
    assert "SQS queue or an SNS topic" in message
    made = aws.client.create_function(**create, DeadLetterConfig={"TargetArn": QUEUE})
    assert made["DeadLetterConfig"] == {"TargetArn": QUEUE}
    changed = aws.client.update_function_configuration(
        FunctionName="f", DeadLetterConfig={"TargetArn": ""}
    )
    assert "DeadLetterConfig" not in changed
