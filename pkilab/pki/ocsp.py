"""OCSP: asking, reading an answer, and whether it is to be believed (RFC 6960, RFC 5019).

An answer is believed only if it is about this certificate and this issuer, in date, and signed by
the issuer or by a signer the issuer appointed. Anything else is UNUSABLE, with every reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from pkilab.errors import MalformedError
from pkilab.pki import pem
from pkilab.pki._signatures import is_issued_by, is_weak, verifies
from pkilab.pki.certificates import (
    UNREADABLE,
    extension_value,
    key_usage_forbids,
    name_text,
    serial_hex,
    time_text,
)
from pkilab.pki.crl import Revocation, aware

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LONGEST_NONCE = 32  # bytes (RFC 8954, 2.1); also the size to use

_STATUS = {
    ocsp.OCSPCertStatus.GOOD: Revocation.GOOD,
    ocsp.OCSPCertStatus.REVOKED: Revocation.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN: Revocation.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class OcspStatus:
    """What an answer says. ``reasons`` says why it is unusable; the next two are of a revocation.

    ``reason`` is RFC 5280's word (``keyCompromise``), None where the answer has none. The times
    bound the answer itself.
    """

    status: Revocation
    reasons: tuple[str, ...] = ()
    revoked_at: datetime | None = None
    reason: str | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None


def build_request(
    certificate: x509.Certificate, issuer: x509.Certificate, *, nonce: bytes | None = None
) -> bytes:
    """Return the DER of a request for one certificate, with SHA-1 ids.

    Without a nonce that is the lightweight profile (RFC 5019, 2.1.1), which AWS Private CA's
    responder speaks; the SHA-1 is an index here and protects nothing.

    Args:
        certificate: whose status is asked for.
        issuer: the certificate of the CA that issued it.
        nonce: 1 to 32 random bytes that the answer should repeat (RFC 8954), so that it cannot
            be an older one. Responders of the lightweight profile ignore it.

    Raises:
        MalformedError: a nonce of another size.
    """
    if nonce is not None and not 1 <= len(nonce) <= LONGEST_NONCE:
        raise MalformedError(
            "nonce", found=f"{len(nonce)} bytes", expected=f"1 to {LONGEST_NONCE} (RFC 8954)"
        )
    request = _request(certificate, issuer, hashes.SHA1(), nonce)  # noqa: S303 - an index
    return request.public_bytes(Encoding.DER)


def urls(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the OCSP responder URLs (RFC 5280 section 4.2.2.1), in order."""
    access = extension_value(certificate, x509.AuthorityInformationAccess)
    return tuple(
        description.access_location.value
        for description in access or ()
        if description.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(description.access_location, x509.UniformResourceIdentifier)
    )


def read_response(data: bytes) -> ocsp.OCSPResponse:
    """Read the DER of an answer. Nothing is verified.

    Raises:
        MalformedError: it is none.
    """
    return pem.load_der(data, "OCSP response", ocsp.load_der_ocsp_response)


def check(
    response: bytes | ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    at: datetime,
    *,
    nonce: bytes | None = None,
    nonce_required: bool = True,
    allow_sha1: bool = False,
) -> OcspStatus:
    """Ask an OCSP answer about a certificate at a time.

    An answer about several certificates, one without nextUpdate (it may be any age), and unknown
    critical extensions make it unusable.

    Args:
        response: DER, or as read.
        certificate: whose status is asked for.
        issuer: the certificate of the CA that issued it; whether that CA itself is to be trusted
            is not checked here (`pkilab.pki.chains.verify_chain`), nor is the revocation of an
            appointed signer.
        at: an aware time.
        nonce: the nonce that was sent, which must come back (RFC 8954). None does not look.
        nonce_required: False accepts an answer that has no nonce at all, as those of the
            lightweight profile (RFC 5019, 4); another nonce is refused all the same.
        allow_sha1: accept a SHA-1 signature, which can be forged; for answers of old.

    Raises:
        MalformedError: ``response`` is not an OCSP answer, or ``at`` has no time zone.
    """
    at = aware(at)
    answer = read_response(response) if isinstance(response, bytes) else response
    try:
        reasons = signer_reasons(answer, issuer, at, allow_sha1=allow_sha1)
        if reasons and answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return OcspStatus(Revocation.UNUSABLE, reasons)
        reasons += tuple(_why_not_about(answer, certificate, issuer))
        reasons += tuple(_why_not_timely(answer, at))
        reasons += tuple(_why_not_fresh(answer, nonce, required=nonce_required))
        if reasons:
            return OcspStatus(Revocation.UNUSABLE, reasons)
        revoked = answer.revocation_reason
        return OcspStatus(
            _STATUS[answer.certificate_status],
            revoked_at=answer.revocation_time_utc,
            reason=revoked.value if revoked else None,
            this_update=answer.this_update_utc,
            next_update=answer.next_update_utc,
        )
    except UNREADABLE as error:
        return OcspStatus(Revocation.UNUSABLE, (f"it cannot be read ({error})",))


