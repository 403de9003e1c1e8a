"""The roles that targets name: EventBridge takes them to call what the target is.

Sources: EventBridge User Guide, "Permissions for Amazon EventBridge to access targets using IAM
roles"; EventBridge API Reference, Target (RoleArn).
"""

from __future__ import annotations

from pkilab.simulator.eventbridge.state import Rule, Target
from pkilab.simulator.functions.roles import trusts
from pkilab.simulator.identity import Identities, Identity
from pkilab.simulator.service import AwsError

PRINCIPAL = "events.amazonaws.com"
_SECONDS = 3600
_MOST_NAME = 64


def take_role(identities: Identities, rule: Rule, target: Target) -> Identity:
    """Begin a session of a target's role, for one delivery; in a turn.

    Raises:
        AwsError: FAILED_TO_ASSUME_ROLE, there is no such role in the rule's account, or it does not
            trust EventBridge on behalf of this rule; NotImplemented, its trust policy says what is
            not modelled.
    """
    arn = target.role_arn or ""
    context = {"aws:sourcearn": rule.arn, "aws:sourceaccount": rule.account}
    role = identities.role(arn)
    near = role is not None and role.account == rule.account
    if role is None or not near or not trusts(identities, arn, PRINCIPAL, context):
        message = f"{PRINCIPAL} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        raise AwsError("FAILED_TO_ASSUME_ROLE", message, 403)
    name = f"AWSEvents_{rule.name}_{target.id}"[:_MOST_NAME]
    identity = identities.start_session(role, name, _SECONDS, issuer=PRINCIPAL).identity
    identities.retire(identity)
    return identity
