"""AWS Lambda through boto3: functions that really run."""

import base64
import io
import itertools
import json
import os
import subprocess
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab import Lab, functions
from pkilab.errors import LabClosedError
from pkilab.simulator.functions.permissions import allows, statement
from pkilab.simulator.functions.state import Function
from pkilab.simulator.service import AwsError

WELL = "def handler(event, context): return event"


def refused(code, call, **members):
    """Call what must be refused; return the message."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def test_a_function_answers_with_what_its_handler_returns(aws):
    """JSON in, JSON out, of any kind."""
    aws.deploy(WELL)
    for event in (None, 3, "é", [1], {"a": {"b": [None]}}):
        assert aws.invoke(event)[:2] == (None, event)


def test_globals_live_on_in_a_warm_environment_and_not_beyond_a_change(aws):
    """As they do on AWS."""
    aws.deploy("n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n")
    assert [aws.invoke()[1] for _ in range(3)] == [1, 2, 3]
    aws.client.update_function_configuration(FunctionName="f", Description="new")
    assert aws.invoke()[1] == 1


def test_a_handler_is_told_who_it_is(aws):
    """By its context and its environment."""
    code = (
        "import os\ndef handler(event, c):\n"
        "    return [c.function_name, c.invoked_function_arn, c.aws_request_id,\n"
        "            c.memory_limit_in_mb, c.get_remaining_time_in_millis() > 0,\n"
        "            os.environ['AWS_REGION'], os.environ['WORD']]"
    )
    arn = aws.deploy(code, environment={"WORD": "w"})
    _, told, answer = aws.invoke()
    number = told.pop(2)
    assert told == ["f", arn, "128", True, "us-east-1", "w"]
    assert len(number) == 36
    assert answer["ExecutedVersion"] == "$LATEST"


def test_nothing_of_the_labs_own_environment_is_there(aws, monkeypatch):
    """No credentials, no home, no path of the user's."""
    monkeypatch.setenv("AWS_SECRET_OF_MINE", "secret")
    aws.deploy("import os\ndef handler(event, context): return dict(os.environ)")
    found = aws.invoke()[1]
    assert "AWS_SECRET_OF_MINE" not in found
    assert found.get("HOME") != os.environ.get("HOME") or "HOME" not in found
    assert found["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")


