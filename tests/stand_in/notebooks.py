"""Runs guided notebooks against a stand-in, and says which calls each cell made."""

from __future__ import annotations

import ast
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from IPython.core.inputtransformer2 import TransformerManager

from pkilab.execution import Executed, execute
from pkilab.journal import reads_only
from pkilab.ledger import Record, read
from pkilab.recorded import is_simulated_only
from tests.stand_in.account import KERNEL, Account, environment

_OPTIONS = ("accounts", "enforce_quotas")  # of Lab.from_env, that AWS has without being asked


@dataclass(frozen=True, slots=True)
class Called:
    """One entry of the journal of a run.

    Attributes:
        cell: the code cell that made it, from 1.
        marked: whether that cell is one that only the simulated lab executes.
        account: the lab's alias.
        service: as boto3 names it.
        operation: as the API names it.
        outcome: as in the journal.
    """

    cell: int
    marked: bool
    account: str
    service: str
    operation: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A notebook after its run: what came of it, its ledger (on AWS) and its calls, in order.

    ``record`` is what the ledger says; the file itself is gone if the stand-in is.
    """

    executed: Executed
    ledger: Path | None
    record: Record | None
    calls: tuple[Called, ...]

    def sequence(self, *, changes: bool = False) -> list[tuple[str, str, str, str]]:
        """Return account, service, operation and outcome of the calls of cells without a mark.

        Args:
            changes: only calls that may change something: on AWS more is asked, such as whether
                what is deleted is the run's own.
        """
        return [
            (each.account, each.service, each.operation, each.outcome)
            for each in self.calls
            if not each.marked and not (changes and reads_only(each.operation))
        ]


def options_of(notebook: Path) -> dict[str, Any]:
    """Return what a notebook asks of `Lab.from_env` and `Lab.domain` that a stand-in must have.

    Raises:
        ValueError: it is not written out there.
    """
    found: dict[str, Any] = {}
    for source in sources(notebook):
        for node in ast.walk(ast.parse(TransformerManager().transform_cell(source))):
            if not isinstance(node, ast.Call):
                continue
            if ast.unparse(node.func) == "Lab.from_env":
                found |= {
                    word.arg: ast.literal_eval(word.value)
                    for word in node.keywords
                    if word.arg in _OPTIONS
                }
            elif ast.unparse(node.func) == "lab.domain":
                found["domain"] = ast.literal_eval(node.args[0])
    return found


def sources(notebook: Path) -> list[str]:
    """Return the sources of the code cells that are not empty."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    texts = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return [text for text in texts if text.strip()]


def run_notebook(
    notebook: Path,
    *,
    mode: Literal["simulated", "aws"] = "aws",
    account: Account | None = None,
    timeout: float = 600,
    variables: Mapping[str, str] | None = None,
    on_cell: Callable[[int, int, str], None] | None = None,
) -> Ran:
    """Run a notebook as ``pkilab run`` does.

    Args:
        notebook: the file; it stays as it is.
        mode: "aws" against the stand-in, "simulated" in the kernel's own world.
        account: the stand-in, open; one like the notebook's own lab is opened if it is None.
        timeout: seconds of real time that a cell may take.
        variables: of the kernel, besides.
        on_cell: as `execute`'s.
    """
    code = sources(notebook)
    with ExitStack() as stack:
        if mode == "aws" and account is None:
            account = stack.enter_context(Account(**options_of(notebook)))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pkilab-calls-"))
        journal = Path(folder, "journal.jsonl")
        journal.touch()
        given = account.environment() if account else {**os.environ, "PYTHONPATH": str(KERNEL)}
        given |= {"PKILAB_STAND_IN_JOURNAL": str(journal), **(variables or {})}
        stack.enter_context(environment(given))
        begun: list[int] = []  # where in the journal each cell's calls begin

        def announce(number: int, count: int, source: str) -> None:
            begun.append(journal.stat().st_size)
            if on_cell:
                on_cell(number, count, source)

        executed = execute(notebook, mode=mode, timeout=timeout, on_cell=announce)
        calls = tuple(_calls(journal.read_bytes(), begun, code))
        ledger = account.ledger() if account else None
        return Ran(executed, ledger, read(ledger) if ledger else None, calls)


def _calls(journal: bytes, begun: list[int], code: list[str]) -> Any:
    place, cell = 0, 0
    for line in journal.splitlines(keepends=True):
        while cell < len(begun) and begun[cell] <= place:
            cell += 1
        said = json.loads(line)
        marked = is_simulated_only(code[cell - 1])
        yield Called(cell, marked, *(said[name] for name in Called.__slots__[2:]))
        place += len(line)
