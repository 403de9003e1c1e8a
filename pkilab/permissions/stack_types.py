"""What CloudFormation calls, in the caller's name, for each type of resource.

A type's calls are those of its handlers. AWS says which actions a type's handlers may take, in the
``handlers`` of its schema in the CloudFormation registry; it does not say which of them a resource
of these properties takes. So two things are kept apart: what it takes to make, change and delete a
resource, and what a handler reads on the way (`Kind.reads`), which its schema names whatever the
properties are.

Source: schemas of the CloudFormation registry; CloudFormation Template Reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pkilab.permissions.templates import UNKNOWN

Json = dict[str, Any]


class Called(NamedTuple):
    """A call: service and operation as boto3 and the API name them, and its parameters."""

    service: str
    operation: str
    parameters: Json


@dataclass(frozen=True, slots=True)
class Made:
    """A resource of a stack, as its calls need it.

    Attributes:
        name: its own, or what CloudFormation will make, with ``*``.
        reference: what Ref gives.
        arn: its ARN, with ``*`` for what AWS chooses.
        properties: worked out.
        changed: the properties that an update changes; all of them where it is new.
    """

    name: str
    reference: str
    arn: str
    properties: Json
    changed: frozenset[str]

    def text(self, name: str) -> str:
        """Return a property as text; ``*`` if it is not known."""
        return str(self.properties.get(name, UNKNOWN))

    def texts(self, name: str) -> list[str]:
        """Return a property that lists texts."""
        found = self.properties.get(name)
        return [str(each) for each in found] if isinstance(found, list) else []

    def some(self, *names: str) -> Json:
        """Return those of these properties that there are."""
        return {name: self.properties[name] for name in names if name in self.properties}


_Calls = Callable[[Made], Iterable[Called]]


def _none(_made: Made) -> Iterable[Called]:
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of resource.

    Attributes:
        arn: its ARN; ``{name}`` is its name.
        name: the property that names it; "": AWS does, and nobody else.
        reference: what Ref gives.
        attributes: what GetAtt gives, where that is not the ARN.
        creates: what making it takes.
        changes: what changing it takes.
        deletes: what deleting it takes.
        tags: what it takes to tag it, where that is no part of making it.
        reads: what its handlers look at besides, while they do any of these.
    """

    arn: str = UNKNOWN
    name: str = ""
    reference: str = "{name}"
    attributes: Mapping[str, str] = field(default_factory=dict)
    creates: _Calls = _none
    changes: _Calls = _none
    deletes: _Calls = _none
    tags: _Calls = _none
    reads: _Calls = _none


def _calls(service: str, parameter: str, *operations: str, by: str = "name") -> _Calls:
    """Return what makes calls that name the resource alone.

    Args:
        service: as boto3 names it.
        parameter: which names the resource.
        operations: of the service.
        by: what the parameter is: ``name``, ``reference`` or ``arn`` of `Made`.
    """

    def make(made: Made) -> Iterator[Called]:
        for operation in operations:
            yield Called(service, operation, {parameter: getattr(made, by)})

    return make


# Lambda.


def _create_function(made: Made) -> Iterator[Called]:
    asked = {"FunctionName": made.name, **made.some("Role", "Code", "Layers")}
    yield Called("lambda", "CreateFunction", asked)
    yield Called("lambda", "GetFunction", {"FunctionName": made.name})


def _change_function(made: Made) -> Iterator[Called]:
    named = {"FunctionName": made.name}
    if made.changed - {"Code", "Tags"}:
        yield Called("lambda", "UpdateFunctionConfiguration", named | made.some("Role"))
    code = made.properties.get("Code")
    if "Code" in made.changed and isinstance(code, dict):
        yield Called("lambda", "UpdateFunctionCode", named | code)
    yield Called("lambda", "GetFunction", named)


def _on_function(*operations: str) -> _Calls:
    def make(made: Made) -> Iterator[Called]:
        for operation in operations:
            yield Called("lambda", operation, made.some("FunctionName", "Qualifier"))

    return make


# IAM.


