"""The stack as it is deployed: events of the world's own services, and what becomes of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkilab import security_findings
from pkilab.errors import LabError
from pkilab.lab import Lab
from pkilab.security_findings import Ceremony, deploy, find, resolve, start_trail, wait_for

CREATED = "Private CA Certificate Creation"
OUTSIDE = "Private CA Certificate Creation Outside A Ceremony"
CRL_FAILED = "Private CA CRL Generation Failed"


class World:
    """A world where policies are enforced, with a root CA that is watched."""

    def __init__(self, *, hub=True):
        self.lab = Lab.simulated(seed="findings", enforce_policies=True)
        self.hub, self.pca = self.client("securityhub"), self.client("acm-pca")
        self.client("s3").create_bucket(Bucket="code")
        if hub:
            self.hub.enable_security_hub(EnableDefaultStandards=False)
        self.root = self.authority("ROOT")

    def client(self, service):
        """Return a boto3 client."""
        return self.lab.client(service)

    def deploy(self, **members):
        """Deploy the stack with the root watched, by the function under test."""
        members = {"authorities": [self.root]} | members
        return deploy(self.client("cloudformation"), self.client("s3"), bucket="code", **members)

    def authority(self, kind, **more):
        """Create a CA."""
        configuration = {
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": kind},
        }
        return self.pca.create_certificate_authority(
            CertificateAuthorityType=kind, CertificateAuthorityConfiguration=configuration, **more
        )["CertificateAuthorityArn"]

    def sign(self, authority, template, issuer=None):
        """Let a CA, the root by default, sign another's request; return the certificate's ARN."""
        csr = self.pca.get_certificate_authority_csr(CertificateAuthorityArn=authority)["Csr"]
        issuer = issuer or self.root
        length = {"RootCACertificate": 3650, "SubordinateCACertificate_PathLen1": 365}
        certificate = self.pca.issue_certificate(
            CertificateAuthorityArn=issuer,
            Csr=csr.encode(),
            SigningAlgorithm="SHA256WITHECDSA",
            TemplateArn=f"arn:aws:acm-pca:::template/{template}/V1",
            Validity={"Value": length.get(template, 90), "Type": "DAYS"},
        )["CertificateArn"]
        self.pca.get_waiter("certificate_issued").wait(
            CertificateAuthorityArn=issuer, CertificateArn=certificate
        )
        return certificate

    def install(self, authority, certificate):
        """Give a CA its certificate."""
        got = self.pca.get_certificate(
            CertificateAuthorityArn=self.root, CertificateArn=certificate
        )
        chain = {"CertificateChain": got["CertificateChain"]} if "CertificateChain" in got else {}
        self.pca.import_certificate_authority_certificate(
            CertificateAuthorityArn=authority,
            Certificate=got["Certificate"],
            **{name: value.encode() for name, value in chain.items()},
        )

    def activate(self):
        """Sign and install the root."""
        self.install(self.root, self.sign(self.root, "RootCACertificate"))

    def dead(self, deployed):
        """Take the messages out of the dead-letter queue."""
        answer = self.client("sqs").receive_message(
            QueueUrl=deployed.dead_letters_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        )
        return answer.get("Messages", [])


@pytest.fixture
def open_world():
    """A function that opens a world."""
    opened = []

    def one(**options):
        opened.append(World(**options))
        return opened[-1]

    yield one
    for each in opened:
        each.lab.close()


@pytest.fixture
def world(open_world):
    return open_world()


def test_a_subordinate_signed_by_the_root_is_a_finding_that_is_found_by_its_title(world):
    """The post's walk: the root's own certificate is the first finding, the subordinate's next."""
    world.deploy()
    world.activate()
    (first,) = wait_for(world.hub, title=CREATED, sleep=_never)
    subordinate = world.authority("SUBORDINATE")
    certificate = world.sign(subordinate, "SubordinateCACertificate_PathLen0")
    found = find(world.hub, title=CREATED)
    assert len(found) == 2
    (second,) = [each for each in found if each.Id != first.Id]
    assert second.label == "MEDIUM"
    assert second.CompanyName == "Personal"
    assert second.Resources[0].Id == certificate
    assert second.Resources[0].Details.Other == {"CAArn": world.root, "CertARN": certificate}
    resolve(world.hub, second, note="the ceremony of March", by="ann")
    (read,) = find(world.hub, id=second.Id)
    assert read.Workflow.Status == "RESOLVED"
    assert (read.Note.Text, read.Note.UpdatedBy) == ("the ceremony of March", "ann")


