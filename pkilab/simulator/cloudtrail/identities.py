"""Who called, as the element userIdentity says it.

Source: CloudTrail User Guide, "CloudTrail userIdentity element".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pkilab.iam import Principal
from pkilab.simulator.service import Call

if TYPE_CHECKING:
    from pkilab.simulator.identity import Session

Json = dict[str, Any]
_TYPES = {"root": "Root", "user": "IAMUser", "federated-user": "FederatedUser"}


def user_identity(call: Call) -> Json:
    """Return userIdentity of a call, as the caller's own account sees it."""
    if call.identity is None:
        return _without_identity(call)
    principal, session = call.identity.principal, call.identity.session
    if principal.kind == "service":
        return {"type": "AWSService", "invokedBy": principal.arn}
    if principal.kind == "anonymous":
        return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    found: Json = {
        "type": _TYPES.get(principal.kind, "AssumedRole"),
        "principalId": principal.account if principal.kind == "root" else principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account,
        "accessKeyId": call.access_key_id or call.identity.access_key_id,
    }
    if principal.kind == "user":
        found["userName"] = _last(principal.arn)
    if session is not None:
        found["sessionContext"] = _session_context(principal, session)
    return {**found, **_invoked_by(call)}


def foreign_identity(call: Call) -> Json:
    """Return userIdentity of a call, as the account sees it whose resource was used."""
    if not call.principal.startswith("arn:"):
        return user_identity(call)
    known = call.identity.principal.user_id if call.identity else ""
    found = {
        "type": "AWSAccount",
        "principalId": known or call.account,
        "accountId": call.account,
    }
    return {**found, **_invoked_by(call)}


def user_name(call: Call) -> str:
    """Return what LookupEvents calls the user: a name, or the name of a role's session."""
    if call.identity is not None and call.identity.principal.kind in ("service", "anonymous"):
        return ""
    if not call.principal.startswith("arn:"):
        return ""
    return "root" if call.principal.endswith(":root") else _last(call.principal)


def iso(moment: datetime) -> str:
    """Write a moment as events have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _session_context(principal: Principal, session: Session) -> Json:
    attributes = {"creationDate": iso(session.issued), "mfaAuthenticated": _lower(session.mfa)}
    if principal.kind != "assumed-role":
        return {"attributes": attributes}
    issuer = {
        "type": "Role",
        "principalId": principal.user_id.partition(":")[0],
        "arn": principal.role_arn,
        "accountId": principal.account,
        "userName": _last(principal.role_arn),
    }
    found: Json = {"sessionIssuer": issuer, "attributes": attributes}
    if session.source_identity:
        found["sourceIdentity"] = session.source_identity
    return found


def _without_identity(call: Call) -> Json:
    """Return userIdentity of a service, or of a user of whom no more than the ARN is known."""
    if not call.principal.startswith("arn:"):
        return {"type": "AWSService", "invokedBy": call.principal}
    found = {"type": "IAMUser", "arn": call.principal, "accountId": call.account}
    if call.access_key_id:
        found["accessKeyId"] = call.access_key_id
    return {**found, "userName": _last(call.principal), **_invoked_by(call)}


def _invoked_by(call: Call) -> Json:
    return {"invokedBy": call.via[-1]} if call.via else {}


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _lower(flag: bool) -> str:  # noqa: FBT001 - the word for a flag
    return "true" if flag else "false"
