"""A monitor against honest logs, and against each way in which a log can cheat or fail."""

import json
import tracemalloc
from base64 import b64decode, b64encode
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.log import Log, MemoryStorage, StoredEntry
from pkilab.ct.log_client import LogSource, write_tree_head
from pkilab.ct.merkle import Tree
from pkilab.ct.monitor import Monitor
from pkilab.ct.problems import MISBEHAVIOUR, ProblemKind
from pkilab.ct.signing import sign_tree_head
from pkilab.ct.structures import (
    SignedTreeHead,
    TimestampedEntry,
    TreeHead,
    merkle_leaf,
    timestamp_of,
)
from pkilab.ct.watching import Expected, Watchlist
from pkilab.errors import CtError, MalformedError

HOUR = timedelta(hours=1)
WATCHLIST = Watchlist(["shop.example"])  # which all leaves of the fixture are for
NOBODY = Watchlist(["nobody.example"])


def b64(data):
    return b64encode(data).decode()


class Vantage:
    """A log as somebody sees it: JSON over an honest log, with what a test changes."""

    def __init__(self, log, now):
        self.log, self.now, self.most, self.asked = log, now, 1000, []
        self.head = None  # shown in place of the log's own
        self.spoil = {}  # by the name of the call: changes the answer

    def __call__(self, url):
        """Answer as a transport."""
        parts = urlsplit(url)
        call = parts.path.rpartition("/")[2]
        query = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        self.asked.append((call, query))
        answer = getattr(self, call.replace("-", "_"))(**query)
        answer = self.spoil.get(call, lambda given: given)(answer)
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def get_sth(self):
        """Show the newest head, or the one the test wants shown."""
        return write_tree_head(self.head or self.log.head(self.now))

    def get_sth_consistency(self, first, second):
        """Prove what the log can prove."""
        return {"consistency": [b64(each) for each in self.log.consistency_proof(first, second)]}

    def get_entries(self, start, end):
        """Show entries, not more than the log's cap."""
        found = self.log.entries(start, min(end + 1, start + self.most))
        return {
            "entries": [
                {"leaf_input": b64(each.leaf), "extra_data": b64(each.extra_data)} for each in found
            ]
        }


@pytest.fixture(scope="module")
def key(make):
    return make.key("log 1")


@pytest.fixture(scope="module")
def source(key):
    return LogSource("one", "https://one.example/", key.public_key())


@pytest.fixture(scope="module")
def chains(make, root):
    """Forty certificates of one CA."""
    return [[make.party(f"host {number}", root).certificate] for number in range(40)]


@pytest.fixture
def grow(key, root, chains, now):
    """A function that makes a log of certificates, published at each of some sizes."""

    def make_log(numbers, *sizes, at=now):
        log = Log(key, MemoryStorage(), mmd=timedelta(hours=24))
        log.roots.add(root.certificate)
        for count, number in enumerate(numbers, start=1):
            log.add_chain(chains[number], at - HOUR)
            if count in sizes or count == len(numbers):
                log.publish(at + count * timedelta(seconds=1) - HOUR)
        return log

    return make_log


@pytest.fixture
def view(grow, now):
    """What everyone sees of a log of ten entries."""
    return Vantage(grow(range(10)), now)


def kinds(report):
    return [each.kind for each in getattr(report, "problems", report)]


def test_an_honest_log_is_followed_to_its_end_and_no_further(source, view, chains, now, root):
    """Every entry once, each certificate reported with what is in it."""
    monitor = Monitor([source], WATCHLIST, view)
    report = monitor.poll(now)
    assert (report.problems, report.entries, report.expected) == ((), 10, 0)
    assert [each.index for each in report.unexpected] == list(range(10))
    assert report.unexpected[3].serial.replace(":", "") == (f"{chains[3][0].serial_number:032x}")
    assert report.unexpected[0].issuer == "CN=Root"
    assert monitor.heads() == {source.id: view.log.head(now)}
    again = monitor.poll(now)
    assert (again.entries, again.unexpected, again.problems) == (0, (), ())


