"""How faithful the simulator is: a table of behaviours, kept as data in ``fidelity.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, get_args

Status = Literal["modelled", "likeliest reading", "not simulated"]
STATUSES: tuple[str, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One line of the table."""

    service: str  # AWS's service id, or "all"
    behaviour: str
    source: str  # the AWS page that says so
    status: Status
    test: str  # pytest's name of the test that shows it


def behaviours() -> tuple[Behaviour, ...]:
    """Return the table, in the order of the file."""
    text = files("pkilab.simulator").joinpath("fidelity.toml").read_text(encoding="utf-8")
    return tuple(Behaviour(**each) for each in tomllib.loads(text)["behaviour"])


def fidelity_table() -> str:
    """Return the table as Markdown."""
    lines = ["| Service | Behaviour | Status | Source |", "|---|---|---|---|"]
    lines += [
        f"| {each.service} | {each.behaviour} | {each.status} | {each.source} |"
        for each in behaviours()
    ]
    return "\n".join(lines)
