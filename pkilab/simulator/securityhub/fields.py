"""Where in a finding stands what filters, sort criteria and insights name.

Source: Security Hub CSPM API Reference, AwsSecurityFindingFilters.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, StructureShape

from pkilab.simulator.service import service_model

Json = dict[str, Any]
_PATHS = {
    "Type": "Types",
    "RecommendationText": "Remediation.Recommendation.Text",
    "ResourceDetailsOther": "Resources.Details.Other",
    "ResourceOwnerAccountId": "Resources.Owner.Account.Id",
    "ResourceOwnerOrgId": "Resources.Owner.Org.Id",
    "ComplianceAssociatedStandardsId": "Compliance.AssociatedStandards.StandardsId",
    "Keyword": "",  # the whole finding
}
# What names of filters begin with, and where it stands; the longest that fits counts.
_PREFIXES = {
    "ComplianceSecurityControlParameters": "Compliance.SecurityControlParameters.",
    "Compliance": "Compliance.",
    "FindingProviderFieldsRelatedFindings": "FindingProviderFields.RelatedFindings.",
    "FindingProviderFieldsSeverity": "FindingProviderFields.Severity.",
    "FindingProviderFields": "FindingProviderFields.",
    "Malware": "Malware.",
    "Network": "Network.",
    "Note": "Note.",
    "Process": "Process.",
    "RelatedFindings": "RelatedFindings.",
    "ResourceAwsEc2Instance": "Resources.Details.AwsEc2Instance.",
    "ResourceAwsIamAccessKey": "Resources.Details.AwsIamAccessKey.",
    "ResourceAwsIamUser": "Resources.Details.AwsIamUser.",
    "ResourceAwsS3Bucket": "Resources.Details.AwsS3Bucket.",
    "ResourceContainer": "Resources.Details.Container.",
    "Resource": "Resources.",
    "Severity": "Severity.",
    "ThreatIntelIndicator": "ThreatIntelIndicators.",
    "Vulnerabilities": "Vulnerabilities.",
    "Workflow": "Workflow.",
}


@functools.cache
def path(name: str) -> tuple[str, ...]:
    """Return the members that lead to what a filter's name means, through lists and structures."""
    if name in _PATHS:
        return tuple(filter(None, _PATHS[name].split(".")))
    if name in finding_members():
        return (name,)
    prefix = max((each for each in _PREFIXES if name.startswith(each)), key=len)
    return (*_PREFIXES[prefix].split(".")[:-1], name.removeprefix(prefix))


@functools.cache
def finding_members() -> frozenset[str]:
    """Return the top-level members of a finding."""
    shape = service_model("securityhub").shape_for("AwsSecurityFinding")
    assert isinstance(shape, StructureShape)  # noqa: S101 - it is in the model
    return frozenset(shape.members)


@functools.cache
def kinds(shape_name: str = "AwsSecurityFindingFilters") -> dict[str, str]:
    """Return the names of filters, and what kind each is, such as ``StringFilter``."""
    shape = service_model("securityhub").shape_for(shape_name)
    assert isinstance(shape, StructureShape)  # noqa: S101 - it is in the model
    found = {}
    for name, member in shape.members.items():
        assert isinstance(member, ListShape)  # noqa: S101 - a filter is a list of alternatives
        found[name] = member.member.name
    return found


def values(finding: Json, steps: tuple[str, ...]) -> list[Any]:
    """Return every value that a path leads to; maps are values."""
    found: list[Any] = [finding]
    for step in steps:
        reached: list[Any] = []
        for each in found:
            value = each.get(step)
            if isinstance(value, list):
                reached.extend(value)
            elif value is not None:
                reached.append(value)
        found = reached
    return found


def texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a finding
    """Yield every text in a finding, keys of maps aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
