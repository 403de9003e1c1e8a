"""Events: a record as JSON.

Sources: CloudTrail User Guide, "CloudTrail record contents" (version 1.11); the elements' order is
that of AWS's examples. Per service: KMS Developer Guide, "Logging AWS KMS API calls with AWS
CloudTrail"; AWS Private CA User Guide, "Logging AWS Private CA API calls with AWS CloudTrail".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape

from pkilab.simulator.cloudtrail.identities import foreign_identity, iso, user_identity
from pkilab.simulator.cloudtrail.resources import key_arns, resource_elements
from pkilab.simulator.cloudtrail.trail import DENIED, Record, Trail

Json = dict[str, Any]
VERSION = "1.11"
# What KMS writes into requestParameters for a member that was left out.
_DEFAULTS: dict[str, Json] = {
    "CreateKey": {
        "Tags": [],
        "KeyUsage": "ENCRYPT_DECRYPT",
        "Description": "",
        "Origin": "AWS_KMS",
        "MultiRegion": False,
        "BypassPolicyLockoutSafetyCheck": False,
    },
    "Decrypt": {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"},
    "Encrypt": {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"},
    "GetKeyPolicy": {"PolicyName": "default"},
    "PutKeyPolicy": {"PolicyName": "default", "BypassPolicyLockoutSafetyCheck": False},
    "ReEncrypt": {
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    },
    "Sign": {"MessageType": "RAW"},
    "Verify": {"MessageType": "RAW"},
}


def event_of(trail: Trail, record: Record, account: str) -> Json:
    """Return a record's event as an account has it."""
    call, own = record.call, record.call.account == account
    caller = user_identity(call) if own else foreign_identity(call)
    service = caller.get("invokedBy", "")
    event: Json = {
        "eventVersion": VERSION,
        "userIdentity": caller,
        "eventTime": iso(call.now),
        "eventSource": record.kind.source,
        "eventName": record.kind.name,
        "awsRegion": record.region,
        "sourceIPAddress": service or call.source_ip,
        "userAgent": service or call.user_agent,
    }
    if record.error is not None:
        event["errorCode"] = error_code(record)
        event["errorMessage"] = record.error.message
    event["requestParameters"] = _request_parameters(record)
    event["responseElements"] = _response_elements(record)
    if record.service == "kms" and record.operation == "RetireGrant":
        event["additionalEventData"] = {"grantId": record.request.get("GrantId")}
    event["requestID"] = trail.request_id(record)
    event["eventID"] = trail.event_id(record, account)
    event["readOnly"] = record.kind.read_only
    if (resources := resource_elements(record)) is not None:
        event["resources"] = resources
    event["eventType"] = "AwsApiCall"
    event["managementEvent"] = True
    event["recipientAccountId"] = account
    if record.owners:
        event["sharedEventID"] = trail.shared_event_id(record)
    event["eventCategory"] = "Management"
    return event


def event_text(trail: Trail, record: Record, account: str) -> str:
    """Return a record's event as LookupEvents has it: JSON without spaces."""
    return json.dumps(event_of(trail, record, account), separators=(",", ":"), ensure_ascii=False)


def error_code(record: Record) -> str:
    """Return the error as events have it: every denial is AccessDenied."""
    if record.error is None:
        return ""
    return "AccessDenied" if record.error.code in DENIED else record.error.code


def _request_parameters(record: Record) -> Json | None:
    members = record.request
    if record.service == "kms":
        if record.operation == "RetireGrant":
            return None
        members = {**_DEFAULTS.get(record.operation, {}), **members}
        if record.operation == "CreateKey":
            spec = members.get("KeySpec") or members.get("CustomerMasterKeySpec")
            spec = spec or "SYMMETRIC_DEFAULT"
            members = {**members, "KeySpec": spec, "CustomerMasterKeySpec": spec}
    return _shown(record.kind.request, members) or None


def _response_elements(record: Record) -> Json | None:
    if record.error is not None:
        return None
    answer = dict(record.answer)
    # KMS tells the key of every call that changes one, answered or not, since December 2022.
    if record.service == "kms" and not record.kind.read_only and "KeyMetadata" not in answer:
        keys = [arn for arn in key_arns(record) if ":key/" in arn]
        if keys and "ReplicaKeyMetadata" not in answer:
            answer["KeyId"] = keys[0]
    return _shown(record.kind.response, answer) or None


def _shown(shape: Shape | None, value: Any) -> Any:  # noqa: ANN401 - members are untyped
    """Write members as events have them: the first letter of each name is small."""
    if isinstance(value, Mapping):
        if isinstance(shape, MapShape):  # its keys are the caller's words
            return {key: _shown(shape.value, each) for key, each in value.items()}
        known = getattr(shape, "members", {})
        return {
            name[:1].lower() + name[1:]: _shown(known.get(name), each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        member = shape.member if isinstance(shape, ListShape) else None
        return [_shown(member, each) for each in value]
    if isinstance(value, datetime):
        return _java(value)
    return _buffer(value) if isinstance(value, bytes) else value


def _java(moment: datetime) -> str:
    """Write a moment as most services log it: Aug 10, 2022, 10:38:27 PM."""
    hour = moment.hour % 12 or 12
    return f"{moment:%b} {moment.day}, {moment.year}, {hour}:{moment:%M:%S} {moment:%p}"


def _buffer(octets: bytes) -> Json:
    """Write octets as ACM and Private CA log them: a Java ByteBuffer with signed bytes."""
    size = len(octets)
    return {
        "hb": [octet - 256 if octet > 127 else octet for octet in octets],  # noqa: PLR2004
        "offset": 0,
        "isReadOnly": False,
        "bigEndian": True,
        "nativeByteOrder": False,
        "mark": -1,
        "position": size,
        "limit": size,
        "capacity": size,
        "address": 0,
    }
