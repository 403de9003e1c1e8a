"""What a private CA is made of. The state alone: rules live beside it, in files of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from cryptography import x509

from pkilab.pki.keys import PrivateKey

Status = Literal[
    "CREATING", "PENDING_CERTIFICATE", "ACTIVE", "DISABLED", "EXPIRED", "FAILED", "DELETED"
]


@dataclass(frozen=True, slots=True)
class Revocation:
    """When and why a certificate was revoked; ``reason`` is acm-pca's word (KEY_COMPROMISE ...)."""

    at: datetime
    reason: str


@dataclass(slots=True)
class Issued:
    """One certificate of a CA, from the call on."""

    arn: str
    serial: int
    template_arn: str
    issued_at: datetime
    ready_at: datetime  # GetCertificate answers RequestInProgressException before
    certificate: x509.Certificate | None  # None: issuance failed
    chain: tuple[x509.Certificate, ...]  # the CA's certificate and its chain, as of issuance
    requested_by: str | None = None  # service principal (acm.amazonaws.com); None for a person
    failure: str | None = None
    partition: str | None = None  # GUID of the CRL partition named in the certificate
    revocation: Revocation | None = None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """One audit report; FAILED after ``ready_at`` if ``error`` says why."""

    report_id: str
    bucket: str
    key: str
    created_at: datetime
    ready_at: datetime
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """What issuance needs to know of the CA's certificate, read once, when it is installed."""

    name: x509.Name
    authority_key_identifier: x509.Extension[x509.ExtensionType]
    not_after: datetime
    path_length: int | None
    name_constraints: x509.NameConstraints | None


@dataclass(slots=True)
class Authority:
    """One certificate authority."""

    arn: str
    account: str
    region: str
    kind: Literal["ROOT", "SUBORDINATE"]
    configuration: dict[str, Any]  # CertificateAuthorityConfiguration, as given
    usage_mode: Literal["GENERAL_PURPOSE", "SHORT_LIVED_CERTIFICATE"]
    key_storage: str
    created_at: datetime
    changed_at: datetime
    ready_at: datetime  # CREATING before
    key: PrivateKey = field(repr=False)
    csr: bytes  # PEM
    # PENDING_CERTIFICATE, ACTIVE, DISABLED, FAILED or DELETED; CREATING and EXPIRED follow from the
    # clock (`lifecycle.status`).
    status: Status = "PENDING_CERTIFICATE"
    revocation_configuration: dict[str, Any] = field(default_factory=dict)
    certificate: x509.Certificate | None = None
    chain: tuple[x509.Certificate, ...] = ()  # without the CA's own certificate
    issuer: Issuer | None = None  # goes with ``certificate``
    failure_reason: str | None = None  # REQUEST_TIMED_OUT, UNSUPPORTED_ALGORITHM or OTHER
    status_before_deletion: Status | None = None
    restorable_until: datetime | None = None
    tags: dict[str, str | None] = field(default_factory=dict)
    permissions: dict[str, dict[str, Any]] = field(default_factory=dict)  # by principal
    policy: str | None = None
    issued: dict[int, Issued] = field(default_factory=dict)  # by serial, in order of issuance
    revoked: dict[int, Issued] = field(default_factory=dict)  # by serial, in order of revocation
    audit_reports: dict[str, AuditReport] = field(default_factory=dict)

    @property
    def uuid(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]
