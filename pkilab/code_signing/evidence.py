"""What revocation says today, gathered into the signature, for a verifier who is offline later.

A CA keeps nobody on its list whose certificate has ended, and may itself be gone in ten years. So
who signs for long asks while everybody answers, and puts the CRLs and OCSP answers into the message
beside the time stamp (RFC 5652, 5.1; the idea of CAdES, RFC 5126, 6.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509

from pkilab.code_signing.signing import SignedFile
from pkilab.code_signing.trust_stores import TrustStore
from pkilab.code_signing.verifying import Signature, read_message
from pkilab.errors import LabError, MalformedError
from pkilab.pki import cms, crl, ocsp, timestamps
from pkilab.pki.certificates import UNREADABLE, label
from pkilab.pki.chains import Chain, build_chain
from pkilab.pki.cms_evidence import add_evidence
from pkilab.pki.signature_trust import Revocations, time_stamps
from pkilab.revocation import Fetch, fetch_crl

_OK = 200


@dataclass(frozen=True, slots=True)
class Evidence:
    """What CAs say of the certificates of a message, and about which they say nothing.

    Attributes:
        revocations: CRLs and OCSP answers; the verifier judges them.
        gaps: a sentence for each certificate of which nothing could be had, or nothing made since
            the time stamp: what a CA said before is of no use once the certificate has ended.
    """

    revocations: Revocations
    gaps: tuple[str, ...] = ()

    def __repr__(self) -> str:
        crls, answers = len(self.revocations.crls), len(self.revocations.ocsp)
        gaps = "; ".join(self.gaps) or "none"
        return f"<Evidence {crls} CRLs, {answers} OCSP answers, gaps: {gaps}>"


def gather(
    signature: Signature,
    *,
    trust: TrustStore,
    fetch: Fetch,
    certificates: Iterable[x509.Certificate] = (),
) -> Evidence:
    """Ask for the revocation of every certificate below the roots: the signers' and time stamps'.

    Only URLs in certificates are followed that signatures lead from to a root of the trust store:
    anybody can write a URL into a certificate of their own.

    Args:
        signature: the message, as `pkilab.code_signing.verify_file` takes it.
        trust: holds the roots, which are also needed to ask.
        fetch: gets a URL, or posts to it, as in `pkilab.revocation`.
        certificates: beside those of the message.

    Raises:
        MalformedError: the message is none.
    """
    signed = read_message(signature)
    chains = list(_chains(signed, tuple(certificates), trust))
    crls: dict[bytes, x509.CertificateRevocationList] = {}
    answers: dict[bytes, None] = {}
    gaps = []
    for certificate, issuer in dict.fromkeys(pair for each in chains for pair in pairwise(each)):
        made, failures = [], []
        try:
            der = fetch_crl(certificate, fetch)
            crls[der] = crl.load_crl(der)
            made.append(crls[der].last_update_utc)
        except (LabError, *UNREADABLE) as error:
            failures.append(str(error))
        try:
            answer, produced = _ask_responder(certificate, issuer, fetch)
            answers[answer] = None
            made.append(produced)
        except (LabError, *UNREADABLE) as error:
            failures.append(str(error))
        if not made:
            gaps.append(f"{label(certificate)}: {'; '.join(failures)}")
        elif max(made) < _stamped(signed):
            gaps.append(f"{label(certificate)}: what there is was made before the time stamp")
    return Evidence(Revocations(tuple(crls.values()), tuple(answers)), tuple(gaps))


def bundle(signed: SignedFile, evidence: Evidence) -> SignedFile:
    """Return the signed file with the evidence in its message; nothing that is signed changes.

    Raises:
        MalformedError: an OCSP answer is none.
    """
    message = add_evidence(
        signed.message,
        crls=evidence.revocations.crls,
        ocsp_responses=evidence.revocations.ocsp,
    )
    return replace(signed, message=message)


def _ask_responder(
    certificate: x509.Certificate, issuer: x509.Certificate, fetch: Fetch
) -> tuple[bytes, datetime]:
    """Return what a certificate's responder answers, and when it knew that.

    Raises:
        LabError: it names none, or none answers.
        MalformedError: what came is no answer.
        ValueError: it is one that the responder could not give (cryptography's).
    """
    request = ocsp.build_request(certificate, issuer)
    failures = []
    for url in ocsp.urls(certificate):
        try:
            answer = fetch(url, request, content_type="application/ocsp-request")
        except LabError as error:  # the next may answer
            failures.append(str(error))
            continue
        if answer.status == _OK:
            return answer.body, ocsp.read_response(answer.body).this_update_utc
        failures.append(f"{url} answered {answer.status}")
    raise LabError("; ".join(failures) or "the certificate does not name an OCSP responder")


def _chains(signed: cms.SignedData, beside: Chain, trust: TrustStore) -> Iterator[Chain]:
    """Yield the chains of signers and authorities that end at a root of the trust store."""
    held = (*signed.certificates, *beside)
    yield from _rooted(signed, held, trust.code_signing)
    for info in signed.signers:
        for token in time_stamps(info):
            try:
                inner = timestamps.parse_token(token).signed
            except MalformedError:  # the verifier says so
                continue
            pool = (*inner.certificates, *held)
            yield from _rooted(inner, pool, trust.time_stamping)


def _stamped(signed: cms.SignedData) -> datetime:
    """Return the latest time of the time stamps, which the verifier may believe."""
    times = [datetime.min.replace(tzinfo=UTC)]
    for token in (token for info in signed.signers for token in time_stamps(info)):
        with suppress(MalformedError):
            times.append(timestamps.parse_token(token).latest)
    return max(times)


def _rooted(signed: cms.SignedData, pool: Chain, roots: Chain) -> Iterator[Chain]:
    for each in cms.verify(signed, {}, certificates=pool).signatures:
        if each.certificate is not None:
            chain = build_chain(each.certificate, (*pool, *roots))
            for at, above in enumerate(chain):
                if above in roots:
                    yield chain[: at + 1]
                    break
