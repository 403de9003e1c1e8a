"""What a faithful service stands on: AWS's JSON 1.1 wire format, driven by botocore's model.

A service is a class with one method per operation, in snake case, taking a `Call` and the
request's members and returning the result's. Everything else is here: the operation is found from
``X-Amz-Target``, members are decoded and checked against the model's constraints, and errors are
written as AWS writes them.

Source: AWS JSON 1.1 protocol (smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html).
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from pkilab.simulator.world import World

if TYPE_CHECKING:
    from pkilab.simulator.identity import Identity

Json = dict[str, Any]
_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(Z|[+-][0-9:]{5})")


class AwsError(Exception):
    """An error as the service answers it: a code of the service's model and a message.

    ``members`` are what the error's shape has besides, such as Lambda's ``Type``.
    """

    def __init__(self, code: str, message: str, status: int = 400, **members: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.members = code, message, status, members


def not_simulated(what: str) -> AwsError:
    """Refuse what the simulator does not model. 501, so that SDKs do not retry it."""
    return AwsError("NotImplemented", f"{what} is not simulated by pkilab", 501)


LOOPBACK = "127.0.0.1"  # where whoever is in the same process calls from


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, where and when."""

    account: str  # 12 digits
    region: str
    now: datetime  # aware, UTC
    principal: str  # the caller's ARN, or a service principal such as acm.amazonaws.com
    access_key_id: str = ""  # with which they signed; none for a service
    identity: Identity | None = None  # whom policies know the caller by; None for a service
    source_ip: str = LOOPBACK
    user_agent: str = ""
    via: tuple[str, ...] = ()  # services that call in the caller's name, the first one first
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request after transport. ``headers`` keys are in lower case.

    ``sender`` is set by a service of the world that calls another in somebody's name, and by
    nobody else: such a request needs no signature.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)  # session tokens and secrets are in these
    body: bytes = field(repr=False)
    source_ip: str = LOOPBACK
    sender: Call | None = None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response before transport. Each of ``cookies`` is a Set-Cookie header of its own."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Later:
    """What is left of an operation when its turn is over.

    Work that takes its time, or that may call back into the world, such as running a function, is
    done outside the world's lock: ``run`` returns the result's members.
    """

    run: Callable[[], Json]


Answer = HttpResponse | Callable[[], HttpResponse]  # the latter: to be run after the turn


def new_loader() -> Loader:
    """Return a loader of botocore's own models: what lies in the user's home is not looked at.

    Clients of S3 change the models that they are given; who minds has a loader of its own.
    """
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


model_loader = functools.cache(new_loader)


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return ServiceModel(model_loader().load_service_model(service, "service-2"), service)


class JsonService:
    """Base of a service that speaks AWS JSON 1.1. Subclasses set ``name`` and add operations.

    ``model`` is what botocore calls the service, where it is something else.
    """

    name: ClassVar[str]
    model: ClassVar[str] = ""

    def __init__(self, world: World) -> None:
        self.world = world

    def respond(self, request: HttpRequest, call: Call) -> HttpResponse:
        """Answer one request; what the model does not know is refused in AWS's shape."""
        try:
            if not request.headers.get("content-type", "").startswith("application/x-amz-json-1.1"):
                raise not_simulated(f"{self.name} over any protocol but AWS JSON 1.1")
            _, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
            return reply(200, self.invoke(operation, request.body, call))
        except AwsError as error:
            said = {"__type": error.code, "message": error.message, **error.members}
            return reply(error.status, said)

    def invoke(self, operation: str, body: bytes, call: Call) -> Json:
        """Decode, check, run and encode one operation.

        Raises:
            AwsError: with the code that AWS answers.
        """
        model = service_model(self.model or self.name)
        if operation not in model.operation_names:
            raise AwsError("UnknownOperationException", f"Unknown operation: {operation!r}")
        shape = model.operation_model(operation)
        result = run(self, operation, decode_input(shape, body), call)
        return encode(shape.output_shape, result) if shape.output_shape else {}


def run(service: Any, operation: str, members: Json, call: Call) -> Any:  # noqa: ANN401 - or Later
    """Run the method of a service that stands for an operation, on decoded members.

    Every call that a client makes of the world's own services comes through here: here it is asked
    whether the caller may, and here the trail hears of it.

    Raises:
        AwsError: NotImplemented, where there is none; AccessDenied; or the method's own.
    """
    method = getattr(service, xform_name(operation), None)
    if method is None:
        raise not_simulated(f"{service.name}:{operation}")
    world: World = service.world
    try:
        world.throttle.admit(service.name, operation, call)
        world.gate.admit(service.name, operation, members, call)
        result = method(call, **keywords(members)) or {}
    except AwsError as refused:
        world.trail.record(service.name, operation, members, call, error=refused)
        raise
    world.trail.record(service.name, operation, members, call, result=result)
    return result


