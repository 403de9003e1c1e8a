from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.security_findings import Ceremony, Finding, Watch, finding_of, kinds, recoveries_of

CA = "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/11223344-1234-1122-2233-112233445566"  # noqa: E501
CERTIFICATE = f"{CA}/certificate/0a1b2c3d4e5f60718293a4b5c6d7e8f9"
DAY = datetime(2026, 3, 4, 9, tzinfo=UTC)
CEREMONY = Ceremony(DAY, DAY + timedelta(hours=3))

# Recorded event, title and label.
KINDS = [
    ("issuance", "Private CA Certificate Creation", "MEDIUM"),
    ("issuance_failed", "Private CA Certificate Issuance Failed", "LOW"),
    ("creation", "Private CA Created", "MEDIUM"),
    ("creation_failed", "Private CA Creation Failed", "LOW"),
    ("revocation", "Private CA Certificate Revoked", "LOW"),
    ("crl_failed", "Private CA CRL Generation Failed", "HIGH"),
    ("audit_failed", "Private CA Audit Report Failed", "MEDIUM"),
    ("approaching", "ACM Certificate Approaching Expiration", "LOW"),
    ("expired", "ACM Certificate Expired", "HIGH"),
    ("action_required", "ACM Certificate Renewal Action Required", "HIGH"),
    ("call_create", "Private CA Created", "MEDIUM"),
    ("call_delete", "Private CA Deleted", "HIGH"),
    ("call_restore", "Private CA Restored", "MEDIUM"),
    ("call_disable", "Private CA Disabled", "HIGH"),
    ("call_enable", "Private CA Enabled", "LOW"),
    ("call_reconfigure", "Private CA Revocation Configuration Changed", "MEDIUM"),
    ("call_put_policy", "Private CA Policy Changed", "HIGH"),
    ("call_delete_policy", "Private CA Policy Deleted", "MEDIUM"),
    ("call_permission", "Private CA Permission Created", "MEDIUM"),
    ("call_import", "Private CA Certificate Installed", "MEDIUM"),
]


def made(event, watch=None):
    found = finding_of(event, watch)
    assert found
    return found


@pytest.mark.parametrize(("name", "title", "label"), KINDS)
def test_each_event_is_its_finding_which_can_be_imported(events, checker, name, title, label):
    found = made(events[name])
    assert (found.Title, found.label, found.RecordState) == (title, label, "ACTIVE")
    assert checker.problems(found.asff()) == []
    assert found.CreatedAt == found.UpdatedAt == events[name]["time"]


@pytest.mark.parametrize("name", ["crl", "audit", "available", "call_refused", "call_issue"])
def test_what_went_well_or_was_refused_is_no_finding(events, name):
    assert finding_of(events[name]) is None


def test_events_of_others_are_no_finding(event):
    assert finding_of(event("issuance", source="my.app")) is None
    assert finding_of(event("issuance", **{"detail-type": "Weather"})) is None
    other = event("call_delete", detail={"eventSource": "ec2.amazonaws.com"})
    assert finding_of(other) is None
    assert recoveries_of(event("call_restore", detail={"eventSource": "x.amazonaws.com"})) == ()


def test_every_kind_of_the_catalogue_is_made_of_some_event(events):
    titles = {title for _, title, _ in KINDS} | {
        made(events[name], Watch(ceremonies=(Ceremony(DAY - timedelta(days=9), DAY),))).Title
        for name in ("issuance", "call_import")
    }
    assert titles == {kind.title for kind in kinds.ALL}


def test_the_same_event_is_the_same_finding(events):
    for each in events.values():
        assert finding_of(each) == finding_of(each)
    first = made(events["issuance"])
    again = made(events["issuance"] | {"id": "another delivery of it"})
    assert (first.Id, first.UpdatedAt) == (again.Id, again.UpdatedAt)


def test_other_certificates_are_other_findings(event):
    one = made(event("issuance"))
    other = made(event("issuance", resources=[CA, f"{CA}/certificate/ff"]))
    assert one.Id != other.Id
    assert one.Id == f"us-east-1/111122223333/ca-used/{CERTIFICATE}"


def test_a_call_is_known_by_cloudtrails_number(event):
    assert made(event("call_import")).Id.endswith("/22222222-0000-4000-8000-000000000029")


def test_the_services_word_and_cloudtrails_are_one_finding(events):
    """ACM Private CA Creation, and CreateCertificateAuthority, which says by whom."""
    service, call = made(events["creation"]), made(events["call_create"])
    assert service.Id == call.Id
    assert "ca-admin/alice" in call.Description
    assert call.ProductFields
    assert call.ProductFields["pkilab/call/eventName"] == "CreateCertificateAuthority"


def test_the_resources_are_the_certificate_and_its_authority(events):
    certificate, authority = made(events["issuance"]).Resources
    assert (certificate.Type, certificate.Id) == ("Other", CERTIFICATE)
    assert certificate.Details
    assert certificate.Details.Other == {"CAArn": CA, "CertARN": CERTIFICATE}
    assert (authority.Id, authority.Region, authority.Partition) == (CA, "us-east-1", "aws")


