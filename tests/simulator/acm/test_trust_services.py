"""The addresses in public certificates, and that each of them answers."""

import subprocess
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from pkilab import Lab
from pkilab.errors import LabError
from pkilab.pki import crl as crls
from pkilab.pki import ocsp as answers
from pkilab.pki import pem
from pkilab.pki.certificates import extension_value
from pkilab.pki.crl import Revocation


class Issued:
    """A public certificate of a lab, and what is published of it."""

    def __init__(self, lab, key_algorithm):
        self.lab, self.key_algorithm = lab, key_algorithm
        gateway = lab._place.gateway
        self.amazon = gateway.apis._amazon
        self.certificate, self.other = self.issue("www.lab.example"), self.issue("b.lab.example")
        self.issuer, self.root = self.amazon.chain(self.certificate.public_key())

    def issue(self, name):
        """Issue a certificate for ninety days."""
        now, key = self.lab.clock.now(), self.lab.generate_key(name, self.key_algorithm)
        with self.lab._place.world.turn():
            return self.amazon.server_certificate(
                (name,), key.public_key(), now, now + timedelta(days=90)
            )

    def revoke(self, certificate, reason):
        """Revoke a certificate now."""
        now = self.lab.clock.now()
        self.amazon.revoke(certificate.serial_number, reason, now)

    def address(self, kind):
        """Return the URL in the certificate: crl, ocsp or issuer."""
        if kind == "crl":
            points = extension_value(self.certificate, x509.CRLDistributionPoints)
            return points[0].full_name[0].value
        access = extension_value(self.certificate, x509.AuthorityInformationAccess)
        method = {"ocsp": Access.OCSP, "issuer": Access.CA_ISSUERS}[kind]
        (found,) = [each for each in access if each.access_method == method]
        return found.access_location.value

    def crl(self):
        """Fetch the CRL."""
        fetched = self.lab.fetch(self.address("crl"))
        assert fetched.status == 200
        return x509.load_der_x509_crl(fetched.body)

    def ask(self, certificate):
        """Ask OCSP about a certificate and return the answer as a client judges it."""
        request = ocsp.OCSPRequestBuilder().add_certificate(
            certificate, self.issuer, certificate.signature_hash_algorithm
        )
        der = request.build().public_bytes(Encoding.DER)
        kind = "application/ocsp-request"
        fetched = self.lab.fetch(self.address("ocsp"), der, content_type=kind)
        assert fetched.status == 200
        return answers.check(fetched.body, certificate, self.issuer, self.lab.clock.now())


@pytest.fixture(params=["EC_prime256v1", "RSA_2048"])
def issued(lab, request):
    """Both families publish."""
    return Issued(lab, request.param)


def test_the_issuer_is_where_the_certificate_says(issued):
    """In DER."""
    fetched = issued.lab.fetch(issued.address("issuer"))
    assert x509.load_der_x509_certificate(fetched.body) == issued.issuer


def test_the_crl_lists_what_was_revoked_and_nothing_else(issued):
    """Signed by the issuer, good for a week, with a number that grows."""
    first = issued.crl()
    assert len(first) == 0
    issued.revoke(issued.other, "KEY_COMPROMISE")
    second = issued.crl()
    now = issued.lab.clock.now()
    own = crls.check(issued.certificate, second, issued.issuer, now)
    other = crls.check(issued.other, second, issued.issuer, now)
    assert (own.status, other.status) == (Revocation.GOOD, Revocation.REVOKED)
    assert other.reason == "keyCompromise"
    numbers = [extension_value(each, x509.CRLNumber).crl_number for each in (first, second)]
    issued.lab.clock.advance(days=1)
    numbers.append(extension_value(issued.crl(), x509.CRLNumber).crl_number)
    assert numbers == sorted(set(numbers))
    late = crls.check(issued.certificate, second, issued.issuer, now + timedelta(days=8))
    assert late.status is Revocation.UNUSABLE


@pytest.mark.parametrize(
    ("said", "meant"),
    [("CA_COMPROMISE", "cACompromise"), ("SUPERCEDED", "superseded"), ("SUPERSEDED", "superseded")],
)
def test_acms_words_for_reasons_are_x509s(issued, said, meant):
    """Whichever it uses."""
    issued.revoke(issued.other, said)
    found = crls.check(issued.other, issued.crl(), issued.issuer, issued.lab.clock.now())
    assert found.reason == meant


