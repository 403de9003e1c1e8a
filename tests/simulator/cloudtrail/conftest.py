"""A trail that is told of calls, and what CloudTrail makes of it: history, files, events."""

import gzip
import json
from datetime import timedelta

import pytest
from moto.core.base_backend import BackendDict
from moto.s3.models import s3_backends

from pkilab.iam import Principal
from pkilab.simulator.cloudtrail.service import CloudTrail
from pkilab.simulator.cloudtrail.trail import Trail
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.identity import Identity, Session
from pkilab.simulator.service import AwsError, Call, service_model
from pkilab.simulator.world import World

OWNER, OTHER, REGION = "111122223333", "444455556666", "us-west-2"


class History:
    """A world's trail. Every error of the event history must be in AWS's model."""

    def __init__(self, *, seed="trail", length=1000):
        self.world = World(seed=seed, accounts={"owner": OWNER, "other": OTHER})
        self.trail = self.world.trail = Trail(self.world, length=length)
        self.bus = Bus(self.world)
        self.service = CloudTrail(self.world, self.trail, self.bus)

    def call(self, account=OWNER, region=REGION, **options):
        """Return a call of an account's user."""
        arn = f"arn:aws:iam::{account}:user/Alice"
        principal = Principal("user", arn, account, user_id="AIDACKCEVSQ6C2EXAMPLE")
        key = "AKIAIOSFODNN7EXAMPLE"
        options = {
            "identity": Identity(principal, key),
            "access_key_id": key,
            "source_ip": "192.0.2.0",
            "user_agent": "aws-cli/2",
            "request_id": "8d0b35e0-46cf-48b9-be99-bf2ebc9ab9fb",
            **options,
        }
        return Call(account, region, self.world.clock.now(), arn, **options)

    def session(self, account=OWNER, *, mfa=False, source_identity=""):
        """Return a call of a role's session."""
        now = self.world.clock.now()
        arn = f"arn:aws:sts::{account}:assumed-role/Signer/build-7"
        role = f"arn:aws:iam::{account}:role/ci/Signer"
        user_id = "AROAIDPPEZS35WEXAMPLE:build-7"
        principal = Principal("assumed-role", arn, account, role, user_id=user_id)
        session = Session(
            "role",
            now,
            now + timedelta(hours=1),
            token="session-token",
            secret="session-secret",
            name="build-7",
            mfa=mfa,
            source_identity=source_identity,
        )
        identity = Identity(principal, "ASIAIOSFODNN7EXAMPLE", session)
        return Call(account, REGION, now, arn, "ASIAIOSFODNN7EXAMPLE", identity=identity)

    def record(self, service, operation, members=None, *, call=None, result=None, error=None):
        """Tell the trail of a call."""
        call = call or self.call()
        self.trail.record(service, operation, members or {}, call, result=result, error=error)

    def lookup(self, account=OWNER, region=REGION, **members):
        """Call LookupEvents."""
        body = json.dumps(members).encode()
        try:
            return self.service.invoke("LookupEvents", body, self.call(account, region))
        except AwsError as error:
            shapes = service_model("cloudtrail").operation_model("LookupEvents").error_shapes
            names = {shape.name for shape in shapes}
            assert error.code in names | {"ValidationException", "NotImplemented"}, error
            raise

    def names(self, **members):
        """Return the names of the events found, without those of looking itself."""
        found = [each["EventName"] for each in self.lookup(**members)["Events"]]
        return [name for name in found if name != "LookupEvents"]

    def refused(self, code, **members):
        """Call LookupEvents, which must be refused with ``code``."""
        with pytest.raises(AwsError) as caught:
            self.lookup(**members)
        assert caught.value.code == code, caught.value
        return caught.value.message

    def found(self, key, value, account=OWNER):
        """Return the names of the events with an attribute."""
        attributes = [{"AttributeKey": key, "AttributeValue": value}]
        return self.names(account=account, LookupAttributes=attributes)

    def event(self, service, operation, members=None, **options):
        """Tell the trail of a call and return its event's JSON, read."""
        self.record(service, operation, members, **options)
        return self.newest()

    def newest(self, account=OWNER, region=REGION):
        """Return the newest event's JSON, read."""
        return json.loads(
            self.lookup(account, region, MaxResults=1)["Events"][0]["CloudTrailEvent"]
        )


