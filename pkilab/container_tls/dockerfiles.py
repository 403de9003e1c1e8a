"""Dockerfiles, as far as files go: instructions and their words.

Source: Dockerfile reference (docs.docker.com/reference/dockerfile).
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from pkilab.errors import MalformedError

_CONTINUED = re.compile(r"\\[ \t]*\n(?:[ \t]*#[^\n]*\n)*")
_INSTRUCTION = re.compile(r"([A-Za-z]+)(?:[ \t]+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        name: in capitals.
        words: its arguments: the shell's words, or those of the JSON form.
        text: as it stands, without continued lines.
    """

    name: str
    words: tuple[str, ...]
    text: str

    @property
    def commands(self) -> tuple[list[str], ...]:
        """The commands of RUN that ``&&`` joins."""
        found: list[list[str]] = [[]]
        for word in self.words:
            if word == "&&":
                found.append([])
            else:
                found[-1].append(word)
        return tuple(found)


def parse(text: str) -> tuple[Instruction, ...]:
    """Return the instructions of a Dockerfile.

    Raises:
        MalformedError: a line is no instruction, or its quotes do not match; it does not begin with
            FROM.
    """
    found = []
    for line in _CONTINUED.sub(" ", text.replace("\r\n", "\n")).splitlines():
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        parts = _INSTRUCTION.fullmatch(plain)
        if parts is None:
            raise MalformedError("Dockerfile", found=repr(plain)[:60], expected="an instruction")
        found.append(Instruction(parts[1].upper(), _words(parts[2] or ""), plain))
    if not found or found[0].name != "FROM":
        first = found[0].text if found else "nothing"
        raise MalformedError("Dockerfile", found=repr(first)[:60], expected="FROM first")
    return tuple(found)


def _words(text: str) -> tuple[str, ...]:
    if text.startswith("["):
        try:
            listed = json.loads(text)
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list) and all(isinstance(each, str) for each in listed):
            return tuple(listed)
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise MalformedError("Dockerfile", found=repr(text)[:60], expected=str(error)) from error
