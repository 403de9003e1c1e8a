"""Functions and their execution environments: what Lambda's operations stand on."""

from __future__ import annotations

import base64
import hashlib
import threading
import weakref
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

from pkilab.errors import LabClosedError
from pkilab.simulator.functions.environment import Deployment
from pkilab.simulator.functions.errors import error
from pkilab.simulator.functions.names import arn_of, parse
from pkilab.simulator.functions.pool import Pool
from pkilab.simulator.functions.roles import ExecutionRoles
from pkilab.simulator.functions.state import Function
from pkilab.simulator.rest import RestJsonService
from pkilab.simulator.service import Call, Json
from pkilab.simulator.world import World

STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the "
    "{} API to retrieve the latest Revision Id"
)
# Shorter than a session of the role; on AWS, too, no environment lives for many hours.
_POOL_LIFE = timedelta(hours=11)
_LOOPBACK = "127.0.0.1,localhost,::1"


class Functions(RestJsonService):
    """The functions of a world, and the environments that they run in.

    ``network`` is set by whoever owns the world: it returns the URL of a loopback HTTP server of
    the same world, which is all that a running function can reach by the usual ways.

    Args:
        world: whose clock, seed and latency count.
        roles: what functions run as.
    """

    name: ClassVar[str] = "lambda"

    def __init__(self, world: World, roles: ExecutionRoles) -> None:
        super().__init__(world)
        self._roles = roles
        self.network: Callable[[], str] = lambda: "http://127.0.0.1:9"  # refuses
        self._functions: dict[str, Function] = {}  # by ARN
        self._numbers = world.entropy("lambda")
        self._pools: weakref.WeakSet[Pool] = weakref.WeakSet()  # retired ones run on for a while
        self._opening = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """End every execution environment; no other is opened."""
        with self._opening:
            self._closed = True
            pools = tuple(self._pools)
        for pool in pools:
            pool.kill()

    def find(self, arn: str) -> Function | None:
        """Return the function of an unqualified ARN."""
        return self._functions.get(arn)

    def _function(self, call: Call, name: str, qualifier: str = "$LATEST") -> Function:
        """Return a function of a name or ARN, which there is unpublished alone.

        One of another account does not exist for a caller, unless policies are enforced: then
        whoever comes here has its owner's leave.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        named = parse(name)
        arn = arn_of(named, call)
        ours = (named["account"] or call.account) == call.account
        function = self._functions.get(arn) if ours or self.world.enforce_policies else None
        if (version := named["qualifier"] or qualifier) != "$LATEST":
            arn, function = f"{arn}:{version}", None
        if function is None:
            raise error("ResourceNotFoundException", f"Function not found: {arn}")
        return function

    def _changeable(self, call: Call, name: str, revision: str | None) -> Function:
        """Return a function that may be updated.

        Raises:
            AwsError: ResourceConflictException, a change of before is not done yet;
                PreconditionFailedException, ``revision`` is not the latest.
        """
        function = self._function(call, name)
        if revision and revision != function.configuration["RevisionId"]:
            message = STALE.format("GetFunction/GetAlias")
            raise error("PreconditionFailedException", message)
        require_active(function)
        if function.configuration["LastUpdateStatus"] == "InProgress":
            message = "The operation cannot be performed at this time. An update is in progress for"
            raise error("ResourceConflictException", f"{message} resource: {function.arn}")
        return function

    def _touch(self, function: Function, call: Call, status: str, during: str, after: str) -> None:
        """Note a change; it is served once the world's latency has passed."""
        configuration = function.configuration
        configuration |= {
            "CodeSha256": base64.b64encode(hashlib.sha256(function.archive).digest()).decode(),
            "CodeSize": len(function.archive),
            "LastModified": call.now.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "RevisionId": self._numbers.uuid(),
        }

        def serve() -> None:
            configuration[status] = after
            for name in (f"{status}Reason", f"{status}ReasonCode"):
                configuration.pop(name, None)
            function.serving = (dict(configuration), function.archive)
            function.retire()

        if not self.world.latency:
            serve()
            return
        configuration |= {
            status: during,
            f"{status}Reason": "The function is being created.",
            f"{status}ReasonCode": "Creating",
        }
        when = self.world.clock.now() + self.world.latency
        self.world.clock.at(when, serve, f"lambda: {function.arn} {after}")

    def _pool(self, function: Function) -> Pool:
        """Return the environments of what a function serves.

        Raises:
            AwsError: ResourceConflictException, it is not active yet.
            LabClosedError: the world is being closed.
        """
        require_active(function)
        now = self.world.clock.now()
        if function.pool_until is not None and function.pool_until <= now:
            function.retire()
        if function.pool is None:
            configuration, archive = function.serving
            stream = f"{now:%Y/%m/%d}/[$LATEST]"
            function.pool_until = now + _POOL_LIFE
            deployment = Deployment(
                function.arn,
                archive,
                self._variables(configuration)
                | self._roles.assume(configuration["Role"], function.arn),
                configuration["Timeout"],
                stream,
                configuration["RevisionId"],
            )
            with self._opening:
                if self._closed:
                    raise LabClosedError(f"the simulated world {self.world.seed!r} was closed")
                function.pool = Pool(deployment)
                self._pools.add(function.pool)
        return function.pool

    def _variables(self, configuration: Json) -> dict[str, str]:
        name, region = configuration["FunctionName"], configuration["FunctionArn"].split(":")[3]
        network = self.network()
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), network)
        return {
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            **configuration.get("Environment", {}).get("Variables", {}),
            **proxies,
            "no_proxy": _LOOPBACK,
            "NO_PROXY": _LOOPBACK,
            "AWS_ENDPOINT_URL": network,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration['Runtime']}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
            "AWS_LAMBDA_LOG_GROUP_NAME": configuration["LoggingConfig"]["LogGroup"],
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "_HANDLER": configuration["Handler"],
        }


def require_active(function: Function) -> None:
    """Check that a function can be invoked and changed.

    Raises:
        AwsError: ResourceConflictException.
    """
    if (state := function.configuration["State"]) != "Active":
        message = "The operation cannot be performed at this time. The function is currently in the"
        raise error("ResourceConflictException", f"{message} following state: {state}")
