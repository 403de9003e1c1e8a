"""The simulated world on loopback: its AWS endpoints over HTTP, its APIs over TLS, its DNS.

The first two are Twisted's HTTP server. The same gateway answers what comes over HTTP as what comes
from a client in-process; APIs with mutual TLS are at the front (`pkilab.simulator.front`).
"""

from __future__ import annotations

import contextlib
import functools
import threading
from concurrent.futures import Future
from typing import Any, Literal

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.web import http

from pkilab.errors import LabClosedError
from pkilab.simulator import reactor
from pkilab.simulator.ctlogs.listing import served_logs
from pkilab.simulator.dns.server import DnsListener
from pkilab.simulator.front import Front
from pkilab.simulator.gateway import Gateway
from pkilab.simulator.handshakes import Handshake
from pkilab.simulator.service import LOOPBACK, HttpRequest, HttpResponse
from pkilab.simulator.web import Channel, ChannelFactory, answer

_TICK_SECONDS = 1.0
_IDLE_SECONDS = 60


class Server:
    """Serves one world until `close`: HTTP at ``url``, TLS at ``tls`` and DNS at ``dns``.

    With a live clock, due work also runs while nobody calls, once a second.

    Args:
        gateway: the world's door.
        host: the address to listen on.
        port: for HTTP; 0 lets the system choose a free one.
        tls_port: for TLS; None opens no front.
        dns_port: for DNS, over UDP and TCP; None answers no queries.
        refuse_in: where mutual TLS turns a client away: in the ``response`` (403, after the
            handshake) or in the ``handshake`` (an alert).

    Raises:
        OSError: an address cannot be had.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls_port: int | None = None,
        dns_port: int | None = None,
        refuse_in: Literal["response", "handshake"] = "response",
    ) -> None:
        self._gateway = gateway
        self._http = _Listener(_HttpFactory(gateway), host, port)
        self._front: Front | None = None
        self._tls: _Listener | None = None
        self._dns: DnsListener | None = None
        try:
            if tls_port is not None:
                self._front = Front(gateway.apis, gateway.world, refuse_in=refuse_in)
                self._tls = _Listener(self._front.factory, host, tls_port)
            if dns_port is not None:
                self._dns = DnsListener(gateway.world, gateway.internet, host, dns_port)
        except BaseException:
            self._http.close()
            if self._tls:
                self._tls.close()
            raise
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._http.port}"
        self.tls = f"{shown}:{self._tls.port}" if self._tls else ""
        self.dns = f"{shown}:{self._dns.port}" if self._dns else ""
        # Each log's name, operator, URL here, and public key (SubjectPublicKeyInfo, base64).
        self.ct_logs = served_logs(gateway.logs, self.url)
        self._closing = threading.Event()
        if gateway.world.clock.live:
            threading.Thread(target=self._tick, name="pkilab clock", daemon=True).start()

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        """The latest TLS handshakes, the newest last."""
        return self._front.handshakes if self._front else ()

    @property
    def closed(self) -> bool:
        """Whether it has stopped listening."""
        return self._closing.is_set()

    def close(self) -> None:
        """Stop listening and drop every connection. The world stays open."""
        self._closing.set()
        self._http.close()
        if self._tls:
            self._tls.close()
        if self._dns:
            self._dns.close()

    def _tick(self) -> None:
        with contextlib.suppress(LabClosedError):
            while not self._closing.wait(_TICK_SECONDS):
                with self._gateway.world.turn():
                    pass  # taking a turn runs what is due
                self._gateway.world.run_errands()


class _Listener:
    """One listening port and the connections it took."""

    def __init__(self, factory: Any, host: str, port: int) -> None:  # noqa: ANN401 - one of Twisted's
        self._factory = factory
        try:
            self._port: IListeningPort = reactor.call(
                functools.partial(reactor.reactor.listenTCP, interface=host, backlog=512),
                port,
                factory,
            )
        except CannotListenError as error:
            raise error.socketError from error
        self.port: int = self._port.getHost().port

    def close(self) -> None:
        """Stop listening and drop the connections."""
        reactor.call(self._close)

    def _close(self) -> Deferred[None] | None:
        for connection in tuple(self._factory.connections):
            connection.abort()
        stopped: Deferred[None] | None = self._port.stopListening()
        return stopped


class _HttpRequest(http.Request):
    """A request to the gateway. Twisted calls ``process`` when the body is there."""

    channel: Any

    def process(self) -> None:
        """Answer in a thread of the pool: the gateway may wait for the world."""
        request = _read(self)
        reactor.work(lambda: self.channel.factory.gateway.handle(request), self._answer)

    def _answer(self, ended: Future[HttpResponse]) -> None:
        answer(self, ended)


def _read(request: http.Request) -> HttpRequest:
    headers = {
        name.decode("latin-1").lower(): b",".join(values).decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    # The target is kept as it was sent; S3 keys need their percent-encoding. A client that takes
    # this for its proxy sends the whole URL.
    target = request.uri.decode("latin-1")
    host = headers.get("host", "localhost")
    url = target if target.startswith("http") else f"http://{host}{target}"
    if target == url:  # RFC 9112, section 3.2.2: such a target's host counts, and Host does not
        headers["host"] = target.partition("://")[2].partition("/")[0]
    assert request.content is not None  # noqa: S101 - Twisted made it before the body came
    peer = request.getClientAddress()
    return HttpRequest(
        request.method.decode("latin-1"),
        url,
        headers,
        request.content.read(),
        source_ip=getattr(peer, "host", LOOPBACK),
    )


class _HttpChannel(Channel):
    requestFactory = _HttpRequest  # noqa: N815 - Twisted's name


class _HttpFactory(ChannelFactory):
    protocol = _HttpChannel

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(_IDLE_SECONDS)
        self.gateway = gateway
