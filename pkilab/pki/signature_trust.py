"""Whether to believe the signatures of a CMS message: who signed, when, and was that still good.

Time. A signing time that the signer claims proves nothing. Without a time stamp a certificate must
be valid at the time of judging. With one that is believed (`pkilab.pki.timestamps`), it must have
been valid when the stamp was made, at both ends of the stamp's accuracy: the signature outlives its
certificate.

Revocation. `Policy.revoked` says what a revocation does to a signature that was stamped before it:

* ``"now"``: revoked is revoked;
* ``"at signing"``: the signature stays good, as in Authenticode and the CA/Browser Forum's rules
  for code signing, where a CA dates a revocation back to when the key was lost. Where an entry has
  an invalidityDate (RFC 5280, 5.3.2), the earlier of both dates counts. AWS Private CA does
  neither: its date is that of the call, so what was stamped between the loss of a key and its
  revocation stays good too. Without a believed stamp, revoked is revoked.

An answer on revocation must be in date. One of old counts as well, if it was made after the time
stamp and while the certificate was valid: once that has ended, for a CA may drop what has ended;
and "at signing", whose question an answer from then settles. What a CA dates back later than that
is then not seen, unless a newer answer is at hand.

A time-stamping authority that is revoked is believed only in what it stamped before, and only for
the reasons that RFC 3161, 4 names, which say nothing against its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.x509 import ocsp as rfc6960

from pkilab.pki import cms, ocsp, timestamps
from pkilab.pki import crl as crl_module
from pkilab.pki.certificates import UNREADABLE, label, time_text
from pkilab.pki.chains import Chain, Purpose, verify_chain
from pkilab.pki.cms import Content, Signature, SignedData, SignerInfo
from pkilab.pki.crl import CrlStatus, Revocation, aware
from pkilab.pki.ocsp import OcspStatus
from pkilab.pki.timestamps import TimeStampVerdict, Token

_Answer: TypeAlias = CrlStatus | OcspStatus
# RFC 3161, 4, 1: with these, what was stamped before stays good; without a reason, nothing does.
MOST_TIME_STAMPS = 16  # of a signature that are looked at: anybody may add more
_HARMLESS = {"unspecified", "affiliationChanged", "superseded", "cessationOfOperation"}


@dataclass(frozen=True, slots=True)
class Revocations:
    """What is known of revocations: CRLs and OCSP answers (DER), of any issuer, in any order."""

    crls: tuple[x509.CertificateRevocationList, ...] = ()
    ocsp: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the judge insists on; see the module for ``revoked``.

    Args:
        revoked: what a revocation after the stamped time does.
        time_stamp_required: refuse a signature without a time stamp that is believed.
        time_stamp_policies: the TSA policies accepted, dotted; None accepts any.
    """

    revoked: Literal["now", "at signing"] = "now"
    time_stamp_required: bool = False
    time_stamp_policies: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SignerVerdict:
    """Whether one signature is believed, every reason why not, and what was seen on the way.

    Args:
        trusted: whether it is.
        reasons: why not.
        notes: what was not looked at or does not decide.
        signature: the signature, with its certificate if that is at hand.
        chain: from the signer's certificate upwards; empty without it.
        signed_before: the latest time of signing that the time stamp leaves; None without one
            that is believed.
        time_stamps: what each time stamp that was looked at is worth, `MOST_TIME_STAMPS` at most.
    """

    trusted: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    signature: Signature
    chain: Chain
    signed_before: datetime | None
    time_stamps: tuple[TimeStampVerdict, ...]


