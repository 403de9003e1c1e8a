"""What becomes of findings that providers send, time and again."""

import json

import pytest

OWNER, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
LATER, LATEST = "2026-11-02T10:00:00Z", "2026-11-02T11:00:00Z"


def test_a_new_finding_gets_what_the_service_fills_in(hub, new_finding):
    """Names, Region, times, states, and the provider's own fields."""
    hub.take(new_finding(Severity={"Normalized": 60}))
    found = hub.get()
    assert found["Severity"] == {"Label": "MEDIUM", "Normalized": 60}
    assert found["FindingProviderFields"] == {
        "Severity": {"Label": "MEDIUM"}, "Types": ["Unusual Behaviors"],
    }  # fmt: skip
    filled_in = {
        name: found[name]
        for name in (
            "CompanyName", "ProductName", "Region", "AwsAccountName", "ProcessedAt", "RecordState",
            "Workflow", "WorkflowState",
        )
    }  # fmt: skip
    assert filled_in == {
        "CompanyName": "Personal",
        "ProductName": "Default",
        "Region": REGION,
        "AwsAccountName": "owner",
        "ProcessedAt": "2026-11-02T09:00:00.000Z",
        "RecordState": "ACTIVE",
        "Workflow": {"Status": "NEW"},
        "WorkflowState": "NEW",
    }
    assert found["Resources"][0]["Partition"] == "aws"
    assert found["ProductFields"] == {
        "aws/securityhub/FindingId": f"{found['ProductArn']}/finding-1",
        "aws/securityhub/ProductName": "Default",
        "aws/securityhub/CompanyName": "Personal",
    }


def test_a_custom_product_says_its_own_names_and_nobody_says_the_region(hub, new_finding):
    """Of a custom integration the service takes company and product."""
    hub.take(new_finding(CompanyName="Lab", ProductName="CA watch", Region="eu-west-1"))
    found = hub.get()
    assert (found["CompanyName"], found["ProductName"]) == ("Lab", "CA watch")
    assert found["Region"] == REGION


@pytest.mark.parametrize("updated", ["2026-11-02T09:00:00Z", "2026-11-02T09:59:59+01:00"])
def test_an_update_that_is_not_later_is_passed_over_and_counts_as_a_success(
    hub, new_finding, updated
):
    """Equal or earlier, whatever the zone: nothing changes and no event is sent."""
    hub.take(new_finding())
    hub.take(new_finding(Title="Another", UpdatedAt=updated))
    assert hub.get()["Title"] == "CA Certificate Creation"
    assert len(hub.events()) == 1
    hub.take(new_finding(Title="Another", UpdatedAt="2026-11-02T09:00:00.000000001Z"))
    assert hub.get()["Title"] == "Another"
    assert len(hub.events()) == 2


def test_an_update_takes_the_place_of_what_was_there(hub, new_finding):
    """What the provider no longer says is gone."""
    hub.take(new_finding(Confidence=50, SourceUrl="https://example.com"))
    hub.take(new_finding(UpdatedAt=LATER))
    found = hub.get()
    assert "Confidence" not in found
    assert "SourceUrl" not in found


def test_what_customers_have_is_ignored_on_update_but_not_on_creation(hub, new_finding):
    """Note, UserDefinedFields, VerificationState and Workflow."""
    note = {"Text": "first", "UpdatedBy": "provider", "UpdatedAt": LATER}
    theirs = {
        "Note": note,
        "UserDefinedFields": {"k": "first"},
        "VerificationState": "TRUE_POSITIVE",
        "Workflow": {"Status": "NOTIFIED"},
    }
    hub.take(new_finding(**theirs))
    changed = {
        "Note": note | {"Text": "second"},
        "UserDefinedFields": {"k": "second"},
        "VerificationState": "FALSE_POSITIVE",
        "Workflow": {"Status": "RESOLVED"},
    }
    hub.take(new_finding(UpdatedAt=LATER, Title="Second", **changed))
    found = hub.get()
    assert found["Title"] == "Second"
    assert {name: found[name] for name in theirs} == theirs


