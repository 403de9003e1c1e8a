"""AWS CloudTrail: LookupEvents, the event history; trails are in `trails`.

Not simulated: event data stores, Lake, Insights; data events and service events; the some five
minutes that AWS takes to show an event.

Source: CloudTrail API Reference, LookupEvents; User Guide, "Working with CloudTrail event history".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pkilab.simulator.cloudtrail.events import event_text
from pkilab.simulator.cloudtrail.identities import user_name
from pkilab.simulator.cloudtrail.resources import named_resources
from pkilab.simulator.cloudtrail.trail import Record, Trail
from pkilab.simulator.cloudtrail.trails import TrailOperations
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.service import AwsError, Call, not_simulated
from pkilab.simulator.world import World

Json = dict[str, Any]
PAGE = 50
HISTORY = timedelta(days=90)


class CloudTrail(TrailOperations):
    """The event history and the trails of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        trail: what was taken down.
        bus: where events go while a trail logs; None: nobody hears.
    """

    name: ClassVar[str] = "cloudtrail"

    def __init__(self, world: World, trail: Trail, bus: Bus | None = None) -> None:
        super().__init__(world, trail, bus)
        self._trail = trail

    def lookup_events(
        self,
        call: Call,
        *,
        lookup_attributes: Sequence[Json] = (),
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        event_category: str | None = None,
        max_results: int = PAGE,
        next_token: str | None = None,
    ) -> Json:
        """List the management events of the last 90 days, the newest first.

        An event is there once the world's latency has passed; on AWS, within 15 minutes or so.
        """
        if event_category is not None:
            raise not_simulated(f"the event category {event_category}")
        if start_time and end_time and start_time > end_time:
            raise AwsError(
                "InvalidTimeRangeException",
                "Invalid time range: the start time is later than the end time.",
            )
        attribute = _only(lookup_attributes)
        earliest = call.now - HISTORY
        scope = f"{call.account} {call.region} {attribute} {start_time} {end_time}"
        before = _position(next_token, scope) if next_token is not None else None
        found = [
            record
            for record in self._trail.newest_first(call.account, call.region)
            if (before is None or record.number < before)
            and _is_between(record, earliest, call.now - self.world.latency)
            and _is_between(record, start_time, end_time)
            and (attribute is None or self._has(record, call.account, *attribute))
        ]
        shown = found[:max_results]
        events = [self._described(record, call.account) for record in shown]
        token = _token(shown[-1].number, scope) if len(found) > len(shown) else None
        return {"Events": events, "NextToken": token}

    def _has(self, record: Record, account: str, key: str, value: str) -> bool:
        """Say whether a record has an attribute."""
        call = record.call
        if key == "EventId":
            return self._trail.event_id(record, account) == value
        if key in ("ResourceType", "ResourceName"):
            part = ("ResourceType", "ResourceName").index(key)
            return any(named[part] == value for named in named_resources(record))
        if key in ("Username", "AccessKeyId") and account != call.account:
            return False  # not told to other accounts
        return (
            value
            == {
                "EventName": record.kind.name,
                "EventSource": record.kind.source,
                "ReadOnly": _word(record),
                "Username": user_name(call),
                "AccessKeyId": call.access_key_id,
            }[key]
        )

    def _described(self, record: Record, account: str) -> Json:
        own = record.call.account == account
        return {
            "EventId": self._trail.event_id(record, account),
            "EventName": record.kind.name,
            "ReadOnly": _word(record),
            "AccessKeyId": (record.call.access_key_id or None) if own else None,
            "EventTime": record.call.now.replace(microsecond=0),
            "EventSource": record.kind.source,
            "Username": (user_name(record.call) or None) if own else None,
            "Resources": [
                {"ResourceType": kind, "ResourceName": name}
                for kind, name in named_resources(record)
            ],
            "CloudTrailEvent": event_text(self._trail, record, account),
        }


def _only(attributes: Sequence[Json]) -> tuple[str, str] | None:
    """Return the one attribute to look for."""
    if not attributes:
        return None
    if len(attributes) > 1:
        raise AwsError(
            "InvalidLookupAttributesException",
            "Invalid lookup attributes: the list can contain only one item.",
        )
    key, value = attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]
    if key == "ReadOnly" and value not in ("true", "false"):
        raise AwsError(
            "InvalidLookupAttributesException",
            f"Invalid lookup attributes: ReadOnly is true or false; found {value}.",
        )
    return key, value


def _is_between(record: Record, start: datetime | None, end: datetime | None) -> bool:
    when = record.call.now.replace(microsecond=0)
    return (start is None or start.replace(microsecond=0) <= when) and (end is None or when <= end)


def _word(record: Record) -> str:
    return "true" if record.kind.read_only else "false"


def _token(number: int, scope: str) -> str:
    """Make the token of the page that goes on below a record, however many come on top of it."""
    head = number.to_bytes(8)
    seal = hashlib.sha256(head + scope.encode()).digest()[:20]
    return base64.b64encode(head + seal).decode()


def _position(token: str, scope: str) -> int:
    try:
        number = int.from_bytes(base64.b64decode(token, validate=True)[:8])
    except ValueError:
        number = 0
    if token != _token(number, scope):
        raise AwsError("InvalidNextTokenException", "Invalid token.")
    return number
