"""Timestamps of findings."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.securityhub import moments


@pytest.mark.parametrize(
    "text",
    [
        # The formats that the API Reference lists.
        "2019-01-31T23:00:00Z",
        "2019-01-31T23:00:00.123456789Z",
        "2024-01-04T15:25:10+17:59",
        "2024-01-04T15:25:10-1759",
        "2024-01-04T15:25:10.123456789+17:59",
        "2024-01-04T15:25:10+18",
        "2016-12-31t23:59:60z",
    ],
)
def test_awss_examples_are_timestamps(text):
    """With Z or an offset, its minutes with a colon or without, or not at all."""
    assert moments.parse(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-02",
        "2026-11-02T09:00:00",  # what datetime.isoformat() gives without a zone
        "2026-11-02 09:00:00Z",
        "2026-11-02T09:00:00+18:01",
        "2026-11-02T09:00:00+01:60",
        "2026-11-02T09:00:00.1234567890Z",
        "2026-02-30T09:00:00Z",
        "2026-13-01T09:00:00Z",
        "2026-11-02T25:00:00Z",
        "0000-01-01T00:00:00Z",
        "\u0662026-11-02T09:00:00Z",
        "2026-11-02T09:00:00Z\n",
    ],
)
def test_what_has_no_zone_or_no_such_day_is_no_timestamp(text):
    """Nor is one with a longer fraction or a further offset than the service takes."""
    assert moments.parse(text) is None


def test_moments_are_compared_to_the_nanosecond_whatever_their_zone():
    """The same moment in two zones is one; a nanosecond more is later."""
    utc = moments.parse("2026-11-02T09:00:00Z")
    assert moments.parse("2026-11-02T10:00:00+01:00") == utc
    assert moments.parse("2026-11-02T03:30:00-0530") == utc
    assert moments.parse("2026-11-02T09:00:00.000000001Z") == utc + 1
    assert moments.parse("2016-12-31T23:59:60Z") == moments.parse("2017-01-01T00:00:00Z")


@given(
    st.timedeltas(timedelta(0), timedelta(days=100_000)), st.integers(-18 * 60, 18 * 60)
)  # fmt: skip
def test_what_python_writes_is_read_as_python_means_it(passed, minutes):
    """Against datetime's own writer and arithmetic."""
    zone = timezone(timedelta(minutes=minutes))
    aware = datetime(1900, 1, 2, tzinfo=UTC).astimezone(zone) + passed
    expected = moments.nanoseconds(aware)
    assert moments.parse(aware.isoformat()) == expected
    assert moments.parse(moments.written(aware)) == expected // 1_000_000 * 1_000_000


@given(st.text())
def test_any_text_is_a_timestamp_or_none(text):
    """No error leaves."""
    found = moments.parse(text)
    assert found is None or isinstance(found, int)


def test_the_service_writes_milliseconds_and_z():
    """As findings have their ProcessedAt."""
    assert moments.written(datetime(2026, 11, 2, 9, tzinfo=UTC)) == "2026-11-02T09:00:00.000Z"
