"""The HTTP API of version 1: in the world by host name, and with curl where it is served."""

import json
import time
from base64 import b64decode, b64encode
from contextlib import closing
from urllib.parse import quote, quote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from pkilab import Lab
from pkilab.ct.log_client import LogSource, read_tree_head
from pkilab.ct.merkle import leaf_hash, verify_consistency, verify_inclusion
from pkilab.ct.monitor import Monitor
from pkilab.ct.precertificates import entry_for_certificate
from pkilab.ct.signing import verify_sct, verify_tree_head
from pkilab.ct.structures import (
    DigitallySigned,
    Sct,
    decode_chain,
    decode_merkle_leaf,
    decode_precert_chain,
    merkle_leaf,
)
from pkilab.ct.watching import Expected, Watchlist
from pkilab.errors import LabError
from pkilab.simulator.ctlogs.api import MOST_BODY, MOST_ENTRIES, CtApi
from pkilab.simulator.ctlogs.logs import CtLogs
from pkilab.simulator.service import HttpRequest
from pkilab.simulator.world import World


class Asking:
    """Asks a world's logs below HTTP."""

    def __init__(self, world, logs):
        self.world, self.api = world, CtApi(world, logs)

    def __call__(self, path, body=None, *, host="north-1.ct.pkilab.test", method=None):
        """Return the answer to a request."""
        method = method or ("GET" if body is None else "POST")
        request = HttpRequest(method, f"https://{host}{path}", {}, body or b"")
        with self.world.turn():
            assert self.api.takes(request)
            return self.api.respond(request)

    def json(self, path, body=None, **details):
        """Return the JSON that is answered."""
        answer = self(path, body, **details)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        return json.loads(answer.body)

    def refused(self, status, path, body=None, **details):
        """Return the sentence that is answered."""
        answer = self(path, body, **details)
        assert answer.status == status, answer
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert len(answer.body) > 5
        return answer.body.decode()


@pytest.fixture
def ask(world, logs):
    return Asking(world, logs)


@pytest.fixture
def ten(ask, ca, world):
    """Ten certificates in north-1."""
    for number in range(10):
        ask.json("/ct/v1/add-chain", ca.body(ca.leaf(f"host-{number}.example")))
        if number == 3:
            world.clock.advance(minutes=1)
            ask.json("/ct/v1/get-sth")
    world.clock.advance(minutes=1)
    return ask


def sct_of(answer):
    """Read an answer of add-chain or add-pre-chain."""
    assert list(answer) == ["sct_version", "id", "timestamp", "extensions", "signature"]
    assert (answer["sct_version"], answer["extensions"]) == (0, "")
    signed = DigitallySigned.decode(b64decode(answer["signature"]))
    return Sct(b64decode(answer["id"]), answer["timestamp"], b"", signed)


def test_add_pre_chain_answers_an_sct_for_the_certificate_to_come(ask, logs, ca):
    """With the members of RFC 6962, 4.2; the signature holds for the final certificate."""
    answer = ask.json("/ct/v1/add-pre-chain", ca.body(ca.precertificate("shop.example"), ca.root))
    sct = sct_of(answer)
    final = entry_for_certificate(ca.leaf("shop.example"), ca.root)
    verify_sct(sct, sct.entry(final), logs.logs[0].log.public_key)


def test_add_chain_answers_an_sct_for_the_certificate(ask, logs, ca):
    """The root may be left out; what comes again has the earlier one."""
    leaf = ca.leaf("shop.example")
    first = ask.json("/ct/v1/add-chain", ca.body(leaf))
    sct = sct_of(first)
    der = leaf.public_bytes(Encoding.DER)
    verify_sct(sct, sct.entry(der), logs.logs[0].log.public_key)
    ask.world.clock.advance(days=1)
    assert ask.json("/ct/v1/add-chain", ca.body(leaf, ca.root)) == first


def test_get_sth_is_signed(ten, logs):
    """Of the tree's size, root and time."""
    answer = ten.json("/ct/v1/get-sth")
    assert set(answer) == {"tree_size", "timestamp", "sha256_root_hash", "tree_head_signature"}
    sth = read_tree_head(answer)
    verify_tree_head(sth, logs.logs[0].log.public_key)
    assert sth.head.size == 10


def test_get_sth_consistency_binds_two_heads(ten, logs):
    """From any earlier size; from the empty tree there is nothing to prove."""
    root = b64decode(ten.json("/ct/v1/get-sth")["sha256_root_hash"])
    proof = ten.json("/ct/v1/get-sth-consistency?first=4&second=10")["consistency"]
    first = logs.logs[0].log._tree.root(4)
    verify_consistency(4, 10, [b64decode(each) for each in proof], first, root)
    assert ten.json("/ct/v1/get-sth-consistency?first=0&second=10") == {"consistency": []}
    assert ten.json("/ct/v1/get-sth-consistency?first=10&second=10") == {"consistency": []}


