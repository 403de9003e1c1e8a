"""Managed renewal: when, of what, and what hinders it."""

import json
from datetime import timedelta

import pytest

from pkilab import witness
from pkilab.pki import pem

NAME = "www.lab.example"
CA_CLOSED = '0 issue "ca.example"'


def advance_to(desk, arn, *, before, **more):
    """Go to a moment before a certificate's end."""
    left = desk.describe(arn)["NotAfter"] - timedelta(**before) - desk.now
    desk.lab.clock.advance(seconds=left.total_seconds(), **more)


def summary(desk, arn):
    """Return how the renewal of a certificate stands."""
    found = desk.describe(arn).get("RenewalSummary", {})
    return found.get("RenewalStatus"), found.get("RenewalStatusReason")


def test_a_public_certificate_in_use_is_renewed_45_days_before_its_end(desk):
    """Under its ARN, with another key, and openssl accepts the new one."""
    arn = desk.issue()
    desk.use(arn)
    before, detail = desk.certificate(arn), desk.describe(arn)
    assert (detail["RenewalEligibility"], "RenewalSummary" in detail) == ("ELIGIBLE", False)
    advance_to(desk, arn, before={"days": 45, "seconds": 1})
    assert desk.certificate(arn) == before
    desk.lab.clock.advance(seconds=1)
    after = desk.certificate(arn)
    assert after.public_key() != before.public_key()
    assert after.serial_number != before.serial_number
    assert after.not_valid_after_utc - before.not_valid_after_utc > timedelta(days=150)
    found = desk.acm.get_certificate(CertificateArn=arn)
    assert witness.openssl_verify(
        found["Certificate"], root=found["CertificateChain"], at=desk.now,
        options=["-verify_hostname", NAME],
    ).agrees  # fmt: skip
    renewal = desk.describe(arn)["RenewalSummary"]
    assert (renewal["RenewalStatus"], renewal["UpdatedAt"]) == ("SUCCESS", desk.now)
    assert {each["ValidationStatus"] for each in renewal["DomainValidationOptions"]} == {"SUCCESS"}


def test_renewal_goes_on_for_years(desk):
    """Each certificate has another key."""
    arn = desk.issue()
    desk.use(arn)
    keys = []
    for _ in range(5):
        keys.append(desk.kept(arn).key)
        desk.lab.clock.advance(days=160)
    assert desk.status(arn) == "ISSUED"
    assert len({key.private_numbers().private_value for key in keys}) == 5


def test_a_certificate_of_395_days_is_renewed_60_days_before_its_end_to_198(open_desk):
    """As of early 2026."""
    desk = open_desk(now="2026-01-05T09:00:00Z")
    arn = desk.issue()
    desk.use(arn)
    advance_to(desk, arn, before={"days": 60, "seconds": 1})
    assert "RenewalSummary" not in desk.describe(arn)
    desk.lab.clock.advance(seconds=1)
    made = desk.certificate(arn)
    lifetime = made.not_valid_after_utc - made.not_valid_before_utc
    assert lifetime == timedelta(days=198) - timedelta(seconds=1)
    advance_to(desk, arn, before={"days": 45, "seconds": 1})
    assert desk.certificate(arn) == made
    desk.lab.clock.advance(seconds=1)
    assert desk.certificate(arn) != made


def test_a_certificate_that_nothing_uses_is_not_renewed(desk):
    """It ends; put to use in time, it is."""
    idle, late = desk.issue(), desk.issue("late.lab.example")
    assert desk.describe(idle)["RenewalEligibility"] == "INELIGIBLE"
    advance_to(desk, idle, before={"days": 10})
    desk.use(late)
    desk.lab.clock.advance(days=1)
    assert summary(desk, late) == ("SUCCESS", None)
    desk.lab.clock.advance(days=10)
    assert (desk.status(idle), summary(desk, idle)) == ("EXPIRED", (None, None))
    assert desk.describe(idle)["RenewalEligibility"] == "INELIGIBLE"
    assert desk.status(late) == "ISSUED"


def test_an_exported_certificate_is_renewed_once_for_each_export(desk):
    """Since it was issued or renewed last."""
    arn = desk.issue(Options={"Export": "ENABLED"})
    desk.export(arn)
    assert desk.describe(arn)["RenewalEligibility"] == "ELIGIBLE"
    first = desk.certificate(arn)
    advance_to(desk, arn, before={"days": 45})
    second = desk.certificate(arn)
    assert second != first
    assert desk.describe(arn)["RenewalEligibility"] == "INELIGIBLE"
    advance_to(desk, arn, before={"days": 45})
    assert desk.certificate(arn) == second
    desk.export(arn)
    desk.lab.clock.advance(days=1)
    assert desk.certificate(arn) != second


