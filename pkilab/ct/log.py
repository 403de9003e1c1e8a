"""A log of version 1 as a state machine: promises, the tree, its heads and its proofs (RFC 6962).

An entry is promised by an SCT, waits, and is merged: `Log.publish` signs the head of a tree that
holds all that was promised until then. The order of promises is the order of the tree. What must
outlive the process is in a `Storage`: a promise before its SCT is returned, a head before anyone
sees it. Key, storage and time are arguments; nothing here waits or sends.

One caller at a time: nothing here locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pkilab.ct.merkle import Tree
from pkilab.ct.signing import log_id, log_key, sign_sct, sign_tree_head, verify_tree_head
from pkilab.ct.structures import (
    SignedTreeHead,
    TimestampedEntry,
    TreeHead,
    decode_merkle_leaf,
    encode_leaf_index,
    merkle_leaf,
    timestamp_of,
)
from pkilab.ct.submissions import Roots, Submission, read_certificate, read_precertificate
from pkilab.errors import CtError

if TYPE_CHECKING:
    from cryptography import x509

    from pkilab.ct.signing import LogPublicKey
    from pkilab.ct.structures import PreCert, Sct
    from pkilab.pki.keys import PrivateKey


_BATCH = 1024  # entries read at a time when a log continues from a storage
_MILLISECOND = timedelta(milliseconds=1)


class StoredEntry(NamedTuple):
    """An entry as ``get-entries`` shows it: the MerkleTreeLeaf, and the chain beside it."""

    leaf: bytes
    extra_data: bytes


class EntryAndProof(NamedTuple):
    """An entry with its audit path."""

    entry: StoredEntry
    path: list[bytes]


class Storage(Protocol):
    """What a log remembers, in the order it was given."""

    def __len__(self) -> int:
        """Return how many entries there are."""
        ...

    def append(self, entry: StoredEntry) -> None:
        """Keep an entry for good; if an error leaves, the entry is not kept."""
        ...

    def read(self, start: int, end: int) -> Sequence[StoredEntry]:
        """Return entries ``start`` <= i < ``end``, all of which are there."""
        ...

    def record(self, sth: SignedTreeHead) -> None:
        """Keep a head for good; if an error leaves, the head is not kept."""
        ...

    def last_head(self) -> SignedTreeHead | None:
        """Return the last head that was kept."""
        ...


class MemoryStorage:
    """A storage that lasts as long as the process."""

    def __init__(self) -> None:
        self._entries: list[StoredEntry] = []
        self._head: SignedTreeHead | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, entry: StoredEntry) -> None:
        """Keep an entry."""
        self._entries.append(entry)

    def read(self, start: int, end: int) -> Sequence[StoredEntry]:
        """Return entries ``start`` <= i < ``end``."""
        return self._entries[start:end]

    def record(self, sth: SignedTreeHead) -> None:
        """Keep a head in place of the one before."""
        self._head = sth

    def last_head(self) -> SignedTreeHead | None:
        """Return the last head."""
        return self._head


class Log:
    """One log.

    Args:
        key: ECDSA on P-256, or RSA of at least 2,048 bits.
        storage: what the log remembers; the log continues from what is there.
        mmd: the maximum merge delay: within it, what was promised is in the tree, and a new head is
            signed. That `publish` is called in time for the former is the caller's duty.
        leaf_index: give the index of the leaf in the SCT's extensions, as logs of the static
            API do (C2SP static-ct-api); logs of RFC 6962 have no extensions.

    Raises:
        MalformedError: no key that a log may have, or an entry in the storage that cannot be read.
        CtError: the storage is another log's, or entries are missing from it.
    """

    def __init__(
        self, key: PrivateKey, storage: Storage, *, mmd: timedelta, leaf_index: bool = False
    ) -> None:
        self.public_key: LogPublicKey = log_key(key.public_key())
        self.id = log_id(self.public_key)
        self.mmd, self.roots = mmd, Roots()
        self._key, self._storage, self._leaf_index = key, storage, leaf_index
        self._tree = Tree()
        self._indices: dict[bytes, int] = {}  # by what was signed for, whenever that was
        self._newest = 0  # the latest timestamp of an entry
        for start in range(0, len(storage), _BATCH):
            for each in storage.read(start, min(start + _BATCH, len(storage))):
                self._put(decode_merkle_leaf(each.leaf), each.leaf)
        self._head = storage.last_head()
        if self._head is not None:
            self._require_own(self._head)

    def __repr__(self) -> str:
        return f"<Log {self.id.hex()[:16]}: {self._tree.size} entries, {self.size} published>"

    @property
    def size(self) -> int:
        """The size of the tree that the last head shows; what was promised since is not in it."""
        return self._head.head.size if self._head else 0

    @property
    def waiting(self) -> int:
        """How many entries are promised and not yet in the tree."""
        return self._tree.size - self.size

    # Promises.

    def add_chain(self, chain: Sequence[x509.Certificate], now: datetime) -> Sct:
        """Promise to publish a certificate. One that was promised before has its earlier SCT.

        Args:
            chain: the certificate first, each signed by the next; the root may be left out.
            now: an aware time.

        Raises:
            CtError: it leads to no root accepted here, or is a precertificate.
            MalformedError: a certificate cannot be cut into its parts.
        """
        return self._promise(read_certificate(chain, self.roots), now)

    def add_pre_chain(self, chain: Sequence[x509.Certificate], now: datetime) -> Sct:
        """Promise to publish a precertificate. One that was promised before has its earlier SCT.

        Args:
            chain: the precertificate first, each signed by the next; the root may be left out.
            now: an aware time.

        Raises:
            CtError: it leads to no root accepted here, or is no precertificate.
            MalformedError: a certificate cannot be cut into its parts.
        """
        return self._promise(read_precertificate(chain, self.roots), now)

    def _promise(self, submission: Submission, now: datetime) -> Sct:
        index = self._indices.get(_identity(submission.signed))
        if index is not None:
            return sign_sct(self._key, self._entry(index))
        extensions = encode_leaf_index(self._tree.size) if self._leaf_index else b""
        entry = TimestampedEntry(timestamp_of(now), submission.signed, extensions)
        made, leaf = sign_sct(self._key, entry), merkle_leaf(entry)
        self._storage.append(StoredEntry(leaf, submission.extra_data))  # before the SCT is out
        self._put(entry, leaf)
        return made

    def _entry(self, index: int) -> TimestampedEntry:
        (stored,) = self._storage.read(index, index + 1)
        return decode_merkle_leaf(stored.leaf)

    def _put(self, entry: TimestampedEntry, leaf: bytes) -> None:
        self._indices[_identity(entry.entry)] = self._tree.append(leaf)
        self._newest = max(self._newest, entry.timestamp)

    # Heads.

    def head(self, now: datetime) -> SignedTreeHead:
        """Return the newest head; one that is as old as the maximum merge delay is replaced.

        Args:
            now: an aware time.
        """
        last = self._head
        if last is None or timestamp_of(now) - last.head.timestamp >= self.mmd / _MILLISECOND:
            return self.publish(now)
        return last

    def publish(self, now: datetime) -> SignedTreeHead:
        """Merge all that was promised and sign the head of the tree.

        Its timestamp is later than that of every head before, and not earlier than that of any
        entry, also where ``now`` is: by as little as a millisecond (RFC 6962, 3 and 3.5).

        Args:
            now: an aware time.
        """
        earliest = max(self._newest, self._head.head.timestamp + 1 if self._head else 0)
        head = TreeHead(self._tree.size, max(timestamp_of(now), earliest), self._tree.root())
        made = sign_tree_head(self._key, head)
        self._storage.record(made)  # before anyone sees it
        self._head = made
        return made

    def _require_own(self, sth: SignedTreeHead) -> None:
        """Make sure that a head from the storage is this log's, and of the entries there."""
        verify_tree_head(sth, self.public_key)
        size, head = self._tree.size, sth.head
        if head.size > size:
            expected = f"at least {head.size}, as the last head has it"
            raise CtError("storage of a log", found=f"{size} entries", expected=expected)
        if (root := self._tree.root(head.size)) != head.root:
            raise CtError("root of the entries stored", found=root.hex(), expected=head.root.hex())

    # Questions, all about trees that a head has shown.

    def consistency_proof(self, first: int, second: int) -> list[bytes]:
        """Return the proof that the tree of ``first`` leaves begins that of ``second``.

        From the empty tree it is empty, for there is nothing to prove.

        Raises:
            CtError: not 0 <= first <= second <= `size`.
        """
        if not 0 <= first <= second <= self.size:
            expected = f"0 <= first <= second <= {self.size}"
            raise CtError("tree sizes", found=f"{first} and {second}", expected=expected)
        return self._tree.consistency_proof(first, second) if first else []

    def proof_by_hash(self, leaf_hash: bytes, tree_size: int) -> tuple[int, list[bytes]]:
        """Return the index and the audit path of the leaf with this hash in a tree.

        Raises:
            CtError: there is no such tree, or no such leaf in it.
        """
        self._require_size(tree_size)
        index = self._tree.leaf_index(leaf_hash)
        if index is None or index >= tree_size:
            expected = f"that of a leaf in the tree of {tree_size}"
            raise CtError("leaf hash", found=leaf_hash.hex(), expected=expected)
        return index, self._tree.inclusion_proof(index, tree_size)

    def entry_and_proof(self, leaf_index: int, tree_size: int) -> EntryAndProof:
        """Return an entry and its audit path in a tree.

        Raises:
            CtError: there is no such tree, or no such leaf in it.
        """
        self._require_size(tree_size)
        path = self._tree.inclusion_proof(leaf_index, tree_size)
        (entry,) = self._storage.read(leaf_index, leaf_index + 1)
        return EntryAndProof(entry, path)

    def entries(self, start: int, end: int) -> Sequence[StoredEntry]:
        """Return entries ``start`` <= i < ``end``, of those that are in the tree.

        Raises:
            CtError: not 0 <= start < end, or ``start`` is not in the tree.
        """
        if not 0 <= start < min(end, self.size):
            expected = f"some of the {self.size} in the tree"
            raise CtError("entries", found=f"{start} up to {end}", expected=expected)
        return self._storage.read(start, min(end, self.size))

    def nodes(self, level: int, start: int, end: int) -> bytes:
        """Return the roots of complete subtrees of 2**level leaves, ``start`` <= i < ``end``.

        Raises:
            CtError: one of them is not in the tree.
        """
        if not (level >= 0 and 0 <= start < end <= self.size >> level):
            expected = f"complete subtrees of the tree of {self.size}"
            raise CtError("tree nodes", found=f"{start} up to {end}", expected=expected)
        return self._tree.nodes(level, start, end)

    def _require_size(self, tree_size: int) -> None:
        if not 1 <= tree_size <= self.size:
            sizes = f"1 to {self.size}" if self.size else "that of a tree with entries; none is yet"
            raise CtError("tree size", found=f"{tree_size}", expected=sizes)


def _identity(signed: bytes | PreCert) -> bytes:
    """Return what is equal for submissions that one SCT answers."""
    return sha256(merkle_leaf(TimestampedEntry(0, signed))).digest()
