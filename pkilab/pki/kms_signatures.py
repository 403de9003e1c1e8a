"""The signatures that AWS KMS makes: which key makes which, over what, and whether one is right.

Sources: KMS Developer Guide, "Key spec reference" and "Offline operations"; API Reference, Sign.
SM2 keys, which exist in the China Regions alone, are not modelled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab.errors import MalformedError
from pkilab.pki.certificates import UNREADABLE
from pkilab.pki.keys import PublicKey, SignatureHash, key_algorithm

LARGEST_MESSAGE = 4096  # bytes, of Sign's and Verify's Message
MU_SIZE = 64  # bytes, of ML-DSA's μ
LARGEST_SIGNATURE = 6144  # bytes, of Verify's Signature

MlDsaPublicKey: TypeAlias = mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey | mldsa.MLDSA87PublicKey
_ML_DSA = (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)

# The one to choose, where nothing speaks for another, stands first. AWS prefers PSS to PKCS #1 v1.5
# (API Reference, Sign).
_RSA = tuple(
    f"RSASSA_{scheme}_SHA_{bits}" for scheme in ("PSS", "PKCS1_V1_5") for bits in (256, 384, 512)
)
SIGNING_ALGORITHMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "RSA_2048": _RSA,
        "RSA_3072": _RSA,
        "RSA_4096": _RSA,
        "ECC_NIST_P256": ("ECDSA_SHA_256",),
        "ECC_NIST_P384": ("ECDSA_SHA_384",),
        "ECC_NIST_P521": ("ECDSA_SHA_512",),
        "ECC_SECG_P256K1": ("ECDSA_SHA_256",),
        "ECC_NIST_EDWARDS25519": ("ED25519_SHA_512", "ED25519_PH_SHA_512"),
        "ML_DSA_44": ("ML_DSA_SHAKE_256",),
        "ML_DSA_65": ("ML_DSA_SHAKE_256",),
        "ML_DSA_87": ("ML_DSA_SHAKE_256",),
    }
)
"""SigningAlgorithm names by KeySpec, for keys of the usage SIGN_VERIFY."""

ALGORITHMS = tuple(dict.fromkeys(name for names in SIGNING_ALGORITHMS.values() for name in names))
"""Every SigningAlgorithm of `SIGNING_ALGORITHMS`."""

_CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
_SPECS = {
    **{f"EC_{curve.name}": spec for spec, curve in _CURVES.items()},
    "EC_prime256v1": "ECC_NIST_P256",
    "Ed25519": "ECC_NIST_EDWARDS25519",
}
_HASHES: dict[str, SignatureHash] = {
    "SHA_256": hashes.SHA256(),
    "SHA_384": hashes.SHA384(),
    "SHA_512": hashes.SHA512(),
}


def algorithm_for(key_spec: str, *, digest: str = "", padding: str = "") -> str:
    """Return the SigningAlgorithm for a key, the first of those that fit.

    An elliptic curve of NIST's has one alone: P-384 signs SHA-384, and nothing else.

    Args:
        key_spec: the key's KeySpec.
        digest: the end of the name, such as ``SHA_384``.
        padding: of RSA, ``PSS`` or ``PKCS1_V1_5``; of Ed25519, ``PH`` (prehashed).

    Raises:
        MalformedError: the key has none of that kind, or no key for signing has this spec.
    """
    if (names := SIGNING_ALGORITHMS.get(key_spec)) is None:
        raise MalformedError("KeySpec", found=key_spec, expected=" or ".join(SIGNING_ALGORITHMS))
    for name in names:
        if name.endswith(digest) and (not padding or f"_{padding}_" in name):
            return name
    wanted = " ".join(filter(None, (padding, digest)))
    raise MalformedError(
        f"SigningAlgorithm of a key of {key_spec}", found=wanted, expected=" or ".join(names)
    )


def message_type(algorithm: str) -> str:
    """Return the MessageType under which a message of any length can be signed.

    ``ED25519_SHA_512`` has none, because the message goes into the signature twice: it is RAW, and
    ends at `LARGEST_MESSAGE`.

    Raises:
        MalformedError: KMS has no such SigningAlgorithm, or it is SM2DSA.
    """
    known(algorithm)
    return {"ED25519_SHA_512": "RAW", "ML_DSA_SHAKE_256": "EXTERNAL_MU"}.get(algorithm, "DIGEST")


def known(algorithm: str) -> str:
    """Return a SigningAlgorithm, if it is one of `ALGORITHMS`.

    Raises:
        MalformedError: it is not.
    """
    if algorithm not in ALGORITHMS:
        expected = " or ".join(ALGORITHMS)
        raise MalformedError("SigningAlgorithm", found=algorithm, expected=expected)
    return algorithm


def signature_hash(algorithm: str) -> SignatureHash:
    """Return the hash that a SigningAlgorithm ends with.

    Raises:
        MalformedError: no such algorithm, or ML-DSA's, whose SHAKE-256 begins with the public key
            (`Representative`).
    """
    if (found := _HASHES.get(known(algorithm)[-len("SHA_256") :])) is None:
        raise MalformedError("hash", found=algorithm, expected=" or ".join(_HASHES))
    return found


def representative_size(algorithm: str) -> int:
    """Return how many bytes a `Representative` has.

    Raises:
        MalformedError: no such algorithm.
    """
    if message_type(algorithm) == "EXTERNAL_MU":
        return MU_SIZE
    return signature_hash(algorithm).digest_size


class Representative:
    """What stands for a message in a signature: its digest, or ML-DSA's μ. Takes it in pieces.

    It is what Sign takes as the Message of `message_type`. For ``ED25519_SHA_512``, where nothing
    but the message itself does, it is the SHA-512, which is good for comparing alone.

    Args:
        algorithm: a SigningAlgorithm.
        public_key: the signer's; ML-DSA needs it, because μ begins with its hash (FIPS 204, 6.2).

    Raises:
        MalformedError: no such algorithm, or it is ML-DSA's and the key is not.
    """

    def __init__(self, algorithm: str, public_key: PublicKey | None = None) -> None:
        self._mu: mldsa.MLDSAMuHasher | None = None
        if message_type(algorithm) == "EXTERNAL_MU":
            if not isinstance(public_key, _ML_DSA):
                found = key_algorithm(public_key) if public_key else "none"
                raise MalformedError("public key for μ", found=found, expected="one of ML-DSA")
            self._mu = mldsa.MLDSAMuHasher(public_key)
        else:
            self._hash = hashlib.new(signature_hash(algorithm).name)

    def update(self, data: bytes | memoryview) -> None:
        """Take more of the message."""
        if self._mu is not None:
            self._mu.update(data)
        else:
            self._hash.update(data)

    def finish(self) -> bytes:
        """Return it. Nothing can be added any more."""
        return self._hash.digest() if self._mu is None else self._mu.finalize()


def key_spec(public_key: PublicKey) -> str:
    """Return the KeySpec of a public key.

    Raises:
        MalformedError: no KMS key for signing has such a key.
    """
    name = key_algorithm(public_key)
    found = _SPECS.get(name, name)
    if found not in SIGNING_ALGORITHMS:
        expected = " or ".join(SIGNING_ALGORITHMS)
        raise MalformedError("public key", found=name, expected=expected)
    return found


def fingerprint(public_key: PublicKey) -> str:
    """Return the SHA-256 of a key's SubjectPublicKeyInfo, in hex: by this a key is pinned."""
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def verifies(public_key: PublicKey, algorithm: str, signature: bytes, signed: bytes) -> bool:
    """Say whether a key made a signature.

    Args:
        public_key: the signer's.
        algorithm: a SigningAlgorithm. One that is not the key's is False.
        signature: as KMS answers: ECDSA in DER.
        signed: what `Representative` makes of the message; for ``ED25519_SHA_512``, the message.

    Raises:
        MalformedError: no such algorithm, or no KMS key is such a key.
    """
    if known(algorithm) not in SIGNING_ALGORITHMS[key_spec(public_key)]:
        return False
    try:
        _verify(public_key, algorithm, signature, signed)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def _verify(public_key: PublicKey, algorithm: str, signature: bytes, signed: bytes) -> None:
    if isinstance(public_key, rsa.RSAPublicKey):
        ready = utils.Prehashed(signature_hash(algorithm))
        public_key.verify(signature, signed, rsa_padding(algorithm), ready)
    elif isinstance(public_key, ec.EllipticCurvePublicKey):
        ready = utils.Prehashed(signature_hash(algorithm))
        public_key.verify(signature, signed, ec.ECDSA(ready))
    elif isinstance(public_key, _ML_DSA):
        public_key.verify_mu(signature, signed)
    elif isinstance(public_key, ed25519.Ed25519PublicKey):
        if algorithm == "ED25519_SHA_512":
            public_key.verify(signature, signed)
        else:
            _verify_prehashed(public_key, signature, signed)


