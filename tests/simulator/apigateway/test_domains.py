"""Custom domain names: certificates, truststores, states."""

import json
import re
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

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

    def withdraw(self, arn):
        """Take a public certificate's record away: it cannot be renewed any more."""
        detail = self.acm.describe_certificate(CertificateArn=arn)["Certificate"]
        record = detail["DomainValidationOptions"][0]["ResourceRecord"]
        (held,) = (
            each
            for each in self.route53.list_resource_record_sets(HostedZoneId=self.zone)[
                "ResourceRecordSets"
            ]
            if each["Name"] == record["Name"]
        )
        self.route53.change_resource_record_sets(
            HostedZoneId=self.zone,
            ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": held}]},
        )

    def imported(self, *names, days=300, ca=None, again=None):
        """Import a certificate of a private CA, under an ARN that has one if ``again`` says so."""
        key = self.lab.generate_key(names[0])
        csr = requests.build_request(key, f"CN={names[0]}", dns_names=list(names))
        validity = {"Type": "DAYS", "Value": days}
        issued = ca_hierarchy.issue(self.pca, ca or self.root_arn, csr, validity=validity)
        if again is None:
            return mutual_tls.import_certificate(self.acm, issued.pem, key, issued.chain_pem)
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self.acm.import_certificate(
            CertificateArn=again, Certificate=issued.pem, PrivateKey=plain,
            CertificateChain=issued.chain_pem,
        )["CertificateArn"]  # fmt: skip

    def status(self, name=NAME):
        """Return a domain name's state and what it says of it."""
        (found,) = self.apis.get_domain_name(DomainName=name)["DomainNameConfigurations"]
        return found["DomainNameStatus"], found.get("DomainNameStatusMessage")

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
        site.root.public_bytes(Encoding.DER),
        certificate.encode() * 1001,
        b" " * 1_000_001,
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ):
        message = site.refused(arn, site.truststore(body))
        assert message.startswith("The truststore s3://domain-trust/truststore.pem is not valid: ")
        assert "AAAA" not in message


def test_another_accounts_truststore_must_be_open_to_all(site, lab):
    """A private one is not read."""
    s3 = lab.client("s3", account="consumer")
    s3.create_bucket(Bucket="their-trust")
    s3.put_object(Bucket="their-trust", Key="t.pem", Body=pem.to_pem(site.root).encode())
    store = mutual_tls.TruststoreObject("s3://their-trust/t.pem", None)
    arn = site.public()
    assert "was denied" in site.refused(arn, store)
    s3.delete_public_access_block(Bucket="their-trust")
    s3.put_bucket_policy(Bucket="their-trust", Policy=_policy({"AWS": "111122223333"}))
    with pytest.raises(ClientError, match="not simulated"):
        mutual_tls.create_domain(site.apis, NAME, arn, truststore=store)
    s3.put_bucket_policy(Bucket="their-trust", Policy=_policy("*"))
    done = mutual_tls.create_domain(site.apis, NAME, arn, truststore=store)
    assert done.truststore.uri == store.uri


def _policy(principal):
    allow = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject"}
    return json.dumps({"Statement": [{**allow, "Resource": "arn:aws:s3:::their-trust/*"}]})


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
    site.withdraw(owner)
    lab.clock.advance(days=199)
    (now,) = site.apis.get_domain_name(DomainName=NAME)["DomainNameConfigurations"]
    assert now["DomainNameStatus"] == "PENDING_OWNERSHIP_VERIFICATION"
    assert "expired" in now["DomainNameStatusMessage"]
    change = {"DomainName": NAME, "DomainNameConfigurations": [{"CertificateArn": server}]}
    with pytest.raises(ClientError, match="Provide a valid one before any other change"):
        site.apis.update_domain_name(**change, MutualTlsAuthentication={"TruststoreUri": ""})
    change["DomainNameConfigurations"][0]["OwnershipVerificationCertificateArn"] = site.public()
    (now,) = site.apis.update_domain_name(**change)["DomainNameConfigurations"]
    assert now["DomainNameStatus"] == "AVAILABLE"


MORE = "more.lab.example"


@pytest.mark.parametrize(
    ("names", "other_ca", "sentence"),
    [
        ((MORE,), False, "does not cover the domain name any more"),
        ((NAME, "outside.example"), False, "has a name that the ownership verification"),
        ((NAME, MORE), True, "reimported from a different issuer"),
    ],
)
def test_a_reimport_that_does_not_fit_is_pending(site, names, other_ca, sentence):
    """Until one comes that does."""
    arn, owner = site.imported(NAME, MORE), site.public("*.lab.example")
    mutual_tls.create_domain(
        site.apis, NAME, arn, truststore=site.truststore(), ownership_arn=owner
    )
    ca = site.root_arn
    if other_ca:
        ca = ca_hierarchy.create_root(site.pca, {"CommonName": "Another Root"})
    site.imported(*names, ca=ca, again=arn)
    status, message = site.status()
    assert status == "PENDING_CERTIFICATE_REIMPORT"
    assert sentence in message
    change = {"DomainName": NAME, "DomainNameConfigurations": [{"CertificateArn": arn}]}
    with pytest.raises(ClientError):
        site.apis.update_domain_name(**change)
    site.imported(NAME, MORE, again=arn)
    assert site.status() == ("AVAILABLE", None)


