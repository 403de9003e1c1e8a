"""Bills are made from journals recorded here by hand, and checked against sums done by hand."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pkilab.costs import Bill, billable_create, estimate, price_of, price_table
from pkilab.errors import LabError
from pkilab.journal import Journal, Withheld

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
MONTH = timedelta(hours=730)
CA = "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/5f0c8a52"
SUB = "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/7a1d3c90"
OBJECT = "arn:aws:s3:::lab-crl/k"
EXPORTABLE = {"DomainName": "www.example.com", "Options": {"Export": "ENABLED"}}


class Calls(Journal):
    """A journal that is told its calls."""

    def add(  # noqa: D102 - the class says it
        self,
        service: str,
        operation: str,
        *,
        at: datetime = START,
        outcome: str = "ok",
        account: str = "owner",
        region: str = "us-east-1",
        resources: tuple[str, ...] = (),
        made: dict[str, str] | None = None,
        **parameters: Any,
    ) -> None:
        self.record(
            at=at,
            account=account,
            account_id="111122223333" if account == "owner" else "444455556666",
            region=region,
            service=service,
            operation=operation,
            resources=[*resources, *(made or {}).values()],
            outcome=outcome,
            parameters=parameters,
            results=made or {},
        )

    def create(self, arn: str = CA, **changes: Any) -> None:
        """Record the creation of a CA."""
        made = {"CertificateAuthorityArn": arn}
        self.add("acm-pca", "CreateCertificateAuthority", made=made, **changes)

    def authority(self, operation: str, after: timedelta, **parameters: Any) -> None:
        """Record a call on the CA."""
        at = START + after
        self.add(
            "acm-pca", f"{operation}CertificateAuthority", at=at, resources=(CA,), **parameters
        )

    def issue(self, number: int, *, ca: str = CA, first: int = 0, **changes: Any) -> None:
        """Record the issuing of so many certificates."""
        for serial in range(first, first + number):
            made = {"CertificateArn": f"{ca}/certificate/{serial:032x}"}
            self.add(
                "acm-pca", "IssueCertificate", CertificateAuthorityArn=ca, made=made, **changes
            )


@pytest.fixture
def calls() -> Calls:
    return Calls()


def amounts(bill: Bill) -> dict[str, Decimal | None]:
    """Return each line's amount, without the lines that cost nothing."""
    return {line.what: line.amount for line in bill.lines if line.amount != 0}


def test_a_month_of_a_general_purpose_authority_is_400_and_of_a_short_lived_one_50(
    calls: Calls,
) -> None:
    calls.create()
    calls.create(SUB, UsageMode="SHORT_LIVED_CERTIFICATE")
    bill = estimate(calls, until=START + MONTH)
    assert amounts(bill) == {
        "private CA, general purpose (5f0c8a52)": Decimal(400),
        "private CA, short-lived certificates (7a1d3c90)": Decimal(50),
    }
    assert bill.total == Decimal(450)
    assert bill.unknown == ()


def test_the_fee_stops_at_deletion(calls: Calls) -> None:
    calls.create()
    calls.authority("Delete", MONTH / 2)
    assert estimate(calls, until=START + 10 * MONTH).total == Decimal(200)
    assert estimate(calls, until=START + MONTH / 4).total == Decimal(100)


def test_restoring_brings_the_fee_of_the_deleted_interval(calls: Calls) -> None:
    calls.create()
    calls.authority("Delete", MONTH)
    calls.authority("Restore", 1.5 * MONTH)
    calls.authority("Delete", 2 * MONTH)
    bill = estimate(calls, until=START + 5 * MONTH)
    assert amounts(bill) == {
        "private CA, general purpose (5f0c8a52)": Decimal(600),
        "private CA, general purpose (5f0c8a52, deleted and restored)": Decimal(200),
    }


def test_a_refused_deletion_stops_no_fee(calls: Calls) -> None:
    calls.create()
    at = START + MONTH / 2
    calls.add(
        "acm-pca",
        "DeleteCertificateAuthority",
        at=at,
        resources=(CA,),
        outcome="InvalidStateException",
    )
    assert estimate(calls, until=START + MONTH).total == Decimal(400)


def test_a_repeated_idempotency_token_makes_no_second_authority(calls: Calls) -> None:
    calls.create()
    calls.create(at=START + timedelta(minutes=1))
    assert estimate(calls, until=START + MONTH).total == Decimal(400)


