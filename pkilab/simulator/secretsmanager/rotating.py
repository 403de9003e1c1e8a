"""Rotation: a Lambda function is called four times, and moves AWSCURRENT itself.

A rotation is left as an errand, which runs outside of any turn, so that the function can call back.
When a step fails the rotation ends there and AWSPENDING stays; the next one that is due, or asked
for, takes it up again with the same version. AWS tries again by itself some more times.

Sources: Secrets Manager User Guide, "Rotation by Lambda function", "Lambda rotation functions",
"Troubleshoot AWS Secrets Manager rotation"; API Reference, RotateSecret. Sentences as public issues
quote them.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from pkilab.pki.entropy import Entropy
from pkilab.simulator.functions.permissions import allows
from pkilab.simulator.secretsmanager.state import CURRENT, PENDING, Rotation, Secret, Version
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import World

PRINCIPAL = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_log = logging.getLogger(__name__)


class Functions(Protocol):
    """What rotation needs of AWS Lambda."""

    def find(self, arn: str) -> Any:  # noqa: ANN401 - a function, with statements
        """Return the function of an unqualified ARN."""

    def call(self, arn: str, payload: bytes, *, principal: str, source_arn: str) -> Any:  # noqa: ANN401 - an invocation
        """Run a function for a service; outside of any turn."""


class Rotator:
    """Rotates secrets when it is time, or when somebody asks.

    Args:
        world: whose clock, turns and errands count.
        functions: what does the work.
    """

    def __init__(self, world: World, functions: Functions) -> None:
        self._world, self._functions = world, functions
        self._tokens: Entropy = world.entropy("secretsmanager", "rotation tokens")

    def check_function(self, secret: Secret, arn: str) -> None:
        """Refuse a function that is not there or cannot be invoked for a secret.

        Raises:
            AwsError: ResourceNotFoundException, AccessDeniedException.
        """
        found = self._functions.find(":".join(arn.split(":")[:7]))
        if found is None:
            raise AwsError(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified Lambda function.",
            )
        statements: Iterable[Any] = found.statements.values()
        if not allows(statements, principal=PRINCIPAL, source_arn=secret.arn):
            raise AwsError(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the "
                f"function policy grants access to the principal {PRINCIPAL}.",
            )

    def start(self, secret: Secret, token: str, steps: tuple[str, ...] = STEPS) -> Version:
        """Begin a rotation, within a turn.

        Args:
            secret: with its function.
            token: the id of the version that is to become current; a version of that id that waits
                is taken up again.
            steps: which of the four.
        """
        version = secret.versions.get(token)
        if version is None:
            version = Version(token, self._world.clock.now())
            if before := secret.staged(PENDING):
                before.stages.remove(PENDING)
            version.stages.append(PENDING)
            secret.versions[token] = version
        rotation = _rotation(secret)
        rotation.token = token
        run = functools.partial(self._run, secret, token, steps)
        self._world.errand(run, f"rotate {secret.arn}")
        return version

    def schedule(self, secret: Secret, since: datetime) -> None:
        """Let the next rotation fall due, as its schedule counts from a moment."""
        self.stop(secret)
        rotation = _rotation(secret)
        window = rotation.schedule.after(since) if rotation.schedule else None
        if not rotation.enabled or window is None:
            return
        rotation.next_at = window.closes
        due = functools.partial(self._due, secret)
        rotation.job = self._world.clock.at(window.opens, due, f"rotation of {secret.arn} is due")

    def stop(self, secret: Secret) -> None:
        """Forget when a secret was to be rotated."""
        rotation = secret.rotation
        if rotation is None:
            return
        if rotation.job is not None:
            rotation.job.cancel()
        rotation.job = rotation.next_at = None

    def _due(self, secret: Secret) -> None:
        if secret.deleted_at is None:
            self.start(secret, unfinished(secret) or self._tokens.uuid())
        self.schedule(secret, self._world.clock.now())

    def _run(self, secret: Secret, token: str, steps: tuple[str, ...]) -> None:
        """Call the function for each step; outside of any turn."""
        trouble = ""
        for step in steps:
            with self._world.turn():
                rotation = _rotation(secret)
                is_wanted = rotation.token == token and secret.deleted_at is None
                arn = rotation.function_arn
            if not is_wanted:  # it was cancelled meanwhile
                return
            event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": token}
            trouble = self._step(arn, json.dumps(event).encode(), secret)
            if trouble:
                _log.warning("rotation of %s failed in %s: %s", secret.arn, step, trouble)
                break
        with self._world.turn():
            rotation, now = _rotation(secret), self._world.clock.now()
            if rotation.token != token:
                return
            rotation.token = ""
            version = secret.versions.get(token)
            if steps != STEPS:  # a test of the configuration, which leaves nothing behind
                secret.versions.pop(token, None)
            elif not trouble and version is not None and CURRENT in version.stages:
                rotation.rotated_at = secret.changed_at = now
                self.schedule(secret, now)

    def _step(self, arn: str, payload: bytes, secret: Secret) -> str:
        """Return what went wrong, in a word that has nothing of the function's own."""
        try:
            made = self._functions.call(arn, payload, principal=PRINCIPAL, source_arn=secret.arn)
        except AwsError as refused:
            return refused.code
        return str(made.function_error or "")


def unfinished(secret: Secret) -> str:
    """Return the id of a version that a rotation left behind; ``""``: there is none."""
    version = secret.staged(PENDING)
    return version.version_id if version is not None and CURRENT not in version.stages else ""


def _rotation(secret: Secret) -> Rotation:
    assert secret.rotation is not None  # noqa: S101 - whoever rotates has configured it
    return secret.rotation
