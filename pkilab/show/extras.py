"""The optional dependencies of `pkilab.show`, imported when a picture first needs them."""

from __future__ import annotations

import importlib
from typing import Any

from pkilab.errors import MissingExtraError


def extra(module: str) -> Any:  # noqa: ANN401 - the untyped modules of notebooks
    """Import a module that only the ``notebooks`` extra brings.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise  # it is installed, and something it needs is not
        raise MissingExtraError(module, "notebooks") from None
