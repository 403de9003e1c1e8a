"""The tree: its root, organizational units, and where accounts are in it.

Sources: AWS Organizations API Reference; User Guide, "Quotas and service limits".
"""

from __future__ import annotations

from collections.abc import Sequence

from pkilab.simulator.organizations import documents
from pkilab.simulator.organizations.accounts import Accounts, account_of, member
from pkilab.simulator.organizations.base import with_tags
from pkilab.simulator.organizations.errors import constraint, refusal
from pkilab.simulator.organizations.state import Json, Organization, Unit
from pkilab.simulator.service import Call

DEPTH = 5  # levels of organizational units below the root
UNITS = 2_000  # of an organization


class Units(Accounts):
    """Operations on the tree."""

    def list_roots(
        self, call: Call, *, max_results: int | None = None, next_token: str | None = None
    ) -> Json:
        """List the root, with the policy types that are enabled in it."""
        own = self.managed(call)
        return self.listing("Roots", [root_of(own)], max_results, next_token, f"{own.id} roots")

    def create_organizational_unit(
        self, call: Call, *, parent_id: str, name: str, tags: Sequence[Json] = ()
    ) -> Json:
        """Make a unit below the root or another unit."""
        own = self.managed(call)
        _require_parent(own, parent_id)
        _require_new(own, parent_id, name)
        if len(own.above(parent_id)) > DEPTH:
            raise constraint("OU_DEPTH_LIMIT_EXCEEDED")
        if len(own.units) >= UNITS:
            raise constraint("OU_NUMBER_LIMIT_EXCEEDED")
        new_tags = with_tags({}, tags)
        suffix = own.root.id.removeprefix("r-")
        unit_id = f"ou-{suffix}-{self.new_name('unit', 8)}"
        unit = Unit(unit_id, own.arn("ou", unit_id), name, parent_id, new_tags)
        own.units[unit_id] = unit
        own.attached[unit_id] = documents.given(own.enabled)
        return {"OrganizationalUnit": _described(own, unit)}

    def update_organizational_unit(
        self, call: Call, *, organizational_unit_id: str, name: str | None = None
    ) -> Json:
        """Rename a unit; policies attached to it stay."""
        own = self.managed(call)
        unit = _unit(own, organizational_unit_id)
        if name is not None and name != unit.name:
            _require_new(own, unit.parent, name)
            unit.name = name
        return {"OrganizationalUnit": _described(own, unit)}

    def delete_organizational_unit(self, call: Call, *, organizational_unit_id: str) -> Json:
        """Remove an empty unit."""
        own = self.managed(call)
        unit = _unit(own, organizational_unit_id)
        if own.children(unit.id) or own.accounts(unit.id):
            raise refusal("OrganizationalUnitNotEmptyException")
        del own.units[unit.id], own.attached[unit.id]
        return {}

    def describe_organizational_unit(self, call: Call, *, organizational_unit_id: str) -> Json:
        """Describe a unit."""
        own = self.managed(call)
        return {"OrganizationalUnit": _described(own, _unit(own, organizational_unit_id))}

    def list_organizational_units_for_parent(
        self,
        call: Call,
        *,
        parent_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List the units right below a parent, in order of creation."""
        own = self.managed(call)
        _require_parent(own, parent_id)
        found = [_described(own, each) for each in own.children(parent_id)]
        scope = f"{own.id} units of {parent_id}"
        return self.listing("OrganizationalUnits", found, max_results, next_token, scope)

    def list_accounts_for_parent(
        self,
        call: Call,
        *,
        parent_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List the accounts right below a parent, in order of joining."""
        own = self.managed(call)
        _require_parent(own, parent_id)
        found = [account_of(own, each) for each in own.accounts(parent_id)]
        scope = f"{own.id} accounts of {parent_id}"
        return self.listing("Accounts", found, max_results, next_token, scope)

    def list_parents(
        self,
        call: Call,
        *,
        child_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List the one parent of a unit or an account."""
        own = self.managed(call)
        child = own.units.get(child_id) or own.members.get(child_id)
        if child is None or child.parent is None:
            raise refusal("ChildNotFoundException")
        kind = "ROOT" if child.parent == own.root.id else "ORGANIZATIONAL_UNIT"
        found = [{"Id": child.parent, "Type": kind}]
        scope = f"{own.id} parents of {child_id}"
        return self.listing("Parents", found, max_results, next_token, scope)

    def list_children(
        self,
        call: Call,
        *,
        parent_id: str,
        child_type: str,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List the ids of what is right below a parent, units or accounts."""
        own = self.managed(call)
        _require_parent(own, parent_id)
        if child_type == "ACCOUNT":
            names = [each.account for each in own.accounts(parent_id)]
        else:
            names = [each.id for each in own.children(parent_id)]
        found = [{"Id": name, "Type": child_type} for name in names]
        scope = f"{own.id} {child_type} of {parent_id}"
        return self.listing("Children", found, max_results, next_token, scope)

    def move_account(
        self, call: Call, *, account_id: str, source_parent_id: str, destination_parent_id: str
    ) -> Json:
        """Move an account to another parent; policies attached to it stay."""
        own = self.managed(call)
        moved = member(own, account_id)
        if moved.parent != source_parent_id:
            raise refusal("SourceParentNotFoundException")
        if own.container(destination_parent_id) is None:
            raise refusal("DestinationParentNotFoundException")
        if source_parent_id == destination_parent_id:
            raise refusal("DuplicateAccountException")
        moved.parent = destination_parent_id
        return {}


def root_of(own: Organization) -> Json:
    """Return the root as the API describes it."""
    return {
        "Id": own.root.id,
        "Arn": own.root.arn,
        "Name": own.root.name,
        "PolicyTypes": [{"Type": kind, "Status": "ENABLED"} for kind in own.enabled],
    }


def _unit(own: Organization, name: str) -> Unit:
    if (found := own.units.get(name)) is None:
        raise refusal("OrganizationalUnitNotFoundException")
    return found


def _require_parent(own: Organization, name: str) -> None:
    if own.container(name) is None:
        raise refusal("ParentNotFoundException")


def _require_new(own: Organization, parent: str | None, name: str) -> None:
    if any(each.parent == parent and each.name == name for each in own.units.values()):
        raise refusal("DuplicateOrganizationalUnitException")


def _described(own: Organization, unit: Unit) -> Json:
    return {"Id": unit.id, "Arn": unit.arn, "Name": unit.name, "Path": own.path(unit.id)}
