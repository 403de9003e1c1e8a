"""GetRandomPassword.

Source: Secrets Manager API Reference, GetRandomPassword.
"""

from __future__ import annotations

import string
from collections.abc import Iterable

from pkilab.pki.entropy import RandomSource
from pkilab.simulator.service import AwsError

LENGTH = 32
_PUNCTUATION = string.punctuation  # the API's own list is ASCII's
_BYTE = 256


def random_password(
    entropy: RandomSource,
    *,
    length: int,
    excluded: str,
    without: Iterable[str],
    space: bool,
    each_type: bool,
) -> str:
    """Return a password.

    Args:
        entropy: where its characters come from, each as likely as the other.
        length: in characters.
        excluded: characters that it must not have.
        without: any of ``lowercase``, ``uppercase``, ``numbers`` and ``punctuation``.
        space: whether it may have spaces.
        each_type: whether it has at least one character of each type that it may have.

    Raises:
        AwsError: InvalidParameterException: too short for every type, or nothing is left.
    """
    types = {
        "lowercase": string.ascii_lowercase,
        "uppercase": string.ascii_uppercase,
        "numbers": string.digits,
        "punctuation": _PUNCTUATION,
        "space": " " if space else "",
    }
    kinds = [
        "".join(each for each in characters if each not in excluded)
        for name, characters in types.items()
        if name not in set(without)
    ]
    kinds = [each for each in kinds if each]
    if not kinds:
        raise AwsError(
            "InvalidParameterException", "The password must have at least one character type."
        )
    if each_type and length < len(kinds):
        raise AwsError(
            "InvalidParameterException", "Password length is too short based on the required types."
        )
    every = "".join(kinds)
    needed = kinds if each_type else []
    found = [_pick(entropy, each) for each in needed]
    found += [_pick(entropy, every) for _ in range(length - len(found))]
    return "".join(_shuffled(entropy, found))


def _pick(entropy: RandomSource, characters: str) -> str:
    return characters[_below(entropy, len(characters))]


def _below(entropy: RandomSource, count: int) -> int:
    """Return a number below ``count``, at most 65,536, each as likely as the other."""
    width = 1 if count <= _BYTE else 2
    most = _BYTE**width - _BYTE**width % count
    while (number := int.from_bytes(entropy.bytes(width))) >= most:
        pass
    return number % count


def _shuffled(entropy: RandomSource, items: list[str]) -> list[str]:
    """Return items in an order of Fisher and Yates."""
    found = list(items)
    for last in range(len(found) - 1, 0, -1):
        other = _below(entropy, last + 1)
        found[last], found[other] = found[other], found[last]
    return found
