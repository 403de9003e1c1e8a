"""Event patterns: compiled once, matched often.

A pattern becomes alternatives, one for each way through its ``$or``s; an alternative is a list of
fields, all of which must match, by their dotted names. An event is flattened to the values that
its fields have; each value knows through which elements of which arrays it is reached, and two
fields never match in different elements of one array.

Source: EventBridge User Guide, "Creating Amazon EventBridge event patterns"; aws/event-ruler,
which EventBridge matches with (JsonRuleCompiler, Event, StructuredFinder).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pkilab.simulator.eventbridge.comparisons import COMPLEX, address, as_number, complexity
from pkilab.simulator.eventbridge.json_reading import ReadingError
from pkilab.simulator.eventbridge.pattern_reading import Alternative, Field, read_pattern
from pkilab.simulator.service import AwsError

Json = dict[str, Any]
Membership: TypeAlias = tuple[tuple[int, int], ...]  # arrays by number, with an element of each
Flat: TypeAlias = Mapping[str, Sequence[tuple[object, Membership]]]

COMBINATIONS = 1_000  # the most alternatives that $or may make
_EVERYWHERE: Membership = ()


class Pattern:
    """An event pattern.

    Args:
        text: JSON.

    Raises:
        AwsError: InvalidEventPatternException, with EventBridge's reason; LimitExceededException,
            more than 1,000 combinations of ``$or``.
    """

    __slots__ = ("alternatives", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.alternatives = _compiled(text)

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Say whether an event matches.

        Args:
            event: JSON values. Numbers are compared as values: how they were written is forgotten.
        """
        return self.matches_flat(flatten(event))

    def matches_flat(self, event: Flat) -> bool:
        """Say whether an event matches that `flatten` has made flat."""
        return any(fits(alternative, event) for alternative in self.alternatives)


def _compiled(text: str) -> tuple[Alternative, ...]:
    try:
        alternatives = read_pattern(text, COMBINATIONS)
    except ReadingError as error:
        raise _invalid(str(error)) from error
    except RecursionError as error:
        raise _invalid("The pattern is nested too deeply") from error
    if len(alternatives) > COMBINATIONS:
        raise AwsError(
            "LimitExceededException", f"The event pattern has over {COMBINATIONS} rule combinations"
        )
    wildcards: dict[str, list[tuple[str | None, ...]]] = {}
    for alternative in alternatives:
        for each in alternative:
            wildcards.setdefault(each.name, []).extend(each.wildcards)
    if any(complexity(found) >= COMPLEX for found in wildcards.values() if found):
        raise _invalid(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating "
            "character sequences after a wildcard character"
        )
    return alternatives


def _invalid(reason: str) -> AwsError:
    message = f"Event pattern is not valid. Reason: {reason}"
    return AwsError("InvalidEventPatternException", message)


# Events.


@dataclass(slots=True)
class _Flattening:
    fields: dict[str, list[tuple[object, Membership]]] = field(default_factory=dict)
    arrays: int = 0


def flatten(event: Mapping[str, Any]) -> Flat:
    """Return the values of an event's fields by their dotted names; empty arrays have none."""
    found = _Flattening()
    # Without recursion: an event is nested as deeply as its sender likes.
    waiting: list[tuple[str, Any, Membership]] = [("", event, _EVERYWHERE)]
    while waiting:
        name, value, membership = waiting.pop()
        if isinstance(value, Mapping):
            prefix = f"{name}." if name else ""
            waiting.extend((prefix + key, inner, membership) for key, inner in value.items())
        elif isinstance(value, list | tuple):
            number = found.arrays
            found.arrays += 1
            for index, inner in enumerate(value):
                if isinstance(inner, Mapping | list | tuple):
                    waiting.append((name, inner, (*membership, (number, index))))
                else:
                    found.fields.setdefault(name, []).append((inner, membership))
        else:
            found.fields.setdefault(name, []).append((value, membership))
    return found.fields


# Matching.


def fits(alternative: Alternative, event: Flat) -> bool:
    """Say whether every field of an alternative matches, consistently in their arrays."""
    ways: list[tuple[Field, list[Membership]]] = []
    for each in alternative:
        values = event.get(each.name)
        if values is None:
            if not each.absent:
                return False
            continue
        found = [membership for value, membership in values if takes(each, value)]
        if _EVERYWHERE in found:
            continue  # it matches outside of all arrays, or in one alone of plain values
        if not (found or each.absent):
            return False
        ways.append((each, found))
    if len(ways) < 2 and all(found for _, found in ways):  # noqa: PLR2004 - one is never at odds
        return True
    return _consistent(ways, event)


def takes(wanted: Field, value: object) -> bool:
    """Say whether a field takes a value."""
    if wanted.exists:
        return True
    if isinstance(value, str):
        if value in wanted.strings:
            return True
        if wanted.addresses and address(value) in wanted.addresses:
            return True
    elif value is None or isinstance(value, bool):
        if any(value is literal for literal in wanted.literals):
            return True
    elif wanted.written and (repr(value) in wanted.written or as_number(value) in wanted.numbers):
        return True
    return any(test(value) for test in wanted.tests)


def _consistent(ways: Sequence[tuple[Field, Sequence[Membership]]], event: Flat) -> bool:
    """Say whether there is one way for each field so that no two differ in an array's element.

    Fields come in the order of their names, as event-ruler takes them; that a field is absent is
    asked of the elements that were chosen before it.
    """
    chosen: set[Membership] = {_EVERYWHERE}
    for position, (each, found) in enumerate(ways):
        following = set(_joined(chosen, found))
        if each.absent:
            values = [membership for _, membership in event[each.name]]
            taken = set(_joining(chosen, values))
            following |= chosen - taken
        if not following:
            return False
        rest = {
            array
            for later, memberships in ways[position + 1 :]
            for membership in (*memberships, *_memberships(later, event))
            for array, _ in membership
        }
        chosen = {tuple(pair for pair in one if pair[0] in rest) for one in following}
    return True


def _memberships(each: Field, event: Flat) -> Iterable[Membership]:
    return (membership for _, membership in event[each.name]) if each.absent else ()


def _pairs(
    chosen: Iterable[Membership], found: Iterable[Membership]
) -> Iterator[tuple[Membership, Membership, dict[int, int]]]:
    """Yield what was chosen with what is consistent with it, and both together."""
    by_outermost: dict[int, dict[int, list[Membership]]] = {}
    ordered = list(dict.fromkeys(chosen))
    for other in dict.fromkeys(found):
        array, element = other[0] if other else (-1, -1)
        if array not in by_outermost:
            index: dict[int, list[Membership]] = {}
            for one in ordered:
                index.setdefault(dict(one).get(array, -1), []).append(one)
            by_outermost[array] = index
        index = by_outermost[array]
        candidates = (*index.get(element, ()), *(index.get(-1, ()) if element != -1 else ()))
        for one in candidates:
            known = dict(one)
            if all(known.get(number, at) == at for number, at in other):
                yield one, other, known | dict(other)


def _joined(chosen: Iterable[Membership], found: Iterable[Membership]) -> Iterator[Membership]:
    for _, _, both in _pairs(chosen, found):
        yield tuple(sorted(both.items()))


def _joining(chosen: Iterable[Membership], found: Iterable[Membership]) -> Iterator[Membership]:
    for one, _, _ in _pairs(chosen, found):
        yield one
