"""pkilab: do AWS PKI instead of reading about it.

The front door is `Lab`; everything else is reached from there or imported by its room's name.
Names are loaded on first use, so that ``import pkilab`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pkilab.errors import PkilabError
    from pkilab.lab import Lab

__version__ = "0.1.0"
__all__ = ["Lab", "PkilabError", "__version__"]

_HOMES = {"Lab": "pkilab.lab", "PkilabError": "pkilab.errors"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
