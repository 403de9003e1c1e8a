"""A ledger gives back what was written, also of a writer that was killed, and refuses the rest."""

import json
import stat
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import LabError, MalformedError
from pkilab.journal import Entry, Withheld
from pkilab.ledger import UNANSWERED, Ledger, folder, read

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
HEAD = {
    "run": "20261102-090000-abc234",
    "at": AT,
    "region": "us-east-1",
    "accounts": {"main": "111122223333"},
    "profiles": {"main": None},
}

kept = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.datetimes(timezones=st.just(UTC))
    | st.builds(Withheld, st.text(max_size=9), st.none() | st.integers(0, 99)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(categories=["L"]), max_size=8), inner, max_size=3)
    ),
    max_leaves=10,
)
entries = st.builds(
    Entry,
    number=st.integers(1, 9999),
    at=st.datetimes(timezones=st.just(UTC)),
    account=st.text(min_size=1, max_size=9),
    account_id=st.just("111122223333"),
    region=st.just("eu-west-3"),
    service=st.sampled_from(["acm-pca", "s3"]),
    operation=st.sampled_from(["CreateBucket", "ListBuckets"]),
    resources=st.lists(st.text(max_size=20), max_size=3).map(tuple),
    outcome=st.sampled_from(["ok", "AccessDenied"]),
    parameters=st.dictionaries(st.text(max_size=8), kept, max_size=3),
    results=st.dictionaries(st.text(max_size=8), st.text(max_size=9), max_size=2),
    access_key_id=st.text(max_size=4),
)


def everything(entry):
    """Return all of an entry; equality leaves parameters out."""
    return {name: getattr(entry, name) for name in Entry.__slots__}


@given(st.lists(st.tuples(entries, st.booleans()), max_size=5))
def test_what_is_written_is_read(tmp_path_factory, calls):
    """Each call with all it has, in order; an intent without its answer is told apart."""
    path = tmp_path_factory.mktemp("ledgers") / "run.jsonl"
    ledger = Ledger(path, **HEAD)
    answered, waiting = [], []
    for entry, has_answer in calls:
        intent = ledger.intend(entry)
        if has_answer:
            ledger.answer(entry, intent)
            answered.append(everything(entry))
        else:
            left = {"number": intent, "outcome": UNANSWERED, "results": {}}
            waiting.append(everything(entry) | left)
    ledger.close()
    record = read(path)
    assert [everything(each) for each in record.entries] == answered
    assert [everything(each) for each in record.unanswered] == waiting
    assert {name: getattr(record, name) for name in HEAD} == HEAD


@given(st.lists(entries, min_size=1, max_size=3), st.data())
def test_whatever_byte_the_writer_was_killed_at_the_rest_is_there(tmp_path_factory, calls, data):
    """A file that ends in the middle of a line has the lines before it."""
    path = tmp_path_factory.mktemp("ledgers") / "run.jsonl"
    ledger = Ledger(path, **HEAD)
    first = path.stat().st_size
    for entry in calls:
        ledger.answer(entry, None)
    ledger.close()
    text = path.read_bytes()
    cut = data.draw(st.integers(first, len(text)))
    path.write_bytes(text[:cut])
    assert len(read(path).entries) == text[:cut].count(b"\n") - 1


def test_a_ledger_is_its_owners_and_nobody_elses(tmp_path):
    """0600 in a folder of 0700; and a second of the same name is refused."""
    path = tmp_path / "new" / "run.jsonl"
    Ledger(path, **HEAD).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(LabError, match="cannot be written"):
        Ledger(path, **HEAD)


def test_a_closed_ledger_takes_nothing_more(tmp_path):
    """A thread that ends late is no error."""
    ledger = Ledger(tmp_path / "run.jsonl", **HEAD)
    ledger.close()
    ledger.close()
    ledger.answer(Entry(1, AT, "main", "1", "r", "s3", "CreateBucket", (), "ok"), None)
    assert read(tmp_path / "run.jsonl").entries == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: found nothing"),
        ("{}\n", "line 1: found the members none"),
        ('{"ledger": 2}\n', "line 1: found the members ledger"),
        ('{"ledger": 1}\n', "line 1: found KeyError"),
        ("[]\n", "line 1: found b'\\[\\]', expected a JSON object"),
        ("no\n", "line 1: found b'no'"),
    ],
)
def test_what_is_no_ledger_is_refused(tmp_path, text, message):
    path = tmp_path / "it"
    path.write_text(text)
    with pytest.raises(MalformedError, match=message):
        read(path)


def test_damage_before_the_end_is_named_by_its_line(tmp_path):
    path = tmp_path / "run.jsonl"
    ledger = Ledger(path, **HEAD)
    ledger.answer(Entry(1, AT, "main", "1", "r", "s3", "CreateBucket", (), "ok"), None)
    ledger.close()
    lines = path.read_text().splitlines()
    said = json.loads(lines[1])
    for damaged in (said | {"at": "today"}, said | {"number": "x"}, said | {"parameters": []}, {}):
        path.write_text("\n".join([lines[0], json.dumps(damaged), lines[1], ""]))
        with pytest.raises(MalformedError, match="line 2: found"):
            read(path)
    with pytest.raises(LabError, match="cannot be read"):
        read(tmp_path / "none")


@given(st.binary(max_size=80))
def test_only_declared_errors_leave_the_reader(tmp_path_factory, junk):
    path = tmp_path_factory.mktemp("ledgers") / "run.jsonl"
    good = Ledger(path, **HEAD)
    good.close()
    path.write_bytes(path.read_bytes() + junk + b"\n")
    with suppress(MalformedError):
        read(path)


def test_ledgers_are_kept_where_the_environment_says(monkeypatch, tmp_path):
    """The project's own variable, the XDG one, or the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PKILAB_LEDGERS", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert folder() == tmp_path / ".local/state/pkilab/ledgers"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert folder() == tmp_path / "state/pkilab/ledgers"
    monkeypatch.setenv("PKILAB_LEDGERS", str(tmp_path / "mine"))
    assert folder() == tmp_path / "mine"


def test_a_full_disk_is_a_clear_stop(tmp_path, monkeypatch):
    """The call that could not be written down is not sent."""
    ledger = Ledger(
        tmp_path / "run.jsonl",
        run="r",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        region="us-east-1",
        accounts={"main": "111122223333"},
        profiles={"main": None},
    )

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        with pytest.raises(LabError, match=r"run\.jsonl cannot be written: No space left"):
            ledger.intend(
                Entry(1, datetime(2026, 1, 1, tzinfo=UTC), "main", "1", "r", "s3", "X", (), "")
            )
    ledger.close()
