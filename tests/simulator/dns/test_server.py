"""The sockets of the world's DNS."""

import contextlib
import socket
import struct
import threading
from datetime import timedelta

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from pkilab import Lab
from pkilab.errors import LabError
from pkilab.simulator.dns.server import DnsListener


def zone(lab, name="lab.example"):
    made = lab.client("route53").create_hosted_zone(Name=name, CallerReference=name)
    return made["HostedZone"]["Id"]


def put(lab, number, name, value):
    record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}]}
    lab.client("route53").change_resource_record_sets(
        HostedZoneId=number,
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
    )


@pytest.fixture
def served(lab):
    """A lab with a zone, and host and port of its DNS."""
    put(lab, zone(lab), "a.lab.example", "192.0.2.1")
    server = lab.serve()
    host, _, port = server.dns.rpartition(":")
    yield lab, host, int(port)
    server.close()


def values(host, port, name, *, tcp=False):
    send = dns.query.tcp if tcp else dns.query.udp
    found = send(dns.message.make_query(name, "A"), host, timeout=10, port=port)
    return dns.rcode.to_text(found.rcode()), [r.to_text() for s in found.answer for r in s]


def test_udp_and_tcp_have_one_port(served):
    """And say the same."""
    _, host, port = served
    for tcp in (False, True):
        assert values(host, port, "a.lab.example", tcp=tcp) == ("NOERROR", ["192.0.2.1"])
        assert values(host, port, "b.lab.example", tcp=tcp) == ("NXDOMAIN", [])


def test_queries_see_the_worlds_clock():
    """A change is answered once it is due, though nobody called the API in between."""
    with Lab.simulated(seed="slow", latency=timedelta(seconds=30)) as lab:
        number = zone(lab)
        lab.clock.advance(seconds=30)
        host, _, port = lab.serve().dns.rpartition(":")
        put(lab, number, "a.lab.example", "192.0.2.1")
        assert values(host, int(port), "a.lab.example") == ("NXDOMAIN", [])
        lab.clock.advance(seconds=30)
        assert values(host, int(port), "a.lab.example") == ("NOERROR", ["192.0.2.1"])


def test_one_connection_takes_many_queries(served):
    """Sent at once and in pieces: RFC 7766, section 6.2.1."""
    _, host, port = served
    queries = [dns.message.make_query("a.lab.example", "A", id=n).to_wire() for n in range(1, 21)]
    sent = b"".join(struct.pack("!H", len(query)) + query for query in queries)
    with socket.create_connection((host, port), timeout=10) as connection:
        for start in range(0, len(sent), 7):
            connection.sendall(sent[start : start + 7])
        numbers, stream = set(), connection.makefile("rb")
        for _ in queries:
            (length,) = struct.unpack("!H", stream.read(2))
            numbers.add(dns.message.from_wire(stream.read(length)).id)
    assert numbers == set(range(1, 21))


def test_junk_harms_nobody(served):
    """Neither datagrams nor connections: what is no query has no answer, what is malformed has."""
    _, host, port = served
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(10)
        datagrams.sendto(b"", (host, port))
        datagrams.sendto(b"junk", (host, port))
        datagrams.sendto(struct.pack("!HHHHHH", 9, 0, 1, 0, 0, 0), (host, port))
        assert datagrams.recv(512)[:4] == struct.pack("!HH", 9, 0x8081)
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(struct.pack("!H", 60000) + b"x" * 100)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    assert values(host, port, "a.lab.example") == ("NOERROR", ["192.0.2.1"])


def test_many_may_ask_while_the_zone_changes(served):
    """Each sees the record before or after, and nobody waits for ever."""
    lab, host, port = served
    number = lab.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    seen, failures = set(), []

    def look():
        try:
            for _ in range(20):
                seen.add(values(host, port, "a.lab.example", tcp=True)[1][0])
        except Exception as error:  # noqa: BLE001 - the main thread tells it
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for last in range(2, 12):
        put(lab, number, "a.lab.example", f"192.0.2.{last}")
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not failures
    assert seen <= {f"192.0.2.{last}" for last in range(1, 12)}


def test_a_closed_server_answers_nobody_and_frees_its_port(lab):
    """Another may have it at once."""
    server = lab.serve()
    host, _, port = server.dns.rpartition(":")
    server.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), timeout=5)
    place = lab._place
    again = DnsListener(place.world, place.gateway.internet, host, int(port))
    assert again.port == int(port)
    again.close()


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open(lab):
    """For UDP alone, too; the HTTP port that was had already is given back."""
    with socket.socket(type=socket.SOCK_DGRAM) as taken, socket.socket() as free:
        taken.bind(("127.0.0.1", 0))
        free.bind(("127.0.0.1", 0))
        http = free.getsockname()[1]
        free.close()
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match="cannot listen"):
            lab._place.serve("127.0.0.1", http, dns_port=port)
        with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", http)):
            pass


def test_a_closed_world_answers_no_query(lab):
    """The query is dropped."""
    place = lab._place
    listener = DnsListener(place.world, place.gateway.internet, "127.0.0.1", 0)
    lab.close()
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(0.3)
        query = dns.message.make_query("a.lab.example", "A").to_wire()
        datagrams.sendto(query, ("127.0.0.1", listener.port))
        with pytest.raises(TimeoutError):
            datagrams.recv(512)
    listener.close()


def test_a_mistake_of_the_servers_own_is_told_and_logged(lab, caplog):
    """SERVFAIL, with the query's number."""

    class Broken:
        def resolve(self, name, kind):
            raise ZeroDivisionError

    listener = DnsListener(lab._place.world, Broken(), "127.0.0.1", 0)
    query = dns.message.make_query("a.lab.example", "A")
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(10)
        datagrams.sendto(query.to_wire(), ("127.0.0.1", listener.port))
        found = datagrams.recv(512)
    listener.close()
    assert struct.unpack("!HH", found[:4]) == (query.id, 0x8082)
    assert "ZeroDivisionError" in caplog.text
