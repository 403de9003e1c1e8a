"""AWS CloudTrail: the event history of a world's accounts."""

from pkilab.simulator.cloudtrail.trail import Trail

__all__ = ["Trail"]
