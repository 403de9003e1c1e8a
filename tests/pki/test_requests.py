from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.errors import MalformedError
from pkilab.pki import names
from pkilab.pki.requests import build_request

POLICY = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), None)])


@pytest.mark.parametrize("algorithm", ["EC_prime256v1", "EC_secp521r1", "Ed25519"])
def test_the_same_key_and_names_give_the_same_bytes(make: Any, algorithm: str) -> None:
    key = make.key("leaf", algorithm)
    first, second = (build_request(key, "CN=leaf", dns_names=["a.test"]) for _ in range(2))
    assert first == second
    assert first.is_signature_valid
    assert first != build_request(key, "CN=leaf", dns_names=["b.test"])


def test_a_post_quantum_request_is_signed_anew_each_time(make: Any) -> None:
    key = make.key("leaf", "ML_DSA_44")
    first, second = (build_request(key, "CN=leaf") for _ in range(2))
    assert first.is_signature_valid
    assert second.is_signature_valid
    assert first.tbs_certrequest_bytes == second.tbs_certrequest_bytes
    assert first != second


def test_names_and_extensions_are_requested_in_order(make: Any) -> None:
    request = build_request(
        make.key("leaf"),
        names.subject("C=FR, CN=leaf"),
        dns_names=["a.test"],
        ip_addresses=["192.0.2.1", "2001:db8::1"],
        emails=["a@a.test"],
        uris=["spiffe://a.test/b"],
        extensions=[x509.Extension(POLICY.oid, True, POLICY)],
        hash=hashes.SHA384(),
    )
    alternative, policy = request.extensions
    assert list(alternative.value) == [
        x509.DNSName("a.test"),
        x509.IPAddress(ip_address("192.0.2.1")),
        x509.IPAddress(ip_address("2001:db8::1")),
        x509.RFC822Name("a@a.test"),
        x509.UniformResourceIdentifier("spiffe://a.test/b"),
    ]
    assert policy.critical
    assert policy.value == POLICY
    assert isinstance(request.signature_hash_algorithm, hashes.SHA384)
    assert names.to_text(request.subject) == "CN=leaf,C=FR"
    assert list(build_request(make.key("leaf"), "CN=leaf").extensions) == []


def test_openssl_verifies_the_request(make: Any, openssl: Callable[..., Any]) -> None:
    request = build_request(make.key("leaf"), "CN=leaf", dns_names=["a.test"])
    assert "verify OK" in openssl("req", "-verify", "-noout", "-in", request).stderr
    der = bytearray(request.public_bytes(Encoding.DER))
    der[-1] ^= 1
    spoilt = x509.load_der_x509_csr(bytes(der))
    assert not spoilt.is_signature_valid
    assert "verify failure" in openssl("req", "-verify", "-noout", "-in", spoilt).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        {"subject": "nonsense"},
        {"ip_addresses": ["300.1.1.1"]},
        {"dns_names": ["bücher.test"]},
        {"emails": ["Ä@a.test"]},
        {"uris": ["http://bücher.test"]},
        {"extensions": [x509.Extension(POLICY.oid, False, POLICY)] * 2},
    ],
)
def test_what_is_no_name_is_malformed(make: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        build_request(make.key("leaf"), **{"subject": "CN=leaf"} | arguments)
