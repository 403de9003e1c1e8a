"""What a Lambda function is given by API Gateway, and what it may answer.

Payload formats 1.0 and 2.0, for integrations and for REQUEST authorizers.

Sources: API Gateway Developer Guide, "Working with AWS Lambda proxy integrations for HTTP APIs",
"Control access to HTTP APIs with AWS Lambda authorizers", "Input format of a Lambda function for
proxy integration".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, unquote

from cryptography import x509

from pkilab.pki import pem
from pkilab.pki.names import as_written
from pkilab.simulator.apigateway.requests import ApiRequest
from pkilab.simulator.service import HttpResponse, Json

# Serial numbers up to this are shown as a decimal, longer ones as colon hex, as OpenSSL shows them;
# the post's sample has "1", the guide's 16 bytes of hex.
_LARGEST_DECIMAL = 2**63 - 1
_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110, 5.6.2: a header's name
_STATUSES = range(200, 600)  # final ones: no more would follow a 1xx


@dataclass(frozen=True, slots=True)
class Routed:
    """A request that found its way: what every event says of it.

    Attributes:
        request: as it came.
        request_id: API Gateway's, for the event and the answer.
        account: the API's.
        region: the API's.
        api_id: the API's.
        stage: its name.
        variables: the stage's.
        route: the route key (HTTP), or the method and the resource's path (REST).
        path: the request's path below stage or mapping, percent-encoding kept.
        parameters: what the route's path has in braces, decoded.
        now: the world's time.
        resource_id: of the resource (REST); None: an HTTP API.
    """

    request: ApiRequest
    request_id: str
    account: str
    region: str
    api_id: str
    stage: str
    variables: dict[str, str]
    route: str
    path: str
    parameters: dict[str, str]
    now: datetime
    resource_id: str | None = None

    @property
    def raw_query(self) -> str:
        """The query as sent."""
        return self.request.target.partition("?")[2]

    @property
    def place(self) -> str:
        """The ARN of the API, in front of which stage and method stand."""
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.api_id}"

    @property
    def arn(self) -> str:
        """The ARN of the method and path that are called, for policies."""
        return f"{self.place}/{self.stage}/{self.request.method}{self.path}"

    def header(self, name: str) -> str | None:
        """Return a header's value, several joined by commas."""
        found = [value for key, value in self.request.headers if key.lower() == name.lower()]
        return ",".join(found) if found else None

    def query(self, name: str) -> str | None:
        """Return a query parameter's value, several joined by commas."""
        found = [v for k, v in parse_qsl(self.raw_query, keep_blank_values=True) if k == name]
        return ",".join(found) if found else None


def function_event(routed: Routed, version: str) -> Json:
    """Return the event of a payload format: ``1.0`` or ``2.0``."""
    return version_1(routed) if version == "1.0" else version_2(routed)


def version_1(routed: Routed) -> Json:
    """Return the event of payload format 1.0."""
    request = routed.request
    headers = [(name, value) for name, value in request.headers]
    query = parse_qsl(routed.raw_query, keep_blank_values=True)
    path, prefix = _full_path(routed), request.host.partition(".")[0]
    # Captured events of REST APIs have the stage in the context's path alone; base paths of custom
    # domain names stand in both.
    short = routed.resource_id and request.host.startswith(f"{routed.api_id}.execute-api.")
    context: Json = {
        "accountId": routed.account,
        "apiId": routed.api_id,
        "domainName": request.host,
        "domainPrefix": prefix,
        "extendedRequestId": routed.request_id,
        "httpMethod": request.method,
        "identity": {
            **dict.fromkeys(
                ("accessKey", "accountId", "caller", "cognitoAmr", "cognitoAuthenticationProvider",
                 "cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId",
                 "principalOrgId", "user", "userArn")
            ),
            "sourceIp": request.source_ip,
            "userAgent": routed.header("user-agent"),
        },
        "path": path,
        "protocol": request.protocol,
        "requestId": routed.request_id,
        "requestTime": _common_log_time(routed.now),
        "requestTimeEpoch": _milliseconds(routed.now),
        "resourceId": routed.resource_id or routed.route,
        "resourcePath": _resource(routed),
        "stage": routed.stage,
    }  # fmt: skip
    if certificate := _admitted(request):
        context["identity"]["clientCert"] = client_certificate(certificate)
    # A REST API's events do not say which version they are of; there is only one.
    version = {} if routed.resource_id else {"version": "1.0"}
    return {
        **version,
        "resource": _resource(routed),
        "path": routed.path if short else path,
        "httpMethod": request.method,
        "headers": dict(headers) or None,
        "multiValueHeaders": _grouped(headers) or None,
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": routed.parameters or None,
        "stageVariables": routed.variables or None,
        "requestContext": context,
        **_body(request),
    }


