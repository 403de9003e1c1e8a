"""Whether a signature is believed: by whom, when, and what a revocation does to it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
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
from pkilab.pki import _der, cms, timestamps
from pkilab.pki.chains import Purpose
from pkilab.pki.cms import Signer
from pkilab.pki.signature_trust import (
    MOST_TIME_STAMPS,
    MessageVerdict,
    Policy,
    Revocations,
    judge,
)

CONTENT = b"release 1.0"
DAY, YEAR = timedelta(days=1), timedelta(days=365)
POLICY = "1.3.6.1.4.1.99999.1"
AT_SIGNING = Policy(revoked="at signing")
CODE: dict[str, Any] = {"usages": (Usage.CODE_SIGNING,)}
STAMPS: dict[str, Any] = {
    "key_usage": False,
    "more": (
        (x509.ExtendedKeyUsage([Usage.TIME_STAMPING]), True),
        (x509.KeyUsage(True, *(False,) * 8), True),
    ),
    "end": 20 * YEAR,
}


@pytest.fixture(scope="module")
def root(make: Any) -> Any:
    return make("CN=root", ca=True, end=20 * YEAR)


@pytest.fixture(scope="module")
def issuing(make: Any, root: Any) -> Any:
    return make("CN=issuing", root, ca=True, path_length=0, end=10 * YEAR)


@pytest.fixture(scope="module")
def leaf(make: Any, issuing: Any) -> Any:
    return make("CN=leaf", issuing, **CODE)


@pytest.fixture(scope="module")
def time_root(make: Any) -> Any:
    return make("CN=time root", ca=True, end=20 * YEAR)


@pytest.fixture(scope="module")
def authority(make: Any, time_root: Any) -> Any:
    return make("CN=authority", time_root, **STAMPS)


@pytest.fixture(scope="module")
def sign(leaf: Any, issuing: Any, now: datetime) -> Callable[..., bytes]:
    def signed(party: Any = leaf, at: datetime = now) -> bytes:
        return cms.build_signed_data(
            CONTENT,
            signers=Signer.from_key(party.certificate, party.key),
            signing_time=at,
            chain=[issuing.certificate],
        )

    return signed


@pytest.fixture(scope="module")
def stamp(authority: Any) -> Callable[..., bytes]:
    """Add a time stamp of that time, over the signature or over something else."""

    def stamped(message: bytes, at: datetime, **changes: Any) -> bytes:
        signature = changes.pop("over", cms.parse(message).signers[0].signature)
        party = changes.pop("party", authority)
        request = timestamps.build_request(cms.content_digests([signature])["sha256"])
        arguments = {"serial": 1, "at": at, "policy": POLICY} | changes
        response = timestamps.respond(
            request, signer=Signer.from_key(party.certificate, party.key), **arguments
        )
        token = timestamps.parse_response(response).token
        assert token is not None
        return cms.add_time_stamp(message, token)

    return stamped


@pytest.fixture(scope="module")
def ask(root: Any, time_root: Any) -> Callable[..., MessageVerdict]:
    def asked(message: bytes, at: datetime, **changes: Any) -> MessageVerdict:
        arguments: dict[str, Any] = {
            "content": CONTENT,
            "roots": [root.certificate],
            "time_stamp_roots": [time_root.certificate],
            "at": at,
        }
        return judge(cms.parse(message), **(arguments | changes))

    return asked


def test_a_signature_by_a_certificate_of_the_root_is_believed(
    sign: Any, ask: Any, leaf: Any, issuing: Any, root: Any, now: datetime
) -> None:
    verdict = ask(sign(), now)
    assert (verdict.trusted, verdict.reasons) == (True, ())
    assert verdict.notes == (
        "the signing time it claims, 2026-11-02 09:00:00Z, is not proven",
        "revocation was not looked at",
    )
    (signer,) = verdict.signers
    assert signer.chain == (leaf.certificate, issuing.certificate, root.certificate)
    assert signer.signed_before is None
    assert verdict.explain().startswith("Trusted. Signed by CN=leaf. Note: ")


def test_every_reason_is_said(make: Any, sign: Any, ask: Any, leaf: Any, now: datetime) -> None:
    other = make("CN=other", ca=True)
    verdict = ask(
        sign(), now + 2 * YEAR, content=b"other", roots=[other.certificate],
        purpose=Purpose.SERVER_AUTH,
    )  # fmt: skip
    assert not verdict.trusted
    text = verdict.explain()
    for reason in (
        "the content given is not what was signed",
        "CN=leaf has expired",
        "it is for codeSigning, not for serverAuth",
        "no path to a trusted root",
    ):
        assert reason in text


LEAVES = {
    "for servers": ({"usages": (Usage.SERVER_AUTH,)}, "wrong purpose: it is for serverAuth"),
    "for nothing": ({"usages": ()}, "does not say codeSigning"),
    "not to sign": (
        {
            **CODE,
            "key_usage": False,
            "more": ((x509.KeyUsage(*(False,) * 4, True, *(False,) * 4), True),),
        },
        "may not be used for codeSigning (key usage)",
    ),
    "a CA": ({**CODE, "ca": True}, "is a CA certificate and does not serve for codeSigning"),
    "expired": ({**CODE, "end": -timedelta(seconds=1)}, "has expired"),
    "to come": ({**CODE, "start": DAY}, "is not yet valid"),
}


@pytest.mark.parametrize("case", LEAVES)
def test_not_every_certificate_signs_code(
    make: Any, issuing: Any, sign: Any, ask: Any, now: datetime, case: str
) -> None:
    changes, reason = LEAVES[case]
    verdict = ask(sign(make("CN=odd", issuing, **changes)), now)
    assert not verdict.trusted
    assert any(reason in each for each in verdict.reasons), verdict.reasons


def test_a_root_in_the_message_is_not_trusted_for_being_there(
    make: Any, ask: Any, now: datetime
) -> None:
    own = make("CN=root", ca=True, key_label="the attacker's")
    party = make("CN=leaf", own, **CODE)
    message = cms.build_signed_data(
        CONTENT,
        signers=Signer.from_key(party.certificate, party.key),
        signing_time=now,
        chain=[own.certificate],
    )
    assert cms.verify(cms.parse(message), CONTENT).intact
    verdict = ask(message, now)
    assert "no path to a trusted root: CN=root is self-signed" in verdict.reasons[0]
    assert ask(message, now, roots=[own.certificate]).trusted


def test_each_of_several_signers_must_be_believed(
    make: Any, leaf: Any, issuing: Any, ask: Any, now: datetime
) -> None:
    stranger = make("CN=stranger", **CODE)
    signers = [Signer.from_key(p.certificate, p.key) for p in (leaf, stranger)]
    message = cms.build_signed_data(
        CONTENT, signers=signers, signing_time=now, chain=[issuing.certificate]
    )
    verdict = ask(message, now)
    assert not verdict.trusted
    assert sorted(each.trusted for each in verdict.signers) == [False, True]
    assert all("CN=stranger" in each for each in verdict.reasons)


def test_nobodys_message_is_not_believed(ask: Any, issuing: Any, now: datetime) -> None:
    empty = cms.der.sequence(
        cms.der.oid("1.2.840.113549.1.7.2"),
        cms.der.tagged(
            0,
            cms.der.sequence(
                cms.der.primitive(1),
                cms.der.set_of(),
                cms.der.sequence(cms.der.oid(cms.ID_DATA)),
                cms.der.set_of(),
            ),
        ),
    )
    verdict = ask(empty, now)
    assert (verdict.trusted, verdict.reasons) == (False, ("nobody signed it",))


def test_a_certificate_may_come_from_beside_the_message(
    leaf: Any, issuing: Any, ask: Any, now: datetime
) -> None:
    message = cms.build_signed_data(
        CONTENT,
        signers=Signer.from_key(leaf.certificate, leaf.key),
        signing_time=now,
        certificates=False,
    )
    beside = [leaf.certificate, issuing.certificate]
    assert ask(message, now, intermediates=beside).trusted
    verdict = ask(message, now)
    assert "is not at hand" in verdict.reasons[0]
    assert verdict.signers[0].chain == ()
    assert verdict.explain().startswith("Not trusted: ")


# Time.


def test_a_time_stamp_outlives_the_certificate(
    sign: Any, stamp: Any, ask: Any, now: datetime
) -> None:
    later = now + 2 * YEAR
    plain, stamped = sign(), stamp(sign(), now + DAY, accuracy=timedelta(seconds=1))
    assert "CN=leaf has expired" in ask(plain, later).reasons[0]
    verdict = ask(stamped, later)
    assert (verdict.trusted, verdict.reasons) == (True, ())
    assert verdict.signers[0].signed_before == now + DAY + timedelta(seconds=1)
    assert "It was signed by 2026-11-03 09:00:01Z at the latest." in verdict.explain()
    unread = ask(stamped, later, time_stamp_roots=None)
    assert not unread.trusted
    assert "its time stamp was not looked at: no roots for time were given" in unread.notes


def test_a_claimed_signing_time_proves_nothing(sign: Any, ask: Any, now: datetime) -> None:
    """A thief of an expired key writes any time he likes."""
    verdict = ask(sign(at=now), now + 2 * YEAR)
    assert not verdict.trusted
    assert "the signing time it claims, 2026-11-02 09:00:00Z, is not proven" in verdict.notes


STAMPED = {
    "after the certificate's end": ({"at": YEAR + DAY}, "CN=leaf has expired"),
    "before its beginning": ({"at": -DAY}, "CN=leaf is not yet valid"),
    "with an accuracy beyond the end": (
        {"at": YEAR, "accuracy": timedelta(seconds=1)},
        "CN=leaf has expired",
    ),
    "with an accuracy before the beginning": (
        {"at": -timedelta(hours=1), "accuracy": timedelta(seconds=1)},
        "CN=leaf is not yet valid",
    ),
    "over something else": ({"at": DAY, "over": b"another signature"}, "CN=leaf has expired"),
}


@pytest.mark.parametrize("case", STAMPED)
def test_a_time_stamp_does_not_help(
    make: Any, time_root: Any, sign: Any, stamp: Any, ask: Any, now: datetime, case: str
) -> None:
    changes, reason = STAMPED[case]
    early = make("CN=authority", time_root, start=-YEAR, **STAMPS)
    trusted = make("CN=time root", ca=True, start=-YEAR, end=20 * YEAR)
    message = stamp(sign(), now + changes["at"], party=early, **{k: v for k, v in changes.items() if k != "at"})  # fmt: skip  # noqa: E501
    verdict = ask(message, now + 2 * YEAR, time_stamp_roots=[trusted.certificate])
    assert not verdict.trusted
    assert any(reason in each for each in verdict.reasons), verdict.reasons


def test_a_stamp_in_the_last_second_helps(sign: Any, stamp: Any, ask: Any, now: datetime) -> None:
    assert ask(stamp(sign(), now + YEAR), now + 2 * YEAR).trusted


def test_time_has_its_own_roots(
    make: Any, root: Any, sign: Any, stamp: Any, ask: Any, now: datetime
) -> None:
    """Whoever may sign code may not say when."""
    party = make("CN=authority", root, **STAMPS)
    message = stamp(sign(), now + DAY, party=party)
    later = now + 2 * YEAR
    verdict = ask(message, later)
    assert not verdict.trusted
    assert any("time stamp is not believed: no path to a" in note for note in verdict.notes)
    assert ask(message, later, time_stamp_roots=[root.certificate]).trusted


def test_a_bad_stamp_spoils_nothing_unless_one_is_required(
    sign: Any, stamp: Any, ask: Any, now: datetime
) -> None:
    """Anybody may add one: it is not signed."""
    bad = stamp(sign(), now, over=b"another signature")
    verdict = ask(bad, now)
    assert verdict.trusted
    assert any("it is a stamp of something else" in note for note in verdict.notes)
    required = Policy(time_stamp_required=True)
    assert "it is a stamp of something else" in ask(bad, now, policy=required).reasons[0]
    assert ask(sign(), now, policy=required).reasons == (
        "it has no time stamp that was looked at, and needs one",
    )
    good = stamp(sign(), now)
    assert ask(good, now, policy=required).trusted
    other = Policy(time_stamp_required=True, time_stamp_policies=("1.2.3",))
    assert "its policy, 1.3.6.1.4.1.99999.1, is not" in ask(good, now, policy=other).reasons[0]


def test_the_earliest_of_several_stamps_counts(
    sign: Any, stamp: Any, ask: Any, now: datetime
) -> None:
    message = stamp(stamp(sign(), now + 2 * DAY), now + DAY, serial=2)
    verdict = ask(message, now + 3 * DAY)
    assert verdict.trusted
    assert len(verdict.signers[0].time_stamps) == 2
    assert verdict.signers[0].signed_before == now + DAY


def test_a_claim_after_the_stamp_is_noted(sign: Any, stamp: Any, ask: Any, now: datetime) -> None:
    verdict = ask(stamp(sign(at=now + 2 * DAY), now), now + 3 * DAY)
    assert verdict.trusted
    assert any(note.endswith(", after its time stamp") for note in verdict.notes)


# Revocation.


def ocsp_answer(
    leaf: Any,
    issuing: Any,
    at: datetime,
    *,
    revoked: datetime | None = None,
    knew: datetime | None = None,
) -> bytes:
    """Answer as the issuer does at that time; cryptography would take the machine's."""
    knew = knew or at
    status = rfc6960.OCSPCertStatus
    answer = (
        rfc6960.OCSPResponseBuilder()
        .add_response(
            leaf.certificate, issuing.certificate, hashes.SHA256(),
            status.REVOKED if revoked else status.GOOD, knew, at + DAY, revoked,
            x509.ReasonFlags.superseded if revoked else None,
        )
        .responder_id(rfc6960.OCSPResponderEncoding.HASH, issuing.certificate)
        .sign(issuing.key, hashes.SHA256())
    )  # fmt: skip
    (outer,) = _der.elements(answer.public_bytes(Encoding.DER))
    state, explicit = _der.elements(outer.contents)
    kind, octets = _der.elements(_der.elements(explicit.contents)[0].contents)
    tbs, algorithm, *_ = _der.elements(_der.elements(octets.contents)[0].contents)
    clock, wanted = (f"{t:%Y%m%d%H%M%SZ}".encode() for t in (answer.produced_at_utc, at))
    signed = tbs.whole.replace(clock, wanted, 1)
    signature = issuing.key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    basic = _der.encode(0x30, [signed, algorithm.whole, _der.encode(3, [b"\0", signature])])
    body = _der.encode(0x30, [kind.whole, _der.encode(octets.tag, [basic])])
    return _der.encode(0x30, [state.whole, _der.encode(explicit.tag, [body])])


