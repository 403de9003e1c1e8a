"""Time stamps asked for, given and believed, with ``openssl ts`` as each of the three in turn."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError, VerificationError
from pkilab.pki import _cms_asn1 as der
from pkilab.pki import cms, pem, timestamps
from pkilab.pki.cms import Signer
from pkilab.pki.timestamps import (
    Failure,
    build_request,
    parse_request,
    parse_response,
    parse_token,
    respond,
    verify,
)

POLICY, OTHER = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"
MESSAGE = b"a signature value"
DIGEST = hashlib.sha256(MESSAGE).digest()
STAMPING = (x509.ExtendedKeyUsage([Usage.TIME_STAMPING]), True)
SIGNING = (x509.KeyUsage(True, True, *(False,) * 7), True)  # no bit beside these two
# The openssl command line takes the machine's time, which these must hold.
LONG: dict[str, Any] = {"start": timedelta(days=-3650), "end": timedelta(days=18_000)}
STAMPS: dict[str, Any] = {**LONG, "key_usage": False, "more": (STAMPING, SIGNING)}


@pytest.fixture(scope="module")
def root(make: Any) -> Any:
    return make("CN=time root", ca=True, **LONG)


@pytest.fixture(scope="module")
def issuing(make: Any, root: Any) -> Any:
    return make("CN=time issuing", root, ca=True, **LONG)


@pytest.fixture(scope="module")
def authority(make: Any, issuing: Any) -> Any:
    return make("CN=authority", issuing, **STAMPS)


@pytest.fixture(scope="module")
def answer(authority: Any, issuing: Any, now: datetime) -> Callable[..., bytes]:
    """Answer a request as the authority does, each detail open to being another."""

    def answered(request: bytes | None = None, party: Any = authority, **changes: Any) -> bytes:
        arguments = {"serial": 7, "at": now, "policy": POLICY, "chain": [issuing.certificate]}
        return respond(
            build_request(DIGEST, nonce=99) if request is None else request,
            signer=Signer.from_key(party.certificate, party.key),
            **(arguments | changes),
        )

    return answered


def token_of(response: bytes) -> bytes:
    token = parse_response(response).token
    assert token is not None
    return token


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("nonce", [None, 0, 2**127 + 1])
@pytest.mark.parametrize("certificates", [False, True])
@pytest.mark.parametrize("policy", [None, OTHER])
def test_a_request_is_what_openssl_writes(
    openssl: Any, tmp_path: Path,
    algorithm: str, nonce: int | None, certificates: bool, policy: str | None,  # noqa: FBT001 - a table
) -> None:  # fmt: skip
    """All but the nonce, which openssl draws: there the values are compared."""
    digest = hashlib.new(algorithm, MESSAGE).digest()
    own = build_request(digest, algorithm, nonce=nonce, certificates=certificates, policy=policy)
    read = parse_request(own)
    assert (read.hash_name, read.digest, read.nonce) == (algorithm, digest, nonce)
    assert (read.certificates, read.policy, read.extensions) == (certificates, policy, ())
    out = tmp_path / "query"
    options = ("-cert",) * certificates + (("-tspolicy", policy) if policy else ())
    options += ("-no_nonce",) if nonce is None else ()
    done = openssl("ts", "-query", "-data", MESSAGE, f"-{algorithm}", *options, "-out", str(out))
    assert done.returncode == 0, done.stderr
    theirs = parse_request(out.read_bytes())
    if nonce is None:
        # openssl writes the hash's parameters as NULL; both are allowed (RFC 5754, 2).
        assert theirs == read
    else:
        assert theirs.nonce
        assert theirs.digest == read.digest


@pytest.mark.parametrize("key", ["EC_prime256v1", "EC_secp384r1", "RSA_2048"])
def test_a_token_is_believed_and_openssl_agrees(
    make: Any, issuing: Any, root: Any, answer: Any, now: datetime, openssl: Any, key: str
) -> None:
    party = make(f"CN=authority {key}", issuing, algorithm=key, **STAMPS)
    accuracy = timedelta(seconds=1, milliseconds=20, microseconds=300)
    request = build_request(DIGEST, nonce=99)
    response = answer(request, party, accuracy=accuracy)
    verdict = verify(
        token_of(response), message=MESSAGE, roots=[root.certificate], at=now, nonce=99
    )
    assert (verdict.trusted, verdict.reasons) == (True, ())
    token = verdict.token
    assert token is not None
    assert (token.at, token.accuracy, token.serial, token.policy) == (now, accuracy, 7, POLICY)
    assert (token.earliest, token.latest) == (now - accuracy, now + accuracy)
    assert [each == party.certificate for each in verdict.chain] == [True, False, False]

    def ask(trusted: x509.Certificate, data: bytes) -> int:
        done = openssl(
            "ts", "-verify", "-in", response, "-data", data, "-CAfile", trusted,
            "-attime", str(int(now.timestamp())),
        )  # fmt: skip
        code: int = done.returncode
        return code

    assert ask(root.certificate, MESSAGE) == 0
    assert ask(root.certificate, b"other") != 0
    assert ask(make("CN=other", ca=True).certificate, MESSAGE) != 0
    done = openssl("ts", "-verify", "-in", response, "-queryfile", request,
                   "-CAfile", root.certificate, "-attime", str(int(now.timestamp())))  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("key", ["Ed25519", "ML_DSA_44"])
def test_a_token_may_be_signed_with_newer_algorithms(
    make: Any, issuing: Any, root: Any, answer: Any, now: datetime, key: str
) -> None:
    party = make(f"CN=authority {key}", issuing, algorithm=key, **STAMPS)
    token = token_of(answer(party=party))
    assert verify(token, message=MESSAGE, roots=[root.certificate], at=now).trusted
    assert not verify(token, message=b"other", roots=[root.certificate], at=now).trusted


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
@pytest.mark.parametrize("named", ["yes", "no"])
@pytest.mark.parametrize("ess", ["sha1", "sha256", "sha384"])
def test_a_token_of_openssl_is_believed(
    authority: Any, issuing: Any, root: Any, openssl: Any, tmp_path: Path,
    hash_name: str, named: str, ess: str,
) -> None:  # fmt: skip
    """Also with the older signing-certificate, by SHA-1, and with the authority's own name."""
    key = authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, data in {
        "key.pem": key,
        "cert.pem": pem.to_pem(authority.certificate).encode(),
        "chain.pem": pem.to_pem(issuing.certificate).encode(),
        "serial": b"1F\n",
        "ts.cnf": f"""
            [tsa]
            default_tsa = one
            [one]
            serial = {tmp_path}/serial
            signer_cert = {tmp_path}/cert.pem
            certs = {tmp_path}/chain.pem
            signer_key = {tmp_path}/key.pem
            signer_digest = sha256
            default_policy = {POLICY}
            other_policies = {OTHER}
            digests = sha256, sha512
            accuracy = secs:1, millisecs:500, microsecs:100
            clock_precision_digits = 6
            tsa_name = {named}
            ess_cert_id_chain = yes
            ess_cert_id_alg = {ess}
            """.encode(),
    }.items():
        (tmp_path / name).write_bytes(data)
    out = tmp_path / "reply"

    def reply(request: bytes) -> bytes:
        done = openssl("ts", "-reply", "-config", str(tmp_path / "ts.cnf"), "-queryfile", request,
                       "-out", str(out))  # fmt: skip
        assert done.returncode == 0, done.stderr
        return out.read_bytes()

    digest = hashlib.new(hash_name, MESSAGE).digest()
    token = token_of(reply(build_request(digest, hash_name, nonce=2**64)))
    read = parse_token(token)
    assert (read.nonce, read.serial, read.policy) == (2**64, 0x20, POLICY)
    assert read.accuracy == timedelta(seconds=1, microseconds=500_100)
    assert (read.authority is not None) == (named == "yes")
    arguments = {"roots": [root.certificate], "at": read.at}
    assert verify(token, message=MESSAGE, nonce=2**64, **arguments).reasons == ()
    assert not verify(token, message=b"other", **arguments).trusted
    rejected = parse_response(reply(build_request(hashlib.sha384(b"").digest(), "sha384")))
    assert (rejected.status, rejected.failure, rejected.token) == (2, Failure.BAD_ALG, None)
    rejected = parse_response(reply(build_request(digest, hash_name, policy="1.2.3")))
    assert (rejected.status, rejected.failure) == (2, Failure.UNACCEPTED_POLICY)


