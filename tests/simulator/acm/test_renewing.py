"""Managed renewal: when, of what, and what hinders it."""

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
