"""Cells that are meant to fail: the refusal is named beforehand, shown, and checked."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pkilab.errors import PkilabError, VerificationError
from pkilab.show import drawing
from pkilab.show.drawing import BAD, element

if TYPE_CHECKING:
    from types import TracebackType

# What makes one message differ between two runs or two builds: addresses and C source lines.
_VARYING = re.compile(r" at 0x[0-9a-fA-F]+| \(\w+\.c:\d+\)")


@dataclass(frozen=True, slots=True, repr=False)
class RefusalCard:
    """A refusal to read.

    Attributes:
        code: AWS's error code, or the name of the exception's class.
        message: in the words of whoever refused.
        operation: the AWS operation that was refused, or None.
        reasons: every cause, where there are several or one lies below.
    """

    code: str
    message: str
    operation: str | None = None
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Read an exception; botocore's ``ClientError`` is known by its ``response``."""
        response = getattr(error, "response", None)
        answer = response.get("Error", {}) if isinstance(response, dict) else {}
        code_of_aws = answer.get("Code")
        code = code_of_aws or type(error).__name__
        # KMS's KMSInvalidSignatureException, for one, says nothing.
        message = answer.get("Message") or ("(no message)" if code_of_aws else str(error))
        reasons = getattr(error, "reasons", ())
        if isinstance(error, VerificationError):
            message = f"{error.thing} is not to be trusted"  # its own text repeats the reasons
        if error.__cause__ and not reasons:
            reasons = (f"{type(error.__cause__).__name__}: {error.__cause__}",)
        return cls(
            code=str(code),
            message=_steady(message),
            operation=getattr(error, "operation_name", None),
            reasons=tuple(_steady(str(reason)) for reason in reasons),
        )

    def __repr__(self) -> str:
        by = f" by {self.operation}" if self.operation else ""
        lines = [f"✘ refused{by}: {self.code}", *(f"  {line}" for line in self._message())]
        return "\n".join(map(drawing.clean, [*lines, *(f"  - {each}" for each in self.reasons)]))

    def _repr_html_(self) -> str:
        return drawing.html(self.card())

    def card(self) -> drawing.Element:
        """The card as an element, to be set into another."""
        by = f" by {self.operation}" if self.operation else ""
        return element(
            "div",
            {"style": _CARD},
            element("div", {"style": _KIND}, f"✘ refused{by}"),
            element("div", {"style": _CODE}, self.code),
            *(element("div", {}, line) for line in self._message()),
            *(
                [element("ul", {"style": "margin:.4em 0 0"}, *self._items())]
                if self.reasons
                else []
            ),
        )

    def _items(self) -> list[drawing.Element]:
        return [element("li", {}, reason) for reason in self.reasons]

    def _message(self) -> list[str]:
        return self.message.splitlines()


_CARD = (
    f"border:1px solid rgba(128,128,128,.35);border-left:4px solid rgba(213,94,0,.9);"
    f"border-radius:8px;padding:.7em 1.1em;max-width:56em;color:inherit;background:{BAD.tint};"
    f"overflow-wrap:anywhere;{drawing.PROSE}"
)
_KIND = "font-size:.85em;opacity:.8"
_CODE = f"font-family:{drawing.MONO};font-weight:600;margin:.1em 0 .35em"


def refused(*expected: str | type[Exception]) -> Refusal:
    """Expect the body of a ``with`` to be refused, and show how.

    Args:
        expected: AWS error codes (``MalformedCSRException``) or exception classes; any one of them
            must be raised.

    Raises:
        AssertionError: nothing was raised, or something else (which is then its cause). Signals
            such as ``KeyboardInterrupt`` pass through.
        TypeError: nothing is expected.
    """
    if not expected:
        raise TypeError("refused() needs the error code or the exception that is expected")
    return Refusal(expected)


class Refusal:
    """What `refused` gives ``as``: filled in when the body ends.

    Attributes:
        card: the refusal; None until the body has ended.
    """

    def __init__(self, expected: tuple[str | type[Exception], ...]) -> None:
        self._expected = expected
        self.card: RefusalCard | None = None

    @property
    def code(self) -> str | None:
        """AWS's error code or the exception's class name; None until the body has ended."""
        return self.card.code if self.card else None

    @property
    def message(self) -> str | None:
        """What was said; None until the body has ended."""
        return self.card.message if self.card else None

    def __repr__(self) -> str:
        return repr(self.card) if self.card else f"expecting {self._names()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None:
            raise AssertionError(f"expected {self._names()}, and nothing was refused")
        if not isinstance(error, Exception):
            return False
        card = RefusalCard.of(error)
        if not any(_matches(error, card, each) for each in self._expected):
            found = f"{card.code}: {card.message}"
            raise AssertionError(f"expected {self._names()}, found {found}") from error
        self.card = card
        _display(card)
        return True

    def _names(self) -> str:
        return " or ".join(
            each if isinstance(each, str) else each.__name__ for each in self._expected
        )


def is_refusal(error: Exception) -> bool:
    """Tell an answer from an accident: AWS's errors and this package's own are answers."""
    return isinstance(error, PkilabError) or isinstance(getattr(error, "response", None), dict)


def _matches(error: Exception, card: RefusalCard, expected: str | type[Exception]) -> bool:
    return card.code == expected if isinstance(expected, str) else isinstance(error, expected)


def _steady(message: str) -> str:
    return _VARYING.sub("", message)


def _display(card: RefusalCard) -> None:
    """Show a card in the notebook's output if this is one, or print it."""
    ipython = sys.modules.get("IPython")  # a running kernel has imported it
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(card)
    else:
        print(card)  # noqa: T201 - showing it is what was asked for
