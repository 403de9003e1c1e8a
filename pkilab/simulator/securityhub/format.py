"""The AWS Security Finding Format: is a document a finding, and if not, why not.

Types, required members and choices come from botocore's model; what the model leaves to its
documentation comes from `limits`. The sentences are those of the JSON Schema checker that the
service answers with (ajv): ``data.Title should NOT be longer than 256 characters``.

Not checked: whether a resource of some type has the Details of that type, and whether Types are in
AWS's taxonomy: the guide recommends its namespaces, and the service only asks for the form.

Sources: the API model; User Guide, "AWS Security Finding Format", "Types taxonomy for ASFF";
answers of the service in aws-samples/aws-securityhub-config-integration issue 3, cloud-custodian
issues 3603 and 4234, prowler issues 778 and 2519, mitre/heimdall2 issue 3357.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from botocore.model import ListShape, MapShape, Shape, StructureShape

from pkilab.simulator.securityhub import moments
from pkilab.simulator.securityhub.limits import LIMITS, LONGEST, TIMESTAMPS, Limit
from pkilab.simulator.service import service_model

PREFIX = "Finding does not adhere to Amazon Finding Format."
TOO_LONG = f"The maximum size of an individual field should be less than {LONGEST}"
_NONE = Limit()
_BLANK = r".*\S.*"

# Where a value stands: the path of what it is in, and its own step. Written out when needed.
Path: TypeAlias = tuple[Any, str]
Found: TypeAlias = list[str]
Check: TypeAlias = Callable[[Any, Path, Found], None]


def problem(document: object) -> str | None:
    """Return the sentence with which a document is refused as a finding; None: it is one."""
    found: Found = []
    _finding()(document, (None, "data"), found)
    if isinstance(document, dict):
        _has_severity(document, found)
    if not found:
        return None
    return TOO_LONG if TOO_LONG in found else f"{PREFIX} {', '.join(found)}."


def problems_of(members: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the members of a finding that a customer updates; None: nothing.

    Args:
        members: some of a finding's top-level members, decoded, under their names.
    """
    found: Found = []
    for name, value in members.items():
        check = _update_members().get(name)
        if check is not None:
            check(value, (None, name), found)
    return f"{', '.join(found)}." if found else None


@functools.cache
def _finding() -> Check:
    return _of(service_model("securityhub").shape_for("AwsSecurityFinding"))


@functools.cache
def _update_members() -> dict[str, Check]:
    model = service_model("securityhub")
    request = model.operation_model("BatchUpdateFindings").input_shape
    assert isinstance(request, StructureShape)  # noqa: S101 - it is in the model
    return {
        name: _of(shape, LIMITS.get(f"AwsSecurityFinding.{name}", _NONE))
        for name, shape in request.members.items()
    }


def _has_severity(finding: dict[str, Any], found: Found) -> None:
    """A finding says how severe it is, in one of two places and one of two ways."""
    severity = finding.get("Severity")
    if isinstance(severity, dict) and not severity.keys() & {"Label", "Normalized"}:
        found.extend(
            (
                "data.Severity should have required property 'Label'",
                "data.Severity should have required property 'Normalized'",
                "data.Severity should match some schema in anyOf",
            )
        )
    if severity is not None:
        return
    provider = finding.get("FindingProviderFields")
    given = provider.get("Severity") if isinstance(provider, dict) else None
    if given is None:
        found.append("data should have required property 'Severity'")
        if provider is None:
            found.append("data should have required property 'FindingProviderFields'")
        found.append("data should match some schema in anyOf")
    elif isinstance(given, dict) and "Label" not in given:
        found.append("data.FindingProviderFields.Severity should have required property 'Label'")


def _of(shape: Shape, limit: Limit = _NONE, *, timestamp: bool = False) -> Check:
    """Return the check of a shape."""
    if isinstance(shape, StructureShape):
        return _structure(shape.name)
    if isinstance(shape, ListShape):
        return _list(shape, limit)
    if isinstance(shape, MapShape):
        return _map(shape, limit)
    return _timestamp if timestamp else _scalar(shape, limit)


def _scalar(shape: Shape, limit: Limit) -> Check:
    kind = shape.type_name
    if kind == "string":
        return _text(shape, limit)
    return _boolean if kind == "boolean" else _number(shape, limit)


@functools.cache
def _structure(name: str) -> Check:
    shape = service_model("securityhub").shape_for(name)
    assert isinstance(shape, StructureShape)  # noqa: S101 - its name was a structure's
    required, members, known = tuple(shape.required_members), shape.members, _Members(name)

    def check(value: Any, where: Path, found: Found) -> None:  # noqa: ANN401 - JSON
        if not isinstance(value, dict):
            found.append(f"{_written(where)} should be object")
            return
        found.extend(
            f"{_written(where)} should have required property '{each}'"
            for each in required
            if each not in value
        )
        for key, item in value.items():
            if key in members:
                known[key](item, (where, f".{key}"), found)
            else:
                found.append(f"{_written(where)} should NOT have additional properties")

    return check