def test_the_trial_takes_off_thirty_days_of_the_first_authority_of_an_account_and_region(
    calls: Calls,
) -> None:
    calls.create()
    calls.create(SUB)
    calls.create("arn:aws:acm-pca:us-east-1:444455556666:certificate-authority/b", account="other")
    until = START + timedelta(days=60)
    fee = 400 * Decimal(60 * 24) / 730
    off = 400 * Decimal(30 * 24) / 730
    assert abs(estimate(calls, until=until).total - 3 * fee) < Decimal("0.00001")
    trial = estimate(calls, until=until, trial=True)
    assert abs(trial.total - (3 * fee - 2 * off)) < Decimal("0.00001")
    assert sum("30-day trial" in line.what for line in trial.lines) == 2


def test_the_trial_never_takes_off_more_than_the_fee(calls: Calls) -> None:
    calls.create()
    calls.authority("Delete", timedelta(days=3))
    assert estimate(calls, until=START + MONTH, trial=True).total == 0


def test_certificates_are_charged_by_tiers_of_the_month(calls: Calls) -> None:
    calls.create()
    calls.issue(10_002)
    found = amounts(estimate(calls, until=START))
    assert found == {
        "certificates, the first 1,000 of a month (2026-01)": Decimal("750.00"),
        "certificates, 1,001 to 10,000 of a month (2026-01)": Decimal("3150.00"),
        "certificates, from 10,001 of a month (2026-01)": Decimal("0.002"),
    }


def test_the_count_starts_again_in_a_new_month_another_region_and_another_account(
    calls: Calls,
) -> None:
    calls.create()
    calls.issue(1000)
    calls.issue(1, first=1000, at=datetime(2026, 2, 1, tzinfo=UTC))
    calls.issue(1, first=1001, region="eu-west-1")
    calls.issue(1, first=1002, account="workload")
    bill = estimate(calls, until=datetime(2026, 2, 1, tzinfo=UTC))
    certificates = [line for line in bill.lines if line.unit == "certificate"]
    assert {line.unit_price for line in certificates} == {Decimal("0.75")}
    assert sum(line.quantity for line in certificates) == 1003


def test_the_same_certificate_answered_twice_is_charged_once(calls: Calls) -> None:
    calls.create()
    calls.issue(1)
    calls.issue(1)
    assert estimate(calls, until=START).total == Decimal("0.75")


def test_short_lived_certificates_have_their_own_price(calls: Calls) -> None:
    calls.create(UsageMode="SHORT_LIVED_CERTIFICATE")
    calls.issue(10)
    bill = estimate(calls, until=START)
    assert bill.total == Decimal("0.58")
    assert [line.confirmed for line in bill.lines if line.unit == "certificate"] == [False]


def test_an_authority_made_elsewhere_is_not_charged_and_its_mode_is_marked_as_taken(
    calls: Calls,
) -> None:
    calls.issue(1)
    bill = estimate(calls, until=START + MONTH)
    (line,) = [line for line in bill.lines if line.unit == "certificate"]
    assert "a CA not made here is taken as general purpose" in line.note
    assert bill.total == Decimal("0.75")


def test_an_unknown_price_is_a_line_and_never_zero(calls: Calls) -> None:
    calls.create(RevocationConfiguration={"OcspConfiguration": {"Enabled": True}})
    calls.issue(2)
    calls.authority(
        "Update",
        timedelta(0),
        CertificateAuthorityArn=CA,
        RevocationConfiguration={"OcspConfiguration": {"Enabled": False}},
    )
    calls.issue(1, first=2)
    calls.add("dynamodb", "CreateTable")
    bill = estimate(calls, until=START)
    assert [(line.what, line.quantity, line.amount) for line in bill.unknown] == [
        ("OCSP", 2, None),
        ("dynamodb calls", 1, None),
    ]
    assert "without 2 of unknown price" in repr(bill)
    assert "price unknown" in repr(bill)


def test_audit_reports_are_free(calls: Calls) -> None:
    calls.add("acm-pca", "CreateCertificateAuthorityAuditReport", resources=(CA,))
    bill = estimate(calls, until=START)
    assert [(line.what, line.amount) for line in bill.lines] == [("AWS Private CA, other calls", 0)]


def test_s3_requests_are_charged_by_their_kind(calls: Calls) -> None:
    for operation in ("PutObject", "ListObjectsV2", "GetObject", "HeadObject", "DeleteObject"):
        for _ in range(2000):
            calls.add("s3", operation, resources=(OBJECT,))
    assert amounts(estimate(calls, until=START)) == {
        "S3, PUT, COPY, POST and LIST requests": Decimal("0.02"),
        "S3, GET, SELECT and all other requests": Decimal("0.0016"),
    }


