"""What ACM keeps of a certificate. The state alone: rules live beside it, in files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from cryptography import x509

from pkilab.pki.keys import PrivateKey
from pkilab.simulator.acm.rules import Method
from pkilab.simulator.world import Job

Type = Literal["IMPORTED", "AMAZON_ISSUED", "PRIVATE"]
Switch = Literal["ENABLED", "DISABLED"]


@dataclass
class Validation:
    """One name's validation: by the CNAME that proves control of it, or by mail.

    A private certificate's names need none; they carry the method that was asked for.
    """

    domain: str
    record_name: str = ""
    record_value: str = ""
    status: str = "PENDING_VALIDATION"
    method: Method = "DNS"
    validation_domain: str = ""  # empty: the name itself
    emails: tuple[str, ...] = ()


@dataclass
class Renewal:
    """Where the renewal of a certificate stands, once it began."""

    status: Literal["PENDING_AUTO_RENEWAL", "PENDING_VALIDATION", "SUCCESS", "FAILED"]
    updated: datetime
    validations: tuple[Validation, ...]
    reason: str | None = None


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
    method: Method | None = None  # as requested
    ready_at: datetime | None = None  # before, the validation records are not named yet
    authority: str | None = None  # ARN of the private CA
    transparency: Switch = "ENABLED"
    export: Switch = "DISABLED"
    issues: int = 0  # how often it was issued
    exports: int = 0
    exported_since: bool = False  # since it was issued or renewed last
    failure: str | None = None
    renewal: Renewal | None = None
    renewal_time: timedelta = timedelta(0)  # how long before its end it is renewed
    revoked: datetime | None = None
    revocation_reason: str | None = None
    next_day: Job | None = field(default=None, repr=False)  # what falls due next in its life
    deleted: bool = False

    @property
    def end(self) -> datetime | None:
        """When its time is over; None: it was not issued."""
        return self.certificate.not_valid_after_utc if self.certificate else None

    @property
    def common_name(self) -> str | None:
        """The subject's common name, or the first name it is for."""
        oid = x509.NameOID.COMMON_NAME
        held = self.certificate.subject.get_attributes_for_oid(oid) if self.certificate else []
        return str(held[0].value) if held else next(iter(self.names), None)

    @property
    def key_origin(self) -> str:
        """Whose key pair it is, in ACM's words."""
        return "CUSTOMER_PROVIDED" if self.type == "IMPORTED" else "AWS_MANAGED"

    def status_at(self, now: datetime) -> str:
        """Return the state that ACM shows: what was issued and is over is EXPIRED."""
        over = self.end is not None and now > self.end and self.status == "ISSUED"
        return "EXPIRED" if over else self.status

    def is_renewable(self, now: datetime) -> bool:
        """Whether managed renewal takes care of it: it is ACM's, valid, and in use or exported."""
        needed = bool(self.in_use_by) or self.exported_since
        valid = self.status_at(now) == "ISSUED" and not self.deleted
        return self.type != "IMPORTED" and needed and valid


class Certificates:
    """Every certificate of the world, of every account and Region."""

    def __init__(self) -> None:
        self._by_arn: dict[str, AcmCertificate] = {}
        self._by_place: dict[tuple[str, str], dict[str, AcmCertificate]] = {}

    def find(self, arn: str) -> AcmCertificate | None:
        """Return a certificate by its ARN."""
        return self._by_arn.get(arn)

    def add(self, certificate: AcmCertificate) -> None:
        """Keep a certificate."""
        self._by_arn[certificate.arn] = certificate
        place = (certificate.account, certificate.region)
        self._by_place.setdefault(place, {})[certificate.arn] = certificate

    def remove(self, arn: str) -> None:
        """Forget a certificate, and what was to be done for it."""
        gone = self._by_arn.pop(arn)
        gone.deleted = True  # work that is under way for it comes to nothing
        del self._by_place[gone.account, gone.region][arn]
        if gone.next_day:
            gone.next_day.cancel()

    def of(self, account: str, region: str) -> Iterator[AcmCertificate]:
        """Yield an account's certificates of one Region, oldest first."""
        yield from self._by_place.get((account, region), {}).values()
