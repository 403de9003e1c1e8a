"""What is issued: by the public CA under the rules of the day, and by private CAs."""

import json
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab import ca_hierarchy, witness
from pkilab.pki import pem
from pkilab.pki.certificates import extension_value
from pkilab.simulator.acm import issuing
from pkilab.simulator.service import service_model

NAME = "www.lab.example"
SCTS = x509.PrecertificateSignedCertificateTimestamps


def verified(desk, arn, *options, at=None):
    """Ask openssl whether a certificate and the chain that ACM returns belong together."""
    found = desk.acm.get_certificate(CertificateArn=arn)
    chain = pem.load_certificates(found["CertificateChain"])
    return witness.openssl_verify(
        found["Certificate"], root=pem.to_pem(chain[-1]), intermediates=pem.to_pem(*chain[:-1]),
        at=at or desk.now, options=["-x509_strict", *options],
    ).agrees  # fmt: skip


# Public certificates


@pytest.mark.parametrize("key", ["RSA_2048", "EC_prime256v1", "EC_secp384r1"])
def test_openssl_accepts_what_the_public_ca_issues(desk, key):
    """For each of its names, as a server, until its end."""
    arn = desk.issue("lab.example", "*.lab.example", KeyAlgorithm=key)
    server = ["-purpose", "sslserver", "-verify_hostname"]
    assert verified(desk, arn, *server, "lab.example")
    assert verified(desk, arn, *server, "any.lab.example")
    assert not verified(desk, arn, *server, "any.other.lab.example")
    assert not verified(desk, arn, at=desk.now + timedelta(days=199))
    made = desk.certificate(arn)
    assert made.public_key() == desk.kept(arn).key.public_key()


@pytest.mark.parametrize(
    ("now", "days"),
    [
        ("2018-05-01T09:00:00Z", 395), ("2026-02-17T23:00:00Z", 395),
        ("2026-02-18T00:00:00Z", 198), ("2026-11-02T09:00:00Z", 198),
    ],
)  # fmt: skip
def test_a_public_certificate_lives_whole_days(open_desk, now, days):
    """198 of them since 18 February 2026, 395 before."""
    desk = open_desk(now=now)
    detail = desk.describe(desk.issue(KeyAlgorithm="RSA_2048"))
    start, end = detail["NotBefore"], detail["NotAfter"]
    assert (start.hour, start.minute, start.date()) == (0, 0, desk.now.date())
    assert end - start == timedelta(days=days) - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("now", "preference", "logged"),
    [
        ("2018-04-23T09:00:00Z", "ENABLED", False),
        ("2018-05-01T09:00:00Z", "ENABLED", True),
        ("2018-05-01T09:00:00Z", "DISABLED", False),
        ("2026-05-31T09:00:00Z", "DISABLED", False),
        ("2026-06-01T09:00:00Z", "DISABLED", True),
    ],
)
def test_a_public_certificate_is_logged_by_the_rules_of_its_day(open_desk, now, preference, logged):
    """The opt-out is honoured while there is one."""
    desk = open_desk(now=now)
    options = {"CertificateTransparencyLoggingPreference": preference}
    made = desk.certificate(desk.issue(Options=options, KeyAlgorithm="RSA_2048"))
    assert (extension_value(made, SCTS) is not None) is logged


def test_the_preference_counts_when_it_is_issued(open_desk):
    """Not when it is requested."""
    desk = open_desk(now="2018-05-01T09:00:00Z")
    arn = desk.request(KeyAlgorithm="RSA_2048")
    desk.acm.update_certificate_options(
        CertificateArn=arn, Options={"CertificateTransparencyLoggingPreference": "DISABLED"}
    )
    desk.write(arn)
    assert desk.status(arn) == "ISSUED"
    assert extension_value(desk.certificate(arn), SCTS) is None


@pytest.mark.parametrize(
    ("now", "clients"), [("2025-06-10T09:00:00Z", True), ("2025-06-11T09:00:00Z", False)]
)
def test_public_certificates_were_for_clients_until_2025(open_desk, now, clients):
    """Openssl agrees."""
    desk = open_desk(now=now)
    arn = desk.issue()
    usages = list(extension_value(desk.certificate(arn), x509.ExtendedKeyUsage))
    assert (ExtendedKeyUsageOID.CLIENT_AUTH in usages) is clients
    assert ExtendedKeyUsageOID.SERVER_AUTH in usages
    assert verified(desk, arn, "-purpose", "sslclient") is clients


