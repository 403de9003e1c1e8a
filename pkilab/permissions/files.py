"""Policies as files: what a notebook needs, one IAM document each, and the same for one's account.

The documents are those of the simulated lab's accounts and Region. Whoever wants them on an account
of their own rewrites them: ids, Regions and domain names change in ARNs, and an id where a name has
it inside, as the names of buckets do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pkilab.errors import LabError
from pkilab.permissions.gathering import least_policy
from pkilab.permissions.policy import Document

if TYPE_CHECKING:
    from pkilab.journal import Entry

_ACCOUNT = re.compile(r"[0-9]{12}")
_DIGITS = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")
_QUOTED = re.compile(r"(?<=%3Aapigateway%3A)[a-z0-9-]+(?=%3A)")
_NO_DOMAINS: Mapping[str, str] = MappingProxyType({})
_ELEMENTS = ("Resource", "NotResource")
_PARTS = 6  # arn:partition:service:region:account:resource


def policy_files(stem: str, entries: Iterable[Entry]) -> dict[str, str]:
    """Return the policies that a run took, as texts by their files' names.

    ``STEM.ALIAS.json`` is one account's; where IAM would not take it as one managed policy,
    ``STEM.ALIAS.1.json``, ``STEM.ALIAS.2.json`` and so on are. Only the calls of the accounts' own
    users count: who is made by the run gets its policies from it.

    Args:
        stem: the notebook's name without its suffix.
        entries: the run's journal; the simulated one gives the same bytes each time.

    Raises:
        LabError: a policy takes more documents than a role may have.
        MissingExtraError: policy-sentry is not installed.
    """
    entries = tuple(entries)
    texts: dict[str, str] = {}
    own = (each for each in entries if not (each.access_key_id or each.aside))
    for alias in dict.fromkeys(each.account for each in own):
        policy = least_policy(entries, account=alias, access_key_id="", reusable=True)
        documents = policy.documents
        for number, document in enumerate(documents, start=1):
            part = f".{number}" if len(documents) > 1 else ""
            texts[f"{stem}.{alias}{part}.json"] = f"{json.dumps(document, indent=2)}\n"
    return dict(sorted(texts.items()))


def rewritten(
    document: Mapping[str, Any],
    account_ids: Mapping[str, str],
    region: str,
    *,
    domains: Mapping[str, str] = _NO_DOMAINS,
    from_region: str = "us-east-1",
) -> Document:
    """Return a policy document for other accounts, another Region and other domain names.

    An account's id is replaced in the ARNs' fourth place and wherever it stands by itself in a
    resource's name; the Region in the ARNs' third; a domain name in a resource's name, with what
    stands below it. What is no ARN (actions, ``*``) stays.

    Args:
        document: as `policy_files` writes it.
        account_ids: new ids by old ones, 12 digits each.
        region: the new Region.
        domains: new domain names by old ones.
        from_region: the Region that is replaced. Others, such as one that a notebook chose, stay.

    Raises:
        LabError: an id or a Region is none.
    """
    for number in (*account_ids, *account_ids.values()):
        if not _ACCOUNT.fullmatch(number):
            raise LabError(f"an account's id: found {number!r}, expected 12 digits")
    for each in (region, from_region):
        if not _REGION.fullmatch(each):
            raise LabError(f"a Region: found {each!r}, expected a name such as us-east-1")
    change = _Change(account_ids, {from_region: region}, domains)
    statements = [_statement(each, change) for each in document["Statement"]]
    return {**document, "Statement": statements}


def _statement(statement: Mapping[str, Any], change: _Change) -> dict[str, Any]:
    found = dict(statement)
    for name in _ELEMENTS:
        if name in found:
            values = found[name] if isinstance(found[name], list) else [found[name]]
            found[name] = sorted(map(change.arn, values))
    if condition := found.get("Condition"):
        found["Condition"] = {
            operator: {key: change.values(values) for key, values in keys.items()}
            for operator, keys in condition.items()
        }
    return found


@dataclass(frozen=True, slots=True)
class _Change:
    """What stands for what in ARNs."""

    ids: Mapping[str, str]
    regions: Mapping[str, str]
    domains: Mapping[str, str]

    def values(self, found: str | list[str]) -> str | list[str]:
        return [self.arn(each) for each in found] if isinstance(found, list) else self.arn(found)

    def arn(self, text: str) -> str:
        parts = text.split(":", _PARTS - 1)
        if len(parts) < _PARTS or parts[0] != "arn":
            return text
        parts[3] = self.regions.get(parts[3], parts[3])
        parts[4] = self.ids.get(parts[4], parts[4])
        if parts[2] == "apigateway":  # below /tags/ is an ARN, quoted
            parts[5] = _QUOTED.sub(lambda found: self.regions.get(found[0], found[0]), parts[5])
        parts[5] = _DIGITS.sub(lambda found: self.ids.get(found[0], found[0]), parts[5])
        for old, new in self.domains.items():
            name = rf"((?:%2F|(?<![\w.-]))(?:[\w*-]+\.)*){re.escape(old)}(?![\w.-])"
            parts[5] = re.sub(name, rf"\g<1>{new}", parts[5])
        return ":".join(parts)
