"""Lambda's operations on resource policies.

Source: AWS Lambda API Reference, AddPermission, RemovePermission, GetPolicy.
"""

from __future__ import annotations

import json

from pkilab.simulator.functions.base import STALE, Functions
from pkilab.simulator.functions.errors import error, invalid
from pkilab.simulator.functions.permissions import document, statement
from pkilab.simulator.functions.roles import ExecutionRoles
from pkilab.simulator.functions.state import Function
from pkilab.simulator.service import Call, Json, not_simulated
from pkilab.simulator.world import World

_MOST_POLICY = 20480


class ResourcePolicies(Functions):
    """Who besides a function's own account may invoke it."""

    def __init__(self, world: World, roles: ExecutionRoles) -> None:
        super().__init__(world, roles)
        self._revisions = world.entropy("lambda", "policies")

    def add_permission(
        self,
        call: Call,
        function_name: str,
        *,
        statement_id: str,
        action: str,
        principal: str,
        source_arn: str | None = None,
        source_account: str | None = None,
        qualifier: str | None = None,
        revision_id: str | None = None,
        **others: object,
    ) -> Json:
        """Let a service or an account invoke the function.

        Whether an account or role that is named exists is not looked at.
        """
        if others:
            raise not_simulated(f"lambda:AddPermission with {', '.join(sorted(others))}")
        function = self._of_policy(call, function_name, qualifier, revision_id)
        if statement_id in function.statements:
            message = f"The statement id ({statement_id}) provided already exists. Please provide a"
            raise error(
                "ResourceConflictException",
                f"{message} new statement id, or remove the existing statement.",
            )
        made = statement(
            statement_id, action, principal, function.arn,
            source_arn=source_arn, source_account=source_account,
        )  # fmt: skip
        statements = {**function.statements, statement_id: made}
        if (size := len(document(statements.values()).encode())) > _MOST_POLICY:
            message = f"The final policy size ({size}) is bigger than the limit ({_MOST_POLICY})."
            raise error("PolicyLengthExceededException", message)
        function.statements, function.policy_revision = statements, self._revisions.uuid()
        return {"Statement": json.dumps(made, separators=(",", ":"))}

    def remove_permission(
        self,
        call: Call,
        function_name: str,
        statement_id: str,
        qualifier: str | None = None,
        revision_id: str | None = None,
    ) -> Json:
        """Take a permission back."""
        function = self._of_policy(call, function_name, qualifier, revision_id)
        if not function.statements:
            message = "No policy is associated with the given resource."
            raise error("ResourceNotFoundException", message)
        if function.statements.pop(statement_id, None) is None:
            message = f"Statement {statement_id} is not found in resource policy."
            raise error("ResourceNotFoundException", message)
        function.policy_revision = self._revisions.uuid()
        return {}

    def get_policy(self, call: Call, function_name: str, qualifier: str | None = None) -> Json:
        """Return the resource policy."""
        function = self._of_policy(call, function_name, qualifier, None)
        if not function.statements:
            message = "The resource you requested does not exist."
            raise error("ResourceNotFoundException", message)
        policy = document(function.statements.values())
        return {"Policy": policy, "RevisionId": function.policy_revision}

    def _of_policy(
        self, call: Call, name: str, qualifier: str | None, revision: str | None
    ) -> Function:
        """Return the function of a resource policy, of which the unpublished one has a single.

        Raises:
            AwsError: InvalidParameterValueException, ``$LATEST`` is named;
                PreconditionFailedException, ``revision`` is not the latest.
        """
        if qualifier == "$LATEST":
            raise invalid("We currently do not support adding policies for $LATEST.")
        function = self._function(call, name, qualifier or "$LATEST")
        if revision and revision != function.policy_revision:
            raise error("PreconditionFailedException", STALE.format("GetPolicy"))
        return function
