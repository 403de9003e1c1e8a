"""Hubs: enabled, described, tagged, disabled."""

import pytest

from pkilab.simulator.service import AwsError

OWNER, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
HUB = f"arn:aws:securityhub:{REGION}:{OWNER}:hub/default"
PROWLER = f"arn:aws:securityhub:{REGION}::product/prowler/prowler"


def test_before_it_is_enabled_every_operation_is_refused(open_hub, new_finding):
    """In AWS's words, with HTTP's 401; in each account and Region by itself."""
    hub = open_hub(enabled=False)
    calls = {
        "DescribeHub": {},
        "GetFindings": {},
        "BatchImportFindings": {"Findings": [new_finding()]},
        "GetInsights": {},
        "ListAutomationRules": {},
        "DisableSecurityHub": {},
    }
    for operation, members in calls.items():
        message = hub.refused("InvalidAccessException", operation, **members)
        assert message == f"Account {OWNER} is not subscribed to AWS Security Hub"
    with pytest.raises(AwsError) as refused:
        hub("DescribeHub")
    assert (refused.value.status, refused.value.members) == (401, {"Code": refused.value.code})
    hub("EnableSecurityHub")
    assert hub("DescribeHub")["HubArn"] == HUB
    for place in ({"account": OTHER}, {"region": "eu-west-1"}):
        hub.refused("InvalidAccessException", "DescribeHub", **place)


def test_a_hub_is_enabled_once(hub):
    """Default standards are wanted by default, and never evaluated."""
    hub.refused("ResourceConflictException", "EnableSecurityHub")
    assert hub("DescribeHub") == {
        "HubArn": HUB,
        "SubscribedAt": "2026-11-02T09:00:00.000Z",
        "AutoEnableControls": True,
        "ControlFindingGenerator": "SECURITY_CONTROL",
    }
    assert hub("GetFindings")["Findings"] == []
    hub.refused("ResourceNotFoundException", "DescribeHub", HubArn=HUB.replace("default", "other"))
    hub("EnableSecurityHub", account=OTHER, EnableDefaultStandards=False)
    assert OTHER in hub("DescribeHub", account=OTHER)["HubArn"]


def test_settings_are_changed(hub):
    """One by one."""
    hub("UpdateSecurityHubConfiguration", AutoEnableControls=False)
    hub("UpdateSecurityHubConfiguration", ControlFindingGenerator="STANDARD_CONTROL")
    found = hub("DescribeHub")
    assert (found["AutoEnableControls"], found["ControlFindingGenerator"]) == (
        False, "STANDARD_CONTROL",
    )  # fmt: skip


def test_what_a_disabled_hub_had_is_back_within_90_days(hub, new_finding):
    """And gone after them."""
    hub.take(new_finding())
    hub("DisableSecurityHub")
    hub.refused("InvalidAccessException", "GetFindings")
    hub.world.clock.advance(days=89)
    hub("EnableSecurityHub")
    assert hub.ids({}) == ["finding-1"]
    hub("CreateInsight", Name="i", Filters={}, GroupByAttribute="ResourceId")
    hub("DisableSecurityHub")
    hub.world.clock.advance(days=90)
    hub("EnableSecurityHub")
    assert hub.ids({}) == []
    assert hub("GetInsights")["Insights"] == []


def test_a_finding_goes_90_days_after_its_last_change(hub, new_finding):
    """Of its provider's or of a customer's."""
    hub.take(new_finding(1), new_finding(2), new_finding(3))
    hub.world.clock.advance(days=60)
    hub.take(new_finding(1, UpdatedAt="2026-12-31T09:00:00Z"))
    hub.update(2, Workflow={"Status": "NOTIFIED"})
    hub.world.clock.advance(days=29, hours=23)
    assert hub.ids({}) == ["finding-1", "finding-2", "finding-3"]
    hub.world.clock.advance(hours=1)
    assert hub.ids({}) == ["finding-1", "finding-2"]
    hub.take(new_finding(3))  # a new finding
    assert hub.ids({}) == ["finding-1", "finding-2", "finding-3"]
    hub.world.clock.advance(days=60)
    assert hub.ids({}) == ["finding-3"]


def test_tags_are_on_the_hub(hub):
    """Set, listed, taken away; nothing else has them here."""
    hub("TagResource", ResourceArn=HUB, Tags={"team": "pki", "stage": "lab"})
    hub("UntagResource", ResourceArn=HUB, TagKeys=["stage", "other"])
    assert hub("ListTagsForResource", ResourceArn=HUB) == {"Tags": {"team": "pki"}}
    assert hub.service.resource(HUB).tags == {"team": "pki"}
    assert hub.service.resource(HUB.replace(OWNER, OTHER)) is None
    hub.refused("ResourceNotFoundException", "ListTagsForResource", ResourceArn=f"{HUB}/x")
    more = {str(number): "v" for number in range(50)}
    hub.refused("InvalidInputException", "TagResource", ResourceArn=HUB, Tags=more)


def test_partners_products_are_subscribed_to(hub):
    """Once each; AWS's own are as soon as both are enabled."""
    subscription = hub("EnableImportFindingsForProduct", ProductArn=PROWLER)
    arn = f"arn:aws:securityhub:{REGION}:{OWNER}:product-subscription/prowler/prowler"
    assert subscription == {"ProductSubscriptionArn": arn}
    assert hub("ListEnabledProductsForImport")["ProductSubscriptions"] == [arn]
    own = PROWLER.replace("prowler/prowler", "aws/guardduty")
    for product in (PROWLER, own):
        hub.refused(
            "ResourceConflictException", "EnableImportFindingsForProduct", ProductArn=product
        )
    hub.refused("InvalidInputException", "EnableImportFindingsForProduct", ProductArn=f"{PROWLER}x")
    hub("DisableImportFindingsForProduct", ProductSubscriptionArn=arn)
    hub.refused(
        "ResourceNotFoundException", "DisableImportFindingsForProduct", ProductSubscriptionArn=arn
    )


def test_products_are_listed_page_by_page(hub):
    """Or one of them is described."""
    first = hub("DescribeProducts", MaxResults=5)
    rest = hub("DescribeProducts", MaxResults=5, NextToken=first["NextToken"])
    names = [each["ProductName"] for each in first["Products"] + rest["Products"]]
    assert "Prowler" in names
    assert len(set(names)) == len(names) > 5
    (one,) = hub("DescribeProducts", ProductArn=PROWLER)["Products"]
    assert one["CompanyName"] == "Prowler"
    for wrong in ({"ProductArn": HUB}, {"NextToken": "x"}):
        hub.refused("InvalidInputException", "DescribeProducts", **wrong)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("BatchEnableStandards", {"StandardsSubscriptionRequests": [{"StandardsArn": "arn"}]}),
        ("GetEnabledStandards", {}),
        ("DescribeStandards", {}),
        ("ListSecurityControlDefinitions", {}),
        ("CreateMembers", {"AccountDetails": [{"AccountId": OTHER}]}),
        ("GetAdministratorAccount", {}),
        ("EnableOrganizationAdminAccount", {"AdminAccountId": OTHER}),
        ("CreateFindingAggregator", {"RegionLinkingMode": "ALL_REGIONS"}),
        ("ListConfigurationPolicies", {}),
        ("EnableSecurityHubV2", {}),
        ("GetFindingsV2", {}),
        ("CreateConnectorV2", {"Name": "n", "Provider": {}}),
    ],
)
def test_standards_members_aggregation_and_the_new_security_hub_are_refused(
    hub, operation, members
):
    """Not simulated, and never ignored."""
    assert operation in hub.refused("NotImplemented", operation, **members)