def signer_reasons(
    response: ocsp.OCSPResponse,
    issuer: x509.Certificate,
    at: datetime,
    *,
    allow_sha1: bool = False,
) -> tuple[str, ...]:
    """Return why an answer is not the word of ``issuer`` or of a signer it appointed; else ().

    Checks the responder's state, that the answer is about ``issuer``'s certificates, the responder
    id, the signature, and an appointed signer's certificate: signed by ``issuer`` itself, with the
    OCSPSigning usage, in date at ``at`` (RFC 6960, 4.2.2.2). Does not look at which certificate
    the answer is about, nor at its age: that is `check`'s.
    """
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return (f"the responder gave no answer but {response.response_status.name}",)
    try:
        return tuple(_why_not_signed(response, issuer, aware(at), allow_sha1=allow_sha1))
    except UNREADABLE as error:
        return (f"it cannot be read ({error})",)


def _request(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    algorithm: hashes.HashAlgorithm,
    nonce: bytes | None = None,
) -> ocsp.OCSPRequest:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm)
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build()


def _why_not_signed(
    response: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime, *, allow_sha1: bool
) -> Iterator[str]:
    singles = list(response.responses)
    if len(singles) != 1:
        yield f"it answers about {len(singles)} certificates, not one"
    for single in singles:
        digest = hashes.Hash(single.hash_algorithm)
        digest.update(issuer.subject.public_bytes())
        if single.issuer_name_hash != digest.finalize():
            yield "it is about certificates of an issuer with another name"
        # Any request to this issuer holds the hash of its key.
        expected = _request(issuer, issuer, single.hash_algorithm)
        if single.issuer_key_hash != expected.issuer_key_hash:
            yield "it is about certificates of an issuer with another key"
    algorithm = response.signature_hash_algorithm
    if _is_too_weak(algorithm, allow_sha1=allow_sha1) and algorithm:
        yield f"it is signed with {algorithm.name.upper()}, which can be forged"
    signers = [each for each in (issuer, *response.certificates) if _is_named(response, each)]
    if not signers:
        yield "the responder it names is neither the issuer nor among the certificates it brings"
        return
    signed = [each for each in signers if _has_signed(response, each)]
    if not signed:
        yield "its signature is damaged or another's"
        return
    if issuer not in signed:
        yield from _why_not_appointed(signed[0], issuer, at, allow_sha1=allow_sha1)


def _is_too_weak(algorithm: hashes.HashAlgorithm | None, *, allow_sha1: bool) -> bool:
    return is_weak(algorithm) and not (
        allow_sha1 and algorithm is not None and algorithm.name == "sha1"
    )


def _is_named(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    """Whether a certificate is the responder the answer names, by name or by key hash."""
    try:
        if response.responder_key_hash is None:
            return response.responder_name == certificate.subject
        identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    except UNREADABLE:
        return False
    return response.responder_key_hash == identifier.digest


def _why_not_appointed(
    signer: x509.Certificate, issuer: x509.Certificate, at: datetime, *, allow_sha1: bool
) -> Iterator[str]:
    who = f"its signer {name_text(signer, 'subject')}"
    if not is_issued_by(signer, issuer):
        yield f"{who} was not appointed by the issuer: another signed its certificate"
    algorithm = signer.signature_hash_algorithm
    if _is_too_weak(algorithm, allow_sha1=allow_sha1) and algorithm:
        yield f"{who} has a certificate signed with {algorithm.name.upper()}, which can be forged"
    usage = extension_value(signer, x509.ExtendedKeyUsage)
    if usage is None or ExtendedKeyUsageOID.OCSP_SIGNING not in usage:
        yield f"{who} may not sign OCSP answers: its certificate lacks the OCSPSigning usage"
    if key_usage_forbids(signer, "digital_signature", "content_commitment"):
        yield f"{who} may not sign (key usage)"
    if not signer.not_valid_before_utc <= at <= signer.not_valid_after_utc:
        yield f"{who} is out of date"
    for extension in signer.extensions:
        if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            yield f"{who} has an unknown critical extension, {extension.oid.dotted_string}"


def _has_signed(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    try:
        key, algorithm = signer.public_key(), response.signature_hash_algorithm
    except UNREADABLE:
        return False
    return verifies(key, response.signature, response.tbs_response_bytes, algorithm)


def _why_not_about(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> Iterator[str]:
    for single in response.responses:
        if single.serial_number != certificate.serial_number:
            yield f"it is about another certificate, {serial_hex(single.serial_number)}"
    if not is_issued_by(certificate, issuer):
        yield "the issuer given did not issue the certificate"


def _why_not_timely(response: ocsp.OCSPResponse, at: datetime) -> Iterator[str]:
    for single in response.responses:
        if at < single.this_update_utc:
            yield f"its time begins at {time_text(single.this_update_utc)}"
        if single.next_update_utc is None:
            yield "it does not say until when it holds, so it may be any age"
        elif single.next_update_utc < at:
            yield f"it is stale: it held until {time_text(single.next_update_utc)}"
    if at < response.produced_at_utc:
        yield f"it was made at {time_text(response.produced_at_utc)}, which is yet to come"
    for extension in (*response.extensions, *response.single_extensions):
        if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            yield f"it has an unknown critical extension, {extension.oid.dotted_string}"


def _why_not_fresh(
    response: ocsp.OCSPResponse, nonce: bytes | None, *, required: bool
) -> Iterator[str]:
    if nonce is None:
        return
    sent_back = [e.value.nonce for e in response.extensions if isinstance(e.value, x509.OCSPNonce)]
    if sent_back and sent_back != [nonce]:
        yield "it carries another nonce than was sent"
    elif required and not sent_back:
        yield "it does not carry the nonce that was sent"
