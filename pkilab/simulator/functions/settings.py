"""What a function may be made of, and what it may be handed: settings and payloads, checked.

Source: AWS Lambda API Reference, CreateFunction and Invoke; Developer Guide, "Lambda quotas" and
"Working with Lambda environment variables".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from pkilab.simulator.functions.errors import error, invalid, violation
from pkilab.simulator.functions.roles import ExecutionRoles
from pkilab.simulator.service import AwsError, Call, Json, not_simulated

CONFIGURATION = (
    "Handler",
    "Description",
    "Timeout",
    "MemorySize",
    "Environment",
    "Role",
    "Runtime",
    "LoggingConfig",
    "DeadLetterConfig",
)
# What CreateFunction takes besides; everything else of its model is refused.
_TAKEN = {
    *CONFIGURATION,
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
MOST_NAME = 64
_MOST_VARIABLES = 4096  # bytes of all of them as JSON
_MOST_SECONDS = 900
_MOST_MEMORY = 10240  # MB
_MOST_PAYLOAD = {"RequestResponse": 6 * 2**20, "DryRun": 6 * 2**20, "Event": 2**20}


def check_size(payload: bytes, kind: str) -> None:
    """Check how long a payload is, for an invocation type.

    Raises:
        AwsError: RequestTooLargeException.
    """
    if len(payload) > (most := _MOST_PAYLOAD[kind]):
        message = f"{len(payload)} byte payload is too large for the {kind} invocation type"
        raise error("RequestTooLargeException", f"{message} (limit {most} bytes)")


def check_json(payload: bytes) -> None:
    """Check that a payload is JSON.

    Raises:
        AwsError: InvalidRequestContentException.
    """
    try:
        json.loads(payload.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as why:
        message = f"Could not parse payload into json: {why}"
        raise error(
            "InvalidRequestContentException", f"Could not parse request body into json: {message}"
        ) from why


def _no_number(text: str) -> None:
    raise ValueError(f"Non-standard token '{text}'")


def check(settings: Json, call: Call, roles: ExecutionRoles) -> None:
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


def logging_of(name: str, asked: Json) -> Json:
    """Return where and how a function logs; that it does is not simulated.

    Raises:
        AwsError: NotImplemented; in JSON, or filtered by level.
    """
    if asked.get("LogFormat", "Text") != "Text" or asked.keys() - {"LogFormat", "LogGroup"}:
        raise not_simulated("a Lambda function that logs JSON, or from a level on")
    return {"LogFormat": "Text", "LogGroup": asked.get("LogGroup", f"/aws/lambda/{name}")}


def refuse_unknown(asked: Json) -> None:
    """Refuse what a request says that is not modelled.

    Raises:
        AwsError: NotImplemented.
    """
    if others := sorted(set(asked) - _TAKEN):
        raise not_simulated(f"a Lambda function with {', '.join(others)}")
    if asked.get("PackageType", "Zip") != "Zip":
        raise not_simulated("a Lambda function from an image")
    if asked.get("Publish"):
        raise not_simulated("published versions of a Lambda function")
