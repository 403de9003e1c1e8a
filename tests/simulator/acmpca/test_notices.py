"""What Private CA tells EventBridge: the guide's samples, at the moments of the lab's clock."""

import base64

import pytest
from cryptography import x509
from moto.s3.models import s3_backends

from pkilab import Lab, ca_hierarchy
from pkilab.simulator.acmpca import lifecycle
from pkilab.simulator.acmpca.notices import NOT_PERMITTED, NOT_WRITTEN, Notices

OWNER, REGION = "111122223333", "us-east-1"
PERMITTED = x509.NameConstraints([x509.DNSName("lab.example")], None).public_bytes()
NAME_CONSTRAINTS = {
    "ObjectIdentifier": "2.5.29.30",
    "Value": base64.b64encode(PERMITTED).decode(),
    "Critical": True,
}


def told(pca, kind, account=OWNER):
    """The events of a kind on an account's bus, oldest first."""
    name = f"ACM Private CA {kind}"
    return [e for e in pca.bus.events(account, REGION) if e["detail-type"] == name]


def crl_configuration(name="lab-crl", **more):
    """A RevocationConfiguration with private CRLs of seven days in a bucket."""
    crl = {"Enabled": True, "ExpirationInDays": 7, "S3BucketName": name}
    return {"CrlConfiguration": crl | {"S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL", **more}}


def shut(name="lab-crl"):
    """Withdraw the bucket policy that lets Private CA in."""
    s3_backends[OWNER]["aws"].buckets[name].policy = None


def drop(name="lab-crl"):
    """Delete the bucket."""
    s3_backends[OWNER]["aws"].buckets.pop(name)
    s3_backends.bucket_accounts.pop(name)


def test_an_event_has_the_envelope_and_detail_of_the_guides_sample(pca):
    """The first one of "Success or failure when creating a private CA"."""
    arn = pca.create()
    (event,) = told(pca, "Creation")
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "ACM Private CA Creation",
        "source": "aws.acm-pca",
        "account": OWNER,
        "time": "2026-11-02T09:00:00Z",
        "region": REGION,
        "resources": [arn],
        "detail": {"result": "success"},
    }


def test_a_creation_is_told_when_the_key_is_made(slow_pca):
    """Not while the CA is CREATING."""
    slow_pca.create()
    slow_pca.world.clock.advance(seconds=59)
    assert told(slow_pca, "Creation") == []
    slow_pca.world.clock.advance(seconds=1)
    (event,) = told(slow_pca, "Creation")
    assert event["time"] == "2026-11-02T09:01:00Z"


def test_a_creation_that_fails_is_told_as_a_failure(slow_pca):
    """And one that was given up, by deleting the CA, not at all."""
    arn, given_up = slow_pca.create(), slow_pca.create()
    (authority,) = (one for one in slow_pca.service.authorities() if one.arn == arn)
    lifecycle.fail(authority, "OTHER", slow_pca.now)
    slow_pca("DeleteCertificateAuthority", CertificateAuthorityArn=given_up)
    slow_pca.world.clock.advance(minutes=2)
    (event,) = told(slow_pca, "Creation")
    assert (event["resources"], event["detail"]) == ([arn], {"result": "failure"})


def test_a_refused_creation_is_no_event(pca):
    """There is no CA whose ARN could be told."""
    pca.refused(
        "InvalidArgsException",
        "CreateCertificateAuthority",
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHRSA",
            "Subject": {"CommonName": "x"},
        },
    )
    assert told(pca, "Creation") == []


def test_an_issuance_is_told_when_the_certificate_can_be_had(slow_pca):
    """With the ARNs of the CA and of the certificate."""
    arn = slow_pca.create()
    slow_pca.world.clock.advance(minutes=1)
    certificate = slow_pca.order(arn, slow_pca.csr_of(arn), "RootCACertificate")
    slow_pca.world.clock.advance(seconds=59)
    assert told(slow_pca, "Certificate Issuance") == []
    slow_pca.world.clock.advance(seconds=1)
    slow_pca.get(arn, certificate)
    (event,) = told(slow_pca, "Certificate Issuance")
    assert event["resources"] == [arn, certificate]
    assert event["detail"] == {"result": "success"}


