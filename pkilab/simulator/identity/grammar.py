"""Whether IAM takes a policy document, in its sentences.

moto's validator knows most of IAM's grammar and its sentences. It goes wrong where numbers and
truth values stand in conditions, and does not look at principals; trust policies it checks only
when they are changed, and then as if they were others.

Source: IAM User Guide, "Grammar of the IAM JSON policy language"; IAM and STS quotas. The sentences
are IAM's, as seen in public issue trackers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.policy_validation import BaseIAMPolicyValidator, IAMPolicyDocumentValidator

from pkilab.errors import MalformedError
from pkilab.iam import listed
from pkilab.simulator.identity.directory import Directory
from pkilab.simulator.identity.principals import exists
from pkilab.simulator.policies import read_policy
from pkilab.simulator.service import AwsError, Json

_TRUST_ACTIONS = {
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:setcontext",
    "sts:setsourceidentity",
    "sts:tagsession",
}
_MODERN = "2012-10-17"
Kind = Literal["identity", "session"]


def check_policy(text: str, *, kind: Kind = "identity", understood: bool = False) -> None:
    """Check a policy that somebody is to have, or that limits a session.

    Args:
        text: as it was sent.
        kind: which of the two.
        understood: whether what the policy engine does not model is refused, too: where policies
            decide, nothing of them may be ignored.

    Raises:
        AwsError: MalformedPolicyDocument; NotImplemented.
    """
    document = _document(text)
    if any({"Principal", "NotPrincipal"} & each.keys() for each in _statements(document)):
        raise malformed("Policy document should not specify a principal.")
    _by_moto(IAMPolicyDocumentValidator, document)
    if understood:
        _read(text, kind)


def check_trust_policy(text: str, directory: Directory, *, understood: bool = False) -> None:
    """Check a role's trust policy; whom it names must be there.

    Args:
        text: as it was sent.
        directory: who is there.
        understood: see `check_policy`.

    Raises:
        AwsError: MalformedPolicyDocument; NotImplemented.
    """
    document = _document(text)
    statements = list(_statements(document))
    for each in statements:
        _check_members(each)
    # Old trust policies of version 2008-10-17, and of none, are still taken.
    _by_moto(BaseIAMPolicyValidator, {**document, "Version": _MODERN})
    for each in statements:
        if not {action.lower() for action in listed(each["Action"])} <= _TRUST_ACTIONS:
            raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")
        for kind, name in _principals(each["Principal"]):
            if not exists(directory, kind, name):
                raise malformed(f'Invalid principal in policy: "{kind}":"{name}"')
    if understood:
        _read(text, "resource")


def _check_members(statement: Json) -> None:
    """Refuse members that a trust policy's statement cannot have, or lacks.

    Raises:
        AwsError: MalformedPolicyDocument.
    """
    if {"Resource", "NotResource"} & statement.keys():
        raise malformed("Has prohibited field Resource")
    if "NotPrincipal" in statement:
        raise malformed("AssumeRole policy must not contain NotPrincipal field.")
    if not statement.get("Principal"):
        raise malformed("Missing required field Principal")
    if "NotAction" in statement:
        raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")


def plain(text: str) -> str:
    """Return a policy as moto's validator takes it: conditions compare texts."""
    return json.dumps(_plain(_document(text)))


def malformed(message: str) -> AwsError:
    """Refuse a policy document."""
    return AwsError("MalformedPolicyDocument", message)


def _document(text: str) -> Json:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as why:
        raise malformed("This policy contains invalid Json") from why
    if not isinstance(found, dict):
        raise malformed("Syntax errors in policy.")
    return found


def _statements(document: Json) -> Iterator[Json]:
    yield from (each for each in listed(document.get("Statement")) if isinstance(each, dict))


def _principals(element: object) -> Iterator[tuple[str, str]]:
    if isinstance(element, str):
        yield "AWS", element
        return
    if not isinstance(element, dict):
        raise malformed("Syntax errors in policy.")
    for kind, names in element.items():
        for name in listed(names):
            if not isinstance(name, str):
                raise malformed("Syntax errors in policy.")
            yield kind, name


def _by_moto(validator: type[BaseIAMPolicyValidator], document: Json) -> None:
    try:
        validator(json.dumps(_plain(document))).validate()
    except MalformedPolicyDocument as why:
        raise malformed(why.message) from why
    except RecursionError as why:
        raise malformed("Syntax errors in policy.") from why


def _plain(document: Json) -> Json:
    statements = document.get("Statement")
    if isinstance(statements, list):
        return {**document, "Statement": [_plain_statement(each) for each in statements]}
    return {**document, "Statement": _plain_statement(statements)} if statements else document


def _plain_statement(statement: object) -> object:
    if not isinstance(statement, dict) or not isinstance(statement.get("Condition"), dict):
        return statement
    condition = {
        operator: {key: _texts(value) for key, value in keys.items()}
        if isinstance(keys, dict)
        else keys
        for operator, keys in statement["Condition"].items()
    }
    return {**statement, "Condition": condition}


def _texts(value: Any) -> Any:  # noqa: ANN401 - JSON is untyped
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def _read(text: str, kind: Literal["identity", "session", "resource"]) -> None:
    try:
        read_policy(text, kind=kind)
    except MalformedError as why:
        raise malformed("Syntax errors in policy.") from why
