"""What runs inside an execution environment: load the handler, then answer one event at a time.

It is Lambda's runtime for Python in small: the same names, errors, traces and log lines as
awslambdaric's, which AWS publishes. Started as a program of its own with the number of an inherited
socket; imports nothing of pkilab, so that a function finds its own packages first.

Standard input is a pipe that the parent never writes to: when it ends, the parent is gone, and
everything here ends too. Standard output and error are the function's log.

Not as on AWS: numbers of type Decimal are written as floating point numbers.
"""

from __future__ import annotations

import decimal
import fcntl
import importlib
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any

Json = dict[str, Any]
Handler = Callable[[Any, "Context"], Any]

_MOST_RESPONSE = 6_291_556  # bytes: 6 MB and 100 bytes, as Lambda's own message has it
_PRINTED_AS_TEXT = {f"AWS_Lambda_python3.{minor}" for minor in range(6, 12)}  # escapes non-ASCII
_NO_BREAK_SPACE = "\u00a0"  # indents a trace in the log, so that CloudWatch keeps it in one event


class Fault(Exception):  # noqa: N818 - awslambdaric's word
    """What Lambda's runtime, rather than the function, finds wrong."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, trace or []


class Context:
    """The handler's second argument (Lambda Developer Guide, "Lambda context object in Python")."""

    def __init__(self, request_id: str, arn: str, deadline: float) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = self.tenant_id = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the handler may still run."""
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, message: object) -> None:
        """Write to the log."""
        sys.stdout.write(str(message))


class Encoder(json.JSONEncoder):
    """Lambda's ideas of JSON, beyond the standard library's."""

    def __init__(self) -> None:
        super().__init__(
            ensure_ascii=os.environ["AWS_EXECUTION_ENV"] in _PRINTED_AS_TEXT, allow_nan=True
        )

    def default(self, o: object) -> object:
        """Encode numbers of type Decimal, and bytes as the text that they hold."""
        if isinstance(o, decimal.Decimal):
            return int(o) if o.is_finite() and o == o.to_integral_value() else float(o)
        return o.decode() if isinstance(o, bytes) else super().default(o)


def main(descriptor: int) -> None:
    """Serve events from the parent until it goes away."""
    _end_with_parent()
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - what a handler starts does not hold it
    parent, request, own = Connection(descriptor), SimpleNamespace(id=""), os.getpid()
    _log_as_lambda(request)
    try:
        handler = _load(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - the function's own, or a Fault
        failure = _failure(error, "")
        parent.send_bytes(json.dumps(failure).encode())
        sys.exit(1)
    parent.send_bytes(b"")
    while True:
        event = json.loads(parent.recv_bytes())
        request.id = event["id"]
        payload, failed = _answer(handler, event, parent.recv_bytes())
        if os.getpid() != own:  # a copy that the handler forked: one has answered
            os._exit(0)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        parent.send_bytes(json.dumps({"failed": failed, "memory": used}).encode())
        parent.send_bytes(payload)


def _end_with_parent() -> None:
    """End when the parent does, with all that the handler started."""
    lifeline = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if sys.platform == "linux":
        # By the kernel: a handler may never let go of the interpreter, and no thread runs then.
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpid())  # the group, which is this process's
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)
    threading.Thread(target=_end_after, args=(lifeline,), daemon=True).start()


def _end_after(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(os.getpid(), signal.SIGKILL)


def _log_as_lambda(request: SimpleNamespace) -> None:
    """Let the root logger write as it does on AWS; the time is the machine's."""

    def told(record: logging.LogRecord) -> bool:
        record.aws_request_id = request.id
        return True

    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
            "%Y-%m-%dT%H:%M:%S",
        )
    )
    handler.addFilter(told)
    logging.getLogger().addHandler(handler)


def _load(handler: str) -> Handler:
    """Import the handler.

    Raises:
        Fault: it cannot be had.
        Exception: whatever its module raises.
    """
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        reason = "not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {reason}")
    if module_name.split(".", maxsplit=1)[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise Fault("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        place = f'  File "{_shown(error.filename or "")}" Line {error.lineno}\n    {error.text}'
        raise Fault("Runtime.UserCodeSyntaxError", message, [place]) from error
    try:
        found: Handler = getattr(module, name)
    except AttributeError as error:
        message = f"Handler '{name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message) from error
    return found


def _answer(handler: Handler, event: Json, payload: bytes) -> tuple[bytes, bool]:
    """Return the handler's answer, and whether it is an error."""
    try:
        result = _marshal(handler(_unmarshal(payload), _context(event)))
    except Exception as error:  # noqa: BLE001 - the function's own, or a Fault
        return json.dumps(_failure(error, event["id"])).encode(), True
    if len(result) > _MOST_RESPONSE:
        size = f"Response payload size ({len(result)} bytes)"
        message = f"{size} exceeded maximum allowed payload size ({_MOST_RESPONSE} bytes)."
        failure = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
        return json.dumps(failure).encode(), True
    return result, False


def _context(event: Json) -> Context:
    return Context(event["id"], event["arn"], event["deadline"])


def _unmarshal(payload: bytes) -> Any:  # noqa: ANN401 - JSON is untyped
    try:
        return json.loads(payload)
    except Exception as error:
        message = f"Unable to unmarshal input: {error}"
        raise Fault("Runtime.UnmarshalError", message) from error


def _marshal(result: object) -> bytes:
    if isinstance(result, bytes):
        return result
    try:
        return Encoder().encode(result).encode()
    except Exception as error:
        message = f"Unable to marshal response: {error}"
        raise Fault("Runtime.MarshalError", message) from error


def _failure(error: Exception, request_id: str) -> Json:
    """Return an error as Lambda answers it, and log it."""
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        kind, message, trace = type(error).__name__, _text(error), _trace(error)
    message = message.replace(os.environ["LAMBDA_TASK_ROOT"], "/var/task")
    lines = [f"[ERROR] {kind}: {message}" if message else f"[ERROR] {kind}"]
    lines.append("Traceback (most recent call last):")
    for line in "\n".join(trace).splitlines():
        text = line.lstrip(" ")
        lines.append(_NO_BREAK_SPACE * (len(line) - len(text)) + text)
    os.write(1, ("\n".join(lines) + "\n").encode(errors="replace"))
    return {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": trace,
    }


def _text(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception's own __str__
        return "<exception str() failed>"


def _trace(error: BaseException) -> list[str]:
    """Return the function's own frames, at the paths they have on AWS."""
    frames = traceback.extract_tb(error.__traceback__)
    while frames and frames[0].filename == __file__:
        del frames[0]
    shown = [(_shown(each.filename), each.lineno, each.name, each.line) for each in frames]
    return traceback.format_list(shown)  # type: ignore[arg-type]  # a line may be unknown


def _shown(path: str) -> str:
    places = {os.environ["LAMBDA_TASK_ROOT"]: "/var/task", sys.prefix: "/var/lang"}
    for place, shown in {**places, sys.base_prefix: "/var/lang"}.items():
        if path.startswith(place + os.sep):
            return shown + path[len(place) :]
    return path


if __name__ == "__main__":
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    main(int(sys.argv[1]))
