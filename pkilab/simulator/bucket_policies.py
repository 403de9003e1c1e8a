"""Bucket policies, decided for callers without an identity policy: AWS services, and anyone.

A small evaluator. It knows the elements and condition keys that such policies use and refuses the
others as not simulated, never ignores them.

Sources: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pkilab.simulator.policies import arn_like, like, listed
from pkilab.simulator.service import not_simulated


@functools.lru_cache(maxsize=4096)  # a CRL that cannot be written is tried again every 15 minutes
def allows(
    policy: str,
    action: str,
    resource: str,
    *,
    service: str | None,
    context: tuple[tuple[str, str], ...],
) -> bool:
    """Allow if some statement allows and none denies.

    Args:
        policy: the bucket policy's text; what is no policy allows nothing.
        action: such as ``s3:PutObject``.
        resource: the ARN of the bucket or the object.
        service: the calling service principal; ``None`` for a caller without credentials.
        context: condition keys in small letters, with their values.

    Raises:
        AwsError: NotImplemented, an element of the policy is not simulated.
    """
    known = dict(context)
    effects = [
        statement.get("Effect")
        for statement in _statements(policy)
        if _applies(statement, action, resource, service, known)
    ]
    return "Allow" in effects and "Deny" not in effects


def _statements(policy: str) -> Iterator[Mapping[str, Any]]:
    try:
        document = json.loads(policy)
    except (ValueError, RecursionError):
        return  # moto stores any text; what is no policy allows nothing
    found = document.get("Statement") if isinstance(document, dict) else None
    for statement in listed(found):
        if isinstance(statement, dict):
            yield statement


def _applies(
    statement: Mapping[str, Any],
    action: str,
    resource: str,
    service: str | None,
    context: Mapping[str, str],
) -> bool:
    if "NotPrincipal" in statement:
        raise not_simulated("NotPrincipal in a bucket policy")
    return (
        _names(statement.get("Principal"), service)
        and _covers(statement, "Action", action.lower(), lower=True)
        and _covers(statement, "Resource", resource, lower=False)
        and all(
            _holds(operator, condition_key.lower(), values, context)
            for operator, block in _mapping(statement.get("Condition"))
            for condition_key, values in _mapping(block)
        )
    )


def _names(principal: object, service: str | None) -> bool:
    if principal == "*":
        return True
    by_kind = dict(_mapping(principal))
    return "*" in listed(by_kind.get("AWS")) or (
        service is not None and service in listed(by_kind.get("Service"))
    )


def _covers(statement: Mapping[str, Any], element: str, value: str, *, lower: bool) -> bool:
    excluded = f"Not{element}"
    name = excluded if excluded in statement else element
    patterns = [str(item).lower() if lower else str(item) for item in listed(statement.get(name))]
    return any(like(pattern, value) for pattern in patterns) is (name == element)


_KNOWN_KEYS = frozenset({
    "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:securetransport",
    "aws:principalisawsservice", "aws:principalservicename",
})  # fmt: skip


def _holds(operator: str, key: str, values: object, context: Mapping[str, str]) -> bool:
    """Say whether one line of a Condition holds; several values are alternatives."""
    if key not in _KNOWN_KEYS:
        raise not_simulated(f"The condition key {key} in a bucket policy")
    wanted = [str(value).lower() if value in (True, False) else str(value) for value in
              listed(values)]  # fmt: skip
    if any("${" in value for value in wanted):
        raise not_simulated("A policy variable in a bucket policy")
    actual = context.get(key)
    if operator == "Null":
        return str(actual is None).lower() in wanted
    name = operator.removesuffix("IfExists")
    negated = "Not" in name
    compare = _COMPARISONS.get(name.replace("Not", "", 1))
    if compare is None or (negated and name == "NotBool"):
        raise not_simulated(f"The condition operator {operator} in a bucket policy")
    if actual is None:
        return negated or operator.endswith("IfExists")
    return any(compare(value, actual) for value in wanted) is not negated


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringEqualsIgnoreCase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringLike": like,
    "ArnEquals": arn_like,  # IAM treats ArnEquals and ArnLike alike
    "ArnLike": arn_like,
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
}


def _mapping(value: object) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []
