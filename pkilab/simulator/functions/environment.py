"""Execution environments: a child process per concurrent invocation of a function, kept warm.

A function runs on the lab's own Python, with the packages installed there, in a folder of its own
and with the function's environment variables alone. Its network is the world: HTTP goes through a
proxy, and AWS calls to an endpoint, that are both the world's own loopback server.

Not simulated: memory limits, ``/var/task``, other runtimes; the clock a function sees is the
machine's.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_INIT_SECONDS = 30  # AWS gives a cold start 10; a laptop may be slower
_MOST_ENVIRONMENTS = 4  # per function; further invocations wait for one of these


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came of running a function: its answer, and its error if it failed."""

    request_id: str
    payload: bytes
    function_error: str | None
    log: str

    @property
    def status(self) -> int:
        """The HTTP status of a synchronous invocation, which a failing function leaves at 200."""
        return 200


@dataclass(frozen=True, slots=True)
class Deployment:
    """What an environment is made from."""

    arn: str
    archive: bytes = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)  # all of them, Lambda's own included
    seconds: int


class EndedError(Exception):
    """The child process ended or was ended; ``message`` is as Lambda words it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


class Environment:
    """One child process, running one event at a time."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._folder = tempfile.TemporaryDirectory(prefix="pkilab-function-")
        root = Path(self._folder.name)
        with zipfile.ZipFile(io.BytesIO(deployment.archive)) as archive:
            archive.extractall(root)  # zipfile keeps every name inside the folder
        self._parent, child = Pipe()
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own program
            [sys.executable, "-I", str(_BOOTSTRAP), str(child.fileno())],
            cwd=root,
            env={**deployment.variables, "LAMBDA_TASK_ROOT": str(root)},
            pass_fds=[child.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        child.close()
        self._ready = False

    def run(self, request_id: str, payload: bytes) -> Invocation:
        """Run one event.

        Raises:
            EndedError: the process ended, or ran into the function's timeout and was killed.
        """
        try:
            if not self._ready:
                if not self._parent.poll(_INIT_SECONDS):
                    raise self._timed_out(request_id)
                self._parent.recv_bytes()
                self._ready = True
            seconds = self._deployment.seconds
            event = {
                "id": request_id,
                "arn": self._deployment.arn,
                "payload": payload.decode(errors="surrogateescape"),
                "seconds": seconds,
            }
            self._parent.send_bytes(json.dumps(event).encode())
            if not self._parent.poll(seconds):
                raise self._timed_out(request_id)
            answer = json.loads(self._parent.recv_bytes())
        except (EOFError, OSError) as error:
            code = self._process.wait()
            told = f"exit status {code}" if code >= 0 else f"signal: {-code}"
            message = f"RequestId: {request_id} Error: Runtime exited with error: {told}"
            raise EndedError("Runtime.ExitError", message) from error
        return Invocation(
            request_id,
            answer["payload"].encode(errors="surrogateescape"),
            "Unhandled" if answer["failed"] else None,
            answer["log"],
        )

    def _timed_out(self, request_id: str) -> EndedError:
        message = (
            f"RequestId: {request_id} Error: Task timed out after "
            f"{self._deployment.seconds:.2f} seconds"
        )
        return EndedError("Sandbox.Timedout", message)

    def close(self) -> None:
        """End the process and remove its folder."""
        self._parent.close()
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._folder.cleanup()


class Pool:
    """The environments of one deployment of a function."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._idle: list[Environment] = []
        self._busy: set[Environment] = set()
        self._changed = threading.Condition()
        self._closed = False

    def run(self, request_id: str, payload: bytes) -> Invocation:
        """Run one event in a warm environment, or in a new one. Waits while all are busy."""
        started = time.perf_counter()
        environment = self._take()
        try:
            result = environment.run(request_id, payload)
        except EndedError as end:
            failure = {"errorType": end.kind, "errorMessage": end.message}
            result = Invocation(
                request_id, json.dumps(failure).encode(), "Unhandled", f"{end.message}\n"
            )
            self._give_back(environment, alive=False)
        else:
            self._give_back(environment, alive=True)
        lasted = (time.perf_counter() - started) * 1000
        log = (
            f"START RequestId: {request_id} Version: $LATEST\n{result.log}"
            f"END RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: {lasted:.2f} ms\n"
        )
        return Invocation(request_id, result.payload, result.function_error, log)

    def _take(self) -> Environment:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._idle or len(self._busy) < _MOST_ENVIRONMENTS
            )
            environment = self._idle.pop() if self._idle else Environment(self._deployment)
            self._busy.add(environment)
            return environment

    def _give_back(self, environment: Environment, *, alive: bool) -> None:
        with self._changed:
            self._busy.discard(environment)
            if alive and not self._closed:
                self._idle.append(environment)
            else:
                environment.close()
            self._changed.notify()

    def close(self) -> None:
        """End all environments, those that run included."""
        with self._changed:
            self._closed = True
            for environment in (*self._idle, *self._busy):
                environment.close()
            self._idle.clear()
            self._changed.notify_all()
