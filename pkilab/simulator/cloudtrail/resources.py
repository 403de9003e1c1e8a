"""The resources that an event is about.

Sources: CloudTrail User Guide, "Resource types supported by CloudTrail event history"; KMS
Developer Guide, examples of CloudTrail events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pkilab.iam.arns import account_in
from pkilab.simulator.cloudtrail.trail import Record

Named = tuple[str, str]  # type and name
_KEY = "AWS::KMS::Key"
_ROLE = "AWS::IAM::Role"
_BUCKET = "AWS::S3::Bucket"
# Members of requests and answers that name a resource, by service.
_NAMING: dict[str, dict[str, str]] = {
    "acm": {"CertificateArn": "AWS::CertificateManager::Certificate"},
    "acm-pca": {
        "CertificateAuthorityArn": "AWS::ACMPCA::CertificateAuthority",
        "CertificateArn": "AWS::ACMPCA::Certificate",
    },
    "cloudtrail": {
        "Name": "AWS::CloudTrail::Trail",
        "TrailName": "AWS::CloudTrail::Trail",
        "S3BucketName": _BUCKET,
    },
    "cloudformation": {"StackName": "AWS::CloudFormation::Stack"},
    "iam": {
        "AccessKeyId": "AWS::IAM::AccessKey",
        "GroupName": "AWS::IAM::Group",
        "PolicyArn": "AWS::IAM::Policy",
        "PolicyName": "AWS::IAM::Policy",
        "RoleName": _ROLE,
        "UserName": "AWS::IAM::User",
    },
    "lambda": {"FunctionName": "AWS::Lambda::Function"},
    "logs": {"logGroupName": "AWS::Logs::LogGroup"},
    "route53": {"HostedZoneId": "AWS::Route53::HostedZone"},
    "s3": {"Bucket": _BUCKET},
    "sts": {
        "AccessKeyId": "AWS::IAM::AccessKey",
        "RoleArn": _ROLE,
        "RoleSessionName": "AWS::STS::AssumedRole",
    },
}


def named_resources(record: Record) -> list[Named]:
    """Return type and name of each resource, as LookupEvents lists them."""
    if record.service == "kms":
        return [(_KEY, arn) for arn in key_arns(record)]
    names = _NAMING.get(record.service, {})
    found: dict[Named, None] = {}
    for members in (record.request, record.answer):
        for name, value in _flat(members):
            if name in names and isinstance(value, str):
                found[names[name], value] = None
    return list(found)


def resource_elements(record: Record) -> list[dict[str, str]] | None:
    """Return the element resources of an event's JSON; ``None`` where the service has none."""
    if record.service == "kms":
        return [_element(_KEY, arn) for arn in key_arns(record)]
    if record.service == "sts" and (role := record.request.get("RoleArn")):
        return [_element(_ROLE, role)]
    if record.service == "s3" and (bucket := record.request.get("Bucket")):
        return [
            {
                "accountId": record.call.account,
                "type": _BUCKET,
                "ARN": f"arn:aws:s3:::{bucket}",
            }
        ]
    return None


def key_arns(record: Record) -> list[str]:
    """Return the ARNs of the keys and aliases of a call of KMS, each once.

    A key that was named by an alias is known by the answer alone: of a refused call it is not.
    """
    request = record.request
    asked = [_key_arn(record, request.get(name)) for name in ("TargetKeyId", "KeyId")]
    found = [*record.keys] or [arn for arn in asked if arn]
    if alias := request.get("AliasName"):
        found.append(f"{_place(record)}:{alias}")
    if not record.keys:
        both = (_key_arn(record, request.get(n)) for n in ("SourceKeyId", "DestinationKeyId"))
        found.extend(arn for arn in both if arn)
    return list(dict.fromkeys(found))


def _key_arn(record: Record, name: Any) -> str:  # noqa: ANN401 - a member, if there is one
    if not isinstance(name, str) or name.startswith("alias/") or ":alias/" in name:
        return ""
    return name if name.startswith("arn:") else f"{_place(record)}:key/{name}"


def _place(record: Record) -> str:
    return f"arn:aws:kms:{record.call.region}:{record.call.account}"


def _element(kind: str, arn: str) -> dict[str, str]:
    return {"accountId": account_in(arn), "type": kind, "ARN": arn}


def _flat(members: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield members, and those of the structures right below."""
    for name, value in members.items():
        yield name, value
        if isinstance(value, dict):
            yield from value.items()
