"""From a PFX to an ARN: opening, matching, importing; with cryptography's bare opening as floor.

The files are made by openssl as it makes them today, with its 2,048 iterations and with the 600,000
of GnuTLS and NSS, and, the oldest, with RC2-40. The floor answers with a key and a bag of
certificates: it counts no keys, pairs none of them, orders no chain and names no cause.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs12

from pkilab import Lab, certificate_import
from pkilab.pki import names, pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import PrivateKey, generate_key, write_private_key

NOW, PASSWORD = datetime(2026, 11, 2, 9, tzinfo=UTC), "open sesame"
FILES = {
    "AES-256, 2,048 iterations": (),
    "RC2-40 and 3DES": ("-legacy",),
    "AES-256, 600,000 iterations": ("-iter", "600000"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """Median seconds of one PFX."""

    floor: float  # cryptography's load_pkcs12
    read: float  # read_pfx: opened, matched, ordered
    imported: float  # import_pfx: the same, and ACM's answer


def material(folder: Path) -> None:
    """Write a website's key and certificate, RSA 2048, and its two CAs."""
    keys = {who: generate_key("RSA_2048", Entropy("bench").child(who)) for who in ("a", "b", "c")}

    def make(subject: str, issuer: str, key: PrivateKey, signer: PrivateKey) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(names.subject(f"CN={subject}"))
            .issuer_name(names.subject(f"CN={issuer}"))
            .public_key(key.public_key())
            .serial_number(1 + len(subject))
            .not_valid_before(NOW)
            .not_valid_after(NOW + timedelta(days=300))
            .add_extension(x509.BasicConstraints(subject != "www.bench.example", None), True)
            .sign(signer, hashes.SHA256())
        )

    root = make("Root", "Root", keys["a"], keys["a"])
    issuing = make("Issuing", "Root", keys["b"], keys["a"])
    leaf = make("www.bench.example", "Issuing", keys["c"], keys["b"])
    (folder / "leaf.pem").write_text(pem.to_pem(leaf))
    (folder / "cas.pem").write_text(pem.to_pem(root, issuing))
    write_private_key(keys["c"], folder / "leaf.key")


def made_by_openssl(folder: Path, *options: str) -> bytes:
    """Export a PFX."""
    subprocess.run(
        ["openssl", "pkcs12", "-export", "-inkey", "leaf.key", "-in", "leaf.pem", "-certfile",
         "cas.pem", "-passout", f"pass:{PASSWORD}", "-out", "made.pfx", *options],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return (folder / "made.pfx").read_bytes()


def seconds(times: int, work: Callable[[], object]) -> float:
    """Return the median of so many runs, the first left out."""
    taken = []
    for _ in range(times + 1):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def measure(times: int) -> Iterator[tuple[str, Run]]:
    """Yield a file's name and what it took; nothing where openssl is absent."""
    if shutil.which("openssl") is None:
        return
    with tempfile.TemporaryDirectory() as name, Lab.simulated(seed="bench", now=NOW) as lab:
        folder, acm = Path(name), lab.client("acm")
        material(folder)

        def imported(data: bytes) -> None:
            arn = certificate_import.import_pfx(acm, data, PASSWORD)
            acm.delete_certificate(CertificateArn=arn)

        for label, options in FILES.items():
            data = made_by_openssl(folder, *options)
            rounds = max(5, times // 10) if "600,000" in label else times
            yield (
                label,
                Run(
                    seconds(rounds, lambda data=data: pkcs12.load_pkcs12(data, PASSWORD.encode())),
                    seconds(rounds, lambda data=data: certificate_import.read_pfx(data, PASSWORD)),
                    seconds(rounds, lambda data=data: imported(data)),
                ),
            )


if __name__ == "__main__":
    for file, run in measure(int(sys.argv[1]) if sys.argv[1:] else 100):
        print(
            f"{file:28} floor {run.floor * 1e3:7.1f} ms   read_pfx {run.read * 1e3:7.1f} ms "
            f"({run.read / run.floor:.2f} x)   import_pfx {run.imported * 1e3:7.1f} ms"
        )
