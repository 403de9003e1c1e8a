"""The structures of RFC 6962 in their TLS encoding, byte by byte, both ways.

What is decoded and encoded again is the same bytes; what is too short, too long or of another
version is refused. Whether a signature is the log's, or a certificate a certificate, is not looked
at here. Timestamps are milliseconds since 1970, without leap seconds (RFC 6962, 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from pkilab.ct._tls import Reader, fixed, integer, vector
from pkilab.errors import MalformedError
from pkilab.pki.crl import aware

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

V1 = 0
SHA256 = 4  # RFC 5246, 7.4.1.4.1: HashAlgorithm
RSA, ECDSA = 1, 3  # SignatureAlgorithm, likewise
_TIMESTAMPED_ENTRY = 0  # MerkleLeafType
_CERTIFICATE_TIMESTAMP, _TREE_HASH = 0, 1  # SignatureType
_LEAF_INDEX = 0  # static-ct-api: ExtensionType
_HASH, _INDEX = 32, 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EntryType(IntEnum):
    """What a log signed for (LogEntryType)."""

    X509 = 0
    PRECERT = 1


def moment_of(timestamp: int) -> datetime:
    """Return a timestamp as an aware UTC time.

    Raises:
        MalformedError: it lies beyond the year 9999, or before 1970.
    """
    try:
        return _EPOCH + timedelta(milliseconds=timestamp)
    except OverflowError:
        expected = "one before the year 10000"
        raise MalformedError("timestamp", found=f"{timestamp} ms", expected=expected) from None


def timestamp_of(moment: datetime) -> int:
    """Return an aware time in whole milliseconds since 1970, what is below them cut off.

    Raises:
        MalformedError: it has no time zone.
    """
    return (aware(moment) - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class PreCert:
    """What a log signs of a precertificate: the certificate to come, and who will issue it.

    ``issuer_key_hash`` is the SHA-256 of the issuer's SubjectPublicKeyInfo; ``tbs`` the DER of the
    TBSCertificate without poison and without SCT list.
    """

    issuer_key_hash: bytes
    tbs: bytes

    def encode(self) -> bytes:
        """Encode: 32 bytes, then the TBSCertificate with its length in 3 bytes.

        Raises:
            MalformedError: a field has a length that cannot be.
        """
        key_hash = fixed("issuer key hash", self.issuer_key_hash, _HASH)
        return key_hash + vector("TBSCertificate", self.tbs, 3, least=1)

    @classmethod
    def decode(cls, data: bytes) -> PreCert:
        """Read what `encode` writes.

        Raises:
            MalformedError: something else.
        """
        reader = Reader("PreCert", data)
        read = cls.read(reader)
        reader.end()
        return read

    @classmethod
    def read(cls, reader: Reader) -> PreCert:
        """Read one where a larger structure has it."""
        return cls(reader.take(_HASH), reader.vector(3, least=1))


@dataclass(frozen=True, slots=True)
class TimestampedEntry:
    """What a log signs in an SCT and hashes into its tree.

    ``entry`` is the DER of a certificate, or a `PreCert`; ``extensions`` are the SCT's, empty in
    logs of RFC 6962.
    """

    timestamp: int
    entry: bytes | PreCert
    extensions: bytes = b""

    @property
    def type(self) -> EntryType:
        """Which of the two the entry is."""
        return EntryType.PRECERT if isinstance(self.entry, PreCert) else EntryType.X509

    @property
    def moment(self) -> datetime:
        """When the log says it was, aware UTC.

        Raises:
            MalformedError: beyond the year 9999.
        """
        return moment_of(self.timestamp)

    def encode(self) -> bytes:
        """Encode: timestamp (8 bytes), type (2), the entry, and the extensions (2 + n).

        Raises:
            MalformedError: a field has a value or a length that cannot be.
        """
        if isinstance(self.entry, PreCert):
            entry = self.entry.encode()
        else:
            entry = vector("certificate", self.entry, 3, least=1)
        timestamp = integer("timestamp", self.timestamp, 8)
        extensions = vector("SCT extensions", self.extensions, 2)
        return timestamp + integer("entry type", self.type, 2) + entry + extensions

    @classmethod
    def decode(cls, data: bytes) -> TimestampedEntry:
        """Read what `encode` writes.

        Raises:
            MalformedError: something else.
        """
        reader = Reader("timestamped entry", data)
        read = cls.read(reader)
        reader.end()
        return read

    @classmethod
    def read(cls, reader: Reader) -> TimestampedEntry:
        """Read one where a larger structure has it."""
        timestamp, kind = reader.integer(8), reader.integer(2)
        entry: bytes | PreCert
        if kind == EntryType.PRECERT:
            entry = PreCert.read(reader)
        elif kind == EntryType.X509:
            entry = reader.vector(3, least=1)
        else:
            raise MalformedError("entry type", found=f"{kind}", expected="0 (x509) or 1 (precert)")
        return cls(timestamp, entry, reader.vector(2))

    def signed_part(self) -> bytes:
        """Return what the log signs in an SCT (RFC 6962, 3.2).

        Raises:
            MalformedError: as `encode`.
        """
        return bytes((V1, _CERTIFICATE_TIMESTAMP)) + self.encode()


def merkle_leaf(entry: TimestampedEntry) -> bytes:
    """Return the MerkleTreeLeaf of an entry (RFC 6962, 3.4), ``leaf_input`` in the HTTP API.

    Raises:
        MalformedError: a field has a value or a length that cannot be.
    """
    return bytes((V1, _TIMESTAMPED_ENTRY)) + entry.encode()


def decode_merkle_leaf(data: bytes) -> TimestampedEntry:
    """Read a MerkleTreeLeaf.

    Raises:
        MalformedError: something else.
    """
    reader = Reader("Merkle tree leaf", data)
    _expect_version(reader)
    if (kind := reader.integer(1)) != _TIMESTAMPED_ENTRY:
        raise MalformedError("Merkle tree leaf", found=f"type {kind}", expected="0")
    entry = TimestampedEntry.read(reader)
    reader.end()
    return entry


@dataclass(frozen=True, slots=True)
class DigitallySigned:
    """A signature that says how it was made (RFC 5246, 4.7): `SHA256` with `RSA` or `ECDSA`."""

    hash_algorithm: int
    signature_algorithm: int
    signature: bytes

    def encode(self) -> bytes:
        """Encode: hash (1 byte), algorithm (1), and the signature with its length in 2 bytes.

        Raises:
            MalformedError: a field has a value or a length that cannot be.
        """
        return (
            integer("hash algorithm", self.hash_algorithm, 1)
            + integer("signature algorithm", self.signature_algorithm, 1)
            + vector("signature", self.signature, 2)
        )

    @classmethod
    def decode(cls, data: bytes) -> DigitallySigned:
        """Read what `encode` writes.

        Raises:
            MalformedError: something else.
        """
        reader = Reader("digitally-signed", data)
        read = cls.read(reader)
        reader.end()
        return read

    @classmethod
    def read(cls, reader: Reader) -> DigitallySigned:
        """Read one where a larger structure has it."""
        return cls(reader.integer(1), reader.integer(1), reader.vector(2))


@dataclass(frozen=True, slots=True)
class Sct:
    """A signed certificate timestamp of version 1: a log's promise to publish an entry."""

    log_id: bytes
    timestamp: int
    extensions: bytes
    signature: DigitallySigned

    @property
    def moment(self) -> datetime:
        """When the log says it was, aware UTC.

        Raises:
            MalformedError: beyond the year 9999.
        """
        return moment_of(self.timestamp)

    def entry(self, signed: bytes | PreCert) -> TimestampedEntry:
        """Return what the log signed, if it was for this certificate's DER or this PreCert."""
        return TimestampedEntry(self.timestamp, signed, self.extensions)

    def encode(self) -> bytes:
        """Encode: version (1 byte), log ID (32), timestamp (8), extensions (2 + n), signature.

        Raises:
            MalformedError: a field has a value or a length that cannot be.
        """
        return (
            bytes((V1,))
            + fixed("log ID", self.log_id, _HASH)
            + integer("timestamp", self.timestamp, 8)
            + vector("SCT extensions", self.extensions, 2)
            + self.signature.encode()
        )

    @classmethod
    def decode(cls, data: bytes) -> Sct:
        """Read what `encode` writes.

        Raises:
            MalformedError: something else, or another version.
        """
        reader = Reader("SCT", data)
        _expect_version(reader)
        log_id, timestamp, extensions = reader.take(_HASH), reader.integer(8), reader.vector(2)
        read = cls(log_id, timestamp, extensions, DigitallySigned.read(reader))
        reader.end()
        return read


