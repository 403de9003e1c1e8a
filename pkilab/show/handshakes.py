"""A TLS handshake as it was recorded: who sent what, and where it stopped."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from pkilab.show.flows import Ending, Flow, flow

if TYPE_CHECKING:
    from collections.abc import Sequence


class Step(Protocol):
    """One message of a handshake."""

    @property
    def sender(self) -> str:
        """``client`` or ``server``."""
        ...

    @property
    def message(self) -> str:
        """Its name in RFC 8446 or RFC 5246, or an alert."""
        ...


class Handshake(Protocol):
    """A recorded handshake, such as a simulated front keeps."""

    @property
    def steps(self) -> Sequence[Step]:
        """The messages, in order."""
        ...

    @property
    def refused(self) -> bool:
        """Whether the client was turned away."""
        ...

    @property
    def outcome(self) -> str:
        """How it ended, in a sentence."""
        ...


def handshake(record: Handshake) -> Flow:
    """Show a recorded handshake: a flight an arrow, and the outcome below.

    Messages that one side sent without waiting for the other are one flight.
    """
    flights = groupby(record.steps, key=lambda step: step.sender)
    other = {"client": "server", "server": "client"}
    return flow(
        (
            (sender, other[sender], ", ".join(step.message for step in steps))
            for sender, steps in flights
        ),
        Ending(not record.refused, record.outcome),
    )
