"""What a CA says about revocation: its configuration, the URLs in its certificates, its CRLs.

CRLs are written to S3 on the world's clock: soon after a CA can sign, half an hour after a
revocation, halfway to every nextUpdate, and again after a quarter of an hour if writing failed. One
job per CA is pending at a time.

Sources: AWS Private CA API Reference, CrlConfiguration and OcspConfiguration; AWS Private CA User
Guide, "Plan your AWS Private CA certificate revocation method".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from pkilab.simulator.acmpca import buckets, lifecycle
from pkilab.simulator.acmpca.crl import build_crl, crl_entry
from pkilab.simulator.acmpca.notices import NOT_PERMITTED, NOT_WRITTEN, Notices
from pkilab.simulator.acmpca.state import Authority, Issued
from pkilab.simulator.s3 import S3, CannedAcl
from pkilab.simulator.service import AwsError, Call
from pkilab.simulator.world import Job, World

Json = dict[str, Any]

AFTER_REVOCATION = timedelta(minutes=30)  # CrlConfiguration: "approximately 30 minutes"
AFTER_FAILURE = timedelta(minutes=15)  # CrlConfiguration: "every 15 minutes"
# 16,384 entries of at most 54 bytes are 0.88 MB: with every certificate of a partition revoked, its
# CRL stays below the documented 1 MB.
PARTITION_CERTIFICATES = 16_384
_CRL_DEFAULTS = {"S3ObjectAcl": "PUBLIC_READ", "CrlType": "COMPLETE"}
_ACLS: dict[str, CannedAcl] = {
    "PUBLIC_READ": "public-read",
    "BUCKET_OWNER_FULL_CONTROL": "bucket-owner-full-control",
}
_PROBES = {
    "PUBLIC_READ": "acm-pca-permission-test-key",
    "BUCKET_OWNER_FULL_CONTROL": "acm-pca-permission-test-key-private",
}
# Amazon S3 User Guide, "General purpose bucket naming rules".
_BUCKET_NAME = re.compile(r"(?!\d+(\.\d+){3}$)[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class CdpAia:
    """What a certificate issued now carries, by the CA's configuration; ``None``: no extension."""

    cdp: str | None  # URL of the CRL Distribution Point
    ocsp: str | None  # URL of the OCSP responder, for the Authority Information Access
    partition: str | None  # GUID of the CRL partition; belongs into Issued.partition


def serves_revocation(authority: Authority, now: datetime) -> bool:
    """Say whether the CA signs CRLs and OCSP responses: it is ACTIVE or DISABLED, not EXPIRED.

    Source: AWS Private CA User Guide, "Updating a private CA (CA status)".
    """
    return lifecycle.status(authority, now) in {"ACTIVE", "DISABLED"}


@dataclass(frozen=True, slots=True)
class _Entry:
    revoked: x509.RevokedCertificate
    not_after: datetime


