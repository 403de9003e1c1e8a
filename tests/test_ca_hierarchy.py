"""Hierarchies as the notebooks build them, judged by openssl."""

import stat
import time
from datetime import datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509

from pkilab import ca_hierarchy, revocation
from pkilab.errors import LabError, MalformedError
from pkilab.lab import Lab
from pkilab.pki import pem
from pkilab.pki.chains import Purpose, verify_chain
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.pki.names import subject, to_text
from pkilab.pki.requests import build_request
from pkilab.witness import openssl_verify

ACCOUNT, OTHER = "111122223333", "444455556666"
BUCKET = "lab-pki"
DAYS = {"Type": "DAYS", "Value": 30}


@pytest.fixture
def pca(lab):
    return lab.client("acm-pca")


@pytest.fixture
def s3(lab):
    return lab.client("s3")


@pytest.fixture
def crl_bucket(s3):
    """A bucket that Private CA may write to, and anyone may read CRLs from."""
    s3.create_bucket(Bucket=BUCKET)
    ca_hierarchy.admit_private_ca(s3, BUCKET, account=ACCOUNT)
    ca_hierarchy.open_crls(s3, BUCKET)
    return BUCKET


def with_crl(bucket):
    """CreateCertificateAuthority's arguments for a CA that publishes a CRL."""
    crl = {
        "Enabled": True,
        "ExpirationInDays": 7,
        "S3BucketName": bucket,
        "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
    }
    return {"RevocationConfiguration": {"CrlConfiguration": crl}}


def request(lab, name="app.example"):
    return build_request(lab.generate_key(name), f"CN={name}", dns_names=[name])


def certificate_of(pca, arn):
    """PEM of a CA's certificate."""
    found = pca.get_certificate_authority_certificate(CertificateAuthorityArn=arn)
    return found["Certificate"]


def refused(code):
    return pytest.raises(ClientError, match=code)


def test_a_certificate_two_cas_below_the_root_is_trusted_by_openssl_and_by_us(lab, pca):
    """Root, subordinate, server; and not under another root, nor without the subordinate."""
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    stranger = ca_hierarchy.create_root(pca, {"CommonName": "Stranger"})
    sub = ca_hierarchy.create_subordinate(pca, {"CommonName": "Sub"}, parent_arn=root)
    leaf = ca_hierarchy.issue(
        pca, sub, request(lab), validity=DAYS, name="EndEntityServerAuthCertificate/V1"
    )
    now, anchor = lab.clock.now(), certificate_of(pca, root)
    assert [to_text(each.subject) for each in leaf.chain] == ["CN=Sub", "CN=Root"]
    server = ["-purpose", "sslserver", "-verify_hostname", "app.example", "-x509_strict"]
    given = {"at": now, "intermediates": leaf.chain_pem, "options": server}
    assert openssl_verify(leaf.pem, root=anchor, **given).agrees
    assert not openssl_verify(leaf.pem, root=certificate_of(pca, stranger), **given).agrees
    assert not openssl_verify(leaf.pem, root=anchor, at=now).agrees
    ours = {"roots": [leaf.chain[-1]], "at": now, "purpose": Purpose.SERVER_AUTH}
    assert verify_chain(leaf.certificate, intermediates=leaf.chain[:1], **ours).trusted
    assert not verify_chain(leaf.certificate, **ours).trusted


def test_every_certificate_of_a_path_is_checked_against_its_issuers_crl(lab, pca, crl_bucket):
    """openssl -crl_check_all agrees, until the subordinate is revoked."""
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"}, **with_crl(crl_bucket))
    sub = ca_hierarchy.create_subordinate(
        pca, {"CommonName": "Sub"}, parent_arn=root, **with_crl(crl_bucket)
    )
    leaf = ca_hierarchy.issue(pca, sub, request(lab), validity=DAYS)
    lab.clock.advance(hours=1)

    def judged():
        crls = [revocation.fetch_crl(each, lab.fetch) for each in (leaf.certificate, leaf.chain[0])]
        return openssl_verify(
            leaf.pem,
            root=certificate_of(pca, root),
            intermediates=leaf.chain_pem,
            at=lab.clock.now(),
            crls=crls,
            options=["-crl_check_all"],
        )

    assert judged().agrees
    serial = format(leaf.chain[0].serial_number, "x")
    pca.revoke_certificate(
        CertificateAuthorityArn=root,
        CertificateSerial=serial,
        RevocationReason="CERTIFICATE_AUTHORITY_COMPROMISE",
    )
    lab.clock.advance(hours=1)
    assert not judged().agrees
    assert "certificate revoked" in judged().output


