"""secretsmanager: what its operations need."""

from __future__ import annotations

from pkilab.simulator.access.asking import Table

PREFIX = "secretsmanager"
KEYS = frozenset({"aws:requesttag/", "aws:tagkeys"})
TABLE: Table = {}
