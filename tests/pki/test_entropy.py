from __future__ import annotations

import subprocess
import sys
import uuid

from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki.entropy import Entropy, SystemEntropy


@given(st.text(), st.lists(st.integers(min_value=0, max_value=400), max_size=6))
def test_a_stream_is_the_same_however_it_is_cut(seed: str, sizes: list[int]) -> None:
    source = Entropy(seed)
    pieces = b"".join(source.bytes(size) for size in sizes)
    again = Entropy(seed)
    assert pieces == b"".join(again.bytes(size) for size in sizes)
    assert len(pieces) == sum(sizes)


@given(st.text(), st.integers(min_value=0, max_value=64))
def test_a_child_does_not_depend_on_what_was_asked_before(label: str, before: int) -> None:
    parent, busy = Entropy("seed"), Entropy("seed")
    busy.bytes(before)
    busy.child("another").bytes(before)
    assert parent.child(label).bytes(32) == busy.child(label).bytes(32)
    assert parent.bytes(before) == Entropy("seed").bytes(before)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_children_differ_exactly_when_their_paths_do(one: list[str], two: list[str]) -> None:
    """Labels are not simply joined: ("ab",) and ("a", "b") are two children."""
    root = Entropy("seed")
    same = root.child(*one).bytes(16) == root.child(*two).bytes(16)
    assert same == (one == two)


def test_seeds_differ() -> None:
    assert Entropy("a").bytes(32) != Entropy("b").bytes(32)


def test_a_stream_does_not_repeat_itself() -> None:
    source = Entropy("seed")
    blocks = [source.bytes(32) for _ in range(200)]
    assert len(set(blocks)) == 200


def test_another_process_sees_the_same_bytes() -> None:
    code = "from pkilab.pki.entropy import Entropy; print(Entropy('s').child('k').bytes(40).hex())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == Entropy("s").child("k").bytes(40).hex()


def test_uuids_are_version_4_and_differ() -> None:
    source = Entropy("seed")
    first, second = uuid.UUID(source.uuid()), uuid.UUID(source.uuid())
    assert first.version == second.version == 4
    assert first.variant == uuid.RFC_4122
    assert first != second


def test_the_system_source_gives_what_is_asked_for_and_never_repeats() -> None:
    source = SystemEntropy()
    assert len(source.bytes(32)) == 32
    assert source.bytes(32) != source.bytes(32)
