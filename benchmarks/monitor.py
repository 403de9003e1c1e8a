"""The monitor beside bare parsing: a log of a million entries, read, hashed and searched.

The peer is ``load_der_x509_certificate`` alone over the same certificates: what it costs just to
open them. Ours is everything a monitor does with entries, from their base64 to a verified root,
with a domain and two names below it watched, and one certificate in ten thousand for one of them.
Reading JSON is the transport's work, and given apart. Each further domain costs two searches.

Loading takes the same time for a large certificate as for a small one, and base64 and SHA-256 do
not; so both sizes are given, and the peer also with the base64 that entries come in.

    python benchmarks/monitor.py [--entries 1000000]
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from hashlib import shake_256
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.ct.compact import CompactRange
from pkilab.ct.log_client import LogSource, write_tree_head
from pkilab.ct.monitor import Monitor
from pkilab.ct.signing import sign_tree_head
from pkilab.ct.structures import TimestampedEntry, TreeHead, encode_chain, merkle_leaf
from pkilab.ct.watching import Watchlist

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
PAGE = 1024
KEY = ec.derive_private_key(7, ec.SECP256R1())
LOG = LogSource("bench", "https://log.example/", KEY.public_key())


def certificates(padding: int) -> list[bytes]:
    """Make a page of certificates, and one for a watched name.

    ``padding`` bytes stand for what is larger in certificates of public CAs: an RSA key and
    signature, SCTs, policies.
    """
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Bench CA")])
    noise, made = shake_256(b"bench").digest(padding), []
    for number in range(PAGE + 1):
        name = f"host-{number}.bench.example" if number < PAGE else "www.watched.example"
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(KEY.public_key())
            .serial_number(number + 1)
            .not_valid_before(NOW)
            .not_valid_after(NOW + timedelta(days=90))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(KEY.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(KEY.public_key()), False
            )
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .add_extension(
                x509.CRLDistributionPoints(
                    [
                        x509.DistributionPoint(
                            [x509.UniformResourceIdentifier("http://crl.bench.example/bench.crl")],
                            None, None, None,
                        )
                    ]
                ),
                False,
            )
        )  # fmt: skip
        if padding:
            rest = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), noise)
            builder = builder.add_extension(rest, False)
        made.append(builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER))
    return made


class Transport:
    """A log that has two pages of entries over and over: nine times one, then the other."""

    def __init__(self, ders: list[bytes], entries: int, *, raw: bool) -> None:
        leaves = [merkle_leaf(TimestampedEntry(0, der)) for der in ders]
        chain = base64.b64encode(encode_chain([ders[0], ders[0]])).decode()
        shown = [
            {"leaf_input": base64.b64encode(leaf).decode(), "extra_data": chain} for leaf in leaves
        ]
        self.pages = [shown[:PAGE]] * 9 + [shown[1:]]
        tree = CompactRange()
        for start in range(0, entries, PAGE):
            first = start // PAGE % 10 == 9
            tree.extend(leaves[first : first + min(PAGE, entries - start)])
        at = int(NOW.timestamp() * 1000)
        self.head = write_tree_head(sign_tree_head(KEY, TreeHead(entries, at, tree.root())))
        self.whole = [
            json.dumps({"entries": page}, separators=(",", ":")).encode() for page in self.pages
        ]
        self.raw = raw

    def __call__(self, url: str) -> object:
        """Answer get-sth and get-entries."""
        parts = urlsplit(url)
        if parts.path.endswith("get-sth"):
            return self.head
        query = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        count = query["end"] - query["start"] + 1
        number = query["start"] // PAGE % 10
        if count == PAGE and self.raw:
            return self.whole[number]
        return {"entries": self.pages[number][:count]}


def peak_mib() -> float:
    """Return the most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def follow(ders: list[bytes], entries: int, *, raw: bool) -> tuple[float, float]:
    """Follow a log to its end; return the least and the mean seconds per entry of its rounds."""
    transport = Transport(ders, entries, raw=raw)
    names = ("watched.example", "www.watched.example", "api.watched.example")
    monitor = Monitor([LOG], Watchlist(names), transport)
    rounds = []
    left = entries
    while left:  # findings are taken away as a caller would
        start = time.perf_counter()
        report = monitor.poll(NOW, most=10 * PAGE)
        rounds.append((time.perf_counter() - start) / report.entries)
        assert not report.problems, report.problems
        left -= report.entries
    assert monitor.heads()[LOG.id].head.size == entries
    return min(rounds), sum(rounds) / len(rounds)


def bare(ders: list[bytes], *, encoded: bool) -> float:
    """Load each certificate; return the least seconds per certificate."""
    given = [base64.b64encode(der).decode() for der in ders]
    load, decode, found = x509.load_der_x509_certificate, binascii.a2b_base64, []
    for _ in range(30):
        start = time.perf_counter()
        if encoded:
            for each in given:
                load(decode(each))
        else:
            for der in ders:
                load(der)
        found.append((time.perf_counter() - start) / len(ders))
    return min(found)


def compare(ders: list[bytes]) -> float:
    """Print what a monitor and its peers take for certificates; return ours over the peer's."""
    small = 100 * PAGE
    follow(ders, 10 * PAGE, raw=False)
    ours, _ = follow(ders, small, raw=False)
    with_json, _ = follow(ders, small, raw=True)
    peer, decoded = bare(ders, encoded=False), bare(ders, encoded=True)
    print(f"certificates of {sum(map(len, ders)) // len(ders)} bytes")
    for what, seconds in (
        ("bare load_der_x509_certificate", peer),
        ("the same, from base64", decoded),
        ("monitor, entries read as JSON", ours),
        ("monitor, JSON included", with_json),
    ):
        print(f"  {what:<32} {seconds * 1e6:5.2f} us per entry, {seconds / peer:.2f} times bare")
    return ours / peer


def main() -> None:
    """Print the figures; fail if a target is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1_000_000)
    entries = parser.parse_args().entries
    ders = certificates(0)
    ratio = compare(ders)
    compare(certificates(800))
    before = peak_mib()
    _, mean = follow(ders, entries, raw=False)
    grown = peak_mib() - before
    print(f"{entries:,} entries: {mean * entries:.2f} s, and memory grew by {grown:.1f} MiB")
    if ratio > 3 or grown > 8:
        sys.exit("a target was missed: 3 times bare, flat memory")


if __name__ == "__main__":
    main()
