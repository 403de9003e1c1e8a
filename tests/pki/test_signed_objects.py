"""The sample's own object, and what its validation leaves open, beside what CMS would catch."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError, VerificationError
from pkilab.pki import _cms_asn1 as der
from pkilab.pki import cms, signed_objects
from pkilab.pki.cms import Signer
from pkilab.pki.pem import to_pem
from pkilab.pki.signature_trust import Revocations, judge
from pkilab.pki.signed_objects import NOT_CHECKED, build, parse, validate

DATA = b"The data that I want signed"
CODE = (Usage.CODE_SIGNING,)


@pytest.fixture(scope="module")
def root(make: Any) -> Any:
    return make("CN=CodeSigningRoot", ca=True, algorithm="RSA_2048")


@pytest.fixture(scope="module")
def subordinate(make: Any, root: Any) -> Any:
    return make("CN=CodeSigningSubordinate", root, ca=True, path_length=0, algorithm="RSA_2048")


@pytest.fixture(scope="module")
def leaf(make: Any, subordinate: Any) -> Any:
    return make("CN=CodeSigningCertificate", subordinate, algorithm="RSA_2048", usages=CODE)


@pytest.fixture(scope="module")
def text(leaf: Any) -> str:
    return build(DATA, Signer.from_key(leaf.certificate, leaf.key))


def chain_of(*parties: Any) -> str:
    return to_pem(*(each.certificate for each in parties))


def root_of(party: Any) -> str:
    return to_pem(party.certificate)


def test_an_object_is_validated_with_its_chain(
    text: str, root: Any, subordinate: Any, leaf: Any, now: datetime
) -> None:
    read = parse(text)
    assert (read.data, read.subject) == (DATA, leaf.certificate.subject.public_bytes())
    assert not isinstance(read.algorithm, str)
    assert read.algorithm.name == "RSASSA_PKCS1_V1_5_SHA_256"
    verdict = validate(read, root_of(root), chain_of(leaf, subordinate, root), at=now, data=DATA)
    assert (verdict.trusted, verdict.reasons) == (True, ())
    assert verdict.chain == (leaf.certificate, subordinate.certificate, root.certificate)


def test_the_text_is_the_samples(text: str, openssl: Any) -> None:
    """Lines of 64 between its own header and footer; openssl asn1parse shows the structure."""
    first, *lines, last = text.splitlines()
    assert (first, last) == ("-----BEGIN CUSTOM OBJECT-----", "-----END CUSTOM OBJECT-----")
    assert {len(line) for line in lines[:-1]} == {64}
    shown = openssl("asn1parse", "-in", text.encode())
    assert shown.returncode == 0
    kinds = re.findall(r"(?:cons|prim): (\w+(?: STRING)?)", shown.stdout)
    assert kinds == [
        "SEQUENCE", "SEQUENCE", "BIT STRING", "SEQUENCE", "SET", "SEQUENCE", "OBJECT",
        "UTF8STRING", "SEQUENCE", "OBJECT", "NULL", "BIT STRING",
    ]  # fmt: skip
    assert ":sha256WithRSAEncryption" in shown.stdout


def test_openssl_verifies_the_signature_over_the_first_element(
    text: str, leaf: Any, openssl: Any
) -> None:
    public = leaf.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    read = parse(text)
    for signed, code in ((read.signed, 0), (read.signed + b"!", 1)):
        done = openssl("dgst", "-sha256", "-verify", public, "-signature", read.signature, signed)
        assert done.returncode == code


def test_a_bit_of_the_data_changed_is_refused(
    text: str, root: Any, subordinate: Any, leaf: Any, now: datetime
) -> None:
    signed = parse(text)
    changed = signed.signed.replace(DATA, b"U" + DATA[1:])
    forged = der.sequence(
        changed,
        der.algorithm_identifier("1.2.840.113549.1.1.11", b"\x05\x00"),
        der.bit_string(signed.signature),
    )
    verdict = validate(parse(forged), root_of(root), chain_of(leaf, subordinate), at=now)
    assert verdict.reasons == ("the signature is not by the key of CN=CodeSigningCertificate",)


def test_no_path_is_refused(
    text: str, make: Any, root: Any, subordinate: Any, leaf: Any, now: datetime
) -> None:
    other = make("CN=CodeSigningRoot", ca=True, key_label="another")
    asked: Any = {"at": now}
    whole = chain_of(leaf, subordinate)
    assert validate(parse(text), root_of(root), whole, **asked).trusted
    for root_pem, chain, reason in (
        (root_of(other), whole, "the signature of CN=CodeSigningSubordinate is not by"),
        (root_of(root), chain_of(leaf), "no path to a trusted root"),
        (root_of(root), chain_of(subordinate), "no certificate has the subject"),
    ):
        verdict = validate(parse(text), root_pem, chain, **asked)
        assert not verdict.trusted
        assert reason in verdict.reasons[0]


@pytest.mark.parametrize(
    ("outer", "inner"), [(2, 2), (4, 2), (3, 1), (3, 3)], ids=lambda count: f"{count}"
)
def test_another_number_of_elements_is_malformed(
    text: str, leaf: Any, outer: int, inner: int
) -> None:
    """The sample raises IllegalArgumentException("Unexpected object length")."""
    more = der.primitive(0)
    tbs = [der.bit_string(DATA), leaf.certificate.subject.public_bytes(), more][:inner]
    parts = [
        der.sequence(*tbs),
        der.algorithm_identifier("1.2.840.113549.1.1.11", b"\x05\x00"),
        der.bit_string(parse(text).signature),
        more,
    ]
    with pytest.raises(MalformedError, match="signed object"):
        parse(der.sequence(*parts[:outer]))


@pytest.mark.parametrize("data", ["", b"", "text", b"\x30\x00", b"0" * (2 * 16 * 2**20 + 1)])
def test_what_is_no_object_is_malformed(data: Any) -> None:
    with pytest.raises(MalformedError):
        parse(data)


def test_two_objects_in_one_text_are_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="2 of them"):
        parse(text + text)
    with pytest.raises(MalformedError):
        parse(text.replace("CUSTOM OBJECT", "CMS"))


def test_a_broken_byte_is_malformed(leaf: Any) -> None:
    """The sample's bit strings are whole bytes."""
    tbs = der.sequence(b"\x03\x02\x01\x80", leaf.certificate.subject.public_bytes())
    algorithm = der.algorithm_identifier("1.2.840.113549.1.1.11", b"\x05\x00")
    with pytest.raises(MalformedError, match="a BIT STRING of bytes"):
        parse(der.sequence(tbs, algorithm, der.bit_string(b"")))


