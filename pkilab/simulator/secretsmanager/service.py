"""AWS Secrets Manager."""

from __future__ import annotations

from typing import ClassVar

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.functions.service import Lambda
from pkilab.simulator.kms.service import Kms
from pkilab.simulator.service import JsonService
from pkilab.simulator.world import World


class SecretsManager(JsonService):
    """Secrets Manager of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        kms: what encrypts secrets.
        functions: what rotates them.
    """

    name: ClassVar[str] = "secretsmanager"

    def __init__(self, world: World, kms: Kms, functions: Lambda) -> None:
        super().__init__(world)
        self._kms, self._functions = kms, functions

    def resource(self, arn: str) -> Resource | None:
        """Return the secret of an ARN, for policies."""
        return None
