"""Private CA hierarchies: roots, subordinates, an external parent, and what they issued.

Every function takes boto3 clients and does what the AWS guide's page of the same matter does, with
AWS's waiters; it cannot tell where it runs. Plain boto3 calls that need no more than one line are
left to the notebook.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.errors import LabError, MalformedError
from pkilab.pki import names, pem
from pkilab.pki.keys import PrivateKey, write_private_key
from pkilab.waiting import accepted, until
from pkilab.witness import Testimony, openssl

_TEMPLATES = "arn:aws:acm-pca:::template"
_SIGNING = {
    "EC_prime256v1": "SHA256WITHECDSA",
    "EC_secp384r1": "SHA384WITHECDSA",
    "EC_secp521r1": "SHA512WITHECDSA",
}
_POLL, _BUCKET_SETTLES = timedelta(seconds=5), timedelta(minutes=1)
Validity = Mapping[str, Any]  # acm-pca's: {"Type": "DAYS", "Value": 30}


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate as GetCertificate returned it."""

    arn: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]  # issuer first, root last

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return pem.to_pem(self.certificate)

    @property
    def chain_pem(self) -> str:
        """Its chain, without it."""
        return pem.to_pem(*self.chain)


def template(name: str) -> str:
    """Return a template's ARN (``EndEntityServerAuthCertificate/V1``), in the ``aws`` partition."""
    return f"{_TEMPLATES}/{name}"


def signing_algorithm(key_algorithm: str) -> str:
    """Return the usual signing algorithm for a CA key algorithm, by acm-pca's names."""
    if key_algorithm.startswith("RSA"):
        return "SHA256WITHRSA"
    return _SIGNING.get(key_algorithm, key_algorithm)


def create_ca(
    pca: Any,  # noqa: ANN401 - boto3's clients are untyped
    subject: Mapping[str, str],
    *,
    kind: str,
    key_algorithm: str = "EC_prime256v1",
    sleep: Callable[[float], None] = time.sleep,
    **options: Any,  # noqa: ANN401 - passed on to CreateCertificateAuthority
) -> str:
    """Create a CA and wait until its key and CSR exist; it then awaits its certificate.

    A bucket for CRLs whose policy was just put is refused for a moment, so a CA that is refused for
    its bucket is tried again for a minute, as Terraform's provider does. boto3's waiter then waits
    for three minutes at most.

    Args:
        pca: an acm-pca client.
        subject: acm-pca's ASN1Subject, such as ``{"CommonName": "Root"}``.
        kind: ``"ROOT"`` or ``"SUBORDINATE"``.
        key_algorithm: acm-pca's KeyAlgorithm.
        sleep: how to wait for the bucket, in seconds.
        options: further arguments of CreateCertificateAuthority.

    Returns:
        The CA's ARN.

    Raises:
        LabError: Private CA still may not write to the bucket after a minute.
        ClientError: the CA was refused for another reason (botocore's).
        WaiterError: its key was not made in time (botocore's).
    """
    made = until(
        accepted(
            lambda: pca.create_certificate_authority(
                CertificateAuthorityType=kind,
                CertificateAuthorityConfiguration={
                    "KeyAlgorithm": key_algorithm,
                    "SigningAlgorithm": signing_algorithm(key_algorithm),
                    "Subject": dict(subject),
                },
                **options,
            ),
            "InvalidPolicyException",
            "ValidationException",
            saying="Permission error with your S3 bucket",
        ),
        what="Private CA to be let into the bucket for CRLs",
        at_most=_BUCKET_SETTLES,
        every=_POLL,
        sleep=sleep,
    )
    arn: str = made["CertificateAuthorityArn"]
    pca.get_waiter("certificate_authority_csr_created").wait(CertificateAuthorityArn=arn)
    return arn


def create_root(
    pca: Any,  # noqa: ANN401
    subject: Mapping[str, str],
    *,
    years: int = 10,
    **options: Any,  # noqa: ANN401
) -> str:
    """Create a root CA and install its self-signed certificate. Returns the ARN.

    Source: guide, "Installing a root CA certificate". ``options`` as in `create_ca`.
    """
    arn = create_ca(pca, subject, kind="ROOT", **options)
    install(pca, arn, issuer_arn=arn, name="RootCACertificate/V1", years=years)
    return arn


