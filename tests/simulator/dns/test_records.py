"""Record values."""

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from dnslib import DNSBuffer
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.dns.records import KINDS, RecordValueError, read_value, target, value_text

VALUES = [
    ("A", "192.0.2.1", "192.0.2.1"),
    ("AAAA", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
    ("AAAA", "::", "::"),
    ("CAA", '0 issue "amazon.com; policy=ev"', '0 issue "amazon.com; policy=ev"'),
    ("CAA", '128 issue ";"', '128 issue ";"'),
    ("CNAME", "A.example", "a.example."),
    ("CNAME", r"\052.example.", r"\052.example."),
    ("MX", "10 mail.example", "10 mail.example."),
    ("NS", "ns-421.awsdns-52.com", "ns-421.awsdns-52.com."),
    ("PTR", "host.example.", "host.example."),
    ("SOA", "a. b.c. 1 7200 900 1209600 86400", "a. b.c. 1 7200 900 1209600 86400"),
    ("SRV", "1 2 443 host.example", "1 2 443 host.example."),
    ("TXT", r'"a" "b\"c" "\344"', r'"a" "b\042c" "\344"'),
    ("TXT", '""', '""'),
    ("TXT", f'"{"a" * 255}"', f'"{"a" * 255}"'),
]


@pytest.mark.parametrize(("kind", "text", "shown"), VALUES)
def test_a_value_is_read_and_written(kind, text, shown):
    """In full, and then it stays as it is."""
    data = read_value(kind, text)
    assert value_text(kind, data) == shown
    assert value_text(kind, read_value(kind, shown)) == shown


@pytest.mark.parametrize(("kind", "text", "shown"), VALUES)
def test_dnspython_reads_the_same_octets(kind, text, shown):
    """It is the outside witness for what a record's bytes mean."""
    buffer = DNSBuffer()
    read_value(kind, text).pack(buffer)
    wire = bytes(buffer.data)
    outside = dns.rdata.from_wire(dns.rdataclass.IN, kind, wire, 0, len(wire))
    if kind == "CAA":
        written = f'{outside.flags} {outside.tag.decode()} "{outside.value.decode()}"'
        assert written == shown
    elif kind == "TXT":
        assert list(outside.strings) == read_value(kind, text).data
    elif "\\" not in shown:
        assert outside == dns.rdata.from_text(dns.rdataclass.IN, kind, shown)
    assert outside.to_wire() == wire


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("A", "192.0.2", "ARRDATAIllegalIPv4Address"),
        ("A", "192.0.2.01", "ARRDATAIllegalIPv4Address"),
        ("A", "ns-738.awsdns-28.net", "ARRDATAIllegalIPv4Address"),
        ("AAAA", "192.0.2.1", "AAAARRDATAIllegalIPv6Address"),
        ("AAAA", "fe80::1%eth0", "AAAARRDATAIllegalIPv6Address"),
        ("CNAME", "a..b", "DomainLabelEmpty"),
        ("CNAME", "a b", "UnsupportedCharacter"),
        ("CNAME", "a" * 64, "DomainLabelTooLong"),
        ("CNAME", ".".join(["a" * 60] * 5), "DomainNameTooLong"),
        ("TXT", "bare", "InvalidCharacterString"),
        ("TXT", '"open', "InvalidCharacterString"),
        ("TXT", '"a" b', "InvalidCharacterString"),
        ("TXT", f'"{"a" * 256}"', "CharacterStringTooLong"),
        ("CAA", "0 issue", "CAARRDATANotThreeFields"),
        ("CAA", '256 issue "a"', "CAARRDATAIllegalFlags"),
        ("CAA", '0 is-sue "a"', "CAARRDATAIllegalTag"),
        ("CAA", "0 issue a", "InvalidCharacterString"),
        ("MX", "mail.example", "MXRRDATANotTwoFields"),
        ("MX", "65536 mail.example", "MXRRDATAIllegalPriority"),
        ("SRV", "1 2 host.example", "SRVRRDATANotFourFields"),
        ("SRV", "1 2 99999 host.example", "SRVRRDATAIllegalPort"),
        ("SOA", "a. b. 1 2 3", "SOARRDATANotSevenFields"),
        ("SOA", "a. b. 1 2 3 4 -5", "SOARRDATAIllegalNumber"),
    ],
)
def test_what_a_type_cannot_have_is_refused_in_route_53s_words(kind, text, code):
    """The code, the reason and the value."""
    with pytest.raises(RecordValueError, match=rf"FATAL problem: {code} \(.+\) encountered with"):
        read_value(kind, text)


@given(st.sampled_from(KINDS), st.text(max_size=300))
def test_only_declared_errors_leave_the_readers(kind, text):
    """And what is read is written so that it reads the same."""
    try:
        data = read_value(kind, text)
    except RecordValueError:
        return
    assert read_value(kind, value_text(kind, data)) == data


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=4))
def test_strings_of_any_octets_survive(strings):
    """Escaped where they must be."""
    text = " ".join('"' + "".join(f"\\{octet:03o}" for octet in s) + '"' for s in strings)
    assert read_value("TXT", text).data == strings
    assert read_value("TXT", value_text("TXT", read_value("TXT", text))).data == strings


def test_a_record_sends_on_to_its_target():
    """If its type has one."""
    assert target("MX", read_value("MX", "10 A.b")) == (b"a", b"b")
    assert target("SRV", read_value("SRV", "1 2 3 a.b")) == (b"a", b"b")
    assert target("NS", read_value("NS", "a.b.")) == (b"a", b"b")
    assert target("TXT", read_value("TXT", '"a.b"')) is None