def test_get_proof_by_hash_finds_a_leaf(ten):
    """By its hash, percent-encoded or with a bare plus sign, as base64 has them."""
    root = b64decode(ten.json("/ct/v1/get-sth")["sha256_root_hash"])
    entries = ten.json("/ct/v1/get-entries?start=0&end=9")["entries"]
    seen = set()
    for index, each in enumerate(entries):
        hashed = leaf_hash(b64decode(each["leaf_input"]))
        text = b64encode(hashed).decode()
        seen |= set("+/=") & set(text)
        for written in (quote_plus(text), quote(text, safe="+/=")):
            path = f"/ct/v1/get-proof-by-hash?hash={written}&tree_size=10"
            answer = ten.json(path)
            assert answer["leaf_index"] == index
            audit_path = [b64decode(node) for node in answer["audit_path"]]
            verify_inclusion(hashed, index, 10, audit_path, root)
    assert seen == set("+/=")


def test_get_entries_shows_leaf_and_chain(ask, ca, world):
    """Of either kind; the chain is the whole, the root included."""
    leaf, poisoned = ca.leaf("a.example"), ca.precertificate("b.example")
    ask.json("/ct/v1/add-chain", ca.body(leaf))
    ask.json("/ct/v1/add-pre-chain", ca.body(poisoned))
    world.clock.advance(minutes=1)
    first, second = ask.json("/ct/v1/get-entries?start=0&end=1")["entries"]
    above = ca.root.public_bytes(Encoding.DER)
    entry = decode_merkle_leaf(b64decode(first["leaf_input"]))
    assert entry.entry == leaf.public_bytes(Encoding.DER)
    assert decode_chain(b64decode(first["extra_data"])) == (above,)
    entry = decode_merkle_leaf(b64decode(second["leaf_input"]))
    assert entry.entry == entry_for_certificate(ca.leaf("b.example"), ca.root)
    shown = decode_precert_chain(b64decode(second["extra_data"]))
    assert shown == (poisoned.public_bytes(Encoding.DER), (above,))


def test_get_entries_returns_what_there_is_up_to_its_cap(ten, monkeypatch):
    """``end`` may lie beyond the tree, and is in the answer if it does not."""
    assert len(ten.json("/ct/v1/get-entries?start=3&end=3")["entries"]) == 1
    assert len(ten.json("/ct/v1/get-entries?start=8&end=500")["entries"]) == 2
    monkeypatch.setattr("pkilab.simulator.ctlogs.api.MOST_ENTRIES", 4)
    assert len(ten.json("/ct/v1/get-entries?start=1&end=9")["entries"]) == 4
    assert MOST_ENTRIES > 4


def test_get_entry_and_proof_shows_both(ten):
    """As get-entries and get-proof-by-hash do."""
    answer = ten.json("/ct/v1/get-entry-and-proof?leaf_index=7&tree_size=10")
    (entry,) = ten.json("/ct/v1/get-entries?start=7&end=7")["entries"]
    assert answer == {**entry, "audit_path": answer["audit_path"]}
    root = b64decode(ten.json("/ct/v1/get-sth")["sha256_root_hash"])
    path = [b64decode(each) for each in answer["audit_path"]]
    verify_inclusion(leaf_hash(b64decode(entry["leaf_input"])), 7, 10, path, root)


def test_get_roots_shows_what_is_accepted(ask, ca, rogue, logs):
    """In the order it was."""
    logs.accept(rogue.root)
    shown = ask.json("/ct/v1/get-roots")["certificates"]
    ders = [each.public_bytes(Encoding.DER) for each in (ca.root, rogue.root)]
    assert [b64decode(each) for each in shown] == ders


@pytest.mark.parametrize(
    "path",
    [
        "get-sth-consistency?first=5&second=4", "get-sth-consistency?first=1&second=11",
        "get-sth-consistency?first=-1&second=4", "get-sth-consistency?first=x&second=4",
        "get-sth-consistency?first=1", "get-sth-consistency", "get-entries?start=10&end=10",
        "get-entries?start=3&end=2", "get-entries?start=0", "get-entries?start=1.0&end=2",
        "get-entries?start=٣&end=4", "get-entries?start=0&end=" + "9" * 30,
        "get-proof-by-hash?hash=AAAA&tree_size=10", "get-proof-by-hash?hash=%&tree_size=10",
        "get-proof-by-hash?tree_size=10", "get-entry-and-proof?leaf_index=10&tree_size=10",
        "get-entry-and-proof?leaf_index=0&tree_size=11",
        "get-entry-and-proof?leaf_index=0&tree_size=0",
    ],
)  # fmt: skip
def test_questions_about_what_is_not_there_are_refused(ten, path):
    """400, and a sentence."""
    ten.refused(400, f"/ct/v1/{path}")


