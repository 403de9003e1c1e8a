"""What event patterns compare values by: numbers, addresses, wildcards, and what is anything but.

Source: EventBridge User Guide, "Comparison operators for use in event patterns"; aws/event-ruler,
which EventBridge matches with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from ipaddress import AddressValueError, IPv6Address
from typing import TypeAlias

Test: TypeAlias = Callable[[object], bool]

LARGEST = 5_000_000_000  # numbers are compared up to here, by six digits right of the point
COMPLEX = 10  # states at once; see `complexity`
_VISITED = 2_000  # sets of states; a pattern with more is too complex, too
_IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_OCTETS = 4
_V4_BITS, _V6_BITS = 32, 128


def comparable(number: float | Decimal) -> int | None:
    """Return a number as it is compared, in millionths; None: it is out of range.

    Source: User Guide, "Numeric matching": between -5.0e9 and +5.0e9 inclusive, with 15 digits of
    precision, or six digits to the right of the decimal point.
    """
    if isinstance(number, int):
        return number * 1_000_000 if -LARGEST <= number <= LARGEST else None
    exact = number if isinstance(number, Decimal) else Decimal(repr(number))
    if not (exact.is_finite() and -LARGEST <= exact <= LARGEST):
        return None
    return int((exact * 1_000_000).to_integral_value(ROUND_FLOOR))


def read_comparable(text: str) -> int:
    """Return the number of a JSON text as it is compared.

    Raises:
        ValueError: it is out of range.
    """
    try:
        found = comparable(Decimal(text))
    except InvalidOperation:  # an exponent beyond all measure
        found = None
    if found is None:
        raise ValueError("Value must be between -5.0E9 and 5.0E9, inclusive")
    return found


def as_number(value: object) -> int | None:
    """Return an event's value as numbers are compared; None: it is none, or out of range."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return comparable(value)


def address(text: str) -> tuple[int, int] | None:
    """Return the length in bits and the value of an IP address; None: it is none."""
    if _IPV4.fullmatch(text):
        octets = [int(each) if len(each) <= _OCTETS else 256 for each in text.split(".")]
        return (_V4_BITS, int.from_bytes(bytes(octets))) if max(octets) < 256 else None  # noqa: PLR2004
    if not _IPV6.fullmatch(text):
        return None
    try:
        found = IPv6Address(text)
    except AddressValueError:
        return None
    mapped = found.ipv4_mapped
    return (_V4_BITS, int(mapped)) if mapped else (_V6_BITS, int(found))


def in_network(cidr: str) -> Test:
    """Return the test for an address of a network; its host bits may be set.

    Raises:
        ValueError: it is no network, in EventBridge's words.
    """
    parts = cidr.rstrip("/").split("/")
    if len(parts) != 2:  # noqa: PLR2004 - address and mask
        raise ValueError("Malformed CIDR, one '/' required")
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", parts[1]):
        raise ValueError("Malformed CIDR, mask bits must be an integer")
    if (mask := int(parts[1])) < 0:
        raise ValueError("Malformed CIDR, mask bits must not be negative")
    if (found := address(parts[0])) is None:
        shaped = _IPV4.fullmatch(parts[0]) or _IPV6.fullmatch(parts[0])
        raise ValueError(f"{'Invalid' if shaped else 'Nonstandard'} IP address: {parts[0]}")
    bits, value = found
    if mask >= bits:
        raise ValueError(f"IPv{4 if bits == _V4_BITS else 6} mask bits must be < {bits}")
    shift = bits - mask

    def test(candidate: object) -> bool:
        other = address(candidate) if isinstance(candidate, str) else None
        return other is not None and other[0] == bits and other[1] >> shift == value >> shift

    return test


def in_range(bottom: int | None, top: int | None, *, above: bool, below: bool) -> Test:
    """Return the test for a number between two.

    Args:
        bottom: the least, as `comparable` has it; None: any.
        top: the greatest.
        above: the least is not itself meant.
        below: nor the greatest.

    Raises:
        ValueError: there is nothing between them.
    """
    if bottom is not None and top is not None and bottom >= top:
        raise ValueError("Bottom must be less than top")
    least = None if bottom is None else bottom + above
    most = None if top is None else top - below

    def test(value: object) -> bool:
        number = as_number(value)
        return (
            number is not None
            and (least is None or least <= number)
            and (most is None or number <= most)
        )

    return test


