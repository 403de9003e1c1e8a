"""EventBridge as a whole: from an event on a bus to what is sent, and who may."""

import json

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pkilab import Lab
from pkilab.simulator.service import AwsError, service_model
from tests.simulator.eventbridge.conftest import OTHER, OWNER, REGION, Events

DEFAULT = f"arn:aws:events:{REGION}:{OWNER}:event-bus/default"
ISSUED = {
    "source": "aws.acm-pca", "detail_type": "ACM Private CA Certificate Issuance",
    "account": OWNER, "region": REGION, "resources": ["arn:ca"], "detail": {"result": "success"},
}  # fmt: skip


def occur(events, **changes):
    """Let a service tell something."""
    with events.world.turn():
        events.bus.put(**{**ISSUED, **changes})


def test_a_services_event_reaches_every_target_of_every_rule_that_matches(events):
    """Rules in the order they were made, targets in theirs; on the default bus of its place."""
    pattern = {"source": ["aws.acm-pca"], "detail": {"result": ["success"]}}
    events.rule("z", pattern, targets=("2", "1"))
    events.rule("a", {"source": [{"prefix": "aws."}]})
    events.rule("no", {"source": ["aws.acm"]})
    events.rule("r", pattern, account=OTHER)
    occur(events)
    kept = events.bus.events(OWNER, REGION)[0]
    assert [event for _, _, event in events.sent] == [kept] * 3
    assert events.reached() == [("z", "2"), ("z", "1"), ("a", "t")]
    occur(events, region="eu-west-1")
    assert events.reached() == []
    occur(events, account=OTHER)
    assert events.reached() == [("r", "t")]


def test_management_events_that_only_read_reach_rules_that_ask_for_them(events):
    """Service Events Delivery, "Read-only management events from AWS services"."""
    state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    pattern = {"detail-type": ["AWS API Call via CloudTrail"]}
    events.rule("all", pattern, State=state)
    events.rule("writes", pattern)
    call = {"source": "aws.kms", "detail_type": "AWS API Call via CloudTrail"}
    occur(events, **call, read_only=True)
    assert events.reached() == [("all", "t")]
    occur(events, **call)
    assert events.reached() == [("all", "t"), ("writes", "t")]


def test_custom_events_stay_on_their_bus(events):
    """A rule hears its own bus alone."""
    events("CreateEventBus", Name="b")
    events.rule("on-b", EventBusName="b")
    events.rule("on-default")
    events.put({"EventBusName": "b"}, {})
    assert events.reached() == [("on-b", "t"), ("on-default", "t")]


def test_an_event_from_another_bus_stays_as_it_is(events):
    """Its id, account and Region; there must be such a bus."""
    events.rule(pattern={"account": [OTHER]})
    event = {"id": "1", "source": "x", "account": OTHER, "region": "eu-west-1", "detail-type": "d"}
    with events.world.turn():
        events.deliveries.targets.buses.receive(DEFAULT, event)
        assert events.sent[0][2] == event
        with pytest.raises(AwsError, match="Event bus none does not exist"):
            events.service.receive(DEFAULT.replace("default", "none"), event)


def test_equal_worlds_give_equal_ids():
    """Determinism: ids come from the world's entropy."""
    found = []
    for _ in range(2):
        events = Events()
        try:
            found.append(events.put({}, {})["Entries"])
        finally:
            events.close()
    assert found[0] == found[1]


def test_policies_are_told_of_buses_and_rules(events):
    """Their tags, a bus's policy, a rule's creator."""
    arn = events.rule(Tags=[{"Key": "a", "Value": "1"}])
    put = {"Action": "events:PutEvents", "Principal": OTHER, "StatementId": "s"}
    events("PutPermission", **put)
    rule, bus = events.service.resource(arn), events.service.resource(DEFAULT)
    assert (rule.owner, rule.tags, rule.policy) == (OWNER, {"a": "1"}, None)
    assert rule.context == {"events:creatoraccount": OWNER}
    assert (bus.owner, json.loads(bus.policy)["Statement"][0]["Sid"]) == (OWNER, "s")
    for none in (arn + "x", DEFAULT + "x", "arn:aws:events:us-east-1:1:archive/a", "arn", ""):
        assert events.service.resource(none) is None


OPERATIONS = sorted(
    name for name in service_model("events").operation_names if "Partner" not in name
)
MEMBERS = st.dictionaries(
    st.sampled_from(["Name", "Rule", "EventBusName", "EventPattern", "ScheduleExpression", "Event",
                     "ResourceARN", "Policy", "StatementId", "Limit", "NextToken", "TargetArn"]),
    st.sampled_from(["r", "default", "{}", '{"a": [1]}', "rate(1 day)", "arn:aws:sqs:r:1:q", 5]),
    max_size=6,
)  # fmt: skip


