"""The limits of findings, against the documentation that botocore's model carries."""

import re

import pytest

from pkilab.simulator.securityhub.limits import LIMITS, TIMESTAMPS
from pkilab.simulator.service import service_model

_LENGTH = re.compile(
    r"Length Constraints: Minimum (?:length )?of 1(?: length)?\. Maximum (?:length )?of (\d+)"
)
_WHOLE = re.compile(r"Length Constraints: (\d+)\.")
_ITEMS = re.compile(r"Array Members: (?:Minimum number of (\d+) items?\. )?Maximum number of (\d+)")
_PAIRS = re.compile(
    r"up to (\d+) key-value pairs.*key can contain up to (\d+) characters,"
    r" and the value can contain up to (\d+)"
)


@pytest.fixture(scope="module")
def documented():
    """Every member of a finding under the name of its structure, with its documentation."""
    found, seen = {}, set()

    def walk(shape):
        if shape.type_name == "structure" and shape.name not in seen:
            seen.add(shape.name)
            for name, member in shape.members.items():
                text = re.sub("<[^>]+>", " ", member.documentation or "")
                found[f"{shape.name}.{name}"] = re.sub(r"\s+", " ", text)
                walk(member)
        elif shape.type_name == "list":
            walk(shape.member)
        elif shape.type_name == "map":
            walk(shape.value)

    walk(service_model("securityhub").shape_for("AwsSecurityFinding"))
    if not any(found.values()):
        pytest.skip("this botocore carries no documentation")
    return found


def test_the_timestamps_are_those_that_the_documentation_calls_so(documented):
    """Every member of every type of resource, too."""
    assert {name for name, text in documented.items() if "see Timestamps" in text} == TIMESTAMPS


def test_lengths_are_those_of_the_documentation(documented):
    """No documented limit is missing, none differs."""
    for name, text in documented.items():
        found = _LENGTH.search(text) or _WHOLE.search(text)
        if found and name != "AwsSecurityFinding.AwsAccountId":
            assert LIMITS[name].most == int(found[1]), name


def test_numbers_of_items_and_pairs_are_those_of_the_documentation(documented):
    """Lists and maps of findings, not of resources' details."""
    checked = set()
    for name, text in documented.items():
        if (found := _ITEMS.search(text)) and not name.startswith("AwsLambda"):
            limit = LIMITS[name]
            assert (limit.least or 0, limit.most) == (int(found[1] or 0), int(found[2])), name
            checked.add(name)
        if found := _PAIRS.search(text):
            limit = LIMITS[name]
            assert (limit.most, limit.key, limit.value) == tuple(map(int, found.groups())), name
            checked.add(name)
    assert len(checked) > 9


def test_every_limit_is_on_a_member_that_there_is(documented):
    """A misspelt name would never be asked."""
    known = set(documented) | {"NoteUpdate.Text"}
    assert set(LIMITS) <= known
