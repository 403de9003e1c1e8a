"""Parameter Store through boto3, in a simulated lab."""

import pytest
from botocore.exceptions import ClientError


class Store:
    """Parameter Store, and the KMS that it calls."""

    def __init__(self, lab):
        self.lab = lab
        self.client, self.kms = lab.client("ssm"), lab.client("kms")

    def put(self, name, value="v", kind="String", **members):
        """Write a parameter; return its version's number and tier."""
        made = self.client.put_parameter(Name=name, Value=value, Type=kind, **members)
        return made["Version"], made["Tier"]

    def get(self, name, *, decrypt=True):
        """Return a parameter's value."""
        found = self.client.get_parameter(Name=name, WithDecryption=decrypt)
        return found["Parameter"]["Value"]

    @staticmethod
    def refused(code, call, **members):
        """Call what must be refused; return the message."""
        with pytest.raises(ClientError) as caught:
            call(**members)
        assert caught.value.response["Error"]["Code"] == code, caught.value
        return caught.value.response["Error"]["Message"]


@pytest.fixture
def store(lab):
    return Store(lab)
