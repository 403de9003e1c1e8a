from __future__ import annotations

import pytest

from pkilab.errors import MalformedError
from pkilab.security_findings import Finding
from pkilab.show import finding

ASFF = {
    "SchemaVersion": "2018-10-08",
    "Id": "us-east-1/111122223333/test/1",
    "ProductArn": "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",
    "GeneratorId": "test",
    "AwsAccountId": "111122223333",
    "CreatedAt": "2026-01-01T00:00:00Z",
    "UpdatedAt": "2026-01-02T00:00:00Z",
    "Severity": {"Label": "HIGH"},
    "Types": ["Unusual Behaviors"],
    "Title": "Root used",
    "Description": "At night",
    "Remediation": {"Recommendation": {"Text": "Ask.", "Url": "https://docs.aws.amazon.com/"}},
    "Resources": [
        {"Type": "Other", "Id": "certificate-1", "Details": {"Other": {"CAArn": "root-1"}}}
    ],
    "RecordState": "ACTIVE",
    "Workflow": {"Status": "RESOLVED"},
    "Note": {"Text": "a ceremony", "UpdatedBy": "ann", "UpdatedAt": "2026-01-02T00:00:00Z"},
    "CompanyName": "Personal",
    "ProductName": "Default",
}
SHOWN = (
    "Root used", "At night", "HIGH", "ACTIVE, RESOLVED", "Personal / Default", "Unusual Behaviors",
    "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "certificate-1", "root-1", "Ask.",
    "https://docs.aws.amazon.com/", "a ceremony (ann)", "us-east-1/111122223333/test/1",
)  # fmt: skip


def test_a_card_says_what_how_bad_to_what_and_what_to_do() -> None:
    card = finding(ASFF)
    for text in SHOWN:
        assert text in repr(card), text
        assert text in card._repr_html_(), text


def test_the_value_and_its_json_give_the_same_card() -> None:
    assert finding(Finding.parse(ASFF))._repr_html_() == finding(ASFF)._repr_html_()


def test_a_number_without_a_label_is_shown_as_it_is() -> None:
    assert finding(ASFF | {"Severity": {"Normalized": 60}}).label == "Normalized 60"


def test_what_is_not_there_is_not_shown() -> None:
    small = {name: ASFF[name] for name in ("Id", "Title", "Description", "Severity", "Resources")}
    text = repr(finding(small))
    for name in ("Note", "Company", "Remediation", "Updated", "Types"):
        assert name not in text
    assert "HIGH  (ACTIVE, NEW)" in text


def test_what_is_no_finding_is_refused() -> None:
    with pytest.raises(MalformedError, match="found no Severity"):
        finding({name: value for name, value in ASFF.items() if name != "Severity"})


def test_a_hostile_title_stays_text() -> None:
    card = finding(ASFF | {"Title": "<script>alert(1)</script>\u202e"})
    assert "<script>" not in card._repr_html_()
    assert "\u202e" not in card._repr_html_() + repr(card)
