"""Hosted zones."""

import json
import threading
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab

VPC = {"VPCId": "vpc-1", "VPCRegion": "us-east-1"}
SOA = "awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"


def test_a_new_zone_has_four_name_servers_and_two_record_sets(zones):
    """One server of each domain; NS and SOA say so."""
    made = zones.client.create_hosted_zone(
        Name="Lab.Example", CallerReference="x", HostedZoneConfig={"Comment": "c"}
    )
    number = made["HostedZone"]["Id"]
    assert made["HostedZone"] == {
        "Id": number, "Name": "lab.example.", "CallerReference": "x",
        "Config": {"Comment": "c", "PrivateZone": False}, "ResourceRecordSetCount": 2,
    }  # fmt: skip
    assert made["Location"].endswith(f"/2013-04-01{number}")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["ChangeInfo"]["Status"] == "PENDING"
    servers = made["DelegationSet"]["NameServers"]
    ends = {server.partition("awsdns-")[2].partition(".")[2] for server in servers}
    assert ends == {"com", "net", "org", "co.uk"}
    ns, soa = zones.client.list_resource_record_sets(HostedZoneId=number)["ResourceRecordSets"]
    assert ns == {
        "Name": "lab.example.", "Type": "NS", "TTL": 172800,
        "ResourceRecords": [{"Value": f"{server}."} for server in servers],
    }  # fmt: skip
    assert soa == {
        "Name": "lab.example.", "Type": "SOA", "TTL": 900,
        "ResourceRecords": [{"Value": f"{servers[0]}. {SOA}"}],
    }  # fmt: skip
    got = zones.client.get_hosted_zone(Id=number)
    assert got["HostedZone"] == made["HostedZone"]
    assert got["DelegationSet"]["NameServers"] == servers


def test_zones_of_one_name_or_below_share_no_name_server(zones):
    """Or a server could not tell them apart."""
    drawn = [
        server
        for number in range(40)
        for server in zones.client.get_hosted_zone(
            Id=zones.make("a.lab.example" if number % 2 else "lab.example", str(number))
        )["DelegationSet"]["NameServers"]
    ]
    assert len(set(drawn)) == len(drawn) == 160


def test_ids_and_name_servers_repeat_with_the_seed():
    """And differ with the reference."""

    def made():
        with Lab.simulated(seed="zones") as lab:
            route53 = lab.client("route53")
            return [
                (answer["HostedZone"]["Id"], answer["DelegationSet"]["NameServers"],
                 answer["ChangeInfo"]["Id"])
                for reference in ("a", "b")
                for answer in [
                    route53.create_hosted_zone(Name="lab.example", CallerReference=reference)
                ]
            ]  # fmt: skip

    first, second = made(), made()
    assert first == second
    assert first[0][0] != first[1][0]


def test_a_reference_is_used_once(zones):
    """Even when its zone is gone; another account has its own."""
    zone = zones.make(reference="x")
    again = {"Name": "other.example", "CallerReference": "x"}
    for _ in range(2):
        message = zones.refused("HostedZoneAlreadyExists", zones.client.create_hosted_zone, **again)
        assert message == (
            "A hosted zone has already been created with the specified caller reference."
        )
        if zones.client.get_hosted_zone_count()["HostedZoneCount"]:
            zones.client.delete_hosted_zone(Id=zone)
    assert zones.other.create_hosted_zone(**again)


