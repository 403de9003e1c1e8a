"""How far a wildcard of the Resource element reaches."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.iam.resources import resource_matcher
from pkilab.iam.wildcards import tokens

BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"


def covers(pattern, value):
    return resource_matcher(tokens(pattern))(value)


@pytest.mark.parametrize(
    ("key", "covered"),
    [
        ("/1/test/object.jpg", True),
        ("/1/2/test/object.jpg", True),
        ("/1/2/test/3/object.jpg", True),
        ("/1/2/3/test/4/object.jpg", True),
        ("/1///test///object.jpg", True),
        ("/1/test/.jpg", True),
        ("//test/object.jpg", True),
        ("/1/test/", True),
        ("/1-test/object.jpg", False),
        ("/test/object.jpg", False),
        ("/1/2/test.jpg", False),
    ],
)
def test_the_users_guides_example_of_a_star_over_slashes(key, covered):
    """IAM User Guide, "IAM JSON policy elements: Resource", the bucket with /*/test/*."""
    assert covers(f"{BUCKET}/*/test/*", BUCKET + key) is covered


@pytest.mark.parametrize(
    ("pattern", "value", "covered"),
    [
        ("*", "anything:at/all", True),
        ("arn:aws:kms:us-east-1:1:key/*", "arn:aws:kms:us-east-1:1:key/1", True),
        ("arn:aws:kms:*", "arn:aws:kms:us-east-1:111122223333:key/1", True),
        ("arn:aws:*:key/1", "arn:aws:kms:us-east-1:111122223333:key/1", True),
        ("arn:aws:kms:us-*-1:*:key/1", "arn:aws:kms:us-east-1:111122223333:key/1", True),
        ("arn:aws:kms:us-*-1:*:key/1", "arn:aws:kms:us-east-2:111122223333:key/1", False),
        ("arn:aws:kms:u*1:111122223333:key/1", "arn:aws:kms:us-east-1:111122223333:key/1", True),
        ("arn:aws:kms:u*3:key/1", "arn:aws:kms:us-east-1:111122223333:key/1", False),
        ("arn:aws:kms?us-east-1:1:key/1", "arn:aws:kms:us-east-1:1:key/1", False),
        ("arn:aws:logs:eu:1:log-group:a*z", "arn:aws:logs:eu:1:log-group:a:b:z", True),
        ("arn:aws:s3:::bucket/A", "arn:aws:s3:::bucket/a", False),
    ],
)  # fmt: skip
def test_a_star_crosses_colons_only_where_it_ends_a_part(pattern, value, covered):
    """Inside one of the first five parts it stays there; in the resource colons are text."""
    assert covers(pattern, value) is covered


@given(pattern=st.text("a:*?", max_size=14), value=st.text("a:", max_size=14))
def test_resources_are_matched_as_a_regular_expression_says(pattern, value):
    """A second reading of the same sentences, which tries every way."""
    expression = ""
    for position, character in enumerate(pattern):
        confined = pattern[:position].count(":") < 5
        if character == "*":
            ends = pattern[position + 1 : position + 2] in ("", ":")
            expression += "[^:]*" if confined and not ends else ".*"
        elif character == "?":
            expression += "[^:]" if confined else "."
        else:
            expression += re.escape(character)
    assert covers(pattern, value) is (re.fullmatch(expression, value, re.DOTALL) is not None)
