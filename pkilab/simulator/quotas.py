"""How many requests a second a service takes; asked only where a world enforces quotas.

Each operation of an account and Region has a bucket of tokens, filled at the quota's rate by the
world's clock. How much a bucket holds is not published for most: a second's worth is the likeliest
reading.

Sources: AWS General Reference, "AWS Private Certificate Authority endpoints and quotas"; Security
Hub User Guide, "Quotas".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pkilab.simulator.service import AwsError, Call
from pkilab.simulator.world import Throttle


@dataclass(frozen=True, slots=True)
class Quota:
    """A request rate.

    Attributes:
        per_second: requests, in the long run.
        burst: requests at once.
    """

    per_second: float
    burst: float


def _steady(per_second: int) -> Quota:
    return Quota(per_second, per_second)


_PRIVATE_CA = {
    1: "CreateCertificateAuthority CreateCertificateAuthorityAuditReport CreatePermission "
    "DeletePermission",
    5: "DeletePolicy GetPolicy ListPermissions PutPolicy",
    10: "DeleteCertificateAuthority GetCertificateAuthorityCsr "
    "ImportCertificateAuthorityCertificate TagCertificateAuthority UntagCertificateAuthority "
    "UpdateCertificateAuthority",
    20: "DescribeCertificateAuthority DescribeCertificateAuthorityAuditReport "
    "GetCertificateAuthorityCertificate ListCertificateAuthorities ListTags "
    "RestoreCertificateAuthority RevokeCertificate",
    25: "IssueCertificate",
    75: "GetCertificate",
}
QUOTAS: Mapping[tuple[str, str], Quota] = {
    **{
        ("acm-pca", operation): _steady(rate)
        for rate, operations in _PRIVATE_CA.items()
        for operation in operations.split()
    },
    ("securityhub", "BatchImportFindings"): Quota(10, 30),
    ("securityhub", "GetFindings"): Quota(3, 6),
}
# In the words of each service.
_REFUSALS = {
    "acm-pca": ("ThrottlingException", "Rate exceeded", 400),
    "securityhub": ("TooManyRequestsException", "Too Many Requests", 429),
}


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: datetime


class Quotas(Throttle):
    """The buckets of a world.

    Args:
        quotas: by service and operation; what is not among them has no limit here.
    """

    def __init__(self, quotas: Mapping[tuple[str, str], Quota] = QUOTAS) -> None:
        self._quotas = quotas
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def admit(self, service: str, operation: str, call: Call) -> None:
        """Take a token.

        Raises:
            AwsError: there is none: the service's throttling error.
        """
        quota = self._quotas.get((service, operation))
        if quota is None or call.identity is None:  # services have limits of their own
            return
        key = (service, operation, call.account, call.region)
        bucket = self._buckets.setdefault(key, _Bucket(quota.burst, call.now))
        passed = (call.now - bucket.filled).total_seconds()
        bucket.tokens = min(quota.burst, bucket.tokens + passed * quota.per_second)
        bucket.filled = call.now
        if bucket.tokens < 1:
            code, message, status = _REFUSALS[service]
            raise AwsError(code, message, status)
        bucket.tokens -= 1
