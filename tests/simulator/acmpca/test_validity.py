from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.acmpca.validity import dates
from pkilab.simulator.service import AwsError

NOW = datetime(2026, 1, 31, 9, 30, 15, 500_000, tzinfo=UTC)
KINDS = ["END_DATE", "ABSOLUTE", "DAYS", "MONTHS", "YEARS"]


def end(kind, value, now=NOW):
    """NotAfter of a certificate issued at ``now``."""
    return dates({"Type": kind, "Value": value}, None, now)[1]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("DAYS", 1, "2026-02-01 09:30:15"),
        ("DAYS", 365, "2027-01-31 09:30:15"),
        ("MONTHS", 1, "2026-02-28 09:30:15"),
        ("MONTHS", 12, "2027-01-31 09:30:15"),
        ("MONTHS", 25, "2028-02-29 09:30:15"),
        ("YEARS", 10, "2036-01-31 09:30:15"),
        ("YEARS", 7000, "9026-01-31 09:30:15"),
        ("ABSOLUTE", 1_800_000_000, "2027-01-15 08:00:00"),
        ("END_DATE", 491231235959, "2049-12-31 23:59:59"),
        ("END_DATE", 20501231235959, "2050-12-31 23:59:59"),
        ("END_DATE", 20260131093016, "2026-01-31 09:30:16"),
    ],
)
def test_each_type_of_validity_gives_its_date(kind, value, expected):
    assert end(kind, value) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("END_DATE", 501231235959),  # 1950
        ("END_DATE", 80101000000),  # 2008, the leading zero lost
        ("END_DATE", 20260131093015),  # now
        ("END_DATE", 20261331000000),
        ("END_DATE", 2026013109301),
        ("END_DATE", 202601310930159),
        ("ABSOLUTE", 1),
        ("ABSOLUTE", 2**63 - 1),
        ("DAYS", 2**63 - 1),
        ("MONTHS", 2**63 - 1),
        ("YEARS", 8000),
    ],
)
def test_a_date_that_is_none_or_has_passed_is_refused(kind, value):
    with pytest.raises(AwsError) as caught:
        end(kind, value)
    assert caught.value.code == "InvalidArgsException"


def test_a_leap_day_ends_on_the_28th_of_another_year():
    assert end("YEARS", 1, datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2029, 2, 28, tzinfo=UTC)


def test_not_before_is_an_hour_before_issuance_and_not_after_does_not_count_from_it():
    start, stop = dates({"Type": "DAYS", "Value": 7}, None, NOW)
    assert start == NOW.replace(microsecond=0) - timedelta(hours=1)
    assert stop - start == timedelta(days=7, hours=1)
    own = {"Type": "ABSOLUTE", "Value": 1_700_000_000}
    start, later = dates({"Type": "DAYS", "Value": 7}, own, NOW)
    assert start == datetime.fromtimestamp(1_700_000_000, UTC)
    assert later == stop


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ABSOLUTE"])
def test_not_before_must_be_absolute(kind):
    with pytest.raises(AwsError, match="ABSOLUTE"):
        dates({"Type": "DAYS", "Value": 7}, {"Type": kind, "Value": 20251231000000}, NOW)


def test_not_before_must_come_before_not_after():
    late = {"Type": "ABSOLUTE", "Value": 1_900_000_000}
    with pytest.raises(AwsError, match="after its start"):
        dates({"Type": "DAYS", "Value": 7}, late, NOW)


@given(
    st.sampled_from(KINDS),
    st.integers(1, 2**63 - 1),
    st.none() | st.tuples(st.sampled_from(KINDS), st.integers(1, 2**63 - 1)),
)
def test_whatever_is_asked_for_gives_ordered_whole_seconds_or_a_refusal(kind, value, before):
    before = before and {"Type": before[0], "Value": before[1]}
    try:
        start, stop = dates({"Type": kind, "Value": value}, before, NOW)
    except AwsError as error:
        assert error.code == "InvalidArgsException"
    else:
        assert start < stop
        assert stop > NOW.replace(microsecond=0)
        assert start.microsecond == stop.microsecond == 0
