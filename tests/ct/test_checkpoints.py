"""Checkpoints: sunlight's own bytes, both ways, and what is no checkpoint."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.checkpoints import (
    decode_checkpoint,
    encode_checkpoint,
    key_id,
    open_checkpoint,
    origin_of,
)
from pkilab.ct.signing import log_id, sign_tree_head
from pkilab.ct.structures import TreeHead
from pkilab.errors import CtError, MalformedError

ORIGIN = "tiles.example/2026h2"
HEAD = TreeHead(70_000, 1_793_608_200_123, sha256(b"root").digest())
# What sunlight's test data generator (cmd/skylight/testdata/gen.go) makes its checkpoint of, and
# the SHA-256 of that checkpoint. ECDSA is deterministic there as here.
SUNLIGHT_KEY = sha256(b"skylight test log key").digest()
SUNLIGHT_HEAD = TreeHead(300, 1767139200000, sha256(b"skylight test tree root").digest())
SUNLIGHT_SHA256 = "0ee6cc89f8017c29990bc1899bd31f0a4f943c8e08c3286ed606cf3ee1200381"


def shown(signer) -> bytes:
    """Return a checkpoint by a log."""
    return encode_checkpoint(ORIGIN, log_id(signer.public_key()), sign_tree_head(signer, HEAD))


def test_sunlight_writes_the_same_bytes() -> None:
    curve = ec.SECP256R1()
    signer = ec.derive_private_key(int.from_bytes(SUNLIGHT_KEY) % curve.group_order, curve)
    sth = sign_tree_head(signer, SUNLIGHT_HEAD)
    made = encode_checkpoint("rome2026h1.example.org", log_id(signer.public_key()), sth)
    assert sha256(made).hexdigest() == SUNLIGHT_SHA256
    assert open_checkpoint(made, "rome2026h1.example.org", signer.public_key()) == sth


def test_a_checkpoint_is_laid_out_as_static_ct_api_says(make) -> None:
    signer = make.key("log 1")
    log = log_id(signer.public_key())
    text = shown(signer).decode()
    origin, size, root, blank, signature, end = text.split("\n")
    assert (origin, size, blank, end) == (ORIGIN, "70000", "", "")
    assert root == b64encode(HEAD.root).decode()
    named = sha256(ORIGIN.encode() + b"\n\x05" + log).digest()[:4]
    assert key_id(ORIGIN, log) == named
    body = named + HEAD.timestamp.to_bytes(8) + sign_tree_head(signer, HEAD).signature.encode()
    assert signature == f"— {ORIGIN} {b64encode(body).decode()}"


@given(size=st.integers(0, 2**64 - 1), timestamp=st.integers(0, 2**64 - 1))
def test_it_is_read_back_and_verified(size: int, timestamp: int, log_keys) -> None:
    for signer in log_keys:
        public = signer.public_key()
        sth = sign_tree_head(signer, TreeHead(size, timestamp, sha256(b"root").digest()))
        assert (
            open_checkpoint(encode_checkpoint(ORIGIN, log_id(public), sth), ORIGIN, public) == sth
        )


def test_another_size_or_log_is_refused(make) -> None:
    signer = make.key("log 1")
    public, data = signer.public_key(), shown(signer)
    with pytest.raises(CtError, match="did not make over this"):
        open_checkpoint(data.replace(b"70000", b"70001"), ORIGIN, public)
    with pytest.raises(CtError, match="found 0 signatures with the log's name"):
        open_checkpoint(data, ORIGIN, make.key("another").public_key())
    with pytest.raises(CtError, match=r"origin of the checkpoint: found 'tiles\.example/2026h2'"):
        open_checkpoint(data, "other.example", public)
    moved = data.replace(b"tiles.example/2026h2\n", b"other.example\n", 1)
    with pytest.raises(CtError, match="0 signatures"):
        open_checkpoint(moved, "other.example", public)


def test_signatures_of_others_are_passed_over(make) -> None:
    """Of witnesses, and by unknown keys under the log's name."""
    signer = make.key("log 1")
    witness = f"— witness.example {b64encode(b'wwww' + bytes(76)).decode()}\n"
    renamed = f"— {ORIGIN} {b64encode(b'none' + bytes(9)).decode()}\n"
    text = shown(signer).decode()
    for more in (text + witness, text + renamed, text.replace("—", witness + "—", 1)):
        assert open_checkpoint(more.encode(), ORIGIN, signer.public_key()).head == HEAD
    own = text.split("\n")[4]
    assert open_checkpoint(f"{text}{own}\n".encode(), ORIGIN, signer.public_key()).head == HEAD
    other = replace(HEAD, timestamp=1)
    log = log_id(signer.public_key())
    second = encode_checkpoint(ORIGIN, log, sign_tree_head(signer, other)).decode().split("\n")[4]
    with pytest.raises(CtError, match="found 2 signatures"):
        open_checkpoint(f"{text}{second}\n".encode(), ORIGIN, signer.public_key())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("70000", "070000", "tree size of the checkpoint: found '070000'"),
        ("70000", "-1", "tree size of the checkpoint"),
        ("70000", "\u0667", "tree size of the checkpoint"),
        ("70000", str(2**64), "tree size: found 18446744073709551616"),
        ("=\n\n", "\n\n", "root hash of the checkpoint"),
        ("=\n\n", "=\nextension\n\n", "checkpoint: found 4 lines"),
        ("\n\n", "\n", "checkpoint: found no signed note"),
        ("—", "-", "signature line: found '- tiles"),
        ("— ", "—  ", "signature line"),
        ("70000\n", "70000\r\n", "checkpoint: found no signed note"),
        ("70000\n", "70000\t\n", "checkpoint: found no signed note"),
    ],
)
def test_what_is_no_checkpoint_is_malformed(old: str, new: str, words: str, make) -> None:
    signer = make.key("log 1")
    data = shown(signer).decode().replace(old, new, 1).encode()
    with pytest.raises(MalformedError, match=words):
        open_checkpoint(data, ORIGIN, signer.public_key())


