"""A log from promise to proof, over a storage that forgets, fails or comes from elsewhere."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.log import Log, MemoryStorage, StoredEntry
from pkilab.ct.merkle import leaf_hash, verify_consistency, verify_inclusion
from pkilab.ct.precertificates import entry_for_certificate
from pkilab.ct.signing import verify_sct, verify_tree_head
from pkilab.ct.structures import (
    SignedTreeHead,
    TimestampedEntry,
    decode_leaf_index,
    decode_merkle_leaf,
    merkle_leaf,
    timestamp_of,
)
from pkilab.errors import CtError, LabError

HOUR = timedelta(hours=1)
MMD = timedelta(hours=24)


@pytest.fixture
def log(make, root):
    made = Log(make.key("log 1"), MemoryStorage(), mmd=MMD)
    made.roots.add(root.certificate)
    return made


@pytest.fixture(scope="module")
def chains(make, root):
    """Twenty certificates of one CA."""
    return [[make.party(f"host {number}", root).certificate] for number in range(20)]


def test_an_sct_is_a_promise_kept_at_the_next_head(log, make, root, now):
    """Precertificate, SCT, certificate; then the entry with its proof."""
    poisoned = make.poisoned("shop", root)
    sct = log.add_pre_chain([poisoned], now)
    final = make.sign(make.builder("shop", root), root.key)
    entry = sct.entry(entry_for_certificate(final, root.certificate))
    verify_sct(sct, entry, log.public_key, at=now)
    assert (sct.log_id, sct.timestamp, sct.extensions) == (log.id, timestamp_of(now), b"")
    hashed = leaf_hash(merkle_leaf(entry))
    assert (log.size, log.waiting) == (0, 1)
    with pytest.raises(CtError):
        log.proof_by_hash(hashed, 1)
    sth = log.publish(now + HOUR)
    verify_tree_head(sth, log.public_key)
    assert (sth.head.size, log.waiting) == (1, 0)
    index, path = log.proof_by_hash(hashed, 1)
    verify_inclusion(hashed, index, 1, path, sth.head.root)


def test_a_certificate_is_signed_for_whole(log, make, root, now):
    """Entry type 0."""
    leaf = make.party("leaf", root).certificate
    sct = log.add_chain([leaf], now)
    entry = sct.entry(leaf.public_bytes(Encoding.DER))
    verify_sct(sct, entry, log.public_key)
    with pytest.raises(CtError):
        verify_sct(sct, sct.entry(entry_for_certificate(leaf, root.certificate)), log.public_key)


def test_what_comes_again_has_its_earlier_sct(log, chains, now):
    """To the byte, merged or not, and it is in the tree once."""
    first = log.add_chain(chains[0], now)
    assert log.add_chain(chains[0], now + HOUR) == first
    log.publish(now + HOUR)
    assert log.add_chain(chains[0], now + 2 * HOUR) == first
    assert log.publish(now + 3 * HOUR).head.size == 1
    assert log.add_chain(chains[1], now) != first


def test_a_precertificate_and_its_certificate_are_two_entries(log, make, root, now):
    """A log may have both."""
    final = make.sign(make.builder("shop", root), root.key)
    log.add_pre_chain([make.poisoned("shop", root)], now)
    log.add_chain([final], now)
    assert log.waiting == 2


def test_heads_have_strictly_later_times(log, chains, now):
    """Also where the clock stands still, or goes back; and none is older than an entry."""
    times = []
    for number, moment in enumerate((now, now, now - HOUR, now + HOUR, now)):
        log.add_chain(chains[number], moment)
        times.append(log.publish(moment).head.timestamp)
    assert times == sorted(set(times))
    late = log.add_chain(chains[9], now + 5 * HOUR)
    assert log.publish(now).head.timestamp == late.timestamp


def test_a_head_is_renewed_within_the_maximum_merge_delay(log, chains, now):
    """Whoever asks never sees an older one, and until then sees the same."""
    first = log.head(now)
    assert log.head(now + MMD - timedelta(milliseconds=1)) == first
    log.add_chain(chains[0], now + HOUR)
    assert log.head(now + HOUR) == first
    renewed = log.head(now + MMD)
    assert renewed.head.timestamp == timestamp_of(now + MMD)
    assert renewed.head.size == 1


def test_every_size_proves_that_it_grew_out_of_every_earlier_one(log, chains, now):
    """And each entry that it is in each tree."""
    heads = [log.publish(now)]
    for number, chain in enumerate(chains[:9]):
        log.add_chain(chain, now)
        heads.append(log.publish(now + number * HOUR))
    for first in heads:
        for second in heads[first.head.size :]:
            proof = log.consistency_proof(first.head.size, second.head.size)
            if not first.head.size:
                assert proof == []
                continue
            verify_consistency(
                first.head.size, second.head.size, proof, first.head.root, second.head.root
            )
    for index in range(9):
        found = log.entry_and_proof(index, 9)
        verify_inclusion(leaf_hash(found.entry.leaf), index, 9, found.path, heads[9].head.root)
        assert log.entries(index, index + 1) == [found.entry]


def test_nothing_is_proved_or_shown_that_no_head_has_shown(log, chains, now):
    """What waits is not there yet."""
    for chain in chains[:5]:
        log.add_chain(chain, now)
    log.publish(now)
    log.add_chain(chains[5], now)
    waiting = leaf_hash(log._storage.read(5, 6)[0].leaf)
    assert len(log.entries(0, 100)) == 5
    for question in (
        lambda: log.entries(5, 6),
        lambda: log.entries(3, 3),
        lambda: log.entries(-1, 2),
        lambda: log.consistency_proof(1, 6),
        lambda: log.consistency_proof(3, 2),
        lambda: log.consistency_proof(-1, 2),
        lambda: log.entry_and_proof(5, 5),
        lambda: log.entry_and_proof(0, 6),
        lambda: log.entry_and_proof(0, 0),
        lambda: log.proof_by_hash(waiting, 5),
        lambda: log.nodes(0, 5, 6),
        lambda: log.nodes(-1, 0, 1),
    ):
        with pytest.raises(CtError):
            question()


def test_an_empty_tree_proves_nothing_and_says_why(log, chains, now):
    """What was promised a moment ago is in no tree yet."""
    log.add_chain(chains[0], now)
    leaf = leaf_hash(log._storage.read(0, 1)[0].leaf)
    with pytest.raises(CtError, match="found 0, expected that of a tree with entries"):
        log.proof_by_hash(leaf, 0)
    log.publish(now)
    assert log.proof_by_hash(leaf, 1) == (0, [])


def test_a_leaf_is_not_in_a_tree_older_than_it(log, chains, now):
    """Its hash is known, and still there is no proof."""
    log.add_chain(chains[0], now)
    log.publish(now)
    log.add_chain(chains[1], now)
    log.publish(now + HOUR)
    second = leaf_hash(log.entries(1, 2)[0].leaf)
    assert log.proof_by_hash(second, 2)[0] == 1
    with pytest.raises(CtError):
        log.proof_by_hash(second, 1)


def test_a_log_of_the_static_api_says_where_each_entry_will_be(make, root, chains, now):
    """In the SCT's extensions, and in the leaf."""
    log = Log(make.key("log 1"), MemoryStorage(), mmd=MMD, leaf_index=True)
    log.roots.add(root.certificate)
    scts = [log.add_chain(chain, now) for chain in (*chains[:4], chains[2])]
    assert [decode_leaf_index(sct.extensions) for sct in scts] == [0, 1, 2, 3, 2]
    log.publish(now)
    leaves = [decode_merkle_leaf(each.leaf) for each in log.entries(0, 4)]
    assert [decode_leaf_index(each.extensions) for each in leaves] == [0, 1, 2, 3]


