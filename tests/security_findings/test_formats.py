import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.security_findings.formats import moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2019-01-31T23:00:00Z", 0),
        ("2019-01-31T23:00:00.123456789Z", 0.123456),
        ("2019-02-01T16:59:00+17:59", 0),
        ("2019-01-31T05:01:00-1759", 0),
        ("2019-02-01T17:00:00+18", 0),
    ],
)
def test_the_times_of_awss_list_are_read(text, seconds):
    """API Reference, AwsSecurityFinding.CreatedAt."""
    start = datetime(2019, 1, 31, 23, tzinfo=UTC)
    assert moment(text) == start + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "2019-01-31T23:00:00", "2019-01-31", "31.1.2019", "2019-13-01T00:00:00Z", "",
        "2019-01-31T23:00:00+19:00", "2019-01-31T23:00:00.1234567890Z", "2019-01-31 23:00:00Z",
        "\u0662019-01-31T23:00:00Z", "2019-01-31T23:00:00Z\n", "2019-01-31T23:00:00+18:01",
    ],
)  # fmt: skip
def test_what_has_no_zone_or_is_no_time_is_refused(text):
    with pytest.raises(MalformedError, match="RFC 3339"):
        moment(text)


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    st.integers(-18 * 60, 18 * 60),
)
def test_a_time_that_python_writes_is_read_back(when, minutes):
    aware = when.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(aware.isoformat()) == aware


@given(st.text(max_size=40))
def test_only_the_declared_error_leaves(text):
    with contextlib.suppress(MalformedError):
        moment(text)
