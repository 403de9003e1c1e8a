from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import pkilab.ct

MODULES = sorted(Path(pkilab.ct.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_ct_imports_cryptography_pki_and_the_standard_library_only(path: Path) -> None:
    """import-linter's contract forbids by name; this admits by name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    tops = {name.partition(".")[0] for name in found}
    assert tops <= {"cryptography", "pkilab"} | sys.stdlib_module_names
    own = {name for name in found if name.startswith("pkilab")}
    assert all(name.split(".")[:2][1:] in ([], ["ct"], ["pki"], ["errors"]) for name in own)
    assert not found & {"time", "random", "secrets", "socket", "urllib.request", "http.client"}
