"""Queues and their policies in stacks, as SQS has them."""

from __future__ import annotations

import json

import pytest


def failed(stacks, name="web"):
    return [reason for _, status, reason in stacks.events(name) if status == "CREATE_FAILED"]


QUEUE = """
    Resources:
      Dead: {{Type: AWS::SQS::Queue}}
      Queue:
        Type: AWS::SQS::Queue
        Properties:
          RedrivePolicy: {{deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}}
          SqsManagedSseEnabled: true
          {settings}
      Policy:
        Type: AWS::SQS::QueuePolicy
        Properties:
          Queues: [!Ref {holder}]
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{{Effect: Allow, Principal: {{Service: events.amazonaws.com}},
                          Action: sqs:SendMessage, Resource: "*"}}]
    Outputs: {{Url: {{Value: !Ref Queue}}, Arn: {{Value: !GetAtt Queue.Arn}},
               Name: {{Value: !GetAtt Queue.QueueName}}, Dead: {{Value: !Ref Dead}}}}
"""


def attributes(stacks, url):
    found = stacks.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return found["Attributes"]


def test_a_queue_is_made_changed_and_deleted(stacks):
    text = QUEUE.format(settings="VisibilityTimeout: 60\n          DelaySeconds: 5", holder="Queue")
    assert stacks.create("web", text) == "CREATE_COMPLETE"
    out = stacks.outputs("web")
    found = attributes(stacks, out["Url"])
    assert out["Arn"] == found["QueueArn"]
    assert out["Name"].startswith("web-Queue-")
    assert (found["VisibilityTimeout"], found["DelaySeconds"]) == ("60", "5")
    assert json.loads(found["RedrivePolicy"])["maxReceiveCount"] in {3, "3"}
    assert "events.amazonaws.com" in found["Policy"]

    text = QUEUE.format(settings="VisibilityTimeout: 90", holder="Dead")
    assert stacks.update("web", text) == "UPDATE_COMPLETE"
    assert stacks.outputs("web") == out
    found = attributes(stacks, out["Url"])
    assert (found["VisibilityTimeout"], found["DelaySeconds"]) == ("90", "0")
    assert not found.get("Policy")
    assert "events.amazonaws.com" in attributes(stacks, out["Dead"])["Policy"]

    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert stacks.client("sqs").list_queues().get("QueueUrls", []) == []


def test_a_fifo_queue_has_its_suffix_and_another_kind_is_another_queue(stacks):
    text = """
        Resources: {{Queue: {{Type: AWS::SQS::Queue, Properties: {{{}}}}}}}
        Outputs: {{Url: {{Value: !Ref Queue}}}}
    """
    assert stacks.create("web", text.format("FifoQueue: true")) == "CREATE_COMPLETE"
    first = stacks.outputs("web")["Url"]
    assert first.endswith(".fifo")
    assert stacks.update("web", text.format("DelaySeconds: 1")) == "UPDATE_COMPLETE"
    assert not stacks.outputs("web")["Url"].endswith(".fifo")
    assert stacks.client("sqs").list_queues()["QueueUrls"] == [stacks.outputs("web")["Url"]]


def test_the_policy_of_one_queue(stacks):
    text = """
        Resources:
          Queue: {{Type: AWS::SQS::Queue}}
          Policy:
            Type: AWS::SQS::QueueInlinePolicy
            Properties:
              Queue: !Ref Queue
              PolicyDocument:
                Version: "2012-10-17"
                Statement: [{{Effect: Allow, Principal: {{Service: {}}},
                              Action: sqs:SendMessage, Resource: "*"}}]
        Outputs: {{Url: {{Value: !Ref Queue}}}}
    """
    assert stacks.create("web", text.format("events.amazonaws.com")) == "CREATE_COMPLETE"
    url = stacks.outputs("web")["Url"]
    assert stacks.update("web", text.format("sns.amazonaws.com")) == "UPDATE_COMPLETE"
    assert "sns.amazonaws.com" in attributes(stacks, url)["Policy"]
    assert stacks.delete("web") == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("VisibilityTimeout: 999999", "VisibilityTimeout"),
        ("VisibilityTimeout: [1]", "expected type: String"),
        ("Color: red", "extraneous key [Color] is not permitted"),
    ],
)
def test_a_queue_that_cannot_be_is_rolled_back(stacks, settings, reason):
    assert stacks.create("web", QUEUE.format(settings=settings, holder="Queue")) == (
        "ROLLBACK_COMPLETE"
    )
    assert reason in "".join(failed(stacks))
    assert stacks.client("sqs").list_queues().get("QueueUrls", []) == []
