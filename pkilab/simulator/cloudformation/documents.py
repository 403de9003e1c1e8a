"""Reading a template's text: JSON, or the YAML that CloudFormation takes.

Short forms such as ``!Ref`` become the long ones. What comes out is made of ``dict`` (with text
keys), ``list``, ``str``, ``int``, ``float`` and ``bool``, at most `_DEEPEST` levels deep.

Source: AWS CloudFormation User Guide, "Template formats"; sentences as answered by AWS.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable
from typing import Any, NoReturn

import yaml

from pkilab.simulator.service import AwsError

#: A template's value.
Value = Any

_DEEPEST = 64
_SHORT = (
    "And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals",
    "FindInMap", "GetAZs", "If", "ImportValue", "Join", "Length", "Not", "Or", "RefAll", "Select",
    "Split", "Sub", "ToJsonString", "Transform", "ValueOf", "ValueOfAll",
)  # fmt: skip
_READ = {"bool", "int", "float", "null"}  # what plain text may be, besides text
_ALIASES = "Template error: YAML aliases are not allowed in CloudFormation templates"


def invalid(message: str) -> AwsError:
    """Return the error of everything that is wrong with a template or a request."""
    return AwsError("ValidationError", message)


def parse(text: str) -> dict[str, Value]:
    """Read a template.

    Raises:
        AwsError: ValidationError; it is neither JSON nor YAML, has a null, or is no mapping.
    """
    stripped = text.lstrip()
    document = _parse_json(text) if stripped.startswith("{") else _parse_yaml(text)
    if not isinstance(document, dict):
        raise invalid("Template format error: unsupported structure.")
    _check(document, "", 0)
    return document


def _parse_json(text: str) -> Value:
    try:
        return json.loads(text)
    except json.JSONDecodeError as why:
        # A YAML flow mapping begins like JSON.
        try:
            return _parse_yaml(text)
        except AwsError:
            place = f"(line {why.lineno}, column {why.colno})"
            raise invalid(f"Template format error: JSON not well-formed. {place}") from why
    except (ValueError, RecursionError) as why:  # such as a number of 5,000 digits
        raise invalid("Template format error: JSON not well-formed.") from why


def _parse_yaml(text: str) -> Value:
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as why:
        if why.problem == _ALIASES:
            raise invalid(_ALIASES) from why
        mark = why.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise invalid(f"Template format error: YAML not well-formed.{place}") from why
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as why:
        raise invalid("Template format error: YAML not well-formed.") from why


def _check(value: Value, path: str, depth: int) -> None:
    """Refuse what no template holds: nulls, numbers that are none, and a bottomless nesting.

    Raises:
        AwsError: ValidationError.
    """
    if depth > _DEEPEST:
        raise invalid("Template format error: the template is nested too deeply.")
    if value is None:
        raise invalid(f"[{path}] 'null' values are not allowed in templates")
    if isinstance(value, float) and not math.isfinite(value):
        raise invalid(f"[{path}] '{value}' values are not allowed in templates")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(item, f"{path}/{key}", depth + 1)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check(item, f"{path}/{number}", depth + 1)


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without aliases, merges, time stamps and tags other than CloudFormation's."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem=_ALIASES)
        return super().compose_node(parent, index)

    def construct_plain(self, node: yaml.Node) -> Value:
        """Construct a node without regard of its own tag."""
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - there are no other kinds
        return self.construct_scalar(node)

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's signature
    ) -> dict[Hashable, Any]:
        result: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, bool):
                key = key_node.value  # on and yes are names here
            if isinstance(key, int | float):
                key = str(key_node.value)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(
                    problem="a key that is no text", problem_mark=key_node.start_mark
                )
            if key in result:
                raise yaml.MarkedYAMLError(
                    problem="a key that stands twice", problem_mark=key_node.start_mark
                )
            result[key] = self.construct_object(value_node, deep=deep)
        return result


def _construct_function(loader: _Loader, suffix: str, node: yaml.Node) -> Value:
    """Read ``!Sub x`` as ``{"Fn::Sub": x}``."""
    if suffix in {"Ref", "Condition"}:
        return {suffix: loader.construct_plain(node)}
    value = loader.construct_plain(node)
    if suffix == "GetAtt":
        # !GetAtt Name.Attribute; the attribute itself may have dots.
        parts = value.split(".", 1) if isinstance(value, str) else value
        return {"Fn::GetAtt": parts}
    return {f"Fn::{suffix}": value} if suffix in _SHORT else _unknown(node)


def _construct_map(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    return loader.construct_mapping(node, deep=True)


def _construct_list(loader: _Loader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node, deep=True)


def _construct_unknown(_: _Loader, node: yaml.Node) -> Value:
    _unknown(node)


def _unknown(node: yaml.Node) -> NoReturn:
    raise yaml.MarkedYAMLError(problem="an unknown tag", problem_mark=node.start_mark)


_Loader.add_multi_constructor("!", _construct_function)
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_map)
_Loader.add_constructor("tag:yaml.org,2002:seq", _construct_list)
for _tag in ("binary", "omap", "pairs", "set", "timestamp", "merge"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _construct_unknown)
# A date, such as that of AWSTemplateFormatVersion, is text; so is "<<".
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] in _READ]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
