"""What ACM tells EventBridge, member by member."""

import pytest

NAME = "www.lab.example"
# Which members an event of late 2026 has besides the common name.
MEMBERS = {
    "Approaching Expiration": {"DaysToExpiry"},
    "Expired": {
        "CertificateType", "DomainValidationMethod", "CertificateCreatedDate",
        "CertificateExpirationDate", "InUse", "Exported", "FirstSubjectAlternativeName",
        "ValidityInDays", "CertificateKeyPairOrigin",
    },
    "Available": {
        "Action", "CertificateType", "DomainValidationMethod", "CertificateCreatedDate",
        "CertificateExpirationDate", "DaysToExpiry", "InUse", "Exported",
        "FirstSubjectAlternativeName", "ValidityInDays", "CertificateKeyPairOrigin",
    },
    "Renewal Action Required": {
        "CertificateType", "DomainValidationMethod", "RenewalStatusReason", "DaysToExpiry",
        "CertificateExpirationDate", "InUse", "Exported", "FirstSubjectAlternativeName",
        "ValidityInDays", "CertificateKeyPairOrigin",
    },
    "Revoked": {
        "CertificateType", "CertificateExpirationDate", "Exportable",
        "FirstSubjectAlternativeName", "ValidityInDays", "CertificateKeyPairOrigin",
    },
}  # fmt: skip


@pytest.fixture
def told(desk, lab):
    """A world in which each kind of event was sent."""
    exported = desk.issue("out.lab.example", Options={"Export": "ENABLED"})
    desk.export(exported)
    desk.acm.revoke_certificate(CertificateArn=exported, RevocationReason="SUPERSEDED")
    arn = desk.issue()
    desk.use(arn)
    desk.change("UPSERT", "lab.example", "CAA", '0 issue ";"')
    lab.clock.advance(days=199)
    return arn


@pytest.mark.parametrize("kind", MEMBERS)
def test_an_event_has_the_members_that_aws_documents(desk, told, kind):
    """And none besides."""
    for event in desk.events(kind):
        assert event["source"] == "aws.acm"
        assert set(event["detail"]) == MEMBERS[kind] | {"CommonName"}
    assert desk.events(kind)[-1]["resources"][0].startswith("arn:aws:acm:us-east-1:111122223333:")


def test_an_event_says_what_the_certificate_says(desk, told):
    """Its end, its age, its use."""
    detail = desk.describe(told)
    (event,) = desk.events("Expired")
    assert event["resources"] == [told]
    assert event["detail"] == {
        "CertificateType": "AMAZON_ISSUED",
        "CommonName": NAME,
        "DomainValidationMethod": "DNS",
        "CertificateCreatedDate": f"{detail['CreatedAt']:%Y-%m-%dT%H:%M:%SZ}",
        "CertificateExpirationDate": f"{detail['NotAfter']:%Y-%m-%dT%H:%M:%SZ}",
        "InUse": True,
        "Exported": False,
        "FirstSubjectAlternativeName": NAME,
        "ValidityInDays": 198,
        "CertificateKeyPairOrigin": "AWS_MANAGED",
    }


def test_help_is_asked_for_on_four_days(desk, told):
    """30, 15, 3 and 1 days before the end of a public certificate."""
    asked = desk.events("Renewal Action Required")
    assert [each["detail"]["DaysToExpiry"] for each in asked] == [30, 15, 3, 1]
    assert {each["detail"]["RenewalStatusReason"] for each in asked} == {"CAA_ERROR"}


def test_help_for_a_private_certificate_is_asked_for_on_five_days(desk, lab):
    """From 45 days before its end on; of the validation nothing is said."""
    arn = desk.request(CertificateAuthorityArn=desk.root())
    desk.use(arn)
    lab.clock.advance(days=396)
    asked = [each["detail"] for each in desk.events("Renewal Action Required")]
    assert [each["DaysToExpiry"] for each in asked] == [45, 30, 15, 3, 1]
    assert {each["RenewalStatusReason"] for each in asked} == {"PCA_ACCESS_DENIED"}
    assert all("DomainValidationMethod" not in each for each in asked)


def test_nobody_is_asked_to_help_a_certificate_that_is_not_to_be_renewed(desk, lab):
    """It is in nobody's use."""
    desk.issue()
    lab.clock.advance(days=199)
    assert desk.events("Renewal Action Required") == []
    assert len(desk.events("Expired")) == 1


def test_each_way_of_coming_is_named(desk, lab, maker):
    """ISSUANCE, RENEWAL, IMPORT and REIMPORT."""
    make = maker(desk.now)
    arn = desk.bring(make, NAME)
    desk.bring(make, NAME, again=arn)
    issued = desk.issue(Options={"Export": "ENABLED"})
    desk.export(issued)
    desk.acm.renew_certificate(CertificateArn=issued)
    found = [each["detail"] for each in desk.events("Available")]
    assert [each["Action"] for each in found] == ["IMPORT", "REIMPORT", "ISSUANCE", "RENEWAL"]
    assert [each["DaysToExpiry"] for each in found] == [90, 90, 197, 197]
    assert [each["Exported"] for each in found] == [False, False, False, True]
    assert [each["CertificateKeyPairOrigin"] for each in found] == [
        "CUSTOMER_PROVIDED", "CUSTOMER_PROVIDED", "AWS_MANAGED", "AWS_MANAGED",
    ]  # fmt: skip


def test_events_of_an_earlier_time_say_less(open_desk):
    """Origins and validity came with ACME, in June 2026."""
    desk = open_desk(now="2026-06-17T09:00:00Z")
    desk.issue()
    (event,) = desk.events("Available")
    assert set(event["detail"]) == MEMBERS["Available"] - {
        "FirstSubjectAlternativeName", "ValidityInDays", "CertificateKeyPairOrigin",
    } | {"CommonName"}  # fmt: skip


def test_an_event_names_the_common_name_of_the_subject(desk, maker):
    """Which is not always the first alternative name."""
    desk.bring(maker(desk.now), "cn.example", dns=["first.example", "cn.example"])
    (event,) = desk.events("Available")
    assert event["detail"]["CommonName"] == "cn.example"
    assert event["detail"]["FirstSubjectAlternativeName"] == "first.example"
