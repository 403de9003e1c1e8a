"""What PyCryptodome does for KMS: it takes its randomness from outside, and knows Ed25519ph.

``cryptography`` draws hedges and the padding of OAEP from the operating system, where no seed
reaches. It still verifies and decrypts all of this but Ed25519ph: two implementations that must
agree.

Imported where it is needed and not before, because PyCryptodome takes its time to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from Crypto.Cipher import PKCS1_OAEP
from Crypto.Hash import SHA1, SHA256, SHA512
from Crypto.PublicKey import MLDSA, RSA
from Crypto.Signature import eddsa, mldsa

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.asymmetric import mldsa as ml_dsa

    from pkilab.pki.entropy import RandomSource

_OAEP_HASHES = {"sha1": SHA1, "sha256": SHA256}


class _Mu(mldsa.MLDSAMuHash):  # type: ignore[misc]  # untyped
    """A finished message representative."""

    def __init__(self, key: MLDSA.MLDSAKey, mu: bytes) -> None:
        super().__init__(key)
        self._mu = mu

    def digest(self) -> bytes:
        """Return the representative that was given."""
        return self._mu


def sign_ml_dsa(
    key: ml_dsa.MLDSA44PrivateKey | ml_dsa.MLDSA65PrivateKey | ml_dsa.MLDSA87PrivateKey,
    parameter_set: str,
    message: bytes,
    entropy: RandomSource,
    *,
    is_mu: bool,
) -> bytes:
    """Sign with ML-DSA, hedged, without a context.

    Args:
        key: the private key.
        parameter_set: ``ML_DSA_44``, ``ML_DSA_65`` or ``ML_DSA_87``: the key's.
        message: the message, or its 64-byte representative.
        entropy: 32 bytes of it, FIPS 204's rnd.
        is_mu: whether ``message`` is the representative.

    Source: FIPS 204, algorithms 2 and 7.
    """
    own = MLDSA.construct(
        param_set=MLDSA.ParamSet(parameter_set.replace("_", "-")), seed=key.private_bytes_raw()
    )
    signer = mldsa.new(own, randfunc=entropy.bytes)
    signature: bytes = signer.sign(_Mu(own, message) if is_mu else message)
    return signature


def sign_ed25519ph(key: ed25519.Ed25519PrivateKey, message: bytes) -> bytes:
    """Sign with Ed25519ph, without a context: SHA-512 of ``message`` is what is signed.

    Source: RFC 8032 section 5.1; FIPS 186-5 section 7.8.1.
    """
    signer = eddsa.new(eddsa.import_private_key(key.private_bytes_raw()), "rfc8032")
    signature: bytes = signer.sign(SHA512.new(message))
    return signature


def encrypt_oaep(
    key: rsa.RSAPublicKey, name: str, plaintext: bytes, entropy: RandomSource
) -> bytes:
    """Encrypt with RSAES-OAEP: MGF1 of the same hash, no label.

    Args:
        key: the public key.
        name: ``sha1`` or ``sha256``.
        plaintext: no longer than the modulus leaves: a ValueError otherwise.
        entropy: the seed of the padding.

    Source: RFC 8017 section 7.1.1.
    """
    numbers = key.public_numbers()
    cipher = PKCS1_OAEP.new(
        RSA.construct((numbers.n, numbers.e)),
        hashAlgo=_OAEP_HASHES[name],
        randfunc=entropy.bytes,
    )
    ciphertext: bytes = cipher.encrypt(plaintext)
    return ciphertext
