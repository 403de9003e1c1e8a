"""Sharing a CA, by the workflow, in worlds with and without enforced policies."""

import json

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab import Lab, ca_hierarchy, ca_sharing
from pkilab.errors import LabError
from pkilab.pki.requests import build_request

OWNER, CONSUMER, THIRD = "111122223333", "444455556666", "777788889999"
ACCOUNTS = {"owner": OWNER, "consumer": CONSUMER, "third": THIRD}
DAY = {"Type": "DAYS", "Value": 1}
REVOKE = "AWSRAMRevokeCertificateCertificateAuthority"
SUBORDINATE = "AWSRAMSubordinateCACertificatePathLen0IssuanceCertificateAuthority"
BLANK = "AWSRAMBlankEndEntityCertificateAPIPassthroughIssuanceCertificateAuthority"
BLANK_CSR = "AWSRAMBlankEndEntityCertificateAPICSRPassthroughIssuanceCertificateAuthority"


@pytest.fixture(params=[False, True], ids=["open", "enforced"])
def lab(request):
    with Lab.simulated(seed="share", accounts=ACCOUNTS, enforce_policies=request.param) as lab:
        yield lab


@pytest.fixture
def root(lab):
    return ca_hierarchy.create_root(
        lab.client("acm-pca"), {"CommonName": "Shared Root"}, key_algorithm="EC_prime256v1"
    )


def no_wait(_seconds):
    """Nothing takes its time here."""


def csr(lab):
    return build_request(lab.generate_key("csr"), "CN=web.lab", dns_names=["web.lab"])


def share_with_consumer(lab, root, **changes):
    """Share, and accept."""
    arn = ca_sharing.share(lab.client("ram"), root, [CONSUMER], sleep=no_wait, **changes)
    ca_sharing.accept(lab.client("ram", account="consumer"), arn, sleep=no_wait)
    ca_sharing.wait_usable(lab.client("acm-pca", account="consumer"), root, sleep=no_wait)
    return arn


def tried(lab, root):
    """Try everything as everybody."""
    issued = ca_hierarchy.issue(lab.client("acm-pca"), root, csr(lab), validity=DAY)
    clients = {name: lab.client("acm-pca", account=name) for name in ACCOUNTS}
    return ca_sharing.powers(clients, root, csr=csr(lab), certificate_arn=issued.arn)


@pytest.mark.parametrize(
    "permission",
    ["AWSRAMDefaultPermissionCertificateAuthority", REVOKE, SUBORDINATE, BLANK, BLANK_CSR],
)
def test_what_a_consumer_can_do_is_what_awss_documentation_says(lab, root, permission):
    """No more and no less; and the third account can do nothing."""
    share_with_consumer(lab, root, permission=permission)
    found = tried(lab, root)
    assert found.disagreements("consumer", ca_sharing.documented(permission)) == ()
    assert found.of("third") == frozenset()
    before = lab.client("acm-pca").describe_certificate_authority(CertificateAuthorityArn=root)
    assert before["CertificateAuthority"]["Status"] == "ACTIVE"


def test_a_refusal_says_whose_policy_it_was(lab, root):
    """The owner's resource policy, which RAM wrote."""
    share_with_consumer(lab, root)
    found = tried(lab, root)
    attempt = found.refused("consumer", "IssueCertificate CodeSigningCertificate/V1")
    assert attempt.denial.kind == "resource"
    with pytest.raises(LabError, match="was not refused"):
        found.refused("consumer", "GetCertificate")


def test_the_trials_change_nothing(lab, root):
    """Policy, tags, permissions and state are as before."""
    share_with_consumer(lab, root)
    pca = lab.client("acm-pca")

    def state():
        return json.dumps(
            [
                pca.get_policy(ResourceArn=root)["Policy"],
                pca.list_tags(CertificateAuthorityArn=root)["Tags"],
                pca.list_permissions(CertificateAuthorityArn=root)["Permissions"],
                pca.describe_certificate_authority(CertificateAuthorityArn=root)[
                    "CertificateAuthority"
                ]["Status"],
            ],
            default=str,
        )

    before = state()
    tried(lab, root)
    assert state() == before


