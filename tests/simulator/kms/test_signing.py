"""Signatures: published vectors, openssl and cryptography as witnesses, and every refusal."""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess

import pytest
from Crypto.Hash import SHA512
from Crypto.Signature import eddsa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki.entropy import Entropy
from pkilab.pki.kms_signatures import signature_hash
from pkilab.simulator.kms.material import KeyMaterial, generate, public_der
from pkilab.simulator.kms.signing import sign, verify
from pkilab.simulator.kms.specs import SPECS
from pkilab.simulator.service import AwsError

MESSAGE = b"Every algorithm signs this."
ALGORITHMS = [
    (spec.name, algorithm)
    for spec in SPECS.values()
    for algorithm in spec.algorithms.get("SIGN_VERIFY", ())
    if spec.name not in {"RSA_3072", "RSA_4096"}  # their keys are slow to make
] + [("RSA_3072", "RSASSA_PSS_SHA_384"), ("RSA_4096", "RSASSA_PKCS1_V1_5_SHA_512")]
HASHED = [(spec, a) for spec, a in ALGORITHMS if a.startswith(("RSASSA", "ECDSA"))]
ML_DSA = ("ML_DSA_44", "ML_DSA_65", "ML_DSA_87")


@functools.cache
def made(name):
    """Return the key of a spec, made once."""
    return generate(SPECS[name], Entropy("tests").child("kms", name))


def digest(algorithm, message=MESSAGE):
    """Return a message's digest by the hash of an algorithm."""
    return hashlib.new(signature_hash(algorithm).name, message).digest()


def mu(name, message=MESSAGE):
    """Return a message's representative (FIPS 204, algorithm 7, line 6; empty context)."""
    tr = hashlib.shake_256(made(name).public.public_bytes_raw()).digest(64)
    return hashlib.shake_256(tr + b"\0\0" + message).digest(64)


def natural(algorithm):
    """Return the message type and message that an algorithm takes first."""
    if algorithm == "ED25519_PH_SHA_512":
        return "DIGEST", digest(algorithm)
    return "RAW", MESSAGE


def signed(name, algorithm, kind, message, label="salt"):
    """Sign with the key of a spec."""
    return sign(made(name), SPECS[name], algorithm, message, kind, Entropy("tests").child(label))


def holds(name, algorithm, kind, message, signature):
    """Verify with the key of a spec."""
    return verify(made(name).public, SPECS[name], algorithm, message, kind, signature)