def test_storage_is_charged_until_an_object_is_deleted_or_replaced(calls: Calls) -> None:
    gibibyte = Withheld("a stream", 2**30)

    def storage(until: datetime) -> Decimal:
        lines = estimate(calls, until=until).lines
        return sum((line.quantity for line in lines if line.unit == "GB-month"), Decimal(0))

    calls.add("s3", "PutObject", resources=(OBJECT,), Body=gibibyte)
    assert storage(START + MONTH) == 1
    calls.add("s3", "PutObject", at=START + MONTH, resources=(OBJECT,), Body=gibibyte)
    assert storage(START + 2 * MONTH) == 2
    calls.add("s3", "DeleteObject", at=START + 2 * MONTH, resources=(OBJECT,))
    assert storage(START + 9 * MONTH) == 2


ZONE = "arn:aws:route53:::hostedzone/Z0{}"


@pytest.mark.parametrize(
    ("stands", "months"),
    [
        (timedelta(hours=12), 0),
        (timedelta(hours=13), 1),
        (timedelta(days=26), 1),  # until 31 January
        (timedelta(days=27), 2),
        (timedelta(days=365), 13),
    ],
)
def test_a_hosted_zone_is_charged_when_made_and_on_the_first_of_each_month(
    calls: Calls, stands: timedelta, months: int
) -> None:
    calls.add("route53", "CreateHostedZone", made={"Id": ZONE.format(1)})
    calls.add("route53", "DeleteHostedZone", at=START + stands, resources=(ZONE.format(1),))
    assert estimate(calls, until=START + 2 * stands).total == months * Decimal("0.50")


def test_a_hosted_zone_that_stands_is_charged_up_to_now(calls: Calls) -> None:
    calls.add("route53", "CreateHostedZone", made={"Id": ZONE.format(1)})
    calls.add("route53", "CreateHostedZone", made={"Id": ZONE.format(2)}, account="consumer")
    assert estimate(calls, until=START).total == Decimal(1)
    bill = estimate(calls, until=START + timedelta(days=59))
    assert [line.account for line in bill.lines] == ["consumer", "owner"]
    assert bill.total == Decimal(3)


SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:tls-AbCdEf"


@pytest.mark.parametrize("named", [SECRET, f"{SECRET.rpartition('-')[0]}-*"])
def test_a_secret_is_charged_by_the_hour_until_it_is_deleted(calls: Calls, named: str) -> None:
    """Named by its ARN or by its name."""
    calls.add("secretsmanager", "CreateSecret", made={"ARN": SECRET})
    calls.add("secretsmanager", "GetSecretValue", at=START + MONTH, resources=(named,))
    assert amounts(estimate(calls, until=START + MONTH))["secret (tls-AbCdEf)"] == Decimal("0.4")
    calls.add("secretsmanager", "DeleteSecret", at=START + 2 * MONTH, resources=(named,))
    bill = estimate(calls, until=START + 9 * MONTH)
    assert amounts(bill)["secret (tls-AbCdEf)"] == Decimal("0.8")


def test_an_advanced_parameter_is_charged_and_a_standard_one_is_not(calls: Calls) -> None:
    """Writing it anew does not begin it anew."""
    store = "arn:aws:ssm:us-east-1:111122223333:parameter/"
    calls.add("ssm", "PutParameter", resources=(f"{store}small",))
    for months in (0, 1):
        at = START + months * MONTH
        calls.add("ssm", "PutParameter", resources=(f"{store}tls/chain",), Tier="Advanced", at=at)
    paid = {"advanced parameter (tls/chain)": Decimal("0.1")}
    assert amounts(estimate(calls, until=START + 2 * MONTH)) == paid
    calls.add("ssm", "DeleteParameter", at=START + 2 * MONTH, resources=(f"{store}tls/chain",))
    assert amounts(estimate(calls, until=START + 5 * MONTH)) == paid


def test_findings_and_events_are_counted_one_by_one(calls: Calls) -> None:
    """However many a call carries."""
    calls.add("securityhub", "BatchImportFindings", Findings=Withheld("long", 100))
    calls.add("events", "PutEvents", Entries=[{}] * 10)
    bill = estimate(calls, until=START)
    assert {line.unit: line.quantity for line in bill.lines} == {"finding": 100, "event": 10}


