"""AWS Lambda: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda";
Lambda Developer Guide, "Defining Lambda function permissions with an execution role" (PassRole).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Rule,
    anywhere,
    given,
    on,
    pass_role,
    rows,
    tagging,
)

PREFIX = "lambda"
KEYS = frozenset(
    {
        "lambda:principal", "lambda:functionurlauthtype", "lambda:layer", "lambda:subnetids",
        "lambda:securitygroupids", "lambda:codesigningconfigarn", "aws:resourcetag/",
        "aws:requesttag/", "aws:tagkeys",
    }
)  # fmt: skip
_SERVICE = "lambda.amazonaws.com"
_NAME = re.compile(
    r"(?:arn:aws[\w-]*:lambda:)?(?:(?P<region>[a-z]{2}[\w-]*-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[\w-]+)(?::(?P<qualifier>[\w$-]+))?"
)


def _arn(asked: Asked) -> str:
    """Return the ARN of the function that a request names in one of Lambda's ways."""
    name = asked.members["FunctionName"]
    named = _NAME.fullmatch(name)
    if named is None:
        return asked.arn(f"function:{name}")
    region, account = named["region"] or asked.call.region, named["account"] or asked.call.account
    qualifier = asked.members.get("Qualifier") or named["qualifier"]
    arn = f"arn:aws:lambda:{region}:{account}:function:{named['name']}"
    return f"{arn}:{qualifier}" if qualifier else arn


def _function(action: str = "", *, keys: str = "") -> Rule:
    """Return the rule for an operation on a function; ``keys``: members that are condition keys."""

    def rule(asked: Asked) -> Iterator[Access]:
        context = given({f"lambda:{key.lower()}": asked.members.get(key) for key in keys.split()})
        yield asked.access(_arn(asked), action, context)

    return rule


def _configure(asked: Asked) -> Iterator[Access]:
    """CreateFunction, UpdateFunctionConfiguration: a role is handed over, code may lie in S3."""
    members = asked.members
    network = members.get("VpcConfig") or {}
    keys = {
        "lambda:layer": members.get("Layers"),
        "lambda:subnetids": network.get("SubnetIds"),
        "lambda:securitygroupids": network.get("SecurityGroupIds"),
        "lambda:codesigningconfigarn": members.get("CodeSigningConfigArn"),
    }
    tags = tagging(members.get("Tags"))
    yield asked.access(_arn(asked), context=given(keys) | tags)
    if tags:  # as AWS's refusals say: aws-samples/amazon-mwaa-examples 63
        yield asked.access(_arn(asked), "TagResource", tags)
    yield from pass_role(members.get("Role"), _SERVICE)
    yield from _code(members.get("Code") or {}, asked)


def _update_code(asked: Asked) -> Iterator[Access]:
    yield asked.access(_arn(asked))
    yield from _code(asked.members, asked)


def _code(said: dict[str, object], asked: Asked) -> Iterator[Access]:
    if bucket := said.get("S3Bucket"):
        found = asked.facts.resource(f"arn:aws:s3:::{bucket}")
        version = said.get("S3ObjectVersion")
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        owner = found.owner if found else ""
        yield Access(action, f"arn:aws:s3:::{bucket}/{said.get('S3Key')}", owner)


def _untag(asked: Asked) -> Iterator[Access]:
    keys = given({"aws:tagkeys": asked.members.get("TagKeys")})
    yield asked.access(asked.members["Resource"], context=keys)


TABLE = rows(
    (_configure, "CreateFunction UpdateFunctionConfiguration"),
    (_update_code, "UpdateFunctionCode"),
    (_function("InvokeFunction"), "Invoke"),
    (_function(keys="Principal FunctionUrlAuthType"), "AddPermission"),
    (
        _function(),
        """
        DeleteFunction DeleteFunctionEventInvokeConfig GetFunction GetFunctionConfiguration
        GetFunctionEventInvokeConfig GetPolicy ListFunctionEventInvokeConfigs
        PutFunctionEventInvokeConfig RemovePermission UpdateFunctionEventInvokeConfig
        """,
    ),
    (anywhere, "ListFunctions"),
    (on("Resource"), "ListTags"),
    (on("Resource", tags="Tags"), "TagResource"),
    (_untag, "UntagResource"),
)