def test_a_subject_has_one_issuer_among_names_with_mutual_tls(site):
    """Without mutual TLS it may have several."""
    store, owner = site.truststore(), site.public("*.lab.example")
    ours = site.imported(NAME, MORE)
    theirs = site.imported(
        NAME, MORE, ca=ca_hierarchy.create_root(site.pca, {"CommonName": "Another Root"})
    )
    mutual_tls.create_domain(site.apis, NAME, ours, truststore=store, ownership_arn=owner)
    message = site.refused(theirs, store, name=MORE, ownership_arn=owner)
    assert message == (
        f"The certificate subject CN={NAME} conflicts with an existing certificate from a "
        "different issuer."
    )
    assert mutual_tls.create_domain(site.apis, MORE, theirs).truststore is None


def test_a_proof_of_ownership_is_no_server_certificate_of_another_name(site):
    """Nor the other way round; of a name without mutual TLS it may be."""
    store, owner = site.truststore(), site.public("*.lab.example")
    mutual_tls.create_domain(
        site.apis, NAME, site.imported(NAME), truststore=store, ownership_arn=owner
    )
    assert "is the ownershipVerificationCertificate" in site.refused(owner, store, name=MORE)
    assert mutual_tls.create_domain(site.apis, MORE, owner).truststore is None
    site.apis.delete_domain_name(DomainName=NAME)
    mutual_tls.use_truststore(site.apis, MORE, store)
    message = site.refused(site.imported(NAME), store, ownership_arn=owner)
    assert "is the server certificate of another" in message


def test_certificates_are_in_use_while_a_name_has_them(site):
    """So ACM keeps them."""
    one, two = site.public(), site.imported(NAME)
    mutual_tls.create_domain(site.apis, NAME, one)
    with pytest.raises(ClientError, match="is in use"):
        site.acm.delete_certificate(CertificateArn=one)
    change = [{"CertificateArn": two}]
    site.apis.update_domain_name(DomainName=NAME, DomainNameConfigurations=change)
    site.acm.delete_certificate(CertificateArn=one)
    site.apis.delete_domain_name(DomainName=NAME)
    site.acm.delete_certificate(CertificateArn=two)


def test_a_truststore_is_what_it_was_when_it_was_read(site):
    """The newest without a version, another only by an update; an empty URI ends mutual TLS."""
    first, arn = site.truststore(), site.public()
    second = site.truststore(pem.to_pem(site.root, site.root).encode())
    change = {"DomainName": NAME, "DomainNameConfigurations": [{"CertificateArn": arn}]}

    def use(**mutual):
        answer = site.apis.update_domain_name(**change, MutualTlsAuthentication=mutual)
        return answer.get("MutualTlsAuthentication")

    made = mutual_tls.create_domain(site.apis, NAME, arn, truststore=first)
    assert made.truststore == first
    twice = use(TruststoreUri=first.uri)
    assert twice["TruststoreWarnings"] == ["CN=Root: it stands here more than once"]
    assert "TruststoreVersion" not in twice
    assert use(TruststoreVersion=first.version) == {
        "TruststoreUri": first.uri, "TruststoreVersion": first.version,
    }  # fmt: skip
    assert use(TruststoreVersion=second.version)["TruststoreVersion"] == second.version
    assert use(TruststoreUri="") is None
    with pytest.raises(ClientError, match="needs a truststore URI"):
        use(TruststoreVersion=first.version)