def test_growth_is_proved_and_only_what_is_new_is_read(source, view, chains, now):
    """By a consistency proof, and by the entries themselves."""
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now)
    view.log.add_chain(chains[20], now)
    view.log.publish(now)
    view.asked.clear()
    report = monitor.poll(now)
    assert [each.index for each in report.unexpected] == [10]
    assert view.asked == [
        ("get-sth", {}),
        ("get-sth-consistency", {"first": 10, "second": 11}),
        ("get-entries", {"start": 10, "end": 10}),
    ]


def test_what_is_expected_is_counted_and_what_concerns_nobody_is_not(
    source, view, chains, root, now
):
    """The owner's own certificates, by issuer or one by one."""
    for expected, count in (
        (Expected.of(issuers=[root.certificate]), 10),
        (Expected.of(certificates=[chains[2][0], chains[5][0]]), 2),
    ):
        report = Monitor([source], WATCHLIST, view, expected=expected).poll(now)
        assert (report.expected, len(report.unexpected)) == (count, 10 - count)
    report = Monitor([source], NOBODY, view).poll(now)
    assert (report.expected, report.unexpected, report.entries) == (0, (), 10)


def test_a_log_may_return_fewer_entries_than_asked_for(source, view, now):
    """It caps its answers; the monitor goes on from there."""
    view.most = 3
    report = Monitor([source], WATCHLIST, view).poll(now)
    assert (report.entries, report.problems) == (10, ())
    starts = [query["start"] for call, query in view.asked if call == "get-entries"]
    assert starts == [0, 3, 6, 9]


def test_a_monitor_goes_on_from_its_state(source, view, chains, now):
    """Also in the middle of a log; nothing is read or reported twice, nothing left out."""
    whole = Monitor([source], WATCHLIST, view).poll(now)
    state, seen, rounds = None, [], 0
    while True:
        monitor = Monitor([source], WATCHLIST, view, state=state)
        report = monitor.poll(now, most=3)
        assert not report.problems
        seen += report.unexpected
        state = json.loads(json.dumps(monitor.state()))
        rounds += 1
        if not report.entries:
            break
    assert tuple(seen) == whole.unexpected
    assert rounds == 5
    view.log.add_chain(chains[20], now)
    view.log.publish(now)
    report = Monitor([source], WATCHLIST, view, state=state).poll(now)
    assert [each.index for each in report.unexpected] == [10]


def test_a_log_that_grows_while_it_is_read_is_read_to_the_head_first_seen(
    source, view, chains, now
):
    """And then to the newer one, in the same round."""
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now, most=4)
    for number in range(20, 25):
        view.log.add_chain(chains[number], now)
    view.log.publish(now)
    report = monitor.poll(now)
    assert (report.entries, report.problems) == (11, ())
    assert monitor.heads()[source.id].head.size == 15


def test_an_older_head_is_no_offence(source, grow, now):
    """Some front end is behind, and what it shows is the beginning of what is known."""
    view = Vantage(grow(range(10), 6), now)
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now)
    view.head = earlier(view.log, 6, now)
    report = monitor.poll(now)
    assert (report.problems, report.entries) == ((), 0)
    assert monitor.heads()[source.id].head.size == 10


def earlier(log, size, now):
    """Return the head that a log had at a size."""
    root = log._tree.root(size)
    at = timestamp_of(now - HOUR + size * timedelta(seconds=1))
    return sign_tree_head(log._key, TreeHead(size, at, root))


# Logs that rewrite what they have shown.


def test_another_tree_of_the_same_size_is_seen(source, view, grow, now):
    """Both signed heads are the evidence."""
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now)
    first = monitor.heads()[source.id]
    view.log = grow([*range(9), 30])
    report = monitor.poll(now)
    assert kinds(report) == [ProblemKind.REWRITTEN]
    assert report.problems[0].heads == (first, view.log.head(now))
    assert report.problems[0].kind in MISBEHAVIOUR
    assert monitor.heads()[source.id] == first


def test_a_larger_tree_that_does_not_continue_the_known_one_is_seen(source, view, grow, now):
    """Its own proof is of another beginning; nothing of it is read, and it is seen again."""
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now)
    view.log = grow([*range(5), 30, *range(6, 10), 11, 12])
    for _ in range(2):
        report = monitor.poll(now)
        assert kinds(report) == [ProblemKind.INCONSISTENT]
        assert report.entries == 0
        assert [each.head.size for each in report.problems[0].heads] == [10, 12]