EXTENSION = der.sequence(der.oid("1.2.3.4"), der.primitive(b""))
CRITICAL = der.sequence(der.oid("1.2.3.4"), der.primitive(True), der.primitive(b""))


def with_extension(request: bytes) -> bytes:
    return der.sequence(der.whole(request, "request").contents, der.tagged(0, EXTENSION))


SHA1 = der.sequence(
    der.primitive(1),
    der.sequence(der.algorithm_identifier("1.3.14.3.2.26"), der.primitive(bytes(20))),
)
SHORT = der.sequence(
    der.primitive(1),
    der.sequence(der.algorithm_identifier("2.16.840.1.101.3.4.2.1"), der.primitive(bytes(20))),
)


@pytest.mark.parametrize(
    ("request_", "failure"),
    [
        (b"", Failure.BAD_DATA_FORMAT),
        (b"\x30\x00", Failure.BAD_DATA_FORMAT),
        (bytes(20_000), Failure.BAD_DATA_FORMAT),
        (SHORT, Failure.BAD_DATA_FORMAT),
        (SHA1, Failure.BAD_ALG),
        (build_request(DIGEST, policy="1.2.3"), Failure.UNACCEPTED_POLICY),
        (with_extension(build_request(DIGEST)), Failure.UNACCEPTED_EXTENSION),
    ],
)
def test_an_authority_says_why_it_gives_no_token(
    answer: Any, openssl: Any, request_: bytes, failure: Failure
) -> None:
    response = answer(request_)
    read = parse_response(response)
    assert (read.status, read.failure, read.token) == (2, failure, None)
    assert read.text
    shown = openssl("ts", "-reply", "-in", response, "-text")
    assert shown.returncode == 0, shown.stderr
    assert f"Status description: {read.text}" in shown.stdout
    assert "Failure info: unspecified" not in shown.stdout


