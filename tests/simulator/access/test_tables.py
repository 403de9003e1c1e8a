"""What single operations need, in full."""

import pytest

from pkilab.simulator.access import Key, Resource, accesses
from pkilab.simulator.service import AwsError

MAIN, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
KEY = f"arn:aws:kms:{REGION}:{MAIN}:key/1"
CA = f"arn:aws:acm-pca:{REGION}:{MAIN}:certificate-authority/1"
BUCKET = "arn:aws:s3:::b"


@pytest.fixture
def needs(fakes):
    """Return what tells the accesses of an operation as (action, resource) pairs and contexts."""
    facts = fakes.facts(
        {BUCKET: Resource(BUCKET, MAIN)},
        {"alias/lab": Key(KEY, MAIN, "alias/lab"), KEY: Key(KEY, MAIN), "1": Key(KEY, MAIN)},
    )
    facts.ciphertexts[b"sealed"] = KEY
    facts.objects["b", "k"] = {}

    def ask(service, operation, **members):
        return accesses(service, operation, members, fakes.call(), facts)

    return ask


def pairs(found):
    return [(each.action, each.resource) for each in found]


def test_signing_tells_the_algorithm_the_kind_of_message_and_the_alias(needs):
    """By an alias kms:RequestAlias is there, by the key's own ARN it is not."""
    (sign,) = needs("kms", "Sign", KeyId="alias/lab", SigningAlgorithm="ECDSA_SHA_256")
    assert (sign.action, sign.resource, sign.owner) == ("kms:Sign", KEY, MAIN)
    assert sign.requires_resource_policy
    assert sign.context == {
        "kms:calleraccount": MAIN,
        "kms:messagetype": "RAW",
        "kms:requestalias": "alias/lab",
        "kms:signingalgorithm": "ECDSA_SHA_256",
    }
    (sign,) = needs("kms", "Sign", KeyId=KEY, SigningAlgorithm="X", MessageType="DIGEST")
    assert "kms:requestalias" not in sign.context
    assert sign.context["kms:messagetype"] == "DIGEST"


def test_an_encryption_context_is_told_key_by_key(needs):
    """Keys in small letters where they are condition keys, as written where they are values."""
    (encrypt,) = needs("kms", "Encrypt", KeyId="1", EncryptionContext={"App": "Lab", "b": "2"})
    assert encrypt.context["kms:encryptioncontext:app"] == "Lab"
    assert encrypt.context["kms:encryptioncontextkeys"] == ("App", "b")
    assert encrypt.context["kms:encryptionalgorithm"] == "SYMMETRIC_DEFAULT"
    (encrypt,) = needs("kms", "Encrypt", KeyId="1")
    assert "kms:encryptioncontextkeys" not in encrypt.context


def test_a_ciphertext_says_which_key_opens_it(needs):
    """Decrypt without KeyId; a ciphertext of no key is left to KMS."""
    (decrypt,) = needs("kms", "Decrypt", CiphertextBlob=b"sealed")
    assert (decrypt.resource, decrypt.shown) == (
        KEY, "the resource associated with this ciphertext",
    )  # fmt: skip
    assert needs("kms", "Decrypt", CiphertextBlob=b"no ciphertext") == ()


def test_reencryption_takes_two_accesses(needs):
    """From and to, each with its own context."""
    found = needs(
        "kms", "ReEncrypt", CiphertextBlob=b"sealed", DestinationKeyId="alias/lab",
        SourceEncryptionContext={"a": "1"}, DestinationEncryptionContext={"b": "2"},
    )  # fmt: skip
    assert pairs(found) == [("kms:ReEncryptFrom", KEY), ("kms:ReEncryptTo", KEY)]
    assert found[0].context["kms:encryptioncontext:a"] == "1"
    assert found[1].context["kms:encryptioncontext:b"] == "2"
    assert found[1].context["kms:reencryptonsamekey"] == "false"  # one by an alias, one not


