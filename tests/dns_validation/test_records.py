"""Requesting, the records that prove a domain, and waiting."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab import Lab
from pkilab.dns_validation import (
    ValidationRecord,
    ValidationRecords,
    records,
    renewal,
    request,
    to_route53,
    wait_issued,
)
from pkilab.errors import LabError, MalformedError

SITE = "lab.example"


@pytest.fixture
def acm(lab):
    """Give ACM."""
    return lab.client("acm")


@pytest.fixture
def zone(lab):
    """Give the zone's id."""
    made = lab.client("route53").create_hosted_zone(Name=SITE, CallerReference="1")
    return made["HostedZone"]["Id"]


def test_a_wildcard_and_its_domain_share_a_record(acm):
    """Two names, one record; a name below has one of its own."""
    held = records(acm, request(acm, [SITE, f"*.{SITE}", f"api.{SITE}"]))
    assert [each.domains for each in held] == [(SITE, f"*.{SITE}"), (f"api.{SITE}",)]
    assert [each.domain for each in held] == [SITE, f"api.{SITE}"]
    assert len(held) == 2
    for each in held:
        assert each.name.startswith("_")
        assert each.name.endswith(f".{each.domain}.")
        assert each.value.endswith(".acm-validations.aws.")


def test_the_token_is_the_accounts_and_the_domains_and_not_the_requests(lab, acm):
    """Another request and another Region want the same record; another account wants another."""
    mine = records(acm, request(acm, SITE))
    there = lab.client("acm", region="eu-west-3")
    assert records(there, request(there, SITE)) == mine
    assert records(acm, request(acm, SITE), request(acm, f"*.{SITE}")).records[0].name == (
        mine.records[0].name
    )
    theirs = lab.client("acm", account="consumer")
    assert records(theirs, request(theirs, SITE)) != mine


def test_records_that_are_named_later_are_waited_for_and_not_for_ever():
    """ACM answers at once and names them some seconds later."""
    with Lab.simulated(seed="slow", latency=timedelta(seconds=20)) as lab:
        acm = lab.client("acm")
        arn = request(acm, SITE, sleep=lambda seconds: lab.clock.advance(seconds=seconds))
        assert len(records(acm, arn)) == 1
        slept = []
        with pytest.raises(
            LabError, match=r"0:01:00 for the validation records of .*; found no CNAME"
        ):
            request(acm, f"b.{SITE}", sleep=slept.append)
        assert sum(slept) == 60


def test_a_certificate_is_waited_for(lab, acm, zone):
    """Once its record is there it is issued; no exception says so."""
    arn = request(acm, SITE)
    to_route53(lab.client("route53"), records(acm, arn), zone)
    wait_issued(acm, arn, sleep=lambda seconds: lab.clock.advance(seconds=seconds))
    assert renewal(acm, arn).status == "ISSUED"


def test_one_that_is_never_proven_is_not_waited_for_longer_than_asked(acm, zone):
    """The limit's own message, and the status of one that timed out."""
    arn = request(acm, SITE)
    with pytest.raises(LabError, match=r"0:02:00 for .* to be issued; found PENDING_VALIDATION"):
        wait_issued(acm, arn, sleep=lambda _: None, limit=120)


def test_a_request_that_times_out_ends_the_wait(lab, acm, zone):
    """After 72 hours."""
    arn = request(acm, SITE)
    with pytest.raises(LabError, match="found VALIDATION_TIMED_OUT, expected ISSUED"):
        wait_issued(acm, arn, sleep=lambda s: lab.clock.advance(seconds=s), limit=10**6)


def test_a_fresh_certificate_that_nothing_uses_is_not_eligible(lab, acm, zone):
    """Nothing has begun; and nothing is known of one that is pending but that."""
    arn = request(acm, SITE)
    pending = renewal(acm, arn)
    assert (pending.status, pending.not_after) == ("PENDING_VALIDATION", None)
    to_route53(lab.client("route53"), records(acm, arn), zone)
    wait_issued(acm, arn, sleep=lambda seconds: lab.clock.advance(seconds=seconds))
    fresh = renewal(acm, arn)
    assert (fresh.status, fresh.eligibility, fresh.renewal) == ("ISSUED", "INELIGIBLE", None)
    assert fresh.in_use_by == fresh.domains == ()
    assert fresh.not_after - lab.clock.now() <= timedelta(days=198)


RECORD = ValidationRecord((SITE, f"*.{SITE}"), f"_1.{SITE}.", "_2.acm-validations.aws.")
CSV = (
    "Domain Name,Record Name,Record Type,Record Value\r\n"
    "lab.example,_1.lab.example.,CNAME,_2.acm-validations.aws.\r\n"
    "*.lab.example,_1.lab.example.,CNAME,_2.acm-validations.aws.\r\n"
)


def test_the_file_has_the_consoles_columns_and_a_line_for_each_domain(tmp_path):
    """As DNS_Configuration.csv was seen in public repositories; and it is read back."""
    held = ValidationRecords((RECORD,))
    assert held.to_csv() == CSV
    path = tmp_path / "DNS_Configuration.csv"
    held.write(path)
    assert path.read_bytes() == CSV.encode()
    assert ValidationRecords.from_csv(path.read_text()) == held


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
ROWS = st.lists(st.tuples(NAMES, NAMES, NAMES))


@given(ROWS)
def test_any_records_survive_the_file(rows):
    """Written and read again they are the same, each once."""
    held = ValidationRecords.merged(rows)
    assert ValidationRecords.from_csv(held.to_csv()) == held
    assert len({(each.name, each.value) for each in held}) == len(held)


@given(st.text())
def test_no_text_raises_anything_undeclared(text):
    """Read as a file, it is records or a MalformedError."""
    try:
        assert isinstance(ValidationRecords.from_csv(text), ValidationRecords)
    except MalformedError as error:
        assert "DNS configuration" in str(error)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "found no CSV"),
        ("Domain Name,Record Name\r\n", "found Domain Name,Record Name, expected Domain Name,"),
        (CSV.replace("CNAME", "TXT"), "line 2: found"),
        (CSV + "one,two\r\n", "line 4: found"),
        (CSV.replace("lab.example,_1", ",_1", 1), "line 2: found"),
        ('"', "found no CSV"),
    ],
)
def test_another_file_is_refused_with_the_line(text, why):
    """What was found and what was expected."""
    with pytest.raises(MalformedError, match=why):
        ValidationRecords.from_csv(text)
