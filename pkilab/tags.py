"""The tag that a lab gives on AWS to whatever it creates: ``pkilab:run``, the run's id.

By it a clean-up finds what a lost ledger does not say, and tells its own things from others'. A tag
is given with the create itself, never afterwards: a kernel that is killed in between would leave
something behind that nothing leads to.

Sources: the API reference of each service (the parameter), the Service Authorization Reference (the
action that tagging on creation takes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel

#: The key of the tag; its value is the run's id.
RUN = "pkilab:run"

_REFERENCE = 128  # characters of a hosted zone's caller reference, at most

_Form = Literal["Key/Value", "key/value", "TagKey/TagValue", "map"]


@dataclass(frozen=True, slots=True)
class _Way:
    """How a create takes tags.

    ``parameter`` is a path of members, ``form`` how it lists them, ``action`` what the caller needs
    for it, ``never_with`` the parameters beside which AWS refuses tags.
    """

    parameter: str
    form: _Form
    action: str
    never_with: tuple[str, ...] = ()


_PAIRS: _Form = "Key/Value"
_SMALL: _Form = "key/value"
_MAP: _Form = "map"
_WAYS: Mapping[tuple[str, str], _Way] = {
    ("acm", "ImportCertificate"): _Way(
        "Tags", _PAIRS, "acm:AddTagsToCertificate", ("CertificateArn",)
    ),
    ("acm", "RequestCertificate"): _Way("Tags", _PAIRS, "acm:AddTagsToCertificate"),
    ("acm-pca", "CreateCertificateAuthority"): _Way(
        "Tags", _PAIRS, "acm-pca:TagCertificateAuthority"
    ),
    ("apigateway", "CreateDomainName"): _Way("tags", _MAP, "apigateway:PUT"),
    ("apigateway", "CreateRestApi"): _Way("tags", _MAP, "apigateway:PUT"),
    ("apigatewayv2", "CreateApi"): _Way("Tags", _MAP, "apigateway:PUT"),
    ("apigatewayv2", "CreateDomainName"): _Way("Tags", _MAP, "apigateway:TagResource"),
    ("cloudformation", "CreateStack"): _Way("Tags", _PAIRS, "cloudformation:TagResource"),
    ("cloudtrail", "CreateTrail"): _Way("TagsList", _PAIRS, "cloudtrail:AddTags"),
    ("events", "CreateEventBus"): _Way("Tags", _PAIRS, "events:TagResource"),
    ("events", "PutRule"): _Way("Tags", _PAIRS, "events:TagResource"),
    ("iam", "CreatePolicy"): _Way("Tags", _PAIRS, "iam:TagPolicy"),
    ("iam", "CreateRole"): _Way("Tags", _PAIRS, "iam:TagRole"),
    ("iam", "CreateUser"): _Way("Tags", _PAIRS, "iam:TagUser"),
    ("iam", "CreateVirtualMFADevice"): _Way("Tags", _PAIRS, "iam:TagMFADevice"),
    ("kms", "CreateKey"): _Way("Tags", "TagKey/TagValue", "kms:TagResource"),
    ("lambda", "CreateFunction"): _Way("Tags", _MAP, "lambda:TagResource"),
    ("logs", "CreateLogGroup"): _Way("tags", _MAP, "logs:TagResource"),
    ("organizations", "CreateOrganizationalUnit"): _Way(
        "Tags", _PAIRS, "organizations:TagResource"
    ),
    ("organizations", "CreatePolicy"): _Way("Tags", _PAIRS, "organizations:TagResource"),
    ("ram", "CreatePermission"): _Way("tags", _SMALL, "ram:TagResource"),
    ("ram", "CreateResourceShare"): _Way("tags", _SMALL, "ram:TagResource"),
    ("s3", "CreateBucket"): _Way("CreateBucketConfiguration.Tags", _PAIRS, "s3:TagResource"),
    ("secretsmanager", "CreateSecret"): _Way("Tags", _PAIRS, "secretsmanager:TagResource"),
    ("securityhub", "EnableSecurityHub"): _Way("Tags", _MAP, "securityhub:TagResource"),
    ("sns", "CreateTopic"): _Way("Tags", _PAIRS, "sns:TagResource"),
    ("sqs", "CreateQueue"): _Way("tags", _MAP, "sqs:TagQueue"),
    ("ssm", "PutParameter"): _Way("Tags", _PAIRS, "ssm:AddTagsToResource", ("Overwrite",)),
}


def action_of(service: str, operation: str, parameters: Mapping[str, object]) -> str | None:
    """Return the IAM action that tagging takes with this create; None where it cannot be tagged."""
    way = _way(service, operation, parameters)
    return way.action if way else None


def tagged(
    service: str, operation: str, parameters: Mapping[str, object], run: str
) -> dict[str, object]:
    """Return a create's parameters with the tag of a run; as they are where it takes no tags.

    Args:
        service: as boto3 names it.
        operation: as the API names it.
        parameters: as a boto3 client is given them; not changed.
        run: the run's id.
    """
    way = _way(service, operation, parameters)
    if way is None:
        return dict(parameters)
    return _with_tag(parameters, way.parameter.split("."), way.form, run)


def mark_creates(client: Any, run: str) -> None:  # noqa: ANN401 - a boto3 client of any service
    """Have whatever a client creates marked as a run's: by its tag, or a zone by its reference.

    A hosted zone takes no tags with its create. Its caller reference must be new each time, where
    runs repeat theirs; so the run's id is written behind it.
    """

    def mark(params: dict[str, Any], model: OperationModel, **_: object) -> None:
        service = model.service_model.service_name
        params.update(tagged(service, model.name, params, run))
        if model.name == "CreateHostedZone" and "CallerReference" in params:
            params["CallerReference"] = f"{params['CallerReference']}-{run}"[-_REFERENCE:]

    client.meta.events.register_last("before-parameter-build", mark)


def _way(service: str, operation: str, parameters: Mapping[str, object]) -> _Way | None:
    way = _WAYS.get((service, operation))
    return None if way is None or any(map(parameters.get, way.never_with)) else way


def _with_tag(
    parameters: Mapping[str, object], path: list[str], form: _Form, run: str
) -> dict[str, object]:
    name, *rest = path
    held = parameters.get(name)
    if rest:
        inner = held if isinstance(held, dict) else {}
        return {**parameters, name: _with_tag(inner, rest, form, run)}
    if form == "map":
        return {**parameters, name: {**(held if isinstance(held, dict) else {}), RUN: run}}
    key, value = form.split("/")
    others = held if isinstance(held, list | tuple) else ()
    kept = [each for each in others if each.get(key) != RUN]
    return {**parameters, name: [*kept, {key: RUN, value: run}]}
