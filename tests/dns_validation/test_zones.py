"""Writing records and delegations into Route 53."""

from datetime import timedelta

import pytest

from pkilab import Lab
from pkilab.dns_validation import ValidationRecord, delegate, records, remove, to_route53
from pkilab.dns_validation.zones import absolute, ancestors, within
from pkilab.errors import LabError

SITE = "lab.example"
VPC = {"VPCRegion": "us-east-1", "VPCId": "vpc-1234567890abcdef0"}


def names_in(route53, zone):
    """Return the names of a zone's CNAME records."""
    sets = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [each["Name"] for each in sets if each["Type"] == "CNAME"]


def test_each_record_goes_to_the_closest_public_zone(site):
    """The child's to the child's zone, whatever private zone is closer."""
    parent, child = site.zone(SITE), site.zone(f"dev.{SITE}")
    site.zone(f"api.dev.{SITE}", VPC=VPC)
    arn, _ = site.request(SITE, f"api.dev.{SITE}")
    wanted = records(site.acm, arn)
    placed = to_route53(site.route53, wanted)
    assert [(each.zone, each.zone_id) for each in placed] == [
        (f"{SITE}.", parent), (f"dev.{SITE}.", child),
    ]  # fmt: skip
    assert names_in(site.route53, parent) == [wanted.records[0].name]
    assert names_in(site.route53, child) == [wanted.records[1].name]


def test_writing_twice_is_writing_once_and_removing_twice_is_removing_once(site):
    """What is there is left alone, and what is gone is not asked to go."""
    zone = site.zone(SITE)
    arn, _ = site.request(SITE, f"*.{SITE}")
    wanted = records(site.acm, arn)
    assert to_route53(site.route53, wanted) == to_route53(site.route53, wanted)
    assert len(remove(site.route53, wanted)) == 1
    assert names_in(site.route53, zone) == []
    assert remove(site.route53, wanted) == ()


def test_a_record_that_was_there_is_not_the_runs_to_remove(lab, site):
    """Another certificate may live by it: it is not written, so that a clean-up leaves it."""
    zone = site.zone(SITE)
    arn, _ = site.request(SITE)
    to_route53(site.route53, records(site.acm, arn))
    again, _ = site.request(f"*.{SITE}")
    so_far = len(lab.journal)
    to_route53(site.route53, records(site.acm, again))
    calls = [entry.operation for entry in lab.journal][so_far:]
    assert "ListResourceRecordSets" in calls
    assert "ChangeResourceRecordSets" not in calls
    assert len(names_in(site.route53, zone)) == 1


def test_a_record_with_another_value_is_overwritten_and_not_removed(site):
    """Whoever wrote it may need it."""
    zone = site.zone(SITE)
    _, record = site.request(SITE)
    other = ValidationRecord((SITE,), record.name, "_other.acm-validations.aws.")
    to_route53(site.route53, [other])
    assert remove(site.route53, [record]) == ()
    to_route53(site.route53, [record])
    assert names_in(site.route53, zone) == [record.name]
    assert len(remove(site.route53, [record])) == 1


def test_a_name_without_a_zone_and_one_with_two_are_refused(site):
    """Which of two the world asks cannot be told by their name; the caller names one."""
    _, record = site.request(SITE)
    with pytest.raises(LabError, match="found no public hosted zone in this account"):
        to_route53(site.route53, [record])
    first, second = site.zone(SITE), site.zone(SITE)
    with pytest.raises(LabError, match=r"found 2 public hosted zones named lab\.example\."):
        to_route53(site.route53, [record])
    to_route53(site.route53, [record], second)
    assert names_in(site.route53, first) == []
    assert names_in(site.route53, second) == [record.name]


def test_a_zone_that_cannot_hold_the_name_is_refused(site):
    """Before Route 53 has to."""
    _, record = site.request(SITE)
    other = site.zone("other.example")
    with pytest.raises(LabError, match=r"found the zone other\.example\., expected one that holds"):
        to_route53(site.route53, [record], other)


def test_a_change_is_waited_for_and_not_for_ever():
    """Until Route 53 says INSYNC."""
    with Lab.simulated(seed="slow", latency=timedelta(minutes=1)) as lab:
        route53, slept = lab.client("route53"), []
        route53.create_hosted_zone(Name=SITE, CallerReference="1")
        record = ValidationRecord((SITE,), f"_1.{SITE}.", "_2.acm-validations.aws.")

        def sleep(seconds):
            slept.append(seconds)
            lab.clock.advance(seconds=seconds)

        to_route53(route53, [record], sleep=sleep)
        assert sum(slept) == 60
        with pytest.raises(LabError, match=r"waited 0:10:00 for the change .* to be INSYNC"):
            remove(route53, [record], sleep=lambda _: None)


def test_a_delegation_is_written_into_the_parent_zone_or_shown(site):
    """Then DNS asks the child's own name servers; before it does not know them."""
    parent, child = site.zone(SITE), site.zone(f"dev.{SITE}")
    site.put(f"x.dev.{SITE}", "A", "192.0.2.1", zone=child)
    shown = delegate(site.route53, child)
    assert shown.written_to is None
    assert len(shown.name_servers) == 4
    assert "for the registrar" in repr(shown)
    assert site.ask(f"x.dev.{SITE}", "A").rcode == "NXDOMAIN"
    written = delegate(site.route53, child, parent_zone_id=parent)
    assert (written.written_to, written.name_servers) == (parent, shown.name_servers)
    assert f"dev.{SITE}. NS {shown.name_servers[0]}" in repr(written)
    assert site.ask(f"dev.{SITE}", "NS").values == shown.name_servers
    assert site.ask(f"x.dev.{SITE}", "A").values == ("192.0.2.1",)


def test_the_parent_zone_may_be_another_accounts(site):
    """Its client writes; the child's could not."""
    theirs = site.lab.client("route53", account="consumer")
    parent, child = site.zone(SITE, route53=theirs), site.zone(f"dev.{SITE}")
    written = delegate(site.route53, child, parent=theirs, parent_zone_id=parent)
    assert site.ask(f"dev.{SITE}", "NS").values == written.name_servers


def test_what_cannot_be_delegated_is_refused(site):
    """A private zone, one to itself, and one to a stranger."""
    private = site.zone(SITE, VPC=VPC)
    with pytest.raises(LabError, match="found a private zone"):
        delegate(site.route53, private)
    parent, other = site.zone(SITE), site.zone("other.example")
    for above in (parent, other):
        with pytest.raises(LabError, match="expected one above it"):
            delegate(site.route53, parent, parent_zone_id=above)


def test_a_clean_up_takes_a_zone_with_the_delegations_in_it(site):
    """NS records below the apex are somebody's; those of the apex go with the zone."""
    parent, child = site.zone(SITE), site.zone(f"dev.{SITE}")
    delegate(site.route53, child, parent_zone_id=parent)
    assert site.lab.clean_up().left == ()
    assert site.route53.list_hosted_zones()["HostedZones"] == []


@pytest.mark.parametrize(
    ("name", "zone", "inside"),
    [
        ("a.lab.example.", "lab.example", True),
        ("LAB.example", "lab.example.", True),
        ("xlab.example", "lab.example", False),
        ("example", "lab.example", False),
    ],
)
def test_a_name_is_in_a_zone_or_not(name, zone, inside):
    """By whole labels; case and final dots do not matter."""
    assert within(name, zone) is inside
    assert absolute(name) == absolute(name.upper())


def test_the_names_above_a_name_come_closest_first():
    """Itself first, the top-level domain last."""
    assert list(ancestors("a.B.example")) == ["a.b.example.", "b.example.", "example."]
