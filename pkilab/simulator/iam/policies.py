"""Policies: what is taken for one, how large they get, whose they are.

Source: IAM API Reference; IAM User Guide, "IAM and AWS STS quotas" and "AWS managed policies".
"""

from __future__ import annotations

from typing import Any

from pkilab.simulator.iam.base import IamBase, conflict, exceeded, no_such
from pkilab.simulator.identity.directory import Owner, boundary_of
from pkilab.simulator.identity.grammar import check_policy, check_trust_policy, plain
from pkilab.simulator.identity.managed import admit_managed
from pkilab.simulator.service import Call, Json

_INLINE = {"user": 2048, "group": 5120, "role": 10240}  # characters, blanks not counted, together
_MANAGED, _TRUST = 6144, 2048
_ATTACHED = 10


class Policies(IamBase):
    """What moto does not ask of policies."""

    # Managed ones.

    def create_policy(self, call: Call, *, policy_document: str, **others: Any) -> Json:  # noqa: ANN401
        """Create a managed policy."""
        self._check_managed(policy_document)
        answer = self._by_moto(
            "CreatePolicy", call, policy_document=plain(policy_document), **others
        )
        self._backend(call).managed_policies[answer["Policy"]["Arn"]].versions[
            0
        ].document = policy_document
        return answer

    def create_policy_version(
        self,
        call: Call,
        *,
        policy_arn: str,
        policy_document: str,
        **others: Any,  # noqa: ANN401
    ) -> Json:
        """Create a version of a managed policy."""
        self._check_managed(policy_document)
        answer = self._by_moto(
            "CreatePolicyVersion",
            call,
            policy_arn=policy_arn,
            policy_document=plain(policy_document),
            **others,
        )
        self._backend(call).managed_policies[policy_arn].versions[-1].document = policy_document
        return answer

    def get_policy(self, call: Call, *, policy_arn: str) -> Json:
        """Return a managed policy, one of AWS's too."""
        admit_managed(call.account, policy_arn)
        return self._by_moto("GetPolicy", call, policy_arn=policy_arn)

    def get_policy_version(self, call: Call, *, policy_arn: str, version_id: str) -> Json:
        """Return a version of a managed policy."""
        admit_managed(call.account, policy_arn)
        return self._by_moto("GetPolicyVersion", call, policy_arn=policy_arn, version_id=version_id)

    def list_policy_versions(self, call: Call, *, policy_arn: str, **others: Any) -> Json:  # noqa: ANN401
        """Return the versions of a managed policy."""
        admit_managed(call.account, policy_arn)
        return self._by_moto("ListPolicyVersions", call, policy_arn=policy_arn, **others)

    def delete_policy(self, call: Call, *, policy_arn: str) -> Json:
        """Delete a managed policy that nobody has."""
        backend = self._backend(call)
        found = backend.managed_policies.get(policy_arn)
        if found is None:
            raise no_such(f"Policy {policy_arn} was not found.")
        limited = {boundary_of(each) for each in backend.users.values()}
        limited |= {each.permissions_boundary_arn for each in backend.roles.values()}
        if found.attachment_count or policy_arn in limited:
            raise conflict("Cannot delete a policy attached to entities.")
        if len(found.versions) > 1:
            raise conflict(
                "This policy has more than one version. Before you delete a policy, you must "
                "delete the policy's versions. The default version is deleted with the policy."
            )
        return self._by_moto("DeletePolicy", call, policy_arn=policy_arn)

    def attach_user_policy(self, call: Call, *, user_name: str, policy_arn: str) -> Json:
        """Give a user a managed policy."""
        return self._attach(call, "user", user_name, policy_arn)

    def attach_group_policy(self, call: Call, *, group_name: str, policy_arn: str) -> Json:
        """Give a group a managed policy."""
        return self._attach(call, "group", group_name, policy_arn)

    def attach_role_policy(self, call: Call, *, role_name: str, policy_arn: str) -> Json:
        """Give a role a managed policy."""
        return self._attach(call, "role", role_name, policy_arn)

    def _attach(self, call: Call, kind: Owner, name: str, arn: str) -> Json:
        holder = self._holder(call, kind, name)
        text = self._directory.managed_policy(call.account, arn)
        if text is None:
            raise no_such(f"Policy {arn} does not exist or is not attachable.")
        if arn in holder.managed_policies:
            return {}
        if len(holder.managed_policies) >= _ATTACHED:
            raise exceeded(f"Cannot exceed quota for PoliciesPer{kind.title()}: {_ATTACHED}")
        if self.world.enforce_policies:
            check_policy(text, understood=True)
        self._backend(call).managed_policies[arn].attach_to(holder)
        return {}

    # Inline ones.

    def put_user_policy(
        self, call: Call, *, user_name: str, policy_name: str, policy_document: str
    ) -> Json:
        """Give a user a policy of its own."""
        return self._put(call, "user", user_name, policy_name, policy_document)

    def put_group_policy(
        self, call: Call, *, group_name: str, policy_name: str, policy_document: str
    ) -> Json:
        """Give a group a policy of its own."""
        return self._put(call, "group", group_name, policy_name, policy_document)

    def put_role_policy(
        self, call: Call, *, role_name: str, policy_name: str, policy_document: str
    ) -> Json:
        """Give a role a policy of its own."""
        return self._put(call, "role", role_name, policy_name, policy_document)

    def _put(self, call: Call, kind: Owner, name: str, policy_name: str, text: str) -> Json:
        holder = self._holder(call, kind, name)
        self._check(text)
        others = (each for key, each in holder.policies.items() if key != policy_name)
        if sum(map(_size, (text, *others))) > _INLINE[kind]:
            raise exceeded(
                f"Maximum policy size of {_INLINE[kind]} bytes exceeded for {kind} {name}"
            )
        holder.put_policy(policy_name, text)
        return {}

    # Trust policies.

    def create_role(
        self,
        call: Call,
        *,
        assume_role_policy_document: str,
        permissions_boundary: str | None = None,
        **others: Any,  # noqa: ANN401 - moto's
    ) -> Json:
        """Create a role."""
        self._check_trust(assume_role_policy_document)
        if permissions_boundary is not None:
            self._require_boundary(call, permissions_boundary)
        return self._by_moto(
            "CreateRole",
            call,
            assume_role_policy_document=assume_role_policy_document,
            **({"permissions_boundary": permissions_boundary} if permissions_boundary else {}),
            **others,
        )

    def update_assume_role_policy(
        self, call: Call, *, role_name: str, policy_document: str
    ) -> Json:
        """Change whom a role trusts."""
        role = self._holder(call, "role", role_name)
        self._check_trust(policy_document)
        role.assume_role_policy_document = policy_document
        return {}

    def _check_trust(self, text: str) -> None:
        check_trust_policy(text, self._directory, understood=self.world.enforce_policies)
        if _size(text) > _TRUST:
            raise exceeded(f"Cannot exceed quota for ACLSizePerRole: {_TRUST}")

    def _check_managed(self, text: str) -> None:
        self._check(text)
        if _size(text) > _MANAGED:
            raise exceeded(f"Cannot exceed quota for PolicySize: {_MANAGED}")

    def _check(self, text: str) -> None:
        check_policy(text, understood=self.world.enforce_policies)


def _size(text: str) -> int:
    """Return a policy's size as IAM counts it: without white space."""
    return len("".join(text.split()))
