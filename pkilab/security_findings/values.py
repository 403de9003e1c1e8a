"""What every value of a finding is: frozen, closed, and refused with one error that says all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pkilab.errors import MalformedError

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)  # it has no public name

_SHOWN = 60  # characters of a value in a message


class _Meta(ModelMetaclass):
    """Makes a constructor raise this package's error; values inside of others are not its."""

    def __call__(self, *arguments: Any, **members: Any) -> Any:  # noqa: ANN401 - pydantic's own
        try:
            return super().__call__(*arguments, **members)
        except ValidationError as error:
            raise malformed(self.__name__, members.get("Id"), error) from None


class Value(BaseModel, metaclass=_Meta):
    """A part of a finding.

    Raises:
        MalformedError: members are missing, unknown or not what the format allows.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        return ((name, value) for name, value in super().__repr_args__() if value is not None)


def malformed(name: str, number: object, error: ValidationError) -> MalformedError:
    """Say everything that pydantic found."""
    found, expected = [], []
    for each in error.errors(include_url=False):
        where = ".".join(str(part) for part in each["loc"]) or name
        cause = each.get("ctx", {}).get("error")
        if isinstance(cause, MalformedError):
            found.append(f"{where} {cause.found}")
            expected.append(f"{where} {cause.expected}")
            continue
        absent = each["type"] == "missing"
        found.append(f"no {where}" if absent else f"{where} {_shown(each['input'])}")
        if absent:
            expected.append(where)
            continue
        sentence = (
            each["msg"]
            .removeprefix("Input should be ")
            .replace(r"match pattern '\S'", "not be blank")
        )
        expected.append(f"{where}: {sentence[:1].lower()}{sentence[1:]}")
    thing = f"{name} {_shown(number)}" if isinstance(number, str) else name
    return MalformedError(thing, found="; ".join(found), expected="; ".join(expected))


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}… ({len(text)} characters)"
