"""Who else may use a CA: permissions of AWS services, and resource policies.

Policies are checked and stored here. `pkilab.simulator.access` asks them: for callers of other
accounts always, for the owner's own where policies are enforced.

Sources: AWS Private CA API Reference, CreatePermission and PutPolicy; User Guide, "Resource-based
policies" and "Attaching a policy for cross-account access".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pkilab.errors import MalformedError
from pkilab.iam import listed
from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.policies import read_policy
from pkilab.simulator.service import AwsError, Call

Json = dict[str, Any]

ACM = "acm.amazonaws.com"  # the only principal of CreatePermission

_READS = frozenset(
    {
        "acm-pca:DescribeCertificateAuthority",
        "acm-pca:GetCertificate",
        "acm-pca:GetCertificateAuthorityCertificate",
        "acm-pca:ListPermissions",
        "acm-pca:ListTags",
    }
)
_ISSUE = "acm-pca:IssueCertificate"
_ACTIONS = _READS | {_ISSUE, "acm-pca:RevokeCertificate"}
_STATEMENT_MEMBERS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


class Shares:
    """What AWS RAM makes of resource policies. Without RAM, nothing; with it, it overrides this."""

    def put(self, authority: Authority) -> None:
        """Take note of a policy that the owner put on a CA."""

    def deleted(self, authority: Authority) -> None:
        """Take note that the owner deleted a CA's policy."""

    def of_others(self, call: Call) -> frozenset[str]:  # noqa: ARG002 - nobody shares anything
        """Return the ARNs of the CAs that other accounts share with the caller's."""
        return frozenset()


def grant(
    authority: Authority, call: Call, principal: str, source: str, actions: list[str]
) -> None:
    """Record a permission.

    Raises:
        AwsError: ValidationException, another principal than ACM or another account;
            PermissionAlreadyExistsException.
    """
    if principal != ACM:
        raise AwsError("ValidationException", f"The principal must be {ACM}; found {principal}")
    if source != authority.account:
        raise AwsError(
            "ValidationException", "The source account must be the owner of the private CA"
        )
    if principal in authority.permissions:
        raise AwsError(
            "PermissionAlreadyExistsException",
            f"A permission for {principal} exists already on {authority.arn}.",
        )
    authority.permissions[principal] = {
        "CertificateAuthorityArn": authority.arn,
        "CreatedAt": call.now,
        "Principal": principal,
        "SourceAccount": source,
        "Actions": list(dict.fromkeys(actions)),
    }


def withdraw(authority: Authority, principal: str, source: str) -> None:
    """Forget a permission.

    Raises:
        AwsError: ResourceNotFoundException, there is none.
    """
    found = authority.permissions.get(principal)
    if found is None or found["SourceAccount"] != source:
        raise AwsError("ResourceNotFoundException", f"There is no permission for {principal}.")
    del authority.permissions[principal]


def check_service_principal(authority: Authority, call: Call, action: str) -> None:
    """Refuse an AWS service that the owner gave no permission for ``action``.

    Raises:
        AwsError: AccessDeniedException.
    """
    if not is_service(call.principal):
        return
    if action not in authority.permissions.get(call.principal, {}).get("Actions", ()):
        raise AwsError(
            "AccessDeniedException",
            f"{call.principal} is not authorized to perform acm-pca:{action} on {authority.arn}",
        )


def is_service(principal: str) -> bool:
    """Say whether a caller is an AWS service."""
    return principal.endswith(".amazonaws.com")


