"""CloudFormation's operations on stacks: creating, updating and deleting.

Source: AWS CloudFormation API Reference; sentences as answered by AWS where they are known.
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.cloudformation import changes
from pkilab.simulator.cloudformation.base import read_tags, refuse, require_capabilities
from pkilab.simulator.cloudformation.changing import (
    ChangeSets,
    require_same_types,
    require_updatable,
)
from pkilab.simulator.cloudformation.documents import invalid
from pkilab.simulator.cloudformation.reading import Reading
from pkilab.simulator.cloudformation.requests import check_name
from pkilab.simulator.service import Call, Json, error
from pkilab.simulator.tagging.resources import Tagged

_STOPPABLE = {"CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "REVIEW_IN_PROGRESS"}


class CloudFormation(Reading, ChangeSets):
    """AWS CloudFormation: stacks of the resource types in `resources.catalogue`."""

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's stacks of a Region with their tags; not those that were deleted."""
        for each in self._stacks.of(account, region):
            if each.status != "DELETE_COMPLETE":
                yield each.arn, each.tags

    def create_stack(
        self,
        call: Call,
        stack_name: str,
        *,
        template_body: str | None = None,
        template_url: str | None = None,
        parameters: list[Json] | None = None,
        disable_rollback: bool | None = None,
        timeout_in_minutes: int | None = None,
        capabilities: list[str] | None = None,
        role_arn: str | None = None,
        on_failure: str | None = None,
        tags: list[Json] | None = None,
        client_request_token: str | None = None,
        enable_termination_protection: bool = False,
        **others: object,
    ) -> Json:
        """Make a stack; what needs no waiting has ended when this is answered."""
        refuse("CreateStack", others)
        check_name(stack_name)
        if disable_rollback is not None and on_failure is not None:
            raise invalid("You can specify either DisableRollback or OnFailure, but not both.")
        if (existing := self._find(call, stack_name)) is not None:
            if client_request_token and existing.made_with == client_request_token:
                return {"StackId": existing.arn}  # the same request, sent again
            message = f"Stack [{stack_name}] already exists"
            raise error(self.name, "AlreadyExistsException", message)
        template = self._template(call, template_body, template_url)
        require_capabilities(template, capabilities or [])
        stack = self._new(call, stack_name)
        stack.tags = read_tags(tags or [])
        plan = self._plan(stack, template, parameters or [], stack.tags)
        aws = self._caller(call, role_arn)
        stack.role, stack.capabilities = role_arn, capabilities or []
        stack.timeout, stack.protected = timeout_in_minutes, enable_termination_protection
        stack.disable_rollback = bool(disable_rollback) or on_failure == "DO_NOTHING"
        stack.token = stack.made_with = client_request_token
        self._stacks.add(stack)
        failure = "DO_NOTHING" if stack.disable_rollback else on_failure or "ROLLBACK"
        self._engine.create(stack, plan, aws, failure)
        return {"StackId": stack.arn}

    def update_stack(
        self,
        call: Call,
        stack_name: str,
        *,
        template_body: str | None = None,
        template_url: str | None = None,
        use_previous_template: bool = False,
        parameters: list[Json] | None = None,
        capabilities: list[str] | None = None,
        role_arn: str | None = None,
        tags: list[Json] | None = None,
        disable_rollback: bool = False,
        client_request_token: str | None = None,
        **others: object,
    ) -> Json:
        """Change a stack to what a template says."""
        refuse("UpdateStack", others)
        stack = self._existing(call, stack_name)
        require_updatable(stack)
        previous = stack if use_previous_template else None
        template = self._template(call, template_body, template_url, previous)
        require_capabilities(template, capabilities or [])
        kept = stack.tags if tags is None else read_tags(tags)
        plan = self._plan(stack, template, parameters or [], kept)
        require_same_types(stack, plan)
        role = role_arn or stack.role
        aws = self._caller(call, role)
        if changes.is_same(self._stacks, stack, plan):
            raise invalid("No updates are to be performed.")
        for each in stack.change_sets:
            each.execution = "OBSOLETE" if each.execution == "AVAILABLE" else each.execution
        stack.role, stack.token = role, client_request_token
        stack.capabilities = stack.capabilities if capabilities is None else capabilities
        self._engine.update(stack, plan, aws, rollback=not disable_rollback)
        return {"StackId": stack.arn}

    def delete_stack(
        self,
        call: Call,
        stack_name: str,
        *,
        retain_resources: list[str] | None = None,
        role_arn: str | None = None,
        client_request_token: str | None = None,
        **others: object,
    ) -> Json:
        """Delete a stack; one that is not there, or is being deleted, is no error."""
        refuse("DeleteStack", others)
        stack = self._find(call, stack_name)
        if stack is None or stack.status in {"DELETE_COMPLETE", "DELETE_IN_PROGRESS"}:
            return {}
        if stack.protected:
            message = f"Stack [{stack.name}] cannot be deleted while TerminationProtection is"
            raise invalid(f"{message} enabled")
        if stack.busy and stack.status not in _STOPPABLE:
            message = f"Stack [{stack.arn}] cannot be deleted while in status {stack.status}"
            raise invalid(message)
        if retain_resources:
            if stack.status != "DELETE_FAILED":
                message = f"Invalid operation on stack [{stack.arn}]. Specify the resources to"
                raise invalid(
                    f"{message} retain only when the stack is in the DELETE_FAILED state."
                )
            if unknown := [name for name in retain_resources if name not in stack.resources]:
                message = "The specified resources to retain do not belong to stack"
                raise invalid(f"{message} [{stack.name}]: [{', '.join(unknown)}]")
        aws = self._caller(call, role_arn or stack.role)
        stack.token = client_request_token
        self._engine.delete(stack, aws, retain_resources or [])
        return {}

    def update_termination_protection(
        self, call: Call, stack_name: str, *, enable_termination_protection: bool
    ) -> Json:
        """Protect a stack from deletion, or no longer."""
        stack = self._existing(call, stack_name)
        stack.protected = enable_termination_protection
        return {"StackId": stack.arn}
