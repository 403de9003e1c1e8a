"""Signatures made here, by openssl and by cryptography, each accepted one beside refused ones."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import mldsa, padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs7,
)
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError, VerificationError
from pkilab.pki import _ber, cms
from pkilab.pki import _cms_asn1 as der
from pkilab.pki.cms import (
    CertificateId,
    Signer,
    add_time_stamp,
    build_signed_data,
    content_digests,
    parse,
    verify,
)

CONTENT = b"what is signed\r\nand more\n" * 40
HERE = Path(__file__).parent
PKCS1, PSS = "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256"
# KMS's algorithm, key, and whether OpenSSL 3.0 verifies it in CMS.
ALGORITHMS = [
    (PKCS1, "RSA_2048", True),
    ("RSASSA_PKCS1_V1_5_SHA_512", "RSA_2048", True),
    (PSS, "RSA_2048", True),
    ("RSASSA_PSS_SHA_384", "RSA_2048", True),
    ("ECDSA_SHA_256", "EC_prime256v1", True),
    ("ECDSA_SHA_384", "EC_secp384r1", True),
    ("ECDSA_SHA_512", "EC_secp521r1", True),
    ("ED25519_SHA_512", "Ed25519", False),
    ("ML_DSA_SHAKE_256", "ML_DSA_44", False),
    ("ML_DSA_SHAKE_256", "ML_DSA_65", False),
    ("ML_DSA_SHAKE_256", "ML_DSA_87", False),
]


@pytest.fixture(scope="module")
def root(make: Any) -> Any:
    return make("CN=root", ca=True)


@pytest.fixture(scope="module")
def issuing(make: Any, root: Any) -> Any:
    return make("CN=issuing", root, ca=True, path_length=0)


@pytest.fixture(scope="module")
def leaf(make: Any, issuing: Any) -> Callable[[str], Any]:
    """Return the code-signing certificate with a key of that algorithm, made once."""
    made: dict[str, Any] = {}

    def party(algorithm: str = "EC_prime256v1") -> Any:
        if algorithm not in made:
            made[algorithm] = make(
                f"CN={algorithm}", issuing, algorithm=algorithm, usages=(Usage.CODE_SIGNING,)
            )
        return made[algorithm]

    return party


@pytest.fixture(scope="module")
def message(leaf: Any, issuing: Any, now: datetime) -> bytes:
    party = leaf()
    return build_signed_data(
        CONTENT,
        signers=Signer.from_key(party.certificate, party.key),
        signing_time=now,
        chain=[issuing.certificate],
    )


def key_pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def witness(openssl: Any, message: bytes, root: Any, now: datetime, *content: Any) -> Any:
    """Ask ``openssl cms -verify``; its code-signing purpose came after 3.0."""
    given = ("-content", content[0]) if content else ()
    return openssl(
        "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", message, *given,
        "-CAfile", root.certificate, "-purpose", "any", "-attime", str(int(now.timestamp())),
        "-out", "/dev/null",
    )  # fmt: skip


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize(("algorithm", "key", "known"), ALGORITHMS)
def test_a_signature_verifies_and_openssl_agrees(
    leaf: Any, issuing: Any, root: Any, make: Any, now: datetime, openssl: Any,
    algorithm: str, key: str, known: bool, attached: bool, by_key: bool,  # noqa: FBT001 - a table
) -> None:  # fmt: skip
    party = leaf(key)
    signer = Signer.from_key(party.certificate, party.key, algorithm, by_key_identifier=by_key)
    made = build_signed_data(
        CONTENT, signers=signer, signing_time=now, chain=[issuing.certificate], attached=attached
    )
    signed = parse(made)
    content = None if attached else CONTENT
    result = verify(signed, content)
    assert (result.intact, result.reasons) == (True, ())
    assert result.signatures[0].certificate == party.certificate
    (info,) = signed.signers
    assert not isinstance(info.algorithm, str)
    assert (info.algorithm.name, info.signing_time) == (algorithm, now)
    assert signed.content == (CONTENT if attached else None)
    assert set(signed.certificates) == {party.certificate, issuing.certificate}
    if known:
        given = () if attached else (CONTENT,)
        accepted = witness(openssl, made, root, now, *given)
        assert accepted.returncode == 0, accepted.stderr
        assert witness(openssl, made, make("CN=other", ca=True), now, *given).returncode != 0
        if not attached:
            assert witness(openssl, made, root, now, CONTENT + b"!").returncode != 0


@pytest.mark.parametrize(("algorithm", "key", "known"), ALGORITHMS)
def test_other_content_is_refused(
    leaf: Any, now: datetime, algorithm: str, key: str, known: bool  # noqa: FBT001 - a table
) -> None:  # fmt: skip
    party = leaf(key)
    signer = Signer.from_key(party.certificate, party.key, algorithm)
    signed = parse(build_signed_data(CONTENT, signers=signer, signing_time=now))
    result = verify(signed, CONTENT + b"!")
    assert not result.intact
    assert result.reasons == ("the content given is not what was signed: its digest differs",)


def test_ed25519_is_over_the_signed_attributes_as_openssl_sees_them(
    leaf: Any, now: datetime, openssl: Any
) -> None:
    """OpenSSL 3.0 has Ed25519, though not in CMS."""
    party = leaf("Ed25519")
    signer = Signer.from_key(party.certificate, party.key)
    (info,) = parse(build_signed_data(CONTENT, signers=signer, signing_time=now)).signers
    public = party.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def ask(signed: bytes) -> int:
        done = openssl(
            "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public,
            "-in", signed, "-sigfile", info.signature,
        )  # fmt: skip
        code: int = done.returncode
        return code

    assert ask(info.signed) == 0
    assert ask(info.signed + b"!") != 0


def test_the_example_of_rfc_9882_verifies() -> None:
    """Appendix B's ML-DSA-44 message, by the key of RFC 9881's appendix C: its seed is 0 to 31."""
    signed = parse((HERE / "rfc9882_ml_dsa_44.pem").read_bytes())
    printable = _ASN1Type.PrintableString
    name = x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "IETF", printable),
        x509.NameAttribute(NameOID.COMMON_NAME, "LAMPS WG", printable),
    ])  # fmt: skip

    def certificate(seed: bytes) -> x509.Certificate:
        key = mldsa.MLDSA44PrivateKey.from_seed_bytes(seed)
        serial = signed.signers[0].identifier.serial
        assert serial == 0x159FFE6F22FD5CC42C524DF6FD5E28D0DE38F34E
        return (
            x509.CertificateBuilder(name, name, key.public_key(), serial)
            .not_valid_before(datetime(2020, 2, 3, tzinfo=UTC))
            .not_valid_after(datetime(2040, 1, 29, tzinfo=UTC))
            .sign(key, None)
        )

    assert signed.content == b"ML-DSA-44 signed-data example with signed attributes"
    assert verify(signed, certificates=[certificate(bytes(range(32)))]).intact
    assert not verify(signed, certificates=[certificate(bytes(32))]).intact
    assert "is not at hand" in verify(signed).reasons[0]


def test_a_digest_signs_what_the_content_does(leaf: Any, now: datetime) -> None:
    """A file of any size is read once, as a stream, to sign it and to verify it."""
    party = leaf()
    signer = Signer.from_key(party.certificate, party.key)
    file = io.BytesIO(CONTENT)
    digests = content_digests(iter(lambda: file.read(7), b""))
    streamed = build_signed_data(digests, signers=signer, signing_time=now)
    assert streamed == build_signed_data(CONTENT, signers=signer, signing_time=now)
    assert verify(parse(streamed), digests).intact
    assert not verify(parse(streamed), content_digests([b"other"])).intact
    wrong = verify(parse(streamed), {"sha512": digests["sha512"]})
    assert wrong.reasons == ("no sha256 digest of the content was given",)
    with pytest.raises(MalformedError, match="expected 32 bytes of sha256"):
        build_signed_data({"sha256": b"short"}, signers=signer, signing_time=now)
    with pytest.raises(MalformedError, match="to be put inside"):
        build_signed_data(digests, signers=signer, signing_time=now, attached=True)


def test_only_the_digests_that_are_needed_are_computed(leaf: Any, now: datetime) -> None:
    party = leaf("EC_secp384r1")
    signer = Signer.from_key(party.certificate, party.key)
    assert signer.digest_algorithm == "sha384"
    needed = content_digests([CONTENT], [signer.digest_algorithm])
    signed = parse(build_signed_data(needed, signers=signer, signing_time=now))
    assert signed.digest_algorithms == ("sha384",)
    assert verify(signed, needed).intact
    with pytest.raises(MalformedError, match="found md5"):
        content_digests([CONTENT], ["md5"])


@pytest.mark.parametrize(
    ("key", "digest", "accepted"),
    [
        ("ML_DSA_44", "sha256", True),
        ("ML_DSA_65", "sha384", True),
        ("ML_DSA_87", "shake256", True),
        ("ML_DSA_65", "sha256", False),
        ("ML_DSA_87", "sha384", False),
        ("Ed25519", "sha256", False),
        ("EC_prime256v1", "sha384", False),
    ],
)
def test_a_digest_must_be_one_for_the_key(
    leaf: Any, now: datetime, monkeypatch: pytest.MonkeyPatch,
    key: str, digest: str, accepted: bool,  # noqa: FBT001 - a table
) -> None:  # fmt: skip
    """RFC 9882, 3.3, table 1; RFC 8419, 3: Ed25519 has SHA-512 alone."""
    party = leaf(key)
    signer = Signer.from_key(party.certificate, party.key)
    usual = cms.algorithms.named(signer.algorithm, party.certificate.public_key())
    real = usual.identifier()
    other = dataclasses.replace(usual, digest=digest)
    monkeypatch.setattr(cms.algorithms, "named", lambda *_: other)
    monkeypatch.setattr(type(other), "identifier", lambda _: real)
    monkeypatch.setattr(type(other), "verifies", lambda *_: True)
    made = build_signed_data(CONTENT, signers=signer, signing_time=now, attached=True)
    monkeypatch.undo()
    result = verify(parse(made))
    assert result.intact == accepted
    if not accepted:
        assert any("not the" in r or "not modelled" in r for r in result.reasons), result.reasons


def test_a_detached_signature_says_nothing_without_content(message: bytes) -> None:
    reasons = verify(parse(message)).reasons
    assert reasons == ("the content is not in the message (it is detached) and was not given",)


def test_content_that_is_given_must_be_that_in_the_message(leaf: Any, now: datetime) -> None:
    party = leaf()
    signer = Signer.from_key(party.certificate, party.key)
    signed = parse(build_signed_data(CONTENT, signers=signer, signing_time=now, attached=True))
    assert verify(signed, CONTENT).intact
    assert "content given is not what was signed" in verify(signed, b"other").reasons[0]


def test_all_of_several_signatures_must_hold(
    leaf: Any, issuing: Any, root: Any, now: datetime, openssl: Any
) -> None:
    parties = [leaf("RSA_2048"), leaf("EC_secp384r1")]
    made = build_signed_data(
        CONTENT,
        signers=[Signer.from_key(each.certificate, each.key) for each in parties],
        signing_time=now,
        chain=[issuing.certificate],
    )
    signed = parse(made)
    assert verify(signed, CONTENT).intact
    assert {s.digest_algorithm for s in signed.signers} == {"sha256", "sha384"}
    assert witness(openssl, made, root, now, CONTENT).returncode == 0
    (at,) = [i for i, s in enumerate(signed.signers) if s.digest_algorithm == "sha384"]
    broken = made.replace(signed.signers[at].signature, bytes(len(signed.signers[at].signature)), 1)
    result = verify(parse(broken), CONTENT)
    assert result.reasons == ("the signature is not by the key of CN=EC_secp384r1",)
    assert [bool(each.reasons) for each in result.signatures] == [at == 0, at == 1]
    assert witness(openssl, broken, root, now, CONTENT).returncode != 0


def test_a_message_that_nobody_signed_is_refused(
    message: bytes, issuing: Any, openssl: Any
) -> None:
    """Certificates without a signature are SignedData too: openssl crl2pkcs7 makes it."""
    made = openssl("crl2pkcs7", "-nocrl", "-certfile", issuing.certificate)
    signed = parse(made.stdout)
    assert signed.certificates == (issuing.certificate,)
    assert verify(signed, b"").reasons == ("nobody signed it",)
    with pytest.raises(MalformedError, match="no signer"):
        build_signed_data(b"", signers=(), signing_time=None)


def test_another_certificate_for_the_same_key_is_refused(
    make: Any, issuing: Any, leaf: Any, now: datetime
) -> None:
    """Issuer and serial number are not signed; signing-certificate-v2 is (RFC 5035)."""
    party = leaf()
    other = make("CN=other", issuing, key_label="CN=EC_prime256v1", usages=(Usage.CODE_SIGNING,))
    made = build_signed_data(
        CONTENT, signers=Signer.from_key(party.certificate, party.key), signing_time=now
    )
    (info,) = parse(made).signers
    issuer, serial = der.issuer_and_serial(other.certificate)
    own = der.sequence(*map(as_der, der.issuer_and_serial(party.certificate)))
    assert made.count(own) == 1
    swapped = made.replace(own, der.sequence(issuer, der.primitive(serial)))
    result = verify(parse(swapped), CONTENT, certificates=[other.certificate])
    assert result.reasons == (
        "CN=other is not the certificate that was signed with (signing-certificate)",
    )
    assert info.signing_certificate[0].names(party.certificate)


def test_of_two_certificates_with_one_serial_number_the_signed_one_is_taken(
    make: Any, issuing: Any, now: datetime
) -> None:
    """A CA should not do that; signing-certificate-v2 tells them apart all the same."""
    one, two = (
        make("CN=twin", issuing, usages=(Usage.CODE_SIGNING,), end=timedelta(days=days))
        for days in (1, 2)
    )
    for own, other in ((one, two), (two, one)):
        signer = Signer.from_key(own.certificate, own.key)
        signed = parse(build_signed_data(CONTENT, signers=signer, signing_time=now))
        for beside in ([other.certificate, own.certificate], [own.certificate]):
            result = verify(
                dataclasses.replace(signed, certificates=()), CONTENT, certificates=beside
            )
            assert result.intact
            assert result.signatures[0].certificate == own.certificate


def test_a_certificate_id_names_by_digest_issuer_and_serial(leaf: Any) -> None:
    """RFC 5035, 4: where issuerSerial is there, it must agree too."""
    certificate = leaf().certificate
    issuer, serial = der.issuer_and_serial(certificate)
    digest = certificate.fingerprint(hashes.SHA256())
    assert CertificateId("sha256", digest).names(certificate)
    assert CertificateId("sha256", digest, issuer, serial).names(certificate)
    assert CertificateId("sha1", certificate.fingerprint(hashes.SHA1()), issuer, serial).names(
        certificate
    )
    for other in (
        CertificateId("sha256", bytes(32)),
        CertificateId("sha256", digest, issuer, serial + 1),
        CertificateId("sha256", digest, b"", serial),
        CertificateId("md5", certificate.fingerprint(hashes.MD5()), issuer, serial),
    ):
        assert not other.names(certificate)


def as_der(part: Any) -> bytes:
    return part if isinstance(part, bytes) else der.primitive(part)


def test_another_algorithm_for_the_same_signature_is_refused(leaf: Any, now: datetime) -> None:
    """CMSAlgorithmProtection (RFC 6211): rsaEncryption and sha256WithRSAEncryption both verify."""
    party = leaf("RSA_2048")
    made = build_signed_data(
        CONTENT, signers=Signer.from_key(party.certificate, party.key), signing_time=now
    )
    named = der.algorithm_identifier("1.2.840.113549.1.1.11", b"\x05\x00")
    plain = der.algorithm_identifier("1.2.840.113549.1.1.1", b"\x05\x00")
    assert len(named) == len(plain)
    swapped = made[::-1].replace(named[::-1], plain[::-1], 1)[::-1]
    result = verify(parse(swapped), CONTENT)
    assert result.reasons == (
        "its algorithms are not those that were signed (CMSAlgorithmProtection)",
    )


@pytest.mark.parametrize("year", [1950, 1999, 2026, 2049, 2050, 2200])
def test_signing_time_is_utctime_up_to_2049(leaf: Any, year: int) -> None:
    """RFC 5652, 11.3."""
    party, at = leaf(), datetime(year, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    made = build_signed_data(
        CONTENT, signers=Signer.from_key(party.certificate, party.key), signing_time=at
    )
    (info,) = parse(made).signers
    assert info.signing_time == at.replace(microsecond=0)
    (encoded,) = next(a.values for a in info.signed_attributes if a.oid == cms.SIGNING_TIME)
    assert encoded[0] == (der.UTC_TIME if year < 2050 else der.GENERALIZED_TIME)


def test_a_signing_time_of_the_wrong_kind_is_malformed(leaf: Any) -> None:
    early = _ber.first(b"\x18\x0f20260102030405Z")
    with pytest.raises(MalformedError, match="UTCTime up to 2049"):
        der.read_time(early, "signing-time")
    party = leaf()
    with pytest.raises(MalformedError, match="without a zone"):
        build_signed_data(
            b"",
            signers=Signer.from_key(party.certificate, party.key),
            signing_time=datetime(2026, 1, 1),  # noqa: DTZ001 - the point
        )


def test_no_signing_time_is_claimed_where_none_is_given(leaf: Any) -> None:
    party = leaf()
    made = build_signed_data(
        b"", signers=Signer.from_key(party.certificate, party.key), signing_time=None
    )
    assert parse(made).signers[0].signing_time is None
    assert verify(parse(made), b"").intact


def test_what_is_signed_fits_into_a_raw_message_of_kms(make: Any, now: datetime) -> None:
    """The largest of X.520's names leave most of KMS's 4,096 bytes."""
    long = ", ".join(f"{kind}={'x' * 64}" for kind in ("O", "OU", "CN", "L", "ST"))
    issuer = make(long, ca=True)
    party = make("CN=leaf", issuer, algorithm="ML_DSA_87")
    seen: list[bytes] = []

    def sign(data: bytes) -> bytes:
        seen.append(data)
        signature: bytes = party.key.sign(data)
        return signature

    made = build_signed_data(
        bytes(10**6), signers=Signer(party.certificate, sign, "ML_DSA_SHAKE_256"), signing_time=now
    )
    assert verify(parse(made), bytes(10**6)).intact
    assert [len(each) < 1024 for each in seen] == [True]


def test_a_signer_with_another_key_is_found_out(leaf: Any, make: Any, now: datetime) -> None:
    party, other = leaf(), make.key("another")
    signer = Signer.from_key(party.certificate, other)
    with pytest.raises(VerificationError, match="it is not ECDSA_SHA_256 by the key of CN=EC"):
        build_signed_data(CONTENT, signers=signer, signing_time=now)


@pytest.mark.parametrize("name", [PKCS1, "ML_DSA_SHAKE_256", "ED25519_PH_SHA_512", "SM2DSA", "x"])
def test_an_algorithm_that_is_not_for_the_key_is_refused(leaf: Any, name: str) -> None:
    party = leaf()
    with pytest.raises(MalformedError, match=f"found {name} for a key of EC_prime256v1"):
        Signer.from_key(party.certificate, party.key, name)


def test_a_certificate_without_key_identifier_cannot_be_named_by_it(
    make: Any, issuing: Any, now: datetime
) -> None:
    party = make("CN=bare", issuing, without=(x509.SubjectKeyIdentifier,))
    signer = Signer.from_key(party.certificate, party.key, by_key_identifier=True)
    with pytest.raises(MalformedError, match="no subject key identifier"):
        build_signed_data(CONTENT, signers=signer, signing_time=now)


def test_a_signer_shows_no_function(leaf: Any) -> None:
    party = leaf()
    assert "sign=" not in repr(Signer.from_key(party.certificate, party.key))


def with_signed_attributes(message: bytes, attributes: bytes) -> bytes:
    """Put another element in the place of the one signer's signed attributes."""
    kind, explicit = _ber.first(message).children()
    *before, infos = explicit.children()[0].children()
    parts = [
        attributes if part.tag == der.context(0) else part.whole
        for part in infos.children()[0].children()
    ]
    signed_data = der.sequence(*(p.whole for p in before), der.set_of(der.sequence(*parts)))
    return der.sequence(kind.whole, der.tagged(0, signed_data))


