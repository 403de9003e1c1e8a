"""Who says what to whom, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pkilab.show import drawing
from pkilab.show.drawing import BAD, GOOD, Element, element, label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def flow(messages: Iterable[tuple[str, str, str]], ending: Ending | None = None) -> Flow:
    """Show messages as ``(from, to, text)``, in order. The parties are whoever they name."""
    return Flow(tuple(messages), ending)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an exchange ended, in a sentence."""

    well: bool
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Flow:
    """A sequence of messages: in a notebook a picture, in a terminal a numbered list."""

    messages: tuple[tuple[str, str, str], ...]
    ending: Ending | None = None

    @property
    def parties(self) -> tuple[str, ...]:
        """Everyone named, in order of first appearance."""
        return tuple(dict.fromkeys(name for message in self.messages for name in message[:2]))

    def __repr__(self) -> str:
        ends = [drawing.clean(f"{sender} → {receiver}") for sender, receiver, _ in self.messages]
        wide = max(map(len, ends), default=0)
        lines = [
            f"{number:>2}. {who:<{wide}}  {drawing.clean(text)}"
            for number, (who, (_, _, text)) in enumerate(zip(ends, self.messages, strict=True), 1)
        ]
        if self.ending:
            lines.append(f" {'✔' if self.ending.well else '✘'}  {drawing.clean(self.ending.text)}")
        return "\n".join(lines)

    def _repr_svg_(self) -> str:
        return self.svg

    @property
    def mermaid(self) -> str:
        """A Mermaid sequence diagram, for Markdown that renders it."""
        numbers = {name: f"p{number}" for number, name in enumerate(self.parties)}
        lines = ["sequenceDiagram", "    autonumber"]
        for name, alias in numbers.items():
            lines.append(f"    participant {alias} as {drawing.mermaid_text(name)}")
        for sender, receiver, text in self.messages:
            ends = f"{numbers[sender]}->>{numbers[receiver]}"
            lines.append(f"    {ends}: {drawing.mermaid_text(text)}")
        if self.ending and numbers:
            over = f"p0,p{len(numbers) - 1}" if len(numbers) > 1 else "p0"
            lines.append(f"    Note over {over}: {drawing.mermaid_text(self.ending.text)}")
        return "\n".join(lines)

    @property
    def svg(self) -> str:
        """The picture: the same bytes for the same messages."""
        step = _WIDE_STEP if len(self.parties) == 2 else _STEP  # noqa: PLR2004 - room for a flight
        columns = {name: _MARGIN + step * (at + 0.5) for at, name in enumerate(self.parties)}
        arrows, y = list[Element](), float(_MARGIN + _HEAD + 14)
        for number, (sender, receiver, text) in enumerate(self.messages, 1):
            start, end = columns[sender], columns[receiver]
            parts, y = _message(f"{number}. {text}", start, end, y, step)
            arrows += parts
        lives = [
            drawing.line(f"M{x:g} {_MARGIN + _HEAD}V{y + 10:g}", kind="grid", weight=2)
            for x in columns.values()
        ]
        # A message to oneself needs room to the right of the last party.
        own = any(sender == receiver == self.parties[-1] for sender, receiver, _ in self.messages)
        width = 2 * _MARGIN + step * (len(columns) + (0.4 if own else 0))
        outcome, bottom = _ending(self.ending, y + 10, width)
        return drawing.picture(
            width,
            bottom + _MARGIN,
            f"{len(self.messages)} messages between " + ", ".join(self.parties),
            repr(self),
            *lives,
            *(part for name, x in columns.items() for part in _party(name, x)),
            *arrows,
            *outcome,
        )


_MARGIN, _STEP, _WIDE_STEP, _HEAD = 20, 200, 330, 34


def _party(name: str, x: float) -> Iterator[Element]:
    yield drawing.box(x - 80, _MARGIN, 160, _HEAD, radius=7, kind="card")
    shown = drawing.fit(name, 148, 12, lines=1, bold=True)[0]
    text = label(x, _MARGIN + 21, shown, size=12, bold=True, anchor="middle")
    text.append(element("title", {}, name))
    yield text


def _ending(ending: Ending | None, y: float, width: float) -> tuple[list[Element], float]:
    """Draw how it ended below ``y``; return it and where it ends."""
    if ending is None:
        return [], y
    tone, y = GOOD if ending.well else BAD, y + 10
    parts = [drawing.mark(_MARGIN, y + 1, tone)]
    for text in drawing.fit(ending.text, width - 2 * _MARGIN - 18, 12, lines=6):
        y += 16
        parts.append(label(_MARGIN + 18, y - 5, text, size=12, tone=tone))
    return parts, y


def _message(
    text: str, start: float, end: float, y: float, step: float
) -> tuple[list[Element], float]:
    """Draw one message below ``y``; return it and where it ends."""
    own = start == end
    room = step - 56 if own else abs(end - start) - 24
    parts = list[Element]()
    for line in drawing.fit(text, room, 11, lines=4):
        y += 14
        x, anchor = (start + 36, "start") if own else ((start + end) / 2, "middle")
        parts.append(label(x, y, line, size=11, anchor=anchor, halo=True))
    if own:
        top = y - 14 * len(parts) + 4
        bottom = max(y, top + 16)
        path = f"M{start:g} {top:g}h20q6 0 6 6V{bottom - 6:g}q0 6 -6 6h-14"
        return [drawing.line(path), _head(start + 1, bottom, -1), *parts], bottom + 12
    y += 8
    side = 1 if end > start else -1
    shaft = drawing.line(f"M{start:g} {y:g}H{end - 8 * side:g}")
    return [*parts, shaft, _head(end - side, y, side)], y + 12


def _head(x: float, y: float, side: int) -> Element:
    """An arrow's head with its point at x, y."""
    return element("path", {"d": f"M{x:g} {y:g}l{-9 * side} -4.5v9z", **drawing.paint("quiet")})
