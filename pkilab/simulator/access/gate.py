"""The gate: asks the policies whether a caller may, and refuses in the service's own words.

Every access that an operation needs is decided by itself, by the one engine (`pkilab.iam`), from
the caller's policies, the organization's and the resource's. AWS services that call in their own
name pass: what they may is decided where their permissions and policies are kept.

Sources: IAM User Guide, "Policy evaluation logic"; AWS Organizations User Guide, "Resource control
policies" (the services that they apply to).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

from pkilab.errors import MalformedError
from pkilab.iam import Decision, Document, Policies, Principal, Request
from pkilab.iam.arns import account_in
from pkilab.iam.services import RESOURCE_CONTROLLED
from pkilab.simulator import world
from pkilab.simulator.access import condition_keys, request_context
from pkilab.simulator.access.asking import Access, Context, Facts, Resource
from pkilab.simulator.access.catalogue import accesses, fills_in
from pkilab.simulator.access.denials import denial
from pkilab.simulator.identity import Identity
from pkilab.simulator.policies import decide, read_policy
from pkilab.simulator.service import AwsError, Call, Json, not_simulated

KEPT = 1_000  # decisions; the oldest go first
_ANYONE = Principal(kind="anonymous", arn="*", account="")
_OPEN = read_policy(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
    },
    kind="resource",
    name="what is open to everybody",
)
_Levels = tuple[tuple[Document, ...], ...]


class Known(Protocol):
    """Knows callers' policies and what conditions may ask of callers."""

    def policies(
        self, identity: Identity
    ) -> tuple[tuple[Document, ...], Document | None, tuple[Document, ...] | None]:
        """Return identity policies, the permissions boundary and session policies."""

    def context(self, identity: Identity) -> Context:
        """Return the condition keys that tell who calls."""


class Organized(request_context.Organized, Protocol):
    """Knows organizations and their policies."""

    def controls(self, account: str) -> tuple[_Levels, _Levels]:
        """Return the SCPs and the RCPs that bound an account, level by level."""


