"""SNS for services of the world, under policies, in the trail, and from the command line."""

import http.client
import json
from functools import partial
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab
from pkilab.simulator.service import AwsError

MAIN, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
ARN = f"arn:aws:sns:{REGION}:{MAIN}:t"
RULE = f"arn:aws:events:{REGION}:{MAIN}:rule/r"
EVENTS = "events.amazonaws.com"


def policy(principal, action="SNS:Publish", condition=None):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": ARN}
    statement |= {"Condition": condition} if condition else {}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def set_policy(sns, document):
    sns.set_topic_attributes(TopicArn=ARN, AttributeName="Policy", AttributeValue=document)


@pytest.fixture
def strict():
    """A lab of two accounts in which policies are enforced."""
    accounts = {"owner": MAIN, "consumer": OTHER}
    with Lab.simulated(seed="topics", accounts=accounts, enforce_policies=True) as lab:
        yield lab


def test_a_service_publishes_where_the_topics_policy_lets_it(lab, sns, topic, queue, subscription):
    """For its source and no other; the message is delivered as anybody's."""
    set_policy(sns, policy({"Service": EVENTS}, condition={"ArnEquals": {"aws:SourceArn": RULE}}))
    publish = lab._place.gateway._sns.publish_for
    sent = publish(ARN, "m", principal=EVENTS, source_arn=RULE, subject="s")
    lab._place.gateway.world.run_errands()
    (message,) = queue.envelopes()
    assert (message["MessageId"], message["Message"], message["Subject"]) == (sent, "m", "s")
    with pytest.raises(AwsError) as refused:
        publish(ARN, "m", principal=EVENTS, source_arn=f"{RULE}2")
    assert (refused.value.code, refused.value.status) == ("AuthorizationError", 403)


def test_the_default_policy_lets_no_service_in(lab, sns, topic):
    """And a topic that is not there is not found."""
    publish = lab._place.gateway._sns.publish_for
    with pytest.raises(AwsError, match="no resource-based policy allows the SNS:Publish action"):
        publish(ARN, "m", principal=EVENTS, source_arn=RULE)
    with pytest.raises(AwsError, match="Topic does not exist"):
        publish(f"{ARN}2", "m", principal=EVENTS, source_arn=RULE)


def person(lab, *statements):
    iam = lab.client("iam")
    iam.create_user(UserName="u")
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    if statements:
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    return lab.client("sns", credentials=iam.create_access_key(UserName="u")["AccessKey"])


def test_a_user_needs_leave_for_the_topic(strict):
    """The topic's first policy gives none; the refusal has SNS's large letters."""
    strict.client("sns").create_topic(Name="t")
    user = person(strict, {"Effect": "Allow", "Action": "sns:GetTopicAttributes", "Resource": ARN})
    assert user.get_topic_attributes(TopicArn=ARN)["Attributes"]["TopicArn"] == ARN
    with pytest.raises(ClientError) as caught:
        user.publish(TopicArn=ARN, Message="m")
    assert caught.value.response["Error"]["Code"] == "AuthorizationError"
    assert caught.value.response["Error"]["Message"] == (
        f"User: arn:aws:iam::{MAIN}:user/u is not authorized to perform: SNS:Publish on resource: "
        f"{ARN} because no identity-based policy allows the SNS:Publish action"
    )


def test_another_account_publishes_by_the_topics_policy(strict):
    """And not without it."""
    own, other = strict.client("sns"), strict.client("sns", account="consumer")
    own.create_topic(Name="t")
    with pytest.raises(other.exceptions.AuthorizationErrorException):
        other.publish(TopicArn=ARN, Message="m")
    own.add_permission(TopicArn=ARN, Label="l", AWSAccountId=[OTHER], ActionName=["Publish"])
    assert other.publish(TopicArn=ARN, Message="m")["MessageId"]
    with pytest.raises(other.exceptions.AuthorizationErrorException):
        other.delete_topic(TopicArn=ARN)


def test_a_condition_may_speak_of_the_endpoint(strict):
    """sns:Protocol and sns:Endpoint; and a token confirms across accounts under policies, too."""
    own, other = strict.client("sns"), strict.client("sns", account="consumer")
    own.create_topic(Name="t")
    queue = f"arn:aws:sqs:{REGION}:{OTHER}:q"
    condition = {"StringEquals": {"sns:Protocol": "sqs", "sns:Endpoint": queue}}
    set_policy(own, policy({"AWS": OTHER}, "SNS:Subscribe", condition))
    with pytest.raises(other.exceptions.AuthorizationErrorException):
        other.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=f"{queue}2")
    arn = other.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    found = other.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (found["Owner"], found["PendingConfirmation"]) == (OTHER, "false")


