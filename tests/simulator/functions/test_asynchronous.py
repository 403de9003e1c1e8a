"""Asynchronous invocations: when a function runs again, and when Lambda gives up."""

import threading

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab
from pkilab.errors import LabClosedError
from pkilab.simulator.functions import asynchronous, pool
from pkilab.simulator.service import AwsError

RULE = "arn:aws:events:us-east-1:111122223333:rule/r"
# Notes each run, and fails as long as the event says so.
NOTES = (
    "n = 0\n"
    "def handler(event, context):\n"
    "    global n\n"
    "    n += 1\n"
    "    open({seen!r}, 'a').write(f'{{event}} {{context.aws_request_id}}\\n')\n"
    "    if n <= {failures}:\n"
    "        raise ValueError('not yet')\n"
    "    return n"
)


class Noted:
    """A function that notes its runs."""

    def __init__(self, aws, folder):
        self.aws, self.client, self.seen = aws, aws.client, folder / "seen"

    def deploy(self, failures=0, **options):
        """Deploy it, to fail so often."""
        return self.aws.deploy(NOTES.format(seen=str(self.seen), failures=failures), **options)

    def invoke(self, payload=b'"e"'):
        """Hand it an event."""
        return self.client.invoke(FunctionName="f", InvocationType="Event", Payload=payload)

    @property
    def runs(self):
        """What it has noted, run by run."""
        return self.seen.read_text().splitlines() if self.seen.exists() else []


@pytest.fixture
def noted(aws, tmp_path):
    return Noted(aws, tmp_path)


def test_a_function_that_fails_runs_again_after_one_and_two_minutes(noted, lab):
    """With the same request id; then no more."""
    noted.deploy(failures=9)
    noted.invoke()
    assert len(noted.runs) == 1
    for seconds, runs in ((59, 1), (1, 2), (119, 2), (1, 3), (3600, 3)):
        lab.clock.advance(seconds=seconds)
        assert len(noted.runs) == runs, seconds
    assert len(set(noted.runs)) == 1


def test_a_function_that_recovers_runs_no_more(noted, lab):
    """What it answered in the end counts."""
    noted.deploy(failures=1)
    noted.invoke()
    lab.clock.advance(hours=7)
    assert len(noted.runs) == 2


def test_retries_are_as_many_as_configured(noted, lab):
    """None, for one."""
    noted.deploy(failures=9)
    noted.client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    noted.invoke()
    lab.clock.advance(hours=1)
    assert len(noted.runs) == 1


def test_an_event_that_is_too_old_is_not_run_again(noted, lab):
    """Its age counts from when it came: the second retry would be at three minutes."""
    noted.deploy(failures=9)
    noted.client.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=120)
    noted.invoke()
    lab.clock.advance(hours=1)
    assert len(noted.runs) == 2


def test_what_lambda_has_no_room_for_waits_ever_longer_up_to_six_hours(noted, lab, monkeypatch):
    """From a second on; such attempts are not among the retries."""
    noted.deploy()
    tries = []

    def busy(_pool, _number, _payload):
        tries.append((lab.clock.now() - start).total_seconds())
        raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429)

    start = lab.clock.now()
    with monkeypatch.context() as within:
        within.setattr(pool.Pool, "run", busy)
        noted.invoke()
        lab.clock.advance(hours=7)
    assert tries[:5] == [0, 1, 3, 7, 15]
    assert tries[-1] - tries[-2] == 300
    assert 6 * 3600 - 300 <= tries[-1] < 6 * 3600
    lab.clock.advance(hours=1)
    assert noted.runs == []


def test_what_waited_for_room_runs_when_there_is_some(noted, lab, monkeypatch):
    """And has all its retries."""
    noted.deploy(failures=9)

    def busy(_pool, _number, _payload):
        raise AwsError("ServiceException", "No room", 500)

    with monkeypatch.context() as within:
        within.setattr(pool.Pool, "run", busy)
        noted.invoke()
    assert noted.runs == []
    lab.clock.advance(minutes=10)
    assert len(noted.runs) == 3


def test_a_deleted_function_takes_its_events_along(noted, lab):
    """Another one of its name does not get them."""
    noted.deploy(failures=9)
    noted.invoke()
    noted.client.delete_function(FunctionName="f")
    noted.deploy(failures=9)
    lab.clock.advance(hours=1)
    assert len(noted.runs) == 1