def test_the_path_length_of_a_ca_bounds_what_may_follow_it(pca):
    """A CA of path length 1 signs one of 0, and that none at all."""
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    one = ca_hierarchy.create_subordinate(
        pca, {"CommonName": "One"}, parent_arn=root, path_length=1, years=5
    )
    none = ca_hierarchy.create_subordinate(pca, {"CommonName": "None"}, parent_arn=one, years=3)
    shown = x509.load_pem_x509_certificate(certificate_of(pca, none).encode())
    limits = shown.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)
    with refused("ValidationException|MalformedCertificate|InvalidArgs|InvalidState"):
        ca_hierarchy.create_subordinate(pca, {"CommonName": "Too deep"}, parent_arn=none, years=1)
    states = {
        each["CertificateAuthorityConfiguration"]["Subject"]["CommonName"]: each["Status"]
        for each in pca.list_certificate_authorities()["CertificateAuthorities"]
    }
    assert states == {
        "Root": "ACTIVE", "One": "ACTIVE", "None": "ACTIVE", "Too deep": "PENDING_CERTIFICATE",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("algorithm", "signing"),
    [
        ("EC_prime256v1", "SHA256WITHECDSA"),
        ("EC_secp384r1", "SHA384WITHECDSA"),
        ("EC_secp521r1", "SHA512WITHECDSA"),
        ("ML_DSA_65", "ML_DSA_65"),
    ],
)
def test_each_key_algorithm_signs_with_its_usual_partner(pca, algorithm, signing):
    """As the CA itself says."""
    assert ca_hierarchy.signing_algorithm(algorithm) == signing
    arn = ca_hierarchy.create_ca(pca, {"CommonName": "CA"}, kind="ROOT", key_algorithm=algorithm)
    found = pca.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
    assert found["Status"] == "PENDING_CERTIFICATE"
    assert found["CertificateAuthorityConfiguration"]["SigningAlgorithm"] == signing
    assert ca_hierarchy.signing_algorithm("RSA_4096") == "SHA256WITHRSA"


def test_a_certificate_is_issued_by_template_arn_and_an_unknown_template_is_refused(lab, pca):
    """The last part of the ARN is enough to name it."""
    assert ca_hierarchy.template("A/V1") == "arn:aws:acm-pca:::template/A/V1"
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    made = ca_hierarchy.issue(
        pca, root, request(lab), validity=DAYS, name="CodeSigningCertificate/V1"
    )
    usage = made.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CODE_SIGNING]
    with refused("InvalidArgsException|ValidationException"):
        ca_hierarchy.issue(pca, root, request(lab), validity=DAYS, name="NoSuchCertificate/V1")


def test_a_request_is_taken_as_pem_text_bytes_or_object(lab, pca):
    """All three are the same request, and text that is none is refused."""
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    csr = request(lab)
    text = csr.public_bytes(ca_hierarchy.Encoding.PEM)
    for form in (csr, text, text.decode()):
        made = ca_hierarchy.issue(pca, root, form, validity=DAYS)
        assert made.certificate.public_key() == csr.public_key()
        assert made.pem == pem.to_pem(made.certificate)
    with refused("MalformedCSRException"):
        ca_hierarchy.issue(pca, root, "not a request", validity=DAYS)


def test_a_bucket_admits_private_ca_for_the_account_named_only(pca, s3):
    """A bucket for another account's CAs keeps this one's out."""
    s3.create_bucket(Bucket=BUCKET)
    ca_hierarchy.admit_private_ca(s3, BUCKET, account=OTHER)
    slept = []
    with pytest.raises(LabError, match=r"0:01:00 for Private CA .* bucket 'lab-pki'"):
        ca_hierarchy.create_root(
            pca, {"CommonName": "Root"}, sleep=slept.append, **with_crl(BUCKET)
        )
    assert sum(slept) == 60
    ca_hierarchy.admit_private_ca(s3, BUCKET, account=ACCOUNT)
    assert ca_hierarchy.create_root(pca, {"CommonName": "Root"}, **with_crl(BUCKET))


