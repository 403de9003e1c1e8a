from __future__ import annotations

import sys

import pytest
from botocore.exceptions import ClientError

from pkilab.errors import LabError, MalformedError, VerificationError
from pkilab.show import refused
from pkilab.show.refusals import RefusalCard


def aws(code: str, message: str = "No.") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "IssueCertificate")


def test_the_named_refusal_is_caught_shown_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with refused("MalformedCSRException") as refusal:
        assert refusal.code is None
        raise aws("MalformedCSRException", "The CSR cannot be read.")
    assert (refusal.code, refusal.message) == ("MalformedCSRException", "The CSR cannot be read.")
    assert capsys.readouterr().out == (
        "✘ refused by IssueCertificate: MalformedCSRException\n  The CSR cannot be read.\n"
    )


def test_another_refusal_fails_loudly_and_is_the_cause() -> None:
    with (
        pytest.raises(AssertionError, match=r"expected A or B, found C: No\.") as failure,
        refused("A", "B"),
    ):
        raise aws("C")
    assert isinstance(failure.value.__cause__, ClientError)


def test_no_refusal_fails_loudly() -> None:
    with (
        pytest.raises(AssertionError, match="expected LabError, and nothing was refused"),
        refused(LabError),
    ):
        pass


def test_a_class_stands_for_its_subclasses_and_for_no_other() -> None:
    with refused(ValueError) as refusal:
        raise MalformedError("CSR", found="a key", expected="a request")
    assert refusal.code == "MalformedError"
    with pytest.raises(AssertionError), refused(TypeError):
        raise MalformedError("CSR", found="a key", expected="a request")


def test_an_interrupt_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt), refused("A"):
        raise KeyboardInterrupt


def test_expecting_nothing_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        refused()


def test_every_reason_is_listed() -> None:
    card = RefusalCard.of(VerificationError("chain", ("expired", "no path to a root")))
    assert repr(card).splitlines() == [
        "✘ refused: VerificationError",
        "  chain is not to be trusted",
        "  - expired",
        "  - no path to a root",
    ]
    assert card._repr_html_().count("<li>") == 2


def test_the_cause_is_named() -> None:
    with refused(LabError) as refusal:
        raise LabError("closed") from KeyError("world")
    assert refusal.card is not None
    assert refusal.card.reasons == ("KeyError: 'world'",)


def test_what_varies_between_runs_is_left_out() -> None:
    card = RefusalCard.of(ValueError("bad <object at 0x7f00ab> (_ssl.c:1006)"))
    assert card.message == "bad <object>"


def test_a_hostile_message_stays_text() -> None:
    card = RefusalCard.of(aws("A", "<script>1</script>"))
    assert "<script" not in card._repr_html_()
    assert "&lt;script&gt;" in card._repr_html_()


def test_in_a_notebook_the_card_itself_is_displayed(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    shown: list[object] = []
    kernel = SimpleNamespace(
        get_ipython=lambda: "a shell", display=SimpleNamespace(display=shown.append)
    )
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    with refused("A") as refusal:
        raise aws("A")
    assert shown == [refusal.card]


def test_an_answer_without_a_message_is_shown_as_one() -> None:
    """KMS says nothing with KMSInvalidSignatureException; botocore's own sentence is not AWS's."""
    assert repr(RefusalCard.of(aws("KMSInvalidSignatureException", ""))).splitlines() == [
        "✘ refused by IssueCertificate: KMSInvalidSignatureException",
        "  (no message)",
    ]
    assert RefusalCard.of(LabError("It said so.")).message == "It said so."
