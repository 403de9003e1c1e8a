"""Tables that print the same every time: no index, no random ids, UTC dates, long text wrapped."""

from __future__ import annotations

import dataclasses
import enum
import math
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch
from itertools import zip_longest
from typing import TYPE_CHECKING

from pkilab.show import drawing
from pkilab.show.drawing import element
from pkilab.show.extras import extra

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pandas import DataFrame

_NOTHING = "—"
_TEXT_WIDTH = 118  # characters of a text table
_SHORT = 26  # characters that a cell never breaks: a date, an operation, an extension's name


def table(
    rows: DataFrame | Iterable[Mapping[str, object] | DataclassInstance],
    columns: Sequence[str] | None = None,
    *,
    caption: str | None = None,
) -> Table:
    """Show records as a table.

    Args:
        rows: mappings, dataclass instances, or a pandas frame (its index is not shown).
        columns: which ones, in this order; all, in order of first appearance, if left out. A record
            without one of them has an empty cell.
        caption: a line above the table.
    """
    records = [_record(row) for row in _each(rows)]
    names = tuple(columns if columns is not None else dict.fromkeys(k for r in records for k in r))
    cells = tuple(tuple(as_text(record.get(name)) for name in names) for record in records)
    return Table(tuple(as_text(name) for name in names), cells, caption)


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """A table of texts.

    Attributes:
        columns: the headings.
        rows: each as long as ``columns``; a cell may have several lines.
        caption: a line above, or None.
        marked: numbers of the rows to tint; what the tint means must stand in the row as well.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str | None = None
    marked: frozenset[int] = frozenset()

    def __repr__(self) -> str:
        widths = _widths(self._columns())
        lines = [self.caption, ""] if self.caption else []
        lines += _text_row(self.columns, widths)
        lines.append("  ".join("─" * width for width in widths))
        for row in self.rows:
            lines += _text_row(row, widths)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = element("tr", {}, *(element("th", {"style": _HEAD}, name) for name in self.columns))
        short = [max(map(_longest, column)) <= _SHORT for column in self._columns()]
        styles = [_CELL + (";white-space:pre" if each else "") for each in short]
        body = [
            element(
                "tr",
                {"style": f"background:{_MARKED if number in self.marked else 'transparent'}"},
                *(
                    element("td", {"style": style}, cell or _NOTHING)
                    for style, cell in zip(styles, row, strict=True)
                ),
            )
            for number, row in enumerate(self.rows)
        ]
        caption = [element("caption", {"style": _CAPTION}, self.caption)] if self.caption else []
        return drawing.html(
            element(
                "table",
                {"style": _TABLE},
                *caption,
                element("thead", {}, head),
                element("tbody", {}, *body),
            )
        )

    def _columns(self) -> list[tuple[str, ...]]:
        return list(zip(self.columns, *self.rows, strict=True))

    @property
    def frame(self) -> DataFrame:
        """The same texts as a pandas frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        made: DataFrame = extra("pandas").DataFrame(list(self.rows), columns=list(self.columns))
        return made


_TABLE = "border-collapse:collapse;color:inherit;background:transparent;margin:.4em 0"
_CAPTION = "caption-side:top;text-align:left;font-weight:600;padding:.3em 0;color:inherit"
_HEAD = "text-align:left;padding:.35em .8em;border-bottom:2px solid rgba(128,128,128,.5)"
_CELL = (
    "text-align:left;vertical-align:top;padding:.35em .8em;white-space:pre-wrap;"
    "overflow-wrap:anywhere;max-width:32em;border-bottom:1px solid rgba(128,128,128,.25)"
)
_MARKED = "rgba(230,159,0,.14)"


@singledispatch
def as_text(value: object) -> str:
    """Write one cell: dates in UTC, yes and no, bytes in hex, a line for each of several."""
    return drawing.clean(str(value))


@as_text.register
def _(value: None) -> str:  # noqa: ARG001 - the type says it all
    return ""


@as_text.register
def _(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


@as_text.register
def _(value: bool) -> str:  # noqa: FBT001 - a value to write, not a switch
    return "yes" if value else "no"


@as_text.register
def _(value: enum.Enum) -> str:
    return as_text(value.value)


@as_text.register
def _(value: datetime) -> str:
    return "" if value != value else drawing.moment(value)  # noqa: PLR0124 - pandas' NaT is a datetime


@as_text.register
def _(value: bytes) -> str:
    return value.hex()


@as_text.register
def _(value: Mapping) -> str:  # type: ignore[type-arg] # a dispatched class takes no parameters
    return "\n".join(f"{as_text(key)}: {as_text(each)}" for key, each in value.items())


@as_text.register(list)
@as_text.register(tuple)
def _(value: Sequence[object]) -> str:
    return "\n".join(map(as_text, value))


@as_text.register(set)
@as_text.register(frozenset)
def _(value: Collection[object]) -> str:
    return "\n".join(sorted(map(as_text, value)))


def _each(
    rows: DataFrame | Iterable[Mapping[str, object] | DataclassInstance],
) -> Iterable[object]:
    if hasattr(rows, "to_dict"):
        return list(rows.to_dict("records"))
    return rows


def _record(row: object) -> dict[str, object]:
    if isinstance(row, Mapping):
        return dict(row)
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    raise TypeError(f"a row is a mapping or a dataclass instance, not {type(row).__name__}")


def _widths(columns: Sequence[tuple[str, ...]]) -> list[int]:
    """Share the width: narrow columns get what they need, the wide ones what is left."""
    needs = [max(map(_longest, column)) for column in columns]
    left, widths = _TEXT_WIDTH - 2 * (len(needs) - 1), [0] * len(needs)
    for rank, column in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        widths[column] = max(min(needs[column], left // (len(needs) - rank)), 1)
        left -= widths[column]
    return widths


def _longest(cell: str) -> int:
    return max(map(len, cell.splitlines()), default=1)


def _text_row(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [
        [part for text in cell.splitlines() for part in textwrap.wrap(text, width) or [""]]
        for cell, width in zip(row, widths, strict=True)
    ]
    return [
        "  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*cells, fillvalue="")
    ]
