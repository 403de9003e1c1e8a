"""A private CA service driven operation by operation, below any transport."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from moto.core.base_backend import BackendDict
from moto.s3.models import s3_backends

from pkilab.pki.keys import generate_key
from pkilab.pki.requests import build_request
from pkilab.simulator.acmpca.service import AcmPca
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.service import AwsError, Call, service_model
from pkilab.simulator.world import World

OWNER, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
GENERIC = {"ValidationException", "AccessDeniedException", "NotImplemented"}


class PrivateCa:
    """AWS Private CA in a world of its own. Every error it answers must be in AWS's model."""

    def __init__(self, *, seed="private-ca", latency=timedelta(0), exact_policies=False):
        BackendDict.reset()
        self.world = World(seed=seed, latency=latency)
        self.bus = Bus(self.world)
        self.service = AcmPca(self.world, self.bus, exact_policies=exact_policies)
        self.leaf_key = generate_key("EC_prime256v1", self.world.entropy("leaf"))

    def close(self):
        """End the world and empty S3."""
        self.world.close()
        BackendDict.reset()

    @property
    def now(self):
        """The world's time."""
        return self.world.clock.now()

    def __call__(self, operation, *, account=OWNER, region=REGION, principal=None, **members):
        """Call an operation as the API does; bytes are sent as Base64."""
        principal = principal or f"arn:aws:iam::{account}:user/someone"
        body = json.dumps(members, default=lambda blob: base64.b64encode(blob).decode())
        with self.world.turn():
            try:
                call = Call(account, region, self.now, principal)
                return self.service.invoke(operation, body.encode(), call)
            except AwsError as error:
                shapes = service_model("acm-pca").operation_model(operation).error_shapes
                assert error.code in {shape.name for shape in shapes} | GENERIC, (operation, error)
                raise

    def refused(self, code, operation, **members):
        """Call an operation that must be refused with ``code``; return the message."""
        with pytest.raises(AwsError) as caught:
            self(operation, **members)
        assert caught.value.code == code, caught.value
        return caught.value.message

    def create(
        self,
        kind="ROOT",
        *,
        key="EC_prime256v1",
        signing="SHA256WITHECDSA",
        subject=None,
        csr_extensions=None,
        account=OWNER,
        region=REGION,
        **members,
    ):
        """Create a CA and return its ARN; it has no certificate yet."""
        configuration = {
            "KeyAlgorithm": key,
            "SigningAlgorithm": signing,
            "Subject": subject or {"CommonName": f"{kind.title()} CA"},
        }
        if csr_extensions:
            configuration["CsrExtensions"] = csr_extensions
        return self(
            "CreateCertificateAuthority",
            account=account,
            region=region,
            CertificateAuthorityType=kind,
            CertificateAuthorityConfiguration=configuration,
            **members,
        )["CertificateAuthorityArn"]

    def csr_of(self, arn):
        """Return the CSR of a CA."""
        return self("GetCertificateAuthorityCsr", CertificateAuthorityArn=arn)["Csr"].encode()

    def csr(self, subject="CN=leaf.example", *, dns_names=(), extensions=(), key=None):
        """Return a CSR of an ordinary client."""
        request = build_request(
            key or self.leaf_key, subject, dns_names=dns_names, extensions=extensions
        )
        return request.public_bytes(Encoding.PEM)

    def order(self, ca, csr=None, template=None, *, days=30, **members):
        """Issue a certificate and return its ARN."""
        members.setdefault("Validity", {"Type": "DAYS", "Value": days})
        members.setdefault("SigningAlgorithm", "SHA256WITHECDSA")
        if template:
            members["TemplateArn"] = f"arn:aws:acm-pca:::template/{template}/V1"
        return self(
            "IssueCertificate", CertificateAuthorityArn=ca, Csr=csr or self.csr(), **members
        )["CertificateArn"]

    def order_refused(self, code, ca, csr=None, template=None, **members):
        """Order a certificate that must be refused with ``code``; return the message."""
        with pytest.raises(AwsError) as caught:
            self.order(ca, csr, template, **members)
        assert caught.value.code == code, caught.value
        return caught.value.message

    def get(self, ca, arn):
        """Return what GetCertificate answers."""
        return self("GetCertificate", CertificateAuthorityArn=ca, CertificateArn=arn)

    def issue(self, ca, csr=None, template=None, **members):
        """Issue a certificate and return it."""
        answer = self.get(ca, self.order(ca, csr, template, **members))
        return x509.load_pem_x509_certificate(answer["Certificate"].encode())

    def root(self, *, days=3650, template="RootCACertificate", passthrough=None, **options):
        """Create an ACTIVE root CA and return its ARN."""
        arn = self.create("ROOT", **options)
        members = {"ApiPassthrough": passthrough} if passthrough else {}
        signing = options.get("signing", "SHA256WITHECDSA")
        own = self.get(
            arn,
            self.order(
                arn, self.csr_of(arn), template, days=days, SigningAlgorithm=signing, **members
            ),
        )
        self.install(arn, own)
        return arn

    def subordinate(
        self, parent, *, template="SubordinateCACertificate_PathLen0", days=365, **options
    ):
        """Create an ACTIVE subordinate CA below ``parent`` and return its ARN."""
        members = {"ApiPassthrough": p} if (p := options.pop("passthrough", None)) else {}
        arn = self.create("SUBORDINATE", **options)
        signed = self.order(parent, self.csr_of(arn), template, days=days, **members)
        self.install(arn, self.get(parent, signed))
        return arn

    def install(self, arn, answer):
        """Import what GetCertificate answered."""
        chain = {"CertificateChain": c.encode()} if (c := answer.get("CertificateChain")) else {}
        self(
            "ImportCertificateAuthorityCertificate",
            CertificateAuthorityArn=arn,
            Certificate=answer["Certificate"].encode(),
            **chain,
        )

    def describe(self, arn):
        """Return the description of a CA."""
        answer = self("DescribeCertificateAuthority", CertificateAuthorityArn=arn)
        return answer["CertificateAuthority"]

    def status(self, arn):
        """Return the state of a CA."""
        return self.describe(arn)["Status"]

    def certificate(self, arn):
        """Return the installed certificate of a CA."""
        answer = self("GetCertificateAuthorityCertificate", CertificateAuthorityArn=arn)
        return x509.load_pem_x509_certificate(answer["Certificate"].encode())

    def bucket(self, name="lab-crl"):
        """Make a bucket that lets the service in, private ACLs only; return its name."""
        made = s3_backends[OWNER]["aws"].create_bucket(name, REGION)
        made.policy = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "acm-pca.amazonaws.com"},
                        "Action": [
                            "s3:PutObject",
                            "s3:PutObjectAcl",
                            "s3:GetBucketAcl",
                            "s3:GetBucketLocation",
                        ],
                        "Resource": [f"arn:aws:s3:::{name}/*", f"arn:aws:s3:::{name}"],
                    }
                ],
            }
        ).encode()
        return name


@pytest.fixture
def open_pca():
    """A function that opens the service with options, one after another."""
    opened = []

    def open_one(**options):
        if opened:
            opened.pop().close()
        opened.append(PrivateCa(**options))
        return opened[0]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def pca(open_pca):
    """AWS Private CA, frozen, without latency."""
    return open_pca()


@pytest.fixture
def slow_pca(open_pca):
    """AWS Private CA that takes a minute for asynchronous work."""
    return open_pca(latency=timedelta(minutes=1))