@pytest.fixture(scope="module")
def known(make: Any, root: Any, issuing: Any) -> Callable[..., Revocations]:
    """Lists of both CAs, made at that time; what is revoked was so an hour before."""

    def lists(
        at: datetime,
        *revoked: Any,
        upper: tuple[Any, ...] = (),
        end: timedelta = 7 * DAY,
        **more: Any,
    ) -> Revocations:
        maker = type(make)(at)
        return Revocations((
            maker.crl(issuing, tuple(each.certificate for each in revoked), end=end, **more),
            maker.crl(root, tuple(each.certificate for each in upper), end=end),
        ))  # fmt: skip

    return lists


def test_a_revoked_certificate_is_refused(
    sign: Any, ask: Any, known: Any, leaf: Any, issuing: Any, now: datetime
) -> None:
    good = ask(sign(), now, revocation=known(now))
    assert good.trusted
    assert "revocation was not looked at" not in good.notes
    verdict = ask(sign(), now, revocation=known(now, leaf))
    assert verdict.reasons == ("CN=leaf was revoked 2026-11-02 08:00:00Z (keyCompromise)",)
    verdict = ask(sign(), now, revocation=known(now, upper=(issuing,)))
    assert verdict.reasons == ("CN=issuing was revoked 2026-11-02 08:00:00Z (keyCompromise)",)


def test_no_answer_is_no_good_answer(
    sign: Any, ask: Any, known: Any, make: Any, issuing: Any, now: datetime
) -> None:
    for revocation, reason in (
        (Revocations(), "no answer on the revocation of CN=leaf: none is at hand"),
        (Revocations(known(now).crls[:1]), "revocation of CN=issuing: none is at hand"),
        (known(now - 30 * DAY), "revocation of CN=leaf: it is stale"),
        (known(now, signed_by=make.key("another")), "its signature is not the issuer's"),
    ):
        verdict = ask(sign(), now, revocation=revocation)
        assert not verdict.trusted
        assert any(reason in each for each in verdict.reasons), verdict.reasons


def test_ocsp_answers_do_as_well(
    sign: Any, ask: Any, known: Any, leaf: Any, issuing: Any, now: datetime
) -> None:
    upper = known(now).crls[1:]
    good = ocsp_answer(leaf, issuing, now)
    bad = ocsp_answer(leaf, issuing, now, revoked=now - DAY)
    old = ocsp_answer(leaf, issuing, now - 2 * DAY)
    assert ask(sign(), now, revocation=Revocations(upper, (good,))).trusted
    for answers, reason in (
        ((bad,), "CN=leaf was revoked 2026-11-01 09:00:00Z (superseded)"),
        ((good, bad), "CN=leaf was revoked 2026-11-01 09:00:00Z (superseded)"),
        ((old,), "no answer on the revocation of CN=leaf: it is stale"),
        ((ocsp_answer(issuing, issuing, now),), "none is at hand"),
        ((rfc6960.OCSPResponseBuilder.build_unsuccessful(
            rfc6960.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER),), "none is at hand"),
    ):  # fmt: skip
        verdict = ask(sign(), now, revocation=Revocations(upper, answers))
        assert not verdict.trusted
        assert reason in verdict.reasons[0]
    with pytest.raises(MalformedError):
        ask(sign(), now, revocation=Revocations(upper, (b"no answer",)))


