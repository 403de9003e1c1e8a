"""Log files: what a trail took down, every five minutes, into its bucket.

Nothing is written where nothing was called. What the bucket does not take is tried again with the
next file, for thirty days.

Sources: CloudTrail User Guide, "CloudTrail log file examples", "Finding your CloudTrail log files"
and "Troubleshooting" (redelivery).
"""

from __future__ import annotations

import gzip
import hashlib
import string
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pkilab.simulator.cloudtrail.checks import delivery_error
from pkilab.simulator.cloudtrail.state import LogFile, Logged, LoggingTrail
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import World

EVERY = timedelta(minutes=5)
KEPT = timedelta(days=30)  # how long delivery is tried
LARGEST = 50_000_000  # octets of a log file before compression
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LETTERS = string.ascii_letters + string.digits


class LogFiles:
    """Writes log files on the world's clock.

    Args:
        world: whose clock and entropy count.
        s3: where files go.
    """

    def __init__(self, world: World, s3: S3) -> None:
        self._world, self._s3 = world, s3

    def add(self, trail: LoggingTrail, region: str, logged: Logged) -> None:
        """Keep an event for the next file."""
        trail.pending.setdefault(region, []).append(logged)
        self._schedule(trail)

    def _schedule(self, trail: LoggingTrail) -> None:
        if trail.delivery_due:
            return
        trail.delivery_due = True
        now = self._world.clock.now()
        when = now + EVERY - (now - _EPOCH) % EVERY
        self._world.clock.at(when, lambda: self._deliver(trail), f"log files of {trail.arn}")

    def _deliver(self, trail: LoggingTrail) -> None:
        trail.delivery_due = False
        now = self._world.clock.now()
        trail.deliveries.attempted = now
        trail.deliveries.error = refused(self._s3, trail)
        if trail.deliveries.error:
            trail.failing_since = trail.failing_since or now
            if now - trail.failing_since >= KEPT:
                trail.pending.clear()
                trail.failing_since = None
            else:
                self._schedule(trail)
            return
        trail.failing_since = None
        trail.deliveries.delivered = now
        for region, pending in trail.pending.items():
            for part in _parts(pending):
                self._write(trail, region, part, now)
        trail.pending.clear()

    def _write(
        self, trail: LoggingTrail, region: str, part: Sequence[Logged], now: datetime
    ) -> None:
        trail.files += 1
        labels = ("cloudtrail", "log file", trail.arn, str(trail.files))
        random = self._world.entropy(*labels).bytes(16)
        unique = "".join(_LETTERS[octet % len(_LETTERS)] for octet in random)
        key = (
            f"{trail.root}{trail.account}/CloudTrail/{region}/{now:%Y/%m/%d}/"
            f"{trail.account}_CloudTrail_{region}_{now:%Y%m%dT%H%MZ}_{unique}.json.gz"
        )
        body = f'{{"Records":[{",".join(each.text for each in part)}]}}'.encode()
        put_compressed(self._s3, trail.bucket, key, body)
        if trail.chains is not None and region in trail.chains:
            times = [each.time for each in part]
            digest = hashlib.sha256(body).hexdigest()
            made = LogFile(trail.bucket, key, digest, min(times), max(times))
            trail.chains[region].files.append(made)


def refused(s3: S3, trail: LoggingTrail) -> str | None:
    """Return why a trail's bucket takes no files now, as S3's code; None: it does."""
    try:
        return delivery_error(s3, trail, trail.bucket, trail.root)
    except AwsError as error:  # a policy that is not simulated
        return error.code


def put_compressed(
    s3: S3, bucket: str, key: str, body: bytes, metadata: dict[str, str] | None = None
) -> None:
    """Write a JSON file with gzip; the same content gives the same bytes."""
    s3.put(
        bucket,
        key,
        gzip.compress(body, mtime=0),
        content_type="application/json",
        acl="bucket-owner-full-control",
        encoding="gzip",
        metadata=metadata,
    )


def _parts(pending: Sequence[Logged]) -> Iterator[Sequence[Logged]]:
    """Yield what fits into one file each."""
    first, size = 0, 0
    for number, logged in enumerate(pending):
        size += len(logged.text)
        if size > LARGEST and number > first:
            yield pending[first:number]
            first, size = number, len(logged.text)
    yield pending[first:]
