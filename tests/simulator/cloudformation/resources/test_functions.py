"""A function in a stack."""

import pytest

FUNCTION = """
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
          {more}
    Outputs: {{Function: {{Value: !Ref Function}}, Queue: {{Value: !GetAtt Queue.Arn}}}}
"""
WITH = "DeadLetterConfig: {TargetArn: !GetAtt Queue.Arn}"


@pytest.fixture
def dead_letters(stacks):
    """Where the stack's function sends what it could not do."""

    def found():
        name = stacks.outputs("web")["Function"]
        configuration = stacks.client("lambda").get_function_configuration(FunctionName=name)
        return configuration.get("DeadLetterConfig")

    return found


def test_a_function_has_a_dead_letter_queue_as_long_as_its_template_says_so(stacks, dead_letters):
    text = FUNCTION.format(more=WITH)
    assert stacks.create("web", text) == "CREATE_COMPLETE"
    assert dead_letters() == {"TargetArn": stacks.outputs("web")["Queue"]}
    text = FUNCTION.format(more="Description: without")
    assert stacks.update("web", text) == "UPDATE_COMPLETE"
    assert dead_letters() is None
    text = FUNCTION.format(more=WITH)
    assert stacks.update("web", text) == "UPDATE_COMPLETE"
    assert dead_letters() == {"TargetArn": stacks.outputs("web")["Queue"]}


def test_what_can_be_no_dead_letter_queue_is_rolled_back(stacks):
    text = FUNCTION.format(more=WITH.replace("Queue.Arn", "Role.Arn"))
    assert stacks.create("web", text) == "ROLLBACK_COMPLETE"
    assert any("DeadLetterConfig" in (why or "") for _, _, why in stacks.events("web"))