def test_a_token_confirms_across_accounts_where_policies_are_enforced(strict):
    """It takes no permission of the topic's owner."""
    own, other = strict.client("sns"), strict.client("sns", account="consumer")
    own.create_topic(Name="t")
    sqs = strict.client("sqs", account="consumer")
    arn = f"arn:aws:sqs:{REGION}:{OTHER}:q"
    statement = {
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": MAIN}},
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = sqs.create_queue(QueueName="q", Attributes={"Policy": document})["QueueUrl"]
    own.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=arn)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    token = json.loads(message["Body"])["Token"]
    assert other.confirm_subscription(TopicArn=ARN, Token=token)["SubscriptionArn"].startswith(ARN)


def test_publishing_is_no_management_event_and_tokens_are_hidden(lab, sns, topic, open_queue):
    """The trail has topics and subscriptions."""
    queue = open_queue("q", "consumer")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    (asked,) = queue.envelopes()
    sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])
    sns.publish(TopicArn=topic, Message="m")
    lab.clock.advance(minutes=30)
    source = {"AttributeKey": "EventSource", "AttributeValue": "sns.amazonaws.com"}
    events = lab.client("cloudtrail").lookup_events(LookupAttributes=[source])["Events"]
    assert sorted(each["EventName"] for each in events) == [
        "ConfirmSubscription", "CreateTopic", "Subscribe",
    ]  # fmt: skip
    assert asked["Token"] not in json.dumps([each["CloudTrailEvent"] for each in events])


def test_what_comes_without_credentials_is_a_certificate_or_a_link(lab, topic):
    """Anything else is refused, and nothing is done."""
    place = f"https://sns.{REGION}.amazonaws.com/"
    for query in ("", "?Action=DeleteTopic&TopicArn=" + topic, "?Action=ListTopics"):
        assert lab.fetch(place + query).status == 403
    assert lab.fetch(f"{place}SimpleNotificationService-{'0' * 32}.pem").status == 404
    assert lab.fetch(f"{place}?Action=ConfirmSubscription&TopicArn=x&Token=y").status == 400
    assert lab.fetch(f"{place}?Action=Unsubscribe").status == 400


def test_a_link_that_names_two_operations_does_not_pass_for_the_harmless_one(lab, sns, topic):
    """Nor does one whose other operation is in a body, which no link has."""
    port = urlsplit(lab.serve().url).port
    link = f"/?Action=ConfirmSubscription&TopicArn={topic}&Token=x"
    headers = {"Host": f"sns.{REGION}.amazonaws.com"}
    deletion = f"Action=DeleteTopic&TopicArn={topic}"
    for method, path, body, status in (
        ("GET", f"{link}&Action=DeleteTopic", None, 403),
        ("GET", f"{link}&Action=GetTopicAttributes", None, 403),
        ("HEAD", link, deletion, 400),
        ("POST", link, deletion, 403),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request(method, path, body, headers)
        assert connection.getresponse().status == status
        connection.close()
    assert sns.list_topics()["Topics"] == [{"TopicArn": topic}]


def test_what_is_not_simulated_is_refused_in_the_query_protocol(sns):
    """Telephones and mobile push."""
    with pytest.raises(ClientError, match="sns:GetSMSAttributes is not simulated") as caught:
        sns.get_sms_attributes()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"


def test_the_command_line_fans_out(lab, aws_cli, queue):
    """Against the served world: topic, subscription, message, signature's certificate."""
    lab.serve()
    aws = partial(aws_cli, lab, "sns")

    made = aws("create-topic", "--name", "t", "--attributes", "SignatureVersion=2")
    assert json.loads(made.stdout) == {"TopicArn": ARN}
    subscribed = aws(
        "subscribe", "--topic-arn", ARN, "--protocol", "sqs", "--notification-endpoint", queue.arn,
        "--attributes", json.dumps({"FilterPolicy": json.dumps({"a": ["b"]})}),
    )  # fmt: skip
    assert subscribed.returncode == 0, subscribed.stderr
    attribute = json.dumps({"a": {"DataType": "String", "StringValue": "b"}})
    for more in (["--message-attributes", attribute], []):
        sent = aws("publish", "--topic-arn", ARN, "--message", "hello", "--subject", "s", *more)
        assert sent.returncode == 0, sent.stderr
    (message,) = queue.envelopes()
    assert (message["Message"], message["SignatureVersion"]) == ("hello", "2")
    assert lab.fetch(message["SigningCertURL"]).body.startswith(b"-----BEGIN CERTIFICATE-----")
    refused = aws("publish", "--topic-arn", f"{ARN}2", "--message", "hello")
    assert "(NotFound) when calling the Publish operation: Topic does not exist" in refused.stderr
