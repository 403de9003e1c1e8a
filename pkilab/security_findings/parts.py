"""The parts of a finding, named as the AWS Security Finding Format names them.

Source: AWS Security Hub API Reference, AwsSecurityFinding and what it is made of.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, Strict, model_validator

from pkilab.errors import MalformedError
from pkilab.security_findings import acm_details, formats, severities
from pkilab.security_findings.values import Value


class Severity(Value):
    """How bad it is. `Label` is today's word; `Normalized` and `Product` are older numbers."""

    Label: severities.Label | None = None
    Original: formats.Text64 | None = None
    Normalized: formats.Ratio | None = None
    Product: float | None = None


class Recommendation(Value):
    """What to do about it."""

    Text: formats.Text512 | None = None
    Url: formats.Text | None = None


_Recommendation = Recommendation  # the member of this name hides it


class Remediation(Value):
    """A recommendation's place."""

    Recommendation: _Recommendation | None = None


class ResourceDetails(Value):
    """More about a resource; details of other AWS types are kept as they are."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="allow")

    Other: formats.OtherDetails | None = None
    AwsCertificateManagerCertificate: acm_details.AwsCertificateManagerCertificate | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.model_extra or {}:
            if not re.fullmatch(r"Aws[A-Z]\w+|Container|CodeRepository", name):
                raise MalformedError("Details", found=name, expected="an ASFF resource type")
        return self


class Resource(Value):
    """What a finding is about. ``Type`` is one of ASFF's, or ``Other``."""

    Type: formats.Text256
    Id: formats.Text
    Partition: (
        Literal["aws", "aws-cn", "aws-us-gov", "aws-us-iso", "aws-us-iso-b", "AzureCloud"] | None
    ) = None
    Region: formats.Text16 | None = None
    Provider: Literal["Azure", "AWS", "GCP"] | None = None
    Owner: dict[str, JsonValue] | None = None
    ResourceRole: formats.Text | None = None
    Tags: dict[formats.Text, Annotated[str, Strict()]] | None = None
    DataClassification: dict[str, JsonValue] | None = None
    Details: ResourceDetails | None = None
    ApplicationName: formats.Text | None = None
    ApplicationArn: formats.Text | None = None


class RelatedFinding(Value):
    """Another finding."""

    ProductArn: formats.Arn
    Id: formats.Text512


class Note(Value):
    """What the customer wrote; of a provider it counts only when the finding is new."""

    Text: formats.Text512
    UpdatedBy: formats.Text512
    UpdatedAt: formats.Timestamp


class Workflow(Value):
    """How far the customer's investigation is."""

    Status: Literal["NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"] | None = None


class StatusReason(Value):
    """Why a control has its status."""

    ReasonCode: formats.Text
    Description: formats.Text | None = None


class AssociatedStandard(Value):
    """A standard that a control belongs to."""

    StandardsId: formats.Text | None = None


class Compliance(Value):
    """What a check of a control found."""

    Status: Literal["PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"] | None = None
    RelatedRequirements: Annotated[tuple[formats.Text, ...], Field(max_length=32)] | None = None
    StatusReasons: tuple[StatusReason, ...] | None = None
    SecurityControlId: formats.Text | None = None
    AssociatedStandards: tuple[AssociatedStandard, ...] | None = None
    SecurityControlParameters: tuple[dict[str, JsonValue], ...] | None = None


class ProviderSeverity(Value):
    """A provider's own word on severity."""

    Label: severities.Label | None = None
    Original: formats.Text64 | None = None


class FindingProviderFields(Value):
    """What the provider said, whatever the customer changed since."""

    Confidence: formats.Ratio | None = None
    Criticality: formats.Ratio | None = None
    RelatedFindings: Annotated[tuple[RelatedFinding, ...], Field(max_length=10)] | None = None
    Severity: ProviderSeverity | None = None
    Types: formats.Types | None = None
