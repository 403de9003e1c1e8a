"""Labels and numbers of severity."""

import pytest

from pkilab.simulator.securityhub import severity


@pytest.mark.parametrize(
    ("numbers", "label", "given"),
    [
        ((0,), "INFORMATIONAL", 0),
        ((1, 39), "LOW", 1),
        ((40, 60, 69), "MEDIUM", 40),
        ((70, 89), "HIGH", 70),
        ((90, 100), "CRITICAL", 90),
    ],
)
def test_each_half_of_a_severity_gives_the_other(numbers, label, given):
    """The table of the API Reference, both ways; the number that was given stays."""
    for number in numbers:
        found = severity.complete({"Normalized": number})
        assert found == {"Normalized": number, "Label": label}
    assert severity.complete({"Label": label}) == {"Label": label, "Normalized": given}


def test_a_label_counts_for_more_than_a_number_that_contradicts_it():
    """A number of the label's own range stays."""
    assert severity.complete({"Label": "LOW", "Normalized": 95})["Normalized"] == 1
    assert severity.complete({"Label": "LOW", "Normalized": 20})["Normalized"] == 20


def test_a_providers_severity_has_no_numbers():
    """FindingProviderFields has Label and Original alone."""
    whole = {"Normalized": 60, "Product": 5.0, "Original": "6/10"}
    assert severity.of_provider(whole) == {"Label": "MEDIUM", "Original": "6/10"}
    assert severity.from_provider({"Label": "HIGH"}, whole) == {
        "Label": "HIGH", "Normalized": 70, "Product": 5.0,
    }  # fmt: skip
