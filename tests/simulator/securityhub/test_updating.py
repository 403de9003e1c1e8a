"""What customers change of findings."""

import pytest

PRODUCT = "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"


def test_a_customer_changes_nine_members_and_updatedat_stays(hub, new_finding):
    """The provider's own fields stay, too."""
    hub.take(new_finding())
    related = [{"ProductArn": PRODUCT, "Id": "other"}]
    changes = {
        "Confidence": 90,
        "Criticality": 80,
        "RelatedFindings": related,
        "Severity": {"Label": "CRITICAL"},
        "Types": ["TTPs/Persistence"],
        "UserDefinedFields": {"ticket": "1"},
        "VerificationState": "TRUE_POSITIVE",
        "Workflow": {"Status": "NOTIFIED"},
        "Note": {"Text": "seen", "UpdatedBy": "team"},
    }
    answer = hub.update(**changes)
    assert answer == {
        "ProcessedFindings": [{"Id": "finding-1", "ProductArn": PRODUCT}],
        "UnprocessedFindings": [],
    }
    found = hub.get()
    expected = changes | {
        "Severity": {"Label": "CRITICAL", "Normalized": 90},
        "Note": {"Text": "seen", "UpdatedBy": "team", "UpdatedAt": "2026-11-02T09:00:00.000Z"},
    }
    assert {name: found[name] for name in expected} == expected
    assert found["UpdatedAt"] == new_finding()["UpdatedAt"]
    assert found["FindingProviderFields"]["Severity"] == {"Label": "MEDIUM"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Label": "LOW"}, {"Label": "LOW", "Normalized": 1}),
        ({"Normalized": 95}, {"Label": "CRITICAL", "Normalized": 95}),
        ({"Product": 3.5}, {"Label": "MEDIUM", "Normalized": 60, "Product": 3.5}),
    ],
)
def test_a_new_label_gives_the_number_and_the_other_way_round(hub, new_finding, change, expected):
    """What is not changed stays, such as the provider's original."""
    hub.take(new_finding(Severity={"Normalized": 60, "Original": "six"}))
    hub.update(Severity=change)
    assert hub.get()["Severity"] == expected | {"Original": "six"}


def test_identifiers_that_are_wrong_do_not_spoil_the_others(hub, new_finding):
    """Unknown and doubled ones come back with a code."""
    hub.take(new_finding(1), new_finding(2))
    answer = hub.update(1, 3, 2, 1, Workflow={"Status": "RESOLVED"})
    assert [each["Id"] for each in answer["ProcessedFindings"]] == ["finding-1", "finding-2"]
    codes = [
        (each["FindingIdentifier"]["Id"], each["ErrorCode"])
        for each in answer["UnprocessedFindings"]
    ]
    assert codes == [
        ("finding-3", "FindingNotFound"), ("finding-1", "DuplicatedFindingIdentifier"),
    ]  # fmt: skip


def test_a_finding_does_not_grow_over_its_limit(hub, new_finding):
    """240 KB with a customer's fields, too."""
    hub.take(new_finding(Resources=[{"Type": "Other", "Id": "x" * 30_000}] * 8))
    fields = {str(number): "v" * 1024 for number in range(10)}
    (failed,) = hub.update(UserDefinedFields=fields)["UnprocessedFindings"]
    assert failed["ErrorCode"] == "FindingSizeExceeded"
    assert "UserDefinedFields" not in hub.get()


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"Confidence": 101},
        {"Types": ["a/b/c/d"]},
        {"UserDefinedFields": {"k" * 129: "v"}},
        {"Note": {"Text": "x" * 513, "UpdatedBy": "me"}},
        {"Note": {"Text": "no author"}},
        {"Workflow": {"Status": "DONE"}},
    ],
)
def test_changes_that_break_a_limit_are_refused_as_a_whole(hub, new_finding, members):
    """And so is a call without changes."""
    hub.take(new_finding())
    identifiers = [{"Id": "finding-1", "ProductArn": PRODUCT}]
    before = hub.get()
    hub.refused(
        "InvalidInputException", "BatchUpdateFindings", FindingIdentifiers=identifiers, **members
    )
    assert hub.get() == before


def test_at_most_100_findings_are_changed_at_once(hub):
    """And at least one."""
    identifiers = [{"Id": str(number), "ProductArn": PRODUCT} for number in range(101)]
    for wrong in (identifiers, []):
        hub.refused(
            "InvalidInputException", "BatchUpdateFindings", FindingIdentifiers=wrong, Confidence=1
        )


def test_updatefindings_lasts_until_the_provider_sends_an_update(hub, new_finding):
    """The superseded operation: notes and record states of whatever matches."""
    hub.take(new_finding(1), new_finding(2, Title="Another"))
    title = {"Title": [{"Value": "Another", "Comparison": "EQUALS"}]}
    hub(
        "UpdateFindings", Filters=title, RecordState="ARCHIVED",
        Note={"Text": "done", "UpdatedBy": "me"},
    )  # fmt: skip
    assert [hub.get(number)["RecordState"] for number in (1, 2)] == ["ACTIVE", "ARCHIVED"]
    assert hub.get(2)["Note"]["Text"] == "done"
    assert len(hub.events()) == 3
    hub.take(new_finding(2, UpdatedAt="2026-11-02T10:00:00Z"))
    assert hub.get(2)["RecordState"] == "ACTIVE"
    hub.refused("InvalidInputException", "UpdateFindings", Filters=title)
