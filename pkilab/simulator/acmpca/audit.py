"""Audit reports: every certificate a CA ever issued, as JSON or CSV in the caller's bucket.

Source: AWS Private CA User Guide, "Use audit reports with your private CA".
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from datetime import datetime, timedelta
from typing import Literal

from pkilab.pki.certificates import name_text, serial_hex
from pkilab.simulator.acmpca import buckets
from pkilab.simulator.acmpca.notices import Notices
from pkilab.simulator.acmpca.state import AuditReport, Authority, Issued
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import World

Format = Literal["JSON", "CSV"]
Status = Literal["CREATING", "SUCCESS", "FAILED"]

INTERVAL = timedelta(minutes=30)  # CreateCertificateAuthorityAuditReport: "one report every 30"
COLUMNS = (
    "awsAccountId", "requestedByServicePrincipal", "certificateArn", "serial", "subject",
    "notBefore", "notAfter", "issuedAt", "revokedAt", "revocationReason", "templateArn",
)  # fmt: skip
_CONTENT_TYPES: dict[Format, str] = {"JSON": "application/json", "CSV": "text/csv"}


class Auditor:
    """Makes audit reports on the world's clock.

    Args:
        world: whose clock, entropy and latency count.
        s3: where reports go.
        notices: who tells that a report was written or failed; None: nobody does.
    """

    def __init__(self, world: World, s3: S3, notices: Notices | None = None) -> None:
        self._world, self._s3, self._notices = world, s3, notices or Notices()

    def create(self, authority: Authority, bucket: str, response_format: Format) -> AuditReport:
        """Start a report; it is written after the world's latency and shows the CA of then.

        Not checked: the CA's state (`lifecycle.require` does).

        Raises:
            AwsError: RequestInProgressException, a report is being made; RequestFailedException,
                the last one is less than 30 minutes old; ResourceNotFoundException, no such bucket;
                ValidationException, its policy or settings keep the service out.
        """
        now = self._world.clock.now()
        _check_interval(authority, now)
        labels = ("acm-pca", "audit-report", authority.uuid, str(len(authority.audit_reports)))
        report_id = self._world.entropy(*labels).uuid()
        key = f"audit-report/{authority.uuid}/{report_id}.{response_format.lower()}"
        self._check_bucket(authority, bucket, key)
        report = AuditReport(report_id, bucket, key, now, now + self._world.latency)
        authority.audit_reports[report_id] = report
        self._world.clock.at(
            report.ready_at,
            lambda: self._write(authority, report, response_format),
            f"acm-pca audit report {report_id}",
        )
        return report

    def status(self, report: AuditReport) -> Status:
        """Return what DescribeCertificateAuthorityAuditReport says of a report now."""
        if self._world.clock.now() < report.ready_at:
            return "CREATING"
        return "FAILED" if report.error else "SUCCESS"

    def _write(self, authority: Authority, report: AuditReport, response_format: Format) -> None:
        now = self._world.clock.now()
        body = (
            write_json(authority, now) if response_format == "JSON" else write_csv(authority, now)
        )
        content_type = _CONTENT_TYPES[response_format]
        try:
            self._check_bucket(authority, report.bucket, report.key)
        except AwsError as error:
            report = dataclasses.replace(report, error=error.message)
            authority.audit_reports[report.report_id] = report
        else:
            acl: Literal["bucket-owner-full-control"] = "bucket-owner-full-control"
            self._s3.put(report.bucket, report.key, body, content_type=content_type, acl=acl)
        self._notices.audit_report(authority, report)

    def _check_bucket(self, authority: Authority, name: str, key: str) -> None:
        bucket = buckets.check(
            self._s3,
            name,
            key,
            authority,
            "bucket-owner-full-control",
            refusal_code="ValidationException",
        )
        if bucket.object_lock:
            raise buckets.refusal(name)


def _check_interval(authority: Authority, now: datetime) -> None:
    last = next(reversed(authority.audit_reports.values()), None)
    if last is None or now >= last.created_at + INTERVAL:
        return
    if now < last.ready_at:
        message = f"An audit report of {authority.arn} is already being created."
        raise AwsError("RequestInProgressException", message)
    message = "You can generate a maximum of one audit report every 30 minutes."
    raise AwsError("RequestFailedException", message)


def write_json(authority: Authority, now: datetime) -> bytes:
    """Write the report as a JSON array in order of issuance; empty members are left out."""
    rows = [
        {name: value for name, value in row.items() if value is not None}
        for row in _rows(authority, now)
    ]
    return (json.dumps(rows, indent=2, ensure_ascii=False) + "\n").encode()


def write_csv(authority: Authority, now: datetime) -> bytes:
    """Write the report as CSV with a header line, in order of issuance."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(authority, now))
    return text.getvalue().encode()


def _rows(authority: Authority, now: datetime) -> list[dict[str, str | None]]:
    """Return a row for each certificate that was issued by now; failed requests have none."""
    return [
        _row(authority, issued) for issued in authority.issued.values() if issued.ready_at <= now
        and issued.certificate is not None
    ]  # fmt: skip


def _row(authority: Authority, issued: Issued) -> dict[str, str | None]:
    certificate, revocation = issued.certificate, issued.revocation
    assert certificate is not None  # noqa: S101 - _rows left the others out
    values = (
        authority.account,
        issued.requested_by,
        issued.arn,
        serial_hex(issued.serial),
        name_text(certificate, "subject"),
        _time(certificate.not_valid_before_utc),
        _time(certificate.not_valid_after_utc),
        _time(issued.issued_at),
        _time(revocation.at) if revocation else None,
        revocation.reason if revocation else None,
        issued.template_arn,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")
