"""Signatures of logs: made and accepted, and each way to be wrong refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab.ct.signing import (
    log_id,
    sign_sct,
    sign_tree_head,
    verify_sct,
    verify_tree_head,
)
from pkilab.ct.structures import (
    DigitallySigned,
    PreCert,
    TimestampedEntry,
    TreeHead,
    encode_leaf_index,
    timestamp_of,
)
from pkilab.errors import CtError, MalformedError

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ENTRY = TimestampedEntry(timestamp_of(NOW), PreCert(bytes(32), b"tbs"))
HEAD = TreeHead(7, timestamp_of(NOW), sha256().digest())


def test_an_sct_holds_for_its_entry_and_log(log_keys) -> None:
    for signer in log_keys:
        sct = sign_sct(signer, ENTRY)
        assert sct.entry(ENTRY.entry) == ENTRY
        verify_sct(sct, ENTRY, signer.public_key())
        verify_sct(sct, ENTRY, signer.public_key(), at=NOW)
        assert sign_sct(signer, ENTRY) == sct  # the same bytes each time


def test_extensions_are_signed_too(log_keys) -> None:
    signer = log_keys[0]
    entry = replace(ENTRY, extensions=encode_leaf_index(5))
    sct = sign_sct(signer, entry)
    verify_sct(sct, entry, signer.public_key())
    moved = replace(sct, extensions=encode_leaf_index(6))
    with pytest.raises(CtError, match="did not make over this"):
        verify_sct(moved, moved.entry(entry.entry), signer.public_key())


def test_log_ids_are_hashes_of_keys(log_keys) -> None:
    public = log_keys[0].public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert log_id(public) == sha256(spki).digest() == sign_sct(log_keys[0], ENTRY).log_id


def test_an_ecdsa_signature_says_so_in_its_first_bytes(log_keys) -> None:
    """SHA-256, ECDSA, then 70 to 72 bytes; RSA of 2048 bits is 256 bytes."""
    ecdsa, with_rsa = (sign_sct(each, ENTRY).signature.encode() for each in log_keys)
    assert ecdsa[:3] == b"\4\3\0"
    assert ecdsa[3] in {0x46, 0x47, 0x48}
    assert with_rsa[:4] == b"\4\1\1\0"


def test_what_is_not_the_logs_word_is_refused(log_keys) -> None:
    signer, other = log_keys
    public, sct = signer.public_key(), sign_sct(signer, ENTRY)
    moved = replace(sct, timestamp=sct.timestamp + 1)
    as_rsa = replace(sct, signature=replace(sct.signature, signature_algorithm=1))
    with_sha1 = replace(sct, signature=replace(sct.signature, hash_algorithm=2))
    flipped = bytearray(sct.signature.signature)
    flipped[-1] ^= 1
    forged = replace(sct, signature=replace(sct.signature, signature=bytes(flipped)))
    longer = DigitallySigned(4, 3, sct.signature.signature + b"\0")
    cases = [
        (sct, ENTRY, other.public_key(), "found one by log"),
        (sct, replace(ENTRY, timestamp=1), public, "another timestamp or extensions"),
        (sct, replace(ENTRY, extensions=b"e"), public, "another timestamp or extensions"),
        (moved, moved.entry(ENTRY.entry), public, "did not make over this"),
        (sct, sct.entry(b"tbs"), public, "did not make over this"),
        (sct, sct.entry(PreCert(bytes(31) + b"1", b"tbs")), public, "did not make over this"),
        (as_rsa, ENTRY, public, "found hash 4 and signature 1, expected 4 and 3"),
        (with_sha1, ENTRY, public, "found hash 2 and signature 3"),
        (forged, ENTRY, public, "did not make over this"),
        (replace(sct, signature=longer), ENTRY, public, "did not make over this"),
        (replace(sct, signature=DigitallySigned(4, 3, b"")), ENTRY, public, "did not make"),
    ]
    for shown, entry, key_, words in cases:
        with pytest.raises(CtError, match=words):
            verify_sct(shown, entry, key_)


def test_an_sct_of_the_future_is_refused_if_the_time_is_given(log_keys) -> None:
    """RFC 6962, 5.2."""
    sct = sign_sct(log_keys[0], ENTRY)
    early = NOW - timedelta(milliseconds=1)
    verify_sct(sct, ENTRY, log_keys[0].public_key())
    with pytest.raises(CtError, match="in the future, expected not after 2026-11-02"):
        verify_sct(sct, ENTRY, log_keys[0].public_key(), at=early)
    with pytest.raises(MalformedError, match="without a zone"):
        verify_sct(sct, ENTRY, log_keys[0].public_key(), at=NOW.replace(tzinfo=None))


def test_a_tree_head_holds_for_its_log_and_no_other_size(log_keys) -> None:
    for signer, other in (log_keys, log_keys[::-1]):
        sth = sign_tree_head(signer, HEAD)
        verify_tree_head(sth, signer.public_key())
        with pytest.raises(CtError, match="signed tree head"):
            verify_tree_head(sth, other.public_key())
        with pytest.raises(CtError, match="signature of the signed tree head"):
            verify_tree_head(replace(sth, head=replace(HEAD, size=8)), signer.public_key())


@pytest.mark.parametrize("algorithm", ["EC_secp384r1", "Ed25519"])
def test_a_log_has_p256_or_rsa(algorithm: str, make) -> None:
    """RFC 6962, 2.1.4."""
    signer = make.key("other", algorithm)
    with pytest.raises(MalformedError, match=f"log key: found {algorithm}"):
        sign_sct(signer, ENTRY)
    sct = replace(sign_sct(make.key("log 1"), ENTRY), log_id=log_id(signer.public_key()))
    with pytest.raises(MalformedError, match="log key"):
        verify_sct(sct, ENTRY, signer.public_key())


def test_a_short_rsa_key_is_no_logs() -> None:
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - too short on purpose
    with pytest.raises(MalformedError, match="log key: found RSA_1024"):
        sign_tree_head(short, HEAD)
