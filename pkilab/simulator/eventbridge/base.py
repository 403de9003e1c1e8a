"""What all operations of EventBridge stand on: buses and rules, and how they are named.

Source: Amazon EventBridge API Reference; sentences of errors as recorded in
localstack/localstack (tests/aws/services/events/*.snapshot.json).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.eventbridge.delivering import Deliveries
from pkilab.simulator.eventbridge.matching import RuleSet
from pkilab.simulator.eventbridge.state import DEFAULT, EventBus, Json, Rule, arn_of_bus
from pkilab.simulator.pages import page
from pkilab.simulator.service import AwsError, Call, JsonService, not_simulated
from pkilab.simulator.world import World

PAGE = 100
TAGS = 50  # per resource
_BUS_PARTS, _RULE_PARTS = 2, (2, 3)  # of the last part of their ARNs


class Base(JsonService):
    """The event buses of a world and their rules."""

    name: ClassVar[str] = "events"

    def __init__(self, world: World, bus: Bus, deliveries: Deliveries) -> None:
        super().__init__(world)
        self._bus, self._deliveries = bus, deliveries
        self._buses: dict[str, EventBus] = {}  # by ARN; a default bus, once it has something to say
        self._rules: dict[str, dict[str, Rule]] = {}  # by their bus's ARN, then by name
        self._applied: dict[str, dict[str, Rule]] = {}  # likewise: those that events meet already
        self._matching: dict[str, tuple[RuleSet, list[Rule]]] = {}  # enabled rules, by bus's ARN
        self._ids = world.entropy("eventbridge", "entries")

    # Buses.

    def bus_at(self, arn: str) -> EventBus | None:
        """Return the bus of an ARN. The default buses were always there."""
        if (found := self._buses.get(arn)) is not None:
            return found
        parts = arn.split(":", 5)
        if len(parts) > 5 and parts[2] == "events" and parts[5] == f"event-bus/{DEFAULT}":  # noqa: PLR2004 - an ARN
            return EventBus(DEFAULT, arn, parts[4], parts[3])
        return None

    def own_bus(self, call: Call, named: str | None) -> EventBus:
        """Return the caller's bus of a name or an ARN.

        Raises:
            AwsError: ResourceNotFoundException; NotImplemented, of another account or Region.
        """
        arn = bus_arn(call, named or DEFAULT)
        account, region = arn.split(":")[4], arn.split(":")[3]
        if (account, region) != (call.account, call.region):
            raise not_simulated("rules and permissions on a bus of another account or Region")
        if (found := self.bus_at(arn)) is None:
            raise no_bus(arn.rpartition("event-bus/")[2])
        return found

    def keep_bus(self, bus: EventBus) -> None:
        """Keep a new or changed bus."""
        self._buses[bus.arn] = bus

    # Rules.

    def rules_of(self, bus: EventBus) -> Mapping[str, Rule]:
        """Return a bus's rules by name."""
        return self._rules.get(bus.arn, {})

    def own_rule(self, call: Call, bus_name: str | None, name: str) -> tuple[EventBus, Rule]:
        """Return a rule of the caller's, with its bus.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        bus = self.own_bus(call, bus_name)
        if (found := self.rules_of(bus).get(name)) is None:
            raise no_rule(name, bus.name)
        return bus, found

    def keep_rule(self, bus: EventBus, rule: Rule) -> None:
        """Keep a new or changed rule."""
        self._rules.setdefault(bus.arn, {})[rule.name] = rule
        self._apply_later(bus.arn, rule.name, rule)

    def drop_rule(self, bus: EventBus, name: str) -> None:
        """Forget a rule, if there is one."""
        if self._rules.get(bus.arn, {}).pop(name, None) is not None:
            self._apply_later(bus.arn, name, None)

    def _apply_later(self, bus_arn: str, name: str, rule: Rule | None) -> None:
        """Have events meet a rule, or none of this name, once the world's latency has passed.

        Source: EventBridge API Reference, PutRule and DeleteRule ("Allow a short period of time for
        changes to take effect").
        """

        def apply() -> None:
            applied = self._applied.setdefault(bus_arn, {})
            if rule is None:
                applied.pop(name, None)
            else:
                applied[name] = rule
            self._matching.pop(bus_arn, None)

        if not self.world.latency:
            apply()
            return
        when = self.world.clock.now() + self.world.latency
        self.world.clock.at(when, apply, f"eventbridge: the rule {name} takes effect")

    def rule_at(self, arn: str) -> Rule | None:
        """Return the rule of an ARN."""
        head, _, last = arn.rpartition(":")
        names = last.split("/")
        if len(names) not in _RULE_PARTS or names[0] != "rule":
            return None
        bus = names[1] if len(names) > _BUS_PARTS else DEFAULT
        return self._rules.get(f"{head}:event-bus/{bus}", {}).get(names[-1])

    def tagged(self, call: Call, arn: str) -> EventBus | Rule:
        """Return the bus or rule of an ARN, of the caller's account and Region.

        Raises:
            AwsError: ResourceNotFoundException; ValidationException, the ARN is of neither.
        """
        if not arn.startswith(f"arn:aws:events:{call.region}:{call.account}:"):
            raise invalid(f"Parameter {arn} is not valid. Reason: Provided Arn is not valid.")
        kind, _, rest = arn.rpartition(":")[2].partition("/")
        if kind == "event-bus":
            if (bus := self.bus_at(arn)) is None:
                raise no_bus(rest)
            return bus
        if kind == "rule":
            if (rule := self.rule_at(arn)) is None:
                bus_name, _, name = rest.rpartition("/")
                raise no_rule(name, bus_name or DEFAULT)
            return rule
        raise not_simulated(f"tags of {arn}")

    def keep_tags(self, found: EventBus | Rule, tags: Mapping[str, str]) -> None:
        """Give a bus or a rule other tags."""
        if isinstance(found, EventBus):
            self.keep_bus(replace(found, tags=tags))
        else:
            bus = self.bus_at(arn_of_bus(found.account, found.region, found.bus_name))
            assert bus is not None  # noqa: S101 - a bus with rules is not deleted
            self.keep_rule(bus, replace(found, tags=tags))


def bus_arn(call: Call, named: str) -> str:
    """Return the ARN of a bus that is named by its name or its ARN."""
    return named if named.startswith("arn:") else arn_of_bus(call.account, call.region, named)


def listing(
    name: str, found: Sequence[Json | str], limit: int | None, token: str | None, scope: str
) -> Json:
    """Return one page of a list, as EventBridge answers it."""
    shown, following = page(
        found, limit or PAGE, token, scope=f"{name} {scope}", refusal="ValidationException"
    )
    return {name: shown, "NextToken": following}


def with_tags(current: Mapping[str, str], tags: Sequence[Json]) -> dict[str, str]:
    """Return tags with others set.

    Raises:
        AwsError: ValidationException, a reserved key, or more than 50.
    """
    for tag in tags:
        if tag["Key"].lower().startswith("aws:"):
            raise invalid(f"Tag key {tag['Key']} is not valid: the prefix aws: is reserved.")
    found = {**current, **{tag["Key"]: tag["Value"] for tag in tags}}
    if len(found) > TAGS:
        raise invalid(f"A resource has at most {TAGS} tags.")
    return found


def invalid(message: str) -> AwsError:
    """Return the error for what cannot be meant."""
    return AwsError("ValidationException", message)


def too_many() -> AwsError:
    """Return the error for what exceeds a quota."""
    message = "The requested resource exceeds the maximum number allowed."
    return AwsError("LimitExceededException", message)


def no_bus(name: str) -> AwsError:
    """Return the error for a bus that is not there."""
    return AwsError("ResourceNotFoundException", f"Event bus {name} does not exist.")


def no_rule(name: str, bus: str) -> AwsError:
    """Return the error for a rule that is not there."""
    message = f"Rule {name} does not exist on EventBus {bus}."
    return AwsError("ResourceNotFoundException", message)
