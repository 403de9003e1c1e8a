from datetime import UTC, datetime, timedelta

import pytest

from pkilab.simulator.acmpca import lifecycle
from pkilab.simulator.service import AwsError

STATES = [
    "CREATING", "PENDING_CERTIFICATE", "ACTIVE", "DISABLED", "EXPIRED", "FAILED", "DELETED",
]  # fmt: skip


def epoch(moment):
    """A time as AWS JSON writes it."""
    return moment.timestamp()


@pytest.fixture
def in_state(open_pca):
    """A function that gives a service and a root CA in a state, reached by the API alone."""

    def reach(state):
        pca = open_pca(latency=timedelta(minutes=1))
        arn = pca.create()
        if state == "FAILED":  # no call of the API leads there
            (authority,) = pca.service.authorities()
            lifecycle.fail(authority, "OTHER", pca.now)
        if state in {"CREATING", "FAILED"}:
            return pca, arn
        pca.world.clock.advance(minutes=2)
        if state == "PENDING_CERTIFICATE":
            return pca, arn
        signed = pca.order(arn, pca.csr_of(arn), "RootCACertificate", days=100)
        pca.world.clock.advance(minutes=2)
        pca.install(arn, pca.get(arn, signed))
        if state == "EXPIRED":
            pca.world.clock.advance(days=100)
        if state in {"DISABLED", "DELETED"}:
            pca("UpdateCertificateAuthority", CertificateAuthorityArn=arn, Status="DISABLED")
        if state == "DELETED":
            pca("DeleteCertificateAuthority", CertificateAuthorityArn=arn)
        return pca, arn

    return reach


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_reached_and_shown(in_state, state):
    pca, arn = in_state(state)
    assert pca.status(arn) == state
    (listed,) = pca("ListCertificateAuthorities")["CertificateAuthorities"]
    assert listed["Status"] == state


