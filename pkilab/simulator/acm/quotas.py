"""How many certificates an account has at most, in one Region.

Source: ACM User Guide, Quotas.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from pkilab.simulator.acm.state import Certificates
from pkilab.simulator.service import AwsError

_YEAR = timedelta(days=365)
_TOO_MANY = (
    "You have reached the maximum number of certificates. Delete certificates that are not in use, "
    "or contact AWS Support to request an increase."
)


@dataclass(frozen=True, slots=True)
class Quotas:
    """An account's quotas; AWS raises them on request."""

    certificates: int = 2500  # public ones: requested, expired and revoked ones count
    requests: int = 5000  # of public certificates, in 365 days
    imported: int = 2500
    imports: int = 5000  # and reimports, in 365 days
    names: int = 10  # of one certificate


class Ledger:
    """What accounts have used of their quotas."""

    def __init__(self, quotas: Quotas, certificates: Certificates) -> None:
        self._quotas, self._certificates = quotas, certificates
        self._dates: dict[tuple[str, str, str], deque[datetime]] = {}

    def check_names(self, names: tuple[str, ...]) -> None:
        """Refuse a certificate of too many names.

        Raises:
            AwsError: LimitExceededException.
        """
        if len(names) > self._quotas.names:
            # Wording: hashicorp/terraform-provider-aws issue 37723.
            raise AwsError("LimitExceededException", "Certificate has too many domains.")

    def note_request(self, account: str, region: str, now: datetime) -> None:
        """Count the request of a public certificate.

        Raises:
            AwsError: LimitExceededException.
        """
        self._check_held(account, region, "AMAZON_ISSUED", self._quotas.certificates)
        self._note((account, region, "requests"), self._quotas.requests, now)

    def note_import(self, account: str, region: str, now: datetime, *, again: bool) -> None:
        """Count an import, or a reimport, which adds no certificate.

        Raises:
            AwsError: LimitExceededException.
        """
        if not again:
            self._check_held(account, region, "IMPORTED", self._quotas.imported)
        self._note((account, region, "imports"), self._quotas.imports, now)

    def _check_held(self, account: str, region: str, kind: str, most: int) -> None:
        if sum(each.type == kind for each in self._certificates.of(account, region)) >= most:
            raise AwsError("LimitExceededException", _TOO_MANY)

    def _note(self, which: tuple[str, str, str], most: int, now: datetime) -> None:
        dates = self._dates.setdefault(which, deque())
        while dates and now - dates[0] >= _YEAR:
            dates.popleft()
        if len(dates) >= most:
            # Wording: hashicorp/terraform-provider-aws issue 14025.
            message = f"Error: you have reached your limit of {most} certificates in the last year."
            raise AwsError("LimitExceededException", message)
        dates.append(now)
