"""The least IAM policy for calls that were made, and the files that keep such policies.

`least_policy` derives a `Policy` from a journal: which actions the calls take is AWS's own data
(`authorization`), what they take besides is in `besides`, what a stack takes in `stacks`, and which
names the next run will have in `names`. `policy_files` writes what a notebook needs, and
`rewritten` makes a document good for another account.
"""

from pkilab.permissions.authorization import action_for, needs_no_permission
from pkilab.permissions.files import policy_files, rewritten
from pkilab.permissions.gathering import handlers_reads, least_policy
from pkilab.permissions.policy import (
    LONGEST_DOCUMENT,
    MOST_DOCUMENTS,
    OBJECTS_PER_BUCKET,
    Document,
    Policy,
    Statement,
)

__all__ = [
    "LONGEST_DOCUMENT",
    "MOST_DOCUMENTS",
    "OBJECTS_PER_BUCKET",
    "Document",
    "Policy",
    "Statement",
    "action_for",
    "handlers_reads",
    "least_policy",
    "needs_no_permission",
    "policy_files",
    "rewritten",
]
