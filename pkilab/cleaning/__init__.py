"""Delete what was created, and say what could not be.

`creations.plan` reads from a journal what its calls created and have not deleted since, and
`leftovers` from a ledger, or by the tag, what a run has left. `clean_up` deletes such a list,
wherever it came from, each kind of thing as `removal` knows how. Nothing is looked for in an
account and nothing is touched that is not in the list. Running it again is harmless, also after it
was killed.
"""

from pkilab.cleaning.creations import plan
from pkilab.cleaning.removal import ClientFor, Created
from pkilab.cleaning.rounds import Cleaned, OnStep, Outcome, clean_up, step_line

__all__ = [
    "Cleaned",
    "ClientFor",
    "Created",
    "OnStep",
    "Outcome",
    "clean_up",
    "plan",
    "step_line",
]
