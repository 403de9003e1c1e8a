"""What a plan would change of a stack: for change sets, and to see that there is nothing to do.

Source: AWS CloudFormation API Reference, ResourceChange; answers as observed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from pkilab.simulator.cloudformation.documents import Value
from pkilab.simulator.cloudformation.intrinsics import NOTHING, Evaluator, Reference
from pkilab.simulator.cloudformation.plan import Plan
from pkilab.simulator.cloudformation.resources.catalogue import TYPES
from pkilab.simulator.cloudformation.stacks import Made, Stack, Stacks
from pkilab.simulator.cloudformation.template import Resource
from pkilab.simulator.service import AwsError, Json

_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


def describe(stacks: Stacks, stack: Stack, plan: Plan) -> list[Json]:
    """Return the changes to resources, as DescribeChangeSet has them."""
    found = {name: change for name, change in _Comparison(stacks, stack, plan).changes() if change}
    ordered = [found[name] for name in plan.resources if name in found]
    removed = [
        _change("Remove", made, {"PolicyAction": _policy_action(made.definition)})
        for name, made in stack.resources.items()
        if name not in plan.resources
    ]
    return [{"Type": "Resource", "ResourceChange": each} for each in [*ordered, *removed]]


def is_same(stacks: Stacks, stack: Stack, plan: Plan) -> bool:
    """Whether a plan leaves a stack as it is: resources, outputs and tags."""
    before = stack.plan
    failed = any(each.status.endswith("_FAILED") for each in stack.resources.values())
    if before is None or failed or describe(stacks, stack, plan):
        return False
    if dict(plan.tags) != stack.tags or plan.outputs.keys() != before.outputs.keys():
        return False
    look_up = _known(stack)
    after = dataclasses.replace(plan.evaluator, look_up=look_up)
    earlier = dataclasses.replace(before.evaluator, look_up=look_up)
    return all(
        _value(after, [each.value, each.export or ""])
        == _value(earlier, [before.outputs[name].value, before.outputs[name].export or ""])
        and each.description == before.outputs[name].description
        for name, each in plan.outputs.items()
    )


class _Comparison:
    """A plan beside a stack, resource by resource in the order in which they would be made."""

    def __init__(self, stacks: Stacks, stack: Stack, plan: Plan) -> None:
        self._stack, self._plan = stack, plan
        self._fresh: set[str] = set()  # what is not known before it is made
        exports = stacks.exports(stack.account, stack.region)

        def look_up(reference: Reference) -> Value:
            if reference.name in self._fresh or reference.name not in stack.resources:
                return _LATER
            return _known(stack)(reference)

        self._evaluator = dataclasses.replace(
            plan.evaluator,
            look_up=look_up,
            imported=lambda name: exports[name][1] if name in exports else _LATER,
        )

    def changes(self) -> list[tuple[str, Json | None]]:
        """Return each resource's change; None where there is none."""
        return [(name, self._compare(name)) for name in _in_order(self._plan.needs)]

    def _compare(self, name: str) -> Json | None:
        definition = self._plan.resources[name]
        made = self._stack.resources.get(name)
        if made is None:
            self._fresh.add(name)
            return _change("Add", Made(definition, {}, (), "", self._stack.created), {})
        kind = TYPES[definition.type]
        try:
            properties = self._evaluator.value(definition.properties)
        except AwsError:  # shown when it is executed
            properties = {}
        properties = kind.tagged(properties, self._plan.tags)
        changed = kind.changed(made.properties, properties)
        metadata = definition.metadata != made.definition.metadata
        if not changed and not metadata:
            return None
        details = [self._detail(made, definition, each, properties) for each in changed]
        always = any(
            kind.properties[each].replaces and not _is_later(properties.get(each))
            for each in changed
        )
        maybe = any(kind.properties[each].replaces for each in changed)
        if maybe:
            self._fresh.add(name)
        return _change(
            "Modify",
            made,
            {
                "Replacement": "True" if always else "Conditional" if maybe else "False",
                "Scope": [
                    *(["Properties"] if changed else []),
                    *(["Metadata"] if metadata else []),
                ],
                "Details": details,
            },
        )

    def _detail(self, made: Made, definition: Resource, name: str, properties: Json) -> Json:
        replaces = TYPES[made.type].properties[name].replaces
        later = _is_later(properties.get(name))
        target = {"Attribute": "Properties", "Name": name}
        target["RequiresRecreation"] = "Always" if replaces else "Never"
        detail: Json = {"Target": target, "Evaluation": "Dynamic" if later else "Static"}
        raw = definition.properties.get(name)
        if name == TYPES[made.type].tags and raw == made.definition.properties.get(name):
            target.update(Attribute="Tags")
        for reference in self._evaluator.references(raw):
            source, cause = self._cause(reference)
            if source:
                return {**detail, "ChangeSource": source, "CausingEntity": cause}
        return {**detail, "ChangeSource": "DirectModification"}

    def _cause(self, reference: Reference) -> tuple[str, str]:
        before = self._stack.plan
        if reference.name in self._fresh:
            if reference.attribute:
                return "ResourceAttribute", f"{reference.name}.{reference.attribute}"
            return "ResourceReference", reference.name
        if before and reference.name in self._plan.values:
            after = self._plan.values[reference.name]
            if before.values.get(reference.name) != after:
                return "ParameterReference", reference.name
        return "", ""


def _known(stack: Stack) -> Callable[[Reference], Value]:
    def look_up(reference: Reference) -> Value:
        made = stack.resources.get(reference.name)
        if made is None:
            return _LATER
        return (
            made.attributes.get(reference.attribute, _LATER)
            if reference.attribute
            else (made.physical_id)
        )

    return look_up


def _value(evaluator: Evaluator, given: Value) -> Value:
    try:
        return evaluator.value(given)
    except AwsError:
        return NOTHING


def _is_later(value: Value) -> bool:
    if isinstance(value, dict):
        return any(map(_is_later, value.values()))
    if isinstance(value, list):
        return any(map(_is_later, value))
    return isinstance(value, str) and _LATER in value


def _in_order(needs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return names so that each comes after what it needs; there are no cycles."""
    left, done = dict(needs), list[str]()
    while left:
        free = [name for name, each in left.items() if not set(each) & left.keys()]
        for name in free:
            del left[name]
        done += free
    return done


def _change(action: str, made: Made, more: Json) -> Json:
    found: Json = {
        "Action": action,
        "LogicalResourceId": made.logical_id,
        "ResourceType": made.type,
        "Scope": [],
        "Details": [],
        **more,
    }
    return {**found, "PhysicalResourceId": made.physical_id} if made.physical_id else found


def _policy_action(definition: Resource) -> str:
    return "Delete" if definition.deletion_policy == "Delete" else "Retain"
