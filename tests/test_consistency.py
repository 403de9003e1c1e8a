"""Every workflow in a world that takes its time, where nothing that was made can be used at once.

The clock stands still, but for what the workflows wait: a pause moves it on, boto3's waiters'
included. So each test shows that the workflow waits for everything it needs, and how long.
"""

import json
from datetime import timedelta
from types import SimpleNamespace

import botocore.waiter
import pytest
from botocore.exceptions import ClientError

from pkilab import (
    Lab,
    access_control,
    ca_hierarchy,
    ca_sharing,
    certificate_import,
    code_signing,
    dns_validation,
    functions,
    kms_keys,
    mutual_tls,
    revocation,
    security_findings,
)
from pkilab import digital_signing as ds
from pkilab.container_tls import fleet, rotation, tasks
from pkilab.errors import LabError
from pkilab.pki import pem
from pkilab.pki.crl import Revocation
from pkilab.pki.requests import build_request
from pkilab.waiting import accepted, refused, until

LATENCY = timedelta(seconds=30)
OWNER, CONSUMER = "111122223333", "444455556666"
BUCKET, NAME, ZONE = "lab-slow", "api.lab.example", "lab.example"
DAYS = {"Type": "DAYS", "Value": 30}


class Slow:
    """A world with a latency, and a count of what was waited in it."""

    def __init__(self, monkeypatch):
        self.lab = Lab.simulated(
            seed="slow",
            accounts={"owner": OWNER, "consumer": CONSUMER},
            latency=LATENCY,
            enforce_policies=True,
        )
        self.waited = 0.0
        monkeypatch.setattr(botocore.waiter, "time", SimpleNamespace(sleep=self.sleep))

    def __getattr__(self, name):
        """Return the owner's client of a service, whose name has hyphens in place of these."""
        return self.lab.client({"pca": "acm-pca"}.get(name, name).replace("_", "-"))

    def sleep(self, seconds):
        """Let the world's time pass."""
        self.waited += seconds
        self.lab.clock.advance(seconds=seconds)

    def bucket(self):
        """Create a bucket with versions."""
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        return BUCKET

    def root(self, **options):
        """Create a root CA."""
        return ca_hierarchy.create_root(
            self.pca, {"CommonName": "Root"}, sleep=self.sleep, **options
        )

    def settle(self, question, what):
        """Wait until IAM is heard."""
        return until(
            question, what=what, at_most=timedelta(minutes=1), every=timedelta(seconds=2),
            sleep=self.sleep,
        )  # fmt: skip

    def zone(self):
        """Create a hosted zone; return its id."""
        made = self.route53.create_hosted_zone(Name=ZONE, CallerReference="x")
        return made["HostedZone"]["Id"]


@pytest.fixture
def slow(monkeypatch):
    world = Slow(monkeypatch)
    with world.lab:
        yield world


def certificate_of(pca, arn):
    got = pca.get_certificate_authority_certificate(CertificateAuthorityArn=arn)
    return pem.load_certificate(got["Certificate"])


def csr(lab, name="web.lab"):
    return build_request(lab.generate_key(name), f"CN={name}", dns_names=[name])


def allow(*actions):
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }


def test_a_hierarchy_with_its_crl_and_a_report(slow):
    """Two keys, three certificates, a CRL and a report take their time."""
    bucket = slow.bucket()
    ca_hierarchy.admit_private_ca(slow.s3, bucket, account=OWNER)
    ca_hierarchy.open_crls(slow.s3, bucket)
    crl = {"Enabled": True, "ExpirationInDays": 7, "S3BucketName": bucket,
           "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL"}  # fmt: skip
    root = slow.root(RevocationConfiguration={"CrlConfiguration": crl})
    sub = ca_hierarchy.create_subordinate(
        slow.pca, {"CommonName": "Sub"}, parent_arn=root, sleep=slow.sleep
    )
    leaf = ca_hierarchy.issue(slow.pca, sub, csr(slow.lab), validity=DAYS)
    assert len(leaf.chain) == 2
    rows = ca_hierarchy.audit_report(slow.pca, slow.s3, sub, bucket)
    assert [row["certificateArn"] for row in rows] == [leaf.arn]
    assert slow.waited >= 6 * LATENCY.total_seconds()

    issued = ca_hierarchy.issue(slow.pca, root, csr(slow.lab, "gone.lab"), validity=DAYS)
    serial = f"{issued.certificate.serial_number:x}"
    slow.pca.revoke_certificate(
        CertificateAuthorityArn=root, CertificateSerial=serial, RevocationReason="SUPERSEDED"
    )
    issuer = certificate_of(slow.pca, root)

    def revoked():
        now = slow.lab.clock.now()
        found = revocation.by_crl(issued.certificate, issuer, fetch=slow.lab.fetch, at=now)
        return found.status is Revocation.REVOKED

    assert not revoked()
    assert until(
        revoked, what="the CRL", at_most=timedelta(hours=1), every=timedelta(minutes=5),
        sleep=slow.sleep,
    )  # fmt: skip


