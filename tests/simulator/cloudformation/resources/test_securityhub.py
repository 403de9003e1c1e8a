"""Security Hub in stacks, as the service has it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

HUB = """
    Resources:
      Hub:
        Type: AWS::SecurityHub::Hub
        Properties:
          EnableDefaultStandards: false
          AutoEnableControls: {controls}
          Tags: {{use: {use}}}
    Outputs: {{Arn: {{Value: !Ref Hub}}, Same: {{Value: !GetAtt Hub.ARN}},
               When: {{Value: !GetAtt Hub.SubscribedAt}}}}
"""


def test_security_hub_is_enabled_changed_and_disabled(stacks):
    hub = stacks.client("securityhub")
    assert stacks.create("web", HUB.format(controls="false", use="one")) == "CREATE_COMPLETE"
    out = stacks.outputs("web")
    assert out["Arn"] == out["Same"] == "arn:aws:securityhub:us-east-1:111122223333:hub/default"
    found = hub.describe_hub()
    assert (found["HubArn"], found["SubscribedAt"]) == (out["Arn"], out["When"])
    assert found["AutoEnableControls"] is False
    assert stacks.update("web", HUB.format(controls="true", use="two")) == "UPDATE_COMPLETE"
    assert hub.describe_hub()["AutoEnableControls"] is True
    assert hub.list_tags_for_resource(ResourceArn=out["Arn"])["Tags"]["use"] == "two"
    assert stacks.delete("web") == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="not subscribed"):
        hub.describe_hub()


def test_a_second_security_hub_of_a_region_is_refused(stacks):
    stacks.create("web", HUB.format(controls="false", use="one"))
    assert stacks.create("again", HUB.format(controls="false", use="one")) == "ROLLBACK_COMPLETE"
    assert stacks.client("securityhub").describe_hub()["HubArn"]


def test_taking_the_standards_back_is_not_simulated(stacks):
    stacks.create("web", HUB.format(controls="false", use="one"))
    text = HUB.format(controls="false", use="one").replace("EnableDefaultStandards: false", "")
    assert stacks.update("web", text) == "UPDATE_ROLLBACK_COMPLETE"
    reasons = "".join(reason for _, _, reason in stacks.events("web"))
    assert "an update of EnableDefaultStandards is not simulated" in reasons
