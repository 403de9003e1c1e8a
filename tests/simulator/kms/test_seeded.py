"""What PyCryptodome does: published vectors, and that the randomness is what was given."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.pki.kms_signatures import verifies
from pkilab.simulator.kms.seeded import encrypt_oaep, sign_ed25519ph, sign_ml_dsa


def mgf1(seed, length):
    """Return a mask of SHA-256 (RFC 8017 appendix B.2.1)."""
    blocks = (hashlib.sha256(seed + i.to_bytes(4)).digest() for i in range(length // 32 + 1))
    return b"".join(blocks)[:length]


def xor(left, right):
    """Return the bits that differ."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def test_the_seed_of_oaep_is_the_entropys():
    """Found again in the block, as RFC 8017 section 7.1.1 lays it out."""
    key = generate_key("RSA_2048", Entropy("tests").child("kms", "RSA_2048"))
    numbers = key.private_numbers()
    sealed = encrypt_oaep(key.public_key(), "sha256", b"data", Entropy("tests").child("seed"))
    modulus = numbers.public_numbers.n
    block = pow(int.from_bytes(sealed), numbers.d, modulus).to_bytes(256)
    assert block[0] == 0
    seed = xor(block[1:33], mgf1(block[33:], 32))
    assert seed == Entropy("tests").child("seed").bytes(32)
    data = xor(block[33:], mgf1(seed, 223))
    assert data == hashlib.sha256(b"").digest() + bytes(186) + b"\x01data"


def test_ed25519ph_is_that_of_rfc_8032():
    """Section 7.3, "abc"; pure Ed25519 of the same message is another signature."""
    seed = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    signature = sign_ed25519ph(key, b"abc")
    assert signature.hex() == (
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
        "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    )
    public, algorithm = key.public_key(), "ED25519_PH_SHA_512"
    assert verifies(public, algorithm, signature, b"abc")
    for message, wrong in ((b"abd", signature), (b"abc", key.sign(b"abc")), (b"abc", b"")):
        assert not verifies(public, algorithm, wrong, message)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ML_DSA_44", mldsa.MLDSA44PrivateKey),
        ("ML_DSA_65", mldsa.MLDSA65PrivateKey),
        ("ML_DSA_87", mldsa.MLDSA87PrivateKey),
    ],
)
def test_ml_dsa_is_hedged_by_the_entropy_and_verified_by_another_implementation(name, kind):
    """cryptography's; a message and its representative make one signature."""
    key = kind.from_seed_bytes(bytes(range(32)))
    hasher = mldsa.MLDSAMuHasher(key.public_key())
    hasher.update(b"message")
    mu = hasher.finalize()

    def signed(message, *, is_mu, label="rnd"):
        return sign_ml_dsa(key, name, message, Entropy("tests").child(label), is_mu=is_mu)

    signature = signed(b"message", is_mu=False)
    assert signature == signed(mu, is_mu=True)
    assert signature != signed(b"message", is_mu=False, label="another")
    key.public_key().verify(signature, b"message")
    key.public_key().verify_mu(signature, mu)
    with pytest.raises(InvalidSignature):
        key.public_key().verify(signature, b"other")
    with pytest.raises(InvalidSignature):  # a representative is not a message
        key.public_key().verify(signed(mu, is_mu=False), b"message")
