import pytest

from pkilab.errors import MalformedError
from pkilab.security_findings import LABELS, label_of, normalized_of


@pytest.mark.parametrize(
    ("normalized", "label"),
    [
        (0, "INFORMATIONAL"), (1, "LOW"), (39, "LOW"), (40, "MEDIUM"), (60, "MEDIUM"),
        (69, "MEDIUM"), (70, "HIGH"), (89, "HIGH"), (90, "CRITICAL"), (100, "CRITICAL"),
    ],
)  # fmt: skip
def test_a_number_has_the_label_of_its_range(normalized, label):
    """AWS's table; the post's 60 is MEDIUM."""
    assert label_of(normalized) == label


@pytest.mark.parametrize("normalized", [-1, 101])
def test_what_is_not_0_to_100_has_no_label(normalized):
    with pytest.raises(MalformedError, match="expected 0 to 100"):
        label_of(normalized)


def test_a_label_has_the_least_number_of_its_range():
    assert {label: normalized_of(label) for label in LABELS} == {
        "INFORMATIONAL": 0, "LOW": 1, "MEDIUM": 40, "HIGH": 70, "CRITICAL": 90,
    }  # fmt: skip
    assert all(label_of(normalized_of(label)) == label for label in LABELS)
