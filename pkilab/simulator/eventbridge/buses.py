"""Event buses, their resource policies and tags.

Not simulated: partner buses, keys of the customer's, dead-letter queues and logs of buses.

Source: EventBridge API Reference, CreateEventBus, PutPermission, RemovePermission; User Guide,
"Permissions for event buses in Amazon EventBridge".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from pkilab.errors import MalformedError
from pkilab.simulator.eventbridge.base import (
    Base,
    invalid,
    listing,
    too_many,
    with_tags,
)
from pkilab.simulator.eventbridge.state import DEFAULT, EventBus, Json, arn_of_bus
from pkilab.simulator.policies import read_policy
from pkilab.simulator.service import AwsError, Call, not_simulated

BUSES = 100  # of an account and Region
POLICY = 10_240  # octets
_ORGANIZATION = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID"}


class Buses(Base):
    """The operations on event buses."""

    def create_event_bus(
        self,
        call: Call,
        *,
        name: str,
        event_source_name: str | None = None,
        description: str | None = None,
        kms_key_identifier: str | None = None,
        dead_letter_config: Json | None = None,
        log_config: Json | None = None,
        tags: Sequence[Json] = (),
    ) -> Json:
        """Make a custom event bus."""
        if event_source_name is not None or name.startswith("aws."):
            raise not_simulated("a partner event bus")
        _refuse_options(kms_key_identifier, dead_letter_config, log_config)
        if "/" in name:
            raise invalid("EventBus name must not contain '/'.")
        arn = arn_of_bus(call.account, call.region, name)
        if self.bus_at(arn) is not None:
            message = f"Event bus {name} already exists."
            raise AwsError("ResourceAlreadyExistsException", message)
        if len(self._buses_of(call)) >= BUSES:
            raise too_many()
        self.keep_bus(
            EventBus(
                name, arn, call.account, call.region, call.now, call.now, description,
                tags=with_tags({}, tags),
            )
        )  # fmt: skip
        return {"EventBusArn": arn, "Description": description}

    def update_event_bus(
        self,
        call: Call,
        *,
        name: str | None = None,
        kms_key_identifier: str | None = None,
        description: str | None = None,
        dead_letter_config: Json | None = None,
        log_config: Json | None = None,
    ) -> Json:
        """Change a bus's description."""
        _refuse_options(kms_key_identifier, dead_letter_config, log_config)
        bus = self.own_bus(call, name)
        self.keep_bus(replace(bus, description=description, modified=call.now))
        return {"Arn": bus.arn, "Name": bus.name, "Description": description}

    def delete_event_bus(self, call: Call, *, name: str) -> Json:
        """Delete a custom bus that has no rules."""
        if name == DEFAULT:
            raise invalid("Cannot delete event bus default.")
        bus = self.own_bus(call, name)
        if self.rules_of(bus):
            raise invalid(f"Event bus {name} can't be deleted since it has rules.")
        self._buses.pop(bus.arn)
        return {}

    def describe_event_bus(self, call: Call, *, name: str | None = None) -> Json:
        """Return a bus and its policy."""
        return _described(self.own_bus(call, name))

    def list_event_buses(
        self,
        call: Call,
        *,
        name_prefix: str = "",
        next_token: str | None = None,
        limit: int | None = None,
    ) -> Json:
        """List the buses by name."""
        own = sorted(self._buses_of(call), key=lambda bus: bus.name)
        found = [_described(bus) for bus in own if bus.name.startswith(name_prefix)]
        scope = f"{call.account} {call.region} {name_prefix}"
        return listing("EventBuses", found, limit, next_token, scope)

    def _buses_of(self, call: Call) -> list[EventBus]:
        default = self.bus_at(arn_of_bus(call.account, call.region, DEFAULT))
        place = (call.account, call.region)
        custom = [
            bus
            for bus in self._buses.values()
            if (bus.account, bus.region) == place and bus.name != DEFAULT
        ]
        return [*([default] if default else ()), *custom]

    # Permissions.

    def put_permission(
        self,
        call: Call,
        *,
        event_bus_name: str | None = None,
        action: str | None = None,
        principal: str | None = None,
        statement_id: str | None = None,
        condition: Json | None = None,
        policy: str | None = None,
    ) -> Json:
        """Let another account put events: by a statement, or by a whole policy."""
        bus = self.own_bus(call, event_bus_name)
        parts = (action, principal, statement_id)
        if policy is not None:
            if any(parts) or condition:
                raise invalid("Policy cannot be given together with parts of a statement.")
            self._keep_policy(call, bus, policy)
            return {}
        if not (action and principal and statement_id):
            raise invalid("Parameter(s) Action, Principal and StatementId must be specified.")
        if action != "events:PutEvents":
            raise invalid("Provided value in parameter 'action' is not supported.")
        made: Json = {
            "Sid": statement_id,
            "Effect": "Allow",
            "Principal": "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
            "Action": action,
            "Resource": bus.arn,
        }
        if condition:
            if {**condition, "Value": ""} != {**_ORGANIZATION, "Value": ""}:
                raise invalid("Condition must be StringEquals on aws:PrincipalOrgID.")
            made["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
        others = [each for each in _statements(bus) if each.get("Sid") != statement_id]
        self._keep_policy(call, bus, _policy([*others, made]))
        return {}

    def remove_permission(
        self,
        call: Call,
        *,
        statement_id: str | None = None,
        remove_all_permissions: bool = False,
        event_bus_name: str | None = None,
    ) -> Json:
        """Take a statement, or all, out of a bus's policy."""
        bus = self.own_bus(call, event_bus_name)
        if remove_all_permissions:
            self.keep_bus(replace(bus, policy=None, modified=call.now))
            return {}
        if statement_id is None:
            raise invalid("Parameter StatementId must be specified.")
        own = _statements(bus)
        rest = [each for each in own if each.get("Sid") != statement_id]
        if len(rest) == len(own):
            message = "Statement with the provided id does not exist."
            raise AwsError("ResourceNotFoundException", message)
        self.keep_bus(replace(bus, policy=_policy(rest) if rest else None, modified=call.now))
        return {}

    def _keep_policy(self, call: Call, bus: EventBus, text: str) -> None:
        if len(text.encode()) > POLICY:
            message = f"The policy has {len(text.encode())} octets; at most {POLICY} are allowed."
            raise AwsError("PolicyLengthExceededException", message)
        try:
            read_policy(text, kind="resource", name=bus.arn)
        except MalformedError as error:
            raise invalid(f"Policy is not valid: {error}") from error
        self.keep_bus(replace(bus, policy=text, modified=call.now))

    # Tags, of buses and of rules.

    def tag_resource(self, call: Call, *, resource_arn: str, tags: Sequence[Json]) -> Json:
        """Set tags of a bus or a rule."""
        found = self.tagged(call, resource_arn)
        self.keep_tags(found, with_tags(found.tags, tags))
        return {}

    def untag_resource(self, call: Call, *, resource_arn: str, tag_keys: Sequence[str]) -> Json:
        """Take tags away."""
        found = self.tagged(call, resource_arn)
        rest = {key: value for key, value in found.tags.items() if key not in tag_keys}
        self.keep_tags(found, rest)
        return {}

    def list_tags_for_resource(self, call: Call, *, resource_arn: str) -> Json:
        """List the tags of a bus or a rule."""
        tags = self.tagged(call, resource_arn).tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _refuse_options(key: str | None, dead_letters: Json | None, logs: Json | None) -> None:
    if key:
        raise not_simulated("a customer managed key for an event bus")
    if dead_letters:
        raise not_simulated("a dead-letter queue of an event bus")
    if logs and logs.get("Level", "OFF") != "OFF":
        raise not_simulated("logs of an event bus")


def _described(bus: EventBus) -> Json:
    return {
        "Name": bus.name,
        "Arn": bus.arn,
        "Description": bus.description,
        "Policy": bus.policy,
        "CreationTime": bus.created,
        "LastModifiedTime": bus.modified,
    }


def _statements(bus: EventBus) -> list[Json]:
    if bus.policy is None:
        return []
    found = json.loads(bus.policy)["Statement"]
    return found if isinstance(found, list) else [found]


def _policy(statements: Sequence[Json]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
