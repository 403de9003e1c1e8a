"""A template's sections, checked as far as that needs no parameters and no resource types.

Source: AWS CloudFormation User Guide, "Template anatomy"; sentences as answered by AWS where they
are known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pkilab.simulator.cloudformation import documents
from pkilab.simulator.cloudformation.documents import Value, invalid
from pkilab.simulator.service import Json, not_simulated

_SECTIONS = (
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings",
    "Conditions", "Transform", "Resources", "Outputs", "Hooks",
)  # fmt: skip
_OF_RESOURCE = {
    "Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy",
    "UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy",
}  # fmt: skip
_OF_OUTPUT = {"Value", "Description", "Condition", "Export"}
_OF_PARAMETER = {
    "Type", "Default", "AllowedValues", "AllowedPattern", "ConstraintDescription", "Description",
    "MaxLength", "MinLength", "MaxValue", "MinValue", "NoEcho",
}  # fmt: skip
_NAME = re.compile(r"[a-zA-Z0-9]+")
_VERSION = "2010-09-09"
_LONGEST_DESCRIPTION = 1024  # bytes
# AWS CloudFormation User Guide, "Understand CloudFormation quotas".
_MOST = {"Parameters": 200, "Mappings": 200, "Resources": 500, "Outputs": 200}
_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate")


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as a template defines it."""

    logical_id: str
    type: str
    properties: Json
    depends_on: tuple[str, ...]
    condition: str | None
    metadata: Json
    deletion_policy: str
    update_replace_policy: str


@dataclass(frozen=True, slots=True)
class Output:
    """An output as a template defines it."""

    name: str
    value: Value
    description: str | None
    condition: str | None
    export: Value


@dataclass(frozen=True, slots=True)
class Template:
    """A template: its text, and what stands there."""

    text: str
    document: Json
    parameters: Mapping[str, Json]
    rules: Mapping[str, Json]
    mappings: Mapping[str, Value]
    conditions: Mapping[str, Value]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Output]

    @property
    def description(self) -> str | None:
        """What it says of itself."""
        return self.document.get("Description")


def parse(text: str) -> Template:
    """Read a template.

    Raises:
        AwsError: ValidationError; NotImplemented for what is not simulated, such as transforms.
    """
    document = documents.parse(text)
    if others := [name for name in document if name not in _SECTIONS]:
        found = ", ".join(others)
        raise invalid(f"Invalid template property or properties [{found}]")
    for section in ("Transform", "Hooks"):
        if section in document:
            raise not_simulated(f"a template with {section}")
    version = document.get("AWSTemplateFormatVersion", _VERSION)
    if version != _VERSION:
        raise invalid(f"Template format error: {version} is not a supported value.")
    description = document.get("Description")
    if description is not None and not isinstance(description, str):
        raise invalid("Template format error: Description must be a string.")
    if description and len(description.encode("utf-8", "replace")) > _LONGEST_DESCRIPTION:
        message = "Template format error: 'Description' length is greater than"
        raise invalid(f"{message} {_LONGEST_DESCRIPTION}.")
    resources = _section(document, "Resources")
    if not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    return Template(
        text,
        document,
        {name: _parameter(name, each) for name, each in _section(document, "Parameters").items()},
        _section(document, "Rules"),
        {name: _mapping(name, each) for name, each in _section(document, "Mappings").items()},
        _section(document, "Conditions"),
        {name: _resource(name, each) for name, each in resources.items()},
        {name: _output(name, each) for name, each in _section(document, "Outputs").items()},
    )


def _section(document: Json, section: str) -> Json:
    found = document.get(section, {})
    if not isinstance(found, dict):
        raise invalid(f"Template format error: {section} must be an object.")
    noun = section.removesuffix("s")
    for name in found:
        if not _NAME.fullmatch(name) and section != "Mappings":
            raise invalid(f"Template format error: {noun} name {name} is non alphanumeric.")
    if len(found) > (most := _MOST.get(section, len(found))):
        message = f"Template format error: Number of {section.lower()}, {len(found)}, is greater"
        raise invalid(f"{message} than maximum allowed, {most}")
    return found


