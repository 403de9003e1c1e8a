"""The condition keys that a simulation is given. Source: IAM API Reference, ContextEntry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pkilab.iam import values
from pkilab.simulator.service import Json, error

_READERS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "numeric": values.number,
    "boolean": values.boolean,
    "date": values.moment,
    "ip": values.address,
    "binary": values.octets,
}


def read_context(entries: Iterable[Json] | None) -> dict[str, str | tuple[str, ...]]:
    """Return condition keys in lower case, with a text, or several where the type is a list.

    Raises:
        AwsError: InvalidInput, a value is not of its type, or there are several and no list.
    """
    found: dict[str, str | tuple[str, ...]] = {}
    for each in entries or ():
        name, kind = each.get("ContextKeyName", ""), each.get("ContextKeyType", "string")
        texts = tuple(each.get("ContextKeyValues", ()))
        many = kind.endswith("List")
        if not name or not (many or len(texts) == 1):
            message = f"Invalid context entry {name}: {len(texts)} values of the type {kind}"
            raise error("iam", "InvalidInputException", message)
        for text in texts:
            try:
                _READERS[kind.removesuffix("List")](text)
            except ValueError as why:
                message = f"Invalid context entry {name}: {text} is not of the type {kind}"
                raise error("iam", "InvalidInputException", message) from why
        found[name.lower()] = texts if many else texts[0]
    return found
