"""What would pass the budget is refused before it is sent, with the sum."""

import pytest
from botocore.exceptions import ParamValidationError

from pkilab import Lab, ca_hierarchy
from pkilab.errors import BudgetError, LabError
from pkilab.pki import requests

CA = {
    "CertificateAuthorityType": "ROOT",
    "CertificateAuthorityConfiguration": {
        "KeyAlgorithm": "EC_prime256v1",
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Subject": {"CommonName": "Budget Root"},
    },
}
TEMPLATE = """
Resources:
  Root:
    Type: AWS::ACMPCA::CertificateAuthority
    Properties: {Type: ROOT, KeyAlgorithm: EC_prime256v1, SigningAlgorithm: SHA256WITHECDSA,
      Subject: {CommonName: Stacked}}
"""


def test_without_a_budget_every_billable_create_is_refused_with_its_price(world):
    """The call is never made; what costs nothing is."""
    with Lab.aws() as lab:
        with pytest.raises(BudgetError, match=r"400\.00 USD per CA-month"):
            lab.client("acm-pca").create_certificate_authority(**CA)
        lab.client("s3").create_bucket(Bucket="free-to-make")
    assert world.client("acm-pca").list_certificate_authorities()["CertificateAuthorities"] == []
    assert len(world.client("s3").list_buckets()["Buckets"]) == 1


def test_a_ca_counts_for_the_hour_that_it_may_stand(world):
    """400 USD a month are 0.55 an hour: of 1.50 two fit, and the sum is shown."""
    with Lab.aws(budget_usd=1.5) as lab:
        pca = lab.client("acm-pca")
        pca.create_certificate_authority(**CA)
        pca.create_certificate_authority(**CA)
        with pytest.raises(
            BudgetError, match=r"comes to 1\.64 USD .* budget of 1\.5; without it, 1"
        ):
            pca.create_certificate_authority(**CA)
    assert (
        len(world.client("acm-pca").list_certificate_authorities()["CertificateAuthorities"]) == 2
    )


def test_certificates_count_one_by_one(aws):
    """The root's own and four more of 0.75 USD leave no room for a sixth."""
    pca = aws.client("acm-pca")
    root = ca_hierarchy.create_root(pca, {"CommonName": "Counting"})
    csr = requests.build_request(aws.generate_key("leaf"), "CN=leaf")
    for _ in range(4):
        ca_hierarchy.issue(pca, root, csr, validity={"Type": "DAYS", "Value": 1})
    with pytest.raises(BudgetError, match=r"5\.05 USD"):
        ca_hierarchy.issue(pca, root, csr, validity={"Type": "DAYS", "Value": 1})


def test_a_refused_create_is_not_counted(world):
    """AWS refuses it for its own reasons, and the room that was held is given back."""
    with Lab.aws(budget_usd=0.6) as lab:
        pca = lab.client("acm-pca")
        wrong = {
            **CA,
            "UsageMode": "GENERAL_PURPOSE",
            "KeyStorageSecurityStandard": "CCPC_LEVEL_1_OR_HIGHER",
        }
        with pytest.raises(pca.exceptions.ClientError):
            pca.create_certificate_authority(**wrong)
        assert pca.create_certificate_authority(**CA)["CertificateAuthorityArn"]


def test_a_stack_counts_for_what_its_template_makes(world):
    """A CA in a template is a CA; a template that nobody can read costs nobody knows what."""
    with Lab.aws(budget_usd=0.5) as lab:
        stacks = lab.client("cloudformation")
        with pytest.raises(BudgetError, match="CreateStack"):
            stacks.create_stack(StackName="authority", TemplateBody=TEMPLATE)
        with pytest.raises(BudgetError, match="no budget can hold that"):
            stacks.create_stack(StackName="unread", TemplateURL="https://example.com/t.yaml")
    with Lab.aws(budget_usd=1) as lab:
        stacks = lab.client("cloudformation")
        assert stacks.create_stack(StackName="authority", TemplateBody=TEMPLATE)["StackId"]
        with pytest.raises(BudgetError):
            lab.client("acm-pca").create_certificate_authority(**CA)


def test_a_call_that_was_never_sent_holds_nothing(world):
    """What botocore refuses by the service's model leaves the budget as it was."""
    with Lab.aws(budget_usd=0.6) as lab:
        pca = lab.client("acm-pca")
        for _ in range(3):
            with pytest.raises(ParamValidationError):
                pca.create_certificate_authority(**CA, Bogus=1)
        pca.create_certificate_authority(**CA)
        with pytest.raises(BudgetError):
            pca.create_certificate_authority(**CA)


def test_a_call_is_held_until_the_journal_has_it(aws, monkeypatch):
    """In between, another thread would not see its cost."""
    budget, recorded = aws._place._budget, []
    release = budget.release

    def released(number):
        recorded.append(len(aws.journal.filter(operation="CreateKey")))
        release(number)

    monkeypatch.setattr(budget, "release", released)
    aws.client("kms").create_key()
    assert recorded == [1]


@pytest.mark.parametrize("given", [float("nan"), float("inf"), "much"])
def test_a_budget_is_a_number(world, given):
    """Nothing compares with NaN."""
    with pytest.raises(LabError, match=r"budget_usd: found .* expected a number"):
        Lab.aws(budget_usd=given)
