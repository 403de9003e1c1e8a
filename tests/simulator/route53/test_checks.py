"""Change batches."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.simulator.dns.names import parse_name
from pkilab.simulator.dns.records import KINDS, RecordSet, read_value
from pkilab.simulator.route53.checks import changed_records, zone_name
from pkilab.simulator.route53.state import Entry, HostedZone
from pkilab.simulator.service import AwsError

A = "192.0.2.1"
AWS = "d-1.execute-api.us-east-1.amazonaws.com"


def alias(action, name, kind, zone, target):
    where = {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": False}
    return {
        "Action": action,
        "ResourceRecordSet": {"Name": name, "Type": kind, "AliasTarget": where},
    }


def test_a_batch_is_made_whole_or_not_at_all(zones):
    """The second change cannot be made, so the first is not."""
    zone = zones.make()
    message = zones.bad(
        zone,
        ("CREATE", "a.lab.example", "A", A),
        ("DELETE", "b.lab.example", "A", A),
        ("CREATE", "c.else.example", "A", A),
    )
    assert message == (
        "Tried to delete resource record set [name='b.lab.example.', type='A'] but it was not "
        "found, RRSet with DNS name c.else.example. is not permitted in zone lab.example."
    )


def test_create_refuses_what_exists_and_upsert_replaces_it(zones):
    """The whole set."""
    zone = zones.make()
    zones.change(zone, ("CREATE", "A.lab.example", "A", A))
    assert zones.bad(zone, ("CREATE", "a.lab.example.", "A", A)) == (
        "Tried to create resource record set [name='a.lab.example.', type='A'] but it already "
        "exists"
    )
    zones.change(zone, ("UPSERT", "a.lab.example", "A", "192.0.2.2", "192.0.2.3"))
    (held,) = zones.sets(zone)
    assert held["ResourceRecords"] == [{"Value": "192.0.2.2"}, {"Value": "192.0.2.3"}]


def test_delete_takes_what_matches_exactly(zones):
    """Name, type, TTL and values, whatever the order of these and the writing of names."""
    zone = zones.make()
    zones.change(zone, ("CREATE", "a.lab.example", "MX", "10 m.lab.example", "20 n.lab.example."))
    for values, ttl in ((["10 m.lab.example"], 60), (["10 m.lab.example", "21 n.lab.example"], 60),
                        (["10 m.lab.example", "20 n.lab.example"], 61)):  # fmt: skip
        message = zones.bad(zone, ("DELETE", "a.lab.example", "MX", *values) ) if ttl == 60 else (
            zones.refused("InvalidChangeBatch", zones.batch, zone,
                          [change("DELETE", "a.lab.example", "MX", *values, ttl=ttl)])
        )  # fmt: skip
        assert "the values provided do not match the current values" in message
    zones.change(zone, ("DELETE", "a.LAB.example", "MX", "20 N.lab.example", "10 m.lab.example."))
    assert zones.sets(zone) == []


def change(action, name, kind, *values, ttl):
    records = [{"Value": value} for value in values]
    held = {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": records}
    return {"Action": action, "ResourceRecordSet": held}


def test_a_set_is_changed_once_or_deleted_and_created(zones):
    """In one batch."""
    zone = zones.make()
    zones.change(zone, ("CREATE", "a.lab.example", "A", A))
    zones.change(
        zone, ("DELETE", "a.lab.example", "A", A), ("CREATE", "a.lab.example", "A", "192.0.2.2")
    )
    twice = "The request contains an invalid set of changes for a resource record set 'A "
    for actions in (("UPSERT", "UPSERT"), ("CREATE", "CREATE"), ("UPSERT", "DELETE")):
        changes = [(action, "b.lab.example", "A", A) for action in actions]
        assert zones.bad(zone, *changes) == f"{twice}b.lab.example.'"


def test_an_alias_name_stands_alone(zones):
    """A CNAME beside nothing, nothing beside a CNAME; in the order of the batch."""
    zone = zones.make()
    zones.change(zone, ("CREATE", "a.lab.example", "A", A))
    zones.change(zone, ("CREATE", "c.lab.example", "CNAME", "x.example"))
    assert zones.bad(zone, ("CREATE", "a.lab.example", "CNAME", "x.example")) == (
        "RRSet of type CNAME with DNS name a.lab.example. is not permitted as it conflicts with "
        "other records with the same DNS name in zone lab.example."
    )
    assert zones.bad(zone, ("CREATE", "c.lab.example", "CAA", '0 issue "amazon.com"')) == (
        "RRSet of type CAA with DNS name c.lab.example. is not permitted because a conflicting "
        "RRSet of type CNAME with the same DNS name already exists in zone lab.example."
    )
    moved = (("DELETE", "a.lab.example", "A", A), ("CREATE", "a.lab.example", "CNAME", "x.example"))
    zones.bad(zone, *reversed(moved))
    zones.change(zone, *moved)


def test_no_alias_name_stands_at_the_apex_or_has_two_targets(zones):
    """One value."""
    zone = zones.make()
    assert zones.bad(zone, ("UPSERT", "lab.example", "CNAME", "x.example")) == (
        "RRSet of type CNAME with DNS name lab.example. is not permitted at apex in zone "
        "lab.example."
    )
    two = ("UPSERT", "a.lab.example", "CNAME", "x.example", "y.example")
    assert "more than one record" in zones.bad(zone, two)


def test_a_zone_keeps_its_own_records(zones):
    """One SOA, at the apex, and name servers; both may be changed."""
    zone = zones.make()
    ns, soa = (
        each
        for each in zones.client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    )
    for held, message in (
        (soa, "A HostedZone must contain exactly one SOA record."),
        (ns, "A HostedZone must contain at least one NS record for the zone itself."),
    ):
        deletion = {"Action": "DELETE", "ResourceRecordSet": held}
        assert zones.refused("InvalidChangeBatch", zones.batch, zone, [deletion]) == f"[{message}]"
        held["TTL"] = 60
        zones.batch(zone, [{"Action": "UPSERT", "ResourceRecordSet": held}])
    value = soa["ResourceRecords"][0]["Value"]
    assert "exactly one SOA" in zones.bad(zone, ("CREATE", "a.lab.example", "SOA", value))


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("A", ["ns-738.awsdns-28.net"],
         "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid "
         "IPv4 address) encountered with 'ns-738.awsdns-28.net''"),
        ("TXT", ["bare"],
         "Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be "
         "enclosed in quotation marks) encountered with 'bare''"),
        ("MX", ["x", "y"],
         "Invalid Resource Record: 'FATAL problem: MXRRDATANotTwoFields (MX record doesn't have 2 "
         "fields) encountered with 'x'', 'FATAL problem: MXRRDATANotTwoFields (MX record doesn't "
         "have 2 fields) encountered with 'y''"),
        ("A", [A, "192.0.2.2", A], f"Duplicate Resource Record: '{A}'"),
        ("A", [f"10.0.{n // 256}.{n % 256}" for n in range(401)],
         "Cannot have more than 400 records in a RRSet."),
    ],
)  # fmt: skip
def test_values_are_checked_by_type(zones, kind, values, message):
    """In Route 53's words."""
    zone = zones.make()
    assert zones.bad(zone, ("CREATE", "a.lab.example", kind, *values)) == message


