"""Data keys and data key pairs, used outside KMS."""

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

from pkilab.simulator.kms.specs import DATA_KEY_PAIR_SPECS

CONTEXT = {"purpose": "backup"}
# The longer RSA pairs take seconds to make, and differ in length alone.
PAIRS = [one for one in DATA_KEY_PAIR_SPECS if one not in {"RSA_3072", "RSA_4096"}]
OPERATIONS = {
    "GenerateDataKey": {"KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": {"KeySpec": "AES_256"},
    "GenerateDataKeyPair": {"KeyPairSpec": "ECC_NIST_P256"},
    "GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "ECC_NIST_P256"},
}


@pytest.mark.parametrize(
    ("members", "length"),
    [({"KeySpec": "AES_128"}, 16), ({"KeySpec": "AES_256"}, 32), ({"NumberOfBytes": 1024}, 1024)],
)
def test_a_data_key_comes_twice_in_plaintext_and_encrypted(kms, members, length):
    arn = kms.create()
    made = kms("GenerateDataKey", KeyId=arn, EncryptionContext=CONTEXT, **members)
    assert len(made["Plaintext"]) == length
    assert made["KeyId"] == arn
    assert made["KeyMaterialId"] == kms.metadata(arn)["CurrentKeyMaterialId"]
    blob = {"CiphertextBlob": made["CiphertextBlob"]}
    assert kms("Decrypt", EncryptionContext=CONTEXT, **blob)["Plaintext"] == made["Plaintext"]
    assert kms.refused("InvalidCiphertextException", "Decrypt", **blob) == ""
    again = kms("GenerateDataKey", KeyId=arn, EncryptionContext=CONTEXT, **members)
    assert again["Plaintext"] != made["Plaintext"]


def test_a_data_key_encrypts_outside_kms(kms):
    """Envelope encryption: the file with the data key, the data key with KMS."""
    made = kms("GenerateDataKey", KeyId=kms.create(), KeySpec="AES_256")
    sealed = AESGCM(made["Plaintext"]).encrypt(bytes(12), b"a large file", None)
    key = kms("Decrypt", CiphertextBlob=made["CiphertextBlob"])["Plaintext"]
    assert AESGCM(key).decrypt(bytes(12), sealed, None) == b"a large file"


def test_a_data_key_for_later_comes_encrypted_only(kms):
    arn = kms.create()
    made = kms("GenerateDataKeyWithoutPlaintext", KeyId=arn, KeySpec="AES_128")
    assert "Plaintext" not in made
    assert len(kms("Decrypt", CiphertextBlob=made["CiphertextBlob"])["Plaintext"]) == 16


@pytest.mark.parametrize("operation", ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"])
@pytest.mark.parametrize("members", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}])
def test_the_length_of_a_data_key_is_said_once(kms, operation, members):
    message = kms.refused("ValidationException", operation, KeyId=kms.create(), **members)
    assert message == "Please specify either number of bytes or key spec."


@pytest.mark.parametrize("spec", PAIRS)
def test_a_data_key_pair_comes_with_its_public_key(kms, spec):
    arn = kms.create()
    made = kms("GenerateDataKeyPair", KeyId=arn, KeyPairSpec=spec, EncryptionContext=CONTEXT)
    private = load_der_private_key(made["PrivateKeyPlaintext"], None)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert made["PublicKey"] == public
    assert (made["KeyId"], made["KeyPairSpec"]) == (arn, spec)
    opened = kms(
        "Decrypt", CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT
    )
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    assert opened["KeyMaterialId"] == made["KeyMaterialId"]


def test_a_data_key_pair_for_later_comes_without_its_private_key(kms):
    arn = kms.create()
    made = kms("GenerateDataKeyPairWithoutPlaintext", KeyId=arn, KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in made
    opened = kms("Decrypt", CiphertextBlob=made["PrivateKeyCiphertextBlob"])
    private = load_der_private_key(opened["Plaintext"], None)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert made["PublicKey"] == public


@pytest.mark.parametrize("spec", ["SM2", "ML_KEM_768"])
def test_pairs_that_are_not_simulated_are_refused(kms, spec):
    kms.refused("NotImplemented", "GenerateDataKeyPair", KeyId=kms.create(), KeyPairSpec=spec)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_a_symmetric_key_makes_data_keys(kms, operation):
    members = OPERATIONS[operation]
    signer = kms.signer()
    message = kms.refused("InvalidKeyUsageException", operation, KeyId=signer, **members)
    assert message == f"{signer} key usage is SIGN_VERIFY which is not valid for {operation}."
    pair = kms.create("RSA_2048", "ENCRYPT_DECRYPT")
    message = kms.refused("InvalidKeyUsageException", operation, KeyId=pair, **members)
    assert message == "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_dry_run_hands_out_nothing(kms, operation):
    kms.refused(
        "DryRunOperationException", operation, KeyId=kms.create(), DryRun=True,
        **OPERATIONS[operation],
    )  # fmt: skip


@pytest.mark.parametrize("operation", ["GenerateDataKey", "GenerateDataKeyPair"])
def test_enclaves_are_not_simulated(kms, operation):
    kms.refused(
        "NotImplemented", operation, KeyId=kms.create(), Recipient={}, **OPERATIONS[operation]
    )


def test_data_keys_follow_from_the_seed(open_kms):
    def made():
        kms = open_kms()
        arn = kms.create()
        pair = kms("GenerateDataKeyPair", KeyId=arn, KeyPairSpec="RSA_2048")
        return hashlib.sha256(b"".join(v for v in pair.values() if isinstance(v, bytes)))

    assert made().digest() == made().digest()