def test_a_share_is_seen_from_both_sides(lab, root):
    """The owner sees all; the consumer sees who shares what."""
    arn = share_with_consumer(lab, root)
    (own,) = ca_sharing.shares(lab.client("ram"))
    (given,) = ca_sharing.shares(lab.client("ram", account="consumer"), "OTHER-ACCOUNTS")
    assert (own.arn, own.name, own.resources, own.principals) == (
        arn,
        "Shared_Private_CA",
        (root,),
        (CONSUMER,),
    )
    assert (given.arn, given.owner, given.status) == (arn, OWNER, "ACTIVE")
    assert ca_sharing.shares(lab.client("ram", account="third"), "OTHER-ACCOUNTS") == ()


def test_before_it_is_accepted_a_share_gives_nothing(lab, root):
    """And waiting for it ends with what was waited for."""
    arn = ca_sharing.share(lab.client("ram"), root, [CONSUMER], sleep=no_wait)
    with pytest.raises(LabError, match=r"waited 0:00:04 for access to arn:aws:acm-pca"):
        ca_sharing.wait_usable(
            lab.client("acm-pca", account="consumer"), root, sleep=no_wait, seconds=4
        )
    with pytest.raises(LabError, match="an invitation to"):
        ca_sharing.accept(lab.client("ram", account="third"), arn, sleep=no_wait, seconds=4)


def test_accepting_twice_is_refused_by_ram(lab, root):
    """In RAM's own words."""
    arn = share_with_consumer(lab, root)
    with pytest.raises(ClientError, match="AlreadyAccepted"):
        ca_sharing.accept(lab.client("ram", account="consumer"), arn, sleep=no_wait)


def test_an_invitation_lapses_after_twelve_hours(lab, root):
    """Then the owner has to share anew."""
    arn = ca_sharing.share(lab.client("ram"), root, [CONSUMER], sleep=no_wait)
    lab.clock.advance(hours=12, seconds=1)
    with pytest.raises(ClientError, match="Expired"):
        ca_sharing.accept(lab.client("ram", account="consumer"), arn, sleep=no_wait)


def test_after_a_share_is_revoked_certificates_stay_and_nothing_new_comes(lab, root):
    """The certificate is the consumer's; the CA is not."""
    arn = share_with_consumer(lab, root)
    pca = lab.client("acm-pca", account="consumer")
    issued = ca_hierarchy.issue(
        pca,
        root,
        csr(lab),
        validity={"Type": "DAYS", "Value": 1},
    )
    ca_sharing.revoke(lab.client("ram"), arn)
    with pytest.raises(ClientError, match="AccessDenied"):
        pca.issue_certificate(
            CertificateAuthorityArn=root,
            Csr=csr(lab).public_bytes(Encoding.PEM),
            SigningAlgorithm="SHA256WITHECDSA",
            Validity=DAY,
        )
    owners = lab.client("acm-pca").get_certificate(
        CertificateAuthorityArn=root, CertificateArn=issued.arn
    )
    assert owners["Certificate"].strip() == issued.pem.strip()


def test_an_unknown_permission_is_named(lab, root):
    """By RAM, and by whoever asks what is documented of it."""
    with pytest.raises(ClientError):
        ca_sharing.share(lab.client("ram"), root, [CONSUMER], permission="Nothing", sleep=no_wait)
    with pytest.raises(LabError, match="found Nothing"):
        ca_sharing.documented("Nothing")


def test_a_ca_that_is_not_active_is_not_tried(lab, root):
    """It might be deleted."""
    lab.client("acm-pca").update_certificate_authority(
        CertificateAuthorityArn=root, Status="DISABLED"
    )
    with pytest.raises(LabError, match="expected ACTIVE"):
        ca_sharing.powers(
            {"owner": lab.client("acm-pca")}, root, csr=csr(lab), certificate_arn=root
        )


def test_the_table_has_a_column_for_each_account(lab, root):
    """And reads as text."""
    share_with_consumer(lab, root)
    text = repr(tried(lab, root))
    assert "consumer" in text
    assert "GetCertificateAuthorityCsr" in text


def test_a_request_that_is_throttled_is_no_power():
    """Nor the lack of one: the trial ends."""
    with Lab.simulated(seed="share", enforce_quotas=True) as lab:
        pca = lab.client("acm-pca")
        root = ca_hierarchy.create_root(pca, {"CommonName": "Root"}, key_algorithm="EC_prime256v1")
        issued = ca_hierarchy.issue(pca, root, csr(lab), validity=DAY)
        clients = dict.fromkeys(("once", "twice"), pca)  # one audit report a second
        with pytest.raises(ClientError, match="ThrottlingException"):
            ca_sharing.powers(clients, root, csr=csr(lab), certificate_arn=issued.arn)