def test_opened_crls_can_be_read_by_anyone_and_nothing_else_of_the_bucket(lab, s3):
    """Below crl/, by GET; what is not there answers as what is private."""
    s3.create_bucket(Bucket=BUCKET)
    ca_hierarchy.admit_private_ca(s3, BUCKET, account=ACCOUNT)
    s3.put_object(Bucket=BUCKET, Key="crl/a.crl", Body=b"list")
    s3.put_object(Bucket=BUCKET, Key="audit/a.json", Body=b"private")
    site = f"http://{BUCKET}.s3.us-east-1.amazonaws.com"
    assert lab.fetch(f"{site}/crl/a.crl").status == 403
    ca_hierarchy.open_crls(s3, BUCKET)
    assert lab.fetch(f"{site}/crl/a.crl").body == b"list"
    for path in ("audit/a.json", "crl/missing.crl", "", "crl/a.crl?acl", "crl/../audit/a.json"):
        assert lab.fetch(f"{site}/{path}").status == 403, path
    assert lab.fetch(f"{site}/crl/b.crl", b"written by anyone").status == 403


def test_an_audit_report_lists_what_was_issued_and_revoked(lab, pca, s3, crl_bucket):
    """Read from the bucket; without the right to write there, none is made."""
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    leaf = ca_hierarchy.issue(pca, root, request(lab), validity=DAYS)
    pca.revoke_certificate(
        CertificateAuthorityArn=root,
        CertificateSerial=format(leaf.certificate.serial_number, "x"),
        RevocationReason="SUPERSEDED",
    )
    rows = ca_hierarchy.audit_report(pca, s3, root, crl_bucket)
    by_arn = {row["certificateArn"]: row for row in rows}
    assert len(rows) == 2
    assert by_arn[leaf.arn]["revocationReason"] == "SUPERSEDED"
    s3.create_bucket(Bucket="closed-to-private-ca")
    lab.clock.advance(minutes=31)
    with refused("closed-to-private-ca"):
        ca_hierarchy.audit_report(pca, s3, root, "closed-to-private-ca")


def test_a_slow_ca_can_be_watched_while_its_key_is_made():
    """With latency and a frozen clock AWS's intermediate states last until time is advanced."""
    with Lab.simulated(seed="slow", latency=timedelta(seconds=30)) as lab:
        pca = lab.client("acm-pca")
        arn = pca.create_certificate_authority(
            CertificateAuthorityType="ROOT",
            CertificateAuthorityConfiguration={
                "KeyAlgorithm": "EC_prime256v1",
                "SigningAlgorithm": "SHA256WITHECDSA",
                "Subject": {"CommonName": "Slow"},
            },
        )["CertificateAuthorityArn"]
        where = {"CertificateAuthorityArn": arn}
        describe = pca.describe_certificate_authority
        assert describe(**where)["CertificateAuthority"]["Status"] == "CREATING"
        with refused("RequestInProgressException"):
            pca.get_certificate_authority_csr(**where)
        lab.clock.advance(seconds=30)
        assert describe(**where)["CertificateAuthority"]["Status"] == "PENDING_CERTIFICATE"
        csr = pca.get_certificate_authority_csr(**where)["Csr"]
        issued = pca.issue_certificate(
            **where,
            Csr=csr.encode(),
            SigningAlgorithm="SHA256WITHECDSA",
            TemplateArn=ca_hierarchy.template("RootCACertificate/V1"),
            Validity=DAYS,
        )["CertificateArn"]
        with refused("RequestInProgressException"):
            pca.get_certificate(**where, CertificateArn=issued)
        lab.clock.advance(seconds=30)
        assert pca.get_certificate(**where, CertificateArn=issued)["Certificate"]


def test_the_waiters_wait_on_a_live_clock():
    """AWS's waiters look again after 3 and 1 seconds, and then find what was ordered."""
    with Lab.simulated(seed="slow", now="live", latency=timedelta(seconds=0.5)) as lab:
        pca = lab.client("acm-pca")
        started = time.monotonic()
        arn = ca_hierarchy.create_root(pca, {"CommonName": "Slow"})
        assert time.monotonic() - started > 1
        assert certificate_of(pca, arn).startswith("-----BEGIN CERTIFICATE-----")


# An external root


@pytest.fixture(scope="module")
def rsa_key():
    """RSA takes a second to make from a seed."""
    return generate_key("RSA_2048", Entropy("external root"))


