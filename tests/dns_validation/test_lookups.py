"""Asking DNS over the wire: what is sent, what is read, and who agrees."""

import contextlib
import socket
import struct
import threading

import dns.message
import dns.query
import dns.rcode
import pytest
from dnslib import CNAME, QTYPE, RR, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from pkilab.dns_validation import resolver
from pkilab.dns_validation.lookups import Answer, read_answer, write_query
from pkilab.errors import LabError, MalformedError

SITE = "lab.example"


@pytest.fixture
def zone(site):
    """Give a zone with an alias of an alias of an address, and a CAA record."""
    made = site.zone(SITE)
    site.put("a.lab.example", "CNAME", "b.lab.example", zone=made)
    site.put("b.lab.example", "CNAME", "C.lab.example", zone=made)
    site.put("c.lab.example", "A", "192.0.2.1", zone=made)
    site.put(SITE, "CAA", '0 issue "amazon.com; accounturi=x"', zone=made)
    return made


def ask_dnspython(server, name, kind):
    """Ask as this package does, by another library."""
    host, port = server.rsplit(":", 1)
    query = dns.message.make_query(name, kind)
    response = dns.query.udp(query, host, port=int(port), timeout=10)
    rrsets = {(each.name.to_text().lower(), each.rdtype.name): each for each in response.answer}
    return dns.rcode.to_text(response.rcode()), rrsets


@pytest.mark.parametrize(
    ("name", "kind", "values", "chain"),
    [
        ("a.lab.example", "CNAME", ("b.lab.example.",), ()),
        ("A.Lab.Example.", "A", ("192.0.2.1",), ("b.lab.example.", "c.lab.example.")),
        ("lab.example", "CAA", ('0 issue "amazon.com; accounturi=x"',), ()),
        ("c.lab.example", "CAA", (), ()),
    ],
)
def test_an_answer_is_what_dnspython_reads(lab, zone, name, kind, values, chain):
    """Aliases are followed unless one is asked for; names are in lower case with a final dot."""
    server = lab.serve().dns
    answer = resolver(server)(name, kind)
    asked = name.lower().rstrip(".") + "."
    assert answer == Answer(asked, kind, "NOERROR", values, chain)
    rcode, rrsets = ask_dnspython(server, name, kind)
    owner = chain[-1] if chain else asked
    held = [data.to_text().lower() for data in rrsets.get((owner, kind), ())]
    assert (rcode, held) == ("NOERROR", list(values))


def test_a_name_that_does_not_exist_is_told_from_one_without_such_a_record(lab, zone):
    """NXDOMAIN, for both libraries; and NOERROR without values."""
    server = lab.serve().dns
    missing = resolver(server)("d.lab.example", "A")
    assert (missing.rcode, missing.found) == ("NXDOMAIN", False)
    assert ask_dnspython(server, "d.lab.example", "A")[0] == "NXDOMAIN"
    assert resolver(server)("c.lab.example", "TXT").rcode == "NOERROR"


def test_the_servers_name_may_come_from_a_configuration(tmp_path):
    """The first nameserver; without one, or without a file, there is nobody to ask."""
    configuration = tmp_path / "resolv.conf"
    with pytest.raises(LabError, match="no DNS server is configured here"):
        resolver(configuration=configuration)
    configuration.write_text("# nothing\nsearch lab.example\n")
    with pytest.raises(LabError, match=r"resolv\.conf names no DNS server"):
        resolver(configuration=configuration)
    configuration.write_text("nameserver 127.0.0.1\nnameserver 192.0.2.1\n")
    assert callable(resolver(configuration=configuration))


@pytest.mark.parametrize("server", ["127.0.0.1:0", "127.0.0.1:x", ":53", "127.0.0.1:99999"])
def test_what_is_no_address_is_refused(server):
    """Before anything is asked."""
    with pytest.raises(MalformedError, match="expected host:port"):
        resolver(server)


