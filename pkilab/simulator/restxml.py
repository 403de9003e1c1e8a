"""AWS's REST-XML wire format, driven by botocore's model.

As REST-JSON (`pkilab.simulator.rest`), with an XML body. S3's variant of it is not meant.

Source: AWS restXml protocol (smithy.io/2.0/aws/protocols/aws-restxml-protocol.html).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from pkilab.simulator.rest import RestJsonService, from_query, from_text
from pkilab.simulator.service import (
    AwsError,
    Call,
    HttpRequest,
    HttpResponse,
    Json,
    Later,
    service_model,
    wire_name,
)
from pkilab.simulator.world import World

# What XML 1.0 cannot say, not even escaped (https://www.w3.org/TR/xml/#charsets).
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class RestXmlService(RestJsonService):
    """Base of a service that speaks REST-XML. Subclasses set ``name`` and add operations.

    ``malformed`` is the code of a body that is not the operation's XML.
    """

    malformed: ClassVar[str] = "MalformedInput"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._answers = world.entropy("rest-xml", self.name, "request ids")

    def respond(self, request: HttpRequest, call: Call) -> HttpResponse:
        """Answer one request."""
        try:
            operation, labels = self._find(request)
            result = self._call(operation, self._gather(operation, labels, request), call)
            if isinstance(result, Later):
                result = result.run()
        except AwsError as error:
            return refuse(self.name, error, self._answers.uuid())
        return _reply(self.name, operation, result)

    def _gather(
        self, operation: OperationModel, labels: Mapping[str, str], request: HttpRequest
    ) -> Json:
        """Gather an operation's members from path, query and body.

        Raises:
            AwsError: one of them cannot be read.
        """
        shape = operation.input_shape
        if not isinstance(shape, StructureShape):
            return {}
        query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
        found: Json = {}
        inside: dict[str, Shape] = {}
        for name, member in shape.members.items():
            place, wire = member.serialization.get("location"), wire_name(name, member)
            if place == "uri":
                found[name] = from_text(member, labels[wire], name)
            elif place == "querystring":
                found |= from_query(name, member, wire, query)
            elif place is None:
                inside[name] = member
        if inside:
            root = self._document(request, operation)
            found |= self._children(root, inside)
        return found

    def _document(self, request: HttpRequest, operation: OperationModel) -> ET.Element:
        expected = operation.input_shape.name if operation.input_shape else ""
        try:
            text = request.body.decode()  # in another encoding a document type would not be seen
            # A document type is the one way in which XML of this size can be more than it shows.
            if "<!DOCTYPE" in text:
                raise AwsError(self.malformed, "A document type is not allowed")
            root = ET.fromstring(text or f"<{expected}/>")  # noqa: S314 - see above
        except (ET.ParseError, ValueError, LookupError) as error:
            raise AwsError(self.malformed, f"The request is not XML: {error}") from error
        if _local(root) != expected:
            message = f"{_local(root)} is not valid, expected {expected}"
            raise AwsError(self.malformed, message)
        return root

    def _children(self, element: ET.Element, members: Mapping[str, Shape]) -> Json:
        names = {wire_name(name, member): name for name, member in members.items()}
        found: Json = {}
        for child in element:
            if (name := names.get(_local(child))) is None:
                message = f"Invalid XML ; unexpected element '{_local(child)}'"
                raise AwsError(self.invalid, message)
            found[name] = self._value(child, members[name], name)
        return found

    def _value(self, element: ET.Element, shape: Shape, name: str) -> Any:  # noqa: ANN401
        if isinstance(shape, StructureShape):
            return self._children(element, shape.members)
        if isinstance(shape, ListShape):
            return [self._value(child, shape.member, name) for child in element]
        if len(element):
            raise AwsError(self.invalid, f"Invalid XML ; '{name}' has elements within")
        text = element.text or ""
        try:
            return from_text(shape, text if shape.type_name == "string" else text.strip(), name)
        except AwsError as error:
            raise AwsError(self.invalid, f"Invalid XML ; {error.message}") from error


def at_fault(error: AwsError) -> str:
    """Say whose fault an error is, in the words of AWS's XML."""
    return "Sender" if error.status < 500 else "Receiver"  # noqa: PLR2004 - HTTP's own line


def refuse(service: str, error: AwsError, number: str) -> HttpResponse:
    """Write an error as REST-XML services but S3 do, with the number of the request."""
    root = ET.Element("ErrorResponse", _namespace(service))
    inner = ET.SubElement(root, "Error")
    for name, text in (("Type", at_fault(error)), ("Code", error.code), ("Message", error.message)):
        ET.SubElement(inner, name).text = _clean(text)
    ET.SubElement(root, "RequestId").text = number
    headers = {"content-type": "text/xml", "x-amzn-requestid": number}
    return HttpResponse(error.status, headers, _bytes(root))


def _reply(service: str, operation: OperationModel, result: Json) -> HttpResponse:
    headers = {"content-type": "text/xml"}
    status = operation.http.get("responseCode", 200)
    shape = operation.output_shape
    root = ET.Element(shape.name if shape else f"{operation.name}Response", _namespace(service))
    for name, member in shape.members.items() if isinstance(shape, StructureShape) else ():
        if (value := result.get(name)) is None:
            continue
        if member.serialization.get("location") == "header":
            headers[wire_name(name, member).lower()] = str(value)
        else:
            _write(root, wire_name(name, member), member, value)
    return HttpResponse(status, headers, _bytes(root))


def _write(parent: ET.Element, name: str, shape: Shape, value: Any) -> None:  # noqa: ANN401
    element = ET.SubElement(parent, name)
    if isinstance(shape, StructureShape):
        for inner, member in shape.members.items():
            if value.get(inner) is not None:
                _write(element, wire_name(inner, member), member, value[inner])
    elif isinstance(shape, ListShape):
        for item in value:
            _write(element, shape.member.serialization.get("name", "member"), shape.member, item)
    elif shape.type_name == "timestamp":
        element.text = value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03}Z"
    elif shape.type_name == "boolean":
        element.text = "true" if value else "false"
    else:
        element.text = _clean(str(value))


def _bytes(root: ET.Element) -> bytes:
    return b'<?xml version="1.0"?>\n' + ET.tostring(root)


@functools.cache
def _namespace(service: str) -> dict[str, str]:
    model = service_model(service)
    shapes = (model.operation_model(name).input_shape for name in model.operation_names)
    said = (shape.serialization.get("xmlNamespace") for shape in shapes if shape)
    return {"xmlns": found["uri"]} if (found := next(filter(None, said), None)) else {}


def _clean(text: str) -> str:
    """Replace what XML cannot carry."""
    return NOT_XML.sub("?", text)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
