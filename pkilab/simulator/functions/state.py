"""What Lambda remembers of a function.

Source: AWS Lambda API Reference, data types FunctionConfiguration, FunctionEventInvokeConfig.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pkilab.simulator.functions.pool import Pool
from pkilab.simulator.service import Json


@dataclass(frozen=True, slots=True)
class EventInvokeConfig:
    """What becomes of a function's asynchronous invocations. What is not said is None.

    Attributes:
        modified: when it was put or changed last.
        attempts: retries after the function's own errors, 0 to 2.
        age: seconds for which an event is kept, 60 to 21,600.
        on_success: the ARN that is told of a success.
        on_failure: the ARN that is told of a failure.
    """

    modified: datetime
    attempts: int | None = None
    age: int | None = None
    on_success: str | None = None
    on_failure: str | None = None


@dataclass
class Function:
    """A function: its configuration as ``GetFunctionConfiguration`` answers it, and its code.

    ``serving`` is the configuration and code that invocations run: those of before, while an update
    is in progress.
    """

    configuration: Json = field(repr=False)  # with the values of environment variables
    archive: bytes = field(repr=False)
    tags: dict[str, str]
    serving: tuple[Json, bytes] = field(default=({}, b""), repr=False)
    pool: Pool | None = None
    pool_until: datetime | None = None  # when its role's credentials are about to run out
    statements: dict[str, Json] = field(default_factory=dict)  # by StatementId
    policy_revision: str = ""
    asynchronous: EventInvokeConfig | None = None

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return str(self.configuration["FunctionArn"])

    @property
    def role(self) -> str:
        """The ARN of the execution role."""
        return str(self.configuration["Role"])

    @property
    def dead_letter_arn(self) -> str | None:
        """The queue or topic that gets events which could not be processed."""
        found: str | None = self.configuration.get("DeadLetterConfig", {}).get("TargetArn")
        return found or None

    def retire(self) -> None:
        """Discard the execution environments; what runs in them ends as before."""
        if self.pool:
            self.pool.retire()
            self.pool = None
