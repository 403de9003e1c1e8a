"""From an event to a finding: which kind it is of, whom it names, and what it ends.

The same event gives the same finding, with the same ``Id`` and times, so that delivering it twice
changes nothing. An ``Id`` is made of place, kind and what it is about:

- a state (a CA is disabled, a certificate approaches its end) has one per resource, which later
  events update and `recoveries_of` archives;
- a deed (a certificate was issued, a policy changed) has one per certificate or call.

``CreatedAt`` is the event's time even where an earlier event made the finding: events do not know
of each other.

Not checked: that the event is AWS's. Whoever may call the function, or put it on a bus that a rule
listens to, is believed; rules should match ``source``, which only AWS may set to ``aws.*``.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from pkilab.security_findings.acm_details import AwsCertificateManagerCertificate
from pkilab.security_findings.asff import Finding, Json, product_arn
from pkilab.security_findings.cases import Case, case_of, ended_by
from pkilab.security_findings.events import ApiCall, Event
from pkilab.security_findings.formats import LONGEST_ID
from pkilab.security_findings.parts import (
    Recommendation,
    Remediation,
    Resource,
    ResourceDetails,
    Severity,
)
from pkilab.security_findings.watching import Watch

PREFIX = "pkilab"
_LONGEST_DESCRIPTION = 1024
_LONGEST_VALUE, _LONGEST_OTHER = 2048, 1023


def finding_of(event: Json | Event, watch: Watch | None = None) -> Finding | None:
    """Return what an event means to a security team; None: nothing.

    Calls that were refused are nothing: nothing was done.

    Args:
        event: as a rule gives it to a Lambda function.
        watch: which CAs are watched, and when their use is expected; None: all, and never.

    Raises:
        MalformedError: it is no event of EventBridge, or an event of these services without what
            AWS has in it.
    """
    read = event if isinstance(event, Event) else Event.parse(event)
    case = case_of(read, watch or Watch())
    return _built(read, case) if case else None


def recoveries_of(event: Json | Event) -> tuple[Finding, ...]:
    """Return the findings that an event ends, archived; they may never have been there.

    Import those alone that `pkilab.security_findings.hub.is_active` knows, or the archive fills
    with what never happened.

    Raises:
        MalformedError: as `finding_of`.
    """
    read = event if isinstance(event, Event) else Event.parse(event)
    cases = ended_by(read)
    return tuple(_built(read, replace(case, archived=True)) for case in cases)


def _built(event: Event, case: Case) -> Finding:
    kind, call, stamp = case.kind, event.call, event.stamp
    partition = _partition(case.authority or case.acm)
    by = f"By {call.who}." if call and call.who else ""
    return Finding(
        Id=_number(event, case),
        ProductArn=product_arn(event.region, event.account, partition),
        GeneratorId=f"{PREFIX}/{kind.code}",
        AwsAccountId=event.account,
        Types=(kind.type,),
        FirstObservedAt=stamp,
        LastObservedAt=stamp,
        CreatedAt=stamp,
        UpdatedAt=stamp,
        Severity=Severity(Label=case.label or kind.label),
        Title=kind.title,
        Description=_joined(kind.sentence, case.more, by)[:_LONGEST_DESCRIPTION],
        Remediation=Remediation(Recommendation=Recommendation(Text=kind.remedy, Url=kind.url)),
        ProductFields=_fields(event, call),
        Resources=tuple(_resources(event, case, partition)),
        RecordState="ARCHIVED" if case.archived else "ACTIVE",
    )


def _number(event: Event, case: Case) -> str:
    subject = case.subject or event.id
    made = f"{event.region}/{event.account}/{case.kind.code}/{subject}"
    if len(made) <= LONGEST_ID:
        return made
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{event.region}/{event.account}/{case.kind.code}/{digest}"


def _fields(event: Event, call: ApiCall | None) -> dict[str, str]:
    fields = {
        "event/id": event.id,
        "event/source": event.source,
        "event/detail-type": event.detail_type,
        "event/result": str(event.detail.get("result") or ""),
        "event/reason": str(event.detail.get("reason") or ""),
    }
    if call:
        fields |= {
            "call/eventName": call.name,
            "call/eventID": call.id,
            "call/userIdentity": call.who,
            "call/sourceIPAddress": call.address,
        }
    return {f"{PREFIX}/{k}": v[:_LONGEST_VALUE] for k, v in fields.items() if v.strip()}


def _resources(event: Event, case: Case, partition: str) -> list[Resource]:
    place = {"Partition": partition, "Region": event.region}
    found = []
    if case.certificate:
        other = {"CAArn": case.authority, "CertARN": case.certificate}
        details = ResourceDetails(Other=other)
        found.append(Resource(Type="Other", Id=case.certificate, Details=details, **place))
    if case.acm:
        kind = "AwsCertificateManagerCertificate"
        details = ResourceDetails(AwsCertificateManagerCertificate=_acm(event))
        found.append(Resource(Type=kind, Id=case.acm, Details=details, **place))
    if case.authority:
        other = {"CAArn": case.authority}
        if url := event.detail.get("CrlUrl"):
            other["CrlUrl"] = str(url)[:_LONGEST_OTHER]
        details = ResourceDetails(Other=other)
        found.append(Resource(Type="Other", Id=case.authority, Details=details, **place))
    if not found:  # an event that names nothing is still one of the account
        found.append(Resource(Type="AwsAccount", Id=f"AWS::::Account:{event.account}", **place))
    return found


def _acm(event: Event) -> AwsCertificateManagerCertificate | None:
    detail = event.detail
    members = {
        "DomainName": detail.get("CommonName"),
        "NotAfter": detail.get("CertificateExpirationDate"),
        "Type": detail.get("CertificateType"),
    }
    said = {name: value for name, value in members.items() if isinstance(value, str) and value}
    return AwsCertificateManagerCertificate(**said) if said else None


def _partition(arn: str) -> str:
    parts = arn.split(":")
    return parts[1] if len(parts) > 1 and parts[1] else "aws"


def _joined(*sentences: str) -> str:
    return " ".join(each for each in sentences if each)
