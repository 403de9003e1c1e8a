"""Functions of one file, deployed to a lab and invoked."""

import base64
import json

import pytest

from pkilab import functions


class Lambda:
    """Deploys and invokes."""

    def __init__(self, lab):
        self.lab, self.client = lab, lab.client("lambda")
        self.role = functions.create_role(lab.client("iam"), "r")

    def deploy(self, code, name="f", **options):
        """Deploy a function of one file."""
        package = functions.package({"index.py": code})
        return functions.deploy(self.client, name, package, role=self.role, **options)

    def invoke(self, event=None, name="f", **options):
        """Return a function's error and its answer."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **options)
        return answer.get("FunctionError"), json.load(answer["Payload"]), answer

    def log(self, event=None):
        """Return the end of an invocation's log."""
        answer = self.invoke(event, LogType="Tail")[2]
        return base64.b64decode(answer["LogResult"]).decode(errors="replace")


@pytest.fixture
def open_lambda():
    """A function that makes a lab's Lambda usable."""
    return Lambda


@pytest.fixture
def aws(lab):
    return Lambda(lab)