KEY = "arn:aws:kms:us-east-1:111122223333:key/"


def test_a_key_is_charged_by_the_hour_until_its_deletion_is_scheduled(calls: Calls) -> None:
    """And for the time between where the deletion was cancelled."""
    calls.add("kms", "CreateKey", made={"Arn": f"{KEY}1"}, KeySpec="ECC_NIST_P256")
    month = timedelta(hours=730)
    assert estimate(calls, until=START + month).total == Decimal(1)
    calls.add("kms", "ScheduleKeyDeletion", at=START + month, resources=(f"{KEY}1",))
    lines = estimate(calls, until=START + 3 * month).lines
    assert [line.amount for line in lines if line.unit == "key-month"] == [Decimal(1)]
    calls.add("kms", "CancelKeyDeletion", at=START + 2 * month, resources=(f"{KEY}1",))
    lines = estimate(calls, until=START + 3 * month).lines
    assert [line.amount for line in lines if line.unit == "key-month"] == [Decimal(3)]


@pytest.mark.parametrize(
    ("operation", "spec", "asked", "price"),
    [
        ("Sign", "ECC_NIST_P256", {}, "0.15"),
        ("Sign", "RSA_3072", {}, "0.15"),
        ("Sign", "RSA_2048", {}, "0.03"),
        ("Encrypt", "SYMMETRIC_DEFAULT", {}, "0.03"),
        ("GenerateMac", "HMAC_256", {}, "0.03"),
        ("DescribeKey", "ECC_NIST_P256", {}, "0.03"),
        ("Verify", None, {"SigningAlgorithm": "ECDSA_SHA_256"}, "0.15"),
        ("Decrypt", None, {}, "0.03"),
        ("GenerateDataKeyPair", "SYMMETRIC_DEFAULT", {"KeyPairSpec": "RSA_2048"}, "12"),
        ("GenerateDataKeyPair", "SYMMETRIC_DEFAULT", {"KeyPairSpec": "ECC_NIST_P256"}, "0.10"),
    ],
)
def test_a_call_of_kms_is_charged_by_the_kind_of_key_that_it_uses(
    calls: Calls, operation: str, spec: str | None, asked: dict[str, str], price: str
) -> None:
    if spec:
        calls.add("kms", "CreateKey", made={"Arn": f"{KEY}1"}, KeySpec=spec)
    calls.add("kms", operation, resources=(f"{KEY}1",), **asked)
    bill = estimate(calls, until=START)
    last = [line for line in bill.lines if line.unit == "call"]
    assert sum(line.unit_price * 10_000 for line in last if line.quantity == 1) == Decimal(price)


def test_the_launch_table_has_the_posts_figures_and_no_others(calls: Calls) -> None:
    calls.create()
    calls.issue(1001)
    bill = estimate(calls, until=START + MONTH, table="launch-2018")
    assert amounts(bill) == {
        "private CA (5f0c8a52)": Decimal(400),
        "certificates, the first 1,000 of a month (2026-01)": Decimal(750),
        "certificates, 1,001 to 10,000 of a month (2026-01)": None,
    }
    assert bill.date == date(2018, 4, 4)


def test_what_the_launch_table_does_not_know_is_said_to_be_unknown(calls: Calls) -> None:
    calls.create(UsageMode="SHORT_LIVED_CERTIFICATE")
    calls.issue(1)
    calls.add("s3", "ListBuckets")
    bill = estimate(calls, until=START + MONTH, table="launch-2018")
    assert bill.total == 0
    assert [line.what for line in bill.unknown] == [
        "CreateCertificateAuthority in mode SHORT_LIVED_CERTIFICATE (5f0c8a52)",
        "IssueCertificate in mode SHORT_LIVED_CERTIFICATE (2026-01)",
        "s3 calls",
    ]


def test_another_region_has_the_tables_price_with_a_doubt(calls: Calls) -> None:
    calls.create(region="eu-west-3")
    (line,) = [
        line for line in estimate(calls, until=START + MONTH).lines if line.unit == "CA-month"
    ]
    assert not line.confirmed
    assert line.note == "price of us-east-1"


def test_calls_after_the_moment_are_not_on_the_bill(calls: Calls) -> None:
    calls.create(at=START + MONTH)
    assert estimate(calls, until=START).lines == ()


