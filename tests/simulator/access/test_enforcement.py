"""Policies, enforced on real boto3 clients of a simulated lab."""

import json

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab

ACCOUNTS = {"main": "111122223333", "other": "444455556666"}
MAIN, OTHER = ACCOUNTS.values()
SIGN = {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
END_ENTITY = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"


@pytest.fixture
def lab():
    """Open a lab of two accounts in which policies are enforced."""
    with Lab.simulated(seed="enforced", accounts=ACCOUNTS, enforce_policies=True) as opened:
        yield opened


def text(*statements):
    whole = [{"Effect": "Allow", "Resource": "*", **each} for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


@pytest.fixture
def person(lab):
    """Return what makes a user with an inline policy, and clients that call as that user."""
    names = iter("abcdefgh")

    def make(*statements, account="main"):
        iam = lab.client("iam", account=account)
        name = f"user-{next(names)}"
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=text(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service: lab.client(service, credentials=key)

    return make


def refused(code, call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def authority(lab, name="Lab root"):
    """Make a root CA that issues, as the account's own administrator."""
    pca = lab.client("acm-pca")
    configuration = {
        "KeyAlgorithm": "EC_prime256v1",
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Subject": {"CommonName": name},
    }
    arn = pca.create_certificate_authority(
        CertificateAuthorityConfiguration=configuration, CertificateAuthorityType="ROOT"
    )["CertificateAuthorityArn"]
    csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
    certificate = pca.issue_certificate(
        CertificateAuthorityArn=arn,
        Csr=csr.encode(),
        SigningAlgorithm="SHA256WITHECDSA",
        TemplateArn="arn:aws:acm-pca:::template/RootCACertificate/V1",
        Validity={"Type": "YEARS", "Value": 10},
    )["CertificateArn"]
    issued = pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=certificate)
    pca.import_certificate_authority_certificate(
        CertificateAuthorityArn=arn, Certificate=issued["Certificate"].encode()
    )
    return arn, csr.encode()


def order(arn, csr, **more):
    return {
        "CertificateAuthorityArn": arn,
        "Csr": csr,
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Validity": {"Type": "DAYS", "Value": 30},
        **more,
    }


def signing_key(lab, *statements, account="main"):
    own = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNTS[account]}:root"}, "Action": "kms:*"}
    return lab.client("kms", account=account).create_key(
        KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", Policy=text(own, *statements)
    )["KeyMetadata"]["Arn"]


def test_the_labs_own_user_may_do_everything(lab):
    """As AdministratorAccess says."""
    assert lab.client("s3").list_buckets()["Buckets"] == []
    assert lab.client("sts").get_caller_identity()["Account"] == MAIN


def test_a_new_user_may_ask_who_they_are_and_nothing_else(person):
    """Without a policy every service refuses, each in its own error."""
    nobody = person()
    assert nobody("sts").get_caller_identity()["Arn"].endswith(":user/user-a")
    for service, operation, code in (
        ("acm", "list_certificates", "AccessDeniedException"),
        ("acm-pca", "list_certificate_authorities", "AccessDeniedException"),
        ("apigateway", "get_rest_apis", "AccessDeniedException"),
        ("apigatewayv2", "get_apis", "AccessDeniedException"),
        ("cloudformation", "list_stacks", "AccessDenied"),
        ("cloudtrail", "lookup_events", "AccessDeniedException"),
        ("iam", "list_users", "AccessDenied"),
        ("kms", "list_keys", "AccessDeniedException"),
        ("lambda", "list_functions", "AccessDeniedException"),
        ("logs", "describe_log_groups", "AccessDeniedException"),
        ("organizations", "list_roots", "AccessDeniedException"),
        ("resourcegroupstaggingapi", "get_resources", "AccessDeniedException"),
        ("route53", "list_hosted_zones", "AccessDenied"),
        ("route53domains", "list_domains", "AccessDeniedException"),
        ("s3", "list_buckets", "AccessDenied"),
    ):
        message = refused(code, getattr(nobody(service), operation))
        assert "user-a is not authorized to perform: " in message, service


def test_denials_arrive_as_typed_errors_where_the_model_has_them(person):
    """boto3's own exception classes of acm and s3."""
    nobody = person()
    acm, s3 = nobody("acm"), nobody("s3")
    with pytest.raises(acm.exceptions.AccessDeniedException):
        acm.list_certificates()
    with pytest.raises(ClientError, match=r"\(AccessDenied\).*s3:ListAllMyBuckets because no"):
        s3.list_buckets()


def test_a_user_may_issue_from_one_ca_by_one_template(lab, person):
    """The CA and the template that the statement names; another of either is refused."""
    arn, csr = authority(lab)
    second, _ = authority(lab, "Another root")
    by_template = {
        "Action": "acm-pca:IssueCertificate",
        "Resource": arn,
        "Condition": {"StringEquals": {"acm-pca:TemplateArn": END_ENTITY}},
    }
    pca = person(by_template)("acm-pca")
    assert pca.issue_certificate(**order(arn, csr))["CertificateArn"].startswith(arn)
    code = "AccessDeniedException"
    assert "IssueCertificate" in refused(code, pca.issue_certificate, **order(second, csr))
    other = END_ENTITY.replace("EndEntityCertificate", "CodeSigningCertificate")
    refused(code, pca.issue_certificate, **order(arn, csr, TemplateArn=other))
    refused(code, pca.describe_certificate_authority, CertificateAuthorityArn=arn)


def test_a_deny_wins_over_an_administrator(lab, person):
    """An explicit deny beside an allow of everything."""
    arn, _ = authority(lab)
    deny = {"Effect": "Deny", "Action": "acm-pca:Delete*", "Resource": arn}
    pca = person({"Action": "*"}, deny)("acm-pca")
    pca.describe_certificate_authority(CertificateAuthorityArn=arn)
    message = refused(
        "AccessDeniedException", pca.delete_certificate_authority, CertificateAuthorityArn=arn
    )
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_another_accounts_ca_takes_both_halves(lab, person):
    """PutPolicy there, and a statement here."""
    arn, csr = authority(lab)
    mine = {"Action": "acm-pca:IssueCertificate", "Resource": arn}
    issuer, stranger = person(mine, account="other"), person(account="other")
    message = refused(
        "AccessDeniedException", issuer("acm-pca").issue_certificate, **order(arn, csr)
    )
    assert message.endswith(
        f"{arn} because no resource-based policy allows the acm-pca:IssueCertificate action"
    )
    shared = {
        "Principal": {"AWS": OTHER},
        "Action": "acm-pca:IssueCertificate",
        "Resource": arn,
        "Condition": {"StringEquals": {"acm-pca:TemplateArn": END_ENTITY}},
    }
    lab.client("acm-pca").put_policy(ResourceArn=arn, Policy=text(shared))
    assert issuer("acm-pca").issue_certificate(**order(arn, csr))["CertificateArn"]
    message = refused(
        "AccessDeniedException", stranger("acm-pca").issue_certificate, **order(arn, csr)
    )
    assert "because no identity-based policy" in message


def test_a_key_policy_delegates_to_iam_or_does_not(lab, person):
    """With the account's statement IAM decides; a user who is named needs no other policy."""
    key = signing_key(lab)
    signer = person({"Action": "kms:Sign", "Resource": key})
    assert signer("kms").sign(KeyId=key, **SIGN)["KeyId"] == key
    refused("AccessDeniedException", signer("kms").get_public_key, KeyId=key)
    verifier = person()
    who = verifier("sts").get_caller_identity()["Arn"]
    named = signing_key(lab, {"Principal": {"AWS": who}, "Action": "kms:GetPublicKey"})
    assert verifier("kms").get_public_key(KeyId=named)["KeySpec"] == "ECC_NIST_P256"
    refused("AccessDeniedException", verifier("kms").sign, KeyId=named, **SIGN)
    learner = lab.client("sts").get_caller_identity()["Arn"]
    alone = lab.client("kms").create_key(
        KeySpec="ECC_NIST_P256",
        KeyUsage="SIGN_VERIFY",
        Policy=text({"Principal": {"AWS": learner}, "Action": "kms:*"}),
    )["KeyMetadata"]["Arn"]
    allowed = person({"Action": "kms:*"})
    message = refused("AccessDeniedException", allowed("kms").sign, KeyId=alone, **SIGN)
    assert message.endswith("because no resource-based policy allows the kms:Sign action")


def test_a_key_of_another_account_takes_both_halves(lab, person):
    """And one that is not there looks like one that is closed."""
    key = signing_key(lab, {"Principal": {"AWS": OTHER}, "Action": "kms:Sign"})
    closed = signing_key(lab)
    signer = person({"Action": "kms:Sign"}, account="other")("kms")
    stranger = person(account="other")("kms")
    assert signer.sign(KeyId=key, **SIGN)["KeyId"] == key
    code = "AccessDeniedException"
    assert "no identity-based policy" in refused(code, stranger.sign, KeyId=key, **SIGN)
    missing = key[:-12] + 12 * "0"
    told = {refused(code, signer.sign, KeyId=each, **SIGN) for each in (closed, missing)}
    assert len(told) == 1
    assert "because the resource does not exist in this Region" in told.pop()


def test_a_grant_lets_its_grantee_sign(lab, person):
    """Without any policy, until it is revoked."""
    key = signing_key(lab)
    grantee = person()
    who = grantee("sts").get_caller_identity()["Arn"]
    kms = lab.client("kms")
    refused("AccessDeniedException", grantee("kms").sign, KeyId=key, **SIGN)
    grant = kms.create_grant(KeyId=key, GranteePrincipal=who, Operations=["Sign"])["GrantId"]
    assert grantee("kms").sign(KeyId=key, **SIGN)["Signature"]
    kms.revoke_grant(KeyId=key, GrantId=grant)
    refused("AccessDeniedException", grantee("kms").sign, KeyId=key, **SIGN)


def test_a_grant_is_retired_by_whom_it_names_or_by_its_issuers_account(lab, person):
    """By the retiring principal of this grant alone, or who has kms:RetireGrant in IAM."""
    kms, key = lab.client("kms"), signing_key(lab)
    retiring, grantee, administrator = person(), person(), person({"Action": "kms:RetireGrant"})
    arns = [each("sts").get_caller_identity()["Arn"] for each in (retiring, grantee)]
    names = {"KeyId": key, "GranteePrincipal": arns[1], "Operations": ["Sign"]}
    own = kms.create_grant(**names, RetiringPrincipal=arns[0])["GrantId"]
    second, third = (kms.create_grant(**names)["GrantId"] for _ in range(2))
    for who, grant in ((retiring, second), (grantee, own), (grantee, second)):
        refused("AccessDeniedException", who("kms").retire_grant, KeyId=key, GrantId=grant)
    retiring("kms").retire_grant(KeyId=key, GrantId=own)
    administrator("kms").retire_grant(KeyId=key, GrantId=second)
    assert [each["GrantId"] for each in kms.list_grants(KeyId=key)["Grants"]] == [third]


def test_a_grant_is_enough_for_whom_its_own_account_gave_it(lab, person):
    """As for service-linked roles; one that the key's account issued takes the caller's half."""
    key = signing_key(lab, {"Principal": {"AWS": OTHER}, "Action": "kms:CreateGrant"})
    grantee = person(account="other")
    who = grantee("sts").get_caller_identity()["Arn"]
    members = {"KeyId": key, "GranteePrincipal": who, "Operations": ["Sign"]}
    lab.client("kms").create_grant(**members)
    refused("AccessDeniedException", grantee("kms").sign, KeyId=key, **SIGN)
    lab.client("kms", account="other").create_grant(**members)
    assert grantee("kms").sign(KeyId=key, **SIGN)["Signature"]


def test_a_bucket_of_another_account_takes_both_halves(lab, person):
    """A bucket policy there and a statement here; outside of an organization little is told."""
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="lab-shared")
    s3.put_object(Bucket="lab-shared", Key="crl/a.crl", Body=b"crl")
    reader = person({"Action": "s3:GetObject"}, account="other")
    get = {"Bucket": "lab-shared", "Key": "crl/a.crl"}
    assert refused("AccessDenied", reader("s3").get_object, **get) == "Access Denied"
    shared = {
        "Principal": {"AWS": OTHER},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::lab-shared/crl/*",
    }
    s3.put_bucket_policy(Bucket="lab-shared", Policy=text(shared))
    assert reader("s3").get_object(**get)["Body"].read() == b"crl"
    refused("AccessDenied", person(account="other")("s3").get_object, **get)
    refused("AccessDenied", reader("s3").delete_object, **get)


def test_a_bucket_policy_denies_whom_it_means_alone(lab, person):
    """Neither whom NotPrincipal spares nor whoever meets the condition; nobody judges twice."""
    s3, objects = lab.client("s3"), "arn:aws:s3:::lab-spared/*"
    s3.create_bucket(Bucket="lab-spared")
    spared, other = person({"Action": "s3:*"}), person({"Action": "s3:*"})
    who = spared("sts").get_caller_identity()["Arn"]
    names = [f"arn:aws:iam::{MAIN}:root", f"arn:aws:iam::{MAIN}:user/learner", who]
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": objects}
    plain = {**deny, "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(
        Bucket="lab-spared", Policy=text({**deny, "NotPrincipal": {"AWS": names}}, plain)
    )
    spared("s3").put_object(Bucket="lab-spared", Key="k", Body=b"x")
    assert spared("s3").get_object(Bucket="lab-spared", Key="k")["Body"].read() == b"x"
    refused("AccessDenied", other("s3").get_object, Bucket="lab-spared", Key="k")


def test_s3_tells_a_missing_object_only_to_who_may_list(lab, person):
    """404 to one, 403 to the other, and HEAD has no words for either."""
    lab.client("s3").create_bucket(Bucket="lab-own")
    get = {"Bucket": "lab-own", "Key": "missing"}
    reader = person({"Action": "s3:GetObject"})("s3")
    lister = person({"Action": ["s3:GetObject", "s3:ListBucket"]})("s3")
    assert "s3:ListBucket" in refused("AccessDenied", reader.get_object, **get)
    refused("NoSuchKey", lister.get_object, **get)
    assert refused("403", reader.head_object, **get) == "Forbidden"
    assert refused("404", lister.head_object, **get) == "Not Found"


def test_a_listing_is_limited_to_a_prefix(lab, person):
    """By s3:prefix."""
    lab.client("s3").create_bucket(Bucket="lab-own")
    mine = {"Action": "s3:ListBucket", "Condition": {"StringLike": {"s3:prefix": "team/*"}}}
    s3 = person(mine)("s3")
    s3.list_objects_v2(Bucket="lab-own", Prefix="team/a")
    refused("AccessDenied", s3.list_objects_v2, Bucket="lab-own")


def test_a_role_is_assumed_with_its_external_id_and_bounded_by_its_session(lab, person):
    """Trust policy, external id, and a session policy that only takes away."""
    iam = lab.client("iam", account="other")
    trust = {
        "Principal": {"AWS": MAIN},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "registry-7"}},
    }
    document = json.loads(text(trust))
    del document["Statement"][0]["Resource"]
    role = iam.create_role(RoleName="verify", AssumeRolePolicyDocument=json.dumps(document))["Role"]
    iam.put_role_policy(RoleName="verify", PolicyName="p", PolicyDocument=text({"Action": "kms:*"}))
    caller = person({"Action": "sts:AssumeRole", "Resource": role["Arn"]})
    asked = {"RoleArn": role["Arn"], "RoleSessionName": "check"}
    message = refused("AccessDenied", caller("sts").assume_role, **asked)
    assert message.endswith(
        f"is not authorized to perform: sts:AssumeRole on resource: {role['Arn']}"
    )
    refused("AccessDenied", person()("sts").assume_role, **asked, ExternalId="registry-7")
    given = caller("sts").assume_role(**asked, ExternalId="registry-7")["Credentials"]
    lab.client("kms", credentials=given).list_keys()
    refused("AccessDenied", lab.client("s3", credentials=given).list_buckets)
    bounded = caller("sts").assume_role(
        **asked, ExternalId="registry-7", Policy=text({"Action": "kms:ListAliases"})
    )["Credentials"]
    lab.client("kms", credentials=bounded).list_aliases()
    message = refused("AccessDeniedException", lab.client("kms", credentials=bounded).list_keys)
    assert message.endswith("because no session policy allows the kms:ListKeys action")


def test_a_service_control_policy_bounds_a_member(lab):
    """The administrator of the member may not do what the SCP denies; the management's may."""
    organizations = lab.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    handshake = organizations.invite_account_to_organization(
        Target={"Id": OTHER, "Type": "ACCOUNT"}
    )["Handshake"]["Id"]
    lab.client("organizations", account="other").accept_handshake(HandshakeId=handshake)
    root = organizations.list_roots()["Roots"][0]["Id"]
    types = organizations.list_roots()["Roots"][0]["PolicyTypes"]
    if not any(each["Type"] == "SERVICE_CONTROL_POLICY" for each in types):
        organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    policy = organizations.create_policy(
        Name="no-keys-away",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=text({"Effect": "Deny", "Action": "kms:ScheduleKeyDeletion"}),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=OTHER)
    own, theirs = signing_key(lab), signing_key(lab, account="other")
    lab.client("kms").schedule_key_deletion(KeyId=own)
    kms = lab.client("kms", account="other")
    message = refused("AccessDeniedException", kms.schedule_key_deletion, KeyId=theirs)
    assert message.endswith("with an explicit deny in a service control policy")
    kms.describe_key(KeyId=theirs)


def test_a_resource_control_policy_closes_what_is_open_to_everybody(lab):
    """A member's public bucket: to callers without credentials, too."""
    organizations, s3 = lab.client("organizations"), lab.client("s3", account="other")
    s3.create_bucket(
        Bucket="lab-public",
        ObjectOwnership="BucketOwnerPreferred",
    )
    s3.delete_public_access_block(Bucket="lab-public")
    s3.put_object(Bucket="lab-public", Key="k", Body=b"x", ACL="public-read")
    assert lab.fetch("https://lab-public.s3.amazonaws.com/k").body == b"x"
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    invited = organizations.invite_account_to_organization(Target={"Id": OTHER, "Type": "ACCOUNT"})
    lab.client("organizations", account="other").accept_handshake(
        HandshakeId=invited["Handshake"]["Id"]
    )
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
    assert lab.fetch("https://lab-public.s3.amazonaws.com/k").body == b"x"
    outside = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": organization}}
    policy = organizations.create_policy(
        Name="perimeter",
        Description="",
        Type="RESOURCE_CONTROL_POLICY",
        Content=text({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": outside}),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=root)
    assert lab.fetch("https://lab-public.s3.amazonaws.com/k").status == 403
    assert s3.get_object(Bucket="lab-public", Key="k")["Body"].read() == b"x"


def test_acm_asks_the_private_ca_in_the_requesters_name(lab, person):
    """Without a permission of ACM's own, who requests must be allowed to issue, through ACM."""
    arn, _ = authority(lab)
    request = {
        "DomainName": "www.example.com",
        "CertificateAuthorityArn": arn,
        "KeyAlgorithm": "EC_prime256v1",
    }
    acm = {"Action": ["acm:RequestCertificate", "acm:DescribeCertificate"]}
    through = {
        "Action": ["acm-pca:IssueCertificate", "acm-pca:GetCertificate"],
        "Resource": arn,
        "Condition": {"ForAnyValue:StringEquals": {"aws:CalledVia": "acm.amazonaws.com"}},
    }

    def status(who):
        made = who("acm").request_certificate(**request)["CertificateArn"]
        found = who("acm").describe_certificate(CertificateArn=made)["Certificate"]
        return found["Status"], found.get("FailureReason")

    assert status(person(acm)) == ("FAILED", "PCA_ACCESS_DENIED")
    allowed = person(acm, through)
    assert status(allowed) == ("ISSUED", None)
    refused(
        "AccessDeniedException",
        allowed("acm-pca").get_certificate,
        CertificateAuthorityArn=arn,
        CertificateArn=arn + "/certificate/1",
    )
    lab.client("acm-pca").create_permission(
        CertificateAuthorityArn=arn,
        Principal="acm.amazonaws.com",
        Actions=["IssueCertificate", "GetCertificate", "ListPermissions"],
    )
    assert status(person(acm)) == ("ISSUED", None)


def test_a_stack_is_made_with_what_its_owner_may(lab, person):
    """CloudFormation calls in the caller's name; the refusal is in the stack's events."""
    template = json.dumps(
        {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup",
                                 "Properties": {"LogGroupName": "lab"}}}}
    )  # fmt: skip
    stacks = {"Action": "cloudformation:*"}
    builder = person(stacks)("cloudformation")
    builder.create_stack(StackName="one", TemplateBody=template)
    events = builder.describe_stack_events(StackName="one")["StackEvents"]
    reasons = [each.get("ResourceStatusReason", "") for each in events]
    assert any("logs:CreateLogGroup" in each for each in reasons), reasons
    through = {
        "Action": "logs:*",
        "Condition": {"StringEquals": {"aws:CalledViaFirst": "cloudformation.amazonaws.com"}},
    }
    allowed = person(stacks, through)
    allowed("cloudformation").create_stack(StackName="two", TemplateBody=template)
    stack = allowed("cloudformation").describe_stacks(StackName="two")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    refused("AccessDeniedException", allowed("logs").describe_log_groups)


def test_an_unknown_condition_is_refused_when_it_has_a_say(lab, person):
    """What the simulator does not fill in is NotImplemented, not a yes or a no."""
    lab.client("s3").create_bucket(Bucket="lab-own")
    secure = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    }
    user = person({"Action": "*"}, secure)
    refused("NotImplemented", user("s3").list_buckets)
    user("kms").list_keys()
