from __future__ import annotations

from pkilab.show import Exercise

DAYS = Exercise("How long is it valid, in days?", lambda days: days == 90, "Read notAfter.")


def test_a_right_answer_is_called_right() -> None:
    assert repr(DAYS.check(90)) == "✔ right."
    assert DAYS.check(90).state == "right"


def test_a_wrong_answer_gets_the_hint() -> None:
    assert repr(DAYS.check(91)) == "✘ not yet. Read notAfter."


def test_no_answer_is_no_failure() -> None:
    assert repr(DAYS.check(...)) == "… not answered yet: How long is it valid, in days?"
    assert DAYS.check() == DAYS.check(...)


def test_an_answer_of_the_wrong_kind_is_told_what_went_wrong() -> None:
    strict = Exercise("Which host?", lambda host: host.startswith("a"), "Read the SAN.")
    verdict = strict.check(None)
    assert verdict.state == "not yet"
    assert "could not be checked (AttributeError" in repr(verdict)
    assert "Read the SAN." in repr(verdict)


def test_a_hostile_hint_stays_text() -> None:
    shown = Exercise("?", lambda _: False, "<script>1</script>").check(1)._repr_html_()
    assert "<script" not in shown
    assert "not yet" in shown
