"""Outside witnesses: dnspython and dig ask the served world, BIND answers the same zones."""

import random
import shutil
import socket
import subprocess
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from pkilab import Lab
from pkilab.simulator.dns.names import name_text, parse_name
from pkilab.simulator.dns.records import RecordSet, read_value, value_text
from pkilab.simulator.dns.zone import Zone

SOA = "ns-1.awsdns-00.com. a.b. 1 7200 900 1209600 86400"
ZONES, QUESTIONS = 60, 40


def random_records(chance, apex):
    """Records of one zone, such as no server refuses to load."""
    below = ("a", "b", "*", "a.b", "*.b", "b.a.b", "a.*", "x.*.a", "_s.a", "c.c.a")
    names = [f"{labels}.{apex}" for labels in below]
    records = {(apex, "SOA"): [SOA], (apex, "NS"): ["ns-1.awsdns-00.com."]}
    for _ in range(chance.randrange(10)):
        name = chance.choice(names)
        kind = chance.choice(["A", "A", "TXT", "MX", "CNAME", "CNAME", "NS"])
        others = {k for n, k in records if n == name}
        if (kind == "CNAME" and others) or "CNAME" in others or (kind == "NS" and name[0] == "*"):
            continue
        target = chance.choice([*names, f"q.{apex}", "far.other.example"]) + "."
        value = {
            "A": "192.0.2.1", "TXT": '"x" "y"', "MX": f"10 {target}", "CNAME": target, "NS": target,
        }[kind]  # fmt: skip
        records[name, kind] = [value]
    return records


def as_zone(apex, records):
    return Zone(
        parse_name(apex),
        [
            RecordSet(parse_name(name), kind, 60, tuple(read_value(kind, v) for v in values))
            for (name, kind), values in records.items()
        ],
    )


@pytest.fixture
def bind(tmp_path):
    """A function that serves zones with BIND and returns its port."""
    if not (named := shutil.which("named") or shutil.which("named", path="/usr/sbin")):
        pytest.skip("BIND (named) is not installed")
    started = []

    def serve(zones):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        lines = [
            f'options {{ directory "{tmp_path}"; listen-on port {port} {{ 127.0.0.1; }};',
            "listen-on-v6 { none; }; recursion no; pid-file none; session-keyfile none;",
            "minimal-responses yes; dnssec-validation no; };",
            "controls { };",
        ]
        for apex, records in zones.items():
            text = "".join(
                f"{name}. 60 IN {kind} {value}\n"
                for (name, kind), values in records.items()
                for value in values
            )
            (tmp_path / f"{apex}.zone").write_text(text)
            lines.append(
                f'zone "{apex}" {{ type primary; file "{apex}.zone"; check-names ignore; '
                "check-integrity no; };"
            )
        configuration = tmp_path / "named.conf"
        configuration.write_text("\n".join(lines))
        log = (tmp_path / "log").open("w")
        started.append((
            subprocess.Popen([named, "-g", "-n", "1", "-c", str(configuration)], stderr=log), log,
        ))  # fmt: skip
        probe = dns.message.make_query(next(iter(zones)), "SOA")
        for _ in range(100):
            try:
                if dns.query.udp(probe, "127.0.0.1", timeout=1, port=port).answer:
                    return port
            except (OSError, dns.exception.Timeout):
                time.sleep(0.1)
        raise AssertionError((tmp_path / "log").read_text()[-2000:])

    yield serve
    for process, log in started:
        process.terminate()
        process.wait(10)
        log.close()


def shown(sets):
    return sorted(
        (name_text(s.name), s.kind, value_text(s.kind, data)) for s in sets for data in s.data
    )


def read(sections):
    return sorted(
        (
            name_text(parse_name(rrset.name.to_text())),
            dns.rdatatype.to_text(rrset.rdtype),
            value_text(
                dns.rdatatype.to_text(rrset.rdtype),
                read_value(dns.rdatatype.to_text(rrset.rdtype), rdata.to_text()),
            ),
        )
        for rrset in sections
        for rdata in rrset
    )


