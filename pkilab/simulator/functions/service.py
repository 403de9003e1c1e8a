"""AWS Lambda's operations: Python functions from zip archives, invoked for real.

Whatever ``python3.x`` a function names, it runs on the lab's own Python with the packages installed
there. What becomes of asynchronous invocations stands in `pkilab.simulator.functions.asynchronous`.

Source: AWS Lambda API Reference and Developer Guide.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from pkilab.simulator.functions import packages, settings
from pkilab.simulator.functions.asynchronous import EventQueue
from pkilab.simulator.functions.base import require_active
from pkilab.simulator.functions.calling import Handle
from pkilab.simulator.functions.destinations import Destinations
from pkilab.simulator.functions.environment import Invocation
from pkilab.simulator.functions.errors import error, invalid, violation
from pkilab.simulator.functions.event_invoke_configs import EventInvokeConfigs
from pkilab.simulator.functions.names import arn_of, parse
from pkilab.simulator.functions.permissions import allows
from pkilab.simulator.functions.resource_policies import ResourcePolicies
from pkilab.simulator.functions.roles import ExecutionRoles
from pkilab.simulator.functions.state import Function
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError, Call, Json, Later, model_members, not_simulated
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

__all__ = ["Function", "Lambda"]

_MOST_LISTED = 50
_LOG_TAIL = 4096


class Lambda(ResourcePolicies, EventInvokeConfigs):
    """AWS Lambda, as far as functions are deployed and invoked.

    Args:
        world: whose clock, seed and latency count.
        roles: what functions run as.
        handle: the world's door, for the destinations of asynchronous invocations.
    """

    def __init__(self, world: World, roles: ExecutionRoles, handle: Handle) -> None:
        super().__init__(world, roles)
        self._s3 = S3()
        self.destinations = Destinations(world, roles, handle)
        self._events = EventQueue(world, self.find, self._pool, self.destinations)

    # For other services.

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's functions of a Region with their tags."""
        for arn, each in self._functions.items():
            if arn.split(":")[3:5] == [region, account]:
                yield arn, each.tags

    def call(self, arn: str, payload: bytes, *, principal: str, source_arn: str) -> Invocation:
        """Run a function for a service; outside of any turn.

        Raises:
            AwsError: ResourceNotFoundException; AccessDeniedException, its resource policy does
                not let the service; RequestTooLargeException; ResourceConflictException, it is
                not active yet; TooManyRequestsException, its environments stay busy.
            LabClosedError: the world was closed.
        """
        with self.world.turn():
            function = self._open_to(arn, principal, source_arn)
            settings.check_size(payload, "RequestResponse")
            pool, number = self._pool(function), self._numbers.uuid()
        return pool.run(number, payload)

    def call_later(self, arn: str, payload: bytes, *, principal: str, source_arn: str) -> str:
        """Hand a function an event for a service, which hears no more of it; in a turn or outside.

        Returns:
            The invocation's request id.

        Raises:
            AwsError: ResourceNotFoundException; AccessDeniedException, its resource policy does
                not let the service; RequestTooLargeException; InvalidRequestContentException, the
                payload is not JSON; ResourceConflictException, the function is not active yet.
            LabClosedError: the world was closed.
        """
        with self.world.turn():
            function = self._open_to(arn, principal, source_arn)
            settings.check_size(payload, "Event")
            settings.check_json(payload)
            require_active(function)
            number = self._numbers.uuid()
            self._events.take(function, number, payload)
            return number

    # Functions.

    def create_function(self, call: Call, **members: Any) -> Json:  # noqa: ANN401 - the model's
        """Create a function from a zip archive."""
        asked = model_members(self.name, "CreateFunction", members)
        named = parse(asked["FunctionName"])
        name, arn = named["name"] or "", arn_of(named, call)
        if len(name) > settings.MOST_NAME:
            raise violation(
                f"Value '{name}' at 'functionName' failed to satisfy constraint: Member must have "
                f"length less than or equal to {settings.MOST_NAME}"
            )
        if named["qualifier"]:
            raise invalid("The derived qualifier from the function name is not allowed here.")
        if arn != arn_of({**named, "account": None, "region": None}, call):
            raise AwsError("AccessDeniedException", f"{arn} is not in this account and Region", 403)
        if arn in self._functions:
            raise error("ResourceConflictException", f"Function already exist: {name}")
        settings.refuse_unknown(asked)
        for needed in ("Runtime", "Handler"):
            if needed not in asked:
                message = "Runtime and Handler are mandatory parameters for functions created with"
                raise invalid(f"{message} deployment packages.")
        archive = self._archive(asked["Code"], call)
        chosen: Json = {"Description": "", "Timeout": 3, "MemorySize": 128}
        chosen |= {key: asked[key] for key in settings.CONFIGURATION if key in asked}
        settings.check(chosen, call, self._roles)
        self._check_dead_letter(chosen, arn)
        configuration: Json = {
            **chosen,
            "LoggingConfig": settings.logging_of(name, chosen.get("LoggingConfig", {})),
            "FunctionName": name,
            "FunctionArn": arn,
            "Version": "$LATEST",
            "PackageType": "Zip",
            "Architectures": asked.get("Architectures", ["x86_64"]),
            "State": "Active",
            "LastUpdateStatus": "Successful",
        }
        function = Function(configuration, archive, dict(asked.get("Tags", {})))
        if function.dead_letter_arn is None:
            configuration.pop("DeadLetterConfig", None)
        self._functions[arn] = function
        self._touch(function, call, "State", "Pending", "Active")
        return function.configuration

    def get_function(self, call: Call, function_name: str, qualifier: str = "$LATEST") -> Json:
        """Describe a function. The code's location, a presigned URL on AWS, is left out."""
        function = self._function(call, function_name, qualifier)
        found: Json = {"Configuration": function.configuration, "Code": {"RepositoryType": "S3"}}
        return {**found, "Tags": function.tags} if function.tags else found

    def get_function_configuration(
        self, call: Call, function_name: str, qualifier: str = "$LATEST"
    ) -> Json:
        """Return a function's configuration."""
        return self._function(call, function_name, qualifier).configuration

    def list_functions(
        self,
        call: Call,
        marker: str = "",
        max_items: int = _MOST_LISTED,
        function_version: str = "ALL",  # there is $LATEST alone
        master_region: str = "ALL",
    ) -> Json:
        """List the functions of an account and Region by name; fifty on a page at most."""
        if function_version != "ALL" or master_region != "ALL":
            raise not_simulated("lambda:ListFunctions with MasterRegion")
        place = f"arn:aws:lambda:{call.region}:{call.account}:"
        found = sorted(arn for arn in self._functions if arn.startswith(place) and arn > marker)
        page = found[: min(max_items, _MOST_LISTED)]
        return {
            "Functions": [self._functions[arn].configuration for arn in page],
            "NextMarker": page[-1] if len(page) < len(found) else None,
        }

    def update_function_code(
        self,
        call: Call,
        function_name: str,
        *,
        dry_run: bool = False,
        publish: bool = False,
        architectures: list[str] | None = None,
        revision_id: str | None = None,
        **code: Any,  # noqa: ANN401 - the members of Code
    ) -> Json:
        """Deploy other code; environments are discarded, and what runs in them ends as before."""
        if publish or architectures:
            raise not_simulated("lambda:UpdateFunctionCode with Publish or Architectures")
        function = self._changeable(call, function_name, revision_id)
        archive = self._archive(model_members(self.name, "UpdateFunctionCode", code), call)
        if not dry_run:
            function.archive = archive
            self._touch(function, call, "LastUpdateStatus", "InProgress", "Successful")
        return function.configuration

    def update_function_configuration(
        self,
        call: Call,
        function_name: str,
        revision_id: str | None = None,
        **members: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Change settings; environments are discarded, and what runs in them ends as before."""
        function = self._changeable(call, function_name, revision_id)
        asked = model_members(self.name, "UpdateFunctionConfiguration", members)
        settings.refuse_unknown(asked)
        becoming = {**function.configuration, **asked}
        settings.check(becoming, call, self._roles)
        if {"DeadLetterConfig", "Role"} & asked.keys():
            self._check_dead_letter(becoming, function.arn)
        if "LoggingConfig" in asked:
            asked["LoggingConfig"] = settings.logging_of(
                function.configuration["FunctionName"], asked["LoggingConfig"]
            )
        function.configuration.update(asked)
        if function.dead_letter_arn is None:  # an empty one takes it away
            function.configuration.pop("DeadLetterConfig", None)
        self._touch(function, call, "LastUpdateStatus", "InProgress", "Successful")
        return function.configuration

    def delete_function(self, call: Call, function_name: str, qualifier: str = "") -> Json:
        """Delete a function at once."""
        if qualifier:
            raise not_simulated("lambda:DeleteFunction of a version")
        function = self._function(call, function_name)
        function.retire()
        del self._functions[function.arn]
        return {}

    def invoke(
        self,
        call: Call,
        function_name: str,
        *,
        payload: bytes = b"",
        invocation_type: str = "RequestResponse",
        log_type: str = "None",
        qualifier: str = "$LATEST",
        **others: object,
    ) -> Json | Later:
        """Run a function and wait for it; of an Event, only take it."""
        if others:
            raise not_simulated(f"lambda:Invoke with {', '.join(sorted(others))}")
        function = self._function(call, function_name, qualifier)
        settings.check_size(payload, invocation_type)
        payload = payload or b"{}"
        settings.check_json(payload)
        if invocation_type == "DryRun":
            return {"StatusCode": 204}
        if invocation_type == "Event":
            require_active(function)
            self._events.take(function, self._numbers.uuid(), payload)
            return {"StatusCode": 202}
        pool, number = self._pool(function), self._numbers.uuid()

        def run() -> Json:
            done = pool.run(number, payload)
            tail = base64.b64encode(done.log.encode()[-_LOG_TAIL:]).decode()
            return {
                "StatusCode": 200,
                "Payload": done.payload,
                "FunctionError": done.function_error,
                "ExecutedVersion": "$LATEST",
                "LogResult": tail if log_type == "Tail" else None,
            }

        return Later(run)

    # Tags.

    def list_tags(self, call: Call, resource: str) -> Json:
        """Return a function's tags."""
        return {"Tags": self._function(call, resource).tags}

    def tag_resource(self, call: Call, resource: str, tags: dict[str, str]) -> Json:
        """Add tags."""
        self._function(call, resource).tags.update(tags)
        return {}

    def untag_resource(self, call: Call, resource: str, tag_keys: list[str]) -> Json:
        """Remove tags."""
        function = self._function(call, resource)
        for key in tag_keys:
            function.tags.pop(key, None)
        return {}

    # Within.

    def _open_to(self, arn: str, principal: str, source_arn: str) -> Function:
        """Return a function that a service may invoke.

        Raises:
            AwsError: ResourceNotFoundException; AccessDeniedException.
        """
        named = parse(arn)
        function = self._functions.get(arn_of(named))
        if function is None or named["qualifier"] not in {None, "$LATEST"}:
            raise error("ResourceNotFoundException", f"Function not found: {arn}")
        statements = function.statements.values()
        if not allows(statements, principal=principal, source_arn=source_arn):
            message = f"{principal} is not authorized to perform: lambda:InvokeFunction"
            raise AwsError("AccessDeniedException", message, 403)
        return function

    def _check_dead_letter(self, configuration: Json, function_arn: str) -> None:
        if target := configuration.get("DeadLetterConfig", {}).get("TargetArn"):
            self.destinations.check_dead_letter(configuration["Role"], function_arn, target)

    def _archive(self, code: Json, call: Call) -> bytes:
        """Return the zip archive of a deployment package, checked."""
        if set(code) - {"ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion"}:
            raise not_simulated("lambda functions from images or other repositories")
        if "ZipFile" in code:
            archive: bytes = code["ZipFile"]
            if set(code) != {"ZipFile"}:
                message = "Please do not provide other FunctionCode parameters when providing a"
                raise invalid(f"{message} ZipFile.")
        elif "S3Bucket" in code and "S3Key" in code:
            version = code.get("S3ObjectVersion")
            found = self._s3.get(code["S3Bucket"], code["S3Key"], version)
            if found is None or found.account != call.account:
                message = "Error occurred while GetObject. S3 Error Code: NoSuchKey."
                raise invalid(f"{message} S3 Error Message: The specified key does not exist.")
            archive = found.body
        else:
            raise invalid("Please provide a source for function code.")
        packages.check(archive)
        return archive