def refusal(name, algorithm, kind, message):
    """Return the error that both operations raise."""
    found = []
    for call in (
        lambda: signed(name, algorithm, kind, message),
        lambda: holds(name, algorithm, kind, message, b"any"),
    ):
        with pytest.raises(AwsError) as refused:
            call()
        found.append((refused.value.code, refused.value.message))
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(("name", "algorithm"), ALGORITHMS)
def test_what_a_key_signs_it_verifies_and_nothing_else(name, algorithm):
    """A changed message, a changed, a cut and an empty signature do not hold."""
    kind, message = natural(algorithm)
    signature = signed(name, algorithm, kind, message)
    other = bytes((message[0] ^ 1,)) + message[1:]
    assert holds(name, algorithm, kind, message, signature)
    assert not holds(name, algorithm, kind, other, signature)
    for position in (0, len(signature) // 2, -1):
        changed = bytearray(signature)
        changed[position] ^= 1
        assert not holds(name, algorithm, kind, message, bytes(changed))
    assert not holds(name, algorithm, kind, message, signature[:-1])
    assert not holds(name, algorithm, kind, message, signature + b"\0")
    assert not holds(name, algorithm, kind, message, b"")


@pytest.mark.parametrize(("name", "algorithm"), ALGORITHMS)
def test_a_signature_has_the_size_of_its_spec(name, algorithm):
    """Of RSA the modulus', of ECDSA at most the longest DER, of ML-DSA table 2 of FIPS 204."""
    signature = signed(name, algorithm, *natural(algorithm))
    longest = SPECS[name].signature_bytes
    if algorithm.startswith("ECDSA"):
        assert longest - 6 <= len(signature) <= longest
    else:
        assert len(signature) == longest <= 6144  # the API's most


@pytest.mark.parametrize(("name", "algorithm"), HASHED)
def test_a_digest_is_not_hashed_again(name, algorithm):
    """Signed as a message, it verifies as a digest, and the other way round."""
    by_message = signed(name, algorithm, "RAW", MESSAGE)
    by_digest = signed(name, algorithm, "DIGEST", digest(algorithm))
    assert (by_message == by_digest) is not algorithm.startswith("RSASSA_PSS")  # has a salt
    assert holds(name, algorithm, "DIGEST", digest(algorithm), by_message)
    assert holds(name, algorithm, "RAW", MESSAGE, by_digest)
    assert not holds(name, algorithm, "RAW", digest(algorithm), by_digest)  # hashed twice


@pytest.mark.parametrize("name", ML_DSA)
def test_an_external_mu_is_the_message_it_stands_for(name):
    """The client computes it from the public key; both ways round."""
    algorithm = "ML_DSA_SHAKE_256"
    by_mu = signed(name, algorithm, "EXTERNAL_MU", mu(name))
    assert holds(name, algorithm, "RAW", MESSAGE, by_mu)
    by_message = signed(name, algorithm, "RAW", MESSAGE)
    assert holds(name, algorithm, "EXTERNAL_MU", mu(name), by_message)
    assert not holds(name, algorithm, "EXTERNAL_MU", mu(name, b"other"), by_message)


@pytest.mark.parametrize(("name", "algorithm"), ALGORITHMS)
def test_a_seeded_world_signs_alike_and_never_twice_the_same(name, algorithm):
    """ML-DSA by its hedge; the salt of PSS is no seed's; the others have neither."""
    twice = [signed(name, algorithm, *natural(algorithm)) for _ in range(2)]
    assert (twice[0] == twice[1]) is not algorithm.startswith("RSASSA_PSS")
    other = signed(name, algorithm, *natural(algorithm), label="another salt")
    assert (other == twice[0]) is not algorithm.startswith(("RSASSA_PSS", "ML_DSA"))


@pytest.mark.parametrize("name", ML_DSA)
def test_two_implementations_of_ml_dsa_agree(name):
    """PyCryptodome signs and cryptography verifies; here cryptography signs as well."""
    key = made(name).private
    for kind, message, signature in (
        ("RAW", MESSAGE, key.sign(MESSAGE)),
        ("EXTERNAL_MU", mu(name), key.sign_mu(mu(name))),
    ):
        assert holds(name, "ML_DSA_SHAKE_256", kind, message, signature)
    with_context = key.sign(MESSAGE, b"context")  # KMS has none
    assert not holds(name, "ML_DSA_SHAKE_256", "RAW", MESSAGE, with_context)


@pytest.mark.parametrize(("name", "algorithm"), HASHED)
def test_openssl_verifies(name, algorithm, tmp_path):
    """The message, not the digest; the partner is another message."""
    options = ["-digest", signature_hash(algorithm).name]
    if algorithm.startswith("RSASSA_PSS"):
        options += ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"]
    verdict = openssl_verdict(
        tmp_path, made(name), signed(name, algorithm, "RAW", MESSAGE), options
    )
    assert verdict == (True, False)


def test_openssl_verifies_ed25519(tmp_path):
    """Its pkeyutl hashes inside."""
    name = "ECC_NIST_EDWARDS25519"
    signature = signed(name, "ED25519_SHA_512", "RAW", MESSAGE)
    assert openssl_verdict(tmp_path, made(name), signature, []) == (True, False)


@pytest.mark.parametrize("name", ML_DSA)
def test_openssl_verifies_ml_dsa(name, tmp_path):
    """From its version 3.5 on."""
    (tmp_path / "key.der").write_bytes(public_der(made(name)))
    known = run_openssl(tmp_path, "pkey", "-pubin", "-inform", "DER", "-in", "key.der", "-noout")
    if known.returncode:
        pytest.skip("this openssl does not know ML-DSA")
    signature = signed(name, "ML_DSA_SHAKE_256", "RAW", MESSAGE)
    assert openssl_verdict(tmp_path, made(name), signature, []) == (True, False)


def openssl_verdict(folder, material, signature, options):
    """Return what openssl says of the message and of another one."""
    (folder / "key.der").write_bytes(public_der(material))
    (folder / "signature").write_bytes(signature)
    verdicts = []
    for message in (MESSAGE, MESSAGE + b"!"):
        (folder / "message").write_bytes(message)
        run = run_openssl(
            folder, "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der",
            "-rawin", "-in", "message", "-sigfile", "signature", *options,
        )  # fmt: skip
        verdicts.append(run.returncode == 0 and "Verified Successfully" in run.stdout)
    return tuple(verdicts)


def run_openssl(folder, *arguments):
    """Run the openssl command line in a folder."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("no openssl on PATH")
    return subprocess.run(
        [openssl, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("name", "algorithm"), HASHED)
def test_cryptography_verifies(name, algorithm):
    """Called directly, with KMS's parameters; a salt of another length is another algorithm."""
    hashed, key = signature_hash(algorithm), made(name).public
    signature = signed(name, algorithm, "RAW", MESSAGE)
    if algorithm.startswith("ECDSA"):
        key.verify(signature, MESSAGE, ec.ECDSA(hashed))
    elif algorithm.startswith("RSASSA_PKCS1"):
        key.verify(signature, MESSAGE, padding.PKCS1v15(), hashed)
    else:
        pss = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
        key.verify(signature, MESSAGE, pss, hashed)


@pytest.mark.parametrize("salt", [0, 20, 64, padding.PSS.MAX_LENGTH])
def test_a_pss_signature_with_another_salt_or_mask_is_not_kmss(salt):
    """KMS salts are as long as the digest: 32 bytes here."""
    key, hashed = made("RSA_2048").private, hashes.SHA256()
    for pss in (
        padding.PSS(padding.MGF1(hashed), salt),
        padding.PSS(padding.MGF1(hashes.SHA384()), 32),
    ):
        signature = key.sign(MESSAGE, pss, hashed)
        assert not holds("RSA_2048", "RSASSA_PSS_SHA_256", "RAW", MESSAGE, signature)
    pss = padding.PSS(padding.MGF1(hashed), 32)
    signature = key.sign(MESSAGE, pss, hashed)
    assert holds("RSA_2048", "RSASSA_PSS_SHA_256", "RAW", MESSAGE, signature)


def test_a_signature_by_another_algorithm_of_the_key_does_not_hold():
    """PKCS#1 v1.5 is not PSS, SHA-256 is not SHA-384: false, not an error."""
    signature = signed("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", "RAW", MESSAGE)
    for algorithm in SPECS["RSA_2048"].algorithms["SIGN_VERIFY"]:
        genuine = algorithm == "RSASSA_PKCS1_V1_5_SHA_256"
        assert holds("RSA_2048", algorithm, "RAW", MESSAGE, signature) is genuine


# RFC 6979 appendices A.2.5, A.2.6 and A.2.7: message "sample", the curve's own hash. For secp256k1,
# which the RFC has not, the vector that Bitcoin libraries share: key 1, "Satoshi Nakamoto". They
# take the smaller of s and n - s (BIP 62); KMS does not.
RFC_6979 = [
    (
        "ECC_NIST_P256",
        ec.SECP256R1(),
        0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721,
        b"sample",
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    (
        "ECC_NIST_P384",
        ec.SECP384R1(),
        0x6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5,
        b"sample",
        0x94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46,
        0x99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8,
    ),
    (
        "ECC_NIST_P521",
        ec.SECP521R1(),
        0x0FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538,
        b"sample",
        0x0C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91F9B15BF05EC36E377FA,
        0x0617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A,
    ),
    (
        "ECC_SECG_P256K1",
        ec.SECP256K1(),
        1,
        b"Satoshi Nakamoto",
        0x934B1EA10A4B3C1757E2B0C017D0B6143CE3C9A7E6A4A49860D7A6AB210EE3D8,
        ec.SECP256K1().group_order
        - 0x2442CE9D2B916064108014783E923EC36B49743E2FFA1C4496F01A512AAFD9E5,
    ),
]


@pytest.mark.parametrize(("name", "curve", "private", "message", "r", "s"), RFC_6979)
def test_ecdsa_is_that_of_rfc_6979(name, curve, private, message, r, s):
    """Deterministic, over the message and over its digest."""
    algorithm = SPECS[name].algorithms["SIGN_VERIFY"][0]
    material, unused = KeyMaterial(ec.derive_private_key(private, curve)), Entropy("unused")
    expected = encode_dss_signature(r, s)
    assert sign(material, SPECS[name], algorithm, message, "RAW", unused) == expected
    hashed = digest(algorithm, message)
    assert sign(material, SPECS[name], algorithm, hashed, "DIGEST", unused) == expected


def test_ed25519_is_that_of_rfc_8032():
    """Section 7.1, test 3."""
    seed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    signature = sign(
        KeyMaterial(key),
        SPECS["ECC_NIST_EDWARDS25519"],
        "ED25519_SHA_512",
        bytes.fromhex("af82"),
        "RAW",
        Entropy("unused"),
    )
    assert signature.hex() == (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )


def test_kms_hashes_the_digest_of_ed25519ph_once_more():
    """A client of RFC 8032 that signs the message finds another signature; of the digest, this."""
    name, algorithm = "ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512"
    signature = signed(name, algorithm, "DIGEST", digest(algorithm))
    raw = made(name).public.public_bytes_raw()
    client = eddsa.new(eddsa.import_public_key(raw), "rfc8032")
    client.verify(SHA512.new(digest(algorithm)), signature)
    with pytest.raises(ValueError, match="not authentic"):
        client.verify(SHA512.new(MESSAGE), signature)


@pytest.mark.parametrize(("name", "algorithm"), HASHED)
def test_a_digest_of_another_length_is_refused(name, algorithm):
    """Also by one byte, and never cut or padded. LocalStack recorded the sentence from KMS."""
    length = signature_hash(algorithm).digest_size
    for wrong in {1, length - 1, length + 1, 20, 32, 48, 64} - {length}:
        assert refusal(name, algorithm, "DIGEST", bytes(wrong)) == (
            "ValidationException",
            f"Digest is invalid length for algorithm {algorithm}.",
        )


@pytest.mark.parametrize(
    ("name", "algorithm", "kind", "length"),
    [
        ("ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512", "DIGEST", 20),
        ("ML_DSA_65", "ML_DSA_SHAKE_256", "EXTERNAL_MU", 63),
        ("ML_DSA_65", "ML_DSA_SHAKE_256", "EXTERNAL_MU", 65),
    ],
)
def test_a_prehash_and_a_representative_have_64_bytes(name, algorithm, kind, length):
    """The sentence was seen for Ed25519ph."""
    assert refusal(name, algorithm, kind, bytes(length)) == (
        "ValidationException",
        f"Digest is invalid length for algorithm {algorithm}.",
    )


@pytest.mark.parametrize(
    ("name", "algorithm", "kind", "named"),
    [
        ("ML_DSA_44", "ML_DSA_SHAKE_256", "DIGEST", "key spec"),
        ("RSA_2048", "RSASSA_PSS_SHA_256", "EXTERNAL_MU", "key spec"),
        ("ECC_NIST_P256", "ECDSA_SHA_256", "EXTERNAL_MU", "key spec"),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", "DIGEST", "algorithm"),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", "EXTERNAL_MU", "algorithm"),
        ("ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512", "RAW", "algorithm"),
    ],
)
def test_a_message_type_that_does_not_go_with_the_key_is_refused(name, algorithm, kind, named):
    """In the sentences seen from KMS: Ed25519's name the algorithm, the others' the key spec."""
    other = f"{named} {name if named == 'key spec' else algorithm}"
    assert refusal(name, algorithm, kind, bytes(64)) == (
        "ValidationException",
        f"Message type {kind} is incompatible with {other}.",
    )


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("ECC_NIST_P384", "ECDSA_SHA_256"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_512"),
        ("ECC_NIST_EDWARDS25519", "ECDSA_SHA_512"),
        ("RSA_2048", "ECDSA_SHA_256"),
        ("ML_DSA_44", "ED25519_SHA_512"),
        ("ECC_NIST_P256", "SM2DSA"),
    ],
)
def test_an_algorithm_of_another_spec_is_refused_before_the_message_is_looked_at(name, algorithm):
    """InvalidKeyUsageException, also where the digest has the wrong length besides."""
    for kind in ("RAW", "DIGEST"):
        assert refusal(name, algorithm, kind, b"short") == (
            "InvalidKeyUsageException",
            f"Algorithm {algorithm} is incompatible with key spec {name}.",
        )


@pytest.mark.parametrize(("name", "algorithm"), ALGORITHMS)
@given(data=st.data())
def test_any_bytes_are_a_signature_that_does_not_hold(name, algorithm, data):
    """False and nothing else, of any length, the right one included."""
    length = SPECS[name].signature_bytes
    junk = data.draw(
        st.one_of(st.binary(max_size=150), st.binary(min_size=length, max_size=length))
    )
    assert holds(name, algorithm, *natural(algorithm), junk) is False
