"""AWS's query wire format, driven by botocore's model: a form in, XML out.

What an operation takes is a form of dotted names (``Tags.member.1.Key``); what it answers is XML
in the order of the model. Services are written as for JSON 1.1 (`pkilab.simulator.service`): one
method per operation, taking the model's members in snake case and returning the result's members.

Source: AWS query protocol (smithy.io/2.0/aws/protocols/aws-query-protocol.html).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from pkilab.simulator.restxml import NOT_XML, at_fault
from pkilab.simulator.service import (
    AwsError,
    Call,
    HttpRequest,
    HttpResponse,
    Json,
    require_valid,
    run,
    service_model,
    wire_name,
)
from pkilab.simulator.world import World

_NUMBER, _INTEGER = re.compile(r"[0-9]{1,9}"), re.compile(r"[+-]?[0-9]{1,19}")
_MOST_FIELDS = 20_000
_DEEPEST = 32  # parts of a dotted name

Form = dict[str, Any]  # a name's parts, nested; a leaf is text


class QueryService:
    """Base of a service that speaks the query protocol. Subclasses set ``name``, add operations."""

    name: ClassVar[str]
    invalid: ClassVar[str] = "ValidationError"  # the code of a violated constraint

    def __init__(self, world: World) -> None:
        self.world = world
        self._answers = world.entropy("query", self.name, "request ids")

    def respond(self, request: HttpRequest, call: Call) -> HttpResponse:
        """Answer one request; what the model does not know is refused in AWS's shape."""
        number = self._answers.uuid()
        try:
            operation, members = read(self.name, request)
            result = self.perform(operation.name, call, **members)
        except AwsError as error:
            return self._reply(error.status, number, self._refusal(error, number))
        return self._reply(200, number, self._answer(operation, result, number))

    def perform(self, operation: str, call: Call, **members: Any) -> Json:  # noqa: ANN401
        """Run one operation on decoded members, below the wire.

        Raises:
            AwsError: with the code that AWS answers.
        """
        model = service_model(self.name).operation_model(operation)
        if model.input_shape:
            require_valid(model.input_shape, members, self.invalid)
        result: Json = run(self, operation, members, call)
        return result

    def _refusal(self, error: AwsError, number: str) -> str:
        found = _element("Type", at_fault(error)) + _element("Code", error.code)
        found += _element("Message", error.message)
        space = service_model(self.name).metadata["xmlNamespace"]
        return (
            f'<ErrorResponse xmlns="{space}"><Error>{found}</Error>'
            f"<RequestId>{number}</RequestId></ErrorResponse>"
        )

    def _answer(self, operation: OperationModel, result: Json, number: str) -> str:
        shape, body = operation.output_shape, ""
        if isinstance(shape, StructureShape):
            wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
            body = f"<{wrapper}>{''.join(_members(shape, result))}</{wrapper}>"
        space = service_model(self.name).metadata["xmlNamespace"]
        return (
            f'<{operation.name}Response xmlns="{space}">{body}<ResponseMetadata>'
            f"<RequestId>{number}</RequestId></ResponseMetadata></{operation.name}Response>"
        )

    def _reply(self, status: int, number: str, body: str) -> HttpResponse:
        headers = {"content-type": "text/xml", "x-amzn-requestid": number}
        return HttpResponse(status, headers, body.encode())


# Reading.


def read(service: str, request: HttpRequest) -> tuple[OperationModel, Json]:
    """Return the operation that a form names and its members.

    Raises:
        AwsError: MalformedQueryString, InvalidAction or MalformedInput.
    """
    form = _fields(request)
    model, name = service_model(service), form.get("Action", "")
    if not isinstance(name, str) or name not in model.operation_names:
        message = f"Could not find operation {name} for version {model.api_version}"
        raise AwsError("InvalidAction", message)
    operation = model.operation_model(name)
    shape = operation.input_shape
    return operation, _decode(shape, form, "") if shape else {}


