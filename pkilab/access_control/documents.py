"""Policies to write, as dicts: MFA, source addresses, shared keys, issuing, guard rails.

They are plain policies: read them, change them, and attach them with boto3.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from pkilab.errors import MalformedError

Json = dict[str, Any]

#: What a user needs to get an MFA device and a session with it.
#: IAM User Guide, "AWS: Allows MFA-authenticated IAM users to manage their own MFA device".
SELF_SERVICE = (
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetMFADevice",
    "iam:GetUser",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
)
_TEMPLATES = "arn:aws:acm-pca:::template/"
_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+", re.ASCII)
_READS = (
    "acm-pca:DescribeCertificateAuthority",
    "acm-pca:GetCertificate",
    "acm-pca:GetCertificateAuthorityCertificate",
)


def policy(*statements: Json) -> Json:
    """Put statements into a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def require_mfa_policy(
    *, besides: Iterable[str] = SELF_SERVICE, max_age: timedelta | None = None
) -> Json:
    """Deny everything to who signed in without MFA; it allows nothing by itself.

    ``BoolIfExists``, because requests with a long-term access key do not have the key at all: with
    ``Bool`` they would pass. In a session it says whether a code was given for it: so the policy
    belongs to users, or to roles that are assumed with a code.

    Args:
        besides: actions that are left out, so that users can get an MFA device at all.
        max_age: how long ago the code may have been given.

    Source: IAM User Guide, "Secure API access with MFA", "AWS: Allows MFA-authenticated IAM users
    to manage their own MFA device on the Security credentials page".
    """
    exempt = sorted(set(besides))
    scope: Json = {"NotAction": exempt} if exempt else {"Action": "*"}
    deny = {"Effect": "Deny", **scope, "Resource": "*"}
    statements = [
        {
            "Sid": "DenyWithoutMFA",
            **deny,
            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        }
    ]
    if max_age is not None:
        seconds = str(int(max_age.total_seconds()))
        old = {"NumericGreaterThan": {"aws:MultiFactorAuthAge": seconds}}
        statements.append({"Sid": "DenyWithOldMFA", **deny, "Condition": old})
    return policy(*statements)


def source_ip_policy(
    cidrs: Iterable[str], *, spare_services: bool = True, besides: Iterable[str] = ()
) -> Json:
    """Deny everything that does not come from these networks; it allows nothing by itself.

    Two pitfalls. A service that calls in the user's name (CloudFormation, say) once called from an
    address of its own, and was denied without ``spare_services``; AWS says today that forward
    access sessions keep the user's address, and so does the simulator. And the console
    switches roles from an address of AWS's: leave out ``sts:AssumeRole`` by ``besides``, and put
    the condition where it then belongs, into the policies or the trust policy of the role, since a
    user's policies do not go along into the role's session.

    Args:
        cidrs: IPv4 and IPv6 networks.
        spare_services: whether to let AWS services call in the user's name.
        besides: actions that are left out.

    Raises:
        MalformedError: something is no network, or there is none.

    Source: IAM User Guide, "AWS: Denies access to AWS based on the source IP", "AWS global
    condition context keys" (aws:SourceIp, aws:SourceVpc); AWS Knowledge Center, "source IP
    restriction ... switch roles" (2017).
    """
    networks = [_network(each) for each in cidrs]
    if not networks:
        raise MalformedError("cidrs", found="none", expected="at least one network")
    condition: Json = {"NotIpAddress": {"aws:SourceIp": networks}}
    if spare_services:
        condition["Bool"] = {"aws:ViaAWSService": "false"}
    exempt = sorted(set(besides))
    scope: Json = {"NotAction": exempt} if exempt else {"Action": "*"}
    return policy(
        {"Sid": "DenyFromElsewhere", "Effect": "Deny", **scope, "Resource": "*",
         "Condition": condition}
    )  # fmt: skip