def create_subordinate(
    pca: Any,  # noqa: ANN401
    subject: Mapping[str, str],
    *,
    parent_arn: str,
    path_length: int = 0,
    years: int = 3,
    parent_pca: Any = None,  # noqa: ANN401
    **options: Any,  # noqa: ANN401
) -> str:
    """Create a subordinate CA and install a certificate signed by a parent in Private CA.

    Args:
        pca: the client of the account that will own the subordinate.
        subject: its ASN1Subject.
        parent_arn: an ACTIVE CA; its path length must be greater than ``path_length``.
        path_length: how many CAs may follow below it, 0 to 3.
        years: its validity; it must end before the parent's.
        parent_pca: the client to issue with, if the parent is in another account.
        options: as in `create_ca`.

    Returns:
        The ARN. If the parent refuses, the CA is left in PENDING_CERTIFICATE.
    """
    arn = create_ca(pca, subject, kind="SUBORDINATE", **options)
    install(
        pca,
        arn,
        issuer_arn=parent_arn,
        name=f"SubordinateCACertificate_PathLen{path_length}/V1",
        years=years,
        issuer_pca=parent_pca,
    )
    return arn


def install(
    pca: Any,  # noqa: ANN401
    arn: str,
    *,
    issuer_arn: str,
    name: str,
    years: int,
    issuer_pca: Any = None,  # noqa: ANN401
) -> Issued:
    """Let ``issuer_arn`` sign a CA's CSR by template ``name``, and import the result."""
    csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
    issued = issue(
        issuer_pca or pca,
        issuer_arn,
        csr,
        validity={"Type": "YEARS", "Value": years},
        name=name,
    )
    chain = {} if arn == issuer_arn else {"CertificateChain": issued.chain_pem.encode()}
    pca.import_certificate_authority_certificate(
        CertificateAuthorityArn=arn, Certificate=issued.pem.encode(), **chain
    )
    return issued


def issue(
    pca: Any,  # noqa: ANN401
    ca_arn: str,
    csr: str | bytes | x509.CertificateSigningRequest,
    *,
    validity: Validity,
    name: str = "EndEntityCertificate/V1",
    **options: Any,  # noqa: ANN401
) -> Issued:
    """Issue a certificate, wait for it and fetch it with its chain.

    boto3's waiter waits for a minute at most.

    Args:
        pca: an acm-pca client.
        ca_arn: the issuing CA.
        csr: PEM, or the request itself.
        validity: acm-pca's Validity, such as ``{"Type": "DAYS", "Value": 30}``.
        name: the template, by the last part of its ARN.
        options: further arguments of IssueCertificate.
    """
    if isinstance(csr, x509.CertificateSigningRequest):
        csr = csr.public_bytes(Encoding.PEM)
    described = pca.describe_certificate_authority(CertificateAuthorityArn=ca_arn)
    key = described["CertificateAuthority"]["CertificateAuthorityConfiguration"]["KeyAlgorithm"]
    arn = pca.issue_certificate(
        CertificateAuthorityArn=ca_arn,
        Csr=csr.encode() if isinstance(csr, str) else csr,
        SigningAlgorithm=signing_algorithm(key),
        TemplateArn=template(name),
        Validity=dict(validity),
        **options,
    )["CertificateArn"]
    where = {"CertificateAuthorityArn": ca_arn, "CertificateArn": arn}
    pca.get_waiter("certificate_issued").wait(**where)
    got = pca.get_certificate(**where)
    # A root that signed itself has no chain.
    chain = got.get("CertificateChain")
    return Issued(
        arn,
        pem.load_certificate(got["Certificate"]),
        pem.load_certificates(chain) if chain else (),
    )


def admit_private_ca(s3: Any, bucket: str, *, account: str) -> None:  # noqa: ANN401
    """Let Private CA write CRLs and audit reports to a bucket, for the CAs of one account.

    The bucket policy is replaced. Block Public Access stays as it is: new buckets have it on.
    Source: guide, "Access policies for CRLs in Amazon S3".
    """
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(bucket_policy(bucket, account)))


