"""Lambda's errors, as its model and its answers have them."""

from __future__ import annotations

from pkilab.simulator import service
from pkilab.simulator.service import AwsError


def error(code: str, message: str) -> AwsError:
    """Return an error of Lambda's model, on the caller's side."""
    found = service.error("lambda", code, message)
    found.members["Type"] = "User"
    return found


def invalid(message: str) -> AwsError:
    """Return an InvalidParameterValueException."""
    return error("InvalidParameterValueException", message)


def violation(problem: str) -> AwsError:
    """Return a ValidationException for one violated constraint that the model does not have."""
    return AwsError("ValidationException", f"1 validation error detected: {problem}")
