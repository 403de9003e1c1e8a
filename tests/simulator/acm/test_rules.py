"""ACM's rules by date."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pkilab.simulator.acm import rules

# Each rule, the last day without it, and what holds on that day and on the next.
CHANGES = [
    ("methods", "2017-11-20", ("EMAIL",), ("EMAIL", "DNS")),
    ("private", "2018-04-03", False, True),
    ("transparency", "2018-04-23", "never", "unless opted out"),
    ("events", "2021-03-02", (), (rules.APPROACHING,)),
    ("key_algorithms", "2022-11-07", ("RSA_2048",), ("RSA_2048", "EC_prime256v1", "EC_secp384r1")),
    ("client_authentication", "2025-06-10", True, False),
    ("export", "2025-06-16", False, True),
    ("droppable", "2025-10-21", (), ("clientAuth",)),
    ("lifetime", "2026-02-17", timedelta(days=395), timedelta(days=198)),
    ("renewal", "2026-02-17", timedelta(days=60), timedelta(days=45)),
    ("droppable", "2026-04-02", ("clientAuth",), ("clientAuth", "keyEncipherment of ECDSA")),
    ("transparency", "2026-05-31", "unless opted out", "always"),
    ("origins", "2026-06-17", False, True),
]


@pytest.mark.parametrize(("rule", "day", "before", "after"), CHANGES)
def test_a_rule_changes_at_midnight(rule, day, before, after):
    """Not a second earlier."""
    last = datetime.fromisoformat(f"{day}T23:59:59+00:00")
    assert getattr(rules.at(last), rule) == before
    assert getattr(rules.at(last + timedelta(seconds=1)), rule) == after


def test_what_is_sent_grew_over_the_years():
    """Each kind of event has its first day."""
    sent = [len(rules.at(datetime(year, 12, 31, tzinfo=UTC)).events) for year in range(2020, 2027)]
    assert sent == [0, 1, 4, 4, 4, 5, 5]


def test_days_are_those_of_utc():
    """Whatever zone a moment is written in."""
    east = timezone(timedelta(hours=9))
    assert rules.at(datetime(2026, 2, 18, 8, tzinfo=east)).lifetime == timedelta(days=395)
    assert rules.at(datetime(2026, 2, 18, 9, tzinfo=east)).lifetime == timedelta(days=198)


def test_equal_times_have_one_table_of_rules():
    """It is made once for each line."""
    assert rules.at(datetime(2026, 7, 1, tzinfo=UTC)) is rules.at(datetime(2030, 1, 1, tzinfo=UTC))