@pytest.fixture
def external(rsa_key, tmp_path, lab):
    return ca_hierarchy.ExternalRoot(
        tmp_path / "root", rsa_key, subject="O=Example, CN=Desktop Root", at=lab.clock.now()
    )


def test_a_subordinate_in_private_ca_can_hang_below_a_root_of_openssls(lab, pca, external):
    """Its certificates are trusted under the external root, and not under one of AWS."""
    now = lab.clock.now()
    arn = ca_hierarchy.create_ca(
        pca, {"Organization": "Example", "CommonName": "Cloud CA"}, kind="SUBORDINATE"
    )
    csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
    signed, said = external.sign(csr, at=now)
    assert said.command.startswith("openssl ca -batch")
    pca.import_certificate_authority_certificate(
        CertificateAuthorityArn=arn,
        Certificate=signed.encode(),
        CertificateChain=external.certificate.encode(),
    )
    leaf = ca_hierarchy.issue(pca, arn, request(lab), validity=DAYS)
    given = {"at": now, "intermediates": leaf.chain_pem}
    assert openssl_verify(leaf.pem, root=external.certificate, **given).agrees
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    assert not openssl_verify(leaf.pem, root=certificate_of(pca, root), **given).agrees


def test_what_an_external_root_signs_for_another_ca_cannot_be_installed(lab, pca, external):
    """The key of the CSR is the other CA's."""
    arns = [
        ca_hierarchy.create_ca(pca, {"CommonName": "Same"}, kind="SUBORDINATE") for _ in range(2)
    ]
    csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arns[0])["Csr"]
    signed, _ = external.sign(csr, at=lab.clock.now())
    with refused("MalformedCertificateException|CertificateMismatchException"):
        pca.import_certificate_authority_certificate(
            CertificateAuthorityArn=arns[1],
            Certificate=signed.encode(),
            CertificateChain=external.certificate.encode(),
        )


def test_an_external_root_repeats_keeps_its_key_to_itself_and_its_dates(
    external, rsa_key, tmp_path, lab
):
    """Same key, name and time, same certificate; the folder and the key are its owner's."""
    again = ca_hierarchy.ExternalRoot(
        tmp_path / "again", rsa_key, subject="O=Example, CN=Desktop Root", at=lab.clock.now()
    )
    assert again.certificate == external.certificate
    for path, mode in ((tmp_path / "root", 0o700), (tmp_path / "root" / "root.key", 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    made = pem.load_certificate(external.certificate)
    assert made.not_valid_before_utc == lab.clock.now()
    assert made.not_valid_after_utc == lab.clock.now() + timedelta(days=20 * 365)


@pytest.mark.parametrize(
    "name",
    [
        "CN=a/O=b",
        r"O=É\+è, CN=日本",
        "O=a+OU=b, CN=c",
        r"CN=back\\slash\, comma, C=FR",
        "CN=x, O=before C, C=FR",
    ],
)
def test_an_external_root_bears_the_name_given(name, rsa_key, tmp_path, lab):
    """Whatever openssl's -subj takes for a separator, in the order written."""
    made = ca_hierarchy.ExternalRoot(tmp_path / "r", rsa_key, subject=name, at=lab.clock.now())
    assert to_text(pem.load_certificate(made.certificate).subject) == to_text(subject(name))


def test_an_external_root_refuses_what_would_not_repeat_or_is_no_name(lab, rsa_key, tmp_path):
    """And makes no folder for it; a folder that is there is not taken over."""
    at: datetime = lab.clock.now()
    new = tmp_path / "new"
    with pytest.raises(MalformedError, match="expected RSA"):
        ca_hierarchy.ExternalRoot(new, lab.generate_key("ec"), subject="CN=a", at=at)
    with pytest.raises(MalformedError, match="name"):
        ca_hierarchy.ExternalRoot(new, rsa_key, subject="nothing", at=at)
    assert not new.exists()
    with pytest.raises(FileExistsError):
        ca_hierarchy.ExternalRoot(tmp_path, rsa_key, subject="CN=a", at=at)


def test_an_external_root_says_what_openssl_refused(external, lab):
    """With openssl's own words."""
    with pytest.raises(LabError, match="openssl ca refused: "):
        external.sign("not a request", at=lab.clock.now())
