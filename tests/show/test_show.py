from __future__ import annotations

import subprocess
import sys

import pytest

import pkilab.show


def test_every_public_name_is_there_and_is_no_module() -> None:
    from types import ModuleType

    for name in pkilab.show.__all__:
        assert not isinstance(getattr(pkilab.show, name), ModuleType)
    assert sorted(pkilab.show._HOMES) == pkilab.show.__all__


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = pkilab.show.nonsense


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, pkilab.show; before = set(sys.modules);"
        "import pkilab.show.explorers, pkilab.show.hierarchies, pkilab.show.tables;"
        "heavy = {'pandas', 'IPython', 'ipywidgets', 'boto3', 'botocore', 'moto'};"
        "print(sorted(heavy & set(sys.modules)), 'cryptography' in before)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[] False\n"
