"""AWS Lambda's operations: Python functions from zip archives, invoked for real.

Whatever ``python3.x`` a function names, it runs on the lab's own Python with the packages installed
there. Asynchronous invocations run once: they are not retried, and no destination hears of them.

Source: AWS Lambda API Reference and Developer Guide.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pkilab.errors import LabClosedError
from pkilab.simulator.functions import packages
from pkilab.simulator.functions.environment import Deployment, Invocation
from pkilab.simulator.functions.errors import error, invalid, violation
from pkilab.simulator.functions.permissions import allows, document, statement
from pkilab.simulator.functions.pool import Pool
from pkilab.simulator.functions.roles import ExecutionRoles
from pkilab.simulator.rest import RestJsonService
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError, Call, Json, Later, model_members, not_simulated
from pkilab.simulator.world import World

_NAME = re.compile(
    r"(?:arn:aws[\w-]*:lambda:)?(?:(?P<region>[a-z]{2}[\w-]*-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)
_CONFIGURATION = (
    "Handler",
    "Description",
    "Timeout",
    "MemorySize",
    "Environment",
    "Role",
    "Runtime",
    "LoggingConfig",
)
# What CreateFunction takes besides; everything else of its model is refused.
_TAKEN = {
    *_CONFIGURATION,
    "FunctionName",
    "Code",
    "PackageType",
    "Tags",
    "Architectures",
    "Publish",
}
# Lambda Developer Guide, "Defined runtime environment variables".
_RESERVED = {
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN",
}  # fmt: skip
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_MOST_NAME = 64
_MOST_VARIABLES = 4096  # bytes of all of them as JSON
_MOST_SECONDS = 900
_MOST_MEMORY = 10240  # MB
_MOST_PAYLOAD = {"RequestResponse": 6 * 2**20, "DryRun": 6 * 2**20, "Event": 2**20}
_MOST_POLICY = 20480
_MOST_LISTED = 50
_LOG_TAIL = 4096
_LOOPBACK = "127.0.0.1,localhost,::1"
_STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the "
    "{} API to retrieve the latest Revision Id"
)


@dataclass
class Function:
    """A function: its configuration as ``GetFunctionConfiguration`` answers it, and its code.

    ``serving`` is the configuration and code that invocations run: those of before, while an update
    is in progress.
    """

    configuration: Json
    archive: bytes = field(repr=False)
    tags: dict[str, str]
    serving: tuple[Json, bytes] = field(default=({}, b""), repr=False)
    pool: Pool | None = None
    statements: dict[str, Json] = field(default_factory=dict)  # by StatementId
    policy_revision: str = ""

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return str(self.configuration["FunctionArn"])


class Lambda(RestJsonService):
    """AWS Lambda, as far as functions are deployed and invoked.

    ``network`` is set by whoever owns the world: it returns the URL of a loopback HTTP server of
    the same world, which is all that a running function can reach by the usual ways.
    """

    name: ClassVar[str] = "lambda"

    def __init__(self, world: World, roles: ExecutionRoles) -> None:
        super().__init__(world)
        self._roles = roles
        self.network: Callable[[], str] = lambda: "http://127.0.0.1:9"  # refuses
        self._functions: dict[str, Function] = {}  # by ARN
        self._numbers = world.entropy("lambda")
        self._revisions = world.entropy("lambda", "policies")
        self._s3 = S3()
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

    # For other services.

    def find(self, arn: str) -> Function | None:
        """Return the function of an unqualified ARN."""
        return self._functions.get(arn)

    def call(self, arn: str, payload: bytes, *, principal: str, source_arn: str) -> Invocation:
        """Run a function for a service; outside of any turn.

        Raises:
            AwsError: ResourceNotFoundException; AccessDeniedException, its resource policy does
                not let the service; RequestTooLargeException; ResourceConflictException, it is
                not active yet; TooManyRequestsException, its environments stay busy.
            LabClosedError: the world was closed.
        """
        with self.world.turn():
            named = _parse(arn)
            function = self._functions.get(_arn(named))
            if function is None or named["qualifier"] not in {None, "$LATEST"}:
                raise error("ResourceNotFoundException", f"Function not found: {arn}")
            statements = function.statements.values()
            if not allows(statements, principal=principal, source_arn=source_arn):
                message = f"{principal} is not authorized to perform: lambda:InvokeFunction"
                raise AwsError("AccessDeniedException", message, 403)
            _check_size(payload, "RequestResponse")
            pool, number = self._pool(function), self._numbers.uuid()
        return pool.run(number, payload)

    # Functions.

    def create_function(self, call: Call, **members: Any) -> Json:  # noqa: ANN401 - the model's
        """Create a function from a zip archive."""
        asked = model_members(self.name, "CreateFunction", members)
        named = _parse(asked["FunctionName"])
        name, arn = named["name"] or "", _arn(named, call)
        if len(name) > _MOST_NAME:
            raise violation(
                f"Value '{name}' at 'functionName' failed to satisfy constraint: Member must have "
                f"length less than or equal to {_MOST_NAME}"
            )
        if named["qualifier"]:
            raise invalid("The derived qualifier from the function name is not allowed here.")
        if arn != _arn({**named, "account": None, "region": None}, call):
            raise AwsError("AccessDeniedException", f"{arn} is not in this account and Region", 403)
        if arn in self._functions:
            raise error("ResourceConflictException", f"Function already exist: {name}")
        _refuse_unknown(asked)
        for needed in ("Runtime", "Handler"):
            if needed not in asked:
                message = "Runtime and Handler are mandatory parameters for functions created with"
                raise invalid(f"{message} deployment packages.")
        archive = self._archive(asked["Code"], call)
        settings: Json = {"Description": "", "Timeout": 3, "MemorySize": 128}
        settings |= {key: asked[key] for key in _CONFIGURATION if key in asked}
        _check(settings, call, self._roles)
        configuration: Json = {
            **settings,
            "LoggingConfig": _logging(name, settings.get("LoggingConfig", {})),
            "FunctionName": name,
            "FunctionArn": arn,
            "Version": "$LATEST",
            "PackageType": "Zip",
            "Architectures": asked.get("Architectures", ["x86_64"]),
            "State": "Active",
            "LastUpdateStatus": "Successful",
        }
        function = Function(configuration, archive, dict(asked.get("Tags", {})))
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
        _refuse_unknown(asked)
        _check({**function.configuration, **asked}, call, self._roles)
        if "LoggingConfig" in asked:
            asked["LoggingConfig"] = _logging(
                function.configuration["FunctionName"], asked["LoggingConfig"]
            )
        function.configuration.update(asked)
        self._touch(function, call, "LastUpdateStatus", "InProgress", "Successful")
        return function.configuration

    def delete_function(self, call: Call, function_name: str, qualifier: str = "") -> Json:
        """Delete a function at once."""
        if qualifier:
            raise not_simulated("lambda:DeleteFunction of a version")
        function = self._function(call, function_name)
        _retire(function)
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
        """Run a function; the caller waits unless the type is Event."""
        if others:
            raise not_simulated(f"lambda:Invoke with {', '.join(sorted(others))}")
        function = self._function(call, function_name, qualifier)
        _check_size(payload, invocation_type)
        payload = payload or b"{}"
        _check_json(payload)
        if invocation_type == "DryRun":
            return {"StatusCode": 204}
        pool, number = self._pool(function), self._numbers.uuid()

        def start() -> Json:
            name = f"pkilab-{number}"
            threading.Thread(target=_run_unheard, args=(pool, number, payload), name=name).start()
            return {"StatusCode": 202}

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

        return Later(start if invocation_type == "Event" else run)

    # Resource policies.

    def add_permission(
        self,
        call: Call,
        function_name: str,
        *,
        statement_id: str,
        action: str,
        principal: str,
        source_arn: str | None = None,
        source_account: str | None = None,
        qualifier: str | None = None,
        revision_id: str | None = None,
        **others: object,
    ) -> Json:
        """Let a service or an account invoke the function.

        Whether an account or role that is named exists is not looked at.
        """
        if others:
            raise not_simulated(f"lambda:AddPermission with {', '.join(sorted(others))}")
        function = self._of_policy(call, function_name, qualifier, revision_id)
        if statement_id in function.statements:
            message = f"The statement id ({statement_id}) provided already exists. Please provide a"
            raise error(
                "ResourceConflictException",
                f"{message} new statement id, or remove the existing statement.",
            )
        made = statement(
            statement_id, action, principal, function.arn,
            source_arn=source_arn, source_account=source_account,
        )  # fmt: skip
        statements = {**function.statements, statement_id: made}
        if (size := len(document(statements.values()).encode())) > _MOST_POLICY:
            message = f"The final policy size ({size}) is bigger than the limit ({_MOST_POLICY})."
            raise error("PolicyLengthExceededException", message)
        function.statements, function.policy_revision = statements, self._revisions.uuid()
        return {"Statement": json.dumps(made, separators=(",", ":"))}

    def remove_permission(
        self,
        call: Call,
        function_name: str,
        statement_id: str,
        qualifier: str | None = None,
        revision_id: str | None = None,
    ) -> Json:
        """Take a permission back."""
        function = self._of_policy(call, function_name, qualifier, revision_id)
        if not function.statements:
            message = "No policy is associated with the given resource."
            raise error("ResourceNotFoundException", message)
        if function.statements.pop(statement_id, None) is None:
            message = f"Statement {statement_id} is not found in resource policy."
            raise error("ResourceNotFoundException", message)
        function.policy_revision = self._revisions.uuid()
        return {}

    def get_policy(self, call: Call, function_name: str, qualifier: str | None = None) -> Json:
        """Return the resource policy."""
        function = self._of_policy(call, function_name, qualifier, None)
        if not function.statements:
            message = "The resource you requested does not exist."
            raise error("ResourceNotFoundException", message)
        policy = document(function.statements.values())
        return {"Policy": policy, "RevisionId": function.policy_revision}

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

    def _function(self, call: Call, name: str, qualifier: str = "$LATEST") -> Function:
        """Return a function of a name or ARN, which there is unpublished alone.

        One of another account does not exist for a caller, unless policies are enforced: then
        whoever comes here has its owner's leave.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        named = _parse(name)
        arn = _arn(named, call)
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
            message = _STALE.format("GetFunction/GetAlias")
            raise error("PreconditionFailedException", message)
        _require_active(function)
        if function.configuration["LastUpdateStatus"] == "InProgress":
            message = "The operation cannot be performed at this time. An update is in progress for"
            raise error("ResourceConflictException", f"{message} resource: {function.arn}")
        return function

    def _of_policy(
        self, call: Call, name: str, qualifier: str | None, revision: str | None
    ) -> Function:
        """Return the function of a resource policy, of which the unpublished one has a single.

        Raises:
            AwsError: InvalidParameterValueException, ``$LATEST`` is named;
                PreconditionFailedException, ``revision`` is not the latest.
        """
        if qualifier == "$LATEST":
            raise invalid("We currently do not support adding policies for $LATEST.")
        function = self._function(call, name, qualifier or "$LATEST")
        if revision and revision != function.policy_revision:
            raise error("PreconditionFailedException", _STALE.format("GetPolicy"))
        return function

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
            _retire(function)

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
        _require_active(function)
        if function.pool is None:
            configuration, archive = function.serving
            stream = f"{self.world.clock.now():%Y/%m/%d}/[$LATEST]"
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


