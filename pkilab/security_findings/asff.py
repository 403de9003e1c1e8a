"""A finding in the AWS Security Finding Format, as a frozen value.

What AWS documents as a limit is a limit here, so a finding that can be made can be imported, as far
as that shows in itself: `pkilab.security_findings.importing` looks at its size. Members that are
not needed here (``Network``, ``Malware``, details of other resource types ...) are kept as they are
and not looked into.

Not checked: whether Security Hub is enabled, whose the account is, and whether an earlier import
has the same ``Id``.

Source: AWS Security Hub API Reference, AwsSecurityFinding; User Guide, "AWS Security Finding Format
(ASFF)" and "Quotas".
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, Strict, ValidationError, model_validator

from pkilab.errors import MalformedError
from pkilab.security_findings import formats, parts, severities
from pkilab.security_findings.values import Value, malformed

Json = dict[str, Any]

_DEFAULT_PRODUCT = re.compile(r"arn:[\w-]+:securityhub:[\w-]+:(\d{12}):product/(\d{12})/default")


class Finding(Value):
    """AwsSecurityFinding. `Finding.parse` reads one's own, `read` anybody's, `asff` writes it."""

    SchemaVersion: Literal["2018-10-08"] = "2018-10-08"
    Id: formats.Text512
    ProductArn: formats.Arn
    ProductName: formats.Text128 | None = None
    CompanyName: formats.Text128 | None = None
    Region: formats.Text16 | None = None
    GeneratorId: formats.Text512
    AwsAccountId: formats.Account
    AwsAccountName: formats.Text50 | None = None
    Types: formats.Types | None = None
    FirstObservedAt: formats.Timestamp | None = None
    LastObservedAt: formats.Timestamp | None = None
    CreatedAt: formats.Timestamp
    UpdatedAt: formats.Timestamp
    ProcessedAt: formats.Timestamp | None = None
    Severity: parts.Severity
    Confidence: formats.Ratio | None = None
    Criticality: formats.Ratio | None = None
    Title: formats.Text256
    Description: formats.Text1024
    Remediation: parts.Remediation | None = None
    SourceUrl: formats.Text | None = None
    ProductFields: formats.ProductFields | None = None
    UserDefinedFields: formats.UserDefinedFields | None = None
    Resources: Annotated[tuple[parts.Resource, ...], Field(min_length=1, max_length=32)]
    Compliance: parts.Compliance | None = None
    VerificationState: (
        Literal["UNKNOWN", "TRUE_POSITIVE", "FALSE_POSITIVE", "BENIGN_POSITIVE"] | None
    ) = None
    WorkflowState: Literal["NEW", "ASSIGNED", "IN_PROGRESS", "DEFERRED", "RESOLVED"] | None = None
    Workflow: parts.Workflow | None = None
    RecordState: Literal["ACTIVE", "ARCHIVED"] | None = None
    RelatedFindings: (
        Annotated[tuple[parts.RelatedFinding, ...], Field(min_length=1, max_length=10)] | None
    ) = None
    Note: parts.Note | None = None
    FindingProviderFields: parts.FindingProviderFields | None = None
    Sample: Annotated[bool, Strict()] | None = None
    # Kept as they are.
    Action: dict[str, JsonValue] | None = None
    Detection: dict[str, JsonValue] | None = None
    GeneratorDetails: dict[str, JsonValue] | None = None
    Malware: Annotated[tuple[JsonValue, ...], Field(max_length=5)] | None = None
    Network: dict[str, JsonValue] | None = None
    NetworkPath: tuple[JsonValue, ...] | None = None
    PatchSummary: dict[str, JsonValue] | None = None
    Process: dict[str, JsonValue] | None = None
    ThreatIntelIndicators: (
        Annotated[tuple[JsonValue, ...], Field(min_length=1, max_length=5)] | None
    ) = None
    Threats: Annotated[tuple[JsonValue, ...], Field(min_length=1, max_length=32)] | None = None
    Vulnerabilities: tuple[JsonValue, ...] | None = None

    @classmethod
    def parse(cls, finding: object) -> Finding:
        """Read a finding that is to be imported.

        Raises:
            MalformedError: it is no finding in the format, or has a type that is not in the
                taxonomy; every reason is named.
        """
        return cls._read(finding, None)

    @classmethod
    def read(cls, finding: object) -> Finding:
        """Read anybody's finding, as Security Hub gives it: it takes types of any name.

        Raises:
            MalformedError: it is no finding in the format; every reason is named.
        """
        return cls._read(finding, formats.ANYBODYS)

    @classmethod
    def _read(cls, finding: object, context: str | None) -> Finding:
        try:
            return cls.model_validate(finding, context=context)
        except ValidationError as error:
            number = finding.get("Id") if isinstance(finding, dict) else None
            raise malformed("Finding", number, error) from None

    def asff(self) -> Json:
        """Return it as BatchImportFindings takes it: what is None is left out."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def label(self) -> severities.Label:
        """The severity's label, that of ``Normalized`` if only that is given."""
        return self.Severity.Label or severities.label_of(self.Severity.Normalized or 0)

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.Severity.Label is None and self.Severity.Normalized is None:
            raise MalformedError("Severity", found="neither", expected="Label, or Normalized")
        if formats.moment(self.UpdatedAt) < formats.moment(self.CreatedAt):
            raise MalformedError(
                "UpdatedAt", found=self.UpdatedAt, expected=f"{self.CreatedAt} (CreatedAt) or later"
            )
        product = _DEFAULT_PRODUCT.fullmatch(self.ProductArn)
        if product and set(product.groups()) != {self.AwsAccountId}:
            expected = f"the account {self.AwsAccountId} of AwsAccountId in both places"
            raise MalformedError("ProductArn", found=self.ProductArn, expected=expected)
        return self


def product_arn(region: str, account: str, partition: str = "aws") -> str:
    """Return the product of a custom integration, there once Security Hub is enabled."""
    return f"arn:{partition}:securityhub:{region}:{account}:product/{account}/default"