def test_a_private_zone_has_a_vpc_and_no_name_servers_of_its_own(zones):
    """All private zones name the same four, which do not answer."""
    made = zones.client.create_hosted_zone(Name="internal", CallerReference="x", VPC=VPC)
    assert made["VPC"] == VPC
    assert "DelegationSet" not in made
    got = zones.client.get_hosted_zone(Id=made["HostedZone"]["Id"])
    assert got["VPCs"] == [VPC]
    assert got["HostedZone"]["Config"]["PrivateZone"] is True
    listed = zones.client.list_resource_record_sets(HostedZoneId=made["HostedZone"]["Id"])
    assert {"Value": "ns-1536.awsdns-00.co.uk."} in listed["ResourceRecordSets"][0][
        "ResourceRecords"
    ]
    zones.refused(
        "ConflictingDomainExists", zones.client.create_hosted_zone,
        Name="internal", CallerReference="y", VPC=VPC,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Name": "a..b"}, "InvalidDomainName"),
        ({"Name": "com"}, "InvalidDomainName"),
        ({"HostedZoneConfig": {"PrivateZone": True}}, "InvalidInput"),
        ({"VPC": {"VPCRegion": "us-east-1"}}, "InvalidVPCId"),
        ({"DelegationSetId": "N1"}, "NotImplemented"),
        ({"CallerReference": "x" * 129}, "InvalidInput"),
    ],
)
def test_a_zone_that_cannot_be_is_refused(zones, members, code):
    """And none is made."""
    asked = {"Name": "lab.example", "CallerReference": "x", **members}
    zones.refused(code, zones.client.create_hosted_zone, **asked)
    assert zones.client.list_hosted_zones()["HostedZones"] == []


def test_zones_belong_to_their_account(zones):
    """For others they do not exist."""
    zone = zones.make()
    message = zones.refused("NoSuchHostedZone", zones.other.get_hosted_zone, Id=zone)
    assert message == f"No hosted zone found with ID: {zone.rpartition('/')[2]}"
    assert zones.other.list_hosted_zones()["HostedZones"] == []
    change = zones.change(zone, ("CREATE", "a.lab.example", "A", "192.0.2.1"))
    zones.refused("NoSuchChange", zones.other.get_change, Id=change["Id"])


def test_a_zone_with_records_is_not_deleted(zones):
    """Without them it is, and then nothing is left of it."""
    zone = zones.make()
    held = ("a.lab.example", "NS", "ns-1.awsdns-00.com")
    zones.change(zone, ("CREATE", *held))
    message = zones.refused("HostedZoneNotEmpty", zones.client.delete_hosted_zone, Id=zone)
    assert message == (
        "The specified hosted zone contains non-required resource record sets and so cannot be "
        "deleted."
    )
    zones.change(zone, ("DELETE", *held))
    assert zones.client.delete_hosted_zone(Id=zone)["ChangeInfo"]["Status"] == "PENDING"
    zones.refused("NoSuchHostedZone", zones.client.get_hosted_zone, Id=zone)
    zones.refused("NoSuchHostedZone", zones.client.list_resource_record_sets, HostedZoneId=zone)


def test_a_change_is_pending_until_every_name_server_has_it():
    """On a world that takes its time; the answer to the change always says PENDING."""
    with Lab.simulated(seed="slow", latency=timedelta(seconds=40)) as lab:
        route53 = lab.client("route53")
        made = route53.create_hosted_zone(Name="lab.example", CallerReference="x")["ChangeInfo"]
        assert route53.get_change(Id=made["Id"])["ChangeInfo"] == made
        lab.clock.advance(seconds=39)
        assert route53.get_change(Id=made["Id"])["ChangeInfo"]["Status"] == "PENDING"
        lab.clock.advance(seconds=1)
        assert route53.get_change(Id=made["Id"])["ChangeInfo"]["Status"] == "INSYNC"


def test_boto3s_waiter_waits_for_a_change(zones):
    """On a live clock, in another thread, as on AWS; here nothing is left to wait for."""
    zone = zones.make()
    info = zones.batch(
        zone,
        [{
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": "a.lab.example", "Type": "A", "TTL": 60,
                "ResourceRecords": [{"Value": "192.0.2.1"}],
            },
        }],
        Comment="why",
    )  # fmt: skip
    assert (info["Status"], info["Comment"]) == ("PENDING", "why")
    waiter = zones.client.get_waiter("resource_record_sets_changed")
    done = threading.Thread(target=waiter.wait, kwargs={"Id": info["Id"]})
    done.start()
    done.join(10)
    assert not done.is_alive()


