"""The proof of policies, in small: workflows as roles that have what was derived and no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from pkilab import Lab, ca_hierarchy, security_findings, tags, templates
from pkilab.permissions import Policy, handlers_reads, least_policy
from tests.prove.ablation import Proof, Record, ablations, prove
from tests.prove.policies import elsewhere

Clients = Callable[[str], Any]
Workflow = Callable[[Clients], None]
ROLE = "arn:aws:iam::111122223333:role/runner"
NAME = {"Organization": "Lab", "CommonName": "Root"}
# What a lab on AWS looks at by itself, and these workflows do not.
LOOKS = "Preflight"
TAGS = {"run": "20261102-090000-abcdef"}


def tagging(client: Any) -> Any:
    """Return a client that tags what it creates, as a lab on AWS does."""

    def add(params: dict[str, Any], model: Any, **_: Any) -> None:
        service = client.meta.service_model.service_name
        params.update(tags.tagged(service, model.name, params, TAGS["run"]))

    client.meta.events.register_last("before-parameter-build", add, unique_id="tagging")
    return client


def derived(workflow: Workflow, **options: Any) -> tuple[Policy, frozenset[str]]:
    """Return what an administrator's run takes, and what of it CloudFormation's handlers read."""
    with Lab.simulated(seed="the first world", enforce_policies=True, **options) as lab:
        workflow(lambda service: tagging(lab.client(service)))
        return least_policy(lab.journal, reusable=True), handlers_reads(lab.journal)


@contextmanager
def as_role(documents: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Clients, Record]]:
    """Open another world, and clients of a role that has these policies, with the record of it."""
    with Lab.simulated(seed="the second world", enforce_policies=True) as lab:
        iam, record = lab.client("iam"), Record(ROLE)
        trust = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": "111122223333"},
                "Action": "sts:AssumeRole",
            },
        }
        iam.create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(trust))
        for number, document in enumerate(documents):
            if document["Statement"]:
                iam.put_role_policy(
                    RoleName="runner", PolicyName=f"p{number}", PolicyDocument=json.dumps(document)
                )
        credentials = lab.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="test")
        session = credentials["Credentials"]
        with record.kept():
            yield lambda service: tagging(lab.client(service, credentials=session)), record


def proven(workflow: Workflow, policy: Policy) -> Proof:
    """Run a workflow as a role that has a policy, and return what the record says of the policy."""
    with as_role(policy.documents) as (client, record):
        workflow(client)
    return prove(record.of(ROLE), policy.documents)


def too_much(proof: Proof) -> set[str]:
    """Return what is not needed, as statement and part, but for what a lab looks at by itself."""
    return {
        f"{each.ablation.sid} {each.ablation.part}"
        for each in proof.excesses
        if each.ablation.sid != LOOKS
    }


def hierarchy(client: Clients) -> None:
    """A root, and its end: seven actions."""
    pca = client("acm-pca")
    root = ca_hierarchy.create_root(pca, NAME)
    pca.update_certificate_authority(CertificateAuthorityArn=root, Status="DISABLED")
    pca.delete_certificate_authority(CertificateAuthorityArn=root)


def test_a_policy_of_one_world_is_enough_in_another_and_nothing_of_it_too_much() -> None:
    """Other identifiers, the same policy; every part of it is missed when it is taken away."""
    policy, _ = derived(hierarchy)
    proof = proven(hierarchy, policy)
    assert proof.refused == ()
    assert too_much(proof) == set()
    assert len(proof.findings) > 10
    assert proof.broad == ()


def test_whatever_the_record_says_is_needed_is_missed_for_real() -> None:
    """The same workflow, once for every part that is taken away."""
    policy, _ = derived(hierarchy)
    for ablation in ablations(policy.document):
        if ablation.sid == LOOKS:
            continue
        with (
            as_role([ablation.document]) as (client, _),
            pytest.raises((ClientError, WaiterError), match=r"not authorized|AccessDenied"),
        ):
            hierarchy(client)


def test_what_is_too_much_is_found() -> None:
    """An action, a resource and a template that nothing asked for, and no others."""
    policy, _ = derived(hierarchy)
    document = policy.document
    issuing, others = (
        next(each for each in document["Statement"] if action in each["Action"])
        for action in ("acm-pca:IssueCertificate", "acm-pca:GetCertificate")
    )
    others["Action"].append("acm-pca:RevokeCertificate")
    others["Resource"].append("arn:aws:acm-pca:us-east-1:444455556666:certificate-authority/*")
    template = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
    issuing["Condition"]["ArnEquals"]["acm-pca:TemplateArn"].append(template)
    document["Statement"].append(
        {"Sid": "More", "Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": ["*"]}
    )
    with as_role([document]) as (client, record):
        hierarchy(client)
    assert too_much(prove(record.of(ROLE), [document])) == {
        f"{issuing['Sid']} {template}",
        "More *",
        "More s3:ListAllMyBuckets",
        f"{others['Sid']} acm-pca:RevokeCertificate",
        f"{others['Sid']} arn:aws:acm-pca:us-east-1:444455556666:certificate-authority/*",
    }


def test_a_policy_that_is_not_enough_is_told_what_it_lacks() -> None:
    """The record of an administrator, judged by a policy without two of the actions."""
    policy, _ = derived(hierarchy)
    document = policy.document
    lacking = {"acm-pca:GetCertificate", "acm-pca:DeleteCertificateAuthority"}
    for each in document["Statement"]:
        each["Action"] = [action for action in each["Action"] if action not in lacking]
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    with as_role([everything]) as (client, record):
        hierarchy(client)
    proof = prove(record.of(ROLE), [document])
    assert {each.request.action for each in proof.refused} == lacking


def test_an_action_on_everything_that_was_asked_for_on_single_things_is_told() -> None:
    """It passes every ablation, and grants more than was asked for."""
    policy, _ = derived(hierarchy)
    document = policy.document
    (statement,) = (
        each for each in document["Statement"] if "acm-pca:GetCertificate" in each["Action"]
    )
    statement["Resource"] = ["*"]
    with as_role([document]) as (client, record):
        hierarchy(client)
    proof = prove(record.of(ROLE), [document])
    assert too_much(proof) == set()
    assert any(each.startswith("acm-pca:GetCertificate: ") for each in proof.broad)


def _stack(client: Clients, name: str, body: str, **parameters: str) -> None:
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=body,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )
    (made,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert made["StackStatus"] == "CREATE_COMPLETE", events
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name)


def findings(client: Clients) -> None:
    """The template ca_findings: made, changed, deleted."""
    s3, pca = client("s3"), client("acm-pca")
    s3.create_bucket(Bucket="code-of-functions")
    root = ca_hierarchy.create_ca(pca, NAME, kind="ROOT")
    for severity in ("MEDIUM", "LOW"):
        security_findings.deploy(
            client("cloudformation"),
            s3,
            bucket="code-of-functions",
            authorities=[root],
            watch=security_findings.Watch(use=severity),
            sleep=lambda _: None,
        )
    client("cloudformation").delete_stack(StackName="ca-findings")


def private_ca(client: Clients) -> None:
    """The template private_ca, with a certificate from it."""
    body = Path(templates.__file__).with_name("private_ca").joinpath("template.yaml").read_text()
    _stack(client, "pki", body, DomainName="www.lab.internal")


OTHERS = """
Parameters:
  Kept: {Type: String, Default: "yes"}
