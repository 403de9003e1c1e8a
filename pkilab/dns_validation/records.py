"""Validation records: what ACM wants to see in DNS before it issues, and waiting for it.

ACM names one CNAME record per domain name; a wildcard and the name below which it stands share
one, since the token belongs to an account and a domain. The functions take boto3 clients and do the
same on a simulated and on a real account.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkilab.errors import LabError, MalformedError
from pkilab.waiting import until

if TYPE_CHECKING:
    from mypy_boto3_acm import ACMClient
    from mypy_boto3_acm.type_defs import CertificateDetailTypeDef

_COLUMNS = ("Domain Name", "Record Name", "Record Type", "Record Value")
_POLL, _NAMED = timedelta(seconds=5), timedelta(minutes=1)
_ISSUE_POLL, _ISSUE_SECONDS = timedelta(minutes=1), 3600.0
_CNAME = "CNAME"


@dataclass(frozen=True, slots=True)
class ValidationRecord:
    """A CNAME record that proves control of its domains.

    Attributes:
        domains: the names in the certificate that it stands for, as requested.
        name: where it belongs, with a final dot.
        value: what it must lead to, with a final dot.
    """

    domains: tuple[str, ...]
    name: str
    value: str

    @property
    def domain(self) -> str:
        """The domain it proves, without a wildcard's asterisk."""
        return self.domains[0].removeprefix("*.")


