"""Deploying functions, as the notebooks do."""

import io
import json
import zipfile

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pkilab import functions
from pkilab.errors import LabError

NAMES = st.text("abcdefgh./_", min_size=1, max_size=12)


@given(files=st.dictionaries(NAMES, st.binary(max_size=50), max_size=5))
def test_a_package_holds_its_files_and_repeats(files):
    """Whatever order they are given in."""
    packed = functions.package(files)
    assert packed == functions.package(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_a_function_is_deployed_and_runs(lab):
    """With its environment, once it is active."""
    role = functions.create_role(lab.client("iam"), "r")
    code = "import os\ndef handler(event, context): return os.environ['WORD'] + event['more']"
    lambda_ = lab.client("lambda")
    arn = functions.deploy(
        lambda_, "f", functions.package({"index.py": code}), role=role, environment={"WORD": "a"}
    )
    answer = lambda_.invoke(FunctionName=arn, Payload=json.dumps({"more": "b"}))
    assert json.load(answer["Payload"]) == "ab"


def test_a_role_that_lambda_may_not_assume_is_refused(lab):
    """By Lambda, with its own sentence, for a minute: till then the role may only be too new."""
    package = functions.package({"index.py": "def handler(e, c): pass"})
    role, slept = "arn:aws:iam::111122223333:role/nobody", []
    with pytest.raises(LabError, match=r"0:01:00 for .*cannot be assumed by Lambda"):
        functions.deploy(lab.client("lambda"), "f", package, role=role, sleep=slept.append)
    assert sum(slept) == 60


def test_what_lambda_refuses_for_another_reason_is_not_tried_again(lab):
    """Its code is the same as for a role that is too new."""
    role = functions.create_role(lab.client("iam"), "r")
    slept = []
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        functions.deploy(lab.client("lambda"), "f", b"no zip", role=role, sleep=slept.append)
    assert not slept


def test_an_api_may_invoke_only_what_lets_it(lab):
    """And only the API that was named."""
    lambda_, apis = lab.client("lambda"), lab.client("apigatewayv2")
    role = functions.create_role(lab.client("iam"), "r")
    package = functions.package({"index.py": "def handler(e, c): return 'hello'"})
    arn = functions.deploy(lambda_, "f", package, role=role)
    one, two = (
        apis.create_api(Name=name, ProtocolType="HTTP", Target=arn) for name in ("one", "two")
    )
    assert lab.fetch(one["ApiEndpoint"]).status == 500
    functions.allow_api(lambda_, "f", one["ApiId"])
    assert lab.fetch(one["ApiEndpoint"]).body == b"hello"
    assert lab.fetch(two["ApiEndpoint"]).status == 500
