"""A CA of one's own, by openssl ca, and its door."""

import urllib.error
import urllib.request
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab import Lab, witness
from pkilab.container_tls.own_ca import Entry, OwnCa, listen
from pkilab.errors import LabError, MalformedError
from pkilab.pki import crl, pem
from pkilab.pki.requests import build_request

KEY = ec.derive_private_key(7, ec.SECP256R1())
CSR = build_request(KEY, "CN=ignored", dns_names=["web.lab"])


@pytest.fixture(scope="module")
def lab():
    with Lab.simulated(seed="own") as lab:
        yield lab


@pytest.fixture(scope="module")
def key(lab):
    return lab.generate_key("own", "RSA_2048")


@pytest.fixture
def now(lab):
    return lab.clock.now()


@pytest.fixture
def ca(tmp_path, key, now):
    return OwnCa(tmp_path / "ca", key, "Own CA", at=now)


def test_it_issues_what_a_client_trusts(ca, now):
    """For the name that the CA says, not the request; openssl verifies it."""
    issued = ca.issue(CSR, "web.lab", at=now)
    assert issued.public_key() == KEY.public_key()
    assert issued.subject.rfc4514_string() == "CN=web.lab"
    names = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["web.lab"]
    root = pem.to_pem(ca.certificate)
    assert witness.openssl_verify(pem.to_pem(issued), root=root, at=now).agrees
    late = now + timedelta(days=8)
    assert not witness.openssl_verify(pem.to_pem(issued), root=root, at=late).agrees


def test_a_request_for_a_ca_makes_no_ca(ca, now):
    """Its extensions are not taken over."""
    wish = x509.BasicConstraints(ca=True, path_length=None)
    csr = build_request(
        KEY, "CN=x", dns_names=["web.lab"], extensions=[x509.Extension(wish.oid, True, wish)]
    )
    issued = ca.issue(csr, "web.lab", at=now)
    assert not issued.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_same_calls_give_the_same_bytes(tmp_path, key, now):
    """Certificates and an empty CRL."""
    one, two = (OwnCa(tmp_path / name, key, "Own CA", at=now) for name in "ab")
    assert one.certificate == two.certificate
    assert one.issue(CSR, "web.lab", at=now) == two.issue(CSR, "web.lab", at=now)
    assert one.crl(at=now) == two.crl(at=now)


def test_revocation_is_heard_of_when_a_list_is_made(ca, now):
    """Not before, and no longer than it lives."""
    issued = ca.issue(CSR, "web.lab", at=now)

    def says(der, at=now):
        return crl.check(issued, crl.load_crl(der), ca.certificate, at).status

    before = ca.crl(at=now)
    ca.revoke(issued)
    assert says(before) == "GOOD"
    after = ca.crl(at=now)
    assert says(after) == "REVOKED"
    assert says(after, now + timedelta(days=8)) == "UNUSABLE"
    assert ca.index() == (
        Entry("valid", "1000", "/CN=Own CA"),
        Entry("revoked", "1001", "/CN=web.lab"),
    )
    with pytest.raises(LabError, match="refused"):
        ca.revoke(issued)


@pytest.mark.parametrize("name", ["", "web lab", "WEB.lab", "*.lab", "a\nkeyUsage=x", "a,DNS:b"])
def test_what_is_no_name_is_not_certified(ca, now, name):
    """It would stand in openssl's configuration."""
    with pytest.raises(MalformedError, match="a DNS name"):
        ca.issue(CSR, name, at=now)


def test_what_cannot_be_a_ca_is_refused(tmp_path, key, now):
    """Another kind of key, a strange name, a folder that is there."""
    with pytest.raises(MalformedError, match="expected RSA"):
        OwnCa(tmp_path / "a", KEY, "Own CA", at=now)
    with pytest.raises(MalformedError, match="letters"):
        OwnCa(tmp_path / "a", key, "Own/O=CA", at=now)
    with pytest.raises(FileExistsError):
        OwnCa(tmp_path, key, "Own CA", at=now)
    OwnCa(tmp_path / "ok", key, "Own CA", at=now)
    assert (tmp_path / "ok" / "ca.key").stat().st_mode & 0o777 == 0o600


def post(url, body):
    """Return status and body."""
    try:
        with urllib.request.urlopen(url, body) as answer:  # noqa: S310 - this test's own
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def test_the_door_answers_a_request_with_the_chain(ca, now):
    """The certificate, then the CA's."""
    with listen(ca, {"web.lab"}, now=lambda: now) as url:
        status, body = post(url, CSR.public_bytes(Encoding.PEM))
    assert status == 200
    issued, root = pem.load_certificates(body)
    assert issued.public_key() == KEY.public_key()
    assert root == ca.certificate


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"none", 400, b"certificate request"),
        (b"", 400, b"nothing"),
        (build_request(KEY, "CN=x").public_bytes(Encoding.PEM), 400, b"a DNS name"),
        (
            build_request(KEY, "CN=x", dns_names=["a.lab", "web.lab"]).public_bytes(Encoding.PEM),
            400,
            b"2 DNS names",
        ),
        (
            build_request(KEY, "CN=x", dns_names=["shop.lab"]).public_bytes(Encoding.PEM),
            403,
            b"shop.lab: not among",
        ),
    ],
)
def test_the_door_refuses_what_it_may_not_issue(ca, now, body, status, words):
    """And nothing is issued."""
    with listen(ca, {"web.lab"}, now=lambda: now) as url:
        found = post(url, body)
    assert found[0] == status
    assert words in found[1]
    assert len(ca.index()) == 1
