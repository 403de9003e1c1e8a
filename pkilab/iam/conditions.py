"""The Condition element: operators, their qualifiers, and keys that a request does not have.

Each line of a Condition is prepared once, as a `Comparison` or an `Absence`, and asked often.

Sources: IAM User Guide, "IAM JSON policy elements: Condition operators", "Single-valued vs.
multivalued context keys", "IAM policy elements: Variables and tags".
"""

from __future__ import annotations

import operator as comparison
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pkilab.errors import MalformedError, UnsupportedError
from pkilab.iam import values
from pkilab.iam.keys import key as known_key
from pkilab.iam.variables import Context, Template, read_template
from pkilab.iam.wildcards import Matcher, Token, arn_matcher, listed, matcher

#: Whether a condition holds; ``None``, a variable has no value: the statement does not apply.
Verdict: TypeAlias = bool | None
Quantifier = Literal["", "ForAllValues", "ForAnyValue"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operator on one key: the values of the policy are alternatives."""

    operator: str  # as the policy has it
    key: str  # in small letters
    quantifier: Quantifier
    negated: bool
    if_exists: bool
    fixed: tuple[Matcher, ...]
    templates: tuple[tuple[Template, Callable[[tuple[Token, ...]], Matcher]], ...]

    def holds(self, context: Context) -> Verdict:
        """Ask whether the condition holds for a request."""
        found = context.get(self.key)
        if found is None:
            return self._without_key()
        present = (found,) if isinstance(found, str) else found
        if self.quantifier:
            # An empty text is an empty set to AWS, too.
            present = tuple(value for value in present if value)
        if not present:
            return self._without_key()
        matchers = self.fixed
        if self.templates:
            for template, make in self.templates:
                pattern = template.fill(context)
                if pattern is None:
                    return None
                matchers += (make(pattern),)
        each = (
            any(matches(value) for matches in matchers) is not self.negated for value in present
        )
        if self.quantifier == "ForAllValues" or (self.negated and not self.quantifier):
            return all(each)
        return any(each)

    def _without_key(self) -> bool:
        if self.if_exists or self.quantifier == "ForAllValues":
            return True
        return self.negated and not self.quantifier


@dataclass(frozen=True, slots=True)
class Absence:
    """Null: ``true`` means that the key is absent."""

    operator: str
    key: str
    absent: frozenset[bool]

    def holds(self, context: Context) -> Verdict:
        """Ask whether the request has the key, with a value."""
        return (not context.get(self.key)) in self.absent


@dataclass(frozen=True, slots=True)
class Unmodelled:
    """A condition on a key that is not in the table: nobody can say whether it holds.

    A policy may have it where it does not matter, as AWS's own policies do.
    """

    operator: str
    key: str
    place: str

    def holds(self, _context: Context) -> Verdict:
        """Refuse to say.

        Raises:
            UnsupportedError: always.
        """
        raise UnsupportedError(f"{self.place}: the condition key {self.key}")


Condition: TypeAlias = Comparison | Absence | Unmodelled


def read_conditions(
    condition: Mapping[str, Any], place: str, *, variables: bool
) -> tuple[Condition, ...]:
    """Prepare a Condition element, all of whose lines must hold.

    Raises:
        MalformedError: it is not operators with keys with values.
        UnsupportedError: an operator or a variable is not modelled. A key that is not is refused
            when it is asked.
    """
    return tuple(
        _test(name, key, found, f"{place}.{name}.{key}", variables=variables)
        for name, block in condition.items()
        for key, found in _block(block, f"{place}.{name}").items()
    )


def _block(block: object, place: str) -> Mapping[str, Any]:
    if not isinstance(block, dict):
        raise MalformedError(place, found=type(block).__name__, expected="keys with values")
    return block


def _test(name: str, key: str, found: object, place: str, *, variables: bool) -> Condition:
    quantifier, base, if_exists = _operator(name)
    known = known_key(key)
    if known is None:
        return Unmodelled(name, key.lower(), place)
    wanted = [_value(value, place) for value in listed(found)]
    if not wanted:
        raise MalformedError(place, found="no value", expected="at least one")
    if base == "Null":
        return Absence(name, known.name, frozenset(map(_reader(values.boolean, place), wanted)))
    if known.multivalued and not quantifier:
        raise UnsupportedError(
            f"{place}: {base} without ForAllValues or ForAnyValue on a key of many values"
        )
    kind, negated = _OPERATORS[base]
    fixed: list[Matcher] = []
    templates: list[tuple[Template, Callable[[tuple[Token, ...]], Matcher]]] = []
    if isinstance(kind, _Text):
        for text in wanted:
            pattern = read_template(text, place, wildcards=kind.wildcards, variables=variables)
            if isinstance(pattern, Template):
                templates.append((pattern, kind.make))
            else:
                if kind.checked is not None:
                    _reader(kind.checked, place)("".join(map(str, pattern)))
                fixed.append(kind.make(pattern))
    else:
        fixed = [kind(text, place) for text in wanted]
    return Comparison(
        name, known.name, quantifier, negated, if_exists, tuple(fixed), tuple(templates)
    )


def _operator(name: str) -> tuple[Quantifier, str, bool]:
    quantifier, colon, rest = name.rpartition(":")
    base = rest.removesuffix("IfExists")
    if_exists = base != rest
    known = base in _OPERATORS or (base == "Null" and not if_exists and not colon)
    if not known or quantifier not in ("", "ForAllValues", "ForAnyValue") or name.startswith(":"):
        raise UnsupportedError(f"the condition operator {name}")
    return quantifier, base, if_exists  # type: ignore[return-value]


def _value(value: object, place: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedError(place, found=type(value).__name__, expected="text, a number or a boolean")


def _reader(read: Callable[[str], Any], place: str) -> Callable[[str], Any]:
    def reads(text: str) -> Any:  # noqa: ANN401 - what the reader reads
        try:
            return read(text)
        except ValueError as error:
            raise MalformedError(place, found=repr(text), expected=_EXPECTED[read]) from error

    return reads


@dataclass(frozen=True, slots=True)
class _Text:
    """A comparison of texts, which variables may fill in."""

    make: Callable[[tuple[Token, ...]], Matcher]
    wildcards: bool
    checked: Callable[[str], Any] | None = None  # what a value without variables must be


_Typed: TypeAlias = Callable[[str, str], Matcher]


def _typed(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> _Typed:
    """Return a maker of comparisons; a value of the request that cannot be read matches nothing."""

    def make(text: str, place: str) -> Matcher:
        wanted = _reader(read, place)(text)

        def matches(value: str) -> bool:
            try:
                return compare(read(value), wanted)
            except ValueError:
                return False

        return matches

    return make


def _within(text: str, place: str) -> Matcher:
    wanted = _reader(values.network, place)(text)

    def matches(value: str) -> bool:
        try:
            return values.address(value) in wanted
        except ValueError:
            return False

    return matches


def _boolean(pattern: tuple[Token, ...]) -> Matcher:
    text = "".join(str(token) for token in pattern)
    try:
        wanted = values.boolean(text)
    except ValueError:
        return lambda _: False
    return lambda value: value.lower() == str(wanted).lower()


def _ignoring_case(pattern: tuple[Token, ...]) -> Matcher:
    wanted = "".join(str(token) for token in pattern).lower()
    return lambda value: value.lower() == wanted


_EXPECTED: dict[Callable[[str], Any], str] = {
    values.number: "a number",
    values.moment: "a date of ISO 8601, or seconds since 1970",
    values.boolean: "true or false",
    values.octets: "Base64",
    values.network: "an IP address or a range in CIDR notation",
}
_OPERATORS: dict[str, tuple[_Text | _Typed, bool]] = {
    "StringEquals": (_Text(matcher, wildcards=False), False),
    "StringNotEquals": (_Text(matcher, wildcards=False), True),
    "StringEqualsIgnoreCase": (_Text(_ignoring_case, wildcards=False), False),
    "StringNotEqualsIgnoreCase": (_Text(_ignoring_case, wildcards=False), True),
    "StringLike": (_Text(matcher, wildcards=True), False),
    "StringNotLike": (_Text(matcher, wildcards=True), True),
    # ArnEquals and ArnLike behave identically.
    "ArnEquals": (_Text(arn_matcher, wildcards=True), False),
    "ArnLike": (_Text(arn_matcher, wildcards=True), False),
    "ArnNotEquals": (_Text(arn_matcher, wildcards=True), True),
    "ArnNotLike": (_Text(arn_matcher, wildcards=True), True),
    "NumericEquals": (_typed(values.number, comparison.eq), False),
    "NumericNotEquals": (_typed(values.number, comparison.eq), True),
    "NumericLessThan": (_typed(values.number, comparison.lt), False),
    "NumericLessThanEquals": (_typed(values.number, comparison.le), False),
    "NumericGreaterThan": (_typed(values.number, comparison.gt), False),
    "NumericGreaterThanEquals": (_typed(values.number, comparison.ge), False),
    "DateEquals": (_typed(values.moment, comparison.eq), False),
    "DateNotEquals": (_typed(values.moment, comparison.eq), True),
    "DateLessThan": (_typed(values.moment, comparison.lt), False),
    "DateLessThanEquals": (_typed(values.moment, comparison.le), False),
    "DateGreaterThan": (_typed(values.moment, comparison.gt), False),
    "DateGreaterThanEquals": (_typed(values.moment, comparison.ge), False),
    "Bool": (_Text(_boolean, wildcards=False, checked=values.boolean), False),
    "BinaryEquals": (_typed(values.octets, comparison.eq), False),
    "IpAddress": (_within, False),
    "NotIpAddress": (_within, True),
}