# Private certificates


def private(desk, ca, *names, **options):
    """Request a certificate of a private CA; return its ARN."""
    return desk.request(*names, CertificateAuthorityArn=ca, **options)


def reason(desk, arn):
    """Return why a request failed."""
    found = desk.describe(arn)
    assert found["Status"] == "FAILED", found
    desk.refused("RequestInProgressException", desk.acm.get_certificate, CertificateArn=arn)
    return found["FailureReason"]


def test_a_private_certificate_comes_from_its_ca(desk):
    """With the whole chain, for 395 days and the hour before, for servers and clients."""
    root = desk.root()
    sub = ca_hierarchy.create_subordinate(desk.pca, {"CommonName": "Sub"}, parent_arn=root)
    desk.grant(sub)
    arn = private(desk, sub, NAME, "*.lab.example")
    found = desk.acm.get_certificate(CertificateArn=arn)
    installed = desk.pca.get_certificate_authority_certificate(CertificateAuthorityArn=sub)
    assert pem.load_certificates(found["CertificateChain"]) == pem.load_certificates(
        installed["Certificate"] + "\n" + installed["CertificateChain"]
    )
    for purpose in ("sslserver", "sslclient"):
        assert verified(desk, arn, "-purpose", purpose, "-verify_hostname", NAME)
    assert not verified(desk, arn, "-verify_hostname", "other.example")
    made = desk.certificate(arn)
    assert made.not_valid_before_utc == desk.now - timedelta(hours=1)
    assert made.not_valid_after_utc == desk.now + timedelta(days=395)
    assert made.subject.rfc4514_string() == f"CN={NAME}"
    assert extension_value(made, SCTS) is None


def test_the_ca_keeps_what_acm_ordered(desk):
    """By its template; in ACM's name if it has leave, otherwise in the requester's."""
    ca = desk.root()
    (authority,) = desk.gateway._services["acm-pca"].authorities()
    private(desk, ca)
    desk.grant(ca)
    arn = private(desk, ca)
    *_, first, second = authority.issued.values()
    assert (first.requested_by, second.requested_by) == (None, "acm.amazonaws.com")
    assert second.certificate == desk.certificate(arn)
    assert second.template_arn == "arn:aws:acm-pca:::template/EndEntityCertificate/V1"


@pytest.mark.parametrize(
    ("ca_key", "key"),
    [
        ("EC_prime256v1", "EC_secp384r1"),
        ("EC_secp384r1", "EC_prime256v1"),
        ("RSA_2048", "RSA_2048"),
    ],
)
def test_a_key_is_of_the_cas_family(desk, ca_key, key):
    """Of whatever size; another family is refused by the CA."""
    ca = desk.root(key_algorithm=ca_key)
    arn = private(desk, ca, KeyAlgorithm=key)
    assert verified(desk, arn)
    other = "EC_prime256v1" if key.startswith("RSA") else "RSA_2048"
    assert reason(desk, private(desk, ca, KeyAlgorithm=other)) == "PCA_INVALID_ARGS"


def test_a_newer_regions_ca_signs_with_the_hash_of_its_curve(lab):
    """ACM asks for it."""
    acm, pca = (lab.client(name, region="eu-south-1") for name in ("acm", "acm-pca"))
    configuration = {
        "KeyAlgorithm": "EC_secp384r1", "SigningAlgorithm": "SHA384WITHECDSA",
        "Subject": {"CommonName": "South"},
    }  # fmt: skip
    ca = pca.create_certificate_authority(
        CertificateAuthorityType="ROOT", CertificateAuthorityConfiguration=configuration
    )["CertificateAuthorityArn"]
    ca_hierarchy.install(pca, ca, issuer_arn=ca, name="RootCACertificate/V1", years=10)
    arn = acm.request_certificate(
        DomainName=NAME, CertificateAuthorityArn=ca, KeyAlgorithm="EC_prime256v1"
    )["CertificateArn"]
    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (found["Status"], found["SignatureAlgorithm"]) == ("ISSUED", "SHA384WITHECDSA")


