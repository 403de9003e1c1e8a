"""Deployment packages."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pkilab import functions
from pkilab.simulator.functions import packages
from pkilab.simulator.service import AwsError

WELL = functions.package({"index.py": "x" * 100, "lib/__init__.py": ""})


def archive(names):
    """Return an archive of files of these names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        for name in names:
            zipped.writestr(name, name)
    return packed.getvalue()


def refused(data):
    """Return why an archive is refused."""
    with pytest.raises(AwsError) as caught:
        packages.check(data)
    assert caught.value.code == "InvalidParameterValueException"
    return caught.value.message


def test_an_archive_is_unpacked_as_it_is(tmp_path):
    """Folders included."""
    packages.unpack(WELL, tmp_path)
    assert (tmp_path / "index.py").read_text() == "x" * 100
    assert (tmp_path / "lib" / "__init__.py").is_file()


def test_no_name_leads_out_of_the_folder(tmp_path):
    """Neither upwards nor from the root."""
    inside = tmp_path / "inside"
    inside.mkdir()
    packages.unpack(archive(["../up.py", "/root.py", "a/../../down.py"]), inside)
    assert [each.name for each in tmp_path.iterdir()] == ["inside"]
    assert sorted(each.name for each in inside.rglob("*.py")) == ["down.py", "root.py", "up.py"]


@pytest.mark.parametrize(
    "data", [b"", b"PK", WELL[:-30], WELL[:40] + b"\xff\xff" + WELL[42:], archive(["a", "a/b"])]
)
def test_what_cannot_be_unpacked_is_refused(data):
    """In Lambda's sentence, whatever is wrong with it."""
    assert refused(data).startswith("Could not unzip uploaded file.")


def test_an_archive_of_no_file_is_refused():
    """Folders are none."""
    assert refused(archive([])) == "Uploaded file must be a non-empty zip"
    assert refused(archive(["a/"])) == "Uploaded file must be a non-empty zip"


def test_an_archive_that_swells_is_refused_before_it_does(monkeypatch):
    """By the sizes that it states."""
    packages.check(WELL)
    monkeypatch.setattr(packages, "_MOST_BYTES", 100)
    assert refused(WELL) == "Unzipped size must be smaller than 100 bytes"


@settings(max_examples=200)
@given(
    where=st.integers(0, len(WELL) - 1), what=st.binary(min_size=1, max_size=8), cut=st.booleans()
)
def test_whatever_an_archive_is_only_declared_errors_leave(where, what, cut):
    """Bytes changed, and the end cut off."""
    data = WELL[:where] + what + (b"" if cut else WELL[where + len(what) :])
    try:
        packages.check(data)
    except AwsError as error:
        assert error.code == "InvalidParameterValueException"
