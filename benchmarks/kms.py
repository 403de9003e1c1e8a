"""Sign and Verify through boto3 on a world, and verification without KMS.

The floor of a call is a bare moto call, DescribeKey, and the same operation by ``cryptography``
alone, drawing its randomness from the operating system. It looks up no key state, checks no message
and writes no journal; Ed25519ph, which it does not have, is measured against pure Ed25519.

    python benchmarks/kms.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto import mock_aws

from pkilab import Lab
from pkilab.pki import kms_signatures
from pkilab.pki.entropy import Entropy
from pkilab.simulator.kms import material, specs

ALGORITHMS = (
    ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
    ("RSA_2048", "RSASSA_PSS_SHA_256"),
    ("RSA_4096", "RSASSA_PSS_SHA_512"),
    ("ECC_NIST_P256", "ECDSA_SHA_256"),
    ("ECC_NIST_P384", "ECDSA_SHA_384"),
    ("ECC_NIST_P521", "ECDSA_SHA_512"),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
    ("ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512"),
    ("ML_DSA_44", "ML_DSA_SHAKE_256"),
    ("ML_DSA_65", "ML_DSA_SHAKE_256"),
    ("ML_DSA_87", "ML_DSA_SHAKE_256"),
)
MESSAGE = b"m" * 1024
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


@dataclass(frozen=True, slots=True)
class Run:
    """Median seconds of one algorithm."""

    sign: float  # KMS Sign through boto3
    sign_floor: float  # a bare moto call, and cryptography's sign
    verify: float  # KMS Verify through boto3
    verify_floor: float  # a bare moto call, and cryptography's verify
    local: float  # hashing and verifying without KMS
    local_floor: float  # cryptography's verify


def seconds(times: int, work: Callable[[], object]) -> float:
    """Return the median of so many runs, the first left out."""
    taken = []
    for _ in range(times + 1):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def moto_call(times: int) -> float:
    """Measure DescribeKey, in process, without a world."""
    with mock_aws():
        kms = boto3.client("kms", region_name="us-east-1")  # mock_aws sets credentials
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        return seconds(times, lambda: kms.describe_key(KeyId=key))


def parameters(algorithm: str) -> tuple[Any, ...]:
    """Return what ``cryptography`` wants besides the message."""
    hashed = HASHES[algorithm[-3:]]
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(hashed),)
    if algorithm.startswith("RSASSA_PKCS1"):
        return (padding.PKCS1v15(), hashed)
    if algorithm.startswith("RSASSA_PSS"):
        return (padding.PSS(padding.MGF1(hashed), hashed.digest_size), hashed)
    return ()


def floors(times: int, name: str, algorithm: str) -> tuple[float, float]:
    """Measure sign and verify by ``cryptography`` alone, over the whole message."""
    key: Any = material.generate(specs.SPECS[name], Entropy("bench").child(name)).private
    public, how = key.public_key(), parameters(algorithm)
    signature = key.sign(MESSAGE, *how)
    return (
        seconds(times, lambda: key.sign(MESSAGE, *how)),
        seconds(times, lambda: public.verify(signature, MESSAGE, *how)),
    )


def run(times: int, kms: Any, call: float, name: str, algorithm: str) -> Run:  # noqa: ANN401
    """Measure one algorithm with a new key."""
    key = kms.create_key(KeySpec=name, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public: Any = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])

    def representative() -> bytes:
        if algorithm == "ED25519_SHA_512":
            return MESSAGE
        made = kms_signatures.Representative(algorithm, public)
        made.update(MESSAGE)
        return made.finish()

    request = {
        "KeyId": key,
        "Message": representative(),
        "MessageType": kms_signatures.message_type(algorithm),
        "SigningAlgorithm": algorithm,
    }
    signature = kms.sign(**request)["Signature"]
    assert kms_signatures.verifies(public, algorithm, signature, representative())
    bare_sign, bare_verify = floors(times, name, algorithm)
    return Run(
        sign=seconds(times, lambda: kms.sign(**request)),
        sign_floor=call + bare_sign,
        verify=seconds(times, lambda: kms.verify(Signature=signature, **request)),
        verify_floor=call + bare_verify,
        local=seconds(
            times,
            lambda: kms_signatures.verifies(public, algorithm, signature, representative()),
        ),
        local_floor=bare_verify,
    )


def measure(times: int) -> Iterator[tuple[str, Run]]:
    """Yield a key spec with its algorithm, and what it took."""
    call = moto_call(times)
    with Lab.simulated(seed="bench") as lab:
        kms = lab.client("kms")
        for name, algorithm in ALGORITHMS:
            yield f"{name} {algorithm}", run(times, kms, call, name, algorithm)


def shown(what: str, ours: float, floor: float) -> str:
    """Write a duration beside its floor."""
    return f"{what} {ours * 1e3:6.2f} ms ({ours / floor:.2f} x floor)"


if __name__ == "__main__":
    for label, took in measure(int(sys.argv[1]) if sys.argv[1:] else 100):
        print(
            f"{label:42} {shown('Sign', took.sign, took.sign_floor)}   "
            f"{shown('Verify', took.verify, took.verify_floor)}   "
            f"local {1 / took.local:7,.0f}/s against {1 / took.verify:5,.0f}/s by KMS "
            f"({took.verify / took.local:.0f} x; {took.local / took.local_floor:.2f} x floor)"
        )
