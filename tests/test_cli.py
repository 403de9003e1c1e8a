"""The command line."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import boto3
import pytest
from typer.testing import CliRunner

import pkilab
from pkilab.cli import app, main
from pkilab.errors import LabError

COMMANDS = ("lab", "run", "serve")


def test_help_names_every_command_and_version_says_the_version():
    """The first things a newcomer asks."""
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(command in result.output for command in COMMANDS)
    assert CliRunner().invoke(app, ["--version"]).output == f"pkilab {pkilab.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command):
    """With a sentence, and a description for each option."""
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.output) > 200


def test_a_host_that_others_can_reach_is_refused_unless_it_is_asked_for():
    """The option's name says what it does."""
    result = CliRunner().invoke(app, ["serve", "--host", "0.0.0.0"])  # noqa: S104 - the refusal
    assert isinstance(result.exception, LabError)
    assert "--expose-keys-to-network" in str(result.exception)


def test_an_error_of_the_package_is_one_line_and_exit_code_2(monkeypatch, capsys):
    """No traceback for what the user can mend."""
    monkeypatch.setattr(sys, "argv", ["pkilab", "serve", "--now", "noon"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("pkilab: now: found 'noon'")


def test_serve_says_when_it_is_ready_serves_and_stops_cleanly(tmp_path):
    """One line with the URL and the exports, the same as JSON, and gone on interrupt."""
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "pkilab", "serve", "--port", "0", "--seed", "cli",
               "--now", "2026-01-05T09:00:00+00:00", "--ready-file", str(ready)]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    try:
        line = process.stdout.readline()
        opened = json.loads(ready.read_text())
        assert opened["endpoint"] in line
        assert f"TLS at {opened['tls']} | export" in line
        assert opened["pid"] == process.pid
        assert (opened["seed"], opened["now"]) == ("cli", "2026-01-05T09:00:00+00:00")
        exports = dict(word.split("=", 1) for word in line.split("export ", 1)[1].split())
        assert exports["AWS_ENDPOINT_URL"] == opened["endpoint"]
        client = boto3.client(
            "sts",
            endpoint_url=exports["AWS_ENDPOINT_URL"],
            region_name=exports["AWS_DEFAULT_REGION"],
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        )
        assert client.get_caller_identity()["Account"] == "111122223333"
        client.close()
        host, port = opened["tls"].split(":")
        with socket.create_connection((host, int(port)), timeout=5):
            pass
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert rest == ""
    assert not ready.exists()


def test_serve_on_a_taken_port_says_so(tmp_path):
    """Rather than serving somewhere else."""
    from pkilab.lab import Lab

    with Lab.simulated() as lab:
        port = lab.serve().url.rpartition(":")[2]
        started = time.monotonic()
        result = subprocess.run(
            [sys.executable, "-m", "pkilab", "serve", "--port", port],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert result.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("how", ["unwritable ready file", "closed output"])
def test_serve_ends_when_it_cannot_say_that_it_is_ready(tmp_path, how):
    """An open socket does not keep a failed process alive."""
    command = [sys.executable, "-m", "pkilab", "serve", "--port", "0"]
    if how == "unwritable ready file":
        command += ["--ready-file", str(tmp_path / "no" / "such" / "folder")]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run(
            command,
            stdout=writer if how == "closed output" else subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert ran.returncode != 0
