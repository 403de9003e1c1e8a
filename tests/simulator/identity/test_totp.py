"""Codes of virtual MFA devices."""

import base64
from datetime import UTC, datetime

import pytest

from pkilab.simulator.identity import totp

# RFC 6238, appendix B: the SHA-1 rows, of which the last six digits are what six digits show.
SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


@pytest.mark.parametrize(("second", "code"), VECTORS)
def test_codes_are_those_of_rfc_6238(second, code):
    """Its vectors have eight digits; six are the same number, cut."""
    step = totp.step_of(datetime.fromtimestamp(second, UTC))
    assert totp.code_of(SECRET, step) == code[2:]


def test_a_code_is_found_among_the_steps_that_are_asked():
    """And not outside them."""
    code = totp.code_of(SECRET, 100)
    assert totp.find(SECRET, code, range(98, 103)) == 100
    assert totp.find(SECRET, code, range(101, 104)) is None
    assert totp.find(SECRET, "", range(101, 104)) is None
