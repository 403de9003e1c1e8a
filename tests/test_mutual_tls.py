"""The workflow: truststores, domain names, and why a client is let in or not."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509

from pkilab import Lab, ca_hierarchy, mutual_tls
from pkilab.errors import LabError, MalformedError
from pkilab.mutual_tls import TruststoreObject
from pkilab.pki import pem, requests
from pkilab.pki.truststore import Cause

NAME, ZONE = "api.lab.example", "lab.example"


class Site:
    """CAs, a client and what a domain name needs."""

    def __init__(self, lab):
        self.lab = lab
        self.pca, self.s3, self.acm, self.apis, self.route53 = (
            lab.client(name) for name in ("acm-pca", "s3", "acm", "apigatewayv2", "route53")
        )
        self.root_arn = ca_hierarchy.create_root(self.pca, {"CommonName": "Root"})
        self.sub_arn = ca_hierarchy.create_subordinate(
            self.pca, {"CommonName": "Sub"}, parent_arn=self.root_arn
        )
        self.root, self.sub = (
            pem.load_certificate(
                self.pca.get_certificate_authority_certificate(CertificateAuthorityArn=arn)[
                    "Certificate"
                ]
            )
            for arn in (self.root_arn, self.sub_arn)
        )
        self.s3.create_bucket(Bucket="lab-trust")
        versioned = {"Status": "Enabled"}
        self.s3.put_bucket_versioning(Bucket="lab-trust", VersioningConfiguration=versioned)
        zone = self.route53.create_hosted_zone(Name=ZONE, CallerReference="x")
        self.zone = zone["HostedZone"]["Id"]
        self.client = self.issue(self.sub_arn, "CN=client")

    def issue(self, arn, subject, days=30, **request):
        """Issue a certificate and return it."""
        csr = requests.build_request(self.lab.generate_key(subject), subject, **request)
        validity = {"Type": "DAYS", "Value": days}
        return ca_hierarchy.issue(self.pca, arn, csr, validity=validity).certificate

    def upload(self, *certificates):
        """Upload a truststore."""
        return mutual_tls.upload_truststore(self.s3, "lab-trust", certificates)

    def public(self):
        """Have a public certificate for the name."""
        return mutual_tls.request_public_certificate(self.acm, self.route53, NAME, self.zone)

    def explain(self, certificate, **options):
        """Explain by the domain name's truststore."""
        return mutual_tls.explain_domain(
            self.apis, self.s3, NAME, certificate, at=self.lab.clock.now(), **options
        )


@pytest.fixture
def site(lab):
    return Site(lab)


def test_a_truststore_is_uploaded_leafwards_first_and_versioned(site):
    """In whatever order its CAs were given."""
    uploaded = site.upload(site.root, site.sub, site.root)
    assert uploaded.uri == "s3://lab-trust/truststore.pem"
    body = site.s3.get_object(Bucket="lab-trust", Key="truststore.pem")
    assert pem.load_certificates(body["Body"].read()) == (site.sub, site.root)
    assert body["VersionId"] == uploaded.version


def test_a_bucket_without_versions_gives_none(site):
    """The domain name can then use only the newest."""
    site.s3.create_bucket(Bucket="lab-unversioned")
    uploaded = mutual_tls.upload_truststore(site.s3, "lab-unversioned", [site.root])
    assert uploaded == TruststoreObject("s3://lab-unversioned/truststore.pem", None)


def test_a_domain_name_with_a_public_certificate_needs_no_other_proof(site):
    """It is available, and says which truststore it uses."""
    store = site.upload(site.root, site.sub)
    status = mutual_tls.create_domain(site.apis, NAME, site.public(), truststore=store)
    assert (status.status, status.truststore, status.warnings) == ("AVAILABLE", store, ())
    assert status.target.startswith("d-")


def test_an_imported_certificate_needs_the_proof_of_a_public_one(site):
    """And gets in with it."""
    key = site.lab.generate_key("server")
    server = site.issue(site.root_arn, f"CN={NAME}", dns_names=[NAME])
    key = site.lab.generate_key(f"CN={NAME}")
    arn = mutual_tls.import_certificate(site.acm, pem.to_pem(server), key, pem.to_pem(site.root))
    store = site.upload(site.root)
    with pytest.raises(ClientError, match="Missing ownershipVerificationCertificate"):
        mutual_tls.create_domain(site.apis, NAME, arn, truststore=store)
    status = mutual_tls.create_domain(
        site.apis, NAME, arn, truststore=store, ownership_arn=site.public()
    )
    assert status.truststore == store
    again = mutual_tls.use_truststore(site.apis, NAME, site.upload(site.root, site.sub))
    assert again.truststore != store, "the proof was sent along again"


