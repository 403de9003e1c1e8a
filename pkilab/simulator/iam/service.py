"""AWS Identity and Access Management: moto's, under what it lacks and gets wrong."""

from __future__ import annotations

from collections.abc import Iterator

from moto.iam.models import iam_backends

from pkilab.iam.services import HOME
from pkilab.simulator.iam.devices import Devices
from pkilab.simulator.iam.linked_roles import LinkedRoles
from pkilab.simulator.iam.policy_simulator import Simulator
from pkilab.simulator.iam.users import Users
from pkilab.simulator.tagging.resources import Tagged


class Iam(Users, LinkedRoles, Devices, Simulator):
    """The service, for every account of a world; see `IamBase` for what it is made with."""

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return what the tagging API knows of IAM, in us-east-1: neither roles nor users.

        Source: Resource Groups Tagging API Reference, "Services that support the Resource Groups
        Tagging API".
        """
        if region != HOME:
            return
        backend = iam_backends[account]["aws"]
        own = (each for arn, each in backend.managed_policies.items() if f"::{account}:" in arn)
        profiles, providers = backend.instance_profiles, backend.open_id_providers
        for each in (*own, *profiles.values(), *providers.values()):
            held = each.tags.values() if isinstance(each.tags, dict) else each.tags
            yield each.arn, {tag["Key"]: tag["Value"] for tag in held}
        for serial, device in self._identities.mfa.devices.items():
            if serial.split(":")[4] == account:
                yield serial, device.tags
