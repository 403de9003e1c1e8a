"""Key material: what never leaves KMS. Made from a seed, and absent from every ``repr``."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from pkilab.pki.entropy import RandomSource
from pkilab.pki.keys import PrivateKey, PublicKey, generate_key, generate_on_curve
from pkilab.simulator.kms.specs import Spec


@dataclass(frozen=True, slots=True, eq=False)
class KeyMaterial:
    """A private key, or the bytes of a secret key. Two are never compared."""

    value: PrivateKey | bytes = field(repr=False)

    @property
    def private(self) -> PrivateKey:
        """The private key of a pair.

        Raises:
            TypeError: it is a secret key: the caller did not look at the spec.
        """
        if isinstance(self.value, bytes):
            raise TypeError("secret key material has no private key")
        return self.value

    @property
    def public(self) -> PublicKey:
        """The public key of a pair.

        Raises:
            TypeError: as `private`.
        """
        return self.private.public_key()

    @property
    def secret(self) -> bytes:
        """The bytes of a secret key.

        Raises:
            TypeError: it is a pair.
        """
        if not isinstance(self.value, bytes):
            raise TypeError("a key pair has no secret key")
        return self.value


def generate(spec: Spec, entropy: RandomSource) -> KeyMaterial:
    """Make the material of a key: the same bytes of ``entropy`` give the same key."""
    if not spec.is_asymmetric:
        return KeyMaterial(entropy.bytes(spec.secret_bytes))
    if spec.key_algorithm == "EC_secp256k1":
        return KeyMaterial(generate_on_curve(ec.SECP256K1(), entropy))
    return KeyMaterial(generate_key(spec.key_algorithm, entropy))


def public_der(material: KeyMaterial) -> bytes:
    """Write the public key as DER SubjectPublicKeyInfo, as GetPublicKey answers it.

    Source: RFC 5280 section 4.1.2.7; RFC 8017 A.1, RFC 5480, RFC 8410 and RFC 9881 for the
    identifiers of RSA, elliptic curves, Ed25519 and ML-DSA.
    """
    return material.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private_der(material: KeyMaterial) -> bytes:
    """Write the private key as DER PKCS#8, in the clear: GenerateDataKeyPair's plaintext."""
    return material.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
