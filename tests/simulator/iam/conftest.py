"""IAM with what pkilab adds to moto's, asked by boto3."""

import pytest

OWNER = "111122223333"


@pytest.fixture
def iam(lab):
    """A client of the learner's."""
    return lab.client("iam")


@pytest.fixture
def client_of(lab, iam):
    """A function that returns a client of a service, for a new user."""

    def make(service, user_name="alice"):
        iam.create_user(UserName=user_name)
        key = iam.create_access_key(UserName=user_name)["AccessKey"]
        return lab.client(service, credentials=key)

    return make