def test_records_are_listed_by_reversed_labels_and_type(zones):
    """An asterisk is sorted as its escape; a hyphen comes before the end of a label."""
    zone = zones.make()
    names = ["b", "*", "a-b", "a", "x.a", "_a", "*.a"]
    zones.change(zone, *(("CREATE", f"{name}.lab.example", "A", "192.0.2.1") for name in names))
    zones.change(zone, ("CREATE", "a.lab.example", "TXT", '"x"'))
    listed = zones.client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [(each["Name"].removesuffix("lab.example."), each["Type"]) for each in listed] == [
        ("", "NS"), ("", "SOA"), ("\\052.", "A"), ("_a.", "A"), ("a-b.", "A"), ("a.", "A"),
        ("a.", "TXT"), ("\\052.a.", "A"), ("x.a.", "A"), ("b.", "A"),
    ]  # fmt: skip


def test_records_come_in_pages(zones):
    """boto3's paginator puts them together; a page may begin anywhere."""
    zone = zones.make()
    zones.change(
        zone,
        *(("CREATE", f"n{number:02}.lab.example", "A", "192.0.2.1") for number in range(20)),
    )
    pages = zones.client.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=zone, PaginationConfig={"PageSize": 7}
    )
    sizes = [len(page["ResourceRecordSets"]) for page in pages]
    assert sizes == [7, 7, 7, 1]
    first = zones.client.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName="N05.lab.example", StartRecordType="A", MaxItems="1"
    )
    assert first["ResourceRecordSets"][0]["Name"] == "n05.lab.example."
    assert (first["NextRecordName"], first["NextRecordType"]) == ("n06.lab.example.", "A")
    for members in ({"StartRecordType": "A"}, {"MaxItems": "x"}, {"MaxItems": "0"},
                    {"StartRecordName": "a..b"}):  # fmt: skip
        zones.refused(
            "InvalidInput", zones.client.list_resource_record_sets, HostedZoneId=zone, **members
        )


def test_zones_are_listed_by_age_and_by_name(zones):
    """In pages."""
    made = [zones.make(name) for name in ("b.example", "a.example", "c.test", "x.a.example")]
    pages = zones.client.get_paginator("list_hosted_zones").paginate(
        PaginationConfig={"PageSize": 3}
    )
    assert [zone["Id"] for page in pages for zone in page["HostedZones"]] == made
    by_name = zones.client.list_hosted_zones_by_name(MaxItems="2")
    assert [zone["Name"] for zone in by_name["HostedZones"]] == ["a.example.", "x.a.example."]
    assert (by_name["IsTruncated"], by_name["NextDNSName"]) == (True, "b.example.")
    rest = zones.client.list_hosted_zones_by_name(
        DNSName=by_name["NextDNSName"], HostedZoneId=by_name["NextHostedZoneId"]
    )
    assert [zone["Name"] for zone in rest["HostedZones"]] == ["b.example.", "c.test."]
    assert zones.client.list_hosted_zones(HostedZoneType="PrivateHostedZone")["HostedZones"] == []
    zones.refused("InvalidInput", zones.client.list_hosted_zones, Marker="Z9")
    zones.refused("InvalidInput", zones.client.list_hosted_zones_by_name, HostedZoneId="Z9")


def test_a_comment_is_changed_and_taken_away(zones):
    """Nothing else is."""
    zone = zones.make()
    changed = zones.client.update_hosted_zone_comment(Id=zone, Comment="c")["HostedZone"]
    assert changed["Config"] == {"Comment": "c", "PrivateZone": False}
    assert zones.client.update_hosted_zone_comment(Id=zone)["HostedZone"]["Config"] == {
        "PrivateZone": False
    }


def test_a_zone_has_tags(zones):
    """Added, changed and removed."""
    number = zones.make().rpartition("/")[2]
    where = {"ResourceType": "hostedzone", "ResourceId": number}
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    zones.client.change_tags_for_resource(**where, AddTags=tags)
    zones.client.change_tags_for_resource(
        **where, AddTags=[{"Key": "b", "Value": "3"}], RemoveTagKeys=["a"]
    )
    listed = zones.client.list_tags_for_resource(**where)["ResourceTagSet"]
    assert listed == {**where, "Tags": [{"Key": "b", "Value": "3"}]}
    zones.refused("InvalidInput", zones.client.change_tags_for_resource, **where)
    other = {**where, "ResourceId": "Z9"}
    zones.refused("NoSuchHostedZone", zones.client.list_tags_for_resource, **other)
    check = {**where, "ResourceType": "healthcheck"}
    zones.refused("NotImplemented", zones.client.list_tags_for_resource, **check)