def test_an_algorithm_that_is_not_modelled_is_refused(
    text: str, root: Any, subordinate: Any, leaf: Any, now: datetime
) -> None:
    signed = parse(text)
    sha1 = der.algorithm_identifier("1.2.840.113549.1.1.5", b"\x05\x00")
    named = parse(der.sequence(signed.signed, sha1, der.bit_string(signed.signature)))
    verdict = validate(named, root_of(root), chain_of(leaf, subordinate), at=now)
    assert verdict.reasons == ("it is signed with 1.2.840.113549.1.1.5, which is not modelled",)


def test_a_signer_with_another_key_is_found_out(leaf: Any, subordinate: Any) -> None:
    with pytest.raises(VerificationError, match="by the key of CN=CodeSigningCertificate"):
        build(DATA, Signer.from_key(leaf.certificate, subordinate.key))
    with pytest.raises(MalformedError, match="found ECDSA_SHA_256 for a key of RSA_2048"):
        build(DATA, Signer.from_key(leaf.certificate, leaf.key, "ECDSA_SHA_256"))


@pytest.mark.parametrize("algorithm", ["EC_prime256v1", "Ed25519", "ML_DSA_65"])
def test_other_keys_sign_objects_too(
    make: Any, root: Any, subordinate: Any, now: datetime, algorithm: str
) -> None:
    party = make("CN=other", subordinate, algorithm=algorithm, usages=CODE)
    signed = parse(build(b"", Signer.from_key(party.certificate, party.key)))
    asked: Any = {"at": now}
    assert signed.data == b""
    assert validate(signed, root_of(root), chain_of(party, subordinate), **asked).trusted
    assert not validate(
        signed, root_of(root), chain_of(party, subordinate), data=DATA, **asked
    ).trusted


@given(data=st.binary(max_size=300))
def test_any_data_comes_back(leaf: Any, data: bytes) -> None:
    assert parse(build(data, Signer.from_key(leaf.certificate, leaf.key))).data == data


