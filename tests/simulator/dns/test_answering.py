"""Queries and responses as bytes."""

import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.dns.answering import EDNS_BYTES, answer
from pkilab.simulator.dns.internet import Internet
from pkilab.simulator.dns.names import parse_name
from pkilab.simulator.dns.records import RecordSet, read_value
from pkilab.simulator.dns.zone import Zone

SERVERS = ("ns-1.awsdns-00.com.", "ns-513.awsdns-00.net.")


class OneZone:
    """A registry with one domain, and its zone."""

    def __init__(self, *records):
        own = [("lab.example", "SOA", "a. b. 1 2 3 4 5"), ("lab.example", "NS", SERVERS[0])]
        self.zone = Zone(
            parse_name("lab.example"),
            [
                RecordSet(parse_name(name), kind, 60, tuple(read_value(kind, v) for v in values))
                for name, kind, *values in [*own, *records]
            ],
        )

    def zones_on(self, server):
        """Return the zone, for its servers."""
        return [self.zone] if server in {1, 513} else []

    def registered(self):
        """Return the domain."""
        return [(self.zone.apex, SERVERS)]


HELD = Internet(
    OneZone(
        ("lab.example", "A", "192.0.2.1"),
        ("long.lab.example", "TXT", *(f'"{n:03}{"x" * 250}"' for n in range(300))),
        ("some.lab.example", "TXT", *(f'"{n:03}{"x" * 90}"' for n in range(6))),
    ),
    lambda _: (),
)


def ask(query, **options):
    return dns.message.from_wire(answer(HELD, query.to_wire(), **options))


def test_the_answer_belongs_to_the_query():
    """Number, question in its letters, recursion desired and available."""
    query = dns.message.make_query("LAB.Example", "A")
    found = ask(query)
    assert found.id == query.id
    assert found.question[0].name.to_text() == "LAB.Example."
    assert found.answer[0].name.to_text() == "LAB.Example."
    assert found.flags == dns.flags.QR | dns.flags.RD | dns.flags.RA


@pytest.mark.parametrize("query", [b"", b"\0" * 11, struct.pack("!HHHHHH", 1, 0x8000, 0, 0, 0, 0)])
def test_what_is_no_query_is_dropped(query):
    """Too short to be answered, or an answer itself."""
    assert answer(HELD, query) is None


