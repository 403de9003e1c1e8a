"""What the notebooks do, in small: one function each, over a lab that may be any."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pkilab import (
    ca_hierarchy,
    ca_sharing,
    digital_signing,
    dns_validation,
    functions,
    mutual_tls,
    security_findings,
)
from pkilab.access_control import mfa, roles
from pkilab.container_tls import rotation, tasks
from pkilab.lab import Lab
from pkilab.pki import pem, requests
from tests.stand_in.account import Account
from tests.stand_in.bystanders import THEIR_ZONE, make_bystanders

ONE = {"main": "111122223333"}
TWO = {"owner": "111122223333", "workload": "444455556666"}
_MONTH = {"Type": "DAYS", "Value": 30}


def hierarchy(lab: Lab) -> None:
    """A root, a subordinate that publishes its CRL, a certificate, a revocation; as notebook 01."""
    pca, s3, account = lab.client("acm-pca"), lab.client("s3"), lab.accounts["main"]
    root = ca_hierarchy.create_root(pca, {"Organization": "Lab", "CommonName": "Lab Root"})
    issuing = ca_hierarchy.create_subordinate(
        pca, {"Organization": "Lab", "CommonName": "Lab Issuing CA"}, parent_arn=root
    )
    bucket = f"lab-pki-{account}"
    s3.create_bucket(Bucket=bucket)
    ca_hierarchy.admit_private_ca(s3, bucket, account=account)
    publish = {
        "Enabled": True, "ExpirationInDays": 7, "S3BucketName": bucket,
        "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
    }  # fmt: skip
    pca.update_certificate_authority(
        CertificateAuthorityArn=issuing, RevocationConfiguration={"CrlConfiguration": publish}
    )
    key = lab.generate_key("web")
    request = requests.build_request(key, "CN=web.lab.internal", dns_names=["web.lab.internal"])
    issued = ca_hierarchy.issue(pca, issuing, request, validity=_MONTH)
    pca.revoke_certificate(
        CertificateAuthorityArn=issuing,
        CertificateSerial=f"{issued.certificate.serial_number:x}",
        RevocationReason="KEY_COMPROMISE",
    )


def mutual_tls_api(lab: Lab) -> None:
    """A zone, a public certificate, an API, a function and a truststore; as notebook 02."""
    name, account = "api.lab.example", lab.accounts["main"]
    apis, s3, route53 = lab.client("apigatewayv2"), lab.client("s3"), lab.client("route53")
    zone = route53.create_hosted_zone(Name="lab.example", CallerReference=f"lab {time.time()}")
    zone_id = zone["HostedZone"]["Id"]
    certificate = mutual_tls.request_public_certificate(
        lab.client("acm"), route53, name, zone_id, sleep=time.sleep
    )
    role = functions.create_role(lab.client("iam"), "lab-hello")
    source = "def handler(event, context):\n    return 'hello'\n"
    archive = functions.package({"index.py": source})
    function = functions.deploy(lab.client("lambda"), "lab-hello", archive, role=role)
    api = apis.create_api(Name="lab", ProtocolType="HTTP")["ApiId"]
    integration = apis.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function,
        PayloadFormatVersion="2.0",
    )["IntegrationId"]  # fmt: skip
    apis.create_route(ApiId=api, RouteKey="GET /", Target=f"integrations/{integration}")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    functions.allow_api(lab.client("lambda"), "lab-hello", api)
    bucket = f"lab-truststore-{account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    pca = lab.client("acm-pca")
    root = ca_hierarchy.create_root(pca, {"CommonName": "Clients"})
    found = pca.get_certificate_authority_certificate(CertificateAuthorityArn=root)
    trusted = mutual_tls.upload_truststore(s3, bucket, [pem.load_certificate(found["Certificate"])])
    status = mutual_tls.create_domain(apis, name, certificate, truststore=trusted, sleep=time.sleep)
    apis.create_api_mapping(DomainName=name, ApiId=api, Stage="$default")
    record = {
        "Name": name, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": status.target}],
    }  # fmt: skip
    route53.change_resource_record_sets(
        HostedZoneId=zone_id,
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
    )


def signing(lab: Lab) -> None:
    """Two roles, a key, an alias and a signature; as notebook 07."""
    kms, account = lab.client("kms"), lab.accounts["main"]
    caller = lab.client("sts").get_caller_identity()["Arn"]
    made = digital_signing.create_roles(lab.client("iam"), trusted=f"arn:aws:iam::{account}:root")
    policy = digital_signing.key_policy(
        account, administrator=caller, signer=made.signer, verifier=made.verifier
    )
    key = digital_signing.create_key(kms, "ECC_NIST_P256", policy, sleep=time.sleep)
    kms.create_alias(AliasName="alias/lab-signing", TargetKeyId=key)
    session = tasks.assume(lab.client("sts"), made.signer, sleep=time.sleep)
    signer = lab.client("kms", credentials=session)
    signer.sign(KeyId=key, Message=b"a file", MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")


def findings(lab: Lab) -> None:
    """Security Hub, a tap, a trail, and the stack that watches a CA; as notebook 09."""
    account, s3 = lab.accounts["main"], lab.client("s3")
    lab.client("securityhub").enable_security_hub(EnableDefaultStandards=False)
    pattern = {"source": ["aws.acm-pca"]}
    security_findings.tap(lab.client("events"), lab.client("sqs"), pattern, name="lab-ear")
    pca = lab.client("acm-pca")
    root = ca_hierarchy.create_root(pca, {"CommonName": "Watched"})
    bucket = f"lab-watch-the-root-{account}"
    s3.create_bucket(Bucket=bucket)
    security_findings.start_trail(
        lab.client("cloudtrail"), s3, name="lab-calls", bucket=bucket, account=account
    )
    security_findings.deploy(
        lab.client("cloudformation"), s3, bucket=bucket, authorities=[root], sleep=time.sleep
    )


def sharing(lab: Lab) -> None:
    """A CA shared with another account, which issues from it; as notebook 10."""
    pca = lab.client("acm-pca", account="owner")
    root = ca_hierarchy.create_root(pca, {"CommonName": "Shared"})
    share = ca_sharing.share(
        lab.client("ram", account="owner"), root, [lab.accounts["workload"]], sleep=time.sleep
    )
    ca_sharing.accept(lab.client("ram", account="workload"), share, sleep=time.sleep)
    theirs = lab.client("acm-pca", account="workload")
    ca_sharing.wait_usable(theirs, root, sleep=time.sleep)
    request = requests.build_request(lab.generate_key("web"), "CN=web.lab.internal")
    ca_hierarchy.issue(theirs, root, request, validity=_MONTH)


def stores(lab: Lab) -> None:
    """A key, a secret, a parameter, a task's role, and the stack that rotates; as notebook 11."""
    account, s3, kms = lab.accounts["main"], lab.client("s3"), lab.client("kms")
    key = kms.create_key(Description="lab")["KeyMetadata"]["Arn"]
    secret = lab.client("secretsmanager").create_secret(
        Name="lab/web", SecretString="{}", KmsKeyId=key,
        Tags=[{"Key": "ServerName", "Value": "web.lab.internal"}],
    )["ARN"]  # fmt: skip
    lab.client("ssm").put_parameter(
        Name="/lab/web", Value="text", Type="SecureString", KeyId=key, Tier="Advanced"
    )
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret}
        ],
    }
    tasks.create_role(lab.client("iam"), "lab-task", policy, stand_in=account)
    root = ca_hierarchy.create_root(lab.client("acm-pca"), {"CommonName": "Containers"})
    bucket = f"lab-containers-{account}"
    s3.create_bucket(Bucket=bucket)
    rotation.deploy(
        lab.client("cloudformation"), s3, bucket=bucket, secret_arn=secret, authority_arn=root,
        key_arn=key,
    )  # fmt: skip