@pytest.mark.parametrize("reason", [x509.ReasonFlags.key_compromise, None])
def test_a_revocation_after_the_stamp_spares_the_signature_if_asked(
    sign: Any, stamp: Any, ask: Any, known: Any, leaf: Any, now: datetime, reason: Any
) -> None:
    later = now + 10 * DAY
    lists = known(later, leaf, reason=reason)
    stamped = stamp(sign(), now + DAY)
    assert "CN=leaf was revoked" in ask(stamped, later, revocation=lists).reasons[0]
    verdict = ask(stamped, later, revocation=lists, policy=AT_SIGNING)
    assert verdict.trusted
    assert any(note.endswith(", after the signature was stamped") for note in verdict.notes)
    unstamped = ask(sign(), later, revocation=lists, policy=AT_SIGNING)
    assert "CN=leaf was revoked" in unstamped.reasons[0]


def test_a_stamp_after_the_revocation_spares_nothing(
    sign: Any, stamp: Any, ask: Any, known: Any, leaf: Any, now: datetime
) -> None:
    """Revoked at one minus an hour; the accuracy of the stamp must not reach it."""
    revoked = now + 10 * DAY - timedelta(hours=1)
    asked = {"revocation": known(now + 10 * DAY, leaf), "policy": AT_SIGNING}
    for at, accuracy, trusted in (
        (revoked - timedelta(seconds=1), None, True),
        (revoked, None, False),
        (revoked - timedelta(seconds=1), timedelta(seconds=1), False),
        (revoked + timedelta(minutes=1), None, False),
    ):
        message = stamp(sign(), at, accuracy=accuracy)
        assert ask(message, now + 10 * DAY, **asked).trusted == trusted


