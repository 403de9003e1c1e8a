from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.iam import Decision, Policies, Principal, Request, decide, read_policy
from pkilab.show.decisions import ORDER, decision

SVG = "{http://www.w3.org/2000/svg}"
ACCOUNT, OTHER = "111122223333", "444455556666"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"


def decided(identity: str = "", resource: str = "", account: str = ACCOUNT) -> Decision:
    """Decide whether a user may sign, by the effects of its own policy and the key's."""
    principal = Principal("user", f"arn:aws:iam::{account}:user/ana", account)

    def policy(effect: str, kind: str, **more: object) -> tuple:
        if not effect:
            return ()
        statement = {"Sid": "Rule", "Effect": effect, "Action": "kms:Sign", "Resource": "*", **more}
        document = {"Version": "2012-10-17", "Statement": statement}
        return (read_policy(document, kind=kind, name=f"the {kind}"),)

    return decide(
        Request(principal, "kms:Sign", KEY, ACCOUNT),
        Policies(
            identity=policy(identity, "identity"),
            resource=policy(resource, "resource", Principal={"AWS": account}),
            requires_resource_policy=True,
        ),
    )


def marks(found: Decision, **more: object) -> dict[str, str]:
    return {stage.name: stage.verdict for stage in decision(found, **more).stages}


def test_the_steps_stand_in_awss_order_whatever_was_walked() -> None:
    for found in (decided(), decided("Allow", "Allow"), decided("Deny", "Allow")):
        assert tuple(marks(found)) == ORDER


def test_a_denied_request_is_marked_where_it_ended() -> None:
    shown = marks(decided("", "Allow"))
    assert shown["Identity-based policies"] == "deny"
    assert shown["Resource-based policies"] == "continue"
    assert shown["Session policies"] == "not asked"


def test_an_explicit_deny_ends_it_at_once() -> None:
    shown = marks(decided("Deny", "Allow"))
    assert shown.pop("Explicit deny") == "deny"
    assert set(shown.values()) == {"not asked"}


def test_an_allowed_request_is_marked_where_the_right_came_from() -> None:
    shown = marks(decided("Allow", "Allow"))
    assert [name for name, verdict in shown.items() if verdict == "allow"] == [
        "Identity-based policies"
    ]
    assert "deny" not in shown.values()
    assert "not asked" not in shown.values()


def test_two_halves_are_marked_both_and_only_where_they_allowed() -> None:
    halves = frozenset({"resource", "identity"})
    shown = marks(decided("Allow", "Allow"), deciding=halves)
    assert [name for name, verdict in shown.items() if verdict == "allow"] == [
        "Resource-based policies",
        "Identity-based policies",
    ]
    assert "allow" not in marks(decided("", "Allow"), deciding=halves).values()


def test_a_root_users_right_is_a_step_of_its_own() -> None:
    root = Principal("root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    shown = marks(decide(Request(root, "kms:ListKeys", "*"), Policies()))
    assert shown["Root user"] == "allow"
    assert shown["Identity-based policies"] == "not asked"


def test_what_was_not_read_is_said_in_its_step_and_in_the_verdict() -> None:
    found = decided("Allow", "Allow")
    shown = decision(found, doubtful=True, unread=frozenset({"service control", "identity"}))
    assert shown.verdict == "allowed, as far as was read"
    verdicts = {stage.name: stage for stage in shown.stages}
    assert verdicts["Service control policies"].verdict == "not read"
    assert verdicts["Service control policies"].why.endswith("Not everything could be read.")
    assert verdicts["Identity-based policies"].verdict == "allow"
    assert decision(found).verdict == "allowed"


def test_the_text_says_all_that_the_picture_does() -> None:
    shown = decision(decided("", "Allow"), notes=("Missing. A statement.",))
    lines = repr(shown).splitlines()
    assert lines[0] == "✘ denied"
    assert "because no identity-based policy allows the kms:Sign action" in lines[1]
    assert len(lines) == 2 + len(ORDER) + 1
    assert lines[-1].strip() == "Missing. A statement."
    texts = {part.text for part in ET.fromstring(shown.svg).iter(f"{SVG}text")}  # noqa: S314 - ours
    assert set(ORDER) <= texts


@pytest.mark.parametrize("doubtful", [True, False])
def test_the_same_decision_gives_the_same_bytes(doubtful) -> None:
    first, second = (
        decision(decided("Allow", "Allow"), doubtful=doubtful, notes=("x",)) for _ in range(2)
    )
    assert (first.svg, first._repr_html_()) == (second.svg, second._repr_html_())
    assert ("as far as was read" in first.svg) is doubtful


@given(st.text(), st.text())
def test_a_hostile_sentence_stays_text(sentence: str, note: str) -> None:
    hostile = f"</text><script>{sentence}</script>"
    shown = decision(decided(), sentence=hostile, notes=(f"<script>{note}",))
    assert not list(ET.fromstring(shown.svg).iter(f"{SVG}script"))  # noqa: S314 - ours
    assert "<script>" not in shown._repr_html_()
