"""Execution environments: a child process that runs one event at a time and is kept warm.

A function runs on the lab's own Python, with the packages installed there, in a folder of its own
and with the function's environment variables alone. Its network is the world: HTTP goes through a
proxy, and AWS calls to an endpoint, that are both the world's own loopback server. It is no
sandbox: a function may do whatever its user may.

Not simulated: memory limits, ``/var/task`` and ``/tmp`` (``TMPDIR`` names a folder of the
environment's own), other runtimes; the clock a function sees is the machine's.

Source: AWS Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle";
the published runtime (awslambdaric) and runtime interface emulator.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

from pkilab.simulator.functions.packages import unpack

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_INIT_SECONDS = 30  # AWS gives the init phase 10; a laptop may be slower
_LOOK_SECONDS = 0.25  # how often to look whether a process that says nothing is still there
_MOST_LOG = 2**20  # bytes kept of one event's log


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
    log_stream: str  # how the names of log streams begin: date and version
    revision: str


class EndedError(Exception):
    """The process ended, or ran into the timeout: Lambda's word for it, message and log lines."""

    def __init__(self, kind: str, message: str, lines: str) -> None:
        super().__init__(message)
        self.kind, self.message, self.lines = kind, message, lines


class Environment:
    """One child process. Not thread-safe, but for `kill`.

    Args:
        deployment: what to run.
        number: which of the deployment's environments this is.

    Raises:
        OSError: the machine has no room for another process.
        AwsError: the archive cannot be unpacked.
    """

    def __init__(self, deployment: Deployment, number: int) -> None:
        self.alive = True
        self._deployment = deployment
        self._started = time.monotonic()
        self._log = bytearray()
        self._memory = 0  # the most that the process is known to have used, in KiB
        with contextlib.ExitStack() as undo:
            folder = Path(tempfile.mkdtemp(prefix="pkilab-function-"))  # 0700
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            root, scratch = folder / "task", folder / "tmp"
            root.mkdir()
            scratch.mkdir()
            unpack(deployment.archive, root)
            self._parent, child = Pipe()
            undo.callback(self._parent.close)
            self._output, output = os.pipe()
            undo.callback(os.close, self._output)
            os.set_blocking(self._output, False)
            name = hashlib.sha256(f"{deployment.revision} {number}".encode()).hexdigest()[:32]
            try:
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own program
                    [
                        sys.executable, "-I", "-u", "-X", "utf8", str(_BOOTSTRAP),
                        str(child.fileno()),
                    ],
                    cwd=root,
                    env={
                        "HOME": str(scratch),  # unset, it would be found to be the user's own
                        **deployment.variables,
                        "AWS_LAMBDA_LOG_STREAM_NAME": f"{deployment.log_stream}{name}",
                        "LAMBDA_TASK_ROOT": str(root),
                        "TMPDIR": str(scratch),
                    },
                    pass_fds=[child.fileno()],
                    stdin=subprocess.PIPE,  # never written to; see bootstrap.py
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # what a handler starts is ended with it
                )  # fmt: skip
            finally:
                child.close()
                os.close(output)
            undo.pop_all()
        self._sources: list[Connection | int] = [self._parent, self._output]
        self._initialized: float | None = None  # seconds it took
        # Also when the interpreter ends without anybody having closed anything.
        self.close = weakref.finalize(self, _end, self._process, self._parent, self._output, folder)

    def run(self, request_id: str, payload: bytes) -> Invocation:
        """Run one event. Afterwards ``alive`` says whether another one may be run here."""
        initialized: float | None = None
        started, head, failure, lines = time.monotonic(), "", b"", ""
        try:
            if self._initialized is None:
                failure = self._receive(self._started + _INIT_SECONDS, request_id)
                initialized = self._initialized = time.monotonic() - self._started
                head, started = self._take_log(), time.monotonic()
            answer, failed = (failure, True) if failure else self._ask(request_id, payload, started)
        except EndedError as end:
            failure = json.dumps({"errorType": end.kind, "errorMessage": end.message}).encode()
            answer, failed, lines = failure, True, end.lines
        self.alive = not failure
        lasted = time.monotonic() - started
        log = (
            f"{head}START RequestId: {request_id} Version: $LATEST\n{self._take_log()}{lines}"
            f"END RequestId: {request_id}\n{self._report(request_id, lasted, initialized)}"
        )
        return Invocation(request_id, answer, "Unhandled" if failed else None, log)

    def kill(self) -> None:
        """End the process and what it started, whatever it does; from any thread."""
        _kill(self._process)

    def _ask(self, request_id: str, payload: bytes, started: float) -> tuple[bytes, bool]:
        seconds = self._deployment.seconds
        event = {
            "id": request_id,
            "arn": self._deployment.arn,
            "deadline": time.time() + seconds,  # as the process's own clock has it
        }
        with contextlib.suppress(OSError):  # it has ended: `_receive` says how
            self._parent.send_bytes(json.dumps(event).encode())
            self._parent.send_bytes(payload)
        try:
            told = json.loads(self._receive(started + seconds, request_id))
            self._memory, failed = int(told["memory"]), bool(told["failed"])
        except (ValueError, KeyError, TypeError):  # the handler wrote where it should not
            self.kill()
            raise self._ended(request_id) from None
        return self._receive(started + seconds, request_id), failed

    def _receive(self, deadline: float, request_id: str) -> bytes:
        """Return the next message, and gather the log meanwhile.

        Raises:
            EndedError: there is none, because the process ended or time ran out.
        """
        gone = False
        while (left := deadline - time.monotonic()) > 0:
            ready = wait(self._sources, min(left, _LOOK_SECONDS))
            if self._output in ready:
                self._read_log()
            if self._parent in ready:
                try:
                    return self._parent.recv_bytes()
                except (EOFError, OSError):
                    raise self._ended(request_id) from None
            # What a handler forked may hold the pipe open beyond the process's own end.
            if gone and not ready:
                raise self._ended(request_id)
            gone = self._process.poll() is not None
        self.kill()
        self._read_log()
        seconds = self._deployment.seconds
        message = f"Task timed out after {seconds:.2f} seconds"
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        raise EndedError(
            "Sandbox.Timedout",
            f"RequestId: {request_id} Error: {message}",
            f"{stamp} {request_id} {message}\n\n",
        )

    def _ended(self, request_id: str) -> EndedError:
        try:
            code = self._process.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:  # it closed the pipe rather than ended
            self.kill()
            code = self._process.wait()
        self._read_log()
        reason = "Runtime exited without providing a reason"
        if code > 0:
            reason = f"Runtime exited with error: exit status {code}"
        elif code < 0:
            name = (signal.strsignal(-code) or f"{-code}").lower()
            reason = f"Runtime exited with error: signal: {name}"
        message = f"RequestId: {request_id} Error: {reason}"
        return EndedError("Runtime.ExitError", message, f"{message}\nRuntime.ExitError\n")

    def _read_log(self) -> None:
        """Read what has been printed so far; of very much, the end is kept."""
        try:
            while found := os.read(self._output, 2**16):
                self._log += found
                del self._log[:-_MOST_LOG]
            self._sources = [self._parent]  # closed at the other end
        except BlockingIOError:
            pass

    def _take_log(self) -> str:
        self._read_log()
        text = self._log.decode(errors="replace")
        self._log.clear()
        return text if text.endswith("\n") or not text else f"{text}\n"

    def _report(self, request_id: str, lasted: float, initialized: float | None) -> str:
        billed = math.ceil((lasted + (initialized or 0)) * 1000)
        parts = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {lasted * 1000:.2f} ms",
            f"Billed Duration: {billed} ms",
            f"Memory Size: {self._deployment.variables['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']} MB",
        ]
        if self._memory:  # a process that ended has not said
            parts.append(f"Max Memory Used: {math.ceil(self._memory / 1024)} MB")
        if initialized is not None:
            parts.append(f"Init Duration: {initialized * 1000:.2f} ms")
        return "\t".join(parts) + "\t\n"


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _kill_strays(folder: Path) -> None:
    """End what left the process's group, known by its environment; where there is a ``/proc``."""
    mark = f"LAMBDA_TASK_ROOT={folder / 'task'}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # another user's, or gone
            if mark in environment.read_bytes().split(b"\0"):
                os.kill(int(environment.parent.name), signal.SIGKILL)


def _end(process: subprocess.Popen[bytes], parent: Connection, output: int, folder: Path) -> None:
    """End the process, and remove its folder."""
    _kill(process)
    process.wait()
    _kill_strays(folder)
    if process.stdin:
        process.stdin.close()
    parent.close()
    os.close(output)
    shutil.rmtree(folder, ignore_errors=True)
