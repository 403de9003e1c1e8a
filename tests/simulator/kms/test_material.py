"""Key material: from a seed, in the encodings that others read, and never shown."""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from pkilab.pki.entropy import Entropy
from pkilab.simulator.kms.material import KeyMaterial, generate, private_der, public_der
from pkilab.simulator.kms.specs import SPECS

PAIRS = [name for name, spec in SPECS.items() if spec.is_asymmetric]
SECRETS = [name for name, spec in SPECS.items() if not spec.is_asymmetric]
QUICK = [name for name in SPECS if not name.startswith("RSA")]


@functools.cache
def made(name):
    """Return the material of a spec, made once."""
    return generate(SPECS[name], Entropy("tests").child("kms", name))


def octets(material):
    """Return all there is of a key."""
    return material.value if isinstance(material.value, bytes) else private_der(material)


@pytest.mark.parametrize("name", QUICK)
def test_a_seed_makes_one_key_and_another_seed_another(name):
    """RSA pairs, slow to make, are those of pkilab.pki.keys and tested there."""
    again = generate(SPECS[name], Entropy("tests").child("kms", name))
    other = generate(SPECS[name], Entropy("tests").child("kms", "other"))
    assert octets(made(name)) == octets(again) != octets(other)


# The SubjectPublicKeyInfo of each spec: its length and the algorithm's DER identifier (RFC 8017
# A.1, RFC 5480 2.1.1 with SEC 2 for secp256k1, RFC 8410 section 3, RFC 9881 section 2).
SPKI = {
    "RSA_2048": (294, "06092a864886f70d0101010500"),
    "RSA_3072": (422, "06092a864886f70d0101010500"),
    "RSA_4096": (550, "06092a864886f70d0101010500"),
    "ECC_NIST_P256": (91, "06072a8648ce3d020106082a8648ce3d030107"),
    "ECC_NIST_P384": (120, "06072a8648ce3d020106052b81040022"),
    "ECC_NIST_P521": (158, "06072a8648ce3d020106052b81040023"),
    "ECC_SECG_P256K1": (88, "06072a8648ce3d020106052b8104000a"),
    "ECC_NIST_EDWARDS25519": (44, "06032b6570"),
    "ML_DSA_44": (1334, "0609608648016503040311"),
    "ML_DSA_65": (1974, "0609608648016503040312"),
    "ML_DSA_87": (2614, "0609608648016503040313"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_public_key_is_what_get_public_key_answers(name):
    """1,334 and 44 bytes were seen from KMS for ML_DSA_44 and Ed25519 (floci issue 3025)."""
    der = public_der(made(name))
    length, identifier = SPKI[name]
    assert len(der) == length
    assert bytes.fromhex(identifier) in der[:32]
    assert (
        load_der_public_key(der) == load_der_private_key(private_der(made(name)), None).public_key()
    )


@pytest.mark.parametrize("name", [name for name in PAIRS if not name.startswith("ML_DSA")])
def test_openssl_reads_both_halves_of_a_pair(name, tmp_path):
    """And finds that they belong together. ML-DSA is new to it: see the published keys below."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("no openssl on PATH")
    (tmp_path / "key.der").write_bytes(private_der(made(name)))
    answer = subprocess.run(
        [
            openssl,
            "pkey",
            "-inform",
            "DER",
            "-in",
            tmp_path / "key.der",
            "-pubout",
            "-outform",
            "DER",
        ],
        capture_output=True,
        check=True,
    )
    assert answer.stdout == public_der(made(name))


@pytest.mark.parametrize(
    ("key", "public", "private"),
    [
        (
            mldsa.MLDSA44PrivateKey,
            "837832708c5236d951581f1fddf2b79991b3424a0486d16da1ddad0fd69701be",
            "3034020100300b060960864801650304031104228020",
        ),
        (
            mldsa.MLDSA65PrivateKey,
            "b8b62131bfbe84433efb2273d7f5b87f7a22854a2cfd366fc2aead86d837c52d",
            "3034020100300b060960864801650304031204228020",
        ),
        (
            mldsa.MLDSA87PrivateKey,
            "07e57c4f14dbad1267f621ec3777b4e2e6c4fbc4c22fbb87510ff8e0b3c6a642",
            "3034020100300b060960864801650304031304228020",
        ),
    ],
)
def test_ml_dsa_keys_are_written_as_rfc_9881_shows_them(key, public, private):
    """Appendix C: the pairs of the seed 00 01 ... 1F; of the public keys, SHA-256 of the DER."""
    seed = bytes(range(32))
    material = KeyMaterial(key.from_seed_bytes(seed))
    assert hashlib.sha256(public_der(material)).hexdigest() == public
    assert private_der(material) == bytes.fromhex(private) + seed


@pytest.mark.parametrize("name", SPECS)
def test_nothing_of_a_key_is_shown(name):
    """Neither by repr nor by str, nor in a container's."""
    material = made(name)
    shown = f"{material} {material!r} {[material]}"
    assert shown == "KeyMaterial() KeyMaterial() [KeyMaterial()]"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_key_has_its_specs_length_and_no_public_half(name):
    """An HMAC key is as long as its hash; AES-256's 32 bytes."""
    material = made(name)
    assert len(material.secret) == SPECS[name].secret_bytes > 0
    for half in ("private", "public"):
        with pytest.raises(TypeError):
            getattr(material, half)
    with pytest.raises(TypeError):
        made("ECC_NIST_P256").secret  # noqa: B018 - the partner


def test_two_materials_are_never_equal():
    """Equality of secrets would be a comparison in no constant time."""
    assert KeyMaterial(b"secret") != KeyMaterial(b"secret")
