"""Event buses, their policies and tags. Sentences as recorded in localstack/localstack."""

import json

import pytest

from tests.simulator.eventbridge.conftest import OTHER, OWNER, REGION

BUS = f"arn:aws:events:{REGION}:{OWNER}:event-bus"


def test_the_default_bus_was_always_there(events):
    """In every account and Region; it cannot be made or deleted."""
    assert events("DescribeEventBus") == {"Name": "default", "Arn": f"{BUS}/default"}
    found = events("DescribeEventBus", account=OTHER, region="eu-west-1", Name="default")
    assert found["Arn"] == f"arn:aws:events:eu-west-1:{OTHER}:event-bus/default"
    message = events.refused("ResourceAlreadyExistsException", "CreateEventBus", Name="default")
    assert message == "Event bus default already exists."
    message = events.refused("ValidationException", "DeleteEventBus", Name="default")
    assert message == "Cannot delete event bus default."


def test_a_custom_bus_is_made_changed_listed_and_deleted(events):
    """By name and by ARN."""
    made = events("CreateEventBus", Name="b", Description="one")
    assert made == {"EventBusArn": f"{BUS}/b", "Description": "one"}
    created = events("DescribeEventBus", Name="b")["CreationTime"]
    events.world.clock.advance(minutes=1)
    events("UpdateEventBus", Name="b", Description="two")
    found = events("DescribeEventBus", Name=f"{BUS}/b")
    assert (found["Description"], found["CreationTime"]) == ("two", created)
    assert found["LastModifiedTime"] == created + 60
    events("CreateEventBus", Name="a")
    names = [each["Name"] for each in events("ListEventBuses")["EventBuses"]]
    assert names == ["a", "b", "default"]
    first = events("ListEventBuses", Limit=2)
    rest = events("ListEventBuses", Limit=2, NextToken=first["NextToken"])
    assert [each["Name"] for each in rest["EventBuses"]] == ["default"]
    assert "NextToken" not in rest
    assert len(events("ListEventBuses", NamePrefix="b")["EventBuses"]) == 1
    assert events("DeleteEventBus", Name="b") == {}
    message = events.refused("ResourceNotFoundException", "DescribeEventBus", Name="b")
    assert message == "Event bus b does not exist."


def test_a_bus_with_rules_is_not_deleted(events):
    """Until they are gone."""
    events("CreateEventBus", Name="b")
    events.rule(targets=(), EventBusName="b")
    assert "has rules" in events.refused("ValidationException", "DeleteEventBus", Name="b")
    events("DeleteRule", Name="r", EventBusName="b")
    events("DeleteEventBus", Name="b")


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"EventSourceName": "aws.partner/a/b"}, "a partner event bus"),
        ({"KmsKeyIdentifier": "k"}, "a customer managed key"),
        ({"DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:1:q"}}, "a dead-letter queue"),
        ({"LogConfig": {"Level": "INFO"}}, "logs of an event bus"),
    ],
)
def test_what_is_not_modelled_of_a_bus_is_refused(events, members, what):
    """Never ignored."""
    assert what in events.refused("NotImplemented", "CreateEventBus", Name="b", **members)
    events("CreateEventBus", Name="b", LogConfig={"Level": "OFF"})


def test_an_account_has_so_many_buses(events):
    """A hundred, the default one among them."""
    for number in range(99):
        events("CreateEventBus", Name=f"b{number}")
    events.refused("LimitExceededException", "CreateEventBus", Name="more")
    events("CreateEventBus", Name="more", region="eu-west-1")


def test_permissions_are_statements_of_the_buss_policy(events):
    """Added, replaced and taken away by their ids."""
    put = {"Action": "events:PutEvents", "Principal": OTHER, "StatementId": "s"}
    events("PutPermission", **put)
    policy = json.loads(events("DescribeEventBus")["Policy"])
    assert policy == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "s", "Effect": "Allow", "Action": "events:PutEvents",
                "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Resource": f"{BUS}/default",
            }
        ],
    }  # fmt: skip
    organization = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-a"}
    events("PutPermission", **{**put, "Principal": "*"}, Condition=organization)
    (statement,) = json.loads(events("DescribeEventBus")["Policy"])["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-a"}}
    message = events.refused("ResourceNotFoundException", "RemovePermission", StatementId="x")
    assert message == "Statement with the provided id does not exist."
    events("RemovePermission", StatementId="s")
    assert "Policy" not in events("DescribeEventBus")


def test_a_whole_policy_may_be_put_instead(events):
    """If it is one, and not too long."""
    statement = {
        "Sid": "s", "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "events:PutEvents",
        "Resource": f"{BUS}/default",
    }  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    events("PutPermission", Policy=text)
    assert events("DescribeEventBus")["Policy"] == text
    both = {"Policy": text, "StatementId": "s"}
    events.refused("ValidationException", "PutPermission", **both)
    events.refused("ValidationException", "PutPermission", Policy="{}")
    long = json.dumps({"Version": "2012-10-17", "Statement": statement, "Id": "x" * 10_240})
    events.refused("PolicyLengthExceededException", "PutPermission", Policy=long)
    events("RemovePermission", RemoveAllPermissions=True)
    assert "Policy" not in events("DescribeEventBus")


@pytest.mark.parametrize(
    "members",
    [
        {"Action": "events:PutRule", "Principal": OTHER, "StatementId": "s"},
        {"Action": "events:PutEvents", "Principal": OTHER},
        {
            "Action": "events:PutEvents", "Principal": "*", "StatementId": "s",
            "Condition": {"Type": "StringLike", "Key": "aws:PrincipalOrgID", "Value": "o-*"},
        },
    ],
)  # fmt: skip
def test_a_permission_is_for_putting_events(events, members):
    """And of an organization, if it has a condition."""
    events.refused("ValidationException", "PutPermission", **members)


def test_buses_and_rules_have_tags(events):
    """Set, listed, taken away; not for what is not there."""
    bus = events("CreateEventBus", Name="b", Tags=[{"Key": "a", "Value": "1"}])["EventBusArn"]
    rule = events.rule(EventBusName="b", Tags=[{"Key": "r", "Value": "1"}])
    for arn, key in ((bus, "a"), (rule, "r")):
        events("TagResource", ResourceARN=arn, Tags=[{"Key": "x", "Value": "2"}])
        tags = events("ListTagsForResource", ResourceARN=arn)["Tags"]
        assert tags == [{"Key": key, "Value": "1"}, {"Key": "x", "Value": "2"}]
        events("UntagResource", ResourceARN=arn, TagKeys=["x"])
        assert len(events("ListTagsForResource", ResourceARN=arn)["Tags"]) == 1
    events.put({"EventBusName": "b"})
    assert events.reached() == [("r", "t")]  # tags change nothing else
    for arn, message in (
        (f"{BUS}/none", "Event bus none does not exist."),
        (rule.replace("/r", "/none"), "Rule none does not exist on EventBus b."),
        (f"arn:aws:events:{REGION}:{OWNER}:rule/none",
         "Rule none does not exist on EventBus default."),
    ):  # fmt: skip
        tag = {"ResourceARN": arn, "Tags": [{"Key": "x", "Value": "2"}]}
        assert events.refused("ResourceNotFoundException", "TagResource", **tag) == message
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    reserved = [*many[:1], {"Key": "aws:x", "Value": ""}]
    events.refused("ValidationException", "TagResource", ResourceARN=bus, Tags=reserved)
    events("TagResource", ResourceARN=bus, Tags=many[:49])
    message = events.refused("ValidationException", "TagResource", ResourceARN=rule, Tags=many)
    assert message == "A resource has at most 50 tags."
