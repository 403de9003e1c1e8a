"""What becomes of a finding that its provider sends: created, or an update of what is there.

The provider has the finding, except for what customers do with it: after creation Note,
UserDefinedFields, VerificationState and Workflow are theirs, and so is what they have changed of
Confidence, Criticality, RelatedFindings, Severity and Types. What the provider says of those five
is in FindingProviderFields in any case.

Sources: Security Hub CSPM User Guide, "BatchImportFindings for finding providers", "Setting the
workflow status of findings"; for what the service fills in, findings as it gives them out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pkilab.simulator.securityhub import products, severity
from pkilab.simulator.securityhub.moments import written

Json = dict[str, Any]
SHARED = ("Confidence", "Criticality", "RelatedFindings", "Severity", "Types")
_CUSTOMERS = ("Note", "UserDefinedFields", "VerificationState", "Workflow")
_REOPENED = {"NOTIFIED", "RESOLVED"}


def created(finding: Json, *, region: str, account_name: str, now: datetime) -> Json:
    """Return a new finding, with what the service fills in.

    Args:
        finding: as the provider sent it, valid; not changed.
        region: where it came in.
        account_name: of the account that it is in; "": it has none.
        now: the time.
    """
    found = _filled_in(finding, region, account_name, now)
    provider, given = {}, finding.get("FindingProviderFields", {})
    for name in SHARED:
        # What is in FindingProviderFields wins for both.
        if name in given:
            provider[name] = given[name]
            found[name] = _for_top(name, given[name], finding)
        elif name in finding:
            provider[name] = _for_provider(name, finding[name])
    return _finished(found, provider)


def updated(
    finding: Json,
    before: Json,
    customers: frozenset[str],
    *,
    region: str,
    account_name: str,
    now: datetime,
) -> Json:
    """Return what an update makes of a finding.

    Args:
        finding: as the provider sent it, valid; not changed.
        before: the finding as it is.
        customers: which of the five shared members a customer has set.
        region: where it came in.
        account_name: of the account that it is in; "": it has none.
        now: the time.
    """
    found = _filled_in(finding, region, account_name, now)
    provider, given = {}, finding.get("FindingProviderFields", {})
    for name in SHARED:
        if name in given:
            provider[name] = given[name]
        elif name in finding:
            provider[name] = _for_provider(name, finding[name])
        if name in customers:
            found.pop(name, None)
            if name in before:
                found[name] = before[name]
        elif name in given and name not in finding:
            found[name] = _for_top(name, given[name], finding)
    for name in _CUSTOMERS:
        found.pop(name, None)
        if name in before:
            found[name] = before[name]
    if _reopens(before, found) and before["Workflow"]["Status"] in _REOPENED:
        found["Workflow"] = {"Status": "NEW"}
    return _finished(found, provider)


def _filled_in(finding: Json, region: str, account_name: str, now: datetime) -> Json:
    """Return a copy with what the service says itself, or where the provider says nothing."""
    found: Json = {
        "ProductName": products.PRODUCT,
        "CompanyName": products.COMPANY,
        "RecordState": "ACTIVE",
        **finding,
        "Region": region,
        "ProcessedAt": written(now),
        **dict(products.names(finding["ProductArn"], region)),
    }
    found.pop("AwsAccountName", None)
    if account_name:
        found["AwsAccountName"] = account_name
    found["Resources"] = [{"Partition": "aws", **each} for each in finding["Resources"]]
    found["ProductFields"] = {
        **finding.get("ProductFields", {}),
        "aws/securityhub/FindingId": f"{finding['ProductArn']}/{finding['Id']}",
        "aws/securityhub/ProductName": found["ProductName"],
        "aws/securityhub/CompanyName": found["CompanyName"],
    }
    return found


def _finished(found: Json, provider: Json) -> Json:
    if "Severity" in found:
        found["Severity"] = severity.complete(found["Severity"])
    found.setdefault("WorkflowState", "NEW")
    found["Workflow"] = {"Status": "NEW", **found.get("Workflow", {})}
    found["FindingProviderFields"] = provider
    return found


def _for_top(name: str, value: Any, finding: Json) -> Any:  # noqa: ANN401 - by the member
    if name == "Severity":
        return severity.from_provider(value, finding.get("Severity"))
    return value


def _for_provider(name: str, value: Any) -> Any:  # noqa: ANN401 - by the member
    return severity.of_provider(value) if name == "Severity" else value


def _reopens(before: Json, after: Json) -> bool:
    """Say whether an update makes somebody look at a finding again."""
    if (before["RecordState"], after["RecordState"]) == ("ARCHIVED", "ACTIVE"):
        return True
    was = before.get("Compliance", {}).get("Status")
    now = after.get("Compliance", {}).get("Status")
    return was == "PASSED" and now in {"WARNING", "FAILED", "NOT_AVAILABLE"}
