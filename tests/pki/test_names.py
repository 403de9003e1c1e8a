from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki.names import subject, to_text

OIDS = st.sampled_from(
    [
        NameOID.COMMON_NAME,
        NameOID.ORGANIZATION_NAME,
        NameOID.ORGANIZATIONAL_UNIT_NAME,
        NameOID.LOCALITY_NAME,
        NameOID.TITLE,
        NameOID.GIVEN_NAME,
        x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"),
    ]
)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=15)
ATTRIBUTES = st.builds(x509.NameAttribute, OIDS, VALUES)
RDNS = st.lists(ATTRIBUTES, min_size=1, max_size=2, unique_by=lambda each: (each.oid, each.value))
NAMES = st.lists(st.builds(x509.RelativeDistinguishedName, RDNS), min_size=1, max_size=4).map(
    x509.Name
)


@given(NAMES)
def test_text_reads_back_as_the_same_name_the_other_way_round(name: x509.Name) -> None:
    """`to_text` writes the last attribute first, `subject` encodes what it reads first."""
    assert x509.Name(reversed(subject(to_text(name)).rdns)) == name


@given(NAMES)
def test_text_is_one_line_and_what_cryptography_reads_too(name: x509.Name) -> None:
    """An outside reader of RFC 4514 agrees, where it knows the attribute."""
    text = to_text(name)
    assert "\n" not in text
    assert "\r" not in text
    if "#" not in text:
        assert x509.Name.from_rfc4514_string(text) == name


@given(st.text())
def test_any_text_is_a_name_or_malformed(text: str) -> None:
    try:
        name = subject(text)
    except MalformedError:
        return
    assert len(name.rdns) > 0


def test_attributes_are_encoded_as_written_and_shown_most_specific_first() -> None:
    name = subject("C=FR, O=Lab , OU=a+CN=build-7")
    assert [each.oid for each in name] == [
        NameOID.COUNTRY_NAME,
        NameOID.ORGANIZATION_NAME,
        NameOID.ORGANIZATIONAL_UNIT_NAME,
        NameOID.COMMON_NAME,
    ]
    assert len(name.rdns) == 3
    assert to_text(name) == "OU=a+CN=build-7,O=Lab,C=FR"


def test_unknown_attributes_are_written_by_number() -> None:
    """As AWS's audit report writes them: OID=#hexDER."""
    assert to_text(subject("CN=a, serialNumber=42")) == "2.5.4.5=#13023432,CN=a"
    assert subject("2.5.4.5=#13023432") == subject("serialnumber=42")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"CN=a\,b", "a,b"),
        (r"CN=\ a\ ", " a "),
        (r"CN=\#1", "#1"),
        (r"CN=Lu\C4\8Di\C4\87", "Lučić"),  # RFC 4514, section 4
        (r"CN=James \"Jim\" Smith\, III", 'James "Jim" Smith, III'),  # the same
        (r"CN=Before\0dAfter", "Before\rAfter"),  # the same
        ("CN=#0c0161", "a"),
        ("CN=a=b", "a=b"),
        ("cn=  a b  ", "a b"),
    ],
)
def test_escapes_are_those_of_rfc_4514(text: str, value: str) -> None:
    (attribute,) = subject(text)
    assert attribute.value == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "CN", "CN=", "=a", "CN=a,", ",CN=a", "CN=a,,O=b", "CN=a;O=b", 'CN="a"', "XY=a",
        "CN=a\\", "CN=\\zz", "CN=\\ff", "C=FRA", "C=F", "CN=#0c02", "CN=#03020101", "9.9.9=a",
        "CN=a+", "CN=a+CN=a", "CN=" + "x" * 65,
    ],
)  # fmt: skip
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match=r"^name: found"):
        subject(text)


def test_openssl_reads_the_same_name(make: Any, openssl: Callable[..., Any]) -> None:
    certificate = make(r"C=FR, O=Lab\, Inc, CN=a\+b").certificate
    shown = openssl("x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in", certificate).stdout
    assert shown.strip() == f"subject={to_text(certificate.subject)}"


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u2028", "\u202e", "\u200f"])
def test_what_a_terminal_would_obey_is_written_in_hexadecimal(character: str) -> None:
    """Control characters of either set, line ends, and what turns the direction of writing."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"a{character}b")])
    assert to_text(name).isprintable()
    assert subject(to_text(name)) == name
