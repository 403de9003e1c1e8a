"""What an account sets for its certificates."""

import pytest

from pkilab.simulator.service import AwsError


@pytest.fixture
def put(desk):
    def put(days, token="t"):  # noqa: S107 - an idempotency token
        members = {"ExpiryEvents": {"DaysBeforeExpiry": days}} if days else {}
        desk.acm.put_account_configuration(IdempotencyToken=token, **members)

    return put


def days(desk):
    return desk.acm.get_account_configuration()["ExpiryEvents"]["DaysBeforeExpiry"]


def test_an_account_is_warned_45_days_before_unless_it_says_otherwise(desk, other, put):
    """Each for itself; what is left out stays."""
    assert days(desk) == 45
    put(10)
    put(None, "other")
    assert (days(desk), days(other)) == (10, 45)


def test_a_token_makes_calls_one_for_an_hour(desk, lab, put):
    """Whatever they say."""
    put(10)
    put(20)
    assert days(desk) == 10
    lab.clock.advance(minutes=59)
    put(20)
    assert days(desk) == 10
    put(30, "another")
    lab.clock.advance(minutes=1)
    put(20)
    assert days(desk) == 20


def test_a_setting_must_be_a_number_of_days(desk):
    """Of one at least."""
    with pytest.raises(AwsError, match="greater than or equal to 1") as caught:
        desk.invoke("PutAccountConfiguration", IdempotencyToken="t", ExpiryEvents=_days(0))
    assert caught.value.code == "ValidationException"
    desk.invoke("PutAccountConfiguration", IdempotencyToken="u", ExpiryEvents=_days(1))
    assert days(desk) == 1


def _days(number):
    return {"DaysBeforeExpiry": number}


def test_any_number_of_days_is_looked_ahead(desk, lab, put):
    """More than a certificate lives, too."""
    desk.issue()
    put(2**31 - 1)
    lab.clock.advance(days=2)
    found = desk.events("Approaching Expiration")
    assert [each["detail"]["DaysToExpiry"] for each in found] == [197, 196]
    put(190, "later")
    lab.clock.advance(days=5, hours=1)
    assert len(desk.events("Approaching Expiration")) == 2
    lab.clock.advance(days=3)
    later = desk.events("Approaching Expiration")[2:]
    assert [each["detail"]["DaysToExpiry"] for each in later] == [190, 189, 188]


def test_what_is_set_holds_for_what_comes_later(desk, lab, put):
    put(100)
    desk.issue()
    lab.clock.advance(days=198 - 100)
    (found,) = desk.events("Approaching Expiration")
    assert found["detail"]["DaysToExpiry"] == 100
