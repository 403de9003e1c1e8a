import json

import pytest
from botocore import xform_name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.simulator.organizations.service import Organizations
from pkilab.simulator.service import AwsError, service_model

PROD = "222233334444"


def test_services_are_trusted_by_name(orgs):
    """Enabling twice changes nothing; a name that is no service's is not recognized."""
    enable = {"ServicePrincipal": "ram.amazonaws.com"}
    orgs("EnableAWSServiceAccess", **enable)
    since = orgs("ListAWSServiceAccessForOrganization")["EnabledServicePrincipals"]
    orgs.world.clock.advance(hours=1)
    orgs("EnableAWSServiceAccess", **enable)
    assert orgs("ListAWSServiceAccessForOrganization")["EnabledServicePrincipals"] == since
    orgs("DisableAWSServiceAccess", **enable)
    assert orgs("ListAWSServiceAccessForOrganization")["EnabledServicePrincipals"] == []
    for operation in ("EnableAWSServiceAccess", "DisableAWSServiceAccess"):
        reason = orgs.refused(
            "InvalidInputException", operation, ServicePrincipal="moto.example.com"
        )
        assert reason == "UNRECOGNIZED_SERVICE_PRINCIPAL"
    orgs.refused("AccessDeniedException", "EnableAWSServiceAccess", "prod", **enable)


def test_roots_units_accounts_and_policies_have_tags(orgs):
    """Set, listed and taken away alike; AWS's own policy has none of the customer's."""
    policy = orgs.policy("p", {"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "*", "Resource": "*"}]})  # fmt: skip
    for resource in (orgs.root, orgs.unit(), PROD, policy):
        tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
        orgs("TagResource", ResourceId=resource, Tags=tags)
        orgs("UntagResource", ResourceId=resource, TagKeys=["a"])
        assert orgs("ListTagsForResource", ResourceId=resource)["Tags"] == tags[1:]
    reason = orgs.refused(
        "InvalidInputException", "TagResource", ResourceId="p-FullAWSAccess", Tags=tags
    )
    assert reason == "IMMUTABLE_POLICY"
    orgs.refused("TargetNotFoundException", "TagResource", ResourceId="r-none", Tags=tags)


def test_tags_are_fifty_at_most_each_key_once_and_none_of_awss(orgs):
    """Constraints of tags."""

    def reason(code, *keys):
        tags = [{"Key": key, "Value": ""} for key in keys]
        return orgs.refused(code, "TagResource", ResourceId=PROD, Tags=tags)

    assert reason("InvalidInputException", "a", "a") == "DUPLICATE_TAG_KEY"
    assert reason("InvalidInputException", "aws:x") == "INVALID_SYSTEM_TAGS_PARAMETER"
    many = map(str, range(51))
    assert reason("ConstraintViolationException", *many) == "MAX_TAG_LIMIT_EXCEEDED"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_input_gives_a_result_or_an_error_of_the_model(orgs, data):
    """Whatever is sent, nothing else leaves: the driver compares errors with AWS's model."""
    operations = [
        name
        for name in service_model("organizations").operation_names
        if name not in ("DeleteOrganization", "LeaveOrganization")
    ]
    operation = data.draw(st.sampled_from(operations))
    shape = service_model("organizations").operation_model(operation).input_shape
    values = {
        "string": st.sampled_from(
            [orgs.root, PROD, "p-FullAWSAccess", "SERVICE_CONTROL_POLICY", "ACCOUNT", "x", ""]
        ),
        "integer": st.integers(0, 21),
        "structure": st.sampled_from([{"Type": "ACCOUNT", "Id": PROD}, {}]),
        "list": st.sampled_from([[{"Key": "k", "Value": "v"}], ["k"], []]),
    }
    members = {
        name: data.draw(values[member.type_name])
        for name, member in (shape.members.items() if shape else ())
        if name in shape.required_members or data.draw(st.booleans())
    }
    try:
        orgs(operation, **members)
    except AwsError as error:
        assert error.message  # the driver has compared the code


def test_all_that_the_model_has_and_is_not_named_as_missing_is_there():
    """The operations that are not simulated are the ones that the service says."""
    absent = {
        name
        for name in service_model("organizations").operation_names
        if not hasattr(Organizations, xform_name(name))
    }
    assert {name for name in absent if "Responsibility" not in name} == {
        "CloseAccount",
        "CreateAccount",
        "CreateGovCloudAccount",
        "DeleteResourcePolicy",
        "DeregisterDelegatedAdministrator",
        "DescribeCreateAccountStatus",
        "DescribeEffectivePolicy",
        "DescribeResourcePolicy",
        "EnableAllFeatures",
        "ListAccountsWithInvalidEffectivePolicy",
        "ListCreateAccountStatus",
        "ListDelegatedAdministrators",
        "ListDelegatedServicesForAccount",
        "ListEffectivePolicyValidationErrors",
        "PutResourcePolicy",
        "RegisterDelegatedAdministrator",
    }


@pytest.mark.parametrize("text", ["{}", json.dumps({"FeatureSet": "NONE"})])
def test_the_feature_set_is_one_of_two(bare, text):
    """The model's own constraint."""
    members = json.loads(text)
    if members:
        bare.refused("ValidationException", "CreateOrganization", **members)
    else:
        assert bare("CreateOrganization")["Organization"]["FeatureSet"] == "ALL"
