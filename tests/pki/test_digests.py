"""Reading a file into a hash."""

import hashlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki import digests
from pkilab.pki.digests import feed

MIB = 1 << 20


@given(st.binary(max_size=40), st.integers(1, 12))
def test_pieces_make_the_whole(tmp_path_factory, data, chunk):
    """Whatever the size of the pieces; and one byte less makes another digest."""
    path = tmp_path_factory.mktemp("f") / "file"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "CHUNK", chunk)
        hasher = hashlib.sha256()
        assert feed(hasher, path) == len(data)
    assert hasher.digest() == hashlib.sha256(data).digest()
    assert not data or hasher.digest() != hashlib.sha256(data[:-1]).digest()


def test_progress_is_told_from_the_beginning_to_the_end(tmp_path):
    """Bytes read, bytes in all."""
    (tmp_path / "file").write_bytes(b"m" * (2 * MIB + 5))
    told = []
    feed(hashlib.sha256(), tmp_path / "file", lambda *at: told.append(at))
    assert [done for done, _ in told] == [0, MIB, 2 * MIB, 2 * MIB + 5]
    assert {total for _, total in told} == {2 * MIB + 5}


def test_an_empty_file_is_one_too(tmp_path):
    """No bytes, and progress is told once."""
    (tmp_path / "file").touch()
    told = []
    assert feed(hashlib.sha256(), tmp_path / "file", lambda *at: told.append(at)) == 0
    assert told == [(0, 0)]


def test_a_file_that_grows_is_read_to_its_end(tmp_path):
    """Progress then passes what was expected."""
    path, told = tmp_path / "file", []
    path.write_bytes(b"m" * MIB)

    def grow(done, total):
        told.append((done, total))
        if done == 0:
            with path.open("ab") as file:
                file.write(b"n")

    assert feed(hashlib.sha256(), path, grow) == MIB + 1
    assert told[-1] == (MIB + 1, MIB)


def test_a_file_that_is_not_there_is_an_oserror(tmp_path):
    """Nothing is hashed for it."""
    with pytest.raises(FileNotFoundError):
        feed(hashlib.sha256(), tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        feed(hashlib.sha256(), tmp_path)


def test_memory_does_not_grow_with_the_file(tmp_path):
    """A sparse file of 300 MiB, in a process of its own: less than 8 MiB more than at the start."""
    with (tmp_path / "file").open("wb") as file:
        file.truncate(300 * MIB)
    code = (
        "import hashlib, resource, sys\n"
        "from pkilab.pki.digests import feed\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); feed(hashlib.sha256(), sys.argv[1]); print(peak() - before)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "file"], check=True, capture_output=True, text=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(ran.stdout) * unit < 8 * MIB