def test_a_server_that_is_silent_or_absent_is_named_as_such():
    """Nobody listens; and somebody who never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        ask = resolver(f"127.0.0.1:{silent.getsockname()[1]}", seconds=0.05)
        with pytest.raises(LabError, match=r"lab\.example A: no answer from the DNS server"):
            ask(SITE, "A")
    with pytest.raises(LabError, match="no answer"):
        ask(SITE, "A")


@contextlib.contextmanager
def server_that(answers):
    """Answer each UDP query with the messages that ``answers(query)`` makes; TCP likewise."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(tcp.getsockname())

        def serve_udp():
            query, where = udp.recvfrom(4096)
            for message in answers(DNSRecord.parse(query), "UDP"):
                udp.sendto(message, where)

        def serve_tcp():
            connection, _ = tcp.accept()
            with connection:
                (size,) = struct.unpack("!H", connection.recv(2))
                for message in answers(DNSRecord.parse(connection.recv(size)), "TCP"):
                    connection.sendall(message)

        threads = [threading.Thread(target=run, daemon=True) for run in (serve_udp, serve_tcp)]
        for thread in threads:
            thread.start()
        yield "{}:{}".format(*udp.getsockname())


def test_an_answer_that_was_cut_is_fetched_over_tcp():
    """UDP says that there is more (TC), and TCP has it."""

    def answers(query, transport):
        reply = query.reply()
        if transport == "UDP":
            reply.header.tc = 1
            return [reply.pack()]
        reply.add_answer(RR(SITE, QTYPE.CNAME, rdata=CNAME("x.example")))
        data = reply.pack()
        return [struct.pack("!H", len(data)), data[:5], data[5:]]

    with server_that(answers) as server:
        assert resolver(server)(SITE, "CNAME").values == ("x.example.",)


def test_a_connection_that_ends_early_is_no_answer():
    """Half of it is none."""

    def answers(query, transport):
        reply = query.reply()
        reply.header.tc = 1
        return [reply.pack()] if transport == "UDP" else [b"\x00\x30half"]

    with server_that(answers) as server, pytest.raises(LabError, match="in the middle of"):
        resolver(server)(SITE, "CNAME")


def test_late_answers_to_something_else_are_passed_over():
    """The one with the query's own number counts."""

    def answers(query, _):
        reply = query.reply()
        late = query.reply()
        late.header.id = query.header.id ^ 1
        return [late.pack(), b"", reply.pack()]

    with server_that(answers) as server:
        assert resolver(server)(SITE, "CNAME").rcode == "NOERROR"


def test_a_lost_datagram_is_asked_for_again():
    """Once."""
    seen = []

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))

        def serve():
            for _ in range(2):
                query, where = udp.recvfrom(4096)
                seen.append(query)
            udp.sendto(DNSRecord.parse(query).reply().pack(), where)

        threading.Thread(target=serve, daemon=True).start()
        ask = resolver("{}:{}".format(*udp.getsockname()), seconds=1.0)
        assert ask(SITE, "CNAME").rcode == "NOERROR"
    assert len(seen) == 2
    assert seen[0] == seen[1]


@pytest.mark.parametrize("server", ["localhost", "localhost:53", "::1", "[::1]:53"])
def test_a_server_may_be_written_with_or_without_a_port(server):
    """IPv6 in brackets where one follows."""
    assert callable(resolver(server))


def test_an_answer_to_another_question_is_refused():
    """Its number is right and its question is not."""
    query = DNSRecord.parse(write_query("other.example", "A", 7))
    with pytest.raises(MalformedError, match="another query's answer"):
        read_answer(query.reply().pack(), SITE, "A", 7)
    assert read_answer(query.reply().pack(), "other.example", "A", 7).rcode == "NOERROR"
    with pytest.raises(MalformedError, match="another query's answer"):
        read_answer(bytes(query.pack()), "other.example", "A", 7)


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "x." * 200])
def test_a_name_that_dns_cannot_carry_is_refused(name):
    """Labels of 63 octets, 255 in all."""
    with pytest.raises(MalformedError, match="DNS question"):
        write_query(name, "A", 1)
    assert write_query("a" * 63 + ".example", "A", 1)


def test_a_type_nobody_knows_is_refused():
    """By its name."""
    with pytest.raises(MalformedError, match="DNS question"):
        write_query(SITE, "CNAMES", 1)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_undeclared(data):
    """Whatever comes from the network."""
    with contextlib.suppress(MalformedError):
        read_answer(data, SITE, "CNAME", 0)


@given(st.data())
def test_spoilt_answers_raise_nothing_undeclared(data):
    """A good answer with some bytes changed gets further into the parser."""
    reply = DNSRecord.parse(write_query(SITE, "A", 0)).reply()
    reply.add_answer(RR(SITE, QTYPE.CNAME, rdata=CNAME("x.lab.example")))
    message = bytearray(reply.pack())
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(2, len(message) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedError):
        read_answer(bytes(message), SITE, "A", 0)
