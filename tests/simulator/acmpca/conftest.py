"""A CA by hand: real key and certificate, state set directly, no API in between."""

import itertools
from datetime import timedelta

import pytest
from cryptography import x509
from moto.core.base_backend import BackendDict
from moto.s3.models import s3_backends

from pkilab.pki.keys import generate_key, signature_hash
from pkilab.simulator.acmpca.state import Authority, Issued, Revocation
from pkilab.simulator.s3 import S3
from pkilab.simulator.world import World

ACCOUNT = "111122223333"
REGION = "us-east-1"
BUCKET = "lab-crl"


class Bench:
    """One world with its buckets, and CAs made in it."""

    def __init__(self, **options):
        BackendDict.reset()
        self.world = World(seed="bench", **options)
        self.s3 = S3()
        self._numbers = itertools.count(1)

    def close(self):
        """End the world and empty S3."""
        self.world.close()
        BackendDict.reset()

    def restart(self):
        """Begin anew, as if nothing had been done."""
        self.close()
        self.__init__()

    @property
    def now(self):
        """The world's time."""
        return self.world.clock.now()

    def bucket(self, name=BUCKET, *, policy=None, account=ACCOUNT, region=REGION):
        """Make a bucket; its policy is Private CA's own sample unless given."""
        made = s3_backends[account]["aws"].create_bucket(name, region)
        made.policy = (sample_policy(name) if policy is None else policy).encode()
        return made

    def objects(self, name=BUCKET):
        """The bucket's objects by key, without the probes."""
        keys = s3_backends[ACCOUNT]["aws"].buckets[name].keys
        return {key: keys[key].value for key in keys if not key.startswith("acm-pca-permission")}

    def authority(
        self, *, algorithm="EC_prime256v1", signing="SHA256WITHECDSA", years=10, subject_key_id=True
    ):
        """Make an ACTIVE root CA."""
        number = next(self._numbers)
        entropy = self.world.entropy("bench", str(number))
        key = generate_key(algorithm, entropy)
        uuid = self.world.entropy("bench", "uuid", str(number)).uuid()
        name = x509.Name(
            [
                x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR"),
                x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Lab"),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Root {number}"),
            ]
        )
        builder = (
            x509.CertificateBuilder(name, name, key.public_key(), number)
            .not_valid_before(self.now - timedelta(hours=1))
            .not_valid_after(self.now + timedelta(days=365 * years))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(key_usage(ca=True), critical=True)
        )
        if subject_key_id:
            identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
            builder = builder.add_extension(identifier, critical=False)
        certificate = sign(builder, key, signing)
        return Authority(
            arn=f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/{uuid}",
            account=ACCOUNT,
            region=REGION,
            kind="ROOT",
            configuration={"KeyAlgorithm": algorithm, "SigningAlgorithm": signing, "Subject": {}},
            usage_mode="GENERAL_PURPOSE",
            key_storage="FIPS_140_2_LEVEL_3_OR_HIGHER",
            created_at=self.now,
            changed_at=self.now,
            ready_at=self.now,
            key=key,
            csr=b"",
            status="ACTIVE",
            certificate=certificate,
        )

    def issue(self, authority, serial, *, days=90, names=None, cn="build-7.lab.test"):
        """Let the CA issue a leaf; ``names`` are the publisher's CdpAia, put into it."""
        key = generate_key("EC_prime256v1", self.world.entropy("leaf"))
        subject = x509.Name(
            [
                x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR"),
                x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Lab"),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, cn),
            ]
        )
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
        builder = (
            x509.CertificateBuilder(
                authority.certificate.subject, subject, key.public_key(), serial
            )
            .not_valid_before(self.now - timedelta(hours=1))
            .not_valid_after(self.now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
            .add_extension(identifier, critical=False)
        )
        if names and names.cdp:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(names.cdp)], *3 * [None])
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        certificate = sign(builder, authority.key, authority.configuration["SigningAlgorithm"])
        issued = Issued(
            arn=f"{authority.arn}/certificate/{serial:032x}",
            serial=serial,
            template_arn="arn:aws:acm-pca:::template/EndEntityServerAuthCertificate/V1",
            issued_at=self.now,
            ready_at=self.now,
            certificate=certificate,
            chain=(authority.certificate,),
            partition=names.partition if names else None,
        )
        authority.issued[serial] = issued
        return issued

    def revoke(self, authority, issued, reason="KEY_COMPROMISE"):
        """Record a revocation as RevokeCertificate does."""
        issued.revocation = Revocation(self.now, reason)
        authority.revoked[issued.serial] = issued


def key_usage(*, ca):
    """The Key Usage of a CA."""
    off = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    return x509.KeyUsage(digital_signature=True, key_cert_sign=ca, crl_sign=ca, **off)


def sign(builder, key, signing):
    """Sign a certificate, deterministically where the algorithm can be."""
    options = {"ecdsa_deterministic": True} if signing.endswith("ECDSA") else {}
    return builder.sign(key, signature_hash(signing), **options)


def sample_policy(bucket):
    """The policy of the User Guide, "Access policies for CRLs in Amazon S3"."""
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":'
        '"acm-pca.amazonaws.com"},"Action":["s3:PutObject","s3:PutObjectAcl","s3:GetBucketAcl",'
        f'"s3:GetBucketLocation"],"Resource":["arn:aws:s3:::{bucket}/*","arn:aws:s3:::{bucket}"],'
        f'"Condition":{{"StringEquals":{{"aws:SourceAccount":"{ACCOUNT}"}}}}}}]}}'
    )


@pytest.fixture
def bench():
    """A frozen world whose S3 is empty."""
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def slow_bench():
    """The same, with a minute's latency."""
    bench = Bench(latency=timedelta(minutes=1))
    yield bench
    bench.close()
