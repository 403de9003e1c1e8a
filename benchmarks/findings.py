"""Findings built and imported a second, and how long an event takes to become one.

Import: recorded-like events are turned into findings and sent through boto3 to a transport that
answers at once. The floor sends as many findings of the same bytes, made as plain dictionaries, in
calls of 100: what botocore's serializer and signer take in any case. Memory is the most that the
process had between calls, beside the same of a tenth as many findings.

Event to finding: what issuing from a watched CA takes longer than without the deployed stack. The
floor is one synchronous invocation of the same warm function with the same event.

    python benchmarks/findings.py [findings]
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from pkilab.security_findings import Imported, deploy, find, finding_of, import_findings

ACCOUNT = "111122223333"
NUMBER = "11223344-1234-1122-2233-112233445566"
CA = f"arn:aws:acm-pca:us-east-1:{ACCOUNT}:certificate-authority/{NUMBER}"
SUBJECT = {"CommonName": "Bench Root"}


@dataclass(frozen=True, slots=True)
class Rate:
    """Findings a second, ours and the floor's, and the most memory in MB, of a tenth and of all."""

    ours: float
    floor: float
    early: float
    late: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds: from an event to its finding, and of one invocation."""

    ours: float
    floor: float


def events() -> Iterator[dict[str, Any]]:
    """Yield events of issuance, each of another certificate."""
    number = 0
    while True:
        number += 1
        yield {
            "version": "0",
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "detail-type": "ACM Private CA Certificate Issuance",
            "source": "aws.acm-pca",
            "account": ACCOUNT,
            "time": "2026-03-04T10:00:00Z",
            "region": "us-east-1",
            "resources": [CA, f"{CA}/certificate/{number:032x}"],
            "detail": {"result": "success"},
        }


class _Raw:
    """A body that is there."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        """Give it at once."""
        yield self._body


def silent_hub() -> Any:  # noqa: ANN401 - a boto3 client
    """Return a boto3 client whose calls are serialized and signed, and answered at once."""
    client = boto3.client(
        "securityhub", region_name="us-east-1",
        aws_access_key_id="x", aws_secret_access_key="x",  # noqa: S106 - opens nothing
    )  # fmt: skip
    body = json.dumps({"FailedCount": 0, "SuccessCount": 100, "FailedFindings": []}).encode()

    def answer(request: Any, **_: object) -> AWSResponse:  # noqa: ANN401 - botocore's
        headers = {"content-type": "application/json"}
        return AWSResponse(request.url, 200, headers, _Raw(body))

    client.meta.events.register("before-send.securityhub", answer)
    return client


def resident() -> float:
    """Return the memory the process has now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def rate(count: int) -> Rate:
    """Build and import so many findings, and send as many plain ones."""
    client = silent_hub()
    made = (found for event in events() if (found := finding_of(event)))
    seen = [0.0]

    def look(_: Imported) -> None:
        seen[-1] = max(seen[-1], resident())

    import_findings(client, islice(made, count // 10), progress=look)
    seen.append(0.0)
    start = time.perf_counter()
    result = import_findings(client, islice(made, count), progress=look)
    ours = count / (time.perf_counter() - start)
    early, late = seen
    assert result.imported == count
    template = next(made).asff()
    start = time.perf_counter()
    for first in range(0, count, 100):
        # Dictionaries of their own, as any builder would have to make.
        client.batch_import_findings(
            Findings=[
                {**template, "Id": str(number), "Resources": [dict(each) for each in
                                                               template["Resources"]]}
                for number in range(first, first + 100)
            ]
        )  # fmt: skip
    return Rate(ours, count / (time.perf_counter() - start), early, late)


def latency(times: int = 20) -> Latency:
    """Issue with and without the stack, and invoke its function."""
    from pkilab.ca_hierarchy import create_root
    from pkilab.lab import Lab

    with Lab.simulated(seed="bench findings") as lab:
        pca, hub = lab.client("acm-pca"), lab.client("securityhub")
        hub.enable_security_hub(EnableDefaultStandards=False)
        lab.client("s3").create_bucket(Bucket="code")
        root = create_root(pca, SUBJECT)
        csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=root)["Csr"].encode()

        def issue() -> None:
            issued = pca.issue_certificate(
                CertificateAuthorityArn=root, Csr=csr, SigningAlgorithm="SHA256WITHECDSA",
                TemplateArn="arn:aws:acm-pca:::template/EndEntityCertificate/V1",
                Validity={"Value": 9, "Type": "DAYS"},
            )  # fmt: skip
            pca.get_certificate(
                CertificateAuthorityArn=root, CertificateArn=issued["CertificateArn"]
            )

        alone = median(issue, times)
        made = deploy(
            lab.client("cloudformation"), lab.client("s3"), bucket="code", authorities=[root]
        )
        issue()  # starts the environment
        before = len(find(hub))
        watched = median(issue, times)
        assert len(find(hub)) == before + times, "each certificate is a finding when the call ends"
        functions, source = lab.client("lambda"), events()

        def invoke() -> None:
            event = next(source) | {"resources": [root, f"{root}/certificate/{time.time_ns()}"]}
            answer = functions.invoke(
                FunctionName=made.function_arn, Payload=json.dumps(event).encode()
            )
            assert "FunctionError" not in answer

        return Latency(watched - alone, median(invoke, times))


def median(work: Callable[[], object], times: int) -> float:
    """Return the median of so many rounds, in seconds."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[times // 2]


def main() -> None:
    """Print both."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    found = rate(count)
    ratio = found.ours / found.floor
    print(f"{found.ours:,.0f} findings a second, floor {found.floor:,.0f}: {ratio:.2f}")
    print(f"{found.early:.0f} MB of a tenth, {found.late:.0f} MB of all")
    taken = latency()
    print(f"event to finding {ms(taken.ours)}, one invocation {ms(taken.floor)}")


def ms(seconds: float) -> str:
    """Write a duration readably."""
    return f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    main()
