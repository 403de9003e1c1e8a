"""Keys that stay in AWS KMS and are used like others: ``sign`` asks KMS to.

    key = load_private_key(kms, "alias/code-signing")
    request = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA384())

The objects have the interfaces of `cryptography`'s private keys, so that its builders of requests,
certificates, CRLs and OCSP answers sign with them. What needs the private key itself is refused.

A KMS key signs with the algorithms of its KeySpec alone: one hash per elliptic curve, and PSS only
with one hash throughout and a salt as long as it (KMS Developer Guide, "Key spec reference").
Anything else is refused before KMS is asked.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pkilab.errors import LabError, MalformedError
from pkilab.pki.certificates import UNREADABLE
from pkilab.pki.keys import PublicKey
from pkilab.pki.kms_signatures import LARGEST_MESSAGE, MU_SIZE, MlDsaPublicKey, fingerprint

if TYPE_CHECKING:
    from cryptography.utils import Buffer
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import MessageTypeType

_Hash: TypeAlias = "utils.Prehashed | hashes.HashAlgorithm | utils.NoDigestInfo"
_Key = TypeVar("_Key", bound=PublicKey)
_MlDsaKey = TypeVar("_MlDsaKey", bound=MlDsaPublicKey)


@dataclass(frozen=True, slots=True)
class KmsPublicKey:
    """The public half of a KMS key, and what KMS lets it be used for."""

    arn: str
    key_spec: str
    key_usage: str
    algorithms: tuple[str, ...]  # SigningAlgorithms; () for keys of another usage
    key: PublicKey = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of its SubjectPublicKeyInfo, in hex."""
        return fingerprint(self.key)


def load_public_key(kms: KMSClient, key_id: str) -> KmsPublicKey:
    """Ask for a KMS key's public half (GetPublicKey).

    Args:
        kms: client.
        key_id: key ID, key ARN, alias or alias ARN.

    Raises:
        ClientError: there is none, it is symmetric, or the caller may not (botocore's).
        MalformedError: what KMS answered is no public key that is known here.
    """
    answer = kms.get_public_key(KeyId=key_id)
    try:
        key = load_der_public_key(answer["PublicKey"])
    except UNREADABLE as error:  # SM2's, for one
        thing = f"public key of {answer['KeyId']} ({answer['KeySpec']})"
        raise MalformedError(thing, found=f"{error}", expected="one that is known here") from error
    return KmsPublicKey(
        arn=answer["KeyId"],
        key_spec=answer["KeySpec"],
        key_usage=answer["KeyUsage"],
        algorithms=tuple(answer.get("SigningAlgorithms", ())),
        key=key,  # type: ignore[arg-type]  # KMS has no Diffie-Hellman keys
    )


class _KmsPrivateKey(Generic[_Key]):
    """What all of them have in common: where the key is, and that it stays there."""

    def __init__(self, kms: KMSClient, public: KmsPublicKey, key: _Key) -> None:
        self._kms, self._public, self._key = kms, public, key

    @property
    def arn(self) -> str:
        """The key's ARN."""
        return self._public.arn

    @property
    def key_spec(self) -> str:
        """The key's KeySpec."""
        return self._public.key_spec

    def public_key(self) -> _Key:
        """Return the public key; KMS was asked for it once."""
        return self._key

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.arn} ({self.key_spec})>"

    def __copy__(self) -> Any:  # noqa: ANN401 - itself; cryptography names each class
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Any:  # noqa: ANN401
        return self

    def private_numbers(self) -> NoReturn:
        """Refuse: the key stays in KMS.

        Raises:
            LabError: always.
        """
        self._stays("read")

    def private_bytes(self, encoding: object, format: object, encryption_algorithm: object) -> NoReturn:  # fmt: skip  # noqa: A002, ARG002, E501 - cryptography's names
        """Refuse: the key stays in KMS.

        Raises:
            LabError: always.
        """
        self._stays("written")

    def private_bytes_raw(self) -> NoReturn:
        """Refuse: the key stays in KMS.

        Raises:
            LabError: always.
        """
        self._stays("written")

    def _stays(self, what: str) -> NoReturn:
        raise LabError(f"{self.arn}: a private key in KMS cannot be {what}, only be signed with")

    def _sign(self, message: bytes, message_type: MessageTypeType, algorithm: str) -> bytes:
        if algorithm not in self._public.algorithms:
            self._refuse(algorithm, " or ".join(self._public.algorithms))
        return self._kms.sign(
            KeyId=self.arn,
            Message=message,
            MessageType=message_type,
            SigningAlgorithm=algorithm,  # type: ignore[arg-type]  # KMS's own words
        )["Signature"]

    def _sign_hashed(self, data: Buffer, scheme: str, chosen: _Hash) -> bytes:
        """Let KMS hash what it takes, and hash the rest here."""
        message, digest = bytes(data), self._hash(chosen)
        algorithm = f"{scheme}_{digest.name.upper().replace('SHA', 'SHA_')}"
        if isinstance(chosen, utils.Prehashed):
            if len(message) != digest.digest_size:
                self._refuse(f"a digest of {len(message)} bytes", f"{digest.digest_size}")
        elif 0 < len(message) <= LARGEST_MESSAGE:
            return self._sign(message, "RAW", algorithm)
        elif algorithm in self._public.algorithms:  # else it may be no hash of hashlib's
            message = hashlib.new(digest.name, message).digest()
        return self._sign(message, "DIGEST", algorithm)

    def _hash(self, chosen: _Hash) -> hashes.HashAlgorithm:
        if isinstance(chosen, utils.Prehashed):
            return chosen._algorithm  # noqa: SLF001 - cryptography has no other way to ask
        if isinstance(chosen, utils.NoDigestInfo):
            self._refuse("NoDigestInfo", "a hash")
        return chosen

    def _refuse(self, found: str, expected: str) -> NoReturn:
        thing = f"signature by {self.arn} ({self.key_spec})"
        raise MalformedError(thing, found=found, expected=expected)


