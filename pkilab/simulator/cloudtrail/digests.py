"""Digest files: every hour, what log files there were, signed, each naming the one before.

There is a file for the trail's home Region every hour, and for every other Region from the first
event on that the trail had of it.

Sources: CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of
CloudTrail log file integrity validation".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab.pki.keys import generate_key
from pkilab.simulator.cloudtrail.delivering import put_compressed, refused
from pkilab.simulator.cloudtrail.identities import iso
from pkilab.simulator.cloudtrail.state import Chain, Json, LastDigest, LogFile, LoggingTrail
from pkilab.simulator.s3 import S3
from pkilab.simulator.world import World

EVERY = timedelta(hours=1)
ALGORITHM = "SHA256withRSA"


@dataclass(frozen=True, slots=True)
class DigestKey:
    """The key that signs a Region's digest files for a year."""

    private: rsa.RSAPrivateKey = field(repr=False)
    public: bytes  # PKCS #1 DER
    since: datetime
    until: datetime

    @property
    def fingerprint(self) -> str:
        """MD5 of the public key, as CloudTrail names keys."""
        return hashlib.md5(self.public, usedforsecurity=False).hexdigest()

    def sign(self, text: str) -> str:
        """Return the hexadecimal signature of a text."""
        return self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()


class DigestKeys:
    """A world's keys for digest files: one per Region and year, made when first needed.

    How often AWS changes them is not documented.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys: dict[tuple[str, int], DigestKey] = {}

    def of(self, region: str, now: datetime) -> DigestKey:
        """Return the key that signs at a moment."""
        found = self._keys.get((region, now.year))
        if found is None:
            labels = ("cloudtrail", "digest key", region, str(now.year))
            private = generate_key("RSA_2048", self._world.entropy(*labels))
            assert isinstance(private, rsa.RSAPrivateKey)  # noqa: S101 - as asked for
            found = self._keys[region, now.year] = DigestKey(
                private,
                private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1),
                datetime(now.year, 1, 1, tzinfo=UTC),
                datetime(now.year + 1, 1, 1, tzinfo=UTC),
            )
        return found

    def between(self, region: str, start: datetime, end: datetime) -> list[DigestKey]:
        """Return the keys of a Region that were in use at some moment from start to end."""
        now = self._world.clock.now()
        if start <= now <= end:
            self.of(region, now)
        found = [key for (place, _), key in self._keys.items() if place == region]
        inside = [key for key in found if key.since <= end and start < key.until]
        return sorted(inside, key=lambda key: key.since)


class Digests:
    """Writes digest files on the world's clock.

    Args:
        world: whose clock counts.
        s3: where files go.
        keys: what signs them.
    """

    def __init__(self, world: World, s3: S3, keys: DigestKeys) -> None:
        self._world, self._s3, self._keys = world, s3, keys

    def changed(self, trail: LoggingTrail) -> None:
        """Take note that a trail began or ceased to log, or to be validated.

        A chain begins with the first hour in which both hold, and ends with the hour in which one
        of them ceases to.
        """
        if trail.logging and trail.validated and trail.chains is None:
            trail.chains = {}
            self.region_seen(trail, trail.home_region)
            self._schedule(trail)

    def region_seen(self, trail: LoggingTrail, region: str) -> None:
        """Take note of an event in a Region: from now on it has digest files."""
        if trail.chains is not None and region not in trail.chains:
            trail.chains[region] = Chain(self._now())

    def _now(self) -> datetime:
        return self._world.clock.now().replace(microsecond=0)

    def _schedule(self, trail: LoggingTrail) -> None:
        when = self._now() + EVERY
        self._world.clock.at(when, lambda: self._deliver(trail), f"digest files of {trail.arn}")

    def _deliver(self, trail: LoggingTrail) -> None:
        chains, now = trail.chains or {}, self._now()
        trail.digests.attempted = now
        trail.digests.error = refused(self._s3, trail)
        if trail.digests.error is None:
            trail.digests.delivered = now
            for region, chain in chains.items():
                self._write(trail, region, chain, now)
        if trail.logging and trail.validated:
            self._schedule(trail)
        else:
            trail.chains = None

    def _write(self, trail: LoggingTrail, region: str, chain: Chain, now: datetime) -> None:
        key = (
            f"{trail.root}{trail.account}/CloudTrail-Digest/{region}/{now:%Y/%m/%d}/"
            f"{trail.account}_CloudTrail-Digest_{region}_{trail.name}_{trail.home_region}_"
            f"{now:%Y%m%dT%H%M%SZ}.json.gz"
        )
        signer = self._keys.of(region, now)
        content = _digest(trail, chain, key, signer, now)
        body = json.dumps(content, separators=(",", ":")).encode()
        digest = hashlib.sha256(body).hexdigest()
        before = chain.last.signature if chain.last else "null"
        signature = signer.sign(f"{iso(now)}\n{trail.bucket}/{key}\n{digest}\n{before}")
        metadata = {"signature": signature, "signature-algorithm": ALGORITHM}
        put_compressed(self._s3, trail.bucket, key, body, metadata)
        chain.last = LastDigest(trail.bucket, key, digest, signature)
        chain.start = now
        chain.files.clear()


def _digest(trail: LoggingTrail, chain: Chain, key: str, signer: DigestKey, now: datetime) -> Json:
    """Return a digest file's content, in the order of AWS's sample."""
    last = chain.last
    return {
        "awsAccountId": trail.account,
        "digestStartTime": iso(chain.start),
        "digestEndTime": iso(now),
        "digestS3Bucket": trail.bucket,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": signer.fingerprint,
        "digestSignatureAlgorithm": ALGORITHM,
        "newestEventTime": iso(max(e.newest for e in chain.files)) if chain.files else None,
        "oldestEventTime": iso(min(e.oldest for e in chain.files)) if chain.files else None,
        "previousDigestS3Bucket": last.bucket if last else None,
        "previousDigestS3Object": last.key if last else None,
        "previousDigestHashValue": last.sha256 if last else None,
        "previousDigestHashAlgorithm": "SHA-256" if last else None,
        "previousDigestSignature": last.signature if last else None,
        "logFiles": [_file(each) for each in chain.files],
    }


def _file(made: LogFile) -> Json:
    return {
        "s3Bucket": made.bucket,
        "s3Object": made.key,
        "hashValue": made.sha256,
        "hashAlgorithm": "SHA-256",
        "newestEventTime": iso(made.newest),
        "oldestEventTime": iso(made.oldest),
    }
