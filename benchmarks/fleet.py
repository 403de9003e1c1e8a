"""1,000 containers start at once against Private CA's quota: how they fare, and what it takes here.

Time is told twice: by the lab's clock, on which the quota is filled and containers wait; and by the
machine's, beside as many bare calls of IssueCertificate and GetCertificate on a request that is
made already. What the fleet has on top are keys, requests, and every call that is refused.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab import Lab, ca_hierarchy
from pkilab.container_tls import fleet
from pkilab.pki.requests import build_request

CSR = build_request(ec.derive_private_key(7, ec.SECP256R1()), "CN=bench", dns_names=["bench.lab"])


@dataclass(frozen=True, slots=True)
class Run:
    """One start. Seconds, but for the counts."""

    started: int
    keys: int
    throttled: int
    per_second: float  # by the lab's clock, as p99
    p99: float
    ours: float  # by the machine's, as floor
    floor: float


def _root(lab: Lab) -> str:
    return ca_hierarchy.create_root(
        lab.client("acm-pca"), {"CommonName": "Bench"}, key_algorithm="EC_prime256v1"
    )


def _bare(count: int) -> float:
    """Return the seconds that the calls alone take."""
    with Lab.simulated(seed="fleet") as lab:
        pca, root = lab.client("acm-pca"), _root(lab)
        request: dict[str, Any] = {
            "CertificateAuthorityArn": root,
            "Csr": CSR.public_bytes(Encoding.PEM),
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Validity": {"Type": "DAYS", "Value": 1},
        }
        start = time.perf_counter()
        for _ in range(count):
            made = pca.issue_certificate(**request)["CertificateArn"]
            pca.get_certificate(CertificateAuthorityArn=root, CertificateArn=made)
        return time.perf_counter() - start


def measure(count: int) -> Run:
    """Start so many containers, once; and make the bare calls."""
    floor = _bare(count)
    with Lab.simulated(seed="fleet", enforce_quotas=True) as lab:
        pca, root = lab.client("acm-pca"), _root(lab)
        lab.clock.advance(seconds=2)

        def wait(seconds: float) -> None:
            lab.clock.advance(seconds=seconds)

        start = time.perf_counter()
        found = fleet.start(
            pca, root, [f"web-{number:05}.lab" for number in range(count)],
            make_key=lab.generate_key, entropy=lab.entropy("fleet"), now=lab.clock.now,
            sleep=wait,
        )  # fmt: skip
        ours = time.perf_counter() - start
    return Run(
        len(found.containers), len({each.public_key for each in found.containers}),
        found.throttled, found.issued_per_second, found.percentile(0.99), ours, floor,
    )  # fmt: skip


if __name__ == "__main__":
    run = measure(int(sys.argv[1]) if sys.argv[1:] else 1000)
    assert run.started == run.keys
    print(
        f"{run.started:,} containers, {run.throttled:,} refusals   {run.per_second:.1f} a second "
        f"and p99 {run.p99:.1f} s by the lab's clock   {run.ours:.1f} s here, bare calls "
        f"{run.floor:.1f} s ({run.ours / run.floor:.2f})"
    )
