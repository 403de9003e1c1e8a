"""The errors that Security Hub answers: the model's codes, in AWS's sentences where known."""

from __future__ import annotations

from pkilab.simulator.service import AwsError, service_model


def _error(shape: str, message: str) -> AwsError:
    status = service_model("securityhub").shape_for(shape).metadata["error"]["httpStatusCode"]
    return AwsError(shape, message, status, Code=shape)


def not_subscribed(account: str) -> AwsError:
    """Return what every operation answers before Security Hub is enabled."""
    message = f"Account {account} is not subscribed to AWS Security Hub"
    return _error("InvalidAccessException", message)


def invalid(message: str) -> AwsError:
    """Return the error of a request that cannot be understood."""
    return _error("InvalidInputException", message)


def not_found(message: str) -> AwsError:
    """Return the error of a resource that is not there."""
    return _error("ResourceNotFoundException", message)


def conflict(message: str) -> AwsError:
    """Return the error of a resource that is there already."""
    return _error("ResourceConflictException", message)


def too_many(message: str) -> AwsError:
    """Return the error of a quota that is used up."""
    return _error("LimitExceededException", message)
