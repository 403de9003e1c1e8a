"""Sharing a private CA with other accounts by AWS RAM, and what they can then do with it.

Sources: AWS RAM User Guide, "Sharing your AWS resources" and "Accepting and rejecting resource
share invitations"; AWS Private CA User Guide, "Attaching a policy for cross-account access".
"""

from pkilab.ca_sharing.powers import (
    Attempt,
    Powers,
    documented,
    powers,
)
from pkilab.ca_sharing.shares import (
    Share,
    accept,
    invitation,
    revoke,
    share,
    shares,
    wait_usable,
)

__all__ = [
    "Attempt",
    "Powers",
    "Share",
    "accept",
    "documented",
    "invitation",
    "powers",
    "revoke",
    "share",
    "shares",
    "wait_usable",
]
