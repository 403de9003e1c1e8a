"""What has which tags: the kind of thing that an ARN names, and each service's word on its tags.

The services' own lists are asked where a thing may have been made a moment ago: the index of the
Resource Groups Tagging API lags behind, and knows no IAM roles and users.

Sources: Service Authorization Reference (ARNs); the API reference of each service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pkilab.cleaning.removal import kinds
from pkilab.cleaning.removal.asking import certificates, pages
from pkilab.cleaning.removal.kinds import Created
from pkilab.tags import RUN

# ARN's service -> patterns of its resource part, the kind, boto3's name of the service.
_KINDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "acm": ((r"certificate/.+", kinds.ACM, "acm"),),
    "acm-pca": ((r"certificate-authority/[^/]+", kinds.AUTHORITY, "acm-pca"),),
    "apigateway": (
        (r"/apis/[^/]+", kinds.HTTP_API, "apigatewayv2"),
        (r"/restapis/[^/]+", kinds.REST_API, "apigateway"),
        (r"/domainnames/[^/]+", kinds.DOMAIN, "apigatewayv2"),
    ),
    "cloudformation": ((r"stack/.+", kinds.STACK, "cloudformation"),),
    "cloudtrail": ((r"trail/.+", kinds.TRAIL, "cloudtrail"),),
    "events": (
        (r"rule/.+", kinds.EVENT_RULE, "events"),
        (r"event-bus/.+", kinds.EVENT_BUS, "events"),
    ),
    "iam": (
        (r"role/.+", kinds.ROLE, "iam"),
        (r"user/.+", kinds.USER, "iam"),
        (r"policy/.+", kinds.POLICY, "iam"),
        (r"mfa/.+", kinds.MFA_DEVICE, "iam"),
    ),
    "kms": ((r"key/.+", kinds.KEY, "kms"),),
    "lambda": ((r"function:[^:]+", kinds.FUNCTION, "lambda"),),
    "logs": ((r"log-group:[^:]+(:\*)?", kinds.LOG_GROUP, "logs"),),
    "organizations": (
        (r"ou/.+", kinds.UNIT, "organizations"),
        (r"policy/.+", kinds.CONTROL, "organizations"),
    ),
    "ram": (
        (r"resource-share/.+", kinds.SHARE, "ram"),
        (r"permission/.+", kinds.PERMISSION, "ram"),
    ),
    "route53": ((r"hostedzone/.+", kinds.ZONE, "route53"),),
    "s3": ((r"[^/]+", kinds.BUCKET, "s3"),),
    "secretsmanager": ((r"secret:.+", kinds.SECRET, "secretsmanager"),),
    "securityhub": ((r"hub/default", kinds.HUB, "securityhub"),),
    "sns": ((r"[^:]+", kinds.TOPIC, "sns"),),
    "sqs": ((r"[^:]+", kinds.QUEUE, "sqs"),),
    "ssm": ((r"parameter/.+", kinds.PARAMETER, "ssm"),),
}


def named_by(arn: str, *, account: str, account_id: str, region: str, at: datetime) -> Created:
    """Return the thing that an ARN names; of an unknown kind, that has the ARN's own word for it.

    Args:
        arn: as the tagging API answers it.
        account: the alias.
        account_id: its twelve digits.
        region: where it was found; where the ARN has a Region of its own, that one counts.
        at: since when it is there, at the earliest.
    """
    _, _, service, own_region, _, resource = arn.split(":", 5)
    for pattern, kind, client in _KINDS.get(service, ()):
        if re.fullmatch(pattern, resource):
            arn = arn.removesuffix(":*")
            return Created(kind, arn, client, account, account_id, own_region or region, at)
    noun = re.split(r"[:/]", resource.lstrip("/"), maxsplit=1)[0]
    return Created(noun, arn, service, account, account_id, own_region or region, at)


def kind_of(arn: str) -> str | None:
    """Return the kind of thing that an ARN names; None for one that is not known here."""
    _, _, service, _, _, resource = arn.split(":", 5)
    matching = (kind for form, kind, _ in _KINDS.get(service, ()) if re.fullmatch(form, resource))
    return next(matching, None)


def tags_of(thing: Created, client: Any) -> dict[str, str]:  # noqa: ANN401 - of the thing's service
    """Ask a thing's own service for its tags.

    Args:
        thing: of a kind that can have tags.
        client: of its service, account and Region.

    Raises:
        ClientError: it is not there, or may not be looked at (botocore's).
        KeyError: things of this kind have no tags.
    """
    found = _TAGS[thing.kind](thing, client)
    if isinstance(found, Mapping):
        return {str(key): str(value) for key, value in found.items()}
    return dict(map(_pair, found))


def has_tags(kind: str) -> bool:
    """Say whether `tags_of` knows a kind."""
    return kind in _TAGS


def is_of(run: str, thing: Created, client: Any) -> bool:  # noqa: ANN401 - of the thing's service
    """Say whether a thing has the tag of a run; errors as `tags_of`."""
    return bool(run) and tags_of(thing, client).get(RUN) == run


def listed(kind: str, client: Any) -> Iterator[str]:  # noqa: ANN401 - of the kind's service
    """Yield the ARNs of all things of a kind that an account has in a Region.

    Raises:
        ClientError: AWS refuses the list (botocore's).
        KeyError: there is no list of this kind here.
    """
    yield from _LISTS[kind](client)


def is_listed(kind: str) -> bool:
    """Say whether `listed` knows a kind: those whose names AWS chooses."""
    return kind in _LISTS


def _pair(tag: Mapping[str, str]) -> tuple[str, str]:
    """Return key and value of a tag, whatever the service calls them."""
    small = {name.lower().removeprefix("tag"): value for name, value in tag.items()}
    return small["key"], small.get("value", "")


def _bucket(thing: Created, s3: Any) -> Any:  # noqa: ANN401
    name = thing.arn.rpartition(":")[2]
    try:
        return s3.get_bucket_tagging(Bucket=name, ExpectedBucketOwner=thing.account_id)["TagSet"]
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchTagSet":
            raise
        return ()


def _queue(thing: Created, sqs: Any) -> Any:  # noqa: ANN401
    name, owner = thing.arn.rpartition(":")[2], thing.account_id
    url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=owner)["QueueUrl"]
    return sqs.list_queue_tags(QueueUrl=url).get("Tags", {})


def _share(thing: Created, ram: Any) -> Any:  # noqa: ANN401
    found = ram.get_resource_shares(resourceOwner="SELF", resourceShareArns=[thing.arn])
    return next((each.get("tags", ()) for each in found["resourceShares"]), ())


def _parameter(thing: Created, ssm: Any) -> Any:  # noqa: ANN401
    name = thing.arn.split(":parameter/", 1)[1]
    name = f"/{name}" if "/" in name else name
    return ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]


_TAGS: Mapping[str, Callable[[Created, Any], Mapping[str, str] | Iterable[Mapping[str, str]]]] = {
    kinds.ACM: lambda of, acm: acm.list_tags_for_certificate(CertificateArn=of.arn)["Tags"],
    kinds.AUTHORITY: lambda of, pca: pages(
        pca, "list_tags", "Tags", CertificateAuthorityArn=of.arn
    ),
    kinds.BUCKET: _bucket,
    kinds.CONTROL: lambda of, organizations: pages(
        organizations, "list_tags_for_resource", "Tags", ResourceId=of.name
    ),
    kinds.DOMAIN: lambda of, gateway: gateway.get_domain_name(
        **{"domainName" if of.service == "apigateway" else "DomainName": of.name}
    ).get("tags" if of.service == "apigateway" else "Tags", {}),
    kinds.EVENT_BUS: lambda of, events: events.list_tags_for_resource(ResourceARN=of.arn)["Tags"],
    kinds.EVENT_RULE: lambda of, events: events.list_tags_for_resource(ResourceARN=of.arn)["Tags"],
    kinds.FUNCTION: lambda of, functions: functions.list_tags(Resource=of.arn)["Tags"],
    kinds.HTTP_API: lambda of, gateway: gateway.get_api(ApiId=of.name).get("Tags", {}),
    kinds.HUB: lambda of, hub: hub.list_tags_for_resource(ResourceArn=of.arn)["Tags"],
    kinds.KEY: lambda of, kms: pages(kms, "list_resource_tags", "Tags", KeyId=of.arn),
    kinds.LOG_GROUP: lambda of, logs: logs.list_tags_for_resource(resourceArn=of.arn)["tags"],
    kinds.MFA_DEVICE: lambda of, iam: pages(
        iam, "list_mfa_device_tags", "Tags", SerialNumber=of.arn
    ),
    kinds.PARAMETER: _parameter,
    kinds.PERMISSION: lambda of, ram: ram.get_permission(permissionArn=of.arn)["permission"].get(
        "tags", ()
    ),
    kinds.POLICY: lambda of, iam: pages(iam, "list_policy_tags", "Tags", PolicyArn=of.arn),
    kinds.QUEUE: _queue,
    kinds.REST_API: lambda of, gateway: gateway.get_rest_api(restApiId=of.name).get("tags", {}),
    kinds.ROLE: lambda of, iam: pages(iam, "list_role_tags", "Tags", RoleName=of.name),
    kinds.SECRET: lambda of, secrets: secrets.describe_secret(SecretId=of.arn).get("Tags", ()),
    kinds.SHARE: _share,
    kinds.STACK: lambda of, stacks: stacks.describe_stacks(StackName=of.arn)["Stacks"][0]["Tags"],
    kinds.TOPIC: lambda of, sns: sns.list_tags_for_resource(ResourceArn=of.arn)["Tags"],
    kinds.TRAIL: lambda of, trail: trail.list_tags(ResourceIdList=[of.arn])["ResourceTagList"][0][
        "TagsList"
    ],
    kinds.UNIT: lambda of, organizations: pages(
        organizations, "list_tags_for_resource", "Tags", ResourceId=of.name
    ),
    kinds.USER: lambda of, iam: pages(iam, "list_user_tags", "Tags", UserName=of.name),
}


def _authorities(pca: Any) -> Iterator[str]:  # noqa: ANN401
    for each in pages(pca, "list_certificate_authorities", "CertificateAuthorities"):
        if each["Status"] != "DELETED":
            yield each["Arn"]


def _certificates(acm: Any) -> Iterator[str]:  # noqa: ANN401
    for each in certificates(acm):
        yield each["CertificateArn"]


def _gateways(gateway: Any, operation: str, member: str, number: str, path: str) -> Iterator[str]:  # noqa: ANN401
    here = f"arn:{gateway.meta.partition}:apigateway:{gateway.meta.region_name}::"
    for each in pages(gateway, operation, member):
        yield f"{here}/{path}/{each[number]}"


def _controls(organizations: Any) -> Iterator[str]:  # noqa: ANN401
    asked = {"Filter": "SERVICE_CONTROL_POLICY"}
    for each in pages(organizations, "list_policies", "Policies", **asked):
        if not each.get("AwsManaged"):
            yield each["Arn"]


def _units(organizations: Any) -> Iterator[str]:  # noqa: ANN401
    parents = [each["Id"] for each in pages(organizations, "list_roots", "Roots")]
    for parent in parents:  # grows: units lie within units
        for each in pages(
            organizations, "list_organizational_units_for_parent", "OrganizationalUnits",
            ParentId=parent,
        ):  # fmt: skip
            parents.append(each["Id"])
            yield each["Arn"]


def _permissions(ram: Any) -> Iterator[str]:  # noqa: ANN401
    asked = {"permissionType": "CUSTOMER_MANAGED"}
    for each in pages(ram, "list_permissions", "permissions", **asked):
        yield each["arn"]


def _shares(ram: Any) -> Iterator[str]:  # noqa: ANN401
    for each in pages(ram, "get_resource_shares", "resourceShares", resourceOwner="SELF"):
        if each["status"] != "DELETED":
            yield each["resourceShareArn"]


def _keys(kms: Any) -> Iterator[str]:  # noqa: ANN401
    for each in pages(kms, "list_keys", "Keys"):
        yield each["KeyArn"]


_LISTS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    kinds.ACM: _certificates,
    kinds.AUTHORITY: _authorities,
    kinds.CONTROL: _controls,
    kinds.HTTP_API: lambda gateway: _gateways(gateway, "get_apis", "Items", "ApiId", "apis"),
    kinds.KEY: _keys,
    kinds.PERMISSION: _permissions,
    kinds.REST_API: lambda gateway: _gateways(gateway, "get_rest_apis", "items", "id", "restapis"),
    kinds.SHARE: _shares,
    kinds.UNIT: _units,
}