class KmsRsaPrivateKey(_KmsPrivateKey[rsa.RSAPublicKey], rsa.RSAPrivateKey):
    """An RSA key in KMS; signs with PKCS #1 v1.5, or PSS as KMS has it."""

    @property
    def key_size(self) -> int:
        """The modulus's length in bits."""
        return self._key.key_size

    def sign(self, data: Buffer, padding: padding.AsymmetricPadding, algorithm: _Hash) -> bytes:
        """Sign with KMS.

        Args:
            data: what to sign; hashed by KMS up to 4,096 bytes, and here beyond.
            padding: PKCS #1 v1.5; or PSS with MGF1 of the same hash and a salt as long as it.
            algorithm: SHA-256, SHA-384 or SHA-512, or one of them Prehashed.

        Raises:
            MalformedError: KMS cannot sign so; it was not asked.
            ClientError: KMS refused (botocore's).
        """
        return self._sign_hashed(data, self._scheme(padding, self._hash(algorithm)), algorithm)

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> NoReturn:  # noqa: ARG002 - cryptography's names
        """Refuse: a KMS key has one usage, and this one signs.

        Raises:
            LabError: always.
        """
        raise LabError(f"{self.arn}: found KeyUsage SIGN_VERIFY, expected ENCRYPT_DECRYPT")

    def _scheme(self, chosen: padding.AsymmetricPadding, digest: hashes.HashAlgorithm) -> str:
        if isinstance(chosen, padding.PKCS1v15):
            return "RSASSA_PKCS1_V1_5"
        if not isinstance(chosen, padding.PSS):
            self._refuse(chosen.name, "PKCS #1 v1.5 or PSS")
        inner, salt = chosen.mgf._algorithm.name, chosen._salt_length  # noqa: SLF001 - cryptography has no other way to ask
        if inner != digest.name:
            self._refuse(f"PSS of {digest.name} with MGF1 of {inner}", f"MGF1 of {digest.name}")
        if salt not in {digest.digest_size, padding.PSS.DIGEST_LENGTH}:
            found = f"{salt} bytes" if isinstance(salt, int) else type(salt).__name__.strip("_")
            self._refuse(f"PSS with a salt of {found}", f"DIGEST_LENGTH ({digest.digest_size})")
        return "RSASSA_PSS"


