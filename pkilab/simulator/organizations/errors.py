"""Errors of AWS Organizations, in AWS's sentences.

Sources: the API Reference; sentences as seen in public reports, or else the model's own.
"""

from __future__ import annotations

from pkilab.simulator.service import AwsError

_SENTENCES = {
    "AWSOrganizationsNotInUseException": "Your account is not a member of an organization.",
    "AccessDeniedException": "You don't have permissions to access this resource.",
    "AccountNotFoundException": "You specified an account that doesn't exist.",
    "AlreadyInOrganizationException": "The AWS account is already a member of an organization.",
    "ChildNotFoundException": (
        "We can't find an organizational unit (OU) or AWS account with the ChildId that you "
        "specified."
    ),
    "DestinationParentNotFoundException": (
        "We can't find the destination container (a root or OU) with the ParentId that you "
        "specified."
    ),
    "DuplicateAccountException": ("That account is already present in the specified destination."),
    "DuplicateHandshakeException": "A handshake with the same action and target already exists.",
    "DuplicateOrganizationalUnitException": "An OU with the same name already exists.",
    "DuplicatePolicyAttachmentException": (
        "The selected policy is already attached to the specified target."
    ),
    "DuplicatePolicyException": "A policy with the same name already exists.",
    "HandshakeAlreadyInStateException": (
        "The specified handshake is already in the requested state."
    ),
    "HandshakeNotFoundException": (
        "We can't find a handshake with the HandshakeId that you specified."
    ),
    "InvalidHandshakeTransitionException": (
        "You can't perform the operation on the handshake in its current state."
    ),
    "MalformedPolicyDocumentException": (
        "The provided policy document does not meet the requirements of the specified policy type."
    ),
    "MasterCannotLeaveOrganizationException": (
        "You can't remove a management account from an organization."
    ),
    "OrganizationNotEmptyException": (
        "To delete an organization you must first remove all member accounts (except the master)."
    ),
    "OrganizationalUnitNotEmptyException": "The specified OU is not empty.",
    "OrganizationalUnitNotFoundException": (
        "You specified an organizational unit that doesn't exist."
    ),
    "ParentNotFoundException": "You specified a parent that doesn't exist.",
    "PolicyInUseException": (
        "The policy is attached to one or more entities. You must detach it from all roots, OUs, "
        "and accounts before performing this operation."
    ),
    "PolicyNotAttachedException": (
        "The policy isn't attached to the specified target in the specified root."
    ),
    "PolicyNotFoundException": "You specified a policy that doesn't exist.",
    "PolicyTypeAlreadyEnabledException": "The specified policy type is already enabled.",
    "PolicyTypeNotAvailableForOrganizationException": (
        "You can't use the specified policy type with the feature set currently enabled for this "
        "organization."
    ),
    "PolicyTypeNotEnabledException": (
        "This operation can be performed only for enabled policy types."
    ),
    "RootNotFoundException": "You specified a root that doesn't exist.",
    "SourceParentNotFoundException": (
        "We can't find a source root or OU with the ParentId that you specified."
    ),
    "TargetNotFoundException": "You specified a target that doesn't exist.",
}
_REASONS = {
    "ACCOUNT_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of AWS accounts.",
    "ALREADY_IN_AN_ORGANIZATION": (
        "The handshake request is invalid because the invited account is already a member of an "
        "organization."
    ),
    "DUPLICATE_TAG_KEY": "Tag keys must be unique among the tags attached to the same entity.",
    "IMMUTABLE_POLICY": "You specified a policy that is managed by AWS and can't be modified.",
    "INVALID_NEXT_TOKEN": (
        "Get the value for the NextToken parameter from the response to a previous call of the "
        "operation."
    ),
    "INVALID_PARTY_TYPE_TARGET": (
        "You specified the wrong type of entity (account, organization, or email) as a party."
    ),
    "INVALID_SYSTEM_TAGS_PARAMETER": (
        "You specified a tag key that is a system tag. You can't add, edit, or delete system tag "
        "keys because they're reserved for AWS use."
    ),
    "MAX_LIMIT_EXCEEDED_FILTER": "You can specify only one filter parameter for the operation.",
    "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": (
        "You have attached the maximum number of policies to the specified target."
    ),
    "MAX_TAG_LIMIT_EXCEEDED": "You have exceeded the number of tags allowed on this resource.",
    "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": (
        "You cannot remove the last policy attached to the specified target. You must have at "
        "least one attached at all times."
    ),
    "NON_DETACHABLE_POLICY": "You can't detach this AWS managed policy.",
    "OU_DEPTH_LIMIT_EXCEEDED": ("You attempted to create an OU tree that is too many levels deep."),
    "OU_NUMBER_LIMIT_EXCEEDED": (
        "You attempted to exceed the number of OUs that you can have in an organization."
    ),
    "POLICY_CONTENT_LIMIT_EXCEEDED": "You have exceeded the maximum policy size.",
    "POLICY_NUMBER_LIMIT_EXCEEDED": (
        "You attempted to exceed the number of policies that you can have in an organization."
    ),
    "UNRECOGNIZED_SERVICE_PRINCIPAL": "You specified an unrecognized service principal.",
}


def refusal(code: str, sentence: str = "") -> AwsError:
    """Return an error of the model, with AWS's sentence unless another is given."""
    return AwsError(code, sentence or _SENTENCES[code])


def constraint(reason: str, *, handshake: bool = False) -> AwsError:
    """Return a violated quota or rule: ConstraintViolationException and its ``Reason``."""
    code = f"{'Handshake' * handshake}ConstraintViolationException"
    return AwsError(code, _REASONS[reason], Reason=reason)


def invalid(reason: str) -> AwsError:
    """Return InvalidInputException and its ``Reason``."""
    return AwsError("InvalidInputException", _REASONS[reason], Reason=reason)