def test_a_smaller_tree_of_a_later_time_is_seen(source, view, grow, now):
    """A log only grows."""
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now)
    view.head = sign_tree_head(
        view.log._key, TreeHead(6, timestamp_of(now), view.log._tree.root(6))
    )
    report = monitor.poll(now)
    assert kinds(report) == [ProblemKind.TIME_WENT_BACK]


def test_entries_that_do_not_make_the_root_are_seen(source, view, now, chains):
    """The head stays unbelieved, and once the entries are right they are read again."""
    other = view.log.entries(7, 8)[0]
    swap = StoredEntry(view.log.entries(2, 3)[0].leaf, other.extra_data)

    def spoil(answer):
        answer["entries"][7]["leaf_input"] = b64(swap.leaf)
        return answer

    view.spoil["get-entries"] = spoil
    monitor = Monitor([source], WATCHLIST, view)
    report = monitor.poll(now)
    assert kinds(report) == [ProblemKind.WRONG_ROOT]
    assert monitor.heads() == {}
    view.spoil.clear()
    report = monitor.poll(now)
    assert (report.problems, report.entries) == ((), 10)
    assert monitor.heads()[source.id].head.size == 10


def test_an_empty_tree_has_the_empty_root(source, key, now):
    """And no other."""
    log = Log(key, MemoryStorage(), mmd=timedelta(hours=24))
    view = Vantage(log, now)
    assert Monitor([source], WATCHLIST, view).poll(now).problems == ()
    view.head = sign_tree_head(key, TreeHead(0, timestamp_of(now), bytes(32)))
    assert kinds(Monitor([source], WATCHLIST, view).poll(now)) == [ProblemKind.WRONG_ROOT]


# Heads.


def test_a_head_signed_by_another_key_is_not_followed(source, view, make, now):
    """It is somebody else's word."""
    head = view.log.head(now).head
    view.head = sign_tree_head(make.key("another log"), head)
    report = Monitor([source], WATCHLIST, view).poll(now)
    assert (kinds(report), report.entries) == ([ProblemKind.BAD_SIGNATURE], 0)


def test_old_and_future_heads_are_told_and_still_followed(source, view, now):
    """Each by its sentence; a head within the maximum merge delay is neither."""
    written = view.log.head(now)  # an hour before now
    day = timedelta(hours=24)
    for at, expected in (
        (now, []),
        (written.head.moment + day, []),
        (written.head.moment + day + timedelta(milliseconds=1), [ProblemKind.STALE]),
        (written.head.moment - timedelta(seconds=6), [ProblemKind.FUTURE]),
        (written.head.moment - timedelta(seconds=4), []),
    ):
        view.head = written
        report = Monitor([source], WATCHLIST, view).poll(at)
        assert kinds(report) == expected
        assert report.entries == 10


# Split views.


class Liar:
    """A log that shows one tree to some and another to others, both signed."""

    def __init__(self, honest, forked, now):
        self.honest, self.forked = Vantage(honest, now), Vantage(forked, now)


@pytest.mark.parametrize("sizes", [(10, 10), (10, 13), (13, 10)])
def test_two_who_were_shown_different_trees_find_out_by_talking(source, grow, now, sizes):
    """Whichever is larger; to each of them alone the log looks honest."""
    honest, hidden = sizes
    extra = list(range(12, 40))
    liar = Liar(
        grow([*range(8), *extra[: honest - 8]]),
        grow([*range(8), 39, *extra[: hidden - 9]]),
        now,
    )
    one = Monitor([source], WATCHLIST, liar.honest)
    two = Monitor([source], WATCHLIST, liar.forked)
    assert one.poll(now).problems == two.poll(now).problems == ()
    told = two.heads()[source.id]
    problems = one.hear(source.id, told)
    assert kinds(problems) == [ProblemKind.SPLIT_VIEW]
    assert set(problems[0].heads) == {one.heads()[source.id], told}
    assert kinds(two.hear(source.id, one.heads()[source.id])) == [ProblemKind.SPLIT_VIEW]


