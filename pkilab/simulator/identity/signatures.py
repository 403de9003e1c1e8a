"""Whether the holder of an access key signed a request: Signature Version 4, and 2 in S3 URLs.

A signature's date is held against its own scope and not against the world's clock, and presigned
URLs do not expire: clients sign with their machine's time, and the world's may stand still or run
ahead. Chunks of an upload are not checked one by one: uploads that sign them are refused.

Source: IAM User Guide, "AWS Signature Version 4 for API requests"; Amazon S3 API Reference,
"Authenticating Requests (AWS Signature Version 4)"; Amazon S3 User Guide (2006-03-01), "Signing and
authenticating REST requests" for version 2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from botocore.auth import HmacV1Auth
from botocore.credentials import Credentials

from pkilab.simulator.identity import refusals
from pkilab.simulator.service import AwsError, HttpRequest, not_simulated

_ALGORITHM = "AWS4-HMAC-SHA256"
_HEADER = re.compile(
    rf"{_ALGORITHM}\s+Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_CREDENTIAL = re.compile(
    r"[^/\s]+/(?P<date>\d{8})/(?P<region>[^/\s]*)/(?P<service>[^/\s]+)/aws4_request"
)
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_UNSIGNED = "UNSIGNED-PAYLOAD"
_ONE_MECHANISM = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
    "string parameter or the Authorization header should be specified"
)
_PRESIGNED = frozenset({"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"})
_UNRESERVED = "-_.~"
_PORTS = {"http": 80, "https": 443}
_Query = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Signed:
    """What a signature says of itself."""

    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str
    stamp: str
    in_url: bool


def verify(request: HttpRequest, secret: str) -> None:
    """Check the signature of a signed request or presigned URL.

    Args:
        request: as it came: with the URL and the headers that its sender signed.
        secret: of the access key that the request names.

    Raises:
        AwsError: SignatureDoesNotMatch (JSON and REST-JSON: InvalidSignatureException); other
            codes where the signature cannot be read or what was to be signed was not;
            InvalidArgument, the request is signed in two ways; NotImplemented, it is of a kind
            that is not simulated.
    """
    parts = urlsplit(request.url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    asked = dict(query)
    # Else a URL that is presigned for one service could be sent with another's name in a header.
    ways = (
        "authorization" in request.headers,
        "AWSAccessKeyId" in asked or "Signature" in asked,
        not _PRESIGNED.isdisjoint(asked),
    )
    if sum(ways) > 1:
        raise AwsError("InvalidArgument", _ONE_MECHANISM)
    if "AWSAccessKeyId" in asked:
        _verify_old(request, parts, asked, secret)
        return
    signed = _from_url(asked) if "X-Amz-Signature" in asked else _from_header(request.headers)
    headers = _all_headers(request, parts)
    _require_signed(signed, headers)
    if signed.stamp[:8] != signed.date:
        raise refusals.wrong_signature(
            signed.service,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{signed.date}' != '{signed.stamp[:8]}', from '{signed.stamp}'.",
        )
    canonical = "\n".join((
        request.method,
        _canonical_path(parts.path, signed.service),
        _canonical_query(query),
        *(f"{name}:{_trimmed(headers[name])}" for name in signed.headers),
        "",
        ";".join(signed.headers),
        _payload(request, signed, asked),
    ))  # fmt: skip
    expected = _signature(canonical, signed, secret)
    if not hmac.compare_digest(expected, signed.signature):
        raise refusals.wrong_signature(signed.service)


def _from_header(headers: Mapping[str, str]) -> _Signed:
    """Read an Authorization header.

    Raises:
        AwsError: it is of another kind, or none.
    """
    text = headers.get("authorization", "")
    scheme = text.partition(" ")[0]
    if scheme != _ALGORITHM:
        raise not_simulated(f"a signature of the kind {scheme or 'none'}")
    found = _HEADER.fullmatch(text.strip())
    scope = _CREDENTIAL.fullmatch(found["credential"]) if found else None
    if found is None or scope is None:
        service = _CREDENTIAL.search(text)
        message = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature'"
        raise refusals.incomplete_signature(service["service"] if service else "", message)
    stamp = headers.get("x-amz-date", "")
    if not _STAMP.fullmatch(stamp):
        message = "Authorization header requires existence of an 'X-Amz-Date' header."
        raise refusals.incomplete_signature(scope["service"], message)
    return _Signed(
        date=scope["date"],
        region=scope["region"],
        service=scope["service"],
        headers=tuple(found["headers"].split(";")),
        signature=found["signature"],
        stamp=stamp,
        in_url=False,
    )


def _from_url(asked: Mapping[str, str]) -> _Signed:
    """Read a presigned URL's query.

    Raises:
        AwsError: it cannot be read.
    """
    if (kind := asked.get("X-Amz-Algorithm")) != _ALGORITHM:
        raise not_simulated(f"a presigned URL of the kind {kind or 'none'}")
    scope = _CREDENTIAL.fullmatch(asked.get("X-Amz-Credential", ""))
    stamp, names = asked.get("X-Amz-Date", ""), asked.get("X-Amz-SignedHeaders", "")
    if scope is None or not _STAMP.fullmatch(stamp) or not names:
        message = "Query-string authentication version 4 requires the X-Amz-Algorithm, "
        message += "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
        message += "X-Amz-Expires parameters."
        raise AwsError("AuthorizationQueryParametersError", message)
    return _Signed(
        date=scope["date"],
        region=scope["region"],
        service=scope["service"],
        headers=tuple(names.split(";")),
        signature=asked["X-Amz-Signature"],
        stamp=stamp,
        in_url=True,
    )


def _all_headers(request: HttpRequest, parts: SplitResult) -> Mapping[str, str]:
    """Return a request's headers; boto3's have no Host before they are sent."""
    if "host" in request.headers:
        return request.headers
    host = parts.hostname or ""
    if parts.port is not None and parts.port != _PORTS.get(parts.scheme):
        host = f"{host}:{parts.port}"
    return {**request.headers, "host": host}


def _require_signed(signed: _Signed, headers: Mapping[str, str]) -> None:
    """Refuse what leaves out of the signature what has to be in it.

    Raises:
        AwsError: as above.
    """
    if "host" not in signed.headers:
        message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization header."
        raise refusals.wrong_signature(signed.service, message)
    if missing := [name for name in signed.headers if name not in headers]:
        message = f"The signed header {missing[0]} is not in the request."
        raise refusals.wrong_signature(signed.service, message)
    loose = sorted(
        name
        for name in headers
        if name.startswith("x-amz-")
        and name not in signed.headers
        and name != "x-amz-content-sha256"
    )
    if loose:
        message = f"There were headers present in the request which were not signed: {loose[0]}"
        raise AwsError("AccessDenied", message, 403)


def _canonical_path(path: str, service: str) -> str:
    """Return the path as it is signed: S3's as it was sent, others' cleaned and encoded again."""
    if service == "s3":
        return quote(unquote(path or "/"), safe=f"/{_UNRESERVED}")
    cleaned = posixpath.normpath(path or "/")
    cleaned = f"/{cleaned.lstrip('/')}" + ("/" if path.endswith("/") and cleaned != "/" else "")
    return quote(cleaned, safe=f"/{_UNRESERVED}")


def _canonical_query(query: _Query) -> str:
    pairs = (
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED))
        for name, value in query
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _payload(request: HttpRequest, signed: _Signed, asked: Mapping[str, str]) -> str:
    """Return what the signature says of the body.

    Raises:
        AwsError: XAmzContentSHA256Mismatch; NotImplemented, each chunk is signed.
    """
    computed = hashlib.sha256(request.body).hexdigest()
    said = request.headers.get("x-amz-content-sha256")
    if signed.in_url and signed.service == "s3":
        said = asked.get("X-Amz-Content-Sha256", said or _UNSIGNED)
    if signed.service != "s3" or said is None:
        return computed
    if said.startswith("STREAMING-AWS4-"):
        raise not_simulated("an upload whose chunks are signed one by one")
    if said in {_UNSIGNED, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}:
        return said
    if not hmac.compare_digest(said, computed):
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise AwsError("XAmzContentSHA256Mismatch", message)
    return said


def _signature(canonical: str, signed: _Signed, secret: str) -> str:
    scope = (signed.date, signed.region, signed.service, "aws4_request")
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join((_ALGORITHM, signed.stamp, "/".join(scope), hashed))
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = _hmac(key, part)
    return _hmac(key, text).hex()


def _verify_old(
    request: HttpRequest, parts: SplitResult, asked: Mapping[str, str], secret: str
) -> None:
    """Check a URL of S3 that is presigned with version 2.

    Raises:
        AwsError: SignatureDoesNotMatch.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    token = asked.get("x-amz-security-token")
    amazon = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    amazon |= {"x-amz-security-token": token} if token else {}
    resource: str = HmacV1Auth(Credentials("", "")).canonical_resource(parts, _path_style(parts))
    text = "\n".join((
        request.method,
        headers.get("content-md5", ""),
        headers.get("content-type", ""),
        asked.get("Expires", ""),
        *(f"{name}:{_trimmed(amazon[name])}" for name in sorted(amazon)),
        resource,
    ))  # fmt: skip
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    expected = base64.b64encode(digest)
    if not hmac.compare_digest(expected, asked.get("Signature", "").encode()):
        raise refusals.wrong_signature("s3")


def _path_style(parts: SplitResult) -> str | None:
    """Return the path with the bucket that the host names; None: the path has it."""
    found = re.match(r"(.+)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com$", parts.hostname or "")
    return f"/{found[1]}{parts.path or '/'}" if found else None


def _trimmed(value: str) -> str:
    return " ".join(value.split())


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
