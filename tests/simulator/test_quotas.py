import pytest
from botocore.exceptions import ClientError

from pkilab import Lab
from pkilab.simulator.quotas import QUOTAS
from pkilab.simulator.service import service_model

LISTS = 20  # ListCertificateAuthorities a second


@pytest.fixture
def lab():
    with Lab.simulated(seed="quotas", enforce_quotas=True) as lab:
        yield lab


def spend(pca):
    """Use up a second's worth."""
    for _ in range(LISTS):
        pca.list_certificate_authorities()


def test_the_request_past_the_quota_is_throttled(lab):
    """The operation's own quota: others go on."""
    pca = lab.client("acm-pca")
    spend(pca)
    with pytest.raises(ClientError, match="Rate exceeded") as caught:
        pca.list_certificate_authorities()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    with pytest.raises(ClientError, match="ResourceNotFound"):
        pca.list_tags(CertificateAuthorityArn=no_ca(lab))


def no_ca(lab):
    """An ARN of no CA."""
    number = "00000000-0000-0000-0000-000000000000"
    return f"arn:aws:acm-pca:us-east-1:{lab.accounts['main']}:certificate-authority/{number}"


def test_tokens_come_back_at_the_quotas_rate(lab):
    """Half a second brings half of them."""
    pca = lab.client("acm-pca")
    spend(pca)
    lab.clock.advance(milliseconds=500)
    for _ in range(LISTS // 2):
        pca.list_certificate_authorities()
    with pytest.raises(ClientError, match="Rate exceeded"):
        pca.list_certificate_authorities()


def test_a_bucket_never_holds_more_than_its_burst(lab):
    """However long nobody asked."""
    pca = lab.client("acm-pca")
    lab.clock.advance(days=1)
    spend(pca)
    with pytest.raises(ClientError, match="Rate exceeded"):
        pca.list_certificate_authorities()


def test_accounts_have_quotas_of_their_own():
    """And Regions."""
    accounts = {"one": "111122223333", "two": "444455556666"}
    with Lab.simulated(seed="quotas", accounts=accounts, enforce_quotas=True) as lab:
        spend(lab.client("acm-pca"))
        lab.client("acm-pca", account="two").list_certificate_authorities()
        lab.client("acm-pca", region="eu-west-1").list_certificate_authorities()


def test_without_enforcement_nobody_counts():
    """A frozen clock would never let more through."""
    with Lab.simulated(seed="quotas") as lab:
        for _ in range(2 * LISTS):
            lab.client("acm-pca").list_certificate_authorities()


def test_every_quota_is_of_an_operation_that_exists():
    """A misspelt one would never count."""
    for service, operation in QUOTAS:
        assert operation in service_model(service).operation_names
