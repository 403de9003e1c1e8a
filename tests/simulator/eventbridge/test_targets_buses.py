"""Events that go from bus to bus: in one account, to another Region, to another account."""

import json

import pytest

from pkilab import Lab
from pkilab.simulator.eventbridge.state import Rule, Target
from pkilab.simulator.service import AwsError

OWNER, CONSUMER = "111122223333", "444455556666"
PATTERN = json.dumps({"source": ["app"]})


class Buses:
    """Buses with a rule and a queue behind each."""

    def __init__(self, lab):
        self.lab, self.gateway = lab, lab._place.gateway

    def client(self, service, account="owner", region="us-east-1"):
        """Return a client of a place."""
        return self.lab.client(service, account=account, region=region)

    def rule(self, target, bus="default", account="owner", region="us-east-1", **more):
        """Send what comes to a bus to a target; return the rule's ARN."""
        events = self.client("events", account, region)
        name = f"to-{target.rpartition(':')[2].replace('/', '-')}"
        arn = events.put_rule(Name=name, EventBusName=bus, EventPattern=PATTERN)["RuleArn"]
        targets = [{"Id": "1", "Arn": target, **more}]
        answer = events.put_targets(Rule=name, EventBusName=bus, Targets=targets)
        assert answer["FailedEntryCount"] == 0, answer
        return arn

    def queue(self, name, account="owner", region="us-east-1"):
        """Make a queue that rules of its account may send to; return its ARN."""
        sqs = self.client("sqs", account, region)
        arn = f"arn:aws:sqs:{region}:{self.lab.accounts[account]}:{name}"
        policy = {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            },
        }
        sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})
        return arn

    def messages(self, name, account="owner", region="us-east-1"):
        """Receive what is in a queue."""
        sqs = self.client("sqs", account, region)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        said = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        return sqs.receive_message(QueueUrl=url, **said).get("Messages", [])

    def role(self, allowed="events:PutEvents"):
        """Make a role that EventBridge may take; return its ARN."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
        trust["Principal"] = {"Service": "events.amazonaws.com"}
        document = {"Version": "2012-10-17", "Statement": trust}
        made = iam.create_role(RoleName="bus", AssumeRolePolicyDocument=json.dumps(document))
        grant = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": grant})
        iam.put_role_policy(RoleName="bus", PolicyName="p", PolicyDocument=policy)
        return made["Role"]["Arn"]

    def put(self, bus="default"):
        """Put an event of an application."""
        entry = {"Source": "app", "DetailType": "t", "Detail": '{"a": 1}', "EventBusName": bus}
        answer = self.client("events").put_events(Entries=[entry])
        return answer["Entries"][0]["EventId"]


@pytest.fixture
def buses(lab):
    return Buses(lab)


@pytest.fixture
def enforced():
    """A world in which policies are enforced."""
    accounts = {"owner": OWNER, "consumer": CONSUMER}
    with Lab.simulated(seed="tests", accounts=accounts, enforce_policies=True) as lab:
        yield Buses(lab)


def test_another_bus_of_the_account_gets_the_event_as_it_is(buses):
    """Its id, too."""
    other = buses.client("events").create_event_bus(Name="other")["EventBusArn"]
    buses.rule(other)
    buses.rule(buses.queue("q"), "other")
    number = buses.put()
    (message,) = buses.messages("q")
    found = json.loads(message["Body"])
    assert (found["id"], found["account"], found["detail"]) == (number, OWNER, {"a": 1})


def test_a_bus_that_is_not_there_is_a_dead_letter(buses):
    """At once."""
    dead = buses.queue("dead")
    missing = f"arn:aws:events:us-east-1:{OWNER}:event-bus/missing"
    buses.rule(missing, DeadLetterConfig={"Arn": dead})
    buses.put()
    (message,) = buses.messages("dead")
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_what_came_from_a_bus_goes_to_no_third(buses):
    """Which is a dead letter of the second bus's rule."""
    events, dead = buses.client("events"), buses.queue("dead")
    second = events.create_event_bus(Name="second")["EventBusArn"]
    third = events.create_event_bus(Name="third")["EventBusArn"]
    buses.rule(second)
    rule = buses.rule(third, "second", DeadLetterConfig={"Arn": dead})
    buses.rule(buses.queue("q"), "third")
    buses.put()
    assert buses.messages("q") == []
    (message,) = buses.messages("dead")
    said = {key: each["StringValue"] for key, each in message["MessageAttributes"].items()}
    assert (said["RULE_ARN"], said["ERROR_CODE"]) == (rule, "THIRD_ACCOUNT_HOP_DETECTED")
    assert said["ERROR_MESSAGE"] == (
        "Events received from another event bus cannot be forwarded to this event bus."
    )
    buses.put("second")  # what was put there goes on
    assert len(buses.messages("q")) == 1


