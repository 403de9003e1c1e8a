"""Ciphertexts: blobs that know their key, encryption contexts, RSA-OAEP, and what is refused."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_private_key
from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki.entropy import Entropy, SystemEntropy
from pkilab.simulator.kms.ciphertexts import (
    canonical,
    decrypt_rsa,
    encrypt_rsa,
    open_blob,
    read_blob,
    require_no_context,
    seal,
)
from pkilab.simulator.kms.material import KeyMaterial, generate, private_der
from pkilab.simulator.kms.specs import SPECS
from pkilab.simulator.service import AwsError

ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CONTEXT = {"purpose": "test", "department": "IT"}
contexts = st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=4)
# RFC 8017 section 7.1.1: mLen <= k - 2 hLen - 2; as recorded from KMS by LocalStack.
LIMITS = {
    ("RSA_2048", "RSAES_OAEP_SHA_1"): 214,
    ("RSA_2048", "RSAES_OAEP_SHA_256"): 190,
    ("RSA_3072", "RSAES_OAEP_SHA_1"): 342,
    ("RSA_3072", "RSAES_OAEP_SHA_256"): 318,
    ("RSA_4096", "RSAES_OAEP_SHA_1"): 470,
    ("RSA_4096", "RSAES_OAEP_SHA_256"): 446,
}


@functools.cache
def made(name, label="key"):
    """Return the key of a spec, made once."""
    return generate(SPECS[name], Entropy("tests").child("kms", name, label))


def sealed(plaintext=b"plaintext", context=CONTEXT, label="salt", version=3):
    """Encrypt with the symmetric key."""
    entropy = Entropy("tests").child(label)
    return seal(made("SYMMETRIC_DEFAULT"), ARN, version, plaintext, context, entropy)


def opened(blob, context=CONTEXT, material=None):
    """Decrypt with the symmetric key, or another."""
    return open_blob(material or made("SYMMETRIC_DEFAULT"), read_blob(blob), context)


def is_invalid(call):
    """Whether the call answers InvalidCiphertextException, whose message KMS leaves empty."""
    with pytest.raises(AwsError) as refused:
        call()
    return (refused.value.code, refused.value.message) == ("InvalidCiphertextException", "")


def test_a_blob_names_the_key_that_opens_it():
    """So that Decrypt needs no KeyId; and which of the key's materials, after a rotation."""
    blob = read_blob(sealed())
    assert (blob.key_arn, blob.version) == (ARN, 3)
    assert b"plaintext" not in sealed()
    assert repr(blob) == f"Blob(key_arn={ARN!r}, version=3)"


@given(st.binary(max_size=4096), contexts)
def test_what_is_sealed_opens(plaintext, context):
    """Under the same context, and fits the API's 6,144 bytes."""
    blob = sealed(plaintext, context)
    assert opened(blob, context) == plaintext
    assert len(blob) == len(plaintext) + 50 + len(ARN) <= 6144


def test_the_context_is_free_of_order_and_not_of_case():
    """Every pair must be there, as it was, and no other."""
    blob = sealed()
    assert opened(blob, dict(reversed(CONTEXT.items()))) == b"plaintext"
    for wrong in (
        {},
        {"purpose": "test"},
        {"purpose": "test", "department": "it"},
        {"Purpose": "test", "department": "IT"},
        {"purpose": "IT", "department": "test"},
        {**CONTEXT, "more": ""},
    ):
        assert is_invalid(lambda wrong=wrong: opened(blob, wrong))
    assert is_invalid(lambda: opened(sealed(context={}), CONTEXT))


@given(contexts, contexts)
def test_two_contexts_are_never_written_alike(one, other):
    """The encoding is canonical: equal contexts, equal bytes, and only they."""
    assert (canonical(one) == canonical(other)) is (one == other)