class Gate(world.Gate):
    """Who may do what, by IAM.

    Args:
        identities: callers' policies.
        facts: what the world has.
        organizations: who is in which, and their policies.
    """

    def __init__(self, identities: Known, facts: Facts, organizations: Organized) -> None:
        self._identities, self._facts, self._organizations = identities, facts, organizations
        self.decisions: deque[tuple[Request, Decision]] = deque(maxlen=KEPT)

    def admit(self, service: str, operation: str, members: dict[str, Any], call: Call) -> None:
        """Let a call pass if every access that it needs is allowed.

        Raises:
            AwsError: the service's access denied error for the first that is not; NotImplemented,
                a policy or an operation that is not modelled has a say.
        """
        if call.identity is None:
            return
        for access in accesses(service, operation, members, call, self._facts):
            request, decision = self.ask(access, call, members)
            if not decision.allowed and access.otherwise:
                other = replace(access, action=access.otherwise)
                if self.ask(other, call, members)[1].allowed:
                    continue
            if not decision.allowed:
                account = call.identity.principal.account
                own = request.owner == account
                near = own or self._together(account, request.owner)
                user = call.identity.principal.arn
                raise denial(service, user, access, decision, near=near, own=own)

    def admit_anyone(self, action: str, resource: str, owner: str, call: Call) -> None:
        """Let somebody without credentials do what a resource's owner lets everybody do.

        Source: AWS Organizations User Guide, "Resource control policies": they bound every caller.

        Raises:
            AwsError: AccessDenied, a resource control policy does not; NotImplemented, it says
                what is not modelled.
        """
        _, levels = self._organizations.controls(owner)
        access = Access(action, resource, owner)
        context = request_context.of_call(call, action.partition(":")[0])
        context |= request_context.of_organization(self._organizations, owner, "resource")
        context |= request_context.of_resource(access, None, owner)
        request = Request(_ANYONE, action, resource, owner, context)
        policies = Policies(resource=(_OPEN,), resource_control=levels)
        _refuse_unknown_keys(request, policies)
        decision = decide(request, policies)
        self.decisions.append((request, decision))
        if not decision.allowed:
            raise AwsError("AccessDenied", "Access Denied", 403)

    def policies_of(self, call: Call) -> Policies:
        """Return what else than a resource's own policy has a say on what a caller may.

        For whoever asks what a caller could do, once a resource has a policy. An AWS service has
        nothing of the kind.
        """
        if call.identity is None:
            return Policies()
        own, boundary, session = self._identities.policies(call.identity)
        control, _ = self._organizations.controls(call.identity.principal.account)
        return Policies(identity=own, boundary=boundary, session=session, service_control=control)

    def ask(self, access: Access, call: Call, members: Json) -> tuple[Request, Decision]:
        """Decide one access of a caller whom IAM knows.

        Raises:
            AwsError: NotImplemented, a policy that has a say is not modelled.
        """
        assert call.identity is not None  # noqa: S101 - admit asked
        identity = call.identity
        resource = self._facts.resource(access.resource) if access.resource != "*" else None
        account = identity.principal.account
        owner = access.owner or (resource.owner if resource else _account(access)) or account
        request = Request(
            identity.principal,
            access.action,
            access.resource,
            owner,
            self._context(access, call, identity, resource, owner),
        )
        policies = self._policies(request, access, call, resource)
        if access.action.startswith("kms:") and resource is not None:
            policies = self._with_grants(policies, request, members, call)
        _refuse_unknown_keys(request, policies)
        decision = decide(request, policies)
        self.decisions.append((request, decision))
        return request, decision

    def _context(
        self,
        access: Access,
        call: Call,
        identity: Identity,
        resource: Resource | None,
        owner: str,
    ) -> Context:
        account = identity.principal.account
        organized = self._organizations
        found = request_context.of_call(call, access.action.partition(":")[0])
        found |= self._identities.context(identity)
        found |= request_context.of_organization(organized, account, "principal")
        if access.resource != "*":
            found |= request_context.of_organization(organized, owner, "resource")
        found |= request_context.of_resource(access, resource, owner)
        return found | dict(access.context)

    def _policies(
        self, request: Request, access: Access, call: Call, resource: Resource | None
    ) -> Policies:
        prefix = access.action.partition(":")[0]
        resource_control: _Levels = ()
        if prefix in RESOURCE_CONTROLLED and access.resource != "*":
            _, resource_control = self._organizations.controls(request.owner)
        return replace(
            self.policies_of(call),
            resource=tuple(_resource_policy(resource)) if resource else (),
            resource_control=resource_control,
            requires_resource_policy=access.requires_resource_policy,
        )

    def _with_grants(
        self, policies: Policies, request: Request, members: Json, call: Call
    ) -> Policies:
        """Return policies and the key's grants.

        A grant speaks for the key, and for the account that issued it: to its own principals it is
        enough on another account's key, too. Who may retire a grant is the grant's to say, and a
        key policy has no say in it.

        Sources: KMS Developer Guide, "Retiring and revoking grants"; AWS re:Post, "Why did Amazon
        EC2 Auto Scaling fail to launch instances with encrypted AMI" (service-linked roles have
        no permission for KMS, and their grants are issued from their own account).
        """
        operation, account = request.action.partition(":")[2], request.principal.account
        grants = self._facts.grants(request.resource, operation, members, call.now)
        if operation == "RetireGrant":
            return replace(policies, resource=grants, identity=(*policies.identity, *grants))
        found = replace(policies, resource=(*policies.resource, *grants))
        if request.same_account:
            return found
        issued = self._facts.grants(request.resource, operation, members, call.now, account)
        return replace(found, identity=(*policies.identity, *issued))

    def _together(self, one: str, other: str) -> bool:
        """Whether two accounts are of one organization."""
        found, second = self._organizations.of(one), self._organizations.of(other)
        return found is not None and second is not None and found[0] == second[0]


def _account(access: Access) -> str:
    """Return the account that a resource's ARN names, if it names one."""
    named = account_in(access.resource)
    return named if named.isdigit() else ""


def _resource_policy(resource: Resource) -> Iterator[Document]:
    """Yield a resource's policy. What is stored and is no policy allows nothing."""
    if resource.policy is None:
        return
    try:
        yield read_policy(resource.policy, kind="resource", name=resource.arn)
    except MalformedError:
        return


def _refuse_unknown_keys(request: Request, policies: Policies) -> None:
    """Refuse a condition on what AWS fills in for an action, and the simulator does not.

    Raises:
        AwsError: NotImplemented, naming the key.
    """
    levels = (*policies.service_control, *policies.resource_control)
    several = (
        policies.identity, policies.resource, policies.session or (),
        (policies.boundary,) if policies.boundary else (), *levels,
    )  # fmt: skip
    for document in (each for documents in several for each in documents):
        for key in condition_keys.asked(document, request):
            if not fills_in(request.action, key):
                where = f"{key} for {request.action}, in {document.name or document.kind}"
                raise not_simulated(f"the condition key {where}, if it is spelt as meant,")