def access(lab: Lab) -> None:
    """Users, roles, policies and an MFA device; as notebook 12."""
    iam = lab.client("iam", account="owner")
    allowed = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "acm-pca:List*", "Resource": "*"}],
    }
    managed = iam.create_policy(PolicyName="lab-read", PolicyDocument=json.dumps(allowed))
    iam.create_user(UserName="lab-ana")
    iam.attach_user_policy(UserName="lab-ana", PolicyArn=managed["Policy"]["Arn"])
    iam.create_access_key(UserName="lab-ana")
    mfa.enable_mfa(iam, "lab-ana", "lab-phone", lab.clock.now())
    roles.third_party_role(
        iam, "lab-auditor", third_party_account=lab.accounts["workload"],
        external_id="lab-42", policies=[managed["Policy"]["Arn"], allowed],
    )  # fmt: skip


def validation(lab: Lab) -> None:
    """Records for a certificate in a zone of the run, and in one that was there; as notebook 05."""
    acm, route53 = lab.client("acm"), lab.client("route53")
    zone = route53.create_hosted_zone(Name="lab.example", CallerReference=f"lab {time.time()}")
    arn = dns_validation.request(acm, ["www.lab.example", "lab.example"], sleep=time.sleep)
    found = dns_validation.records(acm, arn)
    dns_validation.to_route53(route53, found, zone["HostedZone"]["Id"], sleep=time.sleep)
    for theirs in route53.list_hosted_zones_by_name(DNSName=THEIR_ZONE)["HostedZones"]:
        if theirs["Name"] == f"{THEIR_ZONE}.":
            record = {
                "Name": f"_lab.{THEIR_ZONE}", "Type": "TXT", "TTL": 60,
                "ResourceRecords": [{"Value": '"lab"'}],
            }  # fmt: skip
            route53.change_resource_record_sets(
                HostedZoneId=theirs["Id"],
                ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
            )


@dataclass(frozen=True, slots=True)
class Workflow:
    """One of them: what to run, with which accounts, and how many CAs it makes."""

    run: Callable[[Lab], None]
    authorities: int
    accounts: Mapping[str, str] = field(default_factory=lambda: ONE)

    def __str__(self) -> str:
        return self.run.__name__


WORKFLOWS = {
    str(each): each
    for each in (
        Workflow(hierarchy, 2),
        Workflow(mutual_tls_api, 1),
        Workflow(signing, 0),
        Workflow(findings, 1),
        Workflow(sharing, 1, TWO),
        Workflow(stores, 1),
        Workflow(access, 0, TWO),
        Workflow(validation, 0),
    )
}


@contextlib.contextmanager
def shared_account(workflow: Workflow, **options: Any) -> Iterator[Account]:
    """Open a stand-in with bystanders in it, at the time that this process has.

    Args:
        workflow: what will be run in it.
        options: as `Account`.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    with Account(workflow.accounts, now=now, **options) as account:
        make_bystanders(account.lab)
        yield account


def run_here(account: Account, workflow: Workflow) -> None:
    """Run a workflow in this process, over `Lab.aws` and HTTP; its clean-up is left to others."""
    with account.here(), Lab.from_env(accounts=dict(workflow.accounts)) as lab:
        workflow.run(lab)