def test_a_policy_that_is_offered_is_granted(answer: Any, root: Any, now: datetime) -> None:
    token = token_of(answer(build_request(DIGEST, policy=OTHER), other_policies=[OTHER]))
    assert parse_token(token).policy == OTHER
    accepted = {"message": MESSAGE, "roots": [root.certificate], "at": now}
    assert verify(token, policies=[OTHER], **accepted).trusted
    assert verify(token, policies=[POLICY], **accepted).reasons == (
        f"its policy, {OTHER}, is not among those accepted",
    )


def test_certificates_come_only_if_asked_for(
    answer: Any, authority: Any, issuing: Any, root: Any, now: datetime
) -> None:
    """RFC 3161, 2.4.1, certReq; openssl wants them in the token."""
    token = token_of(answer(build_request(DIGEST, certificates=False)))
    assert parse_token(token).signed.certificates == ()
    asked = {"message": MESSAGE, "roots": [root.certificate], "at": now}
    beside = [authority.certificate, issuing.certificate]
    assert verify(token, intermediates=beside, **asked).trusted
    assert "is not at hand" in verify(token, **asked).reasons[0]


@pytest.mark.parametrize(
    "accuracy",
    [None, timedelta(), timedelta(seconds=1), timedelta(milliseconds=1), timedelta(microseconds=1),
     timedelta(days=1, microseconds=999_999)],
)  # fmt: skip
def test_accuracy_is_carried_to_the_microsecond(answer: Any, accuracy: timedelta | None) -> None:
    assert parse_token(token_of(answer(accuracy=accuracy))).accuracy == accuracy


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(8999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone comes beside
)
def test_any_time_is_carried_to_the_microsecond(answer: Any, at: datetime) -> None:
    assert parse_token(token_of(answer(at=at))).at == at