def test_a_test_answer_is_what_the_zones_own_server_says(zones):
    """Though nobody may be sent there."""
    zones.make()
    second = zones.make(reference="second")
    zones.change(second, ("CREATE", "*.lab.example", "TXT", '"x"'))
    found = zones.client.test_dns_answer(
        HostedZoneId=second, RecordName="a.lab.example", RecordType="TXT"
    )
    del found["ResponseMetadata"]
    assert found == {
        "Nameserver": zones.client.get_hosted_zone(Id=second)["DelegationSet"]["NameServers"][0],
        "RecordName": "a.lab.example.", "RecordType": "TXT", "RecordData": ['"x"'],
        "ResponseCode": "NOERROR", "Protocol": "UDP",
    }  # fmt: skip
    for name, code in (("lab.example", "NOERROR"), ("else.example", "REFUSED")):
        answered = zones.client.test_dns_answer(
            HostedZoneId=second, RecordName=name, RecordType="MX"
        )
        assert (answered["ResponseCode"], answered["RecordData"]) == (code, [])
    hidden = zones.make("internal", VPC=VPC)
    asked = {"HostedZoneId": hidden, "RecordName": "internal", "RecordType": "SOA"}
    zones.refused("InvalidInput", zones.client.test_dns_answer, **asked)
    asked = {"HostedZoneId": second, "RecordName": "lab.example", "RecordType": "DS"}
    zones.refused("NotImplemented", zones.client.test_dns_answer, **asked)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("list_health_checks", {}),
        ("create_reusable_delegation_set", {"CallerReference": "x"}),
        ("associate_vpc_with_hosted_zone", {"HostedZoneId": "Z1", "VPC": VPC}),
        ("list_query_logging_configs", {}),
        ("get_dnssec", {"HostedZoneId": "Z1"}),
    ],
)
def test_what_is_not_simulated_is_refused_in_route_53s_shape(zones, operation, members):
    """501, so that no SDK tries again."""
    with pytest.raises(ClientError) as caught:
        getattr(zones.client, operation)(**members)
    response = caught.value.response
    assert response["Error"]["Code"] == "NotImplemented"
    assert "is not simulated by pkilab" in response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_an_account_has_at_most_500_zones(zones):
    """Route 53's quota."""
    for number in range(500):
        zones.make(f"n{number}.example")
    asked = {"Name": "more.example", "CallerReference": "more"}
    zones.refused("TooManyHostedZones", zones.client.create_hosted_zone, **asked)


def test_the_aws_command_line_reads_the_answers(zones, aws_cli):
    """An outside client with its own parser."""
    zones.lab.serve()
    zone = zones.make()
    record = {"Name": "*.lab.example", "Type": "TXT", "TTL": 60}
    held = {**record, "ResourceRecords": [{"Value": '"<&>"'}]}
    batch = json.dumps({"Changes": [{"Action": "CREATE", "ResourceRecordSet": held}]})

    def run(*arguments):
        command = ("route53", *arguments, "--hosted-zone-id", zone, "--output", "json")
        asked = aws_cli(zones.lab, *command)
        return asked.returncode, asked.stdout, asked.stderr

    status, out, err = run("change-resource-record-sets", "--change-batch", batch)
    assert status == 0, err
    assert json.loads(out)["ChangeInfo"]["Status"] == "PENDING"
    status, _, err = run("change-resource-record-sets", "--change-batch", batch)
    assert status > 0
    assert "(InvalidChangeBatch)" in err
    assert r"[name='\052.lab.example.', type='TXT'] but it already exists" in err
    _, out, _ = run("list-resource-record-sets")
    last = json.loads(out)["ResourceRecordSets"][-1]
    assert last == {**held, "Name": r"\052.lab.example."}


def test_a_lab_cleans_up_zones_with_their_delegations(zones):
    """All that is not the zone's own is deleted first."""
    zone = zones.make()
    zones.change(
        zone,
        ("CREATE", "sub.lab.example", "NS", "ns-1.awsdns-00.com"),
        ("CREATE", "a.lab.example", "A", "192.0.2.1"),
    )
    zones.lab.clean_up()
    assert zones.client.list_hosted_zones()["HostedZones"] == []