def test_two_who_were_shown_one_tree_agree_at_any_two_sizes(source, grow, now):
    """Nothing to tell."""
    view = Vantage(grow(range(10), 4, 7), now)
    one = Monitor([source], WATCHLIST, view)
    one.poll(now)
    for size in (4, 7, 10):
        assert one.hear(source.id, earlier(view.log, size, now)) == ()
    assert Monitor([source], WATCHLIST, view).hear(source.id, earlier(view.log, 4, now)) == ()


def test_what_one_hears_has_to_be_signed_by_the_log(source, view, make, now):
    """Otherwise anyone could accuse it; and it has to be of a log that is followed."""
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now)
    forged = sign_tree_head(make.key("another log"), TreeHead(10, 1, bytes(32)))
    assert kinds(monitor.hear(source.id, forged)) == [ProblemKind.BAD_SIGNATURE]
    for head in (TreeHead(2**64, 1, bytes(32)), TreeHead(1, 1, b"short")):
        told = SignedTreeHead(head, forged.signature)
        assert kinds(monitor.hear(source.id, told)) == [ProblemKind.UNREADABLE_ANSWER]
    with pytest.raises(CtError, match="log ID"):
        monitor.hear(bytes(32), forged)


def test_a_log_that_gives_no_proof_is_not_taken_for_agreeing(source, grow, now):
    """A check that cannot be made is a problem."""
    view = Vantage(grow(range(10), 4), now)
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now)
    view.spoil["get-sth-consistency"] = lambda _: b"not now"
    assert kinds(monitor.hear(source.id, earlier(view.log, 4, now))) == [
        ProblemKind.UNREADABLE_ANSWER
    ]


# Logs that cannot be read.


def test_one_logs_trouble_does_not_keep_the_others_from_being_followed(
    source, view, make, root, chains, now
):
    """Unreachable, or speaking nonsense."""
    second = Log(make.key("another log"), MemoryStorage(), mmd=timedelta(hours=24))
    second.roots.add(root.certificate)
    second.add_chain(chains[0], now)
    second.publish(now)
    other = LogSource("two", "https://two.example/", second.public_key)
    for trouble, expected in (
        (OSError("no route"), ProblemKind.UNREACHABLE),
        (CtError("fetch", found="404", expected="200"), ProblemKind.UNREACHABLE),
        (b"<html>", ProblemKind.UNREADABLE_ANSWER),
        (b'{"tree_size": 1}', ProblemKind.UNREADABLE_ANSWER),
    ):

        def fetch(url, trouble=trouble):
            if "two" in url:
                return Vantage(second, now)(url)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble

        report = Monitor([source, other], WATCHLIST, fetch).poll(now)
        assert [(each.kind, each.log) for each in report.problems] == [(expected, "one")]
        assert [each.log for each in report.unexpected] == ["two"]


def test_a_log_that_promises_without_end_does_not_keep_the_others_waiting(
    source, key, make, root, chains, now
):
    """A head of 2**62 entries, of which there is always one more."""
    second = Log(make.key("another log"), MemoryStorage(), mmd=timedelta(hours=24))
    second.roots.add(root.certificate)
    second.add_chain(chains[0], now)
    second.publish(now)
    other = LogSource("two", "https://two.example/", second.public_key)
    endless = sign_tree_head(key, TreeHead(2**62, timestamp_of(now), bytes(32)))
    leaf = b64(merkle_leaf(TimestampedEntry(0, b"certificate")))

    def fetch(url):
        if "two" in url:
            return Vantage(second, now)(url)
        return write_tree_head(endless) if "get-sth" in url else {"entries": [{"leaf_input": leaf}]}

    monitor = Monitor([source, other], WATCHLIST, fetch)
    report = monitor.poll(now, most=5)
    assert report.entries == 5 + 1
    assert [each.log for each in report.unexpected] == ["two"]
    assert monitor.poll(now, most=5).entries == 5


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: {"entries": []},
        lambda answer: {"entries": answer["entries"] * 2},
        lambda answer: {"entries": [{"extra_data": ""}] * 10},
        lambda answer: {"entries": [{"leaf_input": "ü", "extra_data": ""}] * 10},
        lambda answer: {"entries": [{"leaf_input": 7}] * 10},
        lambda answer: {"entries": 7},
        lambda answer: [],
    ],
)
def test_entries_that_are_none_are_told(source, view, now, spoil):
    """And the place is kept."""
    view.spoil["get-entries"] = spoil
    monitor = Monitor([source], WATCHLIST, view)
    assert kinds(monitor.poll(now)) == [ProblemKind.UNREADABLE_ANSWER]
    view.spoil.clear()
    report = monitor.poll(now)
    assert (report.problems, report.entries) == ((), 10)


