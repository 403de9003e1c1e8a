"""What RequestCertificate takes, and what it refuses."""

import pytest

from pkilab.simulator.service import AwsError

NAME = "www.lab.example"
CA = "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/x"


def refused(desk, code, **members):
    """Request what must be refused, below boto3; return the message."""
    with pytest.raises(AwsError) as caught:
        desk.invoke("RequestCertificate", **{"DomainName": NAME, **members})
    assert caught.value.code == code, caught.value
    return caught.value.message


def test_what_is_left_out_has_a_default(desk):
    """RSA of 2,048 bits, by mail, logged, not for export."""
    arn = desk.acm.request_certificate(DomainName=NAME)["CertificateArn"]
    found = desk.describe(arn)
    assert (found["KeyAlgorithm"], found["Type"]) == ("RSA-2048", "AMAZON_ISSUED")
    assert found["DomainValidationOptions"][0]["ValidationMethod"] == "EMAIL"
    assert found["Options"] == {
        "CertificateTransparencyLoggingPreference": "ENABLED", "Export": "DISABLED",
    }  # fmt: skip
    assert found["SubjectAlternativeNames"] == [NAME]


@pytest.mark.parametrize("key", ["RSA_2048", "EC_prime256v1", "EC_secp384r1"])
def test_three_kinds_of_keys_are_made(desk, key):
    """P-384 among them."""
    arn = desk.request(KeyAlgorithm=key)
    assert desk.describe(arn)["KeyAlgorithm"] == key.replace("_", "-", 1)


@pytest.mark.parametrize("key", ["RSA_1024", "RSA_3072", "RSA_4096", "EC_secp521r1"])
def test_other_keys_are_for_import(desk, key):
    """Saying where."""
    message = refused(desk, "ValidationException", KeyAlgorithm=key)
    assert message == f"Encryption Algorithm {key} is not supported in us-east-1 region"


def test_ecdsa_keys_are_made_since_2022(open_desk):
    assert refused(open_desk(now="2022-11-07T12:00:00Z"), "ValidationException",
                   KeyAlgorithm="EC_prime256v1")  # fmt: skip
    assert open_desk(now="2022-11-08T12:00:00Z").request()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("localhost", "ValidationException"), ("a..example", "ValidationException"),
        ("*.*.example", "ValidationException"), ("x.amazonaws.com", "InvalidParameterException"),
        ("ab--c.example", "InvalidParameterException"),
        (f"{'a' * 53}.lab.example", "InvalidParameterException"),
    ],
)  # fmt: skip
def test_names_are_checked(desk, name, code):
    """By the model, and by ACM."""
    assert refused(desk, code, DomainName=name)


def test_a_certificate_has_ten_names(desk):
    """The first of them counts, and names given twice count once."""
    names = [f"n{number}.lab.example" for number in range(10)]
    assert len(desk.describe(desk.request(*names, names[3]))["SubjectAlternativeNames"]) == 10
    message = refused(desk, "LimitExceededException", SubjectAlternativeNames=names)
    assert message == "Certificate has too many domains."


def test_http_is_cloudfronts(desk):
    """For its tenants, which are not simulated."""
    message = refused(desk, "InvalidParameterException", ValidationMethod="HTTP")
    assert "CloudFront" in message
    refused(desk, "NotImplemented", ValidationMethod="HTTP", ManagedBy="CLOUDFRONT")


def test_dns_validates_since_2017(open_desk):
    """Before, mail alone did."""
    early = open_desk(now="2017-11-20T12:00:00Z")
    message = refused(early, "InvalidParameterException", ValidationMethod="DNS")
    assert message == "The validation method must be EMAIL: found DNS"
    assert early.request(ValidationMethod="EMAIL", KeyAlgorithm="RSA_2048")


def test_private_certificates_came_in_2018(open_desk):
    early = open_desk(now="2018-04-03T12:00:00Z")
    message = refused(early, "InvalidParameterException", CertificateAuthorityArn=CA)
    assert "private CA" in message


def test_export_came_in_2025(open_desk):
    """For public certificates."""
    export = {"Options": {"Export": "ENABLED"}}
    early = open_desk(now="2025-06-16T12:00:00Z")
    assert "export" in refused(early, "InvalidParameterException", **export)
    assert "Export" not in early.describe(early.request())["Options"]
    late = open_desk(now="2025-06-17T12:00:00Z")
    assert late.describe(late.request(**export))["Options"]["Export"] == "ENABLED"