def _create_role(made: Made) -> Iterator[Called]:
    named = {"RoleName": made.name}
    yield Called("iam", "CreateRole", named | made.some("Path"))
    yield Called("iam", "GetRole", named)
    yield from _role_policies(made)


def _role_policies(made: Made) -> Iterator[Called]:
    if made.properties.get("Policies"):
        yield Called("iam", "PutRolePolicy", {"RoleName": made.name})
    if made.properties.get("ManagedPolicyArns"):
        yield Called("iam", "AttachRolePolicy", {"RoleName": made.name})


def _change_role(made: Made) -> Iterator[Called]:
    operations = {
        "AssumeRolePolicyDocument": ("UpdateAssumeRolePolicy",),
        "Description": ("UpdateRole",),
        "MaxSessionDuration": ("UpdateRole",),
        "PermissionsBoundary": ("PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary"),
        "Policies": ("PutRolePolicy", "DeleteRolePolicy"),
        "ManagedPolicyArns": ("AttachRolePolicy", "DetachRolePolicy"),
    }
    for name in sorted(made.changed & operations.keys()):
        for operation in operations[name]:
            yield Called("iam", operation, {"RoleName": made.name})
    yield Called("iam", "GetRole", {"RoleName": made.name})


def _delete_role(made: Made) -> Iterator[Called]:
    named = {"RoleName": made.name}
    yield Called("iam", "ListRolePolicies", named)
    yield Called("iam", "ListAttachedRolePolicies", named)
    if made.properties.get("Policies"):
        yield Called("iam", "DeleteRolePolicy", named)
    if made.properties.get("ManagedPolicyArns"):
        yield Called("iam", "DetachRolePolicy", named)
    yield Called("iam", "DeleteRole", named)


def _of_role(*operations: str) -> _Calls:
    return lambda made: (Called("iam", each, made.some("RoleName")) for each in operations)


def _of_roles(*operations: str) -> _Calls:
    def make(made: Made) -> Iterator[Called]:
        for role in made.texts("Roles"):
            for operation in operations:
                yield Called("iam", operation, {"RoleName": role})

    return make


# EventBridge.


def _rule(*operations: str) -> _Calls:
    """Return what makes calls about a rule, by whichever parameter names it."""
    by_name = {"DeleteRule", "DescribeRule", "PutRule"}

    def make(made: Made) -> Iterator[Called]:
        bus = made.some("EventBusName")
        for operation in operations:
            gone = operation == "RemoveTargets" and "DeleteRule" in operations
            if (gone or operation == "PutTargets") and not made.properties.get("Targets"):
                continue
            more = made.some({"PutTargets": "Targets", "PutRule": "RoleArn"}.get(operation, ""))
            named = {"Name" if operation in by_name else "Rule": made.name}
            yield Called("events", operation, bus | named | more)

    return make


# The others that are more than their names.


def _create_log_group(made: Made) -> Iterator[Called]:
    yield Called("logs", "CreateLogGroup", {"logGroupName": made.name})
    if "RetentionInDays" in made.properties:
        yield Called("logs", "PutRetentionPolicy", {"logGroupName": made.name})


def _change_log_group(made: Made) -> Iterator[Called]:
    if "RetentionInDays" in made.changed:
        kept = "RetentionInDays" in made.properties
        operation = "PutRetentionPolicy" if kept else "DeleteRetentionPolicy"
        yield Called("logs", operation, {"logGroupName": made.name})


def _queues(made: Made) -> Iterator[Called]:
    for url in made.texts("Queues") or [made.text("Queue")]:
        yield Called("sqs", "SetQueueAttributes", {"QueueUrl": url})


def _topics(made: Made) -> Iterator[Called]:
    for arn in made.texts("Topics") or [made.text("TopicArn")]:
        yield Called("sns", "SetTopicAttributes", {"TopicArn": arn})


def _create_topic(made: Made) -> Iterator[Called]:
    yield Called("sns", "CreateTopic", {"Name": made.name})
    if made.properties.get("Subscription"):
        yield Called("sns", "Subscribe", {"TopicArn": made.arn})


def _subscribe(made: Made) -> Iterator[Called]:
    yield Called("sns", "Subscribe", made.some("TopicArn"))


