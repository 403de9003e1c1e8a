"""The simulated world as a lab sees it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pkilab.errors import LabError
from pkilab.simulator.place import open_place, start_time
from pkilab.simulator.world import DEFAULT_START, World

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (None, DEFAULT_START),
        ("live", None),
        ("2026-01-05T09:00:00Z", NINE),
        ("2026-01-05T10:00:00+01:00", NINE),
        (datetime(2026, 1, 5, 4, tzinfo=timezone(timedelta(hours=-5))), NINE),
    ],
)
def test_a_start_is_read(now, start):
    """The zone it is written in does not matter."""
    assert start_time(now) == start


@pytest.mark.parametrize("now", ["", "noon", "LIVE", "2026-13-01", "2026-01-05T25:00Z"])
def test_a_start_that_cannot_be_read_is_refused(now):
    """Naming what is expected."""
    with pytest.raises(LabError, match="ISO 8601 with a zone"):
        start_time(now)


@pytest.mark.parametrize(
    "options",
    [{"now": datetime(2026, 1, 5)}, {"now": "2026-01-05"}, {"accounts": {"a": "1"}}],  # noqa: DTZ001 - the refusal
)
def test_a_place_that_cannot_be_opened_leaves_no_world_behind(options):
    """The next one opens."""
    with pytest.raises(LabError):
        open_place(**options)
    open_place().close()


def test_a_world_that_breaks_while_it_is_set_up_is_closed(monkeypatch):
    """Whatever broke it."""

    def broken(_world, **_options):
        raise RuntimeError("no gateway")

    monkeypatch.setattr("pkilab.simulator.place.Gateway", broken)
    with pytest.raises(RuntimeError, match="no gateway"):
        open_place()
    World().close()


def test_each_account_has_keys_of_its_own_that_repeat_with_the_seed():
    """Another seed gives others."""
    accounts = {"a": "111122223333", "b": "444455556666"}

    def environments(seed):
        place = open_place(seed=seed, accounts=accounts, region="eu-west-1")
        try:
            return [place.environment(alias) for alias in accounts]
        finally:
            place.close()

    first, again, other = environments("one"), environments("one"), environments("two")
    assert first == again
    ids = {each["AWS_ACCESS_KEY_ID"] for each in (*first, *other)}
    assert len(ids) == 4
    assert {each["AWS_DEFAULT_REGION"] for each in first} == {"eu-west-1"}
