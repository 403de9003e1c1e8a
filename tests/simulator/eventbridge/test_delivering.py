"""What a rule's match leads to: targets that really get the event, retries, dead letters."""

import json
from datetime import timedelta

import pytest

from pkilab import Lab, functions
from pkilab.simulator.eventbridge.delivering import Counters
from pkilab.simulator.eventbridge.state import InputTransformer, Retry, Rule, Target
from pkilab.simulator.service import AwsError

OWNER, CONSUMER, REGION = "111122223333", "444455556666", "us-east-1"
RULE = Rule("r", f"arn:aws:events:{REGION}:{OWNER}:rule/r", "default", OWNER, REGION)
FUNCTION = f"arn:aws:lambda:{REGION}:{OWNER}:function:f"
EVENT = {
    "version": "0",
    "id": "11112222-3333-4444-5555-666677778888",
    "detail-type": "ACM Private CA Certificate Issuance",
    "source": "aws.acm-pca",
    "account": OWNER,
    "time": "2026-11-02T09:00:00Z",
    "region": REGION,
    "resources": [f"arn:aws:acm-pca:{REGION}:{OWNER}:certificate-authority/1"],
    "detail": {"result": "success"},
}


def statement(action, resource, principal="events.amazonaws.com", source=RULE.arn):
    """Return a policy by which a service may do something for the rule."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": principal},
                "Action": action,
                "Resource": resource,
                "Condition": {"ArnEquals": {"aws:SourceArn": source}},
            },
        }
    )


class World:
    """A lab whose deliveries are driven below EventBridge's API."""

    def __init__(self, lab):
        self.lab, self.gateway, self.world = lab, lab._place.gateway, lab._place.world
        self.sqs, self.functions = lab.client("sqs"), lab.client("lambda")

    def send(self, target, event=EVENT, rule=RULE):
        """Deliver an event, as a matching rule does."""
        with self.world.turn():
            self.gateway.deliveries.send(rule, target, event)
        self.world.run_errands()

    def counters(self):
        """What has become of the rule's deliveries."""
        return self.gateway.deliveries.counters(RULE.arn)

    def queue(self, name, *, source=RULE.arn, **attributes):
        """Make a queue that lets the rule in; return its ARN."""
        arn = f"arn:aws:sqs:{REGION}:{OWNER}:{name}"
        policy = {"Policy": statement("sqs:SendMessage", arn, source=source)} if source else {}
        self.sqs.create_queue(QueueName=name, Attributes={**policy, **attributes})
        return arn

    def messages(self, name):
        """Receive what is in a queue."""
        said = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        url = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = self.sqs.receive_message(QueueUrl=url, AttributeNames=["All"], **said)
        return found.get("Messages", [])

    def dead_letter(self, name="dead"):
        """Receive the one dead letter; return the event and its attributes' values."""
        (message,) = self.messages(name)
        attributes = message["MessageAttributes"]
        assert {each["DataType"] for each in attributes.values()} == {"String"}
        values = {key: each["StringValue"] for key, each in attributes.items()}
        return json.loads(message["Body"]), values

    def deploy(self, code, name="f", role="r", **options):
        """Deploy a function that the rule may invoke."""
        made = functions.create_role(self.lab.client("iam"), role)
        package = functions.package({"index.py": code})
        arn = functions.deploy(self.functions, name, package, role=made, **options)
        self.functions.add_permission(
            FunctionName=name, StatementId="rule", Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com", SourceArn=RULE.arn,
        )  # fmt: skip
        return arn

    def role(self, name, action, resource, source=RULE.arn):
        """Make a role that EventBridge may take for the rule; return its ARN."""
        trust = json.loads(statement("sts:AssumeRole", "x", source=source))
        del trust["Statement"]["Resource"]
        iam = self.lab.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        allowed = {"Effect": "Allow", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        return arn["Role"]["Arn"]


@pytest.fixture
def world(lab):
    return World(lab)


@pytest.fixture
def enforced():
    """A world in which policies are enforced."""
    accounts = {"owner": OWNER, "consumer": CONSUMER}
    with Lab.simulated(seed="tests", accounts=accounts, enforce_policies=True) as lab:
        yield World(lab)


# Targets.


def test_a_function_really_runs_with_the_event(world, tmp_path):
    """The deployed zip, as its role, before whoever caused the event goes on."""
    seen = tmp_path / "seen"
    code = f"import json\ndef handler(e, c): open({str(seen)!r}, 'a').write(json.dumps(e))"
    world.send(Target("1", world.deploy(code)))
    assert json.loads(seen.read_text()) == EVENT
    assert world.counters() == Counters(invocations=1)


def test_a_function_that_fails_is_lambdas_affair(world, tmp_path, lab):
    """It runs three times, and EventBridge has delivered all the same."""
    seen = tmp_path / "seen"
    dead = world.queue("dead")
    code = f"def handler(e, c):\n    open({str(seen)!r}, 'a').write('x')\n    raise ValueError"
    world.send(Target("1", world.deploy(code), dead_letter_arn=dead))
    lab.clock.advance(hours=1)
    assert seen.read_text() == "xxx"
    assert world.counters() == Counters(invocations=1)
    assert world.messages("dead") == []


def test_a_function_that_nothing_lets_in_is_a_dead_letter_at_once(world, lab):
    """With AWS's six attributes, less the condition that was not exhausted."""
    dead = world.queue("dead")
    arn = world.deploy("def handler(e, c): pass")
    world.functions.remove_permission(FunctionName="f", StatementId="rule")
    world.send(Target("1", arn, input='"short"', dead_letter_arn=dead))
    body, attributes = world.dead_letter()
    assert body == EVENT  # not the input
    assert attributes == {
        "RULE_ARN": RULE.arn,
        "TARGET_ARN": arn,
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "events.amazonaws.com is not authorized to perform: lambda:InvokeFunction",
        "RETRY_ATTEMPTS": "0",
    }
    lab.clock.advance(days=2)
    assert world.counters() == Counters(invocations=1, failed=1, dead_lettered=1)


def test_a_target_that_is_gone_is_a_dead_letter_at_once(world):
    """Whatever it was."""
    dead = world.queue("dead")
    for arn in (FUNCTION, f"arn:aws:sqs:{REGION}:{OWNER}:none", f"arn:aws:sns:{REGION}:{OWNER}:no"):
        world.send(Target("1", arn, dead_letter_arn=dead))
    found = [each["MessageAttributes"]["ERROR_CODE"] for each in world.messages("dead")]
    assert [each["StringValue"] for each in found] == ["NO_RESOURCE"] * 3


def test_without_a_dead_letter_queue_the_event_is_dropped(world):
    """And counted."""
    world.send(Target("1", FUNCTION))
    assert world.counters() == Counters(invocations=1, failed=1)


@pytest.mark.parametrize("source", [None, RULE.arn + "x"])
def test_a_dead_letter_queue_that_does_not_let_the_rule_in_loses_the_event(world, source):
    """Its policy is for a rule."""
    dead = world.queue("dead", source=source)
    world.send(Target("1", FUNCTION, dead_letter_arn=dead))
    assert world.messages("dead") == []
    assert world.counters() == Counters(invocations=1, failed=1, lost=1)


def test_a_queue_gets_the_event_as_its_message(world):
    """If its policy lets the rule in."""
    world.send(Target("1", world.queue("q")))
    (message,) = world.messages("q")
    assert json.loads(message["Body"]) == EVENT
    dead = world.queue("dead")
    world.send(Target("1", world.queue("closed", source=None), dead_letter_arn=dead))
    assert world.dead_letter()[1]["ERROR_CODE"] == "NO_PERMISSIONS"


def test_a_fifo_queue_gets_it_in_its_message_group(world):
    """Deduplicated by content, as the queue must."""
    arn = world.queue("q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for _ in range(2):
        world.send(Target("1", arn, sqs_group_id="g"))
    (message,) = world.messages("q.fifo")
    assert message["Attributes"]["MessageGroupId"] == "g"
    dead = world.queue("dead")
    bare = world.queue("bare.fifo", FifoQueue="true")
    world.send(Target("1", bare, sqs_group_id="g", dead_letter_arn=dead))
    assert world.dead_letter()[1]["ERROR_CODE"] == "ERROR_FROM_TARGET"


def test_a_topic_publishes_the_event(world, lab):
    """To whoever subscribed; its policy must let the rule in."""
    sns, dead = lab.client("sns"), world.queue("dead")
    topic = sns.create_topic(Name="t")["TopicArn"]
    queue = f"arn:aws:sqs:{REGION}:{OWNER}:q"
    policy = statement("sqs:SendMessage", queue, "sns.amazonaws.com", topic)
    world.sqs.create_queue(QueueName="q", Attributes={"Policy": policy})
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
    )
    world.send(Target("1", topic, dead_letter_arn=dead))
    assert world.dead_letter()[1]["ERROR_CODE"] == "NO_PERMISSIONS"
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=statement("sns:Publish", topic)
    )
    world.send(Target("1", topic))
    (message,) = world.messages("q")
    assert json.loads(message["Body"]) == EVENT