def _fields(request: HttpRequest) -> Form:
    """Return the form's fields as a tree of the parts of their names.

    Raises:
        AwsError: MalformedQueryString.
    """
    try:
        text = urlsplit(request.url).query if request.method == "GET" else request.body.decode()
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as why:
        raise AwsError("MalformedQueryString", "The form cannot be read") from why
    tree: Form = {}
    for name, value in pairs:
        place, parts = tree, name.split(".", _DEEPEST)
        for part in parts[:-1]:
            inside = place.setdefault(part, {})
            if not isinstance(inside, dict):
                inside = place[part] = {}
            place = inside
        place[parts[-1]] = value
    return tree


def _decode(shape: Shape, form: Any, where: str) -> Any:  # noqa: ANN401 - by the shape
    """Read a value by its shape.

    Raises:
        AwsError: MalformedInput, it is not of the shape.
    """
    if isinstance(shape, StructureShape):
        inside = form if isinstance(form, dict) else {}
        return {
            name: _decode(member, inside[wire], f"{where}.{name}" if where else name)
            for name, member in shape.members.items()
            if (wire := wire_name(name, member)) in inside
        }
    if isinstance(shape, ListShape):
        return [_decode(shape.member, each, where) for each in _numbered(shape, form)]
    if isinstance(shape, MapShape):
        entries = _numbered(shape, form)
        key, value = wire_name("key", shape.key), wire_name("value", shape.value)
        return {
            str(each.get(key, "")): _decode(shape.value, each.get(value, ""), where)
            for each in entries
            if isinstance(each, dict)
        }
    if not isinstance(form, str):
        raise _malformed(where, shape)
    return _scalar(shape, form, where)


def _numbered(shape: ListShape | MapShape, form: object) -> Iterator[Any]:
    """Yield a list's or map's items in the order of their numbers; an empty one is empty text."""
    if not shape.serialization.get("flattened") and isinstance(form, dict):
        inner = shape.member if isinstance(shape, ListShape) else None
        form = form.get(wire_name("member", inner) if inner else "entry", {})
    if isinstance(form, dict):
        for number in sorted(filter(_NUMBER.fullmatch, form), key=int):
            yield form[number]


def _scalar(shape: Shape, text: str, where: str) -> Any:  # noqa: ANN401 - by the shape
    kind = shape.type_name
    try:
        if kind == "string":
            return text
        if kind == "boolean" and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if kind in {"integer", "long"} and _INTEGER.fullmatch(text):
            return int(text)
        if kind in {"float", "double"}:
            return float(text)
        if kind == "blob":
            return base64.b64decode(text, validate=True)
        if kind == "timestamp":
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, binascii.Error) as why:
        raise _malformed(where, shape) from why
    raise _malformed(where, shape)


def _malformed(where: str, shape: Shape) -> AwsError:
    return AwsError("MalformedInput", f"{where}: expected {shape.type_name}")


# Writing.


def _members(shape: StructureShape, value: Mapping[str, Any]) -> Iterator[str]:
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield _write(member, wire_name(name, member), value[name])


def _write(shape: Shape, tag: str, value: Any) -> str:  # noqa: ANN401 - by the shape
    if isinstance(shape, StructureShape):
        return f"<{tag}>{''.join(_members(shape, value))}</{tag}>"
    if isinstance(shape, ListShape):
        flat = bool(shape.serialization.get("flattened"))
        inner = tag if flat else wire_name("member", shape.member)
        items = "".join(_write(shape.member, inner, each) for each in value)
        return items if flat else f"<{tag}>{items}</{tag}>"
    if isinstance(shape, MapShape):
        key, item = wire_name("key", shape.key), wire_name("value", shape.value)
        entries = "".join(
            f"<entry>{_element(key, name)}{_write(shape.value, item, each)}</entry>"
            for name, each in value.items()
        )
        return f"<{tag}>{entries}</{tag}>"
    return _element(tag, _text(shape.type_name, value))


def _text(kind: str, value: Any) -> str:  # noqa: ANN401 - by the kind
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
    return base64.b64encode(value).decode() if kind == "blob" else str(value)


def _element(tag: str, text: str) -> str:
    # A carriage return would be read as a line feed if it were not written as a reference.
    shown = escape(NOT_XML.sub("\ufffd", text), {"\r": "&#13;"})
    return f"<{tag}>{shown}</{tag}>"
