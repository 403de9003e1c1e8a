"""The rules of the house: who may import whom."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
# pkilab.pki may use these beside the standard library; Crypto only for seeded RSA and Ed25519ph.
PURE = {"cryptography", "OpenSSL", "pkilab"}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the pyproject.toml in ``folder`` on the package beside it."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


def imported(source: str) -> set[str]:
    """Return the top-level names that a module imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def test_the_contracts_hold() -> None:
    """The four rules, and every contract import-linter finds in pyproject.toml."""
    result = lint_imports(PROJECT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("pki/keys.py", "import boto3", "pki is pure"),
        ("revocation.py", "import pkilab.simulator", "a workflow cannot tell where it runs"),
        ("ca_hierarchy.py", "import moto", "a workflow cannot tell where it runs"),
        ("simulator/world.py", "import pkilab.show", "the simulator knows no workflow"),
        ("show/__init__.py", "import boto3", "show takes values"),
    ],
)
def test_a_broken_rule_is_seen(module: str, line: str, contract: str, tmp_path: Path) -> None:
    """The partner: one import in the wrong place, in a copy."""
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    shutil.copytree(PROJECT / "pkilab", tmp_path / "pkilab")
    with (tmp_path / "pkilab" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    said = " ".join(result.stdout.split())  # long names are wrapped
    assert re.search(rf"{contract}((?!KEPT).)* BROKEN", said), result.stdout


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "pkilab" / "pki").glob("*.py")), ids=lambda p: p.stem
)
def test_pki_imports_nothing_else(path: Path) -> None:
    """The contract forbids by name; this admits by name."""
    allowed = (
        PURE
        | sys.stdlib_module_names
        | ({"Crypto"} if path.stem in {"keys", "kms_signatures"} else set())
    )
    assert imported(path.read_text(encoding="utf-8")) <= allowed
