"""Who may issue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.dns.caa import CaaRecord, CaaSet, allows

AMAZON = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")


def held(*records, rcode="NOERROR"):
    found = tuple(CaaRecord(*record) for record in records)
    return CaaSet("a.example.", "example." if found else "", found, rcode)


@pytest.mark.parametrize(
    ("records", "name", "wildcard"),
    [
        ((), True, True),
        (((0, "issue", "amazon.com"),), True, True),
        (((0, "issue", "Amazon.COM"),), True, True),
        (((0, "ISSUE", " amazontrust.com "),), True, True),
        (((0, "issue", "amazon.com; account=1 ; a=b"),), True, True),
        (((0, "issue", "ca.example"),), False, False),
        (((0, "issue", "ca.example"), (0, "issue", "amazon.com")), True, True),
        (((0, "issue", ";"),), False, False),
        (((0, "issue", ""),), False, False),
        (((0, "issue", "amazon.com"), (0, "issuewild", ";")), True, False),
        (((0, "issue", ";"), (0, "issuewild", "amazon.com")), False, True),
        (((0, "issuewild", "ca.example"),), True, False),
        (((0, "iodef", "mailto:a@example"),), True, True),
        (((0, "unheard", "of"),), True, True),
        (((128, "unheard", "of"),), False, False),
        (((128, "unheard", "of"), (0, "issue", "amazon.com")), False, False),
        (((128, "issue", "amazon.com"),), True, True),
        (((0, "issue", "%%%%%"),), False, False),  # malformed: it names no one
        (((0, "issue", "amazon.com; =b"),), False, False),
        (((0, "issue", "-amazon.com"),), False, False),
    ],
)
def test_an_issuer_is_allowed_by_what_the_records_say(records, name, wildcard):
    """For a name and for a wildcard: RFC 8659, sections 4.1 to 4.3."""
    assert bool(allows(held(*records), AMAZON, wildcard=False)) is name
    assert bool(allows(held(*records), AMAZON, wildcard=True)) is wildcard


def test_the_record_that_decides_is_named():
    """And the reason says what it allows."""
    found = held((0, "issue", "ca.example"), (0, "issue", "amazon.com"), (0, "iodef", "x"))
    assert allows(found, AMAZON, wildcard=False).record == found.records[1]
    refused = allows(found, ["other.example"], wildcard=False)
    assert refused.record == found.records[0]
    assert refused.reason == "example. allows amazon.com, ca.example only"
    critical = held((128, "unheard", "of"))
    assert allows(critical, AMAZON, wildcard=False).record == critical.records[0]
    free = allows(held(), AMAZON, wildcard=False)
    assert free.record is None
    assert "no CAA record" in free.reason


def test_a_look_up_that_failed_allows_nothing():
    """Nothing is known then."""
    verdict = allows(held(rcode="SERVFAIL"), AMAZON, wildcard=False)
    assert not verdict
    assert "SERVFAIL" in verdict.reason


def test_parameters_are_read():
    """RFC 8659, section 4.2."""
    record = CaaRecord(0, "issue", "ca.example; account=230123; Policy = ev")
    assert record.issuer == "ca.example"
    assert record.parameters == {"account": "230123", "policy": "ev"}
    assert CaaRecord(0, "issue", "a b").parameters == {}
    assert str(CaaRecord(0, "issue", 'a"b')) == r'0 issue "a\"b"'


@given(st.integers(0, 255), st.text(max_size=20), st.text(max_size=40), st.booleans())
def test_any_record_gives_a_verdict(flags, tag, value, wildcard):
    """Never an error."""
    verdict = allows(held((flags, tag, value)), AMAZON, wildcard=wildcard)
    assert verdict.reason
