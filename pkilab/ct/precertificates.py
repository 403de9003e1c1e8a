"""Precertificates, and the SCTs inside certificates (RFC 6962, sections 3.1 to 3.3).

A precertificate is the certificate to come, made unusable by a critical extension (the poison). A
log signs for what the two have in common: the TBSCertificate with neither poison nor SCT list. It
is cut out here in the DER itself, so that all else keeps its bytes, whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from pkilab.ct import _tbs
from pkilab.ct.signing import verify_sct
from pkilab.ct.structures import PreCert, Sct, decode_sct_list, encode_sct_list, split_sct_list
from pkilab.errors import CtError, MalformedError
from pkilab.pki import _der
from pkilab.pki.certificates import UNREADABLE, extension_value

if TYPE_CHECKING:
    from datetime import datetime

    from pkilab.pki.keys import PublicKey

_SCT_LIST = ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS
_NULL = b"\x05\x00"


@dataclass(frozen=True, slots=True)
class SctVerdict:
    """What is to be said of one SCT in a certificate.

    ``sct`` is None where it cannot be read. ``reason`` is empty if the SCT holds.
    """

    sct: Sct | None
    holds: bool
    reason: str


def is_precertificate(certificate: x509.Certificate) -> bool:
    """Whether a certificate has the poison: critical, its value NULL (RFC 6962, 3.1)."""
    found = _tbs.extension(certificate, _tbs.POISON)
    return found is not None and found.critical and found.value == _NULL


def is_precertificate_signer(certificate: x509.Certificate) -> bool:
    """Whether a certificate is a Precertificate Signing Certificate: a CA with that key usage."""
    try:
        usages = extension_value(certificate, x509.ExtendedKeyUsage)
        constraints = extension_value(certificate, x509.BasicConstraints)
    except UNREADABLE:
        return False
    is_ca = constraints is not None and constraints.ca
    return is_ca and ExtendedKeyUsageOID.CERTIFICATE_TRANSPARENCY in (usages or ())


def with_poison(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    """Make a builder of certificates into one of precertificates."""
    return builder.add_extension(x509.PrecertPoison(), critical=True)


def with_scts(builder: x509.CertificateBuilder, scts: Sequence[Sct]) -> x509.CertificateBuilder:
    """Add the SCT list to a builder of certificates.

    Raises:
        MalformedError: no SCTs, or too many for a list.
    """
    value = _der.encode(_tbs.OCTET_STRING, [encode_sct_list(scts)])
    return builder.add_extension(x509.UnrecognizedExtension(_SCT_LIST, value), critical=False)


def issue_logged(
    builder: x509.CertificateBuilder,
    sign: Callable[[x509.CertificateBuilder], x509.Certificate],
    submit: Callable[[x509.Certificate], Sequence[Sct]],
) -> tuple[x509.Certificate, x509.Certificate]:
    """Issue a certificate with SCTs in it: precertificate, logs, certificate.

    Args:
        builder: the certificate, complete but for the signature; its serial number is in it, for
            the two have the same.
        sign: signs a builder with the issuing CA's key.
        submit: hands the precertificate to logs and returns their SCTs.

    Returns:
        The precertificate and the certificate.

    Raises:
        CtError: ``sign`` made two that differ in more than poison and SCT list.
        MalformedError: the logs gave no SCT.
    """
    precertificate = sign(with_poison(builder))
    certificate = sign(with_scts(builder, submit(precertificate)))
    verify_correspondence(precertificate, certificate)
    return precertificate, certificate


def entry_for_certificate(certificate: x509.Certificate, issuer: x509.Certificate) -> PreCert:
    """Return what logs signed for in the SCTs inside a certificate (RFC 6962, 3.2).

    Not checked: whether ``issuer`` issued it. With another issuer the SCTs do not hold.

    Args:
        certificate: with an SCT list, or without one yet.
        issuer: the certificate of the CA that issued it.

    Raises:
        CtError: it is a precertificate.
        MalformedError: it cannot be cut into its parts.
    """
    if _tbs.extension(certificate, _tbs.POISON):
        raise CtError("certificate", found="a precertificate", expected="one without poison")
    return PreCert(_tbs.key_hash(issuer), _tbs.without(certificate, _tbs.SCT_LIST))


def entry_for_precertificate(
    precertificate: x509.Certificate,
    issuer: x509.Certificate,
    final_issuer: x509.Certificate | None = None,
) -> PreCert:
    """Return what a log signs for when a precertificate is submitted (RFC 6962, 3.2).

    Signed by a Precertificate Signing Certificate, it has the issuer and the authority key
    identifier of the certificate to come put in: the signer's own, for the same CA issued both.

    Not checked: any signature.

    Args:
        precertificate: with the poison.
        issuer: the certificate that signed it.
        final_issuer: the CA that will issue the certificate, if ``issuer`` is a Precertificate
            Signing Certificate; that CA issued ``issuer``.

    Raises:
        CtError: no precertificate; or ``final_issuer`` is missing, superfluous or another CA's.
        MalformedError: it cannot be cut into its parts.
    """
    if not is_precertificate(precertificate):
        expected = "a precertificate, with a critical poison extension of NULL"
        raise CtError("certificate", found="one that is none", expected=expected)
    if is_precertificate_signer(issuer):
        if final_issuer is None or not _tbs.names_issuer(issuer, final_issuer):
            found = "none" if final_issuer is None else "another CA"
            expected = "the CA that issued the Precertificate Signing Certificate"
            raise CtError("final issuer", found=found, expected=expected)
        tbs = _tbs.without(precertificate, _tbs.POISON, signer=issuer)
        return PreCert(_tbs.key_hash(final_issuer), tbs)
    if final_issuer is not None:
        expected = "none: the issuer is no Precertificate Signing Certificate"
        raise CtError("final issuer", found="one", expected=expected)
    return PreCert(_tbs.key_hash(issuer), _tbs.without(precertificate, _tbs.POISON))


def verify_correspondence(
    precertificate: x509.Certificate,
    certificate: x509.Certificate,
    signer: x509.Certificate | None = None,
) -> None:
    """Check that a certificate is the one that a precertificate announced.

    The two are equal, byte for byte, but for poison, SCT list and signature.

    Args:
        precertificate: with the poison.
        certificate: with or without SCT list.
        signer: the Precertificate Signing Certificate, if one signed the precertificate.

    Raises:
        CtError: it announced another, or the two are not what they should be.
        MalformedError: one of them cannot be cut into its parts.
    """
    if not is_precertificate(precertificate) or _tbs.extension(certificate, _tbs.POISON):
        expected = "a precertificate and a certificate, in this order"
        raise CtError("pair", found="another", expected=expected)
    if _tbs.without(precertificate, _tbs.POISON, signer=signer) != _tbs.without(
        certificate, _tbs.SCT_LIST
    ):
        expected = "the precertificate's without poison"
        raise CtError("TBSCertificate without SCT list", found="a different one", expected=expected)


def sct_list_of(certificate: x509.Certificate) -> bytes | None:
    """Return the TLS-encoded SCT list inside a certificate; None if it has none.

    Raises:
        MalformedError: the extension is there twice, or is no OCTET STRING in an OCTET STRING.
    """
    found = _tbs.extension(certificate, _tbs.SCT_LIST)
    if found is None:
        return None
    inner = _der.elements(found.value)
    if len(inner) != 1 or inner[0].tag != _tbs.OCTET_STRING:
        raise MalformedError("SCT list", found="another value", expected="an OCTET STRING")
    return inner[0].contents


def scts_of(certificate: x509.Certificate) -> tuple[Sct, ...]:
    """Return the SCTs inside a certificate, in order; none if there is no list.

    Raises:
        MalformedError: the list or an SCT in it cannot be read.
    """
    data = sct_list_of(certificate)
    return () if data is None else decode_sct_list(data)


def verify_embedded(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    logs: Mapping[bytes, PublicKey],
    at: datetime | None = None,
) -> tuple[SctVerdict, ...]:
    """Verify each SCT inside a certificate; one that fails says nothing of the others.

    Not checked: whether ``issuer`` issued the certificate, whether the entries are in the logs,
    and how many SCTs of which logs there should be (`pkilab.ct.policy`).

    Args:
        certificate: with SCTs in it; without, there are no verdicts.
        issuer: the certificate of the CA that issued it.
        logs: the public keys of the logs known, by log ID.
        at: an aware time that no SCT may be dated after; None: not looked at.

    Raises:
        MalformedError: the list cannot be cut into SCTs, or the certificate into its parts; a log's
            key is of a kind that no log has; or ``at`` has no time zone.
    """
    data = sct_list_of(certificate)
    if data is None:
        return ()
    signed = entry_for_certificate(certificate, issuer)
    return tuple(_verdict(each, signed, logs, at) for each in split_sct_list(data))


def _verdict(
    data: bytes, signed: PreCert, logs: Mapping[bytes, PublicKey], at: datetime | None
) -> SctVerdict:
    try:
        sct = Sct.decode(data)
    except MalformedError as error:
        return SctVerdict(None, holds=False, reason=str(error))
    if (key := logs.get(sct.log_id)) is None:
        return SctVerdict(sct, holds=False, reason=f"no log known has the ID {sct.log_id.hex()}")
    try:
        verify_sct(sct, sct.entry(signed), key, at=at)
    except CtError as error:
        return SctVerdict(sct, holds=False, reason=str(error))
    return SctVerdict(sct, holds=True, reason="")
