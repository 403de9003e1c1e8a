"""The policy simulator's operations: what they are given, and whose policies they look at.

Source: IAM API Reference, SimulatePrincipalPolicy, SimulateCustomPolicy,
GetContextKeysForCustomPolicy and GetContextKeysForPrincipalPolicy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pkilab.iam import PolicyKind as Kind
from pkilab.iam import Principal
from pkilab.simulator.iam.base import IamBase, no_such
from pkilab.simulator.iam.contexts import read_context
from pkilab.simulator.iam.simulations import (
    IDENTITY,
    RESOURCE,
    Levels,
    Simulation,
    Source,
    invalid,
    named_keys,
    source,
)
from pkilab.simulator.identity.directory import Attached, Role, User
from pkilab.simulator.pages import page
from pkilab.simulator.service import Call, Json, not_simulated

_ACTION = re.compile(r"[a-zA-Z0-9-]+:[a-zA-Z0-9]+", re.ASCII)
_ENTITY = re.compile(r"arn:aws:iam::(?P<account>\d{12}):(?P<kind>user|group|role)/.+", re.ASCII)
_ACCOUNT = re.compile(r"(?:arn:aws:iam::)?(?P<account>\d{12})(?::root)?", re.ASCII)
_PAGE = 100
_INPUT, _BOUNDARY = "PolicyInputList", "PermissionsBoundaryPolicyInputList"


class Simulator(IamBase):
    """The operations of the policy simulator."""

    def simulate_custom_policy(
        self,
        call: Call,
        *,
        policy_input_list: list[str],
        caller_arn: str | None = None,
        permissions_boundary_policy_input_list: list[str] | None = None,
        ordered_organization_policy_input_list: list[Json] | None = None,
        **others: Any,  # noqa: ANN401 - see _simulated
    ) -> Json:
        """Say what policies that are sent along would decide."""
        if others.get("resource_policy") is not None and caller_arn is None:
            raise invalid("CallerArn is required when ResourcePolicy is given")
        return self._simulated(
            call,
            _principal(caller_arn or f"arn:aws:iam::{call.account}:user/simulated"),
            identity=_inputs(policy_input_list, "identity", _INPUT),
            boundary=_inputs(permissions_boundary_policy_input_list, "boundary", _BOUNDARY),
            controls=_levels(ordered_organization_policy_input_list),
            **others,
        )

    def simulate_principal_policy(
        self,
        call: Call,
        *,
        policy_source_arn: str,
        policy_input_list: list[str] | None = None,
        permissions_boundary_policy_input_list: list[str] | None = None,
        caller_arn: str | None = None,
        **others: Any,  # noqa: ANN401 - see _simulated
    ) -> Json:
        """Say what the policies of a user, group or role would decide."""
        own, holder = self._subject(call, policy_source_arn)
        boundary = _inputs(permissions_boundary_policy_input_list, "boundary", _BOUNDARY)
        if not boundary and holder is not None and holder.boundary_arn:
            text = self._directory.managed_policy(holder.account, holder.boundary_arn)
            name = holder.boundary_arn.rpartition("/")[2]
            boundary = (source(text, "boundary", name),) if text else ()
        return self._simulated(
            call,
            _principal(caller_arn or policy_source_arn),
            identity=own + _inputs(policy_input_list, "identity", _INPUT),
            boundary=boundary,
            controls=self._controls(call.account),
            **others,
        )

    def get_context_keys_for_custom_policy(
        self,
        call: Call,  # noqa: ARG002 - nobody's policies
        *,
        policy_input_list: list[str],
    ) -> Json:
        """Return the condition keys that policies name."""
        return {"ContextKeyNames": named_keys(_inputs(policy_input_list, "identity", _INPUT))}

    def get_context_keys_for_principal_policy(
        self,
        call: Call,
        *,
        policy_source_arn: str,
        policy_input_list: list[str] | None = None,
    ) -> Json:
        """Return the condition keys that the policies of a user, group or role name."""
        own, _ = self._subject(call, policy_source_arn)
        return {"ContextKeyNames": named_keys(own + _inputs(policy_input_list, "identity", _INPUT))}

    def _subject(self, call: Call, arn: str) -> tuple[tuple[Source, ...], User | Role | None]:
        """Return the policies of a user, group or role, and who it is; None is a group.

        Raises:
            AwsError: InvalidInput, NoSuchEntity; NotImplemented.
        """
        named = _ENTITY.fullmatch(arn)
        if named is None or named["account"] != call.account:
            raise invalid(
                f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
            )
        holder = self._directory.user(arn) or self._directory.role(arn)
        policies = holder.policies if holder else self._directory.group_policies(arn)
        if policies is None:
            name = arn.rpartition("/")[2]
            raise no_such(f"The {named['kind']} with name {name} cannot be found.")
        return tuple(source(each.text, "identity", _name(each)) for each in policies), holder

    def _simulated(
        self,
        call: Call,
        principal: Principal,
        *,
        identity: tuple[Source, ...],
        boundary: tuple[Source, ...],
        controls: Levels,
        action_names: list[str],
        resource_arns: list[str] | None = None,
        resource_policy: str | None = None,
        resource_owner: str | None = None,
        context_entries: list[Json] | None = None,
        max_items: int = _PAGE,
        marker: str | None = None,
        **others: Any,  # noqa: ANN401 - members by name
    ) -> Json:
        if asked := sorted(name for name, value in others.items() if value):
            raise not_simulated(f"iam:Simulate* with {', '.join(asked)}")
        if bad := [each for each in action_names if not _ACTION.fullmatch(each)]:
            raise invalid(f"Invalid Action name: {bad[0]}")
        if resource_policy is not None and principal.kind == "assumed-role":
            raise invalid("Simulation of resource-based policies isn't supported for IAM roles.")
        sent = [resource_policy] if resource_policy is not None else None
        simulation = Simulation(
            principal,
            identity,
            boundary,
            _inputs(sent, "resource", "ResourcePolicy"),
            controls,
            _account_of(resource_owner) if resource_owner else "",
            read_context(context_entries),
        )
        results = [simulation.result(action, resource_arns or []) for action in action_names]
        scope = f"{call.account} {principal.arn} {len(results)}"
        shown, following = page(results, max_items, marker, scope=scope, refusal="InvalidInput")
        return {
            "EvaluationResults": shown,
            "IsTruncated": following is not None,
            "Marker": following,
        }


def _inputs(texts: Iterable[str] | None, kind: Kind, name: str) -> tuple[Source, ...]:
    given = list(texts or ())
    if kind == "boundary" and len(given) > 1:
        raise invalid(f"{name} has at most one policy")
    shown = RESOURCE if kind == "resource" else IDENTITY
    return tuple(
        source(text, kind, name if kind == "resource" else f"{name}.{number}", shown)
        for number, text in enumerate(given, start=1)
    )


def _levels(sent: list[Json] | None) -> Levels:
    """Return the service control policies of each level, from the root to the account."""
    return tuple(
        tuple(
            source(text, "service control", f"level {number}").document
            for text in each.get("ServiceControlPolicyInputList", ())
        )
        for number, each in enumerate(sent or (), start=1)
    )


def _name(attached: Attached) -> str:
    """Return a policy's id: a managed one's name; whose an inline one is, and its name."""
    if attached.arn:
        return attached.name
    return f"{attached.owner}_{attached.owner_name}_{attached.name}"


def _principal(arn: str) -> Principal:
    """Return whom a simulation is about.

    Raises:
        AwsError: InvalidInput.
    """
    named = _ENTITY.fullmatch(arn)
    if named is None:
        raise invalid(f"Invalid CallerArn: {arn}")
    account = named["account"]
    if named["kind"] == "role":
        short = arn.rpartition("/")[2]
        session = f"arn:aws:sts::{account}:assumed-role/{short}/simulated"
        return Principal(kind="assumed-role", arn=session, account=account, role_arn=arn)
    return Principal(kind="user", arn=arn, account=account)


def _account_of(owner: str) -> str:
    named = _ACCOUNT.fullmatch(owner)
    if named is None:
        raise invalid(f"Invalid ResourceOwner: {owner}")
    return named["account"]
