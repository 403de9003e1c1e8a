"""The gate, asked about policies of every kind."""

from dataclasses import replace

import pytest

from pkilab.simulator.access import Gate, Key, Resource
from pkilab.simulator.access.gate import KEPT
from pkilab.simulator.service import AwsError

MAIN, OTHER = "111122223333", "444455556666"
USER = f"arn:aws:iam::{MAIN}:user/alice"
KEY = f"arn:aws:kms:us-east-1:{MAIN}:key/1"
FOREIGN = f"arn:aws:kms:us-east-1:{OTHER}:key/2"
CA = f"arn:aws:acm-pca:us-east-1:{MAIN}:certificate-authority/1"
ROOT_MAY = {"Principal": {"AWS": f"arn:aws:iam::{MAIN}:root"}, "Action": "kms:*"}
SIGN = {"KeyId": KEY, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}


@pytest.fixture
def gate(fakes):
    """Return what makes a gate of policies."""

    def make(*statements, facts=None, organizations=None, **identities):
        own = (fakes.document(*statements),) if statements else ()
        return Gate(
            fakes.identities(identity=own, **identities),
            facts or fakes.facts(),
            organizations or fakes.organizations(),
        )

    return make


def refusal(gate, call, service, operation, members):
    with pytest.raises(AwsError) as refused:
        gate.admit(service, operation, members, call)
    return refused.value


def signing_key(fakes, *statements, arn=KEY, owner=MAIN):
    text = fakes.document(*statements or (ROOT_MAY,), kind="resource").text
    resource = Resource(arn, owner, policy=text, context={"kms:keyspec": "ECC_NIST_P256"})
    return fakes.facts({arn: resource}, {arn: Key(arn, owner)})


def test_a_user_may_do_what_one_statement_says_and_nothing_else(fakes, gate):
    """A statement for one action on one CA is for no other action and no other CA."""
    door = gate({"Action": "acm-pca:GetCertificate", "Resource": CA})
    named = {"CertificateAuthorityArn": CA}
    door.admit("acm-pca", "GetCertificate", named, fakes.call())
    error = refusal(door, fakes.call(), "acm-pca", "DeleteCertificateAuthority", named)
    assert (error.code, error.status) == ("AccessDeniedException", 400)
    assert error.message == (
        f"User: {USER} is not authorized to perform: acm-pca:DeleteCertificateAuthority on "
        f"resource: {CA} because no identity-based policy allows the "
        "acm-pca:DeleteCertificateAuthority action"
    )
    other = {"CertificateAuthorityArn": CA + "2"}
    assert refusal(door, fakes.call(), "acm-pca", "GetCertificate", other).code == error.code


def test_a_template_is_a_condition_of_issuing(fakes, gate):
    """A user with one template may issue by it, by default too, and by no other."""
    template = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
    door = gate(
        {
            "Action": "acm-pca:IssueCertificate",
            "Resource": CA,
            "Condition": {"StringEquals": {"acm-pca:TemplateArn": template}},
        }
    )
    order = {"CertificateAuthorityArn": CA}
    door.admit("acm-pca", "IssueCertificate", order, fakes.call())
    door.admit("acm-pca", "IssueCertificate", {**order, "TemplateArn": template}, fakes.call())
    subordinate = template.replace("EndEntityCertificate", "SubordinateCACertificate_PathLen0")
    order["TemplateArn"] = subordinate
    assert (
        "no identity-based policy"
        in refusal(door, fakes.call(), "acm-pca", "IssueCertificate", order).message
    )


def test_a_deny_wins_and_is_told(fakes, gate):
    """An explicit deny wins over an allow of everything, and the sentence says where it stands."""
    door = gate(
        {"Action": "*"},
        {"Effect": "Deny", "Action": "acm-pca:RevokeCertificate", "Resource": CA},
    )
    named = {"CertificateAuthorityArn": CA}
    door.admit("acm-pca", "GetCertificate", named, fakes.call())
    error = refusal(door, fakes.call(), "acm-pca", "RevokeCertificate", named)
    assert error.message.endswith(f"{CA} with an explicit deny in an identity-based policy")