@pytest.mark.parametrize("before", [False, True])
def test_an_invalidity_date_counts_where_it_is_earlier(
    sign: Any, stamp: Any, ask: Any, known: Any, leaf: Any, now: datetime, before: bool  # noqa: FBT001 - a table
) -> None:  # fmt: skip
    """RFC 5280, 5.3.2: since when the key may have been another's. Private CA writes none."""
    since = now + (timedelta(hours=1) if before else 2 * DAY)
    date = (x509.InvalidityDate(since.replace(tzinfo=None)), False)
    later = now + 10 * DAY
    verdict = ask(
        stamp(sign(), now + DAY), later, policy=AT_SIGNING,
        revocation=known(later, leaf, entry_more=(date,)),
    )  # fmt: skip
    assert verdict.trusted != before


def test_an_ended_certificate_is_asked_about_in_answers_of_old(
    sign: Any, stamp: Any, ask: Any, known: Any, leaf: Any, issuing: Any, now: datetime
) -> None:
    """A list of today may have dropped it; one made after the stamp and before its end has not."""
    later = now + 2 * YEAR
    stamped = stamp(sign(), now + 10 * DAY)
    today = known(later)
    verdict = ask(stamped, later, revocation=today)
    assert "the certificate ended before this list was made" in verdict.reasons[0]
    for kept, trusted in (
        (known(now + 11 * DAY), True),
        (known(now + 9 * DAY), False),  # made before the stamp
        (known(now + 11 * DAY, leaf), False),
        (Revocations((), (ocsp_answer(leaf, issuing, now + 11 * DAY),)), True),
        (Revocations((), (ocsp_answer(leaf, issuing, now + 9 * DAY),)), False),
        (known(now + YEAR + DAY), False),  # made after the end
        (Revocations((), (ocsp_answer(leaf, issuing, now + YEAR + DAY),)), False),
    ):
        both = Revocations((*today.crls, *kept.crls), kept.ocsp)
        assert ask(stamped, later, revocation=both).trusted == trusted
    # Before the end, an old answer is stale and no more,
    middle = now + 100 * DAY
    assert not ask(stamped, middle, revocation=known(now + 11 * DAY)).trusted
    # unless the question is about the time of signing.
    for kept, trusted in (
        (known(now + 11 * DAY), True),
        (known(now + 10 * DAY + timedelta(hours=2)), True),
        (known(now + 9 * DAY), False),
        (known(now + 101 * DAY), False),  # not made yet
        (known(now + 10 * DAY, leaf), False),  # revoked before the stamp
        (Revocations((), (ocsp_answer(leaf, issuing, now + 11 * DAY),)), False),  # none of the CA's
    ):
        assert ask(stamped, middle, revocation=kept, policy=AT_SIGNING).trusted == trusted
    newer = Revocations((*known(now + 11 * DAY).crls, *known(middle, leaf, entry_more=(
        (x509.InvalidityDate((now + DAY).replace(tzinfo=None)), False),)).crls))  # fmt: skip
    assert not ask(stamped, middle, revocation=newer, policy=AT_SIGNING).trusted


