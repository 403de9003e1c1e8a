"""Another event bus as a target: of the same account and Region or of others.

An event keeps its id, its account and its Region. What a bus has from another bus goes no further.
To a bus of another account or Region a role is needed, and to another account's the bus's policy,
whether or not the world enforces policies; a role's own policies count where it does.

Sources: EventBridge User Guide, "Sending and receiving events between AWS accounts", "... between
AWS Regions" and "... between event buses in the same account and Region" (no third bus); the error
codes of its page on dead-letter queues, and the sentence as seen in one.
"""

from __future__ import annotations

from collections.abc import Callable

from pkilab.simulator.access.gate import Gate
from pkilab.simulator.eventbridge.state import Json, Rule, Target
from pkilab.simulator.eventbridge.targets_roles import take_role
from pkilab.simulator.identity import Identities
from pkilab.simulator.service import AwsError, Call, not_simulated
from pkilab.simulator.world import World


def _unconnected(bus_arn: str, _event: Json) -> None:
    raise not_simulated(f"the event bus {bus_arn}, which nobody has connected,")


class BusTargets:
    """Event buses as targets.

    ``receive`` is set by whoever has the buses: it puts an event on the bus of an ARN, in a turn,
    and raises AwsError if there is none.

    Args:
        world: whose clock and gate count.
        identities: the roles that targets name.
    """

    def __init__(self, world: World, identities: Identities) -> None:
        self._world, self._identities = world, identities
        self.receive: Callable[[str, Json], None] = _unconnected
        self.forwarding = False  # whether a bus is receiving from another just now

    def send(self, rule: Rule, target: Target, event: Json) -> None:
        """Put an event on the target's bus.

        Raises:
            AwsError: the role cannot be taken or may not put events; there is no such bus.
            LabClosedError: the world was closed.
        """
        with self._world.turn():
            self._require(rule, target, event)
            self.forwarding = True
            try:
                self.receive(target.arn, event)
            finally:
                self.forwarding = False

    def refuse_third(self, rule: Rule, target: Target) -> None:
        """Refuse to pass on what came from another bus.

        Raises:
            AwsError: THIRD_ACCOUNT_HOP_DETECTED or THIRD_REGION_HOP_DETECTED.
        """
        if target.arn.split(":")[3] != rule.region:
            raise AwsError("THIRD_REGION_HOP_DETECTED", "Unknown exception.")
        message = "Events received from another event bus cannot be forwarded to this event bus."
        raise AwsError("THIRD_ACCOUNT_HOP_DETECTED", message)

    def _require(self, rule: Rule, target: Target, event: Json) -> None:
        _, _, _, region, account, _ = target.arn.split(":", 5)
        if not target.role_arn:
            if (account, region) == (rule.account, rule.region):
                return
            raise AwsError("NO_PERMISSIONS", f"RoleArn is required for target {target.arn}.", 403)
        identity = take_role(self._identities, rule, target)
        principal = identity.principal
        call = Call(
            principal.account,
            region,
            self._world.clock.now(),
            principal.arn,
            identity.access_key_id,
            identity=identity,
        )
        entry = {
            "EventBusName": target.arn,
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": "{}",
            "Resources": event["resources"],
        }
        gate = self._world.gate
        if isinstance(gate, Gate):
            # Asked of every world: the gate of one without policies passes all else but this.
            Gate.admit(gate, "events", "PutEvents", {"Entries": [entry]}, call)
