"""How a request was decided: AWS's order of evaluation, as far as it was walked."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pkilab.show import drawing
from pkilab.show.drawing import (
    BAD,
    GONE,
    GOOD,
    LATE,
    PAUSED,
    WAITING,
    Element,
    Tone,
    element,
    label,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkilab.iam import Decision, Step

#: The steps of an evaluation, in AWS's order (IAM User Guide, "Policy evaluation logic").
ORDER = (
    "Explicit deny",
    "Resource control policies",
    "Service control policies",
    "Resource-based policies",
    "Identity-based policies",
    "Permissions boundary",
    "Session policies",
)
Word = Literal["allow", "deny", "continue", "not read", "not asked"]


def decision(
    found: Decision,
    *,
    sentence: str = "",
    doubtful: bool = False,
    unread: frozenset[str] = frozenset(),
    notes: tuple[str, ...] = (),
    deciding: frozenset[str] = frozenset(),
) -> DecisionPicture:
    """Show how a request was decided, step by step, with what decided marked.

    Args:
        found: what `pkilab.iam.decide` answered.
        sentence: the verdict in words; AWS's half sentence if left out.
        doubtful: whether something was not read that could change the verdict.
        unread: kinds of policies that were not read, or not all of them.
        notes: further lines below: statements, what is missing.
        deciding: kinds of policies that gave the right together, where the decision's own kind is
            one half only.
    """
    walked = {step.name: step for step in found.steps}
    missed = {STEPS[kind] for kind in unread if kind in STEPS}
    halves = deciding | {found.kind or ""} if found.allowed else ()
    granting = {STEPS[kind] for kind in halves if kind in STEPS}
    names = (*ORDER, *(name for name in walked if name not in ORDER))
    stages = tuple(
        _stage_of(walked[name], granting, missed)
        if name in walked
        else Stage(name, "not asked", "")
        for name in names
    )
    verdict = "allowed" if found.allowed else "denied"
    if doubtful:
        verdict = f"{verdict}, as far as was read"
    words = sentence or (f"Denied {found.because}." if found.because else "Allowed.")
    return DecisionPicture(verdict, found.allowed, words, stages, notes)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step.

    ``allow``: what it found gives the right, and the steps after it only limit; ``deny``: the
    evaluation ended there; ``not asked``: an earlier one had decided.
    """

    name: str
    verdict: Word
    why: str

    @property
    def decides(self) -> bool:
        """Whether the verdict rests on it."""
        return self.verdict in ("allow", "deny")


