"""The condition keys that are modelled, with their types.

A key that is not in this table is refused, never ignored: a policy must not grant more, or deny
less, than it says. That a key is in the table says what it compares, not that every service that
AWS lets it be used with fills it in.

Sources: IAM User Guide, "AWS global condition context keys" and "Available keys for IAM and AWS
STS"; Service Authorization Reference, "Actions, resources, and condition keys" of each service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

KeyType = Literal["String", "ARN", "Bool", "Numeric", "Date", "IPAddress", "Binary"]


@dataclass(frozen=True, slots=True)
class Key:
    """A condition key: its name in small letters, its type, and whether it has many values."""

    name: str
    type: KeyType
    multivalued: bool = False


def key(name: str) -> Key | None:
    """Find a key by its name, in any case; ``None`` if it is not modelled."""
    small = name.lower()
    if (exact := KEYS.get(small)) is not None:
        return exact
    for family in _FAMILIES:
        if small.startswith(family) and len(small) > len(family):
            return Key(small, "String")
    return None


def _table(rows: dict[str, str]) -> dict[str, Key]:
    found = {}
    for types, names in rows.items():
        kind, _, many = types.partition("*")
        for name in names.split():
            found[name.lower()] = Key(name.lower(), kind, multivalued=many == "many")  # type: ignore[arg-type]
    return found


#: Families of keys: what follows the name is a tag key or a key of an encryption context.
_FAMILIES = (
    "aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "iam:resourcetag/",
    "kms:encryptioncontext:", "ram:resourcetag/", "s3:existingobjecttag/", "s3:requestobjecttag/",
    "secretsmanager:resourcetag/", "securityhub:asffsyntaxpath/", "ssm:resourcetag/",
)  # fmt: skip

#: Every key of one name, by that name.
KEYS: Mapping[str, Key] = _table({
    "String": """
        aws:PrincipalAccount aws:PrincipalOrgID aws:PrincipalType aws:PrincipalServiceName
        aws:SourceAccount aws:SourceOrgID aws:SourceIdentity aws:userid aws:username aws:UserAgent
        aws:SourceOwner
        aws:referer aws:CalledViaFirst aws:CalledViaLast aws:RequestedRegion aws:ResourceAccount
        aws:ResourceOrgID aws:FederatedProvider aws:SourceVpc aws:SourceVpce
        sts:ExternalId sts:RoleSessionName sts:SourceIdentity
        kms:SigningAlgorithm kms:MessageType kms:KeySpec kms:KeyUsage kms:KeyOrigin
        kms:RequestAlias kms:ViaService kms:CallerAccount kms:GranteePrincipal
        kms:RetiringPrincipal kms:GrantConstraintType kms:EncryptionAlgorithm kms:MacAlgorithm
        kms:DataKeyPairSpec kms:KeyAgreementAlgorithm kms:WrappingAlgorithm kms:WrappingKeySpec
        kms:ExpirationModel kms:ReplicaRegion kms:PrimaryRegion kms:MultiRegionKeyType
        kms:CustomerMasterKeySpec kms:CustomerMasterKeyUsage
        acm:ValidationMethod acm:KeyAlgorithm acm:CertificateTransparencyLogging acm:Export
        acm:CertificateAuthority
        s3:prefix s3:delimiter s3:x-amz-acl s3:VersionId s3:LocationConstraint s3:authType
        s3:signatureversion s3:x-amz-content-sha256 s3:x-amz-copy-source
        s3:x-amz-metadata-directive s3:x-amz-server-side-encryption s3:x-amz-storage-class
        s3:x-amz-grant-full-control s3:x-amz-grant-read s3:x-amz-grant-read-acp
        s3:x-amz-grant-write s3:x-amz-grant-write-acp s3:ResourceAccount
        s3express:SessionMode
        iam:PassedToService iam:AWSServiceName
        events:creatorAccount events:eventBusInvocation events:detail.eventTypeCode
        events:detail.service events:detail.userIdentity.principalId
        lambda:FunctionUrlAuthType lambda:Principal lambda:EventSourceToken lambda:VpcIds
        ram:PermissionResourceType ram:Principal ram:RequestedResourceType ram:ResourceShareName
        ram:ShareOwnerAccountId
        route53:VPCs
        apigateway:Request/ApiName apigateway:Request/MtlsTrustStoreUri
        apigateway:Request/MtlsTrustStoreVersion apigateway:Resource/ApiName
        apigateway:Resource/MtlsTrustStoreUri apigateway:Resource/MtlsTrustStoreVersion
        secretsmanager:Description secretsmanager:KmsKeyId secretsmanager:Name
        secretsmanager:SecretPrimaryRegion secretsmanager:VersionId secretsmanager:VersionStage
        securityhub:TargetAccount
        sns:Endpoint sns:Protocol
        ssm:Overwrite ssm:Policies ssm:Recursive
        """,
    "String*many": """
        aws:PrincipalOrgPaths aws:PrincipalServiceNamesList aws:SourceOrgPaths aws:CalledVia
        aws:TagKeys aws:ResourceOrgPaths
        events:source events:detail-type
        sts:TransitiveTagKeys
        kms:ResourceAliases kms:GrantOperations kms:EncryptionContextKeys
        acm:DomainNames
        lambda:SubnetIds lambda:SecurityGroupIds lambda:Layer
        route53:ChangeResourceRecordSetsNormalizedRecordNames
        route53:ChangeResourceRecordSetsRecordTypes route53:ChangeResourceRecordSetsActions
        apigateway:Request/EndpointType apigateway:Request/SecurityPolicy
        apigateway:Resource/EndpointType apigateway:Resource/SecurityPolicy
        """,
    "ARN": """
        aws:PrincipalArn aws:SourceArn
        acm-pca:TemplateArn
        s3:x-amz-server-side-encryption-aws-kms-key-id s3:DataAccessPointArn
        iam:PermissionsBoundary iam:PolicyARN iam:AssociatedResourceArn
        lambda:FunctionArn lambda:CodeSigningConfigArn lambda:SourceFunctionArn
        secretsmanager:KmsKeyArn secretsmanager:RotationLambdaARN secretsmanager:SecretId
        secretsmanager:resource/AllowRotationLambdaArn
        ram:PermissionArn ram:ResourceArn
        """,
    "ARN*many": "events:TargetArn",
    "Bool": """
        aws:MultiFactorAuthPresent aws:PrincipalIsAWSService aws:SecureTransport aws:ViaAWSService
        kms:GrantIsForAWSResource kms:BypassPolicyLockoutSafetyCheck kms:MultiRegion
        kms:ReEncryptOnSameKey
        lambda:InvokedViaFunctionUrl
        ram:AllowsExternalPrincipals ram:RequestedAllowsExternalPrincipals
        ram:RetainSharingOnAccountLeaveOrganization
        apigateway:Request/DisableExecuteApiEndpoint apigateway:Resource/DisableExecuteApiEndpoint
        secretsmanager:BlockPublicPolicy secretsmanager:ForceDeleteWithoutRecovery
        secretsmanager:ModifyRotationRules secretsmanager:RotateImmediately
        """,
    "Numeric": """
        aws:MultiFactorAuthAge sts:DurationSeconds
        kms:ScheduleKeyDeletionPendingWindowInDays kms:RotationPeriodInDays
        s3:max-keys s3:TlsVersion s3:signatureAge
        secretsmanager:RecoveryWindowInDays
        """,
    "Date": "aws:CurrentTime aws:EpochTime aws:TokenIssueTime kms:ValidTo",
    "IPAddress": "aws:SourceIp aws:VpcSourceIp",
})  # fmt: skip