def test_an_issuance_that_fails_after_it_was_accepted_is_a_failure(pca):
    """A name that the CA's name constraints exclude; the good one beside it is a success."""
    root = pca.root()
    child = pca.subordinate(
        root,
        template="BlankSubordinateCACertificate_PathLen0_APIPassthrough",
        passthrough={"Extensions": {"CustomExtensions": [NAME_CONSTRAINTS]}},
    )
    before = len(told(pca, "Certificate Issuance"))
    bad = pca.order(child, pca.csr(dns_names=["www.elsewhere.test"]))
    good = pca.order(child, pca.csr(dns_names=["www.lab.example"]))
    failed, issued = told(pca, "Certificate Issuance")[before:]
    assert (failed["resources"], failed["detail"]) == ([child, bad], {"result": "failure"})
    assert (issued["resources"], issued["detail"]) == ([child, good], {"result": "success"})


def test_a_refused_issuance_is_no_event(pca):
    """It has no ARN."""
    root = pca.root()
    before = len(told(pca, "Certificate Issuance"))
    pca.order_refused("MalformedCSRException", root, b"no request")
    assert len(told(pca, "Certificate Issuance")) == before


def test_an_idempotent_repetition_is_told_once(pca):
    """The second call issues nothing."""
    root = pca.root()
    before = len(told(pca, "Certificate Issuance"))
    first = pca.order(root, IdempotencyToken="1")
    assert pca.order(root, IdempotencyToken="1") == first
    assert len(told(pca, "Certificate Issuance")) == before + 1


def test_a_revocation_is_told_when_it_succeeds_and_never_otherwise(pca):
    """The guide has no sample of a failure."""
    root = pca.root()
    certificate = pca.order(root)
    request = {
        "CertificateAuthorityArn": root,
        "CertificateSerial": certificate.rpartition("/")[2],
        "RevocationReason": "KEY_COMPROMISE",
    }
    pca("RevokeCertificate", **request)
    pca.refused("RequestAlreadyProcessedException", "RevokeCertificate", **request)
    (event,) = told(pca, "Certificate Revocation")
    assert event["resources"] == [root, certificate]
    assert event["detail"] == {"result": "success"}


def test_every_crl_is_told_the_first_the_periodic_and_the_one_after_a_revocation(pca):
    """Each with the URL that certificates name."""
    pca.bucket()
    root = pca.root(RevocationConfiguration=crl_configuration())
    pca.world.clock.advance(hours=1)
    url = f"http://lab-crl.s3.us-east-1.amazonaws.com/crl/{root.rpartition('/')[2]}.crl"
    certificate = pca.order(root)
    pca(
        "RevokeCertificate",
        CertificateAuthorityArn=root,
        CertificateSerial=certificate.rpartition("/")[2],
        RevocationReason="SUPERSEDED",
    )
    pca.world.clock.advance(days=4)
    events = told(pca, "CRL Generation")
    assert [event["time"] for event in events] == [
        "2026-11-02T09:00:00Z",
        "2026-11-02T10:30:00Z",
        "2026-11-05T22:30:00Z",
    ]
    for event in events:
        assert event["resources"] == [root]
        assert event["detail"] == {"result": "success", "CrlUrl": url}


@pytest.mark.parametrize("trouble", [shut, drop], ids=["the policy withdrawn", "the bucket gone"])
def test_a_crl_that_cannot_be_written_is_told_at_every_attempt(pca, trouble):
    """A quarter of an hour apart, until the bucket lets Private CA in again."""
    pca.bucket()
    pca.root(RevocationConfiguration=crl_configuration())
    pca.world.clock.advance(hours=1)
    trouble()
    pca.world.clock.advance(days=3, hours=11, minutes=20)
    first, *failed = told(pca, "CRL Generation")
    assert first["detail"]["result"] == "success"
    assert [event["time"][11:16] for event in failed] == ["21:00", "21:15"]
    for event in failed:
        assert event["detail"] == {
            "result": "failure",
            "CrlUrl": first["detail"]["CrlUrl"],
            "reason": "Failed to write CRL to S3. Check your S3 bucket permissions.",
        }
    if trouble is shut:
        drop()
    pca.bucket()
    pca.world.clock.advance(minutes=10)
    assert told(pca, "CRL Generation")[-1]["detail"]["result"] == "success"


def test_a_policy_that_cannot_be_decided_is_an_internal_failure(pca):
    """The reason of AWS's second sample."""
    pca.bucket()
    pca.root(RevocationConfiguration=crl_configuration())
    pca.world.clock.advance(hours=1)
    bucket = s3_backends[OWNER]["aws"].buckets["lab-crl"]
    bucket.policy = bucket.policy.replace(
        b'"Effect"', b'"Condition":{"StringEquals":{"s3:x-amz-storage-class":"x"}},"Effect"'
    )
    pca.world.clock.advance(days=4)
    assert told(pca, "CRL Generation")[-1]["detail"]["reason"] == NOT_WRITTEN


