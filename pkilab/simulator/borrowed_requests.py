"""What a request to a borrowed service asks for, by botocore's model.

moto decides for itself what a request means; whoever asks IAM about it first must mean the same.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree as ET

from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from pkilab.simulator.service import (
    AwsError,
    HttpRequest,
    HttpResponse,
    Json,
    decode_input,
    new_loader,
    not_simulated,
    service_model,
    wire_name,
)
from pkilab.simulator.sqs_checks import read_members

_LABELS = re.compile(r"/([^/]+)(?:/(.+))?")
_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
_CODE = re.compile(rb"<Code>([^<]*)</Code>|\"__type\": ?\"(?:[^\"]*#)?([^\"]*)\"")
_OTHER_ENCODING = re.compile(r"<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-8[\"'])", re.IGNORECASE)
_MESSAGE = re.compile(rb"<Message>([^<]*)</Message>|\"message\": ?\"([^\"]*)\"", re.IGNORECASE)
_FAILED = 400
_SQS_TYPE = "application/x-amz-json-1.0"


def read(service: str, request: HttpRequest) -> tuple[str, Json]:
    """Return the operation and the members of a request; ``request.url`` is path-style.

    Of S3's members those in the path, the query and the headers are read, and what DeleteObjects
    and CreateBucket say in their bodies.
    What stands twice in a query is refused: moto would take the one, and IAM hear of the other.

    Raises:
        AwsError: it is no operation of the service, or more than one, or cannot be read.
    """
    if service == "s3":
        return _read_s3(request)
    if service == "sqs" and not request.headers.get("content-type", "").startswith(_SQS_TYPE):
        raise not_simulated("sqs over any protocol but AWS JSON 1.0")
    _, _, target = request.headers.get("x-amz-target", "").rpartition(".")
    model = service_model(service)
    if target not in model.operation_names:
        raise AwsError("UnknownOperationException", f"Unknown operation: {target!r}")
    if service == "sqs":
        return target, read_members(model.operation_model(target), request.body)
    members = decode_input(model.operation_model(target), request.body)
    if "logGroupIdentifier" in members:
        raise not_simulated("a logGroupIdentifier")  # moto takes any for its newest group
    return target, members


def read_copy_source(text: str) -> tuple[str, str, str | None]:
    """Return bucket, key and version (None: the newest) of an x-amz-copy-source.

    Raises:
        AwsError: InvalidArgument, it is none.
    """
    place, versioned, version = text.partition("?versionId=")
    bucket, _, key = unquote(place).removeprefix("/").partition("/")
    if not bucket or not key:
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise AwsError("InvalidArgument", message)
    return bucket, key, unquote(version) if versioned else None


def written_plainly(service: str, request: HttpRequest, members: Json) -> HttpRequest:
    """Write a request so that moto can take it for nothing else than `read` has.

    moto takes members of JSON services from the URL's query, or else reads the body as a form,
    before it reads it as JSON: a query in which there is none of them keeps it from both. Of a
    copy's source it loses what stands after a semicolon or a number sign.
    """
    headers = dict(request.headers)
    if service != "s3":
        headers["content-type"] = "application/x-amz-json-1.1"
        return replace(request, url=f"{request.url.partition('?')[0]}?json", headers=headers)
    if isinstance(source := members.get("CopySource"), str):
        bucket, key, version = read_copy_source(source)
        headers["x-amz-copy-source"] = quote(f"{bucket}/{key}") + (
            "" if version is None else f"?versionId={quote(version, safe='')}"
        )
    return replace(request, headers=headers)


def failure(response: HttpResponse) -> AwsError | None:
    """Return the error that a borrowed service answered with; None: it did as it was asked."""
    if response.status < _FAILED:
        return None
    code, message = (
        next((part.decode(errors="replace") for part in found.groups() if part), "")
        if (found := pattern.search(response.body))
        else ""
        for pattern in (_CODE, _MESSAGE)
    )
    return AwsError(code or str(response.status), message, response.status)


def _read_s3(request: HttpRequest) -> tuple[str, Json]:
    parts = urlsplit(request.url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    asked = dict(pairs)
    if len(asked) < len(pairs):
        raise AwsError("InvalidArgument", "A query parameter can be given once")
    found = _LABELS.fullmatch(parts.path.rstrip("/") if parts.path.count("/") < 3 else parts.path)  # noqa: PLR2004
    labels = tuple(unquote(each) for each in (found.groups() if found else ()) if each)
    if parts.path.strip("/") and not (labels and _BUCKET.fullmatch(labels[0])):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.")
    names = ("Bucket", "Key")[: len(labels)]
    meant = [each for each in _operations(request.method, len(labels)) if each.is_asked(asked)]
    fitting = [
        each
        for each in meant
        if each.queries <= asked.keys()
        and (each.constants or each.headers <= request.headers.keys())
    ]
    if not fitting:
        raise not_simulated(f"s3 at {request.method} {request.url}")
    chosen = max(
        fitting,
        key=lambda each: (
            len(each.constants), len(each.queries) + len(each.headers), each.rank,
        ),
    )  # fmt: skip
    # moto has an order of its own in which it looks for them.
    if any(each.selectors(asked) - chosen.selectors(asked) for each in meant):
        raise AwsError("InvalidArgument", "Conflicting query string parameters")
    members: Json = dict(zip(names, labels, strict=True))
    members |= _plain_members(chosen.model, asked, request)
    if chosen.model.name == "DeleteObjects":
        members["Delete"] = {"Objects": list(_deleted(request.body))}
    if chosen.model.name == "CreateBucket" and request.body:
        members["CreateBucketConfiguration"] = _configuration(request.body)
    return chosen.model.name, members


class _Operation:
    """An operation of S3 and what a request must have to be it."""

    def __init__(self, model: OperationModel, rank: int) -> None:
        self.model, self.rank = model, rank
        path, _, constants = model.http["requestUri"].partition("?")
        self.labels = len(path.strip("/").split("/")) if path.strip("/") else 0
        self.constants = tuple(sorted(parse_qsl(constants, keep_blank_values=True)))
        places: dict[str, set[str]] = {"querystring": set(), "header": set()}
        if isinstance(shape := model.input_shape, StructureShape):
            for name in shape.required_members:
                member = shape.members[name]
                if (place := member.serialization.get("location")) in places:
                    places[place].add(wire_name(name, member))
        self.queries = frozenset(places["querystring"])
        self.headers = frozenset(name.lower() for name in places["header"])

    def is_asked(self, asked: dict[str, str]) -> bool:
        """Whether a query has what the operation's always has; ``?acl=x`` is ``?acl``."""
        return all(key in asked and value in {"", asked[key]} for key, value in self.constants)

    def selectors(self, asked: dict[str, str]) -> frozenset[str]:
        """Return the names in a query by which the operation is told from others."""
        return frozenset(key for key, _ in self.constants) | (self.queries & asked.keys())


