"""Messages as bytes."""

import struct

import dns.message
import pytest
from dnslib import RR, TXT, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.simulator.dns.messages import (
    kind_name,
    owner_of,
    rcode_name,
    read_message,
    records,
    write_message,
    write_query,
)
from pkilab.simulator.dns.names import name_text, parse_name
from pkilab.simulator.dns.records import RecordSet, read_value


def test_dnspython_reads_a_query_as_it_was_meant():
    """Name, type, recursion and EDNS."""
    query = dns.message.from_wire(write_query("A.lab.example", "CAA", recursion=False, size=4096))
    assert query.question[0].to_text() == "a.lab.example. IN CAA"
    assert (query.flags, query.payload) == (0, 4096)
    assert dns.message.from_wire(write_query(".", "NS")).question[0].to_text() == ". IN NS"


def test_a_name_that_cannot_be_sent_is_refused():
    """With the name."""
    with pytest.raises(MalformedError, match=r"a\.\.b"):
        write_query("a..b", "A")


def test_names_beyond_the_reach_of_a_pointer_are_written_in_full():
    """dnspython reads 64 kB of records back."""
    message = DNSRecord.question("lab.example", "TXT").reply()
    for number in range(250):
        message.add_answer(RR(f"n{number}.far.lab.example", 16, rdata=TXT(b"x" * 200), ttl=1))
    found = dns.message.from_wire(write_message(message))
    assert len(found.answer) == 250
    assert found.answer[-1].name.to_text() == "n249.far.lab.example."


def test_records_of_sets_say_where_they_are():
    """The name that was asked for keeps its letters."""
    query = read_message(write_query("lab.example", "A"))
    held = RecordSet(parse_name("lab.example"), "A", 60, (read_value("A", "192.0.2.1"),))
    (record,) = records([held], query.q.qname)
    assert (owner_of(record), kind_name(record)) == (parse_name("lab.example"), "A")
    assert rcode_name(query) == "NOERROR"


@given(st.binary(max_size=200))
def test_only_declared_errors_leave_the_reader(data):
    """Whatever the bytes."""
    try:
        read_message(data)
    except MalformedError as error:
        assert "DNS message" in str(error)


def test_a_chase_after_thousands_of_pointers_ends():
    """Each leads to the one before."""
    head = struct.pack("!HHHHHH", 1, 0x100, 1, 0, 0, 2) + b"\0\0\1\0\1"
    first = len(head) + 11  # where the data of the first record begins
    pointers = [0xC000 | 12, *(0xC000 | first + 2 * n for n in range(1900))]
    data = struct.pack(f"!{len(pointers)}H", *pointers)
    record = b"\0" + struct.pack("!HHIH", 16 + 65280, 1, 0, len(data)) + data
    with pytest.raises(MalformedError, match="recursion"):
        read_message(head + record + struct.pack("!HHHIH", pointers[-1] + 2, 1, 1, 0, 0))


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5).map(tuple))
def test_any_name_is_asked_for_as_it_is(name):
    """dnspython sees the same labels."""
    query = dns.message.from_wire(write_query(name_text(name), "A"))
    assert query.question[0].name.labels[:-1] == parse_name(name_text(name))
