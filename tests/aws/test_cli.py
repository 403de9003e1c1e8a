"""The commands for a real account: plan, policy, ledgers, clean-up."""

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from pkilab import Lab, ca_hierarchy, ledger, planning
from pkilab.cli import app
from pkilab.errors import LabError


def run(*words):
    """Return what a command printed; an error of the package's is raised as it is."""
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    return result.exit_code, result.stdout


@pytest.fixture
def left_behind(world):
    """A run that ended without a clean-up: a CA, a bucket with an object, a key."""
    with Lab.aws(budget_usd=5) as lab:
        ca_hierarchy.create_root(lab.client("acm-pca"), {"CommonName": "Left"})
        s3 = lab.client("s3")
        s3.create_bucket(Bucket="left-behind")
        s3.put_object(Bucket="left-behind", Key="a", Body=b"a")
        lab.client("kms").create_key()
        yield lab


def billable(world):
    """Return what stands in the account that is not on its way out."""
    cas = world.client("acm-pca").list_certificate_authorities()["CertificateAuthorities"]
    kms = world.client("kms")
    keys = [kms.describe_key(KeyId=k["KeyId"])["KeyMetadata"] for k in kms.list_keys()["Keys"]]
    return [
        *(ca["Arn"] for ca in cas if ca["Status"] != "DELETED"),
        *(k["Arn"] for k in keys if k["KeyManager"] == "CUSTOMER" and k["KeyState"] == "Enabled"),
        *(each["Name"] for each in world.client("s3").list_buckets()["Buckets"]),
    ]


def test_a_ledger_is_enough_to_clean_up(world, left_behind):
    """With progress, and what AWS keeps; a second time there is nothing to do."""
    world.client("s3").create_bucket(Bucket="of-somebody-else")
    left_behind.close()
    code, said = run("clean-up", left_behind.ledger)
    assert code == 0
    assert "removing" in said
    assert "restorable until" in said
    assert billable(world) == ["of-somebody-else"]
    code, said = run("clean-up", left_behind.ledger)
    assert (code, "0 left" in said) == (0, True)


def test_without_a_ledger_the_tag_is_enough(world, left_behind):
    """Another run's things stay."""
    with Lab.aws(budget_usd=5) as other:
        other.client("s3").create_bucket(Bucket="of-another-run")
    code, said = run("clean-up", "--run", left_behind.run)
    assert code == 0, said
    assert billable(world) == ["of-another-run"]


def test_what_would_be_deleted_is_said_first(world, left_behind):
    before = billable(world)
    code, said = run("clean-up", left_behind.ledger, "--dry-run")
    assert code == 0
    assert "certificate authority arn:aws:acm-pca" in said
    assert billable(world) == before


def test_credentials_of_another_account_clean_up_nothing(world, left_behind, tmp_path):
    """The ledger says where the run was."""
    path = tmp_path / "moved.jsonl"
    path.write_text(left_behind.ledger.read_text().replace("111122223333", "999988887777"))
    with pytest.raises(LabError, match=r"found 111122223333 .* where the run was"):
        run("clean-up", path)
    assert len(billable(world)) == 3
    with pytest.raises(LabError, match="expected a LEDGER or --run ID"):
        run("clean-up")
    with pytest.raises(LabError, match="cannot be read"):
        run("clean-up", tmp_path / "none.jsonl")


def test_ledgers_are_listed_with_what_stands(left_behind, tmp_path):
    """And a file that is none is named."""
    code, said = run("ledgers")
    assert code == 0
    assert f"{left_behind.ledger}: " in said
    assert "111122223333, 3 things, 0 calls unanswered" in said
    (ledger.folder() / "damaged.jsonl").write_text("x\n")
    assert "line 1: found b'x'" in run("ledgers")[1]
    assert "no ledgers in" in run("ledgers", tmp_path / "empty")[1]


def test_a_notebook_is_planned_by_trying_it(project):
    """What is printed is what lies beside it."""
    notebook = project / "notebooks" / "00_start_here.ipynb"
    code, said = run("plan", notebook, "--json")
    assert code == 0
    planned = planning.Plan.from_json(said)
    recorded = planning.recorded_plan(notebook)
    assert (planned.creates, planned.bill) == (recorded.creates, recorded.bill)


def test_a_plan_of_old_prices_says_so(project, monkeypatch):
    """Beside what is printed: JSON stays JSON."""
    monkeypatch.setattr("pkilab.costs._STALE", timedelta(days=-1))
    notebook = project / "notebooks" / "00_start_here.ipynb"
    result = CliRunner().invoke(app, ["plan", str(notebook), "--json"], catch_exceptions=False)
    assert "The prices are" in result.stderr
    assert planning.Plan.from_json(result.stdout).title == "00_start_here"


def test_a_policy_is_written_for_ones_own_domain(project):
    """Where the notebook wants one, it must be given."""
    notebook = project / "notebooks" / "02_mutual_tls.ipynb"
    code, said = run("policy", notebook, "--domain", "tls.lab.example.org")
    assert code == 0
    assert "/domainnames/tls.lab.example.org" in said
    assert "pkilab.example" not in said
    with pytest.raises(LabError, match=r"found none, expected yours in place of api\.pkilab"):
        run("policy", notebook)


def test_a_policy_is_written_for_ones_own_account(project, tmp_path):
    """Its id and Region in place of the lab's; a wrong id is refused."""
    notebook = project / "notebooks" / "00_start_here.ipynb"
    words = ("policy", notebook, "--account", "999988887777", "--region", "eu-west-1")
    code, said = run(*words)
    assert code == 0
    assert "arn:aws:acm-pca:eu-west-1:999988887777:certificate-authority/" in said
    assert "111122223333" not in said
    run(*words, "--out", tmp_path)
    assert json.loads((tmp_path / "00_start_here.main.json").read_text()) == json.loads(said)
    with pytest.raises(LabError, match="found x, expected none for this notebook"):
        run("policy", notebook, "--domain", "x")
    with pytest.raises(LabError, match="found main=12, expected 12 digits for one of main"):
        run("policy", notebook, "--account", "12")