def test_an_entry_that_cannot_be_read_is_told_and_the_rest_is_read(source, key, now):
    """A log that signs nonsense is still hashed to its root."""
    good = merkle_leaf(TimestampedEntry(1, b"der", b"ext"))
    leaves = [good, b"", b"nonsense", b"\1" + good[1:], good[:-1], good + b"\0", good]
    tree = Tree()
    tree.extend(leaves)
    head = TreeHead(len(leaves), timestamp_of(now), tree.root())
    answers = {
        "get-sth": write_tree_head(sign_tree_head(key, head)),
        "get-entries": {"entries": [{"leaf_input": b64(leaf)} for leaf in leaves]},
    }
    fetch = lambda url: answers[urlsplit(url).path.rpartition("/")[2]]  # noqa: E731 - a transport
    report = Monitor([source], WATCHLIST, fetch).poll(now)
    assert kinds(report) == [ProblemKind.UNREADABLE_ENTRY] * 5
    numbers = [each.sentence.partition("entry ")[2][0] for each in report.problems]
    assert numbers == ["1", "2", "3", "4", "5"]


@given(st.binary(max_size=80))
def test_the_quick_look_at_a_leaf_and_the_careful_one_agree(data):
    """What passes the one passes the other."""
    from pkilab.ct.monitor import _unlike_leaves
    from pkilab.ct.structures import decode_merkle_leaf

    empty = bytes(15), bytes(11) + b"\1" + bytes(37)  # of no bytes, which RFC 6962, 3.1, rules out
    for leaf in (data, b"\0\0" + bytes(8) + data, b"\0\0" + bytes(9) + b"\1" + data, *empty):
        if not _unlike_leaves([leaf]):
            assert merkle_leaf(decode_merkle_leaf(leaf)) == leaf


# What is remembered.


def test_a_state_is_small_and_memory_flat_however_large_the_log(source, key, now):
    """The right edge of the tree is all that is kept: 20,000 entries more cost nothing."""
    leaf = merkle_leaf(TimestampedEntry(1, b"nothing of interest" * 20))
    page = [{"leaf_input": b64(leaf), "extra_data": ""}] * 1024
    tree = Tree()
    tree.extend([leaf] * 30 * 1024)

    def fetch(url):
        if url.endswith("get-sth"):
            head = TreeHead(30 * 1024, timestamp_of(now), tree.root())
            return write_tree_head(sign_tree_head(key, head))
        return {"entries": page}

    monitor = Monitor([source], WATCHLIST, fetch)
    monitor.poll(now, most=5 * 1024)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    assert monitor.poll(now, most=20 * 1024).entries == 20 * 1024
    assert tracemalloc.get_traced_memory()[0] - before < 64_000
    tracemalloc.stop()
    monitor.poll(now)
    assert monitor.heads()[source.id].head.size == 30 * 1024
    assert len(json.dumps(monitor.state())) < 3_000


def test_a_state_of_other_logs_is_passed_over_and_a_new_log_is_read_from_its_beginning(
    source, view, make, now
):
    """Logs come and go."""
    gone = LogSource("gone", "https://gone.example/", make.key("gone").public_key())
    first = Monitor([gone], WATCHLIST, view)
    monitor = Monitor([source], WATCHLIST, view, state=first.state())
    assert monitor.poll(now).entries == 10