# Log groups.

GROUP = f"arn:aws:logs:{REGION}:{OWNER}:log-group:/aws/events/x"


def let_logs_in(lab, *principals):
    """Let services write to log groups of events."""
    statements = {
        "Effect": "Allow",
        "Principal": {"Service": list(principals)},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"arn:aws:logs:{REGION}:{OWNER}:log-group:/aws/events/*:*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    lab.client("logs").put_resource_policy(policyName="events", policyDocument=document)


def logged(lab):
    """Return the time and text of what is in the log group."""
    found = lab.client("logs").filter_log_events(logGroupName="/aws/events/x")["events"]
    return [(each["timestamp"], each["message"]) for each in found]


def test_a_log_group_gets_the_event_as_a_log_event(world, lab):
    """At the world's time, in a stream of the target's own."""
    lab.client("logs").create_log_group(logGroupName="/aws/events/x")
    let_logs_in(lab, "events.amazonaws.com", "delivery.logs.amazonaws.com")
    for _ in range(2):
        world.send(Target("1", f"{GROUP}:*"))
        lab.clock.advance(seconds=1)
    first = int(lab.clock.now().timestamp() * 1000) - 2000
    assert [(when, json.loads(text)) for when, text in logged(lab)] == [
        (first, EVENT),
        (first + 1000, EVENT),
    ]
    streams = lab.client("logs").describe_log_streams(logGroupName="/aws/events/x")["logStreams"]
    assert len(streams) == 1


def test_a_log_group_takes_time_and_message_of_a_transformed_input(world, lab):
    """In the one form that CloudWatch Logs has for it."""
    dead = world.queue("dead")
    lab.client("logs").create_log_group(logGroupName="/aws/events/x")
    let_logs_in(lab, "events.amazonaws.com", "delivery.logs.amazonaws.com")
    now = int(lab.clock.now().timestamp() * 1000)
    said = json.dumps({"timestamp": now, "message": "hello"})
    world.send(Target("1", GROUP, input=said))
    assert logged(lab) == [(now, "hello")]
    world.send(Target("1", GROUP, input='"hello"', dead_letter_arn=dead))
    assert world.dead_letter()[1]["ERROR_CODE"] == "INVALID_PARAMETER"


@pytest.mark.parametrize("principals", [(), ("events.amazonaws.com",), ("sns.amazonaws.com",)])
def test_a_log_group_that_lets_nobody_in_gets_nothing(world, lab, principals):
    """Both of AWS's services are needed."""
    dead = world.queue("dead")
    lab.client("logs").create_log_group(logGroupName="/aws/events/x")
    if principals:
        let_logs_in(lab, *principals)
    world.send(Target("1", GROUP, dead_letter_arn=dead))
    assert world.dead_letter()[1]["ERROR_CODE"] == "NO_PERMISSIONS"
    assert logged(lab) == []


def test_a_log_group_that_is_not_there_is_no_target(world, lab):
    """And none is made."""
    dead = world.queue("dead")
    let_logs_in(lab, "events.amazonaws.com", "delivery.logs.amazonaws.com")
    world.send(Target("1", GROUP, dead_letter_arn=dead))
    assert world.dead_letter()[1]["ERROR_CODE"] == "NO_RESOURCE"


# Roles of targets.


def test_a_target_with_a_role_is_called_in_it(enforced, tmp_path):
    """Then its own policy need not speak of EventBridge."""
    seen = tmp_path / "seen"
    arn = enforced.deploy(f"def handler(e, c): open({str(seen)!r}, 'a').write(e['id'])")
    enforced.functions.remove_permission(FunctionName="f", StatementId="rule")
    queue = enforced.queue("q", source=None)
    role = enforced.role("in", ["lambda:InvokeFunction", "sqs:SendMessage"], [arn, queue])
    enforced.send(Target("1", arn, role_arn=role))
    enforced.send(Target("2", queue, role_arn=role))
    assert seen.read_text() == EVENT["id"]
    assert len(enforced.messages("q")) == 1


def test_a_role_that_does_not_trust_eventbridge_for_the_rule_is_not_taken(world):
    """Nor is one that is not there."""
    dead, queue = world.queue("dead"), world.queue("q")
    other = world.role("other", "sqs:*", "*", source=RULE.arn + "x")
    for role in (other, f"arn:aws:iam::{OWNER}:role/none"):
        world.send(Target("1", queue, role_arn=role, dead_letter_arn=dead))
    found = world.messages("dead")
    codes = [each["MessageAttributes"]["ERROR_CODE"]["StringValue"] for each in found]
    assert codes == ["FAILED_TO_ASSUME_ROLE"] * 2
    assert world.messages("q") == []


def test_deliveries_in_a_role_leave_no_credentials_behind(enforced):
    """However many there are, the world keeps no session of them."""
    queue = enforced.queue("q", source=None)
    role = enforced.role("in", "sqs:SendMessage", queue)
    known = len(enforced.gateway.identities._sessions)
    for _ in range(3):
        enforced.send(Target("1", queue, role_arn=role))
    assert len(enforced.messages("q")) == 3
    assert len(enforced.gateway.identities._sessions) == known


def test_a_role_of_another_account_is_not_taken(world):
    """Though it trusts EventBridge for anybody: no rule is given a role across accounts."""
    dead, queue = world.queue("dead"), world.queue("q")
    iam = world.lab.client("iam", account="consumer")
    trust = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    role = iam.create_role(RoleName="trusting", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    world.send(Target("1", queue, role_arn=role, dead_letter_arn=dead))
    event, said = world.dead_letter()
    assert said["ERROR_CODE"] == "FAILED_TO_ASSUME_ROLE"
    assert event["id"]
    assert world.messages("q") == []


def test_a_role_needs_the_permission_where_policies_are_enforced(enforced):
    """Or the event is a dead letter."""
    dead, queue = enforced.queue("dead"), enforced.queue("q", source=None)
    role = enforced.role("in", "sqs:ReceiveMessage", "*")
    enforced.send(Target("1", queue, role_arn=role, dead_letter_arn=dead))
    assert enforced.dead_letter()[1]["ERROR_CODE"] == "NO_PERMISSIONS"


# Retries.


class Busy:
    """Queues that have no room, so many times."""

    def __init__(self, world, monkeypatch, times, status=500, code="InternalError"):
        self.tries, self.left, queues = [], times, world.gateway.queues
        send = queues.send

        def busy(arn, body, **members):
            if arn.endswith(":q"):
                self.tries.append(world.lab.clock.now())
                if self.left:
                    self.left -= 1
                    raise AwsError(code, "We encountered an internal error.", status)
            return send(arn, body, **members)

        monkeypatch.setattr(queues, "send", busy)

    def pauses(self):
        """How many seconds there were between attempts."""
        pairs = zip(self.tries, self.tries[1:], strict=False)
        return [(after - before).total_seconds() for before, after in pairs]


def test_an_error_that_passes_is_met_by_trying_again(world, lab, monkeypatch):
    """Ever later, at a moment that is drawn; the same in every world of the seed."""
    busy, arn = Busy(world, monkeypatch, 5), world.queue("q")
    world.send(Target("1", arn))
    assert len(busy.tries) == 1
    lab.clock.advance(minutes=5)
    pauses = busy.pauses()
    assert len(pauses) == 5
    assert all(2**n / 2 <= pause < 2**n for n, pause in enumerate(pauses))
    assert len(world.messages("q")) == 1
    assert world.counters() == Counters(invocations=1, retried=5)


def test_retries_are_drawn_from_the_seed(monkeypatch):
    """Equal seeds, equal pauses; another seed, others."""
    found = []
    for seed in ("a", "a", "b"):
        with Lab.simulated(seed=seed) as lab, monkeypatch.context() as within:
            world = World(lab)
            busy = Busy(world, within, 4)
            world.send(Target("1", world.queue("q")))
            lab.clock.advance(minutes=5)
            found.append(busy.pauses())
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("attempts", [0, 3])
def test_when_the_attempts_are_used_up_the_event_is_a_dead_letter(
    world, lab, monkeypatch, attempts
):
    """Which says so, and how many there were."""
    busy = Busy(world, monkeypatch, 99, 429, "ThrottlingException")
    dead, arn = world.queue("dead"), world.queue("q")
    world.send(Target("1", arn, retry=Retry(attempts=attempts), dead_letter_arn=dead))
    lab.clock.advance(days=2)
    assert len(busy.tries) == attempts + 1
    body, attributes = world.dead_letter()
    assert body == EVENT
    assert attributes == {
        "RULE_ARN": RULE.arn,
        "TARGET_ARN": arn,
        "ERROR_CODE": "THROTTLING",
        "ERROR_MESSAGE": "We encountered an internal error.",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": str(attempts),
    }
    assert world.counters() == Counters(invocations=1, failed=1, retried=attempts, dead_lettered=1)


def test_when_the_event_is_too_old_it_is_a_dead_letter(world, lab, monkeypatch):
    """At that very moment, not at the next attempt's."""
    busy = Busy(world, monkeypatch, 99)
    dead, arn = world.queue("dead"), world.queue("q")
    world.send(Target("1", arn, retry=Retry(age=60), dead_letter_arn=dead))
    lab.clock.advance(seconds=59)
    assert world.messages("dead") == []
    lab.clock.advance(seconds=1)
    _, attributes = world.dead_letter()
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
    assert attributes["ERROR_CODE"] == "INTERNAL_ERROR"
    assert attributes["RETRY_ATTEMPTS"] == str(len(busy.tries) - 1)
    lab.clock.advance(days=2)
    assert busy.tries[-1] - busy.tries[0] < timedelta(seconds=60)


def test_by_default_it_is_tried_for_a_day_and_185_times(world, lab, monkeypatch):
    """Whichever is over first: here the attempts."""
    busy = Busy(world, monkeypatch, 999)
    dead, arn = world.queue("dead"), world.queue("q")
    world.send(Target("1", arn, dead_letter_arn=dead))
    lab.clock.advance(days=1)
    assert len(busy.tries) == 186
    _, attributes = world.dead_letter()
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"


def test_closing_the_lab_drops_what_is_due(monkeypatch):
    """Another world hears nothing of it."""
    with Lab.simulated() as lab, monkeypatch.context() as within:
        world = World(lab)
        busy = Busy(world, within, 9)
        world.send(Target("1", world.queue("q")))
    assert len(busy.tries) == 1
    with Lab.simulated() as lab:
        lab.clock.advance(days=1)
        assert World(lab).counters() == Counters()


def test_what_the_target_gets_may_be_another_text(world):
    """As the target says; a template is not this module's affair."""
    transformer = InputTransformer({"result": "$.detail.result"}, '"It was <result>."')
    world.send(Target("1", world.queue("q"), input_transformer=transformer))
    (message,) = world.messages("q")
    assert message["Body"] == '"It was success."'


# What functions do with events.

RELAYS = (
    "import boto3, json\n"
    "def handler(event, context):\n"
    "    number = event['detail']['n'] + 1\n"
    "    answer = boto3.client('events').put_events(Entries=[{\n"
    "        'Source': 'app', 'DetailType': 'step', 'Detail': json.dumps({'n': number})}])\n"
    "    assert answer['FailedEntryCount'] == 0\n"
)


def test_a_function_that_puts_events_sets_off_the_next(world, lab):
    """All of it is done before the first caller goes on, and nobody waits for anybody else."""
    events, steps = (
        lab.client("events"),
        {"source": ["app"], "detail": {"n": [{"numeric": ["<", 3]}]}},
    )
    events.put_rule(Name="r", EventPattern=json.dumps(steps))
    arn = world.deploy(RELAYS, timeout=60)
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])
    events.put_rule(Name="end", EventPattern=json.dumps({"source": ["app"], "detail": {"n": [3]}}))
    end = world.queue("end", source=f"arn:aws:events:{REGION}:{OWNER}:rule/end")
    events.put_targets(Rule="end", Targets=[{"Id": "1", "Arn": end}])
    events.put_events(Entries=[{"Source": "app", "DetailType": "step", "Detail": '{"n": 0}'}])
    (message,) = world.messages("end")
    assert json.loads(message["Body"])["detail"] == {"n": 3}
    assert world.counters() == Counters(invocations=3)


