"""The guided notebooks: their stored outputs are what anyone's run gives, byte for byte.

The checks are first tried on a small notebook that must pass and on spoilt ones that must not.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from pkilab.execution import differing_cells
from pkilab.recorded import is_simulated_only

PROJECT = Path(__file__).parents[1]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
GUIDED = [path for path in NOTEBOOKS if not path.name.startswith("00_")]

# What is named at random, or arrives in pieces: widgets, styled tables, a picture, a slow stream.
REPEATABLE = """
import ipywidgets, pandas, sys, time
from IPython.display import SVG
from pkilab.repeatable import make_outputs_repeatable
make_outputs_repeatable()

slider = ipywidgets.IntSlider(value=3, description="days")
ipywidgets.VBox([slider, ipywidgets.Dropdown(options=["root", "leaf"])])

table = pandas.DataFrame({"serial": range(3), "subject": ["CN=a", "CN=b", "CN=c" * 40]})
display(table, table.style.hide(axis="index").highlight_max(subset="serial"))

SVG('<svg xmlns="http://www.w3.org/2000/svg"><circle id="root" r="4"/></svg>')

for name in sorted({"root", "issuing", "leaf"}):
    print(name)
    sys.stdout.flush()
    time.sleep(0.02)
slider.value = 9
assert slider.value == 9
"""
# One source of difference in each cell: hash seed, time zone, folder, widget, address.
VARYING = """
print(list({"root", "issuing", "leaf", "other"}))

import time
print(time.strftime("%H %Z", time.localtime(0)))

import os
print(os.getcwd())

import ipywidgets
ipywidgets.IntSlider()

object()

print("the same")
"""
WORLDS = (
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "COLUMNS": "60"},
    {"PYTHONHASHSEED": "2", "TZ": "America/Los_Angeles", "LC_ALL": "POSIX", "COLUMNS": "200"},
)


def write(path: Path, text: str) -> Path:
    """Store a notebook, never run; a blank line in ``text`` begins a cell."""
    cells = [
        nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        for number, source in enumerate(text.strip().split("\n\n"), start=1)
    ]
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    return path


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """Return this process's environment, without pytest's own, and with homes in ``folder``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    homes = {"HOME": str(folder), "IPYTHONDIR": str(folder / "ipython"), "PKILAB_MODE": "simulated"}
    return {**kept, **homes, **changes}


