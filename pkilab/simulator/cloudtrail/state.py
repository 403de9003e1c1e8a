"""What a trail is made of, as customers make them. The state alone: rules live beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pkilab.simulator.cloudtrail.operations import Kind

Json = dict[str, Any]

DEFAULT_SELECTOR: Json = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}


@dataclass(frozen=True, slots=True)
class Logged:
    """One event that waits for the next log file."""

    time: datetime  # whole seconds
    text: str  # JSON


@dataclass(frozen=True, slots=True)
class LogFile:
    """One delivered log file, as the next digest file tells of it."""

    bucket: str
    key: str
    sha256: str  # hexadecimal, of the content before compression
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class LastDigest:
    """The digest file that the next one follows."""

    bucket: str
    key: str
    sha256: str
    signature: str  # hexadecimal


@dataclass(slots=True)
class Chain:
    """The digest files of a trail in one Region."""

    start: datetime  # of what the next one covers
    last: LastDigest | None = None
    files: list[LogFile] = field(default_factory=list)


@dataclass(slots=True)
class DeliveryState:
    """How the last attempt to deliver went."""

    delivered: datetime | None = None
    attempted: datetime | None = None
    error: str | None = None  # S3's code


@dataclass(slots=True)
class LoggingTrail:
    """One trail that delivers events to a bucket."""

    name: str
    account: str
    home_region: str
    arn: str
    bucket: str
    prefix: str | None
    multi_region: bool
    global_events: bool
    validated: bool  # whether there are digest files
    tags: dict[str, str | None] = field(default_factory=dict)
    selectors: list[Json] = field(default_factory=lambda: [DEFAULT_SELECTOR])
    logging: bool = False
    started: datetime | None = None
    stopped: datetime | None = None
    files: int = 0  # how many log files there were; it makes their names unique
    pending: dict[str, list[Logged]] = field(default_factory=dict)  # by Region
    failing_since: datetime | None = None
    delivery_due: bool = False  # whether the clock has been told
    deliveries: DeliveryState = field(default_factory=DeliveryState)
    digests: DeliveryState = field(default_factory=DeliveryState)
    chains: dict[str, Chain] | None = None  # by Region; None: no digest files are made

    @property
    def has_custom_selectors(self) -> bool:
        """Whether it takes other events down than every management event."""
        return self.selectors != [DEFAULT_SELECTOR]

    @property
    def root(self) -> str:
        """The beginning of every key that is written."""
        return f"{self.prefix}/AWSLogs/" if self.prefix else "AWSLogs/"

    def is_seen_in(self, region: str) -> bool:
        """Say whether the trail exists in a Region, be it as a shadow."""
        return self.multi_region or self.home_region == region

    def covers(self, kind: Kind, region: str) -> bool:
        """Say whether the trail takes an event of a kind in a Region down while it logs."""
        return (
            self.is_seen_in(region)
            and (self.global_events or not kind.globally)
            and any(_selects(selector, kind) for selector in self.selectors)
        )


def _selects(selector: Mapping[str, Any], kind: Kind) -> bool:
    wanted = selector.get("ReadWriteType", "All")
    return (
        selector.get("IncludeManagementEvents", True)
        and wanted in ("All", "ReadOnly" if kind.read_only else "WriteOnly")
        and kind.source not in selector.get("ExcludeManagementEventSources", ())
    )
