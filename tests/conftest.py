"""What all tests share."""

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


@pytest.fixture
def lab():
    """A simulated lab with two accounts."""
    with Lab.simulated(
        seed="tests", accounts={"owner": "111122223333", "consumer": "444455556666"}
    ) as lab:
        yield lab
