"""The README says what is so: its example runs, its table is made from data, its links lead on."""

import importlib.util
import re
import subprocess
import sys

import pytest

from pkilab.planning import price_list
from pkilab.simulator.fidelity import fidelity_table


@pytest.fixture(scope="module")
def readme(project):
    """Its text."""
    return (project / "README.md").read_text()


def test_the_example_prints_what_stands_below_it(readme, tmp_path):
    """Run as it stands, in a process of its own."""
    code, printed = re.search(
        r"```python\n(.*?)```\n\n```text\n(.*?)```", readme, re.DOTALL
    ).groups()
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert ran.stdout == printed


def test_the_fidelity_table_is_made_from_its_data(readme):
    """What is claimed is what pkilab/simulator/fidelity.toml holds, where each line has a test."""
    table = re.search(r"<!-- fidelity:.*?-->\n(.*?)<!-- /fidelity -->", readme, re.DOTALL)[1]
    assert table.strip() == fidelity_table().strip()


def test_the_prices_of_the_notebooks_are_those_of_their_plans(readme, project):
    """And every notebook has one."""
    table = re.search(r"<!-- plans:.*?-->\n(.*?)<!-- /plans -->", readme, re.DOTALL)[1]
    assert table.strip() == price_list(project / "notebooks").strip()
    notebooks = list((project / "notebooks").glob("*.ipynb"))
    assert len(table.strip().splitlines()) == len(notebooks) + 2


def test_its_links_lead_to_files(readme, project):
    """No notebook or file is named that is not there."""
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", readme)
    assert targets
    assert [target for target in targets if not (project / target).exists()] == []


def test_every_guided_notebook_is_listed(readme, project):
    """A reader finds each of them."""
    notebooks = sorted(path.name for path in (project / "notebooks").glob("*.ipynb"))
    assert notebooks
    assert [name for name in notebooks if f"notebooks/{name}" not in readme] == []


def test_the_make_targets_it_names_exist(readme, project):
    """`make run` and the others."""
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", readme, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test"} <= named
    assert named <= targets


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # some cases are about just that
def test_the_scores_are_those_that_the_conformance_tests_count(
    readme, project, conformance, monkeypatch
):
    """Numbers in prose drift; these are counted again."""
    path = project / "tests" / "pki" / "test_conformance.py"
    spec = importlib.util.spec_from_file_location("conformance_scores", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look there
    spec.loader.exec_module(module)
    for line, score in (
        ("x509-limbo, as published 2023-12-02", module.limbo_score(conformance)),
        ("OpenSSL's OCSP response tests", module.ocsp_score(conformance)),
    ):
        counts = (score.cases, len(score.accepted), len(score.rejected))
        assert f"| {line} | {' | '.join(map(str, counts))} |" in readme
