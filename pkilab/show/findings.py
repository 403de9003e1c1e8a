"""A security finding to read: what happened, how bad it is, to what, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pkilab.errors import MalformedError
from pkilab.show import drawing
from pkilab.show.drawing import BAD, GOOD, LATE, PAUSED, WAITING, Tone, element

if TYPE_CHECKING:
    from collections.abc import Iterable

_TONES: Mapping[str, Tone] = {
    "INFORMATIONAL": GOOD, "LOW": WAITING, "MEDIUM": LATE, "HIGH": BAD, "CRITICAL": BAD,
}  # fmt: skip
_REQUIRED = ("Id", "Title", "Description", "Severity", "Resources")


class Asff(Protocol):
    """A value that can be written as a finding in the AWS Security Finding Format."""

    def asff(self) -> dict[str, Any]:
        """Return the finding's JSON."""
        ...


def finding(source: Asff | Mapping[str, Any]) -> FindingCard:
    """Show one finding in the AWS Security Finding Format.

    Args:
        source: a finding, such as `pkilab.security_findings.Finding`, or its JSON as Security Hub
            gives it.

    Nothing is checked but that the members are there which the card shows.

    Raises:
        MalformedError: one of them is not.
    """
    read = source if isinstance(source, Mapping) else source.asff()
    if missing := [name for name in _REQUIRED if name not in read]:
        raise MalformedError("a finding", found=f"no {missing[0]}", expected=", ".join(_REQUIRED))
    return FindingCard(dict(read))


@dataclass(frozen=True, slots=True, repr=False)
class FindingCard:
    """A finding on a card: in a notebook HTML, in a terminal text."""

    read: dict[str, Any]

    def __repr__(self) -> str:
        lines = [f"Finding  {self.read['Title']}", f"  {self.read['Description']}"]
        wide = max(len(name) for name, _ in self._fields())
        for name, value in self._fields():
            first, *rest = value.splitlines() or [""]
            lines.append(f"  {name:<{wide}}  {first}")
            lines += [f"  {'':<{wide}}  {line}" for line in rest]
        return "\n".join(map(drawing.clean, lines))

    def _repr_html_(self) -> str:
        return drawing.html(self.card())

    def card(self) -> drawing.Element:
        """The card as an element, to be set into another."""
        tone = _TONES.get(self.label, PAUSED)
        badge = f"{_BADGE};background:{tone.tint}"
        return element(
            "div",
            {"style": f"{_CARD};border-left:5px solid {tone.light}"},
            element(
                "div",
                {"style": _KIND},
                element("span", {"style": badge}, self.label),
                f" Finding · {self._state()}",
            ),
            element("div", {"style": _TITLE}, self.read["Title"]),
            element("div", {"style": _TEXT}, self.read["Description"]),
            element(
                "table",
                {"style": _GRID},
                element("tbody", {}, *(_row(name, value) for name, value in self._fields()[1:])),
            ),
        )

    @property
    def label(self) -> str:
        """The severity's label, or the number where it has none."""
        severity = self.read["Severity"]
        return str(severity.get("Label") or f"Normalized {severity.get('Normalized')}")

    def _state(self) -> str:
        workflow = self.read.get("Workflow", {}).get("Status", "NEW")
        return f"{self.read.get('RecordState', 'ACTIVE')}, {workflow}"

    def _fields(self) -> list[tuple[str, str]]:
        read = self.read
        advice = read.get("Remediation", {}).get("Recommendation", {})
        note = read.get("Note", {})
        fields = [
            ("Severity", f"{self.label}  ({self._state()})"),
            ("Company", _joined(read.get("CompanyName"), read.get("ProductName"))),
            ("Types", "\n".join(read.get("Types", []))),
            ("Created", str(read.get("CreatedAt", ""))),
            ("Updated", _updated(read)),
            ("Resources", "\n".join(_resources(read["Resources"]))),
            ("Remediation", "\n".join(filter(None, (advice.get("Text"), advice.get("Url"))))),
            ("Note", f"{note['Text']} ({note['UpdatedBy']})" if note else ""),
            ("Finding ID", read["Id"]),
        ]
        return [(name, value) for name, value in fields if value]


def _joined(*parts: str | None) -> str:
    return " / ".join(filter(None, parts))


def _updated(read: Mapping[str, Any]) -> str:
    same = read.get("UpdatedAt") == read.get("CreatedAt")
    return "" if same else str(read.get("UpdatedAt", ""))


def _resources(resources: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for each in resources:
        yield f"{each['Type']}  {each['Id']}"
        for name, value in each.get("Details", {}).get("Other", {}).items():
            if value != each["Id"]:
                yield f"  {name}  {value}"


_BORDER = "border:1px solid rgba(128,128,128,.35);border-radius:8px"
_CARD = f"{_BORDER};padding:1em 1.2em;max-width:56em;color:inherit;{drawing.PROSE}"
_KIND = "font-size:.8em;opacity:.9"
_BADGE = "display:inline-block;padding:0 .7em;border-radius:1em;font-weight:600"
_TITLE = "font-size:1.15em;font-weight:600;margin:.3em 0 .2em;overflow-wrap:anywhere"
_TEXT = "margin:0 0 .6em;overflow-wrap:anywhere"
_GRID = "border-collapse:collapse;margin:0;color:inherit;font-size:.9em;background:transparent"
_NAME = "text-align:left;vertical-align:top;padding:.15em 1.2em .15em 0;opacity:.75;border:0"
_VALUE = (
    f"text-align:left;padding:.15em 0;border:0;font-family:{drawing.MONO};font-size:.92em;"
    "overflow-wrap:anywhere;white-space:pre-wrap"
)


def _row(name: str, value: str) -> drawing.Element:
    return element(
        "tr",
        {"style": "background:transparent"},
        element("td", {"style": _NAME}, name),
        element("td", {"style": _VALUE}, value),
    )