def test_of_a_new_finding_the_providers_fields_win_for_both_places(hub, new_finding):
    """And either alone sets both."""
    hub.take(
        new_finding(1, FindingProviderFields={"Severity": {"Label": "HIGH"}, "Confidence": 7}),
        new_finding(2, Severity=None, FindingProviderFields={"Severity": {"Label": "LOW"}}),
        new_finding(3, Criticality=9),
    )
    first, second, third = hub.get(1), hub.get(2), hub.get(3)
    assert first["Severity"] == {"Label": "HIGH", "Normalized": 70}
    assert (first["Confidence"], first["FindingProviderFields"]["Confidence"]) == (7, 7)
    assert second["Severity"] == {"Label": "LOW", "Normalized": 1}
    assert third["FindingProviderFields"]["Criticality"] == 9


@pytest.mark.parametrize("touched", [False, True], ids=["untouched", "set by a customer"])
@pytest.mark.parametrize(
    ("request_says", "provider", "top"),
    [
        ({"FindingProviderFields": {"Confidence": 20}}, 20, 20),
        ({"Confidence": 30}, 30, 30),
        ({"Confidence": 30, "FindingProviderFields": {"Confidence": 20}}, 20, 30),
    ],
    ids=["provider's fields", "top level", "both"],
)
def test_of_an_update_the_top_level_is_the_customers_once_they_set_it(
    hub, new_finding, request_says, provider, top, touched
):
    """The table of the user guide, row by row."""
    hub.take(new_finding(Confidence=10))
    if touched:
        hub.update(Confidence=99)
    hub.take(new_finding(UpdatedAt=LATER, **request_says))
    found = hub.get()
    assert found["FindingProviderFields"]["Confidence"] == provider
    assert found["Confidence"] == (99 if touched else top)


@pytest.mark.parametrize(
    ("status", "before", "after", "expected"),
    [
        ("NOTIFIED", {"RecordState": "ARCHIVED"}, {"RecordState": "ACTIVE"}, "NEW"),
        ("RESOLVED", {"RecordState": "ARCHIVED"}, {}, "NEW"),  # ACTIVE, unless it is said
        ("SUPPRESSED", {"RecordState": "ARCHIVED"}, {"RecordState": "ACTIVE"}, "SUPPRESSED"),
        ("RESOLVED", {"RecordState": "ACTIVE"}, {"RecordState": "ARCHIVED"}, "RESOLVED"),
        ("RESOLVED", {"Compliance": {"Status": "PASSED"}},
         {"Compliance": {"Status": "FAILED"}}, "NEW"),
        ("NOTIFIED", {"Compliance": {"Status": "PASSED"}},
         {"Compliance": {"Status": "NOT_AVAILABLE"}}, "NEW"),
        ("RESOLVED", {"Compliance": {"Status": "WARNING"}},
         {"Compliance": {"Status": "FAILED"}}, "RESOLVED"),
        ("SUPPRESSED", {"Compliance": {"Status": "PASSED"}},
         {"Compliance": {"Status": "FAILED"}}, "SUPPRESSED"),
    ],
)  # fmt: skip
def test_a_finding_that_comes_back_is_new_again(hub, new_finding, status, before, after, expected):
    """Archived and active again, or passed and no longer; what is suppressed stays so."""
    hub.take(new_finding(**before))
    hub.update(Workflow={"Status": status})
    hub.take(new_finding(UpdatedAt=LATER, **after))
    assert hub.get()["Workflow"] == {"Status": expected}


def test_one_batch_succeeds_in_part(hub, new_finding):
    """Each finding by itself, with HTTP's 200 for all."""
    answer = hub(
        "BatchImportFindings",
        Findings=[new_finding(1), new_finding(2, Title=None), {}, new_finding(4)],
    )
    assert (answer["SuccessCount"], answer["FailedCount"]) == (2, 2)
    assert [each["Id"] for each in answer["FailedFindings"]] == ["finding-2", ""]
    assert {each["ErrorCode"] for each in answer["FailedFindings"]} == {"InvalidInput"}
    assert hub.ids({}) == ["finding-1", "finding-4"]
    assert len(hub.events()) == 2


