"""Reading a CloudFormation template as far as it can be read before there is a stack.

Parameters, conditions, mappings and the functions that need no resource are worked out. Of what
only the stack will know (a generated name, an attribute) the part that is known stays, and ``*``
stands for the rest: ``!Ref Role`` is ``STACK-Role-*``.

Source: AWS CloudFormation Template Reference, "Intrinsic function reference", "Pseudo parameters
reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkilab.resources import Place

Json: TypeAlias = dict[str, Any]
Value: TypeAlias = Any  # of a template: text, number, list or object

UNKNOWN = "*"
_NO_VALUE = object()
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that a stack will have.

    Attributes:
        logical_id: its name in the template.
        type: such as ``AWS::S3::Bucket``.
        properties: worked out.
        deletion: its deletion policy.
    """

    logical_id: str
    type: str
    properties: Json
    deletion: str = "Delete"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a stack before it is there.

    Attributes:
        stack: its name.
        place: where it is made.
        parameters: values by name.
        reference: what Ref and GetAtt give of a resource: it is asked with the logical ID, the
            type, the raw properties and the attribute ("" for Ref).
    """

    stack: str
    place: Place
    parameters: Mapping[str, str] = field(default_factory=dict)
    reference: Callable[[str, str, Json, str], str] = lambda *_: UNKNOWN


def read(text: str) -> Json | None:
    """Return a template's document; None: it is none. Short forms of functions are written out."""
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that knows the tags
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("Resources"), dict) else None


def resources(template: Json, known: Known) -> tuple[Resource, ...]:
    """Return the resources that a stack of this template has, in the template's order."""
    return tuple(_Reading(template, known).resources())


class _Reading:
    """One template on its way to values."""

    def __init__(self, template: Json, known: Known) -> None:
        self._template, self._known = template, known
        self._declared = _section(template, "Parameters")

    def resources(self) -> Iterator[Resource]:
        for logical_id, found in self._template["Resources"].items():
            if not isinstance(found, dict) or not self._holds(found.get("Condition")):
                continue
            properties = self._value(found.get("Properties") or {})
            yield Resource(
                str(logical_id),
                str(found.get("Type")),
                properties if isinstance(properties, dict) else {},
                str(found.get("DeletionPolicy", "Delete")),
            )

    def _holds(self, condition: Value) -> bool:
        """Whether a condition holds; one that cannot be known may."""
        if condition is None:
            return True
        if isinstance(condition, str):
            condition = _section(self._template, "Conditions").get(condition)
        return self._truth(condition) is not False

    def _truth(self, condition: Value) -> bool | None:
        """Return whether a condition is true; None: that cannot be known."""
        if not isinstance(condition, dict) or len(condition) != 1:
            return None
        ((function, given),) = condition.items()
        if function == "Condition":
            conditions = _section(self._template, "Conditions")
            return self._truth(conditions.get(given) if isinstance(given, str) else None)
        given = given if isinstance(given, list) else []
        if function == "Fn::Equals":
            return _equal(*(self._value(each) for each in given[:2]))
        combine = {"Fn::And": _all, "Fn::Not": _not, "Fn::Or": _any}.get(function)
        return combine([self._truth(each) for each in given]) if combine else None

    def _value(self, value: Value) -> Value:
        if isinstance(value, list):
            items = (self._value(each) for each in value)
            return [each for each in items if each is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, given),) = value.items()
            if function == "Ref":
                return self._reference(str(given))
            if function.startswith("Fn::"):
                return self._function(function.removeprefix("Fn::"), given)
        found = {str(key): self._value(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if each is not _NO_VALUE}

    def _reference(self, name: str) -> Value:
        if name in self._declared:
            return self._parameter(name)
        if name in self._template["Resources"]:
            return self._resource(name, "")
        place = self._known.place
        return {
            "AWS::AccountId": place.account,
            "AWS::NoValue": _NO_VALUE,
            "AWS::Partition": place.partition,
            "AWS::Region": place.region,
            "AWS::StackName": self._known.stack,
            "AWS::URLSuffix": "amazonaws.com",
        }.get(name, UNKNOWN)

    def _parameter(self, name: str) -> Value:
        declared = self._declared[name]
        declared = declared if isinstance(declared, dict) else {}
        value = self._known.parameters.get(name, declared.get("Default", UNKNOWN))
        several = str(declared.get("Type", "")).startswith(("List<", "CommaDelimitedList"))
        return [each.strip() for each in str(value).split(",")] if several else value

    def _resource(self, logical_id: str, attribute: str) -> str:
        found = self._template["Resources"].get(logical_id)
        if not isinstance(found, dict):
            return UNKNOWN
        raw = found.get("Properties") or {}
        # Of its properties the name alone is looked at, and that names no other resource.
        named = {key: self._value(each) for key, each in raw.items() if key.endswith("Name")}
        return self._known.reference(logical_id, str(found.get("Type")), named, attribute)

    def _function(self, function: str, given: Value) -> Value:
        make = {
            "FindInMap": self._find_in_map,
            "GetAtt": self._get_att,
            "If": self._if,
            "Join": self._join,
            "Select": self._select,
            "Split": self._split,
            "Sub": self._sub,
        }.get(function)
        try:
            return make(given) if make else UNKNOWN
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return UNKNOWN  # CloudFormation will say what is wrong with it

    def _get_att(self, given: Value) -> Value:
        name, attribute = given.split(".", 1) if isinstance(given, str) else given[:2]
        return self._resource(str(name), str(attribute))

    def _if(self, given: Value) -> Value:
        truth = self._truth({"Condition": given[0]})
        if truth is None:
            return UNKNOWN
        return self._value(given[1] if truth else given[2])

    def _join(self, given: Value) -> Value:
        parts = self._value(given[1])
        return str(given[0]).join(map(str, parts)) if isinstance(parts, list) else UNKNOWN

    def _select(self, given: Value) -> Value:
        return self._value(given[1])[int(self._value(given[0]))]

    def _split(self, given: Value) -> Value:
        return str(self._value(given[1])).split(str(given[0]))

    def _find_in_map(self, given: Value) -> Value:
        name, *keys = (self._value(each) for each in given[:3])
        found = _section(self._template, "Mappings")[name]
        for key in keys:
            found = found[key]
        return found

    def _sub(self, given: Value) -> str:
        text, own = (given, {}) if isinstance(given, str) else (given[0], given[1])

        def variable(found: re.Match[str]) -> str:
            name = found[1].strip()
            if name in own:
                return str(self._value(own[name]))
            value = self._get_att(name) if "." in name else self._reference(name)
            return str(value)

        return _VARIABLE.sub(variable, str(text)).replace("${!", "${")


def _equal(one: Value = UNKNOWN, other: Value = UNKNOWN) -> bool | None:
    return None if UNKNOWN in (one, other) else str(one) == str(other)


def _all(truths: list[bool | None]) -> bool | None:
    return False if False in truths else None if None in truths else True


def _any(truths: list[bool | None]) -> bool | None:
    return True if True in truths else None if None in truths else False


def _not(truths: list[bool | None]) -> bool | None:
    return None if truths[:1] in ([], [None]) else not truths[0]


def _section(template: Json, name: str) -> Json:
    found = template.get(name)
    return found if isinstance(found, dict) else {}


class _Loader(yaml.SafeLoader):
    """Reads YAML, and so JSON, with CloudFormation's short forms of functions."""


def _short(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.ScalarNode):
        value: Value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = None
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short)


def text(value: Value) -> str:
    """Return a value as one text, to compare."""
    return json.dumps(value, sort_keys=True, default=str)
