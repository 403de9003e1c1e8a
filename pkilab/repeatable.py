"""Notebook outputs that are the same bytes in every kernel that runs the same cells.

Two libraries of the notebooks name what they make at random: each widget's model (``comm``) and
each styled table (pandas). `make_outputs_repeatable` gives both a fixed sequence of names. What a
cell shows is otherwise up to the cell: sets sorted, times from the lab's clock, no addresses.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import uuid
from typing import Any

from pkilab.pki.entropy import Entropy


class _Names:
    """Answers ``uuid4`` in place of the `uuid` module, the same sequence in every process."""

    def __init__(self, label: str) -> None:
        self._source = Entropy("pkilab outputs").child(label)

    def uuid4(self) -> uuid.UUID:
        return uuid.UUID(self._source.uuid())


@functools.cache  # a second call that started the sequences again would give two widgets one name
def make_outputs_repeatable() -> None:
    """Give widgets and styled tables made from now on, in this process, repeatable names.

    A library that is not installed is left out. Objects made earlier keep their names, so call
    this before the first output. Calling it again changes nothing.
    """
    if importlib.util.find_spec("comm"):
        module = importlib.import_module("comm.base_comm")
        module.uuid = _Names("widgets")  # type: ignore[attr-defined]
    if importlib.util.find_spec("pandas"):
        render = importlib.import_module("pandas.io.formats.style_render")
        render.uuid4 = _Names("tables").uuid4  # type: ignore[attr-defined]
        style = importlib.import_module("pandas.io.formats.style")
        style.Styler.__repr__ = _table_as_text


def _table_as_text(styler: Any) -> str:  # noqa: ANN401 - pandas is optional, and untyped here
    """Pandas writes a memory address here; a reader without HTML is better served by the rows."""
    return repr(styler.data)
