"""What a resource type is: a table of properties, and calls of the services' own API.

A type begins a resource with `ResourceType.create`, which returns the physical ID as soon as there
is something to delete, and goes on in `ResourceType.settle` until the resource is ready. Both call
AWS as the stack's caller; what they are refused fails the resource.

Source: AWS CloudFormation Template Reference (which updates replace); registry schemas.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from botocore.model import ListShape, MapShape, Shape, StructureShape

from pkilab.simulator.cloudformation.calls import Caller
from pkilab.simulator.cloudformation.documents import Value
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.service import AwsError, Json, not_simulated, service_model

Tags = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Property:
    """One property: whether changing it makes a new resource, and whether there must be one."""

    replaces: bool = False
    required: bool = False


IN_PLACE, REPLACES = Property(), Property(replaces=True)
REQUIRED = Property(required=True)
REPLACES_REQUIRED = Property(replaces=True, required=True)


class FailedError(AwsError):
    """A resource cannot be had: ``code`` is the handler's error code, the message the reason."""

    def __init__(self, message: str, code: str = "GeneralServiceException") -> None:
        super().__init__(code, message)


@dataclass
class Work:
    """One resource being made, changed or deleted.

    Args:
        aws: calls services as the stack's caller does.
        logical_id: its name in the template.
        stack_id: the stack's ARN.
        stack_name: the stack's name.
        properties: worked out, with no function left.
        note: records an event with a reason while the work goes on.
        unique: returns this many characters, others for each resource that is made.
        physical_id: empty until there is one.
        attributes: what Fn::GetAtt returns.
    """

    aws: Caller
    logical_id: str
    stack_id: str
    stack_name: str
    properties: Json
    note: Callable[[str], None]
    unique: Callable[[int], str]
    physical_id: str = ""
    attributes: Json = field(default_factory=dict)

    def get(self, name: str, otherwise: Value = None) -> Value:
        """Return a property."""
        return self.properties.get(name, otherwise)

    def name(self, most: int) -> str:
        """Return a name that CloudFormation makes: stack, logical ID and twelve characters."""
        unique = self.unique(12)
        room = most - len(unique) - 2
        stack = self.stack_name[: max(room - len(self.logical_id), room // 2)]
        return f"{stack}-{self.logical_id[: room - len(stack)]}-{unique}"

    def members(self, service: str, operation: str, *names: str, **renamed: str) -> Json:
        """Return properties as an operation's members, of the types that the API has.

        Args:
            service: as boto3 names it.
            operation: whose input they are for.
            names: properties that the API calls the same.
            renamed: API member to property, where they differ.

        Raises:
            FailedError: a property is of another type.
        """
        shape = service_model(service).operation_model(operation).input_shape
        wanted = {**{name: name for name in names}, **renamed}
        return {
            member: typed(shape.members[member], self.properties[name], f"#/{name}")
            for member, name in wanted.items()
            if shape and name in self.properties
        }

    def typed(self, service: str, shape: str, name: str) -> Value:
        """Return one property by a shape of a service's model; None if it is not given.

        Raises:
            FailedError: it is of another type.
        """
        if name not in self.properties:
            return None
        return typed(service_model(service).shape_for(shape), self.properties[name], f"#/{name}")


class ResourceType:
    """A resource type. Subclasses set the tables and make what differs.

    Attributes:
        type: such as ``AWS::S3::Bucket``.
        properties: those that are modelled.
        unmodelled: those that AWS has besides; they fail the resource as not simulated.
        attributes: what Fn::GetAtt knows.
        own_name: the property that names the resource, if it may be named.
        tags: the property that holds tags, into which the stack's tags go.
        tags_are_map: whether it is an object of keys and values.
        capabilities: whether it takes CAPABILITY_IAM, and CAPABILITY_NAMED_IAM if named.
        gone: error codes that mean that there is nothing left to delete.
    """

    type: ClassVar[str]
    properties: ClassVar[Mapping[str, Property]]
    unmodelled: ClassVar[tuple[str, ...]] = ()
    attributes: ClassVar[tuple[str, ...]] = ()
    own_name: ClassVar[str] = ""
    tags: ClassVar[str] = ""
    tags_are_map: ClassVar[bool] = False
    capabilities: ClassVar[bool] = False
    gone: ClassVar[frozenset[str]] = frozenset({"ResourceNotFoundException"})

    def create(self, work: Work) -> str:
        """Begin to make the resource; return its physical ID."""
        raise NotImplementedError

    def settle(self, work: Work) -> Iterator[None]:  # noqa: ARG002 - of those that take no time
        """Finish making or changing it; yield while there is nothing to do but to wait."""
        yield from ()

    def update(self, work: Work, before: Json) -> None:  # noqa: ARG002 - of those that cannot
        """Change it in place; ``before`` are the properties that it has."""
        raise not_simulated(f"an update of {self.type} in place")

    def delete(self, work: Work) -> None:
        """Delete it."""
        raise NotImplementedError

    def check(self, properties: Json) -> None:
        """Check which properties there are.

        Raises:
            FailedError: one is missing or unknown.
            AwsError: NotImplemented.
        """
        for name in properties:
            if name in self.unmodelled:
                raise not_simulated(f"{name} of {self.type}")
            if name not in self.properties:
                raise _unfit(f"#: extraneous key [{name}] is not permitted")
        for name, each in self.properties.items():
            if each.required and name not in properties:
                raise _unfit(f"#: required key [{name}] not found")

    def changed(self, before: Json, after: Json) -> list[str]:
        """Return the properties that differ, in the order of the table."""
        return [name for name in self.properties if before.get(name) != after.get(name)]

    def is_replaced(self, before: Json, after: Json) -> bool:
        """Whether the change makes another physical resource."""
        return any(self.properties[name].replaces for name in self.changed(before, after))

    def tagged(self, properties: Json, stack_tags: Mapping[str, str]) -> Json:
        """Return properties with the stack's tags added to the resource's own."""
        own = properties.get(self.tags)
        if not (self.tags and stack_tags) or not isinstance(own, list | dict | None):
            return properties
        if self.tags_are_map:
            mine = own if isinstance(own, dict) else {}
            return {**properties, self.tags: {**stack_tags, **mine}}
        keys = {each.get("Key") for each in own or () if isinstance(each, dict)}
        added = [{"Key": k, "Value": v} for k, v in stack_tags.items() if k not in keys]
        return {**properties, self.tags: [*(own or []), *added]}


def typed(shape: Shape, value: Value, where: str) -> Value:
    """Return a template's value as the API's type; CloudFormation takes text for most.

    Raises:
        FailedError: it cannot be one.
    """
    if isinstance(shape, StructureShape):
        _expect(value, dict, "JSONObject", where)
        if others := [name for name in value if name not in shape.members]:
            raise _unfit(f"{where}: extraneous key [{others[0]}] is not permitted")
        if missing := [name for name in shape.required_members if name not in value]:
            raise _unfit(f"{where}: required key [{missing[0]}] not found")
        return {k: typed(shape.members[k], v, f"{where}/{k}") for k, v in value.items()}
    if isinstance(shape, ListShape):
        _expect(value, list, "JSONArray", where)
        return [typed(shape.member, each, f"{where}/{i}") for i, each in enumerate(value)]
    if isinstance(shape, MapShape):
        _expect(value, dict, "JSONObject", where)
        return {k: typed(shape.value, v, f"{where}/{k}") for k, v in value.items()}
    result = _scalar(shape.type_name, value, where)
    if (choices := shape.metadata.get("enum")) and result not in choices:
        raise _unfit(f"{where}: {result} is not a valid enum value")
    return result


def _scalar(kind: str, value: Value, where: str) -> Any:  # noqa: ANN401 - by the shape
    text = text_of(value)
    if text is None:
        raise _unfit(f"{where}: expected type: {kind.title()}, found: {_noun(value)}")
    try:
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if kind in {"integer", "long"}:
            return int(text)
        if kind in {"float", "double"}:
            return float(text)
    except (KeyError, ValueError) as why:
        raise _unfit(f"{where}: expected type: {kind.title()}, found: {_noun(value)}") from why
    return text.encode("utf-8", "replace") if kind == "blob" else text


def document(value: Value, where: str) -> str:
    """Return a policy as the API takes it.

    Raises:
        FailedError: it is no object.
    """
    if isinstance(value, str):
        return value
    _expect(value, dict, "JSONObject", where)
    return json.dumps(value, separators=(",", ":"))


def tag_changes(before: Value, after: Value) -> tuple[Tags, list[str]]:
    """Return the tags to set, and the keys to take away, between two properties of tags."""
    old, new = _tag_map(before), _tag_map(after)
    added = [{"Key": k, "Value": v} for k, v in new.items() if old.get(k) != v]
    return added, [key for key in old if key not in new]


def _tag_map(tags: Value) -> dict[str, str]:
    if isinstance(tags, dict):
        return {str(key): text_of(value) or "" for key, value in tags.items()}
    items = tags if isinstance(tags, list) else []
    return {
        str(each.get("Key")): text_of(each.get("Value", "")) or ""
        for each in items
        if isinstance(each, dict)
    }


def _unfit(message: str) -> FailedError:
    return FailedError(message, "ModelValidationFailed")


def _expect(value: Value, kind: type, noun: str, where: str) -> None:
    if not isinstance(value, kind):
        raise _unfit(f"{where}: expected type: {noun}, found: {_noun(value)}")


def _noun(value: Value) -> str:
    names = {bool: "Boolean", str: "String", int: "Integer", float: "Double"}
    return names.get(type(value), "JSONObject" if isinstance(value, dict) else "JSONArray")
