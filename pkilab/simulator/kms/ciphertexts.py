"""Encrypt and Decrypt: AES-256-GCM blobs that know their key, and RSA-OAEP.

The blob of a symmetric key, of which KMS says only that it names the key::

    1   format, 0x01
    1   length of the next
    n   key ARN, UTF-8
    4   version of the key's material, big-endian: 0 before the first rotation
    16  salt of the derived key
    12  nonce
    m   ciphertext, as long as the plaintext
    16  tag

Everything before the ciphertext is authenticated with it, and so is the encryption context: pairs
in the order of their bytes, each text preceded by its length in four bytes.

Source: API Reference, Encrypt, Decrypt; Developer Guide, "Encryption context". "AWS KMS
Cryptographic Details" for a key derived for each call (NIST SP 800-108, counter mode, HMAC with
SHA-256) from the key's own and 16 random bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from pkilab.simulator.kms.specs import require_algorithm
from pkilab.simulator.service import AwsError, error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkilab.pki.entropy import RandomSource
    from pkilab.pki.keys import PublicKey
    from pkilab.simulator.kms.material import KeyMaterial
    from pkilab.simulator.kms.specs import Spec

_FORMAT, _VERSION_BYTES, _SALT_BYTES, _NONCE_BYTES, _TAG_BYTES = 1, 4, 16, 12, 16
_OAEP_HASHES: Mapping[str, hashes.SHA1 | hashes.SHA256] = {
    "RSAES_OAEP_SHA_1": hashes.SHA1(),  # noqa: S303 - the API's; no collision matters in OAEP
    "RSAES_OAEP_SHA_256": hashes.SHA256(),
}


@dataclass(frozen=True, slots=True)
class Blob:
    """A symmetric ciphertext taken apart. Nothing in it is authenticated before `open_blob`.

    Attributes:
        key_arn: the key that made it.
        version: which of the key's materials.
    """

    key_arn: str
    version: int
    header: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


def seal(  # noqa: PLR0917 - key, plaintext, context
    material: KeyMaterial,
    key_arn: str,
    version: int,
    plaintext: bytes,
    context: Mapping[str, str],
    entropy: RandomSource,
) -> bytes:
    """Encrypt under SYMMETRIC_DEFAULT.

    Args:
        material: 32 secret bytes.
        key_arn: the key's ARN, up to 255 bytes; goes into the blob in the clear.
        version: which of the key's materials this is, 0 to 2**32 - 1.
        plaintext: its length is the API model's constraint and not looked at here.
        context: the encryption context; empty for none.
        entropy: 28 bytes of it; a source that never gives these twice for one key.

    Returns:
        The blob: 50 bytes and the ARN longer than the plaintext.
    """
    arn = key_arn.encode()
    salt, nonce = entropy.bytes(_SALT_BYTES), entropy.bytes(_NONCE_BYTES)
    header = bytes((_FORMAT, len(arn))) + arn + version.to_bytes(_VERSION_BYTES) + salt + nonce
    cipher = AESGCM(_derived(material, salt))
    return header + cipher.encrypt(nonce, plaintext, header + canonical(context))


def read_blob(data: bytes) -> Blob:
    """Take a blob apart, to learn whose key opens it.

    Raises:
        AwsError: InvalidCiphertextException, without a message, as KMS answers.
    """
    taken = _Reader(data)
    if taken.take(1) != bytes((_FORMAT,)):
        raise _invalid_ciphertext()
    try:
        key_arn = taken.take(taken.take(1)[0]).decode()
    except UnicodeDecodeError as problem:
        raise _invalid_ciphertext() from problem
    version = int.from_bytes(taken.take(_VERSION_BYTES))
    salt, nonce = taken.take(_SALT_BYTES), taken.take(_NONCE_BYTES)
    header, sealed = data[: taken.position], data[taken.position :]
    if len(sealed) < _TAG_BYTES:
        raise _invalid_ciphertext()
    return Blob(key_arn, version, header, salt, nonce, sealed)


def open_blob(material: KeyMaterial, blob: Blob, context: Mapping[str, str]) -> bytes:
    """Decrypt what `seal` made.

    Args:
        material: that of `Blob.key_arn` and `Blob.version`.
        blob: as `read_blob` found it.
        context: the same pairs as at encryption, in any order, in the same case.

    Raises:
        AwsError: InvalidCiphertextException, without a message: another key or context, or bytes
            that were changed.
    """
    try:
        return AESGCM(_derived(material, blob.salt)).decrypt(
            blob.nonce, blob.sealed, blob.header + canonical(context)
        )
    except InvalidTag as problem:
        raise _invalid_ciphertext() from problem


def canonical(context: Mapping[str, str]) -> bytes:
    """Write an encryption context as additional authenticated data.

    Pairs in the order of their keys' UTF-8; the length of every text before it, so that no two
    contexts are written alike.
    """
    pairs = sorted((_utf8(key), _utf8(value)) for key, value in context.items())
    return b"".join(len(text).to_bytes(4) + text for pair in pairs for text in pair)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON can carry half of a surrogate pair


def encrypt_rsa(
    key: PublicKey, spec: Spec, algorithm: str, plaintext: bytes, entropy: RandomSource
) -> bytes:
    """Encrypt with RSA-OAEP: MGF1 of the same hash, no label (RFC 8017 section 7.1).

    Args:
        key: the public key of a key of ``spec``.
        spec: one of RSA keys.
        algorithm: ``RSAES_OAEP_SHA_1`` or ``RSAES_OAEP_SHA_256``.
        plaintext: as long as the algorithm and the modulus allow.
        entropy: the seed of the padding.

    Returns:
        An RSA block, as long as the modulus, which anyone with the public key could have made.

    Raises:
        AwsError: InvalidKeyUsageException, an algorithm that the spec does not have;
            ValidationException, a plaintext too long, in the sentence recorded from KMS
            (LocalStack, test_encrypt_validate_plaintext_size_per_key_type).
    """
    require_algorithm(spec, "ENCRYPT_DECRYPT", algorithm)
    assert isinstance(key, rsa.RSAPublicKey)  # noqa: S101 - what the spec says
    most = key.key_size // 8 - 2 * _OAEP_HASHES[algorithm].digest_size - 2
    if len(plaintext) > most:
        raise AwsError(
            "ValidationException",
            f"Algorithm {algorithm} and key spec {spec.name} cannot encrypt data larger than "
            f"{most} bytes.",
        )
    from pkilab.simulator.kms import seeded  # noqa: PLC0415 - as in pkilab.pki.keys

    return seeded.encrypt_oaep(key, _OAEP_HASHES[algorithm].name, plaintext, entropy)


def decrypt_rsa(material: KeyMaterial, spec: Spec, algorithm: str, ciphertext: bytes) -> bytes:
    """Decrypt RSA-OAEP, also what was encrypted outside KMS.

    Raises:
        AwsError: InvalidKeyUsageException, an algorithm that the spec does not have;
            InvalidCiphertextException, without a message, for whatever is wrong.
    """
    require_algorithm(spec, "ENCRYPT_DECRYPT", algorithm)
    key = material.private
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - what the spec says
    hashed = _OAEP_HASHES[algorithm]
    try:
        return key.decrypt(ciphertext, padding.OAEP(padding.MGF1(hashed), hashed, None))
    except ValueError as problem:
        raise _invalid_ciphertext() from problem


def require_no_context(context: Mapping[str, str]) -> None:
    """Refuse an encryption context beside an asymmetric key.

    Raises:
        AwsError: ValidationException, in the sentence that other simulators, checked against
            KMS, have.
    """
    if context:
        raise AwsError(
            "ValidationException",
            "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.",
        )


def _derived(material: KeyMaterial, salt: bytes) -> bytes:
    return KBKDFHMAC(
        algorithm=hashes.SHA256(),
        mode=Mode.CounterMode,
        length=32,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=b"pkilab kms SYMMETRIC_DEFAULT",
        context=salt,
        fixed=None,
    ).derive(material.secret)


def _invalid_ciphertext() -> AwsError:
    return error("kms", "InvalidCiphertextException", "")


class _Reader:
    """Takes bytes off the front, or says that they are not there."""

    def __init__(self, data: bytes) -> None:
        self._data, self.position = data, 0

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes.

        Raises:
            AwsError: InvalidCiphertextException, there are fewer.
        """
        taken = self._data[self.position : self.position + count]
        if len(taken) < count:
            raise _invalid_ciphertext()
        self.position += count
        return taken
