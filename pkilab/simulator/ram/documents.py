"""The resource policy that shares write on a CA.

Every statement of a permission stands there once for each way in which principals are named.

Sources: AWS Private CA User Guide, "Resource-based policies" (accounts and organizations); RAM User
Guide, "Sharing with service principals" (sources); Sids as AWS's example of GetResourcePolicies has
them. The order, and how units are told, are unpublished.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pkilab.iam import listed
from pkilab.simulator.ram.principals import Named
from pkilab.simulator.ram.state import Json
from pkilab.simulator.service import error

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}", re.ASCII)
_PATH = re.compile(r"o-[a-z0-9]{10,32}/[\w/*-]*", re.ASCII)
_ARN = re.compile(r"arn:aws:[\w*-]+:[\w*-]*:(?:\d{12}|\*)?:\S+", re.ASCII)
_SOURCES = (
    (_ACCOUNT, "StringEquals", "aws:SourceAccount"),
    (_ORGANIZATION, "StringEquals", "aws:SourceOrgID"),
    (_PATH, "ForAnyValue:StringLike", "aws:SourceOrgPaths"),
    (_ARN, "ArnLike", "aws:SourceArn"),
)


def check_source(text: str) -> None:
    """Refuse what is no source: an account, an organization's id, a path in it or an ARN.

    Raises:
        AwsError: InvalidParameterException.
    """
    if not any(form.fullmatch(text) for form, _, _ in _SOURCES):
        message = f"Source {text} is malformed. Verify the source and try again."
        raise error("ram", "InvalidParameterException", message)


def statements(
    permission: Iterable[Json],
    resource: str,
    owner: str,
    *,
    principals: list[Named],
    sources: list[str],
    path: Callable[[Named], str],
) -> Iterator[Json]:
    """Yield what a share gives its principals on a resource, without Sids.

    Args:
        permission: statements without Principal and Resource.
        resource: its ARN.
        owner: the account whose it is.
        principals: those who have access.
        sources: what service principals are limited to.
        path: returns the path of an organizational unit.
    """
    whom = list(_whom(owner, principals, sources, path))
    for each in permission:
        for principal, condition in whom:
            made: Json = {
                "Effect": each["Effect"],
                "Principal": principal,
                "Action": each["Action"],
                "Resource": resource,
            }
            if both := _joined(each.get("Condition") or {}, condition):
                made["Condition"] = both
            yield made


def document(found: list[Json]) -> str | None:
    """Return statements as a policy; None: nothing is shared."""
    if not found:
        return None
    numbered = [{"Sid": f"RamStatement{n}", **each} for n, each in enumerate(found, start=1)]
    return json.dumps({"Version": "2012-10-17", "Statement": numbered}, separators=(",", ":"))


def _whom(
    owner: str, principals: list[Named], sources: list[str], path: Callable[[Named], str]
) -> Iterator[tuple[Any, Json]]:
    """Yield Principal elements, each with the conditions that make it what is meant."""
    named = [_aws(each) for each in principals if each.account]
    if named:
        yield {"AWS": named}, {}
    other = {"StringNotEquals": {"aws:PrincipalAccount": owner}}
    for each in principals:
        if each.kind == "organization":
            yield "*", {"StringEquals": {"aws:PrincipalOrgID": each.organization}, **other}
        elif each.kind == "unit":
            below = {"aws:PrincipalOrgPaths": [path(each)]}
            yield "*", {"ForAnyValue:StringLike": below, **other}
    services = [each.text for each in principals if each.kind == "service"]
    if services:
        yield {"Service": services}, _limited(sources)


def _aws(named: Named) -> str:
    return named.text if named.kind == "entity" else f"arn:aws:iam::{named.account}:root"


def _limited(sources: list[str]) -> Json:
    found: Json = {}
    for form, operator, key in _SOURCES:
        if fitting := [each for each in sources if form.fullmatch(each)]:
            found.setdefault(operator, {})[key] = fitting
    return found


def _joined(one: Json, other: Json) -> Json:
    found = {operator: dict(keys) for operator, keys in one.items()}
    for operator, keys in other.items():
        found.setdefault(operator, {}).update(keys)
    return found


def principals_in(found: Iterable[Json]) -> Iterator[str]:
    """Yield whom a policy that somebody wrote names, as RAM calls them."""
    for statement in found:
        principal = statement.get("Principal")
        if isinstance(principal, dict):
            for each in listed(principal.get("AWS")):
                if each != "*":
                    yield each.split(":")[4] if each.endswith(":root") else each
            yield from listed(principal.get("Service"))
        for keys in (statement.get("Condition") or {}).values():
            for key, value in keys.items():
                if key.lower() == "aws:principalorgid":
                    yield from listed(value)
