"""What calls name by other words than ARNs."""

from __future__ import annotations

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from pkilab.resources import Place, acted_on, made, named

PLACE = Place("aws-cn", "cn-north-1", "111122223333")


def operation(service: str, name: str):
    return ServiceModel(Loader().load_service_model(service, "service-2"), service).operation_model(
        name
    )


@pytest.mark.parametrize(
    ("service", "name", "parameters", "arns"),
    [
        ("s3", "PutObject", {"Bucket": "b", "Key": "k"}, ["arn:aws-cn:s3:::b/k"]),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "f"},
            ["arn:aws-cn:lambda:cn-north-1:111122223333:function:f"],
        ),
        (
            "lambda",
            "Invoke",
            {"FunctionName": "arn:aws-cn:lambda:cn-north-1:1:function:f"},
            ["arn:aws-cn:lambda:cn-north-1:1:function:f"],
        ),
        ("iam", "DeleteRole", {"RoleName": "r"}, ["arn:aws-cn:iam::111122223333:role/r"]),
        (
            "route53",
            "ChangeResourceRecordSets",
            {"HostedZoneId": "/hostedzone/Z1"},
            ["arn:aws-cn:route53:::hostedzone/Z1"],
        ),
        ("route53", "DeleteHostedZone", {"Id": "Z1"}, ["arn:aws-cn:route53:::hostedzone/Z1"]),
        (
            "cloudformation",
            "DeleteStack",
            {"StackName": "web"},
            ["arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/web/*"],
        ),
        (
            "events",
            "PutTargets",
            {"Rule": "r", "Targets": []},
            ["arn:aws-cn:events:cn-north-1:111122223333:rule/r"],
        ),
        (
            "events",
            "DeleteRule",
            {"Name": "r", "EventBusName": "own"},
            ["arn:aws-cn:events:cn-north-1:111122223333:rule/own/r"],
        ),
        (
            "events",
            "PutEvents",
            {"Entries": [{"Source": "a"}, {"Source": "a", "EventBusName": "own"}]},
            [
                "arn:aws-cn:events:cn-north-1:111122223333:event-bus/default",
                "arn:aws-cn:events:cn-north-1:111122223333:event-bus/own",
            ],
        ),
        (
            "events",
            "CreateEventBus",
            {"Name": "own"},
            ["arn:aws-cn:events:cn-north-1:111122223333:event-bus/own"],
        ),
        (
            "sqs",
            "SendMessage",
            {"QueueUrl": "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q"},
            ["arn:aws-cn:sqs:cn-north-1:111122223333:q"],
        ),
        (
            "ssm",
            "GetParameter",
            {"Name": "/tls/key:3"},
            ["arn:aws-cn:ssm:cn-north-1:111122223333:parameter/tls/key"],
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            {"SecretId": "tls"},
            ["arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:tls-*"],
        ),
        (
            "securityhub",
            "BatchImportFindings",
            {
                "Findings": [
                    {"ProductArn": "arn:aws-cn:p:r:1:d", "Resources": [{"Id": "arn:a:b:c:d:e"}]}
                ]
            },
            ["arn:aws-cn:p:r:1:d"],
        ),
        (
            "securityhub",
            "DescribeHub",
            {},
            ["arn:aws-cn:securityhub:cn-north-1:111122223333:hub/default"],
        ),
        (
            "apigatewayv2",
            "GetApiMapping",
            {"ApiMappingId": "m", "DomainName": "a.b"},
            ["arn:aws-cn:apigateway:cn-north-1::/domainnames/a.b/apimappings/m"],
        ),
        (
            "apigateway",
            "GetTags",
            {"resourceArn": "arn:aws-cn:apigateway:cn-north-1::/restapis/x"},
            [
                "arn:aws-cn:apigateway:cn-north-1::/tags/"
                "arn%3Aaws-cn%3Aapigateway%3Acn-north-1%3A%3A%2Frestapis%2Fx",
                "arn:aws-cn:apigateway:cn-north-1::/restapis/x",
            ],
        ),
        ("sts", "GetCallerIdentity", {}, []),
        ("iam", "GetUser", {"UserName": "ana"}, ["arn:aws-cn:iam::111122223333:user/ana"]),
        (
            "kms",
            "Sign",
            {"KeyId": "1234abcd"},
            ["arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd"],
        ),
        (
            "kms",
            "CreateAlias",
            {"AliasName": "alias/code", "TargetKeyId": "1234abcd"},
            [
                "arn:aws-cn:kms:cn-north-1:111122223333:alias/code",
                "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd",
            ],
        ),
        (
            "kms",
            "Verify",
            {"KeyId": "alias/code"},
            ["arn:aws-cn:kms:cn-north-1:111122223333:alias/code"],
        ),
    ],
)
def test_what_a_call_names_is_written_as_an_arn(service, name, parameters, arns) -> None:
    assert named(operation(service, name), parameters, PLACE) == arns


