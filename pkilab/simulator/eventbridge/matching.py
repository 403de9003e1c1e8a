"""Which of many rules an event matches, without asking each.

A rule is found by the exact strings of one of its fields, the one with the fewest other rules;
only rules that leave every field open are asked of every event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pkilab.simulator.eventbridge.pattern_reading import Alternative, Field
from pkilab.simulator.eventbridge.patterns import Pattern, fits, flatten

_Way = tuple[int, Alternative]  # a rule's number, and one way to match it
_FIRST = ("detail-type", "source")  # looked by before others that are as good


class RuleSet:
    """Patterns that events are matched against together.

    Args:
        patterns: numbered from 0, as they come.
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._by_value: dict[str, dict[str, list[_Way]]] = {}
        self._open: list[_Way] = []
        ways = [(n, way) for n, pattern in enumerate(patterns) for way in pattern.alternatives]
        for number, way in ways:
            if (found := self._best(way)) is None:
                self._open.append((number, way))
                continue
            values = self._by_value.setdefault(found.name, {})
            for text in found.strings:
                values.setdefault(text, []).append((number, way))

    def matches(self, event: Mapping[str, Any]) -> list[int]:
        """Return the numbers of the patterns that an event matches, ascending."""
        flat = flatten(event)
        found: set[int] = set()
        for number, way in (*self._open, *self._candidates(flat)):
            if number not in found and fits(way, flat):
                found.add(number)
        return sorted(found)

    def _candidates(self, flat: Mapping[str, Iterable[tuple[object, object]]]) -> Iterator[_Way]:
        for name, values in self._by_value.items():
            for value, _ in flat.get(name, ()):
                if isinstance(value, str):
                    yield from values.get(value, ())

    def _best(self, way: Alternative) -> Field | None:
        """Return the field by which a rule is found with the fewest others."""

        def crowd(each: Field) -> tuple[int, bool]:
            known = self._by_value.get(each.name, {})
            most = max(len(known.get(text, ())) for text in each.strings)
            return most, each.name not in _FIRST

        return min((each for each in way if each.only_strings), key=crowd, default=None)