@pytest.mark.parametrize(
    "members",
    [
        {"AwsAccountId": OTHER},
        {"ProductArn": f"arn:aws:securityhub:{REGION}:{OTHER}:product/{OTHER}/default"},
        {"ProductArn": f"arn:aws:securityhub:eu-west-1:{OWNER}:product/{OWNER}/default"},
        {"ProductArn": f"arn:aws:securityhub:{REGION}::product/aws/guardduty"},
        {"ProductArn": f"arn:aws:securityhub:{REGION}::product/prowler/prowler"},
        {"ProductArn": f"arn:aws:securityhub:{REGION}::product/nobody/nothing"},
    ],
)
def test_nobody_imports_in_anothers_name(hub, new_finding, members):
    """Not for another account or Region, nor as a product that is not enabled."""
    code, message = hub.failure(new_finding(**members))
    assert code == "InvalidAccess"
    assert OWNER in message
    assert hub.ids({}) == []


def test_a_partners_product_imports_once_it_is_enabled(hub, new_finding):
    """With the names that it has in AWS's catalogue."""
    arn = f"arn:aws:securityhub:{REGION}::product/prowler/prowler"
    hub("EnableImportFindingsForProduct", ProductArn=arn)
    hub.take(new_finding(ProductArn=arn, ProductName="Mine"))
    assert hub.get()["ProductName"] == "Prowler"
    # The same id of another product is another finding.
    hub.take(new_finding())
    assert len(hub.ids({})) == 2


def test_a_finding_has_at_most_240_kilobytes(hub, new_finding):
    """Measured as JSON."""
    resources = [{"Type": "Other", "Id": "x" * 30_000}] * 8
    hub.take(new_finding(Resources=resources))
    code, message = hub.failure(new_finding(2, Resources=[*resources, resources[0]]))
    assert code == "InvalidInput"
    assert "240 KB" in message


def test_a_batch_has_1_to_100_findings(hub, new_finding):
    """More fail as a whole."""
    hub.take(*(new_finding(number) for number in range(100)))
    batch = [new_finding(number) for number in range(101)]
    assert "found 101" in hub.refused(
        "InvalidInputException", "BatchImportFindings", Findings=batch
    )
    hub.refused("InvalidInputException", "BatchImportFindings", Findings=[])
    hub.refused("SerializationException", "BatchImportFindings", Findings=["finding"])
    hub.refused("SerializationException", "BatchImportFindings")


def test_every_import_and_update_is_told_to_eventbridge(hub, new_finding):
    """One finding in each event, as it is after the change."""
    hub.take(new_finding(1), new_finding(2))
    hub.update(Workflow={"Status": "RESOLVED"})
    first, _, third = hub.events()
    product = first["detail"]["findings"][0]["ProductArn"]
    assert {name: first[name] for name in ("source", "detail-type", "account", "region")} == {
        "source": "aws.securityhub",
        "detail-type": "Security Hub Findings - Imported",
        "account": OWNER,
        "region": REGION,
    }
    assert first["resources"] == [f"{product}/finding-1"]
    assert [each["Id"] for each in first["detail"]["findings"]] == ["finding-1"]
    assert third["detail"]["findings"] == [hub.get(1)]
    assert third["detail"]["findings"][0]["Workflow"]["Status"] == "RESOLVED"


def test_findings_of_aws_services_are_accepted_from_a_custom_product(hub, new_finding, project):
    """GuardDuty's, Inspector's and Security Hub's own, under the account's default product."""
    file = project.parent / "shared" / "conformance" / "asff_findings.json"
    if not file.is_file():
        pytest.skip("the findings (../shared/conformance/asff_findings.json) are not here")
    own = {name: new_finding()[name] for name in ("ProductArn", "AwsAccountId")}
    published = [each["finding"] | own for each in json.loads(file.read_text())]
    hub.take(*published)
    found = hub("GetFindings", MaxResults=100)["Findings"]
    for sent, kept in zip(published, found, strict=True):
        assert kept["Severity"]["Label"] == sent["Severity"]["Label"]
        assert kept["Severity"]["Normalized"] == sent["Severity"]["Normalized"]
        assert kept["FindingProviderFields"]["Types"] == sent["Types"]
