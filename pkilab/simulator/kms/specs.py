"""Key specs: what each kind of KMS key may be used for, and by which algorithms.

Source: KMS Developer Guide, "Key spec reference"; API Reference, CreateKey, Sign, Encrypt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from pkilab.pki.kms_signatures import SIGNING_ALGORITHMS
from pkilab.simulator.service import AwsError, error, not_simulated

Usage = Literal["SIGN_VERIFY", "ENCRYPT_DECRYPT", "KEY_AGREEMENT", "GENERATE_VERIFY_MAC"]
MessageType = Literal["RAW", "DIGEST", "EXTERNAL_MU"]

# Under which name DescribeKey and GetPublicKey list the algorithms of a usage.
ALGORITHMS_MEMBER: Mapping[Usage, str] = MappingProxyType(
    {
        "SIGN_VERIFY": "SigningAlgorithms",
        "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
        "KEY_AGREEMENT": "KeyAgreementAlgorithms",
        "GENERATE_VERIFY_MAC": "MacAlgorithms",
    }
)
SYMMETRIC_DEFAULT = "SYMMETRIC_DEFAULT"


@dataclass(frozen=True, slots=True)
class Spec:
    """A key spec.

    Attributes:
        name: as the API has it, such as ``ECC_NIST_P256``.
        algorithms: usage: its algorithms, in the API's order. A key has one usage for life.
        key_algorithm: the name of the pair in `pkilab.pki.keys`; empty for a secret key.
        secret_bytes: the length of a secret key; 0 for a pair.
        signature_bytes: the length of a signature; of an ECDSA signature, whose DER form varies,
            the longest; 0 where the key does not sign.
    """

    name: str
    algorithms: Mapping[Usage, tuple[str, ...]]
    key_algorithm: str = ""
    secret_bytes: int = 0
    signature_bytes: int = 0

    @property
    def usages(self) -> tuple[Usage, ...]:
        """The usages that CreateKey allows for it."""
        return tuple(self.algorithms)

    @property
    def is_asymmetric(self) -> bool:
        """Whether there is a public key to hand out."""
        return bool(self.key_algorithm)

    @property
    def is_mac(self) -> bool:
        """Whether it is a spec of HMAC keys."""
        return "GENERATE_VERIFY_MAC" in self.algorithms


_RSA: Mapping[Usage, tuple[str, ...]] = MappingProxyType(
    {
        "SIGN_VERIFY": tuple(sorted(SIGNING_ALGORITHMS["RSA_2048"])),  # PKCS #1 v1.5 first
        "ENCRYPT_DECRYPT": ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"),
    }
)


def _signing(name: str) -> Mapping[Usage, tuple[str, ...]]:
    return MappingProxyType({"SIGN_VERIFY": SIGNING_ALGORITHMS[name]})


def _curve(name: str) -> Mapping[Usage, tuple[str, ...]]:
    return MappingProxyType({**_signing(name), "KEY_AGREEMENT": ("ECDH",)})


# FIPS 204, table 2, for the sizes of ML-DSA; 2 * (1 + length) + tags for those of ECDSA.
_ALL = (
    Spec(SYMMETRIC_DEFAULT, {"ENCRYPT_DECRYPT": (SYMMETRIC_DEFAULT,)}, secret_bytes=32),
    Spec("RSA_2048", _RSA, "RSA_2048", signature_bytes=256),
    Spec("RSA_3072", _RSA, "RSA_3072", signature_bytes=384),
    Spec("RSA_4096", _RSA, "RSA_4096", signature_bytes=512),
    *(
        Spec(name, usages(name), key_algorithm, signature_bytes=size)
        for name, usages, key_algorithm, size in (
            ("ECC_NIST_P256", _curve, "EC_prime256v1", 72),
            ("ECC_NIST_P384", _curve, "EC_secp384r1", 104),
            ("ECC_NIST_P521", _curve, "EC_secp521r1", 139),
            ("ECC_SECG_P256K1", _signing, "EC_secp256k1", 72),
            ("ECC_NIST_EDWARDS25519", _signing, "Ed25519", 64),
            ("ML_DSA_44", _signing, "ML_DSA_44", 2420),
            ("ML_DSA_65", _signing, "ML_DSA_65", 3309),
            ("ML_DSA_87", _signing, "ML_DSA_87", 4627),
        )
    ),
    # An HMAC key is as long as its hash's output.
    *(
        Spec(
            f"HMAC_{bits}",
            {"GENERATE_VERIFY_MAC": (f"HMAC_SHA_{bits}",)},
            secret_bytes=bits // 8,
        )
        for bits in (224, 256, 384, 512)
    ),
)
SPECS: Mapping[str, Spec] = MappingProxyType({spec.name: spec for spec in _ALL})
# What GenerateDataKeyPair makes; of the model's list, SM2 and ML-KEM are not simulated.
DATA_KEY_PAIR_SPECS = tuple(
    name for name, spec in SPECS.items() if name.startswith(("RSA_", "ECC_")) and spec.is_asymmetric
)


def spec_named(name: str) -> Spec:
    """Return a key spec.

    Raises:
        AwsError: NotImplemented, for those of the API that are not simulated (SM2, ML-KEM).
    """
    try:
        return SPECS[name]
    except KeyError:
        raise not_simulated(f"the key spec {name}") from None


def usage_of(spec: Spec, requested: str | None) -> Usage:
    """Return the usage of a new key: ``requested``, or for SYMMETRIC_DEFAULT its only one.

    Raises:
        AwsError: ValidationException, in the sentences recorded from KMS (LocalStack,
            test_hmac_create_key_invalid_operations, test_derive_shared_secret): a usage is
            missing, or is none of the spec's. NotImplemented, one that is not simulated at all.
    """
    if requested is None:
        if spec.name == SYMMETRIC_DEFAULT:
            return "ENCRYPT_DECRYPT"
        raise AwsError(
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption "
            "keys.",
        )
    for usage in spec.usages:
        if usage == requested:
            return usage
    if requested not in get_args(Usage):
        raise not_simulated(f"the key usage {requested}")
    raise AwsError(
        "ValidationException", f"KeyUsage {requested} is not compatible with KeySpec {spec.name}"
    )


def require_algorithm(spec: Spec, usage: Usage, algorithm: str) -> None:
    """Refuse an algorithm that keys of this spec do not have for this usage.

    Raises:
        AwsError: InvalidKeyUsageException, in the sentence recorded from KMS (LocalStack,
            test_invalid_generate_mac).
    """
    if algorithm not in spec.algorithms.get(usage, ()):
        raise error(
            "kms",
            "InvalidKeyUsageException",
            f"Algorithm {algorithm} is incompatible with key spec {spec.name}.",
        )
