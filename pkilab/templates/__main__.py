"""``python -m pkilab.templates NAME FOLDER`` writes a template there, ready to be packaged.

Without a name it is ``revocation_authorizer``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pkilab.templates import PACKINGS, write_function

_BOTH = 2


def main(arguments: list[str]) -> int:
    """Write the files; 2 if the arguments are not a known template, or none, and a folder."""
    name, folder = {1: ["revocation_authorizer", *arguments], _BOTH: arguments}.get(
        len(arguments), ["", ""]
    )
    if name not in PACKINGS or folder.startswith("-"):
        names = "|".join(PACKINGS)
        sys.stderr.write(f"usage: python -m pkilab.templates [{names}] FOLDER\n")
        return 2
    write_function(name, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
