"""Targets of rules. Sentences as recorded in localstack/localstack."""

import pytest

from pkilab.simulator.eventbridge.state import Retry
from tests.simulator.eventbridge.conftest import queue


def test_targets_are_put_changed_listed_and_removed(events):
    """By id; what was put is what is listed."""
    events.rule(targets=("a", "b"))
    retry = {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60}
    dead = {"Arn": f"{queue('x')['Arn']}-dead"}
    changed = queue("a", RetryPolicy=retry, DeadLetterConfig=dead, InputPath="$.detail")
    put = events("PutTargets", Rule="r", Targets=[changed])
    assert put == {"FailedEntryCount": 0, "FailedEntries": []}
    assert events("ListTargetsByRule", Rule="r")["Targets"] == [changed, queue("b")]
    target = events.service.rule_at(events("DescribeRule", Name="r")["Arn"]).targets["a"]
    assert (target.retry, target.dead_letter_arn) == (Retry(3, 60), dead["Arn"])
    assert target.input_path == "$.detail"
    removed = events("RemoveTargets", Rule="r", Ids=["a", "x"])
    assert removed["FailedEntryCount"] == 1
    (failed,) = removed["FailedEntries"]
    assert (failed["TargetId"], failed["ErrorCode"]) == ("x", "ResourceNotFoundException")
    assert events("ListTargetsByRule", Rule="r")["Targets"] == [queue("b")]
    message = events.refused("ResourceNotFoundException", "ListTargetsByRule", Rule="x")
    assert message == "Rule x does not exist on EventBus default."


def test_a_rule_has_at_most_five_targets(events):
    """The sixth is refused, and all that came with it."""
    events.rule(targets=("1", "2", "3", "4"))
    more = [queue("5"), queue("6")]
    message = events.refused("LimitExceededException", "PutTargets", Rule="r", Targets=more)
    assert message == "The requested resource exceeds the maximum number allowed."
    assert len(events("ListTargetsByRule", Rule="r")["Targets"]) == 4
    events("PutTargets", Rule="r", Targets=[queue("5"), queue("1")])


TRANSFORMER = {"InputPathsMap": {"a": "$.detail"}, "InputTemplate": '"<a>"'}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"InputPath": "$.detail", "InputTransformer": TRANSFORMER},
            "Only one of Input, InputPath, or InputTransformer must be provided for target t.",
        ),
        (
            {"InputTransformer": {"InputTemplate": '"<notdefinedkey>"'}},
            "InputTemplate for target t contains invalid placeholder notdefinedkey.",
        ),
        ({"Input": "no json"}, "JSON syntax error in input for target t."),
        (
            {"InputTransformer": {**TRANSFORMER, "InputTemplate": "it is <a>"}},
            "Invalid InputTemplate for target t : Unrecognized token 'it'",
        ),
        (
            {"InputTransformer": {**TRANSFORMER, "InputPathsMap": {"AWS.x": "$"}}},
            "InputPathsMap for target t contains reserved key AWS.x.",
        ),
        ({"Arn": "arn"}, "Parameter arn is not valid. Reason: Provided Arn is not in correct"),
    ],
)
def test_each_mistake_in_a_target_has_its_sentence(events, members, message):
    """And nothing is kept."""
    events.rule(targets=())
    wrong = {"Rule": "r", "Targets": [queue("t", **members)]}
    assert events.refused("ValidationException", "PutTargets", **wrong).startswith(message)
    assert events("ListTargetsByRule", Rule="r")["Targets"] == []


def test_inputs_that_are_right_are_taken(events):
    """Each by itself."""
    events.rule(targets=())
    right = [
        queue("1", Input='{"a": 1}'), queue("2", InputPath="$.detail"),
        queue("3", InputTransformer=TRANSFORMER),
    ]  # fmt: skip
    assert events("PutTargets", Rule="r", Targets=right)["FailedEntryCount"] == 0


@pytest.mark.parametrize(
    "members",
    [
        {"KinesisParameters": {"PartitionKeyPath": "$.id"}},
        {"Arn": "arn:aws:states:us-east-1:111122223333:stateMachine:m"},
    ],
)
def test_targets_that_are_not_modelled_are_refused(events, members):
    """Their parameters, too."""
    events.rule(targets=())
    targets = [queue("t", **members)]
    events.refused("NotImplemented", "PutTargets", Rule="r", Targets=targets)
