"""REQUEST authorizers: who is asked, what the answer means, and for how long it is remembered.

Sources: API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda authorizers" and
"Use API Gateway Lambda authorizers".
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pkilab.iam import like, listed
from pkilab.simulator.apigateway.events import Routed, client_certificate
from pkilab.simulator.service import Json


class AuthorizerError(Exception):
    """An authorizer that failed, or whose answer means nothing; the caller gets a 500."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What an authorizer said of a request, and its context for whoever comes after."""

    allowed: bool
    context: Json


@dataclass
class Results:
    """Answers of authorizers that may be used again, by authorizer, stage and identity."""

    _kept: dict[tuple[str, ...], tuple[datetime, Json]] = field(default_factory=dict)

    def recall(self, key: tuple[str, ...], now: datetime) -> Json | None:
        """Return an answer whose time has not run out."""
        until, answer = self._kept.get(key, (now, None))
        if answer is None or until <= now:
            self._kept.pop(key, None)
            return None
        return answer

    def keep(self, key: tuple[str, ...], answer: Json, now: datetime, seconds: int) -> None:
        """Keep an answer for so many seconds of the world's time."""
        self._kept[key] = (now + timedelta(seconds=seconds), answer)


def identity(sources: list[str], routed: Routed) -> list[str] | None:
    """Return the values of identity sources; None: one of them is missing or empty."""
    values = [_value(source, routed) for source in sources]
    return [value for value in values if value] if all(values) else None


def _value(source: str, routed: Routed) -> str | None:
    """Return what ``$request.header.x``, ``method.request.header.x`` ... is in a request."""
    path = source.removeprefix("$").removeprefix("method.")
    for kind, look in _NAMED.items():
        if path.startswith(kind):  # a name may have dots of its own
            return look(routed, path.removeprefix(kind))
    read = CONTEXT.get(path) or REST_CONTEXT.get(path)
    return read(routed) if read else None


_NAMED: dict[str, Callable[[Routed, str], str | None]] = {
    "request.header.": Routed.header,
    "request.querystring.": Routed.query,
    "stageVariables.": lambda routed, name: routed.variables.get(name),
}


def _of_client(name: str, routed: Routed) -> str | None:
    found = routed.request.client_certificate
    return str(client_certificate(found)[name]) if found else None


# The context variables that may be identity sources.
CONTEXT: dict[str, Callable[[Routed], str | None]] = {
    "context.routeKey": lambda routed: routed.route,
    "context.path": lambda routed: routed.path,
    "context.httpMethod": lambda routed: routed.request.method,
    "context.stage": lambda routed: routed.stage,
    "context.identity.sourceIp": lambda routed: routed.request.source_ip,
}

# Those of the client's certificate; that HTTP APIs take them, too, is not documented.
REST_CONTEXT: dict[str, Callable[[Routed], str | None]] = {
    f"context.identity.clientCert.{name}": functools.partial(_of_client, name)
    for name in ("serialNumber", "subjectDN", "issuerDN", "clientCertPem")
}


def read_answer(payload: bytes, *, simple: bool, rest: bool = False) -> Json:
    """Read a function's answer; a REST API's context becomes texts and has nothing in it nested.

    Raises:
        AuthorizerError: it has not the shape that was agreed on.
    """
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise AuthorizerError("the authorizer's answer is not JSON") from error
    if not isinstance(answer, dict):
        raise AuthorizerError("the authorizer's answer is not an object")
    context = answer.get("context", {})
    if not isinstance(context, dict | None):
        raise AuthorizerError("the authorizer's context is not an object")
    if rest:
        answer["context"] = {name: _as_text(name, value) for name, value in (context or {}).items()}
    if simple:
        if not isinstance(answer.get("isAuthorized"), bool):
            raise AuthorizerError("isAuthorized is not true or false")
        return answer
    if not answer.get("principalId"):
        raise AuthorizerError("the authorizer's answer lacks principalId")
    _check_policy(answer.get("policyDocument"))
    return answer


def _as_text(name: str, value: object) -> str:
    if isinstance(value, dict | list):
        raise AuthorizerError(f"{name} of the authorizer's context is an object or an array")
    return value if isinstance(value, str) else json.dumps(value)


def _check_policy(policy: object) -> None:
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if not isinstance(statements, list | dict):
        raise AuthorizerError("the authorizer's answer lacks a policyDocument with statements")
    for each in listed(statements):
        if not isinstance(each, dict) or each.get("Effect") not in ("Allow", "Deny"):
            raise AuthorizerError("a statement's Effect is neither Allow nor Deny")
        if unknown := each.keys() - {"Sid", "Effect", "Action", "Resource"}:
            raise AuthorizerError(f"{', '.join(sorted(unknown))}: not simulated in such a policy")


def authorize(answer: Json, routed: Routed, *, simple: bool) -> Authorization:
    """Say what an answer means for a request; a kept policy is asked anew for each."""
    context = answer.get("context") or {}
    if simple:
        return Authorization(answer["isAuthorized"], context)
    statements = listed(answer["policyDocument"]["Statement"])
    effects = {each["Effect"] for each in statements if _applies(each, routed.arn)}
    context = {"principalId": answer["principalId"], **context}
    return Authorization("Allow" in effects and "Deny" not in effects, context)


def _applies(statement: Json, arn: str) -> bool:
    actions, resources = listed(statement.get("Action")), listed(statement.get("Resource"))
    invoked = any(like(str(each).lower(), "execute-api:invoke") for each in actions)
    return invoked and any(like(str(each), arn) for each in resources)