ENDS = {
    "raise ValueError('no')": ("ValueError", "no"),
    "import sys; sys.exit(2)": ("Runtime.ExitError", "exit status 2"),
    "import os; os._exit(0)": ("Runtime.ExitError", "Runtime exited without providing a reason"),
    "import time; time.sleep(9)": ("Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    "import sys; sys.exit('no')": ("Runtime.ExitError", "exit status 1"),
    "import os; os.abort()": ("Runtime.ExitError", "signal: aborted"),
    "raise KeyboardInterrupt": ("Runtime.ExitError", "Runtime exited with error"),
    "return 'x' * 6291555": (
        "Function.ResponseSizeTooLarge",
        "Response payload size (6291557 bytes) exceeded maximum allowed payload size",
    ),
    "l = []; l.append(l); return l": ("Runtime.MarshalError", "Circular reference"),
    "return {1}": ("Runtime.MarshalError", "not JSON serializable"),
    "return '\\ud800'": ("Runtime.MarshalError", "Unable to marshal response"),
}


@pytest.mark.parametrize("body", ENDS)
def test_a_handler_that_fails_is_answered_in_lambdas_shape(aws, body):
    """200 and Unhandled, with type and message; the next event finds it anew."""
    kind, message = ENDS[body]
    aws.deploy(f"def handler(event, context):\n    if event: return 'well'\n    {body}", timeout=1)
    error, told, answer = aws.invoke()
    assert (error, answer["StatusCode"], told["errorType"]) == ("Unhandled", 200, kind)
    assert message in told["errorMessage"]
    assert aws.invoke(1)[:2] == (None, "well")


@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        ("import nope", "index.handler", "Runtime.ImportModuleError", "Unable to import module"),
        (WELL, "other.handler", "Runtime.ImportModuleError", "Unable to import module 'other'"),
        (WELL, "index.other", "Runtime.HandlerNotFound", "Handler 'other' missing on module"),
        ("def (", "index.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
        ("1 / 0", "index.handler", "ZeroDivisionError", "division by zero"),
        (WELL, "handler", "Runtime.MalformedHandlerName", "Bad handler 'handler': not enough"),
        (WELL, "sys.handler", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys"),
        ("import sys; sys.exit(3)", "index.handler", "Runtime.ExitError", "RequestId: "),
    ],
)  # fmt: skip
def test_a_handler_that_cannot_be_had_is_answered_likewise(aws, code, handler, kind, message):
    """Whenever it is asked for."""
    aws.deploy(code, handler=handler)
    for _ in range(2):
        error, told, _ = aws.invoke()
        assert (error, told["errorType"]) == ("Unhandled", kind)
        assert told["errorMessage"].startswith(message)


def test_a_stack_trace_names_nothing_of_this_machine(aws):
    """It is AWS's path that it shows."""
    aws.deploy("def handler(event, context):\n    import json\n    json.loads('{')")
    trace = "".join(aws.invoke()[1]["stackTrace"])
    assert "/var/task/index.py" in trace
    assert "/tmp" not in trace  # noqa: S108 - that it is not there
    assert "site-packages" not in trace


def test_what_a_handler_prints_is_its_log(aws):
    """By print, by logging and by its error; the answer is not disturbed."""
    code = (
        "import logging, sys\ndef handler(event, context):\n    print('printed')\n"
        "    sys.stderr.write('written\\n')\n    logging.getLogger().warning('logged')\n"
        "    return 1"
    )
    aws.deploy(code)
    _, told, answer = aws.invoke(LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    assert told == 1
    assert log.startswith("START RequestId: ")
    assert all(word in log for word in ("printed\n", "written\n", "[WARNING]", "logged", "REPORT"))


def test_a_function_reaches_the_world_and_nothing_else(aws):
    """By boto3 and by plain HTTP, which both end in the simulated world."""
    code = (
        "import boto3, urllib.request, urllib.error\ndef handler(event, context):\n"
        "    if event: return boto3.client('sts').get_caller_identity()['Arn']\n"
        "    try:\n        return urllib.request.urlopen('http://example.com/').status\n"
        "    except urllib.error.HTTPError as error:\n        return error.code"
    )
    aws.deploy(code)
    assert aws.invoke(1)[1] == "arn:aws:sts::111122223333:assumed-role/r/f"
    assert aws.invoke()[1] == 403


def test_events_at_once_run_in_environments_of_their_own(aws):
    """And wait where there are too many."""
    aws.deploy(
        "import os, time\ndef handler(event, context):\n    time.sleep(.2)\n    return os.getpid()"
    )
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: aws.invoke()[1], range(12)))
    assert 1 < len(set(found)) <= 10


def _invoke_until_closed(aws):
    with pytest.raises(LabClosedError, match="closed while a function ran"):
        aws.client.invoke(FunctionName="f")


def test_nothing_runs_on_when_the_lab_is_closed(open_lambda):
    """Not even a handler that would take for ever."""
    with Lab.simulated(seed="end") as lab:
        aws = open_lambda(lab)
        aws.deploy(
            "import os, time\ndef handler(event, context):\n"
            "    if event: return os.getpid()\n    time.sleep(60)",
            timeout=90,
        )
        process = aws.invoke(1)[1]
        waiting = threading.Thread(target=_invoke_until_closed, args=(aws,), daemon=True)
        waiting.start()
        time.sleep(0.3)
        started = time.monotonic()
    assert time.monotonic() - started < 3
    waiting.join(3)
    alive = subprocess.run(["ps", "-p", str(process)], capture_output=True, check=False)
    assert alive.returncode != 0


