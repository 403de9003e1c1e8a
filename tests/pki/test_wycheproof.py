"""Outside vectors: C2SP/wycheproof, testvectors_v1, of the signature schemes that KMS has.

Files lie in ``conformance/wycheproof``. The verdict of pkilab's verification is compared with the
suite's and with that of ``cryptography`` called directly: the same score. Taken are the groups
whose key and parameters a KMS key could have: what it could not is left out by `vectors`, for the
reason written there.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pkilab.pki import kms_signatures
from pkilab.pki.keys import generate_key
from pkilab.simulator.kms import signing
from pkilab.simulator.kms.material import KeyMaterial
from pkilab.simulator.kms.specs import SPECS

PATTERNS = (
    "rsa_pss_*_test.json",
    "rsa_signature_*_test.json",
    "ecdsa_*_test.json",
    "ed25519_test.json",
    "mldsa_*_verify_test.json",
)
SHA_2 = {"SHA-256": hashes.SHA256(), "SHA-384": hashes.SHA384(), "SHA-512": hashes.SHA512()}
CURVES = {
    ("secp256r1", "SHA-256"): "ECC_NIST_P256",
    ("secp384r1", "SHA-384"): "ECC_NIST_P384",
    ("secp521r1", "SHA-512"): "ECC_NIST_P521",
    ("secp256k1", "SHA-256"): "ECC_SECG_P256K1",
}
# The suite leaves open one case of each file of PKCS#1 v1.5: a DigestInfo without its NULL. All
# nine are refused, by ``cryptography`` as well.
ACCEPTED_OF_ACCEPTABLE: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vector:
    """One case: a public key, an algorithm, a message, and whether the signature holds."""

    case: str
    spec: str
    algorithm: str
    key: bytes
    message: bytes
    signature: bytes
    result: str  # "valid", "invalid" or "acceptable"


@dataclass(frozen=True)
class Score:
    """How many cases there were, and the ids of those wrongly accepted and wrongly rejected."""

    cases: int
    accepted: tuple[str, ...]
    rejected: tuple[str, ...]
    acceptable: tuple[str, ...]  # those the suite leaves open and the verifier accepted

    def __str__(self) -> str:
        return (
            f"{self.cases} cases, {len(self.accepted)} false accepts, {len(self.rejected)} false "
            f"rejects, {len(self.acceptable)} of the acceptable accepted"
        )


def scheme(group: dict[str, Any]) -> tuple[str, str] | None:
    """Return the key spec and the algorithm of a group, or None for what KMS does not have.

    Left out: P1363 and Bitcoin forms of ECDSA signatures, keys bound to PSS parameters, hashes that
    are not SHA-2, MGF1 with another hash, salts not as long as the digest, other curves and sizes,
    and a curve with a hash that is not its own.
    """
    sha = group.get("sha", "").replace("-", "_")
    match group["type"]:
        case "RsassaPssVerify":
            hashed = SHA_2.get(group["sha"])
            wanted = hashed and (group["mgfSha"], group["sLen"]) == (
                group["sha"],
                hashed.digest_size,
            )
            found = (f"RSA_{group['keySize']}", f"RSASSA_PSS_{sha}") if wanted else None
        case "RsassaPkcs1Verify":
            found = (f"RSA_{group['keySize']}", f"RSASSA_PKCS1_V1_5_{sha}")
        case "EcdsaVerify":
            spec = CURVES.get((group["publicKey"]["curve"], group["sha"]), "")
            found = (spec, f"ECDSA_{sha}")
        case "EddsaVerify":
            found = ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512")
        case "MlDsaVerify":
            bits = {1312: 44, 1952: 65, 2592: 87}.get(len(group["publicKey"]) // 2)
            found = (f"ML_DSA_{bits}", "ML_DSA_SHAKE_256")
        case _:
            found = None
    if found is None or found[0] not in SPECS:
        return None
    return found if found[1] in SPECS[found[0]].algorithms["SIGN_VERIFY"] else None


def vectors(folder: Path) -> Iterator[Vector]:
    """Read the cases of a folder; with a context of ML-DSA, which KMS leaves empty, none."""
    for path in sorted(path for pattern in PATTERNS for path in folder.glob(pattern)):
        for group in json.loads(path.read_text(encoding="utf-8"))["testGroups"]:
            if (found := scheme(group)) is None:
                continue
            for each in group["tests"]:
                if not each.get("ctx"):
                    yield Vector(
                        f"{path.stem}:{each['tcId']}",
                        *found,
                        bytes.fromhex(group["publicKeyDer"]),
                        bytes.fromhex(each["msg"]),
                        bytes.fromhex(each["sig"]),
                        each["result"],
                    )


def tally(verdicts: list[tuple[Vector, bool]]) -> Score:
    """Count what a verifier said."""

    def ids(result: str, *, given: bool) -> tuple[str, ...]:
        return tuple(v.case for v, said in verdicts if v.result == result and said is given)

    return Score(
        len(verdicts),
        ids("invalid", given=True),
        ids("valid", given=False),
        ids("acceptable", given=True),
    )


def public_key(vector: Vector) -> Any:
    """Read the key of a case, or None."""
    try:
        return load_der_public_key(vector.key)
    except (ValueError, UnsupportedAlgorithm):
        return None


def pkilabs_verdict(vector: Vector) -> bool:
    """Answer a case with pkilab."""
    key = public_key(vector)
    return key is not None and signing.verify(
        key,
        SPECS[vector.spec],
        vector.algorithm,
        vector.message,
        "RAW",
        vector.signature,
    )


def pkilabs_verdict_on_the_digest(vector: Vector) -> bool:
    """Answer a case with pkilab from the digest or the representative; Ed25519 has neither."""
    key = public_key(vector)
    if key is None or vector.algorithm == "ED25519_SHA_512":
        return pkilabs_verdict(vector)
    if vector.algorithm == "ML_DSA_SHAKE_256":
        tr = hashlib.shake_256(key.public_bytes_raw()).digest(64)
        kind, message = "EXTERNAL_MU", hashlib.shake_256(tr + b"\0\0" + vector.message).digest(64)
    else:
        name = "sha" + vector.algorithm[-3:]
        kind, message = "DIGEST", hashlib.new(name, vector.message).digest()
    spec = SPECS[vector.spec]
    return signing.verify(key, spec, vector.algorithm, message, kind, vector.signature)


def local_verdict(vector: Vector) -> bool:
    """Answer a case as a verifier without KMS does."""
    if (key := public_key(vector)) is None:
        return False
    signed = vector.message
    if vector.algorithm != "ED25519_SHA_512":  # which takes the message itself
        representative = kms_signatures.Representative(vector.algorithm, key)
        representative.update(vector.message)
        signed = representative.finish()
    return kms_signatures.verifies(key, vector.algorithm, vector.signature, signed)


def cryptographys_verdict(vector: Vector) -> bool:
    """Answer a case with nothing between it and ``cryptography``."""
    key = public_key(vector)
    if key is None:
        return False
    arguments: tuple[Any, ...] = ()
    if vector.algorithm.startswith(("RSASSA", "ECDSA")):
        hashed = SHA_2[f"SHA-{vector.algorithm[-3:]}"]
        arguments = (ec.ECDSA(hashed),)
        if vector.algorithm.startswith("RSASSA_PKCS1"):
            arguments = (padding.PKCS1v15(), hashed)
        elif vector.algorithm.startswith("RSASSA_PSS"):
            arguments = (padding.PSS(padding.MGF1(hashed), hashed.digest_size), hashed)
    try:
        key.verify(vector.signature, vector.message, *arguments)
    except InvalidSignature:
        return False
    return True


@pytest.fixture(scope="module")
def cases(conformance: Path) -> list[Vector]:
    """The cases, read once."""
    folder = conformance / "wycheproof"
    if not folder.is_dir():
        pytest.skip("conformance/wycheproof is not here")
    if missing := [pattern for pattern in PATTERNS if not list(folder.glob(pattern))]:
        pytest.skip(f"conformance/wycheproof has no {', '.join(missing)}")
    return list(vectors(folder))


def test_nothing_forged_is_accepted_and_nothing_genuine_refused(cases: list[Vector]) -> None:
    """The suite's own verdicts; the partner of each valid vector is an invalid one beside it."""
    score = tally([(vector, pkilabs_verdict(vector)) for vector in cases])
    assert score.accepted == (), score
    assert score.rejected == (), score
    assert score.acceptable == ACCEPTED_OF_ACCEPTABLE, score
    kinds = Counter(vector.result for vector in cases)
    assert min(kinds["valid"], kinds["invalid"]) > 1000, kinds


