"""Amazon EventBridge: event buses, rules and their targets."""

from __future__ import annotations

from typing import ClassVar

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.eventbridge.delivering import Deliveries
from pkilab.simulator.service import JsonService
from pkilab.simulator.world import World


class EventBridge(JsonService):
    """EventBridge of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        bus: where services put their events.
        deliveries: what brings events to targets.
    """

    name: ClassVar[str] = "events"

    def __init__(self, world: World, bus: Bus, deliveries: Deliveries) -> None:
        super().__init__(world)
        self._bus, self._deliveries = bus, deliveries

    def resource(self, arn: str) -> Resource | None:
        """Return the bus or rule of an ARN, for policies."""
        return None
