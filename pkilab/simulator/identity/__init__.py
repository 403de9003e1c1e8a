"""Who calls: users, roles, sessions, their policies and their MFA devices."""

from pkilab.simulator.identity.identities import Identities, Identity, Session, Started

__all__ = ["Identities", "Identity", "Session", "Started"]
