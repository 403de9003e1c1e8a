from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from pkilab.show import flow
from pkilab.show.flows import Ending

SVG = "{http://www.w3.org/2000/svg}"
MESSAGES = (
    ("client", "CA", "IssueCertificate"),
    ("CA", "CA", "sign"),
    ("CA", "client", "certificate"),
)


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own output, whose form is the question


def test_a_flow_reads_as_a_numbered_list() -> None:
    assert repr(flow(MESSAGES)).splitlines() == [
        " 1. client → CA  IssueCertificate",
        " 2. CA → CA      sign",
        " 3. CA → client  certificate",
    ]


def test_mermaid_names_each_party_once_and_each_message_in_order() -> None:
    assert flow(MESSAGES).mermaid.splitlines() == [
        "sequenceDiagram",
        "    autonumber",
        "    participant p0 as client",
        "    participant p1 as CA",
        "    p0->>p1: IssueCertificate",
        "    p1->>p1: sign",
        "    p1->>p0: certificate",
    ]


@given(st.lists(st.tuples(*[st.text(max_size=30)] * 3), max_size=8))
def test_any_messages_make_the_same_well_formed_picture_twice(
    messages: list[tuple[str, str, str]],
) -> None:
    svg = flow(messages).svg
    assert svg == flow(messages).svg
    boxes = [r for r in parse(svg).iter(f"{SVG}rect") if "card" in r.get("class", "")]
    assert len(boxes) == len(flow(messages).parties)


def test_an_arrow_points_at_its_receiver() -> None:
    def heads(*messages: tuple[str, str, str]) -> list[bool]:
        root = parse(flow(messages).svg)
        paths = [path.get("d", "") for path in root.iter(f"{SVG}path")]
        return ["l-9 " in path for path in paths if path.endswith("z")]

    assert heads(("a", "b", "x"), ("b", "a", "y")) == [True, False]


def test_a_hostile_message_stays_text() -> None:
    shown = flow([("a", "b", "</text><script>1</script>; p0->>p1: forged")])
    assert not list(parse(shown.svg).iter(f"{SVG}script"))
    assert len(shown.mermaid.splitlines()) == 5
    assert ";" not in shown.mermaid.splitlines()[-1].replace("#59;", "").translate(
        {ord(c): None for c in "0123456789"}
    ).replace("#;", "")


def test_how_an_exchange_ended_is_said_last_and_spans_all_parties() -> None:
    ended = flow(MESSAGES[:1], Ending(well=False, text="refused: <unknown> issuer"))
    assert repr(ended).splitlines()[-1] == " ✘  refused: <unknown> issuer"
    assert ended.mermaid.splitlines()[-1].startswith("    Note over p0,p1: refused")
    assert "refused: <unknown> issuer" in [part.text for part in parse(ended.svg).iter()]
