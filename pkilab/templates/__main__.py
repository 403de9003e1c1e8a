"""``python -m pkilab.templates FOLDER`` writes the authorizer there, ready to be packaged."""

from __future__ import annotations

import sys
from pathlib import Path

from pkilab.templates import write_revocation_authorizer


def main(arguments: list[str]) -> int:
    """Write the files; 2 if there is not exactly one argument."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python -m pkilab.templates FOLDER\n")
        return 2
    write_revocation_authorizer(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
