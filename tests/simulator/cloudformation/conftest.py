"""Stacks in a world of their own, through boto3."""

import textwrap
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from pkilab.lab import Lab


class Stacks:
    """A world whose stacks are made and looked at."""

    def __init__(self, **options):
        self.lab = Lab.simulated(seed="stacks", **options)
        self.clock = self.lab.clock
        self.cloudformation = self.client("cloudformation")

    def client(self, service, **place):
        """Return a boto3 client."""
        return self.lab.client(service, **place)

    def create(self, name, template, *, values=None, **members):
        """Create a stack and return its status."""
        members.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        self.cloudformation.create_stack(
            StackName=name,
            TemplateBody=textwrap.dedent(template),
            Parameters=given(values),
            **members,
        )
        return self.status(name)

    def update(self, name, template, *, values=None, **members):
        """Update a stack and return its status."""
        members.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        self.cloudformation.update_stack(
            StackName=name,
            TemplateBody=textwrap.dedent(template),
            Parameters=given(values),
            **members,
        )
        return self.status(name)

    def delete(self, name, **members):
        """Delete a stack and return the status of the one that had its ARN."""
        arn = self.describe(name)["StackId"]
        self.cloudformation.delete_stack(StackName=name, **members)
        return self.status(arn)

    def describe(self, name):
        """Return a stack's description."""
        return self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def status(self, name):
        """Return a stack's status."""
        return self.describe(name)["StackStatus"]

    def outputs(self, name):
        """Return a stack's outputs by key."""
        outputs = self.describe(name).get("Outputs", [])
        return {each["OutputKey"]: each["OutputValue"] for each in outputs}

    def events(self, name, logical_id=None):
        """Return status and reason of each event, the oldest first."""
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
        found = [event for page in pages for event in page["StackEvents"]]
        return [
            (
                each["LogicalResourceId"],
                each["ResourceStatus"],
                each.get("ResourceStatusReason", ""),
            )
            for each in reversed(found)
            if logical_id in (None, each["LogicalResourceId"])
        ]

    def physical(self, name, logical_id):
        """Return the physical ID of a resource."""
        answer = self.cloudformation.describe_stack_resource(
            StackName=name, LogicalResourceId=logical_id
        )
        return answer["StackResourceDetail"]["PhysicalResourceId"]

    def refused(self, operation, **members):
        """Call CloudFormation, which must refuse; return code and message."""
        with pytest.raises(ClientError) as caught:
            getattr(self.cloudformation, operation)(**members)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    def zone(self, name="example.com"):
        """Make a public hosted zone; return its bare ID."""
        answer = self.client("route53").create_hosted_zone(Name=name, CallerReference=name)
        return answer["HostedZone"]["Id"].rpartition("/")[2]

    def buckets(self):
        """Return the names of all buckets."""
        return [each["Name"] for each in self.client("s3").list_buckets()["Buckets"]]


def given(values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in (values or {}).items()]


@pytest.fixture
def open_stacks():
    """A function that opens a world with options."""
    opened = []

    def open_one(**options):
        opened.append(Stacks(**options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.lab.close()


@pytest.fixture
def stacks(open_stacks):
    """A frozen world without latency."""
    return open_stacks()


@pytest.fixture
def slow_stacks(open_stacks):
    """A frozen world in which asynchronous work takes a minute."""
    return open_stacks(latency=timedelta(minutes=1))
