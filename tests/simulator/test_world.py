"""The world: its clock, the work that falls due on it, and the rule of one per process."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import LabClosedError, LabError
from pkilab.simulator.world import DEFAULT_START, World


@pytest.fixture
def world():
    world = World(seed="test")
    yield world
    world.close()


def test_advance_runs_due_work_in_time_order_each_at_its_own_moment(world):
    """Jobs see the moment they were scheduled for, not the end of the step."""
    seen = []
    for hours, label in ((5, "last"), (1, "first"), (3, "middle")):
        when = DEFAULT_START + timedelta(hours=hours)
        world.clock.at(when, lambda label=label: seen.append((label, world.clock.now())), label)
    world.clock.advance(hours=4)
    assert seen == [
        ("first", DEFAULT_START + timedelta(hours=1)),
        ("middle", DEFAULT_START + timedelta(hours=3)),
    ]
    assert world.clock.now() == DEFAULT_START + timedelta(hours=4)


def test_work_that_schedules_more_work_is_followed_within_one_step(world):
    """A job that renews itself every hour runs once for each hour passed."""
    runs = []

    def again():
        runs.append(world.clock.now())
        world.clock.at(world.clock.now() + timedelta(hours=1), again, "hourly")

    again()
    world.clock.advance(hours=3)
    assert len(runs) == 4


def test_a_cancelled_job_does_not_run(world):
    """The moment passes and nothing happens."""
    seen = []
    job = world.clock.at(DEFAULT_START + timedelta(hours=1), lambda: seen.append(1), "never")
    job.cancel()
    world.clock.advance(hours=2)
    assert not seen


@given(st.lists(st.integers(0, 10_000), max_size=30))
def test_jobs_run_sorted_whatever_the_order_they_came_in(minutes):
    """Time order holds for any schedule, and jobs of one moment keep their order."""
    world = World(seed="property")
    try:
        seen = []
        for number, minute in enumerate(minutes):
            when = DEFAULT_START + timedelta(minutes=minute)
            world.clock.at(when, lambda key=(minute, number): seen.append(key), "job")
        world.clock.advance(minutes=10_000)
        assert seen == sorted(seen)
        assert len(seen) == len(minutes)
    finally:
        world.close()


def test_the_clock_does_not_go_back(world):
    """A negative step is refused and time stays where it was."""
    with pytest.raises(LabError, match="only moves forward"):
        world.clock.advance(days=-1)
    assert world.clock.now() == DEFAULT_START


def test_a_live_clock_is_the_machines_and_is_not_advanced():
    """The machine's time passes by itself."""
    world = World(start=None)
    try:
        assert abs(world.clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
        with pytest.raises(LabError, match="live"):
            world.clock.advance(days=1)
    finally:
        world.close()


def test_a_frozen_world_leaves_the_rest_of_the_process_in_its_own_time(world):
    """Only the world stands still."""
    assert datetime.now(UTC) - world.clock.now() > timedelta(days=1)


@pytest.mark.parametrize("days", [10**12, float("nan")])
def test_a_step_out_of_range_is_refused(world, days):
    """And time stays where it was."""
    with pytest.raises(LabError, match="cannot advance"):
        world.clock.advance(days=days)
    assert world.clock.now() == DEFAULT_START


def test_the_work_of_a_closed_world_is_never_done(world):
    """It would be done to the next world, for moto's state is the process's."""
    seen = []
    world.clock.at(DEFAULT_START + timedelta(hours=1), lambda: seen.append(1), "late")
    world.close()
    with pytest.raises(LabClosedError):
        world.clock.advance(days=1)
    world.clock.run_due()
    assert not seen


def test_a_second_world_is_refused_and_allowed_after_the_first_is_closed(world):
    """moto's state is global to the process: two worlds would share it."""
    with pytest.raises(LabError, match="one at a time"):
        World(seed="second")
    world.close()
    World(seed="second").close()


def test_a_closed_world_takes_no_turns(world):
    """Nothing can be done in it."""
    world.close()
    with pytest.raises(LabClosedError), world.turn():
        pass


@pytest.mark.parametrize(
    "accounts", [{}, {"a": "12"}, {"a": "11112222333x"}, {"a": "1" * 12, "b": "1" * 12}]
)
def test_unusable_accounts_are_refused_and_leave_no_world_behind(accounts):
    """Twelve digits each, all different, at least one."""
    with pytest.raises(LabError):
        World(accounts=accounts)
    World().close()


def test_entropy_depends_on_seed_and_labels_alone(world):
    """Whatever was asked before, the same labels give the same bytes."""
    first = world.entropy("a", "b").bytes(16)
    world.entropy("something", "else").bytes(999)
    assert world.entropy("a", "b").bytes(16) == first
    assert world.entropy("ab").bytes(16) != first


def test_work_that_fails_hinders_neither_the_clock_nor_what_is_due_after_it(world, caplog):
    """It is the simulator's own mistake, and is logged."""
    done = []

    def fail():
        raise ValueError("a mistake")

    start = world.clock.now()
    world.clock.at(start + timedelta(hours=1), fail, "the failing job")
    world.clock.at(start + timedelta(hours=2), lambda: done.append(world.clock.now()), "next")
    world.clock.advance(hours=3)
    assert done == [start + timedelta(hours=2)]
    assert "due work failed: the failing job" in caplog.text


def test_errands_run_in_order_outside_of_turns_and_may_leave_others(world):
    """What an errand leaves comes after what was there."""
    done = []

    def first():
        done.append("first")
        world.errand(lambda: done.append("third"), "third")

    with world.turn():
        world.errand(first, "first")
        world.errand(lambda: done.append("second"), "second")
        assert not done
    world.run_errands()
    assert done == ["first", "second", "third"]


def test_an_errand_that_fails_is_logged_and_the_next_one_runs(world, caplog):
    """Nobody else is to blame for it."""
    done = []
    world.errand(lambda: 1 / 0, "a division")
    world.errand(lambda: done.append("next"), "next")
    world.run_errands()
    assert done == ["next"]
    assert "an errand failed: a division" in caplog.text


def test_an_errand_of_due_work_sees_the_moment_of_that_work(world):
    """Not the end of the advance."""
    start, seen = world.clock.now(), []
    for days in (1, 2):
        world.clock.at(
            start + timedelta(days=days),
            lambda: world.errand(lambda: seen.append(world.clock.now()), "look"),
            "due",
        )
    world.clock.advance(days=10)
    assert [each - start for each in seen] == [timedelta(days=1), timedelta(days=2)]
    assert world.clock.now() - start == timedelta(days=10)


def test_a_closed_worlds_errands_are_forgotten(world):
    """They would look for what is gone."""
    done = []
    world.errand(lambda: done.append("late"), "late")
    world.close()
    world.run_errands()
    assert not done
