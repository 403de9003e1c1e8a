"""What services tell EventBridge."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from pkilab.simulator.eventbridge.bus import KEPT, Bus
from pkilab.simulator.world import World

ACCOUNT, REGION = "111122223333", "us-east-1"


@pytest.fixture
def world():
    with closing(World(seed="events", start=datetime(2026, 1, 5, 9, tzinfo=UTC))) as world:
        yield world


def put(bus, number=0, account=ACCOUNT, region=REGION):
    bus.put(
        "aws.acm", "ACM Certificate Available", account=account, region=region,
        resources=[f"arn:{number}"], detail={"Action": "IMPORT"},
    )  # fmt: skip


def test_an_event_has_eventbridges_shape(world):
    """Each member, and a UUID of its own."""
    bus = Bus(world)
    put(bus)
    world.clock.advance(seconds=1)
    put(bus, 1)
    first, second = bus.events(ACCOUNT, REGION)
    number = first.pop("id")
    assert first == {
        "version": "0", "detail-type": "ACM Certificate Available", "source": "aws.acm",
        "account": ACCOUNT, "time": "2026-01-05T09:00:00Z", "region": REGION,
        "resources": ["arn:0"], "detail": {"Action": "IMPORT"},
    }  # fmt: skip
    assert second["time"] == "2026-01-05T09:00:01Z"
    assert (len(number), number[14]) == (36, "4")
    assert second["id"] != number


def test_each_account_and_region_has_its_own_bus(world):
    bus = Bus(world)
    put(bus)
    assert bus.events("444455556666", REGION) == bus.events(ACCOUNT, "eu-west-1") == []
    put(bus, region="eu-west-1")
    assert len(bus.events(ACCOUNT, REGION)) == len(bus.events(ACCOUNT, "eu-west-1")) == 1


def test_what_is_kept_is_not_what_is_handed_out(world):
    """A reader changes copies."""
    bus = Bus(world)
    put(bus)
    bus.events(ACCOUNT, REGION)[0]["detail"]["Action"] = "none"
    assert bus.events(ACCOUNT, REGION)[0]["detail"] == {"Action": "IMPORT"}


def test_the_oldest_events_go_first(world):
    """A bus remembers so many."""
    bus = Bus(world)
    for number in range(KEPT + 2):
        put(bus, number)
    kept = bus.events(ACCOUNT, REGION)
    assert (len(kept), kept[0]["resources"], kept[-1]["resources"]) == (
        KEPT, ["arn:2"], [f"arn:{KEPT + 1}"],
    )  # fmt: skip


def test_equal_worlds_have_equal_events(world):
    """To the id."""
    one, two = Bus(world), Bus(world)
    put(one)
    put(two)
    assert one.events(ACCOUNT, REGION) == two.events(ACCOUNT, REGION)
