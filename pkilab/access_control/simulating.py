"""IAM's own policy simulator beside an explanation.

Source: IAM API Reference, SimulatePrincipalPolicy; IAM User Guide, "IAM policy testing with the IAM
policy simulator".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pkilab.access_control.explanations import Explanation
from pkilab.errors import LabError
from pkilab.iam import key

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_TYPES = {
    "String": "string",
    "ARN": "string",
    "Bool": "boolean",
    "Numeric": "numeric",
    "Date": "date",
    "IPAddress": "ip",
    "Binary": "binary",
}


@dataclass(frozen=True, slots=True)
class Simulation:
    """Two answers to one question.

    Attributes:
        answer: IAM's: ``allowed``, ``explicitDeny`` or ``implicitDeny``.
        explanation: the whole explanation.
        difference: why they may differ: what IAM's simulator does not look at; ``""`` if they
            agree.
    """

    answer: str
    explanation: Explanation
    difference: str

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.answer == self.explanation.decision.effect


def simulate(iam: IAMClient, explanation: Explanation) -> Simulation:
    """Ask IAM what the caller's own policies say, and compare.

    IAM's simulator looks at the identity-based policies, the boundary and, for accounts of an
    organization, at service control policies with their conditions. It does not fetch the
    resource's policy, and AWS takes none along for roles; resource control policies and session
    policies it does not know. So it can say no where a key policy allows, and yes where one is
    missing: that is what the comparison is for.

    Args:
        iam: client of the caller's account.
        explanation: of a user or role.

    Raises:
        LabError: the caller is no user or role: IAM simulates nobody else.
        ClientError: IAM refuses to simulate (botocore's).
    """
    request = explanation.request
    caller = request.principal
    if caller.kind not in ("user", "assumed-role"):
        raise LabError(f"simulate: found {caller.arn}, expected a user or a role")
    answer = iam.simulate_principal_policy(
        PolicySourceArn=caller.role_arn or caller.arn,
        ActionNames=[request.action],
        ResourceArns=[request.resource],
        ContextEntries=_entries(request.context),
    )
    (result,) = answer["EvaluationResults"]
    found = str(result["EvalDecision"])
    return Simulation(found, explanation, _difference(found, explanation))


def _difference(answer: str, explanation: Explanation) -> str:
    if answer == explanation.decision.effect:
        return ""
    policies = explanation.policies
    left_out = [
        name
        for name, there in (
            ("the resource's policy", policies.resource or policies.requires_resource_policy),
            ("session policies", policies.session is not None),
            ("resource control policies", policies.resource_control),
        )
        if there
    ]
    other = explanation.request.owner not in ("", explanation.request.principal.account)
    if other and not policies.resource:
        left_out.insert(0, "the resource's account, where nothing allows it")
    return f"IAM was not asked about {', '.join(left_out)}." if left_out else "Not known."


def _entries(context: Any) -> list[Any]:  # noqa: ANN401 - boto3's own types
    """Write condition keys as the simulator takes them; one that is not modelled is text."""
    entries = []
    for name, value in sorted(context.items()):
        known = key(name)
        kind = _TYPES[known.type] if known else "string"
        many = isinstance(value, tuple)
        entries.append(
            {
                "ContextKeyName": name,
                "ContextKeyValues": list(value) if many else [value],
                "ContextKeyType": f"{kind}List" if many else kind,
            }
        )
    return entries