def test_a_state_that_was_changed_is_refused(source, view, now):
    """In its heads, which are signed, and its hashes, which have to make their root."""
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now)
    whole = monitor.state()
    assert Monitor([source], WATCHLIST, view, state=whole).state() == whole

    def changed(change):
        state = json.loads(json.dumps(whole))
        change(state["logs"][source.id.hex()])
        return state

    def other_size(one):
        one["believed"]["tree_size"] += 1

    def other_hash(one):
        one["edge"]["hashes"][0] = "00" * 32

    def forgotten(one):
        one["edge"] = {"size": 0, "hashes": []}

    def endless(one):
        one["edge"]["size"] = float("inf")  # JSON as Python reads it

    def written(one):
        one["edge"]["size"] = "10"

    for change in (other_size, other_hash, forgotten, endless, written, dict.clear):
        with pytest.raises(MalformedError):
            Monitor([source], WATCHLIST, view, state=changed(change))
    for state in ({}, {"version": 2, "logs": {}}, {"version": 1}, {"version": 1, "logs": [1]}):
        with pytest.raises(MalformedError):
            Monitor([source], WATCHLIST, view, state=state)


def test_a_state_that_claims_to_have_read_other_entries_is_refused(source, grow, now):
    """The hash that is the edge of four entries would be that of eight, too."""
    view = Vantage(grow(range(10), 4), now)
    view.head = grow(range(4)).head(now)
    monitor = Monitor([source], WATCHLIST, view)
    monitor.poll(now)
    view.head = None
    monitor.poll(now, most=2)
    whole = json.loads(json.dumps(monitor.state()))
    one = whole["logs"][source.id.hex()]
    assert (one["edge"]["size"], one["ahead"]["size"]) == (4, 6)
    assert Monitor([source], WATCHLIST, view, state=whole).poll(now).problems == ()
    for name, size, words in (("edge", 8, "size of edge"), ("ahead", 16, "size of ahead")):
        hashes = one[name]["hashes"][:1]
        changed = {**one, name: {"size": size, "hashes": hashes}}
        state = {"version": 1, "logs": {source.id.hex(): changed}}
        with pytest.raises(MalformedError, match=words):
            Monitor([source], WATCHLIST, view, state=state)


_JSON = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data())
def test_only_declared_errors_leave_for_whatever_state(source, data):
    """Someone may have edited the file."""
    one = st.fixed_dictionaries(dict.fromkeys(("believed", "edge", "target", "ahead"), _JSON))
    state = data.draw(
        _JSON | st.fixed_dictionaries({"version": st.just(1), "logs": st.just({}) | _JSON})
        | one.map(lambda each: {"version": 1, "logs": {source.id.hex(): each}})
    )  # fmt: skip
    if state is None:
        return
    try:
        Monitor([source], NOBODY, lambda _: b"", state=state)
    except MalformedError:
        return
    assert state["version"] == 1


_STEPS = st.lists(st.integers(0, 9), min_size=1, max_size=8)


@given(_STEPS, st.integers(1, 7), st.integers(1, 5))
def test_an_honest_log_is_never_accused_and_never_missed(
    source, key, root, chains, now, steps, most, page
):
    """However it grows, and however it is read."""
    log = Log(key, MemoryStorage(), mmd=timedelta(hours=24))
    log.roots.add(root.certificate)
    view, state, seen, at = Vantage(log, now), None, [], 0
    view.most = page
    for number, count in enumerate(steps):
        for chain in chains[at : at + count]:
            log.add_chain(chain, now)
        at = min(at + count, len(chains))
        log.publish(now + number * timedelta(seconds=1) - HOUR)
        monitor = Monitor([source], WATCHLIST, view, state=state)
        report = monitor.poll(now, most=most)
        assert not report.problems
        seen += [each.index for each in report.unexpected]
        state = monitor.state()
    monitor = Monitor([source], WATCHLIST, view, state=state)
    seen += [each.index for each in monitor.poll(now).unexpected]
    assert seen == list(range(at))
    assert isinstance(monitor.heads()[source.id], SignedTreeHead)
    assert b64decode(write_tree_head(monitor.heads()[source.id])["sha256_root_hash"]) == (
        log._tree.root()
    )
