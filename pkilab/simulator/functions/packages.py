"""Deployment packages: zip archives of a function's code.

Source: AWS Lambda Developer Guide, "Lambda quotas" and "Working with .zip file archives".
"""

from __future__ import annotations

import io
import lzma
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

from pkilab.simulator.functions.errors import invalid

_MOST_BYTES = 250 * 2**20  # unzipped
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError,
    NotImplementedError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip


def check(archive: bytes) -> None:
    """Check that an archive can be unpacked, by doing so.

    Raises:
        AwsError: InvalidParameterValueException; it is no zip archive, is broken or empty, or
            holds more than 250 MB.
    """
    with tempfile.TemporaryDirectory(prefix="pkilab-package-") as folder:
        unpack(archive, Path(folder))


def unpack(archive: bytes, folder: Path) -> None:
    """Unpack into a folder; names that lead out of it, such as ``../x``, are put inside.

    Permissions and links of the archive are not kept.

    Raises:
        AwsError: as `check` does.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entries = opened.infolist()
            size = sum(each.file_size for each in entries)
            if size < _MOST_BYTES:  # what an entry holds beyond its stated size is not read
                opened.extractall(folder)
    except _UNREADABLE as error:
        raise invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from error
    if all(each.is_dir() for each in entries):
        raise invalid("Uploaded file must be a non-empty zip")
    if size >= _MOST_BYTES:
        raise invalid(f"Unzipped size must be smaller than {_MOST_BYTES} bytes")
