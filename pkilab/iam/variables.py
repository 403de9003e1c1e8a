"""Policy variables: ``${aws:username}``, ``${aws:PrincipalTag/team, 'none'}``, ``${*}``.

Source: IAM User Guide, "IAM policy elements: Variables and tags".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pkilab.errors import MalformedError, UnsupportedError
from pkilab.iam.keys import key
from pkilab.iam.wildcards import Token, tokens

Context: TypeAlias = Mapping[str, str | tuple[str, ...]]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_INSIDE = re.compile(r"\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?")


@dataclass(frozen=True, slots=True)
class Variable:
    """A place in a text that a request fills in."""

    key: str  # in small letters
    default: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """A text with at least one variable."""

    pieces: tuple[Token | Variable, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys it asks for, in small letters."""
        return tuple(piece.key for piece in self.pieces if isinstance(piece, Variable))

    def fill(self, context: Context) -> tuple[Token, ...] | None:
        """Put in the request's values, in which wildcards are plain characters.

        Returns:
            The pattern; ``None`` where the request has no value and the policy no default.
        """
        filled: list[Token] = []
        for piece in self.pieces:
            if not isinstance(piece, Variable):
                filled.append(piece)
                continue
            value = context.get(piece.key, piece.default)
            if not isinstance(value, str):
                return None
            filled.append(value)
        return tuple(filled)


def read_template(
    text: str, place: str, *, wildcards: bool, variables: bool = True
) -> tuple[Token, ...] | Template:
    """Cut a text of a policy into plain text, wildcards and variables.

    Args:
        text: as the policy has it.
        place: where it stands, for errors.
        wildcards: whether ``*`` and ``?`` outside of ``${}`` are wildcards.
        variables: whether ``${}`` means a variable, which it does from version 2012-10-17 on.

    Raises:
        MalformedError: a variable without an end, or without a name.
        UnsupportedError: a variable whose key is not modelled or has many values.
    """
    if not variables or "${" not in text:
        return _plain(text, wildcards=wildcards)
    pieces: list[Token | Variable] = []
    end = 0
    for found in _VARIABLE.finditer(text):
        pieces.extend(_plain(_closed(text[end : found.start()], place), wildcards=wildcards))
        pieces.append(_variable(found[1], place))
        end = found.end()
    pieces.extend(_plain(_closed(text[end:], place), wildcards=wildcards))
    if any(isinstance(piece, Variable) for piece in pieces):
        return Template(tuple(pieces))
    return tuple(piece for piece in pieces if not isinstance(piece, Variable))


def _plain(text: str, *, wildcards: bool) -> tuple[Token, ...]:
    if wildcards:
        return tokens(text)
    return (text,) if text else ()


def _closed(text: str, place: str) -> str:
    if "${" in text:
        raise MalformedError(place, found=repr(text), expected="a } after ${")
    return text


def _variable(inside: str, place: str) -> str | Variable:
    if inside in ("*", "?", "$"):
        return inside
    found = _INSIDE.fullmatch(inside)
    if found is None:
        raise MalformedError(
            place, found=f"${{{inside}}}", expected="${key}, ${key, 'default'}, ${*}, ${?} or ${$}"
        )
    known = key(found[1])
    if known is None:
        raise UnsupportedError(f"{place}: the policy variable {found[1]}")
    if known.multivalued:
        raise UnsupportedError(f"{place}: {found[1]}, which has many values, as a policy variable")
    return Variable(known.name, found[2])
