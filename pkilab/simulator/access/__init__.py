"""Who may: what every operation needs, and the gate that asks the policies for it."""

from pkilab.simulator.access.asking import Access, Asked, Facts, Key, Resource
from pkilab.simulator.access.catalogue import accesses
from pkilab.simulator.access.gate import Gate

__all__ = ["Access", "Asked", "Facts", "Gate", "Key", "Resource", "accesses"]