def check_policy(authority: Authority, call: Call, text: str, *, exact_shape: bool = False) -> None:
    """Check a resource policy.

    How strict AWS still is cannot be told from its documents. Actions that cannot be shared, other
    resources and a public CA are refused here; the exact shape of AWS's example only on request.

    Args:
        authority: the CA the policy is for.
        call: whose call it is.
        text: the policy document.
        exact_shape: whether to insist on AWS's two statements, the five reads and IssueCertificate
            with a template.

    Raises:
        AwsError: InvalidPolicyException, with the first trouble found; LockoutPreventedException,
            the policy denies the CA to its owner; NotImplemented, it says what is not modelled.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid("it is not JSON") from error
    if not isinstance(document, dict) or document.get("Version") != "2012-10-17":
        raise _invalid('it must be an object with "Version": "2012-10-17"')
    statements = listed(document.get("Statement"))
    if not statements:
        raise _invalid("it must have a Statement")
    for statement in statements:
        if trouble := next(_statement_troubles(authority, statement), None):
            raise _invalid(trouble)
    for statement in statements:
        if statement["Effect"] == "Deny" and _is_owner(statement["Principal"], call):
            raise AwsError(
                "LockoutPreventedException",
                "The policy would deny the private CA to its owner.",
            )
    if exact_shape and not _has_exact_shape(statements):
        raise _invalid("its statements must be those of AWS's example")
    _require_readable(text)


def _require_readable(text: str) -> None:
    """Refuse what could not be decided when the policy is asked.

    Raises:
        AwsError: InvalidPolicyException; NotImplemented.
    """
    try:
        read_policy(text, kind="resource")
    except MalformedError as why:
        raise _invalid(str(why)) from why


def _invalid(trouble: str) -> AwsError:
    return AwsError("InvalidPolicyException", f"The policy is not valid: {trouble}.")


def _statement_troubles(authority: Authority, statement: object) -> Iterator[str]:
    if not isinstance(statement, dict):
        yield "a statement must be an object"
        return
    if unknown := sorted(statement.keys() - _STATEMENT_MEMBERS):
        yield f"a statement must not have {', '.join(unknown)}"
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield "Effect must be Allow or Deny"
    actions = listed(statement.get("Action"))
    if not actions:
        yield "a statement must have an Action"
    for action in actions:
        if not isinstance(action, str) or action not in _ACTIONS:
            yield f"the action {action!r} cannot be shared"
    if listed(statement.get("Resource")) != [authority.arn]:
        yield f"Resource must be {authority.arn}"
    yield from _principal_troubles(statement.get("Principal"), statement.get("Condition"))


def _principal_troubles(principal: object, condition: object) -> Iterator[str]:
    if condition is not None and not _is_condition(condition):
        yield "Condition must map operators to keys and values"
    named = principal == "*" or (
        isinstance(principal, dict)
        and principal.keys() <= {"AWS", "Service"}
        and bool(principal)
        and all(isinstance(one, str) for value in principal.values() for one in listed(value))
        and all(listed(value) for value in principal.values())
    )
    if not named:
        yield "a statement must have a Principal: *, AWS or Service"
    elif _is_anybody(principal) and not condition:
        yield "a Principal of * needs a Condition: a private CA cannot be public"


def _is_condition(condition: object) -> bool:
    return isinstance(condition, dict) and all(
        isinstance(keys, dict) and bool(keys) for keys in condition.values()
    )


def _is_anybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in listed(principal.get("AWS")))


def _is_owner(principal: object, call: Call) -> bool:
    if _is_anybody(principal):
        return True
    named = listed(principal.get("AWS")) if isinstance(principal, dict) else []
    partition = call.principal.split(":")[1]
    owner = {call.account, call.principal, f"arn:{partition}:iam::{call.account}:root"}
    return not owner.isdisjoint(named)


def _has_exact_shape(statements: list[Json]) -> bool:
    """Say whether these are the two statements of "Attaching a policy for cross-account access"."""
    if [statement["Effect"] for statement in statements] != ["Allow", "Allow"]:
        return False
    reads, issues = statements
    template = (issues.get("Condition") or {}).get("StringEquals", {})
    return (
        set(listed(reads["Action"])) == _READS
        and listed(issues["Action"]) == [_ISSUE]
        and "acm-pca:TemplateArn" in template
        and reads["Principal"] == issues["Principal"]
    )
