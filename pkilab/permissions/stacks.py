"""The calls that CloudFormation makes for a stack, in the name of whoever asked for the stack.

No journal sees them, but they take the caller's rights, unless the stack was given a role of its
own. `with_contents` puts them beside the calls that cause them, as entries of the same kind, so
that a policy needs no rule for stacks.

Source: CloudFormation User Guide, "Control CloudFormation access with IAM".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pkilab.permissions import templates
from pkilab.permissions.authorization import operation_model
from pkilab.permissions.besides import partition_of
from pkilab.permissions.stack_types import KINDS, Called, Kind, Made
from pkilab.resources import Place, named

if TYPE_CHECKING:
    from pkilab.journal import Entry
    from pkilab.permissions.templates import Json, Resource

Origin = Literal["call", "stack", "handler"]
_CHANGING = ("CreateStack", "UpdateStack", "DeleteStack", "ExecuteChangeSet")
_NEW: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as the calls left it.

    Attributes:
        name: its name.
        place: where it is.
        template: its document.
        parameters: values by name.
        resources: what it has, by logical ID.
        role: whether it was given a role of its own.
    """

    name: str
    place: Place
    template: Json
    parameters: Mapping[str, str]
    resources: Mapping[str, Resource]
    role: bool

    def made(self, resource: Resource, changed: frozenset[str] | None = None) -> Made | None:
        """Return a resource as its calls need it; None: its type is not known here."""
        kind = KINDS.get(resource.type)
        if kind is None:
            return None
        name = _name(self.name, resource.logical_id, kind, resource.properties)
        fill = {**_parts(self.place), "name": name}
        arn = kind.arn.format(**fill)
        reference = kind.reference.format(**fill, arn=arn)
        everything = frozenset(resource.properties)
        return Made(name, reference, arn, resource.properties, changed or everything)

    @property
    def patterns(self) -> frozenset[str]:
        """The ARNs of those resources that AWS names, with ``*`` for the name."""
        found = (self.made(each) for each in self.resources.values())
        return frozenset(
            made.arn for made in found if made and made.arn.endswith(("/*", ":*")) and made.name
        )


@dataclass
class Stacks:
    """The stacks of some calls.

    Attributes:
        tagged: whether every stack has tags, which CloudFormation gives to its resources.
        seen: every stack that the calls made, as it was each time.
        unknown: calls whose stack's contents cannot be known, and why.
    """

    tagged: bool = False
    seen: list[Stack] = field(default_factory=list)
    unknown: list[tuple[Entry, str]] = field(default_factory=list)
    _standing: dict[tuple[str, str, str], Stack] = field(default_factory=dict)
    _planned: dict[tuple[str, str, str], Stack] = field(default_factory=dict)

    def with_contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Origin]]:
        """Yield calls, and after each the calls that CloudFormation makes because of it.

        Each with where it is from; ``handler`` is what a handler only reads (`Kind.reads`).
        """
        for entry in entries:
            yield entry, "call"
            if entry.service == "cloudformation" and entry.ok:
                for called, origin in self._because_of(entry):
                    yield _as_entry(entry, called), origin

    def _because_of(self, entry: Entry) -> Iterator[tuple[Called, Origin]]:
        key = (entry.account_id, entry.region, _stack_name(entry))
        standing = self._standing.get(key)
        if entry.operation == "CreateChangeSet":
            if planned := self._next(entry, standing):
                self._planned[key] = planned
        elif entry.operation in _CHANGING and isinstance(entry.parameters.get("RoleARN"), str):
            return
        elif entry.operation in {"CreateStack", "UpdateStack"}:
            if made := self._next(entry, standing):
                yield from self._change(key, entry, made)
        elif entry.operation == "ExecuteChangeSet":
            if made := self._planned.pop(key, None):
                yield from self._change(key, entry, made)
            else:
                self.unknown.append((entry, "its change set is not among the calls"))
        elif entry.operation == "DeleteStack":
            yield from self._delete(key, entry)

    def _next(self, entry: Entry, standing: Stack | None) -> Stack | None:
        """Return the stack that a call asks for."""
        asked = entry.parameters
        text = asked.get("TemplateBody")
        template = templates.read(text) if isinstance(text, str) else None
        if template is None and asked.get("UsePreviousTemplate") and standing:
            template = standing.template
        if template is None:
            self.unknown.append((entry, "its template is not among the call's parameters"))
            return None
        parameters = _parameters(asked.get("Parameters"), standing.parameters if standing else {})
        place = Place(partition_of(entry), entry.region, entry.account_id)
        name = _stack_name(entry)

        def reference(logical_id: str, kind_name: str, named: Json, attribute: str) -> str:
            kind = KINDS.get(kind_name)
            if kind is None:
                return templates.UNKNOWN
            own = _name(name, logical_id, kind, named)
            fill = {**_parts(place), "name": own}
            fill["arn"] = kind.arn.format(**fill)
            if not attribute:
                return kind.reference.format(**fill)
            default = "{arn}" if attribute == "Arn" else templates.UNKNOWN
            return kind.attributes.get(attribute, default).format(**fill)

        known = templates.Known(name, place, parameters, reference)
        resources = {each.logical_id: each for each in templates.resources(template, known)}
        role = isinstance(asked.get("RoleARN"), str)
        return Stack(name, place, template, parameters, resources, role)

    def _change(
        self, key: tuple[str, str, str], entry: Entry, made: Stack
    ) -> Iterator[tuple[Called, Origin]]:
        """Yield what making a stack, or making it another, takes; also if it is rolled back."""
        old = self._standing.get(key)
        before = old.resources if old else {}
        self._standing[key] = made
        self.seen.append(made)
        for logical_id, resource in made.resources.items():
            former = before.get(logical_id)
            if former is None or former.type != resource.type:
                undone = () if resource.deletion == "Retain" else ("deletes",)
                tagged = ("tags",) if self.tagged or entry.parameters.get("Tags") else ()
                yield from self._calls(entry, made, resource, "creates", *tagged, *undone)
            elif changed := _changed(former, resource):
                yield from self._calls(entry, made, resource, "changes", changed=changed)
        for logical_id in before.keys() - made.resources.keys():
            yield from self._calls(entry, made, before[logical_id], "deletes")

    def _delete(self, key: tuple[str, str, str], entry: Entry) -> Iterator[tuple[Called, Origin]]:
        stack = self._standing.pop(key, None)
        if stack is None:
            self.unknown.append((entry, "the call that made it is not among the calls"))
        elif not stack.role:
            for resource in stack.resources.values():
                if not resource.deletion.startswith("Retain"):
                    yield from self._calls(entry, stack, resource, "deletes")

    def _calls(
        self,
        entry: Entry,
        stack: Stack,
        resource: Resource,
        *phases: str,
        changed: frozenset[str] | None = None,
    ) -> Iterator[tuple[Called, Origin]]:
        made = stack.made(resource, changed)
        if made is None:
            self.unknown.append((entry, f"what {resource.type} takes is not known"))
            return
        kind = KINDS[resource.type]
        for phase in phases:
            for called in getattr(kind, phase)(made):
                yield called, "stack"
        for called in kind.reads(made):
            yield called, "handler"


def _name(stack: str, logical_id: str, kind: Kind, properties: Json) -> str:
    """Return a resource's name: its own, or CloudFormation's; buckets' are in small letters."""
    if not kind.name:
        return templates.UNKNOWN
    if own := properties.get(kind.name):
        return str(own)
    made = f"{stack}-{logical_id}-*"
    return made.lower() if kind.name == "BucketName" else made


def _changed(before: Resource, after: Resource) -> frozenset[str]:
    names = before.properties.keys() | after.properties.keys()
    return frozenset(
        name
        for name in names
        if templates.text(before.properties.get(name)) != templates.text(after.properties.get(name))
    )


def _parameters(given: object, previous: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given if isinstance(given, list) else ():
        if isinstance(each, dict) and isinstance(name := each.get("ParameterKey"), str):
            if each.get("UsePreviousValue") and name in previous:
                found[name] = previous[name]
            else:
                found[name] = str(each.get("ParameterValue", ""))
    return found


def _stack_name(entry: Entry) -> str:
    """Return the name of the stack that a call names, by its ARN or its name."""
    named = str(entry.parameters.get("StackName", ""))
    return named.split("/")[1] if named.startswith("arn:") and "/" in named else named


def _as_entry(entry: Entry, called: Called) -> Entry:
    """Return a call of CloudFormation's as an entry beside the one that caused it."""
    model = operation_model(called.service, called.operation)
    place = Place(partition_of(entry), entry.region, entry.account_id)
    resources = named(model, called.parameters, place) if model else []
    return replace(
        entry,
        service=called.service,
        operation=called.operation,
        resources=tuple(dict.fromkeys(resources)),
        parameters=called.parameters,
        results={},
    )


def _parts(place: Place) -> dict[str, str]:
    return {"partition": place.partition, "region": place.region, "account": place.account}