def test_what_another_ca_issues_is_no_finding(world):
    world.activate()
    subordinate = world.authority("SUBORDINATE")
    certificate = world.sign(subordinate, "SubordinateCACertificate_PathLen1")
    world.install(subordinate, certificate)
    deployed = world.deploy()
    lowest = world.authority("SUBORDINATE")
    world.sign(lowest, "SubordinateCACertificate_PathLen0", issuer=subordinate)
    assert find(world.hub) == ()
    assert world.dead(deployed) == []


def test_a_ceremony_is_quiet_and_the_night_is_an_alarm(world):
    now = world.lab.clock.now()
    world.deploy(ceremonies=[Ceremony(now - timedelta(hours=1), now + timedelta(hours=1))])
    world.sign(world.root, "RootCACertificate")
    world.lab.clock.advance(hours=12)
    world.sign(world.root, "RootCACertificate")
    assert [each.label for each in find(world.hub, title=CREATED)] == ["INFORMATIONAL"]
    (alarm,) = find(world.hub, title=OUTSIDE)
    assert alarm.label == "HIGH"


def test_deploying_again_changes_the_windows_or_nothing(world):
    first = world.deploy()
    assert world.deploy() == first
    now = world.lab.clock.now()
    later = Ceremony(now + timedelta(days=1), now + timedelta(days=2))
    assert world.deploy(ceremonies=[later]).stack_id == first.stack_id
    world.sign(world.root, "RootCACertificate")
    assert len(find(world.hub, title=OUTSIDE)) == 1


def test_the_stack_is_deleted_without_a_trace(world):
    deployed = world.deploy()
    world.client("cloudformation").delete_stack(StackName="ca-findings")
    assert world.client("events").list_rules()["Rules"] == []
    assert world.client("sqs").list_queues().get("QueueUrls", []) == []
    assert world.client("iam").list_roles()["Roles"] == []
    assert world.client("lambda").list_functions()["Functions"] == []
    names = [
        each["logGroupName"] for each in world.client("logs").describe_log_groups()["logGroups"]
    ]
    assert deployed.log_group not in names


def test_a_crl_that_cannot_be_written_is_a_finding_until_one_is(world):
    """The bucket lets the CA in, does not, and does again."""
    s3 = world.client("s3")
    s3.create_bucket(Bucket="crls")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "acm-pca.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation"],
        "Resource": ["arn:aws:s3:::crls", "arn:aws:s3:::crls/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket="crls", Policy=policy)
    s3.put_public_access_block(
        Bucket="crls",
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": False, "IgnorePublicAcls": False,
            "BlockPublicPolicy": False, "RestrictPublicBuckets": False,
        },
    )  # fmt: skip
    crl = {"Enabled": True, "ExpirationInDays": 7, "S3BucketName": "crls",
           "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL"}  # fmt: skip
    world.root = world.authority("ROOT", RevocationConfiguration={"CrlConfiguration": crl})
    world.activate()
    world.deploy()
    world.lab.clock.advance(hours=1)
    assert find(world.hub, title=CRL_FAILED) == ()
    s3.delete_bucket_policy(Bucket="crls")
    world.lab.clock.advance(days=4)
    (failed,) = find(world.hub, title=CRL_FAILED)
    assert failed.label == "HIGH"
    s3.put_bucket_policy(Bucket="crls", Policy=policy)
    world.lab.clock.advance(hours=6)
    assert find(world.hub, title=CRL_FAILED) == ()
    (over,) = find(world.hub, title=CRL_FAILED, archived=True)
    assert over.Id == failed.Id


def test_what_is_done_to_a_ca_is_a_finding_with_who_did_it(world):
    """By way of CloudTrail; what is undone archives it, and a refused call is nothing."""
    world.client("s3").create_bucket(Bucket="trails")
    start_trail(
        world.client("cloudtrail"), world.client("s3"),
        name="all", bucket="trails", account="111122223333",
    )  # fmt: skip
    world.activate()
    world.deploy(authorities=[world.root.replace("authority/", "authority/0")])
    world.lab.clock.advance(minutes=20)
    world.pca.update_certificate_authority(CertificateAuthorityArn=world.root, Status="DISABLED")
    policy = {"ResourceArn": world.root, "Policy": "{}"}
    with pytest.raises(world.pca.exceptions.ClientError):
        world.pca.put_policy(**policy)
    world.lab.clock.advance(minutes=20)
    (disabled,) = find(world.hub)
    assert disabled.Title == "Private CA Disabled"
    assert disabled.ProductFields["pkilab/call/userIdentity"] in disabled.Description
    assert disabled.Resources[0].Id == world.root
    world.pca.update_certificate_authority(CertificateAuthorityArn=world.root, Status="ACTIVE")
    world.lab.clock.advance(minutes=20)
    assert [each.Title for each in find(world.hub)] == ["Private CA Enabled"]
    assert [each.Id for each in find(world.hub, archived=True)] == [disabled.Id]


