"""Chrome's own list and signature, lists of one's own, and what is no list."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.log_list import (
    FinalTreeHead,
    Log,
    LogList,
    LogState,
    Operator,
    PreviousOperator,
    State,
    TemporalInterval,
    decode_log_list,
    encode_log_list,
    sign_log_list,
    verify_log_list,
)
from pkilab.ct.signing import log_id
from pkilab.errors import CtError, MalformedError

DAY = datetime(2026, 11, 2, tzinfo=UTC)


def spki(key: Any) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def log(key: bytes, **changes: Any) -> Log:
    """Return a usable log of RFC 6962."""
    url = "https://log.example/2026h2/"
    state = State(LogState.USABLE, DAY)
    whole = Log("Log", sha256(key).digest(), key, url, url, 86400, state)
    return replace(whole, **changes)


@pytest.fixture
def own(make) -> LogList:
    """A list with everything that the schema has."""
    one, two = (spki(make.key(f"log {number}")) for number in (1, 2))
    former = (PreviousOperator("Elder", DAY - timedelta(days=300)),)
    first = log(
        one,
        temporal_interval=TemporalInterval(DAY, DAY + timedelta(days=180)),
        previous_operators=former,
        dns="one.ct.example",
        log_type="prod",
    )
    tiled = log(
        two,
        is_tiled=True,
        monitoring_url="https://tiles.example/",
        mmd=60,
        state=State(LogState.READONLY, DAY, FinalTreeHead(bytes(32), 7)),
    )
    operators = (Operator("One", ("a@one.example",), (first,)), Operator("Two", (), (tiled,)))
    return LogList("1.2", DAY, operators, is_all_logs=True)


def test_chromes_list_is_read_and_its_signature_holds(conformance) -> None:
    """Google's own list of January 2026, signed with its own RSA key."""
    folder = conformance / "ct"
    data = (folder / "chrome_log_list_v80.json").read_bytes()
    signature = (folder / "chrome_log_list_v80.sig").read_bytes()
    key = load_pem_public_key((folder / "gstatic_log_list_pubkey.pem").read_bytes())
    verify_log_list(data, signature, key)
    with pytest.raises(CtError, match="signature of the log list"):
        verify_log_list(data.replace(b'"80.14"', b'"80.15"'), signature, key)
    with pytest.raises(CtError, match="signature of the log list"):
        verify_log_list(data, signature[::-1], key)
    found = decode_log_list(data)
    assert (found.version, found.timestamp) == (
        "80.14",
        datetime(2026, 1, 2, 12, 57, 1, tzinfo=UTC),
    )
    assert len(found.operators) == 8
    assert len(found.logs()) == len(found.keys()) == 75
    assert sum(each.is_tiled for each in found.logs()) == 26
    raw = json.loads(data)
    again = json.loads(encode_log_list(found))
    assert again == raw  # nothing is lost, and nothing added


def test_all_that_the_schema_has_is_read_back(own: LogList) -> None:
    data = encode_log_list(own)
    assert decode_log_list(data) == own
    assert encode_log_list(decode_log_list(data)) == data
    document = json.loads(data)
    assert document["log_list_timestamp"] == "2026-11-02T00:00:00Z"
    tiled = document["operators"][1]["tiled_logs"][0]
    assert tiled["submission_url"] != tiled["monitoring_url"]
    root = b64encode(bytes(32)).decode()
    final = {"sha256_root_hash": root, "tree_size": 7}
    assert tiled["state"] == {
        "readonly": {"timestamp": "2026-11-02T00:00:00Z", "final_tree_head": final}
    }


@given(
    st.builds(
        LogList,
        st.text(),
        st.datetimes(timezones=st.just(UTC)),
        st.lists(
            st.builds(
                Operator,
                st.text(),
                st.lists(st.text(), max_size=2).map(tuple),
                st.lists(
                    st.builds(
                        log,
                        st.binary(min_size=1, max_size=40),
                        mmd=st.integers(),
                        state=st.none()
                        | st.builds(
                            State, st.sampled_from(LogState), st.datetimes(timezones=st.just(UTC))
                        ),
                    ),
                    max_size=2,
                ).map(tuple),
            ),
            max_size=2,
        ).map(tuple),
        st.none() | st.booleans(),
    )
)
def test_any_list_is_read_back(some: LogList) -> None:
    assert decode_log_list(encode_log_list(some)) == some


def test_a_list_of_ones_own_is_signed(own: LogList, log_keys) -> None:
    data = encode_log_list(own)
    for signer, other in (log_keys, log_keys[::-1]):
        signature = sign_log_list(signer, data)
        verify_log_list(data, signature, signer.public_key())
        with pytest.raises(CtError, match="signature of the log list"):
            verify_log_list(data, signature, other.public_key())
        with pytest.raises(CtError, match="signature of the log list"):
            verify_log_list(data + b"\n", signature, signer.public_key())


def test_logs_and_keys_are_found_by_id(own: LogList, make) -> None:
    first = own.logs()[0]
    public = make.key("log 1").public_key()
    assert own.find(log_id(public)) == first
    assert own.find(bytes(32)) is None
    assert own.keys()[first.log_id] == first.public_key() == public