def test_a_renewal_needs_the_record_still(desk):
    """It waits for it, and takes it up when it is back."""
    arn = desk.issue()
    desk.use(arn)
    before, records = desk.certificate(arn), desk.records(arn)
    desk.withdraw(arn)
    advance_to(desk, arn, before={"days": 45})
    found = desk.describe(arn)
    renewal = found["RenewalSummary"]
    assert renewal["RenewalStatus"] == "PENDING_VALIDATION"
    assert "RenewalStatusReason" not in renewal
    (option,) = renewal["DomainValidationOptions"]
    assert option["ValidationStatus"] == "PENDING_VALIDATION"
    assert (option["ResourceRecord"]["Name"], option["ResourceRecord"]["Value"]) == records[0]
    # The validation of the request is another matter.
    assert found["DomainValidationOptions"][0]["ValidationStatus"] == "SUCCESS"
    desk.lab.clock.advance(days=20)
    assert summary(desk, arn) == ("PENDING_VALIDATION", None)
    desk.change("UPSERT", records[0][0], "CNAME", records[0][1])
    assert desk.acm.get_certificate(CertificateArn=arn)["Certificate"] == pem.to_pem(before)
    desk.lab.clock.advance(days=1)
    assert summary(desk, arn) == ("SUCCESS", None)
    assert desk.certificate(arn) != before


def test_a_renewal_that_waits_is_taken_up_when_it_is_described(desk):
    """As a request is."""
    arn = desk.issue()
    desk.use(arn)
    records = desk.records(arn)
    desk.withdraw(arn)
    advance_to(desk, arn, before={"days": 45})
    desk.change("UPSERT", records[0][0], "CNAME", records[0][1])
    assert summary(desk, arn) == ("SUCCESS", None)


def test_an_attempt_lasts_72_hours_and_begins_anew(desk):
    """UpdatedAt tells."""
    arn = desk.issue()
    desk.use(arn)
    desk.withdraw(arn)
    advance_to(desk, arn, before={"days": 45})
    began = desk.describe(arn)["RenewalSummary"]["UpdatedAt"]
    desk.lab.clock.advance(days=2, hours=23)
    assert desk.describe(arn)["RenewalSummary"]["UpdatedAt"] == began
    desk.lab.clock.advance(hours=1)
    assert desk.describe(arn)["RenewalSummary"]["UpdatedAt"] == began + timedelta(days=3)


def test_a_renewal_that_nobody_helps_fails_at_the_end(desk):
    """And the certificate is expired."""
    arn = desk.issue()
    desk.use(arn)
    desk.withdraw(arn)
    advance_to(desk, arn, before={"seconds": 1})
    assert (desk.status(arn), summary(desk, arn)) == ("ISSUED", ("PENDING_VALIDATION", None))
    desk.lab.clock.advance(seconds=2)
    assert (desk.status(arn), summary(desk, arn)) == ("EXPIRED", ("FAILED", None))


def test_a_renewal_that_caa_closes_says_so(desk):
    """Until CAA lets it."""
    arn = desk.issue()
    desk.use(arn)
    desk.change("UPSERT", "lab.example", "CAA", CA_CLOSED)
    advance_to(desk, arn, before={"days": 45})
    assert summary(desk, arn) == ("PENDING_VALIDATION", "CAA_ERROR")
    desk.change("UPSERT", "lab.example", "CAA", '0 issue "amazon.com"')
    desk.lab.clock.advance(days=3)
    assert summary(desk, arn) == ("SUCCESS", None)


def test_a_certificate_taken_out_of_use_is_not_renewed_any_more(desk):
    """Though its renewal began."""
    arn = desk.issue()
    desk.use(arn)
    records = desk.records(arn)
    desk.withdraw(arn)
    advance_to(desk, arn, before={"days": 45})
    desk.kept(arn).in_use_by.clear()
    desk.change("UPSERT", records[0][0], "CNAME", records[0][1])
    desk.lab.clock.advance(days=2)
    assert summary(desk, arn) == ("PENDING_VALIDATION", None)


def test_an_imported_certificate_is_never_renewed(desk, maker):
    """However much it is used."""
    make = maker(desk.now)
    arn = desk.bring(make, NAME)
    desk.use(arn)
    assert desk.describe(arn)["RenewalEligibility"] == "INELIGIBLE"
    desk.lab.clock.advance(days=91)
    found = desk.describe(arn)
    assert (found["Status"], "RenewalSummary" in found) == ("EXPIRED", False)


# Private certificates


