"""A marked cell is not run on AWS: what it did in the lab is shown in its place."""

import json
import subprocess
import sys

import nbformat
import pytest

from pkilab.execution import execute
from pkilab.recorded import is_simulated_only, notebook, skip_simulated_only

SKIP = "from pkilab.recorded import skip_simulated_only\nskip_simulated_only()"
MARKED = "# simulated only\nprint('moved')\nran = True\n41 + 1"


def write(path, *cells):
    """Store a notebook, whose marked cell has been run."""
    made = [nbformat.v4.new_code_cell(source, id=f"c{n}") for n, source in enumerate(cells)]
    made[1].outputs = [
        nbformat.v4.new_output("stream", text="moved\n"),
        nbformat.v4.new_output("execute_result", {"text/plain": "42"}, execution_count=2),
    ]
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=made)))
    return path


def outputs(executed, number):
    return [
        output.get("text") or output["data"]["text/plain"]
        for output in nbformat.reads(executed.text, 4).cells[number].outputs
    ]


def test_a_marked_cell_shows_its_recorded_result_and_does_nothing(tmp_path):
    """The cell after it finds no trace of a run."""
    path = write(tmp_path / "n.ipynb", SKIP, MARKED, "'ran' in globals()")
    executed = execute(path)
    assert executed.failure is None
    note = "Recorded in the simulated lab; this cell was not run here.\nmoved\n"
    assert outputs(executed, 1) == [note, "42"]
    assert outputs(executed, 2) == ["False"]


def test_without_being_asked_every_cell_is_run(tmp_path):
    """The partner; and a mark further down is no mark."""
    path = write(tmp_path / "n.ipynb", "1", MARKED, "'ran' in globals()")
    assert outputs(execute(path), 2) == ["True"]
    path = write(tmp_path / "n.ipynb", SKIP, f"ran = 1\n{MARKED}", "'ran' in globals()")
    assert outputs(execute(path), 2) == ["True"]


def test_a_cell_that_is_not_stored_says_what_it_is(tmp_path, monkeypatch):
    """As when a reader has changed it."""
    path = write(tmp_path / "n.ipynb", SKIP, MARKED.replace("41", "40"), "1")
    node = json.loads(path.read_text())
    node["cells"][1]["outputs"] = []
    path.write_text(json.dumps(node))
    assert outputs(execute(path), 1) == [
        "Recorded in the simulated lab; this cell was not run here.\n"
    ]


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("# simulated only\nx", True),
        ("\n# simulated only  \nx", True),
        ("# simulated only: the clock\nx", False),
        ("x  # simulated only", False),
        ("", False),
    ],
)
def test_a_mark_is_a_first_line_of_its_own(source, marked):
    assert is_simulated_only(source) is marked


def test_the_notebook_is_known_by_whoever_runs_it(monkeypatch, tmp_path):
    """pkilab run, and Jupyter Server, whose path may begin at its root."""
    for name in ("PKILAB_NOTEBOOK", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert notebook() is None
    (tmp_path / "n.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", "somewhere/n.ipynb")
    assert notebook().resolve() == tmp_path / "n.ipynb"
    monkeypatch.setenv("PKILAB_NOTEBOOK", str(tmp_path / "gone.ipynb"))
    assert notebook().resolve() == tmp_path / "n.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", "console-1")
    assert notebook() is None


def test_outside_of_a_kernel_nothing_happens():
    """A script may open the same lab; IPython is not even loaded."""
    skip_simulated_only()
    code = (
        "from pkilab.recorded import skip_simulated_only; import sys;"
        "skip_simulated_only(); assert 'IPython' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
