"""Topics: attributes, policies, tags."""

import json

import pytest
from botocore.exceptions import ClientError

MAIN, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
ARN = f"arn:aws:sns:{REGION}:{MAIN}:t"


def refusal(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def attributes(sns, topic):
    return sns.get_topic_attributes(TopicArn=topic)["Attributes"]


def policy(action="SNS:Publish", resource=ARN, **more):
    statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **more}]})


def test_a_topic_is_made_once(sns, topic):
    """The same name gives the same topic, unless something else is asked for."""
    assert topic == ARN
    assert sns.create_topic(Name="t")["TopicArn"] == ARN
    code, message = refusal(sns.create_topic, Name="t", Attributes={"DisplayName": "x"})
    assert (code, message) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )
    tags = [{"Key": "a", "Value": "b"}]
    assert "different tags" in refusal(sns.create_topic, Name="t", Tags=tags)[1]
    assert sns.list_topics()["Topics"] == [{"TopicArn": ARN}]


def test_a_topic_starts_with_the_default_policy_and_no_subscriptions(sns, topic):
    """As GetTopicAttributes shows it."""
    found = attributes(sns, topic)
    (statement,) = json.loads(found["Policy"])["Statement"]
    assert statement["Sid"] == "__default_statement_ID"
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceOwner": MAIN}}
    counts = [found[f"Subscriptions{each}"] for each in ("Confirmed", "Pending", "Deleted")]
    assert counts == ["0", "0", "0"]
    assert (found["Owner"], found["TopicArn"], found["DisplayName"]) == (MAIN, ARN, "")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DisplayName", "x" * 101, "InvalidParameter"),
        ("SignatureVersion", "3", "InvalidParameter"),
        ("MaximumMessageSize", "1023", "InvalidParameter"),
        ("TracingConfig", "x", "InvalidParameter"),
        ("Colour", "red", "InvalidParameter"),
        ("Policy", "", "InvalidParameter"),
        ("Policy", "{", "InvalidParameter"),
        ("Policy", policy("s3:GetObject"), "InvalidParameter"),
        ("Policy", policy(resource=f"{ARN}2"), "InvalidParameter"),
        ("KmsMasterKeyId", "alias/aws/sns", "NotImplemented"),
        ("TracingConfig", "Active", "NotImplemented"),
        ("SQSFailureFeedbackRoleArn", "arn", "NotImplemented"),
    ],
)
def test_an_attribute_that_no_topic_has_is_refused(sns, topic, name, value, code):
    """And the topic stays as it was."""
    before = attributes(sns, topic)
    change = {"TopicArn": topic, "AttributeName": name, "AttributeValue": value}
    assert refusal(sns.set_topic_attributes, **change)[0] == code
    assert attributes(sns, topic) == before


def test_attributes_are_set_and_shown(sns, topic):
    """Each by itself, the policy as it was given."""
    given = {
        "DisplayName": "Lab", "SignatureVersion": "2", "MaximumMessageSize": "1048576",
        "TracingConfig": "PassThrough", "Policy": policy(),
    }  # fmt: skip
    for name, value in given.items():
        sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
    found = attributes(sns, topic)
    assert json.loads(found.pop("Policy")) == json.loads(given.pop("Policy"))
    assert {name: found[name] for name in given} == given


def test_what_is_not_modelled_of_topics_is_refused(sns):
    """FIFO topics, and data protection."""
    for members in (
        {"Name": "t.fifo", "Attributes": {"FifoTopic": "true"}},
        {"Name": "t", "Attributes": {"FifoTopic": "true"}},
        {"Name": "t", "DataProtectionPolicy": "{}"},
    ):
        assert refusal(sns.create_topic, **members)[0] == "NotImplemented"
    assert refusal(sns.create_topic, Name="a b")[1] == "Invalid parameter: Topic Name"
    assert sns.list_topics()["Topics"] == []


def test_a_permission_is_a_statement_of_the_policy(sns, topic):
    """Added once under its label, and taken away by it."""
    wanted = {"TopicArn": topic, "Label": "l", "AWSAccountId": [OTHER], "ActionName": ["Publish"]}
    sns.add_permission(**wanted)
    added = json.loads(attributes(sns, topic)["Policy"])["Statement"][1]
    assert added == {
        "Sid": "l", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
        "Action": "SNS:Publish", "Resource": topic,
    }  # fmt: skip
    assert "already exists" in refusal(sns.add_permission, **wanted)[1]
    other = {**wanted, "Label": "m"}
    assert "service scope" in refusal(sns.add_permission, **{**other, "ActionName": ["Fly"]})[1]
    assert "PrincipalId" in refusal(sns.add_permission, **{**other, "AWSAccountId": ["1"]})[1]
    sns.remove_permission(TopicArn=topic, Label="l")
    assert len(json.loads(attributes(sns, topic)["Policy"])["Statement"]) == 1


def test_a_topic_that_is_not_there_is_told_from_what_is_no_topic(lab, sns, topic):
    """NotFound with 404; InvalidParameter for other texts and for other Regions."""
    assert refusal(sns.get_topic_attributes, TopicArn=f"{ARN}2") == (
        "NotFound", "Topic does not exist",
    )  # fmt: skip
    code, message = refusal(sns.get_topic_attributes, TopicArn="t")
    assert (code, message) == (
        "InvalidParameter",
        "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
    )
    far = lab.client("sns", region="eu-west-1")
    assert refusal(far.get_topic_attributes, TopicArn=topic)[0] == "InvalidParameter"
    sns.delete_topic(TopicArn=topic)
    sns.delete_topic(TopicArn=topic)
    assert refusal(sns.publish, TopicArn=topic, Message="m")[0] == "NotFound"


def test_tags_are_a_topics_own(sns, topic):
    """Added, replaced, taken away; fifty at most, and none twice."""
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "1"}])
    sns.tag_resource(
        ResourceArn=topic, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    )
    sns.untag_resource(ResourceArn=topic, TagKeys=["b"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "a", "Value": "2"}]
    many = [{"Key": str(n), "Value": ""} for n in range(50)]
    assert refusal(sns.tag_resource, ResourceArn=topic, Tags=many)[0] == "TagLimitExceeded"
    twice = [{"Key": "x", "Value": "1"}] * 2
    assert refusal(sns.tag_resource, ResourceArn=topic, Tags=twice)[0] == "InvalidParameter"
    absent = refusal(sns.list_tags_for_resource, ResourceArn=f"{ARN}2")
    assert absent[0] == "ResourceNotFound"


def test_lists_come_in_pages_of_a_hundred(sns):
    """With a token to the next; other tokens are refused."""
    for number in range(101):
        sns.create_topic(Name=f"t{number:03}")
    first = sns.list_topics()
    assert len(first["Topics"]) == 100
    rest = sns.list_topics(NextToken=first["NextToken"])
    assert [each["TopicArn"][-4:] for each in rest["Topics"]] == ["t100"]
    assert "NextToken" not in rest
    assert refusal(sns.list_topics, NextToken="x")[0] == "InvalidParameter"
