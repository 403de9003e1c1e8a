"""Findings: in from their providers, changed by customers, out to whoever asks.

Sources: Security Hub CSPM API Reference, BatchImportFindings, BatchUpdateFindings, GetFindings,
GetFindingHistory, UpdateFindings; User Guide, "BatchImportFindings for finding providers" (limits,
InvalidAccess), "BatchUpdateFindings for customers".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pkilab.simulator.securityhub import (
    automation,
    format,  # noqa: A004 - ASFF's format
    history,
    importing,
    moments,
    products,
    searching,
    updating,
)
from pkilab.simulator.securityhub.base import Base, page
from pkilab.simulator.securityhub.problems import invalid
from pkilab.simulator.securityhub.state import Hub, Json, Key, Stored, text_of
from pkilab.simulator.service import Call, model_members

MOST_IN_BATCH = 100
LARGEST = 240 * 1024  # octets of a finding
_Failure = tuple[str, str]  # code and message


class FindingOperations(Base):
    """Operations on findings."""

    def batch_import_findings(self, call: Call, *, findings: list[Json]) -> Json:
        """Create findings, or update them. Each succeeds or fails by itself."""
        hub, failed = self._hub(call), []
        for finding in findings:
            failure = self._import(hub, finding, call)
            if failure is not None:
                name = finding.get("Id")
                failed.append(
                    {
                        "Id": name if isinstance(name, str) else "",
                        "ErrorCode": failure[0],
                        "ErrorMessage": failure[1],
                    }
                )
        return {
            "FailedCount": len(failed),
            "SuccessCount": len(findings) - len(failed),
            "FailedFindings": failed,
        }

    def _import(self, hub: Hub, finding: Json, call: Call) -> _Failure | None:
        """Take one finding, or say why not."""
        problem = format.problem(finding)
        if problem is not None:
            return "InvalidInput", problem
        refusal = _refusal(hub, finding)
        if refusal is not None:
            return "InvalidAccess", refusal
        size = len(text_of(finding).encode("utf-8", "surrogatepass"))
        if size > LARGEST:
            return "InvalidInput", f"The size of a finding is limited to 240 KB: found {size} bytes"
        key, sent = (finding["ProductArn"], finding["Id"]), moments.parse(finding["UpdatedAt"])
        assert sent is not None  # noqa: S101 - its format was checked
        known, place = hub.findings.get(key), {
            "region": hub.region,
            "account_name": self._names.get(hub.account, ""),
        }  # fmt: skip
        if known is None:
            new = importing.created(finding, now=call.now, **place)
            number = hub.findings.number()
            stored = Stored(number, "", sent, created=call.now, touched=call.now)
            self._keep(hub, key, stored, new, call)
        elif sent > known.updated:
            before = known.document
            new = importing.updated(finding, before, known.customers, now=call.now, **place)
            stored = replace(known, updated=sent)
            self._keep(hub, key, stored, new, call, before=before)
        return None  # what is not newer is passed over, and counts as a success

    def _keep(
        self,
        hub: Hub,
        key: Key,
        stored: Stored,
        finding: Json,
        call: Call,
        *,
        before: Json | None = None,
    ) -> None:
        """Keep what a provider sent, after the automation rules, and tell of it."""
        finding, customers = automation.applied(hub, finding, stored.customers, call.now)
        stored = replace(stored, customers=customers)
        if before is not None:
            stored = _with_history(stored, before, finding, call, history.IMPORT, key[0])
        _put(hub, key, stored, finding, call)
        self._announce(hub, finding)

    def batch_update_findings(
        self,
        call: Call,
        *,
        finding_identifiers: list[Json],
        **members: Any,  # noqa: ANN401 - by the model
    ) -> Json:
        """Change what customers may change of up to 100 findings."""
        hub = self._hub(call)
        if not 1 <= len(finding_identifiers) <= MOST_IN_BATCH:
            raise invalid(f"FindingIdentifiers must have 1 to {MOST_IN_BATCH} items")
        changes = model_members(self.name, "BatchUpdateFindings", members)
        if not changes:
            raise invalid("At least one of the finding's fields must be updated")
        if problem := format.problems_of(changes):
            raise invalid(problem)
        done, undone, seen = [], [], set()
        for identifier in finding_identifiers:
            key = (identifier["ProductArn"], identifier["Id"])
            failure = ("DuplicatedFindingIdentifier", "The finding identifier is duplicated")
            if key not in seen:
                seen.add(key)
                failure = self._update(hub, key, changes, call) or ("", "")
            code, message = failure
            if not code:
                done.append(identifier)
                continue
            undone.append(
                {"FindingIdentifier": identifier, "ErrorCode": code, "ErrorMessage": message}
            )
        return {"ProcessedFindings": done, "UnprocessedFindings": undone}

    def _update(self, hub: Hub, key: Key, changes: Json, call: Call) -> _Failure | None:
        stored = hub.findings.get(key)
        if stored is None:
            return "FindingNotFound", "The finding was not found"
        before = stored.document
        finding = updating.changed(before, changes, call.now)
        if len(text_of(finding).encode("utf-8", "surrogatepass")) > LARGEST:
            return "FindingSizeExceeded", "The finding would be larger than 240 KB"
        stored = replace(stored, customers=stored.customers | updating.set_by(changes))
        stored = _with_history(stored, before, finding, call, history.UPDATE, call.principal)
        _put(hub, key, stored, finding, call)
        self._announce(hub, finding)
        return None

    def update_findings(
        self,
        call: Call,
        *,
        filters: Json,
        note: Json | None = None,
        record_state: str | None = None,
    ) -> Json:
        """Archive findings or note something, until their provider updates them; superseded."""
        hub = self._hub(call)
        if note is None and record_state is None:
            raise invalid("At least one of Note and RecordState must be updated")
        if note is not None and (problem := format.problems_of({"Note": note})):
            raise invalid(problem)
        for key, before in searching.matching(hub, filters, call.now):
            stored = hub.findings.get(key)
            assert stored is not None  # noqa: S101 - it was just found
            finding = updating.changed(before, {"Note": note} if note else {}, call.now)
            finding |= {"RecordState": record_state} if record_state else {}
            _put(hub, key, stored, finding, call)
            self._announce(hub, finding)
        return {}

    def get_findings(
        self,
        call: Call,
        *,
        filters: Json | None = None,
        sort_criteria: list[Json] | None = None,
        next_token: str | None = None,
        max_results: int = searching.DEFAULT_PAGE,
    ) -> Json:
        """Return findings that match, page by page."""
        hub = self._hub(call)
        found, after = searching.search(
            hub,
            filters or {},
            sort_criteria or [],
            size=max_results,
            token=next_token,
            now=call.now,
        )
        return {"Findings": found, "NextToken": after}

    def get_finding_history(
        self,
        call: Call,
        *,
        finding_identifier: Json,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """Return what became of a finding, newest first."""
        hub = self._hub(call)
        stored = hub.findings.get((finding_identifier["ProductArn"], finding_identifier["Id"]))
        if stored is None:
            raise invalid("The finding was not found")
        start = start_time or datetime.min.replace(tzinfo=UTC)
        records = history.records(stored, finding_identifier, start, end_time or call.now)
        found, after = page(call, "history", records, max_results, next_token)
        return {"Records": found, "NextToken": after}


def _refusal(hub: Hub, finding: Json) -> str | None:
    """Say why a provider may not import a finding here."""
    product, account = finding["ProductArn"], finding["AwsAccountId"]
    if account != hub.account:
        return f"Account {hub.account} cannot import findings of account {account}"
    if product == products.default_arn(hub.region, hub.account):
        return None
    known = products.find(product, hub.region)
    if known and known.by_customer and known.subscription(hub.region, hub.account) in hub.products:
        return None
    return f"Product {product} is not enabled for account {hub.account} in {hub.region}"


def _put(hub: Hub, key: Key, stored: Stored, finding: Json, call: Call) -> None:
    hub.findings.put(key, replace(stored, text=text_of(finding), touched=call.now))


def _with_history(  # noqa: PLR0917 - what a record has
    stored: Stored, before: Json, after: Json, call: Call, source: str, identity: str
) -> Stored:
    found = history.record(before, after, when=call.now, source=source, identity=identity)
    return replace(stored, history=(*stored.history, found)) if found else stored