@dataclass(slots=True)
class _Scope:
    """One CRL of a CA: the complete one or a partition, with the certificates it answers for."""

    url: str  # as in the certificates that point here
    certificates: int = 0
    entries: list[_Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Due:
    """One CRL that is to be written."""

    key: str  # of the object
    url: str  # where it is to be fetched
    entries: Iterable[_Entry]
    idp_url: str | None


@dataclass(slots=True)
class _Publication:
    """What the publisher remembers of a CA."""

    job: Job | None = None
    number: int = 0  # of the last CRL
    last: datetime | None = None  # thisUpdate of the last CRL
    region: str = ""  # of the bucket, as of the configuration
    complete: list[_Entry] = field(default_factory=list)
    partitions: dict[str, _Scope] = field(default_factory=dict)  # by GUID; the last one is filling


class Publisher:
    """Revocation configuration and CRLs of every CA of the world.

    Args:
        world: whose clock, entropy and latency count.
        s3: where CRLs go.
        notices: who tells of every CRL that is written, or is not; None: nobody does.
    """

    def __init__(self, world: World, s3: S3, notices: Notices | None = None) -> None:
        self._world, self._s3, self._notices = world, s3, notices or Notices()
        self._publications: dict[str, _Publication] = {}

    def configured(self, call: Call, authority: Authority, configuration: Json) -> None:
        """Check a RevocationConfiguration, write the probe object and make it the CA's own.

        CreateCertificateAuthority calls it always (with ``{}`` if the caller gave none), before the
        CA is stored; UpdateCertificateAuthority only if one was given: a member left out (CRL or
        OCSP) stays as it was. ``authority.revocation_configuration`` is set to what
        DescribeCertificateAuthority shall answer, defaults filled in. A CA that can sign gets its
        CRL at once. Nothing has changed if an error is raised.

        Not checked: whether the caller may write to the bucket.

        Raises:
            AwsError: InvalidArgsException, members that do not go together; InvalidPolicyException,
                the bucket policy; ResourceNotFoundException, the bucket; ValidationException, Block
                Public Access and other settings of the bucket.
        """
        del call  # the caller's own permissions are not looked at
        crl = _checked_crl(configuration.get("CrlConfiguration"))
        ocsp = _checked_ocsp(configuration.get("OcspConfiguration"))
        if crl and crl["Enabled"]:
            acl = _ACLS[crl["S3ObjectAcl"]]
            probe, bucket = _PROBES[crl["S3ObjectAcl"]], crl["S3BucketName"]
            found = buckets.check(
                self._s3, bucket, probe, authority, acl, refusal_code="InvalidPolicyException"
            )
            self._publication(authority).region = found.region
            self._s3.put(bucket, probe, b"", content_type="application/octet-stream", acl=acl)
        current = authority.revocation_configuration
        off = {"Enabled": False}
        authority.revocation_configuration = {
            "CrlConfiguration": crl or current.get("CrlConfiguration", off),
            "OcspConfiguration": ocsp or current.get("OcspConfiguration", off),
        }
        if crl:
            self._restart(authority)

    def extensions_for(self, authority: Authority) -> CdpAia:
        """Return the revocation URLs of a certificate that ``authority`` issues now.

        Templates decide whether they go in. The partition belongs into ``Issued.partition`` if the
        certificate is issued under a partitioned CRL, also where OmitExtension leaves the URL out.
        """
        ocsp = authority.revocation_configuration.get("OcspConfiguration", {})
        crl = _enabled_crl(authority)
        url, guid = None, None
        if crl and crl["CrlType"] == "PARTITIONED":
            guid, url = self._filling_partition(authority, crl)
        elif crl:
            url = self._url(authority, crl, None)
        omitted = (crl or {}).get("CrlDistributionPointExtensionConfiguration", {})
        return CdpAia(
            cdp=None if omitted.get("OmitExtension") else url,
            ocsp=_ocsp_url(authority, ocsp) if ocsp.get("Enabled") else None,
            partition=guid,
        )

    def activated(self, authority: Authority) -> None:
        """Take note that a CA certificate was installed: a CRL follows at once."""
        self._restart(authority)

    def certificate_issued(self, authority: Authority, issued: Issued) -> None:
        """Take note of a certificate; the first one of a partition makes its CRL appear."""
        if issued.partition is None:
            return
        partition = self._publication(authority).partitions[issued.partition]
        partition.certificates += 1
        if partition.certificates == 1:
            self._schedule(authority, self._soon())

    def revoked(self, authority: Authority, issued: Issued) -> None:
        """Take note of a revocation; ``issued.revocation`` says when and why."""
        assert issued.revocation  # noqa: S101 - the caller's duty
        assert issued.certificate  # noqa: S101 - what failed cannot be revoked
        publication = self._publication(authority)
        partition = publication.partitions.get(issued.partition or "")
        (partition.entries if partition else publication.complete).append(
            _Entry(
                crl_entry(issued.serial, issued.revocation), issued.certificate.not_valid_after_utc
            )
        )
        self._schedule(authority, self._world.clock.now() + AFTER_REVOCATION)

    def state_changed(self, authority: Authority) -> None:
        """Take note of a new status (disabled, enabled, deleted, restored).

        A CA that still signs CRLs keeps its rhythm, one that signs again starts anew, one that no
        longer may stops.
        """
        publication = self._publication(authority)
        if publication.job and serves_revocation(authority, self._world.clock.now()):
            return
        self._restart(authority)

    # The clock's side: one pending job per CA.

    def _publication(self, authority: Authority) -> _Publication:
        return self._publications.setdefault(authority.arn, _Publication())

    def _soon(self) -> datetime:
        return self._world.clock.now() + self._world.latency

    def _restart(self, authority: Authority) -> None:
        publication = self._publication(authority)
        if publication.job:
            publication.job.cancel()
            publication.job = None
        self._schedule(authority, self._soon())

    def _schedule(self, authority: Authority, when: datetime) -> None:
        """See that a CRL is made by ``when``; an earlier one in sight is enough."""
        publication = self._publication(authority)
        if not (_enabled_crl(authority) and serves_revocation(authority, self._world.clock.now())):
            return
        if publication.job:
            if publication.job.when <= when:
                return
            publication.job.cancel()
        publication.job = self._world.clock.at(
            when, lambda: self._publish(authority), f"acm-pca CRL of {authority.arn}"
        )

    def _publish(self, authority: Authority) -> None:
        """Write every CRL of the CA and schedule the next time. EXPIRED and DELETED CAs end it."""
        publication, now = self._publication(authority), self._world.clock.now()
        publication.job = None
        crl = _enabled_crl(authority)
        if not (crl and serves_revocation(authority, now)):
            return
        try:
            self._write(authority, crl, publication, now)
        except AwsError:
            self._schedule(authority, now + AFTER_FAILURE)
        else:
            days = timedelta(days=crl["ExpirationInDays"])
            self._schedule(authority, now + (days / 2 if days.days > 1 else timedelta(hours=6)))

    def _write(
        self, authority: Authority, crl: Json, publication: _Publication, now: datetime
    ) -> None:
        acl, bucket = _ACLS[crl["S3ObjectAcl"]], crl["S3BucketName"]
        due = self._due(authority, crl, publication)
        try:
            buckets.check(
                self._s3, bucket, due[0].key, authority, acl, refusal_code="InvalidPolicyException"
            )
        except AwsError as error:
            failure = NOT_WRITTEN if error.code == "NotImplemented" else NOT_PERMITTED
            for each in due:
                self._notices.crl(authority, each.url, failure)
            raise
        _drop_ended(publication, now)
        # The samples of the User Guide show epoch milliseconds; RFC 5280 wants them to grow.
        milliseconds = (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        publication.number = max(publication.number + 1, milliseconds)
        publication.last = now
        for each in due:
            assert authority.certificate is not None  # noqa: S101 - serves_revocation said so
            body = build_crl(
                authority.certificate,
                authority.key,
                authority.configuration["SigningAlgorithm"],
                (entry.revoked for entry in each.entries),
                number=publication.number,
                this_update=now,
                next_update=now + timedelta(days=crl["ExpirationInDays"]),
                idp_url=each.idp_url,
            )
            self._s3.put(bucket, each.key, body, content_type="application/pkix-crl", acl=acl)
            self._notices.crl(authority, each.url)

    def _due(self, authority: Authority, crl: Json, publication: _Publication) -> list[_Due]:
        """Return the CRLs of a CA, the complete one first."""
        scopes = publication.partitions.items()
        key, url = _key(authority, crl, None), self._url(authority, crl, None)
        if crl["CrlType"] == "COMPLETE":
            # Without an IDP it speaks for all certificates, those bound to old partitions as well.
            bound = (partition.entries for _, partition in scopes)
            return [_Due(key, url, itertools.chain(publication.complete, *bound), None)]
        return [_Due(key, url, publication.complete, url)] + [
            _Due(_key(authority, crl, guid), partition.url, partition.entries, partition.url)
            for guid, partition in scopes
            if partition.certificates
        ]

    # Partitions and URLs.

    def _filling_partition(self, authority: Authority, crl: Json) -> tuple[str, str]:
        """Return GUID and URL of the partition that takes the next certificate.

        A partition keeps the URL that its certificates name; a new base URL opens a new one.
        """
        partitions = self._publication(authority).partitions
        if partitions:
            guid, partition = next(reversed(partitions.items()))
            fits = partition.certificates < PARTITION_CERTIFICATES
            if fits and partition.url == self._url(authority, crl, guid):
                return guid, partition.url
        labels = ("acm-pca", "crl-partition", authority.uuid, str(len(partitions)))
        guid = self._world.entropy(*labels).uuid()
        partitions[guid] = _Scope(self._url(authority, crl, guid))
        return guid, partitions[guid].url

    def _url(self, authority: Authority, crl: Json, guid: str | None) -> str:
        key = _key(authority, crl, guid)
        if cname := crl.get("CustomCname"):
            return f"http://{cname}/{key}"
        region = self._publication(authority).region
        return f"http://{crl['S3BucketName']}.s3.{region}.amazonaws.com/{key}"


def _drop_ended(publication: _Publication, now: datetime) -> None:
    """Drop the entries of certificates that had ended before the previous CRL was made.

    An entry stays until one CRL made after the certificate's end has shown it (CrlConfiguration).
    """
    since = publication.last or now
    for entries in (publication.complete, *(p.entries for p in publication.partitions.values())):
        entries[:] = [entry for entry in entries if entry.not_after >= since]


def _enabled_crl(authority: Authority) -> Json | None:
    crl: Json = authority.revocation_configuration.get("CrlConfiguration", {})
    return crl if crl.get("Enabled") else None


def _key(authority: Authority, crl: Json, guid: str | None) -> str:
    """Return the object key of the complete CRL, or of a partition's.

    With a CustomPath, a partition lies directly in it (CrlConfiguration, CustomPath); without one
    the separator between CA and partition is not documented.
    """
    path = crl.get("CustomPath")
    folder = "crl/" if not path else "" if path == "/" else f"{path}/"
    if guid is None:
        return f"{folder}{authority.uuid}.crl"
    return f"{folder}{guid}.crl" if path else f"{folder}{authority.uuid}/{guid}.crl"


def _ocsp_url(authority: Authority, ocsp: Json) -> str:
    return f"http://{ocsp.get('OcspCustomCname') or ocsp_host(authority.region)}"


def ocsp_host(region: str) -> str:
    """Return the host of AWS's own responder in a Region."""
    return f"ocsp.acm-pca.{region}.amazonaws.com"


def _checked_ocsp(ocsp: Json | None) -> Json | None:
    if ocsp is None:
        return None
    _check_disabled("OcspConfiguration", ocsp)
    _check_cname("OcspCustomCname", ocsp)
    return dict(ocsp)


def _checked_crl(crl: Json | None) -> Json | None:
    if crl is None:
        return None
    _check_disabled("CrlConfiguration", crl)
    if not crl["Enabled"]:
        return dict(crl)
    for member in ("ExpirationInDays", "S3BucketName"):
        if crl.get(member) is None:
            raise AwsError("InvalidArgsException", f"{member} is required when CRLs are enabled.")
    if not _BUCKET_NAME.fullmatch(crl["S3BucketName"]):
        message = f"'{crl['S3BucketName']}' does not conform to the S3 bucket naming rules."
        raise AwsError("InvalidArgsException", message)
    _check_cname("CustomCname", crl)
    omit = crl.get("CrlDistributionPointExtensionConfiguration", {}).get("OmitExtension")
    if omit and crl.get("CustomCname"):
        raise AwsError("InvalidArgsException", "OmitExtension cannot be set with a CustomCname.")
    return _CRL_DEFAULTS | crl


def _check_disabled(name: str, configuration: Json) -> None:
    if not configuration["Enabled"] and len(configuration) > 1:
        others = ", ".join(sorted(configuration.keys() - {"Enabled"}))
        message = f"A disabled {name} must contain only Enabled; found {others}."
        raise AwsError("InvalidArgsException", message)


def _check_cname(member: str, configuration: Json) -> None:
    if "://" in configuration.get(member, ""):
        message = f"{member} must not include a protocol prefix such as http:// or https://."
        raise AwsError("InvalidArgsException", message)
