"""Which kind of finding an event is of, whom it names, and which findings it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pkilab.security_findings import kinds
from pkilab.security_findings.events import ApiCall, Event
from pkilab.security_findings.kinds import Kind
from pkilab.security_findings.severities import Label
from pkilab.security_findings.watching import Watch

PRIVATE_CA, ACM = "aws.acm-pca", "aws.acm"
_PCA_API = "acm-pca.amazonaws.com"
_SOON, _LATER = 7, 30  # days left below which an end is HIGH, and MEDIUM


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be reported.

    Attributes:
        kind: of what kind.
        subject: what the finding's ``Id`` is of.
        authority: ARN of a CA; empty: none.
        certificate: ARN of a certificate that Private CA issued; empty: none.
        acm: ARN of a certificate in ACM; empty: none.
        label: how bad it is; None: as the kind says.
        more: a sentence of the event's own.
        archived: whether it is over.
    """

    kind: Kind
    subject: str
    authority: str = ""
    certificate: str = ""
    acm: str = ""
    label: Label | None = None
    more: str = ""
    archived: bool = False


def case_of(event: Event, watch: Watch) -> Case | None:
    """Return what an event is to be reported as; None: it is not.

    Raises:
        MalformedError: it is CloudTrail's word of a call that cannot be read.
    """
    if call := event.call:
        is_ours = call.source == _PCA_API and not call.error
        make = CALLS.get(call.name) if is_ours else None
        return make(event, call, watch) if make else None
    make_other = EVENTS.get((event.source, event.detail_type))
    return make_other(event, watch) if make_other else None


def _is(event: Event, result: str) -> bool:
    return event.detail.get("result") == result


def _ca(event: Event) -> str:
    return event.resources[0] if event.resources else ""


def _second(event: Event) -> str:
    return event.resources[1] if len(event.resources) > 1 else ""


def _issuance(event: Event, watch: Watch) -> Case | None:
    authority, certificate = _ca(event), _second(event)
    if not watch.covers(authority):
        return None
    subject = certificate or event.id
    if not _is(event, "success"):
        return Case(kinds.ISSUE_FAILED, subject, authority)
    kind = kinds.ISSUED_OUTSIDE if watch.is_alarm(event.time) else kinds.ISSUED
    label = watch.label_at(event.time)
    return Case(kind, subject, authority, certificate, label=label, more=_when(event, watch))


def _when(event: Event, watch: Watch) -> str:
    ceremony = watch.ceremony_at(event.time)
    return f"It was in the ceremony {ceremony}." if ceremony else ""


def _creation(event: Event, watch: Watch) -> Case:  # noqa: ARG001 - of every CA
    kind = kinds.CREATED if _is(event, "success") else kinds.CREATE_FAILED
    return Case(kind, _ca(event), _ca(event))


def _revocation(event: Event, watch: Watch) -> Case | None:
    if not watch.covers(_ca(event)):
        return None
    return Case(kinds.REVOKED, _second(event) or event.id, _ca(event), _second(event))


def _crl(event: Event, watch: Watch) -> Case | None:  # noqa: ARG001 - of every CA
    if _is(event, "success"):
        return None
    reason = str(event.detail.get("reason") or "")
    return Case(kinds.CRL_FAILED, _ca(event), _ca(event), more=reason)


def _audit(event: Event, watch: Watch) -> Case | None:  # noqa: ARG001 - of every CA
    if _is(event, "success"):
        return None
    report = _second(event)
    more = f"The report is {report}." if report else ""
    return Case(kinds.AUDIT_FAILED, report or event.id, _ca(event), more=more)


def _ending(kind: Kind) -> Callable[[Event, Watch], Case]:
    def make(event: Event, watch: Watch) -> Case:  # noqa: ARG001 - of every certificate
        days, reason = event.detail.get("DaysToExpiry"), event.detail.get("RenewalStatusReason")
        label, parts = None, list[str]()
        if name := event.detail.get("CommonName"):
            parts.append(f"Its common name is {name}.")
        if isinstance(days, int):
            parts.append(f"It has {days} day{'' if days == 1 else 's'} left.")
            label = _by_days(kind.label, days)
        if reason:
            parts.append(f"The renewal's status reason is {reason}.")
        return Case(kind, _ca(event), acm=_ca(event), label=label, more=" ".join(parts))

    return make


def _by_days(label: Label, days: int) -> Label:
    if days <= _SOON:
        return "HIGH"
    return "MEDIUM" if days <= _LATER else label


