"""Key pairs by AWS's names, from a seed or from the operating system.

``KeyAlgorithm`` names are those of acm-pca's API. Private keys are never given a ``repr`` here and
are written by `write_private_key` alone, which makes the file readable by its owner only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias, TypeGuard, get_args

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)

from pkilab.errors import MalformedError
from pkilab.pki.entropy import RandomSource

PrivateKey: TypeAlias = CertificateIssuerPrivateKeyTypes
PublicKey: TypeAlias = CertificatePublicKeyTypes
SignatureHash: TypeAlias = hashes.SHA256 | hashes.SHA384 | hashes.SHA512

_CURVES: dict[str, ec.EllipticCurve] = {
    "EC_prime256v1": ec.SECP256R1(),
    "EC_secp384r1": ec.SECP384R1(),
    "EC_secp521r1": ec.SECP521R1(),
}
_RSA_BITS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_ML_DSA: dict[
    str, type[mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey]
] = {
    "ML_DSA_44": mldsa.MLDSA44PrivateKey,
    "ML_DSA_65": mldsa.MLDSA65PrivateKey,
    "ML_DSA_87": mldsa.MLDSA87PrivateKey,
}
KEY_ALGORITHMS = (*_RSA_BITS, *_CURVES, *_ML_DSA, "Ed25519")


def generate_key(algorithm: str, entropy: RandomSource) -> PrivateKey:
    """Make a key pair of ``algorithm`` from ``entropy``.

    Args:
        algorithm: one of `KEY_ALGORITHMS`.
        entropy: the same bytes give the same key. RSA is made by PyCryptodome (FIPS 186-4
            primes, exponent 65537), whose search for primes is part of what must stay equal.

    Raises:
        MalformedError: the algorithm has another name.
    """
    if curve := _CURVES.get(algorithm):
        return generate_on_curve(curve, entropy)
    if bits := _RSA_BITS.get(algorithm):
        from Crypto.PublicKey import RSA  # noqa: PLC0415 - only seeded RSA pays for this import

        numbers = RSA.generate(bits, randfunc=entropy.bytes)
        loaded = serialization.load_der_private_key(numbers.export_key("DER"), password=None)
        assert isinstance(loaded, rsa.RSAPrivateKey)  # noqa: S101 - narrows the type
        return loaded
    if parameter_set := _ML_DSA.get(algorithm):
        return parameter_set.from_seed_bytes(entropy.bytes(32))
    if algorithm == "Ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(entropy.bytes(32))
    raise MalformedError("key algorithm", found=algorithm, expected=" or ".join(KEY_ALGORITHMS))


def generate_on_curve(curve: ec.EllipticCurve, entropy: RandomSource) -> ec.EllipticCurvePrivateKey:
    """Make a key pair on any curve, such as secp256k1, which acm-pca does not have.

    Source: FIPS 186-5, A.2.1: 64 extra bits make the bias of the reduction negligible.
    """
    wide = int.from_bytes(entropy.bytes((curve.group_order.bit_length() + 64 + 7) // 8))
    return ec.derive_private_key(wide % (curve.group_order - 1) + 1, curve)


def key_algorithm(key: PublicKey | PrivateKey) -> str:
    """Name the algorithm of a key, in AWS's words where AWS has one.

    Names outside `KEY_ALGORITHMS` (``RSA_1024``, ``EC_secp256k1`` ...) say what was found.
    """
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return f"RSA_{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return {"secp256r1": "EC_prime256v1"}.get(key.curve.name, f"EC_{key.curve.name}")
    return (
        type(key)
        .__name__.removesuffix("PublicKey")
        .removesuffix("PrivateKey")
        .replace("MLDSA", "ML_DSA_")
    )


def can_sign(key: object) -> TypeGuard[PrivateKey]:
    """Whether ``key`` is a private key that can sign; those that only agree on keys cannot."""
    return isinstance(key, get_args(PrivateKey))


def signature_hash(signing_algorithm: str) -> SignatureHash | None:
    """Return the hash that an AWS signing algorithm name carries (``SHA256WITHRSA`` -> SHA-256).

    ``None`` for algorithms without a separate hash (ML-DSA, Ed25519).
    """
    found: dict[str, SignatureHash] = {
        "SHA256": hashes.SHA256(),
        "SHA384": hashes.SHA384(),
        "SHA512": hashes.SHA512(),
    }
    return found.get(signing_algorithm.split("WITH", maxsplit=1)[0])


def write_private_key(
    key: PrivateKey, path: Path | str, *, passphrase: bytes | None = None
) -> Path:
    """Write a private key as PKCS#8 PEM, mode 0600, refusing to follow or overwrite another file.

    Args:
        key: the private key.
        path: where to; must not exist.
        passphrase: encrypts the file; without one the key lies in the clear, as most servers
            want it.

    Raises:
        FileExistsError: something is there already; a key is never overwritten.
    """
    encryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return Path(path)
