"""A log group of CloudWatch Logs as a target: each event becomes a log event.

The log group must exist, and a resource policy of its account and Region must let EventBridge and
the service that delivers logs create streams and put events there. Which log stream an event goes
to is not published: here each target of a rule has one, named as AWS names them, by a UUID.

Sources: EventBridge User Guide, "CloudWatch Logs permissions" (the two principals) and "Amazon
CloudWatch Logs as a target" (what a transformed input must be).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from moto.logs.models import logs_backends

from pkilab.simulator.bucket_policies import allows
from pkilab.simulator.eventbridge.state import Rule, Target
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import World

_PRINCIPALS = ("events.amazonaws.com", "delivery.logs.amazonaws.com")
_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")
_TEMPLATE = {"timestamp", "message"}


class LogTargets:
    """Log groups as targets; moto, which keeps them, is asked directly: no client calls.

    Args:
        world: whose clock and entropy count.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._streams: dict[tuple[str, str, str], str] = {}  # by rule, target and log group

    def send(self, rule: Rule, target: Target, text: str) -> None:
        """Put a log event.

        Raises:
            AwsError: ResourceNotFoundException, there is no such log group; AccessDeniedException,
                no resource policy lets EventBridge; InvalidParameterException, a transformed input
                is not of the form that CloudWatch Logs takes; NotImplemented, a policy says what
                is not modelled.
            LabClosedError: the world was closed.
        """
        arn = target.arn.removesuffix(":*")
        _, _, _, region, account, _, name = arn.split(":", 6)
        with self._world.turn():
            backend = logs_backends[account][region]
            stream = self._stream(rule, target)
            policies = [each.policy_document for each in backend.describe_resource_policies()]
            _require(policies, f"{arn}:log-stream:{stream}", rule)
            if (group := backend.groups.get(name)) is None:
                message = "The specified log group does not exist."
                raise AwsError("ResourceNotFoundException", message)
            millis, message = int(self._world.clock.now().timestamp() * 1000), text
            if target.input is not None or target.input_transformer is not None:
                millis, message = _said(text)
            if stream not in group.streams:
                backend.create_log_stream(name, stream)
            entry = {"timestamp": millis, "message": message}
            backend.put_log_events(name, stream, [entry])

    def _stream(self, rule: Rule, target: Target) -> str:
        key = (rule.arn, target.id, target.arn)
        if key not in self._streams:
            entropy = self._world.entropy("eventbridge", "log streams", *key)
            self._streams[key] = entropy.uuid()
        return self._streams[key]


def _require(policies: Sequence[str], resource: str, rule: Rule) -> None:
    """Require that both of AWS's services may write to a log stream, for the rule.

    Raises:
        AwsError: AccessDeniedException; NotImplemented.
    """
    for principal in _PRINCIPALS:
        context = (
            ("aws:sourcearn", rule.arn),
            ("aws:sourceaccount", rule.account),
            ("aws:principalisawsservice", "true"),
            ("aws:principalservicename", principal),
            ("aws:securetransport", "true"),
        )
        for action in _ACTIONS:
            if not any(
                allows(text, action, resource, service=principal, context=context, kind="log group")
                for text in policies
            ):
                message = f"{principal} is not authorized to perform: {action} on resource: "
                raise AwsError("AccessDeniedException", f"{message}{resource}", 403)


def _said(text: str) -> tuple[int, str]:
    """Return time and message of an input that was written for CloudWatch Logs.

    Raises:
        AwsError: InvalidParameterException.
    """
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict) and found.keys() == _TEMPLATE:
        stamp, message = found["timestamp"], found["message"]
        if isinstance(message, str) and isinstance(stamp, int) and not isinstance(stamp, bool):
            return stamp, message
    raise AwsError(
        "InvalidParameterException",
        'The input for CloudWatch Logs must be {"timestamp": <milliseconds>, "message": <text>}',
    )
