"""Rotation by functions that are really deployed, run and call back."""

import json
from datetime import UTC, datetime

import pytest

from pkilab import Lab

ONE, TWO, THREE = ("1" * 32, "2" * 32, "3" * 32)


def rotate(manager, function, token=TWO, **members):
    return manager.client.rotate_secret(
        SecretId="s", RotationLambdaARN=function, ClientRequestToken=token, **members
    )


def test_a_function_rotates_a_secret_in_four_steps(manager):
    """It moves AWSCURRENT itself; the answer names the version that is to be."""
    manager.make(text='{"n": 1}', ClientRequestToken=ONE)
    function = manager.rotator()
    answer = rotate(manager, function, RotationRules={"AutomaticallyAfterDays": 10})
    assert answer["VersionId"] == TWO
    assert json.loads(manager.get())["n"] == 2
    assert manager.stages() == {ONE: ["AWSPREVIOUS"], TWO: ["AWSCURRENT", "AWSPENDING"]}
    now = manager.lab.clock.now()
    found = manager.client.describe_secret(SecretId="s")
    assert (found["RotationEnabled"], found["RotationLambdaARN"]) == (True, function)
    assert found["RotationRules"] == {"AutomaticallyAfterDays": 10}
    assert found["LastRotatedDate"] == now
    assert found["NextRotationDate"] == datetime(2026, 11, 12, 23, 59, 59, tzinfo=UTC)


def test_a_secret_is_rotated_when_it_is_due(manager):
    """On the lab's clock, again and again, until that is cancelled."""
    manager.make(text='{"n": 1}', ClientRequestToken=ONE)
    rotate(manager, manager.rotator(), RotationRules={"ScheduleExpression": "rate(10 days)"})
    manager.lab.clock.advance(days=9)
    assert json.loads(manager.get())["n"] == 2
    manager.lab.clock.advance(days=21)
    assert json.loads(manager.get())["n"] == 5
    manager.client.cancel_rotate_secret(SecretId="s")
    found = manager.client.describe_secret(SecretId="s")
    assert not found["RotationEnabled"]
    assert "NextRotationDate" not in found
    manager.lab.clock.advance(days=30)
    assert json.loads(manager.get())["n"] == 5


def test_a_step_that_fails_leaves_the_version_pending(manager):
    """The next request takes it up again, and says so."""
    manager.make(text='{"n": 1}', ClientRequestToken=ONE)
    function = manager.rotator(FAILS="testSecret")
    rotate(manager, function)
    assert manager.stages() == {ONE: ["AWSCURRENT"], TWO: ["AWSPENDING"]}
    assert "LastRotatedDate" not in manager.client.describe_secret(SecretId="s")
    manager.functions.update_function_configuration(
        FunctionName="rotator", Environment={"Variables": {}}
    )
    message = manager.refused(
        "InvalidRequestException",
        manager.client.rotate_secret, SecretId="s", ClientRequestToken=THREE,
    )  # fmt: skip
    assert message == "A previous rotation isn't complete. That rotation will be reattempted."
    assert manager.stages()[TWO] == ["AWSCURRENT", "AWSPENDING"]
    assert json.loads(manager.get())["n"] == 2


def test_a_rotation_that_failed_first_leaves_an_empty_version(manager):
    """Which has no value to be got."""
    manager.make(text='{"n": 1}', ClientRequestToken=ONE)
    rotate(manager, manager.rotator(FAILS="createSecret"))
    message = manager.refused("ResourceNotFoundException", manager.get, VersionStage="AWSPENDING")
    assert message == (
        "Secrets Manager can't find the specified secret value for staging label: AWSPENDING"
    )


def test_a_function_must_let_secrets_manager_in(manager):
    """By its resource policy; nothing is configured otherwise."""
    manager.make(text='{"n": 1}')
    function = manager.rotator(allowed=False)
    message = manager.refused("AccessDeniedException", rotate, manager=manager, function=function)
    assert message == (
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function "
        "policy grants access to the principal secretsmanager.amazonaws.com."
    )
    manager.refused("ResourceNotFoundException", rotate, manager=manager, function=f"{function}2")
    assert "RotationEnabled" not in manager.client.describe_secret(SecretId="s")


def test_a_rotation_that_is_not_immediate_only_tests(manager):
    """A pending version is made for it and taken away."""
    manager.make(text='{"n": 1}', ClientRequestToken=ONE)
    code = "import os\ndef handler(event, context):\n    print(event['Step'])\n"
    function = manager.rotator(code=code)
    rules = {"ScheduleExpression": "cron(0 16 1,15 * ? *)", "Duration": "2h"}
    rotate(manager, function, RotateImmediately=False, RotationRules=rules)
    assert manager.stages() == {ONE: ["AWSCURRENT"]}
    found = manager.client.describe_secret(SecretId="s")
    assert found["NextRotationDate"] == datetime(2026, 11, 15, 18, tzinfo=UTC)


def test_a_new_value_puts_the_next_rotation_off(manager):
    """Where days are counted."""
    manager.make(text='{"n": 1}')
    rotate(manager, manager.rotator(), RotationRules={"AutomaticallyAfterDays": 10})
    manager.lab.clock.advance(days=5)
    manager.client.put_secret_value(SecretId="s", SecretString='{"n": 7}')
    found = manager.client.describe_secret(SecretId="s")
    assert found["NextRotationDate"] == datetime(2026, 11, 17, 23, 59, 59, tzinfo=UTC)


def test_rules_that_make_no_sense_are_refused(manager):
    """Two schedules, or none that can be read."""
    manager.make(text='{"n": 1}')
    function = manager.rotator()
    for rules in (
        {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(4 hours)"},
        {"ScheduleExpression": "rate(3 hours)"},
        {"ScheduleExpression": "cron(5 * * * ? *)"},
        {"Duration": "3h"},
    ):
        manager.refused(
            "InvalidParameterException",
            rotate, manager=manager, function=function, RotationRules=rules,
        )  # fmt: skip


@pytest.mark.parametrize("may", [True, False])
def test_the_functions_role_decides_what_it_may(open_manager, may):
    """Where policies are enforced; the key is open to it through the service."""
    with Lab.simulated(seed="rotation", enforce_policies=True) as lab:
        manager = open_manager(lab)
        arn = manager.make(text='{"n": 1}', ClientRequestToken=ONE)
        actions = ["DescribeSecret", "GetSecretValue", "PutSecretValue"]
        if may:
            actions.append("UpdateSecretVersionStage")
        allowed = [
            {
                "Effect": "Allow",
                "Action": [f"secretsmanager:{each}" for each in actions],
                "Resource": arn,
            }
        ]
        rotate(manager, manager.rotator(statements=allowed))
        assert json.loads(manager.get())["n"] == (2 if may else 1)
        pending = manager.get(VersionStage="AWSPENDING")
        assert json.loads(pending)["n"] == 2
