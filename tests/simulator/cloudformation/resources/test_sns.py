"""Topics, subscriptions and policies in stacks, as SNS has them."""

from __future__ import annotations

import json

TOPIC = """
    Resources:
      Queue: {{Type: AWS::SQS::Queue}}
      Topic:
        Type: AWS::SNS::Topic
        Properties:
          DisplayName: {display}
          {more}
      Subscription:
        Type: AWS::SNS::Subscription
        Properties:
          TopicArn: !Ref Topic
          Protocol: sqs
          Endpoint: !GetAtt Queue.Arn
          RawMessageDelivery: {raw}
          FilterPolicy: {{store: [{store}]}}
      Policy:
        Type: AWS::SNS::TopicPolicy
        Properties:
          Topics: [!Ref Topic]
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{{Effect: Allow, Principal: {{Service: {service}}},
                          Action: sns:Publish, Resource: !Ref Topic}}]
    Outputs: {{Arn: {{Value: !Ref Topic}}, Name: {{Value: !GetAtt Topic.TopicName}},
               Subscription: {{Value: !Ref Subscription}}}}
"""
FIRST = {
    "display": "one", "raw": "true", "store": "a", "service": "events.amazonaws.com", "more": "",
}  # fmt: skip


def test_a_topic_with_subscription_and_policy_is_made_changed_and_deleted(stacks):
    sns = stacks.client("sns")
    assert stacks.create("web", TOPIC.format(**FIRST)) == "CREATE_COMPLETE"
    out = stacks.outputs("web")
    assert out["Arn"].endswith(f":{out['Name']}")
    assert out["Name"].startswith("web-Topic-")
    topic = sns.get_topic_attributes(TopicArn=out["Arn"])["Attributes"]
    assert topic["DisplayName"] == "one"
    assert "events.amazonaws.com" in topic["Policy"]
    subscription = {"SubscriptionArn": out["Subscription"]}
    found = sns.get_subscription_attributes(**subscription)["Attributes"]
    assert found["RawMessageDelivery"] == "true"
    assert json.loads(found["FilterPolicy"]) == {"store": ["a"]}

    second = FIRST | {
        "display": "two", "raw": "false", "store": "b", "service": "s3.amazonaws.com",
        "more": "SignatureVersion: '2'",
    }  # fmt: skip
    assert stacks.update("web", TOPIC.format(**second)) == "UPDATE_COMPLETE"
    assert stacks.outputs("web") == out
    topic = sns.get_topic_attributes(TopicArn=out["Arn"])["Attributes"]
    assert (topic["DisplayName"], topic["SignatureVersion"]) == ("two", "2")
    assert "s3.amazonaws.com" in topic["Policy"]
    assert "events.amazonaws.com" not in topic["Policy"]
    found = sns.get_subscription_attributes(**subscription)["Attributes"]
    assert found["RawMessageDelivery"] == "false"
    assert json.loads(found["FilterPolicy"]) == {"store": ["b"]}

    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert sns.list_topics()["Topics"] == []
    assert sns.list_subscriptions()["Subscriptions"] == []


INLINE = """
    Resources:
      First: {{Type: AWS::SQS::Queue}}
      Second: {{Type: AWS::SQS::Queue}}
      Topic:
        Type: AWS::SNS::Topic
        Properties:
          Subscription: [{{Protocol: sqs, Endpoint: !GetAtt {queue}.Arn}}]
    Outputs: {{Arn: {{Value: !Ref Topic}}, First: {{Value: !GetAtt First.Arn}},
               Second: {{Value: !GetAtt Second.Arn}}}}
"""


def test_subscriptions_within_a_topic_come_and_go_with_it(stacks):
    sns = stacks.client("sns")
    assert stacks.create("web", INLINE.format(queue="First")) == "CREATE_COMPLETE"
    out = stacks.outputs("web")

    def endpoints():
        found = sns.list_subscriptions_by_topic(TopicArn=out["Arn"])["Subscriptions"]
        return [each["Endpoint"] for each in found]

    assert endpoints() == [out["First"]]
    assert stacks.update("web", INLINE.format(queue="Second")) == "UPDATE_COMPLETE"
    assert endpoints() == [out["Second"]]
    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_a_policy_that_goes_leaves_the_owners(stacks):
    text = """
        Resources:
          Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: kept}, DeletionPolicy: Retain}
          Policy:
            Type: AWS::SNS::TopicInlinePolicy
            Properties:
              TopicArn: !Ref Topic
              PolicyDocument:
                Version: "2012-10-17"
                Statement: [{Effect: Allow, Principal: {Service: events.amazonaws.com},
                             Action: sns:Publish, Resource: !Ref Topic}]
        Outputs: {Arn: {Value: !Ref Topic}}
    """
    assert stacks.create("web", text) == "CREATE_COMPLETE"
    sns, arn = stacks.client("sns"), stacks.outputs("web")["Arn"]
    assert "events.amazonaws.com" in sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    assert stacks.delete("web") == "DELETE_COMPLETE"
    policy = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    fresh = sns.create_topic(Name="fresh")["TopicArn"]
    untouched = sns.get_topic_attributes(TopicArn=fresh)["Attributes"]["Policy"]
    assert policy == json.loads(untouched.replace(fresh, arn))


def test_a_topic_that_cannot_be_is_rolled_back(stacks):
    for more, reason in [
        ("Color: red", "extraneous key [Color] is not permitted"),
        ("ArchivePolicy: {}", "ArchivePolicy of AWS::SNS::Topic is not simulated"),
        ("Subscription: [{Protocol: sqs}]", "required keys [Endpoint] and [Protocol]"),
    ]:
        name = f"web{len(more)}"
        text = TOPIC.format(**FIRST | {"more": more})
        assert stacks.create(name, text) == "ROLLBACK_COMPLETE"
        events = "".join(reason for _, _, reason in stacks.events(name))
        assert reason in events
    assert stacks.client("sns").list_topics()["Topics"] == []