@functools.cache
def _operations(method: str, labels: int) -> tuple[_Operation, ...]:
    """Return S3's operations of a method and a number of path segments, deprecated ones last."""
    # Clients of S3 take the bucket out of the paths of the model that they share with the world.
    model = ServiceModel(new_loader().load_service_model("s3", "service-2"), "s3")
    # Of two that are written alike (GetBucketLifecycle and ...Configuration), the newer has the
    # longer name. WriteGetObjectResponse and directory buckets have hosts of their own.
    names = sorted(
        (name for name in model.operation_names if not name.startswith(("Write", "ListDirectory"))),
        key=len,
    )
    every = (_Operation(model.operation_model(name), n) for n, name in enumerate(names))
    return tuple(
        each for each in every if each.model.http["method"] == method and each.labels == labels
    )


def _plain_members(operation: OperationModel, asked: dict[str, str], request: HttpRequest) -> Json:
    shape = operation.input_shape
    found: Json = {}
    for name, member in shape.members.items() if isinstance(shape, StructureShape) else ():
        place, wire = member.serialization.get("location"), wire_name(name, member)
        text = (
            asked.get(wire) if place == "querystring"
            else request.headers.get(wire.lower()) if place == "header"
            else None
        )  # fmt: skip
        if text is not None:
            found[name] = _plain(member, text)
    return found


def _plain(shape: Shape, text: str) -> Any:  # noqa: ANN401 - by the shape
    if shape.type_name == "integer" and text.isascii() and text.isdigit():
        return int(text)
    return [text] if isinstance(shape, ListShape) else text


def _deleted(body: bytes) -> Iterator[Json]:
    for each in _document(body):
        said = _texts(each)
        if "Key" in said:
            yield {name: said[name] for name in ("Key", "VersionId") if name in said}


def _configuration(body: bytes) -> Json:
    """Return what CreateBucket says of a bucket: its Region and its tags."""
    found: Json = {}
    root = _document(body)
    for each in root:
        name = _name(each)
        if name not in {"LocationConstraint", "Tags"}:
            raise not_simulated(f"s3:CreateBucket with CreateBucketConfiguration.{name}")
        if name in found or _name(root) != "CreateBucketConfiguration":
            raise _malformed()
        found[name] = [*map(_texts, each)] if name == "Tags" else each.text or ""
    return found


def _document(body: bytes) -> ET.Element:
    try:
        text = body.decode()
        refused = "<!DOCTYPE" in text or _OTHER_ENCODING.match(text)  # moto would heed it
        return ET.fromstring("" if refused else text)  # noqa: S314 - no entities
    except (ET.ParseError, ValueError, LookupError) as error:
        raise _malformed() from error


def _texts(element: ET.Element) -> dict[str, str]:
    return {_name(each): each.text or "" for each in element}


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _malformed() -> AwsError:
    return AwsError("MalformedXML", "The XML you provided was not well-formed")