def test_a_private_certificate_is_renewed_60_days_before_its_end(desk):
    """Without validation, if ACM has leave."""
    ca = desk.root()
    desk.grant(ca)
    arn = desk.request(CertificateAuthorityArn=ca)
    desk.use(arn)
    before = desk.certificate(arn)
    advance_to(desk, arn, before={"days": 60, "seconds": 1})
    assert desk.certificate(arn) == before
    desk.lab.clock.advance(seconds=1)
    after = desk.certificate(arn)
    assert summary(desk, arn) == ("SUCCESS", None)
    assert after.public_key() != before.public_key()
    assert after.not_valid_after_utc == desk.now + timedelta(days=395)


def _delete(desk, ca):
    desk.pca.update_certificate_authority(CertificateAuthorityArn=ca, Status="DISABLED")
    desk.pca.delete_certificate_authority(CertificateAuthorityArn=ca, PermanentDeletionTimeInDays=7)


REFUSALS = {
    "no permission": (lambda desk, ca: None, "PCA_ACCESS_DENIED"),
    "disabled": (
        lambda desk, ca: desk.pca.update_certificate_authority(
            CertificateAuthorityArn=ca, Status="DISABLED"
        ),
        "PCA_INVALID_STATE",
    ),
    "gone": (_delete, "PCA_RESOURCE_NOT_FOUND"),
    "short": (None, "PCA_INVALID_DURATION"),
    "constrained": (
        lambda desk, ca: desk.constrained("other.example", ca),
        "PCA_NAME_CONSTRAINTS_VALIDATION",
    ),
}


@pytest.mark.parametrize("which", REFUSALS)
def test_a_private_renewal_that_the_ca_refuses_goes_on_trying(desk, which):
    """PENDING_AUTO_RENEWAL with the reason, and FAILED at the end."""
    change, reason = REFUSALS[which]
    ca = desk.root(years=2) if which == "short" else desk.root()
    if which != "no permission":
        desk.grant(ca)
    arn = desk.request(CertificateAuthorityArn=ca)
    desk.use(arn)
    if change:
        change(desk, ca)
    advance_to(desk, arn, before={"days": 60})
    if which == "short":  # the first renewal still fits below the CA's end, the second does not
        assert summary(desk, arn) == ("SUCCESS", None)
        advance_to(desk, arn, before={"days": 60})
    assert summary(desk, arn) == ("PENDING_AUTO_RENEWAL", reason)
    assert desk.describe(arn)["RenewalEligibility"] == "ELIGIBLE"
    advance_to(desk, arn, before={"days": -1})
    assert (desk.status(arn), summary(desk, arn)) == ("EXPIRED", ("FAILED", reason))


def test_a_private_renewal_succeeds_once_acm_has_leave(desk):
    """Within a day."""
    ca = desk.root()
    arn = desk.request(CertificateAuthorityArn=ca)
    desk.use(arn)
    advance_to(desk, arn, before={"days": 60})
    assert summary(desk, arn) == ("PENDING_AUTO_RENEWAL", "PCA_ACCESS_DENIED")
    desk.grant(ca)
    desk.lab.clock.advance(days=1)
    assert summary(desk, arn) == ("SUCCESS", None)


# RenewCertificate


def test_an_exported_certificate_is_renewed_on_request(desk):
    """Public or private; then it must be exported anew."""
    ca = desk.root()
    desk.grant(ca)
    private = desk.request(CertificateAuthorityArn=ca)
    public = desk.issue(Options={"Export": "ENABLED"})
    for arn in (private, public):
        renew = {"call": desk.acm.renew_certificate, "CertificateArn": arn}
        assert "EXPORT" in desk.refused("ValidationException", **renew)
        desk.export(arn)
        before = desk.certificate(arn)
        desk.acm.renew_certificate(CertificateArn=arn)
        assert summary(desk, arn) == ("SUCCESS", None)
        assert desk.certificate(arn).public_key() != before.public_key()
        desk.refused("ValidationException", **renew)


def test_what_cannot_be_renewed_is_refused(desk, maker):
    """Not issued, imported, in use alone, or over."""
    renew = desk.acm.renew_certificate
    pending = desk.request("pending.lab.example")
    desk.refused("RequestInProgressException", renew, CertificateArn=pending)
    imported = desk.bring(maker(desk.now), NAME)
    used = desk.issue()
    desk.use(used)
    for arn in (imported, used):
        desk.refused("ValidationException", renew, CertificateArn=arn)
    over = desk.issue(Options={"Export": "ENABLED"})
    desk.withdraw(over)
    desk.export(over)
    desk.lab.clock.advance(days=200)
    assert "it is EXPIRED" in desk.refused("ValidationException", renew, CertificateArn=over)


