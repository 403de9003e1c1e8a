"""What CloudFormation keeps of a stack."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pkilab.pki.entropy import Entropy
from pkilab.simulator.cloudformation.calls import stamp
from pkilab.simulator.cloudformation.plan import Plan
from pkilab.simulator.cloudformation.template import Resource
from pkilab.simulator.service import Json

_TYPE = "AWS::CloudFormation::Stack"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass
class Made:
    """A resource of a stack.

    ``properties`` are as worked out when it was made or changed last; ``needs`` are the logical
    IDs of what it was made after.
    """

    definition: Resource
    properties: Json
    needs: tuple[str, ...]
    status: str
    changed: datetime
    reason: str | None = None
    physical_id: str = ""
    attributes: Json = field(default_factory=dict)

    @property
    def logical_id(self) -> str:
        """Its name in the template."""
        return self.definition.logical_id

    @property
    def type(self) -> str:
        """Its type."""
        return self.definition.type


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a stack or to one of its resources."""

    number: str
    at: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    token: str | None


@dataclass
class ChangeSet:
    """What an update, or the creation of a stack, would change."""

    arn: str
    name: str
    kind: str  # CREATE or UPDATE
    created: datetime
    description: str | None
    plan: Plan = field(repr=False)  # parameters may be secrets
    capabilities: list[str]
    role: str | None
    tags: dict[str, str]
    on_failure: str | None
    changes: list[Json]
    status: str = "CREATE_COMPLETE"
    execution: str = "AVAILABLE"
    reason: str | None = None


@dataclass
class Stack:
    """A stack, with everything that is told of it.

    ``replaced`` are resources that others have taken the place of, and that are left to delete;
    ``steps`` is what is being done to the stack.
    """

    arn: str
    name: str
    account: str
    region: str
    created: datetime
    entropy: Entropy = field(repr=False)
    status: str = "REVIEW_IN_PROGRESS"
    reason: str | None = None
    plan: Plan | None = field(default=None, repr=False)  # parameters may be secrets
    role: str | None = None
    capabilities: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    disable_rollback: bool = False
    timeout: int | None = None  # minutes
    protected: bool = False
    updated: datetime | None = None
    deleted: datetime | None = None
    outputs: list[Json] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    resources: dict[str, Made] = field(default_factory=dict)
    replaced: list[Made] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    change_sets: list[ChangeSet] = field(default_factory=list)
    token: str | None = None  # of what is being done, or was done last
    made_with: str | None = None  # the token of the request that made it
    steps: Generator[None, None, None] | None = field(default=None, repr=False)

    @property
    def busy(self) -> bool:
        """Whether something is being done to it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def set(self, status: str, now: datetime, reason: str | None = None) -> None:
        """Take on a status, and record it."""
        self.status, self.reason = status, reason
        number = self.entropy.uuid()
        self.events.append(
            Event(number, now, self.name, self.arn, _TYPE, status, reason, self.token)
        )

    def note(self, made: Made, status: str, now: datetime, reason: str | None = None) -> None:
        """Give a resource a status, and record it."""
        made.status, made.changed, made.reason = status, now, reason
        number = f"{made.logical_id}-{status}-{stamp(now)}"
        if again := sum(each.number.startswith(number) for each in self.events):
            number = f"{number}-{again}"  # the clock stands still
        self.events.append(
            Event(
                number, now, made.logical_id, made.physical_id, made.type, status, reason,
                self.token,
            )
        )  # fmt: skip

    def unique(self, length: int) -> str:
        """Return letters and digits, others each time."""
        return "".join(_LETTERS[each % len(_LETTERS)] for each in self.entropy.bytes(length))


class Stacks:
    """Every stack of the world, also those that were deleted."""

    def __init__(self) -> None:
        self._stacks: dict[str, Stack] = {}

    def add(self, stack: Stack) -> None:
        """Keep a stack."""
        self._stacks[stack.arn] = stack

    def remove(self, stack: Stack) -> None:
        """Forget a stack that was never made."""
        del self._stacks[stack.arn]

    def find(self, account: str, region: str, name: str) -> Stack | None:
        """Return a stack by its ARN, deleted ones too, or one that is there by its name."""
        found = self._stacks.get(name)
        if found is not None:
            return found if (found.account, found.region) == (account, region) else None
        for each in self.of(account, region):
            if each.name == name and each.status != "DELETE_COMPLETE":
                return each
        return None

    def of(self, account: str, region: str) -> Iterator[Stack]:
        """Yield an account's stacks of a Region, the newest first."""
        for each in reversed(self._stacks.values()):
            if (each.account, each.region) == (account, region):
                yield each

    def exports(self, account: str, region: str) -> dict[str, tuple[Stack, str]]:
        """Return each export by its name: whose it is, and its value."""
        return {
            output["ExportName"]: (each, output["OutputValue"])
            for each in self.of(account, region)
            for output in each.outputs
            if "ExportName" in output
        }

    def importers(self, account: str, region: str, export: str) -> list[Stack]:
        """Return the stacks that take an export."""
        return [
            each
            for each in self.of(account, region)
            if export in each.imports and each.status != "DELETE_COMPLETE"
        ]