@dataclass(frozen=True, slots=True)
class ValidationRecords:
    """The records of one certificate or more, each once; iterable."""

    records: tuple[ValidationRecord, ...]

    def __iter__(self) -> Iterator[ValidationRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def to_csv(self) -> str:
        """Return what ACM's console exports as DNS_Configuration.csv: one line per domain name."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        for record in self.records:
            writer.writerows(
                (domain, record.name, _CNAME, record.value) for domain in record.domains
            )
        return text.getvalue()

    def write(self, path: Path) -> None:
        """Write `to_csv` to a file."""
        path.write_text(self.to_csv(), encoding="utf-8", newline="")

    @classmethod
    def from_csv(cls, text: str) -> ValidationRecords:
        """Read what the console, or `to_csv`, exported.

        Raises:
            MalformedError: it is not that file.
        """
        try:
            head, *lines = [
                row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row
            ]
        except (ValueError, csv.Error) as error:
            raise MalformedError(
                "DNS configuration", found=f"no CSV ({error})", expected=",".join(_COLUMNS)
            ) from error
        if tuple(head) != _COLUMNS:
            raise MalformedError(
                "DNS configuration", found=",".join(head), expected=",".join(_COLUMNS)
            )
        for number, row in enumerate(lines, start=2):
            if len(row) != len(_COLUMNS) or row[2] != _CNAME or not all(row):
                expected = "a domain, a name, CNAME and a value"
                raise MalformedError(
                    f"DNS configuration, line {number}", found=repr(row), expected=expected
                )
        return cls.merged((domain, name, value) for domain, name, _, value in lines)

    @classmethod
    def merged(cls, rows: Iterable[tuple[str, str, str]]) -> ValidationRecords:
        """Put ``(domain, record name, value)`` together: each record once, in order."""
        held: dict[tuple[str, str], list[str]] = {}
        for domain, name, value in rows:
            domains = held.setdefault((name, value), [])
            if domain not in domains:
                domains.append(domain)
        return cls(tuple(ValidationRecord(tuple(d), *key) for key, d in held.items()))


def request(
    acm: ACMClient,
    names: str | Sequence[str],
    *,
    key_algorithm: str = "EC_prime256v1",
    sleep: Callable[[float], None] = time.sleep,
    **options: Any,  # noqa: ANN401 - passed on to RequestCertificate
) -> str:
    """Request a certificate that is validated by DNS, wait until its records are named; its ARN.

    ACM answers at once, and names the records some seconds later.

    Args:
        acm: client of the Region where the certificate is to be.
        names: the domain names, the common name first.
        key_algorithm: as ACM has them.
        sleep: how to wait.
        options: more arguments of RequestCertificate, such as ``Options``.

    Raises:
        LabError: ACM named no records within a minute.
    """
    first, *others = [names] if isinstance(names, str) else names
    if others:
        options["SubjectAlternativeNames"] = others
    arn = acm.request_certificate(
        DomainName=first,
        ValidationMethod="DNS",
        KeyAlgorithm=key_algorithm,  # type: ignore[arg-type]  # ACM's own words
        **options,
    )["CertificateArn"]
    until(
        lambda: not _is_unnamed(describe(acm, arn)),
        what=f"the validation records of {arn}",
        at_most=_NAMED,
        every=_POLL,
        sleep=sleep,
        found=lambda: "found no CNAME",
    )
    return arn


def records(acm: ACMClient, *arns: str) -> ValidationRecords:
    """Return the records that certificates are, or will be, validated by.

    Names validated by e-mail have none.
    """
    rows = (
        (option["DomainName"], option["ResourceRecord"]["Name"], option["ResourceRecord"]["Value"])
        for arn in arns
        for option in describe(acm, arn).get("DomainValidationOptions", [])
        if "ResourceRecord" in option
    )
    return ValidationRecords.merged(rows)


def wait_issued(
    acm: ACMClient,
    arn: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    limit: float = _ISSUE_SECONDS,
) -> None:
    """Wait until a certificate is issued.

    ACM goes on looking for 72 hours; what takes longer than minutes is seldom right, and
    `pkilab.dns_validation.diagnose` says what is not.

    Raises:
        LabError: it failed, timed out, or is still pending after ``limit`` seconds.
    """

    def issued() -> bool:
        described = describe(acm, arn)
        status = described["Status"]
        if status not in {"ISSUED", "PENDING_VALIDATION"}:
            why = f" ({reason})" if (reason := described.get("FailureReason")) else ""
            raise LabError(f"{arn}: found {status}{why}, expected ISSUED; diagnose says why")
        return status == "ISSUED"

    until(
        issued,
        what=f"{arn} to be issued",
        at_most=timedelta(seconds=limit),
        every=_ISSUE_POLL,
        sleep=sleep,
        found=lambda: "found PENDING_VALIDATION; diagnose says why",
    )


@dataclass(frozen=True, slots=True)
class Renewal:
    """How a certificate stands towards its renewal.

    Attributes:
        status: of the certificate.
        eligibility: whether ACM will renew it; only what is in use or was exported is.
        in_use_by: ARNs of what uses it.
        not_after: when what is there now ends; None: nothing was issued yet.
        renewal: the renewal's own status; None: no renewal has begun.
        reason: why it failed.
        domains: each name and how its validation for the renewal stands.
    """

    status: str
    eligibility: str
    in_use_by: tuple[str, ...]
    not_after: datetime | None
    renewal: str | None
    reason: str | None
    domains: tuple[str, ...]


def renewal(acm: ACMClient, arn: str) -> Renewal:
    """Say how a certificate stands towards its renewal."""
    described = describe(acm, arn)
    summary: Any = described.get("RenewalSummary", {})
    domains = [
        f"{option['DomainName']}: {option.get('ValidationStatus', 'PENDING_VALIDATION')}"
        for option in summary.get("DomainValidationOptions", [])
    ]
    return Renewal(
        described["Status"],
        described.get("RenewalEligibility", "INELIGIBLE"),
        tuple(described.get("InUseBy", [])),
        described.get("NotAfter"),
        summary.get("RenewalStatus"),
        summary.get("RenewalStatusReason"),
        tuple(domains),
    )


def describe(acm: ACMClient, arn: str) -> CertificateDetailTypeDef:
    """Return what ACM knows about a certificate."""
    return acm.describe_certificate(CertificateArn=arn)["Certificate"]


def _is_unnamed(described: CertificateDetailTypeDef) -> bool:
    """Whether records are still to be named; not, if the request has failed already."""
    options = described.get("DomainValidationOptions", [])
    named = bool(options) and all("ResourceRecord" in option for option in options)
    return not named and described["Status"] == "PENDING_VALIDATION"
