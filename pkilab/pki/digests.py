"""A file, read once into a hash and never held whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

# Large enough that reading costs little beside hashing, small enough for a processor's cache.
CHUNK = 1 << 20

Progress: TypeAlias = Callable[[int, int], None]  # bytes read so far, bytes in all


class Hasher(Protocol):
    """Anything that takes bytes piece by piece."""

    def update(self, data: memoryview, /) -> object:
        """Take more bytes."""
        ...


def feed(hasher: Hasher, path: Path | str, progress: Progress | None = None) -> int:
    """Read a file into a hasher, a mebibyte at a time; return how many bytes there were.

    Args:
        hasher: such as ``hashlib.sha256()``.
        path: the file.
        progress: told at the beginning and after each piece. A file that grows meanwhile is read to
            its end, beyond what was to be expected.

    Raises:
        OSError: the file cannot be read.
    """
    view, done = memoryview(bytearray(CHUNK)), 0
    with Path(path).open("rb", buffering=0) as file:
        total = os.fstat(file.fileno()).st_size
        if progress:
            progress(0, total)
        while count := file.readinto(view):
            hasher.update(view[:count])
            done += count
            if progress:
                progress(done, total)
    return done
