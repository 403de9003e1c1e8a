"""GetFindings: what matches, in which order, page by page.

A token tells which search it belongs to and where the next page begins. Without sort criteria
findings come in the order of their creation (AWS promises none), and a page is found by walking on
from where the last one ended. A sorted search is remembered for its pages, until a finding changes.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
from datetime import datetime
from typing import Any

from pkilab.simulator.securityhub import fields, filters, moments
from pkilab.simulator.securityhub.problems import invalid
from pkilab.simulator.securityhub.state import Hub, Json, Key

DEFAULT_PAGE = 100
_REMEMBERED = 8  # sorted searches of a hub
_SORTABLE = {"StringFilter", "NumberFilter", "DateFilter", "BooleanFilter"}


def search(
    hub: Hub,
    asked: Json,
    criteria: list[Json],
    *,
    size: int,
    token: str | None,
    now: datetime,
) -> tuple[list[Json], str | None]:
    """Return a page of findings and the token of the next one.

    Args:
        hub: whose findings.
        asked: the filters.
        criteria: what to sort by.
        size: findings of a page, at most.
        token: of the page; None: the first.
        now: the time.

    Raises:
        AwsError: InvalidInputException, the filters, the criteria or the token are no good.
    """
    matches = filters.compiled(asked, now)
    name = hashlib.sha256(json.dumps([asked, criteria], sort_keys=True).encode()).hexdigest()[:32]
    start = _place(token, name) if token else 0
    if criteria:
        keys = _sorted(hub, name, matches, criteria)
        chosen = keys[start : start + size]
        found = [each.document for key in chosen if (each := hub.findings.get(key))]
        end = start + size
        return found, _token(name, end) if end < len(keys) else None
    page: list[Json] = []
    last = start
    for stored in _candidates(hub, asked, start):
        document = stored.document
        if not matches(document):
            continue
        if len(page) == size:
            return page, _token(name, last)
        page.append(document)
        last = stored.number
    return page, None


def matching(hub: Hub, asked: Json, now: datetime) -> list[tuple[Key, Json]]:
    """Return every finding that matches, under its key.

    Raises:
        AwsError: InvalidInputException, the filters are no good.
    """
    matches = filters.compiled(asked, now)
    documents = (stored.document for stored in _candidates(hub, asked, 0))
    return [((each["ProductArn"], each["Id"]), each) for each in documents if matches(each)]


def _candidates(hub: Hub, asked: Json, start: int) -> Any:  # noqa: ANN401 - an iterator of findings
    """Yield what may match, in the order of creation."""
    ids = filters.exact_key(asked)
    if ids is None:
        return hub.findings.after(start)
    found = hub.findings.of_ids(set(ids))
    return iter([each for each in found if each.number > start])


def _sorted(hub: Hub, name: str, matches: filters.Predicate, criteria: list[Json]) -> list[Key]:
    remembered = hub.searches.get(name)
    if remembered is not None and remembered[0] == hub.findings.version:
        return remembered[1]
    documents = [each for stored in hub.findings.after(0) if matches(each := stored.document)]
    for criterion in reversed(criteria):  # sorting keeps the order of what is equal
        field, order = criterion.get("Field"), criterion.get("SortOrder", "asc")
        kind = fields.kinds().get(field or "")
        if field is None or kind not in _SORTABLE:
            raise invalid(f"SortCriteria: findings cannot be sorted by {field}")
        rank = functools.partial(_rank, fields.path(field), kind)
        absent = [each for each in documents if rank(each) is None]
        present = [each for each in documents if rank(each) is not None]
        present.sort(key=rank, reverse=order == "desc")
        documents = [*present, *absent]
    keys = [(each["ProductArn"], each["Id"]) for each in documents]
    while len(hub.searches) >= _REMEMBERED:
        del hub.searches[next(iter(hub.searches))]
    hub.searches[name] = (hub.findings.version, keys)
    return keys


def _rank(steps: tuple[str, ...], kind: str, finding: Json) -> Any:  # noqa: ANN401 - comparable
    found = fields.values(finding, steps)
    if not found:
        return None
    return moments.parse(found[0]) if kind == "DateFilter" else found[0]


def _token(name: str, place: int) -> str:
    return base64.urlsafe_b64encode(f"{name}:{place}".encode()).decode()


def _place(token: str, name: str) -> int:
    try:
        search_name, _, place = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if search_name == name:
            return int(place)
    except (ValueError, binascii.Error):
        pass
    raise invalid("Invalid parameter: NextToken")
