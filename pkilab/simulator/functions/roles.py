"""The one door from functions to moto's IAM and STS: the roles that functions run in."""

from __future__ import annotations

import json

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from pkilab.simulator.policies import listed

_LAMBDA = "lambda.amazonaws.com"
_ASSUMING = {"sts:assumerole", "sts:*", "*"}
_SECONDS = 12 * 3600  # not looked at: keys do not end in this world


def trusts_lambda(role_arn: str) -> bool:
    """Whether a role exists and its trust policy lets Lambda assume it.

    Conditions, NotAction and NotPrincipal are not looked at: a statement with one allows nothing.
    """
    account = role_arn.split(":")[4]
    roles = iam_backends[account]["aws"].roles.values() if account in iam_backends else ()
    role = next((each for each in roles if each.arn == role_arn), None)
    if role is None:
        return False
    try:
        policy = json.loads(role.assume_role_policy_document)
    except ValueError:
        return False
    statements = listed(policy.get("Statement", [])) if isinstance(policy, dict) else []
    effects = {_effect(each) for each in statements if isinstance(each, dict)}
    return "Allow" in effects and "Deny" not in effects


def assume(role_arn: str, function_arn: str) -> dict[str, str]:
    """Return the variables by which a function's AWS clients call as its role does."""
    _, _, _, region, account, _, name = function_arn.split(":")
    session = sts_backends[account]["aws"].assume_role(region, name, role_arn, "", _SECONDS, "")
    return {
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
    }


def _effect(statement: dict[str, object]) -> object:
    """Return what a statement does to Lambda assuming the role; None: it says nothing of it."""
    principal = statement.get("Principal")
    services = listed(principal.get("Service", [])) if isinstance(principal, dict) else []
    actions = {
        each.lower() for each in listed(statement.get("Action", [])) if isinstance(each, str)
    }
    effect = statement.get("Effect")
    if _LAMBDA not in services or not actions & _ASSUMING:
        return None
    return None if effect == "Allow" and statement.get("Condition") else effect