def test_a_functions_own_events_are_its_roles(enforced):
    """Where policies are enforced: without the permission it fails, and that is Lambda's affair."""
    events = enforced.lab.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["app"]}))
    arn = enforced.deploy(RELAYS, timeout=60)
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])
    failed = enforced.queue("failed", source=None)
    iam = enforced.lab.client("iam")
    allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": failed}
    document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document)
    enforced.functions.put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": failed}},
    )
    events.put_events(Entries=[{"Source": "app", "DetailType": "step", "Detail": '{"n": 0}'}])
    (message,) = enforced.messages("failed")
    error = json.loads(message["Body"])["responsePayload"]["errorMessage"]
    assert "not authorized to perform: events:PutEvents" in error
    assert enforced.counters() == Counters(invocations=1)


def test_what_came_of_a_function_is_an_event_on_a_bus(world, lab):
    """If its destination is one."""
    events = lab.client("events")
    arn = world.deploy("def handler(e, c): return 'done'")
    bus = f"arn:aws:events:{REGION}:{OWNER}:event-bus/default"
    world.functions.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": bus}}
    )
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["lambda"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": world.queue("q")}])
    world.functions.invoke(FunctionName="f", InvocationType="Event", Payload=b"1")
    (message,) = world.messages("q")
    event = json.loads(message["Body"])
    assert event["detail-type"] == "Lambda Function Invocation Result - Success"
    assert event["resources"] == [bus, f"{arn}:$LATEST"]
    assert event["detail"]["responsePayload"] == "done"
