import pytest

from pkilab.simulator.apigateway.lambda_uris import invoked, is_function, is_invocation

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:judge"
INVOCATION = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


def test_a_function_is_named_by_its_arn_or_by_its_invocations():
    assert is_function(FUNCTION)
    assert is_function(f"{FUNCTION}:live")
    assert is_invocation(INVOCATION)
    assert invoked(FUNCTION) == invoked(INVOCATION) == FUNCTION


@pytest.mark.parametrize("uri", ["", "judge", INVOCATION, f"{FUNCTION}:", "arn:aws:s3:::judge",
                                 FUNCTION.replace("1111", "\u0661\u0661\u0661\u0661")])  # fmt: skip
def test_what_is_not_a_functions_arn_is_none(uri):
    assert not is_function(uri)


@pytest.mark.parametrize("uri", ["", FUNCTION, INVOCATION.replace(FUNCTION, "judge")])
def test_what_is_not_an_invocation_of_a_function_is_none(uri):
    assert not is_invocation(uri)
