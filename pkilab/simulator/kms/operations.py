"""The cryptographic operations of KMS: each finds its key, checks it, and has the work done.

In this order: the key is found, grant tokens, the key's state, its usage, then the algorithm and
what it is applied to. A dry run does all of it, and hands out nothing.

Source: API Reference, each operation. The work is in `signing`, `ciphertexts`, `agreement`, `macs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pkilab.simulator.kms import agreement, data_keys, macs, signing
from pkilab.simulator.kms.encrypting import Plaintext, decrypt, encrypt
from pkilab.simulator.kms.grants import Grants
from pkilab.simulator.kms.keys import Keys
from pkilab.simulator.kms.lifecycle import require_usable, require_usage
from pkilab.simulator.kms.material import public_der
from pkilab.simulator.kms.specs import (
    ALGORITHMS_MEMBER,
    SYMMETRIC_DEFAULT,
    MessageType,
    Usage,
)
from pkilab.simulator.kms.state import Key
from pkilab.simulator.service import AwsError, Call, JsonService, not_simulated
from pkilab.simulator.world import World

Json = dict[str, Any]
_IGNORE_CIPHERTEXT = "IGNORE_CIPHERTEXT"


class Cryptography(JsonService):
    """Operations that use keys.

    Args:
        world: whose seed and clock count.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.keys = Keys(world)
        self.grants = Grants(world)
        self._random = world.entropy("kms", "random")

    # Signatures

    def sign(
        self,
        call: Call,
        *,
        key_id: str,
        message: bytes,
        signing_algorithm: str,
        message_type: MessageType = "RAW",
        grant_tokens: Sequence[str] = (),
        dry_run: bool = False,
    ) -> Json:
        """Sign a message of up to 4,096 bytes, its digest, or its ML-DSA representative."""
        key = self._usable(call, key_id, "Sign", "SIGN_VERIFY", grant_tokens)
        signature = signing.sign(
            key.material, key.spec, signing_algorithm, message, message_type, key.entropy
        )
        stop_if_dry(dry_run)
        return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": signing_algorithm}

    def verify(
        self,
        call: Call,
        *,
        key_id: str,
        message: bytes,
        signature: bytes,
        signing_algorithm: str,
        message_type: MessageType = "RAW",
        grant_tokens: Sequence[str] = (),
        dry_run: bool = False,
    ) -> Json:
        """Verify a signature; one that does not hold is an error, never a result."""
        key = self._usable(call, key_id, "Verify", "SIGN_VERIFY", grant_tokens)
        assert key.public_key is not None  # noqa: S101 - every key that signs is a pair
        if not signing.verify(
            key.public_key, key.spec, signing_algorithm, message, message_type, signature
        ):
            raise AwsError("KMSInvalidSignatureException", "")
        stop_if_dry(dry_run)
        return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": signing_algorithm}

    def get_public_key(self, call: Call, *, key_id: str, grant_tokens: Sequence[str] = ()) -> Json:
        """Hand out the public key of a pair, and what it can be used for."""
        key = self._found(call, key_id, "GetPublicKey", grant_tokens)
        if key.public_key is None:
            raise AwsError(
                "UnsupportedOperationException", f"{key.arn} is not an asymmetric KMS key."
            )
        return {
            "KeyId": key.arn,
            "PublicKey": public_der(key.material),
            "CustomerMasterKeySpec": key.spec.name,
            "KeySpec": key.spec.name,
            "KeyUsage": key.usage,
            ALGORITHMS_MEMBER[key.usage]: list(key.algorithms()),
        }

    # Encryption

    def encrypt(
        self,
        call: Call,
        *,
        key_id: str,
        plaintext: bytes,
        encryption_context: Mapping[str, str] | None = None,
        grant_tokens: Sequence[str] = (),
        encryption_algorithm: str = SYMMETRIC_DEFAULT,
        dry_run: bool = False,
    ) -> Json:
        """Encrypt up to 4,096 bytes, or less under an RSA key."""
        key = self._usable(call, key_id, "Encrypt", "ENCRYPT_DECRYPT", grant_tokens)
        sealed = encrypt(key, encryption_algorithm, plaintext, encryption_context or {})
        stop_if_dry(dry_run)
        return {
            "CiphertextBlob": sealed.octets,
            "KeyId": key.arn,
            "EncryptionAlgorithm": encryption_algorithm,
        }

    def decrypt(
        self,
        call: Call,
        *,
        ciphertext_blob: bytes | None = None,
        encryption_context: Mapping[str, str] | None = None,
        grant_tokens: Sequence[str] = (),
        key_id: str | None = None,
        encryption_algorithm: str = SYMMETRIC_DEFAULT,
        recipient: Json | None = None,
        dry_run: bool = False,
        dry_run_modifiers: Sequence[str] = (),
    ) -> Json:
        """Decrypt; a symmetric ciphertext knows its key, which need not be named."""
        _refuse_recipient("Decrypt", recipient)
        opened = self._decrypted(
            call,
            "Decrypt",
            ciphertext=ciphertext_blob,
            key_id=key_id,
            algorithm=encryption_algorithm,
            context=encryption_context or {},
            grant_tokens=grant_tokens,
            unseen=dry_run and _IGNORE_CIPHERTEXT in dry_run_modifiers,
        )
        stop_if_dry(dry_run)
        return {
            "KeyId": opened.key.arn,
            "Plaintext": opened.octets,
            "EncryptionAlgorithm": encryption_algorithm,
            "KeyMaterialId": opened.material_id,
        }

    def re_encrypt(
        self,
        call: Call,
        *,
        destination_key_id: str,
        ciphertext_blob: bytes | None = None,
        source_encryption_context: Mapping[str, str] | None = None,
        source_key_id: str | None = None,
        destination_encryption_context: Mapping[str, str] | None = None,
        source_encryption_algorithm: str = SYMMETRIC_DEFAULT,
        destination_encryption_algorithm: str = SYMMETRIC_DEFAULT,
        grant_tokens: Sequence[str] = (),
        dry_run: bool = False,
        dry_run_modifiers: Sequence[str] = (),
    ) -> Json:
        """Decrypt with one key and encrypt with another, or in another context."""
        key = self._usable(call, destination_key_id, "ReEncrypt", "ENCRYPT_DECRYPT", grant_tokens)
        opened = self._decrypted(
            call,
            "ReEncrypt",
            ciphertext=ciphertext_blob,
            key_id=source_key_id,
            algorithm=source_encryption_algorithm,
            context=source_encryption_context or {},
            grant_tokens=grant_tokens,
            unseen=dry_run and _IGNORE_CIPHERTEXT in dry_run_modifiers,
        )
        sealed = encrypt(
            key,
            destination_encryption_algorithm,
            opened.octets,
            destination_encryption_context or {},
        )
        stop_if_dry(dry_run)
        return {
            "CiphertextBlob": sealed.octets,
            "SourceKeyId": opened.key.arn,
            "KeyId": key.arn,
            "SourceEncryptionAlgorithm": source_encryption_algorithm,
            "DestinationEncryptionAlgorithm": destination_encryption_algorithm,
            "SourceKeyMaterialId": opened.material_id,
            "DestinationKeyMaterialId": sealed.material_id,
        }

    # Data keys

    def generate_data_key(
        self,
        call: Call,
        *,
        key_id: str,
        encryption_context: Mapping[str, str] | None = None,
        number_of_bytes: int | None = None,
        key_spec: str | None = None,
        grant_tokens: Sequence[str] = (),
        recipient: Json | None = None,
        dry_run: bool = False,
        operation: str = "GenerateDataKey",
    ) -> Json:
        """Make a key to encrypt with outside KMS, in plaintext and encrypted."""
        _refuse_recipient(operation, recipient)
        length = data_keys.length_of(key_spec, number_of_bytes)
        key = self._usable(call, key_id, operation, "ENCRYPT_DECRYPT", grant_tokens)
        made = data_keys.data_key(key, length, encryption_context or {})
        stop_if_dry(dry_run)
        return made

    def generate_data_key_without_plaintext(self, call: Call, **members: Any) -> Json:  # noqa: ANN401 - those of the above
        """Make a key for later, encrypted only."""
        made = self.generate_data_key(call, operation="GenerateDataKeyWithoutPlaintext", **members)
        return {name: value for name, value in made.items() if name != "Plaintext"}

    def generate_data_key_pair(
        self,
        call: Call,
        *,
        key_id: str,
        key_pair_spec: str,
        encryption_context: Mapping[str, str] | None = None,
        grant_tokens: Sequence[str] = (),
        recipient: Json | None = None,
        dry_run: bool = False,
        operation: str = "GenerateDataKeyPair",
    ) -> Json:
        """Make a key pair to use outside KMS, its private key in plaintext and encrypted."""
        _refuse_recipient(operation, recipient)
        key = self._usable(call, key_id, operation, "ENCRYPT_DECRYPT", grant_tokens)
        made = data_keys.data_key_pair(key, key_pair_spec, encryption_context or {})
        stop_if_dry(dry_run)
        return made

    def generate_data_key_pair_without_plaintext(self, call: Call, **members: Any) -> Json:  # noqa: ANN401 - those of the above
        """Make a key pair for later: the public key, and the private key encrypted only."""
        made = self.generate_data_key_pair(
            call, operation="GenerateDataKeyPairWithoutPlaintext", **members
        )
        return {name: value for name, value in made.items() if name != "PrivateKeyPlaintext"}

    # Codes, secrets, random bytes

    def generate_mac(
        self,
        call: Call,
        *,
        message: bytes,
        key_id: str,
        mac_algorithm: str,
        grant_tokens: Sequence[str] = (),
        dry_run: bool = False,
    ) -> Json:
        """Authenticate a message with an HMAC key."""
        key = self._usable(call, key_id, "GenerateMac", "GENERATE_VERIFY_MAC", grant_tokens)
        mac = macs.generate_mac(key.material, key.spec, mac_algorithm, message)
        stop_if_dry(dry_run)
        return {"Mac": mac, "MacAlgorithm": mac_algorithm, "KeyId": key.arn}

    def verify_mac(
        self,
        call: Call,
        *,
        message: bytes,
        key_id: str,
        mac_algorithm: str,
        mac: bytes,
        grant_tokens: Sequence[str] = (),
        dry_run: bool = False,
    ) -> Json:
        """Verify a code; one that does not hold is an error, never a result."""
        key = self._usable(call, key_id, "VerifyMac", "GENERATE_VERIFY_MAC", grant_tokens)
        if not macs.verify_mac(key.material, key.spec, mac_algorithm, message, mac):
            raise AwsError("KMSInvalidMacException", "")
        stop_if_dry(dry_run)
        return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": mac_algorithm}

    def derive_shared_secret(
        self,
        call: Call,
        *,
        key_id: str,
        key_agreement_algorithm: str,
        public_key: bytes,
        grant_tokens: Sequence[str] = (),
        dry_run: bool = False,
        recipient: Json | None = None,
    ) -> Json:
        """Agree on a secret with the owner of another public key of the curve."""
        _refuse_recipient("DeriveSharedSecret", recipient)
        key = self._usable(call, key_id, "DeriveSharedSecret", "KEY_AGREEMENT", grant_tokens)
        secret = agreement.derive_shared_secret(
            key.material, key.spec, key_agreement_algorithm, public_key
        )
        stop_if_dry(dry_run)
        return {
            "KeyId": key.arn,
            "SharedSecret": secret,
            "KeyAgreementAlgorithm": key_agreement_algorithm,
            "KeyOrigin": "AWS_KMS",
        }

    def generate_random(
        self,
        _call: Call,
        *,
        number_of_bytes: int | None = None,
        custom_key_store_id: str | None = None,
        recipient: Json | None = None,
    ) -> Json:
        """Hand out random bytes: in a seeded world, the same ones each time it is begun."""
        _refuse_recipient("GenerateRandom", recipient)
        if custom_key_store_id:
            raise not_simulated("GenerateRandom in a custom key store")
        if number_of_bytes is None:
            raise AwsError("ValidationException", "NumberOfBytes is required.")
        return {"Plaintext": self._random.bytes(number_of_bytes)}

    # What the operations share

    def _found(self, call: Call, key_id: str, operation: str, grant_tokens: Sequence[str]) -> Key:
        """Return a key that is enabled."""
        key = self.keys.find(call, key_id, operation)
        self.grants.check_tokens(grant_tokens)
        require_usable(key)
        return key

    def _usable(
        self,
        call: Call,
        key_id: str,
        operation: str,
        usage: Usage,
        grant_tokens: Sequence[str],
    ) -> Key:
        """Return a key that is enabled, and there for such operations."""
        key = self._found(call, key_id, operation, grant_tokens)
        require_usage(key, usage, operation)
        return key

    def _decrypted(
        self,
        call: Call,
        operation: str,
        *,
        ciphertext: bytes | None,
        key_id: str | None,
        algorithm: str,
        context: Mapping[str, str],
        grant_tokens: Sequence[str],
        unseen: bool,
    ) -> Plaintext:
        """Decrypt, or in a dry run that ignores the ciphertext, only see to the key."""
        self.grants.check_tokens(grant_tokens)
        if unseen and key_id is not None:
            key = self._usable(call, key_id, operation, "ENCRYPT_DECRYPT", grant_tokens)
            return Plaintext(b"", key, None)
        if ciphertext is None or unseen:
            missing = "keyId" if unseen else "ciphertextBlob"
            raise AwsError(
                "ValidationException",
                f"1 validation error detected: Value null at '{missing}' failed to satisfy "
                "constraint: Member must not be null",
            )
        named = None if key_id is None else self.keys.find(call, key_id, operation)
        return decrypt(
            self.keys,
            call,
            operation,
            ciphertext=ciphertext,
            key=named,
            algorithm=algorithm,
            context=context,
        )


def stop_if_dry(dry_run: bool) -> None:  # noqa: FBT001 - the member of that name
    """End a dry run that got this far.

    Raises:
        AwsError: DryRunOperationException.
    """
    if dry_run:
        raise AwsError(
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun option is set.",
        )


def _refuse_recipient(operation: str, recipient: Json | None) -> None:
    if recipient is not None:
        raise not_simulated(f"{operation} for a Nitro enclave (Recipient)")
