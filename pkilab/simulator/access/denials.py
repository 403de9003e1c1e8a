"""How each service says that somebody may not.

Sources: IAM User Guide, "Troubleshoot access denied error messages"; S3 User Guide, "Troubleshoot
access denied (403 Forbidden) errors" (S3 quotes the resource, and says no more than "Access Denied"
outside of account and organization); KMS Developer Guide, "Troubleshooting key access" and messages
of KMS as AWS's own documents and public issues quote them. A service that names no resource for an
action without one, and one that writes ``*`` for it, as public issues quote their messages.
"""

from __future__ import annotations

from pkilab.iam import Decision
from pkilab.simulator.access.asking import ANY, Access
from pkilab.simulator.service import AwsError

_FORBIDDEN = 403
_REST_XML_AND_QUERY = frozenset({"cloudformation", "iam", "route53", "s3", "sts"})
_REST_JSON = frozenset({"apigateway", "apigatewayv2", "lambda", "ram"})
_STARRED = frozenset({"iam", "kms", "lambda", "organizations", "sts"})
_UNTOLD = (
    "because the resource does not exist in this Region, no resource-based policies allow access, "
    "or a resource-based policy explicitly denies access"
)


def denial(
    service: str, user: str, access: Access, decision: Decision, *, near: bool, own: bool
) -> AwsError:
    """Return a service's refusal.

    Args:
        service: whose operation it was.
        user: the caller's ARN.
        access: what was not allowed.
        decision: why.
        near: whether caller and resource are of one account or of one organization.
        own: whether they are of one account.
    """
    if service == "logs" and access.otherwise:
        return _coded(service, _untagged(user, access))
    return _coded(service, _sentence(user, access, decision, near=near, own=own))


def _coded(service: str, message: str) -> AwsError:
    if service in _REST_XML_AND_QUERY:
        return AwsError("AccessDenied", message, _FORBIDDEN)
    status = _FORBIDDEN if service in _REST_JSON else 400
    return AwsError("AccessDeniedException", message, status)


def _sentence(user: str, access: Access, decision: Decision, *, near: bool, own: bool) -> str:
    prefix = access.action.partition(":")[0]
    if prefix == "s3" and not near:
        return "Access Denied"
    because = decision.because
    where = _where(prefix, access)
    if prefix == "kms" and not own and decision.kind in {"resource", "grant", "resource control"}:
        where, because = f" on {access.shown or 'this resource'}", _UNTOLD
    elif prefix == "sts" and access.requires_resource_policy and decision.effect == "implicitDeny":
        because = ""  # AssumeRole says neither which half is missing nor whether the role is there
    sentence = f"User: {user} is not authorized to perform: {access.action}{where}"
    return f"{sentence} {because}" if because else sentence


def _untagged(user: str, access: Access) -> str:
    """Return how CloudWatch Logs refuses tags; DataDog/cloudformation-template 61 quotes it."""
    return (
        f"User with accountId: {user.split(':')[4]} is not authorized to perform CreateLogGroup "
        f'with Tags. An additional permission "{access.action}" is required.'
    )


def _where(prefix: str, access: Access) -> str:
    """Return how a sentence names the resource."""
    shown = access.resource if access.shown is None or prefix == "kms" else access.shown
    if shown == ANY and prefix not in _STARRED:
        return ""
    return f' on resource: "{shown}"' if prefix == "s3" else f" on resource: {shown}"
