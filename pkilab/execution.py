"""Runs guided notebooks without a browser, and says what came of it.

`execute` runs one notebook in a fresh kernel and returns it in a form whose bytes depend on its
cells alone. `run` is the command behind ``pkilab run``: every notebook, progress, a table, and an
HTML report of each that loads nothing from the network.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TextIO

from pkilab import ledger
from pkilab.errors import LabError, MalformedError, MissingExtraError, PkilabError
from pkilab.planning import record_plan
from pkilab.recorded import is_simulated_only

try:
    import nbformat
    from IPython.core.inputtransformer2 import TransformerManager
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from nbconvert.exporters import HTMLExporter
except ImportError as missing:
    raise MissingExtraError(missing.name or "nbclient", "notebooks") from missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MODES = ("simulated", "aws")  # what PKILAB_MODE may say
Node = Any  # nbformat's NotebookNode: a dictionary with attributes, untyped

# What a kernel says of itself, without its version: the outputs are meant to be equal, not it.
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
# nbconvert's page without the scripts it would fetch: RequireJS, MathJax, Mermaid, widgets; and
# with pictures as wide as there is room, as in JupyterLab, rather than cut off.
_OFFLINE_PAGE = """
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block notebook_css -%}
{{ super() }}
<style>.jp-RenderedSVG img { max-width: 100%; height: auto }</style>
{%- endblock -%}
"""
_SOURCE_HEAD = 5  # lines of a failing cell that its message shows
_SOCKET_FOLDER = 85  # characters; a socket's whole path has 103 on macOS, 107 on Linux
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Failure:
    """The cell that stopped a notebook."""

    notebook: str
    cell: int | None  # as in ``In [7]``; None if the kernel failed before the first
    line: int | None  # of the cell, where the error names one
    error: str  # the exception's type and message, on one line
    source: str

    def __str__(self) -> str:
        """Where, what, and the beginning of the cell."""
        place = self.notebook
        place += f", cell {self.cell}" if self.cell is not None else ""
        place += f", line {self.line}" if self.line is not None else ""
        lines = self.source.splitlines()
        head = [f"    | {line}" for line in lines[:_SOURCE_HEAD]]
        head += ["    | ..."] if len(lines) > _SOURCE_HEAD else []
        return "\n".join([f"{place}: {self.error}", *head])


@dataclass(frozen=True, slots=True)
class Executed:
    """A notebook after its run.

    Attributes:
        notebook: where its source was read.
        text: the notebook with its outputs, as it is stored. Ends at the failing cell, if any.
        cells: code cells that ran without an error.
        checkpoints: ``assert`` statements in those cells, outside function bodies.
        seconds: wall time, with the start of the kernel.
        failure: the cell that stopped it; None when all ran.
    """

    notebook: Path
    text: str
    cells: int
    checkpoints: int
    seconds: float
    failure: Failure | None


def guided(folder: Path) -> tuple[Path, ...]:
    """Return the guided notebooks of ``folder`` in reading order: ``NN_*.ipynb``, not deeper.

    Raises:
        LabError: there is none.
    """
    found = tuple(sorted(folder.glob("[0-9][0-9]_*.ipynb")))
    if not found:
        raise LabError(f"no notebooks named NN_*.ipynb in {folder}: run this from the project")
    return found


def execute(
    notebook: Path,
    *,
    mode: str = "simulated",
    timeout: float = 600,
    on_cell: Callable[[int, int, str], None] | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Executed:
    """Run one notebook in a fresh kernel. A cell that fails is an answer, not an exception.

    The kernel works in an empty folder of its own, which is removed afterwards, sees
    ``PKILAB_MODE`` and ``PKILAB_NOTEBOOK``, and reads no IPython profile. The text returned keeps
    cell ids and execution counts and leaves out what only this run knows: times, the interpreter's
    version, the fragments in which a stream arrived. Names that libraries draw at random inside
    the kernel are pkilab.repeatable's business.

    Args:
        notebook: a file of nbformat 4.5 or later, where each cell has an id.
        mode: where ``Lab.from_env`` opens, "simulated" or "aws".
        timeout: seconds that one cell may take.
        on_cell: called before each code cell with its number from 1, their count, its source.
        environment: further variables of the kernel's.

    Raises:
        MalformedError: the file is not such a notebook.
        LabError: the kernel could not be started.
        KeyboardInterrupt: as usual; the kernel is gone by then.
    """
    node = _read(notebook)
    code = [cell for cell in node.cells if cell.cell_type == "code" and cell.source.strip()]
    started: list[Node] = []

    def announce(cell: Node, cell_index: int) -> None:  # noqa: ARG001 - nbclient names both
        started.append(cell)
        if on_cell:
            on_cell(len(started), len(code), cell.source)

    begun = time.perf_counter()
    error = _run_cells(
        node, notebook, mode=mode, timeout=timeout, on_cell_execute=announce, more=environment
    )
    done = started if error is None else started[:-1]
    failure = None
    if error is not None:
        failure = _failure(notebook, len(started), started[-1].source if started else "", error)
    return Executed(
        notebook=notebook,
        text=_as_stored(node),
        cells=len(done),
        checkpoints=sum(
            _checkpoints(cell.source)
            for cell in done
            if mode == "simulated" or not is_simulated_only(cell.source)
        ),
        seconds=time.perf_counter() - begun,
        failure=failure,
    )


def dry_run(
    notebook: Path, *, on_cell: Callable[[int, int, str], None] | None = None
) -> ledger.Record | None:
    """Return the calls that a notebook would make on AWS, from a run in a simulated world.

    Cells that only a simulated lab can run are left out. None: the notebook opens no lab.

    Args:
        notebook: as for `execute`.
        on_cell: as there.

    Raises:
        LabError: a cell failed.
        MalformedError: the file is not a notebook.
    """
    with tempfile.TemporaryDirectory(prefix="pkilab-") as folder:
        written = Path(folder, "ledger.jsonl")
        executed = execute(notebook, on_cell=on_cell, environment={"PKILAB_DRY_RUN": str(written)})
        if executed.failure:
            raise LabError(f"dry run: {executed.failure}")
        return ledger.read(written) if written.exists() else None


def report(executed: Executed) -> str:
    """Return the run as one HTML page that needs no network.

    A widget is shown by its ``text/html``, or failing that its text: its code would have to be
    fetched. Mathematics and Mermaid sources stay as they are written.
    """
    node = nbformat.reads(executed.text, as_version=4)
    node.metadata.pop("widgets", None)
    exporter = HTMLExporter(raw_template=_OFFLINE_PAGE)
    name = executed.notebook.stem
    page, _ = exporter.from_notebook_node(node, resources={"metadata": {"name": name}})
    return str(page)


def differing_cells(stored: str, fresh: str) -> tuple[int, ...] | None:
    """Return which code cells (from 1) of two texts of one notebook differ; None if equal bytes.

    Empty when what differs lies outside the code cells.
    """
    if stored == fresh:
        return None
    pairs = zip(_code_cells(stored), _code_cells(fresh), strict=False)
    return tuple(number for number, (old, new) in enumerate(pairs, start=1) if old != new)


def run(
    notebooks: Sequence[Path] | None = None,
    *,
    mode: str = "simulated",
    out: Path = Path("build/notebooks"),
    in_place: bool = False,
    keep: bool = False,
    console: TextIO | None = None,
    timeout: float = 600,
) -> int:
    """Run notebooks one after the other and report; a failing one does not stop the rest.

    Writes each executed notebook and its HTML report into ``out``, progress and a closing table
    to ``console``. In the simulated mode it also says where a fresh output differs from the
    stored one.

    Args:
        notebooks: files, run in this order; their names must differ. None or empty stands for
            the guided ones in ``./notebooks``.
        mode: where ``Lab.from_env`` opens, "simulated" or "aws".
        out: the folder of the results; made if absent.
        in_place: also store the fresh outputs in the notebooks themselves, if all cells ran, and
            before that their plans and policies beside them.
        keep: leave on AWS what a notebook did not delete itself, as when it failed; otherwise that
            is cleaned up by its ledger.
        console: gets one line per notebook, and on a terminal the current cell. Standard output
            by default.
        timeout: seconds that one cell may take.

    Returns:
        0 if every cell of every notebook ran, the plans could be made and nothing is left, else 1.

    Raises:
        LabError: an unknown mode; ``in_place`` on AWS (the stored outputs are the simulated
            world's); two notebooks of one name; no notebook at all; a kernel that does not start.
        MalformedError: a file is not a notebook of nbformat 4.5.
    """
    if mode not in MODES:
        raise LabError(f"mode: found {mode!r}, expected one of {', '.join(MODES)}")
    if in_place and mode == "aws":
        raise LabError("the stored outputs are the simulated world's; run on AWS with --out only")
    console = console or sys.stdout
    notebooks = notebooks or guided(Path("notebooks"))
    names = [notebook.stem for notebook in notebooks]
    if repeated := sorted(name for name, count in Counter(names).items() if count > 1):
        raise LabError(f"more than one notebook is named {', '.join(repeated)}: run them apart")
    for notebook in notebooks:
        _read(notebook)  # refuse before minutes have gone by
    out.mkdir(parents=True, exist_ok=True)
    results, amiss = [], False
    for notebook in notebooks:
        amiss |= in_place and not _planned(notebook, console)
        before = _ledgers(mode)
        executed = execute(
            notebook, mode=mode, timeout=timeout, on_cell=_ticker(console, notebook.stem)
        )
        remark = _remark(executed, mode=mode, in_place=in_place)
        (out / notebook.name).write_text(executed.text, encoding="utf-8")
        (out / notebook.with_suffix(".html").name).write_text(report(executed), encoding="utf-8")
        if in_place and executed.failure is None:
            notebook.write_text(executed.text, encoding="utf-8")
        _clear_line(console)
        print(f"{notebook.stem}: {remark}", file=console, flush=True)
        results.append(executed)
        for path in sorted(_ledgers(mode) - before):
            amiss |= _left(path, console, keep=keep)
    print(f"\n{_table(results)}\n\nHTML reports: {out}", file=console, flush=True)
    return int(amiss or any(executed.failure for executed in results))


def _planned(notebook: Path, console: TextIO) -> bool:
    """Write a notebook's plan and policies beside it; say whether that could be done."""
    try:
        record = dry_run(notebook, on_cell=_ticker(console, notebook.stem))
    except LabError as error:
        print(f"{notebook.stem}: no plan: {error}", file=console, flush=True)
        return False
    if record is not None:
        record_plan(notebook, record)
    return True


def _ledgers(mode: str) -> set[Path]:
    """Return the ledgers that there are; a simulated run keeps none."""
    return set(ledger.folder().glob("*.jsonl")) if mode == "aws" else set()


def _left(path: Path, console: TextIO, *, keep: bool) -> bool:
    """Clean up after a run on AWS by its ledger; say what is left, and whether anything is."""
    from pkilab.aws import afterwards  # noqa: PLC0415 - only who runs on AWS
    from pkilab.cleaning import clean_up  # noqa: PLC0415

    again = f"pkilab clean-up {path}"
    try:
        things, client_for = afterwards.of_ledger(path)
        if keep and things:
            print(f"{len(things)} left, as asked: {again}", file=console, flush=True)
            return False
        cleaned = clean_up(things, client_for)
    except PkilabError as error:
        print(f"not cleaned up: {error}; {again}", file=console, flush=True)
        return True
    if cleaned.removed or cleaned.left:
        print(f"{cleaned!r}\nledger: {path}", file=console, flush=True)
    if cleaned.left:
        print(f"something is left: {again}", file=console, flush=True)
    return bool(cleaned.left)


def _read(notebook: Path) -> Node:
    """Read a notebook as it stands: nothing repaired, no ids drawn."""
    try:
        text = notebook.read_text(encoding="utf-8")
        found = _flaw(json.loads(text))
        if found is None:
            node = nbformat.reads(text, as_version=4)
            nbformat.validate(node)
            return node
    except OSError as error:
        found = str(error.strerror)
    except (ValueError, LookupError, TypeError, nbformat.ValidationError) as error:
        found = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    expected = "a notebook of nbformat 4.5 or later, where each cell has an id"
    raise MalformedError(str(notebook), found=found, expected=expected)


def _flaw(stored: dict[str, Any]) -> str | None:
    """Name what nbformat would silently mend."""
    version = stored["nbformat"], stored["nbformat_minor"]
    if version < (4, 5):
        return f"nbformat {version}"
    return None if all("id" in cell for cell in stored["cells"]) else "a cell without an id"


def _run_cells(
    node: Node,
    notebook: Path,
    *,
    mode: str,
    timeout: float,
    on_cell_execute: Callable[..., None],
    more: Mapping[str, str],
) -> CellExecutionError | CellTimeoutError | DeadKernelError | None:
    """Run ``node``'s cells, putting the outputs into it. Return what stopped them, if anything."""
    _forget_outputs(node)
    with tempfile.TemporaryDirectory(prefix="pkilab-", ignore_cleanup_errors=True) as folder:
        work, profile = Path(folder, "work"), Path(folder, "ipython")
        work.mkdir()
        client = NotebookClient(
            node,
            km=_kernel(Path(folder)),
            record_timing=False,
            force_raise_errors=True,  # no tag makes a failing cell pass
            timeout=timeout,
            on_cell_execute=on_cell_execute,
        )
        environment = {
            **os.environ,
            "PKILAB_MODE": mode,
            "PKILAB_NOTEBOOK": str(notebook.absolute()),
            "IPYTHONDIR": str(profile),
            **more,
        }
        try:
            client.execute(cleanup_kc=True, cwd=str(work), env=environment)
        except Exception as error:
            if hasattr(client, "_async_cleanup_kernel_future"):
                # nbclient met Ctrl-C by ending the kernel; the person meant the whole run.
                raise KeyboardInterrupt from None
            if isinstance(error, CellExecutionError | CellTimeoutError | DeadKernelError):
                return error
            if isinstance(error, RuntimeError):
                raise LabError(f"the notebook's kernel did not start: {error}") from error
            raise
    return None


def _kernel(folder: Path) -> AsyncKernelManager:
    """Return a kernel of the interpreter that runs pkilab, whatever "python3" is elsewhere.

    It is reached over sockets in ``folder``: TCP ports are drawn before they are bound, so that
    two runs at a time can draw the same. A path too long for a socket leaves no choice.
    """
    sockets = os.name == "posix" and len(str(folder)) < _SOCKET_FOLDER
    return AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        transport="ipc" if sockets else "tcp",
        connection_file=str(folder / "kernel.json"),
    )


