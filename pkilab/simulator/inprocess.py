"""boto3 clients that end in this process: their requests are answered by the gateway, not sent."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from boto3 import Session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.model import OperationModel

from pkilab.credentials import Credentials
from pkilab.errors import LabClosedError
from pkilab.simulator.gateway import Gateway
from pkilab.simulator.service import HttpRequest, HttpResponse, model_loader

_OPTIONS: dict[str, Any] = {
    "ignore_configured_endpoint_urls": True,  # AWS_ENDPOINT_URL has no say
    "s3": {"addressing_style": "path"},
    # CloudTrail shows it: the same on every machine, where botocore's own names the kernel.
    "user_agent": f"Boto3/{boto3.__version__} pkilab",
    "use_dualstack_endpoint": False,
    "use_fips_endpoint": False,
}
_CONFIG = Config(**_OPTIONS)
# On a frozen clock an answer stays as it is, however long botocore waits before it asks again.
_ONCE = Config(retries={"mode": "legacy", "total_max_attempts": 1})


class _NoNetwork:
    """Stands where botocore keeps its HTTP session, so that no request can be sent by any way."""

    def send(self, _request: AWSPreparedRequest) -> AWSResponse:
        raise LabClosedError("a client of a simulated lab never uses the network")

    def close(self) -> None:
        """Nothing is open."""


class _RawBody(io.BytesIO):
    """A response body as botocore reads it."""

    def stream(self, **_options: Any) -> Iterator[bytes]:  # noqa: ANN401 - urllib3's interface
        while chunk := self.read():
            yield chunk


class Clients:
    """Makes clients for one account of a world, from a session that reads no configuration.

    No environment variable, shared credentials file or config file of the machine is looked at.
    """

    def __init__(self, gateway: Gateway, credentials: Credentials) -> None:
        self._gateway, self._live = gateway, gateway.world.clock.live
        session = botocore.session.Session(session_vars=_isolated())
        session.register_component("data_loader", model_loader())
        session.set_credentials(
            credentials.access_key_id, credentials.secret_access_key, credentials.session_token
        )
        self._session = Session(botocore_session=session, region_name=gateway.world.region)

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - as boto3.client
        """Return a boto3 client whose every request is answered by the world."""
        make: Any = self._session.client  # its stubs list every service by name
        config = _CONFIG if self._live else _CONFIG.merge(_ONCE)
        client = make(service, region_name=region, config=config)
        client.meta.events.register_first("before-parameter-build", self._name)
        client.meta.events.register_first("before-send", self._answer)
        client._endpoint.http_session = _NoNetwork()  # noqa: SLF001 - belt and braces
        return client

    def _name(self, params: dict[str, Any], model: OperationModel, **_kwargs: Any) -> None:  # noqa: ANN401
        """Give a call its idempotency token; it is what Secrets Manager calls a version by."""
        for name in model.idempotent_members:
            if name not in params:
                params[name] = self._gateway.idempotency_token()

    def _answer(self, request: AWSPreparedRequest, **_kwargs: Any) -> AWSResponse:  # noqa: ANN401
        response = self._gateway.handle(_request(request))
        headers = HTTPHeaders()
        for name, value in response.headers.items():
            headers[name] = value
        return AWSResponse(request.url, response.status, headers, _RawBody(response.body))


def fetch(
    gateway: Gateway, url: str, body: bytes | None = None, content_type: str = ""
) -> HttpResponse:
    """Do what any HTTP client would with ``url``, inside the world: GET, or POST if given a body.

    Custom names (``CustomCname``) of a bucket are not resolved.
    """
    headers = {"host": urlsplit(url).netloc}
    if content_type:
        headers["content-type"] = content_type
    method = "GET" if body is None else "POST"
    return gateway.handle(HttpRequest(method, url, headers, body or b""))


def _request(request: AWSPreparedRequest) -> HttpRequest:
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    body: Any = request.body
    if body is None:
        body = b""
    elif hasattr(body, "read"):
        body = body.read()
    elif isinstance(body, str):
        body = body.encode()
    return HttpRequest(request.method, request.url, headers, bytes(body))


def _isolated() -> dict[str, tuple[Any, ...]]:
    """Return botocore's session variables with every environment variable taken out."""
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES  # noqa: PLC0415

    variables = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    variables["config_file"] = (None, None, os.devnull, None)
    variables["credentials_file"] = (None, None, os.devnull, None)
    return variables
