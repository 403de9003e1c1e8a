"""Who sends findings: the default product of an account, and integrated products.

An account that has Security Hub has the default product, for its own tools. A partner's product
whose findings come from the customer's own account is enabled first. AWS's own services send
through doors of their own, so nobody else imports in their name.

Sources: Security Hub CSPM User Guide, "Integrating Security Hub CSPM with custom products",
"Third-party product integrations", "AWS service integrations".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
_ARN = re.compile(
    r"arn:aws:securityhub:(?P<region>[a-z0-9-]+):(?P<account>\d{12})?:product/"
    r"(?P<company>[^/\s]+)/(?P<product>[^/\s]+)"
)
COMPANY, PRODUCT = "Personal", "Default"  # of a custom integration that does not say


@dataclass(frozen=True, slots=True)
class Product:
    """An integrated product that sends findings.

    Attributes:
        company: of its ARN.
        product: of its ARN.
        company_name: as findings show it.
        product_name: as findings show it.
        by_customer: whether it runs in the customer's account, which then imports its findings.
    """

    company: str
    product: str
    company_name: str
    product_name: str
    by_customer: bool = False

    def arn(self, region: str) -> str:
        """Return its ARN in a Region."""
        return f"arn:aws:securityhub:{region}::product/{self.company}/{self.product}"

    def subscription(self, region: str, account: str) -> str:
        """Return the ARN of an account's subscription to it."""
        place = f"arn:aws:securityhub:{region}:{account}"
        return f"{place}:product-subscription/{self.company}/{self.product}"

    def described(self, region: str) -> Json:
        """Return what DescribeProducts says of it."""
        return {
            "ProductArn": self.arn(region),
            "ProductName": self.product_name,
            "CompanyName": self.company_name,
            "IntegrationTypes": ["SEND_FINDINGS_TO_SECURITY_HUB"],
        }


PRODUCTS = (
    Product("aws", "access-analyzer", "AWS", "IAM Access Analyzer"),
    Product("aws", "guardduty", "Amazon", "GuardDuty"),
    Product("aws", "inspector", "Amazon", "Inspector"),
    Product("aws", "macie", "Amazon", "Macie"),
    Product("aws", "securityhub", "AWS", "Security Hub"),
    Product("aquasecurity", "aquasecurity", "Aqua Security", "Aqua Security", by_customer=True),
    Product(
        "cloud-custodian", "cloud-custodian", "Cloud Custodian", "Cloud Custodian",
        by_customer=True,
    ),
    Product("prowler", "prowler", "Prowler", "Prowler", by_customer=True),
)  # fmt: skip


def find(arn: str, region: str) -> Product | None:
    """Return the integrated product of an ARN in a Region; None: it is none of those here."""
    return next((each for each in PRODUCTS if each.arn(region) == arn), None)


def default_arn(region: str, account: str) -> str:
    """Return the ARN of an account's default product."""
    return f"arn:aws:securityhub:{region}:{account}:product/{account}/default"


def is_product(arn: str) -> bool:
    """Say whether a text has the form of a product's ARN."""
    return _ARN.fullmatch(arn) is not None


def names(arn: str, region: str) -> Iterator[tuple[str, str]]:
    """Yield the members that the service fills in for an integrated product."""
    if found := find(arn, region):
        yield "ProductName", found.product_name
        yield "CompanyName", found.company_name
