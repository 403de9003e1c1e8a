"""What a request is about: whose it is, its own policy, and what conditions may ask about it.

Source: IAM User Guide, "AWS services that work with IAM" (which have resource-based policies);
Service Authorization Reference (ARNs, condition keys); KMS Developer Guide, "Grants in AWS KMS".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from pkilab.access_control.callers import Context
from pkilab.access_control.reading import Policy, Reader
from pkilab.errors import LabError, MalformedError
from pkilab.iam import Document, read_policy

_PARTS = 6  # of an ARN
_NONE = frozenset({"NoSuchBucketPolicy", "ResourceNotFoundException"})
_NOT_YET = frozenset({"NoSuchBucket"})  # of what is to be created
# Services of this package whose resources have no policy of their own.
_WITHOUT = frozenset(
    {
        "acm", "cloudformation", "iam", "organizations", "route53", "route53domains", "sts",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resource:
    """What a request is about.

    Attributes:
        arn: its ARN, or ``*``.
        owner: the account whose it is; ``""`` for ``*``.
        policies: its policy, and a key's grants.
        required: whether an identity-based policy alone never allows.
        context: condition keys that are known of it, in small letters.
    """

    arn: str
    owner: str = ""
    policies: tuple[Document, ...] = ()
    required: bool = False
    context: Context | None = None


def read_resource(
    arn: str, action: str, account: str, reader: Reader, *, owner: str, policy: Policy | None
) -> Resource:
    """Read what can be read of a resource.

    Args:
        arn: its ARN, or ``*``. The ARN of a KMS alias is followed to the key, as KMS does. What a
            Create action names need not be there: it is the caller's, and has no policy yet.
        action: such as ``kms:Sign``.
        account: the caller's; ``""``: it has none.
        reader: of the owner's account.
        owner: whose it is, if its ARN does not say; ``""``: unknown.
        policy: the resource's policy, if it is not to be read from AWS.

    Raises:
        MalformedError: it is neither an ARN nor ``*``, or ``policy`` is none.
        UnsupportedError: ``policy`` says what is not modelled.
        LabError: nobody can tell whose it is.
        ClientError: there is no such thing (botocore's).
    """
    if arn == "*":
        return Resource("*", owner)
    parts = arn.split(":", _PARTS - 1)
    if len(parts) < _PARTS or parts[0] != "arn":
        raise MalformedError("resource", found=repr(arn), expected="an ARN or *")
    service, prefix = parts[2], action.partition(":")[0].lower()
    created = account if action.partition(":")[2].lower().startswith("create") else ""
    whose = parts[4] or owner or created
    whose = whose or _owner_of_bucket(service, parts[5], account, reader)
    found = Resource(arn, whose)
    if service == "kms" and parts[5].startswith("alias/"):
        if "alias" in action.lower():  # CreateAlias and the like: an alias has no policy
            return found
        found = _follow_alias(found, parts[3], reader)
    trust = prefix == "sts" and service == "iam"
    found = replace(found, required=service == "kms" or trust)
    if policy is not None:
        given = read_policy(policy, kind="resource", name=f"policy of {found.arn}")
        return replace(found, policies=(given,))
    key = "trust" if trust else service
    if key in _POLICIES:
        try:
            documents = tuple(_POLICIES[key](found.arn, whose, reader))
        except ClientError as error:
            if not created or error.response["Error"]["Code"] not in _NOT_YET:
                raise
            documents = ()
        return replace(found, policies=documents)
    if service not in _WITHOUT:
        reader.note("resource", f"policy of {arn}", f"policies of {service} are not read here")
    return found


def read_facts(found: Resource, asked: frozenset[str], reader: Reader) -> Context:
    """Read the condition keys of a resource that policies ask for; others are not looked for."""
    parts = found.arn.split(":", _PARTS - 1)
    about = any(each.startswith("aws:resourcetag/") for each in asked)
    context: Context = {}
    if found.arn != "*" and found.owner:
        context["aws:resourceaccount"] = found.owner
    if len(parts) < _PARTS:
        return context
    service, region = parts[2], parts[3]
    if service == "kms" and (about or asked & _KEY_FACTS):
        context |= _key_facts(found, region, asked, reader)
    elif about and service in _TAGS:
        client = reader.client(service, found.owner, region, None, f"tags of {found.arn}")
        if client is not None:
            tags = reader.ask(None, f"tags of {found.arn}", lambda: _TAGS[service](client, found))
            context |= _as_keys(tags or {})
    return context


def _owner_of_bucket(service: str, bucket: str, account: str, reader: Reader) -> str:
    """Say whether a bucket is the caller's own account's, since its ARN names no account."""
    if service != "s3":
        return account
    name = bucket.partition("/")[0]
    s3 = reader.client("s3", account, "", None, f"owner of {name}") if account else None
    answer = reader.ask(None, f"owner of {name}", s3.list_buckets) if s3 is not None else None
    if name in {each["Name"] for each in (answer or {}).get("Buckets", ())}:
        return account
    raise LabError(
        f"{name}: an S3 ARN names no account, and the bucket is not found in account "
        f"{account or '(none)'}; say owner="
    )


def _follow_alias(found: Resource, region: str, reader: Reader) -> Resource:
    what = f"key of {found.arn}"
    kms = reader.client("kms", found.owner, region, "resource", what)
    if kms is None:
        return found
    answer = reader.ask("resource", what, lambda: kms.describe_key(KeyId=found.arn))
    if answer is None:
        return found
    alias = found.arn.partition(":alias/")[2]
    return replace(
        found, arn=answer["KeyMetadata"]["Arn"], context={"kms:requestalias": f"alias/{alias}"}
    )


# Policies.


def _key_policies(arn: str, owner: str, reader: Reader) -> Iterator[Document]:
    what = f"key policy of {arn}"
    kms = reader.client("kms", owner, arn.split(":")[3], "resource", what)
    if kms is None:
        return
    policy = reader.ask("resource", what, lambda: kms.get_key_policy(KeyId=arn)["Policy"])
    if policy is not None:
        yield from reader.policy(policy, "resource", what)

    def grants() -> list[dict[str, Any]]:
        pages = kms.get_paginator("list_grants").paginate(KeyId=arn)
        return [each for page in pages for each in page["Grants"]]

    for grant in reader.ask("grant", f"grants on {arn}", grants) or ():
        yield from reader.policy(_as_policy(grant, arn), "grant", f"grant {grant['GrantId']}")


def _as_policy(grant: Mapping[str, Any], arn: str) -> dict[str, Any]:
    """Write a grant in the language of policies; a constraint becomes a condition.

    EncryptionContextEquals is written as its pairs and no other key.
    """
    rights = [
        (grant["GranteePrincipal"], list(grant["Operations"])),
        *([(grant["RetiringPrincipal"], ["RetireGrant"])] if "RetiringPrincipal" in grant else []),
    ]
    statements = []
    for principal, operations in rights:
        kind = "Service" if principal.endswith((".amazonaws.com", ".aws")) else "AWS"
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {kind: principal},
            "Action": [f"kms:{operation}" for operation in operations],
            "Resource": arn,
        }
        if condition := _constraint(grant.get("Constraints", {})):
            statement["Condition"] = condition
        statements.append(statement)
    return {"Version": "2008-10-17", "Statement": statements}


def _constraint(constraints: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    equals = constraints.get("EncryptionContextEquals", {})
    pairs = {**constraints.get("EncryptionContextSubset", {}), **equals}
    if not pairs:
        return {}
    exact = {"StringEquals": {f"kms:EncryptionContext:{key}": pairs[key] for key in sorted(pairs)}}
    if not equals:
        return exact
    return {**exact, "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": sorted(equals)}}


def _bucket_policy(arn: str, owner: str, reader: Reader) -> Iterator[Document]:
    name = arn.split(":", _PARTS - 1)[5].partition("/")[0]
    yield from _attached(
        reader,
        "s3",
        (owner, ""),
        f"bucket policy of {name}",
        lambda s3: s3.get_bucket_policy(Bucket=name)["Policy"],
    )


def _ca_policy(arn: str, owner: str, reader: Reader) -> Iterator[Document]:
    yield from _attached(
        reader,
        "acm-pca",
        (owner, arn.split(":")[3]),
        f"resource policy of {arn}",
        lambda pca: pca.get_policy(ResourceArn=arn)["Policy"],
    )


def _function_policy(arn: str, owner: str, reader: Reader) -> Iterator[Document]:
    yield from _attached(
        reader,
        "lambda",
        (owner, arn.split(":")[3]),
        f"resource policy of {arn}",
        lambda client: client.get_policy(FunctionName=arn)["Policy"],
    )


def _attached(
    reader: Reader,
    service: str,
    place: tuple[str, str],  # account and Region
    what: str,
    read: Callable[[Any], str],
) -> Iterator[Document]:
    """Yield a resource's policy, which it need not have."""
    client = reader.client(service, *place, "resource", what)
    if client is None:
        return
    text = reader.ask("resource", what, lambda: read(client), absent=_NONE)
    if text is not None:
        yield from reader.policy(text, "resource", what)


def _trust_policy(arn: str, owner: str, reader: Reader) -> Iterator[Document]:
    name = arn.rpartition("/")[2]
    what = f"trust policy of role {name}"
    iam = reader.client("iam", owner, "", "resource", what)
    if iam is None:
        return
    role = reader.ask("resource", what, lambda: iam.get_role(RoleName=name)["Role"])
    if role is not None:
        yield from reader.policy(role["AssumeRolePolicyDocument"], "resource", what)


_POLICIES: Mapping[str, Callable[[str, str, Reader], Iterator[Document]]] = {
    "acm-pca": _ca_policy,
    "kms": _key_policies,
    "lambda": _function_policy,
    "s3": _bucket_policy,
    "trust": _trust_policy,
}


# Facts.

_KEY_FACTS = frozenset(
    {"kms:keyorigin", "kms:keyspec", "kms:keyusage", "kms:multiregion", "kms:resourcealiases"}
)
_TAGS: Mapping[str, Callable[[Any, Resource], dict[str, str]]] = {
    "acm": lambda client, found: _pairs(
        client.list_tags_for_certificate(CertificateArn=found.arn)["Tags"], "Key", "Value"
    ),
    "acm-pca": lambda client, found: _pairs(
        client.list_tags(CertificateAuthorityArn=found.arn)["Tags"], "Key", "Value"
    ),
    "lambda": lambda client, found: client.list_tags(Resource=found.arn)["Tags"],
}


def _key_facts(found: Resource, region: str, asked: frozenset[str], reader: Reader) -> Context:
    what = f"facts of {found.arn}"
    kms = reader.client("kms", found.owner, region, None, what)
    if kms is None:
        return {}
    context: Context = {}
    if asked & (_KEY_FACTS - {"kms:resourcealiases"}):
        told = reader.ask(None, what, lambda: kms.describe_key(KeyId=found.arn)["KeyMetadata"])
        if told is not None:
            context["kms:keyspec"] = told["KeySpec"]
            context["kms:keyusage"] = told["KeyUsage"]
            context["kms:keyorigin"] = told["Origin"]
            context["kms:multiregion"] = str(told["MultiRegion"]).lower()
    if "kms:resourcealiases" in asked:
        aliases = reader.ask(None, what, lambda: kms.list_aliases(KeyId=found.arn)["Aliases"])
        if aliases:
            context["kms:resourcealiases"] = tuple(each["AliasName"] for each in aliases)
    if any(each.startswith("aws:resourcetag/") for each in asked):
        tags = reader.ask(None, what, lambda: kms.list_resource_tags(KeyId=found.arn)["Tags"])
        context |= _as_keys(_pairs(tags or [], "TagKey", "TagValue"))
    return context


def _pairs(tags: list[dict[str, str]], key: str, value: str) -> dict[str, str]:
    return {tag[key]: tag.get(value, "") for tag in tags}


def _as_keys(tags: Mapping[str, str]) -> Context:
    return {f"aws:resourcetag/{key.lower()}": value for key, value in tags.items()}
