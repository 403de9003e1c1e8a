"""The same finding in the Open Cybersecurity Schema Framework, which today's Security Hub speaks.

A Detection Finding (class 2004). It cannot be imported there: the new Security Hub has no operation
for findings of one's own, and takes those of Security Hub CSPM, which is where ASFF goes.

Source: OCSF 1.5.0, https://schema.ocsf.io/1.5.0/classes/detection_finding, profiles ``cloud`` and
``datetime``; ASFF's members are where AWS's own mapping has them as far as that is published.
"""

from __future__ import annotations

from datetime import datetime

from pkilab.security_findings.asff import Finding, Json
from pkilab.security_findings.formats import moment
from pkilab.security_findings.parts import Resource
from pkilab.security_findings.severities import Label

VERSION = "1.5.0"
_CATEGORY, _CLASS = 2, 2004
_CREATE, _UPDATE, _CLOSE = 1, 2, 3
_ACTIVITIES = {_CREATE: "Create", _UPDATE: "Update", _CLOSE: "Close"}
_SEVERITIES: dict[Label, tuple[int, str]] = {
    "INFORMATIONAL": (1, "Informational"),
    "LOW": (2, "Low"),
    "MEDIUM": (3, "Medium"),
    "HIGH": (4, "High"),
    "CRITICAL": (5, "Critical"),
}
_STATUSES = {
    "NEW": (1, "New"),
    "NOTIFIED": (2, "In Progress"),
    "SUPPRESSED": (3, "Suppressed"),
    "RESOLVED": (4, "Resolved"),
}
_ARCHIVED = (5, "Archived")
_AWS_ACCOUNT = 10  # account.type_id


def ocsf(finding: Finding) -> Json:
    """Return a finding as an OCSF Detection Finding; times are milliseconds since 1970."""
    activity = _activity(finding)
    severity_id, severity = _SEVERITIES[finding.label]
    status_id, status = _status(finding)
    created, updated = moment(finding.CreatedAt), moment(finding.UpdatedAt)
    place = finding.ProductArn.split(":")
    partition, region = place[1], finding.Region or place[3]
    event: Json = {
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "category_uid": _CATEGORY,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Detection Finding",
        "type_uid": _CLASS * 100 + activity,
        "type_name": f"Detection Finding: {_ACTIVITIES[activity]}",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "time": _milliseconds(updated),
        "time_dt": _text(updated),
        "message": finding.Title,
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud", "datetime"],
            "product": {
                "name": finding.ProductName or "Default",
                "vendor_name": finding.CompanyName or "Personal",
                "uid": finding.ProductArn,
            },
        },
        "cloud": {
            "provider": "AWS",
            "region": region,
            "cloud_partition": partition,
            "account": {
                "uid": finding.AwsAccountId,
                "type_id": _AWS_ACCOUNT,
                "type": "AWS Account",
            },
        },
        "finding_info": {
            "uid": finding.Id,
            "title": finding.Title,
            "desc": finding.Description,
            "types": list(finding.Types or ()),
            "created_time": _milliseconds(created),
            "created_time_dt": _text(created),
            "modified_time": _milliseconds(updated),
            "modified_time_dt": _text(updated),
            "product_uid": finding.ProductArn,
            "analytic": {"uid": finding.GeneratorId, "type_id": 1, "type": "Rule"},
            **_seen("first_seen_time", finding.FirstObservedAt),
            **_seen("last_seen_time", finding.LastObservedAt),
        },
        "resources": [_resource(each, finding) for each in finding.Resources],
    }
    if advice := finding.Remediation and finding.Remediation.Recommendation:
        links = {"references": [advice.Url]} if advice.Url else {}
        event["remediation"] = {"desc": advice.Text or finding.Title, **links}
    if finding.ProductFields:
        event["unmapped"] = {"ProductFields": dict(finding.ProductFields)}
    return event


def _activity(finding: Finding) -> int:
    done = finding.Workflow is not None and finding.Workflow.Status == "RESOLVED"
    if done or finding.RecordState == "ARCHIVED":
        return _CLOSE
    return _CREATE if finding.CreatedAt == finding.UpdatedAt else _UPDATE


def _status(finding: Finding) -> tuple[int, str]:
    if finding.RecordState == "ARCHIVED":
        return _ARCHIVED
    return _STATUSES[(finding.Workflow and finding.Workflow.Status) or "NEW"]


def _resource(resource: Resource, finding: Finding) -> Json:
    made: Json = {"uid": resource.Id, "type": resource.Type}
    if resource.Region:
        made["region"] = resource.Region
    if resource.Partition:
        made["cloud_partition"] = resource.Partition
    if resource.Tags:
        made["tags"] = [{"name": k, "value": v} for k, v in sorted(resource.Tags.items())]
    if resource.Details:
        made["data"] = resource.Details.model_dump(mode="json", exclude_none=True)
    made["owner"] = {"account": {"uid": finding.AwsAccountId}}
    return made


def _seen(name: str, when: str | None) -> Json:
    if when is None:
        return {}
    return {name: _milliseconds(moment(when)), f"{name}_dt": _text(moment(when))}


def _milliseconds(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def _text(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
