"""What SNS takes: whatever comes, only its own errors leave."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.service import AwsError
from pkilab.simulator.sns.checks import (
    check_attributes,
    check_entry,
    check_protocol,
    check_subscription_attribute,
    check_topic_attribute,
    is_topics,
    read_policy,
    read_redrive,
    read_topic_arn,
    size,
    topic_of,
)

ARN = "arn:aws:sns:us-east-1:111122223333:t"
CODES = {"InvalidParameter", "NotImplemented", "ParameterValueInvalid"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inside: (
        st.lists(inside, max_size=2)
        | st.dictionaries(
            st.sampled_from(["Version", "Statement", "Action", "Resource", "Effect", "Principal"]),
            inside,
            max_size=4,
        )
    ),
)


def quiet(check, *arguments):
    """Check that nothing but SNS's errors leaves."""
    try:
        check(*arguments)
    except AwsError as error:
        assert error.code in CODES


def test_arns_are_told_apart():
    """A topic's, a subscription's, and none."""
    assert read_topic_arn(ARN) == ("us-east-1", "111122223333", "t")
    assert topic_of(f"{ARN}:{'0' * 36}") == ARN
    for wrong in ("x", f"{ARN}:x", "arn:aws:sqs:us-east-1:111122223333:t"):
        with pytest.raises(AwsError, match="Invalid parameter: TopicArn"):
            read_topic_arn(wrong)
        with pytest.raises(AwsError, match="Invalid parameter: SubscriptionArn"):
            topic_of(wrong)


def test_bytes_of_a_message_are_those_of_its_attributes_too():
    """Names, types and values."""
    attributes = {
        "ab": {"DataType": "String", "StringValue": "é"},
        "c": {"DataType": "Binary", "BinaryValue": b"def"},
    }
    assert size("é", attributes) == 2 + (2 + 6 + 2) + (1 + 6 + 3)


def test_actions_of_topics_are_known_in_any_case():
    """And nothing of another service."""
    assert is_topics("SNS:Publish")
    assert is_topics("sns:publish")
    assert is_topics("sns:*")
    assert not is_topics("sns:Fly")
    assert not is_topics("s3:GetObject")
    assert not is_topics("*")


@given(st.text(), st.text())
def test_only_sns_errors_leave_the_checks_of_texts(name, value):
    """Names, ARNs, attributes."""
    quiet(read_topic_arn, value)
    quiet(topic_of, value)
    quiet(check_protocol, name, value)
    quiet(check_topic_attribute, name, value)
    for each in (name, "RedrivePolicy", "FilterPolicyScope"):
        quiet(check_subscription_attribute, each, value, "sqs")
    quiet(read_redrive, value)
    quiet(check_entry, {"Message": value, "Subject": name, "MessageStructure": "json"}, 1000)


@given(JSON)
def test_only_sns_errors_leave_the_reader_of_policies(document):
    """Whatever JSON it is, and with statements that the engine does not model."""
    quiet(read_policy, json.dumps(document), ARN)
    unmodelled = {
        "Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": ARN,
        "Condition": {"StringEquals": {"sns:Unknown": "x"}},
    }  # fmt: skip
    whole = {"Version": "2012-10-17", "Statement": [unmodelled, document]}
    quiet(read_policy, json.dumps(whole), ARN)
    quiet(read_redrive, json.dumps(document))


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.fixed_dictionaries(
            {"DataType": st.sampled_from(["String", "Number", "String.Array", "Binary"])},
            optional={"StringValue": st.text(), "BinaryValue": st.binary()},
        ),
        max_size=3,
    )
)
def test_only_sns_errors_leave_the_checks_of_attributes(attributes):
    """Whatever they are called and say."""
    quiet(check_attributes, attributes)