def test_what_a_responder_knew_before_the_stamp_counts_as_from_then(
    sign: Any, stamp: Any, ask: Any, known: Any, leaf: Any, issuing: Any, now: datetime
) -> None:
    """It may sign today what it has known since Monday: thisUpdate says so, not producedAt."""
    later = now + 2 * YEAR
    upper = known(later).crls[1:]
    stamped = stamp(sign(), now + 10 * DAY)
    for knew, trusted in ((now + 10 * DAY, True), (now + 9 * DAY, False)):
        answer = ocsp_answer(leaf, issuing, now + 11 * DAY, knew=knew)
        verdict = ask(stamped, later, revocation=Revocations(upper, (answer,)))
        assert verdict.trusted == trusted


def test_who_signed_content_of_another_type_signed_no_file(
    leaf: Any, issuing: Any, ask: Any, now: datetime
) -> None:
    """The type says what the bytes mean (RFC 5652, 11.1)."""
    message = cms.build_signed_data(
        CONTENT, signers=Signer.from_key(leaf.certificate, leaf.key), signing_time=now,
        chain=[issuing.certificate], content_type="1.2.3",
    )  # fmt: skip
    verdict = ask(message, now)
    assert not verdict.trusted
    assert verdict.reasons == ("it is about content of type 1.2.3, not 1.2.840.113549.1.7.1",)
    assert ask(message, now, content_type="1.2.3").trusted