def test_bytes_and_lengths_that_cannot_be_are_malformed(make) -> None:
    signer = make.key("log 1")
    log, data = log_id(signer.public_key()), shown(signer)
    short = b64encode(HEAD.root[:31])
    cut = b64encode(key_id(ORIGIN, log) + bytes(11))
    one_root = data.replace(b64encode(HEAD.root), short)
    head, _ = data.split(b"\n\n")
    for wrong, words in [
        (b"\xff" + data, "found other bytes, expected UTF-8"),
        (data + bytes(1 << 20), "expected at most 1048576"),
        (data[:-1], "found no signed note"),
        (one_root, "root hash of the checkpoint: found 31 bytes"),
        (head + b"\n\n" + f"— {ORIGIN} {cut.decode()}\n".encode(), "signature of the checkpoint"),
        (head + b"\n\n" + f"— {ORIGIN} AAAA\n".encode(), "signature line"),
        (head + b"\n\n" + f"— {ORIGIN} AAAAAAB=\n".encode(), "expected base64"),
    ]:
        with pytest.raises(MalformedError, match=words):
            decode_checkpoint(wrong, ORIGIN, log)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_other_error_leaves_a_checkpoint(data: bytes) -> None:
    with pytest.raises((MalformedError, CtError)):
        decode_checkpoint(data, ORIGIN, bytes(32))


@pytest.mark.parametrize(
    ("prefix", "origin"),
    [
        ("https://rome.ct.example.com/2024h1/", "rome.ct.example.com/2024h1"),
        ("http://127.0.0.1:8000/ct/log", "127.0.0.1:8000/ct/log"),
        ("rome.ct.example.com/2024h1/", "rome.ct.example.com/2024h1"),
    ],
)
def test_an_origin_is_the_submission_prefix_without_scheme(prefix: str, origin: str) -> None:
    assert origin_of(prefix) == origin


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\u2003b", "a\nb"])
def test_an_origin_has_no_blanks(origin: str, make) -> None:
    signer = make.key("log 1")
    with pytest.raises(MalformedError, match="origin"):
        encode_checkpoint(origin, bytes(32), sign_tree_head(signer, HEAD))
