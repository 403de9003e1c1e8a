"""The filter language."""

import pytest

TITLES = {1: "root signed", 2: "root disabled", 3: "policy changed", 4: "Root gone"}


def like(comparison, *values):
    return [{"Comparison": comparison, "Value": value} for value in values]


@pytest.fixture
def titled(hub, new_finding):
    """A hub with four findings of different titles and severities."""
    normalized = {1: 0, 2: 40, 3: 75, 4: 100}
    hub.take(
        *(
            new_finding(
                number,
                Title=title,
                Severity={"Normalized": normalized[number]},
                UpdatedAt=f"2026-11-0{number}T09:00:00Z",
                Resources=[
                    {"Type": "Other", "Id": f"r{number}", "Tags": {"stage": f"s{number % 2}"}},
                    {"Type": "AwsEc2Instance", "Id": "shared",
                     "Details": {"AwsEc2Instance": {"IpV4Addresses": [f"10.0.{number}.1"]}}},
                ],
            )
            for number, title in TITLES.items()
        )
    )  # fmt: skip
    return lambda **filters: {int(each[8:]) for each in hub.ids(filters)}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (like("EQUALS", "root signed"), {1}),
        (like("EQUALS", "root signed", "policy changed"), {1, 3}),
        (like("EQUALS", "Root signed"), set()),
        (like("PREFIX", "root"), {1, 2}),
        (like("PREFIX", "root") + like("EQUALS", "Root gone"), {1, 2, 4}),
        (like("NOT_EQUALS", "root signed", "Root gone"), {2, 3}),
        (like("PREFIX_NOT_EQUALS", "root", "Root"), {3}),
        (like("PREFIX", "root") + like("NOT_EQUALS", "root signed"), {2}),
        (like("PREFIX", "r", "R") + like("PREFIX_NOT_EQUALS", "root d"), {1, 4}),
    ],
)
def test_texts_are_alternatives_where_they_affirm_and_all_hold_where_they_deny(
    titled, filters, expected
):
    """Case counts; prefixes are narrowed by what is not wanted."""
    assert titled(Title=filters) == expected


def test_filters_of_different_names_must_all_match(titled):
    """AND between names, OR within one."""
    assert titled(Title=like("PREFIX", "root"), SeverityLabel=like("EQUALS", "MEDIUM", "HIGH")) == {
        2
    }


def test_a_list_matches_by_any_of_its_values_and_is_denied_by_any(titled):
    """Resources, types."""
    assert titled(ResourceId=like("EQUALS", "r2")) == {2}
    assert titled(ResourceId=like("NOT_EQUALS", "r2")) == {1, 3, 4}
    assert titled(ResourceId=like("EQUALS", "shared")) == {1, 2, 3, 4}
    assert titled(Type=like("EQUALS", "Unusual Behaviors")) == {1, 2, 3, 4}


def test_what_is_absent_fulfils_denials_alone(titled):
    """A finding without a note."""
    assert titled(NoteText=like("EQUALS", "x")) == set()
    assert titled(NoteText=like("NOT_EQUALS", "x")) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("filters", "part"),
    [
        (
            like("EQUALS", "a") + like("NOT_EQUALS", "b"),
            "EQUALS cannot be combined with NOT_EQUALS",
        ),
        (like("EQUALS", "a") + like("PREFIX_NOT_EQUALS", "b"), "with PREFIX_NOT_EQUALS"),
        (like("CONTAINS", "a"), "CONTAINS can be used only with automation rules"),
        (like("NOT_CONTAINS", "a"), "NOT_CONTAINS can be used only with automation rules"),
        (like("CONTAINS_WORD", "a"), "GetFindingsV2"),
        (like("EQUALS", *"abcdefghijklmnopqrstu"), "1 to 20 values"),
        ([], "1 to 20 values"),
        ([{"Value": "a"}], "needs Comparison"),
        ([{"Comparison": "EQUALS"}], "needs Value"),
    ],
)
def test_texts_that_may_not_stand_together_are_refused(hub, filters, part):
    """In words that say which."""
    message = hub.refused("InvalidInputException", "GetFindings", Filters={"Title": filters})
    assert part in message


