"""Values of a template's parameters: which there must be, and what they must be like.

Source: AWS CloudFormation User Guide, "Parameters"; sentences as answered by AWS where they are
known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pkilab.simulator.cloudformation.documents import Value, invalid
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.service import Json, not_simulated

_PLAIN = {"String", "Number", "CommaDelimitedList", "List<Number>"}
#: Types whose values name something that must exist.
HOSTED_ZONE = "AWS::Route53::HostedZone::Id"
_ZONES = {HOSTED_ZONE, f"List<{HOSTED_ZONE}>"}
_OTHERS = re.compile(r"(List<)?AWS::[\w:]+>?|AWS::SSM::Parameter::Value<.+>")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_HIDDEN = "****"
_MOST_VALUE = 4096  # bytes (CloudFormation User Guide, "Understand CloudFormation quotas")


def values(
    definitions: Mapping[str, Json], given: Iterable[Json], previous: Mapping[str, str]
) -> dict[str, str]:
    """Return each parameter's value as text: given, as before, or the default.

    Raises:
        AwsError: ValidationError; NotImplemented for types that are not simulated.
    """
    asked = _asked(given, previous)
    if unknown := [name for name in asked if name not in definitions]:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    found: dict[str, str] = {}
    missing = []
    for name, definition in definitions.items():
        _check_type(definition)
        default = text_of(definition["Default"]) if "Default" in definition else None
        if "Default" in definition and default is None:
            message = "Template format error: Every Default member must be a string."
            raise invalid(message)
        value = asked.get(name, default)
        if value is None:
            missing.append(name)
            continue
        _check_value(name, value, definition)
        found[name] = value
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    return found


def typed(definition: Json, value: str) -> Value:
    """Return a parameter's value as a template sees it: lists are lists."""
    if _is_list(definition):
        return [each.strip() for each in value.split(",")] if value else []
    return value


def shown(definitions: Mapping[str, Json], found: Mapping[str, str]) -> list[Json]:
    """Return parameters as a stack's description has them; those with NoEcho are hidden."""
    return [
        {
            "ParameterKey": name,
            "ParameterValue": _HIDDEN if is_hidden(definitions.get(name, {})) else value,
        }
        for name, value in found.items()
    ]


def is_hidden(definition: Json) -> bool:
    """Whether a parameter's value is not to be shown."""
    return text_of(definition.get("NoEcho", False)) == "true"


def zones(definitions: Mapping[str, Json], found: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the parameters that name hosted zones, and each zone."""
    return [
        (name, each.strip())
        for name, value in found.items()
        if definitions[name]["Type"] in _ZONES
        for each in value.split(",")
        if each.strip()
    ]


def _asked(given: Iterable[Json], previous: Mapping[str, str]) -> dict[str, str]:
    asked: dict[str, str] = {}
    for each in given:
        name = each.get("ParameterKey")
        if not name:
            raise invalid("Parameters must have a ParameterKey")
        if name in asked:
            raise invalid(f"Invalid input for parameter key {name}. Cannot specify it twice")
        if each.get("UsePreviousValue"):
            if each.get("ParameterValue") is not None:
                message = "Invalid input for parameter key"
                raise invalid(
                    f"{message} {name}. Cannot specify usePreviousValue as true and "
                    "non empty value for a parameter"
                )
            if name not in previous:
                message = f"Invalid input for parameter key {name}. Cannot specify usePreviousValue"
                raise invalid(f"{message} as true for a parameter key not in the previous template")
            asked[name] = previous[name]
        elif "ParameterValue" in each:
            asked[name] = each["ParameterValue"]
            if len(asked[name].encode("utf-8", "replace")) > _MOST_VALUE:
                raise invalid(f"Parameter '{name}' must have at most {_MOST_VALUE} bytes")
    return asked


def _check_type(definition: Json) -> None:
    kind = definition["Type"]
    if kind in _PLAIN | _ZONES:
        return
    if _OTHERS.fullmatch(kind):
        raise not_simulated(f"the parameter type {kind}")
    raise invalid(f"Template format error: Unrecognized parameter type: {kind}")


def _is_list(definition: Json) -> bool:
    kind: str = definition["Type"]
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _check_value(name: str, value: str, definition: Json) -> None:
    described = definition.get("ConstraintDescription")

    def refuse(sentence: str) -> None:
        if described:
            raise invalid(f"Parameter {name} failed to satisfy constraint: {described}")
        raise invalid(f"Parameter '{name}' {sentence}")

    each_value = [each.strip() for each in value.split(",")] if _is_list(definition) else [value]
    if "Number" in definition["Type"] and not all(map(_NUMBER.fullmatch, each_value)):
        raise invalid(f"Parameter '{name}' must be a number.")
    allowed = definition.get("AllowedValues")
    if allowed is not None:
        if not isinstance(allowed, list):
            raise invalid("Template format error: Every AllowedValues member must be a list.")
        texts = set(map(text_of, allowed))
        if not set(each_value) <= texts:
            refuse("must be one of AllowedValues")
    if definition["Type"] == "Number":
        _check_number(float(value), definition, refuse)
    if definition["Type"] == "String":
        _check_text(value, definition, refuse)


def _check_number(value: float, definition: Json, refuse: Any) -> None:  # noqa: ANN401 - of above
    least, most = _limit(definition, "MinValue"), _limit(definition, "MaxValue")
    if least is not None and value < least:
        refuse(f"must be a number not less than {definition['MinValue']}")
    if most is not None and value > most:
        refuse(f"must be a number not greater than {definition['MaxValue']}")


def _check_text(value: str, definition: Json, refuse: Any) -> None:  # noqa: ANN401 - of above
    least, most = _limit(definition, "MinLength"), _limit(definition, "MaxLength")
    if least is not None and len(value) < least:
        refuse(f"must contain at least {definition['MinLength']} characters")
    if most is not None and len(value) > most:
        refuse(f"must contain at most {definition['MaxLength']} characters")
    pattern = definition.get("AllowedPattern")
    if pattern is None:
        return
    try:
        matches = re.fullmatch(str(pattern), value)
    except (re.error, RecursionError, OverflowError) as why:
        message = "Template format error: AllowedPattern is no regular expression that Python reads"
        raise invalid(f"{message}: {pattern}") from why
    if not matches:
        refuse(f"must match pattern {pattern}")


def _limit(definition: Json, name: str) -> float | None:
    if name not in definition:
        return None
    text = text_of(definition[name])
    if text is None or not _NUMBER.fullmatch(text):
        raise invalid(f"Template format error: Every {name} member must be a number.")
    return float(text)
