from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.show import table
from pkilab.show.tables import as_text


@dataclass(frozen=True)
class Call:
    operation: str
    ok: bool
    when: datetime | None = None


class Colour(enum.Enum):
    RED = "red"


CALLS = [Call("Issue", ok=True, when=datetime(2026, 1, 1, tzinfo=UTC)), Call("Revoke", ok=False)]


def test_a_table_is_its_records_without_an_index() -> None:
    assert repr(table(CALLS, caption="Calls")).splitlines() == [
        "Calls",
        "",
        "operation  ok   when",
        "─────────  ───  ────────────────────",
        "Issue      yes  2026-01-01 00:00 UTC",
        "Revoke     no",
    ]


def test_mappings_dataclasses_and_frames_give_the_same_table() -> None:
    mappings = [{"operation": c.operation, "ok": c.ok, "when": c.when} for c in CALLS]
    frame = pd.DataFrame(mappings, index=["x", "y"])
    assert table(mappings) == table(CALLS) == table(frame)


def test_columns_are_chosen_and_ordered_and_may_be_missing() -> None:
    chosen = table([{"a": 1, "b": 2}, {"b": 3}], columns=["b", "a"])
    assert chosen.columns == ("b", "a")
    assert chosen.rows == (("2", "1"), ("3", ""))


def test_a_row_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="a mapping or a dataclass instance, not int"):
        table([1])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (pd.NaT, ""),
        (True, "yes"),
        (1, "1"),
        (0.1, "0.1"),
        (Colour.RED, "red"),
        (b"\x01\xff", "01ff"),
        (("b", "a"), "b\na"),
        ({"b", "a"}, "a\nb"),
        ({"k": [1, None]}, "k: 1\n"),
        (pd.Timestamp("2026-01-01T01:00+01:00"), "2026-01-01 00:00 UTC"),
    ],
)
def test_a_cell_is_written_one_way(value: object, text: str) -> None:
    assert as_text(value) == text


def test_the_html_marks_nothing_and_escapes_everything() -> None:
    html = table([{"<b>": "<script>1</script>"}])._repr_html_()
    assert "<script" not in html
    assert "<th style=" in html
    assert "&lt;b&gt;" in html
    assert " id=" not in html


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.text(max_size=300)), max_size=5))
def test_text_tables_are_narrow_and_lose_no_word(rows: list[dict[str, str]]) -> None:
    shown = repr(table(rows))
    assert all(len(line) <= 118 for line in shown.splitlines())
    kept = "".join(shown.split())
    for word in (word for row in rows for cell in row.values() for word in as_text(cell).split()):
        assert set(word) <= set(kept)


def test_the_frame_holds_the_same_texts() -> None:
    frame = table(CALLS).frame
    assert list(frame.columns) == ["operation", "ok", "when"]
    assert list(frame["ok"]) == ["yes", "no"]
