from datetime import UTC, datetime, timedelta

import pytest

from pkilab.errors import MalformedError
from pkilab.security_findings import Ceremony, Watch

START = datetime(2026, 3, 4, 9, tzinfo=UTC)
CEREMONY = Ceremony(START, START + timedelta(hours=3))


def test_a_ceremony_holds_its_start_and_not_its_end():
    assert START in CEREMONY
    assert CEREMONY.end - timedelta(microseconds=1) in CEREMONY
    assert CEREMONY.end not in CEREMONY
    assert START - timedelta(seconds=1) not in CEREMONY


def test_a_ceremony_is_written_and_read_as_an_interval():
    assert Ceremony.parse(str(CEREMONY)) == CEREMONY
    assert Ceremony.parse(" 2026-03-04T10:00:00+01:00/2026-03-04T12:00:00Z ") == CEREMONY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow", "START/END"),
        ("2026-03-04T09:00:00Z/tomorrow", "RFC 3339"),
        ("2026-03-04T09:00:00/2026-03-04T12:00:00Z", "RFC 3339"),
        ("2026-03-04T12:00:00Z/2026-03-04T12:00:00Z", "an end after the start"),
    ],
)
def test_what_is_no_interval_is_refused(text, expected):
    with pytest.raises(MalformedError, match=expected):
        Ceremony.parse(text)


def test_a_ceremony_without_a_zone_is_refused():
    with pytest.raises(MalformedError, match="with a zone"):
        Ceremony(START.replace(tzinfo=None), CEREMONY.end)


@pytest.mark.parametrize(
    ("ceremonies", "when", "label", "alarm"),
    [
        ((), START, "MEDIUM", False),
        ((CEREMONY,), START, "INFORMATIONAL", False),
        ((CEREMONY,), CEREMONY.end, "HIGH", True),
        ((CEREMONY,), START - timedelta(hours=8), "HIGH", True),
    ],
)
def test_use_is_quiet_in_a_ceremony_and_an_alarm_at_night(ceremonies, when, label, alarm):
    watch = Watch(ceremonies=ceremonies)
    assert (watch.label_at(when), watch.is_alarm(when)) == (label, alarm)


def test_no_authorities_are_all_authorities():
    assert Watch().covers("any")
    assert not Watch(frozenset({"one"})).covers("any")


def test_a_watch_is_read_from_variables():
    found = Watch.from_environment(
        {
            "AUTHORITIES": "arn:a, arn:b",
            "CEREMONIES": f"{CEREMONY}, {CEREMONY}",
            "USE_SEVERITY": "LOW",
            "ALARM_SEVERITY": "",
            "OTHER": "x",
        }
    )
    assert found == Watch(frozenset({"arn:a", "arn:b"}), (CEREMONY, CEREMONY), "LOW", "HIGH")
    assert Watch.from_environment({}) == Watch()


def test_a_wrong_variable_is_named():
    with pytest.raises(MalformedError, match="USE_SEVERITY: found 'BAD', expected INFORMATIONAL"):
        Watch.from_environment({"USE_SEVERITY": "BAD"})
