"""One simulation: what policies decide of actions and resources, and how an answer says it.

Source: IAM API Reference, EvaluationResult, ResourceSpecificResult and Statement; how positions and
policies' ids look, as seen in public outputs of the AWS CLI.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pkilab.errors import MalformedError
from pkilab.iam import Decision, Document, Policies, Principal, Request
from pkilab.iam import PolicyKind as Kind
from pkilab.iam.arns import account_in
from pkilab.iam.documents import candidates
from pkilab.simulator.iam.positions import context_keys, position, spans
from pkilab.simulator.policies import decide, read_policy
from pkilab.simulator.service import AwsError, Json, error

Levels = tuple[tuple[Document, ...], ...]  # of service control policies: root, units, account
IDENTITY, RESOURCE = "IAM Policy", "Resource Policy"
_WORST_FIRST = ("explicitDeny", "implicitDeny", "allowed")
_EVERYTHING = (
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
)


@dataclass(frozen=True, slots=True)
class Source:
    """A policy of a simulation; its document's name is how an answer names it."""

    document: Document
    text: str
    kind: str = IDENTITY


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything that is the same for every action and resource."""

    principal: Principal
    identity: tuple[Source, ...]
    boundary: tuple[Source, ...]  # at most one
    resource: tuple[Source, ...]
    controls: Levels
    owner: str  # of resources whose ARNs do not say; "": the principal's account
    context: Mapping[str, str | tuple[str, ...]]

    @property
    def sources(self) -> tuple[Source, ...]:
        """The policies whose statements are named: all but service control policies."""
        return self.identity + self.boundary + self.resource

    def result(self, action: str, resources: list[str]) -> Json:
        """Return what is decided of an action: as a whole, and of each resource that is named.

        The whole is as restrictive as its most restrictive part.
        """
        each = [_Evaluated(self, action, resource) for resource in resources or ["*"]]
        worst = min((one.effect for one in each), key=_WORST_FIRST.index)
        deciding = [one for one in each if one.effect == worst]
        found: Json = {
            "EvalActionName": action,
            # AWS has the ARN template of the action's resource type here, if there is one.
            "EvalResourceName": "*",
            "EvalDecision": worst,
            "MatchedStatements": _union(one.matched() for one in deciding),
            "MissingContextValues": self.missing(action),
        }
        if self.boundary:
            inside = all(one.inside_boundary() for one in each)
            found["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": inside}
        if self.controls:
            left = all(one.left_by_controls() for one in each)
            found["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": left}
        named = [one for one in each if one.resource != "*"]
        if named:
            found["ResourceSpecificResults"] = [one.specific() for one in named]
            details = [one.details() for one in named]
            found["EvalDecisionDetails"] = {
                kind: min((one[kind] for one in details if kind in one), key=_WORST_FIRST.index)
                for kind in (IDENTITY, RESOURCE)
                if any(kind in one for one in details)
            }
        return found

    def missing(self, action: str) -> list[str]:
        """Return the condition keys that statements about an action name, and nobody gave."""
        names = (
            key
            for source in self.sources
            for _, statement in candidates(source.document, action.lower())
            for key in context_keys(statement.text)
        )
        return sorted({key for key in names if key.lower() not in self.context})


class _Evaluated:
    """What is decided of one action on one resource."""

    def __init__(self, simulation: Simulation, action: str, resource: str) -> None:
        self.resource, self._action, self._simulation = resource, action, simulation
        named = account_in(resource)
        self._owner = named if named.isdigit() else simulation.owner
        self._decision = self._decide(
            Policies(
                identity=_documents(simulation.identity),
                boundary=simulation.boundary[0].document if simulation.boundary else None,
                resource=_documents(simulation.resource),
                service_control=simulation.controls,
            )
        )
        self.effect = self._decision.effect

    def _decide(self, policies: Policies, *, at_home: bool = False) -> Decision:
        simulation, owner = self._simulation, "" if at_home else self._owner
        request = Request(
            simulation.principal, self._action, self.resource, owner, simulation.context
        )
        return decide(request, policies)

    def matched(self) -> list[Json]:
        """Return the statements that decided: those that deny, or else those that allow."""
        wanted = {"allowed": "Allow", "explicitDeny": "Deny"}.get(self.effect)
        texts = {each.document: each for each in self._simulation.sources}
        found = []
        for match in self._decision.matches:
            source = texts.get(match.document)
            if match.effect == wanted and source is not None:
                begin, end = spans(source.text)[match.index]
                found.append(
                    {
                        "SourcePolicyId": source.document.name,
                        "SourcePolicyType": source.kind,
                        "StartPosition": position(source.text, begin),
                        "EndPosition": position(source.text, end),
                    }
                )
        return found

    def inside_boundary(self) -> bool:
        """Whether the permissions boundary lets it pass."""
        (limit,) = self._simulation.boundary
        alone = read_policy(limit.text, kind="identity", name=limit.document.name)
        return self._decide(Policies(identity=(alone,)), at_home=True).allowed

    def left_by_controls(self) -> bool:
        """Whether the service control policies let it pass."""
        everything = read_policy(_EVERYTHING, kind="identity")
        controls = self._simulation.controls
        policies = Policies(identity=(everything,), service_control=controls)
        return self._decide(policies, at_home=True).allowed

    def details(self) -> Json:
        """Return what each side decides across accounts; within one, nothing is said."""
        simulation = self._simulation
        if self._owner in {"", simulation.principal.account}:
            return {}
        identity = Policies(identity=_documents(simulation.identity))
        resource = Policies(resource=_documents(simulation.resource))
        return {
            IDENTITY: self._decide(identity, at_home=True).effect,
            RESOURCE: self._decide(resource, at_home=True).effect,
        }

    def specific(self) -> Json:
        """Return the part of an answer that is about this resource."""
        found: Json = {
            "EvalResourceName": self.resource,
            "EvalResourceDecision": self.effect,
            "MatchedStatements": self.matched(),
            "MissingContextValues": self._simulation.missing(self._action),
        }
        if self._simulation.boundary:
            inside = self.inside_boundary()
            found["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": inside}
        return found | ({"EvalDecisionDetails": details} if (details := self.details()) else {})


def named_keys(sources: Iterable[Source]) -> list[str]:
    """Return the condition keys that policies name."""
    names = (
        key
        for source in sources
        for statement in source.document.statements
        for key in context_keys(statement.text)
    )
    return sorted(set(names))


def source(text: str, kind: Kind, name: str, shown: str = IDENTITY) -> Source:
    """Read a policy of a simulation.

    Raises:
        AwsError: InvalidInput; NotImplemented, it says what is not modelled.
    """
    try:
        return Source(read_policy(text, kind=kind, name=name), text, shown)
    except MalformedError as why:
        raise invalid(f"Syntax errors in policy {name}: {why}") from why


def invalid(message: str) -> AwsError:
    """Refuse what cannot be simulated."""
    return error("iam", "InvalidInputException", message)


def _documents(sources: Iterable[Source]) -> tuple[Document, ...]:
    return tuple(each.document for each in sources)


def _union(lists: Iterator[list[Json]]) -> list[Json]:
    found: list[Json] = []
    for each in lists:
        found += [match for match in each if match not in found]
    return found
