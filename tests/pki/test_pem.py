from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki.pem import (
    around,
    load_certificate,
    load_certificates,
    load_request,
    split,
    to_pem,
)
from pkilab.pki.requests import build_request

LOADERS = (load_certificate, load_certificates, load_request)


@given(st.binary() | st.text())
def test_any_input_is_read_or_malformed(data: bytes | str) -> None:
    for load in LOADERS:
        with pytest.raises(MalformedError):
            load(data)


@given(data=st.data())
def test_a_damaged_certificate_is_read_or_malformed(data: Any, make: Any) -> None:
    """One byte changed, cut or added anywhere in DER and in PEM: no other error leaves."""
    certificate = make("CN=leaf", make("CN=root", ca=True)).certificate
    for encoding in (Encoding.DER, Encoding.PEM):
        raw = bytearray(certificate.public_bytes(encoding))
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        for load in LOADERS:
            try:
                load(bytes(raw))
            except MalformedError as error:
                assert "CN=leaf" not in str(error)


def test_pem_and_der_read_back(make: Any) -> None:
    leaf, root = make("CN=leaf").certificate, make("CN=root", ca=True).certificate
    assert load_certificate(to_pem(leaf)) == leaf
    assert load_certificate(to_pem(leaf).encode()) == leaf
    assert load_certificate(leaf.public_bytes(Encoding.DER)) == leaf
    assert load_certificates(to_pem(leaf, root)) == (leaf, root)
    assert load_certificates(leaf.public_bytes(Encoding.DER)) == (leaf,)
    assert to_pem() == ""


def test_text_around_the_blocks_is_allowed(make: Any, openssl: Callable[..., Any]) -> None:
    """``openssl x509 -text``, bag attributes with umlauts, Windows line ends, no last line end."""
    leaf = make("CN=leaf").certificate
    shown = openssl("x509", "-text", "-in", leaf).stdout
    assert shown.startswith("Certificate:")
    assert load_certificate(shown) == leaf
    bag = "Bag Attributes\n    friendlyName: Schlüssel\n" + to_pem(leaf).strip()
    assert load_certificate(bag.encode()) == leaf
    assert load_certificate(bag.replace("\n", "\r\n")) == leaf


def test_one_means_one(make: Any) -> None:
    leaf = to_pem(make("CN=leaf").certificate)
    with pytest.raises(MalformedError, match="found 2 of them, expected exactly one"):
        load_certificate(leaf + leaf)
    with pytest.raises(MalformedError, match="found nothing"):
        load_certificates(" \n")


def test_a_private_key_is_named_and_never_echoed(make: Any) -> None:
    party = make("CN=leaf")
    key = party.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for text in (key, to_pem(party.certificate) + key):
        with pytest.raises(MalformedError, match="a block of kind PRIVATE KEY") as caught:
            load_certificates(text)
        assert not any(line in str(caught.value) for line in key.splitlines()[1:-1])
    der = party.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(MalformedError) as caught:
        load_certificate(der)
    assert der.hex()[40:60] not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda pem: pem.replace("-----END CERTIFICATE-----", ""), "a PEM block that does not end"),
        (lambda pem: pem[:200] + "\n" + pem, "a PEM block that does not end"),
        (lambda pem: pem.replace("M", "!", 1), "damaged base64"),
        (lambda pem: pem.splitlines()[1], "no PEM block"),
        (lambda pem: pem.replace("CERTIFICATE", "PUBLIC KEY"), "a block of kind PUBLIC KEY"),
        (lambda pem: pem.replace("\nMII", "\nAII"), "DER that cannot be read"),
    ],
)
def test_the_trouble_is_named(change: Callable[[str], str], found: str, make: Any) -> None:
    with pytest.raises(MalformedError, match=found):
        load_certificate(change(to_pem(make("CN=leaf").certificate)))


def test_der_given_as_text_is_refused(make: Any) -> None:
    der = make("CN=leaf").certificate.public_bytes(Encoding.DER)
    with pytest.raises(MalformedError, match="no PEM block"):
        load_certificate(der.decode("latin-1"))


def test_a_request_is_not_a_certificate(make: Any) -> None:
    request = build_request(make.key("leaf"), "CN=leaf").public_bytes(Encoding.PEM)
    assert load_request(request).is_signature_valid
    assert load_request(request.replace(b"BEGIN C", b"BEGIN NEW C").replace(b"END C", b"END NEW C"))
    with pytest.raises(MalformedError, match="CERTIFICATE REQUEST"):
        load_certificate(request)
    with pytest.raises(MalformedError, match="kind CERTIFICATE,"):
        load_request(to_pem(make("CN=leaf").certificate))


def test_a_serial_number_below_one_is_malformed_where_warnings_are_errors(make: Any) -> None:
    """RFC 5280, 4.1.2.2. Where warnings are not errors the certificate loads, with a warning."""
    der = make("CN=leaf", serial=1).certificate.public_bytes(Encoding.DER)
    zero = der.replace(b"\x02\x01\x01", b"\x02\x01\x00", 1)
    with pytest.raises(MalformedError, match="serial number"):
        load_certificate(zero)


def test_blocks_of_any_kind_are_cut_apart(make: Any) -> None:
    leaf = make("CN=leaf")
    key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    certificate = to_pem(leaf.certificate)
    text = f"Bag Attributes\n{key}subject=CN = leaf\n{certificate}"
    assert split(text) == (("PRIVATE KEY", key.strip()), ("CERTIFICATE", certificate.strip()))
    assert around(text) == "Bag Attributes\n\nsubject=CN = leaf"
    assert around(certificate + key) == ""
    for damaged in ("", "text", text[:-10], certificate + "-----BEGIN CERTIFICATE-----\n"):
        with pytest.raises(MalformedError):
            split(damaged)


@given(st.text())
def test_text_is_cut_or_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        split(text)
    assert around(text) == text.strip()
