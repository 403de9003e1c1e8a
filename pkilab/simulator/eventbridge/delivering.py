"""Bringing events to targets: what a rule's match leads to."""

from __future__ import annotations

from collections.abc import Callable

from pkilab.simulator.functions.service import Lambda
from pkilab.simulator.identity import Identities
from pkilab.simulator.service import HttpRequest, HttpResponse
from pkilab.simulator.world import World


class Deliveries:
    """Delivers events for EventBridge.

    Args:
        world: whose clock retries wait by; deliveries are its errands.
        functions: Lambda's.
        handle: the world's door, for targets of other services.
        identities: the roles that targets name.
    """

    def __init__(
        self,
        world: World,
        functions: Lambda,
        handle: Callable[[HttpRequest], HttpResponse],
        identities: Identities,
    ) -> None:
        self._world, self._functions = world, functions
        self._handle, self._identities = handle, identities
