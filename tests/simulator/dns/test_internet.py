"""The internet of names, and the resolver that walks it."""

from datetime import timedelta

import pytest

from pkilab import Lab
from pkilab.errors import MalformedError
from pkilab.simulator.dns.names import parse_name


class Names:
    """Zones of two accounts, and who looks names up."""

    def __init__(self, lab):
        self.lab, gateway = lab, lab._place.gateway
        self.resolver, self.internet = gateway.resolver, gateway.internet
        self._made = 0

    def make(self, name, *, account=None, private=False):
        """Make a zone and return its id and name servers."""
        self._made += 1
        vpc = {"VPC": {"VPCId": "vpc-1", "VPCRegion": "us-east-1"}} if private else {}
        made = self.lab.client("route53", account=account).create_hosted_zone(
            Name=name, CallerReference=str(self._made), **vpc
        )
        servers = made.get("DelegationSet", {}).get("NameServers", [])
        return made["HostedZone"]["Id"], servers

    def put(self, zone, name, kind, *values, account=None, action="UPSERT"):
        """Write a record set."""
        self.lab.client("route53", account=account).change_resource_record_sets(
            HostedZoneId=zone,
            ChangeBatch={
                "Changes": [
                    {
                        "Action": action,
                        "ResourceRecordSet": {
                            "Name": name, "Type": kind, "TTL": 60,
                            "ResourceRecords": [{"Value": value} for value in values],
                        },
                    }
                ]
            },
        )  # fmt: skip

    def look(self, name, kind="A"):
        """Look a name up in a turn of the world; return the code and the values."""
        with self.lab._place.world.turn():
            found = self.resolver.look_up(name, kind)
        return found.rcode, found.values

    def caa(self, name):
        """Find the CAA set of a name."""
        with self.lab._place.world.turn():
            return self.resolver.caa(name)


@pytest.fixture
def names(lab):
    return Names(lab)


def test_the_first_zone_of_a_domain_is_live_and_a_second_is_not(names):
    """The wrong zone: it has the record, and nobody is sent there."""
    names.make("lab.example")
    wrong, _ = names.make("lab.example", account="consumer")
    names.put(wrong, "a.lab.example", "A", "192.0.2.1", account="consumer")
    assert names.look("a.lab.example") == ("NXDOMAIN", ())
    # Its own name servers would say.
    tested = names.lab.client("route53", account="consumer").test_dns_answer(
        HostedZoneId=wrong, RecordName="a.lab.example", RecordType="A"
    )
    assert tested["RecordData"] == ["192.0.2.1"]


def test_the_wrong_zone_becomes_the_right_one_at_the_registrar(names):
    """With its name servers."""
    names.make("lab.example")
    right, servers = names.make("lab.example")
    names.put(right, "a.lab.example", "A", "192.0.2.1")
    domains = names.lab.client("route53domains")
    domains.update_domain_nameservers(
        DomainName="lab.example", Nameservers=[{"Name": server} for server in servers]
    )
    assert names.look("a.lab.example") == ("NOERROR", ("192.0.2.1",))


def test_a_child_zone_is_reached_only_by_delegation(names):
    """Without it the parent denies; with it the child answers, whoever owns it."""
    parent, _ = names.make("lab.example")
    child, servers = names.make("sub.lab.example", account="consumer")
    names.put(child, "a.sub.lab.example", "A", "192.0.2.1", account="consumer")
    assert names.look("a.sub.lab.example") == ("NXDOMAIN", ())
    names.put(parent, "sub.lab.example", "NS", *servers)
    assert names.look("a.sub.lab.example") == ("NOERROR", ("192.0.2.1",))
    assert names.look("b.sub.lab.example") == ("NXDOMAIN", ())


def test_a_delegation_to_other_name_servers_is_lame(names):
    """SERVFAIL, for all there is below it; the parent's own answers are not touched."""
    parent, _ = names.make("lab.example")
    child, servers = names.make("sub.lab.example")
    names.put(child, "a.sub.lab.example", "A", "192.0.2.1")
    names.put(parent, "sub.lab.example", "NS", "ns-1.awsdns-00.com", "ns.elsewhere.example")
    assert names.look("a.sub.lab.example") == ("SERVFAIL", ())
    assert names.look("lab.example", "SOA")[0] == "NOERROR"
    # One server that has the zone is enough.
    names.put(parent, "sub.lab.example", "NS", "ns-1.awsdns-00.com", servers[2])
    assert names.look("a.sub.lab.example") == ("NOERROR", ("192.0.2.1",))


def test_a_zone_that_was_deleted_and_made_anew_has_other_name_servers(names):
    """The registry still has the old ones."""
    route53 = names.lab.client("route53")
    first, before = names.make("lab.example")
    route53.delete_hosted_zone(Id=first)
    assert names.look("lab.example", "SOA") == ("SERVFAIL", ())
    second, after = names.make("lab.example")
    assert not set(before) & set(after)
    names.put(second, "lab.example", "A", "192.0.2.1")
    assert names.look("lab.example") == ("SERVFAIL", ())
    names.lab.client("route53domains").update_domain_nameservers(
        DomainName="lab.example", Nameservers=[{"Name": server} for server in after]
    )
    assert names.look("lab.example") == ("NOERROR", ("192.0.2.1",))