def test_a_renewal_on_request_may_wait_for_leave(desk):
    """Asked for again once it is there."""
    ca = desk.root()
    arn = desk.request(CertificateAuthorityArn=ca)
    desk.export(arn)
    desk.acm.renew_certificate(CertificateArn=arn)
    assert summary(desk, arn) == ("PENDING_AUTO_RENEWAL", "PCA_ACCESS_DENIED")
    desk.grant(ca)
    desk.acm.renew_certificate(CertificateArn=arn)
    assert summary(desk, arn) == ("SUCCESS", None)


def test_in_a_slow_world_a_renewal_is_seen_to_be_under_way(desk):
    """PENDING_AUTO_RENEWAL, and then done; asked for twice it is done once."""
    ca = desk.root()
    desk.grant(ca)
    private = desk.request(CertificateAuthorityArn=ca)
    public = desk.issue(Options={"Export": "ENABLED"})
    desk.slow(timedelta(minutes=1))
    for arn, steps in ((private, 2), (public, 1)):
        desk.export(arn)
        for _ in range(2):
            desk.acm.renew_certificate(CertificateArn=arn)
        before = desk.certificate(arn)
        desk.lab.clock.advance(seconds=60 * steps - 1)
        assert summary(desk, arn) == ("PENDING_AUTO_RENEWAL", None)
        assert desk.certificate(arn) == before
        desk.lab.clock.advance(seconds=1)
        assert summary(desk, arn) == ("SUCCESS", None)
        desk.lab.clock.advance(minutes=5)
        assert desk.kept(arn).issues == 2


def test_what_is_deleted_while_it_is_renewed_stays_deleted(desk):
    """It is not issued again, and no event is sent of it ever after."""
    ca = desk.root()
    desk.grant(ca)
    private = desk.request(CertificateAuthorityArn=ca)
    public = desk.issue(Options={"Export": "ENABLED"})
    desk.slow(timedelta(minutes=1))
    for arn, steps in ((private, 1), (public, 0)):  # a private one is ordered, then collected
        desk.export(arn)
        kept = desk.kept(arn)
        desk.acm.renew_certificate(CertificateArn=arn)
        desk.lab.clock.advance(minutes=steps)
        assert summary(desk, arn) == ("PENDING_AUTO_RENEWAL", None)
        desk.acm.delete_certificate(CertificateArn=arn)
        before = desk.events()
        desk.lab.clock.advance(minutes=5)
        assert (kept.issues, desk.events()) == (1, before)


# Certificates of another account's CA

ROLE = "AWSServiceRoleForCertificateManager"


def shared(desk, other):
    """Share a root CA by RAM; return its ARN and the share's."""
    ca = desk.root()
    ram, theirs = (each.lab.client("ram", account=each.account) for each in (desk, other))
    share = ram.create_resource_share(
        name="CA", resourceArns=[ca], principals=[other.account]
    )["resourceShare"]["resourceShareArn"]  # fmt: skip
    (sent,) = theirs.get_resource_share_invitations()["resourceShareInvitations"]
    theirs.accept_resource_share_invitation(
        resourceShareInvitationArn=sent["resourceShareInvitationArn"]
    )
    return ca, share


def exported(other, ca):
    """Request a certificate of a shared CA and export it, so that it is renewed."""
    arn = other.request(CertificateAuthorityArn=ca)
    assert other.status(arn) == "ISSUED"
    other.export(arn)
    return arn


def roles(desk):
    """Return the names of the roles of a desk's account."""
    found = desk.lab.client("iam", account=desk.account).list_roles()["Roles"]
    return [each["RoleName"] for each in found]


def test_a_certificate_of_a_shared_ca_is_renewed_by_acms_role(desk, other):
    """Which is made in the consumer's account, and is whom the trail shows."""
    ca, _ = shared(desk, other)
    assert roles(other) == []
    arn = exported(other, ca)
    assert (roles(other), roles(desk)) == ([ROLE], [])
    before = other.certificate(arn)
    advance_to(other, arn, before={"days": 60})
    assert summary(other, arn) == ("SUCCESS", None)
    after = other.certificate(arn)
    assert after.public_key() != before.public_key()
    assert after.issuer == before.issuer
    asked = [{"AttributeKey": "EventName", "AttributeValue": "IssueCertificate"}]
    for each, name in ((other, "acm"), (desk, None)):
        trail = desk.lab.client("cloudtrail", account=each.account)
        event = trail.lookup_events(LookupAttributes=asked)["Events"][0]
        assert event.get("Username") == name
        assert event["EventTime"] == desk.now
    renewal = trail.lookup_events(LookupAttributes=asked)["Events"][0]["CloudTrailEvent"]
    assert '"invokedBy":"acm.amazonaws.com"' in renewal
    (event,) = other.events("Available")[-1:]
    assert event["detail"]["Action"] == "RENEWAL"


