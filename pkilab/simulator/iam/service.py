"""AWS Identity and Access Management: moto's, under what it lacks and gets wrong."""

from __future__ import annotations

from pkilab.simulator.iam.devices import Devices
from pkilab.simulator.iam.linked_roles import LinkedRoles
from pkilab.simulator.iam.policy_simulator import Simulator
from pkilab.simulator.iam.users import Users


class Iam(Users, LinkedRoles, Devices, Simulator):
    """The service, for every account of a world; see `IamBase` for what it is made with."""
