import base64
import contextlib
import itertools
import subprocess
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.pki import names
from pkilab.pki.keys import generate_key
from pkilab.simulator.service import AwsError

MALFORMED, MISMATCH = "MalformedCertificateException", "CertificateMismatchException"
CRITICAL_CA = (x509.BasicConstraints(ca=True, path_length=None), True)


class External:
    """A CA of one's own, outside AWS: root and intermediates with one key each."""

    def __init__(self, world):
        self.now = world.clock.now()
        self.entropy = world.entropy("external")
        self.keys, self.serials = {}, itertools.count(1)

    def key(self, name):
        """The key of a name."""
        if name not in self.keys:
            self.keys[name] = generate_key("EC_prime256v1", self.entropy.child(name))
        return self.keys[name]

    def sign(self, issuer, subject, public_key=None, *, days=400, since=-1, extensions=()):
        """Sign a certificate; a CA one by default."""
        builder = (
            x509.CertificateBuilder()
            .issuer_name(names.subject(issuer))
            .subject_name(names.subject(subject))
            .public_key(public_key or self.key(subject).public_key())
            .serial_number(next(self.serials))
            .not_valid_before(self.now + timedelta(days=since))
            .not_valid_after(self.now + timedelta(days=days))
        )
        for value, critical in extensions or (CRITICAL_CA,):
            builder = builder.add_extension(value, critical)
        return builder.sign(self.key(issuer), hashes.SHA256(), ecdsa_deterministic=True)


@pytest.fixture
def external(pca):
    """A CA outside AWS."""
    return External(pca.world)


@pytest.fixture
def waiting(pca):
    """A subordinate CA that waits for its certificate, and its key."""
    arn = pca.create("SUBORDINATE", subject={"CommonName": "Sub"})
    return arn, x509.load_pem_x509_csr(pca.csr_of(arn)).public_key()


def pem(*certificates):
    """Certificates as PEM."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def members(arn, certificate, *chain):
    """The request's members."""
    return {
        "CertificateAuthorityArn": arn,
        "Certificate": certificate if isinstance(certificate, bytes) else pem(certificate),
        **({"CertificateChain": pem(*chain)} if chain else {}),
    }


IMPORT = "ImportCertificateAuthorityCertificate"


def test_a_subordinate_under_an_external_hierarchy_becomes_active(pca, external, waiting, tmp_path):
    arn, key = waiting
    root = external.sign("CN=Root", "CN=Root", days=900)
    middle = external.sign("CN=Root", "CN=Middle", days=800)
    own = external.sign("CN=Middle", "CN=Sub", key)
    pca(IMPORT, **members(arn, own, middle, root))
    assert pca.status(arn) == "ACTIVE"
    answer = pca("GetCertificateAuthorityCertificate", CertificateAuthorityArn=arn)
    assert answer["Certificate"].encode() == pem(own).rstrip()
    assert answer["CertificateChain"].encode() == pem(middle, root).rstrip()
    leaf = pca.get(arn, pca.order(arn))
    (tmp_path / "leaf").write_text(leaf["Certificate"])
    (tmp_path / "chain").write_text(leaf["CertificateChain"])
    (tmp_path / "root").write_bytes(pem(root))
    subprocess.run(
        ["openssl", "verify", "-attime", str(int(pca.now.timestamp())),
         "-CAfile", tmp_path / "root", "-untrusted", tmp_path / "chain", tmp_path / "leaf"],
        check=True, capture_output=True,
    )  # fmt: skip


def test_a_root_comes_without_a_chain_and_signs_itself(pca, external):
    arn = pca.create(subject={"CommonName": "Own"})
    own = pca.get(arn, pca.order(arn, pca.csr_of(arn), "RootCACertificate"))["Certificate"].encode()
    other = external.sign("CN=Root", "CN=Root")
    pca.refused("InvalidRequestException", IMPORT, **members(arn, own, other))
    key = x509.load_pem_x509_csr(pca.csr_of(arn)).public_key()
    signed = external.sign("CN=Root", "CN=Own", key)
    pca.refused(MALFORMED, IMPORT, **members(arn, signed))
    pca(IMPORT, **members(arn, own))


def test_a_subordinate_needs_its_chain_and_must_not_sign_itself(pca, external, waiting):
    arn, key = waiting
    own = external.sign("CN=Root", "CN=Sub", key)
    assert "chain" in pca.refused("InvalidRequestException", IMPORT, **members(arn, own))
    root_like = pca.create(subject={"CommonName": "Sub"})
    certificate = pca.issue(root_like, pca.csr_of(root_like), "RootCACertificate")
    pca.refused(MISMATCH, IMPORT, **members(arn, certificate, certificate))


