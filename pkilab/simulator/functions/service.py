"""AWS Lambda's operations: Python functions from zip archives, invoked for real.

Source: AWS Lambda API Reference and Developer Guide.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pkilab.simulator.functions.environment import Deployment, Invocation, Pool
from pkilab.simulator.functions.permissions import allows, statement
from pkilab.simulator.functions.roles import trusts_lambda
from pkilab.simulator.rest import RestJsonService, error
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError, Call, Json, Later, not_simulated
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
_RESERVED = re.compile(r"AWS_(?!.*TRACE)[A-Z_]+|_HANDLER|_X_AMZN_TRACE_ID|LAMBDA_[A-Z_]+")
_MOST_VARIABLES = 4096  # bytes, names and values together
_MOST_SECONDS = 900
_MOST_PAYLOAD = 6 * 2**20
_MOST_UNZIPPED = 250 * 2**20
_LOG_TAIL = 4096


@dataclass
class Function:
    """A function: its configuration as ``GetFunctionConfiguration`` answers it, and its code."""

    configuration: Json
    archive: bytes = field(repr=False)
    tags: dict[str, str]
    pool: Pool | None = None
    statements: dict[str, Json] = field(default_factory=dict)  # by StatementId

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

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.network: Callable[[], str] = lambda: "http://127.0.0.1:9"  # refuses
        self.credentials: Callable[[str], Mapping[str, str]] = lambda _account: {}
        self._functions: dict[str, Function] = {}  # by ARN
        self._numbers = world.entropy("lambda")
        self._s3 = S3()

    def close(self) -> None:
        """End every execution environment."""
        for function in self._functions.values():
            _discard(function)

    # For other services.

    def call(self, arn: str, payload: bytes, *, principal: str, source_arn: str) -> Invocation:
        """Run a function for a service; outside of any turn.

        Raises:
            AwsError: ResourceNotFoundException; AccessDeniedException, its resource policy does
                not let the service.
        """
        with self.world.turn():
            function = self._functions.get(_unqualified(arn))
            if function is None:
                raise error(self.name, "ResourceNotFoundException", f"Function not found: {arn}")
            statements = function.statements.values()
            if not allows(statements, principal=principal, source_arn=source_arn):
                message = f"{principal} is not authorized to perform: lambda:InvokeFunction"
                raise AwsError("AccessDeniedException", message, 403)
            pool, number = self._pool(function), self._numbers.uuid()
        return pool.run(number, payload)

    # Functions.

    def create_function(self, call: Call, **members: Any) -> Json:  # noqa: ANN401 - the model's
        """Create a function from a zip archive."""
        asked = {_CAMEL.get(name, name): value for name, value in members.items()}
        name = _parse(asked["FunctionName"])["name"]
        arn = f"arn:aws:lambda:{call.region}:{call.account}:function:{name}"
        if arn in self._functions:
            raise error(self.name, "ResourceConflictException", f"Function already exist: {name}")
        _refuse_unknown(asked)
        for needed in ("Runtime", "Handler"):
            if needed not in asked:
                message = "Runtime and Handler are mandatory parameters for functions created with"
                raise _invalid(f"{message} deployment packages.")
        archive = self._archive(asked["Code"], call)
        settings = {"Description": "", "Timeout": 3, "MemorySize": 128} | {
            key: asked[key] for key in _CONFIGURATION if key in asked
        }
        self._check(settings)
        configuration = {
            **settings,
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
        self._touch(function, call)
        return self._pending(function)

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

    def list_functions(self, call: Call, **_paging: object) -> Json:
        """List the functions of an account and Region, on one page."""
        place = f"arn:aws:lambda:{call.region}:{call.account}:"
        found = sorted(arn for arn in self._functions if arn.startswith(place))
        return {"Functions": [self._functions[arn].configuration for arn in found]}

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
        """Deploy other code; running environments are discarded."""
        if publish or architectures:
            raise not_simulated("lambda:UpdateFunctionCode with Publish or Architectures")
        function = self._function(call, function_name)
        _check_revision(function, revision_id)
        archive = self._archive({_CAMEL[name]: value for name, value in code.items()}, call)
        if not dry_run:
            function.archive = archive
            self._touch(function, call)
        return function.configuration

    def update_function_configuration(
        self,
        call: Call,
        function_name: str,
        revision_id: str | None = None,
        **members: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Change settings; running environments are discarded."""
        function = self._function(call, function_name)
        _check_revision(function, revision_id)
        asked = {_CAMEL.get(name, name): value for name, value in members.items()}
        _refuse_unknown(asked)
        self._check({**function.configuration, **asked})
        function.configuration.update(asked)
        self._touch(function, call)
        return function.configuration

    def delete_function(self, call: Call, function_name: str, qualifier: str = "") -> Json:
        """Delete a function at once."""
        if qualifier:
            raise not_simulated("lambda:DeleteFunction of a version")
        function = self._function(call, function_name)
        _discard(function)
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
        if others.keys() - {"client_context"}:
            raise not_simulated(f"lambda:Invoke with {', '.join(sorted(others))}")
        function = self._function(call, function_name, qualifier)
        if len(payload) > _MOST_PAYLOAD:
            message = f"{len(payload)} byte payload is too large for the RequestResponse invocation"
            raise error(self.name, "RequestTooLargeException", message)
        try:
            json.loads(payload or b"{}")
        except ValueError as why:
            message = f"Could not parse request body into json: {why}"
            raise error(self.name, "InvalidRequestContentException", message) from why
        if invocation_type == "DryRun":
            return {"StatusCode": 204}
        pool, number = self._pool(function), self._numbers.uuid()

        def run() -> Json:
            done = pool.run(number, payload or b"{}")
            if invocation_type == "Event":
                return {"StatusCode": 202}
            tail = base64.b64encode(done.log.encode()[-_LOG_TAIL:]).decode()
            return {
                "StatusCode": 200,
                "Payload": done.payload,
                "FunctionError": done.function_error,
                "ExecutedVersion": "$LATEST",
                "LogResult": tail if log_type == "Tail" else None,
            }

        return Later(run)

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
        **others: object,
    ) -> Json:
        """Let a service or an account invoke the function."""
        if others.keys() - {"revision_id"}:
            raise not_simulated(f"lambda:AddPermission with {', '.join(sorted(others))}")
        function = self._function(call, function_name)
        if statement_id in function.statements:
            message = f"The statement id ({statement_id}) provided already exists. Please provide a"
            raise error(
                self.name, "ResourceConflictException", f"{message} new statement id, or remove "
                "the existing statement."
            )  # fmt: skip
        made = statement(
            statement_id, action, principal, function.arn,
            source_arn=source_arn, source_account=source_account,
        )  # fmt: skip
        function.statements[statement_id] = made
        return {"Statement": json.dumps(made)}

    def remove_permission(
        self, call: Call, function_name: str, statement_id: str, **_others: object
    ) -> Json:
        """Take a permission back."""
        function = self._function(call, function_name)
        if function.statements.pop(statement_id, None) is None:
            message = f"Statement {statement_id} is not found in resource policy."
            raise error(self.name, "ResourceNotFoundException", message)
        return {}

    def get_policy(self, call: Call, function_name: str, **_others: object) -> Json:
        """Return the resource policy."""
        function = self._function(call, function_name)
        if not function.statements:
            message = "The resource you requested does not exist."
            raise error(self.name, "ResourceNotFoundException", message)
        policy = {
            "Version": "2012-10-17",
            "Id": "default",
            "Statement": list(function.statements.values()),
        }
        revision = function.configuration["RevisionId"]
        return {"Policy": json.dumps(policy), "RevisionId": revision}

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
        for key in tag_keys:
            self._function(call, resource).tags.pop(key, None)
        return {}

    # Within.

    def _function(self, call: Call, named: str, qualifier: str = "$LATEST") -> Function:
        parts = _parse(named)
        account, region = parts["account"] or call.account, parts["region"] or call.region
        arn = f"arn:aws:lambda:{region}:{account}:function:{parts['name']}"
        function = self._functions.get(arn) if account == call.account else None
        if (parts["qualifier"] or qualifier) != "$LATEST":
            arn, function = f"{arn}:{parts['qualifier'] or qualifier}", None
        if function is None:
            raise error(self.name, "ResourceNotFoundException", f"Function not found: {arn}")
        return function

    def _archive(self, code: Json, call: Call) -> bytes:
        """Return the zip archive of a deployment package, checked."""
        if set(code) - {"ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion"}:
            raise not_simulated("lambda functions from images or other repositories")
        if "ZipFile" in code:
            archive: bytes = code["ZipFile"]
        elif "S3Bucket" in code and "S3Key" in code:
            version = code.get("S3ObjectVersion")
            found = self._s3.get(code["S3Bucket"], code["S3Key"], version)
            if found is None or found.account != call.account:
                message = "Error occurred while GetObject. S3 Error Code: NoSuchKey."
                raise _invalid(f"{message} S3 Error Message: The specified key does not exist.")
            archive = found.body
        else:
            raise _invalid("Please provide a source for function code.")
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as opened:
                size = sum(each.file_size for each in opened.infolist())
                broken = opened.testzip()
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError):
            size, broken = 0, "archive"
        if broken:
            raise _invalid(
                "Could not unzip uploaded file. Please check your file, then try to upload again."
            )
        if size > _MOST_UNZIPPED:
            raise _invalid(f"Unzipped size must be smaller than {_MOST_UNZIPPED} bytes")
        return archive

    def _check(self, settings: Json) -> None:
        runtime, role = settings["Runtime"], settings["Role"]
        if not runtime.startswith("python3"):
            raise not_simulated(f"the Lambda runtime {runtime}")
        if settings["Timeout"] > _MOST_SECONDS:
            raise _invalid(f"Timeout must be at most {_MOST_SECONDS} seconds")
        if "." not in settings["Handler"]:
            raise _invalid(f"Bad handler '{settings['Handler']}': expected module.function")
        if not trusts_lambda(role):
            raise _invalid("The role defined for the function cannot be assumed by Lambda.")
        variables = settings.get("Environment", {}).get("Variables", {})
        if taken := sorted(name for name in variables if _RESERVED.fullmatch(name)):
            raise _invalid(
                "Lambda was unable to configure your environment variables because the environment "
                "variables you have provided contains reserved keys that are currently not "
                f"supported for modification. Reserved keys used in this request: "
                f"{', '.join(taken)}"
            )
        if bad := [name for name in variables if not re.fullmatch(r"[a-zA-Z]\w*", name, re.ASCII)]:
            raise _invalid(f"The name of an environment variable is not valid: {bad[0]!r}")
        if any("\0" in value for value in variables.values()):
            raise _invalid("The value of an environment variable holds a null character")
        if sum(
            len(k.encode()) + len(v.encode("utf-8", "replace")) for k, v in variables.items()
        ) > (_MOST_VARIABLES):
            raise _invalid(
                "Lambda was unable to configure your environment variables because the environment "
                "variables you have provided exceeded the 4KB limit."
            )

    def _touch(self, function: Function, call: Call) -> None:
        """Note a change, and let environments of before go."""
        _discard(function)
        function.configuration |= {
            "CodeSha256": base64.b64encode(hashlib.sha256(function.archive).digest()).decode(),
            "CodeSize": len(function.archive),
            "LastModified": call.now.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "RevisionId": self._numbers.uuid(),
        }

    def _pending(self, function: Function) -> Json:
        """Return a new function's configuration: Pending for as long as the world takes."""
        if not self.world.latency:
            return function.configuration

        def activate() -> None:
            function.configuration["State"] = "Active"
            for name in ("StateReason", "StateReasonCode"):
                function.configuration.pop(name, None)

        function.configuration |= {
            "State": "Pending",
            "StateReason": "The function is being created.",
            "StateReasonCode": "Creating",
        }
        when = self.world.clock.now() + self.world.latency
        self.world.clock.at(when, activate, f"lambda: {function.arn} active")
        return dict(function.configuration)

    def _pool(self, function: Function) -> Pool:
        """Return the function's environments.

        Raises:
            AwsError: ResourceConflictException, it is not active yet.
        """
        configuration = function.configuration
        if configuration["State"] != "Active":
            message = "The operation cannot be performed at this time. The function is currently in"
            raise error(
                self.name, "ResourceConflictException", f"{message} the following state: Pending"
            )
        if function.pool is None:
            account = configuration["FunctionArn"].split(":")[4]
            function.pool = Pool(
                Deployment(
                    function.arn,
                    function.archive,
                    {**self._variables(configuration), **self.credentials(account)},
                    configuration["Timeout"],
                )
            )
        return function.pool

    def _variables(self, configuration: Json) -> dict[str, str]:
        name, region = configuration["FunctionName"], configuration["FunctionArn"].split(":")[3]
        network = self.network()
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), network)
        return {
            **configuration.get("Environment", {}).get("Variables", {}),
            **proxies,
            "no_proxy": "127.0.0.1",
            "NO_PROXY": "127.0.0.1",
            "AWS_ENDPOINT_URL": network,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration['Runtime']}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{self.world.clock.now():%Y/%m/%d}/[$LATEST]simulated",
            "_HANDLER": configuration["Handler"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }


def _parse(named: str) -> dict[str, str | None]:
    found = _NAME.fullmatch(named)
    if found is None:
        raise _invalid(f"The function name is not valid: {named!r}")
    return found.groupdict()


def _unqualified(arn: str) -> str:
    return ":".join(arn.split(":")[:7])


def _discard(function: Function) -> None:
    if function.pool:
        function.pool.close()
        function.pool = None


def _check_revision(function: Function, revision: str | None) -> None:
    if revision and revision != function.configuration["RevisionId"]:
        message = "The Revision Id provided does not match the latest Revision Id."
        raise error(Lambda.name, "PreconditionFailedException", message)


def _refuse_unknown(asked: Json) -> None:
    if others := sorted(set(asked) - _TAKEN):
        raise not_simulated(f"a Lambda function with {', '.join(others)}")
    if asked.get("PackageType", "Zip") != "Zip":
        raise not_simulated("a Lambda function from an image")
    if asked.get("Publish"):
        raise not_simulated("published versions of a Lambda function")


def _invalid(message: str) -> AwsError:
    return error(Lambda.name, "InvalidParameterValueException", message)


# Arguments back to the model's members.
_CAMEL = {
    "function_name": "FunctionName", "runtime": "Runtime", "role": "Role", "handler": "Handler",
    "code": "Code", "description": "Description", "timeout": "Timeout", "tags": "Tags",
    "memory_size": "MemorySize", "environment": "Environment", "package_type": "PackageType",
    "architectures": "Architectures", "publish": "Publish", "zip_file": "ZipFile",
    "s3_bucket": "S3Bucket", "s3_key": "S3Key", "s3_object_version": "S3ObjectVersion",
    "image_uri": "ImageUri",
}  # fmt: skip
