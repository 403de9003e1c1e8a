"""The function, from its zip and with recorded events, where nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pkilab import templates

EVENTS = Path(__file__).parents[2] / "security_findings" / "events"
# As Lambda does: the zip before everything; boto3 answers as told, and its calls are printed.
RUN = """
import json, os, sys
sys.path[:0] = [sys.argv[1]]
os.environ.update(json.loads(sys.argv[2]))
sys.modules.update(dict.fromkeys(("OpenSSL", "Crypto", "moto", "cryptography", "twisted", "yaml")))
import boto3
calls = []
class Pages:
    def paginate(self, **asked):
        calls.append(["get_findings", asked])
        return [{"Findings": json.loads(sys.argv[3])}]
class Client:
    def __init__(self, service): assert service == "securityhub"
    def get_paginator(self, name): return Pages()
    def batch_import_findings(self, Findings):
        calls.append(["import", [each["Title"] for each in Findings]])
        failed = [{"Id": each["Id"], "ErrorCode": "InvalidInput", "ErrorMessage": "no"}
                  for each in Findings if os.environ.get("REFUSES")]
        return {"FailedCount": len(failed), "SuccessCount": 0, "FailedFindings": failed}
boto3.client = Client
import handler
assert handler.__file__.startswith(sys.argv[1]), handler.__file__
import pkilab
assert pkilab.__file__.startswith(sys.argv[1]), pkilab.__file__
answer = handler.handler(json.load(sys.stdin), None)
print(json.dumps([answer, calls]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the zip once: ``run(event, variables, findings that Security Hub has)``."""
    path = tmp_path_factory.mktemp("zip") / "function.zip"
    path.write_bytes(templates.function_zip("ca_findings"))

    def once(name, variables=None, held=()):
        event = (EVENTS / f"{name}.json").read_text()
        return subprocess.run(
            [sys.executable, "-c", RUN, str(path), json.dumps(variables or {}), json.dumps(held)],
            input=event, capture_output=True, text=True, check=False, cwd=path.parent,
        )  # fmt: skip

    return once


def answered(done):
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    return [json.loads(line) for line in lines], *json.loads(last)


def test_an_event_is_imported_and_logged_as_one_line(run):
    (line,), answer, calls = answered(run("issuance"))
    assert calls == [["import", ["Private CA Certificate Creation"]]]
    assert line["severity"] == "MEDIUM"
    assert line["event"] == "00000000-0000-4000-8000-000000000001"
    assert answer == {"findings": [line["id"]]}


def test_the_variables_are_the_watch(run):
    night = "2026-01-01T09:00:00Z/2026-01-01T12:00:00Z"
    (line,), _, _ = answered(run("issuance", {"CEREMONIES": night, "ALARM_SEVERITY": "CRITICAL"}))
    assert (line["title"], line["severity"]) == (
        "Private CA Certificate Creation Outside A Ceremony", "CRITICAL",
    )  # fmt: skip
    lines, answer, calls = answered(run("issuance", {"AUTHORITIES": "arn:another"}))
    assert (lines, answer, calls) == ([], {"findings": []}, [])


def test_what_ends_nothing_that_is_there_imports_nothing(run):
    lines, answer, calls = answered(run("crl"))
    assert (lines, answer) == ([], {"findings": []})
    assert [name for name, _ in calls] == ["get_findings"]


@pytest.mark.parametrize(
    ("name", "variables", "error"),
    [
        ("issuance", {"REFUSES": "1"}, "LabError: 1 of 1 findings not imported: "),
        ("issuance", {"CEREMONIES": "tomorrow"}, "MalformedError: a ceremony: found 'tomorrow'"),
    ],
)
def test_what_fails_is_raised(run, name, variables, error):
    """So that Lambda tries again and then keeps the event."""
    done = run(name, variables)
    assert done.returncode != 0
    assert error in done.stderr


def test_the_zip_holds_this_package_alone_and_is_the_same_each_time():
    files = templates.function_files("ca_findings")
    assert templates.function_zip("ca_findings") == templates.function_zip("ca_findings")
    assert {name.split("/")[0] for name in files} == {"handler.py", "pkilab"}
    assert "pkilab/security_findings/building.py" in files
    assert not [name for name in files if "simulator" in name or "templates" in name]
    assert len(templates.function_zip("ca_findings")) < 100_000


def test_the_command_writes_what_cloudformation_packages(tmp_path):
    from pkilab.templates.__main__ import main

    assert main(["ca_findings", str(tmp_path / "out")]) == 0
    assert {each.name for each in (tmp_path / "out").iterdir()} == {
        "function", "requirements.txt", "template.yaml",
    }  # fmt: skip
    for name, data in templates.function_files("ca_findings").items():
        assert (tmp_path / "out" / "function" / name).read_bytes() == data
    assert main(["ca_findings", "--help"]) == 2
