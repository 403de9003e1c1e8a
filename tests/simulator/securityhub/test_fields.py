"""Where filters look."""

import pytest
from botocore.model import ListShape, MapShape

from pkilab.simulator.securityhub import fields
from pkilab.simulator.service import service_model


@pytest.mark.parametrize("filters", ["AwsSecurityFindingFilters", "AutomationRulesFindingFilters"])
def test_every_filter_of_the_model_leads_to_a_member_of_a_finding(filters):
    """And to one of a kind that the filter can be held against."""
    kinds = fields.kinds(filters)
    assert len(kinds) > 40
    for name, kind in kinds.items():
        shape = service_model("securityhub").shape_for("AwsSecurityFinding")
        for step in fields.path(name):
            shape = shape.member if isinstance(shape, ListShape) else shape
            shape = shape.members[step]
        shape = shape.member if isinstance(shape, ListShape) else shape
        expected = {
            "MapFilter": "map", "NumberFilter": ("integer", "double"), "BooleanFilter": "boolean",
            "KeywordFilter": "structure",
        }.get(kind, "string")  # fmt: skip
        assert shape.type_name in expected, name
        assert isinstance(shape, MapShape) == (kind == "MapFilter"), name


def test_values_are_found_through_lists_and_absence_is_no_value():
    """Every resource's, every type."""
    finding = {"Types": ["a", "b"], "Resources": [{"Id": "1", "Tags": {"k": "v"}}, {"Id": "2"}]}
    assert fields.values(finding, fields.path("Type")) == ["a", "b"]
    assert fields.values(finding, fields.path("ResourceId")) == ["1", "2"]
    assert fields.values(finding, fields.path("ResourceTags")) == [{"k": "v"}]
    assert fields.values(finding, fields.path("NoteText")) == []
    assert list(fields.texts(finding)) == ["a", "b", "1", "v", "2"]