class Logs(History):
    """A world's trail with a bucket that trails may write to."""

    def __init__(self):
        BackendDict.reset()
        super().__init__()
        self.bucket()

    def close(self):
        """End the world and empty S3."""
        self.world.close()
        BackendDict.reset()

    def bucket(self, name="lab-logs", *, policy=None, prefix=""):
        """Make a bucket with the policy of the User Guide, unless another one is given."""
        made = s3_backends[OWNER]["aws"].create_bucket(name, "us-east-1")
        made.policy = json.dumps(policy or sample_policy(name, prefix)).encode()
        return made

    def shut(self, name="lab-logs"):
        """Withdraw the bucket's policy."""
        s3_backends[OWNER]["aws"].buckets[name].policy = None

    def __call__(self, operation, account=OWNER, region="us-east-1", **members):
        """Call an operation as the API does. Every error must be in AWS's model."""
        body = json.dumps(members).encode()
        with self.world.turn():
            try:
                return self.service.invoke(operation, body, self.call(account, region))
            except AwsError as error:
                shapes = service_model("cloudtrail").operation_model(operation).error_shapes
                names = {shape.name for shape in shapes}
                assert error.code in names | {"ValidationException", "NotImplemented"}, error
                raise

    def refuses(self, code, operation, **members):
        """Call an operation that must be refused with ``code``; return the message."""
        with pytest.raises(AwsError) as caught:
            self(operation, **members)
        assert caught.value.code == code, caught.value
        return caught.value.message

    def trails(self, name="audit", *, region="us-east-1", start=True, **members):
        """Make a trail that logs, unless told otherwise; return its ARN."""
        made = self("CreateTrail", region=region, Name=name, S3BucketName="lab-logs", **members)
        if start:
            self("StartLogging", region=region, Name=name)
        return made["TrailARN"]

    def objects(self, part="/CloudTrail/", name="lab-logs"):
        """Return the bucket's objects whose keys have a part, unpacked and read."""
        keys = s3_backends[OWNER]["aws"].buckets[name].keys
        return {key: json.loads(gzip.decompress(keys[key].value)) for key in keys if part in key}

    def logged(self, part="/CloudTrail/"):
        """Return the names of the events in all log files, in order."""
        files = self.objects(part).values()
        return [each["eventName"] for file in files for each in file["Records"]]

    def heard(self, account=OWNER, region="us-east-1"):
        """Return the details of what CloudTrail put on a bus."""
        found = self.bus.events(account, region)
        return [e["detail"] for e in found if e["detail-type"] == "AWS API Call via CloudTrail"]


def sample_policy(bucket, prefix="", *, source="arn:aws:cloudtrail:us-east-1:*:trail/*"):
    """The policy of the User Guide, "Amazon S3 bucket policy for CloudTrail"."""
    service = {"Service": "cloudtrail.amazonaws.com"}
    like = {"StringLike": {"aws:SourceArn": source}}
    acl = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AWSCloudTrailAclCheck20150319",
                "Effect": "Allow",
                "Principal": service,
                "Action": "s3:GetBucketAcl",
                "Resource": f"arn:aws:s3:::{bucket}",
                "Condition": like,
            },
            {
                "Sid": "AWSCloudTrailWrite20150319",
                "Effect": "Allow",
                "Principal": service,
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/{prefix}AWSLogs/{OWNER}/*",
                "Condition": like | acl,
            },
        ],
    }


@pytest.fixture
def logs():
    """A world with two accounts, and a bucket that lets CloudTrail in."""
    logs = Logs()
    yield logs
    logs.close()


@pytest.fixture
def open_history():
    """A function that opens a history with options, one after another."""
    opened = []

    def open_one(**options):
        if opened:
            opened.pop().world.close()
        opened.append(History(**options))
        return opened[0]

    yield open_one
    for one in opened:
        one.world.close()


@pytest.fixture
def history(open_history):
    """A history with two accounts."""
    return open_history()