def _parse(named: str) -> dict[str, str | None]:
    found = _NAME.fullmatch(named)
    if found is None:
        raise invalid(f"The function name is not valid: {named!r}")
    return found.groupdict()


def _arn(named: Mapping[str, str | None], call: Call | None = None) -> str:
    """Return the unqualified ARN; what the name leaves out is the caller's."""
    region = named["region"] or (call.region if call else "")
    account = named["account"] or (call.account if call else "")
    return f"arn:aws:lambda:{region}:{account}:function:{named['name']}"


def _run_unheard(pool: Pool, number: str, payload: bytes) -> None:
    with contextlib.suppress(AwsError, LabClosedError):
        pool.run(number, payload)


def _retire(function: Function) -> None:
    if function.pool:
        function.pool.retire()
        function.pool = None


def _require_active(function: Function) -> None:
    if (state := function.configuration["State"]) != "Active":
        message = "The operation cannot be performed at this time. The function is currently in the"
        raise error("ResourceConflictException", f"{message} following state: {state}")


def _check_size(payload: bytes, kind: str) -> None:
    if len(payload) > (most := _MOST_PAYLOAD[kind]):
        message = f"{len(payload)} byte payload is too large for the {kind} invocation type"
        raise error("RequestTooLargeException", f"{message} (limit {most} bytes)")