def test_buses_that_feed_each_other_do_not_go_on_for_ever(buses):
    """The event is back where it began, and no further."""
    events = buses.client("events")
    first = f"arn:aws:events:us-east-1:{OWNER}:event-bus/default"
    second = events.create_event_bus(Name="second")["EventBusArn"]
    buses.rule(second)
    back = buses.rule(first, "second")
    buses.put()
    assert buses.gateway.deliveries.counters(back).failed == 1


def test_a_bus_of_another_region_gets_the_event_by_a_role(buses):
    """And its Region remains the first."""
    there = f"arn:aws:events:eu-west-1:{OWNER}:event-bus/default"
    buses.rule(there, RoleArn=buses.role())
    buses.rule(buses.queue("q", region="eu-west-1"), region="eu-west-1")
    buses.put()
    (message,) = buses.messages("q", region="eu-west-1")
    assert json.loads(message["Body"])["region"] == "us-east-1"


def admit(buses):
    """Let the owner's account put events on the consumer's bus."""
    buses.client("events", "consumer").put_permission(
        Action="events:PutEvents", Principal=OWNER, StatementId="owner"
    )


@pytest.mark.parametrize("policies", ["enforced", "buses"])
@pytest.mark.parametrize("allowed", [True, False])
def test_a_bus_of_another_account_must_let_the_first_in(request, policies, allowed):
    """By its own policy, in every world."""
    buses = request.getfixturevalue(policies)
    dead = buses.queue("dead")
    there = f"arn:aws:events:us-east-1:{CONSUMER}:event-bus/default"
    buses.rule(there, RoleArn=buses.role(), DeadLetterConfig={"Arn": dead})
    buses.rule(buses.queue("q", "consumer"), account="consumer")
    if allowed:
        admit(buses)
    buses.put()
    found = buses.messages("q", "consumer")
    codes = [
        each["MessageAttributes"]["ERROR_CODE"]["StringValue"] for each in buses.messages("dead")
    ]
    if allowed:
        assert codes == []
        assert [json.loads(each["Body"])["account"] for each in found] == [OWNER]
    else:
        assert (codes, found) == (["NO_PERMISSIONS"], [])


def test_the_role_needs_the_permission_where_policies_are_enforced(enforced):
    """The bus's policy lets the account in, not everybody in it."""
    dead = enforced.queue("dead")
    there = f"arn:aws:events:us-east-1:{CONSUMER}:event-bus/default"
    role = enforced.role("events:DescribeRule")
    enforced.rule(there, RoleArn=role, DeadLetterConfig={"Arn": dead})
    admit(enforced)
    enforced.put()
    (message,) = enforced.messages("dead")
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_a_role_is_required_at_delivery_too(buses):
    """Whatever PutTargets has let pass."""
    arn = f"arn:aws:events:us-east-1:{OWNER}:rule/r"
    rule = Rule("r", arn, "default", OWNER, "us-east-1")
    there = f"arn:aws:events:us-east-1:{CONSUMER}:event-bus/default"
    with pytest.raises(AwsError, match="RoleArn is required"):
        buses.gateway.deliveries.targets.buses.send(rule, Target("1", there), {})
