"""One zone's answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.dns.names import is_within, name_text, parse_name
from pkilab.simulator.dns.records import RecordSet, read_value, value_text
from pkilab.simulator.dns.zone import Zone

APEX = "lab.example"
OWN = [
    (APEX, "SOA", ["ns-1.awsdns-00.com. a.b. 1 7200 900 1209600 86400"]),
    (APEX, "NS", ["ns-1.awsdns-00.com."]),
]


def sets(records):
    return [
        RecordSet(parse_name(name), kind, 300, tuple(read_value(kind, v) for v in values))
        for name, kind, values in [*OWN, *records]
    ]


def zone(*records):
    return Zone(parse_name(APEX), sets(records))


def ask(zone, name, kind):
    found = zone.find(parse_name(name), kind)
    answer = [
        (name_text(s.name), s.kind, value_text(s.kind, data))
        for s in found.answer
        for data in s.data
    ]
    return found.rcode, answer, [(name_text(s.name), s.kind) for s in found.authority]


def test_what_is_there_is_answered_and_what_is_not_is_denied():
    """No such name, and no such type of a name that exists."""
    held = zone(("a.lab.example", "A", ["192.0.2.1", "192.0.2.2"]))
    values = [("a.lab.example.", "A", "192.0.2.1"), ("a.lab.example.", "A", "192.0.2.2")]
    assert ask(held, "a.lab.example", "A") == ("NOERROR", values, [])
    soa = [("lab.example.", "SOA")]
    assert ask(held, "a.lab.example", "TXT") == ("NOERROR", [], soa)
    assert ask(held, "b.lab.example", "A") == ("NXDOMAIN", [], soa)


def test_a_negative_answer_lives_as_long_as_the_soa_says():
    """The smaller of its TTL and its minimum: RFC 2308, section 3."""
    soa = RecordSet(
        parse_name(APEX), "SOA", 900, (read_value("SOA", "a. b. 1 7200 900 1209600 60"),)
    )
    assert (
        Zone(parse_name(APEX), [soa]).find(parse_name("x.lab.example"), "A").authority[0].ttl == 60
    )


def test_a_name_between_others_exists():
    """And has nothing: RFC 4592, section 2.2.2."""
    held = zone(("a.b.lab.example", "A", ["192.0.2.1"]))
    assert ask(held, "b.lab.example", "A") == ("NOERROR", [], [("lab.example.", "SOA")])


def test_any_asks_for_all_sets_of_a_name():
    """But not for those of others."""
    held = zone(("a.lab.example", "A", ["192.0.2.1"]), ("a.lab.example", "TXT", ['"x"']))
    assert [kind for _, kind, _ in ask(held, "a.lab.example", "ANY")[1]] == ["A", "TXT"]


def test_a_wildcard_stands_for_what_does_not_exist():
    """RFC 4592, section 2.2.1: the examples of the standard."""
    held = Zone(
        parse_name("example"),
        [
            RecordSet(parse_name(name), kind, 60, (read_value(kind, value),))
            for name, kind, value in [
                ("example", "SOA", "a. b. 1 2 3 4 5"),
                ("example", "NS", "ns.example.com."),
                ("*.example", "TXT", '"this is a wildcard"'),
                ("*.example", "MX", "10 host1.example."),
                ("sub.*.example", "TXT", '"this is not a wildcard"'),
                ("host1.example", "A", "192.0.2.1"),
                ("_ssh._tcp.host1.example", "SRV", "0 0 22 host1.example."),
                ("subdel.example", "NS", "ns.example.com."),
            ]
        ],
    )
    found = held.find(parse_name("host3.example"), "MX")
    assert [(name_text(s.name), s.kind) for s in found.answer] == [("host3.example.", "MX")]
    assert ask(held, "host3.example", "A")[:2] == ("NOERROR", [])
    assert ask(held, "foo.bar.example", "TXT")[1][0][0] == "foo.bar.example."
    assert ask(held, "host1.example", "MX")[:2] == ("NOERROR", [])  # it exists
    assert ask(held, "sub.*.example", "MX")[:2] == ("NOERROR", [])  # so does this
    assert ask(held, "_telnet._tcp.host1.example", "SRV")[0] == "NXDOMAIN"
    assert held.find(parse_name("host.subdel.example"), "A").referral
    assert ask(held, "ghost.*.example", "MX")[0] == "NXDOMAIN"


def test_an_alias_is_followed_within_the_zone():
    """To what is there, to what is not, and out of the zone no further."""
    held = zone(
        ("a.lab.example", "CNAME", ["b.lab.example"]),
        ("b.lab.example", "CNAME", ["c.lab.example"]),
        ("c.lab.example", "A", ["192.0.2.1"]),
        ("d.lab.example", "CNAME", ["nowhere.lab.example"]),
        ("e.lab.example", "CNAME", ["else.example"]),
        ("*.w.lab.example", "CNAME", ["c.lab.example"]),
    )
    rcode, answer, _ = ask(held, "a.lab.example", "A")
    assert (rcode, [kind for _, kind, _ in answer]) == ("NOERROR", ["CNAME", "CNAME", "A"])
    assert ask(held, "a.lab.example", "CNAME")[1] == [("a.lab.example.", "CNAME", "b.lab.example.")]
    rcode, answer, authority = ask(held, "d.lab.example", "A")  # RFC 6604
    assert (rcode, len(answer), authority) == ("NXDOMAIN", 1, [("lab.example.", "SOA")])
    assert ask(held, "e.lab.example", "A") == (
        "NOERROR", [("e.lab.example.", "CNAME", "else.example.")], [],
    )  # fmt: skip
    assert ask(held, "x.w.lab.example", "A")[1][0][0] == "x.w.lab.example."


def test_aliases_that_go_round_end():
    """With what was followed."""
    held = zone(
        ("a.lab.example", "CNAME", ["b.lab.example"]), ("b.lab.example", "CNAME", ["a.lab.example"])
    )
    assert len(ask(held, "a.lab.example", "A")[1]) == 2


def test_below_a_delegation_the_zone_only_refers():
    """Whatever it has there, with the addresses of the name servers that it knows."""
    held = zone(
        ("sub.lab.example", "NS", ["ns.sub.lab.example", "ns-2.awsdns-00.com"]),
        ("ns.sub.lab.example", "A", ["205.251.192.9"]),
        ("a.sub.lab.example", "A", ["192.0.2.9"]),
        ("alias.lab.example", "CNAME", ["a.sub.lab.example"]),
    )
    for name in ("sub.lab.example", "a.sub.lab.example", "x.y.sub.lab.example"):
        found = held.find(parse_name(name), "A")
        assert found.referral
        assert not found.answer
        assert found.authority[0].name == parse_name("sub.lab.example")
        assert [s.name for s in found.additional] == [parse_name("ns.sub.lab.example")]
    followed = held.find(parse_name("alias.lab.example"), "A")
    assert [s.kind for s in followed.answer] == ["CNAME"]
    assert not followed.referral


def test_mail_and_services_come_with_addresses():
    """As far as the zone has them."""
    held = zone(
        ("lab.example", "MX", ["10 mail.lab.example", "20 mail.else.example"]),
        ("mail.lab.example", "A", ["192.0.2.1"]),
        ("mail.lab.example", "AAAA", ["2001:db8::1"]),
    )
    found = held.find(parse_name(APEX), "MX")
    assert [s.kind for s in found.additional] == ["A", "AAAA"]


def test_an_alias_set_answers_what_it_stands_for():
    """In the zone or outside; one that leads nowhere is not there."""
    there = parse_name("d-1.execute-api.us-east-1.amazonaws.com")
    address = read_value("A", "127.0.0.1")
    names = {
        "a": parse_name("b.lab.example"),
        "b": parse_name("c.lab.example"),
        "gone": parse_name("x.lab.example"),
        "aws": there,
        "lost": parse_name("d-2.execute-api.us-east-1.amazonaws.com"),
        "round": parse_name("round.lab.example"),
    }
    aliases = [
        RecordSet(parse_name(f"{name}.lab.example"), "A", 0, (), alias)
        for name, alias in names.items()
    ]
    plain = sets([("c.lab.example", "A", ["192.0.2.1"])])
    held = Zone(parse_name(APEX), [*plain, *aliases], lambda n: (address,) if n == there else ())
    assert ask(held, "a.lab.example", "A")[1] == [("a.lab.example.", "A", "192.0.2.1")]
    assert ask(held, "aws.lab.example", "A")[1] == [("aws.lab.example.", "A", "127.0.0.1")]
    for name in ("gone", "lost", "round"):
        assert ask(held, f"{name}.lab.example", "A")[:2] == ("NOERROR", [])


# The same algorithm once more, transcribed step by step and as slow as it pleases.

words = st.sampled_from(["a", "b", "*", "_x"])
owners = st.lists(words, min_size=0, max_size=3).map(lambda found: ".".join([*found, APEX]))
entries = st.one_of(
    st.tuples(owners, st.just("A"), st.just(["192.0.2.1"])),
    st.tuples(owners, st.just("TXT"), st.just(['"x"'])),
    st.tuples(owners, st.just("NS"), st.just(["ns-9.awsdns-01.com"])),
    st.tuples(owners, st.just("CNAME"), owners.map(lambda name: [name])),
)


def reference(records, name, kind):
    """RFC 1034, section 4.3.2, with section 3.3 of RFC 4592, over a flat list of records."""
    if any(
        record[1] == "NS"
        and record[0] != APEX
        and is_within(parse_name(name), parse_name(record[0]))
        for record in records
    ):
        return "referral"
    here = [record for record in records if record[0] == name]
    if not here and not any(record[0].endswith(f".{name}") for record in records):
        encloser = name
        while not any(r[0] == encloser or r[0].endswith(f".{encloser}") for r in records):
            encloser = encloser.partition(".")[2]
        here = [record for record in records if record[0] == f"*.{encloser}"]
        if not here and not any(record[0].endswith(f".*.{encloser}") for record in records):
            return "NXDOMAIN"
    for record in here:
        if record[1] == kind:
            return record[1]
    return next((f"to {record[2][0]}" for record in here if record[1] == "CNAME"), "NODATA")


@given(st.lists(entries, max_size=8), owners, st.sampled_from(["A", "TXT", "MX"]))
def test_random_zones_answer_as_the_standard_says(records, name, kind):
    """One step of the algorithm, against its transcription."""
    alone = {record[0] for record in records if record[1] == "CNAME"}
    unique = {(r[0], r[1]): r for r in records if r[1] == "CNAME" or r[0] not in alone}
    unique = {k: r for k, r in unique.items() if r[0] != APEX or r[1] not in {"NS", "CNAME"}}
    kept = [*OWN, *unique.values()]
    found = zone(*unique.values()).find(parse_name(name), kind)
    expected = reference(kept, name, kind)
    if expected == "referral":
        assert found.referral
    elif expected == "NXDOMAIN":
        assert (found.rcode, found.answer) == ("NXDOMAIN", ())
    elif expected == "NODATA":
        assert (found.rcode, found.answer) == ("NOERROR", ())
    elif expected.startswith("to "):
        first = found.answer[0]
        assert first.kind == "CNAME"
        assert value_text("CNAME", first.data[0]) == name_text(parse_name(expected[3:]))
    else:
        assert (found.answer[0].kind, found.answer[0].name) == (kind, parse_name(name))


@pytest.mark.parametrize("kind", ["A", "CNAME", "NS", "ANY"])
def test_the_apex_is_never_referred(kind):
    """It is the zone's own."""
    assert not zone().find(parse_name(APEX), kind).referral
