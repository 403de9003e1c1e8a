"""Installing a CA certificate: is it the CA's own, is it a CA's, does its chain hold?

Sources: AWS Private CA API Reference, ImportCertificateAuthorityCertificate; User Guide, "RFC 5280
compliance". Not checked, as AWS says of itself: certificate policies and their mappings, name
constraints of the chain, the content of SKI and AKI.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

from pkilab.errors import MalformedError
from pkilab.pki.keys import PrivateKey
from pkilab.pki.pem import load_certificates
from pkilab.simulator.acmpca.state import Authority, Issuer
from pkilab.simulator.service import AwsError

Kind = TypeVar("Kind", bound=x509.ExtensionType)

# ImportCertificateAuthorityCertificate, "Enforcement of Critical Constraints".
_MAY_BE_CRITICAL = frozenset(
    {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_DIRECTORY_ATTRIBUTES,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_INFORMATION_ACCESS,
    }
)
_READING_ERRORS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    UserWarning,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def malformed(message: str) -> AwsError:
    """Refuse a certificate or chain."""
    return AwsError("MalformedCertificateException", message)


def mismatch(message: str) -> AwsError:
    """Refuse a certificate that is not this CA's, or not what its signer allows."""
    return AwsError("CertificateMismatchException", message)


def check_import(
    authority: Authority, certificate_pem: bytes, chain_pem: bytes, now: datetime
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...], Issuer]:
    """Read and check a certificate and its chain; the CA is left as it is.

    Args:
        authority: whose certificate it shall be; its state was checked before.
        certificate_pem: one certificate.
        chain_pem: the issuer, its issuer and so on to the root; empty for a root.
        now: the moment of the call.

    Raises:
        AwsError: CertificateMismatchException, InvalidRequestException,
            MalformedCertificateException, ValidationException.
    """
    certificate = _read(certificate_pem, "certificate")
    if len(certificate) != 1:
        raise malformed(f"Exactly one certificate is expected; found {len(certificate)}.")
    chain = _read(chain_pem, "certificate chain") if chain_pem.strip() else ()
    (own,) = certificate
    try:
        _check_own(authority, own, now)
        _check_place(authority, own, chain)
        _check_chain((own, *chain), now)
        return own, chain, read_issuer(own, authority.key)
    except _READING_ERRORS as error:
        raise malformed("The certificate or its chain cannot be read.") from error


def read_issuer(certificate: x509.Certificate, key: PrivateKey) -> Issuer:
    """Read from a CA certificate what every issuance needs of it.

    The AKI that it gives is its SKI, or the SHA-1 of its key if it has none.

    Raises:
        ValueError: an extension cannot be read.
    """
    key_identifier = _value(certificate, x509.SubjectKeyIdentifier)
    aki = (
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_identifier)
        if key_identifier
        else x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    )
    constraints = _value(certificate, x509.BasicConstraints)
    return Issuer(
        name=certificate.subject,
        authority_key_identifier=x509.Extension(aki.oid, critical=False, value=aki),
        not_after=certificate.not_valid_after_utc,
        path_length=constraints.path_length if constraints else None,
        name_constraints=_value(certificate, x509.NameConstraints),
    )


def _read(pem: bytes, thing: str) -> tuple[x509.Certificate, ...]:
    try:
        return load_certificates(pem.decode("latin-1"))  # text: DER is not taken
    except MalformedError as error:
        raise malformed(f"The {thing} cannot be read: {error.found}.") from error


def _check_own(authority: Authority, own: x509.Certificate, now: datetime) -> None:
    """Is it this CA's key and name, and a CA certificate that may be used today?"""
    if own.public_key() != authority.key.public_key():
        raise mismatch("The certificate has another public key than the certificate authority.")
    csr = x509.load_pem_x509_csr(authority.csr)
    if own.subject != csr.subject:
        raise mismatch("The certificate has another subject than the CSR.")
    constraints = _extension(own, x509.BasicConstraints)
    if constraints is None or not constraints.critical or not constraints.value.ca:
        raise AwsError(
            "ValidationException",
            "The certificate must have a critical BasicConstraints extension with CA:TRUE",
        )
    for extension in own.extensions:
        if extension.critical and extension.oid not in _MAY_BE_CRITICAL:
            name = extension.oid.dotted_string
            raise malformed(f"The extension {name} must not be marked critical.")
    if own.not_valid_after_utc < now:
        raise malformed("The certificate has expired.")


def _check_place(
    authority: Authority, own: x509.Certificate, chain: Sequence[x509.Certificate]
) -> None:
    """A root stands alone and signs itself; a subordinate CA brings its chain."""
    self_signed = _signs(own, own)
    if authority.kind == "ROOT":
        if chain:
            raise AwsError(
                "InvalidRequestException", "A root CA certificate is imported without a chain."
            )
        if not self_signed:
            raise malformed("The certificate of a root CA must be self-signed.")
        return
    if self_signed:
        raise malformed("The certificate of a subordinate CA must not be self-signed.")
    if not chain:
        raise AwsError(
            "InvalidRequestException",
            "The certificate of a subordinate CA is imported with its chain.",
        )


def _check_chain(path: Sequence[x509.Certificate], now: datetime) -> None:
    """Walk from the new certificate up to the root.

    Args:
        path: the new certificate, its issuer and so on; one element for a root.
        now: the moment of the call.
    """
    if len(set(path)) != len(path):
        raise malformed("The chain must not contain the certificate itself, or one twice.")
    below = 0  # CA certificates beneath this one that count for its path length
    for child, parent in itertools.pairwise(path):
        if not _signs(parent, child):
            raise malformed(
                "Each certificate of the chain must sign the one before it: "
                f"{parent.subject.rfc4514_string()} does not sign "
                f"{child.subject.rfc4514_string()}."
            )
        below += child.subject != child.issuer  # self-issued ones do not count (RFC 5280, 4.2.1.9)
        constraints = _value(parent, x509.BasicConstraints)
        if constraints is None or not constraints.ca:
            raise malformed("Each certificate of the chain must be a CA certificate.")
        if constraints.path_length is not None and constraints.path_length < below:
            raise AwsError(
                "ValidationException",
                f"The path length {constraints.path_length} of "
                f"{parent.subject.rfc4514_string()} does not allow the certificate",
            )
        if parent.not_valid_after_utc < now:
            raise malformed("A certificate of the chain has expired.")
    if not _signs(path[-1], path[-1]):
        raise malformed("The chain must end in a self-signed root.")
    if len(path) > 1 and path[0].not_valid_after_utc > path[1].not_valid_after_utc:
        raise mismatch("The certificate is valid for longer than the one that signed it.")


def _signs(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Say whether names and signature fit; whether ``issuer`` may sign is another question."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _extension(certificate: x509.Certificate, kind: type[Kind]) -> x509.Extension[Kind] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _value(certificate: x509.Certificate, kind: type[Kind]) -> Kind | None:
    found = _extension(certificate, kind)
    return found.value if found else None