# What others make.


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("RSA_2048", ()),
        ("RSA_2048", ("-cades", "-md", "sha512")),
        ("RSA_2048", ("-keyopt", "rsa_padding_mode:pss")),
        ("RSA_2048", ("-keyopt", "rsa_padding_mode:pss", "-md", "sha384")),
        ("EC_prime256v1", ("-keyid",)),
        ("EC_secp384r1", ("-nodetach",)),
        ("EC_prime256v1", ("-nodetach", "-stream")),  # BER
        ("EC_prime256v1", ("-nosmimecap", "-outform", "PEM")),
    ],
)
def test_what_openssl_signs_verifies(
    leaf: Any, issuing: Any, now: datetime, openssl: Any, tmp_path: Path,
    key: str, options: tuple[str, ...],
) -> None:  # fmt: skip
    party, out = leaf(key), tmp_path / "out"
    form = () if "-outform" in options else ("-outform", "DER")
    done = openssl(
        "cms", "-sign", "-binary", "-in", CONTENT, "-signer", party.certificate,
        "-inkey", key_pem(party.key), *options, "-certfile", issuing.certificate, *form,
        "-out", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    signed = parse(out.read_bytes())
    assert verify(signed, CONTENT).reasons == ()
    assert not verify(signed, b"other").intact
    assert signed.content == (CONTENT if "-nodetach" in options else None)
    assert signed.signers[0].signing_time is not None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("-noattr",), "it has no signed attributes"),
        (("-md", "sha1"), "the content is hashed with SHA1, which can be forged"),
        (("-md", "sha224"), "the content is hashed with 2.16.840.1.101.3.4.2.4, which is not"),
        (("-nocerts",), "the certificate with serial number"),
    ],
)
def test_what_openssl_signs_otherwise_is_refused(
    leaf: Any, openssl: Any, tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    party, out = leaf("RSA_2048"), tmp_path / "out"
    done = openssl(
        "cms", "-sign", "-binary", "-in", CONTENT, "-signer", party.certificate,
        "-inkey", key_pem(party.key), *options, "-outform", "DER", "-out", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = verify(parse(out.read_bytes()), CONTENT)
    assert not result.intact
    assert any(each.startswith(reason) for each in result.reasons), result.reasons


@pytest.mark.parametrize("pss", [False, True])
def test_what_cryptography_signs_verifies(leaf: Any, issuing: Any, pss: bool) -> None:  # noqa: FBT001 - a table
    party = leaf("RSA_2048")
    filling = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH) if pss else None
    builder = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(CONTENT)
        .add_signer(party.certificate, party.key, hashes.SHA256(), rsa_padding=filling)
        .add_certificate(issuing.certificate)
    )
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    for encoding in (Encoding.DER, Encoding.PEM):
        signed = parse(builder.sign(encoding, options))
        assert verify(signed, CONTENT).reasons == ()
        assert not verify(signed, b"other").intact
    bare = parse(builder.sign(Encoding.DER, [*options, pkcs7.PKCS7Options.NoAttributes]))
    assert "no signed attributes" in verify(bare, CONTENT).reasons[0]


def test_the_signed_attributes_of_one_signature_are_not_the_content_of_another(
    message: bytes,
) -> None:
    """Without signed attributes, the same signature value would be over the SET as content."""
    (info,) = parse(message).signers
    stripped = with_signed_attributes(message, b"")
    assert verify(parse(stripped), info.signed).reasons[0].startswith("it has no signed attributes")


# Reading.


def test_pem_is_read_and_written(message: bytes, openssl: Any, tmp_path: Path) -> None:
    text = cms.to_pem(message)
    assert text.startswith("-----BEGIN CMS-----\n")
    assert parse(text) == parse(message) == parse(text.replace("CMS", "PKCS7"))
    out = tmp_path / "out"
    done = openssl("cms", "-cmsout", "-inform", "DER", "-in", message, "-outform", "PEM",
                   "-out", str(out))  # fmt: skip
    assert (done.returncode, out.read_text()) == (0, text)
    with pytest.raises(MalformedError):
        parse(text.replace("CMS", "CERTIFICATE"))
    with pytest.raises(MalformedError, match="2 of them"):
        parse(text + text)


def test_a_time_stamp_is_put_beside_what_is_there(message: bytes, leaf: Any, now: datetime) -> None:
    """Any CMS message is taken for a token here; none of it is signed by the first signer."""
    first, second = (
        build_signed_data(
            text, signers=Signer.from_key(leaf().certificate, leaf().key), signing_time=now
        )
        for text in (b"1", b"2")
    )
    stamped = add_time_stamp(message, first)
    both = add_time_stamp(stamped, second)
    assert parse(stamped).signers[0].time_stamps == (first,)
    assert set(parse(both).signers[0].time_stamps) == {first, second}
    assert add_time_stamp(stamped, first) == stamped
    assert len(parse(both).signers[0].unsigned_attributes) == 1
    assert verify(parse(both), CONTENT).intact
    with pytest.raises(MalformedError, match="expected number 1"):
        add_time_stamp(message, first, signer=1)
    with pytest.raises(MalformedError):
        add_time_stamp(message, b"no token")


