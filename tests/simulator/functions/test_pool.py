"""Pools of execution environments."""

import threading
import time

import pytest
from botocore.exceptions import ClientError

from pkilab import functions
from pkilab.simulator.functions import environment, pool
from pkilab.simulator.functions.service import Lambda
from pkilab.simulator.service import AwsError

PID = "import os, time\ndef handler(event, context):\n    time.sleep(event)\n    return os.getpid()"


@pytest.fixture
def start(aws):
    """A function that invokes in a thread and returns where its answer will be."""
    threads = []

    def begin(event):
        found = []
        threads.append(threading.Thread(target=lambda: found.append(aws.invoke(event)[:2])))
        threads[-1].start()
        time.sleep(0.4)
        return found

    yield begin
    for thread in threads:
        thread.join(10)


def answer(found):
    """Wait for an answer."""
    until = time.monotonic() + 10
    while not found and time.monotonic() < until:
        time.sleep(0.05)
    return found[0]


def test_an_environment_is_used_again_while_it_is_free(aws, start):
    """And a second one starts while it is not."""
    aws.deploy(PID)
    first = aws.invoke(0)[1]
    assert aws.invoke(0)[1] == first
    running = start(1)
    assert aws.invoke(0)[1] != first
    assert answer(running) == (None, first)


def test_what_runs_during_an_update_ends_as_it_began(aws, start):
    """In an environment that is not used again."""
    aws.deploy(PID)
    running = start(1)
    new = functions.package({"index.py": "def handler(event, context): return 'new'"})
    aws.client.update_function_code(FunctionName="f", ZipFile=new)
    assert aws.invoke(0)[1] == "new"
    assert running == []
    error, process = answer(running)
    assert error is None
    assert isinstance(process, int)


def test_an_event_waits_for_an_environment_but_not_for_ever(aws, start, lab, monkeypatch):
    """Then it is throttled, as by an account's concurrency."""
    monkeypatch.setattr(pool, "_MOST_ENVIRONMENTS", 1)
    arn = aws.deploy(PID, timeout=20)
    start(1)
    assert aws.invoke(0)[0] is None
    aws.client.add_permission(
        FunctionName="f", StatementId="s", Action="lambda:*", Principal="apigateway.amazonaws.com"
    )
    monkeypatch.setattr(pool, "_LONGEST_WAIT", 0.1)
    start(1)
    service: Lambda = lab._place.gateway.functions
    with pytest.raises(AwsError) as caught:
        service.call(arn, b"0", principal="apigateway.amazonaws.com", source_arn="a:b:c:d:e:f")
    assert (caught.value.code, caught.value.status) == ("TooManyRequestsException", 429)
    assert caught.value.members["Reason"] == "ConcurrentInvocationLimitExceeded"


def test_a_machine_without_room_is_a_failure_of_the_service(aws, lab, monkeypatch):
    """And no environment is lost to it."""

    def full(**_options):
        raise OSError(28, "No space left on device")

    aws.deploy(PID)
    monkeypatch.setattr(pool, "_MOST_ENVIRONMENTS", 1)
    client = lab.client("lambda")
    with monkeypatch.context() as within:
        within.setattr(environment.tempfile, "mkdtemp", full)
        within.setattr("time.sleep", lambda _seconds: None)  # botocore retries what is the server's
        with pytest.raises(ClientError, match=r"\(ServiceException\).*No space left"):
            client.invoke(FunctionName="f", Payload=b"0")
    assert aws.invoke(0)[0] is None
