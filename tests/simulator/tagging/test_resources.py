"""What a type filter means."""

import pytest

from pkilab.simulator.tagging.resources import is_of, matches, type_of

PLACE = "us-east-1:111122223333"


@pytest.mark.parametrize(
    ("arn", "service", "kind"),
    [
        ("arn:aws:s3:::lab", "s3", "bucket"),
        (f"arn:aws:sns:{PLACE}:t", "sns", "topic"),
        (f"arn:aws:sqs:{PLACE}:rule", "sqs", "queue"),
        (f"arn:aws:kms:{PLACE}:key/1", "kms", "key"),
        (f"arn:aws:lambda:{PLACE}:function:f", "lambda", "function"),
        (f"arn:aws:logs:{PLACE}:log-group:/a/b", "logs", "log-group"),
        ("arn:aws:apigateway:us-east-1::/apis/a/stages/s", "apigateway", "apis"),
        (f"arn:aws:ssm:{PLACE}:parameter/a/b", "ssm", "parameter"),
    ],
)
def test_a_type_is_what_an_arn_says(arn, service, kind):
    """The service alone is enough, another type is not."""
    assert type_of(arn) == (service, kind)
    assert is_of(arn, service)
    assert is_of(arn, f"{service}:{kind}")
    assert not is_of(arn, f"{service}:{kind}s")
    assert not is_of(arn, kind)


def test_a_tag_without_a_value_has_an_empty_one():
    """Private CA's and ACM's may have none."""
    assert matches({"k": None}, "k", [""])
    assert matches({"k": None}, "k", [])
    assert not matches({"k": None}, "k", ["a"])
    assert not matches({}, "k", [""])
