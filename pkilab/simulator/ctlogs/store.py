"""A log's memory in a folder: an append-only file of entries, and a journal of tree heads.

Each record is written whole and brought to the disk (``fdatasync``) before the call returns, so
that an SCT that was given out is never forgotten, whenever the process or the machine stops. What
such a stop can leave behind is a torn record at the end of a file; it was never answered for, and
is cut off when the folder is opened next. A broken record before intact ones is damage, which is
not repaired but refused. A disk that loses what it said was written is not guarded against, except
that entries a tree head has shown are missed (`pkilab.ct.log.Log`). The log's key is not here.

Record: magic (4 bytes), length of the payload (4), CRC-32 (4), payload. The checksum runs over the
record's offset in the file (8 bytes), its length and its payload.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from pkilab.ct.log import StoredEntry
from pkilab.ct.structures import DigitallySigned, SignedTreeHead, TreeHead
from pkilab.errors import LabError, MalformedError

_MAGIC = b"CTr\x01"
_HEADER = struct.Struct(">4sII")
_HEAD = struct.Struct(">QQ32s")  # tree size, timestamp, root hash
_LEAF_SIZE = struct.Struct(">I")
_MOST = 1 << 26  # no entry is as long: a chain has less than 2**24 bytes, and so has a leaf
_PIECE = 1 << 20


class FolderStore:
    """A `pkilab.ct.log.Storage` in a folder of its own; one process at a time.

    Args:
        folder: made if it is not there.

    Raises:
        LabError: another process has it open, a file is damaged, or the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._stack = ExitStack()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock(folder)
            self._entries = self._open(folder / "entries.ct")
            self._heads = self._open(folder / "heads.ct")
            _sync_folder(folder)
            last = self._heads.read(max(0, len(self._heads) - 1), len(self._heads))
            self._head = next(map(_decode_head, last), None)
        except OSError as error:
            self._stack.close()
            raise LabError(f"the log's folder {folder} cannot be used: {error}") from error
        except BaseException:
            self._stack.close()
            raise

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, entry: StoredEntry) -> None:
        """Bring an entry to the disk.

        Raises:
            LabError: it cannot be written; it is then not in the store.
        """
        self._entries.append(_LEAF_SIZE.pack(len(entry.leaf)) + entry.leaf + entry.extra_data)

    def read(self, start: int, end: int) -> Sequence[StoredEntry]:
        """Return entries ``start`` <= i < ``end``.

        Raises:
            LabError: the file is no longer what it was.
        """
        return [_decode_entry(each) for each in self._entries.read(start, end)]

    def record(self, sth: SignedTreeHead) -> None:
        """Bring a head to the disk.

        Raises:
            LabError: it cannot be written; it is then not in the store.
        """
        head = sth.head
        packed = _HEAD.pack(head.size, head.timestamp, head.root)
        self._heads.append(packed + sth.signature.encode())
        self._head = sth

    def last_head(self) -> SignedTreeHead | None:
        """Return the last head."""
        return self._head

    def close(self) -> None:
        """Let go of the folder."""
        self._stack.close()

    def _lock(self, folder: Path) -> None:
        lock = self._stack.enter_context((folder / "lock").open("wb"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"the log's folder {folder} is open in another process") from None

    def _open(self, path: Path) -> _Records:
        records = _Records(path)
        self._stack.callback(records.close)
        return records


class _Records:
    """One append-only file of records."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._ends = array("Q", [0])  # where each record ends, after the beginning of the first
        self._broken = ""
        try:
            self._scan()
        except BaseException:
            os.close(self._file)
            raise

    def __len__(self) -> int:
        return len(self._ends) - 1

    def close(self) -> None:
        os.close(self._file)

    def append(self, payload: bytes) -> None:
        """Write a record and bring it to the disk; after an error nothing of it is left."""
        if self._broken:
            raise LabError(f"{self._path}: nothing more is written: {self._broken}")
        offset = self._ends[-1]
        try:
            _write(self._file, _frame(payload, offset), offset)
            os.fdatasync(self._file)
        except OSError as error:
            self._undo(offset, error)
            raise LabError(f"{self._path}: a record cannot be written: {error}") from error
        self._ends.append(offset + _HEADER.size + len(payload))

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the payloads of records ``start`` <= i < ``end``."""
        base = self._ends[start]
        try:
            data = _read(self._file, base, self._ends[end] - base)
        except OSError as error:
            raise LabError(f"{self._path}: it cannot be read: {error}") from error
        for number in range(start, end):
            offset, after = self._ends[number], self._ends[number + 1]
            payload = _payload(data[offset - base : after - base], offset)
            if payload is None:
                raise LabError(f"{self._path}: record {number} is damaged")
            yield payload

    def _undo(self, offset: int, error: OSError) -> None:
        """Cut off what a failed write left; if that fails too, nothing more may be written."""
        try:
            os.ftruncate(self._file, offset)
            os.fdatasync(self._file)
        except OSError:
            self._broken = str(error)

    def _scan(self) -> None:
        """Find the records; cut off a torn one at the end.

        Raises:
            LabError: a broken record has an intact one after it.
        """
        size, offset = os.fstat(self._file).st_size, 0
        while offset < size:
            end = _end_of(self._file, offset, size)
            if end is None:
                self._cut_torn(offset, size)
                return
            self._ends.append(end)
            offset = end

    def _cut_torn(self, offset: int, size: int) -> None:
        if _intact_after(self._file, offset, size):
            raise LabError(f"{self._path}: the record at byte {offset} is damaged, not torn")
        os.ftruncate(self._file, offset)
        os.fdatasync(self._file)


def _frame(payload: bytes, offset: int) -> bytes:
    return _HEADER.pack(_MAGIC, len(payload), _checksum(payload, offset)) + payload


def _checksum(payload: bytes, offset: int) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack(">QI", offset, len(payload))))


