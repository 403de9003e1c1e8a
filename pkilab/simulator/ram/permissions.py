"""Managed permissions: what those with whom a CA is shared may do.

Sources: AWS Private CA User Guide, "Attaching a policy for cross-account access", "Revoking a
private certificate" and "Customer managed permissions in RAM"; RAM User Guide, "Managing
permissions in AWS RAM"; times of creation as AWS's examples of ListPermissions show them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from pkilab.errors import MalformedError
from pkilab.iam import listed
from pkilab.simulator.policies import read_policy
from pkilab.simulator.ram.state import Json, Permission, Version
from pkilab.simulator.service import error

READS = (
    "acm-pca:DescribeCertificateAuthority",
    "acm-pca:GetCertificate",
    "acm-pca:GetCertificateAuthorityCertificate",
    "acm-pca:ListPermissions",
    "acm-pca:ListTags",
)
ISSUE, REVOKE = "acm-pca:IssueCertificate", "acm-pca:RevokeCertificate"
ACTIONS = frozenset({*READS, ISSUE, REVOKE})
DEFAULT = "AWSRAMDefaultPermissionCertificateAuthority"
_PREFIX = "arn:aws:ram::aws:permission/"
_ELEMENTS = frozenset({"Effect", "Action", "Condition"})
_TEMPLATES = {  # by name: the template that IssueCertificate is limited to, and since when
    DEFAULT: ("EndEntityCertificate", None),
    "AWSRAMBlankEndEntityCertificateAPICSRPassthroughIssuanceCertificateAuthority": (
        "BlankEndEntityCertificate_APICSRPassthrough",
        datetime(2021, 6, 9, 18, 54, 21, 85_000, tzinfo=UTC),
    ),
    "AWSRAMBlankEndEntityCertificateAPIPassthroughIssuanceCertificateAuthority": (
        "BlankEndEntityCertificate_APIPassthrough",
        None,
    ),
    "AWSRAMSubordinateCACertificatePathLen0IssuanceCertificateAuthority": (
        "SubordinateCACertificate_PathLen0",
        datetime(2021, 6, 9, 18, 54, 36, 750_000, tzinfo=UTC),
    ),
}
_REVOCATION = "AWSRAMRevokeCertificateCertificateAuthority"


def _reading() -> Json:
    return {"Effect": "Allow", "Action": list(READS)}


def _issuing(template: str) -> Json:
    arn = f"arn:aws:acm-pca:::template/{template}/V1"
    condition = {"StringEquals": {"acm-pca:TemplateArn": arn}}
    return {"Effect": "Allow", "Action": [ISSUE], "Condition": condition}


def aws_managed() -> dict[str, Permission]:
    """Return AWS's managed permissions for private CAs, by ARN and in order of their names."""
    made = [
        _own(name, (_reading(), _issuing(template)), since)
        for name, (template, since) in _TEMPLATES.items()
    ]
    revoking = {"Effect": "Allow", "Action": [REVOKE, *READS]}
    made.append(_own(_REVOCATION, (revoking,), None))
    return {each.arn: each for each in sorted(made, key=lambda one: one.name)}


def _own(name: str, statements: tuple[Json, ...], since: datetime | None) -> Permission:
    version = Version(1, statements, since)
    return Permission(
        arn=_PREFIX + name,
        name=name,
        owner="",
        region="",
        versions={1: version},
        default=1,
        updated=since,
        resource_default=name == DEFAULT,
    )


DEFAULT_ARN = _PREFIX + DEFAULT


