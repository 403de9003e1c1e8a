"""The values of Action and Resource, sorted by how fast they can be compared.

Source: IAM User Guide, "IAM JSON policy elements": Action, NotAction, Resource, NotResource.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pkilab.iam.resources import resource_matcher
from pkilab.iam.variables import Context, Template
from pkilab.iam.wildcards import Matcher, Token, Wild


@dataclass(frozen=True, slots=True)
class Patterns:
    """The values of Action or Resource, or what NotAction or NotResource excludes."""

    everything: bool
    exact: frozenset[str]
    starts: tuple[str, ...]
    others: tuple[Matcher, ...]
    templates: tuple[Template, ...]
    excluded: bool

    def cover(self, value: str, context: Context) -> bool | None:
        """Say whether the element applies; ``None`` if a variable has no value."""
        found = (
            self.everything
            or value in self.exact
            or value.startswith(self.starts)
            or any(matches(value) for matches in self.others)
        )
        for template in self.templates:
            pattern = template.fill(context)
            if pattern is None:
                return None
            found = found or resource_matcher(pattern)(value)
        return found is not self.excluded


def prepare(
    found: Sequence[tuple[Token, ...] | Template],
    make: Callable[[tuple[Token, ...]], Matcher],
    *,
    excluded: bool,
) -> Patterns:
    """Sort patterns by how fast they can be compared."""
    exact, starts, others, templates = set(), [], [], []
    for pattern in found:
        if isinstance(pattern, Template):
            templates.append(pattern)
        elif not any(isinstance(token, Wild) for token in pattern):
            exact.add("".join(map(str, pattern)))
        elif pattern[-1] is Wild.ANY and not any(isinstance(one, Wild) for one in pattern[:-1]):
            starts.append("".join(map(str, pattern[:-1])))
        else:
            others.append(make(pattern))
    return Patterns(
        everything="" in starts, exact=frozenset(exact), starts=tuple(starts),
        others=tuple(others), templates=tuple(templates), excluded=excluded,
    )  # fmt: skip
