"""AWS STS: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Security
Token Service"; STS API Reference; IAM User Guide, "Pass session tags in AWS STS", "Monitor and
control actions taken with assumed roles" (TagSession, SetSourceIdentity).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    anywhere,
    given,
    nothing,
    rows,
    tagging,
)

PREFIX = "sts"
KEYS = frozenset(
    {
        "sts:externalid", "sts:rolesessionname", "sts:sourceidentity", "sts:transitivetagkeys",
        "aws:requesttag/", "aws:tagkeys", "aws:resourcetag/", "iam:resourcetag/",
    }
)  # fmt: skip


def _assume(asked: Asked) -> Iterator[Access]:
    """AssumeRole: the role's trust policy must allow it, and the caller's own account."""
    members = asked.members
    keys: dict[str, object] = {
        "sts:externalid": members.get("ExternalId"),
        "sts:rolesessionname": members.get("RoleSessionName"),
        "sts:sourceidentity": members.get("SourceIdentity"),
        "sts:transitivetagkeys": members.get("TransitiveTagKeys"),
    }
    if members.get("SerialNumber") and members.get("TokenCode"):  # STS checks the code itself
        keys |= {"aws:multifactorauthpresent": True, "aws:multifactorauthage": 0}
    context = given(keys) | tagging(members.get("Tags"))
    actions = ["AssumeRole"]
    actions += ["SetSourceIdentity"] if members.get("SourceIdentity") else []
    actions += ["TagSession"] if members.get("Tags") else []
    for action in actions:
        made = asked.access(members["RoleArn"], action, context)
        yield replace(made, requires_resource_policy=True)


def _federate(asked: Asked) -> Iterator[Access]:
    arn = f"arn:aws:sts::{asked.call.account}:federated-user/{asked.members['Name']}"
    tags = tagging(asked.members.get("Tags"))
    yield asked.access(arn, context=tags)
    if tags:
        yield asked.access(asked.call.principal, "TagSession", tags)


TABLE = rows(
    (_assume, "AssumeRole"),
    (_federate, "GetFederationToken"),
    (nothing, "GetCallerIdentity GetSessionToken"),
    (anywhere, "DecodeAuthorizationMessage GetAccessKeyInfo"),
)
