"""Reading event patterns: what is wrong with one is said in EventBridge's words.

Source: aws/event-ruler, JsonRuleCompiler; answers of EventBridge as recorded in
localstack/localstack (tests/aws/services/events/test_events_patterns.snapshot.json).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

from pkilab.simulator.eventbridge.comparisons import (
    Test,
    address,
    anything_but,
    as_number,
    ends,
    ignoring_case,
    in_network,
    in_range,
    like,
    parse_wildcard,
    read_comparable,
    starts,
)
from pkilab.simulator.eventbridge.json_reading import (
    FIELD,
    LITERAL,
    NUMBER,
    STRING,
    Reader,
    ReadingError,
)

OR = "$or"
IGNORE_CASE = "equals-ignore-case"
_COMPARISONS = ("exactly", IGNORE_CASE, "prefix", "suffix", "anything-but", "exists", "wildcard")
_RESERVED = frozenset(
    {
        *_COMPARISONS, "numeric", "cidr", "=", "<", "<=", ">", ">=",
        # for what may come
        "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after",
        "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range",
        "ip-address-not-in-range",
    }
)  # fmt: skip
_LITERALS = {"true": True, "false": False, "null": None}
_STRING_WANTED = "{} match pattern must be a string"
_ONE_KEY = "Only one key allowed in match expression"
_TOO_MANY = "Too many elements in numeric expression"


@dataclass(frozen=True, slots=True)
class Field:
    """What one field of an event must be; one of these suffices.

    Attributes:
        name: dotted.
        strings: exact strings.
        addresses: exact strings that are IP addresses, which may be written otherwise.
        literals: of null, true and false.
        numbers: exact numbers as they are compared.
        written: the same as they are written.
        exists: any value at all.
        absent: no value at all.
        tests: the rest.
        wildcards: of the tests.
    """

    name: str
    strings: frozenset[str] = frozenset()
    addresses: frozenset[tuple[int, int] | None] = frozenset()
    literals: tuple[bool | None, ...] = ()
    numbers: frozenset[int | None] = frozenset()
    written: frozenset[str] = frozenset()
    exists: bool = False
    absent: bool = False
    tests: tuple[Test, ...] = ()
    wildcards: tuple[tuple[str | None, ...], ...] = ()

    @property
    def only_strings(self) -> bool:
        """Whether nothing but some strings will do."""
        others = (self.addresses, self.literals, self.written, self.tests)
        return bool(self.strings) and not (any(others) or self.exists or self.absent)


Alternative: TypeAlias = tuple[Field, ...]
_Fields: TypeAlias = dict[str, Field]


def read_pattern(text: str, most: int) -> tuple[Alternative, ...]:
    """Return the alternatives of a pattern, their fields in the order of their names.

    Args:
        text: JSON; what follows the pattern's end is not looked at.
        most: of alternatives; when there are more, they are only counted on to ``most + 1``.

    Raises:
        ReadingError: it is no pattern.
    """
    reader = Reader(text)
    if reader.next() != "{":
        raise reader.refusal("Filter is not an object")
    found = _PatternReader(reader, most).object([{}], "", inside=False)
    return tuple(tuple(each[name] for name in sorted(each)) for each in found)


class _PatternReader:
    def __init__(self, reader: Reader, most: int) -> None:
        self._reader, self._most = reader, most

    def object(self, branches: list[_Fields], path: str, *, inside: bool) -> list[_Fields]:
        """Read an object's fields into each branch; ``inside`` an ``$or``, some names are kept."""
        reader, empty = self._reader, True
        while reader.next() != "}":
            empty, name = False, reader.name
            if name == OR:
                branches = self._or(branches, path)
                continue
            if inside and name in _RESERVED:
                self._fail(f"{name} is Ruler reserved fieldName which cannot be used inside {OR}.")
            kind = reader.next()
            dotted = f"{path}.{name}" if path else name
            if kind == "{":
                branches = self.object(branches, dotted, inside=inside)
            elif kind == "[":
                read = self._values(dotted)
                for branch in branches:
                    branch[dotted] = read
            else:
                self._fail(f'"{name}" must be an object or an array')
        if empty:
            self._fail("Empty objects are not allowed")
        return branches

    def _or(self, branches: list[_Fields], path: str) -> list[_Fields]:
        if self._reader.next() != "[":
            self._fail(f"It must be an Array followed with {OR}.")
        found: list[_Fields] = []
        count = 0
        while (kind := self._reader.next()) != "]":
            count += 1
            if kind != "{":
                self._fail(f"Only JSON object is allowed in array of {OR} relationship.")
            found += self.object([dict(each) for each in branches], path, inside=True)
            del found[self._most + 1 :]
        if count < 2:  # noqa: PLR2004 - event-ruler's
            self._fail(f"There must have at least 2 Objects in {OR} relationship.")
        return found

    def _values(self, name: str) -> Field:
        reader, found = self._reader, _Values()
        while (kind := reader.next()) != "]":
            if kind == "{":
                _Expression(reader, found).read()
            elif kind == STRING:
                found.add_string(reader.text())
            elif kind == NUMBER:
                found.add_number(reader.text())
            elif kind == LITERAL:
                found.literals.append(_LITERALS[reader.text()])
            else:
                self._fail("Match value must be String, number, true, false, or null")
        if found.empty:
            self._fail("Empty arrays are not allowed")
        return found.field(name)

    def _fail(self, reason: str) -> NoReturn:
        raise self._reader.refusal(reason)


