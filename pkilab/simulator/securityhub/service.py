"""AWS Security Hub CSPM: findings in the AWS Security Finding Format."""

from __future__ import annotations

from typing import ClassVar

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.rest import RestJsonService
from pkilab.simulator.world import World


class SecurityHub(RestJsonService):
    """Security Hub of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        bus: where it puts its events.
    """

    name: ClassVar[str] = "securityhub"

    def __init__(self, world: World, bus: Bus) -> None:
        super().__init__(world)
        self._bus = bus

    def resource(self, arn: str) -> Resource | None:
        """Return the hub of an ARN, for policies."""
        return None