def version_2(routed: Routed) -> Json:
    """Return the event of payload format 2.0. What is absent is left out."""
    request = routed.request
    grouped = _grouped([(name.lower(), value) for name, value in request.headers])
    cookies = [part.strip() for each in grouped.pop("cookie", []) for part in each.split(";")]
    query = _grouped(parse_qsl(routed.raw_query, keep_blank_values=True))
    path = _full_path(routed)
    context: Json = {
        "accountId": routed.account,
        "apiId": routed.api_id,
        "domainName": request.host,
        "domainPrefix": request.host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": routed.header("user-agent") or "",
        },
        "requestId": routed.request_id,
        "routeKey": routed.route,
        "stage": routed.stage,
        "time": _common_log_time(routed.now),
        "timeEpoch": _milliseconds(routed.now),
    }
    if certificate := _admitted(request):
        context["authentication"] = {"clientCert": client_certificate(certificate)}
    optional = {
        "cookies": cookies,
        "queryStringParameters": {name: ",".join(values) for name, values in query.items()},
        "pathParameters": routed.parameters,
        "stageVariables": routed.variables,
    }
    body = _body(request)
    return {
        "version": "2.0",
        "routeKey": routed.route,
        "rawPath": path,
        "rawQueryString": routed.raw_query,
        "headers": {name: ",".join(values) for name, values in grouped.items()},
        "requestContext": context,
        **{name: value for name, value in optional.items() if value},
        **({} if body["body"] is None else {"body": body["body"]}),
        "isBase64Encoded": body["isBase64Encoded"],
    }


def authorizer_event(event: Json, routed: Routed, sources: list[str]) -> Json:
    """Turn an integration's event into a REQUEST authorizer's, of the same payload format."""
    kept = {k: v for k, v in event.items() if k not in {"body", "isBase64Encoded"}}
    if routed.resource_id:
        return {"type": "REQUEST", "methodArn": routed.arn, **kept}
    if event["version"] == "1.0":
        joined = ",".join(sources) or None
        identity = {"identitySource": joined, "authorizationToken": joined}
        return {"type": "REQUEST", "methodArn": routed.arn, **identity, **kept}
    return {"type": "REQUEST", "routeArn": routed.arn, "identitySource": sources or None, **kept}


def client_certificate(certificate: x509.Certificate) -> Json:
    """Return the clientCert block: the leaf's PEM, names in written order, serial and validity."""
    return {
        "clientCertPem": pem.to_pem(certificate),
        "subjectDN": as_written(certificate.subject),
        "issuerDN": as_written(certificate.issuer),
        "serialNumber": _serial(certificate.serial_number),
        "validity": {
            "notBefore": _openssl_time(certificate.not_valid_before_utc),
            "notAfter": _openssl_time(certificate.not_valid_after_utc),
        },
    }


