"""Events that anyone sends: PutEvents.

Not simulated: global endpoints, trace headers, buses of other Regions.

Sources: EventBridge API Reference, PutEvents; User Guide, "Calculating PutEvents event entry
size"; AWS Compute Blog, January 2026 (1 MB, 256 KB before); errors of entries as recorded in
localstack/localstack (tests/aws/services/events/test_events.snapshot.json).
"""

from __future__ import annotations

from collections.abc import Sequence

from pkilab.simulator.eventbridge.base import Base, bus_arn, invalid
from pkilab.simulator.eventbridge.rules import read_object
from pkilab.simulator.eventbridge.state import DEFAULT, Event, Json
from pkilab.simulator.service import Call, not_simulated

SIZE = 1_048_576  # octets of all entries of a request
_TIME = 14  # octets of a time, as EventBridge counts
_REQUIRED = ("Source", "DetailType", "Detail")


class Entries(Base):
    """PutEvents."""

    def put_events(
        self, call: Call, *, entries: Sequence[Json], endpoint_id: str | None = None
    ) -> Json:
        """Put events on buses. Each entry fails by itself; a bus that is not there loses them."""
        if endpoint_id is not None:
            raise not_simulated("a global endpoint")
        for entry in entries:
            self._refuse_elsewhere(call, entry)
        if sum(map(entry_size, entries)) > SIZE:
            raise invalid("Total size of the entries in the request is over the limit.")
        answers = [self._put(call, entry) for entry in entries]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    def _refuse_elsewhere(self, call: Call, entry: Json) -> None:
        if entry.get("TraceHeader") is not None:
            raise not_simulated("a trace header of an event")
        arn = bus_arn(call, entry.get("EventBusName", DEFAULT))
        if arn.split(":")[3] != call.region:
            raise not_simulated(f"PutEvents in {call.region} on a bus of another Region")

    def _put(self, call: Call, entry: Json) -> Json:
        for name in _REQUIRED:
            if not entry.get(name):
                reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
                return _failure("InvalidArgument", reason)
        if entry["Source"].startswith("aws."):
            return _failure("NotAuthorizedForSourceException", "Not authorized for the source.")
        detail = read_object(entry["Detail"])
        if detail is None:
            return _failure("MalformedDetail", "Detail is malformed.")
        when = entry.get("Time", call.now)
        event = Event(
            {
                "version": "0",
                "id": self._ids.uuid(),
                "detail-type": entry["DetailType"],
                "source": entry["Source"],
                "account": call.account,
                "time": f"{when:%Y-%m-%dT%H:%M:%SZ}",
                "region": call.region,
                "resources": list(entry.get("Resources", ())),
                "detail": detail,
            }
        )
        event.ingested = call.now
        self.arrive(bus_arn(call, entry.get("EventBusName", DEFAULT)), event)
        return {"EventId": event["id"]}

    def arrive(self, bus_arn: str, event: Event) -> None:
        """Match an event that has come onto a bus."""
        raise NotImplementedError


def entry_size(entry: Json) -> int:
    """Return how many octets an entry counts."""
    texts = (entry.get("Source"), entry.get("DetailType"), entry.get("Detail"))
    every = (*texts, *entry.get("Resources", ()))
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in every if text)
    return size + (_TIME if entry.get("Time") is not None else 0)


def _failure(code: str, message: str) -> Json:
    return {"ErrorCode": code, "ErrorMessage": message}
