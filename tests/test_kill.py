"""Kill -9 after each single call, then a clean-up: nothing is left, and nobody else is touched.

What the notebooks do is tried in small, with every call; `tests.stand_in.prove_clean_up` does the
same with the notebooks themselves.
"""

import os
import random
import signal
import subprocess
import sys
import threading

import nbformat
import psutil
import pytest
from botocore.exceptions import ClientError

from pkilab.lab import Lab
from pkilab.ledger import read
from tests.stand_in import Account, run_notebook
from tests.stand_in.bystanders import make_bystanders, trust
from tests.stand_in.inventory import inventory
from tests.stand_in.killing import compare, killed
from tests.stand_in.workflows import WORKFLOWS, run_here, shared_account


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_run_that_is_killed_at_any_call_leaves_nothing(name):
    """Before and after each call that may change something, and at the end."""
    workflow = WORKFLOWS[name]
    with shared_account(workflow) as account:
        with killed(account) as kills:
            run_here(account, workflow)
        changing = sum(call.changes for call in account.relay.calls)
    assert len(kills.verdicts) == 2 * changing + 1
    bad = [each for each in kills.verdicts if not each.good]
    assert not bad, "\n".join(map(str, bad))
    assert any(each.removed for each in kills.verdicts)


def kill_at(account, number, victim):
    """Kill a process at a changing call: it never hears what became of it."""
    seen, dead = [], threading.Event()

    def hook(call):
        if call.changes and not dead.is_set():
            seen.append(call)
            if len(seen) == number:
                os.kill(victim(), signal.SIGKILL)
                dead.set()

    account.relay.after.append(hook)
    return dead


def cleaned_by_the_command(account):
    """Run ``pkilab clean-up LEDGER`` as the learner does, and return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "pkilab", "clean-up", str(account.ledger())],
        env=account.environment(), check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("seed", [1])
def test_a_process_that_is_killed_is_cleaned_up_after_by_the_command(seed, project):
    """A real kill -9 at a call that a seed chooses, and the command line after it."""
    workflow = WORKFLOWS["hierarchy"]
    number = random.Random(seed).randint(1, 11)  # noqa: S311 - to be repeated
    program = (
        "from pkilab import Lab; from tests.stand_in.workflows import hierarchy\n"
        "with Lab.from_env() as lab: hierarchy(lab)"
    )
    with shared_account(workflow) as account:
        before = inventory(account.lab)
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=account.environment(), cwd=project
        )
        dead = kill_at(account, number, lambda: process.pid)
        assert process.wait(120) == -signal.SIGKILL
        assert dead.is_set()
        assert len(read(account.ledger()).unanswered) == 1
        assert "removed" in cleaned_by_the_command(account)
        assert compare(before, inventory(account.lab)) == ((), ())
        cleaned_by_the_command(account)  # once more is harmless
        assert compare(before, inventory(account.lab)) == ((), ())


def test_a_notebooks_kernel_that_is_killed_is_cleaned_up_after(tmp_path):
    """The kernel dies in the middle of a cell; the notebook's run says so, its ledger stays."""
    cell = (
        "from pkilab import Lab, ca_hierarchy\n"
        "lab = Lab.from_env()\n"
        "lab.client('s3').create_bucket(Bucket='made-by-a-notebook')\n"
        "root = ca_hierarchy.create_root(lab.client('acm-pca'), {'CommonName': 'Lab Root'})"
    )
    path = tmp_path / "01_small.ipynb"
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell, id="a")])
    path.write_text(nbformat.writes(node), encoding="utf-8")

    def kernel():
        (found,) = (
            child.pid
            for child in psutil.Process().children(recursive=True)
            if "ipykernel_launcher" in child.cmdline()
        )
        return found

    with Account() as account:
        make_bystanders(account.lab)
        before = inventory(account.lab)
        dead = kill_at(account, 3, kernel)
        ran = run_notebook(path, account=account)
        assert dead.is_set()
        assert "kernel died" in ran.executed.failure.error
        assert [each.operation for each in ran.record.unanswered] == ["IssueCertificate"]
        cleaned_by_the_command(account)
        assert compare(before, inventory(account.lab)) == ((), ())


def test_a_ledger_that_names_somebody_elses_things_does_no_harm():
    """A create of a name that is taken is refused; unanswered, it may have been anybody's."""
    with Account() as account:
        make_bystanders(account.lab)
        account.lab.client("s3").create_bucket(Bucket="taken-already")
        before = inventory(account.lab)
        with killed(account) as kills, account.here(), Lab.from_env() as lab:
            iam, kms = lab.client("iam"), lab.client("kms")
            lab.client("s3").create_bucket(Bucket="taken-already")  # us-east-1 answers 200
            lab.client("sqs").create_queue(QueueName="lab-ear-theirs")
            with pytest.raises(ClientError, match="EntityAlreadyExists"):
                iam.create_role(RoleName="lab-theirs", AssumeRolePolicyDocument=trust("lambda"))
            key = kms.describe_key(KeyId="alias/lab-theirs")["KeyMetadata"]["Arn"]
            with pytest.raises(ClientError, match="AlreadyExistsException"):
                kms.create_alias(AliasName="alias/lab-theirs", TargetKeyId=key)
        assert compare(before, inventory(account.lab)) == ((), ())
    assert [str(each) for each in kills.verdicts if not each.good] == []
