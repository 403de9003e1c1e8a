"""What services tell EventBridge: events in its own shape, kept in the order they came.

EventBridge hears of each at once, and matches it with the rules of the default bus of its account
and Region.

Source: Amazon EventBridge Events Reference, AWS service event metadata.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pkilab.simulator.eventbridge.state import DEFAULT, Event, Json, arn_of_bus
from pkilab.simulator.world import World

KEPT = 10_000  # of the whole world; the oldest go first


class Bus:
    """The default event buses of every account and Region of a world."""

    def __init__(self, world: World) -> None:
        self._clock, self._ids = world.clock, world.entropy("eventbridge", "ids")
        self._kept: deque[Event] = deque(maxlen=KEPT)
        # Told of each event: the ARN of its bus, and itself. Set by whoever has the rules.
        self.on_event: Callable[[str, Event], None] = lambda _bus_arn, _event: None

    def put(
        self,
        source: str,
        detail_type: str,
        *,
        account: str,
        region: str,
        resources: Sequence[str],
        detail: Mapping[str, Any],
        read_only: bool = False,
    ) -> None:
        """Take an event of a service; in a turn.

        Args:
            source: the service, such as ``aws.acm``.
            detail_type: what happened, in AWS's words.
            account: whose it is, 12 digits.
            region: where.
            resources: ARNs of what it is about.
            detail: JSON values; what they are is the service's business.
            read_only: whether it is a management event that CloudTrail delivers and that reads:
                only rules in the state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS see it.
        """
        event = Event(
            {
                "version": "0",
                "id": self._ids.uuid(),
                "detail-type": detail_type,
                "source": source,
                "account": account,
                "time": f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ}",
                "region": region,
                "resources": list(resources),
                "detail": dict(detail),
            }
        )
        event.ingested, event.read_only = self._clock.now(), read_only
        self._kept.append(event)
        self.on_event(arn_of_bus(account, region, DEFAULT), event)

    def events(self, account: str, region: str) -> list[Json]:
        """Return copies of what an account's bus has kept, oldest first."""
        place = (account, region)
        return [
            copy.deepcopy(each) for each in self._kept if (each["account"], each["region"]) == place
        ]
