"""The filter language of GetFindings, insights and automation rules.

Filters of different names must all match. Of those of one name, the positive ones are alternatives
and the negative ones must all hold; which may stand together is laid down.

Sources: Security Hub CSPM API Reference, AwsSecurityFindingFilters, StringFilter, MapFilter,
NumberFilter, DateFilter, GetFindings (at most 10 names, 20 values each). Likeliest reading: what is
absent fulfils the negative filters alone; the ends of dates and ranges belong to them; a keyword is
found anywhere in a finding's texts, in whatever case.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from pkilab.simulator.securityhub import fields, moments
from pkilab.simulator.securityhub.problems import invalid

Json = dict[str, Any]
Predicate: TypeAlias = Callable[[Json], bool]
_Test: TypeAlias = Callable[[list[Any]], bool]
MOST_NAMES, MOST_VALUES = 10, 20
_DAY = 86_400 * moments.NANOSECONDS
_OPERATIONS: dict[str, Callable[[str, str], bool]] = {
    "EQUALS": lambda text, value: text == value,
    "PREFIX": lambda text, value: text.startswith(value),
    "CONTAINS": lambda text, value: value in text,
    "NOT_EQUALS": lambda text, value: text != value,
    "PREFIX_NOT_EQUALS": lambda text, value: not text.startswith(value),
    "NOT_CONTAINS": lambda text, value: value not in text,
}
_POSITIVE = {"EQUALS", "PREFIX", "CONTAINS"}
_BY_RULES_ALONE = {"CONTAINS", "NOT_CONTAINS"}


def compiled(
    filters: Mapping[str, list[Json]], now: datetime, *, of_rule: bool = False
) -> Predicate:
    """Return what tells whether a finding matches.

    Args:
        filters: by name; of the model's shape.
        now: what relative dates count from.
        of_rule: whether they are an automation rule's criteria, which may ask for more.

    Raises:
        AwsError: InvalidInputException, too many, incomplete, or not to be combined.
    """
    if not of_rule and len(filters) > MOST_NAMES:
        raise invalid(f"Filters must have at most {MOST_NAMES} attributes")
    tests = []
    for name, alternatives in filters.items():
        if not alternatives or len(alternatives) > MOST_VALUES:
            raise invalid(f"Filters.{name} must have 1 to {MOST_VALUES} values")
        kind = fields.kinds()[name]
        tests.append((fields.path(name), _KINDS[kind](name, alternatives, now, of_rule)))

    def matches(finding: Json) -> bool:
        return all(test(fields.values(finding, steps)) for steps, test in tests)

    return matches


def exact_key(filters: Mapping[str, list[Json]]) -> list[str] | None:
    """Return the ids that filters ask for by equality, if they do: those are found at once."""
    wanted = filters.get("Id")
    if not wanted or any(each.get("Comparison") != "EQUALS" for each in wanted):
        return None
    return [each["Value"] for each in wanted]


def _strings(name: str, filters: list[Json], _now: datetime, of_rule: bool) -> _Test:  # noqa: FBT001
    pairs = [(_given(name, each, "Comparison"), _given(name, each, "Value")) for each in filters]
    _refuse_mixtures(name, {comparison for comparison, _ in pairs}, of_rule=of_rule)
    positive = [(_OPERATIONS[how], value) for how, value in pairs if how in _POSITIVE]
    negative = [(_OPERATIONS[how], value) for how, value in pairs if how not in _POSITIVE]

    def test(found: list[Any]) -> bool:
        if positive and not any(holds(text, value) for text in found for holds, value in positive):
            return False
        return all(holds(text, value) for text in found for holds, value in negative)

    return test


def _maps(name: str, filters: list[Json], _now: datetime, of_rule: bool) -> _Test:  # noqa: FBT001
    triples = [
        (_given(name, each, "Comparison"), _given(name, each, "Key"), _given(name, each, "Value"))
        for each in filters
    ]
    _refuse_mixtures(name, {comparison for comparison, _, _ in triples}, of_rule=of_rule)
    positive = [(_OPERATIONS[how], key, value) for how, key, value in triples if how in _POSITIVE]
    negative = [
        (_OPERATIONS[how], key, value) for how, key, value in triples if how not in _POSITIVE
    ]

    def test(found: list[Any]) -> bool:
        if positive and not any(
            key in each and holds(each[key], value)
            for each in found
            for holds, key, value in positive
        ):
            return False
        return all(
            key not in each or holds(each[key], value)
            for each in found
            for holds, key, value in negative
        )

    return test


def _numbers(name: str, filters: list[Json], _now: datetime, _of_rule: bool) -> _Test:  # noqa: FBT001
    if any(not each for each in filters):
        raise invalid(f"Filters.{name}: a number filter needs one of Eq, Gt, Gte, Lt, Lte")

    def holds(number: float, limits: Json) -> bool:
        return (
            limits.get("Eq", number) == number
            and limits.get("Gte", number) <= number <= limits.get("Lte", number)
            and ("Gt" not in limits or number > limits["Gt"])
            and ("Lt" not in limits or number < limits["Lt"])
        )

    return lambda found: any(holds(number, limits) for number in found for limits in filters)


def _dates(name: str, filters: list[Json], now: datetime, _of_rule: bool) -> _Test:  # noqa: FBT001
    spans = [_span(name, each, moments.nanoseconds(now)) for each in filters]

    def test(found: list[Any]) -> bool:
        times = [moments.parse(text) for text in found]
        return any(
            first <= time <= last for time in times if time is not None for first, last in spans
        )

    return test


def _span(name: str, asked: Json, now: int) -> tuple[float, float]:
    """Return the first and the last moment of a date filter, in nanoseconds."""
    relative = asked.get("DateRange")
    if relative is not None:
        if "Start" in asked or "End" in asked:
            raise invalid(f"Filters.{name}: either DateRange or Start and End")
        days = relative.get("Value")
        if not isinstance(days, int) or days < 1 or "Unit" not in relative:
            raise invalid(f"Filters.{name}: a DateRange needs a Value of at least 1 and a Unit")
        edge = now - days * _DAY
        older = relative.get("Comparison") == "OLDER_THAN"
        return (float("-inf"), edge - 1) if older else (edge, now)
    if not asked:
        raise invalid(f"Filters.{name}: a date filter needs Start, End or DateRange")
    ends = [_moment(name, asked[end]) if end in asked else None for end in ("Start", "End")]
    return (
        float("-inf") if ends[0] is None else ends[0],
        float("inf") if ends[1] is None else ends[1],
    )


def _moment(name: str, text: str) -> int:
    found = moments.parse(text)
    if found is None:
        raise invalid(f"Filters.{name}: {text!r} is not a timestamp")
    return found


def _addresses(name: str, filters: list[Json], _now: datetime, _of_rule: bool) -> _Test:  # noqa: FBT001
    try:
        networks = [
            ipaddress.ip_network(_given(name, each, "Cidr"), strict=False) for each in filters
        ]
    except ValueError as error:
        raise invalid(f"Filters.{name}: {error}") from error

    def test(found: list[Any]) -> bool:
        addresses = []
        for text in found:
            try:
                addresses.append(ipaddress.ip_address(text))
            except ValueError:  # findings are not held against this
                continue
        return any(each in network for each in addresses for network in networks)

    return test


def _keywords(name: str, filters: list[Json], _now: datetime, _of_rule: bool) -> _Test:  # noqa: FBT001
    words = [_given(name, each, "Value").casefold() for each in filters]

    def test(found: list[Any]) -> bool:
        texts = [text.casefold() for text in fields.texts(found)]
        return any(word in text for word in words for text in texts)

    return test


def _booleans(name: str, filters: list[Json], _now: datetime, _of_rule: bool) -> _Test:  # noqa: FBT001
    wanted = [each.get("Value") for each in filters]
    if None in wanted:
        raise invalid(f"Filters.{name}: a filter needs a Value")
    return lambda found: any(value in wanted for value in found)


def _given(name: str, asked: Json, member: str) -> str:
    found: str | None = asked.get(member)
    if found is None:
        raise invalid(f"Filters.{name}: a filter needs {member}")
    return found


def _refuse_mixtures(name: str, comparisons: set[str], *, of_rule: bool) -> None:
    if "CONTAINS_WORD" in comparisons:
        raise invalid(f"Filters.{name}: CONTAINS_WORD is for GetFindingsV2 alone")
    if not of_rule and comparisons & _BY_RULES_ALONE:
        found = " and ".join(sorted(comparisons & _BY_RULES_ALONE))
        raise invalid(f"Filters.{name}: {found} can be used only with automation rules")
    for one in sorted(comparisons & _BY_RULES_ALONE):
        if len(comparisons) > 1:
            raise invalid(
                f"Filters.{name}: {one} filters can only be used with other {one} filters"
            )
    denied = sorted(comparisons & {"NOT_EQUALS", "PREFIX_NOT_EQUALS"})
    if "EQUALS" in comparisons and denied:
        raise invalid(f"Filters.{name}: EQUALS cannot be combined with {' or '.join(denied)}")


_KINDS: dict[str, Callable[[str, list[Json], datetime, bool], _Test]] = {
    "StringFilter": _strings,
    "MapFilter": _maps,
    "NumberFilter": _numbers,
    "DateFilter": _dates,
    "IpFilter": _addresses,
    "KeywordFilter": _keywords,
    "BooleanFilter": _booleans,
}
