"""AWS's REST-JSON wire format, driven by botocore's model.

What an operation takes stands in the path, the query, the headers and a JSON body; the model says
what stands where. Services are written as for JSON 1.1 (`pkilab.simulator.service`): one method per
operation, taking the model's members in snake case and returning the result's members.

Source: AWS restJson1 protocol (smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from pkilab.simulator.service import (
    Answer,
    AwsError,
    Call,
    HttpRequest,
    HttpResponse,
    Json,
    Later,
    decode,
    encode,
    require_valid,
    run,
    service_model,
    wire_name,
)
from pkilab.simulator.world import World

_LABEL = re.compile(r"\{(\w[\w-]*)(\+?)\}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


class RestJsonService:
    """Base of a service that speaks REST-JSON. Subclasses set ``name`` and add operations."""

    name: ClassVar[str]
    invalid: ClassVar[str] = "ValidationException"  # the code of a violated constraint

    def __init__(self, world: World) -> None:
        self.world = world

    def respond(self, request: HttpRequest, call: Call) -> Answer:
        """Answer one request, or return what is left to do for it after the turn."""
        try:
            operation, labels = self._find(request)
            result = self._call(operation, _members(operation, labels, request), call)
        except AwsError as error:
            return refuse(error)
        if isinstance(result, Later):
            return functools.partial(_finish, operation, result)
        return _reply(operation, result)

    def perform(self, operation: str, call: Call, **members: Any) -> Json:  # noqa: ANN401
        """Run one operation on decoded members, below the wire; what is left is run at once.

        Raises:
            AwsError: with the code that AWS answers.
        """
        result = self._call(service_model(self.name).operation_model(operation), members, call)
        return result.run() if isinstance(result, Later) else result

    def _call(self, operation: OperationModel, members: Json, call: Call) -> Json | Later:
        if operation.input_shape:
            require_valid(operation.input_shape, members, self.invalid)
        result: Json | Later = run(self, operation.name, members, call)
        return result

    def _find(self, request: HttpRequest) -> tuple[OperationModel, dict[str, str]]:
        parts = urlsplit(request.url)
        path, query = parts.path.rstrip("/") or "/", set(parse_qsl(parts.query))
        for method, pattern, operation in _routes(self.name):
            if method != request.method or not query.issuperset(_constants(operation)):
                continue
            if found := pattern.fullmatch(path):
                return operation, {
                    k: unquote(v) for k, v in zip(_labels(operation), found.groups(), strict=True)
                }
        raise AwsError(
            "UnknownOperationException", f"No operation is at {request.method} {path}", 404
        )


def refuse(error: AwsError) -> HttpResponse:
    """Write an error as REST-JSON does."""
    headers = {"content-type": "application/json", "x-amzn-errortype": error.code}
    body: Json = {"message": error.message, **error.members}
    return HttpResponse(error.status, headers, json.dumps(body).encode())


@functools.cache
def _routes(service: str) -> tuple[tuple[str, re.Pattern[str], OperationModel], ...]:
    """Return method, path pattern and operation, literal segments before labels."""
    model = service_model(service)
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        path = operation.http["requestUri"].partition("?")[0].rstrip("/") or "/"
        # Where two fit, the one with a literal where the other has a label is meant.
        labels = [bool(_LABEL.search(segment)) for segment in path.split("/")]
        rank = (labels, -len(_constants(operation)))
        parts = _LABEL.split(path)
        pattern = "".join(
            re.escape(literal) + ("" if greedy is None else "(.+)" if greedy else "([^/]+)")
            for literal, greedy in zip(parts[::3], [*parts[2::3], None], strict=True)
        )
        found.append((rank, operation.http["method"], re.compile(pattern), operation))
    found.sort(key=lambda each: (each[0], each[2].pattern))
    return tuple((method, pattern, operation) for _, method, pattern, operation in found)


def _constants(operation: OperationModel) -> list[tuple[str, str]]:
    """Return what the query always says, such as ``mode=import``."""
    return parse_qsl(operation.http["requestUri"].partition("?")[2])


def _labels(operation: OperationModel) -> list[str]:
    return [name for name, _ in _LABEL.findall(operation.http["requestUri"].partition("?")[0])]


def _members(operation: OperationModel, labels: Mapping[str, str], request: HttpRequest) -> Json:
    """Gather an operation's members from everywhere they may stand.

    Raises:
        AwsError: SerializationException, one of them cannot be read.
    """
    shape = operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    payload = shape.serialization.get("payload")
    found: Json = {}
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), wire_name(name, member)
        if place == "uri" and wire in labels:
            found[name] = from_text(member, labels[wire], name)
        elif place == "querystring":
            found |= from_query(name, member, wire, query)
        elif place == "header" and (text := request.headers.get(wire.lower())) is not None:
            found[name] = from_text(member, text, name)
        elif name == payload:
            found[name] = (
                request.body if member.type_name == "blob" else decode(member, _document(request))
            )
    if payload is None:
        body = _document(request)
        if not isinstance(body, dict):
            raise AwsError("SerializationException", "The request body is not a JSON object")
        inside = {
            name: body[wire]
            for name, member in shape.members.items()
            if "location" not in member.serialization
            and body.get(wire := wire_name(name, member)) is not None
        }
        for name, value in inside.items():
            found[name] = decode(shape.members[name], value)
    return found


def _document(request: HttpRequest) -> Any:  # noqa: ANN401 - JSON is untyped
    try:
        return json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", "The request body is not JSON") from error


def from_query(name: str, member: Shape, wire: str, query: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a member under its name if the query says something of it.

    Raises:
        AwsError: SerializationException, it is not of the shape.
    """
    if isinstance(member, MapShape):  # such as tags: everything no other member has taken
        return {name: dict(query)} if query else {}
    values = [value for key, value in query if key == wire]
    if not values:
        return {}
    if isinstance(member, ListShape):
        return {name: [from_text(member.member, value, name) for value in values]}
    return {name: from_text(member, values[-1], name)}


def from_text(shape: Shape, text: str, name: str) -> Any:  # noqa: ANN401 - by the shape
    """Read a scalar from text.

    Raises:
        AwsError: SerializationException, it is not of the shape.
    """
    if shape.type_name == "boolean" and text in {"true", "false"}:
        return text == "true"
    if shape.type_name in {"integer", "long"} and _INTEGER.fullmatch(text):
        return int(text)
    if shape.type_name == "string":
        return text
    raise AwsError("SerializationException", f"{name}: found {text!r}, expected {shape.type_name}")


def _finish(operation: OperationModel, rest: Later) -> HttpResponse:
    try:
        return _reply(operation, rest.run())
    except AwsError as error:
        return refuse(error)


def _reply(operation: OperationModel, result: Json) -> HttpResponse:
    status, headers = operation.http.get("responseCode", 200), {"content-type": "application/json"}
    shape = operation.output_shape
    if not isinstance(shape, StructureShape):
        return HttpResponse(status, headers, b"")
    body: Json = {}
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        if (value := result.get(name)) is None:
            continue
        if place == "statusCode":
            status = value
        elif place == "header":
            headers[wire_name(name, member).lower()] = str(value)
        elif name != shape.serialization.get("payload"):
            body[wire_name(name, member)] = encode(member, value)
    payload = shape.serialization.get("payload")
    if payload is None:
        content = json.dumps(body).encode()
    elif shape.members[payload].type_name == "blob":
        content = result.get(payload) or b""
    else:
        content = json.dumps(encode(shape.members[payload], result.get(payload) or {})).encode()
    return HttpResponse(status, headers, content)
