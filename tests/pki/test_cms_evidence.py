"""CRLs, OCSP answers and certificates put into a message that is signed already."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as rfc6960
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki import _cms_asn1 as der
from pkilab.pki import cms
from pkilab.pki.cms import Signer
from pkilab.pki.cms_evidence import add_evidence, ocsp_responses

CONTENT = b"release 1.0"


@pytest.fixture(scope="module")
def ca(make: Any) -> Any:
    return make("CN=CA", ca=True)


@pytest.fixture(scope="module")
def leaf(make: Any, ca: Any) -> Any:
    return make("CN=leaf", ca)


@pytest.fixture(scope="module")
def message(leaf: Any, now: datetime) -> bytes:
    return cms.build_signed_data(
        CONTENT, signers=Signer.from_key(leaf.certificate, leaf.key), signing_time=now
    )


@pytest.fixture(scope="module")
def answer(ca: Any, leaf: Any, now: datetime) -> bytes:
    builder = rfc6960.OCSPResponseBuilder().add_response(
        leaf.certificate, ca.certificate, hashes.SHA1(), rfc6960.OCSPCertStatus.GOOD, now,
        now + timedelta(hours=1), None, None,
    )  # fmt: skip
    identified = builder.responder_id(rfc6960.OCSPResponderEncoding.HASH, ca.certificate)
    return identified.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.DER)


def version(message: bytes) -> int:
    signed_data = der.whole(message, "message").children()[1].children()[0]
    return der.integer(signed_data.children()[0], "version")


def test_what_was_added_is_read_again_and_the_signature_holds(
    make: Any, ca: Any, message: bytes, answer: bytes
) -> None:
    crl = make.crl(ca)
    made = add_evidence(message, crls=[crl], ocsp_responses=[answer], certificates=[ca.certificate])
    signed, before = cms.parse(made), cms.parse(message)
    assert signed.crls == (crl,)
    assert ocsp_responses(signed) == (answer,)
    assert set(signed.certificates) == {*before.certificates, ca.certificate}
    assert signed.signers == before.signers
    assert cms.verify(signed, CONTENT).intact
    assert not cms.verify(signed, b"other").intact


def test_the_version_says_whether_there_is_more_than_crls(
    make: Any, ca: Any, message: bytes, answer: bytes
) -> None:
    """RFC 5652, 5.1: 5 with OCSP answers, and otherwise as it was."""
    assert version(message) == 1
    assert version(add_evidence(message, crls=[make.crl(ca)])) == 1
    with_answer = add_evidence(message, ocsp_responses=[answer])
    assert version(with_answer) == 5
    assert version(add_evidence(with_answer, crls=[make.crl(ca)])) == 5


def test_adding_nothing_or_the_same_twice_changes_nothing(
    make: Any, ca: Any, message: bytes, answer: bytes
) -> None:
    assert add_evidence(message) == message
    more: dict[str, Any] = {"crls": [make.crl(ca)], "ocsp_responses": [answer, answer]}
    once = add_evidence(message, **more)
    assert add_evidence(once, **more) == once
    assert add_evidence(cms.to_pem(message).encode(), **more) == once
    in_two = add_evidence(add_evidence(message, crls=more["crls"]), ocsp_responses=[answer])
    assert in_two == once


def test_a_message_without_any_has_none(message: bytes) -> None:
    assert ocsp_responses(cms.parse(message)) == ()
    assert cms.parse(message).crls == ()


def test_what_is_no_message_or_no_answer_is_refused(message: bytes) -> None:
    with pytest.raises(MalformedError):
        add_evidence(b"nothing")
    with pytest.raises(MalformedError, match="OCSP response"):
        add_evidence(message, ocsp_responses=[b"nothing"])


def test_openssl_reads_both(
    make: Any, ca: Any, message: bytes, answer: bytes, openssl: Any
) -> None:
    """It prints the lists, and the answers as of another format."""
    made = add_evidence(message, crls=[make.crl(ca)], ocsp_responses=[answer])
    done = openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", made)
    assert done.returncode == 0
    assert "d.crl:" in done.stdout
    assert "d.other:" in done.stdout
    # This openssl has no name for id-ri-ocsp-response.
    assert "1.3.6.1.5.5.7.16.2" in done.stdout


@given(data=st.data())
def test_whatever_stands_in_a_message_declared_errors_alone_leave(
    message: bytes, answer: bytes, data: st.DataObject
) -> None:
    changed = bytearray(add_evidence(message, ocsp_responses=[answer]))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = ocsp_responses(cms.parse(bytes(changed)))
    except MalformedError:
        return
    assert all(isinstance(each, bytes) for each in found)
