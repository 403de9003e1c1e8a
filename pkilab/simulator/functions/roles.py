"""The roles that functions run in: whom they trust, and sessions of them.

Source: Lambda Developer Guide, "Defining Lambda function permissions with an execution role".
"""

from __future__ import annotations

from pkilab.errors import MalformedError
from pkilab.iam import Policies, Principal, Request
from pkilab.simulator.identity import Identities
from pkilab.simulator.policies import decide, read_policy

_LAMBDA = Principal(kind="service", arn="lambda.amazonaws.com", account="")
_CONTEXT = {
    "aws:principalisawsservice": "true",
    "aws:principalservicename": _LAMBDA.arn,
}
_SECONDS = 12 * 3600  # Lambda renews what runs out; an environment here does not live as long


class ExecutionRoles:
    """The world's roles, as Lambda uses them.

    Args:
        identities: where roles are, and where sessions begin.
    """

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    def trust_lambda(self, role_arn: str) -> bool:
        """Whether a role exists and its trust policy lets Lambda assume it.

        Lambda says of itself that it is a service, and no more: a condition on the function or
        on its account holds for nobody.

        Raises:
            AwsError: NotImplemented, the trust policy says what is not modelled.
        """
        text = self._identities.trust_policy(role_arn)
        if text is None:
            return False
        try:
            trust = read_policy(text, kind="resource", name=role_arn)
        except MalformedError:
            return False
        request = Request(_LAMBDA, "sts:AssumeRole", role_arn, role_arn.split(":")[4], _CONTEXT)
        policies = Policies(resource=(trust,), requires_resource_policy=True)
        return decide(request, policies).allowed

    def assume(self, role_arn: str, function_arn: str) -> dict[str, str]:
        """Return the variables by which a function's AWS clients call as its role does.

        A role that is gone leaves the function without credentials, as a role that Lambda cannot
        assume does.
        """
        role = self._identities.role(role_arn)
        if role is None:
            return {}
        name = function_arn.rpartition(":")[2]
        started = self._identities.start_session(role, name, _SECONDS, issuer=_LAMBDA.arn)
        return started.credentials.variables()
