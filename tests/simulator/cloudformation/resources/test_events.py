"""Rules, buses and their policies in stacks, as EventBridge has them."""

from __future__ import annotations

import json

import pytest


def failed(stacks, name="web"):
    return [reason for _, status, reason in stacks.events(name) if status == "CREATE_FAILED"]


RULE = """
    Resources:
      Queue: {{Type: AWS::SQS::Queue}}
      Rule:
        Type: AWS::Events::Rule
        Properties:
          Description: {description}
          EventPattern: {{source: [aws.acm-pca], detail: {{result: [{result}]}}}}
          State: {state}
          Targets:
            - {{Id: {target}, Arn: !GetAtt Queue.Arn}}
          Tags: [{{Key: use, Value: {description}}}]
          {more}
    Outputs: {{Name: {{Value: !Ref Rule}}, Arn: {{Value: !GetAtt Rule.Arn}},
               Queue: {{Value: !GetAtt Queue.Arn}}}}
"""
FIRST = {
    "description": "one", "result": "success", "state": "ENABLED", "target": "a", "more": "",
}  # fmt: skip


def test_a_rule_is_made_changed_and_deleted_with_its_targets(stacks):
    events = stacks.client("events")
    assert stacks.create("web", RULE.format(**FIRST)) == "CREATE_COMPLETE"
    out = stacks.outputs("web")
    rule = events.describe_rule(Name=out["Name"])
    assert out["Name"].startswith("web-Rule-")
    assert (rule["Arn"], rule["State"], rule["Description"]) == (out["Arn"], "ENABLED", "one")
    pattern = {"source": ["aws.acm-pca"], "detail": {"result": ["success"]}}
    assert json.loads(rule["EventPattern"]) == pattern
    targets = events.list_targets_by_rule(Rule=out["Name"])["Targets"]
    assert [(each["Id"], each["Arn"]) for each in targets] == [("a", out["Queue"])]

    second = FIRST | {
        "description": "two", "result": "failure", "state": "DISABLED", "target": "b",
    }  # fmt: skip
    assert stacks.update("web", RULE.format(**second)) == "UPDATE_COMPLETE"
    assert stacks.outputs("web") == out
    rule = events.describe_rule(Name=out["Name"])
    assert (rule["State"], rule["Description"]) == ("DISABLED", "two")
    assert json.loads(rule["EventPattern"])["detail"] == {"result": ["failure"]}
    targets = events.list_targets_by_rule(Rule=out["Name"])["Targets"]
    assert [each["Id"] for each in targets] == ["b"]
    tags = events.list_tags_for_resource(ResourceARN=out["Arn"])["Tags"]
    assert {"Key": "use", "Value": "two"} in tags

    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert events.list_rules()["Rules"] == []


def test_a_rule_with_another_name_or_bus_is_another_rule(stacks):
    stacks.create("web", RULE.format(**FIRST | {"more": "Name: one"}))
    first = stacks.outputs("web")["Arn"]
    assert stacks.update("web", RULE.format(**FIRST | {"more": "Name: two"})) == "UPDATE_COMPLETE"
    assert stacks.outputs("web")["Arn"] != first
    names = [each["Name"] for each in stacks.client("events").list_rules()["Rules"]]
    assert names == ["two"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("source: [aws.acm-pca]", "source: aws.acm-pca", "Event pattern is not valid"),
        ("Id: a,", "", "required key [Id] not found"),
        ("!GetAtt Queue.Arn}\n          Tags", "arn:x}\n          Tags", ""),
    ],
)
def test_a_rule_that_cannot_be_is_rolled_back(stacks, old, new, reason):
    text = RULE.format(**FIRST)
    assert old in text
    assert stacks.create("web", text.replace(old, new)) == "ROLLBACK_COMPLETE"
    assert reason in "".join(failed(stacks))
    assert stacks.client("events").list_rules()["Rules"] == []


BUS = """
    Resources:
      Bus:
        Type: AWS::Events::EventBus
        Properties: {{Name: orders, Description: {description},
                      Tags: [{{Key: use, Value: {description}}}]}}
      Policy:
        Type: AWS::Events::EventBusPolicy
        Properties: {{EventBusName: !Ref Bus, StatementId: other, {statement}}}
      Rule:
        Type: AWS::Events::Rule
        Properties: {{EventBusName: !Ref Bus, EventPattern: {{source: [my.app]}}}}
    Outputs: {{Arn: {{Value: !GetAtt Bus.Arn}}, Rule: {{Value: !Ref Rule}}}}
"""
OTHER = "Action: events:PutEvents, Principal: '444455556666'"


def test_a_bus_with_its_policy_and_rule_is_made_changed_and_deleted(stacks):
    events = stacks.client("events")
    text = BUS.format(description="one", statement=OTHER)
    assert stacks.create("web", text) == "CREATE_COMPLETE"
    bus = events.describe_event_bus(Name="orders")
    assert bus["Arn"] == stacks.outputs("web")["Arn"]
    assert "444455556666" in bus["Policy"]
    assert stacks.outputs("web")["Rule"].startswith("orders|web-Rule-")
    assert len(events.list_rules(EventBusName="orders")["Rules"]) == 1

    changed = OTHER.replace("444455556666", "777788889999")
    text = BUS.format(description="two", statement=changed)
    assert stacks.update("web", text) == "UPDATE_COMPLETE"
    bus = events.describe_event_bus(Name="orders")
    assert bus["Description"] == "two"
    assert "777788889999" in bus["Policy"]
    assert "444455556666" not in bus["Policy"]

    assert stacks.delete("web") == "DELETE_COMPLETE"
    names = [each["Name"] for each in events.list_event_buses()["EventBuses"]]
    assert names == ["default"]


def test_a_whole_statement_of_a_bus_is_not_simulated(stacks):
    text = BUS.format(description="one", statement="Statement: {Effect: Allow}")
    assert stacks.create("web", text) == "ROLLBACK_COMPLETE"
    assert "Statement of AWS::Events::EventBusPolicy is not simulated" in "".join(failed(stacks))
