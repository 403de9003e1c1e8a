"""A plan says what will be made and what it costs; the run's ledger says the same afterwards."""

import json
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab import Lab, ca_hierarchy, planning
from pkilab.errors import LabError, MalformedError
from pkilab.pki import requests
from pkilab.planning import Creates, Plan


def hierarchy(lab):
    """Two CAs, a leaf, a bucket and a key."""
    pca = lab.client("acm-pca")
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    sub = ca_hierarchy.create_subordinate(pca, {"CommonName": "Sub"}, parent_arn=root)
    csr = requests.build_request(lab.generate_key("leaf"), "CN=leaf")
    ca_hierarchy.issue(pca, sub, csr, validity={"Type": "DAYS", "Value": 1})
    lab.client("s3").create_bucket(Bucket="planned")
    lab.client("kms").create_key()


@pytest.fixture
def plan():
    with Lab.simulated() as lab:
        hierarchy(lab)
        return planning.plan_of(lab.journal, title="hierarchy", region=lab.region)


def test_a_plan_counts_things_and_money(plan):
    """Two CAs and a key for an hour, three certificates; the first CA is in its trial."""
    assert set(plan.creates) == {
        Creates("main", "certificate authority", 2),
        Creates("main", "bucket", 1),
        Creates("main", "KMS key", 1),
    }
    assert f"{plan.bill.total:.2f}" == "3.35"
    assert f"{plan.least:.2f}" == "2.80"
    assert "4 things created; 3.35 USD if all is cleaned up within the hour" in repr(plan)


def test_what_is_cleaned_up_at_the_end_of_a_run_is_in_its_plan(plan):
    """A notebook that leaves nothing has made something."""
    with Lab.simulated() as lab:
        hierarchy(lab)
        lab.clock.advance(minutes=20)
        lab.clean_up()
        cleaned = planning.plan_of(lab.journal, title="hierarchy", region=lab.region)
    assert cleaned.creates == plan.creates
    assert cleaned.bill.total - plan.bill.total < Decimal("0.0001")  # the clean-up lists a bucket


def test_a_plan_is_read_as_it_was_written(plan):
    assert Plan.from_json(plan.to_json()) == plan


@given(
    st.recursive(
        st.none() | st.text(max_size=3) | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "title",
                        "region",
                        "calls",
                        "creates",
                        "charges",
                        "policies",
                        "usd_with_trial_and_free_tiers",
                    ]
                ),
                x,
            )
        ),
    )
)
def test_only_declared_errors_leave_the_reader(said):
    with suppress(MalformedError):
        Plan.from_json(json.dumps(said))


def test_a_plan_is_recorded_beside_its_notebook(plan, tmp_path):
    """And a notebook without one says how to make it."""
    path = tmp_path / "01_it.ipynb"
    with pytest.raises(LabError, match="run `pkilab plan"):
        planning.recorded_plan(path)
    planning.file_of(path).parent.mkdir()
    planning.file_of(path).write_text(plan.to_json())
    assert planning.recorded_plan(path) == plan


def test_prices_are_doubted_when_they_are_old_or_of_elsewhere(plan):
    day = plan.bill.date
    then = datetime.combine(day, time(), UTC)
    assert plan.doubts(then + timedelta(days=90)) == ()
    assert plan.doubts(then + timedelta(days=91)) == (
        f"The prices are 91 days old: they are of {day}.",
    )
    assert "eu-west-3" in plan.doubts(then, "eu-west-3")[0]


def test_a_simulated_lab_needs_no_plan_for_a_workflow(lab):
    with pytest.raises(LabError, match="costs"):
        lab.plan(hierarchy)
