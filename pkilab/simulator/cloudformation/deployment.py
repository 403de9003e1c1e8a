"""One operation's work on the resources of a stack: making, changing and deleting each.

Source: AWS CloudFormation User Guide, "Understand update behaviors of stack resources"; statuses
and reasons as answered by AWS.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Callable, Generator
from datetime import datetime

from pkilab.errors import LabClosedError
from pkilab.simulator.cloudformation.calls import Caller, RefusedError
from pkilab.simulator.cloudformation.documents import Value, invalid
from pkilab.simulator.cloudformation.graph import Graph, Task
from pkilab.simulator.cloudformation.intrinsics import Evaluator, Reference
from pkilab.simulator.cloudformation.plan import Plan
from pkilab.simulator.cloudformation.resources.base import ResourceType, Work
from pkilab.simulator.cloudformation.resources.catalogue import TYPES
from pkilab.simulator.cloudformation.stacks import Made, Stack, Stacks
from pkilab.simulator.cloudformation.template import Resource
from pkilab.simulator.service import AwsError, Json
from pkilab.simulator.world import World

_INITIATED = "Resource creation Initiated"
_REPLACING = (
    "Requested update requires the creation of a new physical resource; hence creating one."
)
_NAMED = (
    "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename "
    "{} and update the stack again."
)
_SERVER_FAULT = 500
_log = logging.getLogger(__name__)


class Deployment:
    """What an operation does to a stack's resources, in the name of whom ``aws`` calls for."""

    def __init__(self, world: World, stacks: Stacks, stack: Stack, aws: Caller) -> None:
        self._world, self._stacks = world, stacks
        self.stack, self.aws = stack, aws

    # Tasks: each is one resource's.

    def make(self, plan: Plan, definition: Resource) -> Task:
        """Make a resource."""
        name = definition.logical_id
        made = Made(definition, {}, plan.needs[name], "CREATE_IN_PROGRESS", self.now)
        self.stack.resources[name] = made
        self.note(made, "CREATE_IN_PROGRESS")
        return self._attempt(made, "CREATE", self._make(plan, made))

    def change(self, plan: Plan, definition: Resource) -> Task:
        """Change a resource to what a plan says, or make it."""
        made = self.stack.resources.get(definition.logical_id)
        if made is None or not made.physical_id:
            return self.make(plan, definition)
        return self._attempt(made, "UPDATE", self._change(plan, made, definition))

    def change_back(self, made: Made, old: Made) -> Task:
        """Give a resource the properties that it had."""
        return self._attempt(made, "UPDATE", self._change_back(made, old))

    def delete(self, made: Made, *, retained: bool) -> Task:
        """Delete a resource, or let go of it if it is retained."""
        return self._attempt(made, "DELETE", self._delete(made, retained=retained))

    def remove(self, items: list[tuple[Made, bool]]) -> Generator[None, None, list[str]]:
        """Delete resources, what needs others before those; return what could not be deleted.

        ``items`` says of each whether it is retained.
        """
        tasks: dict[str, Callable[[], Task]] = {}
        needs: dict[str, tuple[str, ...]] = {}
        # The newest first, where they do not need each other.
        numbered = [(f"{number}", *item) for number, item in enumerate(reversed(items))]
        for key, made, retained in numbered:
            tasks[key] = functools.partial(self.delete, made, retained=retained)
            needs[key] = tuple(
                other for other, each, _ in numbered if made.logical_id in each.needs
            )
        graph = Graph(tasks, needs, carry_on=True)
        yield from graph.run()
        left = {made.logical_id for _, made, _ in numbered if made in self.stack.resources.values()}
        failed = [made.logical_id for key, made, _ in numbered if key in graph.failed]
        return failed or sorted(left)

    def take_time(self) -> Task:
        """Let the world's latency pass; nothing happens if there is none."""
        until = self.now + self._world.latency
        while self.now < until:
            yield

    # What they do.

    def _settle(self, kind: ResourceType, work: Work) -> Task:
        """Wait for a resource, and for IAM, whose changes are to count for what needs them."""
        yield from kind.settle(work)
        if kind.type.startswith("AWS::IAM::") and self._world.enforce_policies:
            yield from self.take_time()

    def _make(self, plan: Plan, made: Made) -> Task:
        kind = TYPES[made.type]
        made.properties = self._properties(plan, made.definition)
        kind.check(made.properties)
        work = self._work(made)
        work.physical_id = made.physical_id = kind.create(work)
        self.note(made, made.status, _INITIATED)
        yield from self._settle(kind, work)
        made.attributes = work.attributes
        self.note(made, made.status.replace("_IN_PROGRESS", "_COMPLETE"))

    def _change(self, plan: Plan, made: Made, definition: Resource) -> Task:
        kind, needs = TYPES[made.type], plan.needs[made.logical_id]
        properties, before = self._properties(plan, definition), made.properties
        unmade = made.status == "CREATE_FAILED"
        if properties == before and not made.status.endswith("_FAILED"):
            made.definition, made.needs = definition, needs
            return
        kind.check(properties)
        if unmade or kind.is_replaced(before, properties):
            own = kind.own_name
            if own and own in properties and properties[own] == before.get(own):
                raise invalid(_NAMED.format(properties[own]))
            self.note(made, "UPDATE_IN_PROGRESS", _REPLACING)
            new = Made(definition, {}, needs, made.status, self.now)
            self.stack.resources[made.logical_id] = new
            self.stack.replaced.append(made)
            yield from self._make(plan, new)
            return
        if made.status.endswith("_FAILED"):
            before = {}  # who knows how far that went
        self.note(made, "UPDATE_IN_PROGRESS")
        made.definition, made.properties, made.needs = definition, properties, needs
        yield from self._update(made, before)

    def _change_back(self, made: Made, old: Made) -> Task:
        self.note(made, "UPDATE_IN_PROGRESS")
        before, made.properties = made.properties, old.properties
        made.definition, made.needs = old.definition, old.needs
        yield from self._update(made, before)

    def _update(self, made: Made, before: Json) -> Task:
        kind, work = TYPES[made.type], self._work(made)
        kind.update(work, before)
        yield from self._settle(kind, work)
        made.attributes = work.attributes
        self.note(made, "UPDATE_COMPLETE")

    def _delete(self, made: Made, *, retained: bool) -> Task:
        if retained:
            self.note(made, "DELETE_SKIPPED")
        else:
            self.note(made, "DELETE_IN_PROGRESS")
            kind = TYPES[made.type]
            try:
                if made.physical_id:
                    kind.delete(self._work(made))
            except RefusedError as why:
                if why.code not in kind.gone:
                    raise
            self.note(made, "DELETE_COMPLETE")
        if self.stack.resources.get(made.logical_id) is made:
            del self.stack.resources[made.logical_id]
        yield from ()

    def _attempt(self, made: Made, verb: str, steps: Task) -> Task:
        """Do a resource's work; a failure is recorded and raised as the service's.

        Raises:
            AwsError: what failed.
        """
        try:
            yield from steps
        except AwsError as why:
            failure = why
        except (LabClosedError, GeneratorExit):
            raise
        except Exception as why:  # noqa: BLE001 - a mistake of the simulator's fails the resource
            _log.exception("%s of %s failed", verb, made.type)
            failure = AwsError("InternalFailure", f"Internal Failure: {type(why).__name__}")
        else:
            return
        # A replacement that fails is the one that the stack has by now.
        current = self.stack.resources.get(made.logical_id, made) if verb == "UPDATE" else made
        self.note(current, f"{verb}_FAILED", self._sentence(current, failure))
        raise failure

    def _sentence(self, made: Made, failure: AwsError) -> str:
        """Return the reason that an event gives."""
        if isinstance(failure, RefusedError):
            token, code = self.stack.entropy.uuid(), _handler_code(failure)
            return (
                f'Resource handler returned message: "{failure.sentence}" '
                f"(RequestToken: {token}, HandlerErrorCode: {code})"
            )
        if failure.code == "ModelValidationFailed":
            message = f"Properties validation failed for resource {made.logical_id} with message:"
            return f"{message}\n{failure.message}"
        return failure.message

    def _work(self, made: Made) -> Work:
        return Work(
            self.aws,
            made.logical_id,
            self.stack.arn,
            self.stack.name,
            made.properties,
            lambda reason: self.note(made, made.status, reason),
            self.stack.unique,
            made.physical_id,
            dict(made.attributes),
        )

    # Values and events.

    def _properties(self, plan: Plan, definition: Resource) -> Json:
        found: Json = self.evaluator(plan).value(definition.properties)
        return TYPES[definition.type].tagged(found, plan.tags)

    def evaluator(self, plan: Plan) -> Evaluator:
        """Return a plan's evaluator, to which the stack's resources and exports are known."""

        def look_up(reference: Reference) -> Value:
            made = self.stack.resources[reference.name]
            if not reference.attribute:
                return made.physical_id
            if reference.attribute not in made.attributes:
                message = f"Attribute '{reference.attribute}' does not exist"
                raise invalid(f"{message} on {made.logical_id}")
            return made.attributes[reference.attribute]

        exports = self._stacks.exports(self.stack.account, self.stack.region)

        def imported(name: str) -> str:
            if name not in exports:
                raise invalid(f"No export named {name} found")
            return exports[name][1]

        return dataclasses.replace(plan.evaluator, look_up=look_up, imported=imported)

    def note(self, made: Made, status: str, reason: str | None = None) -> None:
        """Give a resource a status, and record it."""
        self.stack.note(made, status, self.now, reason)

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self._world.clock.now()


def _handler_code(failure: RefusedError) -> str:
    """Return the code by which a resource handler names a service's refusal."""
    for part, code in (
        ("NotFound", "NotFound"),
        ("NoSuch", "NotFound"),
        ("AlreadyExist", "AlreadyExists"),
        ("AlreadyOwned", "AlreadyExists"),
        ("AccessDenied", "AccessDenied"),
        ("LimitExceeded", "ServiceLimitExceeded"),
        ("NotImplemented", "GeneralServiceException"),
    ):
        if part in failure.code:
            return code
    fault = failure.status >= _SERVER_FAULT
    return "ServiceInternalError" if fault else "InvalidRequest"
