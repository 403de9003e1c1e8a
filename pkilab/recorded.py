"""Cells that only a simulated lab can run: on AWS their recorded result is shown instead.

Such a cell says so in its first line, ``# simulated only``: it moves the clock, looks into a
handshake, or needs somebody who misbehaves. On AWS, `skip_simulated_only` has IPython show the
outputs that are stored in the notebook. A cell that uses what such a cell made must be marked, too.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkilab.journal import Journal

#: The first line of a cell that only a simulated lab can run.
MARK = "# simulated only"

_NOTE = "Recorded in the simulated lab; this cell was not run here."


def is_simulated_only(source: str) -> bool:
    """Whether a cell is marked."""
    return source.lstrip().partition("\n")[0].strip() == MARK


def skip_simulated_only() -> None:
    """Have this kernel show recorded results in place of marked cells; nothing outside of one."""
    shell = _shell()
    if shell is not None and _in_place_of not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.insert(0, _in_place_of)


def note_simulated_only(journal: Journal) -> None:
    """Have a journal know which calls are of marked cells; nothing outside of a kernel."""

    def begins(info: Any) -> None:  # noqa: ANN401 - IPython's ExecutionInfo
        journal.aside = is_simulated_only(info.raw_cell or "")

    if (shell := _shell()) is not None:
        shell.events.register("pre_run_cell", begins)


def show(source: str) -> None:
    """Show what is stored in the notebook for a cell.

    Args:
        source: the cell's. Where the notebook or the cell is not found, a note says what this is.
    """
    print(_NOTE)  # noqa: T201 - a notebook's output
    for output in _stored_outputs(source):
        if output["output_type"] == "stream":
            print("".join(output["text"]), end="", file=getattr(sys, output["name"]))
        elif "data" in output:
            _display({kind: _joined(data) for kind, data in output["data"].items()})


def notebook() -> Path | None:
    """Return the notebook that this kernel runs, as far as anybody says.

    Sources: ``PKILAB_NOTEBOOK`` is set by ``pkilab run``, ``JPY_SESSION_NAME`` by Jupyter Server,
    ``__vsc_ipynb_file__`` by Visual Studio Code.
    """
    shell = _shell()
    told = (
        os.environ.get("PKILAB_NOTEBOOK"),
        shell and shell.user_ns.get("__vsc_ipynb_file__"),
        os.environ.get("JPY_SESSION_NAME"),
    )
    named = [Path(str(each)) for each in told if each]
    # Jupyter Server's path may start at its root; a kernel starts in the notebook's folder.
    found = (place for each in named for place in (each, Path(each.name)))
    return next((each for each in found if each.suffix == ".ipynb" and each.is_file()), None)


def _in_place_of(lines: list[str]) -> list[str]:
    source = "".join(lines)
    if not is_simulated_only(source):
        return lines
    return [f"__import__('pkilab.recorded').recorded.show({source!r})\n"]


def _stored_outputs(source: str) -> list[dict[str, Any]]:
    path = notebook()
    if path is None:
        return []
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return []
    wanted = source.strip()
    same = (each for each in cells if _joined(each.get("source", "")).strip() == wanted)
    return next((each.get("outputs", []) for each in same), [])


def _joined(text: str | Sequence[str]) -> Any:  # noqa: ANN401 - as nbformat has it
    return "".join(text) if isinstance(text, list) else text


def _shell() -> Any:  # noqa: ANN401 - IPython is optional
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _display(data: dict[str, Any]) -> None:
    from IPython.display import display  # noqa: PLC0415 - only a kernel shows

    display(data, raw=True)
