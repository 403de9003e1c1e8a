"""AWS Resource Access Manager: sharing private CAs across accounts."""

from __future__ import annotations

from typing import ClassVar

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.acmpca.service import AcmPca
from pkilab.simulator.organizations.service import Organizations
from pkilab.simulator.rest import RestJsonService
from pkilab.simulator.world import World


class Ram(RestJsonService):
    """RAM of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        private_ca: what has the CAs that are shared.
        organizations: who is in which.
    """

    name: ClassVar[str] = "ram"

    def __init__(self, world: World, private_ca: AcmPca, organizations: Organizations) -> None:
        super().__init__(world)
        self._private_ca, self._organizations = private_ca, organizations

    def resource(self, arn: str) -> Resource | None:
        """Return the share of an ARN, for policies."""
        return None
