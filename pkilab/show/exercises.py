"""Exercises that answer the learner, and let an unanswered notebook run to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pkilab.show import drawing
from pkilab.show.drawing import BAD, GOOD, WAITING, element

if TYPE_CHECKING:
    from collections.abc import Callable

State = Literal["right", "not yet", "not answered"]


@dataclass(frozen=True, slots=True)
class Exercise:
    """A question with a way to tell whether an answer is right.

    Attributes:
        question: what is asked.
        is_right: tells whether an answer is right; may raise on one of the wrong kind.
        hint: what helps when it is not.
    """

    question: str
    is_right: Callable[[Any], bool]
    hint: str

    def check(self, answer: object = ...) -> Verdict:
        """Judge an answer; ``...`` means that there is none yet. Never raises."""
        if answer is ...:
            return Verdict("not answered", f"not answered yet: {self.question}")
        try:
            right = self.is_right(answer)
        except Exception as error:  # noqa: BLE001 - a learner's value may be anything
            trouble = f"{type(error).__name__}: {error}"
            return Verdict("not yet", f"could not be checked ({trouble}). {self.hint}")
        if not right:
            return Verdict("not yet", f"not yet. {self.hint}")
        return Verdict("right", "right.")


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """The answer to an answer: in a notebook a coloured line, in a terminal a line."""

    state: State
    text: str

    def __repr__(self) -> str:
        return drawing.clean(f"{_SIGNS[self.state]} {self.text}")

    def _repr_html_(self) -> str:
        return drawing.html(
            element("div", {"style": f"{_LINE};background:{_TINTS[self.state]}"}, repr(self))
        )


_SIGNS: dict[State, str] = {"right": "✔", "not yet": "✘", "not answered": "…"}
_TINTS: dict[State, str] = {
    "right": GOOD.tint,
    "not yet": BAD.tint,
    "not answered": WAITING.tint,
}
_LINE = "display:inline-block;padding:.4em 1em;border-radius:6px;color:inherit"
