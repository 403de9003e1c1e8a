"""Which keys and signing algorithms go together, and signing with them.

Source: AWS Private CA User Guide, "Supported cryptographic algorithms in AWS Private CA" and
"Installing the CA certificate" (Regions).
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pkilab.pki.keys import PrivateKey, signature_hash
from pkilab.simulator.acmpca.structures import invalid_args

_RSA = ("SHA256WITHRSA", "SHA384WITHRSA", "SHA512WITHRSA")
_ECDSA = ("SHA256WITHECDSA", "SHA384WITHECDSA", "SHA512WITHECDSA")
# CA key algorithm: its signing algorithms. What is missing (SM2) is not simulated.
SIGNING_ALGORITHMS: dict[str, tuple[str, ...]] = {
    "RSA_2048": _RSA,
    "RSA_3072": _RSA,
    "RSA_4096": _RSA,
    "EC_prime256v1": _ECDSA,
    "EC_secp384r1": _ECDSA,
    "EC_secp521r1": _ECDSA,
    "ML_DSA_44": ("ML_DSA_44",),
    "ML_DSA_65": ("ML_DSA_65",),
    "ML_DSA_87": ("ML_DSA_87",),
}
# In Regions opened later, each curve signs with one hash.
_ECDSA_IN_NEWER_REGIONS = {
    "EC_prime256v1": ("SHA256WITHECDSA",),
    "EC_secp384r1": ("SHA384WITHECDSA",),
    "EC_secp521r1": ("SHA512WITHECDSA",),
}
# fmt: off
_LEGACY_REGIONS = frozenset({
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1",
    "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "ap-south-1", "ap-east-1",
    "ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2", "sa-east-1",
    "me-south-1", "af-south-1",
})
# fmt: on


def check_algorithms(key_algorithm: str, signing_algorithm: str, region: str) -> None:
    """Refuse a signing algorithm that a CA's key cannot use.

    Raises:
        AwsError: InvalidArgsException; for SM2 and RSA-PSS, saying that they are not simulated.
    """
    for algorithm in (key_algorithm, signing_algorithm):
        if "SM2" in algorithm or algorithm.endswith("_PSS"):
            raise invalid_args(f"{algorithm} is not simulated by pkilab.")
    valid = SIGNING_ALGORITHMS[key_algorithm]
    if region not in _LEGACY_REGIONS:
        valid = _ECDSA_IN_NEWER_REGIONS.get(key_algorithm, valid)
    if signing_algorithm not in valid:
        # Wording: cert-manager/aws-privateca-issuer issue 22.
        raise invalid_args(
            f"Signing algorithm {signing_algorithm} cannot be used with key type {key_algorithm}. "
            f"Valid signing algorithms are: {', '.join(valid)}."
        )


def sign_certificate(
    builder: x509.CertificateBuilder, key: PrivateKey, signing_algorithm: str
) -> x509.Certificate:
    """Sign a certificate; equal arguments give equal bytes, but for ML-DSA.

    OpenSSL's ML-DSA is the hedged variant of FIPS 204 and cryptography does not offer the
    deterministic one, so those signatures differ from run to run; the rest of the certificate does
    not.
    """
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return builder.sign(key, signature_hash(signing_algorithm), ecdsa_deterministic=deterministic)


def sign_request(
    builder: x509.CertificateSigningRequestBuilder, key: PrivateKey, signing_algorithm: str
) -> x509.CertificateSigningRequest:
    """Sign a CSR; the rest as `sign_certificate`."""
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return builder.sign(key, signature_hash(signing_algorithm), ecdsa_deterministic=deterministic)
