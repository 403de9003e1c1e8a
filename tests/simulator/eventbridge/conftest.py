"""EventBridge driven operation by operation, below any transport."""

import json
from contextlib import closing
from types import SimpleNamespace

import pytest

from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.eventbridge.service import EventBridge
from pkilab.simulator.service import AwsError, Call, service_model
from pkilab.simulator.world import World

OWNER, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
GENERIC = {
    "ValidationException", "NotImplemented", "ResourceNotFoundException", "SerializationException",
}  # fmt: skip


class Events:
    """EventBridge in a world of its own; what it delivers is written down."""

    def __init__(self, **options):
        self.world = World(seed="events", **options)
        self.bus = Bus(self.world)
        self.sent = []
        targets = SimpleNamespace(buses=SimpleNamespace(receive=None))
        self.deliveries = SimpleNamespace(send=self._send, targets=targets)
        self.service = EventBridge(self.world, self.bus, self.deliveries)

    def _send(self, rule, target, event):
        self.sent.append((rule.name, target.id, event))

    def close(self):
        """End the world."""
        self.world.close()

    def __call__(self, operation, *, account=OWNER, region=REGION, **members):
        """Call an operation as the API does; its errors must be of AWS's model."""
        with self.world.turn():
            call = Call(account, region, self.world.clock.now(), f"arn:aws:iam::{account}:user/u")
            try:
                return self.service.invoke(operation, json.dumps(members).encode(), call)
            except AwsError as error:
                shapes = service_model("events").operation_model(operation).error_shapes
                known = {shape.name for shape in shapes} | GENERIC
                assert error.code in known, (operation, error)
                raise

    def refused(self, code, operation, **members):
        """Call an operation that must be refused with ``code``; return the message."""
        with pytest.raises(AwsError) as caught:
            self(operation, **members)
        assert caught.value.code == code, caught.value
        return caught.value.message

    def rule(self, name="r", pattern=None, *, targets=("t",), **members):
        """Put a rule with a pattern and queues for targets; return its ARN."""
        text = json.dumps({"source": ["my.app"]} if pattern is None else pattern)
        arn = self("PutRule", Name=name, EventPattern=text, **members)["RuleArn"]
        where = {key: members[key] for key in ("account", "EventBusName") if key in members}
        arns = {"Arn": f"arn:aws:sqs:{REGION}:{members.get('account', OWNER)}:q"}
        if made := [queue(each, **arns) for each in targets]:
            self("PutTargets", Rule=name, Targets=made, **where)
        return arn

    def put(self, *entries, **members):
        """Put entries that have a source, a detail type and a detail unless they say otherwise."""
        default = {"Source": "my.app", "DetailType": "done", "Detail": "{}"}
        return self("PutEvents", Entries=[{**default, **each} for each in entries], **members)

    def reached(self):
        """Return which targets of which rules were sent something, and forget it."""
        found = [(rule, target) for rule, target, _ in self.sent]
        self.sent.clear()
        return found


def queue(name, **members):
    """Return a target that is a queue."""
    return {"Id": name, "Arn": f"arn:aws:sqs:{REGION}:{OWNER}:q", **members}


@pytest.fixture
def events():
    with closing(Events()) as opened:
        yield opened
