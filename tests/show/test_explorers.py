from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from cryptography import x509

from pkilab.errors import BudgetError, MalformedError, MissingExtraError
from pkilab.show import Explorer, Outcome

Make = Callable[..., x509.Certificate]
CHOICES = {"template": ("EndEntity", "CodeSigning"), "days": (7, 30, 90, 400)}


@pytest.fixture
def explorer(make: Make) -> Explorer:
    def decide(template: str, days: int) -> Outcome:
        if days > 365:
            raise ClientError(
                {"Error": {"Code": "ValidationException", "Message": f"{days} is too long"}},
                "IssueCertificate",
            )
        return Outcome.issued(make(f"CN={template}", by="CN=ca", days=days))

    return Explorer(decide, CHOICES)


def test_it_starts_with_the_first_of_each(explorer: Explorer) -> None:
    assert explorer.value == {"template": "EndEntity", "days": 7}
    assert explorer.outcome.accepted
    assert repr(explorer).startswith("template  EndEntity\ndays      7\n\n✔ issued\nCertificate")


def test_code_sets_a_choice_that_is_accepted(explorer: Explorer) -> None:
    outcome = explorer.set(template="CodeSigning", days=30)
    assert outcome is explorer.outcome
    assert outcome.accepted
    assert explorer.value == {"template": "CodeSigning", "days": 30}
    assert "CN=CodeSigning" in explorer._repr_html_()
    assert "(30 days)" in repr(explorer)


def test_code_sets_a_choice_that_is_refused(explorer: Explorer) -> None:
    outcome = explorer.set(days=400)
    assert not outcome.accepted
    assert repr(outcome) == (
        "✘ refused by IssueCertificate: ValidationException\n  400 is too long"
    )
    assert "400 is too long" in explorer._repr_html_()


@pytest.mark.parametrize("wrong", [{"days": 8}, {"colour": "red"}, {"days": 30, "template": "x"}])
def test_what_is_not_offered_is_malformed_and_changes_nothing(
    explorer: Explorer, wrong: dict[str, object]
) -> None:
    before = repr(explorer)
    with pytest.raises(MalformedError):
        explorer.set(**wrong)
    assert repr(explorer) == before


def test_a_choice_without_values_is_malformed() -> None:
    with pytest.raises(MalformedError, match="choice days: found no values"):
        Explorer(lambda **_: Outcome.refused("A", "b"), {"days": []})


def test_the_packages_own_errors_are_refusals_and_accidents_are_not() -> None:
    def decide(kind: str) -> Outcome:
        raise BudgetError("400 USD") if kind == "budget" else ZeroDivisionError("oops")

    explorer = Explorer(decide, {"kind": ("budget", "accident")})
    assert repr(explorer.outcome) == "✘ refused: BudgetError\n  400 USD"
    with pytest.raises(ZeroDivisionError):
        explorer.set(kind="accident")
    assert explorer.value == {"kind": "budget"}


def test_its_value_cannot_be_written_to(explorer: Explorer) -> None:
    with pytest.raises(TypeError):
        explorer.value["days"] = 9  # type: ignore[index]


def test_controls_follow_code_and_code_follows_controls(explorer: Explorer) -> None:
    template, days, panel = explorer.widget.children
    assert [type(each).__name__ for each in (template, days)] == ["Dropdown", "SelectionSlider"]
    explorer.set(days=90)
    assert days.value == 90
    assert "(90 days)" in panel.value
    days.value = 400
    assert explorer.value["days"] == 400
    assert not explorer.outcome.accepted
    assert "400 is too long" in panel.value
    template.value = "CodeSigning"
    assert explorer.value == {"template": "CodeSigning", "days": 400}


def test_what_is_stored_is_complete_without_a_front_end(explorer: Explorer) -> None:
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {
        "text/plain", "text/html", "application/vnd.jupyter.widget-view+json",
    }  # fmt: skip
    assert bundle["text/plain"] == repr(explorer)
    assert "CN=EndEntity" in str(bundle["text/html"])


def test_without_ipywidgets_it_is_html_and_text(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert set(explorer._repr_mimebundle_()) == {"text/plain", "text/html"}
    with pytest.raises(MissingExtraError, match="ipywidgets is not installed"):
        _ = explorer.widget


def test_a_hostile_choice_stays_text() -> None:
    explorer = Explorer(
        lambda **_: Outcome.refused("A", "<script>"), {"<script>": ("<script>alert(1)</script>",)}
    )
    assert "<script" not in explorer._repr_html_()
