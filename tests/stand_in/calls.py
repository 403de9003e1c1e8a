"""Which AWS call an HTTP request is, told from the wire as a proxy would."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from pkilab.journal import reads_only
from pkilab.simulator import borrowed_requests, query, rest
from pkilab.simulator.gateway import _at_aws, _credential_scope
from pkilab.simulator.service import AwsError, HttpRequest, service_model

_BOTO3_NAMES = {"tagging": "resourcegroupstaggingapi"}  # by signing name


@dataclass(frozen=True, slots=True)
class Call:
    """One signed request.

    Attributes:
        number: from 1, in the order in which the requests came; a retry is one more.
        service: as boto3 names it.
        operation: as the API names it.
        access_key_id: who signed.
        region: where it is meant to go.
    """

    number: int
    service: str
    operation: str
    access_key_id: str
    region: str

    @property
    def changes(self) -> bool:
        """Whether it may change something, by its name."""
        return not reads_only(self.operation)

    def __str__(self) -> str:
        return f"{self.number} {self.service}:{self.operation}"


def call_of(request: HttpRequest, number: int) -> Call | None:
    """Return what a request asks; None: nobody signed it, or AWS has no such operation."""
    try:
        scope = _credential_scope(request)
        if scope is None:
            return None
        key, region, signing = scope
        service, operation = _operation(signing, region, request)
    except AwsError:
        return None
    return Call(number, service, operation, key, region)


def _operation(signing: str, region: str, request: HttpRequest) -> tuple[str, str]:
    """Return service and operation.

    Raises:
        AwsError: there is none.
    """
    if target := request.headers.get("x-amz-target"):
        return _BOTO3_NAMES.get(signing, signing), target.rpartition(".")[2]
    if signing == "s3":
        return "s3", borrowed_requests.read("s3", _at_aws(request, "s3", region))[0]
    service = signing
    if signing == "apigateway" and urlsplit(request.url).path.startswith("/v2/"):
        service = "apigatewayv2"
    if service_model(service).metadata["protocol"] == "query":
        return service, query.read(service, request)[0].name
    path, found = urlsplit(request.url).path.rstrip("/") or "/", request.method
    for method, pattern, operation in rest._routes(service):
        if method == found and pattern.fullmatch(path):
            return service, operation.name
    raise AwsError("UnknownOperationException", f"{found} {path}")
