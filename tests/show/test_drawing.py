from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from pkilab.show import drawing


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own output, whose form is the question


@given(st.text())
def test_any_text_becomes_well_formed_markup_that_shows_it(text: str) -> None:
    svg = drawing.picture(10, 10, text, text, drawing.label(0, 0, text))
    assert "".join(parse(svg).itertext()).count(drawing.clean(text)) >= 3
    assert "<script" not in drawing.html(drawing.element("div", {"title": text}, text)).lower()


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert drawing.clean(drawing.clean(text)) == drawing.clean(text)


def test_a_direction_override_becomes_visible_and_an_accent_stays() -> None:
    assert drawing.clean("moc\u202eelpmaxe\0 é") == "moc\\u202eelpmaxe\\u0000 é"


@given(st.text(), st.floats(30, 400), st.integers(1, 4))
def test_fitted_lines_are_within_their_width_and_number(
    text: str, width: float, lines: int
) -> None:
    made = drawing.fit(text, width, 12, lines=lines)
    assert 1 <= len(made) <= lines
    assert all(drawing.text_width(line, 12) <= width for line in made)


@given(st.text(alphabet="abc -._/:", max_size=60))
def test_a_text_that_fits_is_whole(text: str) -> None:
    made = drawing.fit(text, 200, 12, lines=99)
    assert "".join("".join(made).split()) == "".join(text.split())


def test_a_long_text_ends_in_an_ellipsis() -> None:
    assert drawing.fit("a" * 500, 100, 12, lines=2)[-1].endswith("…")


def test_moments_are_utc_whatever_their_zone() -> None:
    paris = timezone(timedelta(hours=2))
    assert drawing.moment(datetime(2026, 7, 1, 2, 0, 5, tzinfo=paris)) == "2026-07-01 00:00:05 UTC"
    assert drawing.moment(datetime(2026, 7, 1, 2, tzinfo=UTC)) == "2026-07-01 02:00 UTC"


def test_lengths_are_in_the_largest_unit_that_says_something() -> None:
    assert drawing.length(timedelta(days=3650)) == "3,650 days"
    assert drawing.length(timedelta(hours=24)) == "1 day"
    assert drawing.length(timedelta(minutes=90)) == "1.5 hours"
    assert drawing.length(timedelta(seconds=5)) == "5 seconds"


def test_every_tone_has_a_contrast_of_4_5_on_its_panel() -> None:
    """WCAG 2.2, 1.4.3; the relative luminance is its definition's."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(one: str, other: str) -> float:
        low, high = sorted(map(luminance, (one, other)))
        return (high + 0.05) / (low + 0.05)

    assert contrast("#ffffff", "#000000") == 21
    for tone in (drawing.tone_of(word) for word in (*drawing._TONES, None)):
        assert contrast(tone.light, "#f6f8fa") >= 4.5
        assert contrast(tone.dark, "#161b22") >= 4.5


def test_statuses_of_different_colour_have_different_shapes() -> None:
    tones = {tone.name: tone for tone in drawing._TONES.values()}
    assert len({tone.shape for tone in tones.values()}) == len(tones)
    assert drawing.tone_of("revoked") == drawing.BAD
    assert drawing.tone_of("never heard of") == drawing.PLAIN
