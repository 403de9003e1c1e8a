"""A log's folder: what was answered for is there, whatever happened in between."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.ct.log import Log, StoredEntry
from pkilab.ct.merkle import leaf_hash, verify_inclusion
from pkilab.ct.signing import sign_tree_head
from pkilab.ct.structures import TimestampedEntry, TreeHead, merkle_leaf
from pkilab.errors import CtError, LabError
from pkilab.simulator.ctlogs.store import FolderStore

KEY = ec.derive_private_key(11, ec.SECP256R1())
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
MMD = timedelta(hours=24)
ENTRIES = [StoredEntry(f"leaf {number}".encode(), b"chain" * number) for number in range(6)]
HEADS = [sign_tree_head(KEY, TreeHead(size, 1000 + size, bytes(32))) for size in range(4)]


def filled(folder, count=6, heads=4):
    """Write a folder and close it again."""
    with closing(FolderStore(folder)) as store:
        for each in ENTRIES[:count]:
            store.append(each)
        for each in HEADS[:heads]:
            store.record(each)


def test_what_was_written_is_there_when_the_folder_is_opened_again(tmp_path):
    """Entries in order, and the last head."""
    filled(tmp_path)
    with closing(FolderStore(tmp_path)) as store:
        assert len(store) == 6
        assert store.read(0, 6) == ENTRIES
        assert store.read(2, 4) == ENTRIES[2:4]
        assert store.read(3, 3) == []
        assert store.last_head() == HEADS[3]
        store.append(ENTRIES[0])
        assert store.read(6, 7) == ENTRIES[:1]


def test_a_new_folder_is_empty(tmp_path):
    """And is made with what is above it."""
    with closing(FolderStore(tmp_path / "new" / "log")) as store:
        assert (len(store), store.last_head()) == (0, None)


def test_two_processes_do_not_share_a_folder(tmp_path):
    """Nor two stores of one; it is free again once it was closed."""
    with (
        closing(FolderStore(tmp_path)),
        pytest.raises(LabError, match="open in another process"),
    ):
        FolderStore(tmp_path)
    FolderStore(tmp_path).close()


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    """With the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot be used"):
        FolderStore(tmp_path / "file")


def test_a_torn_record_is_cut_off_wherever_it_was_torn(tmp_path):
    """Every length that the file could have been left with: all records before are there."""
    filled(tmp_path)
    whole = (tmp_path / "entries.ct").read_bytes()
    ends = [0]
    with closing(FolderStore(tmp_path)) as store:
        ends = list(store._entries._ends)
    for length in range(len(whole)):
        (tmp_path / "entries.ct").write_bytes(whole[:length])
        intact = sum(end <= length for end in ends) - 1
        with closing(FolderStore(tmp_path)) as store:
            assert store.read(0, len(store)) == ENTRIES[:intact]
            store.append(ENTRIES[5])
        with closing(FolderStore(tmp_path)) as store:
            assert store.read(0, len(store)) == [*ENTRIES[:intact], ENTRIES[5]]


@pytest.mark.parametrize("filling", [b"\0", b"\xff", b"CTr\x01"])
def test_a_last_record_of_which_only_the_length_got_to_the_disk_is_cut_off(tmp_path, filling):
    """A file system may lengthen a file before it writes what belongs there."""
    filled(tmp_path)
    path = tmp_path / "entries.ct"
    whole = path.read_bytes()
    with closing(FolderStore(tmp_path)) as store:
        last = store._entries._ends[-2]
    for kept in range(last, len(whole)):
        left = whole[:kept] + (filling * len(whole))[: len(whole) - kept]
        path.write_bytes(left)
        with closing(FolderStore(tmp_path)) as store:
            assert store.read(0, len(store)) == ENTRIES[: 6 if left == whole else 5]


def test_a_torn_head_is_cut_off(tmp_path):
    """It was shown to nobody; the one before was."""
    filled(tmp_path)
    path = tmp_path / "heads.ct"
    path.write_bytes(path.read_bytes()[:-1])
    with closing(FolderStore(tmp_path)) as store:
        assert store.last_head() == HEADS[2]


