"""Validity periods on one time axis: who may still vouch for whom, and when that ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pkilab.errors import MalformedError
from pkilab.show import drawing
from pkilab.show.drawing import BAD, PLAIN, Element, Tone, label, tone_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment in a period. ``status`` (``REVOKED`` ...) gives it a colour and a shape."""

    when: datetime
    label: str
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """How long a certificate is valid.

    Attributes:
        label: whose it is.
        not_before, not_after: aware times, both inclusive (RFC 5280, 4.1.2.5).
        issuer: the label of the period of the CA that issued it, or None.
        status: a word that overrides what the dates say at ``now`` (``REVOKED``), or None.
        marks: moments to point at.
    """

    label: str
    not_before: datetime
    not_after: datetime
    issuer: str | None = None
    status: str | None = None
    marks: tuple[Mark, ...] = ()


def timeline(
    periods: Iterable[Period],
    *,
    now: datetime | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Timeline:
    """Show periods one below the other.

    Args:
        periods: at least one, in the order to show.
        now: drawn as a line; decides what is valid, expired or not yet valid.
        start: where the axis begins; with the first period if left out.
        end: where it ends; with the last one.

    A period that lasts longer than its issuer's is marked so: AWS Private CA refuses to issue one,
    and elsewhere its end is worth nothing once the issuer has expired.

    Raises:
        MalformedError: no period at all.
    """
    shown = tuple(periods)
    if not shown:
        raise MalformedError("timeline", found="no period", expected="at least one")
    moments = [when for each in shown for when in (each.not_before, each.not_after)]
    moments += [now] if now else []
    return Timeline(shown, now, start or min(moments), end or max(moments))


@dataclass(frozen=True, slots=True, repr=False)
class Timeline:
    """Periods on an axis: in a notebook a picture, in a terminal bars of text."""

    periods: tuple[Period, ...]
    now: datetime | None
    start: datetime
    end: datetime

    def __repr__(self) -> str:
        wide = max(len(drawing.clean(each.label)) for each in self.periods)
        lines = [f"{'':<{wide}}  {drawing.period(self.start, self.end)}"]
        for each in self.periods:
            name = drawing.clean(each.label).ljust(wide)
            lines.append(f"{name}  {self._bar(each)}  {'; '.join(self._words(each))}")
        if self.now:
            lines.append(f"{'':<{wide}}  {self._pointer(self.now)} now, {drawing.moment(self.now)}")
        return "\n".join(lines)

    def _repr_svg_(self) -> str:
        return self.svg

    @property
    def svg(self) -> str:
        """The picture: the same bytes for the same periods."""
        y, rows = float(_TOP + 14), list[Element]()
        for each in self.periods:
            rows += self._row(each, y)
            y += _row_height(each, self._late(each))
        bottom = y - 4
        grid = [part for when, text in _ticks(self.start, self.end)
                for part in self._tick(when, text, bottom)]  # fmt: skip
        return drawing.picture(
            _LEFT + _PLOT + _MARGIN,
            bottom + (34 if self.now else 14),
            f"{len(self.periods)} validity periods",
            repr(self),
            *grid,
            *(self._now_line(self.now, bottom) if self.now else []),
            *rows,
        )

    def _x(self, when: datetime) -> float:
        span = (self.end - self.start) or timedelta(seconds=1)
        return _LEFT + _PLOT * min(max((when - self.start) / span, 0.0), 1.0)

    def _status(self, each: Period) -> str | None:
        if each.status or not self.now:
            return each.status
        if self.now < each.not_before:
            return "NOT YET VALID"
        return "EXPIRED" if self.now > each.not_after else "VALID"

    def _late(self, each: Period) -> timedelta | None:
        """How much longer it lasts than its issuer, if it does."""
        ends = [other.not_after for other in self.periods if other.label == each.issuer]
        return each.not_after - max(ends) if ends and each.not_after > max(ends) else None

    def _words(self, each: Period) -> Iterator[str]:
        dates = drawing.period(each.not_before, each.not_after)
        yield f"{dates} ({drawing.length(each.not_after - each.not_before)})"
        if status := self._status(each):
            yield status
        if late := self._late(each):
            yield f"outlives its issuer by {drawing.length(late)}"
        for mark in each.marks:
            yield f"{drawing.clean(mark.label)} {drawing.moment(mark.when)}"

    # ------------------------------------------------------------------------------------ picture

    def _tick(self, when: datetime, text: str, bottom: float) -> list[Element]:
        x = self._x(when)
        rightmost = _LEFT + _PLOT + _MARGIN - 6 - drawing.text_width(text, 10) / 2
        return [
            drawing.line(f"M{x:g} {_TOP}V{bottom:g}", kind="grid", weight=1),
            label(min(x, rightmost), _TOP - 6, text, size=10, kind="quiet", anchor="middle"),
        ]

    def _now_line(self, now: datetime, bottom: float) -> list[Element]:
        text = f"now, {drawing.moment(now)}"
        x, half = self._x(now), drawing.text_width(text, 11, bold=True) / 2
        middle = min(max(x, _LEFT + half), _LEFT + _PLOT - half)
        return [
            drawing.line(f"M{x:g} {_TOP}V{bottom + 6:g}", dashed=True),
            label(middle, bottom + 20, text, size=11, bold=True, anchor="middle"),
        ]

    def _row(self, each: Period, y: float) -> Iterator[Element]:
        tone = tone_of(self._status(each))
        name = drawing.fit(each.label, _NAMES, 12, lines=1, bold=True)[0]
        named = label(_MARGIN, y + 11, name, size=12, bold=True)
        named.append(drawing.element("title", {}, each.label))
        yield named
        yield label(_MARGIN, y + 26, drawing.period(each.not_before, each.not_after),
                    size=10.5, kind="quiet")  # fmt: skip
        lasts = drawing.length(each.not_after - each.not_before)
        yield label(_MARGIN, y + 40, lasts, size=10.5, kind="quiet")
        if status := self._status(each):
            x = _MARGIN + drawing.text_width(lasts, 10.5) + 10
            yield drawing.mark(x, y + 31, tone, size=10)
            yield label(x + 14, y + 40, status, size=10, bold=True, tone=tone)
        yield from self._bars(each, y, tone)
        below = y + 30
        if late := self._late(each):
            text = f"outlives its issuer by {drawing.length(late)}"
            yield self._beside(each.not_after, below, text, BAD)
            below += 14
        for mark in each.marks:
            yield from self._marked(mark, y, below)
            below += 14

    def _bars(self, each: Period, y: float, tone: Tone) -> Iterator[Element]:
        late = self._late(each)
        begin, stop = self._x(each.not_before), self._x(each.not_after)
        honest = self._x(max(each.not_after - late, each.not_before)) if late else stop
        place = {"x": begin, "y": y, "width": max(honest - begin, 3.0), "height": 14, "rx": 3}
        bar = drawing.element("rect", place | drawing.tinge(tone, "fill") | {"opacity": 0.85})
        bar.append(drawing.element("title", {}, "; ".join(self._words(each))))
        yield bar
        if late:
            over = {"x": honest, "y": y + 0.75, "width": max(stop - honest, 3.0), "height": 12.5}
            dashes = {"fill": "none", "stroke-width": 1.5, "stroke-dasharray": "3 2"}
            yield drawing.element("rect", over | dashes | drawing.tinge(BAD, "stroke"))

    def _marked(self, mark: Mark, y: float, below: float) -> Iterator[Element]:
        tone, x = tone_of(mark.status), self._x(mark.when)
        yield drawing.line(f"M{x:g} {y - 3:g}V{y + 17:g}", kind="ink-line", weight=1.5)
        if tone is not PLAIN:
            yield drawing.element(
                "circle", {"cx": x, "cy": y + 7, "r": 8, **drawing.paint("panel")}
            )
            yield drawing.mark(x - 5, y + 2, tone, size=10)
        yield self._beside(mark.when, below, f"{mark.label}, {drawing.moment(mark.when)}", tone)

    def _beside(self, when: datetime, y: float, text: str, tone: Tone) -> Element:
        """A text below a moment, kept inside the plot."""
        half = drawing.text_width(text, 10.5) / 2
        x = min(max(self._x(when), _LEFT + half), _LEFT + _PLOT - half)
        return label(x, y, text, size=10.5, anchor="middle", tone=tone, halo=True)

    # --------------------------------------------------------------------------------------- text

    def _column(self, when: datetime) -> int:
        span = (self.end - self.start) or timedelta(seconds=1)
        return round((_TEXT - 1) * min(max((when - self.start) / span, 0.0), 1.0))

    def _bar(self, each: Period) -> str:
        first, last = self._column(each.not_before), self._column(each.not_after)
        late = self._late(each)
        honest = self._column(max(each.not_after - late, each.not_before)) if late else last
        bar = ["━" if at <= honest else "╍" for at in range(first, last + 1)]
        cells = ["·"] * first + bar + ["·"] * (_TEXT - 1 - last)
        for mark in each.marks:
            cells[self._column(mark.when)] = "◆"
        return "".join(cells)

    def _pointer(self, when: datetime) -> str:
        return " " * self._column(when) + "↑"


_MARGIN, _NAMES, _LEFT, _PLOT, _TOP, _TEXT = 20, 232, 276, 620, 40, 48


def _row_height(each: Period, late: timedelta | None) -> int:
    return max(54, 34 + 14 * (len(each.marks) + bool(late)))


# Steps of the axis: (months, time, how to write it).
_STEPS: tuple[tuple[int, timedelta, int, int], ...] = (
    *((0, timedelta(minutes=count), 5, 16) for count in (10, 30, 60, 180, 360, 720)),
    *((0, timedelta(days=count), 0, 10) for count in (1, 2, 7, 14)),
    *((count, timedelta(days=30.4 * count), 0, 7) for count in (1, 2, 3, 6)),
    *((12 * n, timedelta(days=365.2 * n), 0, 4) for n in (1, 2, 5, 10, 25, 50, 100, 500, 1000)),
)
_TICKS = 8


def _ticks(start: datetime, end: datetime) -> Iterator[tuple[datetime, str]]:
    """Round moments within a span, at most about eight, each written as shortly as it is round."""
    fitting = (step for step in _STEPS if (end - start) / step[1] <= _TICKS)
    months, step, left, right = next(fitting, _STEPS[-1])
    first = start.astimezone(UTC)
    if months:
        month = -(-(first.year * 12 + first.month - 1) // months) * months
        while month // 12 <= end.year:
            when = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
            if start <= when <= end:
                yield when, when.isoformat(" ")[left:right]
            month += months
        return
    when = datetime(first.year, first.month, first.day, tzinfo=UTC)
    while when <= end:
        if when >= start:
            yield when, when.isoformat(" ")[left:right]
        when += step