@dataclass(frozen=True, slots=True)
class MessageVerdict:
    """Whether a message is believed: there are signatures, and each is."""

    trusted: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    signers: tuple[SignerVerdict, ...]

    def explain(self) -> str:
        """Say the verdict in one paragraph."""
        notes = f" Note: {'; '.join(self.notes)}." if self.notes else ""
        if not self.trusted:
            return f"Not trusted: {'; '.join(self.reasons)}.{notes}"
        who = " and ".join(label(each.chain[0]) for each in self.signers)
        when = [each.signed_before for each in self.signers if each.signed_before]
        stamped = f" It was signed by {time_text(max(when))} at the latest." if when else ""
        return f"Trusted. Signed by {who}.{stamped}{notes}"


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of each signature."""

    roots: tuple[x509.Certificate, ...]
    pool: tuple[x509.Certificate, ...]
    at: datetime
    purpose: Purpose
    revocation: Revocations | None
    time_stamp_roots: tuple[x509.Certificate, ...] | None
    policy: Policy


def judge(
    signed: SignedData,
    *,
    content: Content | None = None,
    roots: Iterable[x509.Certificate],
    at: datetime,
    intermediates: Iterable[x509.Certificate] = (),
    purpose: Purpose = Purpose.CODE_SIGNING,
    revocation: Revocations | None = None,
    time_stamp_roots: Iterable[x509.Certificate] | None = None,
    policy: Policy = Policy(),
    content_type: str = cms.ID_DATA,
) -> MessageVerdict:
    """Decide whether every signature of a message is believed, and say every reason why not.

    Args:
        signed: the message, as `pkilab.pki.cms.parse` reads it.
        content: what it is over, itself or its digests; see `pkilab.pki.cms.verify`.
        roots: the only anchors of signers. Those in the message are not trusted for being there.
        at: the aware time to judge by.
        intermediates: certificates beside those of the message, signers' too.
        purpose: what the signers' certificates must serve for.
        revocation: if given, every certificate below the root needs an answer that can be used.
            See the module for answers of old. For the authority of a time stamp, no answer is a
            note. None looks at no revocation, and a note says so.
        time_stamp_roots: the only anchors for time; None believes no time stamp.
        policy: what else is insisted on.
        content_type: what the message must be about, dotted. Who signed a receipt or a list of
            revocations by that type has not signed a file of the same bytes.

    Not checked: CRLs that the message itself brings, unless they are among ``revocation``. Where
    several paths lead to a root, revocation is looked at along the one that is found first.

    Raises:
        MalformedError: ``at`` has no time zone, or an OCSP answer is none.
    """
    others = tuple(intermediates)
    question = _Question(
        roots=tuple(roots),
        pool=(*signed.certificates, *others),
        at=aware(at).astimezone(UTC),
        purpose=purpose,
        revocation=revocation,
        time_stamp_roots=None if time_stamp_roots is None else tuple(time_stamp_roots),
        policy=policy,
    )
    integrity = cms.verify(signed, content, certificates=others)
    verdicts = tuple(_judged(each, question) for each in integrity.signatures)
    reasons = list(integrity.reasons) if not verdicts else []
    if signed.content_type != content_type:
        reasons.append(f"it is about content of type {signed.content_type}, not {content_type}")
    return MessageVerdict(
        trusted=bool(verdicts) and not reasons and all(each.trusted for each in verdicts),
        reasons=tuple(dict.fromkeys((*reasons, *(r for each in verdicts for r in each.reasons)))),
        notes=tuple(dict.fromkeys(note for each in verdicts for note in each.notes)),
        signers=verdicts,
    )


def _judged(signature: Signature, question: _Question) -> SignerVerdict:
    stamps = _stamps(signature, question)
    believed = [each.token for each in stamps if each.trusted and each.token]
    stamp = min(believed, key=lambda token: token.latest, default=None)
    reasons, notes = list(signature.reasons), list(_about_time(signature, stamp, question))
    if stamp is not None:
        chosen = next(each for each in stamps if each.token is stamp)
        notes += _unanswered(chosen.chain, question)
    chain: Chain = ()
    if signature.certificate is not None:
        for when in (question.at,) if stamp is None else (stamp.earliest, stamp.latest):
            path = verify_chain(
                signature.certificate,
                intermediates=question.pool,
                roots=question.roots,
                at=when,
                purpose=question.purpose,
            )
            reasons += path.reasons
            chain = path.chain
        _revocations(chain, stamp, question, reasons, notes)
    doubts = [f"its time stamp is not believed: {'; '.join(s.reasons)}" for s in stamps]
    if stamp is None and question.policy.time_stamp_required:
        reasons += doubts or ["it has no time stamp that was looked at, and needs one"]
    elif stamp is None:
        notes += doubts
    reasons = list(dict.fromkeys(reasons))
    return SignerVerdict(
        trusted=not reasons,
        reasons=tuple(reasons),
        notes=tuple(notes),
        signature=signature,
        chain=chain,
        signed_before=stamp.latest if stamp else None,
        time_stamps=stamps,
    )


def _stamps(signature: Signature, question: _Question) -> tuple[TimeStampVerdict, ...]:
    if question.time_stamp_roots is None:
        return ()
    verdicts = (
        timestamps.verify(
            each,
            message=signature.info.signature,
            roots=question.time_stamp_roots,
            at=question.at,
            intermediates=question.pool,
            policies=question.policy.time_stamp_policies,
        )
        for each in time_stamps(signature.info)
    )
    return tuple(_unless_revoked(each, question) for each in verdicts)


def time_stamps(info: SignerInfo) -> tuple[bytes, ...]:
    """Return the time stamps of a signature that are looked at: the first `MOST_TIME_STAMPS`."""
    return tuple(islice(dict.fromkeys(info.time_stamps), MOST_TIME_STAMPS))


def _about_time(signature: Signature, stamp: Token | None, question: _Question) -> Iterator[str]:
    info = signature.info
    if info.time_stamps and question.time_stamp_roots is None:
        yield "its time stamp was not looked at: no roots for time were given"
    elif (found := len(set(info.time_stamps))) > MOST_TIME_STAMPS:
        yield f"only the first {MOST_TIME_STAMPS} of its {found} time stamps were looked at"
    if info.signing_time is not None and stamp is None:
        yield f"the signing time it claims, {time_text(info.signing_time)}, is not proven"
    elif info.signing_time is not None and stamp is not None and info.signing_time > stamp.latest:
        yield f"it claims to be signed {time_text(info.signing_time)}, after its time stamp"
    if question.revocation is None:
        yield "revocation was not looked at"


# Revocation.


def _revocations(
    chain: Chain,
    stamp: Token | None,
    question: _Question,
    reasons: list[str],
    notes: list[str],
) -> None:
    """Look at every certificate below the root; what is found goes to ``reasons`` or ``notes``."""
    if question.revocation is None:
        return
    for certificate, issuer in pairwise(chain):
        answers = _answers(certificate, issuer, stamp, question)
        revoked = [(answer, since) for answer, since in answers if since is not None]
        if revoked:
            answer, since = min(revoked, key=lambda each: each[1])
            text = _revoked_text(certificate, answer, since)
            spared = question.policy.revoked == "at signing" and stamp and stamp.latest < since
            if spared:
                notes.append(f"{text}, after the signature was stamped")
            else:
                reasons.append(text)
        elif not any(answer.status is Revocation.GOOD for answer, _ in answers):
            why = "; ".join(dict.fromkeys(reason for a, _ in answers for reason in a.reasons))
            found = why or "none is at hand"
            reasons.append(f"no answer on the revocation of {label(certificate)}: {found}")


def _unless_revoked(stamp: TimeStampVerdict, question: _Question) -> TimeStampVerdict:
    """Return the verdict on a stamp, with what revocations say of its authority."""
    if stamp.token is None:
        return stamp
    latest, reasons = stamp.token.latest, list(stamp.reasons)
    for certificate, issuer in pairwise(stamp.chain):
        for answer, since in _answers(certificate, issuer, None, question):
            if since is not None and (since <= latest or answer.reason not in _HARMLESS):
                reasons.append(_revoked_text(certificate, answer, since))
    return replace(stamp, trusted=not reasons, reasons=tuple(dict.fromkeys(reasons)))


def _unanswered(chain: Chain, question: _Question) -> Iterator[str]:
    for certificate, issuer in pairwise(chain) if question.revocation else ():
        answers = _answers(certificate, issuer, None, question)
        if all(answer.status is Revocation.UNUSABLE for answer, _ in answers):
            yield f"no answer on the revocation of {label(certificate)}, which stamped the time"


def _revoked_text(certificate: x509.Certificate, answer: _Answer, since: datetime) -> str:
    why = f" ({answer.reason})" if answer.reason else ""
    return f"{label(certificate)} was revoked {time_text(since)}{why}"


def _answers(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    stamp: Token | None,
    question: _Question,
) -> list[tuple[_Answer, datetime | None]]:
    """Return what each source says of a certificate, and since when it is revoked, if it is."""
    return [
        *_crl_answers(certificate, issuer, stamp, question),
        *_ocsp_answers(certificate, issuer, stamp, question),
    ]


def _crl_answers(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    stamp: Token | None,
    question: _Question,
) -> Iterator[tuple[CrlStatus, datetime | None]]:
    for each in question.revocation.crls if question.revocation else ():
        try:
            if each.issuer != issuer.subject:
                continue
        except UNREADABLE:
            continue
        answer = crl_module.check(certificate, each, issuer, question.at)
        if answer.status is Revocation.UNUSABLE and _is_of_old(
            certificate, each.last_update_utc, stamp, question
        ):
            answer = crl_module.check(certificate, each, issuer, each.last_update_utc)
        yield answer, _invalid_since(answer.revoked_at, each, certificate)


def _ocsp_answers(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    stamp: Token | None,
    question: _Question,
) -> Iterator[tuple[OcspStatus, datetime | None]]:
    for each in question.revocation.ocsp if question.revocation else ():
        read = ocsp.read_response(each)
        if read.response_status is not rfc6960.OCSPResponseStatus.SUCCESSFUL:
            continue
        known = [
            single.this_update_utc
            for single in read.responses
            if single.serial_number == certificate.serial_number
        ]
        if not known:
            continue
        answer = ocsp.check(read, certificate, issuer, question.at)
        made = read.produced_at_utc
        # What is answered was known at thisUpdate, which may be long before (RFC 6960, 2.4).
        if answer.status is Revocation.UNUSABLE and all(
            _is_of_old(certificate, each, stamp, question) for each in (made, *known)
        ):
            answer = ocsp.check(read, certificate, issuer, made)
        yield answer, answer.revoked_at


def _is_of_old(
    certificate: x509.Certificate, made: datetime, stamp: Token | None, question: _Question
) -> bool:
    """Whether an answer that is stale settles it: made after the signature, before the end.

    A CA may drop what has ended from its lists (RFC 5280, 3.3), so that none of today answers. And
    where the question is about the time of signing, a later answer that it was good then will do.
    """
    ended = certificate.not_valid_after_utc
    settled = ended < question.at or question.policy.revoked == "at signing"
    return stamp is not None and settled and stamp.latest <= made <= min(ended, question.at)


def _invalid_since(
    revoked_at: datetime | None,
    crl: x509.CertificateRevocationList,
    certificate: x509.Certificate,
) -> datetime | None:
    """Return the revocation's date, or the entry's invalidityDate if that is earlier."""
    if revoked_at is None:
        return None
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is None:
        return revoked_at
    dates = [
        each.value.invalidity_date_utc
        for each in entry.extensions
        if isinstance(each.value, x509.InvalidityDate)
    ]
    return min((revoked_at, *dates))
