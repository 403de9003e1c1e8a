"""AWS Systems Manager: Parameter Store."""

from __future__ import annotations

from typing import ClassVar

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.kms.service import Kms
from pkilab.simulator.service import JsonService
from pkilab.simulator.world import World


class Ssm(JsonService):
    """Parameter Store of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        kms: what encrypts SecureStrings.
    """

    name: ClassVar[str] = "ssm"

    def __init__(self, world: World, kms: Kms) -> None:
        super().__init__(world)
        self._kms = kms

    def resource(self, arn: str) -> Resource | None:
        """Return the parameter of an ARN, for policies."""
        return None
