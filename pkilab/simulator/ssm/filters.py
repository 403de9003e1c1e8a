"""ParameterFilters of DescribeParameters and GetParametersByPath.

Source: API Reference, ParameterStringFilter. Sentences as moto has them, which were seen from AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pkilab.simulator.service import AwsError
from pkilab.simulator.ssm.names import check_path
from pkilab.simulator.ssm.state import Parameter, Version

Json = dict[str, Any]
_OPTIONS = {"Path": ("Recursive", "OneLevel"), "Name": ("BeginsWith", "Equals", "Contains")}
_TEXT_OPTIONS = ("BeginsWith", "Equals")
_CHOICES = {
    "Tier": ("Standard", "Advanced", "Intelligent-Tiering"),
    "Type": ("String", "StringList", "SecureString"),
}
_DESCRIBED = ("Path", "Name", "Type", "KeyId", "Tier", "DataType")
_BY_PATH = ("Type", "KeyId", "Label")


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter that was found to make sense."""

    key: str
    option: str
    values: tuple[str, ...]

    def fits(self, parameter: Parameter, version: Version) -> bool:
        """Say whether a parameter's version is among what is asked for."""
        if self.key.startswith("tag:"):
            found = parameter.tags.get(self.key.removeprefix("tag:"))
            return found is not None and (not self.values or self._one(found))
        if self.key == "Path":
            recursive = self.option == "Recursive"
            return any(is_under(parameter.name, path, recursive=recursive) for path in self.values)
        if self.key == "Label":
            return any(map(self._one, version.labels))
        return self._one(_text(self.key, parameter, version))

    def _one(self, text: str) -> bool:
        compare: Callable[[str], bool] = {
            "BeginsWith": text.startswith,
            "Contains": text.__contains__,
        }.get(self.option, text.__eq__)
        return any(map(compare, self.values))


def read_filters(asked: Iterable[Json], *, by_path: bool) -> tuple[Filter, ...]:
    """Read filters.

    Args:
        asked: as the request has them.
        by_path: whether GetParametersByPath asks, which knows fewer.

    Raises:
        AwsError: InvalidFilterKey, InvalidFilterOption, InvalidFilterValue.
    """
    found: list[Filter] = []
    for each in asked:
        made = _read(each, by_path=by_path)
        if any(made.key == other.key for other in found):
            raise AwsError(
                "InvalidFilterKey",
                f"The following filter is duplicated in the request: {made.key}. A request can "
                "contain only one occurrence of a specific filter.",
            )
        found.append(made)
    return tuple(found)


def is_under(name: str, path: str, *, recursive: bool) -> bool:
    """Say whether a parameter is below a path that ends in a slash, right below or anywhere."""
    if not name.startswith("/"):
        return path == "/"  # a name without a path is at the root
    rest = name.removeprefix(path)
    return name.startswith(path) and (recursive or "/" not in rest)


def _read(asked: Json, *, by_path: bool) -> Filter:
    key, values = asked["Key"], tuple(asked.get("Values") or ())
    known = _BY_PATH if by_path else _DESCRIBED
    if key not in known and (by_path or not key.startswith("tag:")):
        raise AwsError(
            "InvalidFilterKey",
            f"The following filter key is not valid: {key}. Valid filter keys include: "
            f"[{', '.join(known)}].",
        )
    option = asked.get("Option") or ("OneLevel" if key == "Path" else "Equals")
    options: Sequence[str] = _OPTIONS.get(key, _TEXT_OPTIONS)
    if option not in options:
        raise AwsError(
            "InvalidFilterOption",
            f"The following filter option is not valid: {option}. Valid options include: "
            f"[{', '.join(options)}].",
        )
    if not values and not key.startswith("tag:"):
        raise AwsError(
            "InvalidFilterValue",
            f"The following filter values are missing : null for filter key {key}.",
        )
    choices = _CHOICES.get(key)
    for value in values:
        if choices and value not in choices:
            raise AwsError(
                "InvalidFilterOption",
                f"The following filter value is not valid: {value}. Valid values include: "
                f"[{', '.join(choices)}].",
            )
    if key == "Path":
        values = tuple(map(check_path, values))
    return Filter(key, option, values)


def _text(key: str, parameter: Parameter, version: Version) -> str:
    return {
        "Name": parameter.name,
        "Type": version.type,
        "KeyId": version.key_id,
        "Tier": version.tier,
        "DataType": version.data_type,
    }[key]