class Failing(MemoryStorage):
    """A disk that is full."""

    full = False

    def append(self, entry: StoredEntry) -> None:
        """Keep an entry, if there is room."""
        if self.full:
            raise LabError("full")
        super().append(entry)

    def record(self, sth: SignedTreeHead) -> None:
        """Keep a head, if there is room."""
        if self.full:
            raise LabError("full")
        super().record(sth)


def test_what_cannot_be_stored_is_neither_promised_nor_shown(make, root, chains, now):
    """And when there is room again the log goes on as if nothing had been asked."""
    storage = Failing()
    log = Log(make.key("log 1"), storage, mmd=MMD)
    log.roots.add(root.certificate)
    log.add_chain(chains[0], now)
    before = log.publish(now)
    storage.full = True
    with pytest.raises(LabError):
        log.add_chain(chains[1], now)
    with pytest.raises(LabError):
        log.publish(now + HOUR)
    assert (log.waiting, log.head(now)) == (0, before)
    storage.full = False
    log.add_chain(chains[2], now)
    assert log.publish(now + HOUR).head.size == 2


def test_a_storage_is_written_before_the_answer_leaves(make, root, chains, now):
    """Each promise is there when its SCT is."""
    storage = MemoryStorage()
    log = Log(make.key("log 1"), storage, mmd=MMD)
    log.roots.add(root.certificate)
    for number, chain in enumerate(chains[:3], start=1):
        sct = log.add_chain(chain, now)
        assert len(storage) == number
        assert decode_merkle_leaf(storage.read(number - 1, number)[0].leaf).timestamp == (
            sct.timestamp
        )
    assert log.publish(now) == storage.last_head()