def test_mutual_tls_with_a_public_certificate(slow):
    """The record's name, the zone, the certificate and the domain name, each in its turn."""
    store = mutual_tls.upload_truststore(
        slow.s3, slow.bucket(), [certificate_of(slow.pca, slow.root())]
    )
    arn = mutual_tls.request_public_certificate(
        slow.acm, slow.route53, NAME, slow.zone(), sleep=slow.sleep
    )
    made = mutual_tls.create_domain(slow.apigatewayv2, NAME, arn, sleep=slow.sleep)
    used = mutual_tls.use_truststore(slow.apigatewayv2, NAME, store, sleep=slow.sleep)
    assert (made.status, made.truststore) == ("AVAILABLE", None)
    assert (used.status, used.truststore) == ("AVAILABLE", store)


def test_dns_validation_with_a_delegation_and_without_the_record(slow):
    """What is written and what is taken away is waited for."""
    zone, arn = slow.zone(), dns_validation.request(slow.acm, [NAME], sleep=slow.sleep)
    found = dns_validation.records(slow.acm, arn)
    dns_validation.to_route53(slow.route53, found, zone, sleep=slow.sleep)
    dns_validation.wait_issued(slow.acm, arn, sleep=slow.sleep)
    assert dns_validation.renewal(slow.acm, arn).status == "ISSUED"
    below = slow.route53.create_hosted_zone(Name=f"sub.{ZONE}", CallerReference="y")
    written = dns_validation.delegate(
        slow.route53, below["HostedZone"]["Id"], parent_zone_id=zone, sleep=slow.sleep
    )
    assert written.written_to is not None
    assert len(dns_validation.remove(slow.route53, found, zone, sleep=slow.sleep)) == 1


def test_a_function_of_a_role_that_was_just_made(slow):
    """Lambda cannot assume the role for as long as the world takes, and says so."""
    role = functions.create_role(slow.iam, "r")
    archive = functions.package({"index.py": "def handler(event, context): return event"})
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        slow.lab.client("lambda").create_function(
            FunctionName="f", Runtime="python3.12", Role=role, Handler="index.handler",
            Code={"ZipFile": archive},
        )  # fmt: skip
    client = slow.lab.client("lambda")
    functions.deploy(client, "f", archive, role=role, sleep=slow.sleep)
    assert slow.waited >= 2 * LATENCY.total_seconds()
    assert client.invoke(FunctionName="f", Payload=b"7")["Payload"].read() == b"7"


def test_certificates_are_imported_and_exported(slow):
    """Imports take no time; a certificate of a private CA is exported once it is issued."""
    root = slow.root(key_algorithm="RSA_2048")  # as the key that ACM makes
    key = slow.lab.generate_key("web.lab", "RSA_2048")
    request = build_request(key, "CN=web.lab", dns_names=["web.lab"])
    issued = ca_hierarchy.issue(slow.pca, root, request, validity=DAYS)
    arn = certificate_import.import_certificate(slow.acm, issued.pem, key, issued.chain_pem)
    assert slow.acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED"
    asked = slow.acm.request_certificate(DomainName="in.lab", CertificateAuthorityArn=root)
    dns_validation.wait_issued(slow.acm, asked["CertificateArn"], sleep=slow.sleep)
    material = certificate_import.export(slow.acm, asked["CertificateArn"], "a passphrase")
    assert material.chain


def test_files_are_signed_by_roles_that_were_just_made(slow, tmp_path):
    """KMS takes no policy that names a role which it has not heard of."""
    me = f"arn:aws:iam::{OWNER}:root"
    roles = ds.create_roles(slow.iam, trusted=me)
    policy = ds.key_policy(OWNER, administrator=me)
    with pytest.raises(ClientError, match="invalid principals"):
        slow.kms.create_key(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY",
                            Policy=json.dumps(policy))  # fmt: skip
    arn = ds.create_key(slow.kms, "ECC_NIST_P384", policy, sleep=slow.sleep)
    assert slow.waited == LATENCY.total_seconds()
    session = tasks.assume(slow.sts, roles.signer, sleep=slow.sleep)
    path = tmp_path / "report.txt"
    path.write_text("Quarter 3")
    public = ds.public_key_pem(kms_keys.load_public_key(slow.kms, arn).key)
    kms = slow.lab.client("kms", credentials=session)
    signed = ds.sign_file(kms, arn, path, algorithm="ECDSA_SHA_384")
    assert ds.verify_locally(ds.read_public_key(public), path, signed).valid


