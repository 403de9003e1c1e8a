"""How ACM shows a certificate."""

from datetime import timedelta

import pytest
from botocore.model import ListShape, StructureShape
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pkilab.pki import names
from pkilab.simulator.acm import describing
from pkilab.simulator.service import service_model

NAME = "www.lab.example"
SERVER = {"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.1"}
CLIENT = {"Name": "TLS_WEB_CLIENT_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.2"}
SHAPES = {
    "CertificateDetail": describing.detail,
    "CertificateSummary": describing.summary,
    "CertificateSearchResult": describing.search_result,
}


@pytest.fixture
def every(desk, maker):
    """A certificate of each kind and in each state, by name."""
    root = desk.root()
    exported = desk.issue("out.lab.example", Options={"Export": "ENABLED"})
    desk.export(exported)
    desk.acm.revoke_certificate(CertificateArn=exported, RevocationReason="SUPERSEDED")
    renewed = desk.request("renewed.lab.example", CertificateAuthorityArn=root)
    desk.export(renewed)
    desk.grant(root)
    desk.acm.renew_certificate(CertificateArn=renewed)
    return {
        "pending": desk.request("pending.lab.example"),
        "mail": desk.request("mail.lab.example", ValidationMethod="EMAIL"),
        "public": desk.issue(NAME, "*.lab.example"),
        "private": desk.request(CertificateAuthorityArn=root),
        "failed": desk.request(CertificateAuthorityArn=desk.root(years=1)),
        "imported": desk.bring(maker(desk.now), "own.example"),
        "revoked": exported,
        "renewed": renewed,
    }


def unknown(shape, value, where=""):
    """Yield the members of a value that the model does not have."""
    if isinstance(shape, StructureShape):
        for name, item in value.items():
            if name not in shape.members:
                yield f"{where}.{name}"
            elif item is not None:
                yield from unknown(shape.members[name], item, f"{where}.{name}")
    elif isinstance(shape, ListShape):
        for item in value:
            yield from unknown(shape.member, item, f"{where}[]")


@pytest.mark.parametrize("shape", SHAPES)
def test_every_member_is_one_of_the_models(desk, every, shape):
    """What the model does not know would be lost on the way."""
    for arn in every.values():
        shown = SHAPES[shape](desk.kept(arn), desk.now)
        assert list(unknown(service_model("acm").shape_for(shape), shown)) == []


def test_a_public_certificate_in_full(desk, every):
    """As DescribeCertificate shows it in late 2026."""
    arn = every["public"]
    found, made = desk.describe(arn), desk.certificate(arn)
    options = found.pop("DomainValidationOptions")
    assert [each["DomainName"] for each in options] == [NAME, "*.lab.example"]
    serial = made.serial_number.to_bytes(16).hex(":")
    assert found == {
        "CertificateArn": arn,
        "DomainName": NAME,
        "SubjectAlternativeNames": [NAME, "*.lab.example"],
        "Serial": serial,
        "Subject": f"CN={NAME}",
        "Issuer": "Amazon (simulated)",
        "CreatedAt": desk.now,
        "IssuedAt": desk.now,
        "Status": "ISSUED",
        "NotBefore": made.not_valid_before_utc,
        "NotAfter": made.not_valid_after_utc,
        "KeyAlgorithm": "EC-prime256v1",
        "SignatureAlgorithm": "SHA256WITHECDSA",
        "InUseBy": [],
        "Type": "AMAZON_ISSUED",
        "KeyUsages": [{"Name": "DIGITAL_SIGNATURE"}],
        "ExtendedKeyUsages": [SERVER],
        "RenewalEligibility": "INELIGIBLE",
        "Options": {
            "CertificateTransparencyLoggingPreference": "ENABLED", "Export": "DISABLED",
        },
        "CertificateKeyPairOrigin": "AWS_MANAGED",
    }  # fmt: skip