class _Members(dict[str, Check]):
    """Checks of a structure's members, made when one is met first: there are hundreds."""

    def __init__(self, structure: str) -> None:
        super().__init__()
        self._structure = structure

    def __missing__(self, name: str) -> Check:
        shape = service_model("securityhub").shape_for(self._structure)
        assert isinstance(shape, StructureShape)  # noqa: S101 - its name was a structure's
        place = f"{self._structure}.{name}"
        limit, timestamp = LIMITS.get(place, _NONE), place in TIMESTAMPS
        self[name] = found = _of(shape.members[name], limit, timestamp=timestamp)
        return found


def _list(shape: ListShape, limit: Limit) -> Check:
    item = _of(shape.member, Limit(pattern=limit.pattern))
    least, most = limit.least or 0, limit.most

    def check(value: Any, where: Path, found: Found) -> None:  # noqa: ANN401 - JSON
        if not isinstance(value, list):
            found.append(f"{_written(where)} should be array")
            return
        if len(value) < least:
            found.append(f"{_written(where)} should NOT have fewer than {least} items")
        if most is not None and len(value) > most:
            found.append(f"{_written(where)} should NOT have more than {most} items")
            return
        for number, each in enumerate(value):
            item(each, (where, f"[{number}]"), found)

    return check


def _map(shape: MapShape, limit: Limit) -> Check:
    item = _of(shape.value, Limit(most=limit.value))
    most, longest = limit.most, limit.key

    def check(value: Any, where: Path, found: Found) -> None:  # noqa: ANN401 - JSON
        if not isinstance(value, dict):
            found.append(f"{_written(where)} should be object")
            return
        if most is not None and len(value) > most:
            found.append(f"{_written(where)} should NOT have more than {most} properties")
            return
        for key, each in value.items():
            if longest is not None and len(key) > longest:
                found.extend(
                    (
                        f"{_written(where)} should NOT be longer than {longest} characters",
                        f"{_written(where)} property name '{key}' is invalid",
                    )
                )
            item(each, (where, f"['{key}']"), found)

    return check


def _text(shape: Shape, limit: Limit) -> Check:
    choices = frozenset(limit.choices or shape.metadata.get("enum", ()))
    least, most = limit.least or 1, LONGEST if limit.most is None else limit.most
    pattern = limit.pattern
    matches = re.compile(pattern, re.ASCII).fullmatch if pattern else None
    filled = shape.metadata.get("pattern") == _BLANK

    def check(value: Any, where: Path, found: Found) -> None:  # noqa: ANN401 - JSON
        if not isinstance(value, str):
            found.append(f"{_written(where)} should be string")
        elif choices and value not in choices:
            found.append(f"{_written(where)} should be equal to one of the allowed values")
        elif matches is not None and not matches(value):
            found.append(f'{_written(where)} should match pattern "{pattern}"')
        elif len(value) < least and filled:
            found.append(f"{_written(where)} should NOT be shorter than {least} characters")
        elif len(value) >= LONGEST:
            found.append(TOO_LONG)
        elif len(value) > most:
            found.append(f"{_written(where)} should NOT be longer than {most} characters")
        elif filled and value.isspace():
            found.append(f'{_written(where)} should match pattern "{_BLANK}"')

    return check


def _timestamp(value: Any, where: Path, found: Found) -> None:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        found.append(f"{_written(where)} should be string")
    elif moments.parse(value) is None:
        found.append(f'{_written(where)} should match pattern "{moments.PATTERN}"')


def _boolean(value: Any, where: Path, found: Found) -> None:  # noqa: ANN401 - JSON
    if not isinstance(value, bool):
        found.append(f"{_written(where)} should be boolean")


def _number(shape: Shape, limit: Limit) -> Check:
    whole = shape.type_name in {"integer", "long"}
    kinds, noun = (int, "integer") if whole else (int | float, "number")
    least = limit.least if limit.least is not None else shape.metadata.get("min")
    most = limit.most if limit.most is not None else shape.metadata.get("max")

    def check(value: Any, where: Path, found: Found) -> None:  # noqa: ANN401 - JSON
        if not isinstance(value, kinds) or isinstance(value, bool):
            found.append(f"{_written(where)} should be {noun}")
        elif least is not None and value < least:
            found.append(f"{_written(where)} should be >= {least}")
        elif most is not None and value > most:
            found.append(f"{_written(where)} should be <= {most}")

    return check


def _written(where: Path) -> str:
    steps: list[str] = []
    step: Path | None = where
    while step is not None:
        steps.append(step[1])
        step = step[0]
    return "".join(reversed(steps))
