"""What a relying party learns of revocation, and when it learns nothing."""

import shutil
import subprocess
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pkilab import ca_hierarchy, revocation
from pkilab.errors import LabError, MalformedError
from pkilab.pki import pem
from pkilab.pki.crl import Revocation
from pkilab.pki.requests import build_request

ACCOUNT, BUCKET = "111122223333", "lab-crl"


@pytest.fixture
def pca(lab):
    return lab.client("acm-pca")


@pytest.fixture
def bucket(lab):
    """A bucket that Private CA may write to, private for all others."""
    lab.client("s3").create_bucket(Bucket=BUCKET)
    ca_hierarchy.admit_private_ca(lab.client("s3"), BUCKET, account=ACCOUNT)
    return BUCKET


@pytest.fixture
def open_bucket(lab, bucket):
    """The same, and anyone may read its CRLs."""
    ca_hierarchy.open_crls(lab.client("s3"), bucket)
    return bucket


def crl_in(bucket):
    return {
        "CrlConfiguration": {
            "Enabled": True,
            "ExpirationInDays": 7,
            "S3BucketName": bucket,
            "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
        }
    }


OCSP = {"OcspConfiguration": {"Enabled": True}}


class Issuer:
    """A root CA and one certificate of it."""

    def __init__(self, lab, configuration):
        self.lab, self.pca = lab, lab.client("acm-pca")
        self.arn = ca_hierarchy.create_root(
            self.pca, {"CommonName": "Root"}, RevocationConfiguration=configuration
        )
        csr = build_request(lab.generate_key("app"), "CN=app.example")
        made = ca_hierarchy.issue(self.pca, self.arn, csr, validity={"Type": "DAYS", "Value": 90})
        self.leaf, self.root = made.certificate, made.chain[0]
        lab.clock.advance(hours=1)

    def revoke(self):
        """Revoke the certificate and let the news arrive."""
        self.pca.revoke_certificate(
            CertificateAuthorityArn=self.arn,
            CertificateSerial=format(self.leaf.serial_number, "x"),
            RevocationReason="KEY_COMPROMISE",
        )
        self.lab.clock.advance(hours=1)

    def ask(self, how):
        """Ask as a relying party, now."""
        return how(self.leaf, self.root, fetch=self.lab.fetch, at=self.lab.clock.now())


@pytest.mark.parametrize("how", [revocation.by_crl, revocation.by_ocsp])
def test_a_certificate_is_good_until_it_is_revoked(lab, open_bucket, how):
    """By CRL and by OCSP alike, with the reason."""
    issuer = Issuer(lab, crl_in(open_bucket) | OCSP)
    assert issuer.ask(how).status is Revocation.GOOD
    issuer.revoke()
    said = issuer.ask(how)
    assert (said.status, said.reason) == (Revocation.REVOKED, "keyCompromise")
    assert said.revoked_at < lab.clock.now()


def test_an_old_crl_says_nothing(lab, open_bucket):
    """It is not taken for good; the next one is."""
    issuer = Issuer(lab, crl_in(open_bucket))
    served = lab.fetch(revocation.crl_urls(issuer.leaf)[0])
    lab.clock.advance(days=20)
    stale = revocation.by_crl(
        issuer.leaf, issuer.root, fetch=lambda *_, **__: served, at=lab.clock.now()
    )
    assert stale.status is Revocation.UNUSABLE
    assert stale.reasons
    assert issuer.ask(revocation.by_crl).status is Revocation.GOOD


def test_an_answer_about_another_certificate_says_nothing(lab):
    """The responder's word for one is not a word for the other."""
    issuer = Issuer(lab, OCSP)
    other = Issuer(lab, OCSP)
    answer = lab.fetch(
        revocation.ocsp_urls(other.leaf)[0],
        revocation.ocsp.build_request(other.leaf, other.root),
        content_type="application/ocsp-request",
    )
    said = revocation.by_ocsp(
        issuer.leaf, issuer.root, fetch=lambda *_, **__: answer, at=lab.clock.now()
    )
    assert said.status is Revocation.UNUSABLE


def test_a_certificate_that_names_no_source_cannot_be_asked_about(lab):
    """Nothing to ask is an error, not a verdict."""
    issuer = Issuer(lab, {})
    assert (revocation.crl_urls(issuer.leaf), revocation.ocsp_urls(issuer.leaf)) == ((), ())
    with pytest.raises(LabError, match="does not name a CRL distribution point"):
        issuer.ask(revocation.by_crl)
    with pytest.raises(LabError, match="does not name an OCSP responder"):
        issuer.ask(revocation.by_ocsp)
    with pytest.raises(LabError, match="does not name an OCSP responder"):
        revocation.openssl_ocsp(issuer.leaf, issuer.root, fetch=lab.fetch)


def test_a_crl_in_a_private_bucket_cannot_be_had(lab, bucket):
    """The URL and the status are named; opened, the same certificate is good."""
    issuer = Issuer(lab, crl_in(bucket))
    with pytest.raises(LabError, match=rf"http://{BUCKET}\.s3.*\.crl answered 403"):
        issuer.ask(revocation.by_crl)
    ca_hierarchy.open_crls(lab.client("s3"), bucket)
    assert issuer.ask(revocation.by_crl).status is Revocation.GOOD


