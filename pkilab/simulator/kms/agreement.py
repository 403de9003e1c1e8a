"""DeriveSharedSecret: cofactor Diffie-Hellman on the NIST curves.

Source: API Reference, DeriveSharedSecret; NIST SP 800-56A Rev. 3, section 5.7.1.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pkilab.simulator.kms.specs import require_algorithm
from pkilab.simulator.service import AwsError

if TYPE_CHECKING:
    from pkilab.simulator.kms.material import KeyMaterial
    from pkilab.simulator.kms.specs import Spec


def derive_shared_secret(
    material: KeyMaterial, spec: Spec, algorithm: str, peer_der: bytes
) -> bytes:
    """Agree on a secret with the owner of a public key.

    Args:
        material: of a key of ``spec``, on one of the NIST curves.
        spec: the key's spec.
        algorithm: ``ECDH``.
        peer_der: the peer's public key, on the same curve, as DER SubjectPublicKeyInfo.

    Returns:
        The raw secret: the x coordinate, 32, 48 or 66 bytes, to be put through a key derivation.

    Raises:
        AwsError: InvalidKeyUsageException, the spec agrees on nothing; ValidationException, not a
            public key, no point of the curve, or of another curve: without a sentence, as recorded
            from KMS for the first of them (LocalStack, test_derive_shared_secret).
    """
    require_algorithm(spec, "KEY_AGREEMENT", algorithm)
    key = material.private
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - what the spec says
    try:
        peer = load_der_public_key(peer_der)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise AwsError("ValidationException", "") from problem
    if not isinstance(peer, ec.EllipticCurvePublicKey) or peer.curve.name != key.curve.name:
        raise AwsError("ValidationException", "")
    return key.exchange(ec.ECDH(), peer)
