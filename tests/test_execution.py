"""The notebook runner: what it counts, what it refuses, and what it leaves behind."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from pkilab.errors import LabError, MalformedError
from pkilab.execution import differing_cells, execute, guided, report, run


def write(path: Path, *sources: str) -> Path:
    """Store a notebook of these code cells, never run, under one heading."""
    cells = [nbformat.v4.new_markdown_cell("# A heading", id="heading")]
    cells += [nbformat.v4.new_code_cell(s, id=f"cell-{n}") for n, s in enumerate(sources, 1)]
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    return path


def outputs(text: str) -> list[list[dict[str, object]]]:
    """Return each code cell's outputs."""
    return [cell["outputs"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


def test_a_run_counts_cells_and_checkpoints_and_works_in_an_empty_folder(tmp_path: Path) -> None:
    """Assertions count where they stand in a cell that ran, and not inside a function."""
    notebook = write(
        tmp_path / "01_small.ipynb",
        "import os, sys, pathlib\nfolder = os.getcwd()\nassert os.listdir() == []",
        "def unused():\n    assert False\nfor n in range(3):\n    assert n < 3",
        "_ = pathlib.Path('key.pem').write_text('x')\n%who_ls str",
        "print(folder, end='')",
        "os.environ['PKILAB_MODE'], os.environ['IPYTHONDIR'] == os.path.expanduser('~/.ipython')",
        "sys.executable",
    )
    before = sorted(tmp_path.iterdir())
    seen: list[tuple[int, int, str]] = []
    executed = execute(notebook, mode="aws", on_cell=lambda *told: seen.append(told))
    assert executed.failure is None
    assert (executed.cells, executed.checkpoints) == (6, 2)
    assert [(number, count) for number, count, _ in seen] == [(n, 6) for n in range(1, 7)]
    *_, who, folder, environment, interpreter = outputs(executed.text)
    assert who[0]["data"] == {"text/plain": ["['folder']"]}
    assert not Path(folder[0]["text"][0]).exists()
    assert environment[0]["data"] == {"text/plain": ["('aws', False)"]}
    assert interpreter[0]["data"] == {"text/plain": [repr(sys.executable)]}
    assert sorted(tmp_path.iterdir()) == before


def test_what_only_one_run_knows_is_not_stored(tmp_path: Path) -> None:
    """Times, versions, an editor's traces and a stream's fragments are left out."""
    notebook = write(
        tmp_path / "01_small.ipynb",
        "import sys, time\n"
        "for n in range(3):\n"
        "    print(n)\n"
        "    sys.stdout.flush()\n"
        "    time.sleep(0.05)\n"
        "display('between')\n"
        "print('after')",
    )
    node = nbformat.read(notebook, as_version=4)
    node.metadata.update(authors=["me"], language_info={"name": "python", "version": "3.0"})
    node.cells[1].metadata.update(scrolled=True, tags=["kept"], execution={"iopub.status": "x"})
    node.cells[1].execution_count = 99
    nbformat.write(node, notebook)
    stored = json.loads(execute(notebook).text)
    assert sorted(stored["metadata"]) == ["kernelspec", "language_info"]
    assert "version" not in stored["metadata"]["language_info"]
    cell = stored["cells"][1]
    assert (cell["metadata"], cell["execution_count"]) == ({"tags": ["kept"]}, 1)
    first, shown, last = cell["outputs"]
    assert first["text"] == ["0\n", "1\n", "2\n"]
    assert shown["output_type"] == "display_data"
    assert last["text"] == ["after\n"]


def test_a_failing_cell_is_named_with_its_line_error_and_beginning(tmp_path: Path) -> None:
    """The message alone is enough to find the place."""
    notebook = write(
        tmp_path / "02_wrong.ipynb",
        "assert True",
        "# one\n# two\nraise ValueError('no such certificate')\n# four\n# five\n# six",
        "assert True",
    )
    executed = execute(notebook)
    assert (executed.cells, executed.checkpoints) == (1, 1)
    assert str(executed.failure) == (
        "02_wrong.ipynb, cell 2, line 3: ValueError: no such certificate\n"
        "    | # one\n    | # two\n    | raise ValueError('no such certificate')\n"
        "    | # four\n    | # five\n    | ..."
    )


def test_no_tag_makes_a_failing_cell_pass(tmp_path: Path) -> None:
    """Jupyter's raises-exception would let a broken notebook pass."""
    notebook = write(tmp_path / "02_wrong.ipynb", "1 / 0")
    node = nbformat.read(notebook, as_version=4)
    node.cells[1].metadata.tags = ["raises-exception"]
    nbformat.write(node, notebook)
    failure = execute(notebook).failure
    assert failure is not None
    assert failure.error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import time; time.sleep(60)", "took longer than a cell may"),
        ("import os; os._exit(3)", "the kernel died"),
        ("def", "SyntaxError: invalid syntax"),
    ],
    ids=["too slow", "dead", "no Python"],
)
def test_a_cell_that_never_answers_is_a_failure_too(
    tmp_path: Path, source: str, error: str
) -> None:
    """Nothing hangs and nothing but a `Failure` comes back."""
    executed = execute(write(tmp_path / "03_stuck.ipynb", "1", source), timeout=3)
    assert executed.failure is not None
    assert (executed.cells, executed.failure.cell) == (1, 2)
    assert executed.failure.error.startswith(error)