def test_a_certificate_in_acm_has_its_own_type(events):
    (resource,) = made(events["action_required"]).Resources
    assert resource.Type == "AwsCertificateManagerCertificate"
    assert resource.Details
    details = resource.Details.AwsCertificateManagerCertificate
    assert details
    assert (details.DomainName, details.NotAfter) == ("example.com", "2026-03-07T10:00:00Z")


@pytest.mark.parametrize(
    ("ceremonies", "title", "label"),
    [
        ((), "Private CA Certificate Creation", "MEDIUM"),
        ((CEREMONY,), "Private CA Certificate Creation", "INFORMATIONAL"),
        (
            (Ceremony(DAY - timedelta(days=1), DAY),),
            "Private CA Certificate Creation Outside A Ceremony",
            "HIGH",
        ),
    ],
)
def test_a_ceremony_is_quiet_and_any_other_time_is_an_alarm(
    events, checker, ceremonies, title, label
):
    """By the event's time; the Id is the same, so a corrected setting corrects the finding."""
    found = made(events["issuance"], Watch(ceremonies=ceremonies))
    assert (found.Title, found.label) == (title, label)
    assert found.Id == made(events["issuance"]).Id
    assert checker.problems(found.asff()) == []


def test_the_use_of_a_ca_that_is_not_watched_is_no_finding(events):
    watch = Watch(frozenset({"arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/other"}))
    assert finding_of(events["issuance"], watch) is None
    assert finding_of(events["revocation"], watch) is None
    for name in ("call_delete", "crl_failed", "approaching"):
        assert finding_of(events[name], watch), name


@pytest.mark.parametrize(
    ("days", "label"), [(45, "LOW"), (31, "LOW"), (30, "MEDIUM"), (8, "MEDIUM"), (7, "HIGH")]
)
def test_the_nearer_the_end_the_worse(event, days, label):
    found = made(event("approaching", detail={"DaysToExpiry": days}))
    assert found.label == label
    assert f"It has {days} days left." in found.Description
    assert found.Id == made(event("approaching")).Id


@pytest.mark.parametrize(
    ("name", "ended"),
    [
        ("crl", ["crl_failed"]),
        ("call_restore", ["call_delete"]),
        ("call_enable", ["call_disable"]),
        ("available", ["approaching", "action_required"]),
    ],
)
def test_what_ends_a_state_archives_its_finding(events, checker, name, ended):
    """Of the same Id and a later time, so that Security Hub takes it for an update."""
    recovered = recoveries_of(events[name])
    began = [made(events[each]) for each in ended]
    assert [each.Id for each in recovered] == [each.Id for each in began]
    for after, before in zip(recovered, began, strict=True):
        assert (after.RecordState, before.RecordState) == ("ARCHIVED", "ACTIVE")
        assert after.Title == before.Title
        assert after.UpdatedAt > before.UpdatedAt
        assert checker.problems(after.asff()) == []


def test_what_ends_nothing_archives_nothing(events):
    endings = {"crl", "call_restore", "call_enable", "available"}
    for name in events.keys() - endings:
        assert recoveries_of(events[name]) == (), name


def test_a_long_subject_becomes_a_digest(event):
    found = made(event("issuance", resources=[CA, "arn:" + "x" * 600]))
    assert len(found.Id) < 512
    assert made(event("issuance", resources=[CA, "arn:" + "y" * 600])).Id != found.Id


def test_an_event_without_resources_is_one_of_the_account(event, checker):
    found = made(event("creation_failed", resources=[]))
    assert found.Resources[0].Type == "AwsAccount"
    assert checker.problems(found.asff()) == []


@pytest.mark.parametrize("kind", kinds.ALL, ids=lambda kind: kind.title)
def test_the_remedys_page_is_todays(kind):
    """The post's was under acm-pca, a guide that is no longer there."""
    guide = "acm" if kind.title.startswith("ACM") else "privateca"
    assert kind.url.startswith(f"https://docs.aws.amazon.com/{guide}/latest/userguide/")


TEXT = st.text(max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@given(
    detail=st.dictionaries(
        st.sampled_from([
            "result", "reason", "CrlUrl", "DaysToExpiry", "CommonName", "RenewalStatusReason",
            "Action", "CertificateExpirationDate", "CertificateType",
        ]) | TEXT,
        JSON,
    ),
    resources=st.lists(TEXT, max_size=3),
    kind=st.sampled_from([
        ("aws.acm-pca", "ACM Private CA Certificate Issuance"),
        ("aws.acm-pca", "ACM Private CA CRL Generation"),
        ("aws.acm-pca", "ACM Private CA Audit Report Generation"),
        ("aws.acm", "ACM Certificate Approaching Expiration"),
        ("aws.acm", "ACM Certificate Available"),
        ("aws.acm-pca", "AWS API Call via CloudTrail"),
    ]),
)  # fmt: skip
def test_whatever_an_event_holds_only_the_declared_error_leaves(detail, resources, kind):
    event = {
        "version": "0", "id": "1", "source": kind[0], "detail-type": kind[1],
        "account": "111122223333", "time": "2026-03-04T10:00:00Z", "region": "us-east-1",
        "resources": resources, "detail": detail,
    }  # fmt: skip
    try:
        found = finding_of(event)
        recovered = recoveries_of(event)
    except MalformedError:
        return
    assert found is None or isinstance(found, Finding)
    assert all(each.RecordState == "ARCHIVED" for each in recovered)