@pytest.mark.parametrize(
    "rest",
    [
        struct.pack("!HHHH", 1, 0, 0, 0),  # a question that is not there
        struct.pack("!HHHH", 0, 0, 0, 0),  # none
        struct.pack("!HHHH", 2, 0, 0, 0) + (b"\0\0\1\0\1" * 2),  # two
        struct.pack("!HHHH", 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1",  # a pointer to itself
        struct.pack("!HHHH", 1, 0, 0, 0) + b"\x3f" + b"a" * 20,  # a label cut short
        struct.pack("!HHHH", 1, 0, 0, 0) + (b"\x3f" + b"a" * 63) * 5 + b"\0\0\1\0\1",  # too long
        struct.pack("!HHHH", 1, 0, 0, 2) + b"\0\0\1\0\1" + b"\0\0\x29\4\0\0\0\0\0\0\0" * 2,  # 2 OPT
        struct.pack("!HHHH", 1, 0, 0, 0) + b"\0\0\1\0\1" + b"x" * 4096,  # longer than any query
    ],
)
def test_a_malformed_query_is_told_so(rest):
    """FORMERR, with its number."""
    found = answer(HELD, struct.pack("!HH", 7, 0x0100) + rest)
    assert struct.unpack("!HH", found[:4]) == (7, 0x8181)


@pytest.mark.parametrize("opcode", [dns.opcode.STATUS, dns.opcode.NOTIFY, dns.opcode.UPDATE, 15])
def test_other_opcodes_are_not_implemented(opcode):
    """NOTIMP, whatever the rest of the message says."""
    found = answer(HELD, struct.pack("!HHHHHH", 7, opcode << 11, 1, 1, 1, 1) + b"junk")
    assert struct.unpack("!HH", found[:4]) == (7, 0x8084 | opcode << 11)


@pytest.mark.parametrize(
    ("kind", "of"), [("TXT", "CH"), ("A", "ANY"), ("AXFR", "IN"), ("IXFR", "IN"), ("TSIG", "IN")]
)
def test_other_classes_and_transfers_are_refused(kind, of):
    """REFUSED."""
    query = dns.message.make_query("lab.example", kind, of)
    assert ask(query).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("kind", ["DS", "HTTPS", "NAPTR", "TYPE65280", "NULL"])
def test_types_that_nobody_has_are_denied(kind):
    """NOERROR and a SOA record."""
    found = ask(dns.message.make_query("lab.example", kind))
    assert found.rcode() == dns.rcode.NOERROR
    assert not found.answer
    assert found.authority


def test_any_is_answered_with_everything():
    """Of the name."""
    found = ask(dns.message.make_query("lab.example", "ANY"))
    assert len(found.answer) == 3


@pytest.mark.parametrize(
    ("name", "options", "fits"),
    [
        ("lab.example", {}, True),
        ("some.lab.example", {}, False),
        ("some.lab.example", {"use_edns": 0, "payload": 100}, False),
        ("some.lab.example", {"use_edns": 0, "payload": 1232}, True),
        ("long.lab.example", {"use_edns": 0, "payload": 65535}, False),
    ],
)
def test_a_datagram_is_as_long_as_was_offered_and_no_longer(name, options, fits):
    """At least 512 octets, at most 1,232; what does not fit is left out, and TC says so."""
    query = dns.message.make_query(name, "ANY", **options)
    found = answer(HELD, query.to_wire(), udp=True)
    assert len(found) <= (EDNS_BYTES if options else 512)
    read = dns.message.from_wire(found)
    assert bool(read.flags & dns.flags.TC) is not fits
    assert bool(read.answer) is fits
    assert (read.edns == 0) is bool(options)
    assert len(read.question) == 1


def test_what_no_message_can_carry_is_a_failure():
    """300 strings of 253 octets are 76 kB."""
    found = ask(dns.message.make_query("long.lab.example", "TXT"))
    assert found.rcode() == dns.rcode.SERVFAIL
    assert not found.flags & dns.flags.TC


def test_a_later_edns_is_not_known():
    """BADVERS, with the version that is: RFC 6891, section 6.1.3."""
    query = dns.message.make_query("lab.example", "A", use_edns=0)
    query.use_edns(1)
    found = ask(query)
    assert found.rcode() == dns.rcode.BADVERS
    assert found.edns == 0


def test_names_are_looked_up_in_any_case_and_with_any_octets():
    """Also such as no host has."""
    assert ask(dns.message.make_query("lAb.eXample", "A")).answer
    assert ask(dns.message.make_query(r"\000\032.lab.example", "A")).rcode() == dns.rcode.NXDOMAIN


@given(st.binary(max_size=200))
def test_random_bytes_are_dropped_or_answered(data):
    """Never an error; the number comes back."""
    for udp in (False, True):
        found = answer(HELD, data, udp=udp)
        assert found is None or found[:2] == data[:2]


@given(
    st.integers(0, 0x7FFF),
    st.binary(max_size=120),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
)
def test_headers_with_random_bodies_are_answered(bits, body, counts):
    """As a message that others can read."""
    query = struct.pack("!HH", 1, bits) + struct.pack("!HHHH", *counts) + body
    found = answer(HELD, query, udp=True)
    assert found is not None
    dns.message.from_wire(found, question_only=True)
    assert len(found) <= EDNS_BYTES


@given(st.data())
def test_real_queries_with_changed_bytes_are_answered(data):
    """Up to three octets are something else."""
    query = bytearray(dns.message.make_query("a.lab.example", "A", use_edns=0).to_wire())
    for _ in range(data.draw(st.integers(1, 3))):
        query[data.draw(st.integers(2, len(query) - 1))] = data.draw(st.integers(0, 255))
    found = answer(HELD, bytes(query), udp=True)
    assert found is None or found[:2] == bytes(query[:2])
