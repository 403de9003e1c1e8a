"""Asking DNS over the wire, as whoever checks a validation record does.

Looking a name up is a function from name and type to `Answer`. `resolver` gives one that asks a
recursive server: of the served world, or of this machine's configuration. A resolver's cache may
hold an answer, a missing name too, for as long as its time to live says; ACM asks afresh.
"""

from __future__ import annotations

import secrets
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dnslib import CNAME, EDNS0, NS, QTYPE, RCODE, DNSError, DNSQuestion, DNSRecord
from dnslib.bimap import BimapError
from dnslib.buffer import BufferError as UnreadableError
from dnslib.label import DNSLabel, DNSLabelError

from pkilab.errors import LabError, MalformedError

CONFIGURATION = Path("/etc/resolv.conf")
_PORT = 53
_SECONDS = 5.0
_UDP_BYTES = 1232  # what fits every path unfragmented: DNS flag day 2020
_HEADER_BYTES, _DATAGRAM_BYTES = 12, 65535
_UNREADABLE = (
    DNSError, BimapError, UnreadableError, DNSLabelError, ValueError, IndexError, TypeError,
    RecursionError, struct.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS said about one name and type.

    Attributes:
        name: as it was asked, lower case, with a final dot.
        kind: the type, such as ``CNAME``.
        rcode: ``NOERROR``, ``NXDOMAIN`` (no such name), ``SERVFAIL`` (no server that should know
            answers), ...
        values: the records' values in zone-file text, sorted; empty with NOERROR: the name exists
            and has none of this type.
        chain: the aliases that were followed to get there, the last one holding ``values``.
    """

    name: str
    kind: str
    rcode: str
    values: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there is such a record."""
        return bool(self.values)


class LookUp(Protocol):
    """Look up one name and type."""

    def __call__(self, name: str, kind: str) -> Answer:
        """Return what DNS says; raises LabError if nobody answers."""
        ...


def resolver(
    server: str | None = None,
    *,
    configuration: Path = CONFIGURATION,
    seconds: float = _SECONDS,
) -> LookUp:
    """Return a function that asks a recursive server over UDP, and over TCP where that is cut.

    Args:
        server: ``host:port`` or ``host``, an IPv6 address in brackets if a port follows; a served
            lab's is ``lab.serve().dns``. None: the first ``nameserver`` of ``configuration``.
        configuration: a resolv.conf.
        seconds: how long to wait for an answer, twice.

    Not checked: DNSSEC. Whoever can forge the resolver's answers can forge these.

    Raises:
        LabError: there is no server to ask, here; from the function: none answered.
        MalformedError: ``server`` is no address; from the function: what came is no DNS message.
    """
    host, port = _address(server) if server else (_configured(configuration), _PORT)

    def ask(name: str, kind: str) -> Answer:
        number = secrets.randbits(16)
        query = write_query(name, kind, number)
        try:
            data = _over_udp(query, host, port, seconds)
            if data[2] & 2:  # TC: the answer was cut
                data = _over_tcp(query, host, port, seconds)
        except OSError as error:
            raise LabError(f"{name} {kind}: no answer from the DNS server ({error})") from error
        return read_answer(data, name, kind, number)

    return ask


def write_query(name: str, kind: str, number: int) -> bytes:
    """Write a query with recursion desired and EDNS.

    Raises:
        MalformedError: it is no domain name, or no type of record.
    """
    try:
        query = DNSRecord(q=DNSQuestion(DNSLabel(_labels(name)), getattr(QTYPE, kind)))
        query.header.id = number
        query.add_ar(EDNS0(udp_len=_UDP_BYTES))
        return bytes(query.pack())
    except _UNREADABLE as error:
        raise MalformedError(
            "DNS question", found=f"{name!r} {kind}", expected="a domain name and a record type"
        ) from error


def read_answer(data: bytes, name: str, kind: str, number: int) -> Answer:
    """Read a response to a query.

    Raises:
        MalformedError: it is none, or one to another query.
    """
    expected = f"an answer to {name} {kind}"
    try:
        message = DNSRecord.parse(data)
        rcode = str(RCODE.get(message.header.rcode))
        records = [
            (text(each.rname), str(QTYPE.get(each.rtype)), each.rdata) for each in message.rr
        ]
        asked = [(text(each.qname), str(QTYPE.get(each.qtype))) for each in message.questions]
        wanted = text(DNSLabel(_labels(name)))
    except _UNREADABLE as error:
        raise MalformedError(
            "DNS message", found=f"{len(data)} bytes ({error})", expected=expected
        ) from error
    if (
        message.header.id != number
        or not message.header.qr
        or asked[:1] not in ([], [(wanted, kind)])
    ):
        raise MalformedError("DNS message", found="another query's answer", expected=expected)
    at, chain = wanted, []
    if kind != "CNAME":
        aliases = {owner: text(rdata.label) for owner, of, rdata in records if of == "CNAME"}
        while at in aliases and aliases[at] not in chain:
            at = aliases[at]
            chain.append(at)
    values = sorted(_value(rdata) for owner, of, rdata in records if (owner, of) == (at, kind))
    return Answer(wanted, kind, rcode, tuple(values), tuple(chain))


def text(label: DNSLabel) -> str:
    """Write a name in lower case with a final dot, other octets than ASCII letters escaped."""
    return str(label).lower().rstrip(".") + "."


def _value(rdata: Any) -> str:  # noqa: ANN401 - dnslib's, untyped
    return text(rdata.label) if isinstance(rdata, CNAME | NS) else str(rdata)


def _labels(name: str) -> list[bytes]:
    return [
        label.encode("idna") if not label.isascii() else label.encode()
        for label in name.rstrip(".").split(".")
        if label
    ]


def _address(server: str) -> tuple[str, int]:
    host, colon, port = server.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = server, str(_PORT)
    if not host or not port.isdigit() or not 0 < int(port) <= 0xFFFF:  # noqa: PLR2004 - of ports
        raise MalformedError("DNS server", found=repr(server), expected="host:port")
    return host.strip("[]"), int(port)


def _configured(configuration: Path) -> str:
    try:
        lines = configuration.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise LabError(f"no DNS server is configured here ({error}); name one") from error
    for line in lines:
        words = line.split()
        if words[:1] == ["nameserver"] and len(words) > 1:
            return words[1]
    raise LabError(f"{configuration.name} names no DNS server; name one")


def _over_udp(query: bytes, host: str, port: int, seconds: float) -> bytes:
    (family, *_, where), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        udp.settimeout(seconds)
        udp.connect(where)  # answers of anyone else are not read
        udp.send(query)
        try:
            return _reply(udp, query)
        except TimeoutError:  # a datagram may get lost
            udp.send(query)
            return _reply(udp, query)


def _reply(udp: socket.socket, query: bytes) -> bytes:
    """Wait for the answer to a query; late ones to something else are passed over."""
    while True:
        data = udp.recv(_DATAGRAM_BYTES)
        if len(data) >= _HEADER_BYTES and data[:2] == query[:2]:
            return data


def _over_tcp(query: bytes, host: str, port: int, seconds: float) -> bytes:
    with socket.create_connection((host, port), timeout=seconds) as tcp:
        tcp.sendall(struct.pack("!H", len(query)) + query)
        (size,) = struct.unpack("!H", _exactly(tcp, 2))
        return _exactly(tcp, size)


def _exactly(tcp: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = tcp.recv(size - len(data))
        if not part:
            raise ConnectionError("the connection ended in the middle of an answer")
        data += part
    return data
