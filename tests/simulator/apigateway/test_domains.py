"""Custom domain names: certificates, truststores, states."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab, ca_hierarchy, mutual_tls
from pkilab.pki import pem, requests

NAME = "api.lab.example"


class Site:
    """What domain names are made of."""

    def __init__(self, lab):
        self.lab = lab
        self.apis, self.acm, self.s3, self.pca, self.route53 = (
            lab.client(name) for name in ("apigatewayv2", "acm", "s3", "acm-pca", "route53")
        )
        self.root_arn = ca_hierarchy.create_root(self.pca, {"CommonName": "Root"})
        installed = self.pca.get_certificate_authority_certificate(
            CertificateAuthorityArn=self.root_arn
        )
        self.root = pem.load_certificate(installed["Certificate"])
        self.s3.create_bucket(Bucket="domain-trust")
        versioned = {"Status": "Enabled"}
        self.s3.put_bucket_versioning(Bucket="domain-trust", VersioningConfiguration=versioned)
        zone = self.route53.create_hosted_zone(Name="lab.example", CallerReference="x")
        self.zone = zone["HostedZone"]["Id"]

    def public(self, name=NAME):
        """Have a public certificate."""
        return mutual_tls.request_public_certificate(self.acm, self.route53, name, self.zone)

    def imported(self, *names, days=300):
        """Import a certificate of the private CA."""
        key = self.lab.generate_key(names[0])
        csr = requests.build_request(key, f"CN={names[0]}", dns_names=list(names))
        validity = {"Type": "DAYS", "Value": days}
        issued = ca_hierarchy.issue(self.pca, self.root_arn, csr, validity=validity)
        return mutual_tls.import_certificate(self.acm, issued.pem, key, issued.chain_pem)

    def truststore(self, body=None):
        """Upload a truststore, whatever it holds."""
        if body is None:
            return mutual_tls.upload_truststore(self.s3, "domain-trust", [self.root])
        answer = self.s3.put_object(Bucket="domain-trust", Key="truststore.pem", Body=body)
        return mutual_tls.TruststoreObject("s3://domain-trust/truststore.pem", answer["VersionId"])

    def refused(self, arn, store=None, *, name=NAME, **options):
        """Create what must be refused; return the message."""
        with pytest.raises(ClientError) as caught:
            mutual_tls.create_domain(self.apis, name, arn, truststore=store, **options)
        assert caught.value.response["Error"]["Code"] == "BadRequestException", caught.value
        return caught.value.response["Error"]["Message"]


@pytest.fixture
def site(lab):
    return Site(lab)


def test_a_certificate_must_cover_the_name_and_be_the_owners(site, lab):
    """Issued, of the same Region and account; a wildcard covers one label."""
    assert "does not cover api.lab.example" in site.refused(site.imported("other.example"))
    assert "does not exist" in site.refused(f"{site.public()[:-4]}0000")
    # The record of an earlier request serves this one too, so another name must do.
    never = site.acm.request_certificate(DomainName="never.example", ValidationMethod="DNS")
    assert "must be issued" in site.refused(never["CertificateArn"])
    foreign = lab.client("acm", account="consumer").request_certificate(
        DomainName=NAME, ValidationMethod="DNS"
    )["CertificateArn"]
    assert "owned by the account" in site.refused(foreign)
    assert "Certificate must be in 'us-east-1'" in site.refused(
        foreign.replace("us-east-1", "eu-west-1")
    )
    deep = site.imported("*.lab.example")
    assert "does not cover" in site.refused(deep, name="a.b.lab.example")
    assert mutual_tls.create_domain(site.apis, NAME, deep).status == "AVAILABLE"
    assert "already exists" in site.refused(deep)


TRUSTSTORES = {
    "no such object": ("s3://domain-trust/none.pem", None, "does not exist"),
    "no such bucket": ("s3://no-such-bucket/none.pem", None, "does not exist"),
    "no such version": (None, "00000000-0000-0000-0000-000000000000", "does not exist"),
    "no S3 URI": ("https://domain-trust/truststore.pem", None, "Invalid S3 URI"),
    "no key": ("s3://domain-trust/", None, "Invalid S3 URI"),
}


@pytest.mark.parametrize("which", TRUSTSTORES)
def test_a_truststore_that_cannot_be_read_is_refused(site, which):
    """Saying what was looked for."""
    uri, version, sentence = TRUSTSTORES[which]
    there = site.truststore()
    store = mutual_tls.TruststoreObject(uri or there.uri, version)
    assert sentence in site.refused(site.public(), store)
    assert mutual_tls.create_domain(site.apis, NAME, site.public(), truststore=there).truststore


def test_a_truststore_that_is_none_is_refused(site):
    """DER, text, a key, too many, too much."""
    certificate = pem.to_pem(site.root)
    arn = site.public()
    for body in (
        b"",
        b"not PEM",
        pem.load_certificate(certificate).public_bytes(_der()),
        certificate.encode() * 1001,
        b" " * 1_000_001,
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ):
        message = site.refused(arn, site.truststore(body))
        assert message.startswith("The truststore s3://domain-trust/truststore.pem is not valid: ")
        assert "AAAA" not in message


def _der():
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def test_another_accounts_truststore_must_be_open_to_all(site, lab):
    """A private one is not read."""
    s3 = lab.client("s3", account="consumer")
    s3.create_bucket(Bucket="their-trust")
    s3.put_object(Bucket="their-trust", Key="t.pem", Body=pem.to_pem(site.root).encode())
    store = mutual_tls.TruststoreObject("s3://their-trust/t.pem", None)
    assert "was denied" in site.refused(site.public(), store)


def test_an_ownership_certificate_is_a_public_one_for_all_the_servers_names(site):
    """Imported, for another name, or for fewer names: refused."""
    server, store = site.imported(NAME), site.truststore()
    assert "must be a public certificate" in site.refused(server, store, ownership_arn=server)
    other = site.public("other.lab.example")
    assert "does not cover" in site.refused(server, store, ownership_arn=other)
    wide = site.imported(NAME, "more.lab.example")
    owner = site.public()
    assert "does not cover" in site.refused(wide, store, ownership_arn=owner)
    done = mutual_tls.create_domain(site.apis, NAME, server, truststore=store, ownership_arn=owner)
    assert done.truststore == store
    used = site.acm.describe_certificate(CertificateArn=owner)["Certificate"]["InUseBy"]
    assert len(used) == 1


def test_a_proof_that_ends_locks_the_domain_name(site, lab):
    """It serves on, and says what is wrong."""
    server, store, owner = site.imported(NAME), site.truststore(), site.public()
    mutual_tls.create_domain(site.apis, NAME, server, truststore=store, ownership_arn=owner)
    lab.clock.advance(days=199)
    (now,) = site.apis.get_domain_name(DomainName=NAME)["DomainNameConfigurations"]
    assert now["DomainNameStatus"] == "PENDING_OWNERSHIP_VERIFICATION"
    assert "expired" in now["DomainNameStatusMessage"]


def test_a_change_takes_as_long_as_the_world_takes_and_nothing_else_comes_between():
    """UPDATING, and then AVAILABLE."""
    with Lab.simulated(seed="slow", latency=timedelta(seconds=30)) as lab:
        acm, route53, apis = (lab.client(name) for name in ("acm", "route53", "apigatewayv2"))
        zone = route53.create_hosted_zone(Name="lab.example", CallerReference="x")
        arn = mutual_tls.request_public_certificate(acm, route53, NAME, zone["HostedZone"]["Id"])
        configuration = [{"CertificateArn": arn, "EndpointType": "REGIONAL"}]
        made = apis.create_domain_name(DomainName=NAME, DomainNameConfigurations=configuration)
        assert made["DomainNameConfigurations"][0]["DomainNameStatus"] == "UPDATING"
        change = {"DomainName": NAME, "DomainNameConfigurations": configuration}
        with pytest.raises(ClientError) as caught:
            apis.update_domain_name(**change)
        assert caught.value.response["Error"]["Code"] in {
            "ConflictException",
            "BadRequestException",
        }
        lab.clock.advance(seconds=30)
        apis.update_domain_name(**change)


@pytest.mark.parametrize("configurations", [None, [], [{}, {}]])
def test_one_configuration_is_needed_and_no_more(site, configurations):
    """To create and to update."""
    given = {} if configurations is None else {"DomainNameConfigurations": configurations}
    mutual_tls.create_domain(site.apis, NAME, site.public())
    for call in (site.apis.create_domain_name, site.apis.update_domain_name):
        with pytest.raises(ClientError, match="Expected one domain name configuration"):
            call(DomainName=NAME, **given)


def test_what_a_get_answers_may_be_sent_back(site):
    """As tools do."""
    mutual_tls.create_domain(site.apis, NAME, site.public(), truststore=site.truststore())
    found = site.apis.get_domain_name(DomainName=NAME)
    again = site.apis.update_domain_name(
        DomainName=NAME, DomainNameConfigurations=found["DomainNameConfigurations"]
    )
    assert again["MutualTlsAuthentication"] == found["MutualTlsAuthentication"]


@pytest.mark.parametrize(
    "name", ["", "localhost", "a..b", "-a.example", "a b.example", "x" * 250 + ".example"]
)
def test_a_name_that_is_none_is_refused(site, name):
    """Before anything else is looked at."""
    with pytest.raises(ClientError):
        mutual_tls.create_domain(site.apis, name, site.public())
    assert site.apis.get_domain_names()["Items"] == []


def test_a_mapping_leads_to_a_stage_that_is_there(site):
    """By the longest key that fits."""
    mutual_tls.create_domain(site.apis, NAME, site.public())
    api = site.apis.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
    site.apis.create_stage(ApiId=api, StageName="v1")
    well = {"DomainName": NAME, "ApiId": api, "Stage": "v1"}
    for change in ({"ApiId": "nothing"}, {"Stage": "v2"}, {"ApiMappingKey": "/a"}):
        with pytest.raises(ClientError) as caught:
            site.apis.create_api_mapping(**{**well, **change})
        assert caught.value.response["Error"]["Code"] == "BadRequestException"
    one = site.apis.create_api_mapping(**well)["ApiMappingId"]
    two = site.apis.create_api_mapping(**well, ApiMappingKey="a/b")["ApiMappingId"]
    with pytest.raises(ClientError, match="already exists"):
        site.apis.create_api_mapping(**well)
    moved = {"DomainName": NAME, "ApiId": api, "ApiMappingId": two, "ApiMappingKey": "c"}
    assert site.apis.update_api_mapping(**moved)["ApiMappingKey"] == "c"
    with pytest.raises(ClientError, match="already exists"):
        site.apis.update_api_mapping(**{**moved, "ApiMappingKey": ""})
    assert site.apis.get_api_mapping(DomainName=NAME, ApiMappingId=two)["ApiMappingKey"] == "c"
    with pytest.raises(ClientError, match="delete its API mappings first"):
        site.apis.delete_api(ApiId=api)
    for number in (one, two):
        site.apis.delete_api_mapping(DomainName=NAME, ApiMappingId=number)
    site.apis.delete_api(ApiId=api)