@given(data=st.data())
def test_only_malformed_error_leaves_and_no_change_is_accepted(
    text: str, root: Any, subordinate: Any, leaf: Any, now: datetime, data: Any
) -> None:
    signed = parse(text)
    whole = der.sequence(
        signed.signed,
        der.algorithm_identifier("1.2.840.113549.1.1.11", b"\x05\x00"),
        der.bit_string(signed.signature),
    )
    at, cut = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 3))
    changed = whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + cut :]
    with contextlib.suppress(MalformedError):
        read = parse(changed)
        verdict = validate(read, root_of(root), chain_of(leaf, subordinate), at=now)
        assert not verdict.trusted or read.signed == signed.signed


# What the sample leaves open (`NOT_CHECKED`, in its order), each beside CMS, which does not.


def cms_verdict(party: Any, subordinate: Any, root: Any, at: datetime, **more: Any) -> Any:
    message = cms.build_signed_data(
        DATA,
        signers=Signer.from_key(party.certificate, party.key),
        signing_time=at,
        chain=[subordinate.certificate],
    )
    arguments: dict[str, Any] = {"content": DATA, "roots": [root.certificate], "at": at}
    return judge(cms.parse(message), **(arguments | more))


def test_there_are_five_things_left_open() -> None:
    assert len(NOT_CHECKED) == 5


def test_open_what_the_certificate_is_for(
    make: Any, root: Any, subordinate: Any, now: datetime
) -> None:
    server = make(
        "CN=server", subordinate, algorithm="RSA_2048", usages=(Usage.SERVER_AUTH,), dns=("a.test",)
    )
    signed = parse(build(DATA, Signer.from_key(server.certificate, server.key)))
    assert validate(signed, root_of(root), chain_of(server, subordinate), at=now).trusted
    verdict = cms_verdict(server, subordinate, root, now)
    assert "it is for serverAuth, not for codeSigning" in verdict.explain()


def test_open_revocation(
    make: Any, text: str, root: Any, subordinate: Any, leaf: Any, now: datetime
) -> None:
    crls = (make.crl(subordinate, (leaf.certificate,)), make.crl(root))
    assert validate(parse(text), root_of(root), chain_of(leaf, subordinate), at=now).trusted
    verdict = cms_verdict(leaf, subordinate, root, now, revocation=Revocations(crls))
    assert "CN=CodeSigningCertificate was revoked" in verdict.explain()


def test_open_when_it_was_signed(
    text: str, root: Any, subordinate: Any, leaf: Any, now: datetime
) -> None:
    """The object has no place for a time: what was signed in time ends with the certificate."""
    later = now + timedelta(days=366)
    verdict = validate(parse(text), root_of(root), chain_of(leaf, subordinate), at=later)
    assert "CN=CodeSigningCertificate has expired" in verdict.reasons[0]
    assert set(signed_objects.SignedObject.__slots__) == {
        "data", "subject", "algorithm", "signature", "signed",
    }  # fmt: skip


def test_open_which_certificate(
    make: Any, text: str, root: Any, subordinate: Any, leaf: Any, now: datetime
) -> None:
    """A renewed certificate, with the same subject, spoils an object that was good."""
    again = make(
        "CN=CodeSigningCertificate", subordinate, algorithm="RSA_2048", usages=CODE, serial=2
    )
    both = chain_of(leaf, again, subordinate)
    verdict = validate(parse(text), root_of(root), both, at=now)
    assert verdict.reasons == ("2 certificates have the subject that the object names",)
    same = validate(parse(text), root_of(root), chain_of(leaf, leaf, subordinate), at=now)
    assert same.trusted
    assert cms_verdict(leaf, subordinate, root, now, intermediates=[again.certificate]).trusted


def test_open_which_data(text: str, root: Any, subordinate: Any, leaf: Any, now: datetime) -> None:
    """An old object in the place of a new one is validated, unless the caller compares."""
    asked: Any = {"at": now}
    chain = chain_of(leaf, subordinate)
    assert validate(parse(text), root_of(root), chain, **asked).trusted
    verdict = validate(parse(text), root_of(root), chain, data=b"version 2", **asked)
    assert verdict.reasons == ("other data was signed",)