def read_template(text: str) -> tuple[Json, ...]:
    """Read the policy template of a customer managed permission: one statement.

    Args:
        text: JSON with Effect, Action and, if wanted, Condition. RAM fills in Principal and
            Resource.

    Raises:
        AwsError: MalformedPolicyTemplateException, it is no such statement;
            InvalidPolicyException, an action that cannot be shared; NotImplemented, its condition
            is not modelled.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as why:
        raise _malformed("it is not JSON") from why
    if not isinstance(found, dict):
        raise _malformed("it must be one object with Effect and Action")
    if more := sorted(found.keys() - _ELEMENTS):
        raise _malformed(f"it must not have {', '.join(more)}")
    if str(found.get("Effect")).lower() != "allow":
        raise _malformed("its Effect must be Allow")
    actions = listed(found.get("Action"))
    if not actions or not all(isinstance(each, str) for each in actions):
        raise _malformed("it must have an Action")
    if unknown := [each for each in actions if each not in ACTIONS]:
        message = f"The actions {', '.join(unknown)} cannot be shared for this resource type."
        raise error("ram", "InvalidPolicyException", message)
    statement: Json = {"Effect": "Allow", "Action": list(dict.fromkeys(actions))}
    if "Condition" in found:
        statement["Condition"] = found["Condition"]
    _require_readable(statement)
    return (statement,)


def _require_readable(statement: Json) -> None:
    whole = {**statement, "Principal": {"AWS": "123456789012"}, "Resource": "*"}
    try:
        read_policy({"Version": "2012-10-17", "Statement": whole}, kind="resource")
    except MalformedError as why:
        raise _malformed(str(why)) from why


def _malformed(trouble: str) -> Any:  # noqa: ANN401 - an AwsError, to be raised
    message = f"The policy template is not valid: {trouble}."
    return error("ram", "MalformedPolicyTemplateException", message)


def without_whom(statements: Iterable[Json]) -> tuple[Json, ...]:
    """Return what a policy's statements allow, without whom and on what: a permission's content.

    Statements that differ in their principals alone are one; conditions on the principal's
    organization and account stand for the principal.
    """
    found: list[Json] = []
    for each in statements:
        bare = {"Effect": each["Effect"], "Action": list(listed(each["Action"]))}
        if condition := dict(_of_the_request(each.get("Condition") or {})):
            bare["Condition"] = condition
        if bare not in found:
            found.append(bare)
    return tuple(found)


_OF_PRINCIPALS = (
    "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:sourceaccount",
    "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths",
)  # fmt: skip


def says_whom_as_ram(statement: Json) -> bool:
    """Whether a share can say whom a policy's statement means, and no more and no less.

    A share names everybody of an organization, and accounts or others without any condition.
    """
    conditions = {
        (operator.lower(), key.lower())
        for operator, keys in (statement.get("Condition") or {}).items()
        for key in keys
        if key.lower() in _OF_PRINCIPALS
    }
    if not conditions:
        return True
    principal = statement.get("Principal")
    everybody = principal == "*" or (
        isinstance(principal, dict) and [listed(each) for each in principal.values()] == [["*"]]
    )
    return everybody and conditions - {_NOT_OWNER} == {_OF_ORGANIZATION}


_OF_ORGANIZATION = ("stringequals", "aws:principalorgid")
_NOT_OWNER = ("stringnotequals", "aws:principalaccount")  # which RAM writes itself


def _of_the_request(condition: Json) -> Iterator[tuple[str, Json]]:
    for operator, keys in condition.items():
        kept = {key: value for key, value in keys.items() if key.lower() not in _OF_PRINCIPALS}
        if kept:
            yield operator, kept


def same(one: Iterable[Json], other: Iterable[Json]) -> bool:
    """Whether two permissions allow the same, in whatever order they say it."""
    return _canonical(one) == _canonical(other)


def _canonical(statements: Iterable[Json]) -> set[str]:
    return {
        json.dumps({**each, "Action": sorted(listed(each["Action"]))}, sort_keys=True)
        for each in statements
    }


def text_of(version: Version) -> str:
    """Return a permission's content as GetPermission shows it.

    AWS's example is one statement; how it shows two is unpublished: here as a list of them.
    """
    shown = version.statements[0] if len(version.statements) == 1 else list(version.statements)
    return json.dumps(shown, separators=(",", ":"))
