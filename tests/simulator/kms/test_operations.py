"""The cryptographic operations: what they answer, what they refuse, and who agrees."""

import hashlib
import os
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.simulator.kms.specs import SPECS

OTHER = "444455556666"
MESSAGE = b"release-1.0"
DRY = "The request would have succeeded, but the DryRun option is set."
SIGNING = [
    (name, algorithm)
    for name in ("RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521",
                 "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "ML_DSA_44", "ML_DSA_87")
    for algorithm in SPECS[name].algorithms["SIGN_VERIFY"]
]  # fmt: skip
SIGNATURE = {"SigningAlgorithm": "ECDSA_SHA_256"}


def shown(algorithm):
    """A message that an algorithm takes, and its type."""
    if algorithm == "ED25519_PH_SHA_512":
        return {"Message": hashlib.sha512(MESSAGE).digest(), "MessageType": "DIGEST"}
    return {"Message": MESSAGE}


# Signatures


@pytest.mark.parametrize(("spec", "algorithm"), SIGNING)
def test_what_is_signed_is_verified_and_what_is_changed_is_not(kms, spec, algorithm):
    arn = kms.signer(spec)
    members = {"SigningAlgorithm": algorithm, **shown(algorithm)}
    signed = kms("Sign", KeyId=arn, **members)
    assert (signed["KeyId"], signed["SigningAlgorithm"]) == (arn, algorithm)
    members |= {"KeyId": arn, "Signature": signed["Signature"]}
    assert kms("Verify", **members) == {
        "KeyId": arn,
        "SignatureValid": True,
        "SigningAlgorithm": algorithm,
    }
    flipped = bytes([members["Message"][0] ^ 1]) + members["Message"][1:]
    for change in ({"Message": flipped}, {"Signature": b"x"}, {"KeyId": kms.signer(spec)}):
        assert kms.refused("KMSInvalidSignatureException", "Verify", **{**members, **change}) == ""


@pytest.mark.parametrize(
    ("spec", "algorithm", "options"),
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256", ("-sha256",)),
        ("ECC_NIST_P384", "ECDSA_SHA_384", ("-sha384",)),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", ("-sha512",)),
        ("RSA_2048", "RSASSA_PSS_SHA_256",
         ("-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")),
    ],
)  # fmt: skip
def test_openssl_verifies_what_kms_signed(kms, tmp_path, spec, algorithm, options):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine")
    arn = kms.signer(spec)
    digest = hashlib.new(options[0][1:], MESSAGE).digest()
    signed = kms(
        "Sign", KeyId=arn, Message=digest, MessageType="DIGEST", SigningAlgorithm=algorithm
    )
    key = load_der_public_key(kms("GetPublicKey", KeyId=arn)["PublicKey"])
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, octets in (("key", pem), ("sig", signed["Signature"]), ("message", MESSAGE)):
        (tmp_path / name).write_bytes(octets)

    def verdict():
        command = [openssl, "dgst", *options, "-verify", "key", "-signature", "sig", "message"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        return ran.stdout.decode().strip()

    assert verdict() == "Verified OK"
    (tmp_path / "message").write_bytes(MESSAGE + b"x")
    assert verdict() == "Verification failure"


def test_a_message_and_its_digest_are_signed_alike(kms):
    arn = kms.signer()
    digest = {"Message": hashlib.sha256(MESSAGE).digest(), "MessageType": "DIGEST"}
    raw = kms("Sign", KeyId=arn, Message=MESSAGE, **SIGNATURE)["Signature"]
    assert kms("Sign", KeyId=arn, **digest, **SIGNATURE)["Signature"] == raw
    kms("Verify", KeyId=arn, Signature=raw, **digest, **SIGNATURE)
    kms("Verify", KeyId=arn, Signature=raw, Message=MESSAGE, MessageType="RAW", **SIGNATURE)


def test_a_message_of_more_than_4096_bytes_is_refused(kms):
    arn = kms.signer()
    kms("Sign", KeyId=arn, Message=bytes(4096), **SIGNATURE)
    kms.refused("ValidationException", "Sign", KeyId=arn, Message=bytes(4097), **SIGNATURE)
    kms.refused("ValidationException", "Sign", KeyId=arn, Message=b"", **SIGNATURE)


def test_a_digest_has_the_algorithms_length(kms):
    message = kms.refused(
        "ValidationException", "Sign", KeyId=kms.signer(), Message=MESSAGE, MessageType="DIGEST",
        **SIGNATURE,
    )  # fmt: skip
    assert message == "Digest is invalid length for algorithm ECDSA_SHA_256."


def test_the_command_of_the_post_cannot_work(kms):
    """A P-384 key does not sign with SHA-256, and does with SHA-384."""
    arn = kms.signer("ECC_NIST_P384")
    for operation, members in (("Sign", {}), ("Verify", {"Signature": b"x"})):
        message = kms.refused(
            "InvalidKeyUsageException", operation, KeyId=arn, Message=MESSAGE, **SIGNATURE,
            **members,
        )  # fmt: skip
        assert message == "Algorithm ECDSA_SHA_256 is incompatible with key spec ECC_NIST_P384."
    kms("Sign", KeyId=arn, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_384")


def test_another_algorithm_of_the_key_than_signed_with_is_a_bad_signature(kms):
    arn = kms.signer("RSA_2048")
    one, other = "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256"
    made = kms("Sign", KeyId=arn, Message=MESSAGE, SigningAlgorithm=one)["Signature"]
    kms.refused(
        "KMSInvalidSignatureException", "Verify", KeyId=arn, Message=MESSAGE, Signature=made,
        SigningAlgorithm=other,
    )  # fmt: skip


# Which key may do what

USES = {
    "Sign": ("SIGN_VERIFY", {"Message": b"x", **SIGNATURE}),
    "Verify": ("SIGN_VERIFY", {"Message": b"x", "Signature": b"x", **SIGNATURE}),
    "Encrypt": ("ENCRYPT_DECRYPT", {"Plaintext": b"x"}),
    "GenerateMac": ("GENERATE_VERIFY_MAC", {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}),
    "VerifyMac": (
        "GENERATE_VERIFY_MAC", {"Message": b"x", "Mac": b"x", "MacAlgorithm": "HMAC_SHA_256"},
    ),
    "DeriveSharedSecret": (
        "KEY_AGREEMENT", {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"x"},
    ),
}  # fmt: skip
KINDS = {
    "SIGN_VERIFY": "ECC_NIST_P256",
    "ENCRYPT_DECRYPT": "SYMMETRIC_DEFAULT",
    "GENERATE_VERIFY_MAC": "HMAC_256",
    "KEY_AGREEMENT": "ECC_NIST_P256",
}


@pytest.mark.parametrize("operation", USES)
def test_a_key_is_used_for_its_usage_alone(kms, operation):
    wanted, members = USES[operation]
    for usage, spec in KINDS.items():
        if usage != wanted:
            arn = kms.create(spec, usage)
            message = kms.refused("InvalidKeyUsageException", operation, KeyId=arn, **members)
            assert message == f"{arn} key usage is {usage} which is not valid for {operation}."


def test_other_accounts_use_a_key_by_its_arn(kms):
    """Without enforcement nothing more is needed, as with every service."""
    arn = kms.signer()
    signed = kms("Sign", account=OTHER, KeyId=arn, Message=MESSAGE, **SIGNATURE)
    kms("GetPublicKey", account=OTHER, KeyId=arn)
    kms("Verify", KeyId=arn, Message=MESSAGE, Signature=signed["Signature"], **SIGNATURE)


# Dry runs


def test_a_dry_run_says_that_it_would_have_succeeded(kms):
    signer, cipher = kms.signer(), kms.create()
    mac, agreeing = kms.create("HMAC_256", "GENERATE_VERIFY_MAC"), agreement_key(kms)
    signed = kms("Sign", KeyId=signer, Message=MESSAGE, **SIGNATURE)["Signature"]
    code = kms("GenerateMac", KeyId=mac, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256")["Mac"]
    blob = kms("Encrypt", KeyId=cipher, Plaintext=b"x")["CiphertextBlob"]
    public = kms("GetPublicKey", KeyId=agreeing)["PublicKey"]
    for operation, members in (
        ("Sign", {"KeyId": signer, "Message": MESSAGE, **SIGNATURE}),
        ("Verify", {"KeyId": signer, "Message": MESSAGE, "Signature": signed, **SIGNATURE}),
        ("GenerateMac", {"KeyId": mac, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256"}),
        ("VerifyMac", {"KeyId": mac, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256",
                       "Mac": code}),
        ("Encrypt", {"KeyId": cipher, "Plaintext": b"x"}),
        ("Decrypt", {"CiphertextBlob": blob}),
        ("ReEncrypt", {"CiphertextBlob": blob, "DestinationKeyId": cipher}),
        ("DeriveSharedSecret", {"KeyId": agreeing, "PublicKey": public,
                                "KeyAgreementAlgorithm": "ECDH"}),
    ):  # fmt: skip
        assert kms.refused("DryRunOperationException", operation, DryRun=True, **members) == DRY
        kms(operation, DryRun=False, **members)


def test_a_dry_run_of_what_would_fail_says_why(kms):
    arn = kms.signer()
    kms.refused(
        "KMSInvalidSignatureException", "Verify", KeyId=arn, Message=b"x", Signature=b"x",
        DryRun=True, **SIGNATURE,
    )  # fmt: skip
    kms("DisableKey", KeyId=arn)
    kms.refused("DisabledException", "Sign", KeyId=arn, Message=b"x", DryRun=True, **SIGNATURE)


def test_a_dry_run_may_ignore_the_ciphertext(kms):
    cipher, signer = kms.create(), kms.signer()
    dry = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
    kms.refused("DryRunOperationException", "Decrypt", KeyId=cipher, **dry)
    reencrypting = {"SourceKeyId": cipher, "DestinationKeyId": cipher}
    kms.refused("DryRunOperationException", "ReEncrypt", **reencrypting, **dry)
    kms.refused("InvalidKeyUsageException", "Decrypt", KeyId=signer, **dry)
    assert "'keyId'" in kms.refused("ValidationException", "Decrypt", **dry)
    del dry["DryRun"]
    message = kms.refused("ValidationException", "Decrypt", KeyId=cipher, **dry)
    assert "'ciphertextBlob'" in message


# Encryption


def test_a_ciphertext_knows_its_key_and_needs_its_context(kms):
    arn = kms.create()
    context = {"stage": "prod", "app": "pki"}
    made = kms("Encrypt", KeyId=arn, Plaintext=b"secret", EncryptionContext=context)
    assert (made["KeyId"], made["EncryptionAlgorithm"]) == (arn, "SYMMETRIC_DEFAULT")
    blob = {"CiphertextBlob": made["CiphertextBlob"]}
    opened = kms("Decrypt", EncryptionContext=dict(reversed(context.items())), **blob)
    assert opened["Plaintext"] == b"secret"
    assert opened["KeyId"] == arn
    assert opened["KeyMaterialId"] == kms.metadata(arn)["CurrentKeyMaterialId"]
    for wrong in ({}, {"stage": "prod"}, {**context, "app": "PKI"}, {**context, "x": ""}):
        message = kms.refused(
            "InvalidCiphertextException", "Decrypt", EncryptionContext=wrong, **blob
        )
        assert message == ""


def test_a_key_that_is_named_must_be_the_right_one(kms):
    arn, other, signer = kms.create(), kms.create(), kms.signer()
    pair = kms.create("RSA_2048", "ENCRYPT_DECRYPT")
    blob = kms("Encrypt", KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert kms("Decrypt", KeyId=arn, CiphertextBlob=blob)["Plaintext"] == b"x"
    for wrong in (other, signer, pair):
        message = kms.refused("IncorrectKeyException", "Decrypt", KeyId=wrong, CiphertextBlob=blob)
        assert message == (
            "The key ID in the request does not identify a CMK that can perform this operation."
        )


def test_a_ciphertext_is_decrypted_where_its_key_is(kms):
    arn = kms.create()
    blob = kms("Encrypt", KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert kms("Decrypt", account=OTHER, CiphertextBlob=blob)["Plaintext"] == b"x"
    message = kms.refused(
        "AccessDeniedException", "Decrypt", region="eu-west-1", CiphertextBlob=blob
    )
    assert "kms:Decrypt on the resource associated with this ciphertext because" in message
    kms("ScheduleKeyDeletion", KeyId=arn)
    kms.refused("KMSInvalidStateException", "Decrypt", CiphertextBlob=blob)
    kms.world.clock.advance(days=30)
    kms.refused("AccessDeniedException", "Decrypt", CiphertextBlob=blob)


@pytest.mark.parametrize("change", ["front", "back", "short", "version", "other"])
def test_a_ciphertext_that_was_changed_is_not_opened(kms, change):
    arn = kms.create()
    blob = kms("Encrypt", KeyId=arn, Plaintext=b"secret")["CiphertextBlob"]
    at = 2 + len(arn)
    blob = {
        "front": b"\x00" + blob[1:],
        "back": blob[:-1] + bytes([blob[-1] ^ 1]),
        "short": blob[:40],
        "version": blob[:at] + b"\x00\x00\x00\x09" + blob[at + 4 :],
        "other": os.urandom(100),
    }[change]
    assert kms.refused("InvalidCiphertextException", "Decrypt", CiphertextBlob=blob) == ""


def test_half_a_character_is_no_encryption_context(kms):
    context = {"a": "\ud800"}
    for operation, members in (
        ("Encrypt", {"Plaintext": b"x"}),
        ("GenerateDataKey", {"KeySpec": "AES_256"}),
    ):
        kms.refused(
            "SerializationException", operation, KeyId=kms.create(), EncryptionContext=context,
            **members,
        )  # fmt: skip


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_who_has_the_public_key_encrypts_for_kms(kms, algorithm):
    arn = kms.create("RSA_2048", "ENCRYPT_DECRYPT")
    named = {"KeyId": arn, "EncryptionAlgorithm": algorithm}
    made = kms("Encrypt", Plaintext=b"secret", **named)["CiphertextBlob"]
    assert len(made) == 256
    assert kms("Decrypt", CiphertextBlob=made, **named)["Plaintext"] == b"secret"
    hashed = hashes.SHA1() if algorithm.endswith("_1") else hashes.SHA256()
    public = load_der_public_key(kms("GetPublicKey", KeyId=arn)["PublicKey"])
    outside = public.encrypt(b"mine", padding.OAEP(padding.MGF1(hashed), hashed, None))
    opened = kms("Decrypt", CiphertextBlob=outside, **named)
    assert opened["Plaintext"] == b"mine"
    assert "KeyMaterialId" not in opened
    kms.refused("InvalidCiphertextException", "Decrypt", CiphertextBlob=made[:-1], **named)


def test_an_asymmetric_ciphertext_does_not_know_its_key_or_algorithm(kms):
    arn = kms.create("RSA_2048", "ENCRYPT_DECRYPT")
    oaep = {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    made = {"CiphertextBlob": kms("Encrypt", KeyId=arn, Plaintext=b"x", **oaep)["CiphertextBlob"]}
    assert "KeyId" in kms.refused("ValidationException", "Decrypt", **made, **oaep)
    message = kms.refused("InvalidKeyUsageException", "Decrypt", KeyId=arn, **made)
    assert message == "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."
    kms.refused("InvalidKeyUsageException", "Decrypt", KeyId=kms.create(), **made, **oaep)
    kms.refused("InvalidKeyUsageException", "Encrypt", KeyId=arn, Plaintext=b"x")
    kms.refused("InvalidKeyUsageException", "Encrypt", KeyId=kms.create(), Plaintext=b"x", **oaep)


def test_an_asymmetric_key_takes_no_context_and_few_bytes(kms):
    arn = kms.create("RSA_2048", "ENCRYPT_DECRYPT")
    named = {"KeyId": arn, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    context = {"EncryptionContext": {"a": "b"}}
    for operation, member in (("Encrypt", "Plaintext"), ("Decrypt", "CiphertextBlob")):
        message = kms.refused(
            "ValidationException", operation, **{member: b"x"}, **named, **context
        )
        assert "EncryptionContext is not supported" in message
    message = kms.refused("ValidationException", "Encrypt", Plaintext=bytes(191), **named)
    assert message.endswith("cannot encrypt data larger than 190 bytes.")


def test_a_ciphertext_is_moved_to_another_key_and_context(kms):
    source, target = kms.create(), kms.create(account=OTHER)
    blob = kms("Encrypt", KeyId=source, Plaintext=b"x", EncryptionContext={"a": "1"})
    moved = kms(
        "ReEncrypt", CiphertextBlob=blob["CiphertextBlob"], SourceEncryptionContext={"a": "1"},
        DestinationKeyId=target, DestinationEncryptionContext={"b": "2"},
    )  # fmt: skip
    assert (moved["SourceKeyId"], moved["KeyId"]) == (source, target)
    assert moved["SourceKeyMaterialId"] == kms.metadata(source)["CurrentKeyMaterialId"]
    assert moved["DestinationKeyMaterialId"] == kms.metadata(target)["CurrentKeyMaterialId"]
    algorithms = moved["SourceEncryptionAlgorithm"], moved["DestinationEncryptionAlgorithm"]
    assert algorithms == ("SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT")
    opened = kms("Decrypt", CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", target)


def test_what_cannot_be_decrypted_is_not_moved(kms):
    source, target, signer = kms.create(), kms.create(), kms.signer()
    blob = kms("Encrypt", KeyId=source, Plaintext=b"x")["CiphertextBlob"]
    moving = {"CiphertextBlob": blob, "DestinationKeyId": target}
    kms.refused(
        "InvalidCiphertextException", "ReEncrypt", SourceEncryptionContext={"a": "b"}, **moving
    )
    kms.refused("IncorrectKeyException", "ReEncrypt", SourceKeyId=target, **moving)
    message = kms.refused(
        "InvalidKeyUsageException", "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=signer
    )
    assert message.endswith("is not valid for ReEncrypt.")
    kms("DisableKey", KeyId=source)
    kms.refused("DisabledException", "ReEncrypt", **moving)


# Codes, secrets, random bytes


def test_a_code_is_made_and_verified(kms):
    arn = kms.create("HMAC_256", "GENERATE_VERIFY_MAC")
    members = {"KeyId": arn, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256"}
    made = kms("GenerateMac", **members)
    assert (len(made["Mac"]), made["KeyId"]) == (32, arn)
    assert kms("VerifyMac", Mac=made["Mac"], **members) == {
        "KeyId": arn,
        "MacValid": True,
        "MacAlgorithm": "HMAC_SHA_256",
    }
    assert kms.refused("KMSInvalidMacException", "VerifyMac", Mac=bytes(32), **members) == ""
    other = {**members, "MacAlgorithm": "HMAC_SHA_512"}
    message = kms.refused("InvalidKeyUsageException", "GenerateMac", **other)
    assert message == "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256."


def agreement_key(kms):
    """A key that agrees on secrets."""
    return kms.create("ECC_NIST_P256", "KEY_AGREEMENT")


def test_both_sides_agree_on_a_secret(kms):
    arn = agreement_key(kms)
    mine = generate_key("EC_prime256v1", Entropy("mine"))
    spki = mine.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    theirs = load_der_public_key(kms("GetPublicKey", KeyId=arn)["PublicKey"])
    answer = kms("DeriveSharedSecret", KeyId=arn, KeyAgreementAlgorithm="ECDH", PublicKey=spki)
    assert answer == {
        "KeyId": arn,
        "SharedSecret": mine.exchange(ec.ECDH(), theirs),
        "KeyAgreementAlgorithm": "ECDH",
        "KeyOrigin": "AWS_KMS",
    }
    kms.refused(
        "ValidationException", "DeriveSharedSecret", KeyId=arn, KeyAgreementAlgorithm="ECDH",
        PublicKey=b"x",
    )  # fmt: skip


def test_random_bytes_are_as_many_as_wanted_and_never_the_same(kms):
    first = kms("GenerateRandom", NumberOfBytes=1024)["Plaintext"]
    assert len(first) == 1024
    assert kms("GenerateRandom", NumberOfBytes=1024)["Plaintext"] != first
    assert kms.refused("ValidationException", "GenerateRandom") == "NumberOfBytes is required."
    for number in (0, 1025):
        kms.refused("ValidationException", "GenerateRandom", NumberOfBytes=number)
    kms.refused("NotImplemented", "GenerateRandom", NumberOfBytes=1, CustomKeyStoreId="cks-1")


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("Decrypt", {"CiphertextBlob": b"x"}),
        ("GenerateRandom", {"NumberOfBytes": 1}),
        ("DeriveSharedSecret", {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"x", "KeyId": "x"}),
    ],
)
def test_enclaves_are_not_simulated(kms, operation, members):
    assert "Nitro" in kms.refused("NotImplemented", operation, Recipient={}, **members)
