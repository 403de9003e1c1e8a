"""Operations on stacks, on the world's clock.

An operation is a generator: it does what can be done at once and yields while all that is left has
to wait, and is taken up again when the clock has moved on. Without latency, what needs no waiting
has ended when the request is answered; with it, no operation takes less.

Source: AWS CloudFormation User Guide, "Understand how CloudFormation stack creation events work",
"Stack failure options"; statuses and reasons as answered by AWS.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Generator, Iterable
from datetime import timedelta

from pkilab.simulator.cloudformation import exports, parameters
from pkilab.simulator.cloudformation.calls import Caller
from pkilab.simulator.cloudformation.deployment import Deployment
from pkilab.simulator.cloudformation.graph import Graph, Task
from pkilab.simulator.cloudformation.plan import Plan
from pkilab.simulator.cloudformation.stacks import Made, Stack, Stacks
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import World

_LONGEST_WAIT = 60  # seconds between two looks at what has to wait
_STARTED = "User Initiated"


class Engine:
    """Runs operations on stacks.

    Args:
        world: its clock says when to look again.
        stacks: every stack, for exports.
    """

    def __init__(self, world: World, stacks: Stacks) -> None:
        self._world, self._stacks = world, stacks

    def create(self, stack: Stack, plan: Plan, aws: Caller, on_failure: str) -> None:
        """Make a stack's resources; ``on_failure`` is ROLLBACK, DELETE or DO_NOTHING."""
        self._start(stack, self._create(self._deployment(stack, aws), plan, on_failure))

    def update(self, stack: Stack, plan: Plan, aws: Caller, *, rollback: bool) -> None:
        """Change a stack's resources; ``rollback`` says whether a failure is undone."""
        self._start(stack, self._update(self._deployment(stack, aws), plan, rollback=rollback))

    def delete(self, stack: Stack, aws: Caller, retain: Iterable[str]) -> None:
        """Delete a stack's resources but those in ``retain``."""
        self._start(stack, self._delete(self._deployment(stack, aws), set(retain)))

    def _deployment(self, stack: Stack, aws: Caller) -> Deployment:
        return Deployment(self._world, self._stacks, stack, aws)

    def _start(self, stack: Stack, steps: Task) -> None:
        stack.steps = steps  # what was being done before is given up
        self._go_on(stack, steps, 0)

    def _go_on(self, stack: Stack, steps: Task, turn: int) -> None:
        """Do what can be done of an operation, and come back later for the rest."""
        if stack.steps is not steps:
            return
        try:
            next(steps)
        except StopIteration:
            return
        clock, wait = self._world.clock, min(2**turn, _LONGEST_WAIT)
        again = functools.partial(self._go_on, stack, steps, min(turn + 1, _LONGEST_WAIT))
        clock.at(clock.now() + timedelta(seconds=wait), again, f"cloudformation: {stack.name}")

    # The operations.

    def _create(self, work: Deployment, plan: Plan, on_failure: str) -> Task:
        stack, stack.plan = work.stack, plan
        _set(work, "CREATE_IN_PROGRESS", _STARTED)
        yield from work.take_time()
        trouble = self._look_ahead(work, plan)
        if trouble is None:
            tasks = {
                name: functools.partial(work.make, plan, each)
                for name, each in plan.resources.items()
            }
            graph = Graph(tasks, plan.needs)
            late = yield from _in_time(work, graph)
            trouble = late or _trouble(work, graph, "create")
        if trouble is None:
            trouble = self._give_outputs(work, plan)
        if trouble is None:
            _set(work, "CREATE_COMPLETE")
        elif on_failure == "DO_NOTHING":
            _set(work, "CREATE_FAILED", trouble)
        else:
            yield from self._undo_creation(work, trouble, on_failure)

    def _undo_creation(self, work: Deployment, trouble: str, on_failure: str) -> Task:
        stack = work.stack
        verb, word = ("DELETE", "Delete") if on_failure == "DELETE" else ("ROLLBACK", "Rollback")
        reason = f"{trouble.rstrip()} {word} requested by user."
        _set(work, f"{verb}_IN_PROGRESS", reason)
        made = list(stack.resources.values())
        failed = yield from work.remove(
            [(each, each.definition.deletion_policy == "Retain") for each in made]
        )
        stack.outputs, stack.imports = [], set()
        if verb == "DELETE":
            _end_deletion(work, failed)
        elif failed:
            _set(work, "ROLLBACK_FAILED", _following("delete", failed))
        else:
            _set(work, "ROLLBACK_COMPLETE", reason)

    def _update(self, work: Deployment, plan: Plan, *, rollback: bool) -> Task:
        stack = work.stack
        kept = (stack.plan, stack.tags, stack.outputs, stack.imports, list(stack.replaced))
        before = {name: dataclasses.replace(made) for name, made in stack.resources.items()}
        stack.updated, stack.plan, stack.tags = work.now, plan, dict(plan.tags)
        _set(work, "UPDATE_IN_PROGRESS", _STARTED)
        yield from work.take_time()
        trouble = self._look_ahead(work, plan)
        if trouble is None:
            tasks = {
                name: functools.partial(work.change, plan, each)
                for name, each in plan.resources.items()
            }
            graph = Graph(tasks, plan.needs)
            yield from graph.run()
            trouble = _trouble(work, graph, "update")
        if trouble is None:
            trouble = self._give_outputs(work, plan)
        if trouble is None:
            yield from _clean_up(work, plan)
        elif not rollback:
            _set(work, "UPDATE_FAILED", trouble)
        else:
            _set(work, "UPDATE_ROLLBACK_IN_PROGRESS", trouble)
            stack.plan, stack.tags, stack.outputs, stack.imports, stack.replaced = kept
            yield from _undo_update(work, before)

    def _delete(self, work: Deployment, retain: set[str]) -> Task:
        stack = work.stack
        _set(work, "DELETE_IN_PROGRESS", _STARTED)
        yield from work.take_time()
        if trouble := exports.in_use(self._stacks, stack, kept=set()):
            _set(work, "DELETE_FAILED", trouble)
            return
        failed = yield from work.remove(
            [
                (each, each.logical_id in retain or _is_kept(each.definition.deletion_policy))
                for each in [*stack.replaced, *stack.resources.values()]
            ]
        )
        _end_deletion(work, failed)

    # Within.

    def _look_ahead(self, work: Deployment, plan: Plan) -> str | None:
        """Return what is wrong with a plan before any resource is touched; None if nothing is."""
        for name, zone in parameters.zones(plan.template.parameters, plan.values):
            try:
                work.aws("route53", "GetHostedZone", Id=zone)
            except AwsError:
                message = f"Parameter validation failed: parameter value {zone} for parameter name"
                return f"{message} {name} does not exist."
        return exports.look_ahead(self._stacks, work.stack, plan)

    def _give_outputs(self, work: Deployment, plan: Plan) -> str | None:
        """Work the outputs out; return why they cannot be."""
        try:
            found = exports.outputs(work.evaluator(plan), plan)
        except AwsError as why:
            return why.message
        if trouble := exports.changed_in_use(self._stacks, work.stack, found):
            return trouble
        work.stack.outputs = found
        return None


def _clean_up(work: Deployment, plan: Plan) -> Task:
    """End an update: delete what was replaced and what the template no longer has."""
    stack = work.stack
    removed = [made for name, made in stack.resources.items() if name not in plan.resources]
    items = [(each, _is_kept(each.definition.update_replace_policy)) for each in stack.replaced]
    items += [(each, _is_kept(each.definition.deletion_policy)) for each in removed]
    _set(work, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    yield from work.remove(items)
    stack.replaced = []
    for each in removed:  # also what could not be deleted: CloudFormation lets go of it
        stack.resources.pop(each.logical_id, None)
    _set(work, "UPDATE_COMPLETE")


def _undo_update(work: Deployment, before: dict[str, Made]) -> Task:
    """Bring a stack's resources back to what they were."""
    stack, extra = work.stack, list[tuple[Made, bool]]()
    tasks: dict[str, Callable[[], Task]] = {}
    for name, made in list(stack.resources.items()):
        old = before.get(name)
        if old is None:
            extra.append((made, made.definition.deletion_policy == "Retain"))
        elif old.physical_id != made.physical_id:
            extra.append((made, False))
            stack.resources[name] = old
            work.note(old, "UPDATE_COMPLETE")
        elif made.properties != old.properties:
            tasks[name] = functools.partial(work.change_back, made, old)
        else:
            made.definition, made.needs = old.definition, old.needs
            if not made.status.endswith("_COMPLETE"):
                work.note(made, "UPDATE_COMPLETE")
    graph = Graph(tasks, {name: each.needs for name, each in before.items()}, carry_on=True)
    yield from graph.run()
    if graph.failed:
        _set(work, "UPDATE_ROLLBACK_FAILED", _following("update", graph.failed))
        return
    _set(work, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    yield from work.remove(extra)
    for each, _ in extra:
        if stack.resources.get(each.logical_id) is each:
            del stack.resources[each.logical_id]
    _set(work, "UPDATE_ROLLBACK_COMPLETE")


def _end_deletion(work: Deployment, failed: list[str]) -> None:
    if failed:
        _set(work, "DELETE_FAILED", _following("delete", failed))
        return
    stack = work.stack
    stack.deleted, stack.outputs, stack.imports = work.now, [], set()
    _set(work, "DELETE_COMPLETE")


def _in_time(work: Deployment, graph: Graph) -> Generator[None, None, str | None]:
    """Run a graph; return why it ended too early, if it did."""
    minutes = work.stack.timeout
    deadline = None if minutes is None else work.now + timedelta(minutes=minutes)
    for _ in graph.run():
        if deadline is not None and work.now >= deadline:
            _cancel(work, graph, "creation")
            return "Stack creation time exceeded the specified timeout."
        yield
    return None


def _trouble(work: Deployment, graph: Graph, verb: str) -> str | None:
    """Return which resources failed, those that were cancelled among them; None: none did."""
    if not graph.failed:
        return None
    cancelled = _cancel(work, graph, "creation" if verb == "create" else "update")
    return _following(verb, [*graph.failed, *cancelled])


def _cancel(work: Deployment, graph: Graph, noun: str) -> list[str]:
    names = graph.stop()
    for name in names:
        made = work.stack.resources[name]
        verb = "UPDATE" if made.status.startswith("UPDATE") else "CREATE"
        work.note(made, f"{verb}_FAILED", f"Resource {noun} cancelled")
    return names


def _set(work: Deployment, status: str, reason: str | None = None) -> None:
    work.stack.set(status, work.now, reason)


def _is_kept(policy: str) -> bool:
    return policy in {"Retain", "RetainExceptOnCreate"}


def _following(verb: str, names: Iterable[str]) -> str:
    return f"The following resource(s) failed to {verb}: [{', '.join(names)}]. "
