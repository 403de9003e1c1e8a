"""Service control policies and resource control policies, and what they are attached to.

Sources: AWS Organizations API Reference; User Guide, "Service control policies (SCPs)", "Resource
control policies (RCPs)".
"""

from __future__ import annotations

from collections.abc import Sequence

from pkilab.simulator.organizations import documents
from pkilab.simulator.organizations.accounts import enable
from pkilab.simulator.organizations.base import with_tags
from pkilab.simulator.organizations.errors import constraint, invalid, refusal
from pkilab.simulator.organizations.state import (
    RCP,
    SCP,
    Json,
    Member,
    Organization,
    Policy,
    PolicyType,
    Unit,
)
from pkilab.simulator.organizations.units import Units, root_of
from pkilab.simulator.service import Call


class Policies(Units):
    """Operations on policies. Types other than SCPs and RCPs are not simulated."""

    def enable_policy_type(
        self,
        call: Call,
        *,
        root_id: str,
        policy_type: str,
    ) -> Json:
        """Enable a type in the root: AWS's policy of the type is attached everywhere."""
        own, kind = self._root(call, root_id, policy_type)
        if kind in own.enabled:
            raise refusal("PolicyTypeAlreadyEnabledException")
        enable(own, kind)
        return {"Root": root_of(own)}

    def disable_policy_type(self, call: Call, *, root_id: str, policy_type: str) -> Json:
        """Disable a type in the root: its policies are detached everywhere, and stay."""
        own, kind = self._root(call, root_id, policy_type)
        if kind not in own.enabled:
            raise refusal("PolicyTypeNotEnabledException")
        own.enabled.remove(kind)
        for names in own.attached.values():
            names[:] = [name for name in names if own.policies[name].type != kind]
        return {"Root": root_of(own)}

    def _root(self, call: Call, root: str, kind: str) -> tuple[Organization, PolicyType]:
        own = self.managed(call)
        if root != own.root.id:
            raise refusal("RootNotFoundException")
        known = documents.policy_type(kind)
        _require_all_features(own)
        return own, known

    def create_policy(
        self,
        call: Call,
        *,
        content: str,
        description: str,
        name: str,
        type: str,  # noqa: A002 - the API's name
        tags: Sequence[Json] = (),
    ) -> Json:
        """Make a policy; attaching it is another matter."""
        own = self.managed(call)
        kind = documents.policy_type(type)
        _require_all_features(own)
        _require_new(own, kind, name)
        customers = [each for each in own.policies.values() if not each.aws_managed]
        if sum(each.type == kind for each in customers) >= documents.NUMBER[kind]:
            raise constraint("POLICY_NUMBER_LIMIT_EXCEEDED")
        policy_id = f"p-{self.new_name('policy', 10)}"
        arn = own.arn("policy", kind.lower(), policy_id)
        policy = Policy(
            id=policy_id,
            arn=arn,
            name=name,
            description=description,
            type=kind,
            content=content,
            document=documents.read_content(kind, content, arn),
            tags=with_tags({}, tags),
        )
        own.policies[policy_id] = policy
        return _described(policy)

    def update_policy(
        self,
        call: Call,
        *,
        policy_id: str,
        name: str | None = None,
        description: str | None = None,
        content: str | None = None,
    ) -> Json:
        """Change a policy wherever it is attached; what is left out stays."""
        own = self.managed(call)
        policy = _customers(own, policy_id)
        if name is not None and name != policy.name:
            _require_new(own, policy.type, name)
        if content is not None:
            policy.document = documents.read_content(policy.type, content, policy.arn)
            policy.content = content
        policy.name = policy.name if name is None else name
        policy.description = policy.description if description is None else description
        return _described(policy)

    def delete_policy(self, call: Call, *, policy_id: str) -> Json:
        """Remove a policy that is attached to nothing."""
        own = self.managed(call)
        _customers(own, policy_id)
        if any(policy_id in names for names in own.attached.values()):
            raise refusal("PolicyInUseException")
        del own.policies[policy_id]
        return {}

    def describe_policy(self, call: Call, *, policy_id: str) -> Json:
        """Describe a policy, with its content."""
        return _described(_policy(self.managed(call), policy_id))

    def list_policies(
        self,
        call: Call,
        *,
        filter: str,  # noqa: A002 - the API's name
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List the policies of a type, AWS's own first."""
        own = self.managed(call)
        kind = documents.policy_type(filter)
        found = [_summary(each) for each in own.policies.values() if each.type == kind]
        return self.listing("Policies", found, max_results, next_token, f"{own.id} {kind}")

    def attach_policy(self, call: Call, *, policy_id: str, target_id: str) -> Json:
        """Attach a policy to the root, a unit or an account."""
        own = self.managed(call)
        policy = _policy(own, policy_id)
        _require_target(own, target_id)
        if policy.type not in own.enabled:
            raise refusal("PolicyTypeNotEnabledException")
        attached = own.attachments(target_id, policy.type)
        if any(each is policy for each in attached):
            raise refusal("DuplicatePolicyAttachmentException")
        if len(attached) >= documents.ATTACHED[policy.type]:
            raise constraint("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
        own.attached[target_id].append(policy_id)
        return {}

    def detach_policy(self, call: Call, *, policy_id: str, target_id: str) -> Json:
        """Detach a policy; a target keeps at least one SCP, and AWS's own RCP for good."""
        own = self.managed(call)
        policy = _policy(own, policy_id)
        _require_target(own, target_id)
        attached = own.attachments(target_id, policy.type)
        if all(each is not policy for each in attached):
            raise refusal("PolicyNotAttachedException")
        if policy_id == documents.AWS_MANAGED[RCP]:
            raise invalid("NON_DETACHABLE_POLICY")
        if policy.type == SCP and len(attached) == 1:
            raise constraint("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
        own.attached[target_id].remove(policy_id)
        return {}

    def list_policies_for_target(
        self,
        call: Call,
        *,
        target_id: str,
        filter: str,  # noqa: A002 - the API's name
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List the policies of a type attached right to a target; inherited ones are not listed."""
        own = self.managed(call)
        _require_target(own, target_id)
        kind = documents.policy_type(filter)
        found = [_summary(each) for each in own.attachments(target_id, kind)]
        scope = f"{own.id} {kind} of {target_id}"
        return self.listing("Policies", found, max_results, next_token, scope)

    def list_targets_for_policy(
        self,
        call: Call,
        *,
        policy_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List what a policy is attached to."""
        own = self.managed(call)
        _policy(own, policy_id)
        targets = [name for name, names in own.attached.items() if policy_id in names]
        found = [_target(own, each) for name in targets if (each := own.target(name))]
        scope = f"{own.id} targets of {policy_id}"
        return self.listing("Targets", found, max_results, next_token, scope)


def _require_all_features(own: Organization) -> None:
    if own.feature_set != "ALL":
        raise refusal("PolicyTypeNotAvailableForOrganizationException")


def _require_new(own: Organization, kind: PolicyType, name: str) -> None:
    if any(each.type == kind and each.name == name for each in own.policies.values()):
        raise refusal("DuplicatePolicyException")


def _require_target(own: Organization, name: str) -> None:
    if own.target(name) is None:
        raise refusal("TargetNotFoundException")


def _policy(own: Organization, name: str) -> Policy:
    if (found := own.policies.get(name)) is None:
        raise refusal("PolicyNotFoundException")
    return found


def _customers(own: Organization, name: str) -> Policy:
    found = _policy(own, name)
    if found.aws_managed:
        raise invalid("IMMUTABLE_POLICY")
    return found


def _summary(policy: Policy) -> Json:
    return {
        "Id": policy.id,
        "Arn": policy.arn,
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.type,
        "AwsManaged": policy.aws_managed,
    }


def _described(policy: Policy) -> Json:
    return {"Policy": {"PolicySummary": _summary(policy), "Content": policy.content}}


def _target(own: Organization, found: Unit | Member) -> Json:
    if isinstance(found, Member):
        name, kind = found.account, "ACCOUNT"
    else:
        name, kind = found.id, "ROOT" if found is own.root else "ORGANIZATIONAL_UNIT"
    return {"TargetId": name, "Arn": found.arn, "Name": found.name, "Type": kind}