def _create_trail(made: Made) -> Iterator[Called]:
    named = {"Name": made.name}
    yield Called("cloudtrail", "CreateTrail", named)
    if made.properties.get("EventSelectors") or made.properties.get("AdvancedEventSelectors"):
        yield Called("cloudtrail", "PutEventSelectors", {"TrailName": made.name})
    starts = str(made.properties.get("IsLogging", "true")).lower() == "true"
    yield Called("cloudtrail", "StartLogging" if starts else "StopLogging", named)
    yield Called("cloudtrail", "GetTrail", named)


def _create_bucket(made: Made) -> Iterator[Called]:
    settings = {
        "BucketEncryption": "PutBucketEncryption",
        "OwnershipControls": "PutBucketOwnershipControls",
        "PublicAccessBlockConfiguration": "PutPublicAccessBlock",
        "VersioningConfiguration": "PutBucketVersioning",
    }
    if "BucketName" in made.changed or made.changed >= set(made.properties):
        yield Called("s3", "CreateBucket", {"Bucket": made.name})
    for name in sorted(made.changed & settings.keys()):
        yield Called("s3", settings[name], {"Bucket": made.name})


def _request_certificate(made: Made) -> Iterator[Called]:
    asked = made.some("CertificateAuthorityArn")
    yield Called("acm", "RequestCertificate", asked)
    yield Called("acm", "DescribeCertificate", {"CertificateArn": made.arn})
    options = made.properties.get("DomainValidationOptions")
    for each in options if isinstance(options, list) else ():
        if isinstance(each, dict) and (zone := each.get("HostedZoneId")):
            # The record of a name that has none yet: of one that is not asked for, there is none.
            names = {made.text("DomainName"), *made.texts("SubjectAlternativeNames")}
            if each.get("DomainName") in names:
                yield Called("route53", "ChangeResourceRecordSets", {"HostedZoneId": str(zone)})


def _records(made: Made) -> Iterator[Called]:
    if zone := made.properties.get("HostedZoneId"):
        yield Called("route53", "ChangeResourceRecordSets", {"HostedZoneId": str(zone)})
    else:
        yield Called("route53", "ListHostedZonesByName", {})
        yield Called("route53", "ChangeResourceRecordSets", {"HostedZoneId": UNKNOWN})


_CA = "CertificateAuthorityArn"


def _of_authority(*operations: str) -> _Calls:
    """Return what makes calls about the CA that a property names."""

    def make(made: Made) -> Iterator[Called]:
        for operation in operations:
            more = {"IssueCertificate": "TemplateArn", "CreatePermission": "Principal"}
            said = made.some(more.get(operation, ""))
            yield Called("acm-pca", operation, {_CA: made.text(_CA), **said})

    return make


def _create_authority(made: Made) -> Iterator[Called]:
    revocation = made.some("RevocationConfiguration")
    yield Called("acm-pca", "CreateCertificateAuthority", revocation)
    yield Called("acm-pca", "DescribeCertificateAuthority", {_CA: made.arn})
    yield Called("acm-pca", "GetCertificateAuthorityCsr", {_CA: made.arn})


def _change_authority(made: Made) -> Iterator[Called]:
    if "RevocationConfiguration" in made.changed:
        revocation = made.some("RevocationConfiguration")
        yield Called("acm-pca", "UpdateCertificateAuthority", {_CA: made.arn, **revocation})
    yield from _calls("acm-pca", _CA, "DescribeCertificateAuthority", by="arn")(made)
    yield from _calls("acm-pca", _CA, "GetCertificateAuthorityCsr", by="arn")(made)


def _of_api(noun: str, number: str, *prefixes: str, also: str = "") -> _Calls:
    """Return what makes calls about a part of an HTTP API."""

    def make(made: Made) -> Iterator[Called]:
        within = made.some("ApiId", "DomainName", "MutualTlsAuthentication")
        for prefix in prefixes:
            own = {} if prefix == "Create" else {number: made.reference}
            yield Called("apigatewayv2", f"{prefix}{noun}", within | own)
        if also:
            yield Called("apigatewayv2", also, within | {number: made.reference})

    return make


