"""Somebody else's things in the same accounts, of the kinds and with names like the labs' own."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from pkilab import ca_hierarchy

THEIR_ZONE = "someone-else.example"
TAGS = {"pkilab:run": "20250101-000000-theirs", "team": "somebody else"}
PAIRS = [{"Key": key, "Value": value} for key, value in TAGS.items()]
SMALL_PAIRS = [{"key": key, "value": value} for key, value in TAGS.items()]


def make_bystanders(lab: Any) -> None:
    """Make them in every account, each with another run's tag, or with none."""
    for alias in lab.accounts:
        _make(lab, alias)


def trust(service: str) -> str:
    """Write the trust policy of a service's role."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _make(lab: Any, alias: str) -> None:
    account = lab.accounts[alias]

    def client(service: str) -> Any:
        return lab.client(service, account=alias)

    pca, acm, kms, iam = client("acm-pca"), client("acm"), client("kms"), client("iam")
    root = ca_hierarchy.create_root(
        pca, {"Organization": "Lab", "CommonName": "Lab Root"}, Tags=PAIRS
    )
    ca_hierarchy.create_ca(pca, {"CommonName": "Never Signed"}, kind="SUBORDINATE")
    key = kms.create_key(Description="theirs", Tags=[
        {"TagKey": name, "TagValue": value} for name, value in TAGS.items()
    ])["KeyMetadata"]["Arn"]  # fmt: skip
    kms.create_alias(AliasName="alias/lab-theirs", TargetKeyId=key)
    acm.request_certificate(
        DomainName="www.someone-else.example", ValidationMethod="DNS", Tags=PAIRS
    )
    s3 = client("s3")
    for name in (f"lab-pki-{account}-theirs", f"theirs-lab-pki-{account}"):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="crl/theirs.crl", Body=b"theirs")
    route53 = client("route53")
    zone = route53.create_hosted_zone(Name=THEIR_ZONE, CallerReference="theirs")
    change = {
        "Action": "CREATE",
        "ResourceRecordSet": {
            "Name": f"www.{THEIR_ZONE}", "Type": "A", "TTL": 60,
            "ResourceRecords": [{"Value": "192.0.2.1"}],
        },
    }  # fmt: skip
    route53.change_resource_record_sets(
        HostedZoneId=zone["HostedZone"]["Id"], ChangeBatch={"Changes": [change]}
    )
    client("secretsmanager").create_secret(Name="lab/theirs", SecretString="theirs", Tags=PAIRS)
    client("ssm").put_parameter(Name="/lab/theirs", Value="theirs", Type="String", Tags=PAIRS)
    role = iam.create_role(
        RoleName="lab-theirs", AssumeRolePolicyDocument=trust("lambda"), Tags=PAIRS
    )["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="lab-theirs", PolicyName="theirs", PolicyDocument=_allow("logs:CreateLogGroup")
    )
    iam.create_user(UserName="lab-theirs", Tags=PAIRS)
    iam.create_access_key(UserName="lab-theirs")
    iam.create_policy(PolicyName="lab-theirs", PolicyDocument=_allow("s3:ListAllMyBuckets"))
    client("lambda").create_function(
        FunctionName="lab-theirs", Runtime="python3.11", Role=role, Handler="theirs.handler",
        Code={"ZipFile": _package()}, Tags=TAGS,
    )  # fmt: skip
    client("logs").create_log_group(logGroupName="/aws/lambda/lab-theirs")
    client("apigatewayv2").create_api(Name="lab", ProtocolType="HTTP", Tags=TAGS)
    client("apigateway").create_rest_api(name="lab")
    queue = client("sqs").create_queue(QueueName="lab-ear-theirs", tags=TAGS)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    client("sns").create_topic(Name="lab-theirs", Tags=PAIRS)
    events = client("events")
    pattern = json.dumps({"source": ["theirs"]})
    events.put_rule(Name="lab-ear-theirs", EventPattern=pattern, Tags=PAIRS)
    target = {"Id": "theirs", "Arn": arn["Attributes"]["QueueArn"]}
    events.put_targets(Rule="lab-ear-theirs", Targets=[target])
    events.create_event_bus(Name="lab-theirs")
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    client("cloudformation").create_stack(
        StackName="theirs-findings", TemplateBody=json.dumps(template), Tags=PAIRS
    )
    client("ram").create_resource_share(name="lab", resourceArns=[root], tags=SMALL_PAIRS)


def _allow(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _package() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("theirs.py", "def handler(event, context):\n    return 'theirs'\n")
    return held.getvalue()