class KmsEcPrivateKey(_KmsPrivateKey[ec.EllipticCurvePublicKey], ec.EllipticCurvePrivateKey):
    """An elliptic-curve key in KMS; each curve signs one hash."""

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return self._key.curve

    @property
    def key_size(self) -> int:
        """The curve's size in bits."""
        return self._key.key_size

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Sign with KMS; the signature is DER.

        Args:
            data: what to sign; hashed by KMS up to 4,096 bytes, and here beyond.
            signature_algorithm: ECDSA with the curve's hash, or that Prehashed.

        Raises:
            MalformedError: KMS cannot sign so; it was not asked.
            ClientError: KMS refused (botocore's).
        """
        if not isinstance(signature_algorithm, ec.ECDSA):
            self._refuse(type(signature_algorithm).__name__, "ECDSA")
        if signature_algorithm.deterministic_signing:
            self._refuse("deterministic ECDSA", "ECDSA, whose random number is KMS's")
        return self._sign_hashed(data, "ECDSA", signature_algorithm.algorithm)

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:  # noqa: ARG002 - cryptography's names
        """Refuse: a KMS key has one usage, and this one signs.

        Raises:
            LabError: always.
        """
        raise LabError(f"{self.arn}: found KeyUsage SIGN_VERIFY, expected KEY_AGREEMENT")


class KmsEd25519PrivateKey(_KmsPrivateKey[ed25519.Ed25519PublicKey], ed25519.Ed25519PrivateKey):
    """An Ed25519 key in KMS; signs up to 4,096 bytes, for it needs the message itself."""

    def sign(self, data: Buffer) -> bytes:
        """Sign with KMS (ED25519_SHA_512).

        Raises:
            MalformedError: nothing is to be signed, or more than 4,096 bytes; KMS was not asked.
            ClientError: KMS refused (botocore's).
        """
        message = bytes(data)
        if not 0 < len(message) <= LARGEST_MESSAGE:
            expected = f"1 to {LARGEST_MESSAGE:,}: Ed25519 takes no digest in a message's place"
            self._refuse(f"{len(message):,} bytes", expected)
        return self._sign(message, "RAW", "ED25519_SHA_512")


class _KmsMlDsaPrivateKey(_KmsPrivateKey[_MlDsaKey]):
    """What the three parameter sets of ML-DSA have in common."""

    def sign(self, data: Buffer, context: Buffer | None = None) -> bytes:
        """Sign with KMS.

        Args:
            data: what to sign; sent as it is up to 4,096 bytes, and beyond as μ, made here.
            context: of FIPS 204, up to 255 bytes. KMS knows of none: with one, μ is made here.

        Raises:
            ClientError: KMS refused (botocore's).
            ValueError: the context is too long (cryptography's).
        """
        message = bytes(data)
        if 0 < len(message) <= LARGEST_MESSAGE and not context:
            return self._sign(message, "RAW", "ML_DSA_SHAKE_256")
        hasher = mldsa.MLDSAMuHasher(self._key, context)
        hasher.update(message)
        return self.sign_mu(hasher.finalize())

    def sign_mu(self, mu: Buffer) -> bytes:
        """Sign a message representative with KMS (EXTERNAL_MU; FIPS 204, 6.2).

        Raises:
            MalformedError: it has not 64 bytes; KMS was not asked.
            ClientError: KMS refused (botocore's).
        """
        message = bytes(mu)
        if len(message) != MU_SIZE:
            self._refuse(f"μ of {len(message)} bytes", f"{MU_SIZE}")
        return self._sign(message, "EXTERNAL_MU", "ML_DSA_SHAKE_256")


class KmsMlDsa44PrivateKey(_KmsMlDsaPrivateKey[mldsa.MLDSA44PublicKey], mldsa.MLDSA44PrivateKey):
    """An ML-DSA-44 key in KMS."""


class KmsMlDsa65PrivateKey(_KmsMlDsaPrivateKey[mldsa.MLDSA65PublicKey], mldsa.MLDSA65PrivateKey):
    """An ML-DSA-65 key in KMS."""


class KmsMlDsa87PrivateKey(_KmsMlDsaPrivateKey[mldsa.MLDSA87PublicKey], mldsa.MLDSA87PrivateKey):
    """An ML-DSA-87 key in KMS."""


KmsMlDsaPrivateKey: TypeAlias = KmsMlDsa44PrivateKey | KmsMlDsa65PrivateKey | KmsMlDsa87PrivateKey
KmsPrivateKey: TypeAlias = (
    KmsRsaPrivateKey | KmsEcPrivateKey | KmsEd25519PrivateKey | KmsMlDsaPrivateKey
)


def load_private_key(kms: KMSClient, key_id: str) -> KmsPrivateKey:
    """Return a key in KMS as a private key of `cryptography`'s. Asks for its public half once.

    Args:
        kms: client; each signature is a call of its ``sign``.
        key_id: key ID, key ARN, alias or alias ARN. The object keeps to the key, not to the alias.

    Raises:
        LabError: the key is for another usage than SIGN_VERIFY.
        ClientError: there is none, or the caller may not ask for its public half (botocore's).
        MalformedError: as `load_public_key`.
    """
    public = load_public_key(kms, key_id)
    if public.key_usage != "SIGN_VERIFY":
        raise LabError(f"{public.arn}: found KeyUsage {public.key_usage}, expected SIGN_VERIFY")
    match public.key:
        case rsa.RSAPublicKey() as key:
            return KmsRsaPrivateKey(kms, public, key)
        case ec.EllipticCurvePublicKey() as key:
            return KmsEcPrivateKey(kms, public, key)
        case ed25519.Ed25519PublicKey() as key:
            return KmsEd25519PrivateKey(kms, public, key)
        case mldsa.MLDSA44PublicKey() as key:
            return KmsMlDsa44PrivateKey(kms, public, key)
        case mldsa.MLDSA65PublicKey() as key:
            return KmsMlDsa65PrivateKey(kms, public, key)
        case mldsa.MLDSA87PublicKey() as key:
            return KmsMlDsa87PrivateKey(kms, public, key)
    expected = "RSA, ECDSA, Ed25519 or ML-DSA"
    raise MalformedError(f"key {public.arn}", found=public.key_spec, expected=expected)
