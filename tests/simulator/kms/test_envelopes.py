"""Envelopes, opened by AES-GCM alone, and every way to spoil one."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki.entropy import Entropy
from pkilab.simulator.kms.envelopes import Envelope, seal, unseal
from pkilab.simulator.service import AwsError

KEY = bytes(range(32))
CONTEXTS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)


@given(st.binary(max_size=500), CONTEXTS)
def test_what_is_sealed_is_unsealed(value, context):
    """In the same context, whatever its order."""
    sealed = seal(KEY, value, context, Entropy("e"))
    assert unseal(KEY, sealed, dict(reversed(context.items()))) == value
    assert len(sealed) == len(value) + 29


def test_the_layout_is_the_documented_one():
    """Format, nonce, AES-GCM's own output; the context is the additional data."""
    sealed = seal(KEY, b"value", {"a": "b"}, Entropy("e"))
    aad = b"\0\0\0\1a\0\0\0\1b"
    assert sealed[:1] == b"\x01"
    assert AESGCM(KEY).decrypt(sealed[1:13], sealed[13:], aad) == b"value"


@given(st.integers(0, 33), st.integers(1, 255))
def test_a_changed_byte_is_refused(where, by):
    """Each one."""
    sealed = bytearray(seal(KEY, b"value", {}, Entropy("e")))
    sealed[where] ^= by
    with pytest.raises(AwsError, match="InvalidCiphertextException"):
        unseal(KEY, bytes(sealed), {})


def test_another_context_or_key_is_refused():
    """As KMS refuses them."""
    sealed = seal(KEY, b"value", {"a": "b"}, Entropy("e"))
    for key, context in ((KEY, {"a": "c"}), (KEY[::-1], {"a": "b"})):
        with pytest.raises(AwsError, match="InvalidCiphertextException"):
            unseal(key, sealed, context)


@given(st.binary(max_size=80))
def test_only_declared_errors_leave(octets):
    """Whatever the octets."""
    try:
        envelope = Envelope.of_octets(octets)
        unseal(KEY, envelope.sealed, {})
    except AwsError as refused:
        assert refused.code == "InvalidCiphertextException"


def test_an_envelope_is_one_piece_and_shows_nothing():
    """Taken apart as it was put together."""
    envelope = Envelope(b"data key", b"sealed")
    assert Envelope.of_octets(envelope.octets()) == envelope
    assert "sealed" not in repr(envelope).replace("sealed=", "")