def test_damage_before_the_end_is_refused_and_not_repaired(tmp_path):
    """Every byte of the first record, one at a time; the file is left as it was."""
    filled(tmp_path)
    path = tmp_path / "entries.ct"
    whole = path.read_bytes()
    with closing(FolderStore(tmp_path)) as store:
        first = store._entries._ends[1]
    for at in range(first):
        damaged = bytearray(whole)
        damaged[at] ^= 0x40
        path.write_bytes(damaged)
        with pytest.raises(LabError, match="is damaged, not torn"):
            FolderStore(tmp_path)
        assert path.read_bytes() == damaged
    path.write_bytes(whole)
    FolderStore(tmp_path).close()


def test_damage_while_it_is_open_is_not_handed_out(tmp_path, monkeypatch):
    """Each record's checksum is looked at whenever it is read."""
    filled(tmp_path)
    with closing(FolderStore(tmp_path)) as store:
        data = bytearray((tmp_path / "entries.ct").read_bytes())
        data[20] ^= 1
        (tmp_path / "entries.ct").write_bytes(data)
        with pytest.raises(LabError, match="record 0 is damaged"):
            store.read(0, 2)
        assert store.read(1, 3) == ENTRIES[1:3]
        (tmp_path / "entries.ct").write_bytes(b"")
        with pytest.raises(LabError, match="too early"):
            store.read(1, 3)

        def fails(*_arguments):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "pread", fails)
        with pytest.raises(LabError, match=r"cannot be read: .* Input/output error"):
            store.read(1, 3)


def test_a_record_is_on_the_disk_before_the_call_returns(tmp_path, monkeypatch):
    """Written, then synced: in this order, each time."""
    with closing(FolderStore(tmp_path)) as store:
        done = []
        write, sync = os.pwrite, os.fdatasync
        monkeypatch.setattr(os, "pwrite", lambda *a: done.append("write") or write(*a))
        monkeypatch.setattr(os, "fdatasync", lambda f: done.append("sync") or sync(f))
        store.append(ENTRIES[0])
        store.record(HEADS[0])
        assert done == ["write", "sync"] * 2


@pytest.mark.parametrize("failing", ["pwrite", "fdatasync"])
def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch, failing):
    """A full disk, say; when there is room again the store goes on."""
    with closing(FolderStore(tmp_path)) as store:
        store.append(ENTRIES[0])
        original, calls = getattr(os, failing), []

        def fails(*arguments):
            calls.append(1)
            if len(calls) == 1:
                if failing == "pwrite":
                    original(arguments[0], arguments[1][:9], arguments[2])  # some of it
                raise OSError(28, "No space left on device")
            return original(*arguments)

        monkeypatch.setattr(os, failing, fails)
        with pytest.raises(LabError, match="No space left"):
            store.append(ENTRIES[1])
        assert len(store) == 1
        store.append(ENTRIES[2])
    with closing(FolderStore(tmp_path)) as store:
        assert store.read(0, 2) == [ENTRIES[0], ENTRIES[2]]


def test_a_file_that_cannot_even_be_cut_is_written_no_more(tmp_path, monkeypatch):
    """Whatever came after would stand behind something torn."""
    with closing(FolderStore(tmp_path)) as store:
        store.append(ENTRIES[0])

        def fails(*_arguments):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "fdatasync", fails)
        with pytest.raises(LabError):
            store.append(ENTRIES[1])
        monkeypatch.undo()
        with pytest.raises(LabError, match="nothing more is written"):
            store.append(ENTRIES[1])
        assert store.read(0, 1) == ENTRIES[:1]


def test_no_key_is_in_the_folder(tmp_path):
    """Keys come from the world's seed."""
    filled(tmp_path)
    secret = KEY.private_numbers().private_value.to_bytes(32)
    assert all(secret not in each.read_bytes() for each in tmp_path.iterdir())
    assert {each.name for each in tmp_path.iterdir()} == {"entries.ct", "heads.ct", "lock"}