@dataclass(frozen=True, slots=True, repr=False)
class DecisionPicture:
    """An evaluation to look at: a picture in a notebook, a list in a terminal."""

    verdict: str
    allowed: bool
    sentence: str
    stages: tuple[Stage, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        wide = max(len(stage.name) for stage in self.stages)
        lines = [f"{'✔' if self.allowed else '✘'} {self.verdict}", f"  {self.sentence}"]
        for stage in self.stages:
            why = stage.why or "Not asked: it was decided before."
            lines.append(f"  {_MARKS[stage.verdict]} {stage.name:<{wide}}  {why}")
        lines.extend(f"  {note}" for note in self.notes)
        return "\n".join(map(drawing.clean, lines))

    def _repr_html_(self) -> str:
        notes = [element("div", {"style": _NOTE}, note) for note in self.notes]
        return drawing.html(element("div", {"style": drawing.PROSE}, self._figure(), *notes))

    @property
    def svg(self) -> str:
        """The picture of the steps: the same bytes for the same decision."""
        return str(ET.tostring(self._figure(), encoding="unicode"))

    def _figure(self) -> Element:
        tone = GOOD if self.allowed else BAD
        parts = [
            drawing.mark(_MARGIN, _MARGIN + 2, tone, size=14),
            label(_MARGIN + 24, _MARGIN + 14, self.verdict, size=14, bold=True, tone=tone),
        ]
        y = float(_MARGIN + 20)
        for text in drawing.fit(self.sentence, _WIDTH - 2 * _MARGIN, 12, lines=5):
            y += 16
            parts.append(label(_MARGIN, y, text, size=12))
        y += 14
        last = len(self.stages) - 1
        for number, stage in enumerate(self.stages):
            drawn, y = _stage(stage, y)
            parts.extend(drawn)
            if number < last:
                on = stage.verdict in ("allow", "continue", "not read")
                parts.append(drawing.line(f"M{_MARGIN + 20} {y:g}v10", dashed=not on))
                y += 10
        title = f"{self.verdict}: {self.sentence}"
        return drawing.figure(_WIDTH, y + _MARGIN, title, repr(self), *parts)


#: Which step asks which kind of policy.
STEPS = {
    "boundary": "Permissions boundary",
    "grant": "Resource-based policies",
    "identity": "Identity-based policies",
    "resource": "Resource-based policies",
    "resource control": "Resource control policies",
    "service control": "Service control policies",
    "session": "Session policies",
}
_MARGIN, _WIDTH, _NAME = 18, 760, 230
_MARKS: dict[Word, str] = {
    "allow": "✔", "deny": "✘", "continue": "↓", "not read": "?", "not asked": "·",
}  # fmt: skip
_TONES: dict[Word, Tone] = {
    "allow": GOOD, "deny": BAD, "continue": WAITING, "not read": LATE, "not asked": PAUSED,
}  # fmt: skip
_WORDS: dict[Word, str] = {"allow": "allowed here", "deny": "denied here"}
_NOTE = (
    f"font-family:{drawing.MONO};font-size:.85em;margin:.35em 0;padding-left:.8em;"
    "border-left:2px solid rgba(128,128,128,.35);overflow-wrap:anywhere;white-space:pre-wrap"
)


def _stage_of(step: Step, granting: set[str], missed: set[str]) -> Stage:
    """Return a step as it is shown.

    The mark of an allowed request is moved from the last step to those that give the right.
    """
    verdict: Word = step.verdict
    if granting and verdict != "deny":
        verdict = "allow" if step.name in granting else "continue"
    if step.name not in missed:
        return Stage(step.name, verdict, step.why)
    verdict = "not read" if verdict == "continue" else verdict
    return Stage(step.name, verdict, f"{step.why} Not everything could be read.")


def _stage(stage: Stage, y: float) -> tuple[list[Element], float]:
    """Draw one step below ``y``; return it and where it ends."""
    tone = _TONES[stage.verdict]
    room = _WIDTH - 2 * _MARGIN - _NAME - 24
    lines = drawing.fit(stage.why, room, 12, lines=4) if stage.why else []
    height = max(34.0, 16.0 * max(len(lines), 1) + 16)
    frame = drawing.box(
        _MARGIN, y, _WIDTH - 2 * _MARGIN, height, radius=7, kind="card" if stage.why else "panel"
    )
    if stage.decides:
        frame = element("rect", {**_geometry(frame), "stroke-width": 2.5, **_edge(tone)})
    quiet = stage.verdict == "not asked"
    name = label(
        _MARGIN + 36,
        y + 21,
        stage.name,
        size=12,
        bold=stage.decides,
        kind="quiet" if quiet else "ink",
    )
    parts = [frame, _sign(stage.verdict, y + 11, tone), name, *_reasons(lines, y)]
    if word := _WORDS.get(stage.verdict):
        title = element("title", {}, word)
        frame.append(title)
    return parts, y + height


def _reasons(lines: list[str], y: float) -> Iterator[Element]:
    for number, text in enumerate(lines):
        yield label(_MARGIN + _NAME, y + 21 + 16 * number, text, size=12)


def _sign(verdict: Word, y: float, tone: Tone) -> Element:
    """The mark of a step: a verdict's shape, an arrow on, or a dash."""
    if verdict == "continue":
        return drawing.line(f"M{_MARGIN + 20} {y:g}v9m-4 -4l4 4l4 -4")
    return drawing.mark(_MARGIN + 14, y, GONE if verdict == "not asked" else tone, size=12)


def _geometry(frame: Element) -> dict[str, object]:
    kept = ("x", "y", "width", "height", "rx")
    return {**{name: frame.get(name) for name in kept}, **drawing.paint("card")}


def _edge(tone: Tone) -> dict[str, object]:
    return {"stroke": tone.light, "class": f"pki-card pki-{tone.name}-line"}
