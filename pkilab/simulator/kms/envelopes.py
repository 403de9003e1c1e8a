"""Envelope encryption: a value under a data key, the data key under a KMS key.

For services that keep values too long for KMS's Encrypt. Every value has a data key of its own::

    1   format, 0x01
    12  nonce
    m   ciphertext, as long as the plaintext
    16  tag

AES-256-GCM (NIST SP 800-38D). The encryption context is authenticated with it, written as in
`ciphertexts`; the encrypted data key lies beside and is not, so that it can be encrypted anew.
AWS's own layouts differ: Parameter Store's is a message of the AWS Encryption SDK, Secrets Manager
publishes none.

Sources: Systems Manager User Guide, "AWS KMS encryption for AWS Systems Manager Parameter Store
SecureString parameters"; Secrets Manager User Guide, "Secret encryption and decryption".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pkilab.pki.entropy import RandomSource
from pkilab.simulator.kms.ciphertexts import canonical
from pkilab.simulator.service import AwsError

_FORMAT = b"\x01"
_NONCE_BYTES, _TAG_BYTES, _KEY_BYTES_FIELD = 12, 16, 2


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed value and its encrypted data key."""

    data_key: bytes = field(repr=False)  # KMS's CiphertextBlob
    sealed: bytes = field(repr=False)

    def octets(self) -> bytes:
        """Return both in one piece: the data key, preceded by its length in two bytes."""
        return len(self.data_key).to_bytes(_KEY_BYTES_FIELD) + self.data_key + self.sealed

    @classmethod
    def of_octets(cls, octets: bytes) -> Envelope:
        """Take apart what `octets` made; nothing in it is authenticated yet.

        Raises:
            AwsError: InvalidCiphertextException, it is too short.
        """
        end = _KEY_BYTES_FIELD + int.from_bytes(octets[:_KEY_BYTES_FIELD])
        found = cls(octets[_KEY_BYTES_FIELD:end], octets[end:])
        if len(octets) < end or not found.sealed:
            raise _invalid()
        return found


def seal(
    data_key: bytes, plaintext: bytes, context: Mapping[str, str], entropy: RandomSource
) -> bytes:
    """Encrypt a value.

    Args:
        data_key: 32 secret bytes that encrypt nothing else.
        plaintext: the value, of any length.
        context: the encryption context of the data key.
        entropy: 12 bytes of it.
    """
    nonce = entropy.bytes(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(data_key).encrypt(nonce, plaintext, canonical(context))


def unseal(data_key: bytes, sealed: bytes, context: Mapping[str, str]) -> bytes:
    """Decrypt what `seal` made.

    Raises:
        AwsError: InvalidCiphertextException: another data key or context, or changed bytes.
    """
    start = len(_FORMAT) + _NONCE_BYTES
    nonce = sealed[len(_FORMAT) : start]
    if not sealed.startswith(_FORMAT) or len(sealed) < start + _TAG_BYTES:
        raise _invalid()
    try:
        return AESGCM(data_key).decrypt(nonce, sealed[start:], canonical(context))
    except InvalidTag as problem:
        raise _invalid() from problem


def _invalid() -> AwsError:
    return AwsError("InvalidCiphertextException", "")