def test_without_the_role_a_shared_cas_certificate_is_not_renewed(desk, other):
    """SLR_NOT_FOUND; somebody is told, and the role helps once it is there."""
    ca, _ = shared(desk, other)
    arn = exported(other, ca)
    iam = desk.lab.client("iam", account=other.account)
    iam.delete_service_linked_role(RoleName=ROLE)
    advance_to(other, arn, before={"days": 45})
    assert summary(other, arn) == ("PENDING_AUTO_RENEWAL", "SLR_NOT_FOUND")
    (event,) = other.events("Renewal Action Required")
    assert event["detail"]["RenewalStatusReason"] == "SLR_NOT_FOUND"
    iam.create_service_linked_role(AWSServiceName="acm.amazonaws.com")
    desk.lab.clock.advance(days=1)
    assert summary(other, arn) == ("SUCCESS", None)


def test_a_share_that_is_taken_back_ends_renewal_and_no_certificate(desk, other):
    """PCA_ACCESS_DENIED until the end; what was issued is valid until then."""
    ca, share = shared(desk, other)
    arn = exported(other, ca)
    desk.lab.client("ram").delete_resource_share(resourceShareArn=share)
    found = other.acm.get_certificate(CertificateArn=arn)
    assert witness.openssl_verify(
        found["Certificate"], root=found["CertificateChain"], at=desk.now
    ).agrees
    refused = other.request(CertificateAuthorityArn=ca)
    assert other.describe(refused)["FailureReason"] == "PCA_ACCESS_DENIED"
    advance_to(other, arn, before={"days": 45})
    assert summary(other, arn) == ("PENDING_AUTO_RENEWAL", "PCA_ACCESS_DENIED")
    assert other.status(arn) == "ISSUED"
    (event,) = other.events("Renewal Action Required")
    assert event["detail"]["RenewalStatusReason"] == "PCA_ACCESS_DENIED"
    desk.lab.clock.advance(days=46)
    assert (other.status(arn), summary(other, arn)) == ("EXPIRED", ("FAILED", "PCA_ACCESS_DENIED"))


def test_a_requester_who_may_make_no_role_gets_a_certificate_all_the_same(open_desk):
    """It is issued in the requester's name; the role is made by one who may."""
    accounts = {"owner": "111122223333", "consumer": "444455556666"}
    desk = open_desk(accounts=accounts, enforce_policies=True)
    other = type(desk)(desk.lab, account="consumer")
    ca, _ = shared(desk, other)
    iam = desk.lab.client("iam", account="consumer")
    iam.create_user(UserName="requester")
    actions = ["acm:*", "acm-pca:IssueCertificate", "acm-pca:GetCertificate"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="requester", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="requester")["AccessKey"]
    acm = desk.lab.client("acm", credentials=key)
    wanted = {
        "DomainName": NAME, "CertificateAuthorityArn": ca, "KeyAlgorithm": "EC_prime256v1",
    }  # fmt: skip
    arn = acm.request_certificate(**wanted)["CertificateArn"]
    assert other.status(arn) == "ISSUED"
    assert roles(other) == []
    other.export(arn)
    advance_to(other, arn, before={"days": 60})
    assert summary(other, arn) == ("PENDING_AUTO_RENEWAL", "SLR_NOT_FOUND")
    other.request(CertificateAuthorityArn=ca)
    assert roles(other) == [ROLE]
    desk.lab.clock.advance(days=1)
    assert summary(other, arn) == ("SUCCESS", None)
    assert other.kept(arn).key is not None
    assert not list(desk.gateway._services["acm"].certificates.of(desk.account, "us-east-1"))


def test_a_shared_cas_certificate_takes_the_worlds_time(desk, other):
    """Issuance and renewal alike."""
    ca, _ = shared(desk, other)
    desk.slow(timedelta(minutes=5))
    arn = other.request(CertificateAuthorityArn=ca)
    assert other.status(arn) == "PENDING_VALIDATION"
    desk.lab.clock.advance(minutes=5)
    assert other.status(arn) == "ISSUED"
    other.export(arn)
    before = other.certificate(arn)
    advance_to(other, arn, before={"days": 60})
    desk.lab.clock.advance(hours=1)
    assert summary(other, arn) == ("SUCCESS", None)
    assert other.certificate(arn) != before
