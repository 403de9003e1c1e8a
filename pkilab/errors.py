"""The errors that leave this package: one root, few branches, chosen by what the caller can do.

    PkilabError
    ├── LabError                the lab cannot do this here: mend the call or the set-up
    │   ├── LabClosedError      the lab was closed; open another
    │   ├── BudgetError         a call would cost money nobody agreed to
    │   ├── CredentialsError    AWS's credentials are missing, or over and not to be renewed
    │   └── UncertainError      a create was sent, and nobody knows whether it was done
    ├── MissingExtraError       an optional dependency is not installed
    ├── MalformedError          bytes or text that are not what they should be
    ├── VerificationError       well-formed, and not to be trusted; carries every reason
    ├── UnsupportedError        well-formed, and beyond what this package models
    └── CtError                 a proof, signature or history of a log that does not hold

Calls to AWS, simulated or real, raise botocore's ``ClientError`` and nothing else.
"""

from __future__ import annotations


class PkilabError(Exception):
    """Root of everything pkilab raises on purpose."""


class LabError(PkilabError):
    """The lab cannot do what was asked, in this mode or this state."""


class LabClosedError(LabError):
    """A client, clock or world of a lab that has been closed was used."""


class BudgetError(LabError):
    """A billable create was refused before it was made."""


class CredentialsError(LabError):
    """There are no credentials, or they have expired and no others were found."""


class UncertainError(LabError):
    """A create that would make a second thing if it were repeated was sent, and not answered."""


class MissingExtraError(PkilabError):
    """An optional dependency is missing; the message names the extra that brings it."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"{module} is not installed. It comes with: pip install 'pkilab[{extra}]'")


class MalformedError(PkilabError, ValueError):
    """Input that cannot be read. Names the object, what was found and what was expected."""

    def __init__(self, thing: str, *, found: str, expected: str) -> None:
        super().__init__(f"{thing}: found {found}, expected {expected}")
        self.thing, self.found, self.expected = thing, found, expected


class VerificationError(PkilabError):
    """Something well-formed that must not be trusted. ``reasons`` lists every cause found."""

    def __init__(self, thing: str, reasons: tuple[str, ...]) -> None:
        super().__init__(f"{thing}: " + "; ".join(reasons))
        self.thing, self.reasons = thing, reasons


class UnsupportedError(PkilabError):
    """Something well-formed that is not modelled here, and is refused rather than ignored."""

    def __init__(self, thing: str) -> None:
        super().__init__(f"{thing} is not modelled by pkilab")
        self.thing = thing


class CtError(PkilabError):
    """A proof, a signature or a log's history that does not hold, or a question without answer.

    What cannot be read at all is a `MalformedError` instead.
    """

    def __init__(self, thing: str, *, found: str, expected: str) -> None:
        super().__init__(f"{thing}: found {found}, expected {expected}")
        self.thing, self.found, self.expected = thing, found, expected