def encode_sct_list(scts: Sequence[Sct]) -> bytes:
    """Encode one or more SCTs as certificates, OCSP answers and TLS carry them (RFC 6962, 3.3).

    Raises:
        MalformedError: none, or more than fit in 65,535 bytes.
    """
    parts = (vector("SCT", each.encode(), 2, least=1) for each in scts)
    return vector("SCT list", b"".join(parts), 2, least=1)


def decode_sct_list(data: bytes) -> tuple[Sct, ...]:
    """Read a list of SCTs. Those of other versions are left out, as RFC 6962, 3.3, wants it.

    Raises:
        MalformedError: something else.
    """
    return tuple(Sct.decode(each) for each in split_sct_list(data) if each[0] == V1)


def split_sct_list(data: bytes) -> tuple[bytes, ...]:
    """Cut a list into its SCTs, each at least one byte, without reading them.

    Raises:
        MalformedError: it is not a list, or an empty one.
    """
    outer = Reader("SCT list", data)
    inner = Reader("SCT list", outer.vector(2, least=1))
    outer.end()
    found = []
    while inner:
        found.append(inner.vector(2, least=1))
    return tuple(found)


def encode_leaf_index(index: int) -> bytes:
    """Return the SCT extensions of a static-ct-api log: where the entry is in the tree.

    Raises:
        MalformedError: not 0 <= index < 2**40.
    """
    return bytes((_LEAF_INDEX,)) + vector("leaf index", integer("leaf index", index, _INDEX), 2)


