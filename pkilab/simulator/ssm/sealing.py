"""SecureStrings: encrypted and decrypted by KMS in the caller's name.

A standard parameter's value is KMS's ciphertext of it. An advanced parameter's is an envelope: on
AWS a message of the AWS Encryption SDK, here `pkilab.simulator.kms.envelopes`.

Source: Systems Manager User Guide, "AWS KMS encryption for AWS Systems Manager Parameter Store
SecureString parameters".
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from pkilab.pki.entropy import RandomSource
from pkilab.simulator.kms.envelopes import Envelope, seal, unseal
from pkilab.simulator.kms.service import Kms
from pkilab.simulator.service import AwsError, Call, run
from pkilab.simulator.ssm.state import Tier

PRINCIPAL = "ssm.amazonaws.com"
DEFAULT_KEY = "alias/aws/ssm"
_DENIED = "AccessDeniedException"


class Sealing:
    """Parameter Store's way to KMS.

    Args:
        kms: the world's.
        entropy: nonces of envelopes.
    """

    def __init__(self, kms: Kms, entropy: RandomSource) -> None:
        self._kms, self._entropy = kms, entropy

    def seal(self, call: Call, arn: str, tier: Tier, key_id: str, value: str) -> str:
        """Return a value's ciphertext in Base64.

        Args:
            call: whose rights to the key count.
            arn: the parameter's, which is the encryption context.
            tier: decides how it is encrypted.
            key_id: a key of the caller's choice, or ``alias/aws/ssm``.
            value: at most 4,096 bytes in a standard parameter.

        Raises:
            AwsError: AccessDeniedException, the caller may not use the key; InvalidKeyId, it cannot
                be used.
        """
        if key_id == DEFAULT_KEY:
            self._kms.managed_key(call, "ssm")
        context, octets = {"PARAMETER_ARN": arn}, value.encode()
        asked = {"KeyId": key_id, "EncryptionContext": context}
        if tier == "Standard":
            made = self._run("Encrypt", {**asked, "Plaintext": octets}, call)
            return _text(made["CiphertextBlob"])
        made = self._run("GenerateDataKey", {**asked, "KeySpec": "AES_256"}, call)
        sealed = seal(made["Plaintext"], octets, context, self._entropy)
        return _text(Envelope(made["CiphertextBlob"], sealed).octets())

    def open(self, call: Call, arn: str, tier: Tier, stored: str) -> str:
        """Return the value of a ciphertext in Base64.

        Raises:
            AwsError: AccessDeniedException, the caller may not decrypt; InvalidKeyId, the key
                cannot be used.
        """
        try:
            octets, context = base64.b64decode(stored, validate=True), {"PARAMETER_ARN": arn}
        except (ValueError, binascii.Error) as problem:  # nothing that `seal` made
            raise AwsError(
                "InternalServerError", "An error occurred on the server side.", 500
            ) from problem
        if tier == "Standard":
            asked = {"CiphertextBlob": octets, "EncryptionContext": context}
            return str(self._run("Decrypt", asked, call)["Plaintext"].decode())
        envelope = Envelope.of_octets(octets)
        asked = {"CiphertextBlob": envelope.data_key, "EncryptionContext": context}
        data_key = self._run("Decrypt", asked, call)["Plaintext"]
        return unseal(data_key, envelope.sealed, context).decode()

    def _run(self, operation: str, members: dict[str, Any], call: Call) -> Any:  # noqa: ANN401 - a result
        through = replace(call, via=(*call.via, PRINCIPAL))
        try:
            return run(self._kms, operation, members, through)
        except AwsError as refused:
            if refused.code == "NotImplemented":
                raise
            code = _DENIED if refused.code == _DENIED else "InvalidKeyId"
            said = f"(Service: Kms, Status Code: 400, Request ID: {call.request_id})"
            raise AwsError(code, f"{refused.message} {said}".strip()) from refused


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
