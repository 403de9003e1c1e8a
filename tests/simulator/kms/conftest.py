"""KMS driven operation by operation, below any transport."""

import base64
import json
from datetime import timedelta

import pytest
from moto.core.base_backend import BackendDict
from moto.iam.models import iam_backends

from pkilab.simulator.kms.service import Kms
from pkilab.simulator.service import AwsError, Call, service_model
from pkilab.simulator.world import World

OWNER, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
GENERIC = {
    "ValidationException", "AccessDeniedException", "NotImplemented", "NotAuthorizedException",
    "SerializationException",
}  # fmt: skip


class Driver:
    """KMS in a world of its own. Every error it answers must be in AWS's model."""

    def __init__(self, *, seed="kms", latency=timedelta(0), start=None):
        BackendDict.reset()
        options = {"start": start} if start else {}
        accounts = {"owner": OWNER, "other": OTHER}
        self.world = World(seed=seed, latency=latency, accounts=accounts, **options)
        self.service = Kms(self.world)

    def close(self):
        """End the world and empty IAM."""
        self.world.close()
        BackendDict.reset()

    @property
    def now(self):
        """The world's time."""
        return self.world.clock.now()

    def call(self, *, account=OWNER, region=REGION, principal=None):
        """Return who calls, where and when."""
        return Call(account, region, self.now, principal or f"arn:aws:iam::{account}:user/someone")

    def __call__(self, operation, *, account=OWNER, region=REGION, principal=None, **members):
        """Call an operation as the API does; bytes go in and come out as bytes."""
        body = json.dumps(members, default=lambda blob: base64.b64encode(blob).decode())
        with self.world.turn():
            try:
                call = self.call(account=account, region=region, principal=principal)
                return _decoded(operation, self.service.invoke(operation, body.encode(), call))
            except AwsError as error:
                shapes = service_model("kms").operation_model(operation).error_shapes
                assert error.code in {shape.name for shape in shapes} | GENERIC, (operation, error)
                raise

    def refused(self, code, operation, **members):
        """Call an operation that must be refused with ``code``; return the message."""
        with pytest.raises(AwsError) as caught:
            self(operation, **members)
        assert caught.value.code == code, caught.value
        return caught.value.message

    def create(self, spec=None, usage=None, **members):
        """Make a key and return its ARN."""
        if spec:
            members["KeySpec"] = spec
        if usage:
            members["KeyUsage"] = usage
        return self("CreateKey", **members)["KeyMetadata"]["Arn"]

    def signer(self, spec="ECC_NIST_P256", **members):
        """Make a key that signs and return its ARN."""
        return self.create(spec, "SIGN_VERIFY", **members)

    def metadata(self, key_id, **options):
        """Return what DescribeKey says of a key."""
        return self("DescribeKey", KeyId=key_id, **options)["KeyMetadata"]

    @staticmethod
    def policy(*statements):
        """Write a key policy."""
        return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

    @staticmethod
    def allow(principal, action="kms:*", **members):
        """Write a statement that allows."""
        return {
            "Effect": "Allow", "Principal": {"AWS": principal}, "Action": action,
            "Resource": "*", **members,
        }  # fmt: skip

    def user(self, name, account=OWNER):
        """Make an IAM user and return its ARN."""
        return iam_backends[account]["aws"].create_user(REGION, name).arn

    def role(self, name, account=OWNER, path="/"):
        """Make an IAM role and return its ARN."""
        made = iam_backends[account]["aws"].create_role(name, "{}", path, None, "", [], 3600)
        return made.arn


def _decoded(operation, result):
    """Turn Base64 into bytes where the model has a blob."""
    shape = service_model("kms").operation_model(operation).output_shape
    for name in result:
        if shape.members[name].type_name == "blob":
            result[name] = base64.b64decode(result[name])
    return result


@pytest.fixture
def open_kms():
    """A function that opens the service with options, one after another."""
    opened = []

    def open_one(**options):
        if opened:
            opened.pop().close()
        opened.append(Driver(**options))
        return opened[0]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def kms(open_kms):
    """KMS, frozen, without latency."""
    return open_kms()


@pytest.fixture
def slow_kms(open_kms):
    """KMS that takes five minutes until a change has reached all of it."""
    return open_kms(latency=timedelta(minutes=5))
