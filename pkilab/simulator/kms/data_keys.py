"""Data keys and data key pairs: made for use outside KMS, and handed out encrypted as well.

Source: API Reference, GenerateDataKey, GenerateDataKeyPair and their variants WithoutPlaintext.
"""

from __future__ import annotations

from typing import Any

from pkilab.simulator.kms.encrypting import Context, encrypt
from pkilab.simulator.kms.material import generate, private_der, public_der
from pkilab.simulator.kms.specs import SYMMETRIC_DEFAULT, require_algorithm, spec_named
from pkilab.simulator.kms.state import Key
from pkilab.simulator.service import AwsError

Json = dict[str, Any]
_LENGTHS = {"AES_128": 16, "AES_256": 32}


def length_of(key_spec: str | None, number_of_bytes: int | None) -> int:
    """Return how long a data key is to be.

    Raises:
        AwsError: ValidationException, it was said twice or not at all.
    """
    if (key_spec is None) == (number_of_bytes is None):
        raise AwsError("ValidationException", "Please specify either number of bytes or key spec.")
    return _LENGTHS[key_spec] if key_spec else number_of_bytes or 0


def data_key(key: Key, length: int, context: Context) -> Json:
    """Make a data key under a symmetric key.

    Returns:
        The members of GenerateDataKey's result; the plaintext among them.

    Raises:
        AwsError: InvalidKeyUsageException, an asymmetric key.
    """
    require_algorithm(key.spec, "ENCRYPT_DECRYPT", SYMMETRIC_DEFAULT)
    plaintext = key.entropy.bytes(length)
    sealed = encrypt(key, SYMMETRIC_DEFAULT, plaintext, context)
    return {
        "CiphertextBlob": sealed.octets,
        "Plaintext": plaintext,
        "KeyId": key.arn,
        "KeyMaterialId": sealed.material_id,
    }


def data_key_pair(key: Key, pair_spec: str, context: Context) -> Json:
    """Make a data key pair, its private key (DER PKCS#8) encrypted under a symmetric key.

    Returns:
        The members of GenerateDataKeyPair's result; the private key's plaintext among them.

    Raises:
        AwsError: InvalidKeyUsageException, an asymmetric key; NotImplemented, a spec that is not
            simulated.
    """
    require_algorithm(key.spec, "ENCRYPT_DECRYPT", SYMMETRIC_DEFAULT)
    pair = generate(spec_named(pair_spec), key.entropy)
    private = private_der(pair)
    sealed = encrypt(key, SYMMETRIC_DEFAULT, private, context)
    return {
        "PrivateKeyCiphertextBlob": sealed.octets,
        "PrivateKeyPlaintext": private,
        "PublicKey": public_der(pair),
        "KeyId": key.arn,
        "KeyPairSpec": pair_spec,
        "KeyMaterialId": sealed.material_id,
    }
