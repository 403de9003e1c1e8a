from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as rfc6960
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki import _der
from pkilab.pki.crl import Revocation
from pkilab.pki.ocsp import build_request, check, read_response, urls

GOOD, REVOKED, UNKNOWN = rfc6960.OCSPCertStatus
HOUR = timedelta(hours=1)
BIT_STRING = 0x03
CRITICAL = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def respond(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    signer: Any,
    now: datetime,
    *,
    state: rfc6960.OCSPCertStatus = GOOD,
    start: timedelta = -HOUR,
    end: timedelta | None = HOUR,
    by_name: bool = False,
    brings: tuple[x509.Certificate, ...] = (),
    key: Any = None,
    algorithm: Any = None,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> bytes:
    """Answer as a responder does, each detail open to being wrong."""
    encoding = rfc6960.OCSPResponderEncoding
    builder = (
        rfc6960.OCSPResponseBuilder()
        .add_response(
            certificate,
            issuer,
            algorithm or hashes.SHA1(),
            state,
            now + start,
            None if end is None else now + end,
            now - 2 * HOUR if state is REVOKED else None,
            x509.ReasonFlags.superseded if state is REVOKED else None,
        )
        .responder_id(encoding.NAME if by_name else encoding.HASH, signer.certificate)
    )
    if brings:
        builder = builder.certificates(list(brings))
    for value, critical in more:
        builder = builder.add_extension(value, critical)
    private = key or signer.key
    is_ec = isinstance(signer.key, ec.EllipticCurvePrivateKey)
    answer = builder.sign(signer.key, hashes.SHA256() if is_ec else None)
    return made_at(answer, now + min(start, timedelta()), private)


def made_at(answer: rfc6960.OCSPResponse, when: datetime, key: Any) -> bytes:
    """Set producedAt, which cryptography takes from the machine's clock, and sign again."""
    (outer,) = _der.elements(answer.public_bytes(Encoding.DER))
    status, explicit = _der.elements(outer.contents)
    kind, octets = _der.elements(_der.elements(explicit.contents)[0].contents)
    (basic,) = _der.elements(octets.contents)
    tbs, algorithm, _, *certificates = (each.whole for each in _der.elements(basic.contents))
    clock = f"{answer.produced_at_utc:%Y%m%d%H%M%SZ}".encode()
    signed = tbs.replace(clock, f"{when:%Y%m%d%H%M%SZ}".encode(), 1)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    else:
        signature = key.sign(signed)
    parts = [signed, algorithm, _der.encode(BIT_STRING, [b"\0", signature]), *certificates]
    inside = _der.encode(octets.tag, [_der.encode(_der.SEQUENCE, parts)])
    body = _der.encode(_der.SEQUENCE, [kind.whole, inside])
    return _der.encode(_der.SEQUENCE, [status.whole, _der.encode(explicit.tag, [body])])


@pytest.fixture(scope="module")
def issuer(make: Any) -> Any:
    return make("CN=issuing", ca=True)


@pytest.fixture(scope="module")
def leaf(make: Any, issuer: Any) -> x509.Certificate:
    certificate: x509.Certificate = make("CN=leaf", issuer).certificate
    return certificate


@pytest.fixture(scope="module")
def appointed(make: Any, issuer: Any) -> Any:
    return make("CN=responder", issuer, usages=(Usage.OCSP_SIGNING,))


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize(
    ("state", "expected"),
    [(GOOD, Revocation.GOOD), (REVOKED, Revocation.REVOKED), (UNKNOWN, Revocation.UNKNOWN)],
)
def test_the_issuers_answer_is_believed(
    issuer: Any,
    leaf: Any,
    now: datetime,
    state: Any,
    expected: Revocation,
    by_name: bool,  # noqa: FBT001 - a table
) -> None:
    der = respond(leaf, issuer.certificate, issuer, now, state=state, by_name=by_name)
    status = check(der, leaf, issuer.certificate, now)
    assert (status.status, status.reasons) == (expected, ())
    assert (status.this_update, status.next_update) == (now - HOUR, now + HOUR)
    revoked = expected is Revocation.REVOKED
    assert status.revoked_at == (now - 2 * HOUR if revoked else None)
    assert status.reason == ("superseded" if revoked else None)


@pytest.mark.parametrize("algorithm", ["EC_secp384r1", "Ed25519", "ML_DSA_44"])
def test_answers_of_every_algorithm_are_verified(make: Any, now: datetime, algorithm: str) -> None:
    issuer = make("CN=issuing", ca=True, algorithm=algorithm)
    leaf = make("CN=leaf", issuer).certificate
    der = respond(leaf, issuer.certificate, issuer, now)
    assert check(der, leaf, issuer.certificate, now).status is Revocation.GOOD
    spoilt = der[:-1] + bytes([der[-1] ^ 1])
    assert check(spoilt, leaf, issuer.certificate, now).status is Revocation.UNUSABLE


def test_certificate_ids_may_use_sha256(issuer: Any, leaf: Any, now: datetime) -> None:
    der = respond(leaf, issuer.certificate, issuer, now, algorithm=hashes.SHA256())
    assert check(der, leaf, issuer.certificate, now).status is Revocation.GOOD


def test_an_appointed_signers_answer_is_believed(
    issuer: Any, leaf: Any, appointed: Any, now: datetime
) -> None:
    der = respond(leaf, issuer.certificate, appointed, now, brings=(appointed.certificate,))
    assert check(der, leaf, issuer.certificate, now).status is Revocation.GOOD


# How an appointed signer may be none, and what is said.
SIGNERS: dict[str, tuple[dict[str, Any], str]] = {
    "no usage": ({"usages": ()}, "lacks the OCSPSigning usage"),
    "any usage": ({"usages": (Usage.ANY_EXTENDED_KEY_USAGE,)}, "lacks the OCSPSigning usage"),
    "server": ({"usages": (Usage.SERVER_AUTH,)}, "lacks the OCSPSigning usage"),
    "expired": ({"end": -timedelta(minutes=1)}, "is out of date"),
    "not yet valid": ({"start": HOUR}, "is out of date"),
    "unknown critical extension": ({"more": ((CRITICAL, True),)}, "1.2.3.4"),
    "signed by another": ({"signed_by": "stranger"}, "was not appointed by the issuer"),
    "of another CA": ({"issuer": "other"}, "was not appointed by the issuer"),
    "self-signed": ({"issuer": None}, "was not appointed by the issuer"),
}


@pytest.mark.parametrize("name", SIGNERS)
def test_a_signer_nobody_appointed_is_not_believed(
    name: str, make: Any, issuer: Any, leaf: Any, now: datetime
) -> None:
    options, reason = SIGNERS[name]
    options = {"usages": (Usage.OCSP_SIGNING,), "issuer": "issuing"} | options
    above = {"issuing": issuer, "other": make("CN=other", ca=True), None: None}
    above_it = above[options.pop("issuer")]
    if "signed_by" in options:
        options["signed_by"] = make.key("stranger")
    signer = make("CN=responder", above_it, **options)
    der = respond(leaf, issuer.certificate, signer, now, brings=(signer.certificate,))
    status = check(der, leaf, issuer.certificate, now)
    assert status.status is Revocation.UNUSABLE
    assert any(reason in each for each in status.reasons), status.reasons


def test_a_signer_that_is_not_brought_along_is_not_believed(
    issuer: Any, leaf: Any, appointed: Any, now: datetime
) -> None:
    status = check(respond(leaf, issuer.certificate, appointed, now), leaf, issuer.certificate, now)
    assert status.reasons == (
        "the responder it names is neither the issuer nor among the certificates it brings",
    )


def test_the_responder_id_must_name_the_signer(
    make: Any, issuer: Any, leaf: Any, appointed: Any, now: datetime
) -> None:
    """An answer naming the issuer, signed by another key; and one naming a bystander."""
    forged = respond(leaf, issuer.certificate, issuer, now, key=make.key("stranger"))
    assert check(forged, leaf, issuer.certificate, now).reasons == (
        "its signature is damaged or another's",
    )
    crossed = respond(
        leaf, issuer.certificate, appointed, now, key=issuer.key, brings=(appointed.certificate,)
    )
    assert check(crossed, leaf, issuer.certificate, now).status is Revocation.UNUSABLE


# When the answer is out of time, and what is said.
TIMES: dict[str, tuple[dict[str, Any], str]] = {
    "in its first second": ({"start": timedelta()}, ""),
    "before it begins": ({"start": timedelta(seconds=1), "end": HOUR}, "its time begins"),
    "in its last second": ({"end": timedelta()}, ""),
    "after it ends": ({"end": timedelta(seconds=-1)}, "it is stale"),
    "without an end": ({"end": None}, "any age"),
    "unknown critical extension": ({"more": ((CRITICAL, True),)}, "1.2.3.4"),
    "unknown extension": ({"more": ((CRITICAL, False),)}, ""),
}


@pytest.mark.parametrize("name", TIMES)
def test_an_answer_holds_in_its_time_only(name: str, issuer: Any, leaf: Any, now: datetime) -> None:
    options, reason = TIMES[name]
    status = check(
        respond(leaf, issuer.certificate, issuer, now, **options), leaf, issuer.certificate, now
    )
    assert (status.status is Revocation.GOOD) == (not reason)
    assert not reason or any(reason in each for each in status.reasons), status.reasons


def test_an_answer_about_another_certificate_is_not_used(
    make: Any, issuer: Any, leaf: Any, now: datetime
) -> None:
    """The good answer of a neighbour, replayed."""
    neighbour = make("CN=neighbour", issuer).certificate
    der = respond(neighbour, issuer.certificate, issuer, now)
    status = check(der, leaf, issuer.certificate, now)
    assert [each[:31] for each in status.reasons] == ["it is about another certificate"[:31]]
    assert check(der, neighbour, issuer.certificate, now).status is Revocation.GOOD


def test_an_answer_about_another_issuer_is_not_used(
    make: Any, issuer: Any, leaf: Any, now: datetime
) -> None:
    """The same serial number below another CA; and a CA of the same name with another key."""
    other = make("CN=other", ca=True)
    twin = make("CN=leaf", other).certificate
    assert twin.serial_number == leaf.serial_number
    der = respond(twin, other.certificate, issuer, now)
    reasons = check(der, leaf, issuer.certificate, now).reasons
    assert "it is about certificates of an issuer with another name" in reasons
    assert "it is about certificates of an issuer with another key" in reasons
    impostor = make("CN=issuing", ca=True, key_label="impostor")
    der = respond(leaf, impostor.certificate, impostor, now)
    assert check(der, leaf, issuer.certificate, now).status is Revocation.UNUSABLE
    fooled = check(der, leaf, impostor.certificate, now)
    assert fooled.reasons == ("the issuer given did not issue the certificate",)


def test_an_answer_from_the_future_is_not_used(issuer: Any, leaf: Any, now: datetime) -> None:
    """RFC 6960, 3.2: producedAt after the time of asking, though the update times fit."""
    der = respond(leaf, issuer.certificate, issuer, now)
    assert check(der, leaf, issuer.certificate, now).status is Revocation.GOOD
    later = made_at(read_response(der), now + HOUR, issuer.key)
    status = check(later, leaf, issuer.certificate, now)
    assert [each[:14] for each in status.reasons] == ["it was made at"]


def test_a_responder_without_an_answer_is_heard_as_such(
    issuer: Any, leaf: Any, now: datetime
) -> None:
    busy = rfc6960.OCSPResponseBuilder.build_unsuccessful(rfc6960.OCSPResponseStatus.TRY_LATER)
    status = check(busy.public_bytes(Encoding.DER), leaf, issuer.certificate, now)
    assert status.status is Revocation.UNUSABLE
    assert status.reasons == ("the responder gave no answer but TRY_LATER",)


def test_a_nonce_must_come_back(issuer: Any, leaf: Any, now: datetime) -> None:
    nonce = b"0123456789abcdef"
    der = respond(leaf, issuer.certificate, issuer, now, more=((x509.OCSPNonce(nonce), False),))
    without = respond(leaf, issuer.certificate, issuer, now)
    for answer, sent, expected in (
        (der, nonce, Revocation.GOOD),
        (der, None, Revocation.GOOD),
        (der, b"another", Revocation.UNUSABLE),
        (without, nonce, Revocation.UNUSABLE),
    ):
        assert check(answer, leaf, issuer.certificate, now, nonce=sent).status is expected


@given(data=st.data())
def test_a_damaged_answer_is_malformed_or_unusable(
    data: Any, issuer: Any, leaf: Any, appointed: Any, now: datetime
) -> None:
    """One byte changed in what is signed, or in who signed it, never passes."""
    der = bytearray(respond(leaf, issuer.certificate, issuer, now, state=REVOKED))
    place = data.draw(st.integers(0, len(der) - 1))
    der[place] ^= data.draw(st.integers(1, 255))
    try:
        status = check(bytes(der), leaf, issuer.certificate, now)
    except MalformedError:
        return
    assert status.status is not Revocation.GOOD


@given(st.binary())
def test_any_bytes_are_an_answer_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_response(data)


def test_a_request_is_what_openssl_asks(
    issuer: Any, leaf: Any, openssl: Callable[..., Any], tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.der", tmp_path / "theirs.der"
    ours.write_bytes(build_request(leaf, issuer.certificate))
    openssl(
        "ocsp", "-issuer", issuer.certificate, "-cert", leaf, "-no_nonce", "-reqout", str(theirs)
    )
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("spoilt", [False, True])
def test_openssl_agrees_on_an_answer(
    issuer: Any,
    leaf: Any,
    now: datetime,
    openssl: Callable[..., Any],
    tmp_path: Path,
    spoilt: bool,  # noqa: FBT001 - a table
) -> None:
    der = respond(leaf, issuer.certificate, issuer, now)
    der = der[:-1] + bytes([der[-1] ^ spoilt])
    path = tmp_path / "answer.der"
    path.write_bytes(der)
    done = openssl(
        "ocsp", "-respin", str(path), "-issuer", issuer.certificate, "-cert", leaf, "-no_nonce",
        "-CAfile", issuer.certificate, "-attime", str(int(now.timestamp())),
        "-trust_other", "-verify_other", issuer.certificate,
    )  # fmt: skip
    assert ("Response verify OK" in done.stderr) == (not spoilt)
    status = check(der, leaf, issuer.certificate, now).status
    assert status is (Revocation.UNUSABLE if spoilt else Revocation.GOOD)


def test_a_time_without_a_zone_is_refused(issuer: Any, leaf: Any, now: datetime) -> None:
    der = respond(leaf, issuer.certificate, issuer, now)
    with pytest.raises(MalformedError, match="without a zone"):
        check(der, leaf, issuer.certificate, now.replace(tzinfo=None))


@pytest.mark.parametrize("size", [1, 32])
def test_a_nonce_is_sent_as_openssl_reads_it(
    issuer: Any, leaf: Any, openssl: Callable[..., Any], tmp_path: Path, size: int
) -> None:
    nonce = bytes(range(0xA0, 0xA0 + size))
    (tmp_path / "request.der").write_bytes(build_request(leaf, issuer.certificate, nonce=nonce))
    shown = openssl("ocsp", "-reqin", str(tmp_path / "request.der"), "-req_text").stdout
    printed = shown.split("OCSP Nonce:")[1].replace("\n", "").replace(" ", "")
    assert nonce.hex().upper() in printed
    without = rfc6960.load_der_ocsp_request(build_request(leaf, issuer.certificate))
    assert list(without.extensions) == []


@pytest.mark.parametrize("size", [0, 33])
def test_a_nonce_of_another_size_is_refused(issuer: Any, leaf: Any, size: int) -> None:
    """RFC 8954, 2.1."""
    with pytest.raises(MalformedError, match=f"nonce: found {size} bytes, expected 1 to 32"):
        build_request(leaf, issuer.certificate, nonce=bytes(size))


@pytest.mark.parametrize(
    ("back", "required", "reason"),
    [
        ("same", True, ""),
        ("same", False, ""),
        (None, False, ""),
        (None, True, "it does not carry the nonce that was sent"),
        ("other", False, "it carries another nonce than was sent"),
        ("other", True, "it carries another nonce than was sent"),
    ],
)
def test_a_nonce_may_be_absent_if_none_is_required_and_never_another(
    issuer: Any, leaf: Any, now: datetime, back: str | None, *, required: bool, reason: str
) -> None:
    nonces = {"same": b"n" * 32, "other": b"o" * 32}
    more = ((x509.OCSPNonce(nonces[back]), False),) if back else ()
    der = respond(leaf, issuer.certificate, issuer, now, more=more)
    status = check(
        der, leaf, issuer.certificate, now, nonce=nonces["same"], nonce_required=required
    )
    assert status.reasons == ((reason,) if reason else ())
    assert (status.status is Revocation.GOOD) == (not reason)


def test_only_urls_of_a_responder_are_read(make: Any, issuer: Any) -> None:
    """Not where the issuer's certificate lies, nor a name that is no URL."""
    uri = x509.UniformResourceIdentifier
    places = [
        (x509.AuthorityInformationAccessOID.CA_ISSUERS, uri("http://ca.test/ca.cer")),
        (x509.AuthorityInformationAccessOID.OCSP, x509.DNSName("ocsp.test")),
        (x509.AuthorityInformationAccessOID.OCSP, uri("http://ocsp.test")),
    ]
    access = x509.AuthorityInformationAccess([x509.AccessDescription(*each) for each in places])
    named = make("CN=leaf", issuer, more=((access, False),)).certificate
    assert urls(named) == ("http://ocsp.test",)
    assert urls(make("CN=leaf", issuer).certificate) == ()