def test_run_goes_on_after_a_failure_and_answers_1(tmp_path: Path) -> None:
    """The table has both, the reports are there, and neither source was touched."""
    wrong = write(tmp_path / "01_wrong.ipynb", "assert 1 == 1", "assert 1 == 2, 'sums'")
    right = write(tmp_path / "02_right.ipynb", "assert 2 == 2", "6 * 7")
    sources = wrong.read_bytes(), right.read_bytes()
    console, out = io.StringIO(), tmp_path / "reports"
    assert run([wrong, right], out=out, console=console) == 1
    said = re.sub(r"\d+\.\d", "0.0", console.getvalue())
    assert "01_wrong: FAILED\n01_wrong.ipynb, cell 2, line 1: AssertionError: sums\n" in said
    assert "02_right: 2 cells ran in 0.0 s, outputs differ from the stored ones: cells 1, 2" in said
    assert "cell 1 of 2" not in said
    assert said.endswith(
        "notebook  cells  seconds  checkpoints passed\n"
        "01_wrong      1      0.0                   1  stopped by cell 2\n"
        "02_right      2      0.0                   1\n"
        "total         3      0.0                   2\n"
        f"\nHTML reports: {out}\n"
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "01_wrong.html",
        "01_wrong.ipynb",
        "02_right.html",
        "02_right.ipynb",
    ]
    assert "AssertionError" in (out / "01_wrong.html").read_text(encoding="utf-8")
    assert (wrong.read_bytes(), right.read_bytes()) == sources


def test_in_place_stores_what_ran_and_the_next_run_finds_it(tmp_path: Path) -> None:
    """A notebook that failed keeps its stored outputs."""
    right = write(tmp_path / "01_right.ipynb", "6 * 7")
    wrong = write(tmp_path / "02_wrong.ipynb", "1 / 0")
    source = wrong.read_bytes()
    console = io.StringIO()
    assert run([right, wrong], out=tmp_path / "out", in_place=True, console=console) == 1
    assert "stored anew: cells 1" in console.getvalue()
    assert right.read_bytes() == (tmp_path / "out" / right.name).read_bytes()
    assert wrong.read_bytes() == source
    console = io.StringIO()
    assert run([right], out=tmp_path / "out", console=console) == 0
    assert "outputs as stored" in console.getvalue()
    stored = right.read_text(encoding="utf-8")
    assert differing_cells(stored, stored) is None
    assert differing_cells(stored, stored.replace("42", "43")) == (1,)
    assert differing_cells(stored, stored.replace("A heading", "Another")) == ()


def test_a_run_that_cannot_mean_what_it_says_is_refused(tmp_path: Path) -> None:
    """Stored outputs are the simulated world's; results of two notebooks never share a file."""
    notebook = write(tmp_path / "01_small.ipynb", "1")
    with pytest.raises(LabError, match="the simulated world's"):
        run([notebook], mode="aws", in_place=True)
    with pytest.raises(LabError, match="found 'moto', expected one of simulated, aws"):
        run([notebook], mode="moto")
    with pytest.raises(LabError, match="more than one notebook is named 01_small"):
        run([notebook, notebook], out=tmp_path / "out")


def test_guided_notebooks_come_in_reading_order(tmp_path: Path) -> None:
    """Scratch notebooks and checkpoints are left alone; none at all is an error."""
    with pytest.raises(LabError, match="no notebooks named NN_"):
        guided(tmp_path)
    (tmp_path / ".ipynb_checkpoints").mkdir()
    for name in ("10_b", "02_a", "Untitled", ".ipynb_checkpoints/03_c"):
        write(tmp_path / f"{name}.ipynb", "1")
    assert [path.name for path in guided(tmp_path)] == ["02_a.ipynb", "10_b.ipynb"]


