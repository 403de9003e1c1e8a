"""ImportCertificate: what ACM checks of a certificate, its key and its chain.

Sources: ACM User Guide, "Prerequisites for importing certificates" and "Certificate and key format
for importing"; Knowledge Center, "troubleshoot issues with importing"; for messages, the issues
named in the fidelity table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab.errors import MalformedError
from pkilab.pki import pem
from pkilab.pki._signatures import is_issued_by
from pkilab.pki.certificates import UNREADABLE, extension_value
from pkilab.pki.keys import PrivateKey, key_algorithm
from pkilab.simulator.service import AwsError

_KEYS = {
    "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096",
    "EC_prime256v1", "EC_secp384r1", "EC_secp521r1",
}  # fmt: skip
_LONGEST_KEY = 5120  # bytes
_BITS = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Imported:
    """A certificate, its key and its chain, found to belong together."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...]
    names: tuple[str, ...]
    key_algorithm: str


def read(certificate: bytes, key: bytes, chain: bytes | None, now: datetime) -> Imported:
    """Check what was given.

    Raises:
        AwsError: ValidationException, with ACM's sentence.
    """
    found = _certificate(certificate)
    private_key = _key(key)
    try:
        matches = private_key.public_key() == found.public_key()
        names = _names(found)
        algorithm = key_algorithm(found.public_key())
    except UNREADABLE as error:
        raise _refused("Unable to parse certificate.") from error
    if not matches:
        raise _refused("The certificate and the private key do not match.")
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        when = f"{found.not_valid_before_utc:%Y-%m-%d} to {found.not_valid_after_utc:%Y-%m-%d}"
        raise _refused(f"The certificate is not valid now: it is valid from {when}.")
    above = _chain(chain) if chain else ()
    _check_chain(found, above)
    return Imported(found, private_key, above, names, algorithm)


def check_uses(before: x509.Certificate, after: x509.Certificate) -> None:
    """Check that a reimport takes no use away, as far as ACM looks.

    Client authentication may go, and of an ECDSA key key encipherment.

    Raises:
        AwsError: ValidationException.
    """
    gone = _uses(before) - _uses(after) - {ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string}
    if isinstance(after.public_key(), ec.EllipticCurvePublicKey):
        gone.discard("key_encipherment")
    if gone:
        raise _refused(f"A reimport may not remove key usages: {', '.join(sorted(gone))}")


def _uses(certificate: x509.Certificate) -> set[str]:
    usage = extension_value(certificate, x509.KeyUsage)
    extended = extension_value(certificate, x509.ExtendedKeyUsage) or ()
    named = {each for each in _BITS if usage and getattr(usage, each)}
    return named | {each.dotted_string for each in extended}


def _certificate(data: bytes) -> x509.Certificate:
    try:
        found = pem.load_certificates(data.decode("latin-1"))
    except MalformedError as error:
        message = "Unable to parse certificate. Be sure that the certificate is in PEM format."
        raise _refused(message) from error
    if len(found) > 1:
        raise _refused(
            "The certificate field contains more than one certificate. You can specify only one "
            "certificate in this field."
        )
    if found[0].version is not x509.Version.v3:
        raise _refused("The certificate must be an X.509 version 3 certificate.")
    return found[0]


def _key(data: bytes) -> PrivateKey:
    if len(data) > _LONGEST_KEY:
        raise _refused(f"The private key must be no larger than {_LONGEST_KEY} bytes.")
    if b"ENCRYPTED" in data:
        raise _refused("Your private key should not be encrypted.")
    try:
        key = load_pem_private_key(data, None)
        algorithm = key_algorithm(key)  # type: ignore[arg-type]  # names any key
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _refused("The private key is not supported.") from error
    if algorithm not in _KEYS:
        raise _refused("The private key length isn't supported for key algorithm.")
    return key  # type: ignore[return-value]  # RSA or EC, as just seen


def _chain(data: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return pem.load_certificates(data.decode("latin-1"))
    except MalformedError as error:
        raise _refused("The certificate chain provided is not in a valid PEM format.") from error


def _check_chain(certificate: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> None:
    if not chain:
        if not is_issued_by(certificate, certificate):
            raise _refused(
                "Provided certificate is not a valid self signed. Please provide either a valid "
                "self-signed certificate or certificate chain."
            )
        return
    below = (certificate, *chain[:-1])
    for index, (child, issuer) in enumerate(zip(below, chain, strict=True)):
        if not is_issued_by(child, issuer):
            if index == 0:
                raise _refused("Could not validate the certificate with the certificate chain.")
            raise _refused(
                "Unable to validate certificate chain. The certificate chain must start with the "
                "immediate signing certificate, followed by any intermediaries in order. The index "
                f"within the chain of the invalid certificate is: {index}"
            )
    _check_family(certificate, chain[0])


def _check_family(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """Check that RSA signs RSA, and ECDSA ECDSA."""
    ours, theirs = (
        key_algorithm(each.public_key()).partition("_")[0] for each in (certificate, issuer)
    )
    if ours != theirs:
        raise _refused(
            f"The algorithm of the certificate, {ours}, must match that of the CA that signed it: "
            f"found {theirs}"
        )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the names it is for, the common name first if it has one and nothing else says."""
    alternatives = extension_value(certificate, x509.SubjectAlternativeName)
    dns = alternatives.get_values_for_type(x509.DNSName) if alternatives else []
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    names = dns or [str(each.value) for each in common]
    return tuple(dict.fromkeys(name.lower() for name in names))


def _refused(message: str) -> AwsError:
    return AwsError("ValidationException", message)
