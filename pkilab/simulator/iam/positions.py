"""Where statements stand in a policy's text, and which condition keys they ask for.

Positions are as the policy simulator counts them: lines and columns from 1; a statement begins
right after the bracket or comma before it, and ends right after its own brace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pkilab.iam import listed

_BLANK = re.compile(r"[ \t\n\r]*")
_VARIABLE = re.compile(r"\$\{([^}*?$,]+)[^}]*\}")
_DECODER = json.JSONDecoder()


def spans(text: str) -> list[tuple[int, int]]:
    """Return where each statement of a well-formed policy begins and ends, as offsets."""
    at = _skip(text, 0) + 1  # past the brace
    while True:
        key, at = _DECODER.raw_decode(text, _skip(text, at))
        value = _skip(text, at) + 1  # past the colon
        if key == "Statement":
            return list(_items(text, value))
        _, at = _DECODER.raw_decode(text, _skip(text, value))
        at = _skip(text, at) + 1  # past the comma


def position(text: str, offset: int) -> dict[str, int]:
    """Return an offset's line and column."""
    before = text[:offset]
    return {"Line": before.count("\n") + 1, "Column": offset - (before.rfind("\n") + 1) + 1}


def context_keys(statement: str) -> list[str]:
    """Return the condition keys that a statement names, in conditions and in variables.

    Args:
        statement: its JSON.
    """
    found: dict[str, Any] = json.loads(statement)
    names = []
    for tests in found.get("Condition", {}).values():
        for key, values in tests.items():
            names.append(key)
            names += _variables(values)
    for member in ("Resource", "NotResource"):
        names += _variables(found.get(member))
    return list(dict.fromkeys(names))


def _items(text: str, at: int) -> Iterator[tuple[int, int]]:
    begin = at
    at = _skip(text, at)
    if text[at] != "[":
        yield begin, _DECODER.raw_decode(text, at)[1]
        return
    while text[at] != "]":
        begin = at + 1  # past the bracket or the comma
        _, end = _DECODER.raw_decode(text, _skip(text, begin))
        yield begin, end
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _variables(values: object) -> Iterator[str]:
    for each in listed(values):
        if isinstance(each, str):
            yield from (name.strip() for name in _VARIABLE.findall(each))