def bucket_policy(bucket: str, account: str) -> dict[str, Any]:
    """Return the policy that lets Private CA write to a bucket on behalf of one account."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "PrivateCaWritesHere",
                "Effect": "Allow",
                "Principal": {"Service": "acm-pca.amazonaws.com"},
                "Action": [
                    "s3:PutObject",
                    "s3:PutObjectAcl",
                    "s3:GetBucketAcl",
                    "s3:GetBucketLocation",
                ],
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
        ],
    }


def open_crls(s3: Any, bucket: str) -> None:  # noqa: ANN401
    """Let anyone read what lies below ``crl/`` in a bucket, and nothing else in it.

    Public ACLs stay blocked; one statement is added to the bucket policy. AWS recommends CloudFront
    in front of a private bucket instead (guide, "Enabling the S3 Block Public Access feature").
    """
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": False,
        },
    )
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    policy["Statement"].append(
        {
            "Sid": "AnyoneReadsCrls",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/crl/*",
        }
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def audit_report(pca: Any, s3: Any, ca_arn: str, bucket: str) -> list[dict[str, Any]]:  # noqa: ANN401
    """Have Private CA write an audit report to ``bucket``, wait for it and read its rows.

    Private CA makes one report per CA and 30 minutes. boto3's waiter waits for three minutes.
    """
    made = pca.create_certificate_authority_audit_report(
        CertificateAuthorityArn=ca_arn, S3BucketName=bucket, AuditReportResponseFormat="JSON"
    )
    pca.get_waiter("audit_report_created").wait(
        CertificateAuthorityArn=ca_arn, AuditReportId=made["AuditReportId"]
    )
    rows: list[dict[str, Any]] = json.load(s3.get_object(Bucket=bucket, Key=made["S3Key"])["Body"])
    return rows


_OPENSSL_CA = """\
[ca]
default_ca = root
# Keep the order of the names: Private CA compares the subject with its CSR's.
preserve = yes
[root]
database = index.txt
new_certs_dir = .
private_key = root.key
certificate = root.pem
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
stateOrProvinceName = optional
localityName = optional
commonName = supplied
[v3_ca]
subjectKeyIdentifier = hash
basicConstraints = critical, CA:true
keyUsage = critical, digitalSignature, cRLSign, keyCertSign
[v3_intermediate_ca]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, digitalSignature, cRLSign, keyCertSign
[v3_client]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
[req]
distinguished_name = empty
[empty]
"""


class ExternalRoot:
    """A root CA outside AWS, operated with the real ``openssl ca`` in a folder of its own.

    Args:
        folder: a new folder; holds the key (0600), the certificate and openssl's database.
        key: RSA, because its PKCS #1 v1.5 signatures repeat while openssl's ECDSA ones do not.
        subject: in written order, such as ``"O=Example, CN=Desktop Root"``.
        at: the start of its validity. openssl would take the machine's time.
        years: its validity, in years of 365 days.

    Raises:
        LabError: openssl is missing or refuses.
        MalformedError: the key is not RSA, or the subject is no name.
        FileExistsError: the folder is there already.
    """

    def __init__(
        self, folder: Path | str, key: PrivateKey, *, subject: str, at: datetime, years: int = 20
    ) -> None:
        if not isinstance(key, rsa.RSAPrivateKey):
            raise MalformedError("external root's key", found=type(key).__name__, expected="RSA")
        slashed = "".join("/" + "+".join(map(_typed, rdn)) for rdn in names.subject(subject).rdns)
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700)
        write_private_key(key, self._folder / "root.key")
        files = {"openssl_root.cnf": _OPENSSL_CA, "index.txt": "", "serial": "1000\n"}
        self._run("req", "-new", "-config", "openssl_root.cnf", "-key", "root.key",
                  "-utf8", "-subj", slashed, "-out", "root.csr", files=files)  # fmt: skip
        self._run("ca", "-batch", "-config", "openssl_root.cnf", "-selfsign", "-extensions",
                  "v3_ca", *_period(at, years * 365), "-notext", "-md", "sha256",
                  "-in", "root.csr", "-out", "root.pem")  # fmt: skip

    @property
    def certificate(self) -> str:
        """Its certificate, PEM."""
        return (self._folder / "root.pem").read_text()

    def sign(
        self,
        csr: str,
        *,
        at: datetime,
        days: int = 3650,
        extensions: str | None = "v3_intermediate_ca",
    ) -> tuple[str, Testimony]:
        """Sign a CSR as a subordinate CA, path length 0, with the launch post's command.

        Args:
            csr: PEM.
            at: the start of validity.
            days: its length.
            extensions: ``v3_intermediate_ca``, ``v3_client`` for a TLS client, or None for no
                extensions at all, which openssl before 3.2 takes to mean X.509 version 1.

        Returns:
            The certificate (PEM) and what openssl said.
        """
        chosen = ("-extensions", extensions) if extensions else ()
        said = self._run("ca", "-batch", "-config", "openssl_root.cnf", *chosen,
                         *_period(at, days), "-notext", "-md", "sha256",
                         "-in", "CSR.pem", "-out", "subordinate_cert.pem",
                         files={"CSR.pem": csr})  # fmt: skip
        return (self._folder / "subordinate_cert.pem").read_text(), said

    def _run(self, *arguments: str, files: Mapping[str, str] | None = None) -> Testimony:
        said = openssl(*arguments, files=files, folder=self._folder)
        if not said.agrees:
            raise LabError(f"openssl {arguments[0]} refused: {said.output}")
        return said


def _typed(attribute: x509.NameAttribute[Any]) -> str:
    """Write an attribute as for ``-subj``, where a slash begins the next RDN and a plus a value."""
    value = re.sub(r"[\\/+]", r"\\\g<0>", str(attribute.value))
    return f"{attribute.rfc4514_attribute_name}={value}"


def _period(at: datetime, days: int) -> tuple[str, str, str, str]:
    start, end = (f"{moment:%Y%m%d%H%M%SZ}" for moment in (at, at + timedelta(days=days)))
    return "-startdate", start, "-enddate", end
