"""ImportCertificate: what ACM checks of a certificate, its key and its chain.

Sources: ACM User Guide, "Prerequisites for importing certificates" and "Certificate and key format
for importing"; Knowledge Center, "troubleshoot issues with importing"; for messages, the issues
named in the fidelity table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from pkilab.errors import MalformedError
from pkilab.pki import pem
from pkilab.pki._signatures import is_issued_by
from pkilab.pki.certificates import UNREADABLE, extension_value
from pkilab.pki.keys import PrivateKey, key_algorithm
from pkilab.simulator.acm.rules import Rules
from pkilab.simulator.acm.state import AcmCertificate
from pkilab.simulator.service import AwsError

_KEYS = {
    "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096",
    "EC_prime256v1", "EC_secp384r1", "EC_secp521r1",
}  # fmt: skip
_LONGEST_KEY = 5120  # bytes
_LONGEST_OCSP_URL = 1000  # characters
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(?:(?!-----).)*-----END \1-----", re.DOTALL)
_PARAMETERS = b"EC PARAMETERS"  # openssl writes them before a key; ACM takes them away
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

    A chain need not reach a root; whether anyone trusts it is not looked at.

    Raises:
        AwsError: ValidationException, with ACM's sentence.
    """
    found = _certificate(certificate)
    private_key = _key(key)
    try:
        matches = private_key.public_key() == found.public_key()
        names = _names(found)
        algorithm = key_algorithm(found.public_key())
        _check_contents(found)
    except UNREADABLE as error:
        raise _refused("Unable to parse certificate.") from error
    if not matches:
        raise _refused("The certificate and the private key do not match.")
    if now > found.not_valid_after_utc:
        raise _refused("The certificate has expired, is not valid.")
    if now < found.not_valid_before_utc:
        raise _refused("The certificate is not in effect yet, is not valid.")
    above = _certificates(chain, "chain") if chain else ()
    _check_chain(found, above)
    return Imported(found, private_key, above, names, algorithm)


def check_reimport(kept: AcmCertificate, found: Imported, rules: Rules) -> None:
    """Check what may replace a certificate under its ARN.

    Names may change, but not all of them; the key's type and size may not; uses may come, not go.

    Raises:
        AwsError: ValidationException.
    """
    if kept.type != "IMPORTED":
        raise _refused("Only imported certificates are reimported.")
    if kept.key_algorithm != found.key_algorithm:
        raise _refused(
            f"The key type must stay: found {found.key_algorithm}, expected {kept.key_algorithm}"
        )
    if kept.names and not set(kept.names) & set(found.names):
        raise _refused("Not all domain names may be removed by a reimport.")
    assert kept.certificate is not None  # noqa: S101 - goes with IMPORTED
    check_uses(kept.certificate, found.certificate, rules)


def check_uses(before: x509.Certificate, after: x509.Certificate, rules: Rules) -> None:
    """Check that a reimport takes no use away, as far as ACM looks.

    Client authentication may go, and of an ECDSA key key encipherment, since the rules say so.

    Raises:
        AwsError: ValidationException.
    """
    gone = _uses(before) - _uses(after)
    if "clientAuth" in rules.droppable:
        gone.discard(ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string)
    ecdsa = isinstance(after.public_key(), ec.EllipticCurvePublicKey)
    if ecdsa and "keyEncipherment of ECDSA" in rules.droppable:
        gone.discard("key_encipherment")
    if gone:
        raise _refused(f"A reimport may not remove key usages: {', '.join(sorted(gone))}")


def _uses(certificate: x509.Certificate) -> set[str]:
    usage = extension_value(certificate, x509.KeyUsage)
    extended = extension_value(certificate, x509.ExtendedKeyUsage) or ()
    named = {each for each in _BITS if usage and getattr(usage, each)}
    return named | {each.dotted_string for each in extended}


def _certificate(data: bytes) -> x509.Certificate:
    found = _certificates(data, "body")
    if len(found) > 1:
        raise _refused(
            "The certificate field contains more than one certificate. You can specify only one "
            "certificate in this field."
        )
    if found[0].version is not x509.Version.v3:
        raise _refused("The certificate must be an X.509 version 3 certificate.")
    return found[0]


def _certificates(data: bytes, what: str) -> tuple[x509.Certificate, ...]:
    """Read PEM blocks with nothing around them: bag attributes must have been taken away."""
    try:
        found = pem.load_certificates(data.decode("latin-1"))
    except MalformedError as error:
        if what == "chain":
            raise _not_pem(what) from error
        message = "Unable to parse certificate. Be sure that the certificate is in PEM format."
        raise _refused(message) from error
    if _BLOCK.sub(b"", data).strip():
        raise _not_pem(what)
    return found


def _not_pem(what: str) -> AwsError:
    return _refused(f"The certificate {what} provided is not in a valid PEM format.")


def _check_contents(certificate: x509.Certificate) -> None:
    if not certificate.issuer.rdns:
        raise _refused("The issuer of the certificate must not be empty.")
    access = extension_value(certificate, x509.AuthorityInformationAccess) or ()
    for each in access:
        if each.access_method == AuthorityInformationAccessOID.OCSP:
            location = str(each.access_location.value)
            if len(location) > _LONGEST_OCSP_URL:
                raise _refused(
                    f"The OCSP URL has at most {_LONGEST_OCSP_URL} characters: found "
                    f"{len(location)}"
                )


def _key(data: bytes) -> PrivateKey:
    if len(data) > _LONGEST_KEY:
        raise _refused(f"The private key must be no larger than {_LONGEST_KEY} bytes.")
    if b"ENCRYPTED" in data:
        raise _refused("Your private key should not be encrypted.")
    bare = _BLOCK.sub(lambda each: b"" if each[1] == _PARAMETERS else each[0], data)
    if _BLOCK.sub(b"", bare).strip():
        raise _refused("The private key is not supported.")
    try:
        key = load_pem_private_key(bare.strip(), None)
        algorithm = key_algorithm(key)  # type: ignore[arg-type]  # names any key
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _refused("The private key is not supported.") from error
    if algorithm not in _KEYS:
        raise _refused("The private key length isn't supported for key algorithm.")
    return key  # type: ignore[return-value]  # RSA or EC, as just seen


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
