"""AlgorithmIdentifiers as they may stand in a message, the odd ones beside the good ones."""

from __future__ import annotations

from typing import Any

import pytest

from pkilab.errors import MalformedError
from pkilab.pki import _cms_asn1 as der
from pkilab.pki._cms_algorithms import (
    NULL,
    SignatureAlgorithm,
    read_digest,
    read_signature,
    usual_name,
)

SHA256, SHA384, SHA1 = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "1.3.14.3.2.26"
RSA, PKCS1_SHA256, PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.10"
ECDSA_SHA256, ED25519, MGF1 = "1.2.840.10045.4.3.2", "1.3.101.112", "1.2.840.113549.1.1.8"
ML_DSA_44 = "2.16.840.1.101.3.4.3.17"
SHAKE256 = "2.16.840.1.101.3.4.2.12"


def read(identifier: bytes, digest: str | None = "sha256") -> SignatureAlgorithm | str:
    return read_signature(der.whole(identifier, "algorithm"), digest, "algorithm")


def pss(*, hashed: str = SHA256, masked: str = SHA256, mask: str = MGF1, salt: int | None = 32,
        trailer: int | None = None) -> bytes:  # fmt: skip
    parts = [
        der.tagged(0, der.algorithm_identifier(hashed)),
        der.tagged(1, der.algorithm_identifier(mask, der.algorithm_identifier(masked))),
    ]
    parts += [] if salt is None else [der.tagged(2, der.primitive(salt))]
    parts += [] if trailer is None else [der.tagged(3, der.primitive(trailer))]
    return der.algorithm_identifier(PSS, der.sequence(*parts))


@pytest.mark.parametrize("parameters", [b"", NULL])
def test_a_digest_has_no_parameters_or_null(parameters: bytes) -> None:
    """RFC 5754, 2."""
    element = der.whole(der.algorithm_identifier(SHA256, parameters), "x")
    assert read_digest(element, "x") == "sha256"
    for odd in (der.primitive(1), NULL + NULL, b"\x05\x01\x00"):
        with pytest.raises(MalformedError):
            read_digest(der.whole(der.algorithm_identifier(SHA256, odd), "x"), "x")


@pytest.mark.parametrize(
    ("oid", "parameters", "name"),
    [
        (RSA, NULL, "RSASSA_PKCS1_V1_5_SHA_256"),
        (RSA, b"", "RSASSA_PKCS1_V1_5_SHA_256"),
        (PKCS1_SHA256, NULL, "RSASSA_PKCS1_V1_5_SHA_256"),
        (ECDSA_SHA256, b"", "ECDSA_SHA_256"),
        (ED25519, b"", "ED25519_SHA_512"),
        (ML_DSA_44, b"", "ML_DSA_SHAKE_256"),
    ],
)
def test_an_algorithm_has_only_its_own_parameters(oid: str, parameters: bytes, name: str) -> None:
    found = read(der.algorithm_identifier(oid, parameters))
    assert not isinstance(found, str)
    assert found.name == name
    odd = NULL if parameters == b"" and oid != RSA else der.primitive(1)
    with pytest.raises(MalformedError, match="algorithm parameters"):
        read(der.algorithm_identifier(oid, odd))


def test_pss_is_read_with_its_parameters() -> None:
    """RFC 4056, 3: the default of the trailer is its only value, that of the salt 20 bytes."""
    for identifier, salt in ((pss(), 32), (pss(salt=None), 20), (pss(trailer=1, salt=0), 0)):
        found = read(identifier)
        assert found == SignatureAlgorithm("RSASSA_PSS", "sha256", salt)


@pytest.mark.parametrize(
    "identifier",
    [
        pss(masked=SHA384),
        pss(mask="1.2.3"),
        pss(hashed=SHA1, masked=SHA1),
        pss(hashed=SHAKE256, masked=SHAKE256),
        der.algorithm_identifier(PSS, der.sequence()),  # all defaults: SHA-1
        der.algorithm_identifier("1.2.3"),
        der.algorithm_identifier("1.2.3", der.primitive(1)),
        der.algorithm_identifier("1.2.840.113549.1.1.5", NULL),  # sha1WithRSAEncryption
    ],
)
def test_what_is_not_modelled_is_named_by_number(identifier: bytes) -> None:
    found = read(identifier)
    assert isinstance(found, str)
    assert der.dotted(der.whole(identifier, "x").children()[0], "x") == found


def test_an_algorithm_that_leaves_the_hash_open_needs_one() -> None:
    assert read(der.algorithm_identifier(RSA, NULL), None) == RSA
    assert read(der.algorithm_identifier(RSA, NULL), "sha1") == RSA
    found: Any = read(der.algorithm_identifier(ML_DSA_44), None)
    assert found.digest == "sha512"
    assert read(der.algorithm_identifier(ML_DSA_44), "sha1") == ML_DSA_44


@pytest.mark.parametrize(
    "identifier",
    [
        pss(trailer=2),
        pss(salt=-1),
        pss(salt=513),
        der.algorithm_identifier(PSS),
        der.algorithm_identifier(PSS, NULL),
        der.sequence(),
    ],
)
def test_parameters_out_of_bounds_are_malformed(identifier: bytes) -> None:
    with pytest.raises(MalformedError):
        read(identifier)


def test_a_key_on_another_curve_signs_nothing() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    assert usual_name(ec.derive_private_key(1, ec.SECP384R1()).public_key()) == "ECDSA_SHA_384"
    with pytest.raises(MalformedError, match="found EC_secp256k1"):
        usual_name(ec.derive_private_key(1, ec.SECP256K1()).public_key())


@pytest.mark.parametrize("salt", [0, 32, 64])
def test_pss_is_written_as_it_is_read(salt: int) -> None:
    algorithm = SignatureAlgorithm("RSASSA_PSS", "sha256", salt)
    assert read(algorithm.identifier()) == algorithm