REFUSED = {
    "other message": ({"message": b"other"}, "it is a stamp of something else"),
    "other nonce": ({"nonce": 98}, "it does not carry the nonce that was sent"),
    "no root": ({"roots": ()}, "no path to a trusted root"),
    "before its time": ({"at": timedelta(seconds=-1)}, "is yet to come"),
    "after the authority's end": ({"at": timedelta(days=18_001)}, "CN=authority has expired"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_token_is_not_believed(answer: Any, root: Any, now: datetime, case: str) -> None:
    changes, reason = REFUSED[case]
    arguments: dict[str, Any] = {"message": MESSAGE, "roots": [root.certificate], "nonce": 99}
    arguments["at"] = timedelta()
    arguments |= changes
    arguments["at"] += now
    verdict = verify(token_of(answer()), **arguments)
    assert not verdict.trusted
    assert any(reason in each for each in verdict.reasons), verdict.reasons


def test_a_time_within_the_accuracy_is_believed(answer: Any, root: Any, now: datetime) -> None:
    """Clocks differ: a stamp of a second ahead may be one of now, if the authority says so."""
    token = token_of(answer(at=now + timedelta(seconds=1), accuracy=timedelta(seconds=1)))
    asked = {"message": MESSAGE, "roots": [root.certificate]}
    assert verify(token, at=now, **asked).trusted
    assert not verify(token, at=now - timedelta(seconds=0.001), **asked).trusted


def usages(*oids: x509.ObjectIdentifier, critical: bool = True) -> Any:
    return {"more": (SIGNING, (x509.ExtendedKeyUsage(oids), critical))}


def bits(**wanted: bool) -> Any:
    names = inspect.signature(x509.KeyUsage).parameters
    return {"more": (STAMPING, (x509.KeyUsage(**(dict.fromkeys(names, False) | wanted)), True))}


# What is changed of a good authority, and what must be among the reasons.
AUTHORITIES: dict[str, tuple[dict[str, Any], str]] = {
    "no usage": ({"more": (SIGNING,)}, "is not for timeStamping alone, critically"),
    "not critical": (usages(Usage.TIME_STAMPING, critical=False), "is not for timeStamping alone"),
    "another usage": (usages(Usage.CODE_SIGNING), "is not for timeStamping alone"),
    "two usages": (
        usages(Usage.TIME_STAMPING, Usage.CODE_SIGNING),
        "is not for timeStamping alone",
    ),
    "a CA": ({"ca": True}, "is a CA certificate"),
    "began later": ({"start": timedelta(hours=1)}, "is not yet valid"),
    "no right to sign": (bits(key_agreement=True), "may not be used for timeStamping"),
    "a right to more": (
        bits(digital_signature=True, key_encipherment=True),
        "may be used for more than signing",
    ),
}


@pytest.mark.parametrize("case", AUTHORITIES)
def test_not_everybody_may_stamp(
    make: Any, issuing: Any, root: Any, answer: Any, now: datetime, openssl: Any, case: str
) -> None:
    changes, reason = AUTHORITIES[case]
    party = make("CN=authority", issuing, **(STAMPS | changes))
    response = answer(party=party)
    later = now + timedelta(hours=2)
    verdict = verify(token_of(response), message=MESSAGE, roots=[root.certificate], at=later)
    assert any(reason in each for each in verdict.reasons), verdict.reasons
    if case not in {"began later", "a CA"}:  # openssl looks at neither
        done = openssl("ts", "-verify", "-in", response, "-data", MESSAGE, "-CAfile",
                       root.certificate, "-attime", str(int(later.timestamp())))  # fmt: skip
        assert done.returncode != 0


def test_a_ca_for_other_purposes_does_not_make_an_authority(
    make: Any, root: Any, answer: Any, now: datetime
) -> None:
    for usage, trusted in ((Usage.CODE_SIGNING, False), (Usage.TIME_STAMPING, True)):
        middle = make("CN=time issuing", root, ca=True, usages=(usage,), **LONG)
        party = make("CN=authority", middle, **STAMPS)
        token = token_of(answer(party=party, chain=[middle.certificate]))
        verdict = verify(token, message=MESSAGE, roots=[root.certificate], at=now)
        assert verdict.trusted == trusted
        if not trusted:
            assert verdict.reasons == (
                "CN=time issuing is a CA for other purposes than timeStamping",
            )


def stamped(authority: Any, issuing: Any, info: bytes, **changes: Any) -> bytes:
    """Sign any TSTInfo, as no authority would."""
    arguments: dict[str, Any] = {"content_type": timestamps.ID_TST_INFO, "signing_time": None}
    return cms.build_signed_data(
        info,
        signers=Signer.from_key(authority.certificate, authority.key),
        chain=[issuing.certificate],
        attached=True,
        **(arguments | changes),
    )


def info(now: datetime, *more: bytes, version: int = 1, at: bytes | None = None) -> bytes:
    return der.sequence(
        der.primitive(version),
        der.oid(POLICY),
        timestamps._imprint("sha256", DIGEST),
        der.primitive(7),
        at or timestamps._precise_time(now),
        *more,
    )


NAME = der.tagged(4, x509.Name([]).public_bytes())


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ((), ""),
        ((der.primitive(True),), ""),  # ordering
        ((der.tagged(1, EXTENSION),), ""),
        ((der.tagged(1, CRITICAL),), "an unknown critical extension, 1.2.3.4"),
        ((der.tagged(0, NAME),), "it names another authority than CN=authority"),
    ],
)  # fmt: skip
def test_what_else_a_token_says_is_heeded(
    authority: Any, issuing: Any, root: Any, now: datetime, more: tuple[bytes, ...], reason: str
) -> None:
    token = stamped(authority, issuing, info(now, *more))
    verdict = verify(token, message=MESSAGE, roots=[root.certificate], at=now)
    assert verdict.trusted == (not reason)
    assert any(reason in each for each in verdict.reasons or [""]), verdict.reasons