def test_a_log_whose_shown_entries_are_gone_does_not_go_on(tmp_path):
    """Damage that looks like a torn record is seen by the head."""
    root, chains = authority(4)
    with closing(FolderStore(tmp_path)) as store:
        log = opened(store, root)
        for chain in chains:
            log.add_chain(chain, NOW)
        log.publish(NOW)
        keep = store._entries._ends[3]
    os.truncate(tmp_path / "entries.ct", keep)
    with closing(FolderStore(tmp_path)) as store, pytest.raises(CtError, match="found 3 entries"):
        opened(store, root)


# A process that is killed.

CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_store as t

root, chains = t.authority(400)
store = t.FolderStore(Path(sys.argv[2]))
log = t.opened(store, root)
begun = len(store)
print("ready", flush=True)
for number in range(begun, 400):
    sct = log.add_chain(chains[number], t.NOW + t.timedelta(minutes=number))
    sys.stdout.write(f"{number} {sct.timestamp} {sct.signature.signature.hex()}\\n")
    sys.stdout.flush()
    if number % 7 == 0:
        head = log.publish(t.NOW + t.timedelta(minutes=number)).head
        sys.stdout.write(f"head {head.size} {head.timestamp} {head.root.hex()}\\n")
        sys.stdout.flush()
"""


def authority(count):
    """Make a root and chains below it, the same ones in every process."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Root")])

    def made(number, *, ca):
        return (
            x509.CertificateBuilder(
                issuer_name=name,
                subject_name=name,
                public_key=KEY.public_key(),
                serial_number=number + 1,
                not_valid_before=NOW,
                not_valid_after=NOW + MMD,
            )
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .sign(KEY, hashes.SHA256(), ecdsa_deterministic=True)
        )

    return made(10**6, ca=True), [[made(number, ca=False)] for number in range(count)]


def opened(store, root):
    log = Log(KEY, store, mmd=MMD)
    log.roots.add(root)
    return log


def test_a_promise_survives_a_kill_at_any_moment(tmp_path):
    """A process that logs is killed again and again; every SCT and head it gave out holds."""
    chance = random.Random(20261102)  # noqa: S311 - when to kill
    root, chains = authority(400)
    scts, heads, kills = {}, [], 0
    while len(scts) < 400 and kills < 40:
        command = [sys.executable, "-c", CHILD, os.path.dirname(__file__), str(tmp_path)]  # noqa: PTH120
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 0.02))
            child.send_signal(signal.SIGKILL)
            kills += 1
            for line in child.stdout.read().splitlines(keepends=True):
                if not line.endswith("\n"):
                    continue  # cut off by the kill
                words = line.split()
                if words[0] == "head":
                    heads.append((int(words[1]), bytes.fromhex(words[3])))
                else:
                    scts[int(words[0])] = (int(words[1]), words[2])
    assert kills >= 5
    assert len(scts) > kills
    with closing(FolderStore(tmp_path)) as store:
        log = opened(store, root)
        last = log.publish(NOW + 400 * timedelta(minutes=1)).head
        assert last.size >= max(scts) + 1
        for size, shown in heads:
            assert log._tree.root(size) == shown
        for number, (timestamp, signature) in scts.items():
            der = chains[number][0].public_bytes(Encoding.DER)
            hashed = leaf_hash(merkle_leaf(TimestampedEntry(timestamp, der)))
            index, path = log.proof_by_hash(hashed, last.size)
            verify_inclusion(hashed, index, last.size, path, last.root)
            again = log.add_chain(chains[number], NOW)
            assert (again.timestamp, again.signature.signature.hex()) == (timestamp, signature)


def test_records_are_not_taken_for_others(tmp_path):
    """A record copied to another place in the file is none there: its offset is in its checksum."""
    filled(tmp_path, count=2)
    path = tmp_path / "entries.ct"
    whole = path.read_bytes()
    with closing(FolderStore(tmp_path)) as store:
        first = store._entries._ends[1]
    path.write_bytes(whole + whole[:first])
    with closing(FolderStore(tmp_path)) as store:
        assert store.read(0, len(store)) == ENTRIES[:2]
