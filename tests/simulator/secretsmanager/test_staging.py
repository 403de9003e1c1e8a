"""Staging labels, moved at random."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.secretsmanager.staging import LABELS, attach, drop_outdated, move
from pkilab.simulator.secretsmanager.state import CURRENT, PREVIOUS, Secret, Version
from pkilab.simulator.service import AwsError

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
IDS = st.sampled_from(["a", "b", "c", "none"])
LABEL = st.sampled_from([CURRENT, PREVIOUS, "AWSPENDING", "blue"])


def secret(*ids):
    found = Secret("arn", "s", "111122223333", "us-east-1", NOW, NOW)
    found.versions = {each: Version(each, NOW) for each in ids}
    return found


@given(st.lists(st.tuples(LABEL, st.none() | IDS, st.none() | IDS), max_size=20))
def test_a_label_is_at_one_version_and_current_is_never_lost(moves):
    """Whatever is asked for; what is refused changes nothing."""
    found = secret("a", "b", "c")
    attach(found, found.versions["a"], [CURRENT])
    for label, source, target in moves:
        before = {each: list(one.stages) for each, one in found.versions.items()}
        current = found.staged(CURRENT)
        try:
            move(found, label, source, target)
        except AwsError:
            assert {each: one.stages for each, one in found.versions.items()} == before
        labels = [each for one in found.versions.values() for each in one.stages]
        assert len(labels) == len(set(labels))
        assert found.staged(CURRENT) is not None
        if found.staged(CURRENT) is not current:
            assert found.staged(PREVIOUS) is current


def test_a_version_has_at_most_twenty_labels():
    """One more is refused."""
    found = secret("a")
    attach(found, found.versions["a"], map(str, range(LABELS)))
    with pytest.raises(AwsError, match="LimitExceededException"):
        attach(found, found.versions["a"], ["more"])


def test_versions_with_labels_and_young_ones_are_never_dropped():
    """However many there are."""
    found = secret(*map(str, range(120)))
    found.versions["0"].stages.append("keep")
    drop_outdated(found, NOW + timedelta(hours=23))
    assert len(found.versions) == 120
    drop_outdated(found, NOW + timedelta(hours=24))
    assert len(found.versions) == 100
    assert list(found.versions)[:2] == ["0", "21"]
