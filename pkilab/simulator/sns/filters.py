"""Filter policies of subscriptions: which messages are delivered.

A policy names attributes (or, with the scope MessageBody, properties of a JSON message) and for
each what it may be; all names must match, and of what is listed for one name any. A value that is
an array matches if one of its elements does: so does ``anything-but``, where pages of the guide
contradict one another. The operator ``wildcard`` is not simulated.

Sources: SNS Developer Guide, "Amazon SNS subscription filter policies" and its pages on string
value matching, numeric value matching, key matching, AND and OR logic, and constraints.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pkilab.simulator.service import AwsError, not_simulated

_MOST_NAMES, _MOST_COMBINATIONS, _MOST_BYTES, _LARGEST_NUMBER = 5, 150, 256 * 1024, 10**9
_DEEPEST = 32
_Test = Callable[[Any], bool]
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda one, other: one == other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_BOUNDS = ((">", ">="), ("<", "<="))
_TEXTUAL: Mapping[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "equals-ignore-case": lambda found, wanted: found.casefold() == wanted.casefold(),
}


@dataclass(frozen=True, slots=True)
class _Leaf:
    """What is listed for one name."""

    tests: tuple[_Test, ...]
    absent: bool  # whether a message without it will do

    def accepts(self, values: list[Any]) -> bool:
        if not values:
            return self.absent
        return any(test(value) for test in self.tests for value in values)


@dataclass(frozen=True, slots=True)
class _Node:
    """What is asked of an object: of each name something, and one of some alternatives each."""

    names: Mapping[str, _Node | _Leaf]
    alternatives: tuple[tuple[_Node, ...], ...]

    def accepts(self, found: Any) -> bool:  # noqa: ANN401 - JSON is untyped
        if isinstance(found, list):
            return any(self.accepts(each) for each in found)
        inside = found if isinstance(found, Mapping) else {}
        return all(
            rule.accepts(_values(inside.get(name, ()), present=name in inside))
            if isinstance(rule, _Leaf)
            else rule.accepts(inside.get(name))
            for name, rule in self.names.items()
        ) and all(any(each.accepts(inside) for each in either) for either in self.alternatives)


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter policy, compiled."""

    of_body: bool
    node: _Node

    def accepts(self, text: str, attributes: Mapping[str, Mapping[str, Any]]) -> bool:
        """Say whether a message is delivered.

        Args:
            text: the message; with the scope MessageBody one that is no JSON object is not.
            attributes: the message's, as Publish has them.
        """
        if not self.of_body:
            return self.node.accepts(_plain(attributes))
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return False
        return isinstance(body, dict) and self.node.accepts(body)


def compile_filter(text: str, scope: str) -> Filter:
    """Read a filter policy.

    Args:
        text: JSON.
        scope: MessageAttributes or MessageBody.

    Raises:
        AwsError: InvalidParameter, it is none, or one beyond the limits; NotImplemented, an
            operator that is not simulated.
    """
    if len(text.encode(errors="replace")) > _MOST_BYTES:
        raise _invalid("Filter policy is too large")
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid("failed to parse JSON.") from error
    if not isinstance(policy, dict):
        raise _invalid("Filter policy is not a JSON object")
    if len(policy) > _MOST_NAMES:
        raise _invalid(f"Filter policy can not have more than {_MOST_NAMES} keys")
    of_body = scope == "MessageBody"
    sizes: list[int] = []
    node = _compile(policy, sizes, nested=of_body, depth=0)
    combinations = 1
    for size in sizes:
        combinations *= size
    if combinations > _MOST_COMBINATIONS:
        raise _invalid("Filter policy is too complex")
    return Filter(of_body, node)


def _invalid(why: str) -> AwsError:
    return AwsError("InvalidParameter", f"Invalid parameter: FilterPolicy: {why}")


def _compile(policy: dict[str, Any], sizes: list[int], *, nested: bool, depth: int) -> _Node:
    if depth > _DEEPEST:
        raise _invalid("Filter policy is nested too deeply")
    names: dict[str, _Node | _Leaf] = {}
    alternatives: list[tuple[_Node, ...]] = []
    for name, wanted in policy.items():
        if name == "$or" and isinstance(wanted, list) and len(wanted) > 1:
            if not all(isinstance(each, dict) for each in wanted):
                raise _invalid("an alternative of $or must be an object")
            alternatives.append(
                tuple(_compile(each, sizes, nested=nested, depth=depth + 1) for each in wanted)
            )
        elif isinstance(wanted, dict) and nested:
            if not wanted:
                raise _invalid("Empty objects are not allowed")
            names[name] = _compile(wanted, sizes, nested=nested, depth=depth + 1)
        elif isinstance(wanted, dict):
            raise _invalid("Filter policy scope MessageAttributes does not support nested filter "
                           "policy")  # fmt: skip
        elif not isinstance(wanted, list):
            raise _invalid(f'"{name}" must be an object or an array')
        elif not wanted:
            raise _invalid("Empty arrays are not allowed")
        else:
            sizes.append(len(wanted))
            names[name] = _leaf(wanted)
    return _Node(names, tuple(alternatives))


