"""What the types for policies of queues and topics have in common: one target, or several."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.attributes import texts
from pkilab.simulator.cloudformation.resources.base import (
    REPLACES_REQUIRED,
    REQUIRED,
    ResourceType,
    Work,
    document,
)
from pkilab.simulator.service import Json


class Policy(ResourceType):
    """A policy that some call gives its target."""

    @abstractmethod
    def put(self, work: Work, target: str, policy: str | None) -> None:
        """Give a target a policy; None: what it has without one."""


class PolicyOfSeveral(Policy):
    """One policy of several targets, which the property ``several`` lists."""

    several: ClassVar[str]
    longest: ClassVar[int]  # of a name that CloudFormation makes
    attributes: ClassVar[tuple[str, ...]] = ("Id",)

    def __init_subclass__(cls) -> None:
        cls.properties = {"PolicyDocument": REQUIRED, cls.several: REQUIRED}

    def create(self, work: Work) -> str:
        self._put(work)
        return work.name(self.longest)

    def settle(self, work: Work) -> Iterator[None]:
        work.attributes["Id"] = work.physical_id
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        kept = texts(work.properties, self.several)
        for target in texts(before, self.several):
            if target not in kept:
                self.put(work, target, None)
        self._put(work)

    def _put(self, work: Work) -> None:
        policy = _document(work)
        for target in texts(work.properties, self.several):
            self.put(work, target, policy)

    def delete(self, work: Work) -> None:
        for target in texts(work.properties, self.several):
            self.put(work, target, None)


class PolicyOfOne(Policy):
    """The policy of one target, which the property ``one`` names."""

    one: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.properties = {"PolicyDocument": REQUIRED, cls.one: REPLACES_REQUIRED}

    def create(self, work: Work) -> str:
        target = str(text_of(work.get(self.one)))
        self.put(work, target, _document(work))
        return target

    def update(self, work: Work, before: Json) -> None:  # noqa: ARG002 - it is put anew
        self.put(work, work.physical_id, _document(work))

    def delete(self, work: Work) -> None:
        self.put(work, work.physical_id, None)


def _document(work: Work) -> str:
    return document(work.get("PolicyDocument"), "#/PolicyDocument")
