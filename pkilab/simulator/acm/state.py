"""What ACM keeps of a certificate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cryptography import x509

from pkilab.pki.keys import PrivateKey

Type = Literal["IMPORTED", "AMAZON_ISSUED"]


@dataclass
class Validation:
    """One name's validation by DNS: the CNAME that proves control of it."""

    domain: str
    record_name: str
    record_value: str
    status: str = "PENDING_VALIDATION"


@dataclass
class AcmCertificate:
    """A certificate in ACM, issued or not yet.

    ``names`` are the subject alternative names, lower case, the domain name first.
    """

    arn: str
    account: str
    region: str
    type: Type
    status: str
    names: tuple[str, ...]
    key_algorithm: str
    created: datetime
    certificate: x509.Certificate | None = None
    chain: tuple[x509.Certificate, ...] = ()
    key: PrivateKey | None = field(default=None, repr=False)
    issued: datetime | None = None
    imported: datetime | None = None
    validations: tuple[Validation, ...] = ()
    tags: dict[str, str | None] = field(default_factory=dict)
    in_use_by: set[str] = field(default_factory=set)


class Certificates:
    """Every certificate of the world, of every account and Region."""

    def __init__(self) -> None:
        self._by_arn: dict[str, AcmCertificate] = {}

    def find(self, arn: str) -> AcmCertificate | None:
        """Return a certificate by its ARN."""
        return self._by_arn.get(arn)

    def add(self, certificate: AcmCertificate) -> None:
        """Keep a certificate."""
        self._by_arn[certificate.arn] = certificate

    def remove(self, arn: str) -> None:
        """Forget a certificate."""
        del self._by_arn[arn]

    def of(self, account: str, region: str) -> Iterator[AcmCertificate]:
        """Yield an account's certificates of one Region, oldest first."""
        for each in self._by_arn.values():
            if (each.account, each.region) == (account, region):
                yield each