def test_tags_at_creation_need_an_action_of_their_own(fakes, gate):
    """CreateCertificateAuthority with tags takes TagCertificateAuthority, too."""
    create = {"Action": "acm-pca:CreateCertificateAuthority"}
    tags = {"Tags": [{"Key": "Team", "Value": "pki"}]}
    gate(create).admit("acm-pca", "CreateCertificateAuthority", {}, fakes.call())
    error = refusal(gate(create), fakes.call(), "acm-pca", "CreateCertificateAuthority", tags)
    assert "acm-pca:TagCertificateAuthority" in error.message
    tag = {
        "Action": "acm-pca:TagCertificateAuthority",
        "Condition": {"StringEquals": {"aws:RequestTag/Team": "pki"}},
    }
    gate(create, tag).admit("acm-pca", "CreateCertificateAuthority", tags, fakes.call())


def test_an_identity_policy_alone_never_opens_a_key(fakes, gate):
    """KMS: what IAM allows counts if the key policy lets the account delegate."""
    allowed = {"Action": "kms:Sign"}
    gate(allowed, facts=signing_key(fakes)).admit("kms", "Sign", SIGN, fakes.call())
    alone = signing_key(
        fakes, {"Principal": {"AWS": f"arn:aws:iam::{MAIN}:role/other"}, "Action": "kms:*"}
    )
    error = refusal(gate(allowed, facts=alone), fakes.call(), "kms", "Sign", SIGN)
    assert error.message.endswith("because no resource-based policy allows the kms:Sign action")
    error = refusal(gate(facts=signing_key(fakes)), fakes.call(), "kms", "Sign", SIGN)
    assert error.message.endswith("because no identity-based policy allows the kms:Sign action")


def test_a_key_policy_that_names_the_caller_is_enough(fakes, gate):
    """KMS: the user who is named needs no identity policy, and is held to the algorithm."""
    facts = signing_key(
        fakes,
        {
            "Principal": {"AWS": USER},
            "Action": "kms:Sign",
            "Condition": {"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256"}},
        },
    )
    gate(facts=facts).admit("kms", "Sign", SIGN, fakes.call())
    other = {**SIGN, "SigningAlgorithm": "ECDSA_SHA_384"}
    assert refusal(gate(facts=facts), fakes.call(), "kms", "Sign", other).status == 400


def test_a_grant_opens_a_key_to_its_grantee(fakes, gate):
    """KMS: a grant speaks for what it names, without any policy."""
    statement = {"Principal": {"AWS": USER}, "Action": "kms:Sign", "Resource": KEY}
    facts = signing_key(fakes)
    facts.grant_documents = (fakes.document(statement, kind="grant", name="g"),)
    gate(facts=facts).admit("kms", "Sign", SIGN, fakes.call())
    error = refusal(gate(facts=facts), fakes.call(), "kms", "DisableKey", {"KeyId": KEY})
    assert "kms:DisableKey" in error.message