def test_a_function_is_described_changed_and_deleted(aws, lab):
    """By its account and Region alone."""
    arn = aws.deploy(WELL)
    found = aws.client.get_function(FunctionName=arn)["Configuration"]
    assert (found["State"], found["LastModified"]) == ("Active", "2026-11-02T09:00:00.000+0000")
    package = functions.package({"index.py": "def handler(event, context): return 'new'"})
    changed = aws.client.update_function_code(FunctionName="f", ZipFile=package)
    assert changed["CodeSha256"] != found["CodeSha256"]
    assert aws.invoke()[1] == "new"
    stale = {"FunctionName": "f", "Timeout": 9, "RevisionId": found["RevisionId"]}
    refused("PreconditionFailedException", aws.client.update_function_configuration, **stale)
    other = lab.client("lambda", account="consumer")
    refused("ResourceNotFoundException", other.get_function, FunctionName="f")
    assert other.list_functions()["Functions"] == []
    aws.client.delete_function(FunctionName="f")
    refused("ResourceNotFoundException", aws.client.invoke, FunctionName="f")


def test_a_new_function_is_pending_for_as_long_as_the_world_takes():
    """And is not invoked before it is active."""
    with Lab.simulated(seed="slow", latency=timedelta(seconds=30)) as lab:
        client, role = lab.client("lambda"), functions.create_role(lab.client("iam"), "r")
        made = client.create_function(
            FunctionName="f", Runtime="python3.12", Role=role, Handler="index.handler",
            Code={"ZipFile": functions.package({"index.py": WELL})},
        )  # fmt: skip
        assert made["State"] == "Pending"
        refused("ResourceConflictException", client.invoke, FunctionName="f")
        lab.clock.advance(seconds=31)
        assert client.invoke(FunctionName="f", Payload=b"1")["Payload"].read() == b"1"


def test_an_update_is_served_once_the_world_has_taken_its_time():
    """Until then invocations run what was there, and another update has to wait."""
    with Lab.simulated(seed="slow", latency=timedelta(seconds=30)) as lab:
        client, role = lab.client("lambda"), functions.create_role(lab.client("iam"), "r")

        def code(answer):
            return functions.package({"index.py": f"def handler(event, context): return {answer}"})

        client.create_function(**CREATE, Role=role, Code={"ZipFile": code(1)})
        lab.clock.advance(seconds=30)
        changed = client.update_function_code(FunctionName="f", ZipFile=code(2))
        assert changed["LastUpdateStatus"] == "InProgress"
        assert client.invoke(FunctionName="f")["Payload"].read() == b"1"
        again = {"FunctionName": "f", "ZipFile": code(3)}
        refused("ResourceConflictException", client.update_function_code, **again)
        lab.clock.advance(seconds=30)
        found = client.get_function_configuration(FunctionName="f")
        assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")
        assert client.invoke(FunctionName="f")["Payload"].read() == b"2"


def test_an_event_is_run_before_the_answer_where_the_clock_stands(aws, tmp_path):
    """The caller hears nothing of it, whatever comes of it."""
    seen = tmp_path / "seen"
    aws.deploy(
        "def handler(event, context):\n"
        f"    open({str(seen)!r}, 'a').write(event)\n    raise ValueError"
    )
    answer = aws.client.invoke(FunctionName="f", InvocationType="Event", Payload=b'"run"')
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    assert seen.read_text() == "run"


def test_an_event_is_taken_at_once_and_run_later_where_the_clock_is_live(tmp_path, open_lambda):
    """As on AWS: the function runs in the background."""
    go, seen = tmp_path / "go", tmp_path / "seen"
    with Lab.simulated(now="live") as lab:
        aws = open_lambda(lab)
        aws.deploy(
            "import os, time\ndef handler(event, context):\n"
            f"    while not os.path.exists({str(go)!r}):\n        time.sleep(.01)\n"
            f"    open({str(seen)!r}, 'a').write(event)"
        )
        answer = aws.client.invoke(FunctionName="f", InvocationType="Event", Payload=b'"run"')
        assert answer["StatusCode"] == 202
        assert not seen.exists()
        go.touch()
        started = time.monotonic()
        while not (seen.exists() and seen.read_text()) and time.monotonic() - started < 10:
            time.sleep(0.05)
        assert seen.read_text() == "run"