def test_half_a_surrogate_pair_is_a_text_of_a_context():
    """JSON can carry it; it seals and opens as any other."""
    context = {"\ud800": "\udfff"}
    assert opened(sealed(context=context), context) == b"plaintext"
    assert is_invalid(lambda: opened(sealed(context=context), {"\ud800": "\udffe"}))


@given(st.integers(0, len(sealed()) - 1), st.integers(1, 255))
def test_a_blob_with_one_byte_changed_does_not_open(position, change):
    """The header is authenticated as well: format, ARN, version, salt and nonce."""
    blob = bytearray(sealed())
    blob[position] ^= change
    assert is_invalid(lambda: opened(bytes(blob)))


@given(st.binary(max_size=300))
def test_any_bytes_are_no_blob(data):
    """Only the declared error leaves the parser, and nothing opens."""
    assert is_invalid(lambda: opened(data))
    assert is_invalid(lambda: opened(sealed()[: len(data) % len(sealed())]))
    assert is_invalid(lambda: opened(sealed() + data + b"\0"))


def test_another_key_does_not_open_a_blob():
    """Even when the header is believed."""
    assert is_invalid(lambda: opened(sealed(), material=made("SYMMETRIC_DEFAULT", "other")))


def test_no_salt_and_nonce_come_twice():
    """One source, many blobs; without a seed as well."""
    for entropy in (Entropy("tests").child("many"), SystemEntropy()):
        blobs = [
            read_blob(seal(made("SYMMETRIC_DEFAULT"), ARN, 0, b"same", {}, entropy))
            for _ in range(500)
        ]
        assert len({(blob.salt, blob.nonce) for blob in blobs}) == 500
        assert len({blob.sealed for blob in blobs}) == 500


def test_a_seeded_world_seals_alike():
    """The same entropy, the same blob: the partner of the above."""
    assert sealed() == sealed() != sealed(label="another salt")


@pytest.mark.parametrize(("name", "algorithm"), LIMITS)
def test_rsa_takes_as_much_as_oaep_leaves_and_not_a_byte_more(name, algorithm):
    """In the sentence recorded from KMS."""
    most, spec = LIMITS[name, algorithm], SPECS[name]
    key = made(name).public
    ciphertext = encrypt_rsa(key, spec, algorithm, bytes(most), Entropy("seed"))
    assert len(ciphertext) == int(name[4:]) // 8
    assert decrypt_rsa(made(name), spec, algorithm, ciphertext) == bytes(most)
    with pytest.raises(AwsError) as refused:
        encrypt_rsa(key, spec, algorithm, bytes(most + 1), Entropy("seed"))
    assert refused.value.code == "ValidationException"
    assert refused.value.message == (
        f"Algorithm {algorithm} and key spec {name} cannot encrypt data larger than {most} bytes."
    )


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_openssl_opens_what_kms_encrypted(algorithm, tmp_path):
    """MGF1 of the same hash, no label."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("no openssl on PATH")
    key = made("RSA_2048")
    (tmp_path / "key.der").write_bytes(private_der(key))
    (tmp_path / "data").write_bytes(
        encrypt_rsa(key.public, SPECS["RSA_2048"], algorithm, b"plaintext", Entropy("seed"))
    )
    digest = "sha1" if algorithm.endswith("_1") else "sha256"
    answer = subprocess.run(
        [openssl, "pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", tmp_path / "key.der",
         "-in", tmp_path / "data", "-pkeyopt", "rsa_padding_mode:oaep",
         "-pkeyopt", f"rsa_oaep_md:{digest}", "-pkeyopt", f"rsa_mgf1_md:{digest}"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert answer.stdout == b"plaintext"


def test_kms_opens_what_others_encrypted_with_the_public_key():
    """The envelope pattern; with the other hash, or for another key, it does not open."""
    key, spec = made("RSA_2048"), SPECS["RSA_2048"]
    hashed = hashes.SHA256()
    ciphertext = key.public.encrypt(b"data", padding.OAEP(padding.MGF1(hashed), hashed, None))
    assert decrypt_rsa(key, spec, "RSAES_OAEP_SHA_256", ciphertext) == b"data"
    assert is_invalid(lambda: decrypt_rsa(key, spec, "RSAES_OAEP_SHA_1", ciphertext))
    other = made("RSA_2048", "other")
    assert is_invalid(lambda: decrypt_rsa(other, spec, "RSAES_OAEP_SHA_256", ciphertext))


@given(st.one_of(st.binary(max_size=300), st.binary(min_size=256, max_size=256)))
def test_any_bytes_are_no_rsa_ciphertext(data):
    """Of any length; what is wrong with them is not said."""
    key, spec = made("RSA_2048"), SPECS["RSA_2048"]
    assert is_invalid(lambda: decrypt_rsa(key, spec, "RSAES_OAEP_SHA_256", data))


def test_an_algorithm_of_another_spec_is_refused():
    """SYMMETRIC_DEFAULT, which Encrypt assumes, is none of an RSA key's: as KMS says it."""
    key, spec = made("RSA_2048"), SPECS["RSA_2048"]
    for call in (
        lambda: encrypt_rsa(key.public, spec, "SYMMETRIC_DEFAULT", b"data", Entropy("seed")),
        lambda: decrypt_rsa(key, spec, "SYMMETRIC_DEFAULT", bytes(256)),
    ):
        with pytest.raises(AwsError) as refused:
            call()
        assert refused.value.code == "InvalidKeyUsageException"
        assert refused.value.message == (
            "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."
        )