def decode_leaf_index(extensions: bytes) -> int | None:
    """Read the leaf index among SCT extensions; None if there is none. Others are passed over.

    Raises:
        MalformedError: not extensions as static-ct-api has them, or one of them twice.
    """
    reader = Reader("SCT extensions", extensions)
    found: dict[int, bytes] = {}
    while reader:
        kind = reader.integer(1)
        if kind in found:
            raise MalformedError("SCT extensions", found=f"type {kind} twice", expected="once")
        found[kind] = reader.vector(2)
    if (data := found.get(_LEAF_INDEX)) is None:
        return None
    return int.from_bytes(fixed("leaf index", data, _INDEX))


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The tree of a log at a time: its size and its root hash."""

    size: int
    timestamp: int
    root: bytes

    @property
    def moment(self) -> datetime:
        """When the log says it was, aware UTC.

        Raises:
            MalformedError: beyond the year 9999.
        """
        return moment_of(self.timestamp)

    def signed_part(self) -> bytes:
        """Return the 50 bytes that the log signs (RFC 6962, 3.5).

        Raises:
            MalformedError: a field has a value or a length that cannot be.
        """
        return (
            bytes((V1, _TREE_HASH))
            + integer("timestamp", self.timestamp, 8)
            + integer("tree size", self.size, 8)
            + fixed("root hash", self.root, _HASH)
        )


@dataclass(frozen=True, slots=True)
class SignedTreeHead:
    """A tree head with the log's signature: what ``get-sth`` answers."""

    head: TreeHead
    signature: DigitallySigned


def encode_chain(certificates: Iterable[bytes]) -> bytes:
    """Encode certificates in DER as the ``extra_data`` of an x509 entry: the chain above it.

    Raises:
        MalformedError: an empty certificate, or more than fit in 2**24 - 1 bytes.
    """
    parts = (vector("certificate", each, 3, least=1) for each in certificates)
    return vector("certificate chain", b"".join(parts), 3)


def decode_chain(data: bytes) -> tuple[bytes, ...]:
    """Read what `encode_chain` writes.

    Raises:
        MalformedError: something else.
    """
    reader = Reader("certificate chain", data)
    chain = _read_chain(reader)
    reader.end()
    return chain


def encode_precert_chain(precertificate: bytes, certificates: Iterable[bytes]) -> bytes:
    """Encode the ``extra_data`` of a precert entry: the precertificate, and the chain above it.

    Raises:
        MalformedError: an empty certificate, or more than fit in 2**24 - 1 bytes.
    """
    return vector("precertificate", precertificate, 3, least=1) + encode_chain(certificates)


def decode_precert_chain(data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Read what `encode_precert_chain` writes.

    Raises:
        MalformedError: something else.
    """
    reader = Reader("precertificate chain", data)
    precertificate = reader.vector(3, least=1)
    chain = _read_chain(reader)
    reader.end()
    return precertificate, chain


def _read_chain(reader: Reader) -> tuple[bytes, ...]:
    inner = Reader(reader.what, reader.vector(3))
    chain = []
    while inner:
        chain.append(inner.vector(3, least=1))
    return tuple(chain)


def _expect_version(reader: Reader) -> None:
    if (version := reader.integer(1)) != V1:
        raise MalformedError(reader.what, found=f"version byte {version}", expected="0 (v1)")
