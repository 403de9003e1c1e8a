"""Sign and Verify: every algorithm of the key specs simulated, over messages and their digests.

PKCS#1 v1.5 and Ed25519 are deterministic by nature and ECDSA is made so (RFC 6979). The hedge of
ML-DSA comes from the entropy given, so that a seeded world signs the same each time it is run, and
two signatures of one message still differ, as KMS's do. The salt of PSS is the operating system's:
what could take it from a seed signs several times slower.

Source: API Reference, Sign and Verify; RFC 8017, RFC 6979, RFC 8032, FIPS 204.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from pkilab.pki.kms_signatures import (
    Representative,
    representative_size,
    rsa_padding,
    signature_hash,
    verifies,
)
from pkilab.simulator.kms.specs import MessageType, Spec, require_algorithm
from pkilab.simulator.service import AwsError

if TYPE_CHECKING:
    from pkilab.pki.entropy import RandomSource
    from pkilab.pki.keys import PublicKey
    from pkilab.simulator.kms.material import KeyMaterial

_PH = "ED25519_PH_SHA_512"
_ML_DSA_PRIVATE = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey


def sign(  # noqa: PLR0917 - the members of Sign
    material: KeyMaterial,
    spec: Spec,
    algorithm: str,
    message: bytes,
    message_type: MessageType,
    entropy: RandomSource,
) -> bytes:
    """Sign a message, its digest or its ML-DSA representative.

    Args:
        material: of a key of ``spec``.
        spec: the key's spec.
        algorithm: a signing algorithm of the API.
        message: RAW, to be hashed; DIGEST, as long as the algorithm's hash; EXTERNAL_MU, 64 bytes.
            How long a message may be is the API model's constraint and not looked at here.
        message_type: what ``message`` is.
        entropy: 32 bytes for each signature of ML-DSA; nothing else takes from it.

    Returns:
        The signature: an RSA block, a DER ECDSA-Sig-Value, or EdDSA's or ML-DSA's own octets.

    Raises:
        AwsError: InvalidKeyUsageException, an algorithm that the spec does not have;
            ValidationException, a message type that does not go with it, or a wrong length.
    """
    _admit(spec, algorithm, message, message_type)
    key = material.private
    if isinstance(key, _ML_DSA_PRIVATE):
        from pkilab.simulator.kms import seeded  # noqa: PLC0415 - as in pkilab.pki.keys

        is_mu = message_type == "EXTERNAL_MU"
        return seeded.sign_ml_dsa(key, spec.name, message, entropy, is_mu=is_mu)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _sign_ed25519(key, algorithm, message)
    hashed = signature_hash(algorithm)
    how = Prehashed(hashed) if message_type == "DIGEST" else hashed
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(how, deterministic_signing=True))
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - what the specs leave
    return key.sign(message, rsa_padding(algorithm), how)


def verify(  # noqa: PLR0917 - the members of Verify
    key: PublicKey,
    spec: Spec,
    algorithm: str,
    message: bytes,
    message_type: MessageType,
    signature: bytes,
) -> bool:
    """Verify a signature with a public key, as Verify does and anyone can.

    Args:
        key: the public key of a key of ``spec``.
        spec: as for `sign`.
        algorithm: as for `sign`.
        message: as for `sign`; a signature over a message is also one over its digest.
        message_type: as for `sign`.
        signature: any octets.

    Raises:
        AwsError: as `sign`. A signature that does not hold, whatever it looks like, is False.
    """
    _admit(spec, algorithm, message, message_type)
    if message_type == "RAW" and algorithm != "ED25519_SHA_512":
        hasher = Representative(algorithm, key)
        hasher.update(message)
        message = hasher.finish()
    return verifies(key, algorithm, signature, message)


def _admit(spec: Spec, algorithm: str, message: bytes, message_type: MessageType) -> None:
    """Refuse what does not go together, in the sentences seen from KMS.

    Source: LocalStack's test_sign_verify, recorded from KMS, for the length of a digest; floci
    issue 3025 for message types. For the length of an EXTERNAL_MU, whose sentence nobody
    published, a digest's is used.
    """
    require_algorithm(spec, "SIGN_VERIFY", algorithm)
    if spec.key_algorithm == "Ed25519":
        wanted = "DIGEST" if algorithm == _PH else "RAW"
        if message_type != wanted:
            raise _incompatible(message_type, f"algorithm {algorithm}")
    elif message_type == ("DIGEST" if algorithm.startswith("ML_DSA") else "EXTERNAL_MU"):
        raise _incompatible(message_type, f"key spec {spec.name}")
    if message_type != "RAW" and len(message) != representative_size(algorithm):
        sentence = f"Digest is invalid length for algorithm {algorithm}."
        raise AwsError("ValidationException", sentence)


def _incompatible(message_type: MessageType, other: str) -> AwsError:
    sentence = f"Message type {message_type} is incompatible with {other}."
    return AwsError("ValidationException", sentence)


def _sign_ed25519(key: ed25519.Ed25519PrivateKey, algorithm: str, message: bytes) -> bytes:
    """Sign; of a prehash, with what KMS does.

    "The input is hashed twice: once by you and once by KMS" (API Reference, Sign).
    """
    if algorithm != _PH:
        return key.sign(message)
    from pkilab.simulator.kms import seeded  # noqa: PLC0415

    return seeded.sign_ed25519ph(key, message)
