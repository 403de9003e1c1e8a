"""The ARNs of what calls name by other words: a bucket, a function's name, the path of an API.

AWS's policies speak of ARNs, its calls often do not. The formats are those of the Service
Authorization Reference; API Gateway's ARNs are the paths of its REST API, which botocore's model
knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import OperationModel

ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:[\w-]*:[^\s\"']+")
_BUCKET = ("Bucket", "S3BucketName")
_LABEL = re.compile(r"\{([\w-]+)\+?\}")
_API_GATEWAY = "apigateway"  # both generations sign as this
# Parameter -> ARN format, for services whose calls take names; the value may be an ARN already.
_NAMED = {
    ("lambda", "FunctionName"): "arn:{partition}:lambda:{region}:{account}:function:{name}",
    ("iam", "RoleName"): "arn:{partition}:iam::{account}:role/{name}",
    ("iam", "UserName"): "arn:{partition}:iam::{account}:user/{name}",
    ("kms", "AliasName"): "arn:{partition}:kms:{region}:{account}:{name}",
    ("kms", "KeyId"): "arn:{partition}:kms:{region}:{account}:key/{name}",
    ("kms", "TargetKeyId"): "arn:{partition}:kms:{region}:{account}:key/{name}",
    ("cloudformation", "StackName"): (
        "arn:{partition}:cloudformation:{region}:{account}:stack/{name}/*"
    ),
    ("cloudtrail", "Name"): "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}",
    ("cloudtrail", "TrailName"): "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}",
    ("logs", "logGroupName"): "arn:{partition}:logs:{region}:{account}:log-group:{name}",
    ("secretsmanager", "SecretId"): (
        "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-*"
    ),
    ("sqs", "QueueName"): "arn:{partition}:sqs:{region}:{account}:{name}",
    ("sqs", "QueueUrl"): "arn:{partition}:sqs:{region}:{account}:{name}",
    ("ssm", "Name"): "arn:{partition}:ssm:{region}:{account}:parameter/{name}",
    ("ssm", "Path"): "arn:{partition}:ssm:{region}:{account}:parameter/{name}",
    ("route53", "HostedZoneId"): "arn:{partition}:route53:::{name}",
    ("route53", "Id"): "arn:{partition}:route53:::{name}",
}
# Calls that answer no ARN, and make what they name.
_NAMED_IS_MADE = (
    "logs:CreateLogGroup", "securityhub:EnableSecurityHub", "sqs:CreateQueue", "ssm:PutParameter",
)  # fmt: skip
_HUB = ("DescribeHub", "DisableSecurityHub", "EnableSecurityHub")  # an account has one in a Region


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call is made: what its ARNs begin with."""

    partition: str
    region: str
    account: str  # 12 digits


def named(operation: OperationModel, parameters: Mapping[str, object], place: Place) -> list[str]:
    """Return the ARNs that a call's parameters name, in order of appearance."""
    service = operation.service_model
    if operation.name == "BatchImportFindings":  # a finding names what it is about, too
        return list(dict.fromkeys(_products(parameters)))
    found = list(_mentioned(parameters, place.partition))
    if service.service_name == "events":
        found += _events(operation, parameters, place)
    if service.service_name == "securityhub" and operation.name in _HUB:
        found.append(
            "arn:{partition}:securityhub:{region}:{account}:hub/default".format(**_parts(place))
        )
    for (of, parameter), form in _NAMED.items():
        name = parameters.get(parameter)
        if of == service.service_name and isinstance(name, str) and not ARN.fullmatch(name):
            if of == "route53":
                name = f"hostedzone/{name.rpartition('/')[2]}"
            if of == "sqs":
                name = name.rpartition("/")[2]  # of a queue's URL
            if of == "ssm":
                name = name.partition(":")[0].lstrip("/")  # without version and label
            arn = form.format(name=name, **_parts(place))
            found.append(arn.replace(":key/alias/", ":alias/"))  # a key may be named by its alias
    if service.signing_name == _API_GATEWAY:
        found.insert(0, _path_arn(operation, parameters, place))
    return found


def made(
    operation: OperationModel, asked: list[str], answer: Mapping[str, object], place: Place
) -> str | None:
    """Return the ARN of what a call made, where its answer gives an identifier and no ARN.

    Args:
        operation: the call's.
        asked: what `named` said of its parameters.
        answer: the call's answer.
        place: where it was made.
    """
    service, noun = operation.service_model, operation.name.removeprefix("Create")
    if noun == "Alias" and service.service_name == "kms":
        return next((arn for arn in asked if ":alias/" in arn), None)
    if isinstance(device := answer.get("VirtualMFADevice"), dict):
        return str(device["SerialNumber"])
    if service.service_name == "route53":
        return _zone(answer, place)
    if f"{service.service_name}:{operation.name}" in _NAMED_IS_MADE:
        # A call may name a key besides.
        own = (arn for arn in asked if arn.split(":")[2] == service.service_name)
        return next(own, None)
    if service.signing_name != _API_GATEWAY or noun == operation.name:
        return None
    return _made_by_gateway(noun, asked[0], answer)


