"""Names that libraries draw at random, in a process of its own each time."""

from __future__ import annotations

import subprocess
import sys

SHOW = """
import comm, pandas, ipywidgets
if {repeatable}:
    from pkilab.repeatable import make_outputs_repeatable
    make_outputs_repeatable()
styled = pandas.DataFrame({{"n": [1, 2]}}).style
slider = ipywidgets.IntSlider()
if {repeatable}:
    make_outputs_repeatable()
other = ipywidgets.IntSlider()
assert slider.model_id != other.model_id
print(styled.uuid, slider.model_id, other.model_id)
print(repr(styled))
"""


def shown(*, repeatable: bool) -> str:
    """Run the lines above and return what they print."""
    code = SHOW.format(repeatable=repeatable)
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return answer.stdout


def test_names_are_the_same_in_two_processes_and_never_used_twice() -> None:
    """A second call goes on where the first stood; two widgets of one name would be one widget."""
    first = shown(repeatable=True)
    assert first == shown(repeatable=True)
    assert first.splitlines()[1:] == ["   n", "0  1", "1  2"]


def test_without_it_they_differ() -> None:
    """The partner: were the libraries repeatable by themselves, the module could go."""
    assert shown(repeatable=False) != shown(repeatable=False)