def test_code_is_signed_by_a_key_in_kms(slow, tmp_path):
    """With a certificate that takes its time."""
    root = slow.root()
    sub = ca_hierarchy.create_subordinate(slow.pca, {"CommonName": "Code"}, parent_arn=root)
    arn = slow.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    identity = code_signing.enrol(
        slow.kms, slow.pca, key_id=arn, ca_arn=sub, subject="CN=Signer", validity=DAYS
    )
    path = tmp_path / "code.py"
    path.write_text("print()")
    signed = code_signing.sign_file(
        identity, path, at=slow.lab.clock.now(), entropy=slow.lab.entropy("nonce")
    )
    assert signed.message


def test_a_third_party_and_a_shared_key_wait_for_roles(slow):
    """The role is assumed once it is heard of, its key shared with it, and its policy heard."""
    role = access_control.third_party_role(
        slow.iam, "partner", third_party_account=CONSUMER, external_id="a-customer",
        policies=[allow("kms:ListKeys")],
    )  # fmt: skip
    key = slow.kms.create_key()["KeyMetadata"]["Arn"]
    access_control.share_key(slow.kms, key, role, ["kms:Sign"], sleep=slow.sleep)
    assert slow.waited == LATENCY.total_seconds()
    theirs = slow.lab.client("sts", account="consumer")
    wanted = {"RoleArn": role, "RoleSessionName": "their-session", "ExternalId": "a-customer"}
    session = theirs.assume_role(**wanted)["Credentials"]
    kms = slow.lab.client("kms", credentials=session)
    assert kms.list_keys()["Keys"]
    slow.iam.put_role_policy(
        RoleName="partner", PolicyName="more", PolicyDocument=json.dumps(allow("kms:ListAliases"))
    )
    slow.iam.delete_role_policy(RoleName="partner", PolicyName="partner")
    assert kms.list_keys()["Keys"], "what was taken away still counts"
    with pytest.raises(ClientError, match="AccessDenied"):
        kms.list_aliases()
    slow.settle(accepted(kms.list_aliases, "AccessDeniedException"), "the new policy")
    assert slow.settle(refused(kms.list_keys, "AccessDeniedException"), "the end of the old one")


def test_a_user_with_a_key_and_a_device(slow):
    """An access key that was just made is unknown to AWS for a while, and so is its policy."""
    slow.iam.create_user(UserName="ana")
    slow.iam.put_user_policy(
        UserName="ana", PolicyName="p", PolicyDocument=json.dumps(allow("kms:ListKeys"))
    )
    key = slow.iam.create_access_key(UserName="ana")["AccessKey"]
    kms = slow.lab.client("kms", credentials=key)
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        kms.list_keys()
    codes = ("UnrecognizedClientException", "AccessDeniedException")
    slow.settle(accepted(kms.list_keys, *codes), "ana's key")
    assert slow.waited == LATENCY.total_seconds()
    device = access_control.enable_mfa(slow.iam, "ana", "phone", slow.lab.clock.now())
    slow.sleep(30)
    code = device.code(slow.lab.clock.now())
    sts = slow.lab.client("sts", credentials=key)
    assert access_control.mfa_session(sts, device.serial, code)["SessionToken"]
    slow.iam.update_access_key(UserName="ana", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert kms.list_keys(), "until others have heard of it"
    slow.settle(refused(kms.list_keys, "UnrecognizedClientException"), "the end of the key")


def test_the_use_of_a_root_is_found(slow):
    """A trail, a stack of function and rules, and the finding: each takes its time."""
    slow.bucket()
    slow.s3.create_bucket(Bucket="trail-logs")
    slow.securityhub.enable_security_hub(EnableDefaultStandards=False)
    root = slow.root()
    security_findings.start_trail(
        slow.cloudtrail,
        slow.s3,
        name="management",
        bucket="trail-logs",
        account=OWNER,
        sleep=slow.sleep,
    )
    tap = security_findings.tap(slow.events, slow.sqs, {"source": ["aws.acm-pca"]})
    stack = security_findings.deploy(
        slow.cloudformation, slow.s3, bucket=BUCKET, authorities=[root], sleep=slow.sleep
    )
    assert stack.function_arn
    slow.sleep(30)  # EventBridge has nothing to ask whether a rule has taken effect
    tap.take()
    ca_hierarchy.issue(slow.pca, root, csr(slow.lab), validity=DAYS)
    found = security_findings.wait_for(
        slow.securityhub, title="Private CA Certificate Creation", sleep=slow.sleep
    )
    assert len(found) == 1
    assert tap.take()
    again = security_findings.deploy(
        slow.cloudformation, slow.s3, bucket=BUCKET, authorities=[root], sleep=slow.sleep
    )
    assert again == stack


def test_a_stack_that_is_being_changed_is_waited_for(slow):
    """CloudFormation refuses a second change meanwhile."""
    slow.bucket()
    root = slow.root()
    with pytest.raises(LabError, match=r"0:15:00 for the stack .*CREATE_IN_PROGRESS"):
        security_findings.deploy(
            slow.cloudformation, slow.s3, bucket=BUCKET, authorities=[root],
            sleep=lambda _seconds: None,
        )  # fmt: skip
    stack = security_findings.deploy(
        slow.cloudformation, slow.s3, bucket=BUCKET, authorities=[root], sleep=slow.sleep
    )
    assert stack.function_arn


def test_a_rule_hears_of_nothing_before_it_takes_effect(slow):
    """Nor does one that is deleted go at once."""
    tap = security_findings.tap(slow.events, slow.sqs, {"source": ["mine"]})

    def put():
        slow.events.put_events(Entries=[{"Source": "mine", "DetailType": "x", "Detail": "{}"}])
        return len(tap.take())

    slow.sleep(29)
    assert put() == 0
    slow.sleep(1)
    assert put() == 1
    slow.events.remove_targets(Rule="tap", Ids=["queue"])
    slow.events.delete_rule(Name="tap")
    assert slow.events.list_rules()["Rules"] == []
    assert put() == 1
    slow.sleep(30)
    assert put() == 0


def test_the_event_history_lags_behind(slow):
    """A call is found once the world has taken its time."""
    slow.kms.create_key()
    lookup = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]}
    assert slow.cloudtrail.lookup_events(**lookup)["Events"] == []
    assert until(
        lambda: slow.cloudtrail.lookup_events(**lookup)["Events"], what="the event",
        at_most=timedelta(minutes=20), every=timedelta(seconds=10), sleep=slow.sleep,
    )  # fmt: skip
    assert slow.waited == LATENCY.total_seconds()