@given(st.sampled_from(OPERATIONS), MEMBERS)
def test_any_input_gives_a_result_or_an_error_of_the_model(operation, members):
    """Nothing else leaves."""
    events = Events()
    try:
        events(operation, **members)
    except AwsError as error:
        assert error.code != "InternalFailure"
    finally:
        events.close()


# In a whole lab.

ACCOUNTS = {"main": OWNER, "other": OTHER}


def own_queue(client, rule_arn, name="q"):
    """Make a queue that a rule may send to; return its URL and ARN."""
    url = client.create_queue(QueueName=name)["QueueUrl"]
    wanted = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = wanted["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        },
    }  # fmt: skip
    client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return url, arn


def test_an_event_of_private_ca_reaches_a_queue_through_a_rule():
    """boto3 from end to end: the event, its template, the message."""
    with Lab.simulated(seed="events") as lab:
        events, sqs, pca = lab.client("events"), lab.client("sqs"), lab.client("acm-pca")
        pattern = {"source": ["aws.acm-pca"], "detail-type": [{"wildcard": "*CA Creation"}]}
        rule = events.put_rule(Name="r", EventPattern=json.dumps(pattern))["RuleArn"]
        url, arn = own_queue(sqs, rule)
        paths = {"what": "$.detail-type", "ca": "$.resources[0]", "result": "$.detail.result"}
        template = '{"what": <what>, "said": "<ca>: <result>"}'
        transformer = {"InputPathsMap": paths, "InputTemplate": template}
        target = {"Id": "q", "Arn": arn, "InputTransformer": transformer}
        events.put_targets(Rule="r", Targets=[target])
        ca = pca.create_certificate_authority(
            CertificateAuthorityType="ROOT",
            CertificateAuthorityConfiguration={
                "KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA",
                "Subject": {"CommonName": "Root"},
            },
        )["CertificateAuthorityArn"]  # fmt: skip
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        found = json.loads(message["Body"])
        assert found == {"what": "ACM Private CA Creation", "said": f"{ca}: success"}


@pytest.mark.parametrize("enforced", [True, False])
def test_another_accounts_bus_takes_events_whose_sender_its_policy_names(enforced):
    """Whether or not the world enforces policies."""
    options = {"accounts": ACCOUNTS, "enforce_policies": enforced}
    with Lab.simulated(seed="across", **options) as lab:
        own, other = lab.client("events"), lab.client("events", account="other")
        bus = f"arn:aws:events:{REGION}:{OTHER}:event-bus/default"
        entry = {"Source": "my.app", "DetailType": "done", "Detail": "{}", "EventBusName": bus}
        with pytest.raises(ClientError, match="events:PutEvents") as refused:
            own.put_events(Entries=[entry])
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        permission = {"Action": "events:PutEvents", "Principal": OWNER, "StatementId": "s"}
        other.put_permission(**permission)
        assert own.put_events(Entries=[entry])["FailedEntryCount"] == 0
        other.remove_permission(StatementId="s")
        with pytest.raises(ClientError, match="events:PutEvents"):
            own.put_events(Entries=[entry])


def test_a_user_may_put_what_their_policy_says():
    """By source, target and role."""
    with Lab.simulated(seed="who", enforce_policies=True) as lab:
        iam = lab.client("iam")
        iam.create_user(UserName="u")
        queue_arn = f"arn:aws:sqs:{REGION}:{OWNER}:q"
        statements = [
            {"Effect": "Allow", "Action": "events:PutEvents", "Resource": DEFAULT,
             "Condition": {"ForAnyValue:StringEquals": {"events:source": "my.app"}}},
            {"Effect": "Allow", "Action": "events:PutRule", "Resource": "*",
             "Condition": {"ForAllValues:StringEquals": {"events:source": "aws.acm-pca"},
                           "Null": {"events:source": "false"}}},
            {"Effect": "Allow", "Action": "events:PutTargets", "Resource": "*",
             "Condition": {"ForAllValues:ArnEquals": {"events:TargetArn": queue_arn}}},
        ]  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName="u")["AccessKey"]
        events = lab.client("events", credentials=key)
        entry = {"Source": "my.app", "DetailType": "done", "Detail": "{}"}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
        events.put_rule(Name="r", EventPattern='{"source": ["aws.acm-pca"]}')
        events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": queue_arn}])
        other = f"{queue_arn}2"
        for call in (
            lambda: events.put_events(Entries=[{**entry, "Source": "x"}]),
            lambda: events.put_rule(Name="r", EventPattern='{"source": ["aws.kms"]}'),
            lambda: events.put_rule(Name="r", EventPattern='{"account": ["1"]}'),
            lambda: events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": other}]),
            lambda: events.delete_rule(Name="r"),
        ):
            with pytest.raises(ClientError, match="is not authorized to perform: events:"):
                call()