def test_functions_are_listed_in_pages(aws):
    """By name."""
    names = ["a", "b", "c"]
    for name in reversed(names):
        aws.deploy(WELL, name)
    pages = aws.client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    found = [[each["FunctionName"] for each in page["Functions"]] for page in pages]
    assert found == [["a", "b"], ["c"]]


CREATE = {"FunctionName": "f", "Runtime": "python3.12", "Handler": "index.handler"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Code": {"ZipFile": b"no zip"}}, "Could not unzip"),
        ({"Code": {"ZipFile": functions.package({})}}, "Uploaded file must be a non-empty zip"),
        ({"Code": {}}, "Please provide a source"),
        ({"Code": {"ZipFile": b"", "S3Bucket": "bucket"}}, "Please do not provide other"),
        ({"Code": {"S3Bucket": "nowhere", "S3Key": "k"}}, "NoSuchKey"),
        ({"Role": "arn:aws:iam::111122223333:role/none"}, "assumed by Lambda"),
        ({"MemorySize": 10241}, "less than or equal to 10240"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"AA": "x" * 4088}}}, "4KB limit"),
        ({"Environment": {"Variables": {"AA": "\0"}}}, "no environment can"),
        ({"FunctionName": "f:$LATEST"}, "derived qualifier"),
    ],
)  # fmt: skip
def test_a_function_that_could_not_run_is_refused(aws, change, message):
    """With Lambda's own code and sentence."""
    well = {**CREATE, "Role": aws.role, "Code": {"ZipFile": functions.package({"index.py": WELL})}}
    code = "InvalidParameterValueException"
    assert message in refused(code, aws.client.create_function, **{**well, **change})
    aws.client.create_function(**well)
    refused("ResourceConflictException", aws.client.create_function, **well)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"Timeout": 901}, "ValidationException", "less than or equal to 900"),
        ({"Runtime": "python9"}, "ValidationException", "Member must satisfy enum value set"),
        ({"FunctionName": "f" * 65}, "ValidationException", "less than or equal to 64"),
        ({"Environment": {"Variables": {"A": "x"}}}, "ValidationException", "Map keys must"),
        ({"Environment": {"Variables": {"_A": "x"}}}, "ValidationException", "Map keys must"),
        ({"Role": "arn:aws:iam::444455556666:role/r"}, "AccessDeniedException", "Cross-account"),
        (
            {"FunctionName": "arn:aws:lambda:us-east-1:444455556666:function:f"},
            "AccessDeniedException", "is not in this account",
        ),
    ],
)  # fmt: skip
def test_a_function_beyond_the_limits_is_refused(aws, change, code, message):
    """And one at the limit is not."""
    well = {
        **CREATE, "Role": aws.role, "Code": {"ZipFile": functions.package({"index.py": WELL})},
        "Timeout": 900, "MemorySize": 10240, "FunctionName": "f" * 64,
        "Environment": {"Variables": {"AA": "x" * 4087, "AWS_MAX_ATTEMPTS": "1"}},
    }  # fmt: skip
    well["Environment"]["Variables"]["AA"] = "x" * (4096 - len('{"AA":"","AWS_MAX_ATTEMPTS":"1"}'))
    assert message in refused(code, aws.client.create_function, **{**well, **change})
    aws.client.create_function(**well)


