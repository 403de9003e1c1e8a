"""Try choices and see what comes of them: something to look at, or a refusal and its reason."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Self

from pkilab.errors import MalformedError, MissingExtraError
from pkilab.show import drawing
from pkilab.show.certificates import certificate
from pkilab.show.drawing import GOOD, element
from pkilab.show.extras import extra
from pkilab.show.refusals import RefusalCard, is_refusal
from pkilab.show.tables import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cryptography import x509


class Card(Protocol):
    """Something to look at: as an element, and as text by ``repr``."""

    def card(self) -> drawing.Element:
        """Return it as an element, to be set into another."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """What came of a choice: a card, such as a certificate's, or a refusal's."""

    shown: Card
    word: str = "issued"

    @classmethod
    def issued(cls, source: x509.Certificate | str | bytes, word: str = "issued") -> Self:
        """A certificate would result, or is accepted: ``word`` says what became of it.

        Raises:
            MalformedError: ``source`` is PEM or DER, and not of one certificate.
        """
        return cls(certificate(source), word)

    @classmethod
    def refused(cls, code: str, message: str) -> Self:
        """The choice is refused, with AWS's error code and message or others as clear."""
        return cls(RefusalCard(code, message))

    @property
    def accepted(self) -> bool:
        """Whether it was not refused."""
        return not isinstance(self.shown, RefusalCard)

    def __repr__(self) -> str:
        return (f"✔ {self.word}\n" if self.accepted else "") + repr(self.shown)

    def _repr_html_(self) -> str:
        return drawing.html(self.card())

    def card(self) -> drawing.Element:
        """The card as an element, to be set into another."""
        if not self.accepted:
            return self.shown.card()
        word = element("div", {"style": _ISSUED}, f"✔ {self.word}")
        return element("div", {}, word, self.shown.card())


class Explorer:
    """Choices, and the outcome of the ones that are made.

    In a live notebook it is a row of controls above a card. Where there are none (a stored
    notebook, a report, a terminal) the same state is HTML or text. Code sets what a hand would:
    ``explorer.set(days=30)``.

    Args:
        decide: takes one value of each choice, by name, and says what comes of it. It is called
            for every change, so it should be quick and leave nothing behind. Errors of AWS (by
            their ``response``) and of pkilab that it raises become refusals; others pass through.
        choices: name to the values to choose from; the first ones are the start. More than three
            whole numbers are a slider, everything else a drop-down list.

    Raises:
        MalformedError: a choice without values.
    """

    def __init__(
        self, decide: Callable[..., Outcome], choices: Mapping[str, Sequence[object]]
    ) -> None:
        self._decide = decide
        self._choices = {name: tuple(values) for name, values in choices.items()}
        for name, values in self._choices.items():
            if not values:
                raise MalformedError(f"choice {name}", found="no values", expected="at least one")
        self._value = {name: values[0] for name, values in self._choices.items()}
        self._outcome = self._ask(self._value)
        self._controls: dict[str, Any] = {}
        self._widget: Any = None
        self._panel: Any = None

    @property
    def value(self) -> Mapping[str, object]:
        """What is chosen now, by name; a view that cannot be written to."""
        return MappingProxyType(dict(self._value))

    @property
    def outcome(self) -> Outcome:
        """What came of it."""
        return self._outcome

    def set(self, **values: object) -> Outcome:
        """Choose, all at once, and return what comes of it. The controls on screen follow.

        Raises:
            MalformedError: a choice that does not exist, or a value it does not offer; nothing
                has changed then.
        """
        for name, value in values.items():
            if name not in self._choices:
                raise MalformedError("choice", found=name, expected=" or ".join(self._choices))
            if value not in self._choices[name]:
                offered = ", ".join(map(as_text, self._choices[name]))
                raise MalformedError(f"choice {name}", found=as_text(value), expected=offered)
        chosen = self._value | values
        self._outcome = self._ask(chosen)
        self._value = chosen
        for name, control in self._controls.items():
            control.value = chosen[name]
        if self._panel is not None:
            self._panel.value = self._outcome._repr_html_()
        return self._outcome

    def _ask(self, chosen: Mapping[str, object]) -> Outcome:
        try:
            return self._decide(**chosen)
        except Exception as error:
            if not is_refusal(error):
                raise
            return Outcome(RefusalCard.of(error))

    # ------------------------------------------------------------------------------------ display

    def __repr__(self) -> str:
        wide = max(map(len, self._value), default=0)
        lines = (f"{name:<{wide}}  {as_text(value)}" for name, value in self._value.items())
        return "\n".join([*lines, "", repr(self._outcome)])

    def _repr_html_(self) -> str:
        return drawing.html(
            element(
                "div", {}, element("div", {"style": _ROW}, *self._chips()), self._outcome.card()
            )
        )

    def _chips(self) -> Iterator[drawing.Element]:
        for name, value in self._value.items():
            yield element(
                "span",
                {"style": _CHIP},
                element("span", {"style": "opacity:.75;margin-right:.6em"}, name),
                element("span", {"style": "font-weight:600"}, as_text(value)),
            )

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        """The controls if there can be any, and always the same state as HTML and as text."""
        bundle: dict[str, object] = {"text/plain": repr(self), "text/html": self._repr_html_()}
        try:
            view = self.widget._repr_mimebundle_()
        except MissingExtraError:
            return bundle
        return bundle | {kind: data for kind, data in view.items() if kind not in bundle}

    @property
    def widget(self) -> Any:  # noqa: ANN401 - ipywidgets has no types
        """The ipywidgets view, made on first use.

        Raises:
            MissingExtraError: ipywidgets is not installed.
        """
        if self._widget is None:
            widgets = extra("ipywidgets")
            self._controls = {name: self._control(widgets, name) for name in self._choices}
            self._panel = widgets.HTML(self._outcome._repr_html_())
            self._widget = widgets.VBox([*self._controls.values(), self._panel])
        return self._widget

    def _control(self, widgets: Any, name: str) -> Any:  # noqa: ANN401 - ipywidgets has no types
        offered = self._choices[name]
        slides = len(offered) > _LIST and all(type(value) is int for value in offered)
        control = (widgets.SelectionSlider if slides else widgets.Dropdown)(
            options=[(as_text(value), value) for value in offered],
            value=self._value[name],
            description=name,
            style={"description_width": "8em"},
            layout={"width": "44em", "max_width": "100%"},
        )
        control.observe(lambda change: self._moved(name, change["new"]), names="value")
        return control

    def _moved(self, name: str, value: object) -> None:
        if self._value[name] != value:  # not moved by `set` itself
            self.set(**{name: value})


_LIST = 3
_ISSUED = (
    "display:inline-block;font-size:.85em;font-weight:600;padding:.1em .8em;border-radius:1em;"
    f"margin-bottom:.5em;color:inherit;background:{GOOD.tint};{drawing.PROSE}"
)
_ROW = f"margin:.3em 0 .7em;color:inherit;{drawing.PROSE}"
_CHIP = (
    "display:inline-block;border:1px solid rgba(128,128,128,.35);border-radius:6px;"
    "padding:.15em .8em;margin:0 .5em .3em 0"
)
