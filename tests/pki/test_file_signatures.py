"""A signature file: what is written, and what is not read."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki.file_signatures import FileSignature
from pkilab.pki.kms_signatures import ALGORITHMS, representative_size

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SIGNATURE = FileSignature(ARN, "ECDSA_SHA_384", b"signature", b"d" * 48, 5, "ab" * 32)


@st.composite
def signatures(draw):
    algorithm = draw(st.sampled_from(ALGORITHMS))
    size = representative_size(algorithm)
    return FileSignature(
        key_arn=draw(st.sampled_from([ARN, ARN.replace("aws:kms", "aws-us-gov:kms")])),
        algorithm=algorithm,
        signature=draw(st.binary(min_size=1, max_size=6144)),
        digest=draw(st.binary(min_size=size, max_size=size)),
        size=draw(st.integers(0, 2**63)),
        key_fingerprint=draw(st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex)),
    )


@given(signatures())
def test_what_is_written_is_read_back(signature):
    """As text and as bytes, and the same text again."""
    text = signature.to_json()
    assert FileSignature.from_json(text) == FileSignature.from_json(text.encode()) == signature
    assert FileSignature.from_json(text).to_json() == text


def test_a_file_holds_it(tmp_path):
    """Saved over what was there; what is not there is an OSError."""
    path = tmp_path / "report.pdf.sig"
    path.write_text("older, and longer than what comes now" * 100)
    assert SIGNATURE.save(path) == path
    assert FileSignature.load(path) == SIGNATURE
    with pytest.raises(FileNotFoundError):
        FileSignature.load(tmp_path / "none")


def test_its_words_are_aws_s():
    """Sign's own members, and three that help to say what is wrong."""
    assert list(json.loads(SIGNATURE.to_json())) == [
        "KeyId", "KeyFingerprint", "SigningAlgorithm", "Size", "Digest", "Signature",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"KeyId": "alias/code-signing"}, "expected a key ARN"),
        ({"KeyId": ARN + "\n"}, "expected a key ARN"),
        ({"KeyId": None}, "KeyId None, expected a key ARN"),
        ({"SigningAlgorithm": "ECDSA_SHA_224"}, "SigningAlgorithm: found ECDSA_SHA_224"),
        ({"SigningAlgorithm": ["ECDSA_SHA_256"]}, "expected a text"),
        ({"SigningAlgorithm": "ECDSA_SHA_256"}, "Digest of 48 bytes, expected 32"),
        ({"Digest": "AB" * 48}, "in lower case"),
        ({"Digest": "abc"}, "hexadecimal digits"),
        ({"Digest": 7}, "hexadecimal digits"),
        ({"KeyFingerprint": "ab" * 31}, "KeyFingerprint of 31 bytes, expected 32"),
        ({"KeyFingerprint": ""}, "KeyFingerprint of 0 bytes"),
        ({"KeyFingerprint": 0}, "hexadecimal digits"),
        ({"KeyFingerprint": False}, "hexadecimal digits"),
        ({"Size": -1}, "Size -1, expected a whole number of bytes"),
        ({"Size": 5.0}, "a whole number"),
        ({"Size": True}, "a whole number"),
        ({"Size": "5"}, "a whole number"),
        ({"Signature": ""}, "base64 of 1 to 6144 bytes"),
        ({"Signature": "c2lnbmF0dXJl\n"}, "another Signature"),
        ({"Signature": "c2lnbmF0dXJ="}, "another Signature"),
        ({"Signature": "c2ln bmF0"}, "another Signature"),
        ({"Signature": "AAAA" * 2049}, "another Signature"),
        ({"Signature": "é"}, "another Signature"),
        ({"Signature": 5}, "expected a text"),
        ({"More": 1}, "expected an object of KeyId, KeyFingerprint"),
    ],
)
def test_a_signature_file_that_says_something_else_is_refused(changed, refused):
    """Each member has one form."""
    members = json.loads(SIGNATURE.to_json()) | changed
    with pytest.raises(MalformedError, match=re.escape(refused)):
        FileSignature.from_json(json.dumps(members))


@pytest.mark.parametrize("name", json.loads(SIGNATURE.to_json()))
def test_no_member_may_be_missing_or_stand_twice(name):
    """Not even the one that may be null."""
    members = json.loads(SIGNATURE.to_json())
    value = members.pop(name)
    with pytest.raises(MalformedError, match="signature file"):
        FileSignature.from_json(json.dumps(members))
    twice = json.dumps(members)[:-1] + f', "{name}": {json.dumps(value)}' * 2 + "}"
    with pytest.raises(MalformedError, match="a member twice"):
        FileSignature.from_json(twice)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"text"',
        "[" * 16000,
        "9" * 16000,
        b"\xff\xfe{}",
        SIGNATURE.to_json().encode("utf-16"),
        SIGNATURE.to_json() + "{}",
        SIGNATURE.to_json() + " " * 16384,
        "-----BEGIN CUSTOM OBJECT-----",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_signature_file_is_refused(text):
    """Nested, endless, or in another encoding."""
    with pytest.raises(MalformedError, match="signature file"):
        FileSignature.from_json(text)


def test_a_huge_file_is_refused_unread(tmp_path):
    """A sparse terabyte; no more than its first kilobytes are read."""
    with (tmp_path / "sig").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(MalformedError, match="more than 16384 bytes"):
        FileSignature.load(tmp_path / "sig")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.fixed_dictionaries(dict.fromkeys(json.loads(SIGNATURE.to_json()), JSON)))
def test_only_declared_errors_leave_a_reader_of_right_members(members):
    """Whatever their values."""
    with pytest.raises(MalformedError):
        FileSignature.from_json(json.dumps(members))


@given(st.binary(max_size=200) | st.text(max_size=200) | JSON.map(json.dumps))
def test_only_declared_errors_leave_a_reader(text):
    """Whatever the text."""
    with pytest.raises(MalformedError):
        FileSignature.from_json(text)


@given(st.data())
def test_one_changed_character_is_noticed_or_changes_the_value(data):
    """Nothing is read leniently, but for JSON's own white space."""
    text = SIGNATURE.to_json()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[at]))
    changed = text[:at] + other + text[at + 1 :]
    try:
        assert FileSignature.from_json(changed) != SIGNATURE or (text[at] + other).isspace()
    except MalformedError as error:
        assert error.found
