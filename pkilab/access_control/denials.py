"""What AWS says when it refuses access, taken apart.

Source: IAM User Guide, "Troubleshoot access denied error messages"; S3 User Guide, "Troubleshoot
access denied (403 Forbidden) errors". The ARN of the policy after an explicit deny, and what EC2
and KMS say around the sentence, as public issues quote them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import ClientError

from pkilab.errors import MalformedError

DenialKind = Literal[
    "identity", "boundary", "session", "resource", "service control", "resource control",
    "trust", "endpoint",
]  # fmt: skip

CODES = frozenset(
    {
        "403", "AccessDenied", "AccessDeniedException", "AuthorizationError",
        "Client.UnauthorizedOperation", "Forbidden", "NotAuthorized", "UnauthorizedOperation",
    }
)  # fmt: skip
_SENTENCE = re.compile(
    r"User: (?P<who>\S{1,2048}) is not authorized to perform: (?P<action>[\w-]{1,64}:[\w*]{1,128})"
)
_RESOURCE = re.compile(r'\s*on resource: (?:"(?P<quoted>[^"]{1,2048})"|(?P<bare>\S{1,2048}))')
_BECAUSE = re.compile(
    r"\s*(?:with an explicit deny in (?:an? |the )(?P<denied>[\w -]{1,64}policy|permissions "
    r"boundary)(?:: (?P<policy>\S{1,2048}))?"
    r"|because no (?P<lacking>[\w -]{1,64}policy|permissions boundary) allows the)"
)
_KINDS: dict[str, DenialKind] = {
    "identity-based policy": "identity",
    "permissions boundary": "boundary",
    "session policy": "session",
    "resource-based policy": "resource",
    "service control policy": "service control",
    "resource control policy": "resource control",
    "role trust policy": "trust",
    "VPC endpoint policy": "endpoint",
}


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal, as far as AWS told. What it did not tell is ``None``.

    Attributes:
        code: AWS's error code.
        principal: who was refused, as an ARN.
        action: what, such as ``kms:Sign``.
        resource: on what: an ARN, or ``*``.
        kind: which kind of policy refused.
        explicit: whether a statement denied it; ``False``: none allowed it.
        policy: the ARN of the policy that denied it.
        message: the whole message.
    """

    code: str
    principal: str | None
    action: str | None
    resource: str | None
    kind: DenialKind | None
    explicit: bool | None
    policy: str | None
    message: str


def is_denial(error: Exception) -> bool:
    """Say whether an error of boto3's is a refusal of access, and nothing else."""
    return isinstance(error, ClientError) and _code(error) in CODES


def of_error(error: ClientError) -> Denial:
    """Take the refusal of a call apart.

    Raises:
        MalformedError: the error is of another kind.
    """
    code = _code(error)
    if code not in CODES:
        raise MalformedError("error", found=code or "no code", expected="an access denied error")
    return read_message(str(error.response["Error"].get("Message") or ""), code)


def read_message(message: str, code: str = "AccessDenied") -> Denial:
    """Take a message apart, such as CloudTrail's ``errorMessage``.

    Any text is taken; a message in no known form tells nothing. Line breaks count as spaces.
    """
    text = " ".join(message.split())
    sentence = _SENTENCE.search(text)
    if sentence is None:
        return Denial(code, None, None, None, None, None, None, message)
    rest = text[sentence.end() :]
    resource = _RESOURCE.match(rest)
    named = None
    if resource is not None:
        named = resource["quoted"] or resource["bare"].rstrip(".,")
        rest = rest[resource.end() :]
    because = _BECAUSE.match(rest)
    kind, explicit, policy = None, None, None
    if because is not None:
        kind = _KINDS.get(because["denied"] or because["lacking"])
        explicit = because["denied"] is not None
        policy = because["policy"].rstrip(".") if because["policy"] else None
    return Denial(code, sentence["who"], sentence["action"], named, kind, explicit, policy, message)


def _code(error: ClientError) -> str:
    answer = error.response.get("Error", {})
    return str(answer.get("Code", "")) if isinstance(answer, dict) else ""