def error(service: str, shape: str, message: str) -> AwsError:
    """Return an error of a service's model, with the code and HTTP status it has there."""
    found = service_model(service).shape_for(shape).metadata.get("error", {})
    return AwsError(found.get("code", shape), message, found.get("httpStatusCode", 400))


def keywords(members: Mapping[str, Any]) -> Json:
    """Return members under the names of a method's arguments."""
    return {xform_name(name): value for name, value in members.items()}


def model_members(service: str, operation: str, arguments: Mapping[str, Any]) -> Json:
    """Return a method's arguments under the names of the model: the inverse of `keywords`."""
    shape = service_model(service).operation_model(operation).input_shape
    names = {xform_name(name): name for name in (shape.members if shape else {})}
    return {names[key]: value for key, value in arguments.items()}


def reply(status: int, body: Json) -> HttpResponse:
    """Write a JSON 1.1 response."""
    return HttpResponse(
        status, {"content-type": "application/x-amz-json-1.1"}, json.dumps(body).encode()
    )


def decode_input(operation: OperationModel, body: bytes) -> Json:
    """Decode a JSON body by the operation's input shape and check it against the model.

    Raises:
        AwsError: SerializationException for what is not of the shape; ValidationException, with
            every violated constraint in AWS's sentence, for what is.
    """
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", "The request body is not JSON") from error
    shape = operation.input_shape
    if shape is None:
        return {}
    try:
        decoded: Json = decode(shape, document)
        require_valid(shape, decoded)
    except RecursionError as error:  # some shapes contain themselves
        raise AwsError("SerializationException", "The request is nested too deeply") from error
    return decoded


def require_valid(shape: Shape, members: Json, code: str = "ValidationException") -> None:
    """Check decoded members against the model's constraints.

    Raises:
        AwsError: ``code``, with every violated constraint in AWS's sentence.
    """
    if problems := list(_violations(shape, members, "")):
        noun = "error" if len(problems) == 1 else "errors"
        raise AwsError(code, f"{len(problems)} validation {noun} detected: " + "; ".join(problems))


def decode(shape: Shape, document: Any) -> Any:  # noqa: ANN401 - JSON is untyped
    """Decode a JSON document by a shape; members that the shape does not know are left out.

    Raises:
        AwsError: SerializationException, it is not of the shape.
    """
    return _decode(shape, document, "")


def wire_name(name: str, member: Shape) -> str:
    """Return the name under which a structure's member is sent."""
    found: str = member.serialization.get("name", name)
    return found


def _decode(shape: Shape, value: Any, where: str) -> Any:  # noqa: ANN401 - JSON is untyped
    if isinstance(shape, StructureShape):
        _expect(value, dict, where)
        return {
            name: _decode(member, found, f"{where}.{name}" if where else name)
            for name, member in shape.members.items()
            if (found := value.get(wire_name(name, member))) is not None
        }
    if isinstance(shape, ListShape):
        _expect(value, list, where)
        return [
            _decode(shape.member, item, f"{where}.{number}.member")
            for number, item in enumerate(value, start=1)
        ]
    if isinstance(shape, MapShape):
        _expect(value, dict, where)
        if not all(map(_is_text, value)):
            raise AwsError("SerializationException", f"{where} has a key that is not Unicode text")
        return {key: _decode(shape.value, item, f"{where}.{key}") for key, item in value.items()}
    return _decode_scalar(shape, value, where)


def _decode_scalar(shape: Shape, value: Any, where: str) -> Any:  # noqa: ANN401 - JSON is untyped
    kind = shape.type_name
    if kind == "blob":
        _expect(value, str, where)
        try:
            return base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error) as error:
            raise AwsError("SerializationException", f"{where} is not Base64") from error
    if kind == "timestamp" and shape.serialization.get("timestampFormat") == "iso8601":
        _expect(value, str, where)
        try:
            text = value if _DATE_TIME.fullmatch(value) else ""  # Python reads other forms, too
            return datetime.fromisoformat(text).astimezone(UTC)
        except (OverflowError, ValueError) as error:
            raise AwsError("SerializationException", f"{where} is no ISO 8601 time") from error
    if kind == "timestamp":
        _expect(value, int | float, where)
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, ValueError, OSError) as error:
            raise AwsError("SerializationException", f"{where} is out of range") from error
    types = {"string": str, "boolean": bool, "integer": int, "long": int}
    _expect(value, types.get(kind, int | float), where)
    if kind == "string" and not _is_text(value):
        raise AwsError("SerializationException", f"{where} is not Unicode text")
    return value