def test_the_operator_is_that_of_the_time(own: LogList) -> None:
    """Until the end of the previous one's time; from that moment the present one's."""
    first, second = own.logs()
    end = first.previous_operators[0].end
    assert own.operator_of(first, end - timedelta(seconds=1)) == "Elder"
    assert own.operator_of(first, end) == own.operator_of(first, DAY) == "One"
    assert own.operator_of(second, end - timedelta(seconds=1)) == "Two"
    twice = (*first.previous_operators, PreviousOperator("Eldest", end - timedelta(days=9)))
    again = replace(first, previous_operators=twice)
    assert own.operator_of(again, end - timedelta(days=10)) == "Eldest"
    assert own.operator_of(again, end - timedelta(days=9)) == "Elder"
    with pytest.raises(MalformedError, match="log: found 'Log', expected one of the list"):
        own.operator_of(again, DAY)
    with pytest.raises(MalformedError, match="without a zone"):
        own.operator_of(first, DAY.replace(tzinfo=None))


def changed(own: LogList, *path: Any, to: Any = None) -> bytes:
    """Return the list's JSON with one value changed, or with a field taken out (``...``)."""
    document = json.loads(encode_log_list(own))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return json.dumps(document).encode()


LOG = ("operators", 0, "logs", 0)


@pytest.mark.parametrize(
    ("path", "to", "words"),
    [
        (("version",), ..., "version of the log list: found none, expected str"),
        (("version",), 3, "version of the log list: found int"),
        (("log_list_timestamp",), "yesterday", "a time of RFC 3339"),
        (("log_list_timestamp",), "2026-01-02T00:00:00", "a time of RFC 3339"),
        (("log_list_timestamp",), "0001-01-01T00:00:00+10:00", "a time of RFC 3339"),
        (("operators",), {}, "operators of the log list: found dict, expected list"),
        (("operators", 0), [], "operator: found list, expected a JSON object"),
        (("operators", 0, "email"), [1], "email of the operator"),
        (("operators", 0, "logs"), ..., "logs of the operator: found none"),
        ((*LOG, "log_id"), "AAAA", "log_id of the log: found 000000, expected"),
        ((*LOG, "key"), "!", "key of the log: found '!', expected base64"),
        ((*LOG, "url"), ..., "url of the log: found none"),
        ((*LOG, "mmd"), "86400", "mmd of the log: found str, expected int"),
        ((*LOG, "mmd"), True, "mmd of the log: found bool, expected int"),
        ((*LOG, "mmd"), 1.5, "mmd of the log: found float, expected int"),
        ((*LOG, "state"), {}, "state of the log: found none, expected one of pending"),
        ((*LOG, "state"), {"frozen": {}}, "state of the log: found frozen"),
        ((*LOG, "state"), {"usable": {}, "retired": {}}, "state of the log: found usable, retired"),
        ((*LOG, "state"), {"usable": 1}, "usable of the state of the log: found int"),
        ((*LOG, "state"), {"usable": {}}, "timestamp of the usable of the state"),
        ((*LOG, "temporal_interval"), {}, "start_inclusive of the temporal_interval"),
        ((*LOG, "previous_operators"), [{}], "name of the previous operator"),
    ],
)
def test_what_is_no_list_is_refused_in_words(own: LogList, path, to, words: str) -> None:
    with pytest.raises(MalformedError, match=words):
        decode_log_list(changed(own, *path, to=to))


def test_a_final_tree_head_has_a_root(own: LogList) -> None:
    state = ("operators", 1, "tiled_logs", 0, "state", "readonly", "final_tree_head")
    for name, value in [("sha256_root_hash", "AAAA"), ("tree_size", -1), ("tree_size", None)]:
        with pytest.raises(MalformedError, match="of the final_tree_head of the readonly"):
            decode_log_list(changed(own, *state, name, to=value))


def test_fields_not_known_here_are_passed_over(own: LogList) -> None:
    assert decode_log_list(changed(own, "new", to=[1])) == own
    assert decode_log_list(changed(own, *LOG, "new", to=[1])) == own


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", "[" * 100_000, b"null", b"{}"])
def test_other_bytes_are_malformed(data: Any) -> None:
    with pytest.raises(MalformedError, match="log list"):
        decode_log_list(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "email", "logs", "key", "state", "usable"]), inner
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_no_other_error_leaves_a_list(value: Any) -> None:
    document = {"version": "1", "log_list_timestamp": "2026-01-02T00:00:00Z", "operators": [value]}
    for each in (value, document, document | {"operators": value}):
        try:
            decode_log_list(json.dumps(each))
        except MalformedError:
            continue


def test_a_key_that_is_none_is_named(own: LogList, make) -> None:
    for key, words in [
        (b"key", "log key: found one of 3 bytes that cannot be read"),
        (spki(make.key("other", "Ed25519")), "log key: found Ed25519"),
    ]:
        with pytest.raises(MalformedError, match=words):
            log(key).public_key()