def test_a_ca_that_is_not_active_issues_nothing(desk):
    """Disabled, or awaiting its certificate."""
    ca = desk.root()
    desk.pca.update_certificate_authority(CertificateAuthorityArn=ca, Status="DISABLED")
    assert reason(desk, private(desk, ca)) == "PCA_INVALID_STATE"
    pending = ca_hierarchy.create_ca(desk.pca, {"CommonName": "Sub"}, kind="SUBORDINATE")
    assert reason(desk, private(desk, pending)) == "PCA_INVALID_STATE"


def test_a_ca_that_ends_too_soon_issues_nothing(desk):
    """395 days would outlive it, or are more than a short-lived CA's seven."""
    assert reason(desk, private(desk, desk.root(years=1))) == "PCA_INVALID_DURATION"
    short = desk.root(UsageMode="SHORT_LIVED_CERTIFICATE")
    assert reason(desk, private(desk, short)) == "PCA_INVALID_DURATION"


def test_a_ca_that_does_not_exist_issues_nothing(desk):
    """Nor does what is no CA, or a CA of another Region."""
    ca = desk.root()
    gone = ca[:-1] + ("0" if ca[-1] != "0" else "1")
    assert reason(desk, private(desk, gone)) == "PCA_RESOURCE_NOT_FOUND"
    elsewhere = ca.replace("us-east-1", "eu-west-1")
    assert reason(desk, private(desk, elsewhere)) == "PCA_RESOURCE_NOT_FOUND"
    assert reason(desk, private(desk, ca.rpartition("/")[0] + "/x")) == "PCA_INVALID_ARN"


def test_a_cas_name_constraints_are_kept(desk):
    """A name outside fails, one inside is issued."""
    ca = desk.constrained("lab.example")
    assert verified(desk, private(desk, ca), "-verify_hostname", NAME)
    outside = private(desk, ca, "www.other.example")
    assert reason(desk, outside) == "PCA_NAME_CONSTRAINTS_VALIDATION"


def test_a_cas_quota_is_kept(desk, monkeypatch):
    """ACM tells what the CA says."""
    monkeypatch.setattr("pkilab.simulator.acmpca.service.CERTIFICATES", 2)
    ca = desk.root()
    assert desk.status(private(desk, ca)) == "ISSUED"
    assert reason(desk, private(desk, ca)) == "PCA_LIMIT_EXCEEDED"


def test_reasons_are_the_models_and_some_never_come():
    """Nobody reads mail here, and nobody doubts a domain."""
    known = set(service_model("acm").shape_for("FailureReason").metadata["enum"])
    told = set(issuing._REASONS.values()) | {
        "CAA_ERROR", "INVALID_PUBLIC_DOMAIN", "OTHER", "PCA_NAME_CONSTRAINTS_VALIDATION",
        "SLR_NOT_FOUND",
    }  # fmt: skip
    assert known - told == {
        "NO_AVAILABLE_CONTACTS", "ADDITIONAL_VERIFICATION_REQUIRED", "DOMAIN_NOT_ALLOWED",
        "DOMAIN_VALIDATION_DENIED",
    }  # fmt: skip
    assert told < known


def policy(ca, account, *, actions=("IssueCertificate", "GetCertificate"), template=None, **more):
    """Return a resource policy that lets an account use a CA."""
    condition = {"StringEquals": {"acm-pca:TemplateArn": template}} if template else {}
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": [f"acm-pca:{action}" for action in actions],
        "Resource": ca,
        **({"Condition": condition} if condition else {}),
        **more,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


END_ENTITY = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
ROOT = "arn:aws:acm-pca:::template/RootCACertificate/V1"


