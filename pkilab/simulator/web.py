"""Serving HTTP with Twisted: connections that can be dropped, answers that threads work out."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any

from twisted.internet.protocol import Factory
from twisted.web import http
from twisted.web.http_headers import Headers

from pkilab.errors import LabClosedError
from pkilab.simulator.service import HttpResponse

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_log = logging.getLogger(__name__)


class Channel(http.HTTPChannel):
    """One connection, known to its factory for as long as it lasts."""

    factory: Any

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Note the connection."""
        super().connectionMade()
        self.factory.connections.add(self)

    def connectionLost(self, reason: Any) -> None:  # noqa: ANN401, N802 - Twisted's
        """Forget the connection."""
        self.factory.connections.discard(self)
        super().connectionLost(reason)

    def abort(self) -> None:
        """Drop the connection at once."""
        self.transport.abortConnection()


class ChannelFactory(Factory):
    """Makes channels of one class; subclasses say which, and what their requests need.

    Attributes:
        connections: those that are open.
        idle_seconds: how long one may be silent.
    """

    noisy = False
    protocol: type[Channel]

    def __init__(self, idle_seconds: float) -> None:
        self.idle_seconds = idle_seconds
        self.connections: set[Channel] = set()

    def log(self, request: http.Request) -> None:
        """Twisted's access log, which nobody reads."""

    def buildProtocol(self, addr: object) -> Channel:  # noqa: ARG002, N802 - Twisted's
        """Make the channel of a connection."""
        channel = self.protocol()
        channel.factory, channel.timeOut = self, self.idle_seconds
        return channel


class _AwsHeaders(Headers):
    """Headers on the wire: clients take the names of S3's user metadata as they come."""

    def getAllRawHeaders(self) -> Iterator[tuple[bytes, Sequence[bytes]]]:  # noqa: N802 - Twisted's
        """Yield names and values; Twisted writes each word of a name with a capital letter."""
        for name, values in super().getAllRawHeaders():
            yield (name.lower() if name.startswith(b"X-Amz-Meta-") else name), values


def answer(request: http.Request, ended: Future[HttpResponse]) -> None:
    """Write what a thread of the pool has made, unless the client has gone."""
    if not request._disconnected:  # noqa: SLF001 - Twisted has no public word for it
        _write(request, _result(ended))


def _result(ended: Future[HttpResponse]) -> HttpResponse:
    try:
        return ended.result()
    except LabClosedError as error:
        return HttpResponse(503, {"content-type": "text/plain"}, str(error).encode())
    except Exception:  # noqa: BLE001 - a mistake of the simulator's own; the client still gets an answer
        _log.exception("a request failed")
        return HttpResponse(500, {"content-type": "text/plain"}, b"an internal error")


def _write(request: http.Request, response: HttpResponse) -> None:
    status = response.status
    phrase = _PHRASES.get(status, "Unknown")
    request.setResponseCode(status, phrase.encode())
    request.responseHeaders = _AwsHeaders()
    for name, value in response.headers.items():
        if name not in {"connection", "content-length", "transfer-encoding"}:
            request.setHeader(name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
    for each in response.cookies:
        request.responseHeaders.addRawHeader(b"set-cookie", each.encode("latin-1", "replace"))
    length = response.headers.get("content-length", str(len(response.body)))
    if request.method != b"HEAD":
        length = str(len(response.body))
    request.setHeader(b"content-length", length.encode())
    request.write(response.body)
    request.finish()
