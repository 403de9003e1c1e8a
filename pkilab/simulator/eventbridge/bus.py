"""What services tell EventBridge: events in its own shape, kept in the order they came.

There are no rules and no targets yet: nobody is woken, and the default bus of an account and Region
only remembers.

Source: Amazon EventBridge Events Reference, AWS service event metadata.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from pkilab.simulator.world import World

Json = dict[str, Any]

KEPT = 10_000  # of the whole world; the oldest go first


class Bus:
    """The default event buses of every account and Region of a world."""

    def __init__(self, world: World) -> None:
        self._clock, self._ids = world.clock, world.entropy("eventbridge", "ids")
        self._kept: deque[Json] = deque(maxlen=KEPT)

    def put(
        self,
        source: str,
        detail_type: str,
        *,
        account: str,
        region: str,
        resources: Sequence[str],
        detail: Mapping[str, Any],
    ) -> None:
        """Keep an event of a service.

        Args:
            source: the service, such as ``aws.acm``.
            detail_type: what happened, in AWS's words.
            account: whose it is, 12 digits.
            region: where.
            resources: ARNs of what it is about.
            detail: JSON values; what they are is the service's business.
        """
        self._kept.append(
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

    def events(self, account: str, region: str) -> list[Json]:
        """Return copies of what an account's bus has kept, oldest first."""
        place = (account, region)
        return [
            copy.deepcopy(each) for each in self._kept if (each["account"], each["region"]) == place
        ]
