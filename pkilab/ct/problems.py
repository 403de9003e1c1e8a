"""What can be wrong with a log, or with looking at one: a monitor's words for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pkilab.ct.structures import SignedTreeHead


class ProblemKind(StrEnum):
    """What is wrong with a log, or with looking at it."""

    UNREACHABLE = "UNREACHABLE"  # the transport failed
    UNREADABLE_ANSWER = "UNREADABLE_ANSWER"  # not what RFC 6962, 4, describes
    UNREADABLE_ENTRY = "UNREADABLE_ENTRY"  # not a MerkleTreeLeaf of version 1
    BAD_SIGNATURE = "BAD_SIGNATURE"  # a head that the log's key did not sign
    STALE = "STALE"  # no new head within the maximum merge delay
    FUTURE = "FUTURE"  # a head dated after now
    TIME_WENT_BACK = (
        "TIME_WENT_BACK"  # a larger tree with an earlier time, or a smaller with a later
    )
    REWRITTEN = "REWRITTEN"  # two heads of one size with different roots
    INCONSISTENT = "INCONSISTENT"  # the proof does not bind a head to an earlier one
    WRONG_ROOT = "WRONG_ROOT"  # the entries do not make the root
    SPLIT_VIEW = "SPLIT_VIEW"  # somebody else was shown another tree


# What a log can do only by breaking RFC 6962, 3; the heads are the evidence.
MISBEHAVIOUR = frozenset(
    {
        ProblemKind.TIME_WENT_BACK,
        ProblemKind.REWRITTEN,
        ProblemKind.INCONSISTENT,
        ProblemKind.WRONG_ROOT,
        ProblemKind.SPLIT_VIEW,
    }
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong. ``heads`` are the signed tree heads that show it, older first."""

    kind: ProblemKind
    log: str
    sentence: str
    heads: tuple[SignedTreeHead, ...] = field(default=(), repr=False)
