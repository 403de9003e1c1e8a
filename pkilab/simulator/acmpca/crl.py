"""Certificate revocation lists as AWS Private CA makes them: full ones, v2, DER.

Source: AWS Private CA User Guide, "CRL structure"; RFC 5280 section 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.pki.keys import PrivateKey, signature_hash
from pkilab.simulator.acmpca.state import Revocation

# acm-pca's RevocationReason and the CRLReason of RFC 5280 section 5.3.1.
REASONS = {
    "UNSPECIFIED": x509.ReasonFlags.unspecified,
    "KEY_COMPROMISE": x509.ReasonFlags.key_compromise,
    "CERTIFICATE_AUTHORITY_COMPROMISE": x509.ReasonFlags.ca_compromise,
    "AFFILIATION_CHANGED": x509.ReasonFlags.affiliation_changed,
    "SUPERSEDED": x509.ReasonFlags.superseded,
    "CESSATION_OF_OPERATION": x509.ReasonFlags.cessation_of_operation,
    "PRIVILEGE_WITHDRAWN": x509.ReasonFlags.privilege_withdrawn,
    "A_A_COMPROMISE": x509.ReasonFlags.aa_compromise,
}


def _extension(
    value: x509.ExtensionType, *, critical: bool = False
) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, critical, value)


_REASON_EXTENSIONS = {
    reason: [_extension(x509.CRLReason(flag))] for reason, flag in REASONS.items()
} | {"UNSPECIFIED": []}


def crl_entry(serial: int, revocation: Revocation) -> x509.RevokedCertificate:
    """Return the entry of one revoked certificate.

    The reason UNSPECIFIED is expressed by leaving the extension out (RFC 5280 section 5.3.1).
    """
    extensions = _REASON_EXTENSIONS[revocation.reason]
    at = revocation.at.replace(microsecond=0)
    return x509.RevokedCertificateBuilder(serial, at, extensions).build()


def build_crl(
    issuer: x509.Certificate,
    key: PrivateKey,
    signing_algorithm: str,
    revoked: Iterable[x509.RevokedCertificate],
    *,
    number: int,
    this_update: datetime,
    next_update: datetime,
    idp_url: str | None = None,
) -> bytes:
    """Sign a CRL; the same arguments give the same bytes, except with ML-DSA.

    Args:
        issuer: the CA's certificate; its subject becomes the CRL's issuer.
        key: the CA's private key. That it belongs to ``issuer`` is not checked.
        signing_algorithm: acm-pca's name, such as ``SHA256WITHECDSA``.
        revoked: the entries (`crl_entry`), in the order they shall stand.
        number: the CRL Number; must grow from one CRL of a CA to the next.
        this_update: when it is issued; whole seconds are kept.
        next_update: when the next one is issued at the latest.
        idp_url: the distribution point, if the CRL covers only the certificates that name it; it
            becomes a critical Issuing Distribution Point.
    """
    extensions: list[x509.Extension[x509.ExtensionType]] = [
        _extension(_authority_key_identifier(issuer)),
        _extension(x509.CRLNumber(number)),
    ]
    if idp_url is not None:
        extensions.append(_extension(_issuing_distribution_point(idp_url), critical=True))
    # One call: adding entries one by one copies the list each time.
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.subject,
        last_update=this_update.replace(microsecond=0),
        next_update=next_update.replace(microsecond=0),
        extensions=extensions,
        revoked_certificates=list(revoked),
    )
    signed = builder.sign(
        key,
        signature_hash(signing_algorithm),
        ecdsa_deterministic=True if signing_algorithm.endswith("ECDSA") else None,
    )
    return signed.public_bytes(Encoding.DER)


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        own = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _issuing_distribution_point(url: str) -> x509.IssuingDistributionPoint:
    return x509.IssuingDistributionPoint(
        full_name=[x509.UniformResourceIdentifier(url)],
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=False,
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )
