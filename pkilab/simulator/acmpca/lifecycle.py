"""States of a CA: what they are, how they follow each other and what each allows.

Source: AWS Private CA User Guide, "Updating a private CA (CA status)" and "Restoring a private CA".
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pkilab.simulator.acmpca.state import Authority, Status
from pkilab.simulator.service import AwsError

RESTORE_DAYS = 30  # DeleteCertificateAuthority, PermanentDeletionTimeInDays

_SERVING: frozenset[Status] = frozenset({"ACTIVE", "DISABLED"})
_MADE: frozenset[Status] = frozenset({"PENDING_CERTIFICATE", "ACTIVE", "DISABLED", "EXPIRED"})
# In which states an operation is allowed. Describe and List work in each and are not here.
ALLOWED: dict[str, frozenset[Status]] = {
    "IssueCertificate": frozenset({"ACTIVE"}),
    # A root signs its own certificate before it has one, and anew after the old one expired.
    "IssueCertificate with a root template": frozenset(
        {"PENDING_CERTIFICATE", "ACTIVE", "EXPIRED"}
    ),
    "ImportCertificateAuthorityCertificate": frozenset(
        {"PENDING_CERTIFICATE", "ACTIVE", "EXPIRED"}
    ),
    "RevokeCertificate": _SERVING,
    "CreateCertificateAuthorityAuditReport": _SERVING,
    "UpdateCertificateAuthority": _SERVING,
    "DeleteCertificateAuthority": frozenset(
        {"CREATING", "PENDING_CERTIFICATE", "DISABLED", "EXPIRED", "FAILED"}
    ),
    "RestoreCertificateAuthority": frozenset({"DELETED"}),
    "GetCertificateAuthorityCsr": _MADE,
    "GetCertificateAuthorityCertificate": _MADE,
    "GetCertificate": _MADE,
    "CreatePermission": _MADE,
    "DeletePermission": _MADE,
    "ListPermissions": _MADE,
    "PutPolicy": _MADE,
    "GetPolicy": _MADE,
    "DeletePolicy": _MADE,
    "TagCertificateAuthority": _MADE | {"CREATING"},
    "UntagCertificateAuthority": _MADE | {"CREATING"},
    "ListTags": _MADE | {"CREATING", "FAILED", "DELETED"},
}
_ANSWER_IN_PROGRESS = {"GetCertificateAuthorityCsr", "ImportCertificateAuthorityCertificate"}


def status(authority: Authority, now: datetime) -> Status:
    """Return the state that AWS shows: DELETED hides all, EXPIRED hides ACTIVE and DISABLED."""
    if authority.status in {"DELETED", "FAILED"}:
        return authority.status
    if now < authority.ready_at:
        return "CREATING"
    expired = authority.certificate and now > authority.certificate.not_valid_after_utc
    return "EXPIRED" if expired else authority.status


def changed_at(authority: Authority, now: datetime) -> datetime:
    """Return when the state that `status` shows was entered."""
    shown = status(authority, now)
    if shown == "EXPIRED" and authority.certificate:
        return authority.certificate.not_valid_after_utc
    if shown == "PENDING_CERTIFICATE":
        return max(authority.ready_at, authority.changed_at)
    return authority.changed_at


def is_gone(authority: Authority, now: datetime) -> bool:
    """Say whether the restore window has closed: AWS does not know the CA any more."""
    return authority.restorable_until is not None and now >= authority.restorable_until


def require(authority: Authority, operation: str, now: datetime) -> None:
    """Refuse an operation that the CA's state does not allow.

    Args:
        authority: the CA.
        operation: a key of `ALLOWED`.
        now: the moment of the call.

    Raises:
        AwsError: RequestInProgressException, the key is being made; InvalidStateException.
    """
    found = status(authority, now)
    if found in ALLOWED[operation]:
        return
    if found == "CREATING" and operation in _ANSWER_IN_PROGRESS:
        raise AwsError(
            "RequestInProgressException",
            f"The certificate authority {authority.arn} is still being created. Try again later.",
        )
    name = operation.partition(" ")[0]
    # The wording for IssueCertificate was observed; the others are put in the same way.
    observed = "issuing certificates" if name == "IssueCertificate" else None
    raise AwsError(
        "InvalidStateException",
        "The certificate authority is not in a valid state for "
        + (observed or f"{name}: it is {found}"),
    )


def check_wanted(wanted: str) -> None:
    """Refuse a state that UpdateCertificateAuthority cannot set.

    Raises:
        AwsError: InvalidArgsException.
    """
    if wanted not in _SERVING:
        raise AwsError("InvalidArgsException", f"The status cannot be set to {wanted}.")


def update(authority: Authority, wanted: str, now: datetime) -> None:
    """Enable or disable a CA; ``wanted`` was checked before."""
    if authority.status != wanted:
        authority.status = "ACTIVE" if wanted == "ACTIVE" else "DISABLED"
        authority.changed_at = now


def delete(authority: Authority, days: int, now: datetime) -> bool:
    """Put a CA into its restore window.

    Returns:
        Whether there is one: a CA that was never made (CREATING, FAILED) is gone at once.
    """
    if status(authority, now) in {"CREATING", "FAILED"}:
        return False
    authority.status_before_deletion, authority.status = authority.status, "DELETED"
    authority.restorable_until = now + timedelta(days=days)
    authority.changed_at = now
    return True


def restore(authority: Authority, now: datetime) -> None:
    """Bring a deleted CA back into its state before; it is EXPIRED if it expired meanwhile."""
    assert authority.status_before_deletion is not None  # noqa: S101 - goes with DELETED
    authority.status, authority.status_before_deletion = authority.status_before_deletion, None
    authority.restorable_until = None
    authority.changed_at = now


def activate(authority: Authority, now: datetime) -> None:
    """Let the state follow from an installed certificate: a disabled CA stays disabled."""
    if authority.status == "PENDING_CERTIFICATE":
        authority.status = "ACTIVE"
    authority.changed_at = now


def fail(authority: Authority, reason: str, now: datetime) -> None:
    """Let a creation fail for good. The simulator never does this by itself.

    Args:
        authority: a CA that is CREATING.
        reason: REQUEST_TIMED_OUT, UNSUPPORTED_ALGORITHM or OTHER.
        now: the moment of the failure.
    """
    authority.status, authority.failure_reason = "FAILED", reason
    authority.changed_at = now