def test_an_alias_is_about_itself_its_key_and_its_next_key(needs):
    """UpdateAlias with the key that it had already asks for it once."""
    alias = f"arn:aws:kms:{REGION}:{MAIN}:alias/lab"
    found = needs("kms", "UpdateAlias", AliasName="alias/lab", TargetKeyId=KEY)
    assert pairs(found) == [("kms:UpdateAlias", alias), ("kms:UpdateAlias", KEY)]
    assert [each.requires_resource_policy for each in found] == [False, True]
    assert pairs(needs("kms", "DeleteAlias", AliasName="alias/lab")) == [
        ("kms:DeleteAlias", alias), ("kms:DeleteAlias", KEY),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "members", "actions"),
    [
        ("GetObject", {}, ["GetObject"]),
        ("GetObject", {"VersionId": "v"}, ["GetObjectVersion"]),
        ("HeadObject", {}, ["GetObject"]),
        ("GetObjectAttributes", {}, ["GetObject", "GetObjectAttributes"]),
        ("PutObject", {}, ["PutObject"]),
        ("PutObject", {"ACL": "public-read"}, ["PutObject", "PutObjectAcl"]),
        ("PutObject", {"Tagging": "a=b"}, ["PutObject", "PutObjectTagging"]),
        ("PutObject", {"ObjectLockMode": "GOVERNANCE"}, ["PutObject", "PutObjectRetention"]),
        ("PutObject", {"ObjectLockLegalHoldStatus": "ON"}, ["PutObject", "PutObjectLegalHold"]),
        ("CreateMultipartUpload", {}, ["PutObject"]),
        ("CompleteMultipartUpload", {}, ["PutObject"]),
        ("DeleteObject", {}, ["DeleteObject"]),
        ("DeleteObject", {"VersionId": "v"}, ["DeleteObjectVersion"]),
        (
            "DeleteObject",
            {"BypassGovernanceRetention": "true"},
            ["DeleteObject", "BypassGovernanceRetention"],
        ),
    ],
)
def test_what_a_request_to_s3_asks_for_on_the_side_has_actions_of_its_own(
    needs, operation, members, actions
):
    """Versions, ACLs, tags, retention, holds."""
    found = needs("s3", operation, Bucket="b", Key="k", **members)
    assert pairs(found) == [(f"s3:{each}", f"{BUCKET}/k") for each in actions]


def test_every_key_of_a_deletion_is_asked_for(needs):
    """DeleteObjects, with and without versions."""
    objects = [{"Key": "k"}, {"Key": "l", "VersionId": "v"}]
    found = needs("s3", "DeleteObjects", Bucket="b", Delete={"Objects": objects})
    assert pairs(found) == [
        ("s3:DeleteObject", f"{BUCKET}/k"), ("s3:DeleteObjectVersion", f"{BUCKET}/l"),
    ]  # fmt: skip
    assert not needs("s3", "DeleteObjects", Bucket="b", Delete={"Objects": []})


def test_a_copy_source_that_is_none_is_refused(needs):
    """In S3's words."""
    with pytest.raises(AwsError, match="Copy Source must mention") as refused:
        needs("s3", "CopyObject", Bucket="b", Key="k", CopySource="nothing")
    assert refused.value.code == "InvalidArgument"


def test_a_request_for_a_certificate_tells_names_and_defaults(needs):
    """What a request does not say counts as what ACM takes for it."""
    (request,) = needs(
        "acm", "RequestCertificate", DomainName="a.example", ValidationMethod="DNS",
        SubjectAlternativeNames=["a.example", "b.example"],
    )  # fmt: skip
    assert request.resource == "*"
    assert request.context == {
        "acm:domainnames": ("a.example", "b.example"),
        "acm:validationmethod": "DNS",
        "acm:keyalgorithm": "RSA_2048",
        "acm:certificatetransparencylogging": "ENABLED",
        "acm:export": "DISABLED",
    }
    (private,) = needs("acm", "RequestCertificate", DomainName="a", CertificateAuthorityArn=CA)
    assert private.context["acm:certificateauthority"] == CA
    assert "acm:validationmethod" not in private.context


def test_records_are_told_by_name_type_and_action(needs):
    """Names as Route 53 normalises them."""
    changes = [
        {"Action": "UPSERT", "ResourceRecordSet": {"Name": "WWW.example.com.", "Type": "A"}},
        {"Action": "DELETE", "ResourceRecordSet": {"Name": "example.com", "Type": "TXT"}},
    ]
    (change,) = needs(
        "route53", "ChangeResourceRecordSets", HostedZoneId="/hostedzone/Z1",
        ChangeBatch={"Changes": changes},
    )  # fmt: skip
    assert change.resource == "arn:aws:route53:::hostedzone/Z1"
    prefix = "route53:changeresourcerecordsets"
    assert change.context == {
        f"{prefix}normalizedrecordnames": ("www.example.com", "example.com"),
        f"{prefix}recordtypes": ("A", "TXT"),
        f"{prefix}actions": ("UPSERT", "DELETE"),
    }


