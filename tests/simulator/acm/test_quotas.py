"""How many certificates an account has at most."""

from datetime import UTC, datetime, timedelta

import pytest

from pkilab.simulator.acm.quotas import Ledger, Quotas
from pkilab.simulator.acm.state import AcmCertificate, Certificates
from pkilab.simulator.service import AwsError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = ("111122223333", "us-east-1")


@pytest.fixture
def held():
    return Certificates()


@pytest.fixture
def ledger(held):
    quotas = Quotas(certificates=2, requests=3, imported=2, imports=3, names=2)
    return Ledger(quotas, held)


def keep(held, kind, number, status="ISSUED"):
    """Keep a certificate of a kind."""
    held.add(AcmCertificate(f"arn:{number}", *PLACE, kind, status, ("a.example",), "RSA_2048", NOW))


def test_aws_says_2500_and_twice_as_many_a_year():
    """Of requested ones, and of imported ones; ten names each."""
    assert Quotas() == Quotas(2500, 5000, 2500, 5000, 10)


def test_a_certificate_has_so_many_names(ledger):
    ledger.check_names(("a", "b"))
    with pytest.raises(AwsError, match="too many domains") as caught:
        ledger.check_names(("a", "b", "c"))
    assert caught.value.code == "LimitExceededException"


def test_public_certificates_count_while_they_exist(ledger, held):
    """Expired ones, too; private and imported ones do not, nor do those elsewhere."""
    keep(held, "AMAZON_ISSUED", 1, status="EXPIRED")
    keep(held, "PRIVATE", 2)
    keep(held, "IMPORTED", 3)
    ledger.note_request(*PLACE, NOW)
    keep(held, "AMAZON_ISSUED", 4)
    with pytest.raises(AwsError, match="maximum number of certificates"):
        ledger.note_request(*PLACE, NOW)
    ledger.note_request(PLACE[0], "eu-west-1", NOW)
    held.remove("arn:1")
    ledger.note_request(*PLACE, NOW)


def test_a_years_requests_count_though_they_are_deleted(ledger):
    """Until a year is over."""
    for day in range(3):
        ledger.note_request(*PLACE, NOW + timedelta(days=day))
    late = NOW + timedelta(days=364)
    with pytest.raises(AwsError, match="your limit of 3 certificates in the last year"):
        ledger.note_request(*PLACE, late)
    ledger.note_request(*PLACE, late + timedelta(days=1))
    with pytest.raises(AwsError, match="in the last year"):
        ledger.note_request(*PLACE, late + timedelta(days=1))


def test_a_reimport_counts_as_an_import_and_adds_none(ledger, held):
    keep(held, "IMPORTED", 1)
    ledger.note_import(*PLACE, NOW, again=False)
    keep(held, "IMPORTED", 2)
    ledger.note_import(*PLACE, NOW, again=True)
    with pytest.raises(AwsError, match="maximum number of certificates"):
        ledger.note_import(*PLACE, NOW, again=False)
    ledger.note_import(*PLACE, NOW, again=True)
    with pytest.raises(AwsError, match="in the last year"):
        ledger.note_import(*PLACE, NOW, again=True)
