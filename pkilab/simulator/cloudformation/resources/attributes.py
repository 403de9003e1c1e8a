"""Properties as the attributes of SQS and SNS, which are all text."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pkilab.simulator.cloudformation.documents import Value
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import FailedError
from pkilab.simulator.service import Json


def attributes(properties: Json, names: Iterable[str]) -> dict[str, str]:
    """Return those of ``names`` that there are; an object becomes its JSON.

    Raises:
        FailedError: one cannot be text.
    """
    found = {}
    for name in names:
        if name not in properties:
            continue
        value: Value = properties[name]
        is_object = isinstance(value, dict)
        text = json.dumps(value, separators=(",", ":")) if is_object else text_of(value)
        if text is None:
            message = f"#/{name}: expected type: String, found: JSONArray"
            raise FailedError(message, "ModelValidationFailed")
        found[name] = text
    return found


def texts(properties: Json, name: str) -> list[str]:
    """Return a property that is a list of strings.

    Raises:
        FailedError: it is none.
    """
    found: Value = properties.get(name, [])
    if not (isinstance(found, list) and all(isinstance(each, str) for each in found)):
        raise FailedError(f"#/{name}: expected type: JSONArray", "ModelValidationFailed")
    return found
