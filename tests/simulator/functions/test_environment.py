"""Execution environments: what a process is given, what it leaves in the log, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

NUMBER = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
HAND = "def handler(event, context):\n"


def ends(process, within=5.0):
    """Say whether a process is gone, or is within some seconds."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
        ).stdout.strip()
        if not state or state.startswith("Z"):
            return True
        time.sleep(0.05)
    return False


def test_a_log_is_framed_as_lambdas(aws):
    """START, what was printed, END and REPORT; the first says what initialization took."""
    aws.deploy("print('at import')\n" + HAND + "    print('in handler', end='')")
    first, second = aws.log(), aws.log()
    report = (
        r"REPORT RequestId: \1\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\t"
    )
    framed = (
        rf"START RequestId: ({NUMBER}) Version: \$LATEST\nin handler\nEND RequestId: \1\n{report}"
    )
    assert re.fullmatch(rf"at import\n{framed}Init Duration: [\d.]+ ms\t\n", first)
    assert re.fullmatch(rf"{framed}\n", second)


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("import os; os._exit(1)", "exited with error: exit status 1\nRuntime.ExitError\n"),
        ("import time; time.sleep(9)", "Task timed out after 1.00 seconds\n\n"),
        ("raise ValueError('no')", "[ERROR] ValueError: no\nTraceback (most recent call last):\n"),
    ],
)
def test_what_was_printed_before_the_end_is_told(aws, last, told):
    """By print, by a program that the handler starts, past Python, and not in UTF-8."""
    aws.deploy(
        HAND
        + "    import os, subprocess\n    print('printed')\n    os.write(2, b'raw \\xff\\n')\n"
        + f"    subprocess.run(['echo', 'echoed'])\n    {last}",
        timeout=1,
    )
    log = aws.log()
    assert all(word in log for word in ("printed\n", "raw \ufffd\n", "echoed\n", told))


def test_of_a_long_log_the_end_is_kept_and_the_handler_is_not_held_up(aws):
    """More than a pipe holds."""
    aws.deploy(HAND + "    print('x' * 3_000_000 + 'end')\n    return 1")
    assert aws.invoke()[1] == 1
    log = aws.log()
    assert "xxxend\nEND" in log
    assert len(log) == 4096


def test_logging_says_who_and_when(aws):
    """Through the root logger, at WARNING and above; a handler of the function's own is kept."""
    aws.deploy(
        "import logging, sys\nlogging.getLogger().addHandler(logging.StreamHandler(sys.stdout))\n"
        + HAND
        + "    logging.getLogger().info('no')\n    logging.getLogger().error('yes')"
    )
    log = aws.log()
    when = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.search(rf"\[ERROR\]\t{when}\t{NUMBER}\tyes\n", log)
    assert "\nyes\n" in log
    assert "no\n" not in log


