"""Who logs in a world, when, and what of it lasts."""

import time
from contextlib import closing
from datetime import timedelta

import pytest

from pkilab.ct.log_list import LogState
from pkilab.ct.policy import APPLE, CHROME, judge, lifetime_of
from pkilab.ct.precertificates import entry_for_precertificate
from pkilab.ct.signing import verify_sct, verify_tree_head
from pkilab.ct.structures import decode_leaf_index
from pkilab.errors import CtError, LabError
from pkilab.simulator.ctlogs.listing import log_list
from pkilab.simulator.ctlogs.logs import CtLogs
from pkilab.simulator.world import World


def test_there_are_logs_of_two_operators_whose_names_say_that_they_are_simulated(logs):
    """Three that speak RFC 6962, and a static one."""
    assert len({each.operator for each in logs.logs}) == 2
    assert all("Simulated" in each.operator for each in logs.logs)
    assert [each.kind.tiled for each in logs.logs] == [False, False, False, True]
    assert len({each.log.id for each in logs.logs}) == 4
    assert {each.host for each in logs.logs} == {
        f"{name}.ct.pkilab.test" for name in ("north-1", "north-2", "south-1", "south-2")
    }


def test_keys_are_the_seeds(world, logs):
    """Equal seeds have equal logs, others have others."""
    ids = [each.log.id for each in logs.logs]
    assert [each.log.id for each in CtLogs(world).logs] == ids
    world.close()
    with closing(World(seed="another")) as other:
        assert not set(ids) & {each.log.id for each in CtLogs(other).logs}


@pytest.mark.parametrize(("days", "count"), [(90, 2), (180, 2), (181, 3), (198, 3), (365, 3)])
def test_a_ca_gets_what_browsers_want_for_the_lifetime(world, logs, ca, days, count):
    """By both policies, with every SCT verified; one fewer would not do."""
    now = world.clock.now()
    precertificate = ca.precertificate("shop.example", days=days)
    scts = logs.submit((precertificate, ca.root))
    entry = entry_for_precertificate(precertificate, ca.root)
    assert len(scts) == count
    by_id = {each.log.id: each for each in logs.logs}
    for sct in scts:
        verify_sct(sct, sct.entry(entry), by_id[sct.log_id].log.public_key, at=now)
    known = log_list(logs, now)
    assert {each.state.name for each in known.logs()} == {LogState.USABLE}
    lifetime = lifetime_of(precertificate)
    for rules in (CHROME, APPLE):
        assert judge(rules, scts, lifetime, known, at=now).compliant
        assert not judge(rules, scts[1:], lifetime, known, at=now).compliant


def test_entries_wait_a_minute_and_are_merged_by_the_clock(world, logs, ca):
    """In every log that promised, and in no other."""
    logs.submit((ca.precertificate("shop.example"), ca.root))
    waiting = [each.name for each in logs.logs if each.log.waiting]
    assert waiting == ["north-1", "south-1"]
    world.clock.advance(seconds=59)
    before = [each.log.head(world.clock.now()).head.size for each in logs.logs]
    assert before == [0, 0, 0, 0]
    now = world.clock.advance(seconds=1)
    assert [each.log.size for each in logs.logs] == [1, 1, 0, 0]
    assert logs.logs[0].log.head(now).head.moment == now


def test_a_minute_of_many_entries_is_one_merge(world, logs, ca):
    """One job is pending at a time."""
    one = logs.logs[0]
    for number in range(5):
        logs.add(one, (ca.leaf(f"host-{number}.example"), ca.root), precertificate=False)
        world.clock.advance(seconds=10)
    assert one.log.waiting == 5
    world.clock.advance(seconds=10)
    assert (one.log.size, one.log.waiting) == (5, 0)
    logs.add(one, (ca.leaf("later.example"), ca.root), precertificate=False)
    world.clock.advance(minutes=1)
    assert one.log.size == 6


def test_the_static_log_merges_within_a_second_and_says_where(world, logs, ca):
    """As the static API's logs do."""
    static = logs.find("south-2")
    scts = [
        logs.add(static, (ca.leaf(f"host-{number}.example"), ca.root), precertificate=False)
        for number in range(3)
    ]
    assert [decode_leaf_index(each.extensions) for each in scts] == [0, 1, 2]
    world.clock.advance(seconds=1)
    assert static.log.size == 3