def test_another_key_or_another_subject_is_a_mismatch(pca, external, waiting):
    arn, key = waiting
    root = external.sign("CN=Root", "CN=Root")
    message = pca.refused(
        MISMATCH, IMPORT, **members(arn, external.sign("CN=Root", "CN=Sub"), root)
    )
    assert "key" in message
    renamed = external.sign("CN=Root", "CN=Sub, O=Lab", key)
    assert "subject" in pca.refused(MISMATCH, IMPORT, **members(arn, renamed, root))


@pytest.mark.parametrize(
    "extensions",
    [
        [(x509.SubjectAlternativeName([x509.DNSName("a")]), False)],
        [(x509.BasicConstraints(ca=False, path_length=None), True)],
        [(x509.BasicConstraints(ca=True, path_length=None), False)],
    ],
    ids=["none", "CA:FALSE", "not critical"],
)
def test_basic_constraints_must_be_critical_and_say_ca(pca, external, waiting, extensions):
    arn, key = waiting
    own = external.sign("CN=Root", "CN=Sub", key, extensions=extensions)
    root = external.sign("CN=Root", "CN=Root")
    message = pca.refused("ValidationException", IMPORT, **members(arn, own, root))
    assert "BasicConstraints" in message


POINT = x509.DistributionPoint([x509.UniformResourceIdentifier("http://a")], None, None, None)
AIA = x509.AccessDescription(
    x509.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://a")
)


@pytest.mark.parametrize(
    ("value", "may_be_critical"),
    [
        (x509.CRLDistributionPoints([POINT]), False),
        (x509.FreshestCRL([POINT]), False),
        (x509.AuthorityInformationAccess([AIA]), False),
        (x509.PolicyConstraints(1, None), False),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False),
        (x509.NameConstraints([x509.DNSName("a")], None), True),
        (x509.InhibitAnyPolicy(1), True),
        (x509.SubjectAlternativeName([x509.DNSName("a")]), True),
        (x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), True),
        (
            x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2"), None)]),
            True,
        ),
    ],
    ids=lambda one: type(one).__name__,
)
def test_only_the_extensions_of_awss_list_may_be_critical(
    pca, external, waiting, value, may_be_critical
):
    arn, key = waiting
    root = external.sign("CN=Root", "CN=Root")
    critical = external.sign("CN=Root", "CN=Sub", key, extensions=[CRITICAL_CA, (value, True)])
    if may_be_critical:
        pca(IMPORT, **members(arn, critical, root))
    else:
        message = pca.refused(MALFORMED, IMPORT, **members(arn, critical, root))
        assert value.oid.dotted_string in message
        plain = external.sign("CN=Root", "CN=Sub", key, extensions=[CRITICAL_CA, (value, False)])
        pca(IMPORT, **members(arn, plain, root))


def test_the_chain_must_be_whole_in_order_and_of_cas(pca, external, waiting):
    arn, key = waiting
    root = external.sign("CN=Root", "CN=Root", days=900)
    middle = external.sign("CN=Root", "CN=Middle", days=800)
    own = external.sign("CN=Middle", "CN=Sub", key)
    leaf = [(x509.BasicConstraints(ca=False, path_length=None), True)]
    no_ca = external.sign("CN=Root", "CN=Middle", extensions=leaf, days=800)
    impostor = External(pca.world)
    impostor.entropy = pca.world.entropy("impostor")
    wrong = {
        "reversed": (root, middle),
        "without its issuer": (root,),
        "without its root": (middle,),
        "with the certificate itself": (own, middle, root),
        "with one twice": (middle, root, root),
        "with a stranger": (middle, root, external.sign("CN=Other", "CN=Other")),
        "with another key of the same name": (impostor.sign("CN=Root", "CN=Middle"), root),
        "with a leaf": (no_ca, root),
    }
    for what, chain in wrong.items():
        assert pca.refused(MALFORMED, IMPORT, **members(arn, own, *chain)), what
    assert pca.status(arn) == "PENDING_CERTIFICATE"
    pca(IMPORT, **members(arn, own, middle, root))


def test_every_path_length_above_must_allow_the_certificate(pca, external, waiting):
    arn, key = waiting

    def ca(length):
        return [(x509.BasicConstraints(ca=True, path_length=length), True)]

    own = external.sign("CN=Middle", "CN=Sub", key, extensions=ca(0))
    for root_length, middle_length, allowed in [
        (None, 0, False),
        (1, 1, False),
        (2, 1, True),
    ]:
        root = external.sign("CN=Root", "CN=Root", extensions=ca(root_length), days=900)
        middle = external.sign("CN=Root", "CN=Middle", extensions=ca(middle_length), days=800)
        if allowed:
            pca(IMPORT, **members(arn, own, middle, root))
        else:
            message = pca.refused("ValidationException", IMPORT, **members(arn, own, middle, root))
            assert "path length" in message