def _zone(answer: Mapping[str, object], place: Place) -> str | None:
    zone = answer.get("HostedZone")
    number = str(zone["Id"]).rpartition("/")[2] if isinstance(zone, dict) else None
    return f"arn:{place.partition}:route53:::hostedzone/{number}" if number else None


def _made_by_gateway(noun: str, path: str, answer: Mapping[str, object]) -> str | None:
    """Return the ARN of what a call to API Gateway made, of a kind, at a path."""
    small = noun[:1].lower() + noun[1:]
    names = (f"{noun}Id", "id", noun, small, f"{noun}Name", f"{small}Name", "basePath")
    name = next((value for key in names if isinstance(value := answer.get(key), str)), None)
    if name is None:
        return None
    # A REST resource is created under its parent, and is found beside it.
    collection = re.sub(r"(/resources)/[^/]+$", r"\1", path)
    return f"{collection}/{name}"


def acted_on(operation: OperationModel, answer: Mapping[str, object]) -> list[str]:
    """Return what AWS says that a call acted on, where the call may name it by an alias: a key."""
    key = answer.get("KeyId") if operation.service_model.service_name == "kms" else None
    return [key] if isinstance(key, str) and ARN.fullmatch(key) else []


def _events(
    operation: OperationModel, parameters: Mapping[str, object], place: Place
) -> Iterator[str]:
    """Yield the ARNs of the buses and the rule that a call to EventBridge names."""
    form = "arn:{partition}:events:{region}:{account}:{name}"
    name, bus = parameters.get("Name"), parameters.get("EventBusName")
    entries = parameters.get("Entries")
    buses = [bus] if bus else []
    if operation.name == "PutEvents" and isinstance(entries, list):
        buses = [each.get("EventBusName", "default") for each in entries if isinstance(each, dict)]
    elif operation.name.endswith("EventBus"):
        buses = [name or "default"]
    elif rule := parameters.get("Rule") or name:
        short = str(bus or "default").rpartition("/")[2]
        path = f"rule/{rule}" if short == "default" else f"rule/{short}/{rule}"
        yield form.format(name=path, **_parts(place))
        return
    for each in dict.fromkeys(map(str, buses)):
        if not ARN.fullmatch(each):
            yield form.format(name=f"event-bus/{each}", **_parts(place))


def _products(parameters: Mapping[str, object]) -> Iterator[str]:
    """Yield the products whose findings are imported."""
    findings = parameters.get("Findings")
    for each in findings if isinstance(findings, list) else ():
        if isinstance(each, dict) and isinstance(product := each.get("ProductArn"), str):
            yield product


def _path_arn(operation: OperationModel, parameters: Mapping[str, object], place: Place) -> str:
    """Return the ARN of API Gateway's resource at an operation's path."""
    shape = operation.input_shape
    values = {
        member.serialization.get("name", name): parameters.get(name)
        for name, member in (shape.members if shape else {}).items()
    }
    path = operation.http["requestUri"].partition("?")[0].removeprefix("/v2")
    # An ARN inside a path, as in tagging, is one segment of it.
    filled = _LABEL.sub(lambda label: quote(str(values.get(label[1], "*")), safe="*$._-()"), path)
    return f"arn:{place.partition}:apigateway:{place.region}::{filled}"


def _mentioned(parameters: Mapping[str, object], partition: str) -> Iterator[str]:
    """Yield the ARNs that stand in the parameters; S3's buckets and keys are written as ARNs."""
    for name, value in parameters.items():
        if isinstance(value, str) and ARN.fullmatch(value):
            yield value
        elif name in _BUCKET and isinstance(value, str):
            yield from _s3_objects(f"arn:{partition}:s3:::{value}", parameters)
        elif name == "CopySource":
            yield f"arn:{partition}:s3:::{_copied_from(value)}"
        elif isinstance(value, dict):
            yield from _mentioned(value, partition)
        elif isinstance(value, list):
            yield from _mentioned({str(i): item for i, item in enumerate(value)}, partition)


def _s3_objects(bucket: str, parameters: Mapping[str, object]) -> list[str]:
    """Return the objects a call names in a bucket, or the bucket where it names none."""
    delete = parameters.get("Delete")
    listed = delete.get("Objects") if isinstance(delete, dict) else None
    objects = [parameters, *(listed if isinstance(listed, list) else [])]
    keys = [item["Key"] for item in objects if isinstance(item, dict) and "Key" in item]
    return [f"{bucket}/{key}" for key in keys] or [bucket]


def _copied_from(source: object) -> str:
    """Return ``bucket/key`` from either form in which boto3 takes the source of a copy."""
    if isinstance(source, dict):
        parts = (source.get("Bucket"), source.get("Key"))
        return "/".join(part for part in parts if isinstance(part, str))
    return (
        unquote(source.lstrip("/").partition("?versionId=")[0]) if isinstance(source, str) else ""
    )


def _parts(place: Place) -> dict[str, str]:
    return {"partition": place.partition, "region": place.region, "account": place.account}
