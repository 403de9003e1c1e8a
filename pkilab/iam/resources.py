"""Patterns of the Resource element, whose wildcards reach less far than those of StringLike.

AWS: wildcards stand "within the individual segments of an ARN (the parts separated by colons)"; "If
the * wildcard is the last character of a resource ARN segment, it can expand to match beyond the
colon boundaries". The sixth part, the resource, has colons of its own, which are text.

Source: IAM User Guide, "IAM JSON policy elements: Resource".
"""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pkilab.iam.wildcards import Matcher, Token, Wild, matcher

_COLONS = 5  # of an ARN, before the resource


@dataclass(frozen=True, slots=True)
class _Place:
    """One character or wildcard of a pattern; ``confined``: it does not match a colon."""

    what: str | Wild
    confined: bool


@functools.lru_cache(maxsize=4096)
def resource_matcher(pattern: tuple[Token, ...]) -> Matcher:
    """Return the comparison of a resource's ARN with a pattern."""
    places = tuple(_places(pattern))
    if not any(place.confined for place in places):
        return matcher(pattern)
    return _automaton(places)


def _places(pattern: tuple[Token, ...]) -> Iterator[_Place]:
    characters: list[str | Wild] = []
    for token in pattern:
        characters.extend([token] if isinstance(token, Wild) else token)
    colons = 0
    for here, following in itertools.zip_longest(characters, characters[1:]):
        colons += here == ":"
        ends = here is Wild.ANY and following in (":", None)
        yield _Place(here, isinstance(here, Wild) and colons < _COLONS and not ends)


def _automaton(places: tuple[_Place, ...]) -> Matcher:
    """Follow all ways through the pattern at once: one step a character, whatever it holds.

    A set of positions is an integer with one bit each.
    """
    text: defaultdict[str, int] = defaultdict(int)
    stars = ones = confined = 0
    for position, place in enumerate(places):
        bit = 1 << position
        if place.what is Wild.ANY:
            stars |= bit
        elif place.what is Wild.ONE:
            ones |= bit
        else:
            text[str(place.what)] |= bit
        if place.confined:
            confined |= bit
    literal, end = dict(text), 1 << len(places)

    def past_stars(positions: int) -> int:
        while (further := positions | (positions & stars) << 1) != positions:
            positions = further
        return positions

    start = past_stars(1)

    def matches(value: str) -> bool:
        positions = start
        for character in value:
            here = positions & ~confined if character == ":" else positions
            positions = past_stars(
                (here & (literal.get(character, 0) | ones)) << 1 | (here & stars)
            )
            if not positions:
                return False
        return bool(positions & end)

    return matches