def notebook_of(*, minor: int = 5, **cell: str) -> str:
    """Return the text of a notebook with this one cell."""
    cells = [{"metadata": {}, **cell}] if cell else []
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "JSONDecodeError: Expecting value"),
        ("[]", "TypeError: list indices"),
        ('{"cells": []}', "KeyError: 'nbformat'"),
        (notebook_of(minor=4), r"nbformat \(4, 4\)"),
        (notebook_of(cell_type="markdown", source=""), "a cell without an id"),
        (notebook_of(cell_type="markdown", source="", id="a b"), "'a b'"),
        (notebook_of(cell_type="poem", source="", id="a"), "poem"),
    ],
    ids=["empty", "list", "no notebook", "too old", "no id", "bad id", "unknown cell"],
)
def test_a_file_that_is_no_notebook_is_refused_before_anything_runs(
    tmp_path: Path, text: str, found: str
) -> None:
    """Ids are not made up: they would differ in each run."""
    bad = tmp_path / "02_bad.ipynb"
    bad.write_text(text, encoding="utf-8")
    good = write(tmp_path / "01_good.ipynb", "1")
    with pytest.raises(MalformedError, match=found):
        run([good, bad], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(MalformedError, match="No such file"):
        execute(tmp_path / "03_absent.ipynb")


class Loads(HTMLParser):
    """Collects what a page would fetch, and its visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down what this element loads."""
        if tag == "script":
            self.scripts.append(str(attrs))
        self.addresses += [
            value or ""
            for name, value in attrs
            if name in ("src", "srcset", "data", "poster") or (tag == "link" and name == "href")
        ]

    def handle_data(self, data: str) -> None:
        """Gather the text."""
        self.text += data


def test_a_report_loads_nothing_and_still_shows_widgets(tmp_path: Path) -> None:
    """Without nbconvert's scripts from a network, a widget is shown by what stands beside it."""
    notebook = write(
        tmp_path / "01_shown.ipynb",
        "import ipywidgets\nipywidgets.VBox([ipywidgets.IntSlider(value=7)])",
        "class Explorer(ipywidgets.VBox):\n"
        "    def _repr_mimebundle_(self, **_):\n"
        "        return {**super()._repr_mimebundle_(), 'text/html': '<b>seven days</b>'}\n"
        "Explorer()",
    )
    executed = execute(notebook)
    assert "widgets" in json.loads(executed.text)["metadata"]
    page = report(executed)
    loads = Loads()
    loads.feed(page)
    assert [a for a in loads.addresses if not a.startswith("data:")] == []
    assert loads.scripts == []
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", page)
    assert "VBox(children=(IntSlider(value=7),))" in loads.text
    assert "<b>seven days</b>" in page
    # The partner: nbconvert's own page would fetch.
    from nbconvert.exporters import HTMLExporter

    usual, _ = HTMLExporter().from_notebook_node(nbformat.reads(executed.text, as_version=4))
    loads = Loads()
    loads.feed(usual)
    assert [a for a in loads.addresses if a.startswith("https:")] != []


def started(notebook: Path, out: Path, **streams: int) -> subprocess.Popen[bytes]:
    """Run one notebook in a process of its own."""
    code = (
        "import sys; from pathlib import Path; from pkilab.execution import run; "
        "sys.exit(run([Path(sys.argv[1])], out=Path(sys.argv[2])))"
    )
    return subprocess.Popen([sys.executable, "-c", code, notebook, out], **streams)  # type: ignore[call-overload,no-any-return]


def test_an_interrupt_stops_the_run_and_its_kernel(tmp_path: Path) -> None:
    """Ctrl-C means the whole run, not this notebook."""
    mark = tmp_path / "kernel"
    source = (
        f"import os, time, pathlib\npathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    notebook = write(tmp_path / "01_long.ipynb", source)
    process = started(notebook, tmp_path / "out", stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (mark.exists() and mark.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline, "the kernel never started"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in err
    assert b"checkpoints" not in out
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text(encoding="utf-8")), 0)


def test_a_terminal_sees_the_cell_that_is_running(tmp_path: Path) -> None:
    """There one line is written over; elsewhere the lines would pile up."""
    notebook = write(tmp_path / "01_small.ipynb", "first = 1", "second = 2")
    parent, child = pty.openpty()
    process = started(notebook, tmp_path / "out", stdout=child)
    os.close(child)
    shown = b""
    while True:
        try:
            piece = os.read(parent, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(parent)
    assert process.wait() == 0
    assert b"\r\x1b[K01_small: cell 1 of 2: first = 1\r\x1b[K01_small: cell 2 of 2" in shown
