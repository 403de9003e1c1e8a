"""The registrar."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab


@pytest.fixture
def domains(lab):
    return lab.client("route53domains")


def make(lab, name, account=None):
    made = lab.client("route53", account=account).create_hosted_zone(
        Name=name, CallerReference=name + str(account)
    )
    return made["DelegationSet"]["NameServers"]


def refused(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_domain_is_registered_by_who_makes_the_first_zone(lab, domains):
    """With its name servers; later zones of the name change nothing."""
    servers = make(lab, "lab.example")
    make(lab, "lab.example", "consumer")
    found = domains.get_domain_detail(DomainName="Lab.Example")
    assert found["DomainName"] == "lab.example"
    assert [server["Name"] for server in found["Nameservers"]] == servers
    assert found["CreationDate"] == lab.clock.now()
    assert [each["DomainName"] for each in domains.list_domains()["Domains"]] == ["lab.example"]
    other = lab.client("route53domains", account="consumer")
    assert other.list_domains()["Domains"] == []
    assert refused(other.get_domain_detail, DomainName="lab.example") == (
        "InvalidInput", "Domain lab.example not found in 444455556666 account.",
    )  # fmt: skip


def test_what_lies_below_a_domain_is_none(lab, domains):
    """Whoever made its zone."""
    make(lab, "lab.example")
    make(lab, "sub.lab.example", "consumer")
    assert len(domains.list_domains()["Domains"]) == 1
    other = lab.client("route53domains", account="consumer")
    assert other.list_domains()["Domains"] == []


def test_domains_are_listed_by_name_in_pages(lab, domains):
    """With the marker of the page before."""
    for name in ("c.example", "a.example", "b.example"):
        make(lab, name)
    pages = domains.get_paginator("list_domains").paginate(PaginationConfig={"PageSize": 2})
    listed = [[each["DomainName"] for each in page["Domains"]] for page in pages]
    assert listed == [["a.example", "b.example"], ["c.example"]]
    assert refused(domains.list_domains, Marker="x")[0] == "InvalidInput"


def test_name_servers_change_when_the_operation_succeeds():
    """It takes its time."""
    with Lab.simulated(seed="slow", latency=timedelta(minutes=2)) as lab:
        domains = lab.client("route53domains")
        before = make(lab, "lab.example")
        wanted = [{"Name": "ns-1.awsdns-00.com"}, {"Name": "NS-513.awsdns-00.net."}]
        made = domains.update_domain_nameservers(DomainName="lab.example", Nameservers=wanted)
        number = made["OperationId"]
        assert domains.get_operation_detail(OperationId=number)["Status"] == "IN_PROGRESS"
        detail = domains.get_domain_detail(DomainName="lab.example")
        assert [server["Name"] for server in detail["Nameservers"]] == before
        lab.clock.advance(minutes=2)
        done = domains.get_operation_detail(OperationId=number)
        assert (done["Status"], done["Type"]) == ("SUCCESSFUL", "UPDATE_NAMESERVER")
        detail = domains.get_domain_detail(DomainName="lab.example")
        assert detail["Nameservers"] == [
            {"Name": "ns-1.awsdns-00.com"}, {"Name": "ns-513.awsdns-00.net"},
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("servers", "code"),
    [
        ([{"Name": "a.example"}], "InvalidInput"),
        ([{"Name": "a.example"}, {"Name": "A.example."}], "InvalidInput"),
        ([{"Name": "a..b"}, {"Name": "c.example"}], "InvalidInput"),
        ([{"Name": "a.example"}, {"Name": "b.example", "GlueIps": ["192.0.2.1"]}],
         "NotImplemented"),
    ],
)  # fmt: skip
def test_name_servers_that_cannot_be_are_refused(lab, domains, servers, code):
    """Two at least, and names."""
    make(lab, "lab.example")
    asked = {"DomainName": "lab.example", "Nameservers": servers}
    assert refused(domains.update_domain_nameservers, **asked)[0] == code


def test_what_is_not_simulated_is_refused(lab, domains):
    """Registering, filters, other Regions, others' operations."""
    make(lab, "lab.example")
    assert refused(domains.renew_domain, DomainName="a.b", CurrentExpiryYear=2026)[0] == (
        "NotImplemented"
    )
    conditions = [{"Name": "DomainName", "Operator": "BEGINS_WITH", "Values": ["a"]}]
    assert refused(domains.list_domains, FilterConditions=conditions)[0] == "NotImplemented"
    far = lab.client("route53domains", region="eu-west-1")
    assert refused(far.list_domains)[0] == "NotImplemented"
    assert refused(domains.get_operation_detail, OperationId="x")[0] == "InvalidInput"
