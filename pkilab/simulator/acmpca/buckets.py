"""May AWS Private CA write to this S3 bucket?

A small evaluator of bucket policies for one caller, the service principal. It knows the elements
and condition keys that such policies use and refuses the others as not simulated.

Sources: AWS Private CA User Guide, "Access policies for CRLs in Amazon S3"; IAM User Guide,
"Policy evaluation logic", "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.s3 import S3, Bucket, CannedAcl
from pkilab.simulator.service import AwsError, not_simulated

PRINCIPAL = "acm-pca.amazonaws.com"
BUCKET_ACTIONS = ("s3:GetBucketAcl", "s3:GetBucketLocation")
OBJECT_ACTIONS = ("s3:PutObject", "s3:PutObjectAcl")


def check(
    s3: S3, name: str, key: str, authority: Authority, acl: CannedAcl, *, refusal_code: str
) -> Bucket:
    """Return the bucket if the service may write ``key`` there for ``authority``.

    Not checked: the caller's own right to write, a KMS key's policy, account-wide Block Public
    Access, service control policies.

    Args:
        s3: the world's buckets.
        name: the bucket.
        key: the key of the object to be written.
        authority: the CA it is written for; its ARN and account are what conditions see.
        acl: the canned ACL it is written with.
        refusal_code: the error code for a policy that does not let the service in.

    Raises:
        AwsError: ResourceNotFoundException, there is no such bucket; ``refusal_code``, its policy;
            ValidationException, Block Public Access, Object Ownership or encryption stand in the
            way; NotImplemented, the policy says something that is not simulated.
    """
    bucket = s3.bucket(name)
    if bucket is None:
        raise AwsError("ResourceNotFoundException", f"The S3 bucket '{name}' does not exist.")
    if not policy_allows(bucket, key, authority):
        raise refusal(name, refusal_code)
    closed_to_public = bucket.public_acls_blocked or bucket.acls_disabled
    # Of KMS keys the service can use only a customer managed one ("Encrypting Your CRLs").
    by_kms = (bucket.encryption or "").startswith("aws:kms")
    aws_managed = bucket.kms_key is None or bucket.kms_key.endswith("alias/aws/s3")
    if (acl == "public-read" and closed_to_public) or (by_kms and aws_managed):
        raise refusal(name)
    return bucket


def refusal(bucket: str, code: str = "ValidationException") -> AwsError:
    """Word a bucket's refusal as AWS does (hashicorp/terraform-provider-aws issue 33306)."""
    return AwsError(
        code,
        f"Permission error with your S3 bucket '{bucket}'. Check that your bucket policy, "
        "encryption settings, S3 Block Public Access settings, and global account permissions are "
        "configured correctly. For more information, check the service documentation.",
    )


def policy_allows(bucket: Bucket, key: str, authority: Authority) -> bool:
    """Say whether the bucket's policy lets the service do all it needs to write ``key``.

    Raises:
        AwsError: NotImplemented, an element of the policy is not simulated.
    """
    if bucket.policy is None:
        return False
    arn = f"arn:{authority.arn.split(':')[1]}:s3:::{bucket.name}"
    needed = [(action, arn) for action in BUCKET_ACTIONS]
    needed += [(action, f"{arn}/{key}") for action in OBJECT_ACTIONS]
    return all(
        _decide(bucket.policy, action, resource, authority.account, authority.arn)
        for action, resource in needed
    )


@functools.lru_cache(maxsize=4096)  # a CRL that cannot be written is tried again every 15 minutes
def _decide(policy: str, action: str, resource: str, account: str, source_arn: str) -> bool:
    """Allow if some statement allows and none denies."""
    context = {
        "aws:sourceaccount": account,
        "aws:sourcearn": source_arn,
        "aws:securetransport": "true",
        "aws:principalisawsservice": "true",
        "aws:principalservicename": PRINCIPAL,
        # aws:SourceOrgID is known and absent: no account of the world is in an organization.
    }
    effects = {
        statement.get("Effect")
        for statement in _statements(policy)
        if _applies(statement, action, resource, context)
    }
    return "Allow" in effects and "Deny" not in effects


def _statements(policy: str) -> Iterator[Mapping[str, Any]]:
    try:
        document = json.loads(policy)
    except (ValueError, RecursionError):
        return  # moto stores any text; what is no policy allows nothing
    found = document.get("Statement") if isinstance(document, dict) else None
    for statement in _listed(found):
        if isinstance(statement, dict):
            yield statement


def _applies(
    statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    if "NotPrincipal" in statement:
        raise not_simulated("NotPrincipal in a bucket policy")
    return (
        _names_service(statement.get("Principal"))
        and _covers(statement, "Action", action.lower(), lower=True)
        and _covers(statement, "Resource", resource, lower=False)
        and all(
            _holds(operator, condition_key.lower(), values, context)
            for operator, block in _mapping(statement.get("Condition"))
            for condition_key, values in _mapping(block)
        )
    )


def _names_service(principal: object) -> bool:
    if principal == "*":
        return True
    by_kind = dict(_mapping(principal))
    return "*" in _listed(by_kind.get("AWS")) or PRINCIPAL in _listed(by_kind.get("Service"))


def _covers(statement: Mapping[str, Any], element: str, value: str, *, lower: bool) -> bool:
    excluded = f"Not{element}"
    name = excluded if excluded in statement else element
    patterns = [str(item).lower() if lower else str(item) for item in _listed(statement.get(name))]
    return any(_like(pattern, value) for pattern in patterns) is (name == element)


_KNOWN_KEYS = frozenset({
    "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:securetransport",
    "aws:principalisawsservice", "aws:principalservicename",
})  # fmt: skip


def _holds(operator: str, key: str, values: object, context: Mapping[str, str]) -> bool:
    """Say whether one line of a Condition holds; several values are alternatives."""
    if key not in _KNOWN_KEYS:
        raise not_simulated(f"The condition key {key} in a bucket policy")
    wanted = [str(value).lower() if value in (True, False) else str(value) for value in
              _listed(values)]  # fmt: skip
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


def _like(pattern: str, value: str) -> bool:
    return _wildcard(pattern).fullmatch(value) is not None


@functools.lru_cache(maxsize=1024)
def _wildcard(pattern: str) -> re.Pattern[str]:
    translated = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(translated, re.DOTALL)


def _arn_like(pattern: str, value: str) -> bool:
    """Compare ARNs part by part: a ``*`` does not reach over a colon (except in the last part)."""
    patterns, parts = pattern.split(":", 5), value.split(":", 5)
    return len(patterns) == len(parts) and all(map(_like, patterns, parts))


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringEqualsIgnoreCase": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringLike": _like,
    "ArnEquals": _arn_like,  # IAM treats ArnEquals and ArnLike alike
    "ArnLike": _arn_like,
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
}


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _mapping(value: object) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []
