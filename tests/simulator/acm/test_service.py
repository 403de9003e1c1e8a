"""ACM through boto3: importing, and public certificates validated by DNS."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab import Lab, mutual_tls, witness
from pkilab.pki import names, pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key

NAME = "www.lab.example"
CA = "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/x"


class Pki:
    """Makes certificates to import."""

    def __init__(self, now):
        self.now = now

    def key(self, name, algorithm="EC_prime256v1"):
        """Return the key of a name."""
        return generate_key(algorithm, Entropy("acm").child(name))

    def make(self, name, issuer=None, *, start=0, end=90, algorithm="EC_prime256v1", key=None):
        """Make a certificate; without an issuer it signs itself."""
        key = self.key(key or name, algorithm)
        return (
            x509.CertificateBuilder()
            .subject_name(names.subject(f"CN={name}"))
            .issuer_name(names.subject(f"CN={issuer or name}"))
            .public_key(key.public_key())
            .serial_number(9)
            .not_valid_before(self.now + timedelta(days=start))
            .not_valid_after(self.now + timedelta(days=end))
            .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(self.key(issuer) if issuer else key, hashes.SHA256())
        )


def private(key, *, password=None):
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.fixture
def acm(lab):
    return lab.client("acm")


@pytest.fixture
def pki(lab):
    return Pki(lab.clock.now())


@pytest.fixture
def well(pki):
    """What ImportCertificate takes: a leaf below an intermediate below a root."""
    chain = [pki.make("sub", "root"), pki.make("root")]
    return {
        "Certificate": pem.to_pem(pki.make(NAME, "sub")).encode(),
        "PrivateKey": private(pki.key(NAME)),
        "CertificateChain": pem.to_pem(*chain).encode(),
    }


def refused(code, call, **members):
    """Call what must be refused; return the message."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def test_an_import_is_given_back_and_described(acm, well):
    """Certificate and chain as they were; never the key."""
    arn = acm.import_certificate(**well)["CertificateArn"]
    found = acm.get_certificate(CertificateArn=arn)
    assert found["Certificate"].encode() == well["Certificate"]
    assert found["CertificateChain"].encode() == well["CertificateChain"]
    detail = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (detail["Type"], detail["Status"], detail["DomainName"]) == ("IMPORTED", "ISSUED", NAME)
    assert (detail["KeyAlgorithm"], detail["SignatureAlgorithm"]) == (
        "EC-prime256v1",
        "SHA256WITHECDSA",
    )
    assert detail["InUseBy"] == []
    assert "PRIVATE" not in str(detail) + str(found)


def test_a_self_signed_certificate_needs_no_chain(acm, pki):
    """Any other does."""
    own = {
        "Certificate": pem.to_pem(pki.make("alone")).encode(),
        "PrivateKey": private(pki.key("alone")),
    }
    acm.import_certificate(**own)
    leaf = {
        "Certificate": pem.to_pem(pki.make(NAME, "sub")).encode(),
        "PrivateKey": private(pki.key(NAME)),
    }
    message = refused("ValidationException", acm.import_certificate, **leaf)
    assert message.startswith("Provided certificate is not a valid self signed.")


CHANGES = {
    "another key": ("PrivateKey", lambda pki: private(pki.key("other")), "do not match"),
    "an encrypted key": (
        "PrivateKey", lambda pki: private(pki.key(NAME), password=b"x"), "should not be encrypted",
    ),
    "no key": ("PrivateKey", lambda _: b"junk", "is not supported"),
    "no certificate": ("Certificate", lambda _: b"junk", "Unable to parse certificate"),
    "two certificates": (
        "Certificate",
        lambda pki: pem.to_pem(pki.make(NAME, "sub"), pki.make("root")).encode(),
        "contains more than one certificate",
    ),
    "over": (
        "Certificate", lambda pki: pem.to_pem(pki.make(NAME, "sub", start=-9, end=-1)).encode(),
        "not valid now",
    ),
    "not begun": (
        "Certificate", lambda pki: pem.to_pem(pki.make(NAME, "sub", start=1)).encode(),
        "not valid now",
    ),
    "a foreign chain": (
        "CertificateChain", lambda pki: pem.to_pem(pki.make("root")).encode(),
        "Could not validate the certificate with the certificate chain.",
    ),
    "a chain that breaks off": (
        "CertificateChain",
        lambda pki: pem.to_pem(pki.make("sub", "root"), pki.make("other")).encode(),
        "The index within the chain of the invalid certificate is: 1",
    ),
    "no chain": ("CertificateChain", lambda _: b"junk", "not in a valid PEM format"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_belong_together_is_refused(acm, pki, well, change):
    """In ACM's sentence, and nothing is kept."""
    member, make, sentence = CHANGES[change]
    message = refused("ValidationException", acm.import_certificate, **{**well, member: make(pki)})
    assert sentence in message
    everything = {"keyTypes": ["EC_prime256v1"]}
    assert acm.list_certificates(Includes=everything)["CertificateSummaryList"] == []


def test_a_reimport_keeps_arn_tags_and_use(acm, pki, well):
    """And refuses another kind of key, tags, and losing every name."""
    tags = [{"Key": "a", "Value": "b"}]
    arn = acm.import_certificate(**well, Tags=tags)["CertificateArn"]
    newer = {**well, "Certificate": pem.to_pem(pki.make(NAME, "sub", end=200)).encode()}
    assert acm.import_certificate(**newer, CertificateArn=arn)["CertificateArn"] == arn
    detail = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert detail["NotAfter"] == pki.now + timedelta(days=200)
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == tags
    again = {**newer, "CertificateArn": arn}
    refused("ValidationException", acm.import_certificate, **again, Tags=tags)
    other = {
        **again,
        "Certificate": pem.to_pem(pki.make("other", "sub")).encode(),
        "PrivateKey": private(pki.key("other")),
    }
    assert "domain names" in refused("ValidationException", acm.import_certificate, **other)
    nowhere = arn[:-4] + "0000"
    refused(
        "ResourceNotFoundException", acm.import_certificate, **{**again, "CertificateArn": nowhere}
    )


@pytest.fixture
def zone(lab):
    """A public zone; a function that writes a certificate's records into it."""
    route53 = lab.client("route53")
    made = route53.create_hosted_zone(Name="lab.example", CallerReference="x")

    def write(detail):
        for each in detail["DomainValidationOptions"]:
            record = each["ResourceRecord"]
            wanted = {
                "Name": record["Name"], "Type": "CNAME", "TTL": 60,
                "ResourceRecords": [{"Value": record["Value"]}],
            }  # fmt: skip
            route53.change_resource_record_sets(
                HostedZoneId=made["HostedZone"]["Id"],
                ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": wanted}]},
            )

    return write


def request(acm, name=NAME, **options):
    return acm.request_certificate(
        DomainName=name, ValidationMethod="DNS", KeyAlgorithm="EC_prime256v1", **options
    )["CertificateArn"]


def describe(acm, arn):
    return acm.describe_certificate(CertificateArn=arn)["Certificate"]


def test_a_public_certificate_is_issued_once_its_record_is_there(acm, lab, zone):
    """Not before; and by itself within a minute."""
    one, two = request(acm), request(acm, "api.lab.example")
    assert describe(acm, one)["Status"] == "PENDING_VALIDATION"
    refused("RequestInProgressException", acm.get_certificate, CertificateArn=one)
    zone(describe(acm, one))
    assert describe(acm, one)["Status"] == "ISSUED"
    zone(describe(acm, two))
    lab.clock.advance(minutes=1)
    found = acm.get_certificate(CertificateArn=two)
    said = witness.openssl_verify(
        found["Certificate"],
        root=found["CertificateChain"],
        at=lab.clock.now(),
        options=["-verify_hostname", "api.lab.example", "-purpose", "sslserver"],
    )
    assert said.agrees, said
    detail = describe(acm, two)
    assert detail["NotAfter"] - detail["NotBefore"] == timedelta(days=198) - timedelta(seconds=1)
    assert detail["ExtendedKeyUsages"][0]["Name"] == "TLS_WEB_SERVER_AUTHENTICATION"


def test_a_name_and_its_wildcard_share_a_record_and_every_request_does(acm, lab):
    """By account, for good."""
    options = describe(acm, request(acm, SubjectAlternativeNames=[f"*.{NAME}"]))
    records = [each["ResourceRecord"] for each in options["DomainValidationOptions"]]
    assert records[0] == records[1]
    assert records[0]["Name"].endswith(f".{NAME}.")
    again = describe(acm, request(acm))["DomainValidationOptions"][0]["ResourceRecord"]
    assert again == records[0]
    other = lab.client("acm", account="consumer")
    assert describe(other, request(other))["DomainValidationOptions"][0]["ResourceRecord"] != again


def test_a_request_that_is_never_validated_times_out(acm, lab, zone):
    """After 72 hours, and then a record comes too late."""
    arn = request(acm)
    lab.clock.advance(hours=71)
    assert describe(acm, arn)["Status"] == "PENDING_VALIDATION"
    lab.clock.advance(hours=1)
    detail = describe(acm, arn)
    assert (detail["Status"], detail["DomainValidationOptions"][0]["ValidationStatus"]) == (
        "VALIDATION_TIMED_OUT", "FAILED",
    )  # fmt: skip
    zone(detail)
    assert describe(acm, arn)["Status"] == "VALIDATION_TIMED_OUT"


@pytest.mark.parametrize(
    "name",
    ["localhost", "a..example", "-a.example", "x.amazonaws.com", "*.*.example", "a b.example"],
)
def test_a_name_that_no_public_certificate_is_for_is_refused(acm, name):
    """Malformed, of one label, or Amazon's own."""
    with pytest.raises(ClientError) as caught:
        request(acm, name)
    assert caught.value.response["Error"]["Code"] in {
        "InvalidParameterException", "ValidationException",
    }  # fmt: skip


def test_a_token_makes_a_request_one_for_an_hour(acm, lab):
    """If it asks for the same."""
    first = request(acm, IdempotencyToken="t")
    assert request(acm, IdempotencyToken="t") == first
    assert request(acm, "b.lab.example", IdempotencyToken="t") != first
    lab.clock.advance(hours=1)
    assert request(acm, IdempotencyToken="t") != first


@pytest.mark.parametrize(
    "options",
    [
        {"ValidationMethod": "EMAIL"}, {"ValidationMethod": "HTTP", "ManagedBy": "CLOUDFRONT"},
        {"CertificateAuthorityArn": CA},
        {"ValidationMethod": "DNS", "Options": {"Export": "ENABLED"}},
    ],
)  # fmt: skip
def test_what_is_not_modelled_is_refused(acm, options):
    """Saying so; and so is a key that ACM does not make."""
    refused("NotImplemented", acm.request_certificate, DomainName=NAME, **options)
    weak = {"DomainName": NAME, "ValidationMethod": "DNS", "KeyAlgorithm": "RSA_1024"}
    message = refused("ValidationException", acm.request_certificate, **weak)
    assert message == "Encryption Algorithm RSA_1024 is not supported in us-east-1 region"


def test_a_certificate_in_use_is_not_deleted(acm, lab, zone):
    """Until its domain name is."""
    arn = request(acm)
    zone(describe(acm, arn))
    apis = lab.client("apigatewayv2")
    assert describe(acm, arn)["Status"] == "ISSUED"
    mutual_tls.create_domain(apis, NAME, arn)
    assert len(describe(acm, arn)["InUseBy"]) == 1
    refused("ResourceInUseException", acm.delete_certificate, CertificateArn=arn)
    apis.delete_domain_name(DomainName=NAME)
    acm.delete_certificate(CertificateArn=arn)
    refused("ResourceNotFoundException", acm.describe_certificate, CertificateArn=arn)


def test_lists_show_what_they_are_asked_for(acm, lab, well):
    """RSA up to 2,048 bits unless told otherwise; the caller's own account and Region."""
    arn = acm.import_certificate(**well)["CertificateArn"]
    pending = request(acm)
    assert acm.list_certificates()["CertificateSummaryList"] == []
    ec = {"keyTypes": ["EC_prime256v1"]}
    listed = acm.list_certificates(Includes=ec)["CertificateSummaryList"]
    assert [each["CertificateArn"] for each in listed] == [arn, pending]
    page = acm.list_certificates(Includes=ec, MaxItems=1)
    rest = acm.list_certificates(Includes=ec, MaxItems=1, NextToken=page["NextToken"])
    assert rest["CertificateSummaryList"][0]["CertificateArn"] == pending
    issued = acm.list_certificates(Includes=ec, CertificateStatuses=["ISSUED"])
    assert len(issued["CertificateSummaryList"]) == 1
    other = lab.client("acm", account="consumer")
    assert other.list_certificates(Includes=ec)["CertificateSummaryList"] == []
    refused("ResourceNotFoundException", other.describe_certificate, CertificateArn=arn)


def test_what_has_expired_is_listed_as_such(acm, lab, well):
    """Not as issued any longer."""
    arn = acm.import_certificate(**well)["CertificateArn"]

    def listed(status):
        found = acm.list_certificates(
            Includes={"keyTypes": ["EC_prime256v1"]}, CertificateStatuses=[status]
        )
        return [each["CertificateArn"] for each in found["CertificateSummaryList"]]

    assert (listed("ISSUED"), listed("EXPIRED")) == ([arn], [])
    lab.clock.advance(days=91)
    assert (listed("ISSUED"), listed("EXPIRED")) == ([], [arn])
    assert describe(acm, arn)["Status"] == "EXPIRED"


def test_uses_are_described_as_objects_and_listed_by_name(acm, zone, well):
    """Those of the extensions; without them any, and no extended one."""
    imported = acm.import_certificate(**well)["CertificateArn"]
    public = request(acm)
    zone(describe(acm, public))
    detail = describe(acm, public)
    assert detail["KeyUsages"] == [{"Name": "DIGITAL_SIGNATURE"}]
    server = {"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.1"}
    assert detail["ExtendedKeyUsages"] == [server]
    found = acm.list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})
    uses = {
        each["CertificateArn"]: (each["KeyUsages"], each["ExtendedKeyUsages"])
        for each in found["CertificateSummaryList"]
    }
    assert uses == {
        imported: (["ANY"], ["NONE"]),
        public: (["DIGITAL_SIGNATURE"], ["TLS_WEB_SERVER_AUTHENTICATION"]),
    }


