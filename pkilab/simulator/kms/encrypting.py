"""Encrypting with a key, and decrypting with whichever of its materials did it.

The octets are `ciphertexts`' matter; this finds the right key and the right material.

Source: API Reference, Encrypt, Decrypt and ReEncrypt. Sentences as seen from KMS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pkilab.simulator.kms.ciphertexts import (
    Blob,
    decrypt_rsa,
    encrypt_rsa,
    open_blob,
    read_blob,
    require_no_context,
    seal,
)
from pkilab.simulator.kms.keys import Keys, no_access
from pkilab.simulator.kms.lifecycle import require_usable, require_usage
from pkilab.simulator.kms.managed import require_permitted
from pkilab.simulator.kms.specs import SYMMETRIC_DEFAULT, require_algorithm
from pkilab.simulator.kms.state import Key
from pkilab.simulator.service import AwsError, Call

Context = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """What Encrypt answers: the octets, and which material of a symmetric key made them."""

    octets: bytes
    material_id: str | None


@dataclass(frozen=True, slots=True)
class Plaintext:
    """What Decrypt answers."""

    octets: bytes = field(repr=False)
    key: Key
    material_id: str | None


def encrypt(key: Key, algorithm: str, plaintext: bytes, context: Context) -> Ciphertext:
    """Encrypt with a key that was found usable.

    Raises:
        AwsError: InvalidKeyUsageException, not an algorithm of the key's; ValidationException, a
            plaintext too long for it, or a context that cannot be.
    """
    require_algorithm(key.spec, "ENCRYPT_DECRYPT", algorithm)
    if key.public_key is not None:
        require_no_context(context)
        octets = encrypt_rsa(key.public_key, key.spec, algorithm, plaintext, key.entropy)
        return Ciphertext(octets, None)
    version = len(key.backing_keys) - 1
    octets = seal(key.material, key.arn, version, plaintext, context, key.entropy)
    return Ciphertext(octets, key.current.material_id)


def decrypt(
    keys: Keys,
    call: Call,
    operation: str,
    *,
    ciphertext: bytes,
    key: Key | None,
    algorithm: str,
    context: Context,
) -> Plaintext:
    """Decrypt with the key that was named, or the one that a symmetric ciphertext names.

    Args:
        keys: where the latter is found.
        call: who calls.
        operation: Decrypt or ReEncrypt.
        ciphertext: any octets.
        key: the one that was named, if any.
        algorithm: as the request has it.
        context: the encryption context.

    Raises:
        AwsError: InvalidCiphertextException, IncorrectKeyException, InvalidKeyUsageException, what
            `lifecycle` refuses; ValidationException, an asymmetric key must be named;
            AccessDeniedException, there is no such key here.
    """
    blob = None
    if algorithm == SYMMETRIC_DEFAULT and (key is None or not key.spec.is_asymmetric):
        blob = read_blob(ciphertext)
    elif algorithm == SYMMETRIC_DEFAULT:
        blob = _maybe_blob(ciphertext)  # a pair does not open it, and its key is another
    if blob is not None:
        named, key = key, _key_of(keys, call, operation, blob)
        if named is not None and named is not key:
            raise AwsError(
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this "
                "operation.",
            )
    if key is None:
        raise AwsError(
            "ValidationException", f"KeyId is required with the encryption algorithm {algorithm}."
        )
    require_usable(key)
    require_usage(key, "ENCRYPT_DECRYPT", operation)
    require_algorithm(key.spec, "ENCRYPT_DECRYPT", algorithm)
    if blob is None:
        require_no_context(context)
        return Plaintext(decrypt_rsa(key.material, key.spec, algorithm, ciphertext), key, None)
    if blob.version >= len(key.backing_keys):
        raise AwsError("InvalidCiphertextException", "")
    backing = key.backing_keys[blob.version]
    return Plaintext(open_blob(backing.material, blob, context), key, backing.material_id)


def _key_of(keys: Keys, call: Call, operation: str, blob: Blob) -> Key:
    key = keys.by_arn(blob.key_arn)
    if key is None or key.region != call.region:
        raise no_access(call, operation, "the resource associated with this ciphertext")
    require_permitted(key, call, operation)
    return key


def _maybe_blob(ciphertext: bytes) -> Blob | None:
    try:
        return read_blob(ciphertext)
    except AwsError:
        return None
