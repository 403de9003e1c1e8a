"""Whether a request is allowed: AWS's evaluation order.

Sources: IAM User Guide, "Policy evaluation logic", "How AWS enforcement code logic evaluates
requests to allow or deny access", "Cross-account policy evaluation logic", "Permissions boundaries
for IAM entities", "Troubleshoot access denied error messages"; AWS Organizations User Guide, "SCP
evaluation", "Resource control policies"; AWS KMS Developer Guide, "Key policies in AWS KMS".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pkilab.iam.documents import Document, Effect, PolicyKind, Statement
from pkilab.iam.principals import Naming
from pkilab.iam.requests import Policies, Request

Outcome = Literal["allowed", "explicitDeny", "implicitDeny"]
Word = Literal["allow", "deny", "continue"]


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that applied to the request."""

    document: Document
    index: int
    statement: Statement
    effect: Effect
    naming: Naming = "direct"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the evaluation, in AWS's order."""

    name: str
    verdict: Word
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and why.

    Attributes:
        effect: in the words of IAM's policy simulator.
        kind: which kind of policy decided; ``None`` for a root user's own rights.
        matches: every statement that applied, the deciding one first.
        steps: the evaluation as it was walked.
        because: AWS's half sentence of an access denied message; ``""`` if allowed.
    """

    effect: Outcome
    kind: PolicyKind | None
    matches: tuple[Match, ...]
    steps: tuple[Step, ...]
    because: str

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.effect == "allowed"


def decide(request: Request, policies: Policies) -> Decision:
    """Decide a request as AWS's enforcement code does.

    The order: an explicit deny anywhere, resource control policies, service control policies,
    resource policies, identity policies, the permissions boundary, session policies.

    Service control policies do not apply to services, to callers without credentials and to
    service-linked roles; resource control policies not to service-linked roles. That neither
    applies to the management account is the caller's to know, and to pass none. A root user may do
    everything in its own account that nothing denies, but for resources whose policy is required.

    Where several kinds of policy deny, AWS names one and does not say which; here it is the first
    in the order above.

    Not modelled: VPC endpoint policies, access control lists.
    """
    return _Evaluation(request, policies).decide()


class _Evaluation:
    """One request on its way through the steps."""

    def __init__(self, request: Request, policies: Policies) -> None:
        caller = request.principal
        self.request, self.caller, self.policies = request, caller, policies
        linked, member = caller.service_linked, caller.in_account
        self.bounded = policies.boundary is not None
        self.resource_control = () if linked else self._levels(policies.resource_control)
        self.service_control = (
            self._levels(policies.service_control) if member and not linked else ()
        )
        self.resource = self._matches(policies.resource)
        self.identity = self._matches(policies.identity) if member else ()
        self.boundary = self._matches((policies.boundary,)) if policies.boundary and member else ()
        session = policies.session
        if session is None and caller.kind == "federated-user":
            session = ()  # without a session policy it has no rights of the user's
        self.session = None if session is None or not member else self._matches(session)
        self.steps: list[Step] = []

    def _levels(self, levels: tuple[tuple[Document, ...], ...]) -> tuple[tuple[Match, ...], ...]:
        return tuple(self._matches(level) for level in levels)

    def _matches(self, documents: tuple[Document, ...]) -> tuple[Match, ...]:
        request = self.request
        action = request.action.lower()
        return tuple(
            Match(document, index, statement, statement.effect, naming)
            for document in documents
            for index, statement, naming in document.matching(
                request.principal, action, request.resource, request.context, bounded=self.bounded
            )
        )

    def _all(self) -> tuple[Match, ...]:
        """Every match, in the order of the steps."""
        controls = (*self.resource_control, *self.service_control)
        return (
            *(match for level in controls for match in level),
            *self.resource, *self.identity, *self.boundary, *(self.session or ()),
        )  # fmt: skip

    def decide(self) -> Decision:
        """Walk the steps until one decides."""
        everything = self._all()
        for match in everything:
            if match.effect == "Deny":
                return self._denied(match, everything)
        self._step("Explicit deny", "continue", "No statement denies the request.")
        return (
            self._controls("resource control", self.resource_control)
            or self._controls("service control", self.service_control)
            or self._by_resource()
            or self._by_identity()
            or self._by_limits()
        )

    def _controls(self, kind: PolicyKind, levels: tuple[tuple[Match, ...], ...]) -> Decision | None:
        """Every level must allow."""
        title = f"{kind.capitalize()} policies"
        if not levels:
            self._step(title, "continue", "None applies to this request.")
            return None
        for number, level in enumerate(levels, 1):
            if not level:
                return self._lacking(
                    kind, title, f"No policy of level {number} of {len(levels)} allows the action."
                )
        self._step(title, "continue", f"Each of {len(levels)} levels allows the action.")
        return None

    def _by_resource(self) -> Decision | None:
        """What the resource's own policy gives, and to whom."""
        caller, same = self.caller, self.request.same_account
        if not caller.in_account or (caller.kind == "root" and not same):
            return self._only_by_resource()
        if not same:
            return self._from_another_account()
        if caller.kind == "root":
            return self._by_root()
        return self._within_account()

    def _allow(self, *namings: Naming) -> Match | None:
        return next((match for match in self.resource if match.naming in namings), None)

    def _only_by_resource(self) -> Decision:
        """Nobody but the resource's owner has a policy for such a caller."""
        if (match := self._allow("direct")) is not None:
            return self._allowed(match, _RESOURCE, "A statement allows the caller.")
        return self._lacking("resource", _RESOURCE, "No statement allows the caller.")

    def _from_another_account(self) -> Decision | None:
        if not self.resource:
            return self._lacking(
                "resource", _RESOURCE, "No statement allows the caller from another account."
            )
        self._step(_RESOURCE, "continue", "A statement allows it; the caller's account must, too.")
        return None

    def _by_root(self) -> Decision:
        if (match := self._allow("direct")) is not None:
            return self._allowed(match, _RESOURCE, "A statement allows the account.")
        if self.policies.requires_resource_policy:
            return self._lacking("resource", _RESOURCE, "No statement allows the account.")
        self._step(_RESOURCE, "continue", _WITHIN[None])
        self._step("Root user", "allow", "The root user may do everything in its account.")
        return self._decision("allowed", None, None, "")

    def _within_account(self) -> Decision | None:
        if (match := self._allow("direct")) is not None:
            return self._allowed(
                match, _RESOURCE, "A statement names the caller itself: nothing further is asked."
            )
        match = self._allow("entity") or self._allow("account")
        if match is None and self.policies.requires_resource_policy:
            return self._lacking(
                "resource",
                _RESOURCE,
                "No statement allows the caller or lets its account delegate.",
            )
        self._step(_RESOURCE, "continue", _WITHIN[match.naming if match else None])
        return None

    @property
    def _entity(self) -> Match | None:
        """The allow for the role, or the user, whose session the caller is."""
        return self._allow("entity") if self.request.same_account else None

    def _by_identity(self) -> Decision | None:
        title = "Identity-based policies"
        if self.identity:
            self._step(title, "continue", "A statement allows the action.")
        elif self._entity is not None:
            self._step(title, "continue", "None allows it; the resource's policy did.")
        else:
            return self._lacking("identity", title, "No statement allows the action.")
        return None

    def _by_limits(self) -> Decision:
        """The permissions boundary and the session policies, which only limit."""
        if self.policies.boundary is None:
            self._step("Permissions boundary", "continue", "The caller has none.")
        elif self.boundary:
            self._step("Permissions boundary", "continue", "It allows the action.")
        else:
            return self._lacking(
                "boundary", "Permissions boundary", "It does not allow the action."
            )
        title = "Session policies"
        granted = self.identity[0] if self.identity else self._entity
        if self.session is None:
            return self._allowed(granted, title, "None was passed.")
        if self.session:
            return self._allowed(granted, title, "A statement allows the action.")
        return self._lacking("session", title, "No statement allows the action.")

    def _step(self, name: str, verdict: Word, why: str) -> None:
        self.steps.append(Step(name, verdict, why))

    def _allowed(self, match: Match | None, title: str, why: str) -> Decision:
        self._step(title, "allow", why)
        return self._decision("allowed", match.document.kind if match else None, match, "")

    def _denied(self, match: Match, everything: tuple[Match, ...]) -> Decision:
        kind = match.document.kind
        where = match.document.name or "a policy without a name"
        sid = match.statement.sid or f"number {match.index + 1}"
        self._step("Explicit deny", "deny", f"Statement {sid} of {where} denies the request.")
        policy = "the role trust policy" if self._trusts(kind) else _DENIED_IN[kind]
        return self._decision(
            "explicitDeny", kind, match, f"with an explicit deny in {policy}", everything
        )

    def _lacking(self, kind: PolicyKind, title: str, why: str) -> Decision:
        self._step(title, "deny", why)
        policy = "role trust policy" if self._trusts(kind) else _LACKING[kind]
        because = f"because no {policy} allows the {self.request.action} action"
        return self._decision("implicitDeny", kind, None, because)

    def _trusts(self, kind: PolicyKind) -> bool:
        """Whether the resource's policy is a role trust policy: STS knows no other."""
        return kind == "resource" and self.request.action.lower().startswith("sts:")

    def _decision(
        self,
        effect: Outcome,
        kind: PolicyKind | None,
        deciding: Match | None,
        because: str,
        everything: tuple[Match, ...] | None = None,
    ) -> Decision:
        matches = self._all() if everything is None else everything
        if deciding is not None:
            matches = (deciding, *(match for match in matches if match is not deciding))
        return Decision(effect, kind, matches, tuple(self.steps), because)


_RESOURCE = "Resource-based policies"
_WITHIN: Mapping[Naming | None, str] = {
    None: "No statement allows the caller; in its own account that decides nothing.",
    "entity": "A statement allows the role or user; boundary and session policies limit that.",
    "account": "A statement lets the account delegate: an identity-based policy must allow it.",
}
_LACKING: Mapping[PolicyKind, str] = {
    "identity": "identity-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "resource": "resource-based policy",
    "grant": "resource-based policy",
    "service control": "service control policy",
    "resource control": "resource control policy",
}
_DENIED_IN: Mapping[PolicyKind, str] = {
    kind: f"{'an' if words.startswith('i') else 'a'} {words}" for kind, words in _LACKING.items()
}