@pytest.mark.parametrize(
    "at",
    [b"20261102090000", b"20261102090000.Z", b"20261102090000.10Z", b"20261302090000Z",
     b"00010101000000Z", b"99991231235959Z", b"20261102090000+0100", b"2026110209Z"],
)  # fmt: skip
def test_a_time_of_another_form_is_malformed(
    authority: Any, issuing: Any, now: datetime, at: bytes
) -> None:
    token = stamped(authority, issuing, info(now, at=b"\x18" + bytes((len(at),)) + at))
    with pytest.raises(MalformedError):
        parse_token(token)


@pytest.mark.parametrize("part", [b"\x80\x01\x00", b"\x80\x02\x03\xe8", b"\x81\x01\xff"])
def test_an_accuracy_out_of_bounds_is_malformed(
    authority: Any, issuing: Any, now: datetime, part: bytes
) -> None:
    token = stamped(authority, issuing, info(now, der.sequence(part)))
    with pytest.raises(MalformedError, match="1 to 999"):
        parse_token(token)


def test_what_is_no_token_is_not_believed(
    authority: Any, issuing: Any, root: Any, now: datetime
) -> None:
    asked = {"message": MESSAGE, "roots": [root.certificate], "at": now}
    for data in (
        b"",
        bytes(timestamps.MOST_BYTES + 1),
        stamped(authority, issuing, info(now), content_type=cms.ID_DATA),
        stamped(authority, issuing, info(now, version=2)),
        stamped(authority, issuing, b""),
    ):
        verdict = verify(data, **asked)
        assert (verdict.trusted, verdict.token, len(verdict.reasons)) == (False, None, 1)


@pytest.mark.parametrize(
    ("oid", "reason"),
    [
        ("1.3.14.3.2.26", "it stamps a SHA1 digest, which can be forged"),
        ("2.16.840.1.101.3.4.2.8", "it stamps a digest by 2.16.840.1.101.3.4.2.8, which is not"),
    ],
)
def test_a_stamp_of_another_hash_is_not_believed(
    authority: Any, issuing: Any, root: Any, now: datetime, oid: str, reason: str
) -> None:
    whole = info(now)
    own = timestamps._imprint("sha256", DIGEST)
    other = der.sequence(der.algorithm_identifier(oid), der.primitive(bytes(20)))
    contents = der.whole(whole, "TSTInfo").contents.replace(own, other)
    token = stamped(authority, issuing, der.sequence(contents))
    verdict = verify(token, message=MESSAGE, roots=[root.certificate], at=now)
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith(reason)


def test_a_failure_is_a_named_bit_in_der(answer: Any) -> None:
    """X.690, 11.2.2: no bit follows the last that is set."""
    assert answer(SHA1).endswith(b"\x03\x02\x07\x80")
    assert answer(build_request(DIGEST, policy="1.2.3")).endswith(b"\x03\x03\x00\x00\x01")
    assert answer(with_extension(build_request(DIGEST))).endswith(b"\x03\x04\x07\x00\x00\x80")


