"""Saved searches and custom actions."""

import pytest

OWNER, REGION = "111122223333", "us-east-1"
BY_SEVERITY = {"Filters": {}, "GroupByAttribute": "SeverityLabel"}


def counts(hub, **members):
    arn = hub("CreateInsight", Name="an insight", **members)["InsightArn"]
    results = hub("GetInsightResults", InsightArn=arn)["InsightResults"]
    assert results["InsightArn"] == arn
    assert results["GroupByAttribute"] == members["GroupByAttribute"]
    return [(each["GroupByAttributeValue"], each["Count"]) for each in results["ResultValues"]]


@pytest.fixture
def filled(hub, new_finding):
    """A hub with findings of different severities and resources."""
    labels = ["LOW", "HIGH", "HIGH", "LOW", "HIGH", "CRITICAL"]
    hub.take(
        *(
            new_finding(
                number,
                Severity={"Label": label},
                Resources=[{"Type": "Other", "Id": "root"}, {"Type": "Other", "Id": f"r{number}"}],
            )
            for number, label in enumerate(labels)
        )
    )
    return hub


def test_findings_are_counted_by_value_the_most_frequent_first(filled):
    """Equal counts in the order of the values."""
    assert counts(filled, **BY_SEVERITY) == [("HIGH", 3), ("LOW", 2), ("CRITICAL", 1)]
    resources = counts(filled, Filters={}, GroupByAttribute="ResourceId")
    assert resources == [("root", 6), *((f"r{number}", 1) for number in range(6))]
    # A finding counts once for a value, however many resources have it.
    assert counts(filled, Filters={}, GroupByAttribute="ResourceType") == [("Other", 6)]
    assert counts(filled, Filters={}, GroupByAttribute="SeverityNormalized")[0] == ("70", 3)


def test_only_what_the_filters_let_through_is_counted(filled):
    """As GetFindings would."""
    low = {"SeverityLabel": [{"Value": "LOW", "Comparison": "EQUALS"}]}
    found = counts(filled, Filters=low, GroupByAttribute="SeverityLabel")
    assert found == [("LOW", 2)]


def test_at_most_100_values_are_returned(hub, new_finding):
    """The rest is cut off."""
    hub.take(*(new_finding(n, Resources=[{"Type": "x", "Id": str(n)}]) for n in range(100)))
    hub.take(new_finding(100, Resources=[{"Type": "x", "Id": "100"}]))
    assert len(counts(hub, Filters={}, GroupByAttribute="ResourceId")) == 100


def test_insights_are_kept_changed_and_deleted(hub):
    """Under an ARN of the account's."""
    arn = hub("CreateInsight", Name="first", **BY_SEVERITY)["InsightArn"]
    assert arn.startswith(f"arn:aws:securityhub:{REGION}:{OWNER}:insight/{OWNER}/custom/")
    other = hub("CreateInsight", Name="second", **BY_SEVERITY)["InsightArn"]
    hub("UpdateInsight", InsightArn=arn, Name="renamed", GroupByAttribute="ResourceId")
    page = hub("GetInsights", MaxResults=1)
    assert page["Insights"] == [
        {"InsightArn": arn, "Name": "renamed", "Filters": {}, "GroupByAttribute": "ResourceId"}
    ]
    (last,) = hub("GetInsights", NextToken=page["NextToken"])["Insights"]
    assert last["InsightArn"] == other
    assert hub("DeleteInsight", InsightArn=arn) == {"InsightArn": arn}
    for operation in ("DeleteInsight", "UpdateInsight", "GetInsightResults"):
        hub.refused("ResourceNotFoundException", operation, InsightArn=arn)
    hub.refused("ResourceNotFoundException", "GetInsights", InsightArns=[arn])


@pytest.mark.parametrize("group", ["UpdatedAt", "ResourceTags", "Nothing", "Keyword"])
def test_findings_are_not_grouped_by_what_is_no_value(hub, group):
    """Dates, maps, unknown names."""
    hub.refused(
        "InvalidInputException", "CreateInsight", Name="i", Filters={}, GroupByAttribute=group
    )
    arn = hub("CreateInsight", Name="i", **BY_SEVERITY)["InsightArn"]
    hub.refused("InvalidInputException", "UpdateInsight", InsightArn=arn, GroupByAttribute=group)


def test_filters_are_checked_when_they_are_saved(hub):
    """Not when they are used."""
    wrong = {"Title": [{"Comparison": "CONTAINS", "Value": "x"}]}
    hub.refused(
        "InvalidInputException", "CreateInsight", Name="i", Filters=wrong, GroupByAttribute="Id"
    )


def test_there_are_100_insights_and_none_of_awss(hub):
    """Managed insights are not simulated."""
    for number in range(100):
        hub("CreateInsight", Name=str(number), **BY_SEVERITY)
    hub.refused("LimitExceededException", "CreateInsight", Name="x", **BY_SEVERITY)
    managed = "arn:aws:securityhub:::insight/securityhub/default/1"
    hub.refused("NotImplemented", "GetInsightResults", InsightArn=managed)


def test_custom_actions_are_kept_under_their_ids(hub):
    """What they send is sent from the console alone."""
    arn = hub("CreateActionTarget", Name="Tell", Description="the team", Id="tell")[
        "ActionTargetArn"
    ]
    assert arn == f"arn:aws:securityhub:{REGION}:{OWNER}:action/custom/tell"
    hub.refused(
        "ResourceConflictException", "CreateActionTarget", Name="x", Description="x", Id="tell"
    )
    hub("UpdateActionTarget", ActionTargetArn=arn, Description="everybody")
    assert hub("DescribeActionTargets")["ActionTargets"] == [
        {"ActionTargetArn": arn, "Name": "Tell", "Description": "everybody"}
    ]
    assert hub("DeleteActionTarget", ActionTargetArn=arn) == {"ActionTargetArn": arn}
    for operation in ("DeleteActionTarget", "UpdateActionTarget"):
        hub.refused("ResourceNotFoundException", operation, ActionTargetArn=arn)
    hub.refused("ResourceNotFoundException", "DescribeActionTargets", ActionTargetArns=[arn])


@pytest.mark.parametrize(
    "members", [{"Name": "x" * 21}, {"Id": "x" * 21}, {"Id": "a-b"}, {"Id": "\u00e4"}]
)
def test_custom_actions_have_short_names(hub, members):
    """20 characters, letters and digits for the id."""
    whole = {"Name": "n", "Description": "d", "Id": "i"} | members
    hub.refused("InvalidInputException", "CreateActionTarget", **whole)


def test_there_are_50_custom_actions(hub):
    """No more."""
    for number in range(50):
        hub("CreateActionTarget", Name="n", Description="d", Id=str(number))
    hub.refused("LimitExceededException", "CreateActionTarget", Name="n", Description="d", Id="x")
