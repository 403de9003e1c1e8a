"""Certificates to import, made by hand, and ACM with what it works with."""

import base64
import functools
import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkilab import Lab, ca_hierarchy
from pkilab.pki import names, pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.simulator.service import AwsError, Call, service_model


@functools.cache  # seeded RSA keys take long
def _key(name, algorithm):
    return generate_key(algorithm, Entropy("import").child(f"{name} {algorithm}"))


class Maker:
    """Makes certificates at a time."""

    def __init__(self, now):
        self.now = now

    def key(self, name, algorithm="EC_prime256v1"):
        """Return the key of a name: the same one each time."""
        return _key(name, algorithm)

    def __call__(
        self, name, issuer=None, *, algorithm="EC_prime256v1", by="EC_prime256v1", dns=None,
        subject=None, issued_by=None, start=0, end=90, more=(), own=None,
    ):  # fmt: skip
        """Make a certificate; without an issuer it signs itself.

        ``algorithm`` is of its own key, unless it is given as ``own``, ``by`` of its issuer's;
        ``subject`` and ``issued_by`` are names that stand in it instead of what they should be.
        """
        key = own or self.key(name, algorithm)
        signer = self.key(issuer, by) if issuer else key
        alternatives = [name] if dns is None else dns
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name if subject is None else subject))
            .issuer_name(_name((issuer or name) if issued_by is None else issued_by))
            .public_key(key.public_key())
            .serial_number(9)
            .not_valid_before(self.now + timedelta(days=start))
            .not_valid_after(self.now + timedelta(days=end))
        )
        if alternatives:
            san = x509.SubjectAlternativeName(map(x509.DNSName, alternatives))
            builder = builder.add_extension(san, critical=False)
        for value in more:
            builder = builder.add_extension(value, critical=False)
        deterministic = True if isinstance(signer, ec.EllipticCurvePrivateKey) else None
        return builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=deterministic)

    def well(self, name, issuer="root", **options):
        """Return what ImportCertificate takes: a leaf below a root of its own family."""
        algorithm = options.get("algorithm", "EC_prime256v1")
        root = self(issuer, algorithm=algorithm)
        return {
            "Certificate": pem.to_pem(self(name, issuer, by=algorithm, **options)).encode(),
            "PrivateKey": private(self.key(name, algorithm)),
            "CertificateChain": pem.to_pem(root).encode(),
        }


def _name(text):
    """Return a name, or one with a common name alone; of nothing, an empty one."""
    if isinstance(text, x509.Name):
        return text
    return names.subject(f"CN={text}") if text else x509.Name([])