def test_a_process_has_its_functions_variables_and_nothing_else(aws, monkeypatch):
    """Lambda's own win over what the function sets; the network is the world's in any case."""
    monkeypatch.setenv("PKILAB_SECRET_OF_MINE", "secret")
    aws.deploy(
        "import os\n" + HAND + "    return dict(os.environ)",
        environment={"TZ": "Europe/Berlin", "http_proxy": "http://example.com", "WORD": "w"},
    )
    found = aws.invoke()[1]
    world = found["AWS_ENDPOINT_URL"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", world)
    assert set(found) - {"LC_CTYPE"} == {
        "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HOME", "HTTPS_PROXY", "HTTP_PROXY",
            "LAMBDA_TASK_ROOT", "LANG",
        "NO_PROXY", "PATH", "TMPDIR", "TZ", "WORD", "_HANDLER", "http_proxy", "https_proxy",
        "no_proxy",
    }  # fmt: skip
    assert {found[name] for name in ("http_proxy", "https_proxy", "HTTP_PROXY")} == {world}
    assert (found["WORD"], found["TZ"]) == ("w", "Europe/Berlin")
    assert found["HOME"] == found["TMPDIR"] != str(Path.home())
    stream = found["AWS_LAMBDA_LOG_STREAM_NAME"]
    assert re.fullmatch(r"2026/11/02/\[\$LATEST\][0-9a-f]{32}", stream)


def test_an_environments_folder_is_its_own_and_goes_with_it(aws):
    """Nobody else may look into it."""
    aws.deploy(
        "import os, tempfile\n"
        + HAND
        + "    return [os.getcwd(), tempfile.mkdtemp(), os.stat('..').st_mode & 0o777]"
    )
    task, scratch, mode = aws.invoke()[1]
    assert mode == 0o700
    assert Path(scratch).is_dir()
    aws.client.delete_function(FunctionName="f")
    assert not Path(task).exists()
    assert not Path(scratch).exists()


def test_what_a_handler_started_ends_with_its_environment(aws):
    """Programs and forks, when time is up and when the function is deleted."""
    start = "    p = subprocess.Popen(['sleep', '300']).pid\n    q = os.fork() or time.sleep(300)\n"
    aws.deploy(
        "import os, subprocess, time\n" + HAND + start + "    if not event: return [p, q]\n"
        "    print('pids', p, q)\n    time.sleep(300)",
        timeout=1,
    )
    found = re.search(r"pids (\d+) (\d+)", aws.log(1)).groups()
    kept = aws.invoke()[1]
    aws.client.delete_function(FunctionName="f")
    assert all(map(ends, (*found, *kept)))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc here")
def test_not_even_what_leaves_the_processs_session_lives_on(aws):
    """As long as it keeps the environment that it was given."""
    aws.deploy(
        "import subprocess\n" + HAND
        + "    return subprocess.Popen(['sleep', '300'], start_new_session=True).pid"
    )  # fmt: skip
    process = aws.invoke()[1]
    assert not ends(process, within=0.2)
    aws.client.delete_function(FunctionName="f")
    assert ends(process)


def test_a_handler_that_forks_and_returns_twice_answers_once(aws):
    """What the copy says is heard by nobody, and the next event is not answered by it."""
    aws.deploy(
        "import os, time\n" + HAND
        + "    copy = not os.fork()\n    if copy: os.setsid(), time.sleep(0.2)\n"
        + "    return [event, copy]"
    )  # fmt: skip
    assert aws.invoke(1)[1] == [1, False]
    time.sleep(0.4)
    assert aws.invoke(2)[1] == [2, False]


@pytest.mark.parametrize("written", [b"{}", b"[]", b"junk", b'{"memory":1}'])
def test_a_handler_that_writes_where_it_should_not_is_ended(aws, written):
    """Rather than believed; and the next event finds a new process."""
    message = len(written).to_bytes(4) + written
    aws.deploy(
        "import os, sys\n" + HAND
        + f"    if event: return event\n    os.write(int(sys.argv[1]), {message!r})"
    )  # fmt: skip
    error, told, _ = aws.invoke()
    assert (error, told["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert aws.invoke("well")[:2] == (None, "well")


def test_a_process_that_ends_is_noticed_though_its_fork_lives_on(aws):
    """Long before the timeout."""
    end = "    import os, time\n    os.fork() and os._exit(5)\n    time.sleep(60)"
    aws.deploy(HAND + end, timeout=60)
    started = time.monotonic()
    assert aws.invoke()[1]["errorMessage"].endswith("exit status 5")
    assert time.monotonic() - started < 5


def test_an_environment_that_could_not_be_initialized_is_not_used_again(aws, tmp_path):
    """The next event finds a new one, as it may have been a passing failure."""
    aws.deploy(
        f"import pathlib\nseen = pathlib.Path({str(tmp_path / 'seen')!r})\n"
        "if not seen.exists():\n    seen.touch()\n    raise OSError('not yet')\n"
        + HAND + "    return 'well'"
    )  # fmt: skip
    error, told, _ = aws.invoke()
    assert (error, told["errorType"], told["errorMessage"]) == ("Unhandled", "OSError", "not yet")
    assert aws.invoke()[:2] == (None, "well")


HELD = """
import os, re, subprocess
def handler(event, context):
    if event == "idle": return os.getpid()
    started = subprocess.Popen(["sleep", "300"])
    with open(event, "w") as told: told.write(f"{os.getpid()} {started.pid} .")
    re.fullmatch("(a+)+b", "a" * 50)  # for ever, without letting go of the interpreter
"""
LAB = f"""
import json, sys, threading, time
from pkilab import Lab, functions
lab = Lab.simulated(seed="killed")
client, role = lab.client("lambda"), functions.create_role(lab.client("iam"), "r")
archive = functions.package({{"index.py": {HELD!r}}})
for name in "idle", "held":
    functions.deploy(client, name, archive, role=role, timeout=300)
idle = json.load(client.invoke(FunctionName="idle", Payload=json.dumps("idle"))["Payload"])
call = lambda: client.invoke(FunctionName="held", Payload=json.dumps(sys.argv[1]))
threading.Thread(target=call, daemon=True).start()
print(idle, flush=True)
time.sleep(300)
"""


def test_no_process_outlives_a_lab_that_is_killed(tmp_path):
    """Not even one that never lets go of the interpreter, nor what it has started."""
    told = tmp_path / "told"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # nobody is left to clean up
    lab = subprocess.Popen(
        [sys.executable, "-c", LAB, told], stdout=subprocess.PIPE, text=True, env=environment
    )
    with lab:
        found = [int(lab.stdout.readline())]
        until = time.monotonic() + 10
        while not (told.exists() and told.read_text().endswith(".")) and time.monotonic() < until:
            time.sleep(0.05)
        found += map(int, told.read_text().split()[:2])
        time.sleep(0.3)
        assert not any(ends(process, within=0.1) for process in found)
        os.kill(lab.pid, signal.SIGKILL)
    assert all(map(ends, found))


def test_threads_and_descriptors_do_not_pile_up(aws):
    """However many environments there were."""
    aws.deploy(HAND + "    import os\n    os._exit(1)")
    aws.invoke()
    before = len(list(Path("/dev/fd").iterdir())), threading.active_count()
    for _ in range(5):
        aws.invoke()
    assert (len(list(Path("/dev/fd").iterdir())), threading.active_count()) == before
