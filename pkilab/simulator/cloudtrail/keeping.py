"""What is kept of a call's members: nothing that an event must not show.

Left out are octets (messages, signatures, ciphertexts, code), what the API's model marks as
sensitive (keys, passphrases, environments), one-time codes and tokens. It is left out when the call
is recorded, so that no secret outlives its call here. For two services whose examples show
certificates as buffers of octets, those are kept. A session token is hidden, which AWS shows: what
this world prints must be safe to publish.

Sources: KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail"; AWS Private CA User
Guide and ACM User Guide, examples of CloudTrail events.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_WITH_BUFFERS = frozenset({"acm", "acm-pca"})
# What stands for a sensitive value; elsewhere the member is left out.
_MARKS = {"acm": HIDDEN, "organizations": "****", "ssm": HIDDEN}
# Left out by name, wherever they are: codes, tokens, and what AWS's examples leave out.
_UNLOGGED: dict[str, frozenset[str]] = {
    "kms": frozenset({"GrantToken", "GrantTokens", "NumberOfBytes"}),
    "sts": frozenset({"TokenCode", "WebIdentityToken", "SAMLAssertion", "SecretAccessKey"}),
    "iam": frozenset({"AuthenticationCode1", "AuthenticationCode2", "SecretAccessKey"}),
    "cloudformation": frozenset({"ParameterValue", "TemplateBody"}),
}
_HIDDEN = {("sts", "SessionToken"): HIDDEN, ("sns", "Token"): HIDDEN}
_NOTHING: frozenset[str] = frozenset()
# What becomes of a member, besides a text that stands for it.
_AS_IS, _LOOKED_INTO, _ABSENT = object(), object(), object()
_FLAT = frozenset({"string", "boolean", "integer", "long", "float", "double", "timestamp"})
_SCALARS = (str, int, float, datetime)


def kept(service: str, shape: Shape | None, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be kept of members, as values of its own.

    Args:
        service: the simulator's name of the service.
        shape: the members' structure in the API's model; without one, octets are left out.
        members: a request's or an answer's, decoded by that model; not changed.
    """
    found: dict[str, Any] = {}
    fates = _fates(service, shape)
    for name, value in members.items():
        if value is None:
            continue
        fate = fates.get(name, _LOOKED_INTO)
        if fate is _AS_IS:
            found[name] = value
            continue
        if fate is _LOOKED_INTO:
            fate = _value(service, _member(shape, name), value)
        if fate is not _ABSENT and name not in _UNLOGGED.get(service, _NOTHING):
            found[name] = fate
    return found


@functools.cache
def _fates(service: str, shape: Shape | None) -> Mapping[str, Any]:
    """Decide once what becomes of a structure's members: this is asked at every call."""
    if not isinstance(shape, StructureShape):
        return {}
    return {name: _fate(service, name, member) for name, member in shape.members.items()}


def _fate(service: str, name: str, shape: Shape) -> Any:  # noqa: ANN401 - or a text for it
    if name in _UNLOGGED.get(service, _NOTHING):
        return _ABSENT
    if (service, name) in _HIDDEN:
        return _HIDDEN[service, name]
    if _is_sensitive(service, shape):
        return _MARKS.get(service, _ABSENT)
    if shape.type_name == "blob" and service not in _WITH_BUFFERS:
        return _ABSENT
    return _AS_IS if shape.type_name in _FLAT else _LOOKED_INTO


def _is_sensitive(service: str, shape: Shape) -> bool:
    """Say whether a value is not to be shown. Of invitations, Organizations shows everything."""
    invitation = service == "organizations" and shape.name.startswith("Handshake")
    return bool(shape.metadata.get("sensitive")) and not invitation


def _member(shape: Shape | None, name: str) -> Shape | None:
    return shape.members.get(name) if isinstance(shape, StructureShape) else None


def _value(service: str, shape: Shape | None, value: Any) -> Any:  # noqa: ANN401 - untyped
    if shape is not None and _is_sensitive(service, shape):
        return _MARKS.get(service, _ABSENT)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value) if shape is not None and service in _WITH_BUFFERS else _ABSENT
    if isinstance(value, Mapping):
        if not isinstance(shape, MapShape):
            return kept(service, shape, value)
        found = {key: _value(service, shape.value, each) for key, each in value.items()}
        return {key: each for key, each in found.items() if each is not _ABSENT}
    if isinstance(value, list | tuple):
        member = shape.member if isinstance(shape, ListShape) else None
        items = (_value(service, member, each) for each in value)
        return [each for each in items if each is not _ABSENT]
    return value if isinstance(value, _SCALARS) else _ABSENT  # a stream is no value
