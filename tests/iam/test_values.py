"""Values of conditions that are not text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.iam import values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970", 0),
        ("1970-02", 31 * 86400),
        ("1970-01-02", 86400),
        ("1970-01-01T00:01Z", 60),
        ("1970-01-01T00:00:01Z", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00+0100", 0),
        ("1767603600", 1767603600),
        ("-1", -1),
    ],
)
def test_a_date_is_one_of_the_w3cs_forms_or_seconds(text, seconds):
    """IAM User Guide, "Date condition operators": W3C NOTE-datetime, or epoch time."""
    assert values.moment(text) == seconds


@pytest.mark.parametrize("text", ["", "1970-13", "1970-1-1", "1970-01-01T00:00", "now", "1e9999"])
def test_other_texts_are_no_dates(text):
    """A time needs its zone."""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever strptime says
        values.moment(text)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_date_as_python_writes_it_is_read(when):
    """To the microsecond, which a float could not."""
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    micros = (since.days * 86400 + since.seconds) * 10**6 + since.microseconds
    assert values.moment(when.isoformat()) * 10**6 == micros


@pytest.mark.parametrize("text", ["\u0661", "1_000", "0x1", "NaN", "Infinity", " 1", ""])
def test_python_reads_more_numbers_than_aws(text):
    """Those are refused."""
    with pytest.raises(ValueError):  # noqa: PT011 - the number
        values.number(text)


def test_numbers_are_exact():
    """Tenths, too."""
    assert values.number("0.1") + values.number("0.2") == values.number("0.3")