Conditions:
  Keeps: !Equals [!Ref Kept, "yes"]
  Drops: !Not [!Condition Keeps]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub others-${AWS::AccountId}
      VersioningConfiguration: {Status: Enabled}
      PublicAccessBlockConfiguration: {BlockPublicAcls: true}
  Unnamed: {Type: AWS::S3::Bucket}
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Service: acm-pca.amazonaws.com}
            Action: s3:GetBucketAcl
            Resource: !Sub arn:aws:s3:::${Bucket}
  Never:
    Type: AWS::SNS::Topic
    Condition: Drops
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Join ["-", [others, topic]]}
  TopicPolicy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Topic]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Service: events.amazonaws.com}
            Action: sns:Publish
            Resource: !Ref Topic
  Queue: {Type: AWS::SQS::Queue}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Queue.Arn}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: others}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {source: [lab]}
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!Ref Role]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*"}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: others
      AssumeRolePolicyDocument: &trust
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}
      Policies:
        - PolicyName: inline
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*"}]
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      Runtime: python3.13
      Handler: index.handler
      Code: {ZipFile: "def handler(event, context): return {}"}
  Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: others.example}}
  Record:
    Type: AWS::Route53::RecordSet
    Properties:
      HostedZoneId: !Ref Zone
      Name: www.others.example
      Type: A
      TTL: "60"
      ResourceRecords: [192.0.2.1]
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: others, ProtocolType: HTTP}}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt Function.Arn
      PayloadFormatVersion: "2.0"
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: GET /
      Target: !Sub integrations/${Integration}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: $default, AutoDeploy: true}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /others/log}}
"""


def others(client: Clients) -> None:
    """A template of other types, named and not."""
    _stack(client, "others", OTHERS)


@pytest.mark.parametrize("workflow", [findings, private_ca, others])
def test_what_a_stack_takes_is_read_from_its_template(workflow: Workflow) -> None:
    """CloudFormation calls in the role's name; what its handlers only read is named as such."""
    policy, reads = derived(workflow)
    proof = proven(workflow, policy)
    assert [str(each) for each in proof.refused] == []
    for finding in proof.excesses:
        (statement,) = (
            each
            for each in finding.ablation.whole["Statement"]
            if each["Sid"] == finding.ablation.sid
        )
        named = (
            [finding.ablation.part] if finding.ablation.kind == "action" else statement["Action"]
        )
        assert finding.ablation.sid == LOOKS or set(named) <= reads, str(finding)


def test_accounts_elsewhere_have_ids_that_no_policy_was_written_for() -> None:
    """Twelve digits each, none of the old ones."""
    accounts = {"main": "111122223333", "other": "444455556666"}
    assert elsewhere(accounts) == {"main": "333322221111", "other": "666655554444"}
