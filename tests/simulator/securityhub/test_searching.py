"""Pages and orders of findings."""

import base64
from itertools import chain

import pytest


@pytest.fixture
def many(hub, new_finding):
    """A hub with 250 findings."""
    for first in range(0, 250, 50):
        hub.take(
            *(
                new_finding(number, Confidence=number % 7, Title=f"number {number % 2}")
                for number in range(first, first + 50)
            )
        )
    return hub


def pages(hub, **members):
    """Return the ids of every page."""
    found, token = [], None
    while True:
        extra = {"NextToken": token} if token else {}
        answer = hub("GetFindings", **members, **extra)
        found.append([each["Id"] for each in answer["Findings"]])
        token = answer["NextToken"]
        if token is None:
            return found


def test_findings_come_in_the_order_of_their_creation_page_by_page(many):
    """100 at once unless less is asked for; none is missing, none comes twice."""
    found = pages(many)
    assert [len(each) for each in found] == [100, 100, 50]
    assert list(chain(*found)) == [f"finding-{number}" for number in range(250)]
    assert [len(each) for each in pages(many, MaxResults=90)] == [90, 90, 70]


def test_a_filtered_search_has_no_empty_last_page(many):
    """A token is given only if more follows."""
    asked = {"Title": [{"Value": "number 0", "Comparison": "EQUALS"}]}
    found = pages(many, Filters=asked, MaxResults=25)
    assert [len(each) for each in found] == [25] * 5
    assert len(set(chain(*found))) == 125


def test_an_update_between_two_pages_hides_nothing(many, new_finding):
    """The place of a finding stays where it was created."""
    first = many("GetFindings", MaxResults=100)
    many.take(new_finding(150, UpdatedAt="2026-11-02T10:00:00Z"))
    second = many("GetFindings", MaxResults=100, NextToken=first["NextToken"])
    assert [each["Id"] for each in second["Findings"]] == [
        f"finding-{number}" for number in range(100, 200)
    ]


def test_findings_are_sorted_by_several_fields(many, new_finding):
    """The first counts most; what is absent comes last in either order."""
    many.take(new_finding(999))
    criteria = [
        {"Field": "Confidence", "SortOrder": "desc"},
        {"Field": "CreatedAt", "SortOrder": "asc"},
        {"Field": "Id", "SortOrder": "desc"},
    ]
    found = list(chain(*pages(many, SortCriteria=criteria, MaxResults=60)))
    numbers = [int(each[8:]) for each in found]
    assert numbers.pop() == 999
    expected = sorted(range(250), key=lambda number: f"finding-{number}", reverse=True)
    assert numbers == sorted(expected, key=lambda number: -(number % 7))
    ascending = list(chain(*pages(many, SortCriteria=[{"Field": "Confidence"}])))
    assert ascending[0] == "finding-0"
    assert ascending[-1] == "finding-999"


def test_times_are_sorted_as_times(hub, new_finding):
    """Not as texts: zones count."""
    hub.take(
        new_finding(1, UpdatedAt="2026-11-02T10:00:00+05:00"),
        new_finding(2, UpdatedAt="2026-11-02T09:00:00Z"),
    )
    criteria = [{"Field": "UpdatedAt", "SortOrder": "desc"}]
    assert hub.ids({}, SortCriteria=criteria) == ["finding-2", "finding-1"]


@pytest.mark.parametrize("field", ["Nothing", "ResourceTags", None])
def test_what_has_no_order_is_not_sorted_by(hub, field):
    """An unknown name, a map, none."""
    criterion = {"SortOrder": "asc"} | ({"Field": field} if field else {})
    hub.refused("InvalidInputException", "GetFindings", SortCriteria=[criterion])


@pytest.mark.parametrize(
    "token", ["", "?", base64.b64encode(b"x").decode(), base64.b64encode(b"\xff:1").decode()]
)
def test_a_token_that_is_none_is_refused(many, token):
    """Also that of another search."""
    if not token:
        token = many("GetFindings", MaxResults=1)["NextToken"]
        asked = {"Title": [{"Value": "number 0", "Comparison": "EQUALS"}]}
        message = many.refused(
            "InvalidInputException", "GetFindings", Filters=asked, NextToken=token
        )
    else:
        message = many.refused("InvalidInputException", "GetFindings", NextToken=token)
    assert "NextToken" in message


def test_pages_have_1_to_100_findings(hub):
    """By the model."""
    for size in (0, 101):
        hub.refused("InvalidInputException", "GetFindings", MaxResults=size)


def test_a_sorted_search_sees_findings_that_came_meanwhile(many, new_finding):
    """What is remembered of a search is forgotten with the next change."""
    criteria = [{"Field": "Id", "SortOrder": "asc"}]
    assert many.ids({}, SortCriteria=criteria, MaxResults=1) == ["finding-0"]
    many.take(new_finding(Id="a"))
    assert many.ids({}, SortCriteria=criteria, MaxResults=1) == ["a"]