def _parameter(name: str, found: Value) -> Json:
    if not isinstance(found, dict):
        raise invalid("Template format error: Every Parameters object must be an object.")
    if "Type" not in found:
        message = "Template format error: Every Parameters object must contain a Type member."
        raise invalid(message)
    if others := [each for each in found if each not in _OF_PARAMETER]:
        raise invalid(f"Invalid template parameter property '{others[0]}'")
    if not isinstance(found["Type"], str):
        raise invalid(f"Template format error: Unrecognized parameter type: {found['Type']}")
    return {"ParameterKey": name, **found}


def _mapping(name: str, found: Value) -> Value:
    if not isinstance(found, dict):
        raise invalid(f"Template format error: Every Mappings member {name} must be a map")
    for inside in found.values():
        if not isinstance(inside, dict):
            raise invalid(f"Template format error: Every Mappings member {name} must be a map")
        if any(isinstance(value, dict) for value in inside.values()):
            raise invalid(
                "Template format error: Every Mappings attribute must be a String or a List."
            )
    return found


def _resource(name: str, found: Value) -> Resource:
    if not isinstance(found, dict):
        raise invalid("Template format error: Any Resources member must be an object.")
    if not isinstance(found.get("Type"), str):
        message = f"Template format error: [/Resources/{name}] Every Resources object must contain"
        raise invalid(f"{message} a Type member.")
    if others := [each for each in found if each not in _OF_RESOURCE]:
        raise invalid(f"Invalid template resource property '{others[0]}'")
    for policy in ("CreationPolicy", "UpdatePolicy"):
        if policy in found:
            raise not_simulated(f"{policy} of a resource")
    depends = found.get("DependsOn", [])
    depends = depends if isinstance(depends, list) else [depends]
    properties, metadata = found.get("Properties", {}), found.get("Metadata", {})
    strings = all(isinstance(each, str) for each in depends)
    if not (strings and isinstance(properties, dict) and isinstance(metadata, dict)):
        message = f"Template format error: [/Resources/{name}] Properties and Metadata are objects,"
        raise invalid(f"{message} DependsOn is a string or a list of strings.")
    return Resource(
        name,
        found["Type"],
        properties,
        tuple(depends),
        _condition(found, name),
        metadata,
        _policy(found, name, "DeletionPolicy"),
        _policy(found, name, "UpdateReplacePolicy"),
    )


def _policy(found: Json, name: str, policy: str) -> str:
    value = found.get(policy, "Delete")
    if value == "Snapshot":
        message = f"Template error: resource type {found['Type']} does not support deletion policy"
        raise invalid(f"{message} Snapshot")
    if value not in _POLICIES:
        message = f"Template format error: Unrecognized {policy} {value} for resource {name}"
        raise invalid(message)
    return str(value)


def _condition(found: Json, name: str) -> str | None:
    condition = found.get("Condition")
    if condition is not None and not isinstance(condition, str):
        raise invalid(f"Template format error: the Condition of {name} must be a string.")
    return condition


def _output(name: str, found: Value) -> Output:
    if not isinstance(found, dict):
        raise invalid("Template format error: Any Outputs member must be an object.")
    if "Value" not in found:
        raise invalid("Template format error: Every Outputs member must contain a Value object")
    if others := [each for each in found if each not in _OF_OUTPUT]:
        raise invalid(f"Invalid template output property '{others[0]}'")
    description, export = found.get("Description"), found.get("Export")
    if description is not None and not isinstance(description, str):
        raise invalid(f"Template format error: the Description of {name} must be a string.")
    if export is not None and not (isinstance(export, dict) and list(export) == ["Name"]):
        raise invalid(f"Template format error: Output {name} has an Export without a Name.")
    export_name = export["Name"] if export else None
    return Output(name, found["Value"], description, _condition(found, name), export_name)
