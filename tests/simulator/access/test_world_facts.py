"""What policies must know of a world, read from its services."""

import json

import pytest

from pkilab.simulator.gateway import Gateway
from pkilab.simulator.inprocess import Clients
from pkilab.simulator.world import World

MAIN = "111122223333"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}


@pytest.fixture
def place():
    """Return a world's facts, and clients of its administrator."""
    world = World(seed="facts", enforce_policies=True)
    gateway = Gateway(world)
    clients = Clients(gateway, gateway.credentials["main"])
    yield world.gate._facts, lambda service: clients.client(service, "us-east-1"), world
    gateway.close()


def test_a_key_has_its_policy_tags_aliases_and_kind(place, fakes):
    """By any of its names; one that is not there is left to KMS."""
    facts, client, world = place
    kms = client("kms")
    made = kms.create_key(
        KeySpec="ECC_NIST_P256",
        KeyUsage="SIGN_VERIFY",
        Tags=[{"TagKey": "Team", "TagValue": "pki"}],
    )["KeyMetadata"]
    kms.create_alias(AliasName="alias/lab", TargetKeyId=made["KeyId"])
    found = facts.resource(made["Arn"])
    assert (found.owner, found.tags) == (MAIN, {"Team": "pki"})
    assert "kms:*" in found.policy
    assert found.context["kms:keyspec"] == "ECC_NIST_P256"
    assert found.context["kms:resourcealiases"] == ("alias/lab",)
    call = fakes.call(now=world.clock.now())
    assert facts.key("alias/lab", "Sign", call).alias == "alias/lab"
    assert facts.key(made["Arn"], "Sign", call).alias == ""
    assert facts.key("alias/none", "Sign", call) is None
    assert facts.resource(made["Arn"] + "0") is None


def test_a_ciphertext_and_a_grant_token_lead_to_their_key(place, fakes):
    """And any other octets to none."""
    facts, client, world = place
    kms = client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    sealed = kms.encrypt(KeyId=arn, Plaintext=b"m")["CiphertextBlob"]
    assert facts.encrypting_key(sealed) == arn
    assert facts.encrypting_key(b"no ciphertext") is None
    who = client("sts").get_caller_identity()["Arn"]
    made = kms.create_grant(KeyId=arn, GranteePrincipal=who, Operations=["Encrypt"])
    issuer, call = arn.split(":")[4], fakes.call()
    by_id = {"KeyId": arn, "GrantId": made["GrantId"]}
    for members in ({"GrantToken": made["GrantToken"]}, by_id):
        found = facts.grant(members, call)
        assert (found.arn, found.owner) == (arn, issuer)
    for members in ({"GrantToken": "none"}, {**by_id, "GrantId": "none"}, {**by_id, "KeyId": "x"}):
        assert facts.grant(members, call) is None
    now = world.clock.now()
    assert len(facts.grants(arn, "Encrypt", {}, now)) == 1
    assert len(facts.grants(arn, "Encrypt", {}, now, issuer)) == 1
    assert facts.grants(arn, "Encrypt", {}, now, "444455556666") == ()
    assert facts.grants(arn + "0", "Encrypt", {}, now) == ()
    assert fakes.call().identity is not None


def test_users_and_roles_have_paths_tags_boundaries_and_trust(place):
    """A role's policy is the one that says who may assume it."""
    facts, client, _ = place
    iam = client("iam")
    boundary = "arn:aws:iam::aws:policy/AWSPrivateCAReadOnly"
    tags = [{"Key": "Team", "Value": "pki"}]
    role = iam.create_role(
        RoleName="run", Path="/lab/", AssumeRolePolicyDocument=json.dumps(TRUST), Tags=tags,
        PermissionsBoundary=boundary,
    )["Role"]["Arn"]  # fmt: skip
    found = facts.resource(role)
    assert json.loads(found.policy) == TRUST
    assert (found.tags, found.details) == ({"Team": "pki"}, {"iam:permissionsboundary": boundary})
    assert facts.path(MAIN, "role", "run") == "/lab/"
    assert facts.path(MAIN, "role", "none") == "/"
    iam.create_user(UserName="alice", Path="/staff/")
    key = iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    assert facts.path(MAIN, "user", "alice") == "/staff/"
    assert facts.key_user(MAIN, key) == "alice"
    assert facts.key_user("444455556666", key) is None
    assert facts.resource(f"arn:aws:iam::{MAIN}:user/staff/alice").owner == MAIN
    assert facts.resource(f"arn:aws:iam::{MAIN}:user/alice") is None


def test_certificates_and_cas_have_owners_tags_and_names(place):
    """A certificate's names are details: not every action is limited by them."""
    facts, client, _ = place
    tags = [{"Key": "Team", "Value": "pki"}]
    arn = client("acm").request_certificate(
        DomainName="a.example", SubjectAlternativeNames=["b.example"], Tags=tags
    )["CertificateArn"]
    found = facts.resource(arn)
    assert (found.owner, found.tags, found.context) == (MAIN, {"Team": "pki"}, {})
    assert found.details == {"acm:domainnames": ("a.example", "b.example")}
    configuration = {
        "KeyAlgorithm": "EC_prime256v1",
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Subject": {"CommonName": "Root"},
    }
    ca = client("acm-pca").create_certificate_authority(
        CertificateAuthorityConfiguration=configuration, CertificateAuthorityType="ROOT", Tags=tags
    )["CertificateAuthorityArn"]
    assert (facts.resource(ca).tags, facts.resource(ca).policy) == ({"Team": "pki"}, None)


def test_an_organizations_members_are_known_by_their_ids(place, fakes):
    """The root, and nothing outside of an organization."""
    facts, client, _ = place
    organizations = client("organizations")
    assert facts.organization_arn(fakes.call(), "r-none") is None
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]
    assert facts.organization_arn(fakes.call(), root["Id"]) == root["Arn"]
    assert facts.organization_arn(fakes.call(), "ou-none") is None


def test_what_has_no_policies_of_its_own_is_unknown(place):
    """Hosted zones, stacks, and what is no ARN."""
    facts, _, _ = place
    for arn in ("arn:aws:route53:::hostedzone/Z1", "policy path /", "arn:aws:s3:::no-such-bucket"):
        assert facts.resource(arn) is None