def test_what_is_not_modelled_is_refused(desk):
    """Amazon N2 certificates, and the method among the options."""
    for members in (
        {"RootHierarchyType": "N2_AMAZON_MANAGED"},
        {"RootHierarchyType": "N2_AMAZON_MANAGED", "CertificateUsage": "CLIENT_AUTH_ONLY"},
        {"ManagedBy": "CLOUDFRONT"},
        {"Options": {"ValidationMethod": "DNS"}},
    ):
        assert "is not simulated" in refused(desk, "NotImplemented", **members)


@pytest.mark.parametrize(
    "members",
    [
        {"CertificateUsage": "CLIENT_AUTH_ONLY"},
        {"RootHierarchyType": "N2_AMAZON_MANAGED", "CertificateAuthorityArn": CA},
    ],
)
def test_options_of_n2_stand_with_n2_alone(desk, members):
    """A usage without the root, or the root beside a private CA."""
    refused(desk, "ValidationException", **members)


def test_tags_are_set_and_checked(desk):
    arn = desk.request(Tags=[{"Key": "a", "Value": "b"}])
    assert desk.acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [
        {"Key": "a", "Value": "b"}
    ]
    refused(desk, "InvalidTagException", Tags=[{"Key": "aws:x"}])


def test_a_token_makes_a_request_one_for_an_hour(desk, lab):
    """If it asks for the same."""
    first = desk.request(IdempotencyToken="t")
    assert desk.request(IdempotencyToken="t") == first
    assert desk.request("b.lab.example", IdempotencyToken="t") != first
    assert desk.request(IdempotencyToken="t") == first  # also after the other one
    assert desk.request() != first
    again = desk.request(IdempotencyToken="u")
    lab.clock.advance(minutes=59)
    assert desk.request(IdempotencyToken="u") == again
    lab.clock.advance(minutes=1)
    assert desk.request(IdempotencyToken="u") != again


def test_a_token_of_a_deleted_request_makes_a_new_one(desk):
    first = desk.request(IdempotencyToken="t")
    desk.acm.delete_certificate(CertificateArn=first)
    assert desk.request(IdempotencyToken="t") != first


# UpdateCertificateOptions


def update(desk, arn, **options):
    desk.acm.update_certificate_options(CertificateArn=arn, Options=options)


def test_the_way_out_of_transparency_was_open_from_2018_to_2026(open_desk):
    """Then it is taken and ignored, as it seems."""
    preference = "CertificateTransparencyLoggingPreference"
    for when, shown in (
        ("2018-04-23T00:00:00Z", "ENABLED"),
        ("2018-05-01T00:00:00Z", "DISABLED"),
        ("2026-05-31T00:00:00Z", "DISABLED"),
        ("2026-06-01T00:00:00Z", "ENABLED"),
    ):
        desk = open_desk(now=when)
        asked = {preference: "DISABLED"}
        arn = desk.request(Options=asked, KeyAlgorithm="RSA_2048")
        assert desk.describe(arn)["Options"][preference] == shown
        update(desk, arn, **{preference: "ENABLED"})
        assert desk.describe(arn)["Options"][preference] == "ENABLED"
        update(desk, arn, **asked)
        assert desk.describe(arn)["Options"][preference] == shown


def test_export_is_fixed_at_the_request(desk):
    """To say the same again changes nothing."""
    arn = desk.request(Options={"Export": "ENABLED"})
    update(desk, arn, Export="ENABLED")
    message = desk.refused(
        "ValidationException", desk.acm.update_certificate_options,
        CertificateArn=arn, Options={"Export": "DISABLED"},
    )  # fmt: skip
    assert "cannot be changed" in message


def test_options_are_those_of_a_public_certificate_that_is_alive(desk, lab):
    """Neither of a private one nor of one that is over; the method is not changed here."""
    preference = {"CertificateTransparencyLoggingPreference": "DISABLED"}
    ca = desk.root()
    desk.grant(ca)
    private, public = desk.request(CertificateAuthorityArn=ca), desk.request()
    update_options = desk.acm.update_certificate_options
    desk.refused("ValidationException", update_options, CertificateArn=private, Options=preference)
    desk.refused(
        "NotImplemented", update_options,
        CertificateArn=public, Options={"ValidationMethod": "DNS"},
    )  # fmt: skip
    lab.clock.advance(hours=72)
    desk.refused("InvalidStateException", update_options, CertificateArn=public, Options=preference)