def test_a_name_that_is_none_is_told(zones):
    """With Route 53's code for it."""
    zone = zones.make()
    assert zones.bad(zone, ("CREATE", "a..lab.example", "A", A)) == (
        "FATAL problem: DomainLabelEmpty (Domain label is empty) encountered with 'a..lab.example'"
    )
    wildcard = ("CREATE", "*.lab.example", "NS", "ns-1.awsdns-00.com")
    assert "not permitted with a wildcard" in zones.bad(zone, wildcard)


def test_ttl_and_records_go_together_and_not_with_an_alias(zones):
    """Invalid request, says the field."""
    zone = zones.make()
    full = {"Name": "a.lab.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": A}]}
    for left_out in ("TTL", "ResourceRecords"):
        held = {k: v for k, v in full.items() if k != left_out}
        call = [{"Action": "CREATE", "ResourceRecordSet": held}]
        assert zones.refused("InvalidInput", zones.batch, zone, call) == "Invalid request"
    both = alias("CREATE", "a.lab.example", "A", "Z1", "b.lab.example")
    both["ResourceRecordSet"]["TTL"] = 60
    assert zones.refused("InvalidInput", zones.batch, zone, [both]) == "Invalid request"


def test_a_batch_has_a_size(zones):
    """1,000 records and 32,000 characters; UPSERT counts twice."""
    zone = zones.make()
    many = [("CREATE", f"a{n}.lab.example", "A", *(f"10.0.{n}.{m}" for m in range(200)))
            for n in range(5)]  # fmt: skip
    zones.change(zone, *many)
    more = [("UPSERT", *rest) for _, *rest in many]
    message = zones.refused("InvalidChangeBatch", zones.change, zone, *more)
    assert message == "Number of records limit of 1000 exceeded."
    long = [("CREATE", f"t{n}.lab.example", "TXT", " ".join([f'"{"x" * 250}"'] * 15))
            for n in range(9)]  # fmt: skip
    message = zones.refused("InvalidChangeBatch", zones.change, zone, *long)
    assert message == "Number of characters limit of 32000 exceeded."


@pytest.mark.parametrize(
    "members",
    [
        {"Weight": 1, "SetIdentifier": "a"},
        {"Failover": "PRIMARY", "SetIdentifier": "a"},
        {"MultiValueAnswer": True, "SetIdentifier": "a"},
        {"HealthCheckId": "abc"},
        {"Type": "SPF"},
        {"Type": "DS"},
    ],
)
def test_what_is_not_simulated_is_refused(zones, members):
    """Routing policies, health checks, more types."""
    zone = zones.make()
    held = {"Name": "a.lab.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": A}]}
    call = [{"Action": "CREATE", "ResourceRecordSet": {**held, **members}}]
    assert "is not simulated by pkilab" in zones.refused("NotImplemented", zones.batch, zone, call)


