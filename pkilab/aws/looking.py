"""A look at an account before anything is made in it.

A learner's account is empty, or has what earlier runs left. An account with an alias that says
production, with private CAs of its own or with certificates in use is somebody's, and a run there
must be meant. What was found is shown; whoever means it confirms the account's id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pkilab.cleaning.removal.asking import certificates, pages
from pkilab.errors import LabError
from pkilab.journal import count
from pkilab.tags import RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What a look takes; where one is denied, the account must be confirmed.
ACTIONS = (
    "acm:ListCertificates",
    "acm-pca:ListCertificateAuthorities",
    "acm-pca:ListTags",
    "iam:ListAccountAliases",
)

_PRODUCTION = re.compile(r"prod|prd|live", re.IGNORECASE)
_SHOWN = 3  # CAs and certificates that are named


@dataclass(frozen=True, slots=True)
class Looked:
    """What an account looks like.

    Attributes:
        account_id: its twelve digits; ``caller`` is the ARN of whoever asked.
        aliases: its names; empty where it has none or they may not be read.
        region: where private CAs and certificates were looked for.
        reasons: why it may be somebody's; empty for a laboratory.
    """

    account_id: str
    caller: str
    aliases: tuple[str, ...]
    region: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        named = f" ({', '.join(self.aliases)})" if self.aliases else ""
        return f"account {self.account_id}{named}, Region {self.region}, as {self.caller}"


def look(client: Callable[[str], Any], region: str) -> Looked:
    """Look at an account: who calls, what it is named, and whether its PKI is somebody's.

    Private CAs and certificates are looked for in one Region, the run's.

    Args:
        client: gives a boto3 client of a service there.
        region: the Region.

    Raises:
        ClientError: not even the caller's identity can be had (botocore's).
    """
    caller = client("sts").get_caller_identity()
    aliases: tuple[str, ...] = ()
    reasons: list[str] = []
    try:
        aliases = tuple(client("iam").list_account_aliases()["AccountAliases"])
    except ClientError as error:
        reasons.append(_unseen("its alias", error))
    reasons += [f"its alias is {each}" for each in aliases if _PRODUCTION.search(each)]
    for what, find in (
        ("private CAs that pkilab did not make", _authorities(client)),
        ("certificates in use", _in_use(client)),
    ):
        try:
            if found := list(find):
                more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
                reasons.append(f"it has {what}: {', '.join(found[:_SHOWN])}{more}")
        except ClientError as error:
            reasons.append(_unseen(what, error))
    return Looked(caller["Account"], caller["Arn"], aliases, region, tuple(reasons))


def require_laboratory(looked: Looked, confirmed: frozenset[str]) -> None:
    """Refuse an account that may be somebody's, unless its id was confirmed.

    Raises:
        LabError: it may be, and was not.
    """
    if looked.reasons and looked.account_id not in confirmed:
        raise LabError(
            f"{looked}: this may be an account that is in use ("
            f"{count(len(looked.reasons), 'reason')}): {'; '.join(looked.reasons)}. Nothing was "
            f"made. If you mean it, say so: PKILAB_CONFIRM={looked.account_id}, or "
            f"Lab.aws(confirm={looked.account_id!r})"
        )


def _authorities(client: Callable[[str], Any]) -> Iterator[str]:
    pca = client("acm-pca")
    for ca in pages(pca, "list_certificate_authorities", "CertificateAuthorities"):
        if ca["Status"] not in ("DELETED", "FAILED"):
            tags = pages(pca, "list_tags", "Tags", CertificateAuthorityArn=ca["Arn"])
            if all(tag["Key"] != RUN for tag in tags):
                yield ca["Arn"]


def _in_use(client: Callable[[str], Any]) -> Iterator[str]:
    for each in certificates(client("acm")):
        if each.get("InUse"):
            yield each.get("DomainName") or each["CertificateArn"]


def _unseen(what: str, error: ClientError) -> str:
    return f"{what} could not be looked at ({error.response['Error']['Code']})"