def test_an_event_must_be_json_of_a_megabyte_at_most(noted):
    """Which is said at once, and nothing runs."""
    noted.deploy()
    for payload, code in (
        (b"{", "InvalidRequestContentException"),
        (b'"%s"' % (b"x" * 2**20), "RequestTooLargeException"),
    ):
        with pytest.raises(ClientError) as caught:
            noted.invoke(payload)
        assert caught.value.response["Error"]["Code"] == code
    assert noted.runs == []


def test_a_service_hands_over_an_event_if_the_functions_policy_lets_it(noted, lab):
    """For its source alone."""
    arn = noted.deploy()
    service = lab._place.gateway.functions
    said = {"principal": "events.amazonaws.com", "source_arn": RULE}
    with pytest.raises(AwsError, match="is not authorized to perform"):
        service.call_later(arn, b"1", **said)
    noted.client.add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com", SourceArn=RULE,
    )  # fmt: skip
    number = service.call_later(arn, b"1", **said)
    assert noted.runs == []  # left for the end of the turn
    lab._place.world.run_errands()
    assert noted.runs == [f"1 {number}"]
    with pytest.raises(AwsError, match="not authorized"):
        service.call_later(arn, b"1", **{**said, "source_arn": RULE + "2"})
    with pytest.raises(AwsError, match="Function not found"):
        service.call_later(arn + "2", b"1", **said)


CHAIN = (
    "import boto3\n"
    "def handler(event, context):\n"
    "    open({seen!r}, 'a').write(f'{{event}}\\n')\n"
    "    if event:\n"
    "        boto3.client('lambda').invoke(\n"
    "            FunctionName='f', InvocationType='Event', Payload=str(event - 1).encode())\n"
)


def test_a_function_that_hands_itself_events_is_waited_for_to_the_end(aws, tmp_path):
    """What a running function leaves is done by who runs it: nobody waits for anybody else."""
    seen = tmp_path / "seen"
    aws.deploy(CHAIN.format(seen=str(seen)), timeout=30)
    aws.client.invoke(FunctionName="f", InvocationType="Event", Payload=b"3")
    assert seen.read_text().split() == ["3", "2", "1", "0"]


def test_a_function_that_never_stops_does_not_keep_its_caller(aws, tmp_path, lab, monkeypatch):
    """At one moment it runs so often and no oftener; the rest waits for the clock."""
    monkeypatch.setattr(asynchronous, "_AT_ONCE", 3)
    seen = tmp_path / "seen"
    aws.deploy(CHAIN.format(seen=str(seen)), timeout=30)
    aws.client.invoke(FunctionName="f", InvocationType="Event", Payload=b"9")
    assert seen.read_text().split() == ["9", "8", "7"]
    lab.clock.advance(seconds=1)
    assert seen.read_text().split() == ["9", "8", "7", "6", "5", "4"]


def test_what_is_left_in_the_midst_of_a_turn_is_done_after_it(noted, lab):
    """As by CloudFormation's calls: a function that calls back would wait for the turn for ever."""
    noted.deploy()
    world = lab._place.world
    with world.turn():
        noted.invoke()
        assert noted.runs == []
    world.run_errands()
    assert len(noted.runs) == 1


def test_events_of_several_callers_run_once_each(noted):
    """Whoever is at it does those of the others, too."""
    noted.deploy()
    callers = [threading.Thread(target=noted.invoke, args=(b"%d" % number,)) for number in range(8)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    noted.invoke(b"8")
    assert sorted(line.split()[0] for line in noted.runs) == [str(n) for n in range(9)]


def test_closing_the_lab_ends_what_is_running_and_what_is_due(tmp_path, open_lambda):
    """The caller hears that the lab was closed, or has their answer; nothing runs afterwards."""
    begun, seen = tmp_path / "begun", tmp_path / "seen"
    with Lab.simulated(seed="close") as lab:
        aws = open_lambda(lab)
        aws.deploy(
            "import time\ndef handler(event, context):\n"
            f"    open({str(begun)!r}, 'w').close()\n    time.sleep(60)\n"
            f"    open({str(seen)!r}, 'w').close()",
            timeout=100,
        )
        ended = []

        def invoke():
            try:
                aws.client.invoke(FunctionName="f", InvocationType="Event", Payload=b"1")
            except LabClosedError as why:
                ended.append(why)
            else:
                ended.append(None)

        caller = threading.Thread(target=invoke)
        caller.start()
        wait = threading.Event()
        for _ in range(1000):
            if begun.exists():
                break
            wait.wait(0.01)
        assert begun.exists()
    caller.join(20)
    assert not caller.is_alive()
    assert len(ended) == 1
    assert not seen.exists()