@pytest.mark.parametrize(
    "change",
    [
        {"Runtime": "nodejs22.x"}, {"Layers": ["arn:aws:lambda:us-east-1:111122223333:layer:x:1"]},
        {"PackageType": "Image", "Code": {"ImageUri": "x"}}, {"Publish": True},
        {"VpcConfig": {"SubnetIds": ["subnet-1"]}},
        {"LoggingConfig": {"LogFormat": "JSON"}},
        {"LoggingConfig": {"SystemLogLevel": "WARN"}},
    ],
)  # fmt: skip
def test_what_is_not_modelled_is_refused(aws, change):
    """In AWS's shape, saying so."""
    well = {**CREATE, "Role": aws.role, "Code": {"ZipFile": functions.package({"index.py": WELL})}}
    message = refused("NotImplemented", aws.client.create_function, **{**well, **change})
    assert message.endswith("is not simulated by pkilab")
    refused("NotImplemented", aws.client.list_layers)


def test_code_comes_from_s3_too(aws, lab):
    """By its version, from a bucket of the same account."""
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="code-bucket")
    s3.put_bucket_versioning(Bucket="code-bucket", VersioningConfiguration={"Status": "Enabled"})
    versions = [
        s3.put_object(
            Bucket="code-bucket", Key="f.zip",
            Body=functions.package({"index.py": f"def handler(event, context): return {n}"}),
        )["VersionId"]
        for n in (1, 2)
    ]  # fmt: skip
    code = {"S3Bucket": "code-bucket", "S3Key": "f.zip"}
    aws.client.create_function(
        **CREATE, Role=aws.role, Code={**code, "S3ObjectVersion": versions[0]}
    )
    assert aws.invoke()[1] == 1
    aws.client.update_function_code(FunctionName="f", **code)
    assert aws.invoke()[1] == 2


def test_payloads_that_are_no_json_or_too_large_are_refused(aws):
    """Before anything runs; a dry run runs nothing either."""
    aws.deploy("raise SystemExit")
    for payload in (b"{", b"\xff", b"NaN", b"[" * 100_000, '"é"'.encode("utf-16")):
        code = "InvalidRequestContentException"
        refused(code, aws.client.invoke, FunctionName="f", Payload=payload)
    for kind, most in (("RequestResponse", 6_291_456), ("Event", 1_048_576)):
        large = {"FunctionName": "f", "InvocationType": kind, "Payload": b'"%s"' % (b"x" * most)}
        message = refused("RequestTooLargeException", aws.client.invoke, **large)
        assert message.endswith(f"the {kind} invocation type (limit {most} bytes)")
    refused("NotImplemented", aws.client.invoke, FunctionName="f", ClientContext="e30=")
    assert aws.client.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204


def test_a_payload_as_large_as_allowed_comes_through(aws):
    """There and back."""
    aws.deploy(WELL)
    event = "x" * (6_291_456 - 2)
    assert aws.invoke(event)[:2] == (None, event)


@pytest.mark.parametrize(
    ("value", "runtime", "written"),
    [
        ("decimal.Decimal('1.5')", "python3.12", b"1.5"),
        ("[decimal.Decimal('2')]", "python3.12", b"[2]"),
        ("{'b': b'x'}", "python3.12", b'{"b": "x"}'),
        ("b'raw'", "python3.12", b"raw"),
        ("'\u00e9'", "python3.12", '"é"'.encode()),
        ("'\u00e9'", "python3.11", b'"\\u00e9"'),
    ],
)
def test_answers_are_written_as_lambdas_runtime_writes_them(aws, value, runtime, written):
    """Which has its own ideas of JSON."""
    code = f"import decimal\ndef handler(event, context): return {value}"
    aws.deploy(code, runtime=runtime)
    assert aws.client.invoke(FunctionName="f")["Payload"].read() == written


SOURCE = "arn:aws:execute-api:us-east-1:111122223333:api/$default/GET/x"


