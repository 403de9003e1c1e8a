"""CloudFormation's operations that only tell: stacks, events, resources, templates, exports.

Source: AWS CloudFormation API Reference.
"""

from __future__ import annotations

import json
from datetime import datetime

from pkilab.simulator.cloudformation import parameters
from pkilab.simulator.cloudformation import plan as plans
from pkilab.simulator.cloudformation.base import CloudFormationBase, refuse
from pkilab.simulator.cloudformation.documents import invalid
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.stacks import Made, Stack
from pkilab.simulator.cloudformation.template import Template
from pkilab.simulator.service import Call, Json, not_simulated

_GONE = "DELETE_COMPLETE"
_NO_STACK = "Stack with id {} does not exist"
_NOT_CHECKED = "NOT_CHECKED"


class Reading(CloudFormationBase):
    """What can be asked."""

    def describe_stacks(
        self, call: Call, stack_name: str | None = None, next_token: str | None = None
    ) -> Json:
        """Describe a stack, or all that are there."""
        if stack_name is not None:
            return {"Stacks": [_description(self._existing(call, stack_name, _NO_STACK))]}
        found = [
            _description(each)
            for each in self._stacks.of(call.account, call.region)
            if each.status != _GONE
        ]
        shown, token = self._page(call, found, next_token, "stacks")
        return {"Stacks": shown, "NextToken": token}

    def list_stacks(
        self,
        call: Call,
        next_token: str | None = None,
        stack_status_filter: list[str] | None = None,
    ) -> Json:
        """List stacks, the newest first, deleted ones too."""
        found = [
            {
                "StackId": each.arn,
                "StackName": each.name,
                "TemplateDescription": each.plan.template.description if each.plan else None,
                "CreationTime": each.created,
                "LastUpdatedTime": each.updated,
                "DeletionTime": each.deleted,
                "StackStatus": each.status,
                "StackStatusReason": each.reason,
                "DriftInformation": {"StackDriftStatus": _NOT_CHECKED},
            }
            for each in self._stacks.of(call.account, call.region)
            if not stack_status_filter or each.status in stack_status_filter
        ]
        shown, token = self._page(call, found, next_token, f"list {stack_status_filter}")
        return {"StackSummaries": shown, "NextToken": token}

    def describe_stack_events(
        self, call: Call, stack_name: str, next_token: str | None = None
    ) -> Json:
        """Return what happened to a stack, the latest first."""
        stack = self._existing(call, stack_name)
        found: list[Json] = [
            {
                "StackId": stack.arn,
                "StackName": stack.name,
                "EventId": each.number,
                "LogicalResourceId": each.logical_id,
                "PhysicalResourceId": each.physical_id,
                "ResourceType": each.type,
                "Timestamp": each.at,
                "ResourceStatus": each.status,
                "ResourceStatusReason": each.reason,
                "ClientRequestToken": each.token,
            }
            for each in reversed(stack.events)
        ]
        shown, token = self._page(call, found, next_token, f"events {stack.arn}")
        return {"StackEvents": shown, "NextToken": token}

    def describe_stack_resource(
        self, call: Call, stack_name: str, logical_resource_id: str
    ) -> Json:
        """Describe one resource."""
        stack = self._existing(call, stack_name, "Stack '{}' does not exist")
        made = stack.resources.get(logical_resource_id)
        if made is None:
            raise invalid(f"Resource {logical_resource_id} does not exist for stack {stack_name}")
        metadata = made.definition.metadata
        return {
            "StackResourceDetail": {
                **_of(stack),
                **_resource(made, "LastUpdatedTimestamp"),
                "Metadata": json.dumps(metadata) if metadata else None,
            }
        }

    def describe_stack_resources(
        self,
        call: Call,
        stack_name: str | None = None,
        logical_resource_id: str | None = None,
        physical_resource_id: str | None = None,
    ) -> Json:
        """Describe the resources of a stack, or of the one that a physical resource belongs to."""
        if (stack_name is None) == (physical_resource_id is None):
            raise invalid("Both StackName and PhysicalResourceId cannot be specified or omitted")
        if stack_name is not None:
            stack = self._existing(call, stack_name, _NO_STACK)
        else:
            stack = self._owner(call, str(physical_resource_id))
        found = [
            {**_of(stack), **_resource(made, "Timestamp")}
            for made in stack.resources.values()
            if logical_resource_id in (None, made.logical_id)
        ]
        if logical_resource_id is not None and not found:
            raise invalid(f"Resource {logical_resource_id} does not exist for stack {stack.name}")
        return {"StackResources": found}

    def _owner(self, call: Call, physical_id: str) -> Stack:
        for stack in self._stacks.of(call.account, call.region):
            if any(made.physical_id == physical_id for made in stack.resources.values()):
                return stack
        raise invalid(f"Stack for {physical_id} does not exist")

    def list_stack_resources(
        self, call: Call, stack_name: str, next_token: str | None = None
    ) -> Json:
        """List the resources of a stack."""
        stack = self._existing(call, stack_name, _NO_STACK)
        found = [_resource(each, "LastUpdatedTimestamp") for each in stack.resources.values()]
        shown, token = self._page(call, found, next_token, f"resources {stack.arn}")
        return {"StackResourceSummaries": shown, "NextToken": token}

    # Templates.

    def get_template(
        self,
        call: Call,
        stack_name: str | None = None,
        change_set_name: str | None = None,
        template_stage: str = "Original",  # noqa: ARG002 - both are the same
    ) -> Json:
        """Return a template as it was given; there are no macros that would change it."""
        if change_set_name is not None:
            raise not_simulated("cloudformation:GetTemplate of a change set")
        if stack_name is None:
            raise invalid("StackName is required if ChangeSetName is not specified.")
        stack = self._existing(call, stack_name, _NO_STACK)
        if stack.plan is None:
            raise invalid(_NO_STACK.format(stack_name))
        text = stack.plan.template.text
        return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}

    def validate_template(
        self, call: Call, template_body: str | None = None, template_url: str | None = None
    ) -> Json:
        """Check a template, as far as that needs no parameters."""
        template = self._template(call, template_body, template_url)
        keys = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
        return {
            "Parameters": [
                {name: each[name] for name in keys if name in each}
                for each in map(_parameter, template.parameters.values())
            ],
            "Description": template.description,
            **_capabilities(template),
        }

    def get_template_summary(
        self,
        call: Call,
        template_body: str | None = None,
        template_url: str | None = None,
        stack_name: str | None = None,
        **others: object,
    ) -> Json:
        """Say what a template, or that of a stack, takes and has."""
        refuse("GetTemplateSummary", others)
        if stack_name is None:
            template = self._template(call, template_body, template_url)
        else:
            stack = self._existing(call, stack_name, _NO_STACK)
            if stack.plan is None:
                message = "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."
                raise invalid(message)
            template = stack.plan.template
        metadata = template.document.get("Metadata")
        types = dict.fromkeys(each.type for each in template.resources.values())
        return {
            "Parameters": [_parameter(each) for each in template.parameters.values()],
            "Description": template.description,
            "ResourceTypes": list(types),
            "Version": template.document.get("AWSTemplateFormatVersion"),
            "Metadata": json.dumps(metadata) if metadata else None,
            **_capabilities(template),
        }

    # Exports.

    def list_exports(self, call: Call, next_token: str | None = None) -> Json:
        """List what stacks export."""
        exports = self._stacks.exports(call.account, call.region)
        found = [
            {"ExportingStackId": stack.arn, "Name": name, "Value": value}
            for name, (stack, value) in sorted(exports.items())
        ]
        shown, token = self._page(call, found, next_token, "exports")
        return {"Exports": shown, "NextToken": token}

    def list_imports(self, call: Call, export_name: str, next_token: str | None = None) -> Json:
        """List the stacks that take an export."""
        users = self._stacks.importers(call.account, call.region, export_name)
        if not users:
            raise invalid(f"Export '{export_name}' is not imported by any stack.")
        found = [{"name": each.name} for each in users]
        shown, token = self._page(call, found, next_token, f"imports {export_name}")
        return {"Imports": [each["name"] for each in shown], "NextToken": token}