def test_a_ca_is_shared_and_used(slow):
    """Associations and rights come one after the other."""
    root = slow.root()
    ram, theirs = slow.lab.client("ram", account="consumer"), slow.lab.client(
        "acm-pca", account="consumer"
    )  # fmt: skip
    arn = ca_sharing.share(slow.ram, root, [CONSUMER], sleep=slow.sleep)
    ca_sharing.accept(ram, arn, sleep=slow.sleep)
    ca_sharing.wait_usable(theirs, root, sleep=slow.sleep)
    assert ca_hierarchy.issue(theirs, root, csr(slow.lab), validity=DAYS).chain
    ca_sharing.revoke(slow.ram, arn)
    gone = refused(
        lambda: theirs.describe_certificate_authority(CertificateAuthorityArn=root),
        "AccessDeniedException",
    )
    assert slow.settle(gone, "the end of the share")


def test_a_task_and_a_fleet_get_certificates(slow):
    """A task's role is assumed when it can be, and its policy is heard of by then."""
    root = slow.root()
    role = tasks.create_role(slow.iam, "web", allow("acm-pca:*"), stand_in=OWNER)
    pca = slow.lab.client("acm-pca", credentials=tasks.assume(slow.sts, role, sleep=slow.sleep))

    def start():
        return fleet.start(
            pca, root, ["a.lab", "b.lab"], make_key=slow.lab.generate_key,
            entropy=slow.lab.entropy("fleet"), now=slow.lab.clock.now, sleep=slow.sleep,
        )  # fmt: skip

    first, second = start(), start()
    assert not first.refused
    assert not second.refused
    arns = {each.arn for each in (*first.containers, *second.containers)}
    assert len(arns) == 4, "two starts are two, though they ask for the same"


def test_the_function_of_a_rotation_is_deployed(slow):
    """The stack waits for IAM before it makes the function."""
    root = slow.root()
    slow.bucket()
    secret = slow.secretsmanager.create_secret(
        Name="web/tls", Tags=[{"Key": "ServerName", "Value": "web.lab"}]
    )["ARN"]
    function = rotation.deploy(
        slow.cloudformation, slow.s3, bucket=BUCKET, secret_arn=secret, authority_arn=root
    )
    found = slow.lab.client("lambda").get_function_configuration(FunctionName=function)
    assert found["State"] == "Active"
    assert slow.waited >= 4 * LATENCY.total_seconds()


def test_without_latency_nothing_waits():
    """The default: everything counts at once."""
    with Lab.simulated(seed="quick", enforce_policies=True) as lab:
        role = functions.create_role(lab.client("iam"), "r")
        archive = functions.package({"index.py": "def handler(event, context): return event"})
        slept = []
        functions.deploy(lab.client("lambda"), "f", archive, role=role, sleep=slept.append)
        tasks.create_role(lab.client("iam"), "t", allow("kms:ListKeys"), stand_in=OWNER)
        arn = f"arn:aws:iam::{OWNER}:role/t"
        session = tasks.assume(lab.client("sts"), arn, sleep=slept.append)
        lab.client("kms", credentials=session).list_keys()
        assert not slept
