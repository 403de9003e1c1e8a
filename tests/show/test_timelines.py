from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.show import Mark, Period, timeline
from pkilab.show.timelines import _ticks

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(1950, 1, 1))  # noqa: DTZ001 - hypothesis wants it naive


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own output, whose form is the question


def day(number: float) -> datetime:
    return START + timedelta(days=number)


CA = Period("ca", day(0), day(3650))


def test_a_leaf_that_outlives_its_ca_is_told_so() -> None:
    shown = timeline([CA, Period("leaf", day(3600), day(3700), issuer="ca")])
    assert "outlives its issuer by 50 days" in repr(shown)
    assert "outlives its issuer by 50 days" in shown.svg
    assert "╍" in repr(shown)


def test_a_leaf_that_ends_with_its_ca_is_not() -> None:
    shown = timeline([CA, Period("leaf", day(3600), day(3650), issuer="ca")])
    assert "outlives" not in repr(shown) + shown.svg
    assert "╍" not in repr(shown)


@pytest.mark.parametrize(
    ("now", "status"),
    [(-1.0, "NOT YET VALID"), (0.0, "VALID"), (90.0, "VALID"), (90.1, "EXPIRED")],
)
def test_the_status_follows_from_now(now: float, status: str) -> None:
    shown = timeline([Period("leaf", day(0), day(90))], now=day(now))
    assert repr(shown).splitlines()[1].endswith(f"; {status}")
    assert f">{status}<" in shown.svg


def test_a_known_status_wins_over_the_dates() -> None:
    shown = timeline([Period("leaf", day(0), day(90), status="REVOKED")], now=day(1))
    assert "REVOKED" in repr(shown)
    assert "VALID" not in repr(shown)


def test_marks_and_now_are_drawn_where_they_belong() -> None:
    marked = Period("leaf", day(0), day(100), marks=(Mark(day(50), "key lost", "REVOKED"),))
    shown = timeline([marked], now=day(100))
    assert "key lost, 2026-02-20 00:00 UTC" in shown.svg
    bar, now = repr(shown).splitlines()[1:]
    assert bar.index("◆") == 6 + round(47 * 0.5)
    assert now.index("↑") == 6 + 47


@given(st.lists(st.tuples(st.text(max_size=50), moments, moments), min_size=1, max_size=6), moments)
def test_any_periods_make_a_well_formed_picture(
    rows: list[tuple[str, datetime, datetime]], now: datetime
) -> None:
    periods = [Period(name, min(times), max(times)) for name, *times in rows]
    once, twice = timeline(periods, now=now), timeline(periods, now=now)
    assert once.svg == twice.svg
    assert len(list(parse(once.svg).iter(f"{SVG}rect"))) >= 1 + len(periods)
    assert repr(once) == repr(twice)


@given(moments, moments)
def test_ticks_are_few_in_order_and_inside(one: datetime, other: datetime) -> None:
    start, end = sorted((one, other))
    ticks = [when for when, _ in _ticks(start, end)]
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= 11
    assert all(start <= tick <= end for tick in ticks)


def test_a_hostile_label_stays_text() -> None:
    shown = timeline([Period("<script>alert(1)</script>", day(0), day(1))])
    assert "<script" not in shown.svg
    assert "<script>alert(1)</script>" in "".join(parse(shown.svg).itertext())


def test_nothing_to_show_is_malformed() -> None:
    with pytest.raises(MalformedError, match="found no period, expected at least one"):
        timeline([])