def test_a_private_certificate_names_its_ca(desk, every):
    """Nothing was to be proved, and the preference is shown though it means nothing."""
    found = desk.describe(every["private"])
    assert found["CertificateAuthorityArn"].startswith("arn:aws:acm-pca:")
    assert found["DomainValidationOptions"] == [
        {
            "DomainName": NAME, "ValidationDomain": NAME, "ValidationStatus": "SUCCESS",
            "ValidationMethod": "DNS",
        }
    ]  # fmt: skip
    assert (found["Type"], found["Issuer"]) == ("PRIVATE", "Lab Root")
    assert found["ExtendedKeyUsages"] == [SERVER, CLIENT]
    assert [each["Name"] for each in found["KeyUsages"]] == [
        "DIGITAL_SIGNATURE",
        "KEY_ENCIPHERMENT",
    ]
    assert found["Options"]["CertificateTransparencyLoggingPreference"] == "ENABLED"
    assert found["RenewalEligibility"] == "INELIGIBLE"
    assert found["IssuedAt"] == desk.now


def test_an_imported_certificate_says_when_it_came(desk, every, lab, maker):
    """And whose key it is; CreatedAt stays at a reimport."""
    found = desk.describe(every["imported"])
    assert (found["ImportedAt"], found["CreatedAt"]) == (desk.now, desk.now)
    assert found["CertificateKeyPairOrigin"] == "CUSTOMER_PROVIDED"
    assert "IssuedAt" not in found
    assert "DomainValidationOptions" not in found
    assert found["Options"]["CertificateTransparencyLoggingPreference"] == "DISABLED"
    make, created = maker(desk.now), desk.now
    lab.clock.advance(days=1)
    desk.bring(make, "own.example", again=every["imported"])
    found = desk.describe(every["imported"])
    assert (found["ImportedAt"], found["CreatedAt"]) == (desk.now, created)


def test_what_is_not_issued_has_no_certificate_to_show(desk, every):
    """A failure has its reason."""
    for which in ("pending", "mail", "failed"):
        found = desk.describe(every[which])
        assert not found.keys() & {"Serial", "NotAfter", "IssuedAt", "KeyUsages", "Issuer"}
    assert desk.describe(every["failed"])["FailureReason"] == "PCA_INVALID_DURATION"
    assert "FailureReason" not in desk.describe(every["pending"])


def test_a_renewal_is_summed_up(desk, every):
    """Once there was one."""
    summary = desk.describe(every["renewed"])["RenewalSummary"]
    assert (summary["RenewalStatus"], summary["UpdatedAt"]) == ("SUCCESS", desk.now)
    assert "RenewalSummary" not in desk.describe(every["private"])


def test_a_summary_has_names_where_the_detail_has_objects(desk, every):
    """And says what a certificate is used for."""
    keys = {"keyTypes": ["EC_prime256v1"]}
    listed = {
        each["CertificateArn"]: each
        for each in desk.acm.list_certificates(Includes=keys)["CertificateSummaryList"]
    }
    found = listed[every["private"]]
    assert found["KeyUsages"] == ["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"]
    assert found["ExtendedKeyUsages"] == [SERVER["Name"], CLIENT["Name"]]
    assert (found["InUse"], found["Exported"], found["ExportOption"]) == (False, False, "ENABLED")
    assert found["SubjectAlternativeNameSummaries"] == [NAME]
    assert found["HasAdditionalSubjectAlternativeNames"] is False
    assert found["NotAfter"] == desk.now + timedelta(days=395)
    revoked = listed[every["revoked"]]
    assert (revoked["Exported"], revoked["RevokedAt"]) == (True, desk.now)
    assert "KeyUsages" not in listed[every["pending"]]


