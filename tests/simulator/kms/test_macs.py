"""HMAC: published vectors, the openssl command line, refusals."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from pkilab.pki.entropy import Entropy
from pkilab.simulator.kms.macs import generate_mac, verify_mac
from pkilab.simulator.kms.material import KeyMaterial, generate
from pkilab.simulator.kms.specs import SPECS
from pkilab.simulator.service import AwsError

# RFC 4231 section 4.3: test case 2, key "Jefe", data "what do ya want for nothing?".
JEFE = {
    "HMAC_224": "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
    "HMAC_256": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "HMAC_384": (
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
        "8e2240ca5e69e2c78b3239ecfab21649"
    ),
    "HMAC_512": (
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
    ),
}


def algorithm(name):
    """Return the one algorithm of a spec."""
    return SPECS[name].algorithms["GENERATE_VERIFY_MAC"][0]


@pytest.mark.parametrize("name", JEFE)
def test_a_mac_is_that_of_rfc_4231(name):
    """And verifies; with a bit changed, or cut short, it does not."""
    material, spec = KeyMaterial(b"Jefe"), SPECS[name]
    message = b"what do ya want for nothing?"
    mac = generate_mac(material, spec, algorithm(name), message)
    assert mac.hex() == JEFE[name]
    assert verify_mac(material, spec, algorithm(name), message, mac)
    for wrong in (bytes((mac[0] ^ 1,)) + mac[1:], mac[:-1], mac + b"\0", b""):
        assert not verify_mac(material, spec, algorithm(name), message, wrong)
    assert not verify_mac(material, spec, algorithm(name), message + b"!", mac)


@pytest.mark.parametrize("name", JEFE)
def test_openssl_computes_the_same(name, tmp_path):
    """With a key of the world's making."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("no openssl on PATH")
    material = generate(SPECS[name], Entropy("tests").child(name))
    (tmp_path / "message").write_bytes(b"Important message")
    answer = subprocess.run(
        [openssl, "mac", "-digest", f"SHA{name[5:]}", "-macopt", f"hexkey:{material.secret.hex()}",
         "-in", tmp_path / "message", "HMAC"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    mac = generate_mac(material, SPECS[name], algorithm(name), b"Important message")
    assert bytes.fromhex(answer.stdout.strip()) == mac


def test_an_algorithm_of_another_spec_is_refused():
    """In the sentence recorded from KMS (LocalStack, test_invalid_generate_mac)."""
    material = KeyMaterial(bytes(28))
    for call in (
        lambda: generate_mac(material, SPECS["HMAC_224"], "HMAC_SHA_256", b"m"),
        lambda: verify_mac(material, SPECS["HMAC_224"], "HMAC_SHA_256", b"m", bytes(32)),
    ):
        with pytest.raises(AwsError) as refused:
            call()
        assert refused.value.code == "InvalidKeyUsageException"
        assert refused.value.message == (
            "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224."
        )


@pytest.mark.parametrize("name", JEFE)
def test_the_macs_of_wycheproof_verify_and_the_modified_do_not(name, conformance):
    """C2SP/wycheproof, testvectors_v1; tags that were cut short are another algorithm."""
    path = conformance / "wycheproof" / f"hmac_sha{name[5:]}_test.json"
    if not path.is_file():
        pytest.skip(f"conformance/wycheproof has no {path.name}")
    groups = json.loads(path.read_text(encoding="utf-8"))["testGroups"]
    whole = [group for group in groups if group["tagSize"] == int(name[5:])]
    assert whole
    for each in (each for group in whole for each in group["tests"]):
        key, message, tag = (bytes.fromhex(each[part]) for part in ("key", "msg", "tag"))
        holds = verify_mac(KeyMaterial(key), SPECS[name], algorithm(name), message, tag)
        assert holds is (each["result"] == "valid"), each["tcId"]