@pytest.mark.parametrize(
    ("change", "fine"),
    [
        ({}, True),
        ({"template": END_ENTITY, "actions": ("IssueCertificate",)}, False),
        ({"template": ROOT}, False),
        ({"Principal": {"AWS": "444455556666"}}, True),
        ({"Principal": {"AWS": "999988887777"}}, False),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-x"}}}, False),
        # GetCertificate has no template: such a condition keeps it out.
        (
            {"Condition": {"ArnLike": {"acm-pca:TemplateArn": "arn:aws:acm-pca:::template/End*"}}},
            False,
        ),
        ({"Condition": {"StringLike": {"acm-pca:TemplateArn": "arn:*:template/Sub*"}}}, False),
        ({"Effect": "Deny", "Principal": {"AWS": "444455556666"}}, False),
    ],
)
def test_another_accounts_ca_must_be_shared(desk, other, change, fine):
    """By a resource policy that lets the account have such certificates."""
    ca = desk.root()
    assert reason(other, private(other, ca)) == "PCA_ACCESS_DENIED"
    shared = policy(ca, "444455556666", **change)
    if change == {}:
        shared["Statement"].append({**shared["Statement"][0], "Action": "acm-pca:GetCertificate"})
    desk.pca.put_policy(ResourceArn=ca, Policy=json.dumps(shared))
    arn = private(other, ca)
    if fine:
        assert verified(other, arn, "-verify_hostname", NAME)
        assert other.describe(arn)["CertificateAuthorityArn"] == ca
    else:
        assert reason(other, arn) == "PCA_ACCESS_DENIED"


def test_a_ca_is_shared_by_the_policy_of_awss_example(desk, other):
    """Reads for the account, and IssueCertificate by one template."""
    ca = desk.root()
    reads = policy(ca, "444455556666", actions=("GetCertificate", "ListTags"))
    issues = policy(ca, "444455556666", actions=("IssueCertificate",), template=END_ENTITY)
    shared = {**reads, "Statement": reads["Statement"] + issues["Statement"]}
    desk.pca.put_policy(ResourceArn=ca, Policy=json.dumps(shared))
    assert verified(other, private(other, ca), "-verify_hostname", NAME)


def test_the_organization_may_be_whom_a_policy_lets_in(desk, other):
    """By aws:PrincipalOrgID of whoever requests."""
    ca = desk.root()
    organizations = (desk.lab.client("organizations", account=each) for each in desk.lab.accounts)
    owner, member = organizations
    made = owner.create_organization(FeatureSet="ALL")["Organization"]
    inside = {"StringEquals": {"aws:PrincipalOrgID": made["Id"]}}
    shared = policy(ca, "", Principal="*", Condition=inside)
    desk.pca.put_policy(ResourceArn=ca, Policy=json.dumps(shared))
    assert reason(other, private(other, ca)) == "PCA_ACCESS_DENIED"
    target = {"Type": "ACCOUNT", "Id": other.account}
    sent = owner.invite_account_to_organization(Target=target)["Handshake"]["Id"]
    member.accept_handshake(HandshakeId=sent)
    assert verified(other, private(other, ca), "-verify_hostname", NAME)


def test_a_permission_of_the_owners_is_nothing_to_another_account(desk, other):
    """CreatePermission is for certificates beside the CA alone."""
    ca = desk.root()
    desk.grant(ca)
    assert reason(other, private(other, ca)) == "PCA_ACCESS_DENIED"
    assert desk.status(private(desk, ca)) == "ISSUED"


def test_a_denial_stands_over_an_allowance(desk, other):
    """Whichever comes first."""
    ca = desk.root()
    shared = policy(ca, "444455556666")
    shared["Statement"].append({**shared["Statement"][0], "Effect": "Deny"})
    desk.pca.put_policy(ResourceArn=ca, Policy=json.dumps(shared))
    assert reason(other, private(other, ca)) == "PCA_ACCESS_DENIED"


def test_equal_worlds_issue_equal_certificates(open_desk):
    """To the byte, public and private; and different keys for different requests."""

    def issued():
        desk = open_desk(seed="equal")
        arns = desk.issue(), private(desk, desk.root())
        return [desk.acm.get_certificate(CertificateArn=arn) for arn in arns]

    first, second = issued(), issued()
    for one, two in zip(first, second, strict=True):
        assert one["Certificate"] == two["Certificate"]
        assert one["CertificateChain"] == two["CertificateChain"]
    one, two = (pem.load_certificate(each["Certificate"]).public_key() for each in first)
    assert one != two
