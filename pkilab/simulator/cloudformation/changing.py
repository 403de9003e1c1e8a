"""CloudFormation's change sets: what would change is said first, and done when it is asked for.

Source: AWS CloudFormation API Reference; sentences as answered by AWS where they are known.
"""

from __future__ import annotations

from pkilab.simulator.cloudformation import changes, parameters
from pkilab.simulator.cloudformation.base import (
    CloudFormationBase,
    read_tags,
    refuse,
    require_capabilities,
)
from pkilab.simulator.cloudformation.documents import invalid
from pkilab.simulator.cloudformation.plan import Plan
from pkilab.simulator.cloudformation.requests import check_name
from pkilab.simulator.cloudformation.stacks import ChangeSet, Stack
from pkilab.simulator.service import Call, Json, error, not_simulated

_REVIEW = "REVIEW_IN_PROGRESS"
_UNCHANGED = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)
UPDATABLE = {
    "CREATE_COMPLETE", "CREATE_FAILED", "UPDATE_COMPLETE", "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE",
}  # fmt: skip


class ChangeSets(CloudFormationBase):
    """Operations on change sets."""

    def create_change_set(
        self,
        call: Call,
        stack_name: str,
        change_set_name: str,
        *,
        template_body: str | None = None,
        template_url: str | None = None,
        use_previous_template: bool = False,
        parameters: list[Json] | None = None,
        capabilities: list[str] | None = None,
        role_arn: str | None = None,
        tags: list[Json] | None = None,
        client_token: str | None = None,  # noqa: ARG002 - a repetition is refused by its name
        description: str | None = None,
        change_set_type: str = "UPDATE",
        on_stack_failure: str | None = None,
        **others: object,
    ) -> Json:
        """Work out what a template would change of a stack, or of one that is to be made."""
        refuse("CreateChangeSet", others)
        if change_set_type not in {"CREATE", "UPDATE"}:
            raise not_simulated(f"change sets of the type {change_set_type}")
        check_name(change_set_name)
        stack = self._find(call, stack_name)
        new = change_set_type == "CREATE"
        if new and stack is not None and stack.status != _REVIEW:
            message = f"Stack [{stack_name}] already exists and cannot be created again with the"
            raise invalid(f"{message} changeSet [{change_set_name}].")
        if stack is None and not new:
            raise invalid(f"Stack [{stack_name}] does not exist")
        if stack is not None and not new:
            require_updatable(stack)
        previous = stack if use_previous_template else None
        template = self._template(call, template_body, template_url, previous)
        require_capabilities(template, capabilities or [])
        made = stack
        if made is None:
            check_name(stack_name)
            made = self._new(call, stack_name)
        kept = made.tags if tags is None else read_tags(tags)
        plan = self._plan(made, template, parameters or [], kept)
        require_same_types(made, plan)
        waiting = [each for each in made.change_sets if each.execution != "EXECUTE_COMPLETE"]
        if any(each.name == change_set_name for each in waiting):
            message = f"ChangeSet {change_set_name} cannot be created due to a mismatch with"
            raise error(self.name, "AlreadyExistsException", f"{message} existing attribute Name")
        self._caller(call, role_arn)
        if stack is None:
            self._stacks.add(made)
            made.set(_REVIEW, call.now, "User Initiated")
        place = f"arn:aws:cloudformation:{call.region}:{call.account}:changeSet"
        found = ChangeSet(
            f"{place}/{change_set_name}/{self._numbers.uuid()}", change_set_name,
            change_set_type, call.now, description, plan, capabilities or [],
            role_arn or made.role, kept, on_stack_failure,
            changes.describe(self._stacks, made, plan),
        )  # fmt: skip
        if not new and changes.is_same(self._stacks, made, plan):
            found.status, found.execution, found.reason = "FAILED", "UNAVAILABLE", _UNCHANGED
        made.change_sets.append(found)
        return {"Id": found.arn, "StackId": made.arn}

    def describe_change_set(
        self,
        call: Call,
        change_set_name: str,
        stack_name: str | None = None,
        next_token: str | None = None,
        **others: object,
    ) -> Json:
        """Say what a change set would do."""
        refuse("DescribeChangeSet", others)
        stack, found = self._change_set(call, change_set_name, stack_name)
        shown, token = self._page(call, found.changes, next_token, f"changes {found.arn}")
        definitions = found.plan.template.parameters
        return {
            **_summary(stack, found),
            "Parameters": parameters.shown(definitions, found.plan.values) or None,
            "NotificationARNs": [],
            "RollbackConfiguration": {},
            "Capabilities": found.capabilities,
            "Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()] or None,
            "Changes": shown,
            "NextToken": token,
            "OnStackFailure": found.on_failure,
        }

    def list_change_sets(self, call: Call, stack_name: str, next_token: str | None = None) -> Json:
        """List the change sets of a stack that were not executed."""
        stack = self._existing(call, stack_name)
        found = [
            _summary(stack, each)
            for each in stack.change_sets
            if each.execution != "EXECUTE_COMPLETE"
        ]
        shown, token = self._page(call, found, next_token, f"change sets {stack.arn}")
        return {"Summaries": shown, "NextToken": token}

    def delete_change_set(
        self, call: Call, change_set_name: str, stack_name: str | None = None
    ) -> Json:
        """Forget a change set; one that is not there is no error."""
        if stack_name is None and not change_set_name.startswith("arn:"):
            raise invalid(
                "StackName must be specified if ChangeSetName is not specified as an ARN."
            )
        if stack_name is not None:
            self._existing(call, stack_name)
        for stack in self._stacks.of(call.account, call.region):
            for each in list(stack.change_sets):
                named = stack_name in (None, stack.name, stack.arn)
                if each.arn == change_set_name or (named and each.name == change_set_name):
                    stack.change_sets.remove(each)
        return {}

    def execute_change_set(
        self,
        call: Call,
        change_set_name: str,
        stack_name: str | None = None,
        *,
        client_request_token: str | None = None,
        disable_rollback: bool = False,
        **others: object,
    ) -> Json:
        """Do what a change set says; the stack's other change sets are void then."""
        refuse("ExecuteChangeSet", others)
        stack, found = self._change_set(call, change_set_name, stack_name)
        if found.execution != "AVAILABLE":
            status = found.status if found.status == "FAILED" else found.execution
            message = f"ChangeSet [{found.arn}] cannot be executed in its current status of"
            raise error(self.name, "InvalidChangeSetStatusException", f"{message} [{status}]")
        if found.kind == "UPDATE":
            require_updatable(stack)
        aws = self._caller(call, found.role)
        stack.change_sets = [found]
        found.execution = "EXECUTE_COMPLETE"
        stack.role, stack.capabilities = found.role, found.capabilities
        stack.token, stack.disable_rollback = client_request_token, disable_rollback
        if found.kind == "CREATE":
            stack.tags = found.tags
            wanted = found.on_failure or "ROLLBACK"
            failure = "DO_NOTHING" if disable_rollback else wanted
            self._engine.create(stack, found.plan, aws, failure)
        else:
            self._engine.update(stack, found.plan, aws, rollback=not disable_rollback)
        return {}

    def _change_set(self, call: Call, name: str, stack_name: str | None) -> tuple[Stack, ChangeSet]:
        """Return a change set by its ARN, or by its name and the stack's.

        Raises:
            AwsError: ValidationError; ChangeSetNotFound.
        """
        if name.startswith("arn:"):
            stacks = list(self._stacks.of(call.account, call.region))
        elif stack_name is None:
            raise invalid(
                "StackName must be specified if ChangeSetName is not specified as an ARN."
            )
        else:
            stacks = [self._existing(call, stack_name)]
        for stack in stacks:
            for each in stack.change_sets:
                if name in {each.arn, each.name}:
                    return stack, each
        message = f"ChangeSet [{name}] does not exist"
        raise error(self.name, "ChangeSetNotFoundException", message)


def require_updatable(stack: Stack) -> None:
    """Refuse to update a stack that something is being done to, or that has failed for good.

    Raises:
        AwsError: ValidationError.
    """
    if stack.status not in UPDATABLE:
        raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")


def require_same_types(stack: Stack, plan: Plan) -> None:
    """Refuse another type under the name of a resource that is there.

    Raises:
        AwsError: ValidationError.
    """
    made = stack.resources
    others = [n for n, each in plan.resources.items() if n in made and made[n].type != each.type]
    if others:
        message = "Update of resource type is not permitted. The new template modifies resource"
        raise invalid(f"{message} type of the following resources: [{', '.join(others)}]")


def _summary(stack: Stack, found: ChangeSet) -> Json:
    return {
        "StackId": stack.arn,
        "StackName": stack.name,
        "ChangeSetId": found.arn,
        "ChangeSetName": found.name,
        "ExecutionStatus": found.execution,
        "Status": found.status,
        "StatusReason": found.reason,
        "CreationTime": found.created,
        "Description": found.description,
        "IncludeNestedStacks": False,
    }
