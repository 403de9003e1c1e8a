from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki import _der
from pkilab.pki.certificates import describe, serial_hex

URL = x509.UniformResourceIdentifier("http://crl.test/a.crl")
ACCESS = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            x509.AuthorityInformationAccessOID.OCSP,  # type: ignore[attr-defined]  # re-exported unmarked
            x509.UniformResourceIdentifier("http://ocsp.test"),
        )
    ]
)
POLICY_OID = x509.ObjectIdentifier("1.2.3.4")
EXTENSIONS = [
    (x509.BasicConstraints(ca=False, path_length=None), "CA:FALSE", "is not a CA"),
    (x509.BasicConstraints(ca=True, path_length=None), "CA:TRUE", "any number"),
    (x509.BasicConstraints(ca=True, path_length=0), "CA:TRUE, pathlen:0", "no further CA"),
    (x509.BasicConstraints(ca=True, path_length=2), "CA:TRUE, pathlen:2", "at most 2"),
    (x509.ExtendedKeyUsage([Usage.SERVER_AUTH]), "serverAuth", "serves for serverAuth"),
    (x509.ExtendedKeyUsage([POLICY_OID]), "1.2.3.4", "serves for 1.2.3.4"),
    (x509.SubjectKeyIdentifier(b"\x01\x02"), "01:02", "Names this key"),
    (x509.AuthorityKeyIdentifier(b"\x01", None, None), "01", "issuer's key"),
    (x509.SubjectAlternativeName([x509.DNSName("a.test")]), "DNS:a.test", "names the certificate"),
    (x509.IssuerAlternativeName([x509.DNSName("a.test")]), "DNS:a.test", "Other names"),
    (
        x509.CRLDistributionPoints([x509.DistributionPoint([URL], None, None, None)]),
        "URI:http://crl.test/a.crl",
        "Where the CRL is",
    ),
    (
        x509.FreshestCRL([x509.DistributionPoint([URL], None, None, None)]),
        "URI:http://crl.test/a.crl",
        "delta",
    ),
    (ACCESS, "OCSP URI:http://ocsp.test", "OCSP"),
    (
        x509.CertificatePolicies([x509.PolicyInformation(POLICY_OID, ["http://cps.test"])]),
        "1.2.3.4 http://cps.test",
        "policies",
    ),
    (
        x509.NameConstraints([x509.DNSName("a.test")], [x509.DNSName("b.a.test")]),
        "permitted DNS:a.test; excluded DNS:b.a.test",
        "permitted",
    ),
    (x509.OCSPNoCheck(), "present", "OCSP signer"),
    (x509.UnrecognizedExtension(POLICY_OID, b"\x05\x00"), "#0500", "Not known here"),
    (x509.InhibitAnyPolicy(1), "<InhibitAnyPolicy(skip_certs=1)>", "not explained"),
]


@pytest.mark.parametrize(("value", "text", "meaning"), EXTENSIONS, ids=lambda each: str(each)[:24])
def test_each_usual_extension_is_shown_and_explained(
    make: Any, value: Any, text: str, meaning: str
) -> None:
    certificate = make(
        "CN=leaf", key_usage=False, key_identifiers=False,
        without=() if isinstance(value, x509.BasicConstraints) else (x509.BasicConstraints,),
        more=() if isinstance(value, x509.BasicConstraints) else ((value, False),),
        ca=getattr(value, "ca", False), path_length=getattr(value, "path_length", None),
    ).certificate  # fmt: skip
    (view,) = describe(certificate).extensions
    assert view.value == text
    assert meaning in view.meaning
    assert view.meaning.endswith(".")
    assert view.oid == value.oid.dotted_string


def test_the_fields_are_shown_as_openssl_shows_them(make: Any, openssl: Callable[..., Any]) -> None:
    root = make("C=FR, CN=root", ca=True)
    leaf = make("C=FR, CN=leaf", root, usages=(Usage.SERVER_AUTH,), serial=0xABC).certificate
    view = describe(leaf)
    assert (view.subject, view.issuer) == ("CN=leaf,C=FR", "CN=root,C=FR")
    assert (view.key_algorithm, view.signature_algorithm) == ("EC_prime256v1", "SHA256WITHECDSA")
    assert view.version == 3
    shown = openssl("x509", "-noout", "-fingerprint", "-sha256", "-serial", "-in", leaf).stdout
    assert f"Fingerprint={view.sha256.upper()}" in shown
    assert f"serial={leaf.serial_number:04X}" in shown
    assert [each.name for each in view.extensions] == [
        "BasicConstraints",
        "AuthorityKeyIdentifier",
        "SubjectKeyIdentifier",
        "KeyUsage",
        "ExtendedKeyUsage",
    ]
    key_usage = view.extensions[3]
    assert key_usage.critical
    assert key_usage.value == "digitalSignature, keyEncipherment"


