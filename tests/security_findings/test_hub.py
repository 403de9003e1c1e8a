"""Findings in a simulated Security Hub: importing, finding, waiting, resolving."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from pkilab.errors import LabError
from pkilab.security_findings import (
    Finding,
    find,
    finding_of,
    import_findings,
    is_active,
    recoveries_of,
    report,
    resolve,
    wait_for,
)


@pytest.fixture
def hub(lab):
    """Security Hub, enabled without standards, in the account of the recorded events."""
    client = lab.client("securityhub")
    client.enable_security_hub(EnableDefaultStandards=False)
    return client


def test_everything_that_is_built_is_imported_and_read_back(hub, events, checker):
    made = {found.Id: found for each in events.values() if (found := finding_of(each))}
    result = import_findings(hub, made.values())
    assert result.ok, result.failed
    assert result.imported == len(made)
    read = {each.Id: each for each in find(hub)}
    assert set(read) == set(made)
    for number, found in read.items():
        assert checker.problems(found.asff()) == []
        assert (found.Title, found.label) == (made[number].Title, made[number].label)
        assert found.Severity.Normalized == {"LOW": 1, "MEDIUM": 40, "HIGH": 70}[found.label]


def test_the_same_event_twice_is_one_finding(hub, events):
    assert report(hub, events["issuance"]) == report(hub, events["issuance"])
    assert len(find(hub)) == 1


def test_a_finding_of_another_provider_with_types_of_its_own_is_found(hub, finding):
    """Security Hub takes what the guide only recommends; one such must not hide all the others."""
    strange = finding().asff() | {"Id": "strange", "Types": ["Strange Behaviors"]}
    assert hub.batch_import_findings(Findings=[strange])["SuccessCount"] == 1
    import_findings(hub, [finding()])
    assert {each.Id: each.Types for each in find(hub)} == {
        "strange": ("Strange Behaviors",), finding().Id: None,
    }  # fmt: skip


def test_a_state_that_ends_archives_its_finding_once_it_is_there(hub, events):
    assert report(hub, events["crl"]) == ()
    assert find(hub, archived=True) == ()
    (began,) = report(hub, events["crl_failed"])
    assert is_active(hub, began)
    (ended,) = report(hub, events["crl"])
    assert ended.Id == began.Id
    assert not is_active(hub, began)
    assert [each.RecordState for each in find(hub, archived=True)] == ["ARCHIVED"]


def test_a_restored_ca_is_a_finding_and_ends_one(hub, events):
    report(hub, events["call_delete"])
    restored, ended = report(hub, events["call_restore"])
    assert (restored.Title, ended.Title) == ("Private CA Restored", "Private CA Deleted")
    assert [each.Title for each in find(hub)] == ["Private CA Restored"]


def test_findings_are_found_by_what_they_are(hub, events):
    for name in ("issuance", "call_delete", "call_disable"):
        report(hub, events[name])
    authority = events["issuance"]["resources"][0]
    assert len(find(hub, resource=authority)) == 3
    assert [each.Title for each in find(hub, title="Private CA Deleted")] == ["Private CA Deleted"]
    assert len(find(hub, label="HIGH")) == 2
    assert find(hub, title="Private CA") == ()
    assert find(hub, title="Private CA Deleted", label="LOW") == ()


def test_more_than_a_page_is_found(hub, finding):
    import_findings(hub, (finding(Id=f"{n:03}") for n in range(150)))
    assert len(find(hub, title="A title")) == 150


def test_findings_are_resolved_with_a_note(hub, finding):
    made = [finding(Id=f"{n:03}") for n in range(120)]
    import_findings(hub, made)
    resolve(hub, made[0], note="looked at", by="ann")
    resolve(hub, made[1:], note="looked at")
    read = find(hub)
    assert {each.Workflow.Status for each in read} == {"RESOLVED"}
    assert sorted({each.Note.UpdatedBy for each in read}) == ["ann", "security-team"]


def test_a_finding_that_is_not_there_is_not_resolved(hub, finding):
    there, away = finding(Id="there"), finding(Id="away")
    import_findings(hub, [there])
    with pytest.raises(LabError, match="1 of 2 findings not resolved: away: FindingNotFound"):
        resolve(hub, [there, away], note="looked at")
    (read,) = find(hub)
    assert read.Workflow.Status == "RESOLVED"


def test_waiting_ends_when_it_is_there(hub, finding):
    seen, waits = [], []

    def sleep(seconds):
        waits.append(seconds)
        import_findings(hub, [finding(Id=str(len(waits)))])

    found = wait_for(
        hub, title="A title", count=2, sleep=sleep, progress=lambda *each: seen.append(each)
    )
    assert len(found) == 2
    assert seen == [(0.0, 0), (5.0, 1), (10.0, 2)]


def test_waiting_ends_when_it_is_too_long(hub):
    waits = []
    with pytest.raises(LabError, match=r"0:00:20 for .*found 0, expected 1; look at the rule"):
        wait_for(hub, title="A title", sleep=waits.append, limit=20)
    assert len(waits) == 4


def test_without_security_hub_nothing_is_reported(lab, events):
    with pytest.raises(ClientError, match="not subscribed"):
        report(lab.client("securityhub"), events["issuance"])


def test_what_the_service_refuses_is_raised_with_its_reason(hub, events):
    """An event of another account, whose product this account may not import into."""
    other = events["issuance"] | {"account": "444455556666"}
    with pytest.raises(LabError, match=r"1 of 1 findings not imported: .*: InvalidAccess: "):
        report(hub, other, sleep=lambda _: None)


def test_the_recovery_is_later_than_what_it_ends(events):
    (ended,) = recoveries_of(events["crl"])
    began = finding_of(events["crl_failed"])
    assert isinstance(began, Finding)
    assert ended.UpdatedAt > began.UpdatedAt
