"""Templates as text, held against the readers of cfn-lint."""

import json
import string

import pytest
import yaml
from cfnlint.decode import decode_str
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.cloudformation.documents import parse
from pkilab.simulator.service import AwsError

NAMES = st.text(string.ascii_letters, min_size=1, max_size=6)
SCALARS = st.text(string.printable, max_size=9) | st.integers() | st.booleans()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def refusal(text):
    with pytest.raises(AwsError) as caught:
        parse(text)
    assert caught.value.code == "ValidationError"
    return caught.value.message


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_json_is_read_as_it_was_written(document):
    assert parse(json.dumps(document)) == document


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_yaml_is_read_as_it_was_written(document):
    assert parse(yaml.safe_dump(document, allow_unicode=True)) == document


@pytest.mark.parametrize(
    "text",
    [
        "A: !Ref B",
        "A: !GetAtt B.C",
        "A: !GetAtt [B, C]",
        "A: !Sub '${B} and ${C.D}'",
        "A: !Sub ['${B}', {B: !Ref C}]",
        "A: !Join [',', [!Ref B, c]]",
        "A: !Select [0, !Split ['-', !Ref B]]",
        "A: !If [Yes, 1, !Ref 'AWS::NoValue']",
        "A: !And [!Equals [a, b], !Not [!Condition C], !Or [!Condition D, !Condition E]]",
        "A: !FindInMap [M, !Ref 'AWS::Region', x]",
        "A: {Fn::ImportValue: !Sub '${B}-x'}",
        "A: !ImportValue x\nB: !Base64 y",
        "A: [1, 2.5, true, 'no', no, 0x1F, 010, 1_000]",
        "A: |\n  one\n  two\nB: >\n  three\n  four\n",
        "'1': {2: x}",
    ],
)
def test_short_forms_become_the_long_ones_that_cfn_lint_reads(text):
    template, errors = decode_str(text)
    assert not errors
    assert parse(text) == json.loads(json.dumps(template))


def test_a_date_is_text_and_so_is_the_name_of_a_switch():
    """The version of the format, and keys such as on: where cfn-lint has a date and a boolean."""
    assert parse("Version: 2010-09-09\non: yes") == {"Version": "2010-09-09", "on": True}


def test_an_attributes_own_dots_are_part_of_its_name():
    """cfn-lint splits at the first dot as well."""
    assert parse("A: !GetAtt B.C.D") == {"A": {"Fn::GetAtt": ["B", "C.D"]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Template format error: unsupported structure."),
        ("just text", "Template format error: unsupported structure."),
        ("[1, 2]", "Template format error: unsupported structure."),
        ("A: [1", "Template format error: YAML not well-formed. (line 1, column 6)"),
        ("A:\n\t- 1", "Template format error: YAML not well-formed. (line 2, column 1)"),
        ("A: \x00", "Template format error: YAML not well-formed."),
        ("A: 1\n---\nB: 2", "Template format error: YAML not well-formed. (line 2, column 1)"),
        ("A: 1\nA: 2", "Template format error: YAML not well-formed. (line 2, column 1)"),
        ("A: !Frobnicate 1", "Template format error: YAML not well-formed. (line 1, column 4)"),
        (
            "A: !!python/object/apply:os.getcwd []",
            "Template format error: YAML not well-formed. (line 1, column 4)",
        ),
        ("A: !!binary eA==", "Template format error: YAML not well-formed. (line 1, column 4)"),
        ('{"A": 1, "B": "}', "Template format error: JSON not well-formed. (line 1, column 15)"),
        ('{"A": ' + "9" * 5000 + "}", "Template format error: JSON not well-formed."),
        ('{"A": [null]}', "[/A/0] 'null' values are not allowed in templates"),
        ("A: {B: }", "[/A/B] 'null' values are not allowed in templates"),
        ("A: .nan", "[/A] 'nan' values are not allowed in templates"),
        (
            "A: &x 1\nB: *x",
            "Template error: YAML aliases are not allowed in CloudFormation templates",
        ),
        ("A: " + "[" * 80 + "1" + "]" * 80,
         "Template format error: the template is nested too deeply."),
        ("A: " + "[" * 5000, "Template format error: YAML not well-formed."),
        ('{"A": ' + "[" * 50_000, "Template format error: JSON not well-formed."),
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused(text, message):
    assert refusal(text).startswith(message)


def test_aliases_cannot_blow_a_template_up():
    """A billion laughs: ten lines that would be ten to the ninth values."""
    lines = ["A0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"A{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "aliases are not allowed" in refusal("\n".join(lines))


@given(st.text(max_size=60) | st.text("{}[]:,&*!?|>-'\"% \n\tab1<", max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        assert isinstance(parse(text), dict)
    except AwsError as error:
        assert error.code == "ValidationError"
