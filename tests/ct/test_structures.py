"""Byte layouts of RFC 6962 by outside vectors, round trips, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.structures import (
    DigitallySigned,
    EntryType,
    PreCert,
    Sct,
    TimestampedEntry,
    TreeHead,
    decode_chain,
    decode_leaf_index,
    decode_merkle_leaf,
    decode_precert_chain,
    decode_sct_list,
    encode_chain,
    encode_leaf_index,
    encode_precert_chain,
    encode_sct_list,
    merkle_leaf,
    moment_of,
    split_sct_list,
    timestamp_of,
)
from pkilab.errors import MalformedError, PkilabError

TIMESTAMPS = st.integers(0, 2**64 - 1)
HASHES = st.binary(min_size=32, max_size=32)
SOME = st.binary(min_size=1, max_size=300)
SIGNATURES = st.builds(
    DigitallySigned, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=80)
)
SCTS = st.builds(Sct, HASHES, TIMESTAMPS, st.binary(max_size=20), SIGNATURES)
PRECERTS = st.builds(PreCert, HASHES, SOME)
ENTRIES = st.builds(TimestampedEntry, TIMESTAMPS, SOME | PRECERTS, st.binary(max_size=20))
READERS = [
    PreCert.decode, TimestampedEntry.decode, DigitallySigned.decode, Sct.decode,
    decode_merkle_leaf, decode_sct_list, decode_chain, decode_precert_chain, decode_leaf_index,
]  # fmt: skip


def test_sct_signature_inputs_are_those_of_certificate_transparency_go(known_answers) -> None:
    known = known_answers["sct_signature_input_x509"]
    entry = TimestampedEntry(known["timestamp"], bytes.fromhex(known["cert_hex"]))
    assert entry.signed_part().hex() == known["want_hex"]
    known = known_answers["sct_signature_input_precert"]
    key_hash, tbs = (bytes.fromhex(known[name]) for name in ("issuer_key_hash_hex", "tbs_hex"))
    entry = TimestampedEntry(known["timestamp"], PreCert(key_hash, tbs))
    assert entry.signed_part().hex() == known["want_hex"]
    assert entry.type is EntryType.PRECERT


def test_a_tree_head_signature_input_is_that_of_certificate_transparency_go(known_answers) -> None:
    known = known_answers["sth_signature_input"]
    head = TreeHead(known["tree_size"], known["timestamp"], bytes.fromhex(known["root_hex"]))
    assert head.signed_part().hex() == known["want_hex"]


def test_an_sct_is_encoded_as_certificate_transparency_go_does(known_answers) -> None:
    known = known_answers["sct_serialized"]
    signature = DigitallySigned(4, 3, bytes.fromhex(known["signature_hex"]))
    sct = Sct(bytes.fromhex(known["log_id_hex"]), known["timestamp"], b"", signature)
    assert sct.encode().hex() == known["want_hex"]
    assert Sct.decode(sct.encode()) == sct


def test_layouts_byte_by_byte() -> None:
    """RFC 6962, 3.2 to 3.4 and 4.6, and static-ct-api; each field written out."""
    key_hash = bytes(range(32))
    entry = TimestampedEntry(0x0102030405060708, PreCert(key_hash, b"tbs"), b"ext")
    timestamp = bytes(range(1, 9))
    expected = timestamp + b"\0\1" + key_hash + b"\0\0\3tbs" + b"\0\3ext"
    assert entry.encode() == expected
    assert merkle_leaf(entry) == b"\0\0" + expected == entry.signed_part()
    plain = TimestampedEntry(1, b"der")
    assert plain.type is EntryType.X509
    assert plain.encode() == bytes(7) + b"\1" + b"\0\0" + b"\0\0\3der" + b"\0\0"
    signed = DigitallySigned(4, 3, b"sig")
    assert signed.encode() == b"\4\3\0\3sig"
    sct = Sct(key_hash, 1, b"", signed)
    assert sct.encode() == b"\0" + key_hash + bytes(7) + b"\1" + b"\0\0" + b"\4\3\0\3sig"
    one = sct.encode()
    assert len(one) == 50
    assert encode_sct_list([sct, sct]) == b"\0\x68" + 2 * (b"\0\x32" + one)
    assert TreeHead(2, 1, key_hash).signed_part() == (
        b"\0\1" + bytes(7) + b"\1" + bytes(7) + b"\2" + key_hash
    )
    assert encode_chain([b"ab", b"c"]) == b"\0\0\x09\0\0\2ab\0\0\1c"
    assert encode_precert_chain(b"p", []) == b"\0\0\1p\0\0\0"
    assert encode_leaf_index(0x0102030405) == b"\0\0\5\1\2\3\4\5"


@given(ENTRIES)
def test_entries_and_leaves_are_read_back(entry: TimestampedEntry) -> None:
    assert TimestampedEntry.decode(entry.encode()) == entry
    assert decode_merkle_leaf(merkle_leaf(entry)) == entry
    if isinstance(entry.entry, PreCert):
        assert PreCert.decode(entry.entry.encode()) == entry.entry


@given(st.lists(SCTS, min_size=1, max_size=4))
def test_scts_and_their_lists_are_read_back(scts: list[Sct]) -> None:
    assert decode_sct_list(encode_sct_list(scts)) == tuple(scts)
    assert [Sct.decode(each.encode()) for each in scts] == scts
    assert DigitallySigned.decode(scts[0].signature.encode()) == scts[0].signature


@given(st.lists(SOME, max_size=4), SOME)
def test_chains_are_read_back(chain: list[bytes], precertificate: bytes) -> None:
    assert decode_chain(encode_chain(chain)) == tuple(chain)
    made = encode_precert_chain(precertificate, chain)
    assert decode_precert_chain(made) == (precertificate, tuple(chain))


@given(st.integers(0, 2**40 - 1))
def test_a_leaf_index_is_read_back(index: int) -> None:
    made = encode_leaf_index(index)
    assert len(made) == 8
    assert decode_leaf_index(made) == index
    assert decode_leaf_index(b"\7\0\1x" + made) == index  # the order is free, others pass


def test_no_extensions_have_no_leaf_index() -> None:
    assert decode_leaf_index(b"") is None
    assert decode_leaf_index(b"\7\0\0") is None


@pytest.mark.parametrize("read", READERS, ids=lambda each: each.__qualname__)
@given(st.binary(max_size=120))
def test_what_is_read_is_written_the_same_and_no_other_error_leaves(read, data: bytes) -> None:
    try:
        value = read(data)
    except MalformedError:
        return
    if read is decode_chain:
        assert encode_chain(value) == data
    elif read is decode_precert_chain:
        assert encode_precert_chain(*value) == data
    elif read is decode_merkle_leaf:
        assert merkle_leaf(value) == data
    elif read not in (decode_leaf_index, decode_sct_list):
        assert value.encode() == data


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (PreCert.decode, PreCert(bytes(32), b"t").encode()),
        (TimestampedEntry.decode, TimestampedEntry(1, b"der").encode()),
        (decode_merkle_leaf, merkle_leaf(TimestampedEntry(1, PreCert(bytes(32), b"t"), b"e"))),
        (DigitallySigned.decode, DigitallySigned(4, 3, b"s").encode()),
        (Sct.decode, Sct(bytes(32), 1, b"e", DigitallySigned(4, 3, b"s")).encode()),
        (split_sct_list, encode_sct_list([Sct(bytes(32), 1, b"", DigitallySigned(4, 3, b"s"))])),
        (decode_chain, encode_chain([b"a", b"b"])),
        (decode_precert_chain, encode_precert_chain(b"p", [b"a"])),
        (decode_leaf_index, encode_leaf_index(7)),
    ],
)
def test_one_byte_more_or_less_is_refused(read, data: bytes) -> None:
    read(data)
    for wrong in (data + b"\0", *(data[:length] for length in range(1, len(data)))):
        with pytest.raises(MalformedError):
            read(wrong)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sct.decode(b"\1" + bytes(46)), "SCT: found version byte 1"),
        (lambda: decode_merkle_leaf(b"\1" + bytes(20)), "Merkle tree leaf: found version byte 1"),
        (lambda: decode_merkle_leaf(b"\0\1" + bytes(20)), "Merkle tree leaf: found type 1"),
        (lambda: TimestampedEntry.decode(bytes(8) + b"\0\2abcd"), "entry type: found 2"),
        (lambda: TimestampedEntry.decode(bytes(10) + bytes(3) + bytes(2)), "at least 1"),
        (lambda: encode_sct_list([]), "SCT list: found 0 bytes"),
        (lambda: split_sct_list(b"\0\0"), "SCT list: found a vector of 0 bytes"),
        (lambda: split_sct_list(b"\0\2\0\0"), "SCT list: found a vector of 0 bytes"),
        (lambda: decode_leaf_index(2 * encode_leaf_index(1)), "type 0 twice"),
        (lambda: decode_leaf_index(b"\0\0\4abcd"), "leaf index: found 4 bytes, expected 5"),
        (lambda: encode_leaf_index(2**40), "leaf index: found 1099511627776"),
        (lambda: TimestampedEntry(-1, b"x").encode(), "timestamp: found -1"),
        (lambda: TimestampedEntry(2**64, b"x").encode(), "timestamp: found"),
        (lambda: TimestampedEntry(0, b"").encode(), "certificate: found 0 bytes"),
        (lambda: TimestampedEntry(0, b"x", bytes(65536)).encode(), "SCT extensions: found 65536"),
        (lambda: PreCert(b"short", b"tbs").encode(), "issuer key hash: found 5 bytes"),
        (lambda: DigitallySigned(256, 3, b"").encode(), "hash algorithm: found 256"),
        (lambda: TreeHead(2**64, 0, bytes(32)).signed_part(), "tree size: found"),
        (lambda: TreeHead(1, 0, bytes(31)).signed_part(), "root hash: found 31 bytes"),
        (lambda: encode_chain([b""]), "certificate: found 0 bytes"),
        (lambda: timestamp_of(datetime(2026, 1, 1)), "time: found one without a zone"),  # noqa: DTZ001 - that is the point
        (lambda: moment_of(2**64 - 1), "timestamp: found 18446744073709551615 ms"),
        (lambda: TreeHead(1, 2**60, bytes(32)).moment, "timestamp: found"),
    ],
)
def test_what_cannot_be_is_refused_in_words(make, words: str) -> None:
    with pytest.raises(MalformedError, match=words):
        make()


def test_scts_of_other_versions_are_left_out() -> None:
    """RFC 6962, 3.3: a list can be read past what one does not understand."""
    sct = Sct(bytes(32), 1, b"", DigitallySigned(4, 3, b"s"))
    one = sct.encode()
    parts = b"\0\3\1v2" + len(one).to_bytes(2) + one
    data = len(parts).to_bytes(2) + parts
    assert split_sct_list(data) == (b"\1v2", one)
    assert decode_sct_list(data) == (sct,)


def test_times_are_milliseconds_since_1970() -> None:
    moment = datetime(2026, 11, 2, 9, 30, 0, 123999, tzinfo=timezone(timedelta(hours=1)))
    assert timestamp_of(moment) == 1793608200123
    assert moment_of(1793608200123) == datetime(2026, 11, 2, 8, 30, 0, 123000, tzinfo=UTC)
    sct = Sct(bytes(32), 1793608200123, b"", DigitallySigned(4, 3, b""))
    assert sct.entry(b"der").moment == sct.moment
    assert (
        sct.moment
        == TreeHead(1, 1793608200123, sha256().digest()).moment
        == moment_of(sct.timestamp)
    )


def test_malformed_is_an_error_of_pkilab() -> None:
    with pytest.raises(PkilabError):
        Sct.decode(b"")