def test_a_permission_is_for_its_source_alone(aws, lab):
    """A service that nothing lets in is refused, and so is another API."""
    arn = aws.deploy(WELL)
    service = lab._place.gateway.functions

    def call(source=SOURCE, principal="apigateway.amazonaws.com"):
        return service.call(arn, b"1", principal=principal, source_arn=source).payload

    with pytest.raises(AwsError, match="not authorized to perform: lambda:InvokeFunction"):
        call()
    permission = {
        "FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com", "SourceArn": SOURCE.replace("GET/x", "*"),
    }  # fmt: skip
    aws.client.add_permission(**permission)
    refused("ResourceConflictException", aws.client.add_permission, **permission)
    assert call() == b"1"
    for source, principal in (
        (SOURCE.replace("api/", "other/"), "apigateway.amazonaws.com"),
        (SOURCE.replace("111122223333", "444455556666"), "apigateway.amazonaws.com"),
        (SOURCE, "events.amazonaws.com"),
    ):
        with pytest.raises(AwsError, match="not authorized"):
            call(source, principal)
    policy = json.loads(aws.client.get_policy(FunctionName="f")["Policy"])
    assert policy["Statement"][0]["Condition"] == {
        "ArnLike": {"AWS:SourceArn": permission["SourceArn"]}
    }
    with pytest.raises(AwsError, match="Function not found"):
        service.call(f"{arn}:1", b"1", principal="apigateway.amazonaws.com", source_arn=SOURCE)
    other = {"FunctionName": "f", "StatementId": "t"}
    refused("ResourceNotFoundException", aws.client.remove_permission, **other)
    aws.client.remove_permission(FunctionName="f", StatementId="s")
    refused("ResourceNotFoundException", aws.client.remove_permission, **other)
    refused("ResourceNotFoundException", aws.client.get_policy, FunctionName="f")


def test_a_policy_says_whom_it_means_and_in_which_revision(aws):
    """An account by its root; each change is a revision."""
    arn = aws.deploy(WELL)
    ask = {"FunctionName": "f", "Action": "lambda:InvokeFunction"}
    made = aws.client.add_permission(**ask, StatementId="a", Principal="444455556666")
    assert made["Statement"] == (
        '{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},'
        f'"Action":"lambda:InvokeFunction","Resource":"{arn}"}}'
    )
    first = aws.client.get_policy(FunctionName="f")["RevisionId"]
    second = {"StatementId": "b", "Principal": "events.amazonaws.com", "RevisionId": first}
    aws.client.add_permission(**ask, **second)
    second["StatementId"] = "c"
    refused("PreconditionFailedException", aws.client.add_permission, **ask, **second)
    for principal in ("nobody", "arn:aws:s3:::bucket", "example.com"):
        unknown = {**ask, "StatementId": "d", "Principal": principal}
        refused("InvalidParameterValueException", aws.client.add_permission, **unknown)
    latest = {**ask, "StatementId": "d", "Principal": "*", "Qualifier": "$LATEST"}
    refused("InvalidParameterValueException", aws.client.add_permission, **latest)
    latest["Qualifier"] = "alias"
    refused("ResourceNotFoundException", aws.client.add_permission, **latest)


def test_a_policy_has_room_for_20_kb(aws):
    """And not for one statement more."""
    arn = aws.deploy(WELL)
    ask = {"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "*"}
    room = 20480 - len('{"Version":"2012-10-17","Id":"default","Statement":[]}')
    for number in itertools.count():
        sid = f"{number:0>100}"
        made = json.dumps(
            statement(sid, ask["Action"], "*", arn, source_arn=None, source_account=None),
            separators=(",", ":"),
        )
        room -= len(made) + (number > 0)
        if room < 0:
            break
        aws.client.add_permission(**ask, StatementId=sid)
    refused("PolicyLengthExceededException", aws.client.add_permission, **ask, StatementId=sid)
    assert len(aws.client.get_policy(FunctionName="f")["Policy"]) == 20480 - (room + len(made) + 1)


@given(
    account=st.sampled_from(["111122223333", "444455556666"]),
    pattern=st.sampled_from([SOURCE, SOURCE[:-1] + "*", "arn:aws:execute-api:*:*:api/*", None]),
)
def test_a_statement_admits_its_account_and_pattern_and_no_others(account, pattern):
    """Both must hold, where both are said."""
    made = statement(
        "s", "lambda:InvokeFunction", "apigateway.amazonaws.com", "f", source_arn=pattern,
        source_account=account,
    )  # fmt: skip
    assert allows([made], principal="apigateway.amazonaws.com", source_arn=SOURCE) == (
        account == "111122223333"
    )
    assert not allows([made], principal="events.amazonaws.com", source_arn=SOURCE)
    assert not allows([], principal="apigateway.amazonaws.com", source_arn=SOURCE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=6), handler=st.text(max_size=6), archive=st.binary(max_size=30),
       variable=st.text(max_size=4))  # fmt: skip
