"""Who may do what, and why not: explained, tried out, and written as policies.

    found = explain(role_arn, "kms:Sign", key_arn, client_for)
    found.allowed, found.because, found.missing

`explain` gathers the policies that have a say, with a client of each account that may read them,
and decides with `pkilab.iam` as AWS would. It does the same on a simulated and on a real account.
"""

from pkilab.access_control.denials import Denial, is_denial, of_error, read_message
from pkilab.access_control.documents import (
    SELF_SERVICE,
    deny_scp,
    issuing_policy,
    policy,
    require_mfa_policy,
    source_ip_policy,
    use_shared_key_policy,
)
from pkilab.access_control.explaining import explain
from pkilab.access_control.explanations import Applied, Explanation
from pkilab.access_control.keys import share_key
from pkilab.access_control.mfa import VirtualDevice, enable_mfa, mfa_session, totp
from pkilab.access_control.reading import ClientFor, Unread
from pkilab.access_control.remedies import Missing
from pkilab.access_control.roles import third_party_role, third_party_trust
from pkilab.access_control.simulating import Simulation, simulate
from pkilab.access_control.trying import Matrix, Trial, matrix

__all__ = [
    "SELF_SERVICE",
    "Applied",
    "ClientFor",
    "Denial",
    "Explanation",
    "Matrix",
    "Missing",
    "Simulation",
    "Trial",
    "Unread",
    "VirtualDevice",
    "deny_scp",
    "enable_mfa",
    "explain",
    "is_denial",
    "issuing_policy",
    "matrix",
    "mfa_session",
    "of_error",
    "policy",
    "read_message",
    "require_mfa_policy",
    "share_key",
    "simulate",
    "source_ip_policy",
    "third_party_role",
    "third_party_trust",
    "totp",
    "use_shared_key_policy",
]
