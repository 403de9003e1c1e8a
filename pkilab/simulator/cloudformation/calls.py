"""Calls from CloudFormation to the world's other services, in the name of whom a stack is for.

A call is written by botocore's serializer and answered by the world's own gateway, as one of a
boto3 client is: state is that of the services, and their refusals are a resource's.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from botocore import parsers, serialize
from botocore.awsrequest import HeadersDict
from botocore.exceptions import BotoCoreError
from botocore.model import OperationModel, ServiceModel

from pkilab.simulator.service import (
    AwsError,
    Call,
    HttpRequest,
    HttpResponse,
    Json,
    new_loader,
)

_FAILED = 300
_LOADER = new_loader()
_PRINCIPAL = "cloudformation.amazonaws.com"


class RefusedError(AwsError):
    """What a service answered to a resource's call; ``sentence`` is how a stack's event has it."""

    def __init__(self, service: str, code: str, message: str, status: int, number: str) -> None:
        super().__init__(code, message, status)
        self.sentence = (
            f"{message} (Service: {service}, Status Code: {status}, Request ID: {number})"
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls the world's services.

    Args:
        handle: the world's gateway.
        call: whose calls they are, and where.
    """

    handle: Callable[[HttpRequest], HttpResponse]
    call: Call

    @property
    def account(self) -> str:
        """12 digits."""
        return self.call.account

    @property
    def region(self) -> str:
        """Where."""
        return self.call.region

    def __call__(self, service: str, operation: str, **members: Any) -> Json:  # noqa: ANN401
        """Call one operation; ``members`` and the result are the model's, a stream is a file.

        Raises:
            RefusedError: the service's refusal.
            AwsError: InvalidRequest, the members do not fit the model.
            LabClosedError: the world was closed.
        """
        model = _model(service)
        found = model.operation_model(operation)
        protocol = model.resolved_protocol
        members = {name: value for name, value in members.items() if value is not None}
        _check_path(found, members)
        try:
            sent = _serializer(protocol).serialize_to_request(members, found)
        except BotoCoreError as why:
            raise AwsError("InvalidRequest", str(why)) from why
        answer = self.handle(self._request(service, sent))
        streamed = found.has_streaming_output and answer.status < _FAILED
        read = {
            "status_code": answer.status,
            "headers": HeadersDict(dict(answer.headers)),
            "body": io.BytesIO(answer.body) if streamed else answer.body,
            "context": {},
        }
        result: Json = _parser(protocol).parse(read, found.output_shape)
        if answer.status >= _FAILED:
            error = result.get("Error", {})
            number = answer.headers.get("x-amzn-requestid", "")
            raise RefusedError(
                model.service_id.replace(" ", ""),
                error.get("Code", str(answer.status)),
                error.get("Message", ""),
                answer.status,
                number,
            )
        result.pop("ResponseMetadata", None)
        return result

    def _request(self, service: str, sent: Json) -> HttpRequest:
        model = _model(service)
        host = f"{model.endpoint_prefix}.{self.region}.amazonaws.com"
        body = sent["body"]
        if isinstance(body, dict):
            body = urlencode(body)
        headers = {name.lower(): str(value) for name, value in sent["headers"].items()}
        headers["host"] = host
        scope = (
            f"{self.call.access_key_id}/00000000/{self.region}/{model.signing_name}/aws4_request"
        )
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}"
        query = urlencode(sent["query_string"], doseq=True) if sent["query_string"] else ""
        url = f"https://{host}{sent['url_path']}"
        if query:
            url += f"{'&' if '?' in url else '?'}{query}"
        content = body.encode() if isinstance(body, str) else bytes(body or b"")
        sender = replace(self.call, via=(*self.call.via, _PRINCIPAL))
        return HttpRequest(sent["method"], url, headers, content, sender=sender)


def _check_path(operation: OperationModel, members: Json) -> None:
    """Refuse an empty part of a path, which would lead to another operation.

    Raises:
        AwsError: InvalidRequest.
    """
    shape = operation.input_shape
    for name, member in (shape.members if shape else {}).items():
        if member.serialization.get("location") == "uri" and members.get(name) == "":
            raise AwsError("InvalidRequest", f"{name} of {operation.name} must not be empty")


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(_LOADER.load_service_model(service, "service-2"), service)


@cache
def _serializer(protocol: str) -> Any:  # noqa: ANN401 - botocore's is untyped
    return serialize.create_serializer(protocol, include_validation=True)


@cache
def _parser(protocol: str) -> Any:  # noqa: ANN401 - botocore's is untyped
    return parsers.create_parser(protocol)


def stamp(moment: datetime) -> str:
    """Write a time as identifiers of events have it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
