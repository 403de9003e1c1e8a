"""Recorded events, the checker that knows nothing of the package, and a hub to import into."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from pkilab.security_findings import Finding

HERE = Path(__file__).parent
EVENTS = HERE / "events"


def _load(path):
    name = f"security_findings_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def checker():
    """The outside checker: ``checker.problems(finding)``."""
    return _load(HERE / "asff_checker.py")


@pytest.fixture(scope="session")
def events():
    """Every recorded event by its file's name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(EVENTS.glob("*.json"))}


@pytest.fixture
def event(events):
    """A function that returns one recorded event, with other members."""

    def one(name, *, detail=None, **members):
        made = json.loads(json.dumps(events[name])) | members
        made["detail"] |= detail or {}
        return made

    return one


FINDING = {
    "Id": "us-east-1/111122223333/test/1",
    "ProductArn": "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",
    "GeneratorId": "test",
    "AwsAccountId": "111122223333",
    "CreatedAt": "2026-01-01T00:00:00Z",
    "UpdatedAt": "2026-01-01T00:00:00Z",
    "Severity": {"Label": "LOW"},
    "Title": "A title",
    "Description": "A description",
    "Resources": [{"Type": "Other", "Id": "a-resource"}],
}


@pytest.fixture
def finding():
    """A function that makes a small finding, with other members."""

    def make(**members):
        return Finding.parse(FINDING | members)

    return make
