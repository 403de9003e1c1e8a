"""Amazon SNS: topics, subscriptions and signed messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.functions.service import Lambda
from pkilab.simulator.query import QueryService
from pkilab.simulator.service import HttpRequest, HttpResponse
from pkilab.simulator.world import World


class Sns(QueryService):
    """SNS of every account and Region of a world.

    Args:
        world: whose clock and entropy count; deliveries are its errands.
        amazon: who issues the certificate that messages are signed with.
        functions: Lambda's.
        handle: the world's door, for queues.
    """

    name: ClassVar[str] = "sns"

    def __init__(
        self,
        world: World,
        amazon: Amazon,
        functions: Lambda,
        handle: Callable[[HttpRequest], HttpResponse],
    ) -> None:
        super().__init__(world)
        self._amazon, self._functions, self._handle = amazon, functions, handle

    def resource(self, arn: str) -> Resource | None:
        """Return the topic of an ARN, for policies."""
        return None
