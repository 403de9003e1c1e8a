"""The one door from functions to moto's IAM: whether a role lets Lambda assume it."""

from __future__ import annotations

import json

from moto.iam.models import iam_backends

_LAMBDA = "lambda.amazonaws.com"


def trusts_lambda(role_arn: str) -> bool:
    """Whether a role exists and its trust policy names Lambda; conditions are not looked at."""
    account = role_arn.split(":")[4]
    roles = iam_backends[account]["aws"].roles.values() if account in iam_backends else ()
    role = next((each for each in roles if each.arn == role_arn), None)
    if role is None:
        return False
    try:
        policy = json.loads(role.assume_role_policy_document)
    except ValueError:
        return False
    return any(map(_names_lambda, _listed(policy.get("Statement", []))))


def _names_lambda(statement: object) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
        return False
    principal = statement.get("Principal")
    services = _listed(principal.get("Service", [])) if isinstance(principal, dict) else []
    return "sts:AssumeRole" in _listed(statement.get("Action", [])) and _LAMBDA in services


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
