"""A stand-in for AWS: the served simulator behind a relay that can fail, reached by `Lab.aws`."""

from tests.stand_in.account import Account
from tests.stand_in.faults import Fault, Plan
from tests.stand_in.notebooks import Called, Ran, run_notebook

__all__ = ["Account", "Called", "Fault", "Plan", "Ran", "run_notebook"]
