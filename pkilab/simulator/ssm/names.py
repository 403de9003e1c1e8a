"""Names of parameters: what they may be, their ARNs, and the selectors after them.

Sources: API Reference, PutParameter and GetParameter; User Guide, "Requirements and constraints for
parameter names". Sentences as public issues quote them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pkilab.simulator.acmpca.creation import partition_of
from pkilab.simulator.service import AwsError, Call

LEVELS = 15
LONGEST = 1011  # characters, those of the ARN before the name among them
_RULES = (
    " (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash "
    "symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols "
    ".-_"
)
_CHARACTERS = re.compile(r"[A-Za-z0-9_.-]+|(/[A-Za-z0-9_.-]+)+")
_ARN = re.compile(
    r"arn:[a-z-]+:ssm:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):parameter/(?P<name>.+)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Named:
    """What GetParameter and its like name: a parameter and perhaps one of its versions.

    Attributes:
        arn: the parameter's, whichever way it was named.
        account: whose it is, 12 digits.
        region: where.
        selector: ``""``, or a version's number or label with the colon before it.
    """

    arn: str
    account: str
    region: str
    selector: str = ""


def parameter_arn(call: Call, name: str) -> str:
    """Return the ARN of the caller's parameter of a name."""
    place = f"{partition_of(call.region)}:ssm:{call.region}:{call.account}"
    return f"arn:{place}:parameter/{name.removeprefix('/')}"


def named(call: Call, text: str) -> Named:
    """Read a name or ARN, with a selector or without."""
    text = text.strip(" ")
    if found := _ARN.fullmatch(text):
        base, colon, selector = found["name"].partition(":")
        arn = text[: found.start("name")] + base
        return Named(arn, found["account"], found["region"], colon + selector)
    base, colon, selector = text.partition(":")
    return Named(parameter_arn(call, base), call.account, call.region, colon + selector)


def check_new(call: Call, text: str) -> str:
    """Return the name of a parameter that is to be made, without spaces around it.

    Raises:
        AwsError: ValidationException; AccessDeniedException, a name reserved for AWS;
            HierarchyLevelLimitExceededException.
    """
    name = text.strip(" ")
    if "/" in name and not name.startswith("/"):
        raise _invalid("Parameter name must be a fully qualified name.")
    if name.lower().startswith("/aws"):
        raise AwsError("AccessDeniedException", f"No access to reserved parameter name: {name}.")
    if name.lower().startswith("aws"):
        raise _invalid(f'Parameter name: can\'t be prefixed with "aws" or "ssm"{_RULES}')
    if name.lower().lstrip("/").startswith("ssm") or not _CHARACTERS.fullmatch(name):
        raise _invalid(f'Parameter name: can\'t be prefixed with "ssm"{_RULES}')
    if name.count("/") > LEVELS:
        raise AwsError(
            "HierarchyLevelLimitExceededException",
            f"A hierarchy can have a maximum of {LEVELS} levels. For more information, see "
            '"Requirements and constraints for parameter names" in the AWS Systems Manager User '
            "Guide.",
        )
    if len(parameter_arn(call, name)) > LONGEST:
        raise _invalid(f"Parameter name: can't be longer than {LONGEST} characters with its ARN.")
    return name


def check_path(path: str) -> str:
    """Return a path to look under, with one slash at its end.

    Raises:
        AwsError: ValidationException.
    """
    found = path.strip(" ")
    # A // is no path: what policies are asked for would not be what is listed.
    inside = found.removeprefix("/").removesuffix("/")
    if found != "/" and not (found.startswith("/") and _CHARACTERS.fullmatch(f"/{inside}")):
        raise _invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must "
            'begin with a forward slash "/". It can\'t be prefixed with "aws" or "ssm" '
            "(case-insensitive). It must use only letters, numbers, or the following symbols: . "
            "(period), - (hyphen), _ (underscore). Special characters are not allowed. All "
            'sub-paths, if specified, must use the forward slash symbol "/". Valid example: '
            "/get/parameters2-/by1./path0_."
        )
    return f"/{inside}/" if inside else "/"


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