def test_an_attribute_that_stands_twice_is_malformed(message: bytes) -> None:
    (info,) = parse(message).signers
    attribute = next(a for a in info.signed_attributes if a.oid == cms.MESSAGE_DIGEST)
    one = der.sequence(der.oid(attribute.oid), der.set_of(*attribute.values))
    twice = with_signed_attributes(
        message,
        der.retagged(der.context(0), der.set_in_order(_ber.first(info.signed).contents + one)),
    )
    with pytest.raises(MalformedError, match="found 2 values, expected one"):
        parse(twice)


@pytest.mark.parametrize(
    "data",
    [
        b"", "", b"0", b"\x30\x00", b"\x30\x80\x00\x00", "text", b"\x30\x82\xff\xff",
        der.sequence(der.oid(cms.ID_DATA), der.tagged(0, der.primitive(b"x"))),
        b"\x30" * (2 * cms.MOST_BYTES + 1),
    ],
    ids=lambda data: f"{len(data)} bytes {data[:9]!r}",
)  # fmt: skip
def test_what_is_no_message_is_malformed(data: Any) -> None:
    with pytest.raises(MalformedError):
        parse(data)


def test_what_follows_a_message_is_malformed(message: bytes) -> None:
    with pytest.raises(MalformedError, match="exactly one element"):
        parse(message + b"\x05\x00")