def test_a_token_of_two_signers_is_not_believed(
    authority: Any, issuing: Any, root: Any, now: datetime
) -> None:
    signer = Signer.from_key(authority.certificate, authority.key)
    other = Signer.from_key(authority.certificate, authority.key, "ECDSA_SHA_512")
    token = stamped(authority, issuing, info(now))
    assert verify(token, message=MESSAGE, roots=[root.certificate], at=now).trusted
    two = cms.build_signed_data(
        info(now), signers=[signer, other], signing_time=None, attached=True,
        content_type=timestamps.ID_TST_INFO,
    )  # fmt: skip
    verdict = verify(two, message=MESSAGE, roots=[root.certificate], at=now)
    assert "2 signed it, not one (RFC 3161, 2.4.2)" in verdict.reasons


def test_a_token_must_bind_its_certificate(
    authority: Any, issuing: Any, root: Any, now: datetime, openssl: Any, tmp_path: Path
) -> None:
    """A plain ``openssl cms -sign`` writes no signing-certificate; with -cades it does."""
    key = authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for options, trusted in (((), False), (("-cades",), True)):
        out = tmp_path / "out"
        done = openssl(
            "cms", "-sign", "-binary", "-nodetach", "-econtent_type", timestamps.ID_TST_INFO,
            "-in", info(now), "-signer", authority.certificate, "-inkey", key, *options,
            "-certfile", issuing.certificate, "-outform", "DER", "-out", str(out),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        verdict = verify(out.read_bytes(), message=MESSAGE, roots=[root.certificate], at=now)
        assert verdict.trusted == trusted
        if not trusted:
            assert verdict.reasons == (
                "it does not bind the authority's certificate (signing-certificate)",
            )


def test_a_digest_is_asked_about_as_the_message_is(answer: Any, root: Any, now: datetime) -> None:
    token, roots = token_of(answer()), [root.certificate]
    assert verify(token, digest=DIGEST, roots=roots, at=now).trusted
    assert not verify(token, digest=bytes(32), roots=roots, at=now).trusted
    with pytest.raises(MalformedError, match="both or neither"):
        verify(token, digest=DIGEST, message=MESSAGE, roots=roots, at=now)
    with pytest.raises(MalformedError, match="both or neither"):
        verify(token, roots=roots, at=now)


def test_what_an_authority_cannot_say_is_refused(answer: Any, authority: Any, make: Any) -> None:
    for changes in (
        {"serial": -1},
        {"accuracy": timedelta(seconds=-1)},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001 - the point
    ):
        with pytest.raises(MalformedError):
            answer(**changes)
    with pytest.raises(VerificationError):
        answer(party=type(authority)(authority.certificate, make.key("other")))


@pytest.mark.parametrize(
    "arguments",
    [{"digest": b"short"}, {"algorithm": "md5"}, {"nonce": -1}],
)
def test_what_cannot_be_asked_is_refused(arguments: Any) -> None:
    with pytest.raises(MalformedError):
        build_request(**({"digest": DIGEST} | arguments))


def test_a_grant_without_a_token_is_malformed() -> None:
    with pytest.raises(MalformedError, match="what goes with status 0"):
        parse_response(der.sequence(der.sequence(der.primitive(0))))
    with pytest.raises(MalformedError, match="what goes with status 2"):
        parse_response(der.sequence(der.sequence(der.primitive(2)), der.sequence()))


@pytest.mark.parametrize("read", [parse_request, parse_response, parse_token])
@given(data=st.data())
def test_only_malformed_error_leaves_the_readers(answer: Any, read: Any, data: Any) -> None:
    whole = build_request(DIGEST, nonce=9, policy=POLICY) if read is parse_request else answer()
    if read is parse_token:
        whole = token_of(whole)
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.integers(0, 3))
    with contextlib.suppress(MalformedError):
        read(whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + cut :])


@given(data=st.data())
def test_a_changed_token_never_says_another_time(
    answer: Any, root: Any, now: datetime, data: Any
) -> None:
    """Where a changed token is still believed, what changed was not signed."""
    token = token_of(answer(accuracy=timedelta(seconds=1)))
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + bytes((token[at] ^ data.draw(st.integers(1, 255)),)) + token[at + 1 :]
    verdict = verify(changed, message=MESSAGE, roots=[root.certificate], at=now, nonce=99)
    if verdict.trusted:
        assert verdict.token is not None
        assert verdict.token.signed.content == parse_token(token).signed.content


def test_the_same_request_has_the_same_answer(answer: Any) -> None:
    """Nothing is drawn and no clock is asked."""
    assert answer() == answer()
    assert answer() != answer(serial=8)
