"""What a stack's tags reach."""

import json

import pytest

from pkilab import tags
from pkilab.simulator.cloudformation.resources.catalogue import TYPES
from tests.simulator.tagging.making import MAIN, TRUST

RUN = "20261126-221530-k3f9x2"
CODE = "def handler(event, context): return event"
TEMPLATE = {
    "Api": ("ApiGatewayV2::Api", {"Name": "a", "ProtocolType": "HTTP"}),
    "Stage": ("ApiGatewayV2::Stage", {"ApiId": {"Ref": "Api"}, "StageName": "s"}),
    "Authority": (
        "ACMPCA::CertificateAuthority",
        {
            "Type": "ROOT", "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA", "Subject": {"CommonName": "Root"},
        },
    ),
    "Bus": ("Events::EventBus", {"Name": "b"}),
    "Rule": ("Events::Rule", {"ScheduleExpression": "rate(1 day)"}),
    "Role": ("IAM::Role", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}),
    "Function": (
        "Lambda::Function",
        {
            "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Runtime": "python3.13",
            "Handler": "index.handler", "Code": {"ZipFile": CODE},
        },
    ),
    "Group": ("Logs::LogGroup", {}),
    "Zone": ("Route53::HostedZone", {"Name": "lab.example"}),
    "Bucket": ("S3::Bucket", {}),
    "Topic": ("SNS::Topic", {}),
    "Queue": ("SQS::Queue", {}),
    "Hub": ("SecurityHub::Hub", {"EnableDefaultStandards": False}),
}  # fmt: skip


def test_everything_of_a_stack_that_takes_tags_has_its(strict):
    """Fourteen things of one stack, from one tag; the role's is seen by IAM alone."""
    resources = {
        name: {"Type": f"AWS::{kind}", "Properties": properties}
        for name, (kind, properties) in TEMPLATE.items()
    }
    asked = {
        "StackName": "s",
        "TemplateBody": json.dumps({"Resources": resources}),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    }
    client = strict.client("cloudformation")
    client.create_stack(**tags.tagged("cloudformation", "CreateStack", asked, RUN))
    (stack,) = client.describe_stacks()["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    filters = [{"Key": tags.RUN, "Values": [RUN]}]
    answer = strict.client("resourcegroupstaggingapi").get_resources(TagFilters=filters)
    found = sorted(
        each["ResourceARN"].split(":", 2)[2].split(":")[0]
        for each in answer["ResourceTagMappingList"]
    )
    assert found == [
        "acm-pca", "apigateway", "apigateway", "cloudformation", "events", "events", "lambda",
        "logs", "route53", "s3", "securityhub", "sns", "sqs",
    ]  # fmt: skip
    (tag,) = strict.client("iam").list_role_tags(RoleName="r")["Tags"]
    assert tag == {"Key": tags.RUN, "Value": RUN}
    assert stack["StackId"].split(":")[4] == MAIN


def test_the_types_that_take_tags_are_the_registrys():
    """And the property is the same; cfn-lint carries the registry's schemas."""
    manager = pytest.importorskip("cfnlint.schema.manager", reason="part of the tests' extra")
    wrong = []
    for name, kind in TYPES.items():
        schema = manager.PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
        tagging = schema.get("tagging", {"taggable": False})
        takes = tagging.get("taggable", True)
        path = tagging.get("tagProperty", "/properties/Tags") if takes else ""
        if kind.tags != path.removeprefix("/properties/"):
            wrong.append((name, kind.tags, path))
    assert wrong == []
