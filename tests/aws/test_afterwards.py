"""A notebook that fails on AWS leaves nothing: `pkilab run` cleans up after it by its ledger."""

import io

import nbformat
import pytest

from pkilab import ledger
from pkilab.execution import run
from tests.stand_in import Account
from tests.stand_in.inventory import inventory

OPEN = "from pkilab import Lab\nlab = Lab.from_env()"
MAKE = (
    "lab.client('s3').create_bucket(Bucket='left-behind')\n"
    "key = lab.client('kms').create_key()['KeyMetadata']['Arn']"
)


@pytest.fixture
def account():
    with Account() as account:
        yield account


@pytest.fixture
def notebook(tmp_path):
    """A notebook that makes things and then fails."""
    cells = [
        nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        for number, source in enumerate((OPEN, MAKE, "1 / 0"))
    ]
    path = tmp_path / "01_failing.ipynb"
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))
    return path


def test_what_a_failed_notebook_made_is_deleted(account, notebook, tmp_path):
    """And what somebody else made is not; the console says so, and where the ledger is."""
    account.lab.client("s3").create_bucket(Bucket="of-somebody-else")
    before, console = inventory(account.lab), io.StringIO()
    with account.here():
        assert run([notebook], mode="aws", out=tmp_path / "out", console=console) == 1
        (path,) = ledger.folder().glob("*.jsonl")
    assert inventory(account.lab) == before
    assert "2 things removed, 0 left" in console.getvalue()
    assert f"ledger: {path}" in console.getvalue()


def test_it_is_kept_where_that_is_asked_for(account, notebook, tmp_path):
    """With the command that cleans up later."""
    before, console = inventory(account.lab), io.StringIO()
    with account.here():
        run([notebook], mode="aws", out=tmp_path / "out", console=console, keep=True)
    assert inventory(account.lab) != before
    assert "2 left, as asked: pkilab clean-up " in console.getvalue()
