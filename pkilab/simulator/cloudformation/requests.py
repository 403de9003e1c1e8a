"""What requests for stacks say: names, templates and where they lie.

Source: AWS CloudFormation API Reference, CreateStack; sentences as answered by AWS.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from pkilab.simulator.cloudformation import template
from pkilab.simulator.cloudformation.calls import Caller, RefusedError
from pkilab.simulator.cloudformation.documents import invalid
from pkilab.simulator.cloudformation.template import Template
from pkilab.simulator.service import not_simulated

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_LONGEST_NAME = 128
_MOST_BODY, _MOST_OBJECT = 51_200, 1_000_000  # bytes
_BUCKET_HOST = re.compile(r"(?P<bucket>[a-z0-9.-]+)\.s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com")
_S3_HOST = re.compile(r"s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}  # this world's own server


def check_name(name: str) -> None:
    """Check the name of a stack or change set that is to be made.

    Raises:
        AwsError: ValidationError.
    """
    problem = ""
    if not _NAME.fullmatch(name):
        problem = "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
    elif len(name) > _LONGEST_NAME:
        problem = f"have length less than or equal to {_LONGEST_NAME}"
    if problem:
        message = f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy"
        raise invalid(f"{message} constraint: Member must {problem}")


def read_template(aws: Caller, body: str | None, url: str | None) -> Template:
    """Return the template of a request, read but not checked.

    Raises:
        AwsError: ValidationError; NotImplemented.
    """
    if (body is None) == (url is None):
        raise invalid("Either Template URL or Template Body must be specified.")
    if body is not None:
        if len(body.encode("utf-8", "replace")) > _MOST_BODY:
            message = f"1 validation error detected: Value '{body}' at 'templateBody' failed to"
            raise invalid(
                f"{message} satisfy constraint: Member must have length less than or equal to "
                f"{_MOST_BODY}"
            )
        return template.parse(body)
    return template.parse(_fetch(aws, str(url)))


def _fetch(aws: Caller, url: str) -> str:
    """Return the text of an object in S3, as the caller may read it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    path = unquote(parts.path.lstrip("/")) if host else ""
    if found := _BUCKET_HOST.fullmatch(host):
        bucket, key = found["bucket"], path
    elif _S3_HOST.fullmatch(host) or host in _LOOPBACK:
        bucket, _, key = path.partition("/")
    else:
        raise invalid("TemplateURL must be a supported URL.")
    if not (bucket and key):
        raise invalid("TemplateURL must reference a valid S3 object to which you have access.")
    if parts.query:
        raise not_simulated("a TemplateURL with a version")
    try:
        content: bytes = aws("s3", "GetObject", Bucket=bucket, Key=key)["Body"].read()
    except RefusedError as why:
        raise invalid(f"S3 error: {why.message}") from why
    if len(content) > _MOST_OBJECT:
        raise invalid(f"Template may not exceed {_MOST_OBJECT} bytes in size.")
    try:
        return content.decode()
    except UnicodeDecodeError as why:
        raise invalid("Template format error: the template is not UTF-8.") from why
