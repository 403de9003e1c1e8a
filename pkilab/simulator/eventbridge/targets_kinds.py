"""What a target may be, as PutTargets checks it. Whether the target exists is not looked at.

Sources: EventBridge User Guide, "Amazon EventBridge targets" (FIFO topics, cross-account targets)
and "Sending and receiving events between event buses"; sentences as public issues quote them.
"""

from __future__ import annotations

import re

from pkilab.simulator.service import AwsError, Json, not_simulated

_KINDS = (
    ("lambda", re.compile(r"function:[\w-]+(:(\$LATEST|[\w-]+))?")),
    ("sqs", re.compile(r"[\w-]{1,80}(\.fifo)?")),
    ("sns", re.compile(r"[\w-]{1,256}(\.fifo)?")),
    ("logs", re.compile(r"log-group:[\w./#-]{1,512}(:\*)?")),
    ("events", re.compile(r"event-bus/[\w./-]{1,256}")),
)
_ARN = re.compile(r"arn:aws[\w-]*:([\w.-]+):([\w-]*):(\d{12})?:(.+)")
# Members that are for targets of other kinds.
_MODELLED = frozenset({
    "Id", "Arn", "RoleArn", "Input", "InputPath", "InputTransformer", "RetryPolicy",
    "DeadLetterConfig", "SqsParameters",
})  # fmt: skip
_INPUTS = ("Input", "InputPath", "InputTransformer")


def kind_of(arn: str) -> str | None:
    """Return the service of a target that is modelled; None: it is not."""
    found = _ARN.fullmatch(arn)
    for service, name in _KINDS if found else ():
        if found and found[1] == service and found[2] and found[3] and name.fullmatch(found[4]):
            return service
    return None


def check_target(arn: str, raw: Json, *, account: str = "", region: str = "") -> None:
    """Check what PutTargets is given of one target, beyond the model.

    Args:
        arn: the target's.
        raw: the target's members.
        account: the rule's; "" leaves out what depends on it.
        region: the rule's; likewise.

    Raises:
        AwsError: ValidationException; NotImplemented, such a target is not modelled.
    """
    if _ARN.fullmatch(arn) is None:
        raise _invalid(
            f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
        )
    kind = kind_of(arn)
    if kind is None:
        raise not_simulated(f"an EventBridge target such as {arn}")
    if others := sorted(raw.keys() - _MODELLED):
        raise not_simulated(f"an EventBridge target with {', '.join(others)}")
    _check_queue(arn, raw, kind)
    if kind == "sns" and arn.endswith(".fifo"):
        raise _invalid(f"{_not_valid(arn)} FIFO topics cannot be targets.")
    if kind == "logs" and raw.get("RoleArn"):
        raise _invalid(f"RoleArn is not supported for target {arn}.")
    if kind == "events" and any(raw.get(each) is not None for each in _INPUTS):
        raise _invalid(f"Modifying the input for target {raw.get('Id', arn)} is not supported.")
    _check_place(arn, raw, kind, account, region)
    _check_dead_letter((raw.get("DeadLetterConfig") or {}).get("Arn"), region)


def _check_queue(arn: str, raw: Json, kind: str) -> None:
    fifo = kind == "sqs" and arn.endswith(".fifo")
    given = raw.get("SqsParameters") is not None
    if fifo and not (raw.get("SqsParameters") or {}).get("MessageGroupId"):
        raise _invalid(f"Parameter(s) SqsParameters must be specified for target: {raw.get('Id')}.")
    if given and kind != "sqs":
        raise _invalid(f"Parameter(s) SqsParameters are not valid for target: {raw.get('Id')}.")


def _check_place(arn: str, raw: Json, kind: str, account: str, region: str) -> None:
    _, _, _, there, owner, _ = arn.split(":", 5)
    elsewhere = bool(region) and there != region
    foreign = bool(account) and owner != account
    if elsewhere and kind != "events":
        raise _invalid(f"{_not_valid(arn)} The target is in another Region.")
    if foreign and kind == "logs":
        raise _invalid(f"{_not_valid(arn)} The target is in another account.")
    if (elsewhere or foreign) and not raw.get("RoleArn"):
        raise _invalid(f"RoleArn is required for target {arn}.")


def _check_dead_letter(arn: str | None, region: str) -> None:
    if not arn:
        return
    if kind_of(arn) != "sqs" or arn.endswith(".fifo"):
        message = "The dead-letter queue must be a standard SQS queue."
        raise _invalid(f"{_not_valid(arn)} {message}")
    if region and arn.split(":")[3] != region:
        message = "The dead-letter queue must be in the Region of the rule."
        raise _invalid(f"{_not_valid(arn)} {message}")


def _not_valid(arn: str) -> str:
    return f"Parameter {arn} is not valid. Reason:"


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
