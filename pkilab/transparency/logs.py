"""One log of RFC 6962, asked and checked: heads, proofs of inclusion and of growth, submissions."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.ct import log_list as lists
from pkilab.ct.log_client import get_consistency, get_entries, get_tree_head
from pkilab.ct.merkle import leaf_hash, verify_consistency, verify_inclusion
from pkilab.ct.precertificates import (
    entry_for_certificate,
    entry_for_precertificate,
    is_precertificate,
    is_precertificate_signer,
)
from pkilab.ct.signing import verify_sct, verify_tree_head
from pkilab.ct.structures import DigitallySigned, PreCert, Sct, SignedTreeHead, merkle_leaf
from pkilab.errors import MalformedError
from pkilab.revocation import Fetch
from pkilab.transparency._wire import base64_of, body_of, getter, object_of, source_of


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A proof that an entry is in a log's tree, checked up to a root that the log signed."""

    log: str
    leaf_hash: bytes
    index: int
    path: tuple[bytes, ...]
    head: SignedTreeHead

    def __repr__(self) -> str:
        head = self.head.head
        return (
            f"{self.log}: leaf {self.index} of {head.size}, {self.leaf_hash.hex()}, audit path of "
            f"length {len(self.path)} to the signed root {head.root.hex()}"
        )


class LogClient:
    """One log, asked and checked. Nothing is remembered between calls.

    Args:
        log: as a log list has it; one of RFC 6962.
        fetch: gets a URL, and posts to it.

    Raises:
        LabError: it is a tiled log.
        MalformedError: its key is one that no log may have, or its merge delay beyond measure.
    """

    def __init__(self, log: lists.Log, fetch: Fetch) -> None:
        self.source = source_of(log)
        self.name = self.source.name
        self._fetch, self._get = fetch, getter(fetch)

    def tree_head(self) -> SignedTreeHead:
        """Return the newest tree head, signed by the log.

        Raises:
            LabError: the log does not answer.
            MalformedError: it answers with something else.
            CtError: the signature is not its own.
        """
        sth = get_tree_head(self.source, self._get)
        verify_tree_head(sth, self.source.public_key)
        return sth

    def inclusion(self, leaf: bytes, head: SignedTreeHead | None = None) -> Inclusion:
        """Have the log prove that a leaf is in its tree.

        Args:
            leaf: the MerkleTreeLeaf (`pkilab.ct.structures.merkle_leaf`), not its hash.
            head: of the tree, signed by the log; None: the newest.

        Raises:
            LabError: the log has no such leaf there, perhaps not yet, or does not answer.
            MalformedError: it answers with something else.
            CtError: the proof does not lead from the leaf to the root.
        """
        head = head or self.tree_head()
        hashed, size = leaf_hash(leaf), head.head.size
        query = urlencode({"hash": b64encode(hashed).decode(), "tree_size": size})
        what = "get-proof-by-hash"
        index, path = _read_proof(self._get(f"{self.source.url}ct/v1/{what}?{query}"), what)
        verify_inclusion(hashed, index, size, path, head.head.root)
        return Inclusion(self.name, hashed, index, tuple(path), head)

    def consistency(self, earlier: SignedTreeHead, later: SignedTreeHead) -> tuple[bytes, ...]:
        """Have the log prove that one tree has grown out of another; return the proof.

        Raises:
            LabError: the log does not answer.
            MalformedError: it answers with something else.
            CtError: the proof does not bind the two roots, or the earlier tree is empty.
        """
        first, second = earlier.head, later.head
        proof = get_consistency(self.source, self._get, first.size, second.size)
        verify_consistency(first.size, second.size, proof, first.root, second.root)
        return tuple(proof)

    def leaves(self, head: SignedTreeHead) -> tuple[bytes, ...]:
        """Read every MerkleTreeLeaf of a tree. Public logs have a billion; this is for small ones.

        Not checked: whether they make the root; `pkilab.ct.monitor` does that.

        Raises:
            LabError: the log does not answer.
            MalformedError: it answers with something else.
        """
        found: list[bytes] = []
        while (start := len(found)) < head.head.size:
            entries = get_entries(self.source, self._get, start, head.head.size)
            found += [base64_of("leaf_input", each.get("leaf_input")) for each in entries]
        return tuple(found)

    def submit(self, chain: Sequence[x509.Certificate]) -> Sct:
        """Hand in a certificate or precertificate, and return the log's promise, verified.

        Args:
            chain: it, then each certificate signed by the next; the root may be left out, unless it
                issued the precertificate, for its key is signed for, too.

        Raises:
            LabError: the log refuses it, or does not answer.
            MalformedError: it answers with something else; or too few certificates were given.
            CtError: the promise is not for this, or a Precertificate Signing Certificate is not
                followed by its CA.
        """
        announced = bool(chain) and is_precertificate(chain[0])
        if len(chain) < 1 + announced:
            expected = "the precertificate and its issuer" if announced else "at least one"
            raise MalformedError("chain", found=f"{len(chain)} certificates", expected=expected)
        call = "add-pre-chain" if announced else "add-chain"
        ders = [each.public_bytes(Encoding.DER) for each in chain]
        url = f"{self.source.url}ct/v1/{call}"
        body = json.dumps({"chain": [b64encode(each).decode() for each in ders]}).encode()
        sct = _read_sct(body_of(self._fetch(url, body, content_type="application/json"), url))
        signed = _announced(chain) if announced else ders[0]
        verify_sct(sct, sct.entry(signed), self.source.public_key)
        return sct


def prove_inclusion(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    sct: Sct,
    client: LogClient,
    *,
    head: SignedTreeHead | None = None,
) -> Inclusion:
    """Have a log prove that it kept the promise of an SCT inside a certificate.

    Args:
        certificate: with the SCT in it.
        issuer: the certificate of its CA.
        sct: one of the certificate's.
        client: of the log that made it.
        head: of the tree to be proved in; None: the newest.

    Raises:
        LabError: the certificate is not in the tree, perhaps not yet, or the log does not answer.
        MalformedError: the log answers with something else.
        CtError: the SCT is another log's or for another certificate, or the proof does not hold.
    """
    entry = sct.entry(entry_for_certificate(certificate, issuer))
    verify_sct(sct, entry, client.source.public_key)
    return client.inclusion(merkle_leaf(entry), head)


def _announced(chain: Sequence[x509.Certificate]) -> PreCert:
    precertificate, issuer, *above = chain
    final = above[0] if above and is_precertificate_signer(issuer) else None
    return entry_for_precertificate(precertificate, issuer, final)


def _read_proof(body: bytes, what: str) -> tuple[int, list[bytes]]:
    answer = object_of(body, what)
    index, path = answer.get("leaf_index"), answer.get("audit_path")
    if not isinstance(index, int) or not isinstance(path, list):
        raise MalformedError(what, found="other fields", expected="leaf_index and audit_path")
    return index, [base64_of("audit_path", each) for each in path]


def _read_sct(body: bytes) -> Sct:
    answer = object_of(body, "promise")
    timestamp = answer.get("timestamp")
    if not isinstance(timestamp, int) or answer.get("sct_version") != 0:
        raise MalformedError("promise", found="other fields", expected="an SCT of version 1")
    identity, extensions = (base64_of(name, answer.get(name)) for name in ("id", "extensions"))
    signature = DigitallySigned.decode(base64_of("signature", answer.get("signature")))
    return Sct(identity, timestamp, extensions, signature)
