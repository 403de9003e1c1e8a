"""Kills every guided notebook after each single call, cleans up, and says what was left.

``python -m tests.stand_in.prove_clean_up [NOTEBOOK ...]`` from the project's root. It takes minutes
a notebook: each call that may change something is tried twice, before it was performed and after,
in a world of its own (`tests.stand_in.killing`). Exit code 1 if anything was left or harmed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pkilab.execution import guided
from tests.stand_in.account import Account
from tests.stand_in.bystanders import make_bystanders
from tests.stand_in.calls import Call
from tests.stand_in.killing import Verdict, killed
from tests.stand_in.notebooks import options_of, run_notebook


@dataclass
class Result:
    """One notebook's."""

    name: str
    calls: int = 0
    seconds: float = 0.0
    failure: str = ""
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def bad(self) -> list[Verdict]:
        """The moments that were not good."""
        return [each for each in self.verdicts if not each.good]


def prove(notebook: Path, *, every: int, latency: timedelta) -> Result:
    """Try one notebook.

    Args:
        notebook: the file.
        every: try every so-manieth changing call; 1 tries them all.
        latency: how long AWS takes.
    """
    result, begun = Result(notebook.stem), time.perf_counter()
    seen: list[Call] = []

    def chosen(call: Call) -> bool:
        if not seen or seen[-1] != call:  # asked before and after
            seen.append(call)
        return (len(seen) - 1) % every == 0

    def told(verdict: Verdict) -> None:
        result.verdicts.append(verdict)
        if not verdict.good:
            _say(f"{result.name}: {verdict}")
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{result.name}: {verdict.moment} {verdict.call}")
            sys.stderr.flush()

    with Account(**options_of(notebook), latency=latency) as account:
        with account.unhurried():
            make_bystanders(account.lab)
        with killed(account, chosen=chosen, on_verdict=told):
            ran = run_notebook(notebook, account=account, timeout=3600)
        result.calls = sum(call.changes for call in account.relay.calls)
    result.failure = str(ran.executed.failure or "")
    result.seconds = time.perf_counter() - begun
    return result


def table(results: Sequence[Result]) -> str:
    """Return what came of all."""
    head = ("notebook", "changing calls", "moments", "left or harmed", "seconds", "")
    rows = [head]
    for each in results:
        numbers = (each.calls, len(each.verdicts), len(each.bad), round(each.seconds))
        why = "the run itself failed" if each.failure else ""
        rows.append((each.name, *map(str, numbers), why))
    sums = (
        sum(each.calls for each in results),
        sum(len(each.verdicts) for each in results),
        sum(len(each.bad) for each in results),
        round(sum(each.seconds for each in results)),
    )
    rows.append(("total", *map(str, sums), ""))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(row[n].rjust(widths[n]) for n in range(1, 5)), row[5]]
        ).rstrip()
        for row in rows
    )


def main(words: Sequence[str] | None = None) -> int:
    """Try notebooks, print a table, and return the exit code."""
    reader = argparse.ArgumentParser(prog="prove_clean_up", description=__doc__)
    reader.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    reader.add_argument("--every", type=int, default=1, help="try every Nth call only")
    reader.add_argument("--latency", type=float, default=0.0, help="seconds that AWS takes")
    given = reader.parse_args(words)
    results = []
    for notebook in given.notebooks or guided(Path("notebooks")):
        result = prove(
            notebook, every=max(1, given.every), latency=timedelta(seconds=given.latency)
        )
        said = f"{len(result.verdicts)} moments, {len(result.bad)} left something or did harm"
        _say(f"{result.name}: {said}" + (f"\n{result.failure}" if result.failure else ""))
        results.append(result)
    _say(f"\n{table(results)}")
    return int(any(each.bad or each.failure for each in results))


def _say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