def test_mutual_tls_is_switched_on_renewed_and_off(site):
    """By one function."""
    mutual_tls.create_domain(site.apis, NAME, site.public())
    assert mutual_tls.wait_until_available(site.apis, NAME).truststore is None
    first = mutual_tls.use_truststore(site.apis, NAME, site.upload(site.root))
    second = mutual_tls.use_truststore(site.apis, NAME, site.upload(site.root, site.sub))
    assert first.truststore.version != second.truststore.version
    assert mutual_tls.use_truststore(site.apis, NAME, None).truststore is None
    with pytest.raises(LabError, match="found no truststore, expected mutual TLS"):
        site.explain(site.client)


def test_a_change_is_waited_for_and_not_for_ever():
    """On a world that takes its time."""
    with Lab.simulated(seed="slow", latency=timedelta(minutes=10)) as lab:
        site = Site.__new__(Site)
        site.lab = lab
        acm, route53, apis = (lab.client(name) for name in ("acm", "route53", "apigatewayv2"))
        zone = route53.create_hosted_zone(Name=ZONE, CallerReference="x")["HostedZone"]["Id"]
        arn = mutual_tls.request_public_certificate(
            acm, route53, NAME, zone, sleep=lambda _: lab.clock.advance(minutes=5)
        )
        apis.create_domain_name(
            DomainName=NAME,
            DomainNameConfigurations=[{"CertificateArn": arn, "EndpointType": "REGIONAL"}],
        )
        with pytest.raises(LabError, match=r"0:00:10 for .*found UPDATING, expected AVAILABLE"):
            mutual_tls.wait_until_available(apis, NAME, sleep=lambda _: None, limit=10)
        status = mutual_tls.wait_until_available(
            apis, NAME, sleep=lambda _: lab.clock.advance(minutes=5)
        )
        assert status.status == "AVAILABLE"


def test_a_client_that_is_let_in_needs_no_remedy(site):
    """And the explanation says what nobody looked at."""
    found = mutual_tls.explain(site.client, [site.root, site.sub], at=site.lab.clock.now())
    assert found.admitted
    assert found.remedy == ""
    assert repr(found).endswith("Not looked at: revocation, extended key usage and names.")


@pytest.mark.parametrize("candidates", [True, False])
def test_a_missing_ca_is_named_and_tried_if_it_is_at_hand(site, candidates):
    """With it, says the remedy; or only its name."""
    more = [site.sub] if candidates else []
    found = mutual_tls.explain(site.client, [site.root], at=site.lab.clock.now(), candidates=more)
    assert found.cause is Cause.UNKNOWN_ISSUER
    expected = "With CN=Sub in the truststore" if candidates else "Add CN=Sub, and its own issuers"
    assert found.remedy.startswith(expected)


@pytest.mark.parametrize(
    ("days", "cause", "remedy"), [(31, Cause.EXPIRED, "Renew"), (-1, Cause.NOT_YET_VALID, "Wait")]
)
def test_dates_have_a_remedy_of_their_own(site, days, cause, remedy):
    """Too late, and too early."""
    at = site.lab.clock.now() + timedelta(days=days)
    store = [site.root, site.sub]
    found = mutual_tls.explain(site.client, store, at=at)
    assert found.cause is cause
    assert found.remedy.startswith(remedy)


def test_no_certificate_and_a_self_signed_one(site):
    """Each says what to do."""
    at = site.lab.clock.now()
    assert mutual_tls.explain(None, [site.root], at=at).remedy.startswith("Send one")
    own = mutual_tls.explain(site.root, [site.sub], at=at)
    assert own.cause is Cause.SELF_SIGNED
    assert own.remedy.startswith("Add it to the truststore itself")


def test_a_newer_truststore_that_is_not_used_is_found(site):
    """The explanation looks at both versions, and is content once the domain name is updated."""
    first = site.upload(site.root)
    mutual_tls.create_domain(site.apis, NAME, site.public(), truststore=first)
    assert "Add CN=Sub" in site.explain(site.client).remedy
    second = site.upload(site.root, site.sub)
    stale = site.explain(site.client)
    assert not stale.admitted
    assert stale.remedy.startswith(f"The domain name uses version {first.version} of ")
    mutual_tls.use_truststore(site.apis, NAME, second)
    assert site.explain(site.client).admitted
    assert isinstance(site.client, x509.Certificate)