@pytest.mark.parametrize(("count", "accepted"), [(32, True), (33, False)])
def test_the_number_of_signers_is_bounded(
    leaf: Any, now: datetime, count: int, accepted: bool  # noqa: FBT001 - a table
) -> None:  # fmt: skip
    party = leaf()
    signers = [Signer.from_key(party.certificate, party.key)] * count
    made = build_signed_data(CONTENT, signers=signers, signing_time=now)
    if accepted:
        assert verify(parse(made), CONTENT).intact
    else:
        with pytest.raises(MalformedError, match="found 33 signers, expected 32 at most"):
            parse(made)


@given(data=st.data())
def test_only_declared_errors_leave_the_reader(message: bytes, data: st.DataObject) -> None:
    """A message with bytes changed, cut out or put in."""
    at = data.draw(st.integers(0, len(message) - 1))
    cut = data.draw(st.integers(0, 3))
    changed = message[:at] + data.draw(st.binary(max_size=4)) + message[at + cut :]
    try:
        signed = parse(changed)
    except MalformedError:
        return
    verify(signed, CONTENT)
    verify(signed)


@given(st.binary(max_size=200))
def test_only_malformed_error_leaves_for_any_bytes(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(data)


@pytest.mark.parametrize("key", ["EC_prime256v1", "RSA_2048", "Ed25519"])
def test_no_changed_byte_of_what_is_signed_is_accepted(leaf: Any, now: datetime, key: str) -> None:
    """Every byte of the SignerInfo, of the content and of the certificate, each in two ways."""
    party = leaf(key)
    made = build_signed_data(
        CONTENT[:40],
        signers=Signer.from_key(party.certificate, party.key),
        signing_time=now,
        attached=True,
    )
    signed = parse(made)
    outer = _ber.first(made)
    *before, infos = outer.children()[1].children()[0].children()
    pieces = (infos.whole, before[2].whole, before[3].whole)
    assert sum(map(len, pieces)) > 0.9 * len(made)
    for piece in pieces:
        start = made.index(piece)
        for at in range(start, start + len(piece)):
            for bits in (0x01, 0x80):
                changed = made[:at] + bytes((made[at] ^ bits,)) + made[at + 1 :]
                try:
                    result = verify(parse(changed))
                except MalformedError:
                    continue
                assert not result.intact, (at, bits)
    assert verify(signed).intact


@given(flip=st.integers(1, 255), position=st.floats(0, 1, exclude_max=True))
def test_no_changed_byte_of_the_signer_is_accepted(
    message: bytes, flip: int, position: float
) -> None:
    infos = _ber.first(message).children()[1].children()[0].children()[-1].whole
    at = len(message) - len(infos) + int(position * len(infos))
    changed = message[:at] + bytes((message[at] ^ flip,)) + message[at + 1 :]
    with contextlib.suppress(MalformedError):
        assert not verify(parse(changed), CONTENT).intact


@pytest.mark.parametrize("cut", [3, 60, -2])
def test_a_message_that_is_cut_off_is_named_in_the_error(message: bytes, cut: int) -> None:
    with pytest.raises(MalformedError, match=r"^CMS message: found its end, expected the rest"):
        parse(message[:cut])


@pytest.mark.parametrize("key", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_ml_dsa_is_written_as_rfc_9882_wants_it(leaf: Any, now: datetime, key: str) -> None:
    """Section 3.3: SHA-512 goes with each set; section 3.2: parameters are absent, in both."""
    party = leaf(key)
    made = build_signed_data(
        CONTENT, signers=Signer.from_key(party.certificate, party.key), signing_time=now
    )
    (info,) = parse(made).signers
    assert info.digest_algorithm == "sha512"
    number = {"44": 17, "65": 18, "87": 19}[key[-2:]]
    sha512 = bytes.fromhex("300b0609608648016503040203")
    ml_dsa = bytes.fromhex(f"300b06096086480165030403{number:02x}")
    (outer,) = made.split(info.signed[4:])[1:]
    assert outer.startswith(ml_dsa)
    assert made.count(sha512) == 3  # of the message, of the signer, and protected