def private(key):
    """Write a key without a password."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def maker():
    """Make certificates at any time."""
    return Maker


NAME = "www.lab.example"
ACM = "acm.amazonaws.com"
GENERIC = {"ValidationException", "AccessDeniedException", "NotImplemented"}
ACTIONS = ["IssueCertificate", "GetCertificate", "ListPermissions"]


class Desk:
    """ACM of one account of a world, its DNS, private CAs and events."""

    def __init__(self, lab, **account):
        self.lab, self.gateway = lab, lab._place.gateway
        self.account = lab.accounts[account.get("account", next(iter(lab.accounts)))]
        self.acm, self.route53, self.pca = (
            lab.client(name, **account) for name in ("acm", "route53", "acm-pca")
        )
        self._zone = None

    @property
    def now(self):
        """The world's time."""
        return self.lab.clock.now()

    def slow(self, latency):
        """Let asynchronous work take its time from now on."""
        self.lab._place.world.latency = latency

    @property
    def zone(self):
        """The id of the public zone lab.example."""
        if self._zone is None:
            made = self.route53.create_hosted_zone(Name="lab.example", CallerReference="x")
            self._zone = made["HostedZone"]["Id"]
        return self._zone

    def request(self, *wanted, **options):
        """Request a certificate, by DNS and of P-256 unless told otherwise; return its ARN."""
        first, *others = wanted or (NAME,)
        if others:
            options["SubjectAlternativeNames"] = others
        options = {"ValidationMethod": "DNS", "KeyAlgorithm": "EC_prime256v1", **options}
        return self.acm.request_certificate(DomainName=first, **options)["CertificateArn"]

    def describe(self, arn):
        """Return a certificate's description."""
        return self.acm.describe_certificate(CertificateArn=arn)["Certificate"]

    def status(self, arn):
        """Return a certificate's state."""
        return self.describe(arn)["Status"]

    def certificate(self, arn):
        """Return an issued certificate."""
        return pem.load_certificate(self.acm.get_certificate(CertificateArn=arn)["Certificate"])

    def kept(self, arn):
        """Return what the simulator keeps of a certificate."""
        return self.gateway._services["acm"].certificates.find(arn)

    def change(self, action, name, kind, *values, zone=None):
        """Change a record set of a zone."""
        record = {
            "Name": name, "Type": kind, "TTL": 60,
            "ResourceRecords": [{"Value": value} for value in values],
        }  # fmt: skip
        self.route53.change_resource_record_sets(
            HostedZoneId=zone or self.zone,
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]},
        )

    def records(self, arn):
        """Return the names and values of a certificate's validation records, each once."""
        options = self.describe(arn)["DomainValidationOptions"]
        found = [each["ResourceRecord"] for each in options]
        return sorted({(each["Name"], each["Value"]) for each in found})

    def write(self, arn):
        """Write a certificate's validation records."""
        for name, value in self.records(arn):
            self.change("UPSERT", name, "CNAME", value)

    def withdraw(self, arn):
        """Take a certificate's validation records away."""
        for name, value in self.records(arn):
            self.change("DELETE", name, "CNAME", value)

    def issue(self, *wanted, **options):
        """Have a public certificate issued; return its ARN."""
        arn = self.request(*wanted, **options)
        self.write(arn)
        assert self.status(arn) == "ISSUED"
        return arn

    def bring(self, make, name, again=None, **options):
        """Import a certificate, under an ARN that has one if told so; return the ARN."""
        under = {"CertificateArn": again} if again else {}
        return self.acm.import_certificate(**make.well(name, **options), **under)["CertificateArn"]

    def use(self, arn):
        """Put a certificate to use, as an integrated service would."""
        self.kept(arn).in_use_by.add("arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/x")

    def export(self, arn, passphrase=b"correct horse"):
        """Export a certificate."""
        return self.acm.export_certificate(CertificateArn=arn, Passphrase=passphrase)

    def root(self, **options):
        """Make a private root CA; return its ARN."""
        return ca_hierarchy.create_root(self.pca, {"CommonName": "Lab Root"}, **options)

    def constrained(self, name, ca=None):
        """Make a root CA for names below one alone, or have a CA that exists become such."""
        if ca is None:
            ca = ca_hierarchy.create_ca(self.pca, {"CommonName": "Lab Root"}, kind="ROOT")
        value = x509.NameConstraints([x509.DNSName(name)], None).public_bytes()
        extension = {
            "ObjectIdentifier": "2.5.29.30", "Value": base64.b64encode(value).decode(),
            "Critical": True,
        }  # fmt: skip
        csr = self.pca.get_certificate_authority_csr(CertificateAuthorityArn=ca)["Csr"]
        own = ca_hierarchy.issue(
            self.pca, ca, csr, validity={"Type": "YEARS", "Value": 10},
            name="RootCACertificate_APIPassthrough/V1",
            ApiPassthrough={"Extensions": {"CustomExtensions": [extension]}},
        )  # fmt: skip
        self.pca.import_certificate_authority_certificate(
            CertificateAuthorityArn=ca, Certificate=own.pem.encode()
        )
        return ca

    def grant(self, ca):
        """Let ACM use a CA."""
        self.pca.create_permission(CertificateAuthorityArn=ca, Principal=ACM, Actions=ACTIONS)

    def events(self, kind=None, region="us-east-1"):
        """Return this account's events of ACM's, of one kind if told so."""
        whole = self.gateway.events.events(self.account, region)
        found = [each for each in whole if each["source"] == "aws.acm"]
        return [each for each in found if kind in (None, each["detail-type"].split(" ", 2)[2])]

    def invoke(self, operation, **members):
        """Call an operation below boto3's own checks; errors must be of the model."""
        body = json.dumps(members, default=lambda blob: base64.b64encode(blob).decode())
        caller = Call(self.account, "us-east-1", self.now, f"arn:aws:iam::{self.account}:user/x")
        with self.lab._place.world.turn():
            try:
                return self.gateway._services["acm"].invoke(operation, body.encode(), caller)
            except AwsError as error:
                shapes = service_model("acm").operation_model(operation).error_shapes
                assert error.code in {shape.name for shape in shapes} | GENERIC, (operation, error)
                raise

    def refused(self, code, call, **members):
        """Call what must be refused; return the message."""
        with pytest.raises(ClientError) as caught:
            call(**members)
        assert caught.value.response["Error"]["Code"] == code, caught.value
        return caught.value.response["Error"]["Message"]


@pytest.fixture
def desk(lab):
    """ACM of the lab's first account."""
    return Desk(lab)


@pytest.fixture
def other(lab):
    """ACM of the lab's second account."""
    return Desk(lab, account="consumer")


@pytest.fixture
def open_desk():
    """A function that opens a world of its own, such as one at another time."""
    opened = []

    def open_one(**options):
        if opened:
            opened.pop().close()
        lab = Lab.simulated(**{"seed": "desk", "accounts": {"owner": "111122223333"}, **options})
        opened.append(lab)
        return Desk(lab)

    yield open_one
    for one in opened:
        one.close()
