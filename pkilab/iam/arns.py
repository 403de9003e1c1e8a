"""The parts of ARNs."""

from __future__ import annotations

_PARTS = 6  # arn:partition:service:region:account:resource


def account_in(arn: str) -> str:
    """Return an ARN's account part; ``""``: it has none, or it is no ARN.

    Not checked: that it is twelve digits. AWS's managed policies have ``aws`` there.

    Source: IAM User Guide, "Identify AWS resources with Amazon Resource Names (ARNs)".
    """
    parts = arn.split(":", _PARTS - 1)
    return parts[4] if len(parts) == _PARTS else ""