@dataclass(slots=True)
class _Values:
    """What a field's array has so far."""

    strings: set[str] = field(default_factory=set)
    addresses: set[tuple[int, int] | None] = field(default_factory=set)
    literals: list[bool | None] = field(default_factory=list)
    numbers: set[int | None] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    exists: bool = False
    absent: bool = False
    tests: list[Test] = field(default_factory=list)
    wildcards: list[tuple[str | None, ...]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there was nothing."""
        some = (self.strings, self.addresses, self.literals, self.written, self.tests)
        return not (any(some) or self.exists or self.absent)

    def add_string(self, text: str) -> None:
        """Take an exact string."""
        if (found := address(text)) is not None:
            self.addresses.add(found)
        else:
            self.strings.add(text)

    def add_number(self, text: str) -> None:
        """Take an exact number; one that cannot be compared matches as it is written."""
        self.written.add(text)
        try:
            self.numbers.add(read_comparable(text))
        except ValueError:
            return

    def field(self, name: str) -> Field:
        """Return all of it."""
        return Field(
            name,
            frozenset(self.strings),
            frozenset(self.addresses),
            tuple(self.literals),
            frozenset(self.numbers),
            frozenset(self.written),
            self.exists,
            self.absent,
            tuple(self.tests),
            tuple(self.wildcards),
        )


class _UnplacedError(ReadingError):
    """An error whose place is still to be told."""


class _Expression:
    """A match expression: an object with one key, such as ``{"prefix": "aws."}``."""

    def __init__(self, reader: Reader, values: _Values) -> None:
        self._reader, self._values = reader, values

    def read(self) -> None:
        """Read it into the field's values."""
        if self._reader.next() != FIELD:
            self._fail("Match expression name not found")
        name = self._reader.name
        known: dict[str, Callable[[], None]] = {
            "exactly": self._exactly,
            "prefix": functools.partial(self._affix, "prefix", starts),
            "suffix": functools.partial(self._affix, "suffix", ends),
            "numeric": self._numeric,
            "anything-but": self._anything_but,
            "exists": self._exists,
            "cidr": self._cidr,
            IGNORE_CASE: self._ignore_case,
            "wildcard": self._wildcard,
        }
        if name not in known:
            self._fail(f"Unrecognized match type {name}")
        known[name]()

    def _exactly(self) -> None:
        if self._reader.next() != STRING:
            self._fail("exact match pattern must be a string")
        self._values.strings.add(self._reader.text())
        self._end(_ONE_KEY)

    def _affix(self, name: str, test: Callable[[str], Test]) -> None:
        kind = self._reader.next()
        if kind == "{":
            if self._reader.next() != FIELD:
                self._fail(f"{name.title()} expression name not found")
            if self._reader.name != IGNORE_CASE:
                self._fail(f"Unsupported {name} pattern: {self._reader.name}")
            self._expect_string(IGNORE_CASE, self._reader.next())
            self._values.tests.append(ignoring_case(test(self._reader.text().lower())))
            self._end(_ONE_KEY)
        else:
            self._expect_string(name, kind)
            self._values.tests.append(test(self._reader.text()))
        self._end(_ONE_KEY)

    def _ignore_case(self) -> None:
        self._expect_string(IGNORE_CASE, self._reader.next())
        self._values.tests.append(_same_but_case(self._reader.text()))
        self._end(_ONE_KEY)

    def _wildcard(self) -> None:
        self._expect_string("wildcard", self._reader.next())
        self._values.tests.append(self._like(self._reader.text()))
        self._end(_ONE_KEY)

    def _like(self, text: str) -> Test:
        try:
            parsed = parse_wildcard(text)
        except ValueError as error:
            raise self._reader.refusal(str(error)) from error
        self._values.wildcards.append(parsed)
        return like(parsed)

    def _cidr(self) -> None:
        self._expect_string("prefix", self._reader.next())  # so it says, for cidr as well
        try:
            self._values.tests.append(in_network(self._reader.text()))
        except ValueError as error:  # without the place, as EventBridge tells it
            raise ReadingError(str(error)) from error
        self._end(_ONE_KEY)

    def _exists(self) -> None:
        kind = self._reader.next()
        if kind != LITERAL or self._reader.text() == "null":
            self._fail("exists match pattern must be either true or false.")
        if self._reader.text() == "true":
            self._values.exists = True
        else:
            self._values.absent = True
        self._end(_ONE_KEY)

    # Numbers.

    def _numeric(self) -> None:
        reader = self._reader
        if reader.next() != "[":
            self._fail("Value of numeric must be an array.")
        if reader.next() != STRING:
            self._fail(f"Invalid member in numeric match: {self._shown()}")
        operator = reader.text()
        kind = reader.next()
        if operator not in {"=", "<", "<=", ">", ">="}:
            self._fail(f"Unrecognized numeric range operator: {operator}")
        number = self._number("equals" if operator == "=" else operator, kind)
        if operator in {">", ">="}:
            test = self._lower_bound(operator, number)
        else:
            if reader.next() != "]":
                self._fail(_TOO_MANY)
            bottom = number if operator == "=" else None
            test = (
                _equal_to(number)
                if bottom is not None
                else in_range(None, number, above=False, below=operator == "<")
            )
        self._values.tests.append(test)
        self._end(_TOO_MANY)

    def _lower_bound(self, operator: str, bottom: int) -> Test:
        reader, above = self._reader, operator == ">"
        kind = reader.next()
        if kind == "]":
            return in_range(bottom, None, above=above, below=False)
        if kind != STRING:
            self._fail(f"Bad value in numeric range: {self._shown()}")
        operator = reader.text()
        if operator not in {"<", "<="}:
            self._fail(f"Bad numeric range operator: {operator}")
        top = self._number(operator, reader.next())
        if reader.next() != "]":
            self._fail("Too many terms in numeric range expression")
        try:
            return in_range(bottom, top, above=above, below=operator == "<")
        except ValueError as error:
            raise reader.refusal(str(error)) from error

    def _number(self, operator: str, kind: str) -> int:
        if kind != NUMBER:
            self._fail(f"Value of {operator} must be numeric")
        try:
            return read_comparable(self._reader.text())
        except ValueError as error:
            raise self._reader.refusal(str(error)) from error

    # Anything but.

    def _anything_but(self) -> None:
        reader, kind = self._reader, self._reader.next()
        name = ""
        if kind == "{":
            if reader.next() != FIELD:
                self._fail("Anything-But expression name not found")
            name = reader.name
            if name not in {IGNORE_CASE, "prefix", "suffix", "wildcard"}:
                self._fail(f"Unsupported anything-but pattern: {name}")
            kind = reader.next()
        if kind not in {"[", STRING, NUMBER}:
            self._fail("Value of anything-but must be an array or single string/number value.")
        read = self._refused_by_kind if name else self._refused_values
        if kind == "[":
            try:
                tests = read(name, listed=True)
            except _UnplacedError as error:
                raise reader.refusal(str(error)) from error
            except ReadingError as error:  # EventBridge tells the place twice
                raise reader.refusal(str(error)) from error
        else:
            tests = read(name, listed=False)
        self._values.tests.append(anything_but(tests))
        self._end(_TOO_MANY)
        if name:
            self._end(_TOO_MANY)

    def _refused_values(self, _name: str, *, listed: bool) -> list[Test]:
        reader = self._reader
        strings: set[str] = set()
        numbers: set[int | None] = set()
        kind = reader.next() if listed else reader.kind
        while kind != "]":
            if kind == STRING:
                strings.add(reader.text())
            elif kind == NUMBER:
                try:
                    numbers.add(read_comparable(reader.text()))
                except ValueError as error:
                    raise (reader.refusal if listed else ReadingError)(str(error)) from error
            else:
                self._fail("Inside anything but list, start|null|boolean is not supported.")
            if not listed:
                break
            kind = reader.next()
        if bool(strings) == bool(numbers):
            raise _UnplacedError(
                "Inside anything but list, either all values are number or string, "
                "mixed type is not supported"
            )
        return [_one_of(frozenset(strings), frozenset(numbers))]

    def _refused_by_kind(self, name: str, *, listed: bool) -> list[Test]:
        reader, tests = self._reader, []
        kind = reader.next() if listed else reader.kind
        while kind != "]":
            if kind != STRING:
                self._fail(
                    "Inside anything-but/equals-ignore-case list, number|start|null|boolean is "
                    "not supported."
                    if name == IGNORE_CASE
                    else _STRING_WANTED.format(
                        "wildcard" if name == "wildcard" else "prefix/suffix"
                    )
                )
            text = reader.text()
            if name in {"prefix", "suffix"} and not text:
                self._fail("Null prefix/suffix not allowed")
            if name == "wildcard":
                tests.append(self._like(text))
            elif name == IGNORE_CASE:
                tests.append(_same_but_case(text))
            else:
                tests.append(starts(text) if name == "prefix" else ends(text))
            if not listed:
                break
            kind = reader.next()
        return tests

    # What all have.

    def _expect_string(self, name: str, kind: str) -> None:
        if kind != STRING:
            self._fail(_STRING_WANTED.format(name))

    def _end(self, reason: str) -> None:
        if self._reader.next() != "}":
            self._fail(reason)

    def _shown(self) -> str:
        kind = self._reader.kind
        if kind == FIELD:
            return self._reader.name
        return self._reader.text() if kind in {STRING, NUMBER, LITERAL} else kind

    def _fail(self, reason: str) -> NoReturn:
        raise self._reader.refusal(reason)


def _same_but_case(text: str) -> Test:
    low = text.lower()
    return lambda value: isinstance(value, str) and value.lower() == low


def _equal_to(number: int) -> Test:
    return lambda value: as_number(value) == number


def _one_of(strings: frozenset[str], numbers: frozenset[int | None]) -> Test:
    def test(value: object) -> bool:
        if isinstance(value, str):
            return value in strings
        return bool(numbers) and (number := as_number(value)) is not None and number in numbers

    return test
