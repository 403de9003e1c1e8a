"""The gate of a world in which policies are not enforced: only accounts are kept apart.

Everybody is taken for an administrator of their own account, and no organization limits them. Over
a CA, an event bus, a secret, a queue or a topic of another account its owner's resource policy
decides all the same: sharing would mean nothing otherwise.
"""

from __future__ import annotations

from typing import Any

from pkilab.iam import Document
from pkilab.iam.arns import account_in
from pkilab.simulator.access.asking import Context, Facts
from pkilab.simulator.access.gate import Gate, Known, Organized
from pkilab.simulator.identity import Identity
from pkilab.simulator.policies import read_policy
from pkilab.simulator.service import Call
from pkilab.simulator.sqs_checks import queue_of

_ADMINISTRATOR = read_policy(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
    },
    kind="identity",
    name="an administrator's",
)
# Members that name the resource of another account, by service. The other services keep to the
# caller's own account, or decide for themselves.
_NAMING = {
    "acm-pca": ("CertificateAuthorityArn", "ResourceArn"),
    "secretsmanager": ("SecretId",),
    "sns": ("TopicArn", "TargetArn", "ResourceArn"),
}


class AcrossAccounts(Gate):
    """Who may use the resources of another account.

    Args:
        identities: what conditions may ask of callers.
        facts: what the world has.
        organizations: who is in which.
    """

    def __init__(self, identities: Known, facts: Facts, organizations: Organized) -> None:
        super().__init__(_Administrators(identities), facts, _Unlimited(organizations))

    def admit(self, service: str, operation: str, members: dict[str, Any], call: Call) -> None:
        """Let a call pass, if what it names is the caller's own or its owner shares it.

        Raises:
            AwsError: as `Gate.admit`.
        """
        named = [members.get(each) for each in _NAMING.get(service, ())]
        if service == "events":
            named += [each.get("EventBusName") for each in members.get("Entries", ())]
        accounts = {account_in(each) for each in named if isinstance(each, str)}
        if service == "sqs":
            place = queue_of(members.get("QueueUrl", ""))
            accounts |= {place[0] if place else members.get("QueueOwnerAWSAccountId", "")}
        if any(each.isdigit() and each != call.account for each in accounts):
            super().admit(service, operation, members, call)

    def admit_anyone(self, action: str, resource: str, owner: str, call: Call) -> None:
        """Let everybody pass."""


class _Administrators:
    """Callers, all of whom may everything."""

    def __init__(self, identities: Known) -> None:
        self._identities = identities

    def policies(
        self, _identity: Identity
    ) -> tuple[tuple[Document, ...], Document | None, tuple[Document, ...] | None]:
        return (_ADMINISTRATOR,), None, None

    def context(self, identity: Identity) -> Context:
        return self._identities.context(identity)


class _Unlimited:
    """Organizations whose policies bound nobody."""

    def __init__(self, organizations: Organized) -> None:
        self._organizations = organizations

    def of(self, account: str) -> tuple[str, str] | None:
        return self._organizations.of(account)

    def controls(self, _account: str) -> tuple[tuple[()], tuple[()]]:
        return (), ()
