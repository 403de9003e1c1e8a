from __future__ import annotations

import pytest
from cryptography import x509

from pkilab.ct.precertificates import is_precertificate, scts_of, verify_correspondence
from pkilab.errors import MalformedError
from pkilab.pki import chains
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.transparency import UncheckedCa

NAMES = ["www.lab.example", "*.lab.example"]


@pytest.fixture
def now():
    from datetime import UTC, datetime

    return datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def ca(now) -> UncheckedCa:
    return UncheckedCa("Careless", generate_key("EC_prime256v1", Entropy("ca")), at=now)


KEY = generate_key("EC_prime256v1", Entropy("stranger")).public_key()


def test_it_issues_for_any_name_what_clients_that_trust_it_take(ca: UncheckedCa, now) -> None:
    made = ca.issue(NAMES, KEY, days=90, at=now)
    found = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == NAMES
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 89
    verdict = chains.verify_chain(
        made, roots=[ca.certificate], at=now, purpose=chains.Purpose.SERVER_AUTH, name=NAMES[0]
    )
    assert verdict.trusted, verdict.explain()
    assert not chains.verify_chain(made, roots=[], at=now).trusted


def test_the_same_request_makes_the_same_bytes_and_another_does_not(ca: UncheckedCa, now) -> None:
    made = ca.issue(NAMES, KEY, days=90, at=now)
    assert made == ca.issue(NAMES, KEY, days=90, at=now)
    other = ca.issue(NAMES, ca.certificate.public_key(), days=90, at=now)
    assert other.serial_number != made.serial_number


def test_logged_it_has_the_scts_that_its_precertificate_got(ca: UncheckedCa, now) -> None:
    from pkilab.ct.precertificates import entry_for_precertificate
    from pkilab.ct.signing import sign_sct
    from pkilab.ct.structures import TimestampedEntry

    log = generate_key("EC_prime256v1", Entropy("log"))

    def submit(chain):
        return [sign_sct(log, TimestampedEntry(1, entry_for_precertificate(*chain)))]

    announced, made = ca.issue_logged(NAMES, KEY, submit, days=90, at=now)
    assert is_precertificate(announced)
    verify_correspondence(announced, made)
    assert len(scts_of(made)) == 1


def test_without_scts_nothing_is_issued_as_logged(ca: UncheckedCa, now) -> None:
    with pytest.raises(MalformedError, match="SCT list"):
        ca.issue_logged(NAMES, KEY, lambda _: [], days=90, at=now)


def test_a_key_that_would_sign_differently_each_time_is_refused(now) -> None:
    with pytest.raises(MalformedError, match="expected ECDSA"):
        UncheckedCa("Careless", generate_key("RSA_2048", Entropy("ca")), at=now)


def test_its_key_is_not_shown(ca: UncheckedCa) -> None:
    assert repr(ca) == "<UncheckedCa CN=Careless>"
