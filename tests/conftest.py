"""What all tests share."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pkilab.lab import Lab

# Two busy cores make wall-clock limits meaningless; the same examples every time keep main green.
settings.register_profile(
    "pkilab",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("pkilab")

pytest.register_assert_rewrite("tests.posts")

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def project():
    """The project's root."""
    return PROJECT


@pytest.fixture(scope="session")
def conformance():
    """Outside test data, read in place; a test that needs it is skipped where it is absent."""
    folder = PROJECT.parent / "shared" / "conformance"
    if not folder.is_dir():
        pytest.skip("the outside test data (../shared/conformance) is not here")
    return folder


@pytest.fixture(scope="session")
def seeds(project):
    """The posts that the project implements, as files of text."""
    folder = project.parent / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("the posts (../shared/seeds) are not here")
    return sorted(folder.glob("*.txt"))


@pytest.fixture(scope="session")
def aws_program():
    """The AWS command line; it pins its own botocore, so it lives apart from this environment."""
    program = os.environ.get("PKILAB_AWS_CLI") or shutil.which("aws")
    if not program:
        pytest.skip("no aws command line: `make test` builds one, or set PKILAB_AWS_CLI")
    return program


@pytest.fixture
def aws_cli(aws_program, tmp_path):
    """Run the AWS command line in ``tmp_path``, against a lab that is served already."""

    def run(lab, *words, account=None):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_PAGER": "",
            **lab.environment(account),
        }  # fmt: skip
        assert "AWS_ENDPOINT_URL" in environment, "the lab is not served"
        return subprocess.run(
            [aws_program, *words], env=environment, cwd=tmp_path, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def lab():
    """A simulated lab with two accounts."""
    with Lab.simulated(
        seed="tests", accounts={"owner": "111122223333", "consumer": "444455556666"}
    ) as lab:
        yield lab
