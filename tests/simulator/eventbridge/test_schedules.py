"""Schedules of rules."""

from datetime import UTC, datetime, timedelta

import pytest

from pkilab.simulator.eventbridge.schedules import read_schedule
from pkilab.simulator.service import AwsError
from tests.simulator.eventbridge.conftest import OWNER, REGION, queue

START = datetime(2026, 1, 5, 9, 0, 30, tzinfo=UTC)  # a Monday


def moments(expression, count=3, after=START):
    """Return the first moments of a schedule."""
    found = []
    while len(found) < count and after is not None:
        after = read_schedule(expression).following(after)
        found.append(after and f"{after:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(5 minutes)", ["2026-01-05 09:05", "2026-01-05 09:10", "2026-01-05 09:15"]),
        ("rate(1 day)", ["2026-01-06 09:00", "2026-01-07 09:00", "2026-01-08 09:00"]),
        # User Guide, "Cron expressions", its table of examples.
        ("cron(0 10 * * ? *)", ["2026-01-05 10:00", "2026-01-06 10:00", "2026-01-07 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-01-05 12:15", "2026-01-06 12:15", "2026-01-07 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-01-05 18:00", "2026-01-06 18:00", "2026-01-07 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-02-01 08:00", "2026-03-01 08:00", "2026-04-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-01-05 09:15", "2026-01-05 09:30", "2026-01-05 09:45"]),
        ("cron(0/10 * ? * MON-FRI *)", ["2026-01-05 09:10", "2026-01-05 09:20",
                                        "2026-01-05 09:30"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-01-05 09:05", "2026-01-05 09:10",
                                          "2026-01-05 09:15"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-02-02 09:00", "2026-03-02 09:00", "2026-04-06 09:00"]),
        ("cron(0 0 L * ? *)", ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"]),
        ("cron(0 0 ? * 6L *)", ["2026-01-30 00:00", "2026-02-27 00:00", "2026-03-27 00:00"]),
        ("cron(0 0 31W * ? *)", ["2026-01-30 00:00", "2026-03-31 00:00", "2026-05-29 00:00"]),
        ("cron(0 0 1W FEB ? *)", ["2026-02-02 00:00", "2027-02-01 00:00", "2028-02-01 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(0 0 1 1 ? 2027,2029)", ["2027-01-01 00:00", "2029-01-01 00:00", None]),
        ("cron(0 0 ? * L *)", ["2026-01-10 00:00", "2026-01-17 00:00", "2026-01-24 00:00"]),
        ("cron(0 0 30 2 ? *)", [None]),
    ],
)  # fmt: skip
def test_schedules_fall_due_when_they_say(expression, expected):
    """In UTC, on the minute."""
    assert moments(expression, len(expected)) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "", "rate(5)", "rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(-1 days)",
        "rate(999999999 days)x", "cron()", "at(2026-01-01T00:00:00)",
        # as recorded in localstack/localstack
        "cron(INVALID)", "cron(0 dummy ? * MON-FRI *)", "cron(7 20 * * NOT *)",
        "cron(71 8 1 * ? *)", "cron(0 1 * * * *)",
        "cron(0 0 ? * ? *)", "cron(5-1 * * * ? *)", "cron(0/0 * * * ? *)", "cron(0 0 ? * 2#6 *)",
        "cron(0 0 0 * ? *)", "cron(0 24 * * ? *)", "cron(0 0 * 13 ? *)", "cron(0 0 * * ? 2200)",
        "cron(², * * * ? *)",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(expression):
    """In EventBridge's sentence."""
    with pytest.raises(AwsError) as refused:
        read_schedule(expression)
    assert refused.value.message == "Parameter ScheduleExpression is not valid."


def schedule(events, expression="rate(1 hour)", name="r", **members):
    """Put a rule with a schedule."""
    events("PutRule", Name=name, ScheduleExpression=expression, **members)
    events("PutTargets", Rule=name, Targets=[queue("t")])


def test_a_rule_with_a_schedule_sends_when_it_falls_due(events):
    """An event of its own, on the lab's clock."""
    schedule(events)
    begun = events.world.clock.now()
    events.world.clock.advance(minutes=59)
    assert events.sent == []
    events.world.clock.advance(hours=2)
    assert [name for name, _, _ in events.sent] == ["r", "r"]
    event = events.sent[0][2]
    due = begun + timedelta(hours=1)
    assert {**event, "id": ""} == {
        "version": "0", "id": "", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": OWNER, "time": f"{due:%Y-%m-%dT%H:%M:%SZ}", "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{OWNER}:rule/r"], "detail": {},
    }  # fmt: skip
    assert event["id"] != events.sent[1][2]["id"]


def test_a_disabled_deleted_or_changed_rule_does_not_fall_due(events):
    """A rule that is enabled again goes on."""
    schedule(events)
    events("DisableRule", Name="r")
    events.world.clock.advance(hours=2)
    assert events.reached() == []
    events("EnableRule", Name="r")
    events.world.clock.advance(hours=1)
    assert len(events.reached()) == 1
    schedule(events, "rate(1 day)")
    events.world.clock.advance(hours=23)
    assert events.reached() == []
    events.world.clock.advance(hours=1)
    assert len(events.reached()) == 1
    events("RemoveTargets", Rule="r", Ids=["t"])
    events("DeleteRule", Name="r")
    events.world.clock.advance(days=3)
    assert events.reached() == []


def test_a_schedule_is_for_the_default_bus(events):
    """In EventBridge's sentence."""
    events("CreateEventBus", Name="b")
    put = {"Name": "r", "ScheduleExpression": "rate(1 day)", "EventBusName": "b"}
    message = events.refused("ValidationException", "PutRule", **put)
    assert message == "ScheduleExpression is supported only on the default event bus."