def _of(stack: Stack) -> Json:
    return {"StackId": stack.arn, "StackName": stack.name}


def _resource(made: Made, when: str) -> dict[str, object]:
    shown: dict[str, str | datetime | Json | None] = {
        "LogicalResourceId": made.logical_id,
        "PhysicalResourceId": made.physical_id or None,
        "ResourceType": made.type,
        when: made.changed,
        "ResourceStatus": made.status,
        "ResourceStatusReason": made.reason,
    }
    return {**shown, "DriftInformation": {"StackResourceDriftStatus": _NOT_CHECKED}}


def _description(stack: Stack) -> Json:
    plan, template = stack.plan, stack.plan.template if stack.plan else None
    executed = [each for each in stack.change_sets if each.execution == "EXECUTE_COMPLETE"]
    return {
        **_of(stack),
        "ChangeSetId": executed[-1].arn if executed else None,
        "Description": template.description if template else None,
        "Parameters": (
            parameters.shown(template.parameters, plan.values)
            if plan and template and plan.values
            else None
        ),
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": stack.disable_rollback,
        "NotificationARNs": [],
        "TimeoutInMinutes": stack.timeout,
        "Capabilities": stack.capabilities or None,
        "Outputs": stack.outputs or None,
        "RoleARN": stack.role,
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "EnableTerminationProtection": None if stack.status == _GONE else stack.protected,
        "DriftInformation": {"StackDriftStatus": _NOT_CHECKED},
    }


def _parameter(definition: Json) -> Json:
    default = text_of(definition["Default"]) if "Default" in definition else None
    allowed = definition.get("AllowedValues")
    values = list(map(text_of, allowed)) if isinstance(allowed, list) else None
    shown = {
        "ParameterKey": definition["ParameterKey"],
        "DefaultValue": default,
        "ParameterType": definition["Type"],
        "NoEcho": parameters.is_hidden(definition),
        "Description": text_of(definition.get("Description")),
        "ParameterConstraints": {"AllowedValues": values} if values else {},
    }
    return {name: value for name, value in shown.items() if value is not None}


def _capabilities(template: Template) -> Json:
    found, types = plans.capabilities(template)
    if not found:
        return {}
    reason = f"The following resource(s) require capabilities: [{', '.join(types)}]"
    return {"Capabilities": found, "CapabilitiesReason": reason}