def _verify_prehashed(
    public_key: ed25519.Ed25519PublicKey, signature: bytes, digest: bytes
) -> None:
    """Verify Ed25519ph as KMS makes it: it hashes the digest that it is given once more."""
    # cryptography has no Ed25519ph.
    from Crypto.Hash import SHA512  # noqa: PLC0415 - only this one algorithm pays for the import
    from Crypto.Signature import eddsa  # noqa: PLC0415

    key = eddsa.import_public_key(public_key.public_bytes_raw())
    eddsa.new(key, "rfc8032").verify(SHA512.new(digest), signature)  # ValueError: it is not


def rsa_padding(algorithm: str) -> padding.AsymmetricPadding:
    """Return the padding of an RSA signature; PSS has a salt as long as the digest."""
    if "_PSS_" not in algorithm:
        return padding.PKCS1v15()
    digest = signature_hash(algorithm)
    return padding.PSS(padding.MGF1(digest), digest.digest_size)


# ECDSA in two forms: KMS answers DER (RFC 3279, 2.2.3); JWS wants r and s side by side (RFC 7518,
# 3.4), as do COSE, WebCrypto and PKCS #11.


def to_raw(signature: bytes, spec: str) -> bytes:
    """Turn an ECDSA signature of KMS's into r and s side by side, each as long as the curve.

    Args:
        signature: DER.
        spec: the key's KeySpec.

    Raises:
        MalformedError: it is not DER, or not of this curve, or the spec is not ECDSA's.
    """
    curve, size = _curve(spec)
    try:
        r, s = utils.decode_dss_signature(signature)
        canonical = utils.encode_dss_signature(r, s) == signature
    except ValueError:
        canonical = False
    if not canonical:
        found = f"{len(signature)} bytes that are none"
        if len(signature) == 2 * size:
            found = f"{len(signature)} bytes, as r and s side by side have"
        raise MalformedError("ECDSA signature", found=found, expected="DER of two integers")
    _check_range(curve, r, s)
    return r.to_bytes(size) + s.to_bytes(size)


def from_raw(signature: bytes, spec: str) -> bytes:
    """Turn r and s side by side into DER, which KMS and openssl verify. Undoes `to_raw`.

    Raises:
        MalformedError: another length than two of the curve's, a number out of the curve's range,
            or the spec is not ECDSA's.
    """
    curve, size = _curve(spec)
    if len(signature) != 2 * size:
        expected = f"{2 * size}: r and s of {size} each"
        raise MalformedError(
            f"ECDSA signature of {spec}", found=f"{len(signature)} bytes", expected=expected
        )
    r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
    _check_range(curve, r, s)
    return utils.encode_dss_signature(r, s)


def _curve(spec: str) -> tuple[ec.EllipticCurve, int]:
    if (curve := _CURVES.get(spec)) is None:
        raise MalformedError("KeySpec", found=spec, expected=" or ".join(_CURVES))
    return curve, (curve.group_order.bit_length() + 7) // 8


def _check_range(curve: ec.EllipticCurve, *numbers: int) -> None:
    if not all(0 < number < curve.group_order for number in numbers):
        raise MalformedError(
            "ECDSA signature", found="r or s out of range", expected=f"those of {curve.name}"
        )
