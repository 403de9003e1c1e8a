"""Signing a file of 1 GiB: hashing it against ``openssl dgst``, and what memory that takes.

Both read the same file from the page cache, which is read once before. KMS's part of a signature
does not depend on the file. The file's bytes do not matter to a hash; it is sparse.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pkilab import Lab, digital_signing

GIB = 1 << 30
ALGORITHM = "ECDSA_SHA_256"
_ROUNDS = 3
_PEAK = """
import resource, sys
from pkilab.digital_signing import digest_file
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
digest_file(sys.argv[1], sys.argv[2])
print(peak() - before)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """Best seconds of each, and bytes of memory."""

    openssl: float | None  # None where there is none
    digest: float  # digest_file
    sign: float  # sign_file: the same, and Sign
    verify: float  # verify_locally: the same, and the signature
    growth: int  # of the peak of a process's memory while it hashes the file


def measure(size: int = GIB, rounds: int = _ROUNDS) -> Run:
    """Sign and verify a file of so many bytes."""
    with tempfile.TemporaryDirectory() as name, Lab.simulated(seed="bench") as lab:
        path, kms = Path(name) / "file", lab.client("kms")
        with path.open("wb") as file:
            file.truncate(size)
        arn = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        public = digital_signing.load_public_key(kms, arn).key
        signature = digital_signing.sign_file(
            kms, arn, path, algorithm=ALGORITHM
        )  # warms the cache
        openssl = shutil.which("openssl")
        command = [openssl, "dgst", "-sha256", str(path)]
        return Run(
            openssl=best(
                rounds, lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            )
            if openssl
            else None,
            digest=best(rounds, lambda: digital_signing.digest_file(path, ALGORITHM)),
            sign=best(
                rounds,
                lambda: digital_signing.sign_file(kms, arn, path, algorithm=ALGORITHM),
            ),
            verify=best(rounds, lambda: digital_signing.verify_locally(public, path, signature)),
            growth=_growth(path),
        )


def best(rounds: int, work: Callable[[], object]) -> float:
    """Return the least seconds of several rounds."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def _growth(path: Path) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", _PEAK, path, ALGORITHM], check=True, capture_output=True, text=True
    )
    return int(ran.stdout) * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    run = measure(int(sys.argv[1]) << 20 if sys.argv[1:] else GIB)
    against = f" ({run.digest / run.openssl:.2f} x)" if run.openssl else ""
    print(f"openssl dgst -sha256 {run.openssl or 0:8.3f} s")
    print(f"digest_file          {run.digest:8.3f} s{against}")
    print(f"sign_file            {run.sign:8.3f} s")
    print(f"verify_locally       {run.verify:8.3f} s")
    print(f"memory               {run.growth / (1 << 20):8.1f} MiB more than before")
