"""Layers: what one changes in a file system, as a tar archive.

Source: OCI Image Format Specification 1.1, "Image Layer Filesystem Changeset".
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath

from pkilab.errors import MalformedError

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_DIRECTORY_MODE = 0o755


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a layer.

    Attributes:
        path: absolute.
        data: a file's content; None for a directory or a removal.
        mode: permissions.
        removed: whether the path is taken away, with all below it.
    """

    path: str
    data: bytes | None = field(default=None, repr=False)
    mode: int = _DIRECTORY_MODE
    removed: bool = False


class Tree:
    """The file system that layers add up to. Links and devices are not followed."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._modes: dict[str, int] = {"/": _DIRECTORY_MODE}
        self._directories = {"/"}

    def apply(self, change: Change) -> None:
        """Make a change."""
        path = change.path
        if change.removed or change.data is not None:
            self._forget(path)
        if change.removed:
            return
        self._modes[path] = change.mode
        if change.data is None:
            self.files.pop(path, None)
            self._directories.add(path)
        else:
            self.files[path] = change.data
            # Archives of others may leave the directories out.
            self._directories.update(str(each) for each in PurePosixPath(path).parents)

    def _forget(self, path: str) -> None:
        below = f"{path.rstrip('/')}/"
        for known in (self.files, self._modes):
            for each in [name for name in known if name == path or name.startswith(below)]:
                del known[each]
        self._directories = {
            each for each in self._directories if each != path and not each.startswith(below)
        } | {"/"}

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory of a path."""
        return _absolute(path) in self._directories

    def directories(self, path: str) -> Iterator[Change]:
        """Yield the directories of a path that there are not yet, the outermost first."""
        whole = PurePosixPath(_absolute(path))
        for each in (*reversed(whole.parents), whole):
            if str(each) not in self._directories:
                yield Change(str(each))

    def with_mode(self, path: str, mode: int) -> Change:
        """Return the change that gives a path other permissions: a layer has the whole file anew.

        Raises:
            MalformedError: there is no such path.
        """
        path = _absolute(path)
        self._require(path)
        return Change(path, self.files.get(path), mode)

    def removed(self, path: str) -> Change:
        """Return the change that removes a path.

        Raises:
            MalformedError: there is no such path.
        """
        path = _absolute(path)
        self._require(path)
        return Change(path, removed=True)

    def _require(self, path: str) -> None:
        if path not in self.files and path not in self._directories:
            raise MalformedError("Dockerfile", found=f"no {path} in the image", expected="it there")


def pack(changes: Iterable[Change], moment: datetime) -> bytes:
    """Return a layer's archive; equal changes give equal bytes."""
    packed = io.BytesIO()
    last = {change.path: change for change in changes}  # of a path, the last change counts
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for change in last.values():
            name = change.path.lstrip("/")
            if change.removed:
                folder, _, base = name.rpartition("/")
                name = f"{folder}/{_WHITEOUT}{base}".lstrip("/")
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime = change.mode, int(moment.timestamp())
            data = b"" if change.removed else change.data
            if data is None:
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def unpack(data: bytes) -> Iterator[Change]:
    """Yield a layer's changes in order, but what it empties first. Links and devices are left out.

    Raises:
        MalformedError: it is no tar archive, or a path leaves it.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            entries = archive.getmembers()
            for entry in sorted(entries, key=lambda each: PurePosixPath(each.name).name != _OPAQUE):
                yield from _read(archive, entry)
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        if isinstance(error, MalformedError):
            raise
        raise MalformedError("layer", found=str(error)[:60], expected="a tar archive") from error


def _read(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Iterator[Change]:
    path = PurePosixPath("/", entry.name)
    if ".." in path.parts:
        raise MalformedError("layer", found=f"the path {entry.name!r}", expected="one within")
    if path.name == _OPAQUE:
        yield Change(str(path.parent), removed=True)
        yield Change(str(path.parent))
    elif path.name.startswith(_WHITEOUT):
        yield Change(str(path.with_name(path.name.removeprefix(_WHITEOUT) or "-")), removed=True)
    elif entry.isdir():
        yield Change(str(path), mode=entry.mode)
    elif entry.isreg():
        found = archive.extractfile(entry)
        yield Change(str(path), found.read() if found else b"", entry.mode)


def _absolute(path: str) -> str:
    """Return a path as seen from the root, without what means nothing in it."""
    return str(PurePosixPath("/") / PurePosixPath(path))
