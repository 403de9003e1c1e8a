"""Creates are tagged, carry a token, and are never made twice."""

from datetime import timedelta

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkilab import ca_hierarchy, ledger
from pkilab.errors import UncertainError
from pkilab.pki import requests

CA = {
    "CertificateAuthorityType": "ROOT",
    "CertificateAuthorityConfiguration": {
        "KeyAlgorithm": "EC_prime256v1",
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Subject": {"CommonName": "Once"},
    },
}


class Losing:
    """Performs the first call of a client and loses its answer, or fails before it."""

    def __init__(self, client, error, *, performed=True):
        self._error, self._performed, self.sent = error, performed, 0
        self._session = client._endpoint.http_session
        client.meta.events.register("before-send", self)

    def __call__(self, request, **_):  # noqa: D102 - botocore's event
        self.sent += 1
        if self.sent > 1:
            return None
        if self._performed:
            self._session.send(request)
        if isinstance(self._error, int):
            return AWSResponse(request.url, self._error, {}, _Empty())
        raise self._error


class _Empty:
    def stream(self):
        return iter([b""])

    def read(self):
        return b""


LOST = ConnectionClosedError(endpoint_url="https://kms")


def test_what_is_created_has_the_runs_tag(world, aws):
    """Given with the create; what the caller's own tags are stays."""
    arn = ca_hierarchy.create_root(
        aws.client("acm-pca"), {"CommonName": "Tagged"}, Tags=[{"Key": "team", "Value": "pki"}]
    )
    tags = world.client("acm-pca").list_tags(CertificateAuthorityArn=arn)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "pki", "pkilab:run": aws.run}


def test_the_journal_shows_what_was_asked_without_the_tag(aws):
    """So it is the same call that a simulated lab makes."""
    aws.client("s3").create_bucket(Bucket="as-asked")
    assert aws.journal.entries[-1].parameters == {"Bucket": "as-asked"}


def test_a_lost_answer_makes_no_second_ca(world, aws):
    """The retry carries the same token."""
    pca = aws.client("acm-pca")
    losing = Losing(pca, LOST)
    arn = pca.create_certificate_authority(**CA)["CertificateAuthorityArn"]
    assert losing.sent == 2
    found = world.client("acm-pca").list_certificate_authorities()["CertificateAuthorities"]
    assert [each["Arn"] for each in found] == [arn]


def test_two_equal_requests_are_two_certificates(aws):
    """A token is a call's, not a request's."""
    pca = aws.client("acm-pca")
    root = ca_hierarchy.create_root(pca, {"CommonName": "Twice"})
    csr = requests.build_request(aws.generate_key("leaf"), "CN=leaf")
    one, two = (
        ca_hierarchy.issue(pca, root, csr, validity={"Type": "DAYS", "Value": 1}) for _ in range(2)
    )
    assert one.arn != two.arn


@pytest.mark.parametrize("error", [LOST, 500], ids=["no answer", "500"])
def test_what_has_no_token_is_not_repeated_once_it_may_be_done(world, aws, error):
    """One key was made, the run stops, and the ledger has the intent."""
    kms = aws.client("kms")
    losing = Losing(kms, error)
    with pytest.raises(UncertainError, match=f"CreateKey .*pkilab:run={aws.run}"):
        kms.create_key()
    assert losing.sent == 1
    keys = world.client("kms").list_keys()["Keys"]
    assert len([k for k in keys if _is_ours(world, k["KeyArn"])]) == 1
    record = ledger.read(aws.ledger)
    assert [each.operation for each in record.entries] == ["CreateKey"]
    assert not record.entries[0].ok


def _is_ours(world, arn):
    return world.client("kms").describe_key(KeyId=arn)["KeyMetadata"]["KeyManager"] == "CUSTOMER"


def test_what_was_never_sent_is_sent_again(world, aws):
    """A refused connection made nothing."""
    kms = aws.client("kms")
    losing = Losing(kms, EndpointConnectionError(endpoint_url="https://kms"), performed=False)
    assert kms.create_key()["KeyMetadata"]["Arn"]
    assert losing.sent == 2


def test_a_certificate_is_imported_anew_under_its_arn_as_often_as_need_be(aws):
    """It replaces itself; the first import is another matter."""
    acm, key = aws.client("acm"), aws.generate_key("imported")
    pair = self_signed(key, aws.clock.now())
    arn = acm.import_certificate(**pair)["CertificateArn"]
    losing = Losing(acm, LOST)
    assert acm.import_certificate(CertificateArn=arn, **pair)["CertificateArn"] == arn
    assert losing.sent == 2


def test_a_first_import_is_not_repeated(aws):
    acm = aws.client("acm")
    Losing(acm, LOST)
    with pytest.raises(UncertainError, match="ImportCertificate"):
        acm.import_certificate(**self_signed(aws.generate_key("imported"), aws.clock.now()))


def self_signed(key, now):
    name = x509.Name.from_rfc4514_string("CN=www.example.com")
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.com")]), False)
        .sign(key, hashes.SHA256())
    )
    return {
        "Certificate": made.public_bytes(Encoding.PEM),
        "PrivateKey": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