def test_a_price_is_named_before_the_call() -> None:
    price = price_of("acm-pca", "CreateCertificateAuthority", {}, "us-east-1")
    assert price is not None
    assert str(price) == "400.00 USD per CA-month (private CA, general purpose)"
    abroad = price_of("acm-pca", "CreateCertificateAuthority", {}, "eu-west-3")
    assert abroad is not None
    assert str(abroad).endswith(", unconfirmed")
    assert price_of("dynamodb", "CreateTable", {}) is None


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "amount"),
    [
        ("acm-pca", "CreateCertificateAuthority", {}, Decimal(400)),
        (
            "acm-pca",
            "CreateCertificateAuthority",
            {"UsageMode": "SHORT_LIVED_CERTIFICATE"},
            Decimal(50),
        ),
        ("acm-pca", "CreateCertificateAuthority", {"UsageMode": "A_LATER_MODE"}, None),
        ("acm-pca", "IssueCertificate", {}, Decimal("0.75")),
        ("kms", "CreateKey", {}, Decimal(1)),
        ("dynamodb", "CreateTable", {}, None),
        ("acm", "RequestCertificate", EXPORTABLE, None),
        ("cloudformation", "CreateStack", {}, None),
        ("cloudformation", "CreateChangeSet", {}, None),
    ],
)
def test_a_billable_create_is_asked_about(
    service: str, operation: str, parameters: dict[str, object], amount: Decimal | None
) -> None:
    price = billable_create(service, operation, parameters)
    assert price is not None
    assert price.amount == amount


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("acm-pca", "DescribeCertificateAuthority"),
        ("acm-pca", "DeleteCertificateAuthority"),
        ("s3", "CreateBucket"),
        ("sts", "GetCallerIdentity"),
        ("kms", "ListKeys"),
        ("kms", "Sign"),
        ("acm", "RequestCertificate"),
        ("cloudformation", "DeleteStack"),
    ],
)
def test_what_costs_nothing_to_speak_of_is_not_asked_about(service: str, operation: str) -> None:
    assert billable_create(service, operation, {}) is None


def test_exportable_public_certificates_and_what_stacks_make_are_of_unknown_price(
    calls: Calls,
) -> None:
    """A private certificate is exported without a price of ACM's own."""
    calls.add("acm", "RequestCertificate", **EXPORTABLE)
    calls.add("acm", "RequestCertificate", **EXPORTABLE, CertificateAuthorityArn=CA)
    calls.add("acm", "RequestCertificate", Options={"Export": "DISABLED"})
    calls.add("cloudformation", "CreateStack")
    bill = estimate(calls, until=START)
    assert {line.what: (line.quantity, line.amount) for line in bill.lines} == {
        "ACM calls and certificates that stay in AWS": (2, 0),
        "exportable public certificate": (1, None),
        "what a stack makes": (1, None),
    }


def test_an_unknown_table_is_refused_by_name(calls: Calls) -> None:
    with pytest.raises(LabError, match="found 'today', expected one of current, launch-2018"):
        estimate(calls, until=START, table="today")


@pytest.mark.parametrize("name", ["current", "launch-2018"])
def test_every_figure_of_a_table_has_a_source_and_its_tiers_ascend(name: str) -> None:
    table = price_table(name)
    assert all(price.source for price in table.prices)
    assert all(isinstance(price.amount, Decimal | None) for price in table.prices)
    tiers = [price.above for price in table.prices if price.operations == ("IssueCertificate",)]
    assert tiers[:3] == [0, 1000, 10_000]


def test_the_bill_reads_as_text_table_and_html(calls: Calls) -> None:
    calls.create()
    calls.issue(1)
    bill = estimate(calls, until=START + MONTH / 2)
    table = bill.to_frame()
    assert list(table["amount"]) == ["200.00", "0.75"]
    assert list(table["quantity"]) == ["0.5", "1"]
    html = bill._repr_html_()
    assert html is not None
    assert "Total 200.75 USD." in html
    assert "A month is taken as 730 hours" in html
    assert "Total 200.75 USD." in repr(bill)


def test_the_bill_is_the_same_under_any_hash_seed() -> None:
    script = """
from datetime import UTC, datetime
from pkilab.costs import estimate
from pkilab.journal import Journal
now, journal = datetime(2026, 1, 5, tzinfo=UTC), Journal()
for service in ("s3", "sts", "lambda", "dynamodb", "iam"):
    for account in ("b", "a"):
        journal.record(at=now, account=account, account_id="1", region="us-east-1",
            service=service, operation="ListThings", resources=[], outcome="ok",
            parameters={}, results={})
print(estimate(journal, until=now))
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert b"price unknown" in runs[0]
