from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

import pytest

from pkilab.show import handshake


@dataclass
class Step:
    sender: str
    message: str


@dataclass
class Recorded:
    steps: list[Step]
    refused: bool
    outcome: str


STEPS = [
    Step("client", "ClientHello"),
    Step("server", "ServerHello"),
    Step("server", "CertificateRequest"),
    Step("client", "Certificate"),
]


def test_what_one_side_sends_at_a_stretch_is_one_flight() -> None:
    shown = handshake(Recorded(STEPS, refused=False, outcome="let in"))
    assert repr(shown).splitlines() == [
        " 1. client → server  ClientHello",
        " 2. server → client  ServerHello, CertificateRequest",
        " 3. client → server  Certificate",
        " ✔  let in",
    ]


@pytest.mark.parametrize(("refused", "tone"), [(False, "pki-good-fill"), (True, "pki-bad-fill")])
def test_the_outcome_is_drawn_in_its_tone(*, refused: bool, tone: str) -> None:
    svg = handshake(Recorded(STEPS, refused, "the outcome of it")).svg
    root = ET.fromstring(svg)  # noqa: S314 - our own output
    said = [part for part in root.iter() if part.text == "the outcome of it"]
    assert [part.get("class") for part in said] == [tone]


def test_a_handshake_that_never_began_is_shown_by_its_outcome_alone() -> None:
    shown = handshake(Recorded([], refused=True, outcome="nothing came"))
    assert repr(shown) == " ✘  nothing came"
    assert "nothing came" in shown.svg
