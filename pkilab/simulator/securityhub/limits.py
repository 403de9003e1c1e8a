"""What the API model does not say of a finding's members: lengths, numbers of items, timestamps.

The model has next to nothing but types for findings; the limits stand in its documentation, in the
user guide and in what the service answers.

Sources: Security Hub CSPM API Reference, AwsSecurityFinding and the types that it has; User Guide,
"AWS Security Finding Format"; for ``Types``, Compliance and ``Details.Other`` what the service
answered (prowler-cloud/prowler issue 2519 and pull request 2520, cloud-custodian issue 3603).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """Limits of one member; None: there is none.

    Attributes:
        least: characters of a text, items of a list, entries of a map, or a number's least value.
        most: likewise.
        key: characters of a map's keys, at most.
        value: characters of a map's values, at most.
        pattern: what a text must match.
        choices: the only texts there are.
    """

    least: int | None = None
    most: int | None = None
    key: int | None = None
    value: int | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()


SCHEMA_VERSION = "2018-10-08"
TYPES = "^([^/]+)(/[^/]+){0,2}$"  # of each of Types: namespace/category/classifier, or a part
LONGEST = 32_768  # characters of any text: fewer
_TEXTS = """
AwsSecurityFinding Id 512 GeneratorId 512 ProductName 128 CompanyName 128 Region 16 Title 256
AwsSecurityFinding Description 1024 AwsAccountName 50
ActionLocalPortDetails PortName 128
ActionRemotePortDetails PortName 128
AwsApiCallAction Api 128 ServiceName 128
AwsApiCallActionDomainDetails Domain 128
DnsRequestAction Domain 128 Protocol 64
FilePaths FilePath 128 FileName 128 ResourceId 128 Hash 128
FindingProviderSeverity Original 64
Malware Name 64 Path 512
Network Protocol 16 SourceDomain 128 DestinationDomain 128
NetworkConnectionAction Protocol 64
NetworkHeader Protocol 16
NetworkPathComponent ComponentId 32 ComponentType 32
Note Text 512
NoteUpdate Text 512
PatchSummary Id 256 RebootOption 256 Operation 256
ProcessDetails Name 64 Path 512
Recommendation Text 512
Resource Type 256 Region 16
Severity Original 64
Threat Name 128 Severity 128
ThreatIntelIndicator Value 512 Source 64
"""
_LISTS = {
    "AwsSecurityFinding.Malware": Limit(most=5),
    "AwsSecurityFinding.RelatedFindings": Limit(1, 10),
    "AwsSecurityFinding.Resources": Limit(1, 32),
    "AwsSecurityFinding.ThreatIntelIndicators": Limit(1, 5),
    "AwsSecurityFinding.Threats": Limit(1, 32),
    "AwsSecurityFinding.Types": Limit(most=50, pattern=TYPES),
    "Compliance.AssociatedStandards": Limit(most=20),
    "Compliance.RelatedRequirements": Limit(most=32),
    "FindingProviderFields.RelatedFindings": Limit(1, 10),
    "FindingProviderFields.Types": Limit(most=50, pattern=TYPES),
    "GeneratorDetails.Labels": Limit(most=10),
    "Threat.FilePaths": Limit(1, 5),
}
_OTHERS = {
    "AwsSecurityFinding.AwsAccountId": Limit(pattern="^[0-9]{12}$"),
    "AwsSecurityFinding.Confidence": Limit(0, 100),
    "AwsSecurityFinding.Criticality": Limit(0, 100),
    "AwsSecurityFinding.ProductArn": Limit(12, 2048),
    "AwsSecurityFinding.ProductFields": Limit(most=50, key=128, value=2048),
    "AwsSecurityFinding.SchemaVersion": Limit(choices=(SCHEMA_VERSION,)),
    "AwsSecurityFinding.UserDefinedFields": Limit(most=50, key=128, value=1024),
    "Resource.Tags": Limit(most=50, key=128, value=256),
    "ResourceDetails.Other": Limit(most=50, key=128, value=1024),
    "Severity.Normalized": Limit(0, 100),
}
LIMITS = {
    **{
        f"{words[0]}.{name}": Limit(1, int(most))
        for words in map(str.split, _TEXTS.strip().splitlines())
        for name, most in zip(words[1::2], words[2::2], strict=True)
    },
    **_LISTS,
    **_OTHERS,
}
_TIMESTAMPS = """
AwsApiCallAction FirstSeen LastSeen
AwsApiGatewayRestApiDetails CreatedDate
AwsApiGatewayStageDetails CreatedDate LastUpdatedDate
AwsApiGatewayV2ApiDetails CreatedDate
AwsApiGatewayV2StageDetails CreatedDate LastUpdatedDate
AwsAutoScalingAutoScalingGroupDetails CreatedTime
AwsAutoScalingLaunchConfigurationDetails CreatedTime
AwsCertificateManagerCertificateDetails CreatedAt ImportedAt IssuedAt NotAfter NotBefore
AwsCertificateManagerCertificateRenewalSummary UpdatedAt
AwsCloudFrontDistributionDetails LastModifiedTime
AwsDynamoDbTableBillingModeSummary LastUpdateToPayPerRequestDateTime
AwsDynamoDbTableDetails CreationDateTime
AwsDynamoDbTableProvisionedThroughput LastDecreaseDateTime LastIncreaseDateTime
AwsDynamoDbTableRestoreSummary RestoreDateTime
AwsDynamoDbTableSseDescription InaccessibleEncryptionDateTime
AwsEc2InstanceDetails LaunchedAt
AwsEc2NetworkInterfaceAttachment AttachTime
AwsEc2VolumeDetails CreateTime
AwsEc2VpnConnectionVgwTelemetryDetails LastStatusChange
AwsEcrContainerImageDetails ImagePublishedAt
AwsElbLoadBalancerDetails CreatedTime
AwsElbv2LoadBalancerDetails CreatedTime
AwsIamAccessKeyDetails CreatedAt
AwsIamAccessKeySessionContextAttributes CreationDate
AwsIamGroupDetails CreateDate
AwsIamInstanceProfile CreateDate
AwsIamInstanceProfileRole CreateDate
AwsIamPolicyDetails CreateDate UpdateDate
AwsIamPolicyVersion CreateDate
AwsIamRoleDetails CreateDate
AwsIamUserDetails CreateDate
AwsKmsKeyDetails CreationDate
AwsLambdaFunctionDetails LastModified
AwsLambdaLayerVersionDetails CreatedDate
AwsRdsDbClusterDetails ClusterCreateTime
AwsRdsDbClusterSnapshotDetails SnapshotCreateTime ClusterCreateTime
AwsRdsDbInstanceDetails InstanceCreateTime LatestRestorableTime
AwsRdsEventSubscriptionDetails SubscriptionCreationTime
AwsRedshiftClusterDeferredMaintenanceWindow DeferMaintenanceEndTime DeferMaintenanceStartTime
AwsRedshiftClusterDetails ClusterCreateTime ExpectedNextSnapshotScheduleTime
AwsRedshiftClusterDetails NextMaintenanceWindowStartTime
AwsRedshiftClusterLoggingStatus LastFailureTime LastSuccessfulDeliveryTime
AwsS3BucketBucketLifecycleConfigurationRulesDetails ExpirationDate
AwsS3BucketBucketLifecycleConfigurationRulesTransitionsDetails Date
AwsS3BucketDetails CreatedAt
AwsS3ObjectDetails LastModified
AwsSecurityFinding FirstObservedAt LastObservedAt CreatedAt UpdatedAt ProcessedAt
ContainerDetails LaunchedAt
Note UpdatedAt
PatchSummary OperationStartTime OperationEndTime
ProcessDetails LaunchedAt TerminatedAt
ThreatIntelIndicator LastObservedAt
VulnerabilityVendor VendorCreatedAt VendorUpdatedAt
"""
TIMESTAMPS = frozenset(
    f"{words[0]}.{name}"
    for words in map(str.split, _TIMESTAMPS.strip().splitlines())
    for name in words[1:]
)