@pytest.mark.parametrize(
    ("service", "operation", "members", "action", "path"),
    [
        ("apigateway", "GetStage", {"restApiId": "r", "stageName": "s"}, "GET",
         "restapis/r/stages/s"),
        ("apigatewayv2", "CreateRoute", {"ApiId": "a", "RouteKey": "x"}, "POST", "apis/a/routes"),
        ("apigatewayv2", "DeleteStage", {"ApiId": "a", "StageName": "$default"}, "DELETE",
         "apis/a/stages/$default"),
        ("apigateway", "TagResource", {"resourceArn": "arn:aws:x", "tags": {}}, "PUT",
         "tags/arn%3Aaws%3Ax"),
    ],
)  # fmt: skip
def test_api_gateways_actions_are_methods_on_paths(
    needs, service, operation, members, action, path
):
    """Of its own HTTP API, the later generation's without /v2."""
    (found,) = needs(service, operation, **members)
    assert pairs([found]) == [(f"apigateway:{action}", f"arn:aws:apigateway:{REGION}::/{path}")]


def test_a_truststore_is_read_and_set_with_leave(needs):
    """A domain name with mutual TLS: the domain, its certificates, and the object in S3."""
    found = needs(
        "apigatewayv2", "CreateDomainName", DomainName="d",
        MutualTlsAuthentication={"TruststoreUri": "s3://b/k?#", "TruststoreVersion": "v"},
    )  # fmt: skip
    domains = f"arn:aws:apigateway:{REGION}::/domainnames"
    assert pairs(found) == [
        ("apigateway:POST", domains),
        ("apigateway:AddCertificateToDomain", domains),
        ("s3:GetObjectVersion", f"{BUCKET}/k?#"),
    ]


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("f", f"{MAIN}:function:f"),
        (f"{OTHER}:function:f", f"{OTHER}:function:f"),
        (f"arn:aws:lambda:{REGION}:{OTHER}:function:f:live", f"{OTHER}:function:f:live"),
    ],
)
def test_a_function_is_named_in_every_way_of_lambdas(needs, name, resource):
    """By name, by a part of its ARN, by the whole."""
    (invoke,) = needs("lambda", "Invoke", FunctionName=name)
    assert pairs([invoke]) == [("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{resource}")]


def test_a_stack_in_a_role_takes_passing_it(needs):
    """iam:PassRole, to CloudFormation."""
    role = f"arn:aws:iam::{MAIN}:role/deploy"
    found = needs("cloudformation", "CreateStack", StackName="lab", RoleARN=role)
    stack = f"arn:aws:cloudformation:{REGION}:{MAIN}:stack/lab/*"
    assert pairs(found) == [("cloudformation:CreateStack", stack), ("iam:PassRole", role)]
    assert found[1].context == {"iam:passedtoservice": "cloudformation.amazonaws.com"}


def test_tags_and_a_source_identity_of_a_session_have_actions_of_their_own(needs):
    """AssumeRole, TagSession and SetSourceIdentity, all on the role, and with an MFA code."""
    role = f"arn:aws:iam::{MAIN}:role/r"
    found = needs(
        "sts", "AssumeRole", RoleArn=role, RoleSessionName="s", SourceIdentity="alice",
        Tags=[{"Key": "Team", "Value": "pki"}], SerialNumber="mfa", TokenCode="123456",
    )  # fmt: skip
    assert [each.action for each in found] == [
        "sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession",
    ]  # fmt: skip
    assert {each.resource for each in found} == {role}
    assert found[0].context["aws:multifactorauthpresent"] == "true"
    assert found[2].context["aws:requesttag/team"] == "pki"


def test_a_user_without_a_name_is_the_caller(needs):
    """CreateAccessKey for oneself."""
    (own,) = needs("iam", "CreateAccessKey")
    assert own.resource == f"arn:aws:iam::{MAIN}:user/alice"
    (made,) = needs("iam", "CreateUser", UserName="bob", Path="/staff/")
    assert made.resource == f"arn:aws:iam::{MAIN}:user/staff/bob"