def test_submissions_that_are_none_are_refused(ask, ca, rogue):
    """400, and a sentence that says what was expected."""
    leaf, poisoned = ca.leaf("shop.example"), ca.precertificate("shop.example")
    for call, body, word in (
        ("add-chain", ca.body(rogue.leaf("shop.example"), rogue.root), "root that this log"),
        ("add-chain", ca.body(poisoned), "poison"),
        ("add-pre-chain", ca.body(leaf), "expected a precertificate"),
        ("add-chain", ca.body(), "1 to 10"),
        ("add-pre-chain", ca.body(), "1 to 10"),
        ("add-chain", b"", "JSON"),
        ("add-chain", b"[]", "JSON"),
        ("add-chain", b"{}", "JSON"),
        ("add-chain", b'{"chain": "AA=="}', "JSON"),
        ("add-chain", b'{"chain": [1]}', "JSON"),
        ("add-chain", b'{"chain": ["%"]}', "chain[0]: found something else, expected base64"),
        ("add-chain", b'{"chain": ["AA=="]}', "chain[0]"),
        ("add-chain", b'{"chain":' + b"[" * 100_000, "JSON"),
    ):
        assert word in ask.refused(400, f"/ct/v1/{call}", body)
    ask.refused(413, "/ct/v1/add-chain", b" " * (MOST_BODY + 1))
    assert ask.json("/ct/v1/add-chain", ca.body(leaf))


@given(st.binary(max_size=60) | st.recursive(
    st.none() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("chain"), inner),
    max_leaves=6,
).map(lambda document: json.dumps(document).encode()))  # fmt: skip
def test_no_body_is_answered_by_anything_but_a_sentence(body):
    """Whatever is posted."""
    with closing(World(seed="bodies")) as world:
        Asking(world, CtLogs(world)).refused(400, "/ct/v1/add-chain", body)


def test_other_paths_and_methods_are_refused(ask, ca):
    """404 and 405."""
    ask.refused(405, "/ct/v1/get-sth", b"")
    ask.refused(405, "/ct/v1/get-sth", method="DELETE")
    ask.refused(405, "/ct/v1/add-chain")
    ask.refused(405, "/checkpoint", b"")
    for path in ("/", "/ct/v1/", "/ct/v1/get-sth/", "/ct/v2/get-sth", "/issuer/00", "/checkpoint2"):
        ask.refused(404, path)
    ask.refused(404, "/ct/no-such-log/ct/v1/get-sth", host="127.0.0.1")
    ask.refused(404, "/", host="list.ct.pkilab.test")
    ask.refused(404, "/log_list/v3/other", host="list.ct.pkilab.test")


def test_a_log_whose_disk_is_full_answers_503(ask, ca, logs, monkeypatch):
    """And nothing is promised."""

    def full(_entry):
        raise LabError("no space")

    monkeypatch.setattr(logs.logs[0].log._storage, "append", full)
    assert "no space" in ask.refused(503, "/ct/v1/add-chain", ca.body(ca.leaf("shop.example")))
    assert logs.logs[0].log.waiting == 0


def test_hosts_of_others_are_not_taken(ask):
    """Nor paths below /ct/ on other hosts."""
    for url in ("https://s3.amazonaws.com/ct/north-1/ct/v1/get-sth", "https://ct.pkilab.test/x"):
        assert not ask.api.takes(HttpRequest("GET", url, {}, b""))


# In a lab.


def test_a_lab_reaches_logs_by_name(lab):
    """GET and POST; a public certificate's SCTs are in the logs a minute later."""
    logs = lab._place.ct_logs
    roots = json.loads(lab.fetch("https://north-1.ct.pkilab.test/ct/v1/get-roots").body)
    (root,) = map(b64decode, roots["certificates"])
    assert b"Simulated Amazon Root CA" in root
    refused = lab.fetch("https://north-1.ct.pkilab.test/ct/v1/add-chain", b"{}")
    assert refused.status == 400
    with pytest.raises(LabError, match="knows no such host"):
        lab.fetch("https://north-9.ct.pkilab.test/ct/v1/get-sth")
    assert lab.fetch("https://list.ct.pkilab.test/log_list/v3/log_list.json").status == 200
    assert len(logs.logs) == 4