def test_the_first_name_has_64_characters_and_others_may_be_longer(acm):
    """It is the common name."""
    long = "a" * 53 + ".lab.example"
    assert len(long) == 65
    message = refused(
        "InvalidParameterException", acm.request_certificate, DomainName=long,
        ValidationMethod="DNS",
    )  # fmt: skip
    assert message == "The first domain name has at most 64 characters: found 65"
    arn = request(acm, long[1:], SubjectAlternativeNames=[long])
    assert describe(acm, arn)["SubjectAlternativeNames"] == [long[1:], long]


def test_a_certificate_has_ten_names_and_fifty_tags(acm):
    """And none that begin with aws:."""
    names = [f"n{number}.lab.example" for number in range(10)]
    arn = request(acm, names[0], SubjectAlternativeNames=names)
    assert len(describe(acm, arn)["SubjectAlternativeNames"]) == 10
    more = {"DomainName": NAME, "ValidationMethod": "DNS", "SubjectAlternativeNames": names}
    refused("LimitExceededException", acm.request_certificate, **more)
    tags = [{"Key": str(number)} for number in range(50)]
    acm.add_tags_to_certificate(CertificateArn=arn, Tags=tags)
    for code, key in (("TooManyTagsException", "more"), ("InvalidTagException", "AWS:x")):
        added = {"CertificateArn": arn, "Tags": [{"Key": key}]}
        refused(code, acm.add_tags_to_certificate, **added)
    acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "0", "Value": "other"}])
    assert len(acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]) == 50
    acm.remove_tags_from_certificate(CertificateArn=arn, Tags=tags)
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == []


def test_a_deleted_request_is_not_validated_any_more(acm, lab, zone):
    """Though its record comes."""
    arn = request(acm)
    detail = describe(acm, arn)
    acm.delete_certificate(CertificateArn=arn)
    zone(detail)
    lab.clock.advance(hours=73)
    refused("ResourceNotFoundException", acm.describe_certificate, CertificateArn=arn)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(min_size=1, max_size=12)
    | st.from_regex(r"[a-z*.-]{1,70}\.example", fullmatch=True),
    others=st.lists(st.text(min_size=1, max_size=6), max_size=3),
    token=st.text(max_size=4),
)
def test_whatever_is_requested_only_acms_refusals_leave(acm, name, others, token):
    """Names and tokens of any kind."""
    options = {"SubjectAlternativeNames": others} if others else {}
    if token:
        options["IdempotencyToken"] = token
    try:
        arn = request(acm, name, **options)
    except ClientError as error:
        assert error.response["Error"]["Code"] in {
            "InvalidParameterException", "ValidationException",
        }, error  # fmt: skip
    else:
        assert describe(acm, arn)["Status"] == "PENDING_VALIDATION"


def test_equal_worlds_issue_equal_certificates():
    """To the byte, key and all."""

    def issued():
        with Lab.simulated(seed="equal") as lab:
            acm, route53 = lab.client("acm"), lab.client("route53")
            zone = route53.create_hosted_zone(Name="lab.example", CallerReference="x")
            arn = mutual_tls.request_public_certificate(
                acm, route53, NAME, zone["HostedZone"]["Id"]
            )
            return acm.get_certificate(CertificateArn=arn)["Certificate"]

    assert issued() == issued()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    member=st.sampled_from(["Certificate", "PrivateKey", "CertificateChain"]),
    data=st.binary(min_size=1, max_size=60),
    place=st.integers(0, 400),
)
def test_whatever_is_imported_only_acms_refusals_leave(acm, well, member, data, place):
    """Junk, and what was well but for some bytes."""
    for content in (data, well[member][:place] + data + well[member][place + len(data) :]):
        try:
            acm.import_certificate(**{**well, member: content})
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ValidationException", error