@pytest.mark.parametrize("verdict", [pkilabs_verdict, pkilabs_verdict_on_the_digest, local_verdict])
def test_the_score_is_that_of_cryptography_itself(cases: list[Vector], verdict: Any) -> None:
    """Case by case: the simulator's, over message and digest, and the one without KMS."""
    differing = [v.case for v in cases if verdict(v) is not cryptographys_verdict(v)]
    assert differing == []


def test_every_algorithm_of_a_kms_key_has_vectors(cases: list[Vector]) -> None:
    """With one hash of RSA at least. Of Ed25519ph the suite has none; RFC 8032 has one."""
    seen = {(vector.spec, vector.algorithm[:-3]) for vector in cases}
    wanted = {
        (spec.name, algorithm[:-3])
        for spec in SPECS.values()
        for algorithm in spec.algorithms.get("SIGN_VERIFY", ())
        if algorithm != "ED25519_PH_SHA_512"
    }
    assert wanted <= seen


@dataclass(frozen=True)
class Fixed:
    """Entropy that is always the same bytes: FIPS 204's seed, and its rnd."""

    value: bytes

    def bytes(self, count: int) -> bytes:
        """Return them."""
        assert len(self.value) == count
        return self.value


def test_ml_dsa_signs_the_suites_bytes(conformance: Path) -> None:
    """With its seed and rnd, which is zeros where it is deterministic; from the message and mu."""
    paths = sorted((conformance / "wycheproof").glob("mldsa_*_sign_seed_test.json"))
    if not paths:
        pytest.skip("conformance/wycheproof has no mldsa_*_sign_seed_test.json")
    count = ml_dsa_signatures(paths)
    assert count > 100, count


def ml_dsa_signatures(paths: list[Path]) -> int:
    """Sign what the suite signed, without a context, and compare; return how many times."""
    count = 0
    for path in paths:
        spec = SPECS[f"ML_DSA_{path.name[6:8]}"]
        for group in json.loads(path.read_text(encoding="utf-8"))["testGroups"]:
            for each in group["tests"]:
                if each["result"] != "valid" or each.get("ctx") or "Internal" in each["flags"]:
                    continue
                seed = Fixed(bytes.fromhex(group["privateSeed"]))
                material = KeyMaterial(generate_key(spec.key_algorithm, seed))
                rnd = Fixed(bytes.fromhex(each.get("rnd", "00" * 32)))
                for kind, given in (("RAW", each["msg"]), ("EXTERNAL_MU", each["mu"])):
                    message = bytes.fromhex(given)
                    made = signing.sign(material, spec, "ML_DSA_SHAKE_256", message, kind, rnd)
                    assert made.hex() == each["sig"], f"{path.stem}:{each['tcId']}"
                    count += 1
    return count