def starts(prefix: str) -> Test:
    """Return the test for a string with a beginning."""
    return lambda value: isinstance(value, str) and value.startswith(prefix)


def ends(suffix: str) -> Test:
    """Return the test for a string with an end."""
    return lambda value: isinstance(value, str) and value.endswith(suffix)


def ignoring_case(test: Test) -> Test:
    """Return a test of the lower-case string."""
    return lambda value: isinstance(value, str) and test(value.lower())


def anything_but(tests: Iterable[Test]) -> Test:
    """Return the test for a value that none of the tests takes: any other, null included."""
    refused = tuple(tests)
    return lambda value: not any(test(value) for test in refused)


def parse_wildcard(text: str) -> tuple[str | None, ...]:
    """Return the characters of a wildcard pattern, None for each ``*``.

    Raises:
        ValueError: two ``*`` in a row, or an escape that is none, in EventBridge's words.
    """
    found: list[str | None] = []
    at, position = 0, 1  # octets are counted, from the quote on
    while at < len(text):
        char, following = text[at], text[at + 1 : at + 2]
        if char == "*":
            if following == "*":
                raise ValueError(f"Consecutive wildcard characters at pos {position}")
            found.append(None)
        elif char == "\\":
            if following not in {"*", "\\"} or not following:
                raise ValueError(f"Invalid escape character at pos {position}")
            found.append(following)
            at, position = at + 1, position + 1
        else:
            found.append(char)
        at, position = at + 1, position + len(char.encode("utf-8", "surrogatepass"))
    return tuple(found)


def like(wildcard: tuple[str | None, ...]) -> Test:
    """Return the test for a string that a parsed wildcard pattern takes. It is linear in both."""
    parts = [""]
    for char in wildcard:
        if char is None:
            parts.append("")
        else:
            parts[-1] += char
    first, *middle = parts
    if not middle:
        return lambda value: value == first
    last = middle.pop()

    def test(value: object) -> bool:
        if not isinstance(value, str) or len(value) < len(first) + len(last):
            return False
        if not (value.startswith(first) and value.endswith(last)):
            return False
        at, end = len(first), len(value) - len(last)
        for part in middle:
            if (found := value.find(part, at, end)) < 0:
                return False
            at = found + len(part)
        return True

    return test


def complexity(wildcards: Iterable[tuple[str | None, ...]]) -> int:
    """Return how many beginnings of wildcard patterns one string can match at once.

    Counting ends at COMPLEX, from where EventBridge is taken to refuse: it takes
    ``/Users/*/dir/dir/dir/dir/dir/doc.txt``, which has 7, and refuses ``*:*:*:*:*:event-bus/*``,
    which has 10; the bound itself is not published.

    Source: aws/event-ruler, MachineComplexityEvaluator and README, "Matching with a Machine".
    """
    patterns = tuple(dict.fromkeys(wildcards))
    alphabet = sorted({char for pattern in patterns for char in pattern if char is not None})
    beginning = _closed(patterns, ((number, 0) for number in range(len(patterns))))
    seen, waiting, most = {beginning}, [beginning], 0
    while waiting:
        states = waiting.pop()
        most = max(most, sum(1 for _, state in states if state))
        if most >= COMPLEX or len(seen) > _VISITED:
            return COMPLEX
        for char in (*alphabet, ""):  # the last one for every other
            if (reached := _step(patterns, states, char)) and reached not in seen:
                seen.add(reached)
                waiting.append(reached)
    return most


_Patterns: TypeAlias = Sequence[Sequence[str | None]]
_States: TypeAlias = frozenset[tuple[int, int]]  # patterns by number, with how much of each is read


def _closed(patterns: _Patterns, states: Iterable[tuple[int, int]]) -> _States:
    """Add the states in which a ``*`` has taken nothing yet."""
    found = set(states)
    for pattern, state in tuple(found):
        tokens = patterns[pattern]
        if state < len(tokens) and tokens[state] is None:
            found.add((pattern, state + 1))
    return frozenset(found)


def _step(patterns: _Patterns, states: _States, char: str) -> _States:
    reached = set()
    for pattern, state in states:
        tokens = patterns[pattern]
        if state < len(tokens) and tokens[state] == char:
            reached.add((pattern, state + 1))
        if state and tokens[state - 1] is None:
            reached.add((pattern, state))
    return _closed(patterns, reached)
