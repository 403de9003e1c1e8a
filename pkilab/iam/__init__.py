"""IAM policies: read once, decided often. Pure: no client, no clock.

    policy = read_policy(text, kind="identity", name="SignOnly")
    decision = decide(Request(principal, "kms:Sign", key_arn), Policies(identity=(policy,)))
    decision.allowed, decision.because, decision.steps

Source: IAM User Guide, "Policies and permissions in AWS Identity and Access Management".
"""

from pkilab.iam.decisions import Decision, Match, Step, decide
from pkilab.iam.documents import Document, PolicyKind, Statement, read_policy
from pkilab.iam.keys import Key, key
from pkilab.iam.principals import Principal, PrincipalKind
from pkilab.iam.requests import Policies, Request
from pkilab.iam.wildcards import arn_like, like, listed

__all__ = [
    "Decision",
    "Document",
    "Key",
    "Match",
    "Policies",
    "PolicyKind",
    "Principal",
    "PrincipalKind",
    "Request",
    "Statement",
    "Step",
    "arn_like",
    "decide",
    "key",
    "like",
    "listed",
    "read_policy",
]
