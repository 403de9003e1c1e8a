"""What the world's public hosted zones say."""

import pytest

from pkilab import Lab
from pkilab.simulator.zones import Zones

NAME = "_a.b.lab.example"


@pytest.fixture
def write(lab):
    """A function that makes a zone with one CNAME."""

    def make(zone, value, *, private=False, account=None):
        route53 = lab.client("route53", account=account)
        options = {"VPC": {"VPCRegion": "us-east-1", "VPCId": "vpc-1"}} if private else {}
        made = route53.create_hosted_zone(
            Name=zone, CallerReference=f"{zone} {value}",
            HostedZoneConfig={"PrivateZone": private}, **options,
        )  # fmt: skip
        record = {
            "Name": NAME, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": value}],
        }  # fmt: skip
        route53.change_resource_record_sets(
            HostedZoneId=made["HostedZone"]["Id"],
            ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
        )

    return make


def test_the_closest_public_zone_answers(write):
    """Whoever owns it; a private one cannot be seen."""
    write("example", "far.")
    write("lab.example", "near.", account="consumer")
    write("b.lab.example", "hidden.", private=True)
    assert Zones().records(NAME, "CNAME") == ("near.",)
    assert Zones().records(f"{NAME.upper()}.", "CNAME") == ("near.",)


def test_other_names_and_kinds_are_not_there(write):
    """Nor is anything without a zone."""
    write("lab.example", "near.")
    assert Zones().records(NAME, "TXT") == ()
    assert Zones().records("c.lab.example", "CNAME") == ()
    assert Zones().records("notlab.example", "CNAME") == ()


def test_zone_ids_repeat(lab):
    """They come from the world's seed."""

    def number(lab):
        made = lab.client("route53").create_hosted_zone(Name="a.example", CallerReference="x")
        return made["HostedZone"]["Id"]

    first = number(lab)
    lab.close()
    with Lab.simulated(
        seed="tests", accounts={"owner": "111122223333", "consumer": "444455556666"}
    ) as again:
        assert number(again) == first


def test_of_zones_of_one_name_the_oldest_answers(write):
    """A later one was not delegated to."""
    write("lab.example", "first.")
    write("lab.example", "second.")
    assert Zones().records(NAME, "CNAME") == ("first.",)


def test_the_closest_zone_answers_though_it_knows_nothing(lab, write):
    """Whoever asked the one above was sent on."""
    write("lab.example", "near.")
    lab.client("route53").create_hosted_zone(Name="b.lab.example", CallerReference="x")
    assert Zones().records(NAME, "CNAME") == ()
    assert Zones().records("_a.c.lab.example", "CNAME") == ()


def test_a_record_that_is_deleted_is_gone(lab):
    """With one of several values, or of another kind, nothing else changes."""
    route53 = lab.client("route53")
    zone = route53.create_hosted_zone(Name="lab.example", CallerReference="x")["HostedZone"]["Id"]
    record = {
        "Name": "*.lab.example", "Type": "TXT", "TTL": 60,
        "ResourceRecords": [{"Value": '"a"'}, {"Value": '"b"'}],
    }  # fmt: skip

    def change(action):
        changes = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)

    change("CREATE")
    assert Zones().records("*.lab.example", "TXT") == ('"a"', '"b"')
    assert Zones().records("x.lab.example", "TXT") == ()  # names are compared, not matched
    change("DELETE")
    assert Zones().records("*.lab.example", "TXT") == ()


def test_nothing_is_there_without_a_lab():
    """Nor after one is closed."""
    with Lab.simulated(seed="zones") as lab:
        lab.client("route53").create_hosted_zone(Name="lab.example", CallerReference="x")
        assert Zones().records("lab.example", "NS")
    assert Zones().records("lab.example", "NS") == ()
