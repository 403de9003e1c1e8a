"""Rules. Sentences as recorded in localstack/localstack."""

import json

import pytest

from pkilab.simulator.eventbridge.rules import PATTERN, RULES
from tests.simulator.eventbridge.conftest import OWNER, REGION

PATTERN_TEXT = '{"source": ["my.app"]}'
EVENT = {
    "id": "1", "source": "my.app", "detail-type": "t", "account": OWNER, "region": REGION,
    "time": "2026-01-05T09:00:00Z", "resources": [],
}  # fmt: skip


def test_a_rule_is_put_described_and_listed(events):
    """On the default bus and on another, whose name is in its ARN."""
    events("CreateEventBus", Name="b")
    role = f"arn:aws:iam::{OWNER}:role/r"
    put = {"Name": "r", "EventPattern": PATTERN_TEXT, "Description": "d", "RoleArn": role}
    assert events("PutRule", **put)["RuleArn"] == f"arn:aws:events:{REGION}:{OWNER}:rule/r"
    other = events("PutRule", Name="r", EventPattern=PATTERN_TEXT, EventBusName="b")["RuleArn"]
    assert other == f"arn:aws:events:{REGION}:{OWNER}:rule/b/r"
    assert events("DescribeRule", Name="r") == {
        **put, "Arn": f"arn:aws:events:{REGION}:{OWNER}:rule/r", "State": "ENABLED",
        "EventBusName": "default", "CreatedBy": OWNER,
    }  # fmt: skip
    events("PutRule", Name="q", EventPattern=PATTERN_TEXT)
    listed = events("ListRules")["Rules"]
    assert [each["Name"] for each in listed] == ["q", "r"]
    assert "CreatedBy" not in listed[0]
    assert [each["Name"] for each in events("ListRules", NamePrefix="r")["Rules"]] == ["r"]
    message = events.refused("ResourceNotFoundException", "DescribeRule", Name="x")
    assert message == "Rule x does not exist on EventBus default."


def test_a_rule_put_again_keeps_targets_and_tags_alone(events):
    """API Reference, PutRule: what is not given is gone."""
    tags = [{"Key": "a", "Value": "1"}]
    arn = events.rule(Description="d", State="DISABLED", Tags=tags)
    events.rule(targets=(), pattern={"source": ["x"]}, Tags=[{"Key": "b", "Value": "2"}])
    found = events("DescribeRule", Name="r")
    assert "Description" not in found
    assert found["State"] == "ENABLED"
    assert events("ListTagsForResource", ResourceARN=arn)["Tags"] == tags
    assert len(events("ListTargetsByRule", Rule="r")["Targets"]) == 1


def test_a_rule_needs_a_pattern_or_a_schedule_that_is_one(events):
    """Nothing is kept of a rule that is refused."""
    message = events.refused("ValidationException", "PutRule", Name="r")
    assert message == "Parameter(s) EventPattern or ScheduleExpression must be specified."
    wrong = {"Name": "r", "EventPattern": '{"a": "b"}'}
    message = events.refused("InvalidEventPatternException", "PutRule", **wrong)
    assert message == (
        'Event pattern is not valid. Reason: "a" must be an object or an array\n'
        ' at [Source: (String)"{"a": "b"}"; line: 1, column: 8]'
    )
    assert events("ListRules")["Rules"] == []


def test_patterns_and_buses_have_quotas(events):
    """User Guide, "Quotas": 2,048 characters, 300 rules; a rule that is there may be changed."""
    text = json.dumps({"a": ["x" * (PATTERN - 11)]})
    events("PutRule", Name="r", EventPattern=text)
    long = {"Name": "s", "EventPattern": text + " "}
    events.refused("LimitExceededException", "PutRule", **long)
    for number in range(RULES - 1):
        events("PutRule", Name=f"r{number}", EventPattern=PATTERN_TEXT)
    message = events.refused(
        "LimitExceededException", "PutRule", Name="more", EventPattern=PATTERN_TEXT
    )
    assert message == "The requested resource exceeds the maximum number allowed."
    events("PutRule", Name="r", EventPattern=PATTERN_TEXT)


def test_a_rule_with_targets_is_not_deleted(events):
    """One that is not there is deleted already."""
    events.rule()
    message = events.refused("ValidationException", "DeleteRule", Name="r")
    assert message == "Rule can't be deleted since it has targets."
    events("RemoveTargets", Rule="r", Ids=["t"])
    assert events("DeleteRule", Name="r") == events("DeleteRule", Name="r") == {}
    assert events("ListRules")["Rules"] == []


def test_a_disabled_rule_matches_nothing(events):
    """Until it is enabled again."""
    events.rule()
    events("DisableRule", Name="r")
    events.put({})
    assert events.reached() == []
    assert events("DescribeRule", Name="r")["State"] == "DISABLED"
    events("EnableRule", Name="r")
    events.put({})
    assert events.reached() == [("r", "t")]
    events.refused("ResourceNotFoundException", "EnableRule", Name="x")


def test_rules_are_found_by_their_targets(events):
    """In pages."""
    for name in ("b", "a", "c"):
        events.rule(name)
    arn = f"arn:aws:sqs:{REGION}:{OWNER}:q"
    first = events("ListRuleNamesByTarget", TargetArn=arn, Limit=2)
    assert first["RuleNames"] == ["a", "b"]
    token = first["NextToken"]
    rest = events("ListRuleNamesByTarget", TargetArn=arn, Limit=2, NextToken=token)
    assert rest == {"RuleNames": ["c"]}
    assert events("ListRuleNamesByTarget", TargetArn=f"{arn}2") == {"RuleNames": []}
    events.refused("ValidationException", "ListRules", NextToken=token)


def test_an_event_is_tested_against_a_pattern(events):
    """It must be an event; what is no pattern is refused as PutRule refuses it."""
    test = {"EventPattern": PATTERN_TEXT}
    assert events("TestEventPattern", **test, Event=json.dumps(EVENT)) == {"Result": True}
    other = json.dumps({**EVENT, "source": "x"})
    assert events("TestEventPattern", **test, Event=other) == {"Result": False}
    wrong = {"EventPattern": "[]", "Event": json.dumps(EVENT)}
    events.refused("InvalidEventPatternException", "TestEventPattern", **wrong)


@pytest.mark.parametrize(
    "event",
    ["text", "[]", '{"a": NaN}', '{"a": 1e999}', "{}",
     json.dumps({name: value for name, value in EVENT.items() if name != "account"})],
)  # fmt: skip
def test_what_is_no_event_is_not_tested(events, event):
    """The members that every event has are asked for."""
    test = {"EventPattern": PATTERN_TEXT, "Event": event}
    message = events.refused("ValidationException", "TestEventPattern", **test)
    assert message == "Parameter Event is not valid."


def test_buses_of_other_accounts_take_no_rules_here(events):
    """Not simulated."""
    other = f"arn:aws:events:{REGION}:444455556666:event-bus/default"
    put = {"Name": "r", "EventPattern": PATTERN_TEXT, "EventBusName": other}
    assert "another account" in events.refused("NotImplemented", "PutRule", **put)


@pytest.mark.parametrize(
    "operation", ["ListArchives", "ListReplays", "ListConnections", "ListApiDestinations",
                  "ListEndpoints", "ListEventSources"]
)  # fmt: skip
def test_archives_connections_endpoints_and_partners_are_not_simulated(events, operation):
    """Refused by name."""
    assert f"events:{operation} is not simulated" in events.refused("NotImplemented", operation)