def use_shared_key_policy(key_arn: str, actions: Iterable[str]) -> Json:
    """Allow the use of another account's KMS key: the half of the account that uses it.

    The other half is `share_key`, in the account whose key it is. An alias will not do: it belongs
    to one account, and policies name keys.

    Args:
        key_arn: the key's ARN.
        actions: such as ``kms:Sign``, or ``Sign``.

    Raises:
        MalformedError: it is no key's ARN, or there are no actions.

    Source: KMS Developer Guide, "Allowing users in other accounts to use a KMS key".
    """
    if _KEY.fullmatch(key_arn) is None:
        raise MalformedError("key_arn", found=repr(key_arn), expected="the ARN of a KMS key")
    named = actions_of("kms", actions)
    return policy({"Sid": "UseSharedKey", "Effect": "Allow", "Action": named, "Resource": key_arn})


def issuing_policy(ca_arn: str, templates: Iterable[str], *, revoke: bool = False) -> Json:
    """Allow certificates of these templates to be issued from a CA, and no others.

    The allow lists the templates; the deny keeps the rest shut even if another policy opens them.
    A request without a template is one of EndEntityCertificate/V1.

    Args:
        ca_arn: the CA's ARN.
        templates: names such as ``EndEntityCertificate/V1``, or ARNs; ``*`` is a wildcard.
        revoke: whether revoking is allowed, too.

    Raises:
        MalformedError: there are no templates.

    Source: Private CA User Guide, "AWS managed policies" (AWSPrivateCAUser), "Inline policies".
    """
    arns = sorted({each if each.startswith("arn:") else _TEMPLATES + each for each in templates})
    if not arns:
        raise MalformedError("templates", found="none", expected="at least one")
    issue = {"Action": "acm-pca:IssueCertificate", "Resource": ca_arn}
    reads = [*_READS, "acm-pca:RevokeCertificate"] if revoke else list(_READS)
    listed = {"acm-pca:TemplateArn": arns}
    return policy(
        {"Sid": "IssueByTemplate", "Effect": "Allow", **issue, "Condition": {"ArnLike": listed}},
        {"Sid": "NoOtherTemplate", "Effect": "Deny", **issue, "Condition": {"ArnNotLike": listed}},
        {"Sid": "Read", "Effect": "Allow", "Action": reads, "Resource": ca_arn},
    )


def deny_scp(
    actions: Iterable[str],
    *,
    besides: Iterable[str] = (),
    regions: Iterable[str] = (),
    sid: str = "GuardRail",
) -> Json:
    """Write a service control policy that denies actions to every account that it is attached to.

    It limits users and roles and allows nothing: FullAWSAccess must stay beside it. The management
    account is never limited.

    Args:
        actions: such as ``acm-pca:DeleteCertificateAuthority``.
        besides: ARN patterns of principals that are spared, such as
            ``arn:aws:iam::*:role/ca-admin``.
        regions: deny only outside of these; global services are asked for in us-east-1.
        sid: the statement's id.

    Raises:
        MalformedError: there are no actions.

    Source: Organizations User Guide, "Service control policies", "SCP examples".
    """
    named = sorted(set(actions))
    if not named:
        raise MalformedError("actions", found="none", expected="at least one")
    condition: Json = {}
    if spared := sorted(set(besides)):
        condition["ArnNotLike"] = {"aws:PrincipalArn": spared}
    if kept := sorted(set(regions)):
        condition["StringNotEquals"] = {"aws:RequestedRegion": kept}
    statement: Json = {"Sid": sid, "Effect": "Deny", "Action": named, "Resource": "*"}
    return policy(statement | ({"Condition": condition} if condition else {}))


def actions_of(service: str, actions: Iterable[str]) -> list[str]:
    """Write actions with their service, sorted.

    Raises:
        MalformedError: there are none, or one is of another service.
    """
    named = sorted({each if ":" in each else f"{service}:{each}" for each in actions})
    strange = [each for each in named if not each.startswith(f"{service}:")]
    if strange or not named:
        found = strange[0] if strange else "none"
        raise MalformedError("actions", found=found, expected=f"actions of {service}")
    return named


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise MalformedError("cidrs", found=repr(text), expected="a network") from error