def test_an_alias_stands_for_a_set_of_its_zone(zones):
    """Which must be there, and of its type, however it is written."""
    zone = zones.make()
    number = zone.rpartition("/")[2]
    zones.change(zone, ("CREATE", "a.lab.example", "A", A))
    zones.batch(zone, [alias("CREATE", "lab.example", "A", number, "A.lab.example")])
    (_, held) = sorted(zones.sets(zone), key=lambda each: "AliasTarget" in each)
    assert held["AliasTarget"] == {
        "HostedZoneId": number, "DNSName": "a.lab.example.", "EvaluateTargetHealth": False,
    }  # fmt: skip
    assert "TTL" not in held
    with zones.lab._place.world.turn():
        found = zones.lab._place.gateway.resolver.look_up("lab.example", "A")
    assert found.values == (A,)
    what = f"Tried to create an alias that targets b.lab.example., type A in zone {number},"
    for target, kind, message in (
        ("b.lab.example", "A", f"{what} but that target was not found"),
        ("a.lab.example", "TXT", what.replace("b.", "a.", 1).replace("type A", "type TXT")
         + " but that target was not found"),
        ("a.else.example", "A", what.replace("b.lab", "a.else")
         + " but the alias target name does not lie within the target zone"),
    ):  # fmt: skip
        asked = [alias("CREATE", "x.lab.example", kind, number, target)]
        assert zones.refused("InvalidChangeBatch", zones.batch, zone, asked) == f"[{message}]"
    itself = [alias("CREATE", "x.lab.example", "A", number, "x.lab.example")]
    assert "not found" in zones.refused("InvalidChangeBatch", zones.batch, zone, itself)
    other = [alias("CREATE", "x.lab.example", "A", "Z35SXDOTRQ7X7K", "lb.elb.amazonaws.com")]
    zones.refused("NotImplemented", zones.batch, zone, other)
    zones.batch(zone, [alias("DELETE", "lab.example", "A", number, "a.lab.example")])


def held_zone():
    """Return a zone of one record set, without a world."""
    name = parse_name("lab.example")
    zone = HostedZone("Z1", "111122223333", name, "x", (1, 513, 1025, 1537), private=False)
    for kind, values in (
        ("SOA", ["a. b. 1 2 3 4 5"]), ("NS", ["ns-1.awsdns-00.com."]), ("A", [A]),
    ):  # fmt: skip
        data = tuple(read_value(kind, value) for value in values)
        zone.records[name, kind] = Entry(RecordSet(name, kind, 60, data), tuple(values))
    return zone


def test_an_alias_to_api_gateway_needs_its_hosted_zone():
    """And the type A."""
    zone = held_zone()

    def make(number, kind="A"):
        change = alias("CREATE", "a.lab.example", kind, number, AWS)
        known = {parse_name(AWS): "Z1UJRXOUMOOFQ8"}
        return changed_records(zone, [change], known.get)

    made = make("Z1UJRXOUMOOFQ8")[parse_name("a.lab.example"), "A"]
    assert made.held.alias == parse_name(AWS)
    with pytest.raises(AwsError, match="does not lie within the target zone"):
        make("Z2FDTNDATAQYW2")
    with pytest.raises(AwsError, match="not simulated"):
        make("Z1UJRXOUMOOFQ8", "AAAA")


names = st.one_of(
    st.sampled_from(["lab.example", "a.lab.example", "*.lab.example", "else.example"]),
    st.text(max_size=20),
)
plain = st.fixed_dictionaries(
    {
        "Name": names,
        "Type": st.sampled_from(KINDS),
        "TTL": st.integers(0, 100),
        "ResourceRecords": st.lists(
            st.builds(lambda v: {"Value": v}, st.text(max_size=30)), min_size=1, max_size=3
        ),
    }
)
aliases = st.builds(
    lambda name, kind, zone, target: alias("", name, kind, zone, target)["ResourceRecordSet"],
    names, st.sampled_from(KINDS), st.sampled_from(["Z1", "Z2"]), names,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "Action": st.sampled_from(["CREATE", "UPSERT", "DELETE"]),
                "ResourceRecordSet": st.one_of(plain, aliases),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_batch_is_made_or_refused_and_the_zone_stays_sound(changes):
    """Only AWS's errors leave, and afterwards every name with a CNAME has nothing else."""
    zone = held_zone()
    before = dict(zone.records)
    try:
        after = changed_records(zone, changes, lambda _: None)
    except AwsError as error:
        assert error.code in {"InvalidChangeBatch", "InvalidInput", "NotImplemented"}
        return
    finally:
        assert zone.records == before
    kinds = {}
    for name, kind in after:
        kinds.setdefault(name, set()).add(kind)
    assert {"SOA", "NS"} <= kinds[zone.name]
    assert all(found == {"CNAME"} for found in kinds.values() if "CNAME" in found)


@pytest.mark.parametrize("text", ["", ".", "com", "a..b", "a" * 64 + ".com"])
def test_what_is_no_name_for_a_public_zone_is_refused(text):
    """Nor is a top-level domain."""
    with pytest.raises(AwsError, match="is not a valid domain name"):
        zone_name(text, private=False)
    assert zone_name("Local", private=True) == (b"local",)
