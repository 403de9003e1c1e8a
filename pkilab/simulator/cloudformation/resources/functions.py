"""AWS::Lambda: functions and who may invoke them.

Source: AWS CloudFormation Template Reference, AWS::Lambda::Function and ::Permission.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import ClassVar

from pkilab.simulator.cloudformation.documents import Value
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    REPLACES_REQUIRED,
    REQUIRED,
    FailedError,
    Property,
    ResourceType,
    Work,
    tag_changes,
)
from pkilab.simulator.service import Json, not_simulated

_SETTINGS = (
    "DeadLetterConfig", "Description", "Environment", "Handler", "LoggingConfig", "MemorySize",
    "Role", "Runtime", "Timeout",
)  # fmt: skip
_LONGEST = 64
_MOST_INLINE = 4 * 2**20  # bytes
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Function(ResourceType):
    """A function from an archive in S3, or from one file's text in the template."""

    type: ClassVar[str] = "AWS::Lambda::Function"
    properties: ClassVar[Mapping[str, Property]] = {
        "FunctionName": REPLACES,
        "PackageType": REPLACES,
        "Code": REQUIRED,
        "Role": REQUIRED,
        **{name: IN_PLACE for name in _SETTINGS if name != "Role"},
        "Architectures": IN_PLACE,
        "Tags": IN_PLACE,
    }
    unmodelled: ClassVar[tuple[str, ...]] = (
        "CapacityProviderConfig", "CodeSigningConfigArn", "DurableConfig", "EphemeralStorage",
        "FileSystemConfigs", "FunctionScalingConfig", "ImageConfig", "KmsKeyArn", "Layers",
        "PublishToLatestPublished", "RecursiveLoop", "ReservedConcurrentExecutions",
        "RuntimeManagementConfig", "SnapStart", "TenancyConfig", "TracingConfig", "VpcConfig",
    )  # fmt: skip
    attributes: ClassVar[tuple[str, ...]] = ("Arn",)
    own_name: ClassVar[str] = "FunctionName"
    tags: ClassVar[str] = "Tags"

    def create(self, work: Work) -> str:
        name = text_of(work.get("FunctionName", work.name(_LONGEST)))
        asked = work.members("lambda", "CreateFunction", *_SETTINGS, "PackageType", "Architectures")
        tags, _ = tag_changes(None, work.get("Tags"))
        if tags:
            asked["Tags"] = {each["Key"]: each["Value"] for each in tags}
        work.aws("lambda", "CreateFunction", FunctionName=name, Code=_code(work), **asked)
        return str(name)

    def settle(self, work: Work) -> Iterator[None]:
        while True:
            found = work.aws("lambda", "GetFunction", FunctionName=work.physical_id)
            configuration = found["Configuration"]
            states = {configuration.get("State"), configuration.get("LastUpdateStatus")}
            if "Failed" in states:
                message = "The function did not become active"
                raise FailedError(message, "NotStabilized")
            if not states & {"Pending", "InProgress"}:
                break
            yield
        work.attributes["Arn"] = configuration["FunctionArn"]

    def update(self, work: Work, before: Json) -> None:
        name, changed = work.physical_id, self.changed(before, work.properties)
        if "Architectures" in changed:
            raise not_simulated("an update of a function's architectures")
        if set(_SETTINGS) & set(changed):
            asked = work.members("lambda", "UpdateFunctionConfiguration", *_SETTINGS)
            if "DeadLetterConfig" in changed:  # an empty one takes it away
                asked.setdefault("DeadLetterConfig", {"TargetArn": ""})
            work.aws("lambda", "UpdateFunctionConfiguration", FunctionName=name, **asked)
        if "Code" in changed:
            work.aws("lambda", "UpdateFunctionCode", FunctionName=name, **_code(work))
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        arn = work.attributes.get("Arn")
        if added:
            tags = {each["Key"]: each["Value"] for each in added}
            work.aws("lambda", "TagResource", Resource=arn, Tags=tags)
        if removed:
            work.aws("lambda", "UntagResource", Resource=arn, TagKeys=removed)

    def delete(self, work: Work) -> None:
        work.aws("lambda", "DeleteFunction", FunctionName=work.physical_id)


def _code(work: Work) -> Json:
    """Return a function's code as the API takes it.

    Raises:
        FailedError: it is a local path, or too long for a template.
    """
    code: Value = work.get("Code")
    if not isinstance(code, dict):
        message = "#/Code: expected type: JSONObject, found: String"
        raise FailedError(message, "ModelValidationFailed")
    if "ZipFile" not in code:
        return {name: text_of(value) for name, value in code.items()}
    source = (text_of(code["ZipFile"]) or "").encode("utf-8", "replace")
    if len(source) > _MOST_INLINE:
        message = f"ZipFile holds at most {_MOST_INLINE} bytes: found {len(source)}"
        raise FailedError(message, "InvalidRequest")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("index.py", _EPOCH)
        entry.external_attr, entry.create_system = 0o100644 << 16, 3
        archive.writestr(entry, source)
    return {"ZipFile": packed.getvalue()}


class Permission(ResourceType):
    """A statement of a function's resource policy."""

    type: ClassVar[str] = "AWS::Lambda::Permission"
    properties: ClassVar[Mapping[str, Property]] = {
        "FunctionName": REPLACES_REQUIRED,
        "Action": REPLACES_REQUIRED,
        "Principal": REPLACES_REQUIRED,
        "SourceAccount": REPLACES,
        "SourceArn": REPLACES,
        "PrincipalOrgID": REPLACES,
        "EventSourceToken": REPLACES,
        "FunctionUrlAuthType": REPLACES,
        "InvokedViaFunctionUrl": REPLACES,
    }
    attributes: ClassVar[tuple[str, ...]] = ("Id",)

    def create(self, work: Work) -> str:
        name = work.name(100)
        asked = work.members("lambda", "AddPermission", *self.properties)
        work.aws("lambda", "AddPermission", StatementId=name, **asked)
        return name

    def settle(self, work: Work) -> Iterator[None]:
        work.attributes["Id"] = work.physical_id
        yield from ()

    def delete(self, work: Work) -> None:
        asked = work.members("lambda", "RemovePermission", "FunctionName")
        work.aws("lambda", "RemovePermission", StatementId=work.physical_id, **asked)


class EventInvokeConfig(ResourceType):
    """What becomes of asynchronous invocations. The physical ID is function and qualifier."""

    type: ClassVar[str] = "AWS::Lambda::EventInvokeConfig"
    properties: ClassVar[Mapping[str, Property]] = {
        "FunctionName": REPLACES_REQUIRED,
        "Qualifier": REPLACES_REQUIRED,
        "DestinationConfig": IN_PLACE,
        "MaximumEventAgeInSeconds": IN_PLACE,
        "MaximumRetryAttempts": IN_PLACE,
    }

    def create(self, work: Work) -> str:
        self._put(work)
        return f"{text_of(work.get('FunctionName'))}|{text_of(work.get('Qualifier'))}"

    def update(self, work: Work, before: Json) -> None:  # noqa: ARG002 - it is put anew
        self._put(work)

    def _put(self, work: Work) -> None:
        operation = "PutFunctionEventInvokeConfig"
        work.aws("lambda", operation, **work.members("lambda", operation, *self.properties))

    def delete(self, work: Work) -> None:
        operation = "DeleteFunctionEventInvokeConfig"
        asked = work.members("lambda", operation, "FunctionName", "Qualifier")
        work.aws("lambda", operation, **asked)