# User Guide, "CA status": what each state allows.
ISSUE, CRL = {"ACTIVE"}, {"ACTIVE", "DISABLED"}
TABLE = {
    "IssueCertificate": ISSUE,
    "CreateCertificateAuthorityAuditReport": CRL,
    "RevokeCertificate": CRL,
    "ImportCertificateAuthorityCertificate": {"PENDING_CERTIFICATE", "ACTIVE", "EXPIRED"},
    "UpdateCertificateAuthority": CRL,
    "DeleteCertificateAuthority": set(STATES) - {"ACTIVE", "DELETED"},
    "RestoreCertificateAuthority": {"DELETED"},
}
INPUTS = {
    "IssueCertificate": {"Csr": b"x", "SigningAlgorithm": "SHA256WITHECDSA",
                         "Validity": {"Type": "DAYS", "Value": 1}},
    "CreateCertificateAuthorityAuditReport": {"S3BucketName": "none-such",
                                              "AuditReportResponseFormat": "JSON"},
    "RevokeCertificate": {"CertificateSerial": "00" * 16, "RevocationReason": "UNSPECIFIED"},
    "ImportCertificateAuthorityCertificate": {"Certificate": b"x"},
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("operation", TABLE)
def test_a_state_allows_what_awss_table_allows(in_state, state, operation):
    """Where it is allowed, the call succeeds or fails over its other arguments."""
    pca, arn = in_state(state)
    try:
        pca(operation, CertificateAuthorityArn=arn, **INPUTS.get(operation, {}))
        code = None
    except AwsError as error:
        code = error.code
    in_progress = state == "CREATING" and operation == "ImportCertificateAuthorityCertificate"
    if state in TABLE[operation]:
        assert code not in {"InvalidStateException", "RequestInProgressException"}
    else:
        assert code == ("RequestInProgressException" if in_progress else "InvalidStateException")


def test_issuing_in_a_wrong_state_is_refused_in_awss_words(in_state):
    pca, arn = in_state("DISABLED")
    message = pca.order_refused("InvalidStateException", arn)
    assert message == "The certificate authority is not in a valid state for issuing certificates"


def test_the_csr_is_in_progress_while_the_key_is_made(in_state):
    pca, arn = in_state("CREATING")
    member = {"CertificateAuthorityArn": arn}
    pca.refused("RequestInProgressException", "GetCertificateAuthorityCsr", **member)
    pca.refused("InvalidStateException", "GetCertificateAuthorityCertificate", **member)
    pca.world.clock.advance(minutes=1)
    assert pca.csr_of(arn)
    assert pca.describe(arn)["LastStateChangeAt"] == epoch(pca.now)
    pca.refused("InvalidStateException", "GetCertificateAuthorityCertificate", **member)


def test_a_failed_ca_says_why_and_can_only_be_deleted(in_state):
    pca, arn = in_state("FAILED")
    assert pca.describe(arn)["FailureReason"] == "OTHER"
    pca.refused("InvalidStateException", "GetCertificateAuthorityCsr", CertificateAuthorityArn=arn)
    pca("DeleteCertificateAuthority", CertificateAuthorityArn=arn)
    pca.refused(
        "ResourceNotFoundException", "DescribeCertificateAuthority", CertificateAuthorityArn=arn
    )


@pytest.mark.parametrize("state", ["PENDING_CERTIFICATE", "ACTIVE", "EXPIRED"])
def test_a_root_may_sign_itself_before_it_is_active_and_after_it_expired(in_state, state):
    pca, arn = in_state(state)
    signed = pca.order(arn, pca.csr_of(arn), "RootCACertificate", days=200)
    pca.world.clock.advance(minutes=1)
    pca.install(arn, pca.get(arn, signed))
    assert pca.status(arn) == "ACTIVE"


@pytest.mark.parametrize("state", ["DISABLED", "DELETED", "CREATING", "FAILED"])
def test_elsewhere_it_may_not(in_state, state):
    pca, arn = in_state(state)
    pca.order_refused("InvalidStateException", arn, None, "RootCACertificate")


def test_disabling_and_enabling_are_noted(pca):
    root = pca.root()
    for status in ("DISABLED", "ACTIVE"):
        pca.world.clock.advance(hours=1)
        pca("UpdateCertificateAuthority", CertificateAuthorityArn=root, Status=status)
        assert pca.status(root) == status
        assert pca.describe(root)["LastStateChangeAt"] == epoch(pca.now)
    pca.world.clock.advance(hours=1)
    pca("UpdateCertificateAuthority", CertificateAuthorityArn=root, Status="ACTIVE")
    assert pca.describe(root)["LastStateChangeAt"] == epoch(pca.now - timedelta(hours=1))


@pytest.mark.parametrize("status", sorted(set(STATES) - {"ACTIVE", "DISABLED"}))
def test_no_other_state_can_be_set(pca, status):
    root = pca.root()
    pca.refused(
        "InvalidArgsException",
        "UpdateCertificateAuthority",
        CertificateAuthorityArn=root,
        Status=status,
    )
    assert pca.status(root) == "ACTIVE"


def test_a_ca_expires_when_its_end_has_passed_whether_disabled_or_not(pca):
    active, disabled = pca.root(days=10), pca.root(days=10)
    pca("UpdateCertificateAuthority", CertificateAuthorityArn=disabled, Status="DISABLED")
    end = pca.now + timedelta(days=10)
    pca.world.clock.advance(days=10)
    assert (pca.status(active), pca.status(disabled)) == ("ACTIVE", "DISABLED")
    pca.world.clock.advance(seconds=1)
    assert (pca.status(active), pca.status(disabled)) == ("EXPIRED", "EXPIRED")
    assert pca.describe(active)["LastStateChangeAt"] == epoch(end)


def test_a_ca_that_was_disabled_when_it_expired_stays_disabled_after_renewal(pca):
    root = pca.root(days=10)
    pca("UpdateCertificateAuthority", CertificateAuthorityArn=root, Status="DISABLED")
    pca.world.clock.advance(days=11)
    pca.install(root, pca.get(root, pca.order(root, pca.csr_of(root), "RootCACertificate")))
    assert pca.status(root) == "DISABLED"


def test_an_active_ca_is_deleted_only_after_it_was_disabled_and_comes_back_disabled(pca):
    root = pca.root()
    member = {"CertificateAuthorityArn": root}
    pca.refused("InvalidStateException", "DeleteCertificateAuthority", **member)
    pca("UpdateCertificateAuthority", Status="DISABLED", **member)
    pca("DeleteCertificateAuthority", PermanentDeletionTimeInDays=7, **member)
    described = pca.describe(root)
    assert described["Status"] == "DELETED"
    assert described["RestorableUntil"] == epoch(pca.now + timedelta(days=7))
    pca.world.clock.advance(days=7, seconds=-1)
    pca("RestoreCertificateAuthority", **member)
    assert pca.status(root) == "DISABLED"
    assert "RestorableUntil" not in pca.describe(root)
    pca("UpdateCertificateAuthority", Status="ACTIVE", **member)
    assert pca.issue(root)


def test_after_the_window_the_ca_is_gone(pca):
    arn = pca.create()
    member = {"CertificateAuthorityArn": arn}
    pca("DeleteCertificateAuthority", **member)
    pca.world.clock.advance(days=30)
    pca.refused("ResourceNotFoundException", "RestoreCertificateAuthority", **member)
    pca.refused("ResourceNotFoundException", "DescribeCertificateAuthority", **member)
    assert pca("ListCertificateAuthorities")["CertificateAuthorities"] == []


def test_a_window_is_7_to_30_days(pca):
    arn = pca.create()
    for days in (6, 31):
        pca.refused(
            "ValidationException",
            "DeleteCertificateAuthority",
            CertificateAuthorityArn=arn,
            PermanentDeletionTimeInDays=days,
        )


def test_a_pending_ca_comes_back_pending_and_one_that_expired_meanwhile_expired(pca):
    pending, root = pca.create(), pca.root(days=3)
    pca("UpdateCertificateAuthority", CertificateAuthorityArn=root, Status="DISABLED")
    for arn in (pending, root):
        pca("DeleteCertificateAuthority", CertificateAuthorityArn=arn)
    pca.world.clock.advance(days=4)
    assert pca.status(root) == "DELETED"
    for arn, state in ((pending, "PENDING_CERTIFICATE"), (root, "EXPIRED")):
        pca("RestoreCertificateAuthority", CertificateAuthorityArn=arn)
        assert pca.status(arn) == state


def test_a_ca_deleted_while_it_is_created_cannot_be_restored(in_state):
    pca, arn = in_state("CREATING")
    member = {"CertificateAuthorityArn": arn}
    pca("DeleteCertificateAuthority", **member)
    pca.refused("ResourceNotFoundException", "RestoreCertificateAuthority", **member)


def test_deleting_a_parent_revokes_nothing_below(pca):
    root = pca.root()
    subordinate = pca.subordinate(root)
    pca("UpdateCertificateAuthority", CertificateAuthorityArn=root, Status="DISABLED")
    pca("DeleteCertificateAuthority", CertificateAuthorityArn=root)
    assert pca.issue(subordinate)


def test_creation_takes_the_worlds_latency(slow_pca):
    created = slow_pca.now
    arn = slow_pca.create()
    slow_pca.world.clock.advance(seconds=59)
    assert slow_pca.status(arn) == "CREATING"
    slow_pca.world.clock.advance(seconds=1)
    described = slow_pca.describe(arn)
    assert described["Status"] == "PENDING_CERTIFICATE"
    assert described["CreatedAt"] == epoch(created)
    assert datetime.fromtimestamp(described["LastStateChangeAt"], UTC) == slow_pca.now