def test_private_zones_cannot_be_seen(names):
    """Nor do they register anything."""
    hidden, _ = names.make("lab.example", private=True)
    names.put(hidden, "a.lab.example", "A", "10.0.0.1")
    assert names.look("a.lab.example") == ("NXDOMAIN", ())
    assert names.lab.client("route53domains").list_domains()["Domains"] == []


def test_a_domain_above_takes_over_what_was_registered_below(names):
    """As a registry would have had it from the start."""
    below, servers = names.make("a.lab.example")
    names.put(below, "a.lab.example", "A", "192.0.2.1")
    assert names.look("a.lab.example") == ("NOERROR", ("192.0.2.1",))
    above, _ = names.make("lab.example")
    assert names.look("a.lab.example") == ("NXDOMAIN", ())
    names.put(above, "a.lab.example", "NS", *servers)
    assert names.look("a.lab.example") == ("NOERROR", ("192.0.2.1",))


def test_name_servers_of_ones_own_name_are_found_by_their_addresses(names):
    """With glue from the parent, and without by another look-up."""
    parent, _ = names.make("lab.example")
    child, servers = names.make("sub.lab.example")
    other, _ = names.make("other.example")
    names.put(child, "a.sub.lab.example", "A", "192.0.2.1")
    with names.lab._place.world.turn():
        (address,) = names.resolver.look_up(servers[0], "A").values
    names.put(parent, "sub.lab.example", "NS", "ns1.sub.lab.example")
    assert names.look("a.sub.lab.example") == ("SERVFAIL", ())  # it cannot be found by itself
    names.put(parent, "ns1.sub.lab.example", "A", address)
    assert names.look("a.sub.lab.example") == ("NOERROR", ("192.0.2.1",))
    names.put(parent, "sub.lab.example", "NS", "dns.other.example")
    names.put(other, "dns.other.example", "A", address)
    assert names.look("a.sub.lab.example") == ("NOERROR", ("192.0.2.1",))


def test_aliases_are_followed_across_zones(names):
    """The chain is told, and where it ends."""
    first, _ = names.make("lab.example")
    second, _ = names.make("other.example", account="consumer")
    names.put(first, "a.lab.example", "CNAME", "b.lab.example")
    names.put(first, "b.lab.example", "CNAME", "c.other.example")
    names.put(second, "c.other.example", "CNAME", "gone.acm-validations.aws", account="consumer")
    with names.lab._place.world.turn():
        found = names.resolver.look_up("A.lab.example", "TXT")
    assert found.name == "a.lab.example."
    assert found.chain == ("b.lab.example.", "c.other.example.", "gone.acm-validations.aws.")
    assert (found.rcode, found.values) == ("NXDOMAIN", ())
    assert names.look("a.lab.example", "CNAME") == ("NOERROR", ("b.lab.example.",))


@pytest.mark.parametrize("links", [15, 40])
def test_a_chain_of_aliases_may_be_long_but_not_endless(names, links):
    """Sixteen are followed."""
    first, _ = names.make("lab.example")
    second, _ = names.make("other.example")
    for number in range(links):
        zone, at, to = (first, "lab", "other") if number % 2 == 0 else (second, "other", "lab")
        names.put(zone, f"n{number}.{at}.example", "CNAME", f"n{number + 1}.{to}.example")
    end, at = (second, "other") if links % 2 else (first, "lab")
    names.put(end, f"n{links}.{at}.example", "A", "192.0.2.1")
    expected = ("NOERROR", ("192.0.2.1",)) if links == 15 else ("SERVFAIL", ())
    assert names.look("n0.lab.example") == expected


def test_aliases_that_go_round_fail(names):
    """Within a zone and across two."""
    first, _ = names.make("lab.example")
    second, _ = names.make("other.example")
    names.put(first, "a.lab.example", "CNAME", "a.other.example")
    names.put(second, "a.other.example", "CNAME", "a.lab.example")
    names.put(first, "self.lab.example", "CNAME", "self.lab.example")
    assert names.look("a.lab.example") == ("SERVFAIL", ())
    assert names.look("self.lab.example") == ("SERVFAIL", ())


def test_an_alias_into_a_lame_zone_fails(names):
    """With the alias that was followed."""
    first, _ = names.make("lab.example")
    names.put(first, "sub.lab.example", "NS", "ns-1.awsdns-00.com")
    names.put(first, "a.lab.example", "CNAME", "a.sub.lab.example")
    with names.lab._place.world.turn():
        found = names.resolver.look_up("a.lab.example", "A")
    assert (found.rcode, found.chain) == ("SERVFAIL", ("a.sub.lab.example.",))


def test_nothing_is_there_before_a_zone_is(names):
    """The root denies it, and has a SOA record to do so."""
    assert names.look("lab.example") == ("NXDOMAIN", ())
    assert names.look(".", "SOA")[0] == "NOERROR"
    assert names.look("com", "A") == ("NXDOMAIN", ())
    names.make("lab.example")
    assert names.look("example") == ("NOERROR", ())  # there is something below