def test_another_accounts_key_takes_both_halves(fakes, gate):
    """KMS: the key policy and the caller's own policy must allow; the sentence tells little."""
    mine = {"Action": "kms:Sign", "Resource": FOREIGN}
    order = {**SIGN, "KeyId": FOREIGN}
    theirs = {"Principal": {"AWS": f"arn:aws:iam::{MAIN}:root"}, "Action": "kms:Sign"}
    shared = signing_key(fakes, theirs, arn=FOREIGN, owner=OTHER)
    gate(mine, facts=shared).admit("kms", "Sign", order, fakes.call())
    error = refusal(gate(facts=shared), fakes.call(), "kms", "Sign", order)
    assert error.message.endswith(
        f"on resource: {FOREIGN} because no identity-based policy allows the kms:Sign action"
    )
    own = {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Action": "kms:*"}
    closed = signing_key(fakes, own, arn=FOREIGN, owner=OTHER)
    error = refusal(gate(mine, facts=closed), fakes.call(), "kms", "Sign", order)
    assert error.message == (
        f"User: {USER} is not authorized to perform: kms:Sign on this resource because the "
        "resource does not exist in this Region, no resource-based policies allow access, or a "
        "resource-based policy explicitly denies access"
    )


def test_a_key_that_is_not_there_is_left_to_kms(fakes, gate):
    """KMS answers NotFoundException itself, whoever asks."""
    gate().admit("kms", "DescribeKey", {"KeyId": "no-such-key"}, fakes.call())


def test_an_alias_takes_leave_for_itself_and_for_its_key(fakes, gate):
    """CreateAlias is asked on the alias and on the key."""
    alias = f"arn:aws:kms:us-east-1:{MAIN}:alias/lab"
    members = {"AliasName": "alias/lab", "TargetKeyId": KEY}
    both = {"Action": "kms:CreateAlias", "Resource": [alias, KEY]}
    gate(both, facts=signing_key(fakes)).admit("kms", "CreateAlias", members, fakes.call())
    for one, missing in ((alias, KEY), (KEY, alias)):
        door = gate({"Action": "kms:CreateAlias", "Resource": one}, facts=signing_key(fakes))
        assert missing in refusal(door, fakes.call(), "kms", "CreateAlias", members).message


def test_a_boundary_and_a_session_policy_only_limit(fakes, gate):
    """Both must allow what the identity policy allows, and are named if they do not."""
    sign = fakes.document({"Action": "kms:Sign"}, kind="boundary")
    nothing = fakes.document({"Action": "s3:*"}, kind="boundary")
    everything = {"Action": "*"}
    facts = signing_key(fakes)
    gate(everything, facts=facts, boundary=sign).admit("kms", "Sign", SIGN, fakes.call())
    error = refusal(
        gate(everything, facts=facts, boundary=nothing), fakes.call(), "kms", "Sign", SIGN
    )
    assert error.message.endswith("because no permissions boundary allows the kms:Sign action")
    session = (fakes.document({"Action": "s3:*"}, kind="session"),)
    error = refusal(
        gate(everything, facts=facts, session=session), fakes.call(), "kms", "Sign", SIGN
    )
    assert error.message.endswith("because no session policy allows the kms:Sign action")


def test_a_service_control_policy_stands_above_an_account(fakes, gate):
    """An SCP's deny is told as one, and a level that does not allow denies."""
    full = fakes.document({"Action": "*"}, kind="service control")
    fence = fakes.document(
        {"Effect": "Deny", "Action": "acm-pca:Delete*"}, kind="service control", name="fence"
    )
    named = {"CertificateAuthorityArn": CA}
    organized = fakes.organizations(service_control={MAIN: ((full,), (full, fence))})
    door = gate({"Action": "*"}, organizations=organized)
    door.admit("acm-pca", "GetCertificate", named, fakes.call())
    error = refusal(door, fakes.call(), "acm-pca", "DeleteCertificateAuthority", named)
    assert error.message.endswith("with an explicit deny in a service control policy")
    only = fakes.document({"Action": "s3:*"}, kind="service control")
    door = gate(
        {"Action": "*"},
        organizations=fakes.organizations(service_control={MAIN: ((full,), (only,))}),
    )
    error = refusal(door, fakes.call(), "acm-pca", "GetCertificate", named)
    assert "because no service control policy allows" in error.message


def test_a_resource_control_policy_bounds_the_services_that_have_them(fakes, gate):
    """An RCP speaks for KMS keys of its account, and not for private CAs."""
    full = fakes.document({"Principal": "*", "Action": "*"}, kind="resource control")
    fence = fakes.document(
        {"Effect": "Deny", "Principal": "*", "Action": "*"}, kind="resource control", name="fence"
    )
    organized = fakes.organizations(resource_control={MAIN: ((full,), (full, fence))})
    door = gate({"Action": "*"}, facts=signing_key(fakes), organizations=organized)
    error = refusal(door, fakes.call(), "kms", "Sign", SIGN)
    assert error.message.endswith("with an explicit deny in a resource control policy")
    door.admit("acm-pca", "GetCertificate", {"CertificateAuthorityArn": CA}, fakes.call())


def test_a_bucket_of_another_account_takes_both_halves(fakes, gate):
    """S3: bucket policy and own policy; outside of the organization no more is told."""
    theirs = {
        "Principal": {"AWS": USER}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"
    }  # fmt: skip
    text = fakes.document(theirs, kind="resource").text
    shared = fakes.facts({"arn:aws:s3:::b": Resource("arn:aws:s3:::b", OTHER, policy=text)})
    shared.objects["b", "k"] = {}
    mine = {"Action": "s3:*"}
    get = {"Bucket": "b", "Key": "k"}
    gate(mine, facts=shared).admit("s3", "GetObject", get, fakes.call())
    error = refusal(gate(facts=shared), fakes.call(), "s3", "GetObject", get)
    assert (error.code, error.status, error.message) == ("AccessDenied", 403, "Access Denied")
    error = refusal(gate(mine, facts=shared), fakes.call(), "s3", "DeleteObject", get)
    assert error.message == "Access Denied"
    together = fakes.organizations({MAIN: ("o-a", "o-a/r-a/"), OTHER: ("o-a", "o-a/r-a/")})
    door = gate(mine, facts=shared, organizations=together)
    error = refusal(door, fakes.call(), "s3", "DeleteObject", get)
    assert error.message == (
        f"User: {USER} is not authorized to perform: s3:DeleteObject on resource: "
        '"arn:aws:s3:::b/k" because no resource-based policy allows the s3:DeleteObject action'
    )


def test_whether_an_object_is_there_is_told_to_who_may_list(fakes, gate):
    """S3: a missing object is 403 to who may only read, and left to S3 for who may list."""
    facts = fakes.facts({"arn:aws:s3:::b": Resource("arn:aws:s3:::b", MAIN)})
    get = {"Bucket": "b", "Key": "missing"}
    error = refusal(
        gate({"Action": "s3:GetObject"}, facts=facts), fakes.call(), "s3", "GetObject", get
    )
    assert 's3:ListBucket on resource: "arn:aws:s3:::b"' in error.message
    door = gate({"Action": ["s3:GetObject", "s3:ListBucket"]}, facts=facts)
    door.admit("s3", "GetObject", get, fakes.call())
    gate(facts=facts).admit("s3", "GetObject", {"Bucket": "none", "Key": "k"}, fakes.call())


def test_a_copy_reads_its_source_and_writes_its_target(fakes, gate):
    """S3: CopyObject takes GetObject there and PutObject here, tags and all."""
    facts = fakes.facts(
        {f"arn:aws:s3:::{name}": Resource(f"arn:aws:s3:::{name}", MAIN) for name in "ab"}
    )
    facts.objects["a", "x y"] = {"Team": "pki"}
    copy = {"Bucket": "b", "Key": "k", "CopySource": "/a/x%20y"}
    read = {"Action": ["s3:GetObject", "s3:GetObjectTagging"], "Resource": "arn:aws:s3:::a/*"}
    write = {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/k"}
    gate(read, write, facts=facts).admit("s3", "CopyObject", copy, fakes.call())
    for allowed, missing in ((read, "s3:PutObject"), (write, "s3:GetObject")):
        error = refusal(gate(allowed, facts=facts), fakes.call(), "s3", "CopyObject", copy)
        assert f"{missing} on" in error.message


def test_a_role_is_handed_over_only_to_the_service_that_is_allowed(fakes, gate):
    """Lambda: CreateFunction takes iam:PassRole on the role, for Lambda."""
    role = f"arn:aws:iam::{MAIN}:role/lab"
    create = {"FunctionName": "f", "Role": role, "Code": {}}
    pass_it = {
        "Action": "iam:PassRole",
        "Resource": role,
        "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
    }
    make = {"Action": "lambda:CreateFunction"}
    gate(make, pass_it).admit("lambda", "CreateFunction", create, fakes.call())
    error = refusal(gate(make), fakes.call(), "lambda", "CreateFunction", create)
    assert (error.code, error.status) == ("AccessDeniedException", 403)
    assert f"iam:PassRole on resource: {role}" in error.message


def test_a_role_of_another_account_asks_for_its_external_id(fakes, gate):
    """STS: trust policy and own policy; the sentence does not say which half is missing."""
    role = f"arn:aws:iam::{OTHER}:role/verify"
    trust = fakes.document(
        {
            "Principal": {"AWS": f"arn:aws:iam::{MAIN}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "a-secret"}},
        },
        kind="resource",
    ).text
    facts = fakes.facts({role: Resource(role, OTHER, policy=trust)})
    assume = {"RoleArn": role, "RoleSessionName": "s", "ExternalId": "a-secret"}
    mine = {"Action": "sts:AssumeRole", "Resource": role}
    gate(mine, facts=facts).admit("sts", "AssumeRole", assume, fakes.call())
    for door, asked in (
        (gate(facts=facts), assume),
        (gate(mine, facts=facts), {**assume, "ExternalId": "another"}),
        (gate(mine), assume),
    ):
        error = refusal(door, fakes.call(), "sts", "AssumeRole", asked)
        assert (error.code, error.status) == ("AccessDenied", 403)
        assert error.message == (
            f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {role}"
        )


def test_who_one_is_may_always_be_asked(fakes, gate):
    """STS: GetCallerIdentity and GetSessionToken need no permission, and no deny takes them."""
    door = gate({"Effect": "Deny", "Action": "*"})
    door.admit("sts", "GetCallerIdentity", {}, fakes.call())
    door.admit("sts", "GetSessionToken", {}, fakes.call())
    assert (
        refusal(door, fakes.call(), "acm", "ListCertificates", {}).code == "AccessDeniedException"
    )


@pytest.mark.parametrize(
    ("service", "operation", "named"),
    [
        ("acm", "ListCertificates", "acm:ListCertificates because"),
        ("s3", "ListBuckets", "s3:ListAllMyBuckets because"),
        ("route53", "ListHostedZones", "route53:ListHostedZones because"),
        ("lambda", "ListFunctions", "lambda:ListFunctions on resource: * because"),
        ("kms", "ListKeys", "kms:ListKeys on resource: * because"),
        ("iam", "ListUsers", f"iam:ListUsers on resource: arn:aws:iam::{MAIN}:user/ because"),
        ("iam", "ListPolicies", "iam:ListPolicies on resource: policy path / because"),
        (
            "cloudformation",
            "ListStacks",
            "cloudformation:ListStacks on resource: "
            f"arn:aws:cloudformation:us-east-1:{MAIN}:stack/*/* because",
        ),
        (
            "logs",
            "DescribeLogGroups",
            f"on resource: arn:aws:logs:us-east-1:{MAIN}:log-group::log-stream: because",
        ),
        (
            "apigateway",
            "GetRestApis",
            "apigateway:GET on resource: arn:aws:apigateway:us-east-1::/restapis because",
        ),
    ],
)
def test_each_service_names_what_was_asked_for_in_its_own_way(
    fakes, gate, service, operation, named
):
    """Sentences as they are seen of AWS, for actions on no single resource."""
    assert named in refusal(gate(), fakes.call(), service, operation, {}).message


def test_the_call_itself_is_a_condition(fakes, gate):
    """Address, time, Region, TLS and the services on the way are keys of every request."""
    here = {
        "IpAddress": {"aws:SourceIp": "203.0.113.0/24"},
        "DateLessThan": {"aws:CurrentTime": "2026-11-03T00:00:00Z"},
        "StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:PrincipalOrgID": "o-a"},
        "Bool": {"aws:SecureTransport": "true", "aws:ViaAWSService": "false"},
        "StringLike": {"aws:UserAgent": "Boto3/*"},
    }
    organized = fakes.organizations({MAIN: ("o-a", "o-a/r-a/")})
    door = gate({"Action": "acm:*", "Condition": here}, organizations=organized)
    door.admit("acm", "ListCertificates", {}, fakes.call())
    for changes in (
        {"source_ip": "198.51.100.1"},
        {"region": "eu-west-1"},
        {"user_agent": "curl"},
        {"via": ("cloudformation.amazonaws.com",)},
    ):
        assert refusal(door, fakes.call(**changes), "acm", "ListCertificates", {}).status == 400
    assert refusal(gate({"Action": "acm:*", "Condition": here}), fakes.call(), "acm",
                   "ListCertificates", {}).status == 400  # fmt: skip


def test_a_call_through_a_service_is_told_from_a_direct_one(fakes, gate):
    """aws:CalledVia and kms:ViaService name the service; the address stays the caller's."""
    via = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
           "ForAnyValue:StringEquals": {"aws:CalledVia": ["s3.amazonaws.com"]},
           "Null": {"aws:SourceIp": "false"}}  # fmt: skip
    door = gate({"Action": "kms:Sign", "Condition": via}, facts=signing_key(fakes))
    door.admit("kms", "Sign", SIGN, fakes.call(via=("s3.amazonaws.com",)))
    assert refusal(door, fakes.call(), "kms", "Sign", SIGN).code == "AccessDeniedException"


def test_tags_of_a_resource_are_conditions(fakes, gate):
    """aws:ResourceTag is the resource's own, and of nothing that has no tags here."""
    facts = fakes.facts({CA: Resource(CA, MAIN, {"Team": "pki"})})
    tagged = {"StringEquals": {"aws:ResourceTag/Team": "pki"}}
    door = gate({"Action": "acm-pca:*", "Condition": tagged}, facts=facts)
    named = {"CertificateAuthorityArn": CA}
    door.admit("acm-pca", "GetCertificate", named, fakes.call())
    facts.resources[CA] = Resource(CA, MAIN, {"Team": "web"})
    assert refusal(door, fakes.call(), "acm-pca", "GetCertificate", named).status == 400


@pytest.mark.parametrize(
    ("action", "condition"),
    [
        ("s3:ListAllMyBuckets", {"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}),
        ("s3:*", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ],
)
def test_a_condition_that_is_not_filled_in_is_refused_not_ignored(fakes, gate, action, condition):
    """What AWS knows of a request and the simulator does not: NotImplemented, and no answer."""
    door = gate({"Action": "*"}, {"Effect": "Deny", "Action": action, "Condition": condition})
    error = refusal(door, fakes.call(), "s3", "ListBuckets", {})
    assert (error.code, error.status) == ("NotImplemented", 501)
    door.admit("acm", "ListCertificates", {}, fakes.call())


def test_services_in_their_own_name_pass(gate, fakes):
    """What an AWS service may is decided where its permissions are kept, not here."""
    own = fakes.call(identity=None, principal="acm.amazonaws.com")
    gate().admit(
        "acm-pca", "IssueCertificate", {"CertificateAuthorityArn": CA}, replace(own, identity=None)
    )


def test_decisions_are_remembered_for_a_while(fakes, gate):
    """The newest is last, and a thousand at most are kept."""
    door = gate({"Action": "acm:*"})
    for _ in range(KEPT + 1):
        door.admit("acm", "ListCertificates", {}, fakes.call())
    refusal(door, fakes.call(), "s3", "ListBuckets", {})
    request, decision = door.decisions[-1]
    assert (request.action, decision.allowed, len(door.decisions)) == (
        "s3:ListAllMyBuckets", False, KEPT,
    )  # fmt: skip


def test_a_stored_policy_that_is_none_allows_nothing(fakes, gate):
    """moto keeps any text as a bucket policy; it opens nothing and breaks nothing."""
    facts = fakes.facts({"arn:aws:s3:::b": Resource("arn:aws:s3:::b", MAIN, policy="{")})
    gate({"Action": "s3:*"}, facts=facts).admit("s3", "HeadBucket", {"Bucket": "b"}, fakes.call())
    assert (
        refusal(gate(facts=facts), fakes.call(), "s3", "HeadBucket", {"Bucket": "b"}).status == 403
    )


def test_what_else_has_a_say_is_told_to_who_asks(fakes, gate):
    """For KMS, which asks whether a key policy locks out its writer; a service has no policies."""
    full = fakes.document({"Action": "*"}, kind="service control")
    door = gate(
        {"Action": "kms:*"}, organizations=fakes.organizations(service_control={MAIN: ((full,),)})
    )
    found = door.policies_of(fakes.call())
    assert (len(found.identity), found.service_control, found.resource) == (1, ((full,),), ())
    assert door.policies_of(replace(fakes.call(), identity=None)).identity == ()