def test_a_newest_version_that_is_gone_or_broken_is_no_remedy(site):
    """The domain name's own version is judged all the same."""
    first = site.upload(site.root)
    mutual_tls.create_domain(site.apis, NAME, site.public(), truststore=first)
    site.s3.put_object(Bucket="lab-trust", Key="truststore.pem", Body=b"nothing")
    assert "Add CN=Sub" in site.explain(site.client).remedy
    site.s3.delete_object(Bucket="lab-trust", Key="truststore.pem")
    assert "Add CN=Sub" in site.explain(site.client).remedy
    site.s3.delete_object(Bucket="lab-trust", Key="truststore.pem", VersionId=first.version)
    with pytest.raises(ClientError, match="NoSuchVersion"):
        site.explain(site.client)


def test_a_truststore_without_a_version_is_judged_with_a_doubt(site):
    """What lies there now may not be what API Gateway read; with a version there is no doubt."""
    store = site.upload(site.root, site.sub)
    unpinned = TruststoreObject(store.uri, None)
    mutual_tls.create_domain(site.apis, NAME, site.public(), truststore=unpinned)
    found = site.explain(site.client)
    assert found.admitted
    assert found.doubt.startswith(f"{NAME} names no version of s3://lab-trust/truststore.pem")
    assert found.doubt in repr(found)
    mutual_tls.use_truststore(site.apis, NAME, store)
    assert site.explain(site.client).doubt == ""


def test_a_change_in_progress_does_not_keep_from_explaining(tmp_path):
    """The domain name serves meanwhile; creating it waits as it is told to."""
    with Lab.simulated(seed="slow", latency=timedelta(minutes=10)) as lab:
        s3, acm, route53, apis = (
            lab.client(name) for name in ("s3", "acm", "route53", "apigatewayv2")
        )
        zone = route53.create_hosted_zone(Name=ZONE, CallerReference="x")["HostedZone"]["Id"]

        def sleep(_seconds):
            lab.clock.advance(minutes=5)

        arn = mutual_tls.request_public_certificate(acm, route53, NAME, zone, sleep=sleep)
        assert mutual_tls.create_domain(apis, NAME, arn, sleep=sleep).status == "AVAILABLE"
        s3.create_bucket(Bucket="lab-trust")
        versioned = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket="lab-trust", VersioningConfiguration=versioned)
        key = lab.generate_key("root", "RSA_2048")
        root = ca_hierarchy.ExternalRoot(
            tmp_path / "root", key, subject="CN=Root", at=lab.clock.now()
        )
        cas = pem.load_certificates(root.certificate)
        store = mutual_tls.upload_truststore(s3, "lab-trust", cas)
        mutual_tls.use_truststore(apis, NAME, store, sleep=sleep)
        (now,) = apis.get_domain_name(DomainName=NAME)["DomainNameConfigurations"]
        apis.update_domain_name(
            DomainName=NAME,
            DomainNameConfigurations=[
                {"CertificateArn": now["CertificateArn"], "EndpointType": "REGIONAL"}
            ],
            MutualTlsAuthentication={"TruststoreUri": store.uri},
        )
        (now,) = apis.get_domain_name(DomainName=NAME)["DomainNameConfigurations"]
        assert now["DomainNameStatus"] == "UPDATING"
        found = mutual_tls.explain_domain(apis, s3, NAME, None, at=lab.clock.now())
        assert found.cause is Cause.NO_CERTIFICATE


def test_nothing_is_uploaded_that_api_gateway_would_refuse(site):
    """No certificate at all."""
    with pytest.raises(MalformedError, match="found nothing, expected CA certificates"):
        site.upload()


def test_a_namesakes_client_and_one_too_deep_have_remedies(site):
    """A CA of the same name, and a fourth CA."""
    at = site.lab.clock.now()
    twin = ca_hierarchy.create_root(site.pca, {"CommonName": "Root"})
    found = mutual_tls.explain(site.issue(twin, "CN=theirs"), [site.root], at=at)
    assert found.cause is Cause.BAD_SIGNATURE
    assert found.remedy.startswith("If the CA of that name which did sign is to be trusted")
    arn = twin
    for level, name in enumerate(("One", "Two", "Three")):
        arn = ca_hierarchy.create_subordinate(
            site.pca, {"CommonName": name}, parent_arn=arn, path_length=2 - level, years=5 - level
        )
    leaf = site.issue(arn, "CN=deep")
    answer = site.pca.get_certificate_authority_certificate(CertificateAuthorityArn=arn)
    cas = pem.load_certificates(answer["Certificate"] + answer["CertificateChain"])
    found = mutual_tls.explain(leaf, cas, at=at)
    assert found.cause is Cause.CHAIN_TOO_LONG
    assert found.remedy == "Have a CA that stands higher issue it."
