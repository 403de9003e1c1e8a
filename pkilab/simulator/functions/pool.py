"""Pools of execution environments: one is reused while it is free, several run at once.

Source: AWS Lambda Developer Guide, "Understanding Lambda function scaling".
"""

from __future__ import annotations

import threading
import time

from pkilab.errors import LabClosedError
from pkilab.simulator.functions.environment import Deployment, Environment, Invocation
from pkilab.simulator.service import AwsError

_MOST_ENVIRONMENTS = 10  # the least concurrency that AWS gives an account
_LONGEST_WAIT = 30.0  # seconds; AWS throttles at once, but has a thousand environments to give


class Pool:
    """The environments of one deployment of a function. Thread-safe."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._idle: list[Environment] = []
        self._busy: set[Environment] = set()
        self._starting = 0
        self._number = 0
        self._changed = threading.Condition()
        self._retired = self._killed = False

    def run(self, request_id: str, payload: bytes) -> Invocation:
        """Run one event in a warm environment, or in a new one; wait while all are busy.

        Raises:
            AwsError: TooManyRequestsException, all stayed busy; ServiceException, the machine has
                no room for another process.
            LabClosedError: the world was closed meanwhile.
        """
        environment = self._take()
        try:
            result = environment.run(request_id, payload)
        finally:
            self._give_back(environment)
        if self._killed:
            raise LabClosedError("the lab was closed while a function ran")
        return result

    def _take(self) -> Environment:
        until = time.monotonic() + _LONGEST_WAIT
        with self._changed:
            while not (self._killed or self._idle or self._free()):
                if not self._changed.wait(until - time.monotonic()):
                    raise AwsError(
                        "TooManyRequestsException", "Rate Exceeded.", 429,
                        Type="User", Reason="ConcurrentInvocationLimitExceeded",
                    )  # fmt: skip
            if self._killed:
                raise LabClosedError("the lab was closed before a function could run")
            if self._idle:
                environment = self._idle.pop()
                self._busy.add(environment)
                return environment
            self._starting += 1
            self._number += 1
            number = self._number
        try:
            started = Environment(self._deployment, number)
        except OSError as error:
            self._note_start(None)
            message = f"No execution environment could be started: {error.strerror}"
            raise AwsError("ServiceException", message, 500, Type="Service") from error
        except BaseException:
            self._note_start(None)
            raise
        self._note_start(started)
        return started

    def _note_start(self, started: Environment | None) -> None:
        with self._changed:
            self._starting -= 1
            if started:
                self._busy.add(started)
                if self._killed:
                    started.kill()
            self._changed.notify_all()

    def _free(self) -> bool:
        return len(self._busy) + self._starting < _MOST_ENVIRONMENTS

    def _give_back(self, environment: Environment) -> None:
        with self._changed:
            keep = environment.alive and not self._retired
            if keep:
                self._busy.discard(environment)
                self._idle.append(environment)
                self._changed.notify_all()
        if not keep:
            environment.close()
            with self._changed:
                self._busy.discard(environment)
                self._changed.notify_all()

    def retire(self) -> None:
        """Keep no environment any longer; what runs may end."""
        with self._changed:
            self._retired = True
            idle, self._idle = self._idle, []
        for environment in idle:
            environment.close()

    def kill(self) -> None:
        """End all environments at once; return when they have ended."""
        self.retire()
        with self._changed:
            self._killed = True
            for environment in self._busy:
                environment.kill()
            self._changed.notify_all()
            self._changed.wait_for(lambda: not (self._busy or self._starting), timeout=10)