# Served.


def test_curl_submits_follows_and_checks_a_log(curl, place, server, make_ca):
    """Every call over HTTP, below /ct/ and by Host; checked with the key of the server's list."""
    ca = make_ca("Curl CA", place.world.clock.now())
    place.ct_logs.accept(ca.root)
    (listed,) = [each for each in server.ct_logs if each["name"] == "south-1"]
    assert listed["operator"] == "Simulated South Logs"
    key, base = load_der_public_key(b64decode(listed["public_key"])), listed["url"]
    assert base == f"{server.url}/ct/south-1/"
    post = ("-H", "content-type: application/json", "--data-binary")
    poisoned, leaf = ca.precertificate("shop.example"), ca.leaf("other.example")
    first = curl.json("ct/v1/add-pre-chain", *post, ca.body(poisoned), base=base)
    curl.json("ct/v1/add-chain", *post, ca.body(leaf), base=base)
    sct = sct_of(first)
    entry = sct.entry(entry_for_certificate(ca.leaf("shop.example"), ca.root))
    verify_sct(sct, entry, key)
    place.world.clock.advance(minutes=1)
    sth = read_tree_head(curl.json("ct/v1/get-sth", base=base))
    verify_tree_head(sth, key)
    hashed = leaf_hash(merkle_leaf(entry))
    query = f"hash={quote_plus(b64encode(hashed).decode())}&tree_size=2"
    found = curl.json(f"ct/v1/get-proof-by-hash?{query}", base=base)
    path = [b64decode(each) for each in found["audit_path"]]
    verify_inclusion(hashed, found["leaf_index"], 2, path, sth.head.root)
    assert len(curl.json("ct/v1/get-entries?start=0&end=9", base=base)["entries"]) == 2
    assert curl.json("ct/v1/get-entry-and-proof?leaf_index=1&tree_size=2", base=base)
    assert curl.json("ct/v1/get-sth-consistency?first=1&second=2", base=base)["consistency"]
    assert len(curl.json("ct/v1/get-roots", base=base)["certificates"]) == 2
    by_host = curl.json("/ct/v1/get-sth", "-H", "Host: south-1.ct.pkilab.test")
    assert read_tree_head(by_host) == sth
    status, kind, body = curl("ct/v1/get-sth-consistency?first=9&second=1", base=base)
    assert (status, kind) == (400, "text/plain; charset=utf-8")
    assert b"expected 0 <= first <= second <= 2" in body


def test_a_monitor_follows_a_served_log_with_curl(curl, place, server, make_ca):
    """A rogue CA's certificate for a watched name is found; the owner's own is not told."""
    now = place.world.clock.now()
    own, rogue = make_ca("Own CA", now), make_ca("Rogue CA", now)
    place.ct_logs.accept(own.root, rogue.root)
    with place.world.turn():
        for ca, name in (
            (own, "www.shop.example"),
            (rogue, "*.shop.example"),
            (rogue, "a.example"),
        ):
            place.ct_logs.submit((ca.precertificate(name), ca.root))
    now = place.world.clock.advance(minutes=1)
    sources = [
        LogSource(each["name"], each["url"], load_der_public_key(b64decode(each["public_key"])))
        for each in server.ct_logs
    ]
    monitor = Monitor(
        sources,
        Watchlist(["www.shop.example"]),
        lambda url: curl("", base=url)[2],
        expected=Expected.of(issuers=[own.root]),
    )
    report = monitor.poll(now)
    assert report.problems == ()
    assert [each.log for each in report.unexpected] == ["north-1", "south-1"]
    assert {each.names for each in report.unexpected} == {("*.shop.example",)}
    assert {each.issuer for each in report.unexpected} == {"CN=Rogue CA"}
    assert (report.expected, report.entries) == (2, 6)


def test_due_work_of_a_live_world_merges_by_itself(make_ca):
    """Nobody has to call: the server's clock ticks."""
    with Lab.simulated(seed="live", now="live") as lab:
        ca, place = make_ca("Live CA", lab.clock.now()), lab._place
        place.ct_logs.accept(ca.root)
        lab.serve()
        static = place.ct_logs.find("south-2")
        with place.world.turn():
            place.ct_logs.add(static, (ca.leaf("shop.example"), ca.root), precertificate=False)
        deadline = time.monotonic() + 20
        while static.log.size == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert static.log.size == 1


def test_a_certificate_as_such_is_shown_by_get_roots(ask, ca):
    """It can be loaded."""
    (shown,) = ask.json("/ct/v1/get-roots")["certificates"]
    assert x509.load_der_x509_certificate(b64decode(shown)) == ca.root
