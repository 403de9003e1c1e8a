"""A workflow is planned on AWS by trying it in a world of its own; the account sees nothing."""

import subprocess
import sys

from tests.stand_in import Account
from tests.stand_in.inventory import inventory

PROGRAM = """
from pkilab import Lab, ca_hierarchy

def authority(lab):
    ca_hierarchy.create_root(lab.client("acm-pca"), {"CommonName": "Planned"})

with Lab.from_env() as lab:
    print(lab.plan(authority))
    print(lab.ledger)
"""


def test_a_workflow_is_planned_without_a_call_that_changes_anything():
    """One CA and its certificate; neither a ledger nor anything in the account comes of it."""
    with Account() as account:
        before = inventory(account.lab)
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=account.environment(),
            check=True,
            capture_output=True,
            text=True,
        )
        assert inventory(account.lab) == before
    said = ran.stdout.splitlines()
    assert said[0].startswith("authority: ")
    assert "1 thing created; 1.30 USD if all is cleaned up within the hour" in said[0]
    assert said[-1] == "None"
