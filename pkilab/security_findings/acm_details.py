"""What ASFF says of a certificate that is in ACM.

Source: AWS Security Hub API Reference, AwsCertificateManagerCertificateDetails.
"""

from __future__ import annotations

from pkilab.security_findings import formats
from pkilab.security_findings.values import Value


class ResourceRecord(Value):
    """The DNS record that validates a domain."""

    Name: formats.Text | None = None
    Type: formats.Text | None = None
    Value: formats.Text | None = None


_ResourceRecord = ResourceRecord  # the member of this name hides it


class DomainValidationOption(Value):
    """How one domain of an ACM certificate is validated."""

    DomainName: formats.Text | None = None
    ResourceRecord: _ResourceRecord | None = None
    ValidationDomain: formats.Text | None = None
    ValidationEmails: tuple[formats.Text, ...] | None = None
    ValidationMethod: formats.Text | None = None
    ValidationStatus: formats.Text | None = None


class ExtendedKeyUsage(Value):
    """A purpose; ``OId`` is the format's own spelling, and not ACM's."""

    Name: formats.Text | None = None
    OId: formats.Text | None = None


class KeyUsage(Value):
    """What a key may be used for."""

    Name: formats.Text | None = None


class CertificateOptions(Value):
    """Options of an ACM certificate."""

    CertificateTransparencyLoggingPreference: formats.Text | None = None


class RenewalSummary(Value):
    """How an ACM certificate's renewal stands."""

    DomainValidationOptions: tuple[DomainValidationOption, ...] | None = None
    RenewalStatus: formats.Text | None = None
    RenewalStatusReason: formats.Text | None = None
    UpdatedAt: formats.Timestamp | None = None


_RenewalSummary = RenewalSummary


class AwsCertificateManagerCertificate(Value):
    """A certificate that is in ACM; one that Private CA issued elsewhere has no type of its own."""

    CertificateAuthorityArn: formats.Text | None = None
    CreatedAt: formats.Timestamp | None = None
    DomainName: formats.Text | None = None
    DomainValidationOptions: tuple[DomainValidationOption, ...] | None = None
    ExtendedKeyUsages: tuple[ExtendedKeyUsage, ...] | None = None
    FailureReason: formats.Text | None = None
    ImportedAt: formats.Timestamp | None = None
    InUseBy: tuple[formats.Text, ...] | None = None
    IssuedAt: formats.Timestamp | None = None
    Issuer: formats.Text | None = None
    KeyAlgorithm: formats.Text | None = None
    KeyUsages: tuple[KeyUsage, ...] | None = None
    NotAfter: formats.Timestamp | None = None
    NotBefore: formats.Timestamp | None = None
    Options: CertificateOptions | None = None
    RenewalEligibility: formats.Text | None = None
    RenewalSummary: _RenewalSummary | None = None
    Serial: formats.Text | None = None
    SignatureAlgorithm: formats.Text | None = None
    Status: formats.Text | None = None
    Subject: formats.Text | None = None
    SubjectAlternativeNames: tuple[formats.Text, ...] | None = None
    Type: formats.Text | None = None
