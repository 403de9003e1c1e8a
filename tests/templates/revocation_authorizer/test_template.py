"""The CloudFormation template, by cfn-lint and by what it must grant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cfnlint.decode.cfn_yaml import load

from pkilab.templates import revocation_authorizer_zip
from pkilab.templates.revocation_authorizer import settings

FOLDER = Path(settings.__file__).parent
TEMPLATE = FOLDER / "template.yaml"


def test_cfn_lint_finds_nothing_in_the_template(lint):
    done = lint(TEMPLATE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("Runtime: python3.13", "Runtime: python2.7", "E"),
        ("!GetAtt Role.Arn", "!GetAtt Roll.Arn", "E1010"),
        ("Principal: apigateway.amazonaws.com", "Principle: apigateway.amazonaws.com", "E3002"),
        ("MaxValue: 2678400", "MostValue: 2678400", "E2001"),
    ],
)
def test_cfn_lint_would_find_a_mistake(lint_broken, old, new, rule):
    done = lint_broken(TEMPLATE, old, new)
    assert done.returncode != 0
    assert re.search(rf"^{rule}", done.stdout, re.MULTILINE), done.stdout


@pytest.fixture(scope="module")
def template():
    return load(str(TEMPLATE))


def test_the_role_may_do_nothing_but_log_and_read_what_is_configured(template):
    resources = template["Resources"]
    granted = {
        (name, action): statement["Resource"]
        for name, each in resources.items()
        if each["Type"] == "AWS::IAM::RolePolicy"
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert set(granted) == {
        ("LogPolicy", "logs:CreateLogStream"), ("LogPolicy", "logs:PutLogEvents"),
        ("IssuersPolicy", "s3:GetObject"), ("CrlPolicy", "s3:GetObject"),
    }  # fmt: skip
    assert all(resource != "*" for resource in granted.values())
    assert not {"ManagedPolicyArns", "Policies"} & set(resources["Role"]["Properties"])
    for name in ("IssuersPolicy", "CrlPolicy"):
        assert resources[name]["Condition"] in template["Conditions"]
    for parameter in ("IssuersUri", "CrlObjectArn"):
        pattern = template["Parameters"][parameter]["AllowedPattern"]
        assert re.fullmatch(pattern, "")
        assert not re.fullmatch(pattern, "s3://bucket/*")
        assert not re.fullmatch(pattern, "arn:aws:s3:::bucket/*")
    assert re.fullmatch(template["Parameters"]["IssuersUri"]["AllowedPattern"], "s3://b/ca.pem")


def test_the_log_ends_and_one_api_alone_may_call(template):
    resources = template["Resources"]
    assert resources["LogGroup"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert resources["CallByApiGateway"]["Properties"]["SourceArn"]["Fn::Sub"].endswith(
        ":${ApiId}/authorizers/*"
    )


def test_the_template_sets_variables_that_the_settings_know(template):
    variables = template["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    assert settings.__doc__
    known = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b|\bSOURCE\b|\bNONCE\b|\bRESPONSE\b",
                           settings.__doc__))  # fmt: skip
    assert set(variables) <= known
    assert known - set(variables) == {"RETRY_SECONDS", "TIMEOUT_SECONDS", "MAX_BYTES"}


def test_it_is_deployed_as_it_is_once_its_code_is_in_s3(lab):
    """As `aws cloudformation package` leaves it; an API may invoke what was made."""
    s3, client = lab.client("s3"), lab.client("cloudformation")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="authorizer.zip", Body=revocation_authorizer_zip())
    text = TEMPLATE.read_text()
    assert "      Code: function\n" in text
    packaged = text.replace("Code: function", "Code: {S3Bucket: code, S3Key: authorizer.zip}")
    values = {"ApiId": "abc", "IssuersUri": "s3://code/truststore.pem"}
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    deploy = {"StackName": "revocation", "Parameters": given, "Capabilities": ["CAPABILITY_IAM"]}
    client.create_stack(TemplateBody=packaged, **deploy)
    stack = client.describe_stacks(StackName="revocation")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    function = lab.client("lambda").get_function(FunctionName=outputs["FunctionArn"])
    variables = function["Configuration"]["Environment"]["Variables"]
    assert (variables["ISSUERS_URI"], variables["SOURCE"]) == ("s3://code/truststore.pem", "crl")
    assert outputs["AuthorizerUri"].endswith(f"{outputs['FunctionArn']}/invocations")
    client.delete_stack(StackName="revocation")
    assert lab.client("iam").list_roles()["Roles"] == []


@pytest.mark.parametrize(
    "values", [{"ApiId": "abc"}, {"ApiId": "abc", "IssuersUri": "s3://b/k", "IssuersPem": "x"}]
)
def test_no_source_of_issuers_or_two_are_refused_by_its_rule(lab, values):
    client = lab.client("cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    with pytest.raises(client.exceptions.ClientError, match="Give IssuersUri or IssuersPem"):
        client.create_stack(
            StackName="revocation", TemplateBody=TEMPLATE.read_text(), Parameters=given,
            Capabilities=["CAPABILITY_IAM"],
        )  # fmt: skip