def _payload(record: bytes, offset: int) -> bytes | None:
    """Return the payload of a record that stands at an offset; None if it is not one."""
    if len(record) < _HEADER.size:
        return None
    magic, length, checksum = _HEADER.unpack_from(record)
    payload = record[_HEADER.size :]
    if magic != _MAGIC or length != len(payload) or checksum != _checksum(payload, offset):
        return None
    return payload


def _end_of(file: int, offset: int, size: int) -> int | None:
    """Return where the intact record at an offset ends; None if there is none."""
    header = _read(file, offset, min(_HEADER.size, size - offset))
    if len(header) < _HEADER.size or header[:4] != _MAGIC:
        return None
    end = offset + _HEADER.size + int(_HEADER.unpack(header)[1])
    if end > size or end - offset > _MOST:
        return None
    record = _read(file, offset, end - offset)
    return None if _payload(record, offset) is None else end


def _intact_after(file: int, offset: int, size: int) -> bool:
    """Whether an intact record begins anywhere after an offset."""
    rest = _read(file, offset, size - offset)
    at = rest.find(_MAGIC, 1)
    while at >= 0:
        if _end_of(file, offset + at, size) is not None:
            return True
        at = rest.find(_MAGIC, at + 1)
    return False


def _read(file: int, offset: int, size: int) -> bytes:
    parts, got = [], 0
    while got < size:
        part = os.pread(file, min(_PIECE, size - got), offset + got)
        if not part:
            raise LabError(f"a file of a log ends {size - got} bytes too early")
        parts.append(part)
        got += len(part)
    return b"".join(parts)


def _write(file: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def _sync_folder(folder: Path) -> None:
    """Bring the names of new files to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _decode_entry(payload: bytes) -> StoredEntry:
    (size,) = _LEAF_SIZE.unpack_from(payload)
    start = _LEAF_SIZE.size
    return StoredEntry(payload[start : start + size], payload[start + size :])


def _decode_head(payload: bytes) -> SignedTreeHead:
    try:
        size, timestamp, root = _HEAD.unpack_from(payload)
        signature = DigitallySigned.decode(payload[_HEAD.size :])
    except (MalformedError, struct.error) as error:
        raise LabError(f"a tree head in the folder cannot be read: {error}") from error
    return SignedTreeHead(TreeHead(size, timestamp, root), signature)
