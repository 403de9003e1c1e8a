import ipaddress
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.pki import names
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.simulator.acmpca.name_constraints import violation

KEY = generate_key("EC_prime256v1", Entropy("name constraints"))
NOW = datetime(2026, 1, 5, tzinfo=UTC)


def dns(text):
    """A DNS name."""
    return x509.DNSName(text)


def mail(text):
    """An e-mail address, or a subtree of them."""
    return x509.RFC822Name(text)


def uri(text):
    """A URI, or a subtree of them."""
    return x509.UniformResourceIdentifier(text)


def net(text):
    """An IP subtree."""
    return x509.IPAddress(ipaddress.ip_network(text))


def ip(text):
    """An IP address."""
    return x509.IPAddress(ipaddress.ip_address(text))


def directory(text):
    """A directory name."""
    return x509.DirectoryName(names.subject(text))


# subtree, names inside, names outside
SUBTREES = [
    (dns("lab.example"), [dns("lab.example"), dns("a.b.LAB.example")],
     [dns("xlab.example"), dns("example"), dns("lab.example.org")]),
    (mail("lab.example"), [mail("a@lab.example")], [mail("a@x.lab.example"), mail("a@example")]),
    (mail(".lab.example"), [mail("a@x.lab.example")], [mail("a@lab.example")]),
    (mail("a@lab.example"), [mail("a@lab.example")], [mail("b@lab.example")]),
    (uri("lab.example"), [uri("http://lab.example/x")],
     [uri("http://x.lab.example/"), uri("http://lab.example.org/")]),
    (uri(".lab.example"), [uri("https://u@x.lab.example:8443/y")], [uri("http://lab.example/")]),
    (net("10.1.0.0/16"), [ip("10.1.255.1")], [ip("10.2.0.1"), ip("2001:db8::1")]),
    (net("2001:db8::/32"), [ip("2001:db8:1::1")], [ip("2001:db9::1"), ip("10.1.0.1")]),
    (directory("C=FR, O=Lab"), [directory("C=FR, O=lab, CN=x")],
     [directory("C=DE, O=Lab"), directory("C=FR")]),
]  # fmt: skip
CASES = [
    pytest.param(subtree, name, inside, id=f"{type(subtree).__name__}-{at}-{inside}-{n}")
    for at, (subtree, good, bad) in enumerate(SUBTREES)
    for inside, group in ((True, good), (False, bad))
    for n, name in enumerate(group)
]


def leaf_with(name, subject="C=FR, O=Lab, CN=leaf"):
    """A certificate whose alternative name is ``name``."""
    return issue("CN=ca", subject, x509.SubjectAlternativeName([name]), critical=False)


def issue(issuer, subject, *values, critical=True):
    """A certificate with extensions."""
    builder = (
        x509.CertificateBuilder()
        .issuer_name(names.subject(issuer))
        .subject_name(names.subject(subject))
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
    for value in values:
        builder = builder.add_extension(value, critical)
    return builder.sign(KEY, hashes.SHA256(), ecdsa_deterministic=True)


def openssl_accepts(constraints, certificate, folder):
    """What ``openssl verify`` says of the certificate under a CA with the constraints."""
    ca = issue("CN=ca", "CN=ca", x509.BasicConstraints(True, None), constraints)
    (folder / "ca").write_bytes(ca.public_bytes(Encoding.PEM))
    (folder / "leaf").write_bytes(certificate.public_bytes(Encoding.PEM))
    done = subprocess.run(
        ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-CAfile", folder / "ca",
         folder / "leaf"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0 or "subtree violation" in done.stderr, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize(("subtree", "name", "inside"), CASES)
def test_a_name_is_judged_as_openssl_judges_it(subtree, name, inside, tmp_path):
    """A permitted subtree lets in what an excluded one keeps out."""
    subject = "CN=leaf" if not isinstance(subtree, x509.DirectoryName) else "C=FR, O=Lab, CN=leaf"
    certificate = leaf_with(name, subject)
    permitted = x509.NameConstraints([subtree], None)
    assert (violation(permitted, certificate) is None) is inside
    assert openssl_accepts(permitted, certificate, tmp_path) is inside
    if not isinstance(subtree, x509.DirectoryName):  # the subject lies inside there
        excluded = x509.NameConstraints(None, [subtree])
        assert (violation(excluded, certificate) is None) is not inside
        assert openssl_accepts(excluded, certificate, tmp_path) is not inside


def test_a_reason_names_the_kind_of_name_and_of_subtree():
    certificate = leaf_with(dns("a.example"))
    assert violation(x509.NameConstraints([dns("b.example")], None), certificate) == (
        "Name Constraints violation: DNS name not found in a permitted subtree."
    )
    assert violation(x509.NameConstraints(None, [dns("example")]), certificate) == (
        "Name Constraints violation: DNS name found in an excluded subtree."
    )


def test_constraints_of_another_kind_do_not_matter():
    assert violation(x509.NameConstraints([mail("x.example")], None), leaf_with(dns("a"))) is None


def test_a_subject_is_a_directory_name_and_its_email_address_an_email():
    certificate = issue("CN=ca", "C=DE, CN=x")
    constraints = x509.NameConstraints([directory("C=FR")], None)
    assert "Directory name not found" in violation(constraints, certificate)
    name = x509.Name([x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "a@b.example")])
    builder = x509.CertificateBuilder(
        names.subject("CN=ca"), name, KEY.public_key(), 1, NOW, NOW + timedelta(days=1)
    )
    constraints = x509.NameConstraints([mail("c.example")], None)
    certificate = builder.sign(KEY, hashes.SHA256())
    assert "Email address not found" in violation(constraints, certificate)


def test_names_that_cannot_be_read_break_every_constraint():
    oid = x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME
    certificate = issue("CN=ca", "CN=x", x509.UnrecognizedExtension(oid, b"garbage"))
    message = violation(x509.NameConstraints([dns("a")], None), certificate)
    assert "cannot be read" in message
