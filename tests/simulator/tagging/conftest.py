"""A lab where policies decide, and people in it."""

import json

import pytest

from pkilab import Lab
from tests.simulator.tagging.making import MAIN


@pytest.fixture
def strict():
    """Open a lab of two accounts in which policies are enforced."""
    accounts = {"main": MAIN, "other": "444455556666"}
    with Lab.simulated(seed="tagging", accounts=accounts, enforce_policies=True) as opened:
        yield opened


@pytest.fixture
def person(strict):
    """Return what makes a user with an inline policy, and clients that call as that user."""
    names = iter("abcdefgh")

    def make(*statements):
        iam, name = strict.client("iam"), f"user-{next(names)}"
        whole = [{"Effect": "Allow", "Resource": "*", **each} for each in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": whole})
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service: strict.client(service, credentials=key)

    return make
