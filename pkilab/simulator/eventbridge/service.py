"""Amazon EventBridge: event buses, rules and their targets.

Not simulated: archives and replays, connections and API destinations, global endpoints, partner
event sources, pipes, schemas, managed rules. A rule on a bus of another account is refused.

Source: Amazon EventBridge API Reference. The operations are in the files beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.eventbridge.base import no_bus
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.eventbridge.buses import Buses
from pkilab.simulator.eventbridge.delivering import Deliveries
from pkilab.simulator.eventbridge.entries import Entries
from pkilab.simulator.eventbridge.matching import RuleSet
from pkilab.simulator.eventbridge.rules import Rules
from pkilab.simulator.eventbridge.schedules import Schedule
from pkilab.simulator.eventbridge.state import (
    DISABLED,
    ENABLED_WITH_READS,
    Event,
    EventBus,
    Json,
    Rule,
)
from pkilab.simulator.eventbridge.targeting import Targeting
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import Job, World


class EventBridge(Buses, Rules, Targeting, Entries):
    """EventBridge of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        bus: where services put their events.
        deliveries: what brings events to targets.
    """

    def __init__(self, world: World, bus: Bus, deliveries: Deliveries) -> None:
        super().__init__(world, bus, deliveries)
        self._due: dict[str, Job] = {}  # schedules, by their rule's ARN
        bus.on_event = self.arrive
        deliveries.targets.buses.receive = self.receive

    def resource(self, arn: str) -> Resource | None:
        """Return the bus or rule of an ARN, for policies."""
        found = self.bus_at(arn) or self.rule_at(arn)
        if found is None:
            return None
        policy = found.policy if isinstance(found, EventBus) else None
        context = {} if isinstance(found, EventBus) else {"events:creatoraccount": found.account}
        return Resource(arn, found.account, found.tags, policy, context)

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's buses and rules of a Region with their tags."""
        buses: Iterable[EventBus | Rule] = self._buses.values()
        rules = (rule for found in self._rules.values() for rule in found.values())
        for each in (*buses, *rules):
            if (each.account, each.region) == (account, region):
                yield each.arn, each.tags

    def receive(self, bus_arn: str, event: Json) -> None:
        """Take an event that another bus passes on; in a turn. It stays as it is.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        if self.bus_at(bus_arn) is None:
            raise no_bus(bus_arn.rpartition("event-bus/")[2])
        self.arrive(bus_arn, event if isinstance(event, Event) else Event(event))

    def arrive(self, bus_arn: str, event: Event) -> None:
        """Match an event with a bus's rules, and send it to the targets of each, in their order."""
        if not self._applied.get(bus_arn):
            return
        patterns, rules = self._matching.get(bus_arn) or self._compile(bus_arn)
        for number in patterns.matches(event):
            rule = rules[number]
            if not event.read_only or rule.state == ENABLED_WITH_READS:
                self._send(rule, event)

    def _compile(self, bus_arn: str) -> tuple[RuleSet, list[Rule]]:
        rules = [
            rule
            for rule in self._applied[bus_arn].values()
            if rule.pattern is not None and rule.state != DISABLED
        ]
        made = RuleSet(rule.pattern for rule in rules if rule.pattern), rules
        self._matching[bus_arn] = made
        return made

    def _send(self, rule: Rule, event: Event) -> None:
        for target in rule.targets.values():
            self._deliveries.send(rule, target, event)

    # Schedules.

    def start_schedule(self, bus: EventBus, rule: Rule, schedule: Schedule | None) -> None:
        """Let a rule's schedule begin anew; one that it had ends."""
        if (before := self._due.pop(rule.arn, None)) is not None:
            before.cancel()
        when = schedule.following(self.world.clock.now()) if schedule else None
        if schedule is None or when is None:
            return

        def fall_due() -> None:
            found = self.rules_of(bus).get(rule.name)
            if found is None or found.schedule != rule.schedule:
                return
            if found.state != DISABLED:
                self._send(found, self._scheduled(found))
            self.start_schedule(bus, found, schedule)

        label = f"events: the schedule of {rule.arn}"
        self._due[rule.arn] = self.world.clock.at(when, fall_due, label)

    def _scheduled(self, rule: Rule) -> Event:
        now = self.world.clock.now()
        event = Event(
            {
                "version": "0",
                "id": self._ids.uuid(),
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": rule.account,
                "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
                "region": rule.region,
                "resources": [rule.arn],
                "detail": {},
            }
        )
        event.ingested = now
        return event
