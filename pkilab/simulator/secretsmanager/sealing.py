"""Values: encrypted with data keys from KMS, in the caller's name.

Every version has a data key of its own, whose encryption context is the secret's ARN and the
version's id; `pkilab.simulator.kms.envelopes` does the rest.

Source: Secrets Manager User Guide, "Secret encryption and decryption in AWS Secrets Manager".
Sentences as public issues quote them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pkilab.pki.entropy import RandomSource
from pkilab.simulator.kms.envelopes import Envelope, seal, unseal
from pkilab.simulator.kms.service import Kms
from pkilab.simulator.secretsmanager.state import Secret, Version
from pkilab.simulator.service import AwsError, Call, run

PRINCIPAL = "secretsmanager.amazonaws.com"
DEFAULT_ALIAS = "alias/aws/secretsmanager"
VALIDATING = "RequestToValidateKeyAccess"  # instead of a version's id
_FAILURES = {
    "Decrypt": (
        "DecryptionFailure",
        "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
    ),
    "Encrypt": (
        "EncryptionFailure",
        (
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key. "
            "Check that the KMS key is available, enabled, and not in an invalid state."
        ),
    ),
}


class Sealing:
    """Secrets Manager's way to KMS.

    Args:
        kms: the world's.
        entropy: nonces of envelopes.
    """

    def __init__(self, kms: Kms, entropy: RandomSource) -> None:
        self._kms, self._entropy = kms, entropy

    def seal(self, call: Call, secret: Secret, version: Version, value: bytes) -> None:
        """Encrypt a version's value under a new data key of the secret's key.

        Raises:
            AwsError: AccessDeniedException; EncryptionFailure; InvalidRequestException, the key is
                AWS's own of another account.
        """
        context = _context(secret, version.version_id)
        made = self._data_key(call, secret, context)
        sealed = seal(made["Plaintext"], value, context, self._entropy)
        version.envelope = Envelope(made["CiphertextBlob"], sealed)
        version.key_arn = made["KeyId"]

    def open(self, call: Call, secret: Secret, version: Version) -> bytes:
        """Decrypt a version's value.

        Raises:
            AwsError: AccessDeniedException; DecryptionFailure; InvalidRequestException, the key is
                AWS's own of another account.
        """
        assert version.envelope is not None  # noqa: S101 - the caller asked
        context = _context(secret, version.version_id)
        self._require_near(call, secret, version.key_arn)
        opened = self._run(
            "Decrypt",
            {"CiphertextBlob": version.envelope.data_key, "EncryptionContext": context},
            call,
        )
        return unseal(opened["Plaintext"], version.envelope.sealed, context)

    def validate(self, call: Call, secret: Secret) -> None:
        """See whether the caller may use the key that a secret is given.

        Raises:
            AwsError: AccessDeniedException, EncryptionFailure, DecryptionFailure.
        """
        context = _context(secret, VALIDATING)
        made = self._data_key(call, secret, context)
        asked = {"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context}
        self._run("Decrypt", asked, call)

    def reseal(self, call: Call, secret: Secret, version: Version) -> None:
        """Encrypt a version's data key under the secret's key of now, where the caller may.

        Whoever may not leaves it as it is.
        """
        assert version.envelope is not None  # noqa: S101 - the caller asked
        context = _context(secret, version.version_id)
        asked = {"CiphertextBlob": version.envelope.data_key, "EncryptionContext": context}
        try:
            opened = self._run("Decrypt", asked, call)
            wanted = {"KeyId": self._key(call, secret), "EncryptionContext": context}
            made = self._run("Encrypt", {**wanted, "Plaintext": opened["Plaintext"]}, call)
        except AwsError as refused:
            if refused.code == "NotImplemented":
                raise
            return
        version.envelope = replace(version.envelope, data_key=made["CiphertextBlob"])
        version.key_arn = made["KeyId"]

    def _data_key(self, call: Call, secret: Secret, context: dict[str, str]) -> Any:  # noqa: ANN401 - a result
        asked = {
            "KeyId": self._key(call, secret),
            "KeySpec": "AES_256",
            "EncryptionContext": context,
        }
        return self._run("GenerateDataKey", asked, call)

    def _key(self, call: Call, secret: Secret) -> str:
        """Return the key that a secret's values are encrypted with, by its ARN where AWS's own."""
        if secret.key_id and not secret.key_id.endswith(DEFAULT_ALIAS):
            if secret.key_id.startswith("arn:"):
                return secret.key_id
            # An id or an alias is one of the secret's account.
            place = f"arn:{secret.arn.split(':')[1]}:kms:{secret.region}:{secret.account}"
            kind = "" if secret.key_id.startswith("alias/") else "key/"
            return f"{place}:{kind}{secret.key_id}"
        self._require_near(call, secret, "")
        return self._kms.managed_key(call, "secretsmanager").arn

    def _require_near(self, call: Call, secret: Secret, key_arn: str) -> None:
        key = self._kms.keys.by_arn(key_arn)
        is_default = not key_arn or (key is not None and bool(key.manager))
        if is_default and call.account != secret.account:
            raise AwsError(
                "InvalidRequestException",
                "You can't access a secret from a different AWS account if you encrypt the secret "
                "with the default KMS service key.",
            )

    def _run(self, operation: str, members: dict[str, Any], call: Call) -> Any:  # noqa: ANN401 - a result
        through = replace(call, via=(*call.via, PRINCIPAL))
        try:
            return run(self._kms, operation, members, through)
        except AwsError as refused:
            if refused.code == "NotImplemented":
                raise
            if refused.code == "AccessDeniedException":
                raise AwsError(refused.code, "Access to KMS is not allowed") from refused
            code, sentence = _FAILURES["Decrypt" if operation == "Decrypt" else "Encrypt"]
            raise AwsError(code, sentence) from refused


def _context(secret: Secret, version_id: str) -> dict[str, str]:
    return {"SecretARN": secret.arn, "SecretVersionId": version_id}
