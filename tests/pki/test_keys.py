from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from pkilab.errors import MalformedError
from pkilab.pki.entropy import Entropy, SystemEntropy
from pkilab.pki.keys import (
    KEY_ALGORITHMS,
    can_sign,
    generate_key,
    key_algorithm,
    signature_hash,
    write_private_key,
)

QUICK = [name for name in KEY_ALGORITHMS if not name.startswith("RSA")]


def raw(key: Any) -> bytes:
    data: bytes = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return data


@pytest.mark.parametrize("algorithm", QUICK)
def test_a_seed_makes_one_key_and_another_seed_another(algorithm: str) -> None:
    key = generate_key(algorithm, Entropy("seed").child("key"))
    assert raw(key) == raw(generate_key(algorithm, Entropy("seed").child("key")))
    assert key_algorithm(key) == key_algorithm(key.public_key()) == algorithm
    assert raw(key) != raw(generate_key(algorithm, Entropy("seed").child("other")))


def test_an_rsa_key_of_a_seed_is_the_one_it_was() -> None:
    """Made once, since it is slow; the digest was recorded on another run."""
    key = generate_key("RSA_2048", Entropy("seed").child("key"))
    assert key_algorithm(key) == "RSA_2048"
    assert hashlib.sha256(raw(key)).hexdigest() == (
        "e9682f4f72b288ba909189d9098627cd4eba389639e7fc669fcc3647148d7031"
    )


@pytest.mark.parametrize("algorithm", QUICK)
def test_system_keys_never_repeat(algorithm: str) -> None:
    keys = {raw(generate_key(algorithm, SystemEntropy())) for _ in range(3)}
    assert len(keys) == 3


@pytest.mark.parametrize("algorithm", ["", "RSA_1024", "ec_prime256v1", "SM2", "EC_secp256k1"])
def test_an_algorithm_of_another_name_is_refused(algorithm: str) -> None:
    with pytest.raises(MalformedError, match="key algorithm"):
        generate_key(algorithm, Entropy("seed"))


def test_a_key_outside_the_list_is_still_named() -> None:
    assert key_algorithm(ec.generate_private_key(ec.SECP256K1())) == "EC_secp256k1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SHA256WITHRSA", hashes.SHA256),
        ("SHA384WITHECDSA", hashes.SHA384),
        ("SHA512WITHRSA", hashes.SHA512),
        ("ML_DSA_65", type(None)),
    ],
)
def test_a_signing_algorithm_carries_its_hash(name: str, expected: type) -> None:
    assert isinstance(signature_hash(name), expected)


def test_a_key_file_is_its_owners_alone_and_never_overwritten(
    tmp_path: Path, openssl: Callable[..., Any]
) -> None:
    key = generate_key("EC_prime256v1", Entropy("seed"))
    path = write_private_key(key, tmp_path / "key.pem")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert openssl("pkey", "-in", str(path), "-noout", "-check").returncode == 0
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        write_private_key(generate_key("EC_prime256v1", Entropy("other")), path)
    assert path.read_bytes() == before


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    link, target = tmp_path / "link.pem", tmp_path / "target.pem"
    link.symlink_to(target)
    with pytest.raises(FileExistsError):
        write_private_key(generate_key("EC_prime256v1", Entropy("seed")), link)
    assert not target.exists()


def test_a_passphrase_encrypts(tmp_path: Path) -> None:
    key = generate_key("EC_prime256v1", Entropy("seed"))
    path = write_private_key(key, tmp_path / "key.pem", passphrase=b"secret")
    data = path.read_bytes()
    assert b"ENCRYPTED" in data
    assert raw(load_pem_private_key(data, b"secret")) == raw(key)
    with pytest.raises(ValueError, match="password"):
        load_pem_private_key(data, b"wrong")


def test_private_keys_can_sign_but_those_that_only_agree_on_keys() -> None:
    key = generate_key("EC_prime256v1", Entropy("seed"))
    assert can_sign(key)
    assert not can_sign(key.public_key())
    assert not can_sign(x25519.X25519PrivateKey.generate())
    assert not can_sign(None)