def _serial(number: int) -> str:
    if number <= _LARGEST_DECIMAL:
        return str(number)
    return number.to_bytes((number.bit_length() + 7) // 8).hex(":")


class MalformedAnswerError(Exception):
    """A function's answer that API Gateway cannot make a response of."""


def response_1(payload: bytes) -> HttpResponse:
    """Read an answer of payload format 1.0, which must be an object with a statusCode.

    Raises:
        MalformedAnswerError: it is anything else.
    """
    answer = _json(payload)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        raise MalformedAnswerError("the answer has no statusCode")
    headers = _headers(answer.get("headers"))
    many = answer.get("multiValueHeaders") or {}
    if not isinstance(many, dict) or not all(isinstance(each, list) for each in many.values()):
        raise MalformedAnswerError("multiValueHeaders is not an object of lists")
    values = {k.lower(): [_header(k, each) for each in v] for k, v in many.items()}
    cookies = values.pop("set-cookie", [])
    if cookies:
        headers.pop("set-cookie", None)  # several values go before one
    headers |= {name: ",".join(each) for name, each in values.items()}
    return _response(answer, headers, cookies)


def response_2(payload: bytes) -> HttpResponse:
    """Read an answer of payload format 2.0; without a statusCode it is itself the JSON body.

    Raises:
        MalformedAnswerError: its members have the wrong types.
    """
    answer = _json(payload)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return HttpResponse(200, {"content-type": "application/json"}, _as_body(answer))
    headers = {"content-type": "text/plain;charset=UTF-8", **_headers(answer.get("headers"))}
    cookies = answer.get("cookies") or []
    if not isinstance(cookies, list):
        raise MalformedAnswerError("cookies is not a list")
    return _response(answer, headers, [_header("set-cookie", each) for each in cookies])


def _response(answer: Json, headers: dict[str, str], cookies: list[str]) -> HttpResponse:
    try:
        status = int(answer["statusCode"])
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedAnswerError("statusCode is not a number") from error
    body = "" if answer.get("body") is None else answer["body"]
    if status not in _STATUSES or not isinstance(body, str):
        raise MalformedAnswerError("statusCode is not a status, or body is not text")
    try:
        content = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else (
            body.encode()
        )  # fmt: skip
    except (binascii.Error, ValueError) as error:  # ValueError: a lone surrogate
        raise MalformedAnswerError("body is not Base64, or no text") from error
    return HttpResponse(status, headers, content, tuple(cookies))


def _as_body(answer: object) -> bytes:
    try:
        text = answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))
        return text.encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise MalformedAnswerError("the answer cannot be written as a body") from error


def _headers(found: object) -> dict[str, str]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise MalformedAnswerError("headers is not an object")
    return {
        str(name).lower(): _header(str(name), value)
        for name, value in found.items()
        if value is not None
    }


def _header(name: str, value: object) -> str:
    """Return a header's value as text; the name is a token, and the value does not end the line."""
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    if not _TOKEN.fullmatch(name):
        raise MalformedAnswerError(f"{name!r} is no name of a header")
    if isinstance(value, dict | list) or any(each in shown for each in "\r\n\0"):
        raise MalformedAnswerError(f"the header {name!r} is not text")
    return shown


def _json(payload: bytes) -> object:
    try:
        found: object = json.loads(payload or b"null")
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError("the answer is not JSON") from error
    return found


def _admitted(request: ApiRequest) -> x509.Certificate | None:
    """Return the client's certificate, where mutual TLS let it in."""
    admitted = request.admission is not None and request.admission.admitted
    return request.client_certificate if admitted else None


def _full_path(routed: Routed) -> str:
    """Return the path as the client wrote it, stage or mapping included."""
    return routed.request.target.partition("?")[0]


def _resource(routed: Routed) -> str:
    return routed.route.partition(" ")[2] or routed.route


def _body(request: ApiRequest) -> Json:
    if not request.body:
        return {"body": None, "isBase64Encoded": False}
    try:
        return {"body": request.body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def _openssl_time(when: datetime) -> str:
    """Return a time as OpenSSL prints it: ``Aug  5 09:36:04 2021 GMT``."""
    return f"{when:%b} {when.day:>2} {when:%H:%M:%S %Y} GMT"


def _common_log_time(when: datetime) -> str:
    return f"{when:%d/%b/%Y:%H:%M:%S +0000}"


def _milliseconds(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def decoded(path: str) -> str:
    """Decode a path parameter."""
    return unquote(path, errors="replace")