def test_a_year_in_which_nothing_is_logged_costs_nothing(world, logs, ca):
    """And heads are as new as whoever asks may want them."""
    logs.submit((ca.precertificate("shop.example"), ca.root))
    start = time.perf_counter()
    now = world.clock.advance(days=365)
    assert time.perf_counter() - start < 1
    assert not world.clock._jobs
    for each in logs.logs:
        head = each.log.head(now)
        verify_tree_head(head, each.log.public_key)
        assert now - head.head.moment < each.kind.mmd


def test_only_roots_that_were_accepted_are(world, logs, ca, rogue):
    """A rogue CA's certificates are logged once its root is."""
    chain = (rogue.precertificate("shop.example"), rogue.root)
    with pytest.raises(CtError, match="expected one up to a root that this log accepts"):
        logs.submit(chain)
    assert not any(each.log.waiting for each in logs.logs)
    logs.accept(rogue.root)
    assert len(logs.submit(chain)) == 2
    with pytest.raises(CtError):
        logs.accept(ca.leaf("leaf.example"))


def test_what_is_accepted_later_is_asked_for_once_and_when_it_is_needed(world, ca):
    """So that a world that logs nothing makes no CA."""
    asked, logs = [], CtLogs(world)
    logs.accept_from(lambda: asked.append(1) or [ca.root])
    assert not asked
    for name in ("a.example", "b.example"):
        logs.submit((ca.precertificate(name), ca.root))
    assert asked == [1]


def test_logs_in_a_folder_go_on_in_the_next_process(world, ca, tmp_path):
    """The tree, the SCTs, and what waited is merged."""
    logs = CtLogs(world, tmp_path)
    logs.accept(ca.root)
    first = logs.submit((ca.precertificate("first.example"), ca.root))
    now = world.clock.advance(minutes=1)
    head = logs.logs[0].log.head(now)
    second = logs.submit((ca.precertificate("second.example"), ca.root))
    with pytest.raises(LabError, match="open in another process"):
        CtLogs(world, tmp_path)
    logs.close()
    world.close()
    with (
        closing(World(seed="ct logs", start=now)) as later,
        closing(CtLogs(later, tmp_path)) as again,
    ):
        assert again.logs[0].log.head(now) == head
        assert again.logs[0].log.waiting == 1
        again.accept(ca.root)  # in a turn of the world, in which due work is done
        assert (again.logs[0].log.size, again.logs[0].log.waiting) == (2, 0)
        assert again.submit((ca.precertificate("first.example"), ca.root)) == first
        assert again.submit((ca.precertificate("second.example"), ca.root)) == second


def test_a_folder_of_another_world_is_refused(world, ca, tmp_path):
    """Its keys are others; and it is free for its own world afterwards."""
    logs = CtLogs(world, tmp_path)
    logs.accept(ca.root)
    logs.submit((ca.precertificate("shop.example"), ca.root))
    now = world.clock.advance(minutes=1)
    logs.close()
    world.close()
    with closing(World(seed="another")) as other, pytest.raises(LabError, match="not this world's"):
        CtLogs(other, tmp_path)
    with closing(World(seed="ct logs", start=now)) as own, closing(CtLogs(own, tmp_path)) as again:
        assert again.logs[0].log.size == 1


def test_a_merge_that_cannot_be_written_is_tried_again(world, ca, tmp_path, monkeypatch):
    """The promise stands."""
    with closing(CtLogs(world, tmp_path)) as logs:
        logs.accept(ca.root)
        one = logs.logs[0]
        logs.add(one, (ca.leaf("shop.example"), ca.root), precertificate=False)

        def full(_sth):
            raise LabError("full")

        monkeypatch.setattr(one.log._storage, "record", full)
        world.clock.advance(minutes=1)
        assert one.log.waiting == 1
        monkeypatch.undo()
        world.clock.advance(minutes=15)
        assert (one.log.size, one.log.waiting) == (1, 0)


def test_time_is_the_worlds(world, logs, ca):
    """Of SCTs as of heads."""
    world.clock.advance(days=3)
    (first, *_) = logs.submit((ca.precertificate("shop.example"), ca.root))
    assert first.moment == world.clock.now()
    assert logs.began == world.clock.now() - timedelta(days=3)
