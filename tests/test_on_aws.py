"""Each guided notebook on the stand-in for AWS: what it does there is what its plan says.

The stand-in is the served simulator, with policies enforced, reached as a plain endpoint by a
kernel in another process (tests/stand_in).
"""

from pathlib import Path

import pytest

from pkilab import planning
from pkilab.execution import dry_run
from pkilab.permissions import policy_files
from tests.stand_in import run_notebook

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_does_on_aws_what_its_plan_says(notebook):
    """The same calls in the same order, the same things and price, and policies of the same bytes.

    So plan and policies are made anew here without a difference, by another way than they came.
    """
    ran = run_notebook(notebook, mode="aws")
    assert ran.executed.failure is None, str(ran.executed.failure)
    record, recorded = ran.record, planning.recorded_plan(notebook)
    assert record.unanswered == ()
    policies = policy_files(notebook.stem, record.entries)
    found = planning.plan_of(
        record.entries, title=notebook.stem, region=record.region, policies=policies
    )
    if found.sequence != recorded.sequence:
        assert calls(record) == calls(dry_run(notebook))  # says where they part
        pytest.fail("the recorded plan is of other calls; make it anew: make notebooks")
    assert found == recorded
    assert policies == stored_policies(notebook)


def calls(record):
    return [(each.account, each.service, each.operation, each.outcome) for each in record.entries]


def stored_policies(notebook):
    folder = notebook.parent / "policies"
    return {file.name: file.read_text() for file in sorted(folder.glob(f"{notebook.stem}.*.json"))}


def test_a_plan_of_other_calls_is_told_apart():
    """The partner: one call more is another sequence."""
    record = dry_run(NOTEBOOKS[0])
    whole = planning.plan_of(record.entries, title="00_start_here", region=record.region)
    less = planning.plan_of(record.entries[:-1], title="00_start_here", region=record.region)
    assert whole.sequence == planning.recorded_plan(NOTEBOOKS[0]).sequence != less.sequence
