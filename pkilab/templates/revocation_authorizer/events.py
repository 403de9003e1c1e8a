"""What API Gateway sends to a REQUEST authorizer, and the answers it takes.

Payload 1.0 is that of REST APIs and of HTTP APIs that ask for it; payload 2.0 is HTTP APIs' own.
Source: API Gateway Developer Guide, "Use API Gateway Lambda authorizers" and "Control access to
HTTP APIs with AWS Lambda authorizers".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_ARN = re.compile(r"arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[0-9]{12}:[!-~]+")
_WILDCARDS = ("*", "?", "${")  # what IAM would expand in a Resource
# API Gateway is younger than the one, and no clock of its says the other.
_EPOCHS = range(1_436_400_000_000, 4_102_444_800_000)  # ms: July 2015 to the end of 2099


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as far as it could be read. What is None was absent or of the wrong type.

    ``version`` is the payload's. ``at`` is the time at which API Gateway received the request,
    aware; ``has_time`` tells an absent one (REST samples of AWS lack it) from a wrong one.
    """

    version: str | None
    arn: str | None
    at: datetime | None
    has_time: bool
    certificate_pem: str | None = field(repr=False)
    request_id: str | None


def read(event: object) -> Request:
    """Read an event. Never raises, whatever the event is.

    Only what API Gateway itself fills in is read: never a header, query or body, which clients
    write.
    """
    context = _member(event, "requestContext")
    if _member(event, "version") == "2.0":
        version, arn, holder, clock = "2.0", "routeArn", "authentication", "timeEpoch"
    else:
        version, arn, holder, clock = "1.0", "methodArn", "identity", "requestTimeEpoch"
    time = _member(context, clock)
    at = None
    if isinstance(time, int) and time in _EPOCHS:
        at = datetime.fromtimestamp(time / 1000, UTC)
    found = _text(_member(event, arn))
    return Request(
        version=version if context is not None else None,
        arn=found if found and _ARN.fullmatch(found) else None,
        at=at,
        has_time=time is not None,
        certificate_pem=_text(_member(_member(context, holder, "clientCert"), "clientCertPem")),
        request_id=_text(_member(context, "requestId")),
    )


def can_be_allowed(arn: str | None) -> bool:
    """Whether a policy can allow this ARN and nothing else.

    The path in it is the client's, and a ``*`` there would be a wildcard in a policy.
    """
    return arn is not None and not any(each in arn for each in _WILDCARDS)


def simple_answer(*, allowed: bool, context: dict[str, str]) -> Json:
    """Return payload 2.0's simple response."""
    return {"isAuthorized": allowed, "context": context}


def policy_answer(
    *, allowed: bool, arn: str | None, principal: str, context: dict[str, str]
) -> Json:
    """Return an IAM policy for exactly the request's ARN.

    API Gateway keeps the policy for the authorizer's TTL, for all requests with the same identity
    sources, and evaluates it against each one's own ARN. A policy for one ARN therefore answers a
    kept request for another method with a denial, never with a grant, and an allow that is kept
    outlives a revocation until the TTL ends: set the TTL to 0, or count it as a delay of
    revocation and put method and path among the identity sources.

    Without an ARN that can stand alone everything is denied.
    """
    allowed = allowed and can_be_allowed(arn)
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if allowed else "Deny",
        "Resource": arn or "*",
    }
    return {
        "principalId": principal,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context,
    }


def _member(value: object, *path: str) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