def test_bind_answers_the_same_zones_alike(bind):
    """Response code, answers and referrals of random zones with wildcards, aliases and cuts."""
    chance = random.Random(2026)  # noqa: S311 - repeatable zones
    zones = {}
    for number in range(ZONES):
        apex = f"z{number}.example"
        zones[apex] = random_records(chance, apex)
    port = bind(zones)
    kinds = set()
    for apex, records in zones.items():
        zone = as_zone(apex, records)
        for _ in range(QUESTIONS):
            labels = [chance.choice(["a", "b", "c", "q", "_s", "x", "*"]) for _ in range(3)]
            name = ".".join([*labels[: chance.randrange(4)], apex])
            kind = chance.choice(["A", "TXT", "MX", "CNAME", "NS", "SOA"])
            query = dns.message.make_query(name, kind, flags=0)
            outside = dns.query.udp(query, "127.0.0.1", timeout=5, port=port)
            found = zone.find(parse_name(name), kind)
            where = (name, kind, records)
            if outside.rcode() == dns.rcode.SERVFAIL:  # BIND's word for aliases that go round
                aliases = {s.name: parse_name(value_text("CNAME", s.data[0])) for s in found.answer}
                assert aliases, where
                assert set(aliases.values()) <= set(aliases), where
                continue
            assert dns.rcode.to_text(outside.rcode()) == found.rcode, where
            assert read(outside.answer) == shown(found.answer), where
            referred = not outside.answer and any(
                rrset.rdtype == dns.rdatatype.NS for rrset in outside.authority
            )
            assert referred == found.referral, where
            if found.referral or not found.answer:
                assert read(outside.authority) == shown(found.authority), where
            kinds.add((found.rcode, bool(found.answer), found.referral))
    # All that can happen did happen.
    assert len(kinds) == 5, kinds


@pytest.fixture(scope="module")
def served():
    """A served world with a zone of every type of record, a delegation and a long answer."""
    with Lab.simulated(seed="witness") as lab:
        route53 = lab.client("route53")

        def make(name):
            made = route53.create_hosted_zone(Name=name, CallerReference=name)
            return made["HostedZone"]["Id"], made["DelegationSet"]["NameServers"]

        def put(zone, *records):
            changes = [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": name, "Type": kind, "TTL": 300,
                        "ResourceRecords": [{"Value": value} for value in values],
                    },
                }
                for name, kind, *values in records
            ]  # fmt: skip
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})

        zone, _ = make("lab.example")
        child, servers = make("sub.lab.example")
        other, _ = make("other.example")
        put(
            zone,
            ("lab.example", "A", "192.0.2.1", "192.0.2.2"),
            ("lab.example", "AAAA", "2001:db8::1"),
            ("lab.example", "CAA", '0 issue "amazon.com"', '0 iodef "mailto:a@lab.example"'),
            ("lab.example", "MX", "10 mail.lab.example"),
            ("lab.example", "TXT", r'"a b" "c\"d"'),
            ("_sip._tcp.lab.example", "SRV", "1 2 5060 sip.lab.example"),
            ("1.2.0.192.lab.example", "PTR", "host.lab.example"),
            ("www.lab.example", "CNAME", "a.sub.lab.example"),
            ("far.lab.example", "CNAME", "there.other.example"),
            ("*.wild.lab.example", "A", "192.0.2.3"),
            ("long.lab.example", "TXT", *(f'"{number:03}{"x" * 200}"' for number in range(100))),
            ("sub.lab.example", "NS", *servers),
            ("lame.lab.example", "NS", "ns-1.awsdns-00.com", "ns-513.awsdns-00.net"),
        )
        put(child, ("a.sub.lab.example", "A", "192.0.2.4"))
        put(other, ("there.other.example", "A", "192.0.2.5"))
        server = lab.serve()
        host, _, port = server.dns.rpartition(":")
        yield lab, host, int(port)


QUERIES = [
    ("lab.example", kind) for kind in ("A", "AAAA", "CAA", "MX", "NS", "SOA", "TXT", "SRV")
] + [
    ("_sip._tcp.lab.example", "SRV"),
    ("1.2.0.192.lab.example", "PTR"),
    ("www.lab.example", "A"),
    ("far.lab.example", "A"),
    ("x.y.wild.lab.example", "A"),
    ("nowhere.lab.example", "A"),
    ("WWW.Lab.Example", "A"),
    ("lame.lab.example", "A"),
    ("other.test", "A"),
    ("ns-1.awsdns-00.com", "A"),
]


def ask(host, port, name, kind, *, tcp=False, recursion=True, **options):
    query = dns.message.make_query(name, kind, **options)
    if not recursion:
        query.flags &= ~dns.flags.RD
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, host, timeout=10, port=port)