def test_a_change_is_seen_when_it_is_in_sync():
    """And not before: on a world that takes its time, at most a minute."""
    with Lab.simulated(seed="slow", latency=timedelta(minutes=5)) as lab:
        names = Names(lab)
        zone, _ = names.make("lab.example")
        assert names.look("lab.example", "SOA") == ("SERVFAIL", ())  # registered, not yet served
        lab.clock.advance(seconds=60)
        assert names.look("lab.example", "SOA")[0] == "NOERROR"
        names.put(zone, "a.lab.example", "A", "192.0.2.1")
        assert names.look("a.lab.example") == ("NXDOMAIN", ())
        lab.clock.advance(seconds=59)
        assert names.look("a.lab.example") == ("NXDOMAIN", ())
        lab.clock.advance(seconds=1)
        assert names.look("a.lab.example") == ("NOERROR", ("192.0.2.1",))
        names.put(zone, "a.lab.example", "A", "192.0.2.1", action="DELETE")
        assert names.look("a.lab.example") == ("NOERROR", ("192.0.2.1",))
        lab.client("route53").delete_hosted_zone(Id=zone)
        assert names.look("a.lab.example") == ("NOERROR", ("192.0.2.1",))
        lab.clock.advance(seconds=60)
        assert names.look("a.lab.example") == ("SERVFAIL", ())


def test_caa_is_found_by_climbing(names):
    """From the name up, through delegations; the closest set counts: RFC 8659, section 3."""
    parent, _ = names.make("lab.example")
    child, servers = names.make("sub.lab.example")
    names.put(parent, "sub.lab.example", "NS", *servers)
    names.put(parent, "lab.example", "CAA", '0 issue "far.example"')
    assert names.caa("*.a.sub.lab.example").owner == "lab.example."
    names.put(child, "sub.lab.example", "CAA", '0 issue "near.example"', '0 iodef "mailto:a@b"')
    found = names.caa("a.b.sub.lab.example")
    assert (found.name, found.owner) == ("a.b.sub.lab.example.", "sub.lab.example.")
    assert sorted(record.tag for record in found.records) == ["iodef", "issue"]
    assert names.caa("other.example") == names.caa("other.example")
    assert names.caa("other.example").records == ()


def test_caa_follows_aliases_but_does_not_climb_from_them(names):
    """The alias's own parents count next."""
    first, _ = names.make("lab.example")
    second, _ = names.make("other.example")
    names.put(first, "lab.example", "CAA", '0 issue "mine.example"')
    names.put(first, "a.lab.example", "CNAME", "b.other.example")
    names.put(second, "other.example", "CAA", '0 issue "theirs.example"')
    assert names.caa("a.lab.example").records[0].value == "mine.example"
    names.put(second, "b.other.example", "CAA", '0 issue "there.example"')
    assert names.caa("a.lab.example").records[0].value == "there.example"


def test_a_caa_look_up_that_fails_says_so(names):
    """It does not climb on."""
    parent, _ = names.make("lab.example")
    names.put(parent, "lab.example", "CAA", '0 issue "amazon.com"')
    names.put(parent, "sub.lab.example", "NS", "ns-1.awsdns-00.com")
    found = names.caa("a.sub.lab.example")
    assert (found.rcode, found.records) == ("SERVFAIL", ())


def test_what_is_no_name_cannot_be_looked_up(names):
    """A declared error."""
    with pytest.raises(MalformedError, match="domain name"):
        names.look("a..b")


def test_a_name_server_refuses_what_it_does_not_have(names):
    """And answers of its zones, whoever delegates to it."""
    _, servers = names.make("lab.example")
    with names.lab._place.world.turn():
        numbers = {int(server.split("-")[1].partition(".")[0]) for server in servers}
        for number in numbers:
            assert names.internet.ask(number, parse_name("lab.example"), "SOA").answer
        other = next(n for n in range(2048) if n not in numbers)
        refused = names.internet.ask(other, parse_name("lab.example"), "SOA")
    assert refused.rcode == "REFUSED"


def test_a_maze_of_name_servers_is_given_up(names):
    """Each delegation has servers that are themselves looked up below the others."""
    zone, _ = names.make("lab.example")
    for number in range(8):
        hosts = [f"ns{n}.d{n}.lab.example" for n in range(8) if n != number]
        names.put(zone, f"d{number}.lab.example", "NS", *hosts)
    assert names.look("a.d0.lab.example") == ("SERVFAIL", ())
    assert names.look("lab.example", "SOA")[0] == "NOERROR"


def test_a_long_chain_within_a_zone_counts_as_well(names):
    """Seventeen aliases are too many, wherever they are."""
    zone, _ = names.make("lab.example")
    for number in range(17):
        names.put(zone, f"n{number}.lab.example", "CNAME", f"n{number + 1}.lab.example")
    names.put(zone, "n17.lab.example", "A", "192.0.2.1")
    assert names.look("n1.lab.example") == ("NOERROR", ("192.0.2.1",))
    assert names.look("n0.lab.example") == ("SERVFAIL", ())
