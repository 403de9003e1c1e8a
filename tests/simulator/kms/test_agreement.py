"""ECDH: published vectors, the openssl command line, public keys that are none."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki.entropy import Entropy
from pkilab.simulator.kms.agreement import derive_shared_secret
from pkilab.simulator.kms.material import KeyMaterial, generate, private_der, public_der
from pkilab.simulator.kms.specs import SPECS
from pkilab.simulator.service import AwsError

CURVES = {"ECC_NIST_P256": 32, "ECC_NIST_P384": 48, "ECC_NIST_P521": 66}
NIST = dict(zip(CURVES, (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()), strict=True))


def made(name, label="ours"):
    """Return a key of a spec."""
    return generate(SPECS[name], Entropy("tests").child(name, label))


def refusal(material, name, peer):
    """Return the error that a public key meets."""
    with pytest.raises(AwsError) as refused:
        derive_shared_secret(material, SPECS[name], "ECDH", peer)
    return refused.value.code, refused.value.message


def test_the_secret_is_that_of_rfc_5903():
    """Section 8.1: the initiator's private key and the responder's public one, on P-256."""
    private = 0xC88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433
    peer = ec.EllipticCurvePublicNumbers(
        0xD12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63,
        0x56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB,
        ec.SECP256R1(),
    ).public_key()
    secret = derive_shared_secret(
        KeyMaterial(ec.derive_private_key(private, ec.SECP256R1())),
        SPECS["ECC_NIST_P256"],
        "ECDH",
        peer.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )
    assert secret.hex().upper() == (
        "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE"
    )


@pytest.mark.parametrize("name", CURVES)
def test_both_sides_and_openssl_agree(name, tmp_path):
    """The peer's half is derived by the openssl command line."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("no openssl on PATH")
    ours, theirs = made(name), made(name, "theirs")
    (tmp_path / "theirs.der").write_bytes(private_der(theirs))
    (tmp_path / "ours.der").write_bytes(public_der(ours))
    answer = subprocess.run(
        [openssl, "pkeyutl", "-derive", "-keyform", "DER", "-inkey", tmp_path / "theirs.der",
         "-peerform", "DER", "-peerkey", tmp_path / "ours.der"],
        capture_output=True, check=True,
    )  # fmt: skip
    secret = derive_shared_secret(ours, SPECS[name], "ECDH", public_der(theirs))
    assert secret == answer.stdout
    assert len(secret) == CURVES[name]


@pytest.mark.parametrize("name", CURVES)
def test_a_peer_on_another_curve_or_of_another_kind_is_refused(name):
    """ValidationException without a sentence, as recorded from KMS for an invalid key."""
    wrong = ({*CURVES, "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"}) - {name}
    for other in sorted(wrong):
        assert refusal(made(name), name, public_der(made(other))) == ("ValidationException", "")


def test_a_point_off_the_curve_is_refused():
    """The invalid-curve attack: the last byte of y is changed."""
    der = bytearray(public_der(made("ECC_NIST_P256", "theirs")))
    der[-1] ^= 1
    ours = made("ECC_NIST_P256")
    assert refusal(ours, "ECC_NIST_P256", bytes(der)) == ("ValidationException", "")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_public_key_or_refused(data):
    """Only the declared error leaves."""
    assert refusal(made("ECC_NIST_P256"), "ECC_NIST_P256", data) == ("ValidationException", "")


@given(st.integers(0, 90), st.integers(1, 255))
def test_a_changed_public_key_is_another_or_refused(position, change):
    """Only the declared error leaves, also close to what is right."""
    der = bytearray(public_der(made("ECC_NIST_P256", "theirs")))
    der[position] ^= change
    try:
        found = derive_shared_secret(
            made("ECC_NIST_P256"), SPECS["ECC_NIST_P256"], "ECDH", bytes(der)
        )
    except AwsError as refused:
        assert refused.code == "ValidationException"
    else:
        assert len(found) == 32


def test_a_spec_that_agrees_on_nothing_is_refused():
    """The service looks at the key's usage first; this is the last line."""
    with pytest.raises(AwsError) as refused:
        derive_shared_secret(
            made("ECC_SECG_P256K1"),
            SPECS["ECC_SECG_P256K1"],
            "ECDH",
            public_der(made("ECC_SECG_P256K1", "theirs")),
        )
    assert refused.value.code == "InvalidKeyUsageException"


@pytest.mark.parametrize("name", CURVES)
def test_the_secrets_of_wycheproof_are_ours_and_its_attacks_are_refused(name, conformance):
    """C2SP/wycheproof, testvectors_v1: every valid key agrees, every invalid one is refused.

    Of the acceptable ones, that is with unusual but harmless DER, either will do.
    """
    path = conformance / "wycheproof" / f"ecdh_secp{name[10:]}r1_test.json"
    if not path.is_file():
        pytest.skip(f"conformance/wycheproof has no {path.name}")
    spec, seen = SPECS[name], set()
    for group in json.loads(path.read_text(encoding="utf-8"))["testGroups"]:
        for each in group["tests"]:
            private = ec.derive_private_key(int(each["private"], 16), NIST[name])
            peer, secret = bytes.fromhex(each["public"]), each["shared"]
            try:
                found = derive_shared_secret(KeyMaterial(private), spec, "ECDH", peer).hex()
            except AwsError as refused:
                assert refused.code == "ValidationException"
                assert each["result"] != "valid", each["tcId"]
            else:
                assert found == secret, each["tcId"]
                assert each["result"] != "invalid", each["tcId"]
            seen.add(each["result"])
    assert {"valid", "invalid"} <= seen
