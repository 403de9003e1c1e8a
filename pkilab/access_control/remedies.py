"""What would have to be added for a request to be allowed, found by trying it out.

Each half is put where it lacks, and the engine is asked again, until the request is allowed or a
statement denies it. Nothing is written anywhere: each half is for the owner of its policy to add.

Source: IAM User Guide, "Cross-account policy evaluation logic", "Policy evaluation logic".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pkilab.errors import MalformedError, UnsupportedError
from pkilab.iam import Document, Policies, PolicyKind, Request, decide, read_policy
from pkilab.iam.decisions import Match
from pkilab.iam.documents import Statement, candidates

_ADDED = "added"
_MOST = 12  # halves: no request has more


@dataclass(frozen=True, slots=True)
class Missing:
    """One half of what is missing.

    Attributes:
        kind: of the policy that lacks it.
        where: which policy, in words.
        who: the 12 digits of the account that has to add it.
        sentence: the same as a sentence.
        statement: what to add, as IAM's JSON has it; ``None``: nothing that is added helps, or a
            statement is there whose Condition does not hold.
        denies: whether it is a statement that denies: it has to be changed, nothing to be added.
    """

    kind: PolicyKind
    where: str
    who: str
    sentence: str
    statement: dict[str, Any] | None = None
    denies: bool = False

    @property
    def policy(self) -> dict[str, Any] | None:
        """The statement in a policy of its own, ready for IAM; ``None``: there is none."""
        if self.statement is None:
            return None
        return {"Version": "2012-10-17", "Statement": [self.statement]}

    def __str__(self) -> str:
        return self.sentence


def find_missing(request: Request, policies: Policies, manager: str) -> Iterator[Missing]:
    """Yield each half that a refused request lacks, in the order of the evaluation.

    Where statements deny, these, and no half: what would lack without them is another question.

    Args:
        request: what was refused.
        policies: every policy that has a say.
        manager: the account that manages the organization, or ``""``.
    """
    for _ in range(_MOST):
        found = decide(request, policies)
        if found.allowed or found.kind is None:
            return
        if found.effect == "explicitDeny":
            denials = (match for match in found.matches if match.effect == "Deny")
            yield from (_denied(match, request, manager) for match in denials)
            return
        kind = _lacking(found.kind)
        level = _level(request, policies, kind)
        half = _half(kind, request, level, manager)
        if near := _near(kind, request, policies, level):
            yield replace(half, sentence=near, statement=None)
        else:
            yield half
        if half.statement is None:
            return
        more = _with(policies, kind, half.statement, level)
        if more is policies:
            return
        policies = more


def _near(kind: PolicyKind, request: Request, policies: Policies, level: int) -> str:
    """Say which statement would allow the request, were it not for its Condition; ``""``: none.

    To add another one without the condition would undo what the condition is there for.
    """
    bounded, action = policies.boundary is not None, request.action.lower()
    for document in _documents(kind, policies, level):
        for index, statement in candidates(document, action):
            named = statement.principals
            if statement.effect != "Allow" or not statement.conditions:
                continue
            if named is not None and named.names(request.principal, bounded=bounded) is None:
                continue
            covered = statement.resources
            if covered is None or covered.cover(request.resource, request.context):
                condition = json.dumps(json.loads(statement.text)["Condition"])
                return (
                    f"{_titled(document, index, statement)} would allow {request.action} if its "
                    f"Condition held: {condition}."
                )
    return ""


def _documents(kind: PolicyKind, policies: Policies, level: int) -> tuple[Document, ...]:
    if kind == "identity":
        return policies.identity
    if kind == "boundary":
        return (policies.boundary,) if policies.boundary else ()
    if kind == "session":
        return policies.session or ()
    if kind == "service control":
        return policies.service_control[level]
    return policies.resource if kind == "resource" else ()


def _lacking(kind: PolicyKind) -> PolicyKind:
    return "resource" if kind == "grant" else kind


def _denied(match: Match, request: Request, manager: str) -> Missing:
    kind, name = match.document.kind, match.document.name or "a policy without a name"
    title = _titled(match.document, match.index, match.statement)
    spared = ", or make a request that its Condition spares" if match.statement.conditions else ""
    sentence = f"{title} denies it, whatever else allows: change it{spared}."
    return Missing(kind, name, _account(kind, request, manager), sentence, denies=True)


def _titled(document: Document, index: int, statement: Statement) -> str:
    name = document.name or "a policy without a name"
    if statement.sid:
        return f"Statement {statement.sid} of {name}"
    if len(document.statements) == 1:
        return f"The only statement of {name}"
    return f"Statement number {index + 1} of {name}"


def _half(kind: PolicyKind, request: Request, level: int, manager: str) -> Missing:
    caller, who = request.principal, _account(kind, request, manager)
    statement = _statement(kind, request)
    where = _where(kind, request, level)
    if kind in ("identity", "boundary", "session") and not caller.in_account:
        return Missing(kind, where, who, f"{caller.arn} has no policies of its own.")
    if kind == "resource control":
        sentence = f"{where} allows nothing: attach RCPFullAWSAccess there again."
        return Missing(kind, where, who, sentence)
    verb = "pass" if kind == "session" else "add"
    target = "in" if kind == "session" else "to"
    sentence = f"Account {who} must {verb} a statement {target} {where} that allows "
    sentence += f"{request.action}"
    if kind == "resource" and not _trusts(request):
        sentence += f" to {_named(request)}"
    return Missing(kind, where, who, f"{sentence}.", statement)


def _account(kind: PolicyKind, request: Request, manager: str) -> str:
    if kind in ("resource", "grant"):
        return request.owner or request.principal.account
    if kind in ("service control", "resource control"):
        return manager
    return request.principal.account


def _where(kind: PolicyKind, request: Request, level: int) -> str:
    caller = request.principal
    entity = caller.role_arn or caller.arn
    if kind == "resource":
        if request.action.startswith("kms:"):
            return f"the key policy of {request.resource}"
        if _trusts(request):
            return f"the trust policy of {request.resource}"
        if request.action.startswith("acm-pca:"):
            return f"the resource policy of {request.resource} (PutPolicy, or a share of AWS RAM)"
        return f"the resource policy of {request.resource}"
    return {
        "identity": f"an identity-based policy of {entity}",
        "boundary": f"the permissions boundary of {entity}",
        "session": f"the session policies of {caller.arn}",
        "service control": f"a service control policy of level {level + 1}",
        "resource control": f"The resource control policies of level {level + 1}",
    }.get(kind, kind)


def _statement(kind: PolicyKind, request: Request) -> dict[str, Any] | None:
    if kind == "resource control":
        return None  # RCPs cannot allow: User Guide, "RCP syntax"
    statement: dict[str, Any] = {
        "Sid": "Allow" + re.sub(r"[^A-Za-z0-9]", "", request.action.partition(":")[2]),
        "Effect": "Allow",
    }
    if kind != "resource":
        return statement | {"Action": request.action, "Resource": request.resource}
    caller = request.principal
    named: Any = {"Service" if caller.kind == "service" else "AWS": _named(request)}
    statement |= {"Principal": named, "Action": request.action}
    if _trusts(request):
        return statement  # a trust policy has no Resource
    kms = request.action.startswith("kms:")
    return statement | {"Resource": "*" if kms else request.resource}


def _named(request: Request) -> str:
    """Return how a policy should name the caller: a role and not its session."""
    return request.principal.role_arn or request.principal.arn


def _trusts(request: Request) -> bool:
    return request.action.lower().startswith("sts:")


def _level(request: Request, policies: Policies, kind: PolicyKind) -> int:
    """Return the number of the first level that lacks an allow, the root's being 0."""
    levels = policies.service_control if kind == "service control" else policies.resource_control
    for number in range(len(levels)):
        upper = levels[: number + 1]
        if kind == "service control":
            shorter = replace(policies, service_control=upper)
        else:
            shorter = replace(policies, resource_control=upper)
        if decide(request, shorter).kind == kind:
            return number
    return 0


def _with(policies: Policies, kind: PolicyKind, statement: dict[str, Any], level: int) -> Policies:
    """Return the policies with a statement more."""
    try:
        more = read_policy(
            {"Version": "2012-10-17", "Statement": [statement]}, kind=kind, name=_ADDED
        )
    except (MalformedError, UnsupportedError):  # a name that a policy cannot write
        return policies
    if kind == "resource":
        return replace(policies, resource=(*policies.resource, more))
    if kind == "session":
        return replace(policies, session=(*(policies.session or ()), more))
    if kind == "boundary":
        old = policies.boundary
        statements = (*(old.statements if old else ()), *more.statements)
        return replace(policies, boundary=Document(kind, _ADDED, statements, more.version))
    if kind == "service control":
        levels = list(policies.service_control)
        levels[level] = (*levels[level], more)
        return replace(policies, service_control=tuple(levels))
    return replace(policies, identity=(*policies.identity, more))