def _forget_outputs(node: Node) -> None:
    """Take away what an earlier run, or an editor, left in the notebook."""
    node.metadata = nbformat.from_dict(_METADATA)
    for cell in node.cells:
        for left in ("execution", "trusted", "scrolled", "collapsed"):
            cell.metadata.pop(left, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def _as_stored(node: Node) -> str:
    """Return the text of an executed notebook, without what only this run knows."""
    widgets = node.metadata.get("widgets")
    node.metadata = nbformat.from_dict(_METADATA)
    if widgets:
        node.metadata.widgets = widgets
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs = _whole_streams(cell.outputs)
    return str(nbformat.writes(node)) + "\n"


def _whole_streams(outputs: Sequence[Node]) -> list[Node]:
    """Join the fragments in which a stream arrived; where the kernel cut is a matter of timing."""
    joined: list[Node] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _failure(notebook: Path, cell: int, source: str, error: Exception) -> Failure:
    """Put what nbclient raised into one line."""
    line = None
    if isinstance(error, CellExecutionError):
        at = re.findall(r"Cell In\s*\[\d+\], line (\d+)", _ANSI.sub("", error.traceback))
        line = int(at[0]) if at else None
        said = _ANSI.sub("", error.evalue).strip().splitlines()
        what = f"{error.ename}: {said[0]}" if said else error.ename
    elif isinstance(error, CellTimeoutError):
        what = "took longer than a cell may (raise the timeout if that is expected)"
    else:
        what = "the kernel died"
    return Failure(notebook.name, cell or None, line, what, source)


def _checkpoints(source: str) -> int:
    """Count the assertions of a cell. A function's are left out: nothing says it is called."""
    waiting: list[ast.AST] = [ast.parse(TransformerManager().transform_cell(source))]
    count = 0
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            count += isinstance(node, ast.Assert)
            waiting += ast.iter_child_nodes(node)
    return count


def _code_cells(text: str) -> list[Node]:
    return [cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code"]


def _remark(executed: Executed, *, mode: str, in_place: bool) -> str:
    """Say in a line or two what came of one notebook."""
    if executed.failure:
        return f"FAILED\n{executed.failure}"
    said = f"{executed.cells} cells ran in {executed.seconds:.1f} s"
    if mode == "aws":
        return said
    stored = executed.notebook.read_text(encoding="utf-8")
    differing = differing_cells(stored, executed.text)
    if differing is None:
        return f"{said}, outputs as stored"
    where = ", ".join(map(str, differing))
    where = f"cells {where}" if where else "outside the code cells"
    return (
        f"{said}, {'stored anew' if in_place else 'outputs differ from the stored ones'}: {where}"
    )


def _table(results: Sequence[Executed]) -> str:
    """Return the closing table."""
    rows = [
        (
            executed.notebook.stem,
            str(executed.cells),
            f"{executed.seconds:.1f}",
            str(executed.checkpoints),
            f"stopped by cell {executed.failure.cell}" if executed.failure else "",
        )
        for executed in results
    ]
    head = ("notebook", "cells", "seconds", "checkpoints passed", "")
    total = (
        "total",
        str(sum(executed.cells for executed in results)),
        f"{sum(executed.seconds for executed in results):.1f}",
        str(sum(executed.checkpoints for executed in results)),
        "",
    )
    table = [head, *rows, total]
    first, *others = (max(len(row[column]) for row in table) for column in range(4))
    return "\n".join(
        "  ".join(
            [
                row[0].ljust(first),
                *(text.rjust(width) for text, width in zip(row[1:4], others, strict=True)),
                row[4],
            ]
        ).rstrip()
        for row in table
    )


def _ticker(console: TextIO, name: str) -> Callable[[int, int, str], None] | None:
    """Return what shows the current cell on a terminal; elsewhere the lines would pile up."""
    if not console.isatty():
        return None

    def tick(number: int, count: int, source: str) -> None:
        begins = source.strip().splitlines()[0]
        line = f"{name}: cell {number} of {count}: {begins}"
        width = os.get_terminal_size(console.fileno()).columns or 80
        console.write(f"\r\x1b[K{line[: width - 1]}")
        console.flush()

    return tick


def _clear_line(console: TextIO) -> None:
    if console.isatty():
        console.write("\r\x1b[K")