@pytest.mark.parametrize("key", ["a#b?c", "/x", "[", "a//b", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_key_is_taken_as_it_stands(site, key):
    """A URI of S3's is no URL."""
    body = pem.to_pem(site.root).encode()
    site.s3.put_object(Bucket="domain-trust", Key=key, Body=body)
    store = mutual_tls.TruststoreObject(f"s3://domain-trust/{key}", None)
    made = mutual_tls.create_domain(site.apis, NAME, site.public(), truststore=store)
    assert made.truststore.uri == store.uri


def test_what_is_not_simulated_is_refused(site, lab):
    """Edge-optimised names, wildcards, older TLS, a name in two Regions."""
    arn = site.imported("*.lab.example")
    for name, change in (
        (NAME, {"EndpointType": "EDGE"}),
        (NAME, {"SecurityPolicy": "TLS_1_0"}),
        (NAME, {"IpAddressType": "dualstack"}),
        ("*.lab.example", {}),
    ):
        with pytest.raises(ClientError, match="is not simulated by pkilab"):
            site.apis.create_domain_name(
                DomainName=name, DomainNameConfigurations=[{"CertificateArn": arn, **change}]
            )
    mutual_tls.create_domain(site.apis, NAME, arn)
    with pytest.raises(ClientError, match="one custom domain name in two Regions"):
        lab.client("apigatewayv2", region="eu-west-1").create_domain_name(
            DomainName=NAME, DomainNameConfigurations=[{"CertificateArn": arn}]
        )


def test_a_name_is_regional(site, lab):
    """With a name and a zone of its Region; other accounts and Regions do not see it."""
    mutual_tls.create_domain(site.apis, NAME, site.public())
    (made,) = site.apis.get_domain_name(DomainName=NAME.upper())["DomainNameConfigurations"]
    assert re.fullmatch(
        r"d-[a-z0-9]{10}\.execute-api\.us-east-1\.amazonaws\.com", made["ApiGatewayDomainName"]
    )
    assert made["HostedZoneId"] == "Z1UJRXOUMOOFQ8"
    for other in ({"account": "consumer"}, {"region": "eu-west-1"}):
        apis = lab.client("apigatewayv2", **other)
        assert apis.get_domain_names()["Items"] == []
        with pytest.raises(ClientError, match="Invalid domain name identifier specified"):
            apis.get_domain_name(DomainName=NAME)


def test_a_change_takes_as_long_as_the_world_takes_and_nothing_else_comes_between():
    """UPDATING, and then AVAILABLE."""
    with Lab.simulated(seed="slow", latency=timedelta(seconds=30)) as lab:
        acm, route53, apis = (lab.client(name) for name in ("acm", "route53", "apigatewayv2"))
        zone = route53.create_hosted_zone(Name="lab.example", CallerReference="x")
        arn = mutual_tls.request_public_certificate(
            acm, route53, NAME, zone["HostedZone"]["Id"],
            sleep=lambda seconds: lab.clock.advance(seconds=seconds),
        )  # fmt: skip
        configuration = [{"CertificateArn": arn, "EndpointType": "REGIONAL"}]
        made = apis.create_domain_name(DomainName=NAME, DomainNameConfigurations=configuration)
        assert made["DomainNameConfigurations"][0]["DomainNameStatus"] == "UPDATING"
        change = {"DomainName": NAME, "DomainNameConfigurations": configuration}
        with pytest.raises(ClientError) as caught:
            apis.update_domain_name(**change)
        assert caught.value.response["Error"]["Code"] == "ConflictException"
        assert "already an update in progress" in caught.value.response["Error"]["Message"]
        lab.clock.advance(seconds=30)
        (now,) = apis.get_domain_name(DomainName=NAME)["DomainNameConfigurations"]
        assert now["DomainNameStatus"] == "AVAILABLE"
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


def test_equal_worlds_have_equal_domain_names():
    """Regional name, warnings and all."""

    def made():
        with Lab.simulated(seed="equal") as lab:
            site = Site(lab)
            mutual_tls.create_domain(site.apis, NAME, site.public(), truststore=site.truststore())
            found = site.apis.get_domain_name(DomainName=NAME)
            del found["ResponseMetadata"]
            return found

    assert made() == made()


def test_a_mapping_leads_to_a_stage_that_is_there(site):
    """By the longest key that fits."""
    mutual_tls.create_domain(site.apis, NAME, site.public())
    api = site.apis.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
    site.apis.create_stage(ApiId=api, StageName="v1")
    well = {"DomainName": NAME, "ApiId": api, "Stage": "v1"}
    for change, code, sentence in (
        ({"ApiId": "nothing"}, "NotFoundException", "Invalid API identifier specified"),
        ({"Stage": "v2"}, "BadRequestException", "Invalid stage identifier specified"),
        ({"ApiMappingKey": "/a"}, "BadRequestException", "An ApiMapping key may contain only"),
    ):
        with pytest.raises(ClientError, match=sentence) as caught:
            site.apis.create_api_mapping(**{**well, **change})
        assert caught.value.response["Error"]["Code"] == code
    one = site.apis.create_api_mapping(**well)["ApiMappingId"]
    two = site.apis.create_api_mapping(**well, ApiMappingKey="a/b")["ApiMappingId"]
    with pytest.raises(ClientError, match="already exists"):
        site.apis.create_api_mapping(**well)
    moved = {"DomainName": NAME, "ApiId": api, "ApiMappingId": two, "ApiMappingKey": "c"}
    assert site.apis.update_api_mapping(**moved)["ApiMappingKey"] == "c"
    with pytest.raises(ClientError, match="already exists"):
        site.apis.update_api_mapping(**{**moved, "ApiMappingKey": ""})
    assert site.apis.get_api_mapping(DomainName=NAME, ApiMappingId=two)["ApiMappingKey"] == "c"
    with pytest.raises(ClientError, match=f"Deleting API {api} failed. Please remove all API map"):
        site.apis.delete_api(ApiId=api)
    with pytest.raises(ClientError, match="Please remove all API mappings for the stage"):
        site.apis.delete_stage(ApiId=api, StageName="v1")
    for number in (one, two):
        site.apis.delete_api_mapping(DomainName=NAME, ApiMappingId=number)
    site.apis.delete_api(ApiId=api)
