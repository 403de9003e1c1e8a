"""Lambda's operations on how a function's asynchronous invocations are handled.

Source: AWS Lambda API Reference, PutFunctionEventInvokeConfig and its siblings; Developer Guide,
"Configuring error handling settings for Lambda asynchronous invocations".
"""

from __future__ import annotations

from dataclasses import replace

from pkilab.simulator.functions.base import Functions
from pkilab.simulator.functions.destinations import Destinations
from pkilab.simulator.functions.errors import error
from pkilab.simulator.functions.state import EventInvokeConfig, Function
from pkilab.simulator.service import Call, Json

_SIDES = {"OnSuccess": "on_success", "OnFailure": "on_failure"}


class EventInvokeConfigs(Functions):
    """Retries, ages and destinations of asynchronous invocations, for the unpublished version."""

    destinations: Destinations

    def put_function_event_invoke_config(
        self,
        call: Call,
        function_name: str,
        qualifier: str = "$LATEST",
        *,
        maximum_retry_attempts: int | None = None,
        maximum_event_age_in_seconds: int | None = None,
        destination_config: Json | None = None,
    ) -> Json:
        """Set a configuration; what the request does not say is AWS's default again."""
        function = self._function(call, function_name, qualifier)
        said = (maximum_retry_attempts, maximum_event_age_in_seconds, destination_config)
        function.asynchronous = self._changed(function, EventInvokeConfig(call.now), *said)
        return _answer(function, function.asynchronous)

    def update_function_event_invoke_config(
        self,
        call: Call,
        function_name: str,
        qualifier: str = "$LATEST",
        *,
        maximum_retry_attempts: int | None = None,
        maximum_event_age_in_seconds: int | None = None,
        destination_config: Json | None = None,
    ) -> Json:
        """Change what the request says of a configuration."""
        function = self._function(call, function_name, qualifier)
        before = replace(_of(function), modified=call.now)
        said = (maximum_retry_attempts, maximum_event_age_in_seconds, destination_config)
        function.asynchronous = self._changed(function, before, *said)
        return _answer(function, function.asynchronous)

    def get_function_event_invoke_config(
        self, call: Call, function_name: str, qualifier: str = "$LATEST"
    ) -> Json:
        """Return a function's configuration."""
        function = self._function(call, function_name, qualifier)
        return _answer(function, _of(function))

    def list_function_event_invoke_configs(
        self,
        call: Call,
        function_name: str,
        marker: str = "",  # noqa: ARG002 - one page: there is one version
        max_items: int = 50,  # noqa: ARG002 - as above
    ) -> Json:
        """List a function's configurations, of which there is one at most."""
        function = self._function(call, function_name)
        found = function.asynchronous
        return {"FunctionEventInvokeConfigs": [_answer(function, found)] if found else []}

    def delete_function_event_invoke_config(
        self, call: Call, function_name: str, qualifier: str = "$LATEST"
    ) -> Json:
        """Take a configuration away: AWS's defaults are in force again."""
        function = self._function(call, function_name, qualifier)
        _of(function)
        function.asynchronous = None
        return {}

    def _changed(
        self,
        function: Function,
        before: EventInvokeConfig,
        attempts: int | None,
        age: int | None,
        destinations: Json | None,
    ) -> EventInvokeConfig:
        """Return a configuration with what a request says.

        Raises:
            AwsError: InvalidParameterValueException, a destination is none, or the execution role
                may not send to it; NotImplemented.
        """
        changes: Json = {}
        if attempts is not None:
            changes["attempts"] = attempts
        if age is not None:
            changes["age"] = age
        for side, name in _SIDES.items():
            if side not in (said := destinations or {}):
                continue
            changes[name] = said[side].get("Destination") or None
            if changes[name]:
                self.destinations.check(
                    function.role, function.arn, changes[name], failure=side == "OnFailure"
                )
        return replace(before, **changes)


def _of(function: Function) -> EventInvokeConfig:
    if function.asynchronous is None:
        message = f"The function {function.arn}:$LATEST doesn't have an EventInvokeConfig"
        raise error("ResourceNotFoundException", message)
    return function.asynchronous


def _answer(function: Function, config: EventInvokeConfig) -> Json:
    sides = {"OnSuccess": config.on_success, "OnFailure": config.on_failure}
    return {
        "LastModified": config.modified,
        "FunctionArn": f"{function.arn}:$LATEST",
        "MaximumRetryAttempts": config.attempts,
        "MaximumEventAgeInSeconds": config.age,
        "DestinationConfig": {
            side: {"Destination": arn} if arn else {} for side, arn in sides.items()
        },
    }