@pytest.mark.parametrize(("name", "kind"), QUERIES)
def test_dnspython_reads_over_udp_and_tcp_what_the_resolver_says(served, name, kind):
    """The same values, code and chain of aliases."""
    lab, host, port = served
    expected = lab._place.gateway.resolver.look_up(name, kind)
    for tcp in (False, True):
        found = ask(host, port, name, kind, tcp=tcp)
        assert dns.rcode.to_text(found.rcode()) == expected.rcode
        at = [rrset for rrset in found.answer if rrset.rdtype == dns.rdatatype.from_text(kind)]
        values = [value for _, _, value in read(at)]
        assert values == sorted(expected.values)
        chain = [value for _, k, value in read(found.answer) if k == "CNAME"]
        assert chain == sorted(expected.chain)
        assert found.flags & dns.flags.RA
        assert not found.flags & dns.flags.AA


def test_a_long_answer_is_cut_over_udp_and_whole_over_tcp(served):
    """At 512 octets without EDNS, at 1,232 with it; dnspython falls back by itself."""
    _, host, port = served
    bare = ask(host, port, "long.lab.example", "TXT", use_edns=False)
    assert bare.flags & dns.flags.TC
    assert not bare.answer
    extended = ask(host, port, "long.lab.example", "TXT", use_edns=0, payload=4096)
    assert extended.flags & dns.flags.TC
    assert extended.payload == 1232
    query = dns.message.make_query("long.lab.example", "TXT")
    whole, over_tcp = dns.query.udp_with_fallback(query, host, timeout=10, port=port)
    assert over_tcp
    assert len(whole.answer[0]) == 100
    assert len(whole.to_wire()) > 0x4000  # further than a compression pointer reaches


def test_without_recursion_the_last_authority_answers(served):
    """Of its own zone with authority; what it delegates to nobody is referred."""
    _, host, port = served
    own = ask(host, port, "a.sub.lab.example", "A", recursion=False)
    assert own.flags & dns.flags.AA
    alias = ask(host, port, "far.lab.example", "A", recursion=False)
    assert [rrset.rdtype for rrset in alias.answer] == [dns.rdatatype.CNAME]
    lame = ask(host, port, "x.lame.lab.example", "A", recursion=False)
    assert not lame.answer
    assert not lame.flags & dns.flags.AA
    assert read(lame.authority)[0][2] == "ns-1.awsdns-00.com."
    assert ask(host, port, "x.lame.lab.example", "A").rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize(
    ("name", "kind", "options", "expected"),
    [
        ("lab.example", "A", [], ["192.0.2.1", "192.0.2.2"]),
        ("lab.example", "A", ["+tcp"], ["192.0.2.1", "192.0.2.2"]),
        ("lab.example", "TXT", ["+noedns"], ['"a b" "c\\"d"']),
        ("lab.example", "CAA", [], ['0 issue "amazon.com"', '0 iodef "mailto:a@lab.example"']),
        ("www.lab.example", "A", [], ["a.sub.lab.example.", "192.0.2.4"]),
        ("nowhere.lab.example", "A", [], []),
    ],
)
def test_dig_shows_what_is_there(served, name, kind, options, expected):
    """The tool that everyone has."""
    _, host, port = served
    if shutil.which("dig") is None:
        pytest.skip("dig is not installed")
    command = ["dig", f"@{host}", "-p", str(port), "+short", *options, name, kind]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert asked.stdout.splitlines() == expected


def test_dig_tells_a_denial_from_a_broken_delegation(served):
    """NXDOMAIN with a SOA record; SERVFAIL; TC and a second try over TCP."""
    _, host, port = served
    if shutil.which("dig") is None:
        pytest.skip("dig is not installed")

    def dig(*arguments):
        command = ["dig", f"@{host}", "-p", str(port), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=True
        ).stdout

    denied = dig("nowhere.lab.example", "A")
    assert "status: NXDOMAIN" in denied
    assert "awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400" in denied
    assert "status: SERVFAIL" in dig("x.lame.lab.example", "A")
    assert "status: NOTIMP" in dig("+opcode=NOTIFY", "lab.example", "SOA")
    assert "status: REFUSED" in dig("CH", "TXT", "version.bind")
    assert "status: BADVERS" in dig("+edns=1", "+noednsneg", "lab.example", "A")
    long = dig("long.lab.example", "TXT")
    assert "Truncated, retrying in TCP mode" in long
    assert "ANSWER: 100" in long
    assert "Transfer failed" in dig("AXFR", "lab.example")
