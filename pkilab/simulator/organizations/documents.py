"""What an organization's policies may say, and the two that AWS attaches by itself.

Sources: AWS Organizations User Guide, "SCP syntax", "RCP syntax", "Quotas and service limits" (an
SCP has up to 10,240 characters, and ten are attached to a target, since May 2026).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Any

from pkilab.errors import MalformedError
from pkilab.iam import Document, PolicyKind, listed
from pkilab.iam.services import RESOURCE_CONTROLLED
from pkilab.simulator.organizations.errors import constraint, refusal
from pkilab.simulator.organizations.state import RCP, SCP, Policy, PolicyType
from pkilab.simulator.policies import read_policy
from pkilab.simulator.service import not_simulated

CHARACTERS = {SCP: 10_240, RCP: 5_120}
ATTACHED = {SCP: 10, RCP: 5}  # per target, AWS's own included
NUMBER = {SCP: 10_000, RCP: 1_000}  # per organization
AWS_MANAGED = {SCP: "p-FullAWSAccess", RCP: "p-RCPFullAWSAccess"}
_KINDS: dict[PolicyType, PolicyKind] = {SCP: "service control", RCP: "resource control"}
_VERSION = "2012-10-17"


def policy_type(name: str) -> PolicyType:
    """Return a policy type that the simulator knows.

    Raises:
        AwsError: NotImplemented, another type of AWS's.
    """
    for known in (SCP, RCP):
        if name == known:
            return known
    raise not_simulated(f"the policy type {name}")


def read_content(kind: PolicyType, content: str, name: str) -> Document:
    """Read a policy's content.

    Raises:
        AwsError: MalformedPolicyDocumentException; ConstraintViolationException, it is too long;
            NotImplemented, it has an operator, a key or a variable that is not modelled.
    """
    if len(content) > CHARACTERS[kind]:
        raise constraint("POLICY_CONTENT_LIMIT_EXCEEDED")
    try:
        document = read_policy(content, kind=_KINDS[kind], name=name)
    except MalformedError as error:
        raise refusal("MalformedPolicyDocumentException") from error
    if document.version != _VERSION or (kind == RCP and not _is_resource_control(content)):
        raise refusal("MalformedPolicyDocumentException")
    return document


def _is_resource_control(content: str) -> bool:
    """Say whether a policy keeps to what a customer's RCP may say. User Guide, "RCP syntax"."""
    return all(map(_may_be_in_rcp, listed(json.loads(content)["Statement"])))


def _may_be_in_rcp(statement: dict[str, Any]) -> bool:
    services = {action.partition(":")[0].lower() for action in listed(statement.get("Action"))}
    return (
        statement["Effect"] == "Deny"
        and statement.get("Principal") == "*"
        and not {"NotPrincipal", "NotAction"} & statement.keys()
        and ("Resource" in statement or "NotResource" in statement)
        and services <= RESOURCE_CONTROLLED
    )


def aws_managed() -> dict[str, Policy]:
    """Return AWS's own policies, which every organization has."""
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    full = _aws_managed(SCP, "FullAWSAccess", "Allows access to every operation", allow)
    resources = _aws_managed(
        RCP,
        "RCPFullAWSAccess",
        "Allows access to every resource",
        {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
    )
    return {full.id: full, resources.id: resources}


def _aws_managed(
    kind: PolicyType, name: str, description: str, statement: dict[str, str]
) -> Policy:
    content = json.dumps({"Version": _VERSION, "Statement": [statement]}, indent=2)
    arn = f"arn:aws:organizations::aws:policy/{kind.lower()}/{AWS_MANAGED[kind]}"
    return Policy(
        id=AWS_MANAGED[kind],
        arn=arn,
        name=name,
        description=description,
        type=kind,
        content=content,
        document=_full_access(kind, content, arn),
        aws_managed=True,
    )


@functools.cache
def _full_access(kind: PolicyType, content: str, arn: str) -> Document:
    return read_policy(content, kind=_KINDS[kind], name=arn)


def given(enabled: Iterable[PolicyType]) -> list[str]:
    """Return the policies that AWS attaches to every target, for the types that are enabled."""
    return [AWS_MANAGED[kind] for kind in enabled]
