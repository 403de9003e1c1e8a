"""What Private CA tells EventBridge, in its own words: always on the bus of the CA's owner.

Nothing is told of imports, updates, deletions and restores, nor of a certificate's end.

Source: AWS Private CA User Guide, "Monitor AWS Private CA with CloudWatch Events".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pkilab.simulator.acmpca.state import AuditReport, Authority, Issued
from pkilab.simulator.eventbridge.bus import Bus

CREATION = "ACM Private CA Creation"
ISSUANCE = "ACM Private CA Certificate Issuance"
REVOCATION = "ACM Private CA Certificate Revocation"
CRL = "ACM Private CA CRL Generation"
AUDIT_REPORT = "ACM Private CA Audit Report Generation"

CrlFailure = Literal[
    "Failed to write CRL to S3. Check your S3 bucket permissions.",
    "Failed to write CRL to S3. Internal failure.",
]
NOT_PERMITTED: CrlFailure = "Failed to write CRL to S3. Check your S3 bucket permissions."
NOT_WRITTEN: CrlFailure = "Failed to write CRL to S3. Internal failure."


class Notices:
    """Private CA's voice on the event buses of a world.

    Args:
        bus: where events are put; None: nobody hears.
    """

    def __init__(self, bus: Bus | None = None) -> None:
        self._bus = bus

    def created(self, authority: Authority) -> None:
        """Say that a CA's key is made, or that it failed."""
        self._say(CREATION, authority, succeeded=authority.status != "FAILED")

    def issued(self, authority: Authority, issued: Issued) -> None:
        """Say that a certificate can be had, or that its issuance failed."""
        succeeded = issued.certificate is not None
        self._say(ISSUANCE, authority, issued.arn, succeeded=succeeded)

    def revoked(self, authority: Authority, issued: Issued) -> None:
        """Say that a certificate was revoked. Of refused revocations nothing is said."""
        self._say(REVOCATION, authority, issued.arn, succeeded=True)

    def crl(self, authority: Authority, url: str, failure: CrlFailure | None = None) -> None:
        """Say that a CRL was written, or why not; ``url`` is where it is to be fetched."""
        more = {"CrlUrl": url} | ({"reason": failure} if failure else {})
        self._say(CRL, authority, succeeded=failure is None, more=more)

    def audit_report(self, authority: Authority, report: AuditReport) -> None:
        """Say that an audit report was written, or that it failed."""
        succeeded = report.error is None
        self._say(AUDIT_REPORT, authority, report.report_id, succeeded=succeeded)

    def _say(
        self,
        what: str,
        authority: Authority,
        *about: str,
        succeeded: bool,
        more: Mapping[str, str] | None = None,
    ) -> None:
        if self._bus is None:
            return
        self._bus.put(
            "aws.acm-pca",
            what,
            account=authority.account,
            region=authority.region,
            resources=[authority.arn, *about],
            detail={"result": "success" if succeeded else "failure", **(more or {})},
        )
