"""Route 53 through boto3, in a world of two accounts."""

import pytest
from botocore.exceptions import ClientError


class Zones:
    """Makes zones and changes their records."""

    def __init__(self, lab):
        self.lab = lab
        self.client, self.other = (
            lab.client("route53", account=account) for account in ("owner", "consumer")
        )

    def make(self, name="lab.example", reference=None, **members):
        """Make a zone and return its id."""
        made = self.client.create_hosted_zone(
            Name=name, CallerReference=reference or name, **members
        )
        return made["HostedZone"]["Id"]

    def change(self, zone, *changes):
        """Make a batch of ``(action, name, type, *values)``; return the change's information."""
        return self.batch(zone, [one(*change) for change in changes])

    def batch(self, zone, changes, **members):
        """Make a batch of changes as the API has them."""
        return self.client.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": changes, **members}
        )["ChangeInfo"]

    def sets(self, zone):
        """Return the record sets of a zone that it did not have from the start."""
        listed = self.client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        own = {("NS", self.client.get_hosted_zone(Id=zone)["HostedZone"]["Name"])}
        own |= {("SOA", name) for _, name in own}
        return [each for each in listed if (each["Type"], each["Name"]) not in own]

    def refused(self, code, call, *arguments, **members):
        """Make a call that must be refused with a code; return the message."""
        with pytest.raises(ClientError) as caught:
            call(*arguments, **members)
        error = caught.value.response["Error"]
        assert error["Code"] == code, error
        return error["Message"]

    def bad(self, zone, *changes):
        """Make a batch that must be refused, and return why; nothing was changed."""
        before = self.sets(zone)
        message = self.refused("InvalidChangeBatch", self.change, zone, *changes)
        assert self.sets(zone) == before
        assert message[0] + message[-1] == "[]"
        return message[1:-1]


def one(action, name, kind, *values, ttl=60):
    """Return a change as the API has it."""
    records = [{"Value": value} for value in values]
    held = {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": records}
    return {"Action": action, "ResourceRecordSet": held}


@pytest.fixture
def zones(lab):
    return Zones(lab)