def run_in(world: int, notebook: Path, folder: Path) -> bytes:
    """Run a notebook in one of the worlds, in a process of its own; return the file it wrote."""
    place = folder / f"world{world}"
    place.mkdir()
    subprocess.run(
        [sys.executable, "-m", "pkilab", "run", str(notebook), "--out", "out"],
        cwd=place,
        env=environment(place, **WORLDS[world]),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return (place / "out" / notebook.name).read_bytes()


def run_twice(notebook: Path, folder: Path) -> list[bytes]:
    """Run a notebook in two processes that share nothing; return the files they wrote."""
    return [run_in(world, notebook, folder) for world in range(len(WORLDS))]


def nbval(notebook: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Compare each cell's stored outputs with a fresh run's, by a tool that is not ours.

    Strict, on a copy in an empty folder, in another world than `run_in`'s first. In a process of
    its own and without the project's settings: nbval leaves a file open, an error under them.
    """
    copy = folder / notebook.name
    copy.write_bytes(notebook.read_bytes())
    options = ["-q", "--nbval", "--nbval-current-env", "-c", os.devnull, "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(folder), str(copy)],
        cwd=folder,
        env=environment(folder, PKILAB_NOTEBOOK=str(notebook), **WORLDS[1]),
        check=False,
        capture_output=True,
        text=True,
    )


def shown(cell: dict[str, Any]) -> str:
    """Return all that a cell's outputs say, as one text."""
    said = [
        said
        for output in cell.get("outputs", [])
        for said in (output.get("text", ""), *output.get("data", {}).values())
    ]
    return "\n".join("".join(s) if isinstance(s, list | str) else json.dumps(s) for s in said)


def code_of(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the code cells."""
    return [cell for cell in node["cells"] if cell["cell_type"] == "code"]


def revealing() -> list[tuple[str, re.Pattern[str]]]:
    """Return what no output may hold, with its name."""
    secret = r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}"
    places = {str(PROJECT), str(Path.home()), sys.prefix, tempfile.gettempdir(), "site-packages"}
    patterns = [
        ("a private key", re.compile(secret)),
        ("a path of this machine", re.compile("|".join(re.escape(p) + r"\b" for p in places))),
        ("a home folder", re.compile(r"(?<![\w:/.])/(home|Users)/\w")),
        ("a kernel's file", re.compile(r"ipykernel_\d+")),
        ("a memory address", re.compile(r" at 0x[0-9a-f]{6,}")),
        ("this host's name", re.compile(rf"\b{re.escape(socket.gethostname())}\b")),
    ]
    if (user := getpass.getuser()) != "root":  # a root CA is no user
        patterns.append(("this user's name", re.compile(rf"\b{re.escape(user)}\b")))
    return patterns


def faults(text: str) -> list[str]:
    """Return what is wrong with a stored notebook, whichever it is."""
    node = json.loads(text)
    code = code_of(node)
    found = []
    if len({cell["id"] for cell in node["cells"]}) < len(node["cells"]):
        found.append("two cells share an id")
    if [cell["execution_count"] for cell in code] != list(range(1, len(code) + 1)):
        found.append("not every code cell was run once, in order")
    for number, cell in enumerate(code, start=1):
        said = shown(cell)
        found += [f"cell {number} shows {name}" for name, it in revealing() if it.search(said)]
        found += [
            f"cell {number} has an output of kind {output.get('name', output['output_type'])}"
            for output in cell["outputs"]
            if output["output_type"] == "error" or output.get("name") == "stderr"
        ]
    widgets = json.dumps(node["metadata"].get("widgets", ""))
    found += [f"a widget's state holds {name}" for name, it in revealing() if it.search(widgets)]
    for cell in node["cells"]:
        tags = " ".join(cell["metadata"].get("tags", []))
        comments = "\n".join(re.findall(r"#.*", "".join(cell["source"])))
        if re.search(
            r"nbval|raises.exception|skip.execution", f"{tags}\n{comments}", re.IGNORECASE
        ):
            found.append(f"cell {cell['id']} asks to be compared less strictly")
    marked = ["".join(cell["source"]) for cell in code]
    marked = [source for source in marked if is_simulated_only(source)]
    if len(set(marked)) < len(marked):  # their recorded results are found by their sources
        found.append("two cells that are simulated only are equal")
    return found


def length_faults(text: str) -> list[str]:
    """Return what is wrong with a guided notebook's length."""
    node = json.loads(text)
    prose = ["".join(c["source"]) for c in node["cells"] if c["cell_type"] == "markdown"]
    words = len(" ".join(prose).split())
    found = []
    if not 40 <= len(node["cells"]) <= 70:
        found.append(f"{len(node['cells'])} cells, expected 40 to 70")
    if words > 2500:
        found.append(f"{words} words of prose, expected 2500 at most")
    return found


def by_name(path: Path) -> str:
    """Name a test after its notebook."""
    return path.stem


def test_the_guided_notebooks_are_there() -> None:
    """An empty folder would pass every other test."""
    assert {"00_start_here", "01_ca_hierarchy"} <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=by_name)
def test_a_run_gives_the_stored_bytes(notebook: Path, tmp_path: Path) -> None:
    """The whole file, in one world; nbval's run is in the other one."""
    fresh, stored = run_in(0, notebook, tmp_path), notebook.read_bytes()
    # Bytes are compared, and cells named: a whole notebook in a failure's message helps nobody.
    if fresh != stored:
        cells = differing_cells(stored.decode(), fresh.decode())
        pytest.fail(f"stored outputs differ in cells {cells}; store fresh ones: make notebooks")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=by_name)
def test_nbval_finds_the_stored_outputs(notebook: Path, tmp_path: Path) -> None:
    """An outside tool, strict, without sanitising: another hash seed, zone, locale and width."""
    result = nbval(notebook, tmp_path)
    assert result.returncode == 0, result.stdout[-5000:]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=by_name)
