"""What runs inside an execution environment: load the handler, then answer one event at a time.

Started as a program of its own with the number of an inherited socket; imports nothing of pkilab,
so that a function finds its own packages first. The parent going away ends it at once.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from typing import Any

Json = dict[str, Any]


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
        self.identity = self.client_context = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the handler may still run."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def main(descriptor: int) -> None:
    """Serve events from the parent until it goes away."""
    parent, events = Connection(descriptor), queue.Queue[bytes]()
    threading.Thread(target=_receive, args=(parent, events), daemon=True).start()
    handler, failure = _load(os.environ["_HANDLER"])
    parent.send_bytes(b"ready")
    while True:
        parent.send_bytes(json.dumps(_answer(json.loads(events.get()), handler, failure)).encode())


def _receive(parent: Connection, events: queue.Queue[bytes]) -> None:
    try:
        while True:
            events.put(parent.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)  # whatever the handler is doing


def _load(handler: str) -> tuple[Callable[[Any, Context], Any] | None, Json]:
    """Return the handler, or None and why it cannot be had, as Lambda puts it."""
    module_name, _, name = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        return None, _failure("Runtime.ImportModuleError", message)
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        return None, _failure("Runtime.UserCodeSyntaxError", message)
    except Exception as error:  # noqa: BLE001 - the function's own, at import
        return None, _failure(type(error).__name__, str(error), _trace(error))
    found = getattr(module, name, None)
    if not callable(found):
        message = f"Handler '{name}' missing on module '{module_name}'"
        return None, _failure("Runtime.HandlerNotFound", message)
    return found, {}


def _answer(event: Json, handler: Callable[[Any, Context], Any] | None, failure: Json) -> Json:
    log = io.StringIO()
    result, failed = _run(event, handler, log) if handler else (failure, True)
    if failed:
        result = {**result, "requestId": event["id"]}
    try:
        payload = json.dumps(result, ensure_ascii=False)
        payload.encode()
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        failed, payload = True, json.dumps(_failure("Runtime.MarshalError", message, (), event))
    return {"payload": payload, "failed": failed, "log": log.getvalue()}


def _run(event: Json, handler: Callable[[Any, Context], Any], log: io.StringIO) -> tuple[Any, bool]:
    try:
        asked = json.loads(event["payload"])
    except ValueError as error:
        message = f"Unable to unmarshal input: {error}"
        return _failure("Runtime.UnmarshalError", message), True
    context = Context(event["id"], event["arn"], time.monotonic() + event["seconds"])
    handlers = logging.getLogger().handlers
    handlers[:] = [logging.StreamHandler(log)]
    handlers[0].setFormatter(
        logging.Formatter(f"[%(levelname)s]\t{event['id']}\t%(message)s")  # as Lambda's, undated
    )
    with redirect_stdout(log), redirect_stderr(log):
        try:
            return handler(asked, context), False
        except SystemExit as end:
            os._exit(end.code if isinstance(end.code, int) else 1)
        except BaseException as error:  # noqa: BLE001 - the function's own
            failure = _failure(type(error).__name__, str(error), _trace(error))
            log.write(f"[ERROR] {type(error).__name__}: {error}\n")
            return failure, True


def _failure(
    kind: str, message: str, trace: tuple[str, ...] = (), event: Json | None = None
) -> Json:
    number = {"requestId": event["id"]} if event else {}
    return {"errorMessage": message, "errorType": kind, **number, "stackTrace": list(trace)}


def _trace(error: BaseException) -> tuple[str, ...]:
    """Return the function's own frames, at the paths they have on AWS."""
    lines = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
    places = {os.environ["LAMBDA_TASK_ROOT"]: "/var/task", sys.prefix: "/var/lang"}
    for place, shown in {**places, sys.base_prefix: "/var/lang"}.items():
        lines = [line.replace(place, shown) for line in lines]
    return tuple(lines)


if __name__ == "__main__":
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    main(int(sys.argv[1]))