def test_what_is_served_in_a_crls_place_must_be_one(lab, open_bucket):
    """A page of text is malformed."""
    issuer = Issuer(lab, crl_in(open_bucket))
    page = SimpleNamespace(status=200, body=b"<html>")
    with pytest.raises(MalformedError, match="CRL"):
        revocation.by_crl(issuer.leaf, issuer.root, fetch=lambda *_, **__: page, at=lab.clock.now())


@pytest.fixture
def two_points(lab):
    """A certificate whose first distribution point is one of LDAP."""
    key, name = lab.generate_key("by hand"), x509.Name([])
    now = lab.clock.now()
    points = x509.CRLDistributionPoints(
        [
            x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
            for url in ("ldap://ad.example/cn=ca", "http://crl.example/ca.crl")
        ]
    )
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now)
        .add_extension(points, critical=False)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )


def test_the_first_url_that_answers_is_taken(lab, two_points):
    """One that cannot be followed does not stand in the way of the next."""

    def fetch(url, body=None, *, content_type=""):
        if url.startswith("http"):
            return SimpleNamespace(status=200, body=b"the list")
        return lab.fetch(url, body, content_type=content_type)

    assert revocation.crl_urls(two_points)[0].startswith("ldap:")
    assert revocation.fetch_crl(two_points, fetch) == b"the list"


def test_when_no_url_answers_each_is_named(lab, two_points):
    """With what came of it."""
    with pytest.raises(LabError, match=r"ldap://ad\.example.*; http://crl\.example.* no such host"):
        revocation.fetch_crl(two_points, lab.fetch)


def test_openssl_asks_the_responder_and_hears_the_same(lab):
    """The request and the judgement are openssl's own."""
    issuer = Issuer(lab, OCSP)
    said = revocation.openssl_ocsp(issuer.leaf, issuer.root, fetch=lab.fetch)
    assert said.agrees
    assert "certificate.pem: good" in said.output
    issuer.revoke()
    said = revocation.openssl_ocsp(issuer.leaf, issuer.root, fetch=lab.fetch)
    assert "certificate.pem: revoked" in said.output
    assert "keyCompromise" in said.output


def test_openssl_does_not_believe_an_answer_that_was_changed(lab):
    """One bit of the signature."""
    issuer = Issuer(lab, OCSP)

    honest = revocation.openssl_ocsp(issuer.leaf, issuer.root, fetch=lab.fetch)
    assert "Response verify OK" in honest.output

    def forge(url, body=None, *, content_type=""):
        body = lab.fetch(url, body, content_type=content_type).body
        return SimpleNamespace(status=200, body=body[:-1] + bytes([body[-1] ^ 1]))

    forged = revocation.openssl_ocsp(issuer.leaf, issuer.root, fetch=forge)
    assert not forged.agrees or "Response Verify Failure" in forged.output
    assert "Response verify OK" not in forged.output


def test_openssl_asks_the_served_responder_by_itself(lab, tmp_path):
    """Over HTTP, with nothing of ours in between."""
    issuer = Issuer(lab, OCSP)
    (tmp_path / "leaf.pem").write_text(pem.to_pem(issuer.leaf))
    (tmp_path / "root.pem").write_text(pem.to_pem(issuer.root))
    command = ["openssl", "ocsp", "-url", lab.serve().url, "-issuer", "root.pem",
               "-cert", "leaf.pem", "-VAfile", "root.pem", "-no_nonce",
               "-validity_period", "1000000000"]  # fmt: skip

    def ask():
        ran = subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=30
        )
        return ran.stdout + ran.stderr

    assert "leaf.pem: good" in (good := ask())
    assert "Response verify OK" in good
    issuer.revoke()
    assert "leaf.pem: revoked" in ask()


def test_curl_gets_the_served_crl_from_the_host_the_certificate_names(lab, open_bucket, tmp_path):
    """The same bytes as in process; an object beside it is refused."""
    if shutil.which("curl") is None:
        pytest.skip("curl, the outside client of this test, is not installed")
    issuer = Issuer(lab, crl_in(open_bucket))
    url = revocation.crl_urls(issuer.leaf)[0]
    served = urlsplit(lab.serve().url)
    lab.client("s3").put_object(Bucket=BUCKET, Key="beside", Body=b"private")

    def curl(address, *options):
        there = f"{urlsplit(address).hostname}:80:{served.hostname}:{served.port}"
        command = ["curl", "-q", "--silent", "--fail", "--noproxy", "*", "--connect-to", there]
        return subprocess.run(
            [*command, *options, address], check=False, capture_output=True, timeout=30
        )

    assert curl(url).stdout == revocation.fetch_crl(issuer.leaf, lab.fetch)
    assert b"application/pkix-crl" in curl(url, "--head").stdout.lower()
    assert curl(url.replace(urlsplit(url).path, "/beside")).returncode == 22