def _leaf(wanted: Iterable[Any]) -> _Leaf:
    tests: list[_Test] = []
    absent = False
    for each in wanted:
        if not isinstance(each, dict):
            tests.append(_exactly(each))
            continue
        if len(each) != 1:
            raise _invalid("Only one key allowed in match expression")
        operator, operand = next(iter(each.items()))
        if operator == "exists":
            if not isinstance(operand, bool):
                raise _invalid("exists match pattern must be either true or false.")
            if operand:
                tests.append(lambda _value: True)
            else:
                absent = True
        else:
            tests.append(_operator(operator, operand))
    return _Leaf(tuple(tests), absent)


def _exactly(wanted: Any) -> _Test:  # noqa: ANN401 - JSON is untyped
    if isinstance(wanted, list):
        raise _invalid("Match value must be String, number, true, false, or null")
    if _is_number(wanted):
        _require_range(wanted)
        return lambda found: _is_number(found) and found == wanted
    return lambda found: type(found) is type(wanted) and found == wanted


def _operator(operator: str, operand: Any) -> _Test:  # noqa: ANN401 - JSON is untyped
    if operator in _TEXTUAL:
        return _textual(operator, operand)
    if operator == "anything-but":
        return _anything_but(operand)
    if operator == "numeric":
        return _numeric(operand)
    if operator == "cidr":
        return _cidr(operand)
    if operator == "wildcard":
        raise not_simulated("a filter policy with wildcard")
    raise _invalid(f"Unrecognized match type {operator}")


def _textual(operator: str, operand: Any) -> _Test:  # noqa: ANN401 - JSON is untyped
    if not isinstance(operand, str):
        raise _invalid(f"{operator} match pattern must be a string")
    compare = _TEXTUAL[operator]
    return lambda found: isinstance(found, str) and compare(found, operand)


def _anything_but(operand: Any) -> _Test:  # noqa: ANN401 - JSON is untyped
    if isinstance(operand, dict):
        if len(operand) != 1 or not operand.keys() <= {"prefix", "suffix", "equals-ignore-case"}:
            raise _invalid("Unsupported anything-but pattern")
        refused = _textual(*next(iter(operand.items())))
        return lambda found: not refused(found)
    listed = operand if isinstance(operand, list) else [operand]
    if not listed or not all(isinstance(each, str) or _is_number(each) for each in listed):
        raise _invalid("Inside anything-but list, values must be strings or numbers")
    tests = [_exactly(each) for each in listed]
    return lambda found: not any(test(found) for test in tests)


def _numeric(operand: Any) -> _Test:  # noqa: ANN401 - JSON is untyped
    if not isinstance(operand, list) or len(operand) not in {2, 4}:
        raise _invalid("Value of numeric must be an array of one or two comparisons")
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    for name, bound in pairs:
        if name not in _COMPARISONS:
            raise _invalid(f"Unrecognized numeric range operator: {name}")
        if not _is_number(bound):
            raise _invalid(f"Value of {name} must be numeric")
        _require_range(bound)
    if len(pairs) > 1:
        if any(name not in bounds for (name, _), bounds in zip(pairs, _BOUNDS, strict=True)):
            raise _invalid("Too many elements in numeric expression")
        if pairs[0][1] >= pairs[1][1]:
            raise _invalid("Bottom must be less than top")
    return lambda found: (
        _is_number(found) and all(_COMPARISONS[name](found, bound) for name, bound in pairs)
    )


def _cidr(operand: Any) -> _Test:  # noqa: ANN401 - JSON is untyped
    try:
        network = ipaddress.ip_network(operand if isinstance(operand, str) else "", strict=False)
    except ValueError as error:
        raise _invalid(f"Malformed CIDR, one '/' required: {operand}") from error

    def inside(found: Any) -> bool:  # noqa: ANN401 - JSON is untyped
        try:
            return isinstance(found, str) and ipaddress.ip_address(found) in network
        except ValueError:
            return False

    return inside


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_range(number: float) -> None:
    if not -_LARGEST_NUMBER <= number <= _LARGEST_NUMBER:
        raise _invalid(f"Value of number must be between -{_LARGEST_NUMBER} and {_LARGEST_NUMBER}")


def _values(found: Any, *, present: bool) -> list[Any]:  # noqa: ANN401 - JSON is untyped
    """Return what is to be tested of a value: itself, or its elements."""
    if not present:
        return []
    return found if isinstance(found, list) else [found]


def _plain(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return message attributes as JSON has them; Binary ones are ignored."""
    found: dict[str, Any] = {}
    for name, each in attributes.items():
        kind, text = each.get("DataType", ""), each.get("StringValue", "")
        if kind in {"String.Array", "Number"} or kind.startswith("Number."):
            found[name] = json.loads(text)  # `checks` has seen to it that they can be read
        elif not kind.startswith("Binary"):
            found[name] = text
    return found