def _update(event: Event, call: ApiCall, watch: Watch) -> Case | None:  # noqa: ARG001
    status = call.request.get("status")
    if status == "DISABLED":
        return Case(kinds.DISABLED, call.authority, call.authority)
    if status == "ACTIVE":
        return Case(kinds.ENABLED, call.id, call.authority)
    if "revocationConfiguration" in call.request:
        return Case(kinds.RECONFIGURED, call.id, call.authority)
    return None


def _delete(event: Event, call: ApiCall, watch: Watch) -> Case:  # noqa: ARG001
    days = call.request.get("permanentDeletionTimeInDays")
    more = f"It can be restored for {days} days." if isinstance(days, int) else ""
    return Case(kinds.DELETED, call.authority, call.authority, more=more)


def _install(event: Event, call: ApiCall, watch: Watch) -> Case:
    kind = kinds.INSTALLED_OUTSIDE if watch.is_alarm(event.time) else kinds.INSTALLED
    label, more = watch.label_at(event.time), _when(event, watch)
    return Case(kind, call.id, call.authority, label=label, more=more)


def _create(event: Event, call: ApiCall, watch: Watch) -> Case:  # noqa: ARG001
    # The subject is that of the service's own event, of which this one knows who.
    kind = call.request.get("certificateAuthorityType")
    more = f"Its type is {kind}." if isinstance(kind, str) else ""
    return Case(kinds.CREATED, call.authority or call.id, call.authority, more=more)


def _permission(event: Event, call: ApiCall, watch: Watch) -> Case:  # noqa: ARG001
    service = call.request.get("principal")
    more = f"The service is {service}." if isinstance(service, str) else ""
    return Case(kinds.PERMISSION_CREATED, call.id, call.authority, more=more)


def _deed(kind: Kind) -> Callable[[Event, ApiCall, Watch], Case]:
    def make(event: Event, call: ApiCall, watch: Watch) -> Case:  # noqa: ARG001
        return Case(kind, call.id, call.authority)

    return make


EVENTS: Mapping[tuple[str, str], Callable[[Event, Watch], Case | None]] = {
    (PRIVATE_CA, "ACM Private CA Certificate Issuance"): _issuance,
    (PRIVATE_CA, "ACM Private CA Creation"): _creation,
    (PRIVATE_CA, "ACM Private CA Certificate Revocation"): _revocation,
    (PRIVATE_CA, "ACM Private CA CRL Generation"): _crl,
    (PRIVATE_CA, "ACM Private CA Audit Report Generation"): _audit,
    (ACM, "ACM Certificate Approaching Expiration"): _ending(kinds.EXPIRING),
    (ACM, "ACM Certificate Expired"): _ending(kinds.EXPIRED),
    (ACM, "ACM Certificate Renewal Action Required"): _ending(kinds.ACTION_REQUIRED),
}
CALLS: Mapping[str, Callable[[Event, ApiCall, Watch], Case | None]] = {
    "CreateCertificateAuthority": _create,
    "CreatePermission": _permission,
    "DeleteCertificateAuthority": _delete,
    "DeletePolicy": _deed(kinds.POLICY_DELETED),
    "ImportCertificateAuthorityCertificate": _install,
    "PutPolicy": _deed(kinds.POLICY_CHANGED),
    "RestoreCertificateAuthority": _deed(kinds.RESTORED),
    "UpdateCertificateAuthority": _update,
}


def ended_by(event: Event) -> list[Case]:
    """Return the states that an event ends.

    Raises:
        MalformedError: it is CloudTrail's word of a call that cannot be read.
    """
    if call := event.call:
        if call.source != _PCA_API or call.error:
            return []
        enabled = call.name == "UpdateCertificateAuthority" and (
            call.request.get("status") == "ACTIVE"
        )
        ends = [
            *([kinds.DELETED] if call.name == "RestoreCertificateAuthority" else []),
            *([kinds.DISABLED] if enabled else []),
        ]
        more = f"It ended by {call.name}."
        return [Case(kind, call.authority, call.authority, more=more) for kind in ends]
    what = (event.source, event.detail_type)
    if what == (PRIVATE_CA, "ACM Private CA CRL Generation") and _is(event, "success"):
        more = "It ended: a CRL was published."
        return [Case(kinds.CRL_FAILED, _ca(event), _ca(event), more=more)]
    if what == (ACM, "ACM Certificate Available"):
        more = f"It ended by {event.detail.get('Action', 'a new certificate')}."
        ends = [kinds.EXPIRING, kinds.ACTION_REQUIRED]
        return [Case(kind, _ca(event), acm=_ca(event), more=more) for kind in ends]
    return []
