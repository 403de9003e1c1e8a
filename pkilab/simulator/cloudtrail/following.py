"""What becomes of an event while a trail logs: it waits for a log file, and goes on the bus.

Sources: CloudTrail User Guide, "Understanding multi-Region trails and opt-in Regions" and "Global
service events"; EventBridge User Guide, "AWS service events delivered via AWS CloudTrail" and
"Receiving read-only management events from AWS services".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from pkilab.simulator.cloudtrail.delivering import LogFiles
from pkilab.simulator.cloudtrail.digests import Digests
from pkilab.simulator.cloudtrail.events import event_of
from pkilab.simulator.cloudtrail.state import Logged, LoggingTrail
from pkilab.simulator.cloudtrail.trail import Record, Trail
from pkilab.simulator.eventbridge.bus import Bus

API_CALL = "AWS API Call via CloudTrail"
# EventBridge goes by the name of the call, not by the event's readOnly.
_READS = re.compile(r"(Describe|Get|List)[A-Z]")
# "events from the following AWS STS APIs are change events even though they begin with Get"
_CHANGES = frozenset({
    ("sts.amazonaws.com", "GetFederationToken"), ("sts.amazonaws.com", "GetSessionToken"),
})  # fmt: skip


class Follower:
    """Hears of every call that has ended, as long as some trail logs.

    Args:
        trail: what takes the calls down.
        trails: every trail of the world, live.
        log_files: where events wait for their file.
        digests: what must know of Regions in which something is logged.
        bus: where events go; None: nobody hears.
    """

    def __init__(
        self,
        trail: Trail,
        trails: Iterable[LoggingTrail],
        log_files: LogFiles,
        digests: Digests,
        bus: Bus | None,
    ) -> None:
        self._trail, self._trails = trail, trails
        self._log_files, self._digests, self._bus = log_files, digests, bus
        self._ending: LoggingTrail | None = None  # what the call that is about to end has stopped

    def started(self) -> None:
        """Take note that a trail logs, from the event of this very call on."""
        self._trail.follower = self._heard

    def stopped(self, trail: LoggingTrail) -> None:
        """Take note that a trail logs no more: the event of this very call is its last one."""
        self._ending = trail

    def _heard(self, record: Record, account: str) -> None:
        """Log an account's event of a call; where no trail logs any more, hear of no further."""
        logging = [trail for trail in self._trails if trail.logging]
        if self._ending is not None:
            ended, self._ending = self._ending, None
            if not logging:
                self._trail.follower = None
            logging.append(ended)
        region = record.region
        found = [
            trail
            for trail in logging
            if trail.account == account and trail.covers(record.kind, region)
        ]
        if not found:
            return
        event = event_of(self._trail, record, account)
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
        logged = Logged(record.call.now.replace(microsecond=0), text)
        for trail in found:
            self._digests.region_seen(trail, region)
            self._log_files.add(trail, region, logged)
        if self._bus is not None:
            self._bus.put(
                source_of(record.kind.source),
                API_CALL,
                account=account,
                region=region,
                resources=(),
                detail=event,
                read_only=is_read(record.kind.source, record.kind.name),
            )


def source_of(event_source: str) -> str:
    """Return the source of EventBridge's event: aws.kms of kms.amazonaws.com."""
    return f"aws.{event_source.removesuffix('.amazonaws.com')}"


def is_read(event_source: str, name: str) -> bool:
    """Say whether only rules that ask for all management events see an event."""
    return bool(_READS.match(name)) and (event_source, name) not in _CHANGES