def test_dates_must_fit_the_signer_and_the_day(pca, external, waiting):
    arn, key = waiting
    root = external.sign("CN=Root", "CN=Root", days=100)
    longer = external.sign("CN=Root", "CN=Sub", key, days=101)
    assert "longer" in pca.refused(MISMATCH, IMPORT, **members(arn, longer, root))
    past = external.sign("CN=Root", "CN=Sub", key, days=-1, since=-2)
    assert "expired" in pca.refused(MALFORMED, IMPORT, **members(arn, past, root))
    old_root = external.sign("CN=Root", "CN=Root", days=-1, since=-2)
    fresh = external.sign("CN=Root", "CN=Sub", key, days=100)
    assert "expired" in pca.refused(MALFORMED, IMPORT, **members(arn, fresh, old_root))
    pca(IMPORT, **members(arn, fresh, root))


@pytest.mark.parametrize("garbage", [b"garbage", b"\x30\x00", b"\xff\xfe", b"-----BEGIN X-----"])
def test_what_is_no_pem_certificate_is_malformed(pca, external, waiting, garbage):
    arn, key = waiting
    own, root = external.sign("CN=Root", "CN=Sub", key), external.sign("CN=Root", "CN=Root")
    pca.refused(MALFORMED, IMPORT, **members(arn, garbage))
    pca.refused(MALFORMED, IMPORT, **{**members(arn, own), "CertificateChain": garbage})
    pca.refused(MALFORMED, IMPORT, **members(arn, pem(own, root)))
    pca.refused(MALFORMED, IMPORT, **members(arn, own.public_bytes(Encoding.DER)))


def test_oversized_input_is_refused_by_the_model(pca, waiting):
    arn, _ = waiting
    for name, size in (("Certificate", 32769), ("CertificateChain", 2097153)):
        message = pca.refused(
            "ValidationException",
            IMPORT,
            **{"CertificateAuthorityArn": arn, "Certificate": b"x", name: b"x" * size},
        )
        assert str(size - 1) in message


def test_a_renewed_certificate_of_the_same_key_extends_the_ca_in_place(pca):
    root = pca.root(days=100)
    leaf = pca.issue(root)
    answer = pca.get(root, pca.order(root, pca.csr_of(root), "RootCACertificate", days=1000))
    pca.install(root, answer)
    assert pca.status(root) == "ACTIVE"
    leaf.verify_directly_issued_by(pca.certificate(root))
    assert pca.issue(root, days=900)


def test_a_certificate_without_ski_gives_its_leaves_the_hash_of_its_key(pca, external, waiting):
    arn, key = waiting
    root = external.sign("CN=Root", "CN=Root")
    pca(IMPORT, **members(arn, external.sign("CN=Root", "CN=Sub", key), root))
    aki = pca.issue(arn).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert aki.key_identifier == x509.SubjectKeyIdentifier.from_public_key(key).digest


@pytest.mark.parametrize(
    "oid",
    [
        x509.ExtensionOID.BASIC_CONSTRAINTS,
        x509.ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        x509.ExtensionOID.NAME_CONSTRAINTS,
        x509.ExtensionOID.KEY_USAGE,
    ],
    ids=lambda oid: oid._name,
)
@pytest.mark.parametrize("whose", ["own", "root"])
def test_a_well_signed_certificate_with_a_garbled_extension_is_malformed(
    pca, external, waiting, oid, whose
):
    arn, key = waiting
    garbled = [(x509.UnrecognizedExtension(oid, b"\x30\x03\x02"), False)]
    if oid != x509.ExtensionOID.BASIC_CONSTRAINTS:
        garbled.append(CRITICAL_CA)
    own = external.sign("CN=Root", "CN=Sub", key, extensions=garbled if whose == "own" else ())
    root = external.sign("CN=Root", "CN=Root", extensions=garbled if whose == "root" else ())
    pca.refused(MALFORMED, IMPORT, **members(arn, own, root))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_a_damaged_certificate_or_chain_gives_a_declared_error(pca, external, waiting, data):
    """Bytes changed, cut out or put in anywhere, in the certificate or its issuer."""
    arn, key = waiting
    external.serials = itertools.count(1)
    ders = [
        bytearray(one.public_bytes(Encoding.DER))
        for one in (external.sign("CN=Root", "CN=Sub", key), external.sign("CN=Root", "CN=Root"))
    ]
    victim = data.draw(st.sampled_from([0, 1]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(ders[victim]) - 1))
        cut = data.draw(st.integers(0, 2))
        ders[victim][at : at + cut] = data.draw(st.binary(max_size=2))
    own, root = (
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
        for der in ders
    )
    with contextlib.suppress(AwsError):  # its code is checked by the fixture
        pca(IMPORT, CertificateAuthorityArn=arn, Certificate=own, CertificateChain=root)
