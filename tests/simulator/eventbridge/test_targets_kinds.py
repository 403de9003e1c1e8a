"""What may be a target of a rule, and what PutTargets says of the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.eventbridge.targets_kinds import check_target, kind_of
from pkilab.simulator.service import AwsError

HERE = {"account": "111122223333", "region": "us-east-1"}
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:f"
QUEUE = "arn:aws:sqs:us-east-1:111122223333:q"
TOPIC = "arn:aws:sns:us-east-1:111122223333:t"
GROUP = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/events/x"
BUS = "arn:aws:events:us-east-1:111122223333:event-bus/other"
ROLE = {"RoleArn": "arn:aws:iam::111122223333:role/r"}


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        (FUNCTION, "lambda"),
        (f"{FUNCTION}:$LATEST", "lambda"),
        (QUEUE, "sqs"),
        (f"{QUEUE}.fifo", "sqs"),
        (TOPIC, "sns"),
        (GROUP, "logs"),
        (f"{GROUP}:*", "logs"),
        (BUS, "events"),
        ("arn:aws:states:us-east-1:111122223333:stateMachine:m", None),
        ("arn:aws:events:us-east-1:111122223333:api-destination/x/1", None),
        ("arn:aws:sqs:::q", None),
        ("q", None),
    ],
)
def test_a_target_is_known_by_its_arn(arn, kind):
    """Five kinds are modelled."""
    assert kind_of(arn) == kind


@pytest.mark.parametrize(
    ("arn", "raw"),
    [
        (FUNCTION, {}),
        (FUNCTION.replace("111122223333", "444455556666"), ROLE),
        (QUEUE, {"DeadLetterConfig": {"Arn": QUEUE}, "RetryPolicy": {"MaximumRetryAttempts": 1}}),
        (f"{QUEUE}.fifo", {"SqsParameters": {"MessageGroupId": "g"}}),
        (QUEUE, {"SqsParameters": {"MessageGroupId": "g"}}),
        (GROUP, {"Input": "{}"}),
        (BUS, {}),
        (BUS.replace("us-east-1", "eu-west-1"), ROLE),
    ],
)
def test_what_can_be_a_target_is_taken(arn, raw):
    """Whether it exists is not looked at."""
    check_target(arn, {"Id": "1", "Arn": arn, **raw}, **HERE)


@pytest.mark.parametrize(
    ("arn", "raw", "message"),
    [
        ("q", {}, "Parameter q is not valid. Reason: Provided Arn is not in correct format."),
        (f"{QUEUE}.fifo", {}, "Parameter(s) SqsParameters must be specified for target: 1."),
        (TOPIC, {"SqsParameters": {}}, "Parameter(s) SqsParameters are not valid for target: 1."),
        (f"{TOPIC}.fifo", {}, "FIFO topics cannot be targets."),
        (GROUP, ROLE, f"RoleArn is not supported for target {GROUP}."),
        (BUS, {"Input": "{}"}, "Modifying the input for target 1 is not supported."),
        (QUEUE.replace("us-east-1", "eu-west-1"), ROLE, "The target is in another Region."),
        (GROUP.replace("1111", "4444"), {}, "The target is in another account."),
        (FUNCTION.replace("1111", "4444"), {}, "RoleArn is required for target arn:aws:lambda"),
        (BUS.replace("1111", "4444"), {}, "RoleArn is required for target arn:aws:events"),
        (BUS.replace("us-east-1", "eu-west-1"), {}, "RoleArn is required for target arn:aws:eve"),
        (FUNCTION, {"DeadLetterConfig": {"Arn": TOPIC}}, "must be a standard SQS queue"),
        (FUNCTION, {"DeadLetterConfig": {"Arn": f"{QUEUE}.fifo"}}, "must be a standard SQS queue"),
        (
            FUNCTION,
            {"DeadLetterConfig": {"Arn": QUEUE.replace("us-east-1", "eu-west-1")}},
            "must be in the Region of the rule",
        ),
    ],
)
def test_what_cannot_be_a_target_is_refused(arn, raw, message):
    """As a ValidationException."""
    with pytest.raises(AwsError) as caught:
        check_target(arn, {"Id": "1", "Arn": arn, **raw}, **HERE)
    assert caught.value.code == "ValidationException"
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("arn", "raw"),
    [
        ("arn:aws:states:us-east-1:111122223333:stateMachine:m", ROLE),
        ("arn:aws:kinesis:us-east-1:111122223333:stream/s", {}),
        (FUNCTION, {"HttpParameters": {}}),
    ],
)
def test_targets_of_other_kinds_are_not_simulated(arn, raw):
    """Which is said, not passed over."""
    with pytest.raises(AwsError) as caught:
        check_target(arn, raw, **HERE)
    assert caught.value.code == "NotImplemented"


@given(st.text(max_size=60), st.sampled_from(["", "arn:aws:sqs:", "arn:aws:events:us-east-1:"]))
def test_any_text_is_a_target_or_refused(text, start):
    """Only declared errors leave."""
    try:
        check_target(start + text, {}, **HERE)
    except AwsError as why:
        assert why.code in {"ValidationException", "NotImplemented"}
    else:
        assert kind_of(start + text) is not None