def test_at_most_ten_names_are_filtered_by(hub):
    """One more is refused."""
    names = [
        "Title", "Description", "Id", "ProductArn", "GeneratorId", "Type", "SourceUrl", "NoteText",
        "ResourceId", "ResourceType", "Region",
    ]  # fmt: skip
    assert hub.ids({name: like("EQUALS", "x") for name in names[:10]}) == []
    asked = {name: like("EQUALS", "x") for name in names}
    assert "10 attributes" in hub.refused("InvalidInputException", "GetFindings", Filters=asked)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([{"Eq": 40}], {2}),
        ([{"Gte": 40, "Lte": 75}], {2, 3}),
        ([{"Gt": 40, "Lt": 100}], {3}),
        ([{"Eq": 0}, {"Gte": 100}], {1, 4}),
    ],
)
def test_numbers_lie_within_limits(titled, asked, expected):
    """All of one filter, any of several."""
    assert titled(SeverityNormalized=asked) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"Start": "2026-11-02T09:00:00Z", "End": "2026-11-03T09:00:00Z"}, {2, 3}),
        ({"Start": "2026-11-02T10:00:00+01:00", "End": "2026-11-02T09:00:00Z"}, {2}),
        ({"Start": "2026-11-03T09:00:00.1Z"}, {4}),
        ({"DateRange": {"Value": 2, "Unit": "DAYS"}}, {3, 4}),
        ({"DateRange": {"Value": 2, "Unit": "DAYS", "Comparison": "WITHIN"}}, {3, 4}),
        ({"DateRange": {"Value": 2, "Unit": "DAYS", "Comparison": "OLDER_THAN"}}, {1, 2}),
    ],
)
def test_dates_lie_between_two_moments_or_so_many_days_back(hub, titled, asked, expected):
    """By the lab's clock."""
    hub.world.clock.advance(days=3)  # the 5th of November, 9 o'clock
    assert titled(UpdatedAt=[asked]) == expected


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("SeverityNormalized", {}),
        ("UpdatedAt", {}),
        ("UpdatedAt", {"Start": "yesterday"}),
        ("UpdatedAt", {"DateRange": {"Value": 0, "Unit": "DAYS"}}),
        ("UpdatedAt", {"DateRange": {"Value": 1}}),
        ("UpdatedAt", {"Start": "2026-11-02T09:00:00Z", "DateRange": {"Value": 1, "Unit": "DAYS"}}),
        ("ResourceAwsEc2InstanceIpV4Addresses", {"Cidr": "10.0.0.0/33"}),
        ("ResourceAwsEc2InstanceIpV4Addresses", {}),
        ("ResourceTags", {"Comparison": "EQUALS", "Value": "v"}),
        ("ResourceTags", {"Comparison": "CONTAINS", "Key": "k", "Value": "v"}),
        ("Sample", {}),
    ],
)
def test_incomplete_filters_are_refused(hub, name, asked):
    """Of every kind."""
    assert name in hub.refused("InvalidInputException", "GetFindings", Filters={name: [asked]})


def test_maps_are_asked_key_by_key(titled):
    """Tags, product fields."""
    asked = {"Key": "stage", "Value": "s0"}
    assert titled(ResourceTags=[asked | {"Comparison": "EQUALS"}]) == {2, 4}
    assert titled(ResourceTags=[asked | {"Comparison": "NOT_EQUALS"}]) == {1, 3}
    other = {"Key": "other", "Value": "s0", "Comparison": "EQUALS"}
    assert titled(ResourceTags=[other]) == set()


def test_addresses_lie_in_a_network(titled):
    """With the mask that is given."""
    assert titled(ResourceAwsEc2InstanceIpV4Addresses=[{"Cidr": "10.0.2.0/23"}]) == {2, 3}
    assert titled(ResourceAwsEc2InstanceIpV4Addresses=[{"Cidr": "192.0.2.0/24"}]) == set()


def test_keywords_are_found_anywhere(titled):
    """Without regard to case."""
    assert titled(Keyword=[{"Value": "GONE"}]) == {4}
    assert titled(Keyword=[{"Value": "policy"}, {"Value": "gone"}]) == {3, 4}


def test_samples_are_told_from_real_findings(hub, new_finding):
    """What does not say is neither."""
    hub.take(new_finding(1, Sample=True), new_finding(2, Sample=False), new_finding(3))
    assert hub.ids({"Sample": [{"Value": True}]}) == ["finding-1"]
    assert hub.ids({"Sample": [{"Value": False}]}) == ["finding-2"]
