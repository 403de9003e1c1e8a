"""How each protocol refuses a request whose credentials are not good.

Source: Common Errors of the services' API References (query, JSON and REST); Amazon S3 API
Reference, "Error responses"; Signature Version 4 troubleshooting guide.
"""

from __future__ import annotations

from botocore.exceptions import UnknownServiceError

from pkilab.simulator.service import AwsError, service_model

_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
)
_BY_SIGNING_NAME = {"s3": "s3", "tagging": "resourcegroupstaggingapi"}
_QUERY, _RPC = {"query", "ec2", "rest-xml"}, {"json", "smithy-rpc-v2-cbor"}
_UNAUTHORISED = 403
_BAD = 400


def unknown_key(service: str) -> AwsError:
    """Refuse an access key that is unknown or inactive, or a session token that is not its own."""
    if service == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return AwsError("InvalidAccessKeyId", message, _UNAUTHORISED)
    if _protocol(service) in _QUERY:
        return AwsError("InvalidClientTokenId", _INVALID, _UNAUTHORISED)
    return AwsError("UnrecognizedClientException", _INVALID, _status(service))


def wrong_token(service: str) -> AwsError:
    """Refuse a temporary key with no session token or with another one's."""
    if service == "s3":
        message = "The provided token is malformed or otherwise invalid."
        return AwsError("InvalidToken", message, _BAD)
    return unknown_key(service)


def expired(service: str) -> AwsError:
    """Refuse a temporary key after its time."""
    if service == "s3":
        return AwsError("ExpiredToken", "The provided token has expired.", _BAD)
    if _protocol(service) in _QUERY:
        return AwsError("ExpiredToken", _EXPIRED, _UNAUTHORISED)
    return AwsError("ExpiredTokenException", _EXPIRED, _status(service))


def wrong_signature(service: str, why: str = "") -> AwsError:
    """Refuse a request that the key's holder did not sign, or that was changed on its way."""
    if service == "s3":
        message = why or f"{_MISMATCH}key and signing method."
        return AwsError("SignatureDoesNotMatch", message, _UNAUTHORISED)
    message = why or (
        f"{_MISMATCH}AWS Secret Access Key and signing method. Consult the service documentation "
        "for details."
    )
    if _protocol(service) in _QUERY:
        return AwsError("SignatureDoesNotMatch", message, _UNAUTHORISED)
    return AwsError("InvalidSignatureException", message, _status(service))


def incomplete_signature(service: str, message: str) -> AwsError:
    """Refuse an Authorization header that cannot be read."""
    if service == "s3":
        return AwsError("AuthorizationHeaderMalformed", message, _BAD)
    if _protocol(service) in _QUERY:
        return AwsError("IncompleteSignature", message, _BAD)
    return AwsError("IncompleteSignatureException", message, _status(service))


def _status(service: str) -> int:
    """JSON and CBOR answer 400; REST, and what is not known, 403."""
    return _BAD if _protocol(service) in _RPC else _UNAUTHORISED


def _protocol(service: str) -> str:
    """Return the protocol of a service, named as it signs; "" of one that is not known."""
    try:
        model = service_model(_BY_SIGNING_NAME.get(service, service))
    except UnknownServiceError:
        return ""
    protocol: str = model.metadata["protocol"]
    return protocol