def test_a_certificate_in_acm_that_ends_is_one_finding_until_there_is_another(world):
    """ACM tells daily, and worse as the end comes nearer."""
    world.deploy()
    acm, keys = world.client("acm"), _imported("one.example")
    arn = acm.import_certificate(**keys(12))["CertificateArn"]
    world.lab.clock.advance(days=1)
    (found,) = find(world.hub)
    assert (found.Title, found.label) == ("ACM Certificate Approaching Expiration", "MEDIUM")
    world.lab.clock.advance(days=4)
    (later,) = find(world.hub)
    assert (later.Id, later.label) == (found.Id, "HIGH")
    assert later.Resources[0].Details.AwsCertificateManagerCertificate.DomainName == "one.example"
    acm.import_certificate(CertificateArn=arn, **keys(400))
    world.lab.clock.advance(days=1)
    assert find(world.hub) == ()
    assert [each.Id for each in find(world.hub, archived=True)] == [found.Id]


def test_what_the_function_fails_at_ends_in_the_queue(open_world):
    """Security Hub is not enabled: two more tries, and then the record with the event in it."""
    world = open_world(hub=False)
    deployed = world.deploy()
    certificate = world.sign(world.root, "RootCACertificate")
    world.lab.clock.advance(hours=1)
    (message,) = world.dead(deployed)
    record = json.loads(message["Body"])
    assert record["requestPayload"]["resources"] == [world.root, certificate]
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert "InvalidAccess" in json.dumps(record["responsePayload"])


def test_what_eventbridge_may_not_deliver_ends_in_the_queue(world):
    """Somebody took the rule's right away."""
    deployed = world.deploy()
    functions = world.client("lambda")
    policy = json.loads(functions.get_policy(FunctionName=deployed.function_arn)["Policy"])
    for each in policy["Statement"]:
        functions.remove_permission(FunctionName=deployed.function_arn, StatementId=each["Sid"])
    certificate = world.sign(world.root, "RootCACertificate")
    world.lab.clock.advance(days=2)
    (message,) = world.dead(deployed)
    assert json.loads(message["Body"])["resources"] == [world.root, certificate]
    assert message["MessageAttributes"]["RULE_ARN"]["StringValue"].endswith(
        tuple(
            name for name in [each["Name"] for each in world.client("events").list_rules()["Rules"]]
        )
    )
    assert find(world.hub, title=CREATED) == ()


def test_the_function_may_do_nothing_else(world):
    """Its role, taken away its one right, imports nothing: what is granted is what is needed."""
    deployed = world.deploy()
    iam = world.client("iam")
    (role,) = [each["RoleName"] for each in iam.list_roles()["Roles"]]
    iam.delete_role_policy(RoleName=role, PolicyName="import-findings")
    world.sign(world.root, "RootCACertificate")
    world.lab.clock.advance(hours=1)
    assert find(world.hub, title=CREATED) == ()
    (message,) = world.dead(deployed)
    assert "securityhub:BatchImportFindings" in message["Body"]


def test_a_stack_that_cannot_be_made_says_why(world):
    with pytest.raises(LabError, match=r"expected CREATE_COMPLETE; Function: "):
        security_findings.deploy(
            world.client("cloudformation"), _Nowhere(), bucket="nowhere",
            authorities=[world.root], sleep=_never,
        )  # fmt: skip


def _imported(name):
    """Return a function that makes a self-signed certificate, as ImportCertificate takes it."""
    key = ec.derive_private_key(7, ec.SECP256R1())
    start = datetime(2026, 11, 1, tzinfo=UTC)
    names = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def make(days):
        builder = x509.CertificateBuilder(
            names, names, key.public_key(), days, start, start + timedelta(days=days)
        )
        alternative = x509.SubjectAlternativeName([x509.DNSName(name)])
        made = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
        return {
            "Certificate": made.public_bytes(Encoding.PEM),
            "PrivateKey": key.private_bytes(*pem),
        }

    return make


class _Nowhere:
    """An S3 that keeps nothing."""

    def put_object(self, **_):
        """Forget it."""


def _never(_):
    pytest.fail("there was something to wait for")
