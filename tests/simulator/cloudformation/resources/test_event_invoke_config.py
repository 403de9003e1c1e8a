"""What becomes of a function's asynchronous invocations, in a stack."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

CONFIG = """
    Resources:
      Role:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Version: "2012-10-17"
            Statement: [{{Effect: Allow, Principal: {{Service: lambda.amazonaws.com}},
                          Action: sts:AssumeRole}}]
          Policies:
            - PolicyName: queue
              PolicyDocument:
                Version: "2012-10-17"
                Statement: [{{Effect: Allow, Action: sqs:SendMessage, Resource: "*"}}]
      Queue: {{Type: AWS::SQS::Queue}}
      Function:
        Type: AWS::Lambda::Function
        Properties:
          Code: {{ZipFile: "handler = lambda event, context: None"}}
          Handler: index.handler
          Runtime: python3.13
          Role: !GetAtt Role.Arn
      Config:
        Type: AWS::Lambda::EventInvokeConfig
        Properties:
          FunctionName: !Ref Function
          Qualifier: $LATEST
          {settings}
    Outputs: {{Function: {{Value: !Ref Function}}, Queue: {{Value: !GetAtt Queue.Arn}}}}
"""
FIRST = (
    "MaximumRetryAttempts: 1\n"
    "          DestinationConfig: {OnFailure: {Destination: !GetAtt Queue.Arn}}"
)


def test_a_configuration_is_made_replaced_whole_and_deleted(stacks):
    functions = stacks.client("lambda")
    assert stacks.create("web", CONFIG.format(settings=FIRST)) == "CREATE_COMPLETE"
    out = stacks.outputs("web")
    found = functions.get_function_event_invoke_config(
        FunctionName=out["Function"], Qualifier="$LATEST"
    )
    assert found["MaximumRetryAttempts"] == 1
    assert found["DestinationConfig"]["OnFailure"] == {"Destination": out["Queue"]}

    second = CONFIG.format(settings="MaximumEventAgeInSeconds: 60")
    assert stacks.update("web", second) == "UPDATE_COMPLETE"
    found = functions.get_function_event_invoke_config(
        FunctionName=out["Function"], Qualifier="$LATEST"
    )
    assert found["MaximumEventAgeInSeconds"] == 60
    assert not found.get("DestinationConfig", {}).get("OnFailure")

    without = second[: second.index("      Config:")] + second[second.index("    Outputs") :]
    assert stacks.update("web", without) == "UPDATE_COMPLETE"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        functions.get_function_event_invoke_config(FunctionName=out["Function"])


def test_a_configuration_that_cannot_be_is_rolled_back(stacks):
    text = CONFIG.format(settings="MaximumRetryAttempts: 9")
    assert stacks.create("web", text) == "ROLLBACK_COMPLETE"
    assert any("MaximumRetryAttempts" in why or "maximumRetryAttempts" in why
               for _, _, why in stacks.events("web"))  # fmt: skip