def test_whatever_is_asked_only_errors_of_awss_shape_leave(aws, name, handler, archive, variable):
    """Names, handlers, archives and variables of any kind."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("index.py", archive)
    for code in (archive, packed.getvalue()):
        try:
            aws.client.create_function(
                FunctionName=name or "f", Runtime="python3.12", Role=aws.role,
                Handler=handler or "x", Code={"ZipFile": code},
                Environment={"Variables": {variable: variable}},
            )  # fmt: skip
        except ClientError as error:
            assert error.response["Error"]["Code"] in {
                "InvalidParameterValueException", "ValidationException",
                "ResourceConflictException",
            }  # fmt: skip


def told():
    """Deploy in a world of the same seed; return what is told of it, but for the machine's time."""
    with Lab.simulated(seed="equal") as lab:
        client, role = lab.client("lambda"), functions.create_role(lab.client("iam"), "r")
        code = (
            "import os\ndef handler(event, context):\n    return [context.aws_request_id,"
            " context.log_stream_name, os.environ['AWS_ACCESS_KEY_ID']]"
        )
        functions.deploy(client, "f", functions.package({"index.py": code}), role=role)
        permission = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
        client.add_permission(FunctionName="f", StatementId="s", **permission)
        found = [
            client.get_function_configuration(FunctionName="f"), client.get_policy(FunctionName="f")
        ]  # fmt: skip
        for each in found:
            del each["ResponseMetadata"]
        return found, [client.invoke(FunctionName="f")["Payload"].read() for _ in range(2)]


def test_equal_worlds_have_equal_functions():
    """Requests, revisions, log streams and keys; and each request has its own number."""
    one, two = told(), told()
    assert one == two
    assert one[1][0] != one[1][1]


def test_a_function_is_shown_without_the_values_of_its_environment():
    """They may be secret."""
    known = {"FunctionArn": "arn", "Environment": {"Variables": {"KEY": "hush"}}}
    assert "hush" not in repr(Function(known, b"", {}))


def test_another_accounts_function_takes_both_halves():
    """Its resource policy, and the caller's own; without the former nobody else may invoke it."""
    accounts = {"owner": "111122223333", "other": "444455556666"}
    with Lab.simulated(seed="halves", accounts=accounts, enforce_policies=True) as lab:
        lambda_ = lab.client("lambda")
        role = functions.create_role(lab.client("iam"), "runs")
        arn = functions.deploy(lambda_, "f", functions.package({"index.py": WELL}), role=role)
        theirs = lab.client("lambda", account="other")
        assert "no resource-based policy" in refused(
            "AccessDeniedException", theirs.invoke, FunctionName=arn
        )
        lambda_.add_permission(
            FunctionName="f", StatementId="s", Action="lambda:InvokeFunction",
            Principal=accounts["other"],
        )  # fmt: skip
        answer = theirs.invoke(FunctionName=arn, Payload=b'"here"')
        assert answer["Payload"].read() == b'"here"'
        assert refused("ResourceNotFoundException", theirs.invoke, FunctionName="f")