def test_the_number_of_time_stamps_that_are_looked_at_is_bounded(
    sign: Any, stamp: Any, ask: Any, now: datetime
) -> None:
    """Anybody may add more, to keep a verifier busy."""
    message = sign()
    for serial in range(MOST_TIME_STAMPS):
        message = stamp(message, now, serial=serial + 1)
    assert len(ask(message, now).signers[0].time_stamps) == MOST_TIME_STAMPS
    assert not any("time stamps were looked at" in note for note in ask(message, now).notes)
    verdict = ask(stamp(message, now, serial=99), now)
    assert len(verdict.signers[0].time_stamps) == MOST_TIME_STAMPS
    assert "only the first 16 of its 17 time stamps were looked at" in verdict.notes


@pytest.mark.parametrize(
    ("reason", "since", "trusted"),
    [
        (x509.ReasonFlags.superseded, DAY, True),
        (x509.ReasonFlags.cessation_of_operation, DAY, True),
        (x509.ReasonFlags.superseded, -DAY, False),
        (x509.ReasonFlags.key_compromise, DAY, False),
        (None, DAY, False),
    ],
)
def test_a_revoked_authority_is_believed_only_where_its_key_is_not_in_doubt(
    make: Any, sign: Any, stamp: Any, ask: Any, known: Any, time_root: Any, authority: Any,
    now: datetime, reason: Any, since: timedelta, trusted: bool,  # noqa: FBT001 - a table
) -> None:  # fmt: skip
    """RFC 3161, 4, 1 and 2. The revocation is an hour before the list."""
    stamped = stamp(sign(), now + 2 * DAY)
    at = now + 4 * DAY
    time_list = type(make)(now + 2 * DAY + since + timedelta(hours=1)).crl(
        time_root, (authority.certificate,), reason=reason
    )
    required = Policy(time_stamp_required=True)
    lists = known(at).crls
    unknown = ask(stamped, at, revocation=Revocations(lists), policy=required)
    assert unknown.trusted
    note = "no answer on the revocation of CN=authority, which stamped the time"
    assert note in unknown.notes
    verdict = ask(stamped, at, revocation=Revocations((*lists, time_list)), policy=required)
    assert verdict.trusted == trusted
    assert note not in verdict.notes
    if not trusted:
        assert "its time stamp is not believed: CN=authority was revoked" in verdict.reasons[0]


def test_a_time_without_a_zone_is_malformed(sign: Any, ask: Any) -> None:
    with pytest.raises(MalformedError, match="without a zone"):
        ask(sign(), datetime(2026, 1, 1))  # noqa: DTZ001 - the point


@given(data=st.data())
def test_no_change_is_believed_that_was_signed(
    sign: Any, stamp: Any, ask: Any, known: Any, now: datetime, data: Any
) -> None:
    """A verdict on a changed message is another only where nothing of importance changed."""
    message = stamp(sign(), now)
    at = data.draw(st.integers(0, len(message) - 1))
    changed = (
        message[:at] + bytes((message[at] ^ data.draw(st.integers(1, 255)),)) + message[at + 1 :]
    )
    later, revocation = now + DAY, known(now + DAY)
    with contextlib.suppress(MalformedError):
        verdict = ask(
            changed, later, revocation=revocation, policy=Policy(time_stamp_required=True)
        )
        if verdict.trusted:
            whole, read = cms.parse(message).signers[0], cms.parse(changed).signers[0]
            assert (read.signed, read.signature) == (whole.signed, whole.signature)
            assert verdict.signers[0].signed_before == now