def test_a_log_goes_on_from_its_storage(make, root, chains, now):
    """The same answers, the same SCTs, and what waited still waits."""
    storage = MemoryStorage()
    log = Log(make.key("log 1"), storage, mmd=MMD)
    log.roots.add(root.certificate)
    scts = [log.add_chain(chain, now) for chain in chains[:3]]
    head = log.publish(now)
    scts.append(log.add_chain(chains[3], now + HOUR))
    again = Log(make.key("log 1"), storage, mmd=MMD)
    again.roots.add(root.certificate)
    assert (again.size, again.waiting, again.head(now)) == (3, 1, head)
    assert [again.add_chain(chain, now + 2 * HOUR) for chain in chains[:4]] == scts
    later = again.publish(now)
    assert later.head.timestamp > head.head.timestamp
    proof = again.consistency_proof(3, 4)
    verify_consistency(3, 4, proof, head.head.root, later.head.root)


def test_anothers_storage_and_one_with_gaps_are_refused(make, root, chains, now):
    """A log does not sign what it cannot stand for."""
    storage = MemoryStorage()
    log = Log(make.key("log 1"), storage, mmd=MMD)
    log.roots.add(root.certificate)
    for chain in chains[:3]:
        log.add_chain(chain, now)
    log.publish(now)
    with pytest.raises(CtError, match="signature of the signed tree head"):
        Log(make.key("another log"), storage, mmd=MMD)
    kept = list(storage._entries)
    storage._entries = kept[:2]
    with pytest.raises(CtError, match="expected at least 3"):
        Log(make.key("log 1"), storage, mmd=MMD)
    storage._entries = [kept[1], kept[0], kept[2]]
    with pytest.raises(CtError, match="root of the entries stored"):
        Log(make.key("log 1"), storage, mmd=MMD)
    storage._entries = kept
    assert Log(make.key("log 1"), storage, mmd=MMD).size == 3


def test_no_key_is_in_a_logs_repr(log):
    """Its ID and its size are."""
    assert repr(log).startswith(f"<Log {log.id.hex()[:16]}: 0 entries")


_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 19)),
        st.tuples(st.sampled_from(["publish", "head", "restart"]), st.integers(0, 60 * 24 * 3)),
    ),
    max_size=40,
)


@given(_ACTIONS)
def test_whatever_happens_the_log_keeps_its_word(make, root, chains, actions):
    """Growth, times, consistency and every promise, over adds, merges, waits and restarts."""
    storage, now = MemoryStorage(), datetime(2026, 11, 2, tzinfo=UTC)

    def opened():
        log = Log(make.key("log 1"), storage, mmd=MMD)
        log.roots.add(root.certificate)
        return log

    log, heads, promised = opened(), [], {}
    for action, value in actions:
        if action == "add":
            sct = log.add_chain(chains[value], now)
            assert promised.setdefault(value, sct) == sct
            continue
        now += timedelta(minutes=value)
        if action == "restart":
            log = opened()
        elif action == "head":
            heads.append(log.head(now))
            assert timestamp_of(now) - heads[-1].head.timestamp < MMD // timedelta(milliseconds=1)
        else:
            heads.append(log.publish(now))
    heads.append(log.publish(now))
    unique = sorted({each.head.timestamp: each for each in heads}.items())
    for (_, one), (_, two) in pairwise(unique):
        assert one.head.size <= two.head.size
        if one.head.size:
            proof = log.consistency_proof(one.head.size, two.head.size)
            verify_consistency(one.head.size, two.head.size, proof, one.head.root, two.head.root)
    assert heads[-1].head.size == len(promised)
    for value, sct in promised.items():
        signed = chains[value][0].public_bytes(Encoding.DER)
        hashed = leaf_hash(merkle_leaf(TimestampedEntry(sct.timestamp, signed)))
        index, path = log.proof_by_hash(hashed, log.size)
        verify_inclusion(hashed, index, log.size, path, heads[-1].head.root)