def test_stored_notebooks_are_clean(notebook: Path) -> None:
    """No secrets, no traces of a machine, all cells run in order, nothing exempt."""
    assert faults(notebook.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("notebook", GUIDED, ids=by_name)
def test_guided_notebooks_can_be_read_in_one_sitting(notebook: Path) -> None:
    """40 to 70 cells and at most 2500 words of prose."""
    assert length_faults(notebook.read_text(encoding="utf-8")) == []


def test_the_byte_check_passes_what_is_repeatable(tmp_path: Path) -> None:
    """Stored, the same notebook satisfies the rules and nbval, but for a cell that was changed."""
    notebook = write(tmp_path / "small.ipynb", REPEATABLE)
    first, second = run_twice(notebook, tmp_path)
    assert first == second
    stored = first.decode()
    assert "application/vnd.jupyter.widget-state+json" in stored
    assert '<style type=\\"text/css\\">\\n' in stored
    assert faults(stored) == []
    notebook.write_text(stored.replace("issuing\\n", "another\\n"), encoding="utf-8")
    (tmp_path / "nbval").mkdir()
    result = nbval(notebook, tmp_path / "nbval")
    assert result.returncode == 1
    assert "1 failed, 4 passed" in result.stdout


def test_the_byte_check_sees_what_is_not(tmp_path: Path) -> None:
    """The partner: all but the last cell differ."""
    first, second = run_twice(write(tmp_path / "small.ipynb", VARYING), tmp_path)
    assert differing_cells(first.decode(), second.decode()) == (1, 2, 3, 4, 5)


def notebook_that_says(said: str, **cell: object) -> str:
    """Return a notebook of one cell that printed ``said``, or is otherwise as told."""
    output = nbformat.v4.new_output("stream", text=said)
    stored = nbformat.v4.new_code_cell("1", id="a", execution_count=1, outputs=[output])
    stored.update(cell)
    return str(nbformat.writes(nbformat.v4.new_notebook(cells=[stored])))


KEY = "-----BEGIN {}PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIB\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (notebook_that_says(KEY.format("")), "cell 1 shows a private key"),
        (notebook_that_says(KEY.format("EC ")), "cell 1 shows a private key"),
        (notebook_that_says(str(PROJECT / "pkilab")), "cell 1 shows a path of this machine"),
        (
            notebook_that_says(f"in {tempfile.gettempdir()}/x"),
            "cell 1 shows a path of this machine",
        ),
        (notebook_that_says("/home/ann/key.pem"), "cell 1 shows a home folder"),
        (notebook_that_says("ipykernel_12/3.py:1: Warning"), "cell 1 shows a kernel's file"),
        (notebook_that_says("<object at 0x7f3a5c2d>"), "cell 1 shows a memory address"),
        (notebook_that_says(f"on {socket.gethostname()}:"), "cell 1 shows this host's name"),
        (notebook_that_says("", execution_count=2), "not every code cell was run once, in order"),
        (
            notebook_that_says("", execution_count=None),
            "not every code cell was run once, in order",
        ),
        (
            notebook_that_says("", outputs=[nbformat.v4.new_output("stream", name="stderr")]),
            "cell 1 has an output of kind stderr",
        ),
        (
            notebook_that_says("", outputs=[nbformat.v4.new_output("error", traceback=[])]),
            "cell 1 has an output of kind error",
        ),
        (
            notebook_that_says("", metadata={"tags": ["raises-exception"]}),
            "cell a asks to be compared less strictly",
        ),
        (
            notebook_that_says("", source="# NBVAL_IGNORE_OUTPUT\n1"),
            "cell a asks to be compared less strictly",
        ),
    ],
)
def test_a_spoilt_notebook_is_not_clean(text: str, fault: str) -> None:
    """One fault each, and that one is named."""
    assert faults(text) == [fault]


def test_marked_cells_that_are_equal_are_told() -> None:
    """One would show the other's result on AWS."""
    cells = [
        nbformat.v4.new_code_cell("# simulated only\n1", id=each, execution_count=number)
        for number, each in enumerate("ab", start=1)
    ]
    text = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    assert faults(text) == ["two cells that are simulated only are equal"]
    cells[1].source = "# simulated only\n2"
    assert faults(nbformat.writes(nbformat.v4.new_notebook(cells=cells))) == []


def test_a_clean_notebook_may_speak_of_keys_and_homes() -> None:
    """What only resembles a fault is none: a header alone, a URL, an example's address."""
    said = "-----BEGIN PRIVATE KEY-----\n(not shown)\nhttps://example.com/home/x\nroot CA"
    assert faults(notebook_that_says(said)) == []


def test_too_short_and_too_wordy_are_both_told() -> None:
    """The partner of the length rule."""
    cells = [nbformat.v4.new_markdown_cell("word " * 2501)]
    text = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    assert length_faults(text) == [
        "1 cells, expected 40 to 70",
        "2501 words of prose, expected 2500 at most",
    ]
    cells = [nbformat.v4.new_markdown_cell("word " * 60) for _ in range(41)]
    assert length_faults(nbformat.writes(nbformat.v4.new_notebook(cells=cells))) == []
