"""The tables of properties, held against the schemas that cfn-lint carries."""

import json
from pathlib import Path

import cfnlint
import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from pkilab.simulator.cloudformation import known
from pkilab.simulator.cloudformation.resources.catalogue import TYPES

# What the schemas say otherwise, by AWS's Template Reference.
REPLACED_AS_DOCUMENTED = {
    ("AWS::CertificateManager::Certificate", "ValidationMethod"),
    ("AWS::Events::Rule", "EventBusName"),
    ("AWS::Route53::RecordSet", "Name"),
}
REQUIRED_AS_DOCUMENTED = {
    ("AWS::ApiGatewayV2::Api", "Name"),  # without an OpenAPI definition, which is not simulated
    ("AWS::ApiGatewayV2::Api", "ProtocolType"),
    ("AWS::Route53::HostedZone", "Name"),
}
ATTRIBUTES_AS_DOCUMENTED = {
    ("AWS::SNS::Topic", "TopicName"),
    ("AWS::SQS::Queue", "QueueName"),
}
IN_SCHEMA_ONLY = {("AWS::CertificateManager::Certificate", "Id")}  # read-only, and deprecated


def schema(name):
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema


def named(found, section):
    paths = (path.removeprefix("/properties/") for path in found.get(section, []))
    return {path for path in paths if "/" not in path}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_types_table_is_that_of_its_schema(name):
    """Which properties there are, which are required and which replace; what Fn::GetAtt knows."""
    mine, theirs = TYPES[name], schema(name)
    read_only = named(theirs, "readOnlyProperties")
    only_there = {prop for kind, prop in IN_SCHEMA_ONLY if kind == name}
    settable = set(theirs["properties"]) - read_only - only_there
    assert set(mine.properties) | set(mine.unmodelled) == settable
    assert not set(mine.properties) & set(mine.unmodelled)
    replacing = {prop for prop, each in mine.properties.items() if each.replaces}
    documented = {prop for kind, prop in REPLACED_AS_DOCUMENTED if kind == name}
    created = named(theirs, "createOnlyProperties") - set(mine.unmodelled)
    assert replacing == created | documented
    required = {prop for prop, each in mine.properties.items() if each.required}
    more = {prop for kind, prop in REQUIRED_AS_DOCUMENTED if kind == name}
    assert required == set(theirs.get("required", [])) | more
    documented = {prop for kind, prop in ATTRIBUTES_AS_DOCUMENTED if kind == name}
    assert set(mine.attributes) <= read_only | documented


@pytest.fixture(scope="module")
def every_type():
    folder = Path(cfnlint.__file__).parent / "data" / "schemas" / "providers"
    files = [file for file in folder.glob("*.json") if file.stem != "sam"]
    return {name for file in files for name in json.loads(file.read_text()) if name[:5] == "AWS::"}


def test_every_type_that_cfn_lint_knows_is_known(every_type):
    assert len(every_type) > 1500
    assert [name for name in every_type if not known.exists(name)] == []
    assert set(TYPES) <= every_type


@pytest.mark.parametrize(
    "name",
    ["AWS::S3::Buckets", "AWS::Nope::Thing", "S3::Bucket", "AWS::S3", "", "Custom::", "aws::s3::x"],
)
def test_what_cfn_lint_does_not_know_is_not_known(name):
    assert not known.exists(name)
