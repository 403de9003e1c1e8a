"""DNS messages, through dnslib.

Source: RFC 1035, section 4; RFC 6891 (EDNS).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from dnslib import CLASS, EDNS0, QTYPE, RCODE, RR, DNSError, DNSQuestion, DNSRecord
from dnslib.bimap import BimapError
from dnslib.buffer import BufferError as UnreadableError
from dnslib.label import DNSBuffer, DNSLabel, DNSLabelError

from pkilab.errors import MalformedError
from pkilab.simulator.dns.names import Name, fold, parse_name
from pkilab.simulator.dns.records import RecordSet

Message = Any  # a DNSRecord, which is untyped

# What dnslib raises on bytes that are no message: its own, Python's, and a chase after pointers.
_UNREADABLE = (
    DNSError, BimapError, UnreadableError, DNSLabelError, ValueError, IndexError, TypeError,
    RecursionError, struct.error,
)  # fmt: skip
_LAST_POINTER = 0x3FFF  # a compression pointer has 14 bits


def read_message(data: bytes) -> Message:
    """Read a message.

    Raises:
        MalformedError: it is none.
    """
    try:
        return DNSRecord.parse(data)
    except _UNREADABLE as error:
        raise MalformedError(
            "DNS message", found=f"{len(data)} bytes ({error})", expected="a message of RFC 1035"
        ) from error


def write_message(message: Message) -> bytes:
    """Write a message, its names compressed.

    dnslib's own way would also point to names beyond the reach of a pointer.
    """
    message.set_header_qa()
    buffer = DNSBuffer()
    buffer.names = _Reachable()
    for part in (message.header, *message.questions, *message.rr, *message.auth, *message.ar):
        part.pack(buffer)
    return bytes(buffer.data)


class _Reachable(dict[Any, int]):
    """Where names stand in a message, as far as a pointer can say."""

    def __setitem__(self, name: object, offset: int) -> None:
        if offset <= _LAST_POINTER:
            super().__setitem__(name, offset)


def write_query(name: str, kind: str, *, recursion: bool = True, size: int | None = None) -> bytes:
    """Write a query.

    Args:
        name: a domain name, as `parse_name` takes it.
        kind: such as ``CNAME``.
        recursion: whether the server is asked to follow delegations and aliases.
        size: the longest UDP answer wanted, in bytes; None: no EDNS.

    Raises:
        MalformedError: it is no domain name.
    """
    label = DNSLabel(parse_name(name))
    query = DNSRecord(q=DNSQuestion(label, getattr(QTYPE, kind), CLASS.IN))
    query.header.id, query.header.rd = 0, int(recursion)
    if size is not None:
        query.add_ar(EDNS0(udp_len=size))
    return write_message(query)


def records(sets: Iterable[RecordSet], question: DNSLabel) -> list[Any]:
    """Return record sets as records; the name that was asked for keeps the letters it had."""
    asked = fold(question.label)
    return [
        RR(
            question if each.name == asked else DNSLabel(each.name),
            getattr(QTYPE, each.kind),
            ttl=each.ttl,
            rdata=data,
        )
        for each in sets
        for data in each.data
    ]


def rcode_name(message: Message) -> str:
    """Return a response code by its name, such as ``NXDOMAIN``."""
    return str(RCODE.get(message.header.rcode))


def kind_name(record: Any) -> str:  # noqa: ANN401 - an RR
    """Return a record's type by its name."""
    return str(QTYPE.get(record.rtype))


def owner_of(record: Any) -> Name:  # noqa: ANN401 - an RR
    """Return the name a record is at, in lower case."""
    return fold(record.rname.label)
