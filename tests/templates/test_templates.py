from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import cryptography
import pytest

from pkilab import templates
from pkilab.templates.__main__ import main

# As Lambda does: the zip alone, and cryptography from beside it.
RUN = """
import json, sys
sys.path[:0] = [sys.argv[1]]
sys.path.append(sys.argv[2])
sys.modules.update(dict.fromkeys(("OpenSSL", "Crypto", "moto", "boto3", "botocore")))  # not there
import os
os.environ["ISSUERS_PEM"] = sys.argv[3]
import authorizer
assert authorizer.__file__.startswith(sys.argv[1]), authorizer.__file__
import pkilab
assert pkilab.__file__.startswith(sys.argv[1]), pkilab.__file__
print(json.dumps(authorizer.handler(json.load(sys.stdin), None)))
"""


def test_the_zip_is_the_same_bytes_each_time_in_order_and_readable_by_lambda():
    packed = templates.revocation_authorizer_zip()
    assert packed == templates.revocation_authorizer_zip()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entries = archive.infolist()
    assert [each.filename for each in entries] == sorted(templates.revocation_authorizer_files())
    assert {each.date_time for each in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {each.external_attr >> 16 for each in entries} == {0o100644}
    assert entries[0].filename == "authorizer.py"
    assert len(packed) < 100_000


@pytest.mark.parametrize("trusted", [True, False])
def test_the_zip_runs_where_there_is_nothing_but_cryptography(
    tmp_path, ca, client, now, event, trusted
):
    """It judges as far as the issuer's signature; the CRL's URL is not one to be followed."""
    (tmp_path / "function.zip").write_bytes(templates.revocation_authorizer_zip())
    site = str(next(iter(cryptography.__path__))).removesuffix("/cryptography")
    inside = ca.client(crl=("http://127.0.0.1:9001/",))
    issuers = ca.pem if trusted else ca.make("CN=other", ca=True).certificate
    if not trusted:
        issuers = type(ca)(ca.make, None, "CN=other").pem
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUN, str(tmp_path / "function.zip"), site, issuers],
        input=json.dumps(event["2.0"](inside, now)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    line, answer = map(json.loads, done.stdout.splitlines())
    assert answer["isAuthorized"] is False
    expected = "UNAVAILABLE" if trusted else "UNKNOWN_ISSUER"
    assert answer["context"]["status"] == line["status"] == expected


def test_dependencies_are_packed_along_without_their_caches(tmp_path):
    (tmp_path / "cffi" / "__pycache__").mkdir(parents=True)
    (tmp_path / "cffi" / "api.py").write_text("x = 1")
    (tmp_path / "cffi" / "__pycache__" / "api.pyc").write_bytes(b"\0")
    packed = templates.revocation_authorizer_zip(tmp_path)
    assert packed == templates.revocation_authorizer_zip(tmp_path)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = set(archive.namelist())
    assert names - set(templates.revocation_authorizer_files()) == {"cffi/api.py"}


def test_the_command_writes_what_cloudformation_packages(tmp_path, capsys):
    """Files of pip beside it stay; another number of arguments is an error."""
    folder = tmp_path / "out"
    (folder / "function" / "cffi").mkdir(parents=True)
    assert main([str(folder)]) == 0
    assert {each.name for each in folder.iterdir()} == {
        "function", "requirements.txt", "template.yaml",
    }  # fmt: skip
    assert (folder / "function" / "cffi").is_dir()
    for name, data in templates.revocation_authorizer_files().items():
        assert (folder / "function" / name).read_bytes() == data
    assert "Code: function" in (folder / "template.yaml").read_text()
    assert [main([]), main(["a", "b"]), main(["--help"])] == [2, 2, 2]
    assert "usage" in capsys.readouterr().err
