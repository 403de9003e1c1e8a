"""What every operation of Security Hub stands on: the hub of the caller, and its events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pkilab.simulator import pages
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.rest import RestJsonService
from pkilab.simulator.securityhub.problems import invalid, not_subscribed
from pkilab.simulator.securityhub.state import RETENTION, Hub, Json
from pkilab.simulator.service import Call
from pkilab.simulator.world import World

_PAGE = 100

IMPORTED = "Security Hub Findings - Imported"


class Base(RestJsonService):
    """The hubs of a world.

    Args:
        world: whose clock and entropy count.
        bus: where it puts its events.
    """

    name: ClassVar[str] = "securityhub"
    invalid: ClassVar[str] = "InvalidInputException"

    def __init__(self, world: World, bus: Bus) -> None:
        super().__init__(world)
        self._bus, self._hubs = bus, dict[tuple[str, str], Hub]()
        self._ids = world.entropy("securityhub", "ids")
        self._names = {number: alias for alias, number in world.accounts.items()}

    def _hub(self, call: Call) -> Hub:
        """Return the caller's hub, without what is too old.

        Raises:
            AwsError: InvalidAccessException, Security Hub is not enabled there.
        """
        found = self._kept(call)
        if found is None or found.disabled is not None:
            raise not_subscribed(call.account)
        return found

    def _kept(self, call: Call) -> Hub | None:
        """Return the caller's hub, enabled, or disabled for not too long."""
        place = (call.account, call.region)
        found = self._hubs.get(place)
        if found is None:
            return None
        if found.disabled is not None and call.now - found.disabled >= RETENTION:
            del self._hubs[place]
            return None
        found.findings.purge(call.now)
        return found

    def _announce(self, hub: Hub, finding: Json) -> None:
        """Tell EventBridge of a new or changed finding.

        Source: User Guide, "EventBridge event formats for Security Hub CSPM".
        """
        self._bus.put(
            "aws.securityhub",
            IMPORTED,
            account=hub.account,
            region=hub.region,
            resources=[f"{finding['ProductArn']}/{finding['Id']}"],
            detail={"findings": [finding]},
        )


def page(
    call: Call, what: str, items: Sequence[Any], size: int | None, token: str | None
) -> tuple[list[Any], str | None]:
    """Return a page of a list, 100 items unless asked otherwise, and the token of the next one.

    Raises:
        AwsError: InvalidInputException, the token is none of this list's.
    """
    scope = f"securityhub {call.account} {call.region} {what}"
    refusal = invalid("Invalid parameter: NextToken")
    return pages.page(items, size or _PAGE, token, scope=scope, refusal=refusal)