def test_each_crl_of_a_partitioned_ca_is_told_with_its_own_url(pca):
    """The complete one and the partition's."""
    pca.bucket()
    root = pca.root(RevocationConfiguration=crl_configuration(CrlType="PARTITIONED"))
    pca.world.clock.advance(minutes=1)
    before = len(told(pca, "CRL Generation"))
    pca.order(root)
    pca.world.clock.advance(minutes=1)
    urls = [e["detail"]["CrlUrl"] for e in told(pca, "CRL Generation")[before:]]
    assert len(urls) == len(set(urls)) == 2
    assert urls[0].endswith(f"/crl/{root.rpartition('/')[2]}.crl")
    assert f"/crl/{root.rpartition('/')[2]}/" in urls[1]


def report(pca, root):
    """Start an audit report and return its id."""
    answer = pca(
        "CreateCertificateAuthorityAuditReport",
        CertificateAuthorityArn=root,
        S3BucketName="lab-crl",
        AuditReportResponseFormat="JSON",
    )
    return answer["AuditReportId"]


def slow_root(pca):
    """Make a root CA where everything takes a minute."""
    arn = pca.create()
    pca.world.clock.advance(minutes=1)
    certificate = pca.order(arn, pca.csr_of(arn), "RootCACertificate")
    pca.world.clock.advance(minutes=1)
    pca.install(arn, pca.get(arn, certificate))
    return arn


def test_an_audit_report_is_told_when_it_is_written(slow_pca):
    """With the CA's ARN and the report's bare id."""
    slow_pca.bucket()
    root = slow_root(slow_pca)
    number = report(slow_pca, root)
    assert told(slow_pca, "Audit Report Generation") == []
    slow_pca.world.clock.advance(minutes=1)
    (event,) = told(slow_pca, "Audit Report Generation")
    assert event["resources"] == [root, number]
    assert event["detail"] == {"result": "success"}


@pytest.mark.parametrize("trouble", [shut, drop], ids=["the policy withdrawn", "the bucket gone"])
def test_an_audit_report_that_cannot_be_written_is_a_failure(slow_pca, trouble):
    """Between the request and the writing, the bucket went."""
    slow_pca.bucket()
    root = slow_root(slow_pca)
    number = report(slow_pca, root)
    trouble()
    slow_pca.world.clock.advance(minutes=1)
    (event,) = told(slow_pca, "Audit Report Generation")
    assert event["resources"] == [root, number]
    assert event["detail"] == {"result": "failure"}


def test_importing_updating_deleting_and_restoring_are_no_events(pca):
    """For those there are CloudTrail's."""
    root = pca.root()
    before = len(pca.bus.events(OWNER, REGION))
    pca("UpdateCertificateAuthority", CertificateAuthorityArn=root, Status="DISABLED")
    pca("DeleteCertificateAuthority", CertificateAuthorityArn=root)
    pca("RestoreCertificateAuthority", CertificateAuthorityArn=root)
    pca.world.clock.advance(days=5000)
    assert len(pca.bus.events(OWNER, REGION)) == before


def test_what_acm_has_a_private_ca_issue_is_told_as_well():
    """On the bus of the CA's owner, beside ACM's own event."""
    with Lab.simulated(seed="notices") as lab:
        root = ca_hierarchy.create_root(lab.client("acm-pca"), {"CommonName": "Lab Root"})
        lab.client("acm").request_certificate(
            DomainName="www.lab.example",
            CertificateAuthorityArn=root,
            KeyAlgorithm="EC_prime256v1",
        )
        lab.clock.advance(minutes=5)
        events = lab._place.gateway.events.events(OWNER, REGION)
        issued, available = events[-2:]
        assert issued["detail-type"] == "ACM Private CA Certificate Issuance"
        assert issued["resources"][0] == root
        assert issued["detail"] == {"result": "success"}
        assert available["detail-type"] == "ACM Certificate Available"


def test_nobody_hears_where_there_is_no_bus(bench):
    """A publisher without a bus says nothing and fails at nothing."""
    authority = bench.authority()
    Notices().created(authority)
    Notices().crl(authority, "http://x", NOT_PERMITTED)
    assert authority.status == "ACTIVE"