@pytest.mark.parametrize(
    ("serial", "text"),
    [
        (1, "00" * 15 + "01"),
        (0x3C1DE0A97BE24F56A1B2C3D4E5F60718, "3c1de0a97be24f56a1b2c3d4e5f60718"),
        (1 << 152, "01" + "00" * 19),
        (-1, "-" + "00" * 15 + "01"),
    ],
)
def test_serial_numbers_are_16_bytes_of_hex_or_more(serial: int, text: str) -> None:
    assert serial_hex(serial, sep="") == text
    assert serial_hex(serial).replace(":", "") == text


def test_post_quantum_algorithms_have_awss_names(make: Any) -> None:
    view = describe(make("CN=root", ca=True, algorithm="ML_DSA_65").certificate)
    assert view.key_algorithm == view.signature_algorithm == "ML_DSA_65"


def rebuilt(certificate: x509.Certificate, extensions: list[bytes]) -> x509.Certificate:
    """Put other extensions into a certificate; the signature no longer fits."""
    (outer,) = _der.elements(certificate.public_bytes(Encoding.DER))
    tbs, *rest = _der.elements(outer.contents)
    *fields, last = _der.elements(tbs.contents)
    block = _der.encode(last.tag, [_der.encode(_der.SEQUENCE, extensions)])
    cut = _der.encode(_der.SEQUENCE, [*(each.whole for each in fields), block])
    return x509.load_der_x509_certificate(
        _der.encode(_der.SEQUENCE, [cut, *(each.whole for each in rest)])
    )


def raw_extensions(certificate: x509.Certificate) -> list[bytes]:
    (outer,) = _der.elements(certificate.public_bytes(Encoding.DER))
    last = _der.elements(_der.elements(outer.contents)[0].contents)[-1]
    return [each.whole for each in _der.elements(_der.elements(last.contents)[0].contents)]


def test_one_broken_extension_leaves_the_others_readable(make: Any) -> None:
    """cryptography alone shows none of them."""
    leaf = make("CN=leaf", make("CN=root", ca=True)).certificate
    parts = raw_extensions(leaf)
    broken = rebuilt(leaf, [bytes.fromhex("300c0603551d130101ff04020500"), *parts[1:]])
    with pytest.raises(ValueError, match="pars"):
        _ = broken.extensions
    first, *others = describe(broken).extensions
    assert (first.name, first.critical, first.value) == ("BasicConstraints", True, "0500")
    assert "Cannot be read" in first.meaning
    assert [each.name for each in others] == [
        "AuthorityKeyIdentifier",
        "SubjectKeyIdentifier",
        "KeyUsage",
    ]


def test_an_extension_that_stands_twice_is_named(make: Any) -> None:
    leaf = make("CN=leaf").certificate
    parts = raw_extensions(leaf)
    first, *_, last = describe(rebuilt(leaf, [*parts, parts[0]])).extensions
    assert first.name == last.name == "BasicConstraints"
    assert "Stands twice" in last.meaning
    assert "Stands twice" not in first.meaning


@given(data=st.data())
def test_whatever_loads_can_be_shown(data: Any, make: Any) -> None:
    """One byte changed anywhere: refused when loaded, or described without an error."""
    raw = bytearray(
        make("CN=leaf", make("CN=root", ca=True)).certificate.public_bytes(Encoding.DER)
    )
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    from pkilab.pki.pem import load_certificate

    try:
        certificate = load_certificate(bytes(raw))
    except MalformedError:
        return
    view = describe(certificate)
    assert len(view.sha256) == 95


@given(st.binary(max_size=200))
def test_der_is_cut_and_joined_or_malformed(data: bytes) -> None:
    try:
        found = _der.elements(data)
    except MalformedError:
        return
    assert b"".join(each.whole for each in found) == data


@given(st.binary(max_size=70000))
def test_what_is_encoded_is_one_element(data: bytes) -> None:
    (element,) = _der.elements(_der.encode(4, [data]))
    assert (element.tag, element.contents) == (4, data)