def _part(noun: str, number: str, *, also: str = "", own: str = "") -> Kind:
    """Return a kind of API Gateway's; ``also``: what it takes to have its attributes."""
    return Kind(
        name=own,
        creates=_of_api(noun, number, "Create", also=also),
        changes=_of_api(noun, number, "Update", also=also),
        deletes=_of_api(noun, number, "Delete"),
    )


_REGIONAL = "arn:{partition}:{service}:{region}:{account}:"


def _regional(service: str, resource: str) -> str:
    return _REGIONAL.replace("{service}", service) + resource


KINDS: Mapping[str, Kind] = {
    "AWS::ACMPCA::Certificate": Kind(
        reference="*",
        creates=_of_authority("IssueCertificate", "GetCertificate"),
    ),
    "AWS::ACMPCA::CertificateAuthority": Kind(
        arn=_regional("acm-pca", "certificate-authority/*"),
        reference="{arn}",
        creates=_create_authority,
        changes=_change_authority,
        deletes=_calls(
            "acm-pca", _CA, "DescribeCertificateAuthority", "DeleteCertificateAuthority", by="arn"
        ),
    ),
    "AWS::ACMPCA::CertificateAuthorityActivation": Kind(
        reference="*",
        creates=_of_authority(
            "ImportCertificateAuthorityCertificate",
            "DescribeCertificateAuthority",
            "UpdateCertificateAuthority",
        ),
        changes=_of_authority(
            "ImportCertificateAuthorityCertificate",
            "DescribeCertificateAuthority",
            "UpdateCertificateAuthority",
        ),
        deletes=_of_authority("UpdateCertificateAuthority"),
    ),
    "AWS::ACMPCA::Permission": Kind(
        reference="*",
        creates=_of_authority("CreatePermission"),
        deletes=_of_authority("DeletePermission"),
    ),
    "AWS::ApiGatewayV2::Api": _part("Api", "ApiId", also="GetApi"),
    "AWS::ApiGatewayV2::ApiMapping": _part("ApiMapping", "ApiMappingId"),
    "AWS::ApiGatewayV2::Authorizer": _part("Authorizer", "AuthorizerId"),
    "AWS::ApiGatewayV2::DomainName": _part(
        "DomainName", "DomainName", also="GetDomainName", own="DomainName"
    ),
    "AWS::ApiGatewayV2::Integration": _part("Integration", "IntegrationId"),
    "AWS::ApiGatewayV2::Route": _part("Route", "RouteId"),
    "AWS::ApiGatewayV2::Stage": _part("Stage", "StageName", own="StageName"),
    "AWS::CertificateManager::Account": Kind(
        reference="*",
        creates=lambda _: [Called("acm", "PutAccountConfiguration", {})],
        changes=lambda _: [Called("acm", "PutAccountConfiguration", {})],
    ),
    "AWS::CertificateManager::Certificate": Kind(
        arn=_regional("acm", "certificate/*"),
        reference="{arn}",
        creates=_request_certificate,
        changes=_calls("acm", "CertificateArn", "UpdateCertificateOptions", by="arn"),
        deletes=_calls("acm", "CertificateArn", "DeleteCertificate", by="arn"),
    ),
    "AWS::CloudTrail::Trail": Kind(
        arn=_regional("cloudtrail", "trail/{name}"),
        name="TrailName",
        creates=_create_trail,
        changes=_calls("cloudtrail", "Name", "UpdateTrail"),
        deletes=_calls("cloudtrail", "Name", "DeleteTrail"),
    ),
    "AWS::Events::EventBus": Kind(
        arn=_regional("events", "event-bus/{name}"),
        name="Name",
        creates=_calls("events", "Name", "CreateEventBus", "DescribeEventBus"),
        changes=_calls("events", "Name", "UpdateEventBus"),
        deletes=_calls("events", "Name", "DeleteEventBus"),
    ),
    "AWS::Events::EventBusPolicy": Kind(
        creates=lambda _: [Called("events", "PutPermission", {})],
        changes=lambda _: [Called("events", "PutPermission", {})],
        deletes=lambda _: [Called("events", "RemovePermission", {})],
    ),
    "AWS::Events::Rule": Kind(
        arn=_regional("events", "rule/{name}"),
        name="Name",
        creates=_rule("PutRule", "DescribeRule", "PutTargets"),
        changes=_rule(
            "PutRule", "DescribeRule", "ListTargetsByRule", "PutTargets", "RemoveTargets"
        ),
        deletes=_rule("ListTargetsByRule", "RemoveTargets", "DeleteRule"),
    ),
    "AWS::IAM::ManagedPolicy": Kind(
        arn="arn:{partition}:iam::{account}:policy/{name}",
        name="ManagedPolicyName",
        reference="{arn}",
        creates=lambda made: [
            Called("iam", "CreatePolicy", {"PolicyArn": made.arn}),
            Called("iam", "GetPolicy", {"PolicyArn": made.arn}),
            *_of_roles("AttachRolePolicy")(made),
        ],
        changes=lambda made: [
            *_calls(
                "iam",
                "PolicyArn",
                "GetPolicy",
                "CreatePolicyVersion",
                "DeletePolicyVersion",
                by="arn",
            )(made),
            *_of_roles("AttachRolePolicy", "DetachRolePolicy")(made),
        ],
        deletes=lambda made: [
            *_calls("iam", "PolicyArn", "ListEntitiesForPolicy", "DeletePolicy", by="arn")(made),
            *_of_roles("DetachRolePolicy")(made),
        ],
    ),
    "AWS::IAM::Policy": Kind(
        creates=_of_roles("PutRolePolicy"),
        changes=_of_roles("PutRolePolicy", "DeleteRolePolicy"),
        deletes=_of_roles("DeleteRolePolicy"),
    ),
    "AWS::IAM::Role": Kind(
        arn="arn:{partition}:iam::{account}:role/{name}",
        name="RoleName",
        creates=_create_role,
        changes=_change_role,
        deletes=_delete_role,
        reads=_calls(
            "iam",
            "RoleName",
            "GetRole",
            "GetRolePolicy",
            "ListAttachedRolePolicies",
            "ListRolePolicies",
        ),
    ),
    "AWS::IAM::RolePolicy": Kind(
        reference="*",
        creates=_of_role("PutRolePolicy"),
        changes=_of_role("PutRolePolicy"),
        deletes=_of_role("DeleteRolePolicy"),
        reads=_of_role("GetRolePolicy"),
    ),
    "AWS::Lambda::EventInvokeConfig": Kind(
        reference="*",
        creates=_on_function("PutFunctionEventInvokeConfig"),
        changes=_on_function("PutFunctionEventInvokeConfig"),
        deletes=_on_function("DeleteFunctionEventInvokeConfig"),
        reads=_on_function("GetFunctionEventInvokeConfig"),
    ),
    "AWS::Lambda::Function": Kind(
        arn=_regional("lambda", "function:{name}"),
        name="FunctionName",
        creates=_create_function,
        changes=_change_function,
        deletes=_calls("lambda", "FunctionName", "DeleteFunction"),
        reads=_calls(
            "lambda",
            "FunctionName",
            "GetFunctionCodeSigningConfig",
            "GetFunctionRecursionConfig",
            "GetRuntimeManagementConfig",
        ),
    ),
    "AWS::Lambda::Permission": Kind(
        reference="*",
        creates=_on_function("AddPermission"),
        deletes=_on_function("RemovePermission"),
        reads=_on_function("GetPolicy"),
    ),
    "AWS::Logs::LogGroup": Kind(
        arn=_regional("logs", "log-group:{name}"),
        name="LogGroupName",
        attributes={"Arn": "{arn}:*"},
        creates=_create_log_group,
        changes=_change_log_group,
        deletes=_calls("logs", "logGroupName", "DeleteLogGroup"),
        reads=lambda made: [
            Called("logs", "DescribeLogGroups", {}),
            Called("logs", "ListTagsForResource", {"resourceArn": made.arn}),
        ],
    ),
    "AWS::Route53::HostedZone": Kind(
        arn="arn:{partition}:route53:::hostedzone/*",
        reference="*",
        creates=lambda _: [
            Called("route53", "CreateHostedZone", {}),
            Called("route53", "GetHostedZone", {"Id": UNKNOWN}),
        ],
        changes=lambda _: [
            Called("route53", "UpdateHostedZoneComment", {"Id": UNKNOWN}),
            Called("route53", "GetHostedZone", {"Id": UNKNOWN}),
        ],
        deletes=lambda _: [Called("route53", "DeleteHostedZone", {"Id": UNKNOWN})],
        tags=lambda _: [Called("route53", "ChangeTagsForResource", {"HostedZoneId": UNKNOWN})],
    ),
    "AWS::Route53::RecordSet": Kind(creates=_records, changes=_records, deletes=_records),
    "AWS::Route53::RecordSetGroup": Kind(creates=_records, changes=_records, deletes=_records),
    "AWS::S3::Bucket": Kind(
        arn="arn:{partition}:s3:::{name}",
        name="BucketName",
        creates=_create_bucket,
        changes=_create_bucket,
        deletes=_calls("s3", "Bucket", "DeleteBucket"),
        tags=_calls("s3", "Bucket", "PutBucketTagging"),
    ),
    "AWS::S3::BucketPolicy": Kind(
        creates=lambda made: [Called("s3", "PutBucketPolicy", made.some("Bucket"))],
        changes=lambda made: [Called("s3", "PutBucketPolicy", made.some("Bucket"))],
        deletes=lambda made: [Called("s3", "DeleteBucketPolicy", made.some("Bucket"))],
    ),
    "AWS::SNS::Subscription": Kind(
        creates=_subscribe,
        changes=lambda _: [Called("sns", "SetSubscriptionAttributes", {})],
        deletes=lambda _: [Called("sns", "Unsubscribe", {})],
    ),
    "AWS::SNS::Topic": Kind(
        arn=_regional("sns", "{name}"),
        name="TopicName",
        reference="{arn}",
        creates=_create_topic,
        changes=_calls("sns", "TopicArn", "SetTopicAttributes", by="arn"),
        deletes=lambda made: [
            *_calls("sns", "TopicArn", "ListSubscriptionsByTopic", "DeleteTopic", by="arn")(made),
            *([Called("sns", "Unsubscribe", {})] if made.properties.get("Subscription") else []),
        ],
    ),
    "AWS::SNS::TopicInlinePolicy": Kind(creates=_topics, changes=_topics, deletes=_topics),
    "AWS::SNS::TopicPolicy": Kind(creates=_topics, changes=_topics, deletes=_topics),
    "AWS::SQS::Queue": Kind(
        arn=_regional("sqs", "{name}"),
        name="QueueName",
        reference="https://sqs.{region}.amazonaws.com/{account}/{name}",
        attributes={"QueueName": "{name}"},
        creates=lambda made: [
            Called("sqs", "CreateQueue", {"QueueName": made.name}),
            Called("sqs", "GetQueueAttributes", {"QueueUrl": made.reference}),
        ],
        changes=_calls("sqs", "QueueUrl", "SetQueueAttributes", by="reference"),
        deletes=_calls("sqs", "QueueUrl", "DeleteQueue", by="reference"),
        reads=_calls(
            "sqs", "QueueUrl", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags", by="reference"
        ),
    ),
    "AWS::SQS::QueueInlinePolicy": Kind(creates=_queues, changes=_queues, deletes=_queues),
    "AWS::SQS::QueuePolicy": Kind(creates=_queues, changes=_queues, deletes=_queues),
    "AWS::SecurityHub::Hub": Kind(
        arn=_regional("securityhub", "hub/default"),
        reference="{arn}",
        creates=lambda _: [
            Called("securityhub", "EnableSecurityHub", {}),
            Called("securityhub", "DescribeHub", {}),
        ],
        changes=lambda _: [
            Called("securityhub", "UpdateSecurityHubConfiguration", {}),
            Called("securityhub", "DescribeHub", {}),
        ],
        deletes=lambda _: [Called("securityhub", "DisableSecurityHub", {})],
    ),
}