def test_an_encryption_context_beside_an_rsa_key_is_refused():
    """An empty one is none."""
    require_no_context({})
    with pytest.raises(AwsError) as refused:
        require_no_context({"purpose": "test"})
    assert refused.value.code == "ValidationException"
    assert refused.value.message == (
        "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs."
    )


def test_a_blobs_material_must_be_secret_bytes():
    """A key pair seals nothing: a mistake of the caller, not an answer of KMS."""
    with pytest.raises(TypeError):
        seal(made("ECC_NIST_P256"), ARN, 0, b"data", {}, Entropy("seed"))
    assert seal(KeyMaterial(bytes(32)), ARN, 0, b"data", {}, Entropy("seed"))


@pytest.mark.parametrize(
    ("name", "algorithm", "file"),
    [
        ("RSA_2048", "RSAES_OAEP_SHA_1", "rsa_oaep_2048_sha1_mgf1sha1_test.json"),
        ("RSA_2048", "RSAES_OAEP_SHA_256", "rsa_oaep_2048_sha256_mgf1sha256_test.json"),
        ("RSA_3072", "RSAES_OAEP_SHA_256", "rsa_oaep_3072_sha256_mgf1sha256_test.json"),
        ("RSA_4096", "RSAES_OAEP_SHA_256", "rsa_oaep_4096_sha256_mgf1sha256_test.json"),
    ],
)
def test_wycheproofs_rsa_ciphertexts_open_where_they_are_valid(name, algorithm, file, conformance):
    """C2SP/wycheproof, testvectors_v1. With a label, which KMS has not, none opens."""
    path = conformance / "wycheproof" / file
    if not path.is_file():
        pytest.skip(f"conformance/wycheproof has no {file}")
    results = []
    for group in json.loads(path.read_text(encoding="utf-8"))["testGroups"]:
        key = KeyMaterial(load_der_private_key(bytes.fromhex(group["privateKeyPkcs8"]), None))
        for each in group["tests"]:
            opens = each["result"] == "valid" and not each["label"]
            results.append(opens)
            ciphertext = bytes.fromhex(each["ct"])
            if opens:
                found = decrypt_rsa(key, SPECS[name], algorithm, ciphertext)
                assert found.hex() == each["msg"], each["tcId"]
            else:
                assert is_invalid(
                    lambda key=key, data=ciphertext: decrypt_rsa(key, SPECS[name], algorithm, data)
                ), each["tcId"]
    assert set(results) == {True, False}