def test_a_summary_has_a_hundred_names_at_most(desk, maker):
    """And says if there are more."""
    names = [f"n{number}.own.example" for number in range(101)]
    arn = desk.bring(maker(desk.now), "own.example", dns=names)
    (found,) = desk.acm.list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})[
        "CertificateSummaryList"
    ]
    assert found["SubjectAlternativeNameSummaries"] == names[:100]
    assert found["HasAdditionalSubjectAlternativeNames"] is True
    assert desk.describe(arn)["SubjectAlternativeNames"] == names


def uses(make, *extended, bits=()):
    """Make a certificate for some uses."""
    every = describing._KEY_USAGES
    more = [x509.KeyUsage(**{name: name in bits for name in every})] if bits else []
    more += [x509.ExtendedKeyUsage(extended)] if extended else []
    return {"more": more}


def test_uses_have_acms_names(desk, maker):
    """Every bit, every known usage and the unknown; without the extensions anything and none."""
    make = maker(desk.now)
    plain = desk.describe(desk.bring(make, "plain.example"))
    assert (plain["KeyUsages"], plain["ExtendedKeyUsages"]) == (
        [{"Name": "ANY"}], [{"Name": "NONE"}],
    )  # fmt: skip
    other = x509.ObjectIdentifier("1.2.3.4")
    known = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, other]
    bits = set(describing._KEY_USAGES) - {"decipher_only"}
    found = desk.describe(desk.bring(make, "full.example", **uses(make, *known, bits=bits)))
    assert [each["Name"] for each in found["ExtendedKeyUsages"]] == [
        "TLS_WEB_SERVER_AUTHENTICATION", "ANY", "CUSTOM",
    ]  # fmt: skip
    assert found["ExtendedKeyUsages"][-1]["OID"] == "1.2.3.4"
    assert [each["Name"] for each in found["KeyUsages"]] == [
        "DIGITAL_SIGNATURE", "NON_REPUDIATION", "KEY_ENCIPHERMENT", "DATA_ENCIPHERMENT",
        "KEY_AGREEMENT", "CERTIFICATE_SIGNING", "CRL_SIGNING", "ENCIPHER_ONLY",
    ]  # fmt: skip


def test_an_issuer_is_shown_by_its_organization_or_common_name(desk, maker):
    """Or whatever it has."""
    make = maker(desk.now)
    for text, shown in (
        ("CN=a, O=Lab", "Lab"), ("C=FR, CN=a", "a"), ("OU=x, C=FR", "C=FR,OU=x"),
    ):  # fmt: skip
        name = names.subject(text)
        own = make.well("own.example", "own.example", subject=name, issued_by=name)
        del own["CertificateChain"]
        arn = desk.acm.import_certificate(**own)["CertificateArn"]
        assert desk.describe(arn)["Issuer"] == shown


def test_a_search_shows_names_part_by_part(desk, maker):
    """Attributes by their names, others by their numbers."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "lab"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lab"),
            x509.NameAttribute(NameOID.COMMON_NAME, "own.example"),
            x509.NameAttribute(NameOID.USER_ID, "u"),
        ]
    )
    make = maker(desk.now)
    desk.acm.import_certificate(**make.well("own.example", subject=subject))
    (found,) = desk.acm.search_certificates()["Results"]
    assert found["X509Attributes"]["Subject"] == {
        "Country": "FR", "DomainComponents": ["lab"], "Organization": "Lab",
        "CommonName": "own.example",
        "CustomAttributes": [{"ObjectIdentifier": NameOID.USER_ID.dotted_string, "Value": "u"}],
    }  # fmt: skip
    assert found["X509Attributes"]["Issuer"] == {"CommonName": "root"}
    assert found["X509Attributes"]["SubjectAlternativeNames"] == [{"DnsName": "own.example"}]


def test_earlier_answers_say_less(open_desk):
    """Neither the origin of the key nor whether it may leave."""
    desk = open_desk(now="2024-01-08T09:00:00Z")
    arn = desk.issue()
    found = desk.describe(arn)
    assert "CertificateKeyPairOrigin" not in found
    assert found["Options"] == {"CertificateTransparencyLoggingPreference": "ENABLED"}
