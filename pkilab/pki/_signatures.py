"""Whether a key made a signature, for the cases where ``cryptography`` has no call of its own.

Those are OCSP answers, and certificates signed with SHA-1: ``verify_directly_issued_by`` refuses
them unread, and a reader should hear "weak" rather than "not by this issuer".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa

from pkilab.pki.certificates import UNREADABLE

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    from pkilab.pki.keys import PublicKey

# Signatures that can be forged today; what is signed so is named weak and not believed.
WEAK_HASHES = frozenset({"md5", "sha1"})


def is_weak(algorithm: hashes.HashAlgorithm | None) -> bool:
    """Whether a signature's hash is among `WEAK_HASHES`; None is a signature without one."""
    return algorithm is not None and algorithm.name in WEAK_HASHES


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` has the issuer's name and made the signature, be it weak.

    Not checked: whether it may issue, and the dates.
    """
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return _is_weakly_issued_by(certificate, issuer)
    return True


def verifies(
    key: PublicKey, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm | None
) -> bool:
    """Verify RSA PKCS#1 v1.5, ECDSA, EdDSA or ML-DSA; any other key or padding is False.

    Args:
        key: the signer's public key.
        signature: as it stands in the object.
        signed: the bytes that were signed.
        algorithm: the hash of RSA and ECDSA; None for the others.
    """
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(
            key,
            ed25519.Ed25519PublicKey
            | ed448.Ed448PublicKey
            | mldsa.MLDSA44PublicKey
            | mldsa.MLDSA65PublicKey
            | mldsa.MLDSA87PublicKey,
        ):
            key.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def _is_weakly_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        algorithm = certificate.signature_hash_algorithm
        return (
            is_weak(algorithm)
            and certificate.issuer == issuer.subject
            and verifies(
                issuer.public_key(),
                certificate.signature,
                certificate.tbs_certificate_bytes,
                algorithm,
            )
        )
    except UNREADABLE:
        return False
