"""Which resource types AWS has: all of the services modelled here, of others the service's name.

A type that AWS has and pkilab does not model is refused as not simulated, one that AWS does not
have as unrecognized. Of another service any name is taken to be AWS's.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PARTS = 3


def exists(name: str) -> bool:
    """Whether AWS has a resource type of this name, as far as known here."""
    if name.startswith("Custom::"):
        return name != "Custom::"
    parts = name.split("::", _PARTS - 1)
    if len(parts) != _PARTS or parts[0] != "AWS":
        return False
    types = _services().get(parts[1])
    return types is not None and (not types or parts[2] in types)


@cache
def _services() -> dict[str, frozenset[str]]:
    """Return the types of each service; none where they are not listed."""
    found: dict[str, frozenset[str]] = {}
    for line in Path(__file__).with_name("known.txt").read_text().splitlines():
        service, colon, types = line.partition(":")
        if colon:
            found[service] = frozenset(types.split())
        elif not line.startswith("#"):
            found |= dict.fromkeys(line.split(), frozenset())
    return found
