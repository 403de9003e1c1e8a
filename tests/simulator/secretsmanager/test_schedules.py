"""Rotation windows, held against a calendar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.secretsmanager.schedules import read_schedule
from pkilab.simulator.service import AwsError

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("rules", "opens", "closes"),
    [
        ({"AutomaticallyAfterDays": 30}, "2026-12-02T00:00:00", "2026-12-02T23:59:59"),
        ({"ScheduleExpression": "rate(10 days)"}, "2026-11-12T00:00:00", "2026-11-12T23:59:59"),
        ({"ScheduleExpression": "rate(4 hours)"}, "2026-11-02T13:00:00", "2026-11-02T14:00:00"),
        # The examples of the User Guide's page on schedule expressions.
        ({"ScheduleExpression": "cron(0 /8 * * ? *)"}, "2026-11-02T16:00:00",
         "2026-11-02T23:59:59"),
        ({"ScheduleExpression": "cron(0 8 * * ? *)"}, "2026-11-03T08:00:00", "2026-11-03T23:59:59"),
        ({"ScheduleExpression": "cron(0 10 * * ? *)", "Duration": "2h"},
         "2026-11-02T10:00:00", "2026-11-02T12:00:00"),
        ({"ScheduleExpression": "cron(0 18 ? * SUN *)"}, "2026-11-08T18:00:00",
         "2026-11-08T23:59:59"),
        ({"ScheduleExpression": "cron(0 0 1 */3 ? *)"}, "2027-01-01T00:00:00",
         "2027-01-01T23:59:59"),
        ({"ScheduleExpression": "cron(0 17 ? * SAT#1 *)"}, "2026-11-07T17:00:00",
         "2026-11-07T23:59:59"),
        ({"ScheduleExpression": "cron(0 10 L * ? *)"}, "2026-11-30T10:00:00",
         "2026-11-30T23:59:59"),
        ({"ScheduleExpression": "cron(0 9 ? * 2L *)"}, "2026-11-30T09:00:00",
         "2026-11-30T23:59:59"),
    ],
)  # fmt: skip
def test_windows_open_when_the_guide_says(rules, opens, closes):
    """At midnight for days, on the hour for hours, and as a cron() names it."""
    window = read_schedule(rules).after(NOW)
    assert [f"{each:%Y-%m-%dT%H:%M:%S}" for each in (window.opens, window.closes)] == [
        opens,
        closes,
    ]


def test_a_schedule_that_is_over_has_no_window():
    """A year that has passed."""
    assert read_schedule({"ScheduleExpression": "cron(0 8 1 1 ? 2025)"}).after(NOW) is None


@pytest.mark.parametrize(
    "expression",
    ["", "rate(0 days)", "rate(3 hours)", "rate(1000 days)", "rate(5 minutes)", "cron(0 8 * * * *)",
     "cron(0 8 ? * ? *)", "cron(30 8 * * ? *)", "cron(0 25 * * ? *)", "cron(0 8 15W * ? *)",
     "cron(0 8 ? * MON#6 *)", "cron(0 8 * FOO ? *)", "cron(0 8-4 * * ? *)", "cron(0 8/0 * * ? *)"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(expression):
    """In Secrets Manager's own error."""
    with pytest.raises(AwsError, match="InvalidParameterException"):
        read_schedule({"ScheduleExpression": expression, "Duration": "1h"})


@given(st.text("0123456789?*/-,#LWMONSUNcronrate() ", max_size=30))
def test_only_declared_errors_leave(text):
    """Whatever the expression."""
    for expression in (text, f"cron({text})", f"rate({text})"):
        try:
            schedule = read_schedule({"ScheduleExpression": expression})
        except AwsError as refused:
            assert refused.code == "InvalidParameterException"
        else:
            window = schedule.after(NOW) if schedule else None
            assert window is None or NOW < window.opens < window.closes


@given(hours=st.sets(st.integers(0, 23), min_size=1), days=st.sets(st.integers(1, 31), min_size=1))
def test_a_cron_names_every_hour_and_day_that_a_calendar_has(hours, days):
    """Counted hour by hour, without looking ahead."""
    expression = f"cron(0 {','.join(map(str, hours))} {','.join(map(str, days))} * ? *)"
    moment = NOW.replace(minute=0) + timedelta(hours=1)
    while not (moment.hour in hours and moment.day in days):
        moment += timedelta(hours=1)
    assert read_schedule({"ScheduleExpression": expression}).after(NOW).opens == moment
