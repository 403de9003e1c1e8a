"""A role for a third party, which an external id protects against a confused deputy.

Source: IAM User Guide, "Access to AWS accounts owned by third parties", "The confused deputy
problem"; STS API Reference, AssumeRole (ExternalId).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pkilab.access_control.documents import Json, policy
from pkilab.errors import MalformedError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


def third_party_trust(third_party_account: str, external_id: str) -> Json:
    """Write the trust policy of a role for somebody else's account.

    The third party chooses the external id, one for each of its customers, and sends it whenever
    it acts for that customer. It is no secret: it keeps one customer from having the third party
    act on another's role.

    Args:
        third_party_account: its 12 digits.
        external_id: 2 to 1224 letters, digits and ``+=,.@:/-_``.

    Raises:
        MalformedError: one of them is not.
    """
    if _ACCOUNT.fullmatch(third_party_account) is None:
        raise MalformedError(
            "third_party_account", found=repr(third_party_account), expected="12 digits"
        )
    if _EXTERNAL_ID.fullmatch(external_id) is None:
        raise MalformedError(
            "external_id",
            found=f"{len(external_id)} characters",
            expected="2 to 1224 letters, digits and +=,.@:/-_",
        )
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{third_party_account}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        }
    )


def third_party_role(
    iam: IAMClient,
    name: str,
    *,
    third_party_account: str,
    external_id: str,
    policies: Iterable[str | Mapping[str, Any]] = (),
    description: str = "",
) -> str:
    """Create a role that a third party may assume with its external id; return its ARN.

    Args:
        iam: client of the account that lets the third party in.
        name: the role's.
        third_party_account: its 12 digits.
        external_id: as `third_party_trust`.
        policies: what it may do: ARNs of managed policies, and policies as mappings.
        description: for those who find the role later.

    Raises:
        MalformedError: as `third_party_trust`.
        ClientError: there is such a role already, or IAM refuses a policy (botocore's).
    """
    trust = json.dumps(third_party_trust(third_party_account, external_id))
    more = {"Description": description} if description else {}
    answer = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)  # type: ignore[arg-type]  # one member
    inline = 0
    for each in policies:
        if isinstance(each, str):
            iam.attach_role_policy(RoleName=name, PolicyArn=each)
            continue
        inline += 1
        title = f"{name}-{inline}" if inline > 1 else name
        iam.put_role_policy(RoleName=name, PolicyName=title, PolicyDocument=json.dumps(each))
    return answer["Role"]["Arn"]