def test_ocsp_says_good_revoked_and_unknown(issued):
    """Unknown is what the CA has not issued, though its key signed it."""
    assert issued.ask(issued.certificate).status is Revocation.GOOD
    issued.revoke(issued.other, "KEY_COMPROMISE")
    assert issued.ask(issued.other).status is Revocation.REVOKED
    assert issued.ask(issued.certificate).status is Revocation.GOOD
    now, (_, key) = (
        issued.lab.clock.now(),
        issued.amazon._hierarchy(issued.certificate.public_key()).keys,
    )
    stolen = (
        x509.CertificateBuilder(issued.issuer.subject, issued.other.subject, key.public_key(), 7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    assert issued.ask(stolen).status is Revocation.UNKNOWN


def test_openssl_agrees_with_the_crl(issued, tmp_path):
    """It verifies the one certificate with the CRL and refuses the other."""
    issued.revoke(issued.other, "SUPERSEDED")
    (tmp_path / "crl.pem").write_bytes(issued.crl().public_bytes(Encoding.PEM))
    (tmp_path / "root.pem").write_text(pem.to_pem(issued.root))
    (tmp_path / "between.pem").write_text(pem.to_pem(issued.issuer))
    at = str(int(issued.lab.clock.now().timestamp()))

    def verified(certificate):
        (tmp_path / "leaf.pem").write_text(pem.to_pem(certificate))
        return subprocess.run(
            ["openssl", "verify", "-CAfile", "root.pem", "-untrusted", "between.pem",
             "-crl_check", "-CRLfile", "crl.pem", "-attime", at, "leaf.pem"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert verified(issued.certificate).returncode == 0
    refused = verified(issued.other)
    assert refused.returncode != 0
    assert "certificate revoked" in refused.stderr + refused.stdout


def test_openssl_agrees_with_ocsp(tmp_path):
    """Over HTTP, at the served port, by the name in the certificate; openssl's time is now."""
    with Lab.simulated(seed="ocsp", now="live") as lab:
        _ask_with_openssl(Issued(lab, "RSA_2048"), tmp_path)


def _ask_with_openssl(issued, tmp_path):
    issued.revoke(issued.other, "SUPERSEDED")
    server = issued.lab.serve()
    for name, content in (
        ("root", [issued.root]), ("between", [issued.issuer]),
        ("good", [issued.certificate]), ("revoked", [issued.other]),
    ):  # fmt: skip
        (tmp_path / f"{name}.pem").write_text(pem.to_pem(*content))
    host = issued.address("ocsp").removeprefix("http://")
    for name in ("good", "revoked"):
        said = subprocess.run(
            ["openssl", "ocsp", "-issuer", "between.pem", "-cert", f"{name}.pem", "-CAfile",
             "root.pem", "-url", server.url, "-header", f"Host={host}", "-no_nonce"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert f"{name}.pem: {name}" in said.stdout, said.stdout + said.stderr
        assert "Response verify OK" in said.stderr


def test_other_paths_and_methods_are_refused(issued):
    """And a certificate that was never issued is not revoked."""
    host = issued.address("crl").rpartition("/")[0]
    assert issued.lab.fetch(f"{host}/other.crl").status == 404
    assert issued.lab.fetch(issued.address("crl"), b"body").status == 405
    with pytest.raises(LabError, match="knows no such host"):
        issued.lab.fetch("http://crl.m02.trust.pkilab.test/m02.crl")
    issued.amazon.revoke(7, "KEY_COMPROMISE", issued.lab.clock.now())
    assert len(issued.crl()) == 0


def test_opted_out_certificates_have_the_addresses_too(issued):
    """Logging is another matter."""
    now = issued.lab.clock.now()
    key = issued.lab.generate_key("c", issued.key_algorithm).public_key()
    with issued.lab._place.world.turn():
        made = issued.amazon.server_certificate(
            ("c.lab.example",), key, now, now + timedelta(days=90), logged=False
        )
    assert issued.ask(made).status is Revocation.GOOD


def test_what_acm_revokes_the_crl_lists(desk):
    """Through the API; and another certificate of the same names is none of its business."""
    arn = desk.issue(Options={"Export": "ENABLED"})
    desk.export(arn)
    published = Issued(desk.lab, "EC_prime256v1")
    certificate = x509.load_pem_x509_certificate(
        desk.acm.get_certificate(CertificateArn=arn)["Certificate"].encode()
    )
    now, issuer = desk.lab.clock.now(), published.issuer
    assert crls.check(certificate, published.crl(), issuer, now).status is Revocation.GOOD
    desk.acm.revoke_certificate(CertificateArn=arn, RevocationReason="CA_COMPROMISE")
    found = crls.check(certificate, published.crl(), issuer, now)
    assert (found.status, found.reason) == (Revocation.REVOKED, "cACompromise")
    assert published.ask(certificate).status is Revocation.REVOKED
    assert published.ask(published.certificate).status is Revocation.GOOD
