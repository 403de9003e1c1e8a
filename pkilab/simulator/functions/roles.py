"""The roles that services take: whom they trust, and sessions of them.

Sources: Lambda Developer Guide, "Defining Lambda function permissions with an execution role"; IAM
User Guide, "The confused deputy problem" (aws:SourceArn, aws:SourceAccount).
"""

from __future__ import annotations

from collections.abc import Mapping

from pkilab.errors import MalformedError
from pkilab.iam import Policies, Principal, Request
from pkilab.simulator.identity import Identities, Identity, Started
from pkilab.simulator.policies import decide, read_policy

_LAMBDA = "lambda.amazonaws.com"
_SECONDS = 12 * 3600  # Lambda renews what runs out; an environment here does not live as long


def trusts(
    identities: Identities, role_arn: str, service: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether a role exists and its trust policy lets a service assume it.

    Args:
        identities: where roles are.
        role_arn: of the role.
        service: the service principal.
        context: what the service says besides, as condition keys in small letters.

    Raises:
        AwsError: NotImplemented, the trust policy says what is not modelled.
    """
    text = identities.trust_policy(role_arn)
    if text is None:
        return False
    try:
        trust = read_policy(text, kind="resource", name=role_arn)
    except MalformedError:
        return False
    told = {
        "aws:principalisawsservice": "true",
        "aws:principalservicename": service,
        **(context or {}),
    }
    caller = Principal(kind="service", arn=service, account="")
    request = Request(caller, "sts:AssumeRole", role_arn, role_arn.split(":")[4], told)
    policies = Policies(resource=(trust,), requires_resource_policy=True)
    return decide(request, policies).allowed


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
        return trusts(self._identities, role_arn, _LAMBDA)

    def assume(self, role_arn: str, function_arn: str) -> dict[str, str]:
        """Return the variables by which a function's AWS clients call as its role does.

        A role that is gone leaves the function without credentials, as a role that Lambda cannot
        assume does.
        """
        started = self._start(role_arn, function_arn)
        return started.credentials.variables() if started else {}

    def session(self, role_arn: str, function_arn: str) -> Identity | None:
        """Return whom Lambda calls as for a function; None: the role is gone."""
        started = self._start(role_arn, function_arn)
        if started is None:
            return None
        self._identities.retire(started.identity)
        return started.identity

    def _start(self, role_arn: str, function_arn: str) -> Started | None:
        role = self._identities.role(role_arn)
        if role is None:
            return None
        name = function_arn.rpartition(":")[2]
        return self._identities.start_session(role, name, _SECONDS, issuer=_LAMBDA)
