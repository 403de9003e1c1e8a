"""Service-linked roles: roles that belong to a service, which alone may change and assume them.

Those of ACM and RAM are as AWS has them, with the service's managed policy; others are moto's.

Sources: IAM User Guide, "Create a service-linked role" and "Using service-linked roles"; ACM User
Guide, "Using a service-linked role with ACM"; AWS RAM User Guide, "Using service-linked roles".
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pkilab.simulator.iam.policies import Policies
from pkilab.simulator.identity import Identities
from pkilab.simulator.identity.managed import admit_managed
from pkilab.simulator.service import AwsError, Call, Json, error, run

_POLICIES = "arn:aws:iam::aws:policy/aws-service-role"
_LINKED = "/aws-service-role/"
_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a service's role is called, and which policy it has."""

    name: str
    policy: str

    def arn(self, account: str, service: str) -> str:
        return f"arn:aws:iam::{account}:role/aws-service-role/{service}/{self.name}"


_KINDS = {
    "acm.amazonaws.com": _Kind(
        "AWSServiceRoleForCertificateManager", "CertificateManagerServiceRolePolicy"
    ),
    "ram.amazonaws.com": _Kind(
        "AWSServiceRoleForResourceAccessManager", "AWSResourceAccessManagerServiceRolePolicy"
    ),
}


class LinkedRoles(Policies):
    """What moto does not know of service-linked roles."""

    def create_service_linked_role(
        self,
        call: Call,
        *,
        aws_service_name: str,
        custom_suffix: str = "",
        description: str = "",
    ) -> Json:
        """Make the role of a service, with its policy."""
        kind = _KINDS.get(aws_service_name)
        if kind is None:
            asked = {"aws_service_name": aws_service_name}
            asked |= {"custom_suffix": custom_suffix} if custom_suffix else {}
            asked |= {"description": description} if description else {}
            return self._by_moto("CreateServiceLinkedRole", call, **asked)
        if custom_suffix:
            message = f"Custom suffix is not allowed for {aws_service_name}"
            raise error("iam", "InvalidInputException", message)
        if self._directory.has_role_called(call.account, kind.name):
            message = (
                f"Service role name {kind.name} has been taken in this account, please try a "
                "different suffix."
            )
            raise error("iam", "InvalidInputException", message)
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": ["sts:AssumeRole"],
                    "Effect": "Allow",
                    "Principal": {"Service": [aws_service_name]},
                }
            ],
        }
        backend, policy = self._backend(call), f"{_POLICIES}/{kind.policy}"
        backend.create_role(
            kind.name,
            json.dumps(trust),
            f"/aws-service-role/{aws_service_name}/",
            None,
            description,
            [],
            str(_SECONDS),
            linked_service=aws_service_name,
        )
        admit_managed(call.account, policy)
        backend.attach_role_policy(policy, kind.name)
        return self._by_moto("GetRole", call, role_name=kind.name)

    def delete_service_linked_role(self, call: Call, *, role_name: str) -> Json:
        """Delete a service's role. Whether the service still needs it is not looked at."""
        role = self._holder(call, "role", role_name)
        if role.path.startswith(_LINKED):
            for policy in [*role.managed_policies.values()]:
                policy.detach_from(role)
        return self._by_moto("DeleteServiceLinkedRole", call, role_name=role_name)

    # What is refused on such a role.

    def delete_role(self, call: Call, *, role_name: str) -> Json:
        """Delete a role, if it is no service's."""
        self._require_unlinked(call, role_name)
        return self._by_moto("DeleteRole", call, role_name=role_name)

    def attach_role_policy(self, call: Call, *, role_name: str, policy_arn: str) -> Json:
        """Attach a managed policy to a role, if it is no service's."""
        self._require_unlinked(call, role_name)
        return super().attach_role_policy(call, role_name=role_name, policy_arn=policy_arn)

    def detach_role_policy(self, call: Call, *, role_name: str, policy_arn: str) -> Json:
        """Detach a managed policy from a role, if it is no service's."""
        self._require_unlinked(call, role_name)
        asked = {"role_name": role_name, "policy_arn": policy_arn}
        return self._by_moto("DetachRolePolicy", call, **asked)

    def put_role_policy(self, call: Call, *, role_name: str, **policy: Any) -> Json:  # noqa: ANN401
        """Put an inline policy on a role, if it is no service's."""
        self._require_unlinked(call, role_name)
        return super().put_role_policy(call, role_name=role_name, **policy)

    def update_assume_role_policy(self, call: Call, *, role_name: str, **policy: Any) -> Json:  # noqa: ANN401
        """Change whom a role trusts, if it is no service's."""
        self._require_unlinked(call, role_name)
        return super().update_assume_role_policy(call, role_name=role_name, **policy)

    def _require_unlinked(self, call: Call, role_name: str) -> None:
        """Refuse to change a role of a service's.

        Raises:
            AwsError: UnmodifiableEntity.
        """
        roles = self._backend(call).roles.values()
        role = next((each for each in roles if each.name == role_name), None)
        if role is not None and role.path.startswith(_LINKED):
            message = (
                f"Cannot perform the operation on the protected role '{role_name}' - this role is "
                "only modifiable by AWS"
            )
            raise error("iam", "UnmodifiableEntityException", message)


class ServiceRoles:
    """A world's service-linked roles, as the services use them.

    Args:
        identities: where roles are, and where sessions begin.
        iam: returns IAM, which is made after the services that need it.
    """

    def __init__(self, identities: Identities, iam: Callable[[], Any]) -> None:
        self._identities, self._iam = identities, iam

    def ensure(self, service: str, call: Call) -> None:
        """Make a service's role in the caller's account, if it is missing and the caller may."""
        if self._identities.role(_KINDS[service].arn(call.account, service)) is None:
            named = replace(call, via=(*call.via, service))
            with contextlib.suppress(AwsError):
                run(self._iam(), "CreateServiceLinkedRole", {"AWSServiceName": service}, named)

    def call(self, service: str, account: str, region: str, session: str) -> Call | None:
        """Return a call of a service in the role that it has in an account; None: it has none."""
        role = self._identities.role(_KINDS[service].arn(account, service))
        if role is None:
            return None
        started = self._identities.start_session(role, session, _SECONDS, issuer=service)
        self._identities.retire(started.identity)
        return Call(
            account,
            region,
            self._identities.world.clock.now(),
            started.identity.principal.arn,
            started.identity.access_key_id,
            identity=started.identity,
            via=(service,),
        )
