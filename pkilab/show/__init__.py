"""Pictures, tables and cards: values in, something to look at out. Never a client.

Each value shown is complete as text, too; the picture is what a notebook adds. Names are loaded on
first use, so that ``import pkilab.show`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pkilab.show.certificates import CertificateCard, certificate, side_by_side
    from pkilab.show.decisions import DecisionPicture, decision
    from pkilab.show.exercises import Exercise
    from pkilab.show.explorers import Explorer, Outcome
    from pkilab.show.findings import FindingCard, finding
    from pkilab.show.flows import flow
    from pkilab.show.handshakes import handshake
    from pkilab.show.hierarchies import Hierarchy, HierarchyNode, hierarchy
    from pkilab.show.merkle import MerkleTree, merkle_explorer, merkle_tree
    from pkilab.show.refusals import refused
    from pkilab.show.tables import table
    from pkilab.show.timelines import Mark, Period, timeline

__all__ = [
    "CertificateCard",
    "DecisionPicture",
    "Exercise",
    "Explorer",
    "FindingCard",
    "Hierarchy",
    "HierarchyNode",
    "Mark",
    "MerkleTree",
    "Outcome",
    "Period",
    "certificate",
    "decision",
    "finding",
    "flow",
    "handshake",
    "hierarchy",
    "merkle_explorer",
    "merkle_tree",
    "refused",
    "side_by_side",
    "table",
    "timeline",
]

# Rooms are plural, so that no function here is hidden by the module it lives in.
_HOMES = {
    "CertificateCard": "certificates",
    "DecisionPicture": "decisions",
    "Exercise": "exercises",
    "Explorer": "explorers",
    "FindingCard": "findings",
    "Hierarchy": "hierarchies",
    "HierarchyNode": "hierarchies",
    "Mark": "timelines",
    "MerkleTree": "merkle",
    "Outcome": "explorers",
    "Period": "timelines",
    "certificate": "certificates",
    "decision": "decisions",
    "finding": "findings",
    "flow": "flows",
    "handshake": "handshakes",
    "hierarchy": "hierarchies",
    "merkle_explorer": "merkle",
    "merkle_tree": "merkle",
    "refused": "refusals",
    "side_by_side": "certificates",
    "table": "tables",
    "timeline": "timelines",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(f"pkilab.show.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