def _is_text(value: str) -> bool:
    """Say whether a text has no half of a surrogate pair, which JSON can write and UTF-8 cannot."""
    return value.isascii() or not any("\ud800" <= each <= "\udfff" for each in value)


def _expect(value: object, kind: Any, where: str) -> None:  # noqa: ANN401 - a type or a union
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        found = type(value).__name__
        raise AwsError("SerializationException", f"{where or 'The request'} has the type {found}")


def _violations(shape: Shape, value: Any, where: str) -> Iterator[str]:  # noqa: ANN401
    """Yield the model's violated constraints in AWS's own sentences, outermost first."""
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield _violation("null", _path(where, name), "not be null")
        for name, item in value.items():
            yield from _violations(shape.members[name], item, _path(where, name))
        return
    for rule in _broken_rules(shape.metadata, value):
        yield _violation("" if shape.metadata.get("sensitive") else _shown(value), where, rule)
    if isinstance(shape, ListShape):
        yield from _violations_of_items(shape.member, value, where)
    if isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _violations(shape.value, item, f"{where}.{key}.value")


def _violations_of_items(shape: Shape, items: list[Any], where: str) -> Iterator[str]:
    """Yield what is wrong with a list's items; for texts the list answers, with all their rules.

    Source: the latter as seen in hashicorp/terraform-provider-aws pull request 14782.
    """
    if shape.type_name != "string":
        for number, item in enumerate(items, start=1):
            yield from _violations(shape, item, f"{where}.{number}.member")
    elif any(rule for item in items for rule in _broken_rules(shape.metadata, item)):
        rules = ", ".join(f"Member must {rule}" for rule in _rules(shape.metadata))
        yield _violation(_shown(items), where, f"satisfy constraint: [{rules}]")


def _broken_rules(limits: Mapping[str, Any], value: object) -> Iterator[str]:
    if isinstance(value, str | bytes | list):
        size: float = len(value)
        noun = "have length"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        size, noun = value, "have value"
    else:
        return
    if size < limits.get("min", size):
        yield f"{noun} greater than or equal to {limits['min']}"
    if size > limits.get("max", size):
        yield f"{noun} less than or equal to {limits['max']}"
    if isinstance(value, str):
        if (choices := limits.get("enum")) and value not in choices:
            yield f"satisfy enum value set: [{', '.join(choices)}]"
        if (pattern := limits.get("pattern")) and not _pattern(pattern).fullmatch(value):
            yield f"satisfy regular expression pattern: {pattern}"


def _rules(limits: Mapping[str, Any]) -> Iterator[str]:
    """Yield every rule of a text, broken or not."""
    if "max" in limits:
        yield f"have length less than or equal to {limits['max']}"
    if "min" in limits:
        yield f"have length greater than or equal to {limits['min']}"
    if "enum" in limits:
        yield f"satisfy enum value set: [{', '.join(limits['enum'])}]"
    if "pattern" in limits:
        yield f"satisfy regular expression pattern: {limits['pattern']}"


def _shown(value: object) -> str:
    """Return a value as a violation has it; octets and structures are only counted."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return f"'[{', '.join(value)}]'"
    return repr(f"({len(value)} entries)" if isinstance(value, list | bytes) else value)


def _violation(shown: str, where: str, rule: str) -> str:
    value = f"Value {shown}" if shown else "Value"  # of what is sensitive, nothing is shown
    return f"{value} at '{where}' failed to satisfy constraint: Member must {rule}"


def _path(where: str, name: str) -> str:
    """Join a member to its parent's path; AWS writes members with a small first letter."""
    return f"{where}.{_lower_first(name)}" if where else _lower_first(name)


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


_FROM_JAVA = {
    r"\p{P}\p{M}": r"!-/:-@\[-`{-~\xa1-\xbf\u0300-\u036f\u2010-\u2027\u3001-\u3003",
    r"\p{L}\p{Z}\p{N}": r"\w\s",
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\d",
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"[\w-_]": r"[\w_-]",
    r"[\w-\/": r"[\w\-\/",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010ffff",
}


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """Compile a model's pattern; what only Java understands becomes Python's nearest."""
    for java, python in _FROM_JAVA.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


def encode(shape: Shape, value: Any) -> Any:  # noqa: ANN401 - JSON is untyped
    """Encode a result by its shape: blobs as Base64, times as modelled, ``None`` left out."""
    if isinstance(shape, StructureShape):
        return {
            wire_name(name, member): encode(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [encode(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: encode(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        iso = shape.serialization.get("timestampFormat") == "iso8601"
        return value.strftime("%Y-%m-%dT%H:%M:%SZ") if iso else value.timestamp()
    return base64.b64encode(value).decode() if shape.type_name == "blob" else value
