"""Security Hub driven operation by operation, below any transport."""

import copy

import pytest

from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.securityhub.service import SecurityHub
from pkilab.simulator.service import AwsError, Call, service_model
from pkilab.simulator.world import World

OWNER, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
GENERIC = {"NotImplemented", "SerializationException"}
# Whatever an operation's errors are, the model's own constraints are answered with this one.
CONSTRAINTS = {"EnableSecurityHub", "ListEnabledProductsForImport"}
FINDING = {
    "SchemaVersion": "2018-10-08",
    "Id": "finding-1",
    "ProductArn": f"arn:aws:securityhub:{REGION}:{OWNER}:product/{OWNER}/default",
    "GeneratorId": "acm-pca",
    "AwsAccountId": OWNER,
    "Types": ["Unusual Behaviors"],
    "CreatedAt": "2026-11-02T09:00:00Z",
    "UpdatedAt": "2026-11-02T09:00:00Z",
    "Severity": {"Label": "MEDIUM"},
    "Title": "CA Certificate Creation",
    "Description": "A certificate was issued by the root CA",
    "Resources": [{"Type": "Other", "Id": "arn:aws:acm-pca:::certificate"}],
}


def finding(number=1, **members):
    """Return a finding; a member that is None is left out."""
    found = copy.deepcopy(FINDING) | {"Id": f"finding-{number}"} | members
    return {name: value for name, value in found.items() if value is not None}


class Hub:
    """Security Hub in a world of its own. Every error it answers must be in AWS's model."""

    def __init__(self, *, enabled=True):
        accounts = {"owner": OWNER, "other": OTHER}
        self.world = World(seed="security hub", accounts=accounts)
        self.bus = Bus(self.world)
        self.service = SecurityHub(self.world, self.bus)
        if enabled:
            self("EnableSecurityHub")

    def call(self, account=OWNER, region=REGION):
        """Return a call of somebody's."""
        principal = f"arn:aws:iam::{account}:user/someone"
        return Call(account, region, self.world.clock.now(), principal)

    def __call__(self, operation, *, account=OWNER, region=REGION, **members):
        """Call an operation as the API does."""
        with self.world.turn():
            try:
                return self.service.perform(operation, self.call(account, region), **members)
            except AwsError as error:
                shapes = service_model("securityhub").operation_model(operation).error_shapes
                known = {shape.name for shape in shapes} | GENERIC
                known |= {"InvalidInputException"} if operation in CONSTRAINTS else set()
                assert error.code in known, (operation, error)
                raise

    def refused(self, code, operation, **members):
        """Call an operation that must be refused with ``code``; return the message."""
        with pytest.raises(AwsError) as caught:
            self(operation, **members)
        assert caught.value.code == code, caught.value
        return caught.value.message

    def take(self, *findings, **place):
        """Import findings, all of which must be accepted."""
        answer = self("BatchImportFindings", Findings=list(findings), **place)
        assert answer["FailedFindings"] == []
        assert answer["SuccessCount"] == len(findings)

    def failure(self, document):
        """Import what must not be accepted; return code and message."""
        answer = self("BatchImportFindings", Findings=[document])
        assert (answer["FailedCount"], answer["SuccessCount"]) == (1, 0)
        (failed,) = answer["FailedFindings"]
        return failed["ErrorCode"], failed["ErrorMessage"]

    def get(self, number=1):
        """Return a finding as it is."""
        asked = {"Id": [{"Value": f"finding-{number}", "Comparison": "EQUALS"}]}
        (found,) = self("GetFindings", Filters=asked)["Findings"]
        return found

    def ids(self, filters, **members):
        """Return the ids of the findings that match."""
        found = self("GetFindings", Filters=filters, **members)["Findings"]
        return [each["Id"] for each in found]

    def update(self, *numbers, **members):
        """Change findings as a customer."""
        product = FINDING["ProductArn"]
        identifiers = [{"Id": f"finding-{each}", "ProductArn": product} for each in numbers or (1,)]
        return self("BatchUpdateFindings", FindingIdentifiers=identifiers, **members)

    def events(self):
        """Return the owner's events."""
        return self.bus.events(OWNER, REGION)


@pytest.fixture
def new_finding():
    """What makes a finding."""
    return finding


@pytest.fixture
def open_hub():
    """A function that opens Security Hub."""
    opened = []

    def open_one(**options):
        opened.append(Hub(**options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.world.close()


@pytest.fixture
def hub(open_hub):
    """Security Hub, enabled in one account."""
    return open_hub()