def _check_json(payload: bytes) -> None:
    try:
        json.loads(payload.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as why:
        message = f"Could not parse payload into json: {why}"
        raise error(
            "InvalidRequestContentException", f"Could not parse request body into json: {message}"
        ) from why


def _no_number(text: str) -> None:
    raise ValueError(f"Non-standard token '{text}'")


def _check(settings: Json, call: Call, roles: ExecutionRoles) -> None:
    """Check a function's settings, as far as the model does not.

    Raises:
        AwsError: InvalidParameterValueException, ValidationException or AccessDeniedException.
    """
    if not settings["Runtime"].startswith("python3"):
        raise not_simulated(f"the Lambda runtime {settings['Runtime']}")
    if settings["Timeout"] > _MOST_SECONDS:
        raise violation(
            f"Value '{settings['Timeout']}' at 'timeout' failed to satisfy constraint: Member must "
            f"have value less than or equal to {_MOST_SECONDS}"
        )
    if settings["MemorySize"] > _MOST_MEMORY:
        raise invalid(
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or "
            f"equal to {_MOST_MEMORY}"
        )
    if settings["Role"].split(":")[4] != call.account:
        raise AwsError("AccessDeniedException", "Cross-account pass role is not allowed.", 403)
    if not roles.trust_lambda(settings["Role"]):
        raise invalid("The role defined for the function cannot be assumed by Lambda.")
    _check_variables(settings.get("Environment", {}).get("Variables", {}))


def _check_variables(variables: Mapping[str, str]) -> None:
    if not all(map(_VARIABLE.fullmatch, variables)):
        raise violation(
            "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy "
            "constraint: [Member must satisfy regular expression pattern: "
            "[a-zA-Z]([a-zA-Z0-9_])+]"
        )
    unable = (
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided"
    )
    if taken := sorted(_RESERVED & variables.keys()):
        raise invalid(
            f"{unable} contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(taken)}"
        )
    if any(not _is_environment(value) for value in variables.values()):
        raise invalid(f"{unable} hold a character that no environment can")
    written = json.dumps(dict(variables), ensure_ascii=False, separators=(",", ":"))
    if len(written.encode()) > _MOST_VARIABLES:
        raise invalid(f"{unable} exceeded the 4KB limit.")


def _is_environment(value: str) -> bool:
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False


def _logging(name: str, asked: Json) -> Json:
    """Return where and how a function logs; that it does is not simulated.

    Raises:
        AwsError: NotImplemented; in JSON, or filtered by level.
    """
    if asked.get("LogFormat", "Text") != "Text" or asked.keys() - {"LogFormat", "LogGroup"}:
        raise not_simulated("a Lambda function that logs JSON, or from a level on")
    return {"LogFormat": "Text", "LogGroup": asked.get("LogGroup", f"/aws/lambda/{name}")}


def _refuse_unknown(asked: Json) -> None:
    if others := sorted(set(asked) - _TAKEN):
        raise not_simulated(f"a Lambda function with {', '.join(others)}")
    if asked.get("PackageType", "Zip") != "Zip":
        raise not_simulated("a Lambda function from an image")
    if asked.get("Publish"):
        raise not_simulated("published versions of a Lambda function")
