"""The fidelity table claims nothing that no test shows."""

import ast

import pytest

from pkilab.simulator.fidelity import STATUSES, behaviours, fidelity_table


def functions_of(path):
    """Return the names of a file's test functions."""
    return {
        node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("each", behaviours(), ids=lambda each: each.behaviour)
def test_a_behaviour_names_a_status_a_source_and_a_test_that_exists(each, project):
    """Whoever doubts a line can run what shows it."""
    file, _, name = each.test.partition("::")
    assert each.status in STATUSES
    assert each.source
    assert name in functions_of(project / file)


def test_no_behaviour_is_listed_twice():
    """Each line says something else."""
    named = [(each.service, each.behaviour) for each in behaviours()]
    assert len(named) == len(set(named))


def test_the_table_has_a_line_for_each_behaviour():
    """And a heading."""
    assert len(fidelity_table().splitlines()) == len(behaviours()) + 2
