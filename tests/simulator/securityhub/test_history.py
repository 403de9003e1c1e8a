"""What became of a finding."""

from datetime import timedelta

PRODUCT = "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"
KEY = {"Id": "finding-1", "ProductArn": PRODUCT}


def test_a_history_tells_every_change_member_by_member_newest_first(hub, new_finding):
    """Who changed what from what to what; times at the top level are not told."""
    hub.take(new_finding())
    hub.world.clock.advance(hours=1)
    hub.take(
        new_finding(
            UpdatedAt="2026-11-02T10:00:00Z", Title="Changed", LastObservedAt="2026-11-02T10:00:00Z"
        )
    )
    hub.world.clock.advance(hours=1)
    hub.update(Workflow={"Status": "RESOLVED"}, Types=["TTPs"])
    third, second, first = hub("GetFindingHistory", FindingIdentifier=KEY)["Records"]
    assert first["FindingCreated"]
    assert first["UpdateSource"] == {"Type": "BATCH_IMPORT_FINDINGS", "Identity": PRODUCT}
    assert second["Updates"] == [
        {"UpdatedField": "Title", "OldValue": "CA Certificate Creation", "NewValue": "Changed"}
    ]
    assert third["FindingIdentifier"] == KEY
    assert third["UpdateSource"] == {
        "Type": "BATCH_UPDATE_FINDINGS",
        "Identity": "arn:aws:iam::111122223333:user/someone",
    }
    assert third["Updates"] == [
        {"UpdatedField": "Types", "OldValue": '["Unusual Behaviors"]', "NewValue": '["TTPs"]'},
        {"UpdatedField": "Workflow.Status", "OldValue": "NEW", "NewValue": "RESOLVED"},
    ]
    assert third["UpdateTime"] - first["UpdateTime"] == timedelta(hours=2)


def test_a_history_is_asked_for_a_time(hub, new_finding):
    """Between two moments, page by page."""
    hub.take(new_finding())
    start = hub.world.clock.now()
    for number in range(3):
        hub.world.clock.advance(hours=1)
        hub.update(Confidence=number)
    middle = start + timedelta(hours=1)
    found = hub("GetFindingHistory", FindingIdentifier=KEY, StartTime=middle)["Records"]
    assert len(found) == 3
    found = hub("GetFindingHistory", FindingIdentifier=KEY, EndTime=middle)["Records"]
    assert [each["FindingCreated"] for each in found] == [False, True]
    page = hub("GetFindingHistory", FindingIdentifier=KEY, MaxResults=3)
    rest = hub("GetFindingHistory", FindingIdentifier=KEY, NextToken=page["NextToken"])
    assert [len(page["Records"]), len(rest["Records"])] == [3, 1]


def test_a_change_that_changes_nothing_is_not_told(hub, new_finding):
    """And a finding that there is not has no history."""
    hub.take(new_finding(Confidence=1))
    hub.update(Confidence=1)
    assert len(hub("GetFindingHistory", FindingIdentifier=KEY)["Records"]) == 1
    hub.refused("InvalidInputException", "GetFindingHistory", FindingIdentifier=KEY | {"Id": "x"})


def test_a_history_reaches_90_days_back(hub, new_finding):
    """Older changes are not told."""
    hub.take(new_finding())
    hub.world.clock.advance(days=80)
    hub.update(Confidence=1)
    hub.world.clock.advance(days=20)
    (found,) = hub("GetFindingHistory", FindingIdentifier=KEY)["Records"]
    assert not found["FindingCreated"]