@pytest.mark.parametrize(
    ("service", "name", "parameters", "answer", "path"),
    [
        ("apigatewayv2", "CreateApi", {}, {"ApiId": "abc"}, "/apis/abc"),
        ("apigatewayv2", "CreateRoute", {"ApiId": "abc"}, {"RouteId": "r"}, "/apis/abc/routes/r"),
        ("apigatewayv2", "CreateDomainName", {}, {"DomainName": "a.b"}, "/domainnames/a.b"),
        ("apigateway", "CreateRestApi", {}, {"id": "abc", "name": "n"}, "/restapis/abc"),
        (
            "apigateway",
            "CreateResource",
            {"restApiId": "abc", "parentId": "p"},
            {"id": "q"},
            "/restapis/abc/resources/q",
        ),
        ("apigateway", "CreateDomainName", {}, {"domainName": "a.b"}, "/domainnames/a.b"),
    ],
)
def test_what_api_gateway_made_is_found_below_where_it_was_made(
    service, name, parameters, answer, path
) -> None:
    model = operation(service, name)
    asked = named(model, parameters, PLACE)
    assert made(model, asked, answer, PLACE) == f"arn:aws-cn:apigateway:cn-north-1::{path}"


def test_a_hosted_zone_has_no_region_in_its_arn() -> None:
    answer = {"HostedZone": {"Id": "/hostedzone/Z1"}, "ChangeInfo": {"Id": "/change/C1"}}
    zone = made(operation("route53", "CreateHostedZone"), [], answer, PLACE)
    assert zone == "arn:aws-cn:route53:::hostedzone/Z1"


def test_what_makes_nothing_or_says_its_arn_itself_needs_no_other() -> None:
    assert made(operation("apigatewayv2", "GetApi"), ["x"], {"ApiId": "abc"}, PLACE) is None
    assert made(operation("lambda", "CreateFunction"), [], {"FunctionArn": "x"}, PLACE) is None


def test_what_aws_says_that_a_call_acted_on_is_named_by_its_arn() -> None:
    """A key that was named by its alias."""
    key = "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd"
    assert acted_on(operation("kms", "Sign"), {"KeyId": key}) == [key]
    assert acted_on(operation("kms", "CreateGrant"), {"GrantId": "5"}) == []
    assert acted_on(operation("sts", "GetCallerIdentity"), {"KeyId": key}) == []


def test_an_alias_and_an_mfa_device_are_found_where_their_answers_name_no_arn() -> None:
    alias = "arn:aws-cn:kms:cn-north-1:111122223333:alias/code"
    assert made(operation("kms", "CreateAlias"), [alias], {}, PLACE) == alias
    serial = "arn:aws-cn:iam::111122223333:mfa/phone"
    answer = {"VirtualMFADevice": {"SerialNumber": serial}}
    assert made(operation("iam", "CreateVirtualMFADevice"), [], answer, PLACE) == serial
    assert made(operation("iam", "ListVirtualMFADevices"), [], {}, PLACE) is None


@pytest.mark.parametrize(
    ("service", "name", "parameters", "end"),
    [
        ("sqs", "CreateQueue", {"QueueName": "q"}, ":q"),
        ("ssm", "PutParameter", {"Name": "/tls/key"}, ":parameter/tls/key"),
        (
            "ssm",
            "PutParameter",
            {"KeyId": "arn:aws-cn:kms:cn-north-1:111122223333:key/1", "Name": "/tls/key"},
            ":parameter/tls/key",
        ),
        ("logs", "CreateLogGroup", {"logGroupName": "/aws/events/x"}, ":log-group:/aws/events/x"),
        ("securityhub", "EnableSecurityHub", {}, ":hub/default"),
    ],
)
def test_what_a_call_names_is_what_it_made_where_it_answers_no_arn(
    service, name, parameters, end
) -> None:
    """Queues, parameters, log groups and the hub."""
    asked = named(operation(service, name), parameters, PLACE)
    found = made(operation(service, name), asked, {}, PLACE)
    assert found is not None
    assert found.endswith(end)
