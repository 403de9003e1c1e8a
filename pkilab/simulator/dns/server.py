"""The sockets by which the world's DNS is asked: UDP and TCP at one port.

Source: RFC 1035, section 4.2; RFC 7766 (TCP).
"""

from __future__ import annotations

import functools
import logging
import socket
import struct
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from dnslib import RCODE
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol, Factory
from twisted.protocols.basic import Int16StringReceiver

from pkilab.errors import LabClosedError
from pkilab.simulator import reactor
from pkilab.simulator.dns.answering import QUERY_BYTES, answer
from pkilab.simulator.dns.internet import Internet
from pkilab.simulator.world import World

_IDLE_SECONDS = 30
_PORT_TRIES = 16
_log = logging.getLogger(__name__)


class DnsListener:
    """Serves a world's DNS over UDP and TCP at one port, until `close`.

    Args:
        world: answers are given in its turns.
        internet: where names are looked up.
        host: the address to listen on.
        port: 0 lets the system choose one that is free for both.

    Raises:
        OSError: the address cannot be had.
    """

    def __init__(self, world: World, internet: Internet, host: str, port: int) -> None:
        over_udp, over_tcp = (
            functools.partial(_respond, world, internet, udp) for udp in (True, False)
        )
        factory = _TcpFactory(over_tcp)
        self._factory = factory
        for tries in reversed(range(1 if port else _PORT_TRIES)):
            self._tcp = _listen(host, port, factory)
            self.port: int = self._tcp.getHost().port
            try:
                self._udp = _receive(host, self.port, _Datagrams(over_udp))
            except OSError:  # free for TCP, taken for UDP
                reactor.call(self._tcp.stopListening)
                if not tries:
                    raise
            else:
                break

    def close(self) -> None:
        """Stop listening and drop the connections."""
        for connection in tuple(self._factory.connections):
            reactor.call(connection.transport.abortConnection)
        reactor.call(self._tcp.stopListening)
        reactor.call(self._udp.stopListening)


def _listen(host: str, port: int, factory: Factory) -> Any:  # noqa: ANN401 - Twisted's
    listen = functools.partial(reactor.reactor.listenTCP, interface=host)
    try:
        return reactor.call(listen, port, factory)
    except CannotListenError as error:
        raise error.socketError from error


def _receive(host: str, port: int, protocol: DatagramProtocol) -> Any:  # noqa: ANN401 - Twisted's
    """Open a socket for datagrams; Twisted's own way would not close one that cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as bound:
        bound.setblocking(False)  # noqa: FBT003 - the socket module's signature
        bound.bind((host, port))
        # It is duplicated.
        return reactor.call(reactor.reactor.adoptDatagramPort, bound.fileno(), family, protocol)


Respond = Callable[[bytes], bytes | None]


def _respond(world: World, internet: Internet, udp: bool, query: bytes) -> bytes | None:  # noqa: FBT001 - partial
    """Answer in a turn of the world; a mistake of the simulator's own is SERVFAIL."""
    try:
        with world.turn():
            return answer(internet, query, udp=udp)
    except LabClosedError:
        return None
    except Exception:  # noqa: BLE001 - whoever asked is not to blame; it is logged
        _log.exception("a DNS query failed")
        return query[:2] + struct.pack("!HHHHH", 0x8080 | RCODE.SERVFAIL, 0, 0, 0, 0)


class _Datagrams(DatagramProtocol):
    noisy = False

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:  # noqa: N802
        """Answer in a thread of the pool: the world may be taken."""

        def send(ended: Future[bytes | None]) -> None:
            if (response := ended.result()) is not None and self.transport is not None:
                self.transport.write(response, addr)

        reactor.work(lambda: self._respond(datagram), send)


class _Stream(Int16StringReceiver):
    MAX_LENGTH = QUERY_BYTES
    factory: Any

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        self.factory.connections.add(self)
        self._idle = reactor.reactor.callLater(_IDLE_SECONDS, self.transport.loseConnection)

    def connectionLost(self, reason: Any) -> None:  # noqa: ANN401, ARG002, N802 - Twisted's
        self.factory.connections.discard(self)
        if self._idle.active():
            self._idle.cancel()

    def lengthLimitExceeded(self, length: int) -> None:  # noqa: ARG002, N802 - Twisted's
        self.transport.abortConnection()

    def stringReceived(self, string: bytes) -> None:  # noqa: N802 - Twisted's name
        """Answer in a thread of the pool; answers may overtake each other (RFC 7766)."""
        if self._idle.active():
            self._idle.reset(_IDLE_SECONDS)

        def send(ended: Future[bytes | None]) -> None:
            if (response := ended.result()) is not None and self in self.factory.connections:
                self.sendString(response)

        reactor.work(lambda: self.factory.respond(string), send)


class _TcpFactory(Factory):
    noisy = False
    protocol = _Stream

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.connections: set[_Stream] = set()
