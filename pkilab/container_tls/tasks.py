"""The role of an ECS task: what its containers may do, and a session of it to try that.

Source: Amazon ECS Developer Guide, "Amazon ECS task IAM role".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pkilab.access_control.denials import CODES
from pkilab.waiting import IAM_SETTLES, accepted, until

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

_NAME = "task"
_POLL = timedelta(seconds=2)


def create_role(
    iam: IAMClient, name: str, policy: Mapping[str, Any], *, stand_in: str | None = None
) -> str:
    """Create the role of a task, with one inline policy, and return its ARN.

    Args:
        iam: a client of the account that the tasks run in.
        name: the role's.
        policy: what its containers may do.
        stand_in: an account (12 digits) whose administrators may assume it as well, to try it
            where there is no ECS.

    Raises:
        ClientError: there is such a role already, or IAM refuses the policy (botocore's).
    """
    trusted: dict[str, Any] = {"Service": "ecs-tasks.amazonaws.com"}
    if stand_in is not None:
        trusted["AWS"] = f"arn:aws:iam::{stand_in}:root"
    statement = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName=_NAME, PolicyDocument=json.dumps(policy))
    return made["Role"]["Arn"]


def assume(
    sts: STSClient, role_arn: str, *, sleep: Callable[[float], None] = time.sleep
) -> CredentialsTypeDef:
    """Return a session's credentials, as ECS would give them to a task's containers.

    A role that was just made cannot be assumed at once: it is tried again, for a minute. Its
    policy may take as long to be heard, and is not waited for.

    Args:
        sts: a client that may assume the role.
        role_arn: of the role.
        sleep: how to wait, in seconds.

    Raises:
        LabError: access is still denied after a minute.
        ClientError: AWS refuses for another reason (botocore's).
    """
    return until(
        accepted(
            lambda: sts.assume_role(RoleArn=role_arn, RoleSessionName=_NAME)["Credentials"], *CODES
        ),
        what=f"leave to assume {role_arn}",
        at_most=IAM_SETTLES,
        every=_POLL,
        sleep=sleep,
    )
