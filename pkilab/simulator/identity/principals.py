"""Whether there is whom a policy names.

Accounts outside the world are taken to be there, with everybody whom they may have: AWS has them,
and nothing here can call in their name.

Source: IAM User Guide, "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

import re

from pkilab.simulator.identity.directory import Directory

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_ROOT = re.compile(r"arn:aws:iam::\d{12}:root", re.ASCII)
_ARN = re.compile(r"arn:aws:(?P<service>iam|sts)::(?P<account>\d{12}):(?P<rest>[^*?]+)", re.ASCII)
_ASSUMED = re.compile(r"assumed-role/(?P<role>[\w+=,.@-]{1,64})/[\w+=,.@-]{2,64}", re.ASCII)
_FEDERATED_USER = re.compile(r"federated-user/[\w+=,.@-]{2,32}", re.ASCII)
_UNIQUE_ID = re.compile(r"A(?:ID|RO)A[A-Z0-9]{12,}", re.ASCII)
_SERVICE = re.compile(
    r"[a-z0-9.-]+\.(?:amazonaws\.com|amazonaws\.com\.cn|amazon\.com|aws)", re.ASCII
)
_PROVIDER = re.compile(
    r"arn:aws:iam::\d{12}:(?:saml-provider|oidc-provider)/.+|[a-z0-9.-]+\.[a-z]{2,}", re.ASCII
)


def exists(directory: Directory, kind: str, name: str) -> bool:
    """Say whether a principal can be named in a resource's or a role's policy.

    Args:
        directory: who is there.
        kind: ``AWS``, ``Service`` or ``Federated``; "*" is of every kind.
        name: as it stands in the policy.
    """
    if kind == "Service":
        return _SERVICE.fullmatch(name) is not None
    if kind == "Federated":
        return _PROVIDER.fullmatch(name) is not None
    if kind != "AWS":
        return False
    if name == "*" or any(each.fullmatch(name) for each in (_ACCOUNT, _ROOT, _UNIQUE_ID)):
        return True
    found = _ARN.fullmatch(name)
    return found is not None and _entity_exists(directory, name, found)


def _entity_exists(directory: Directory, arn: str, found: re.Match[str]) -> bool:
    account, rest = found["account"], found["rest"]
    if found["service"] == "iam":
        if not rest.startswith(("user/", "role/")):
            return False
        here = directory.user(arn) is not None or directory.role(arn) is not None
        return here or not directory.has(account)
    if session := _ASSUMED.fullmatch(rest):
        return not directory.has(account) or directory.has_role_called(account, session["role"])
    return _FEDERATED_USER.fullmatch(rest) is not None
