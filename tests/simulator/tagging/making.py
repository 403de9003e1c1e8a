"""How each create of `pkilab.tags` is asked for, in a lab whose administrator prepares it."""

import json

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkilab import ca_hierarchy, functions, mutual_tls
from pkilab.pki import requests

MAIN = "111122223333"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    },
}
ALLOW = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
TEMPLATE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}


def made_certificate(lab):
    """Return a certificate, its key and its chain as ImportCertificate takes them."""
    root = ca_hierarchy.create_root(lab.client("acm-pca"), {"CommonName": "Root"})
    key = lab.generate_key("api")
    csr = requests.build_request(key, "CN=api.lab.example", dns_names=["api.lab.example"])
    issued = ca_hierarchy.issue(
        lab.client("acm-pca"), root, csr, validity={"Type": "DAYS", "Value": 300}
    )
    return issued, key


def imported(lab):
    """Return the parameters of ImportCertificate."""
    issued, key = made_certificate(lab)
    return {
        "Certificate": issued.pem,
        "PrivateKey": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "CertificateChain": issued.chain_pem,
    }


def in_acm(lab):
    """Import a certificate and return its ARN."""
    issued, key = made_certificate(lab)
    return mutual_tls.import_certificate(lab.client("acm"), issued.pem, key, issued.chain_pem)


def trail(lab):
    """Return the parameters of CreateTrail."""
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="lab-logs")
    service = {"Service": "cloudtrail.amazonaws.com"}
    acl = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    bucket = "arn:aws:s3:::lab-logs"
    statements = [
        {"Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": bucket},
        {
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:PutObject",
            "Resource": f"{bucket}/AWSLogs/{MAIN}/*",
            "Condition": acl,
        },
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    s3.put_bucket_policy(Bucket="lab-logs", Policy=policy)
    return {"Name": "audit", "S3BucketName": "lab-logs"}


def function(lab):
    """Return the parameters of CreateFunction."""
    code = functions.package({"index.py": "def handler(event, context): return event"})
    return {
        "FunctionName": "f",
        "Role": functions.create_role(lab.client("iam"), "r"),
        "Code": {"ZipFile": code},
        "Runtime": "python3.13",
        "Handler": "index.handler",
    }


def organization(lab):
    """Make an organization and return its root's id."""
    client = lab.client("organizations")
    client.create_organization(FeatureSet="ALL")
    return client.list_roots()["Roots"][0]["Id"]


def control_policy(lab):
    """Return the parameters of CreatePolicy."""
    organization(lab)
    return {
        "Name": "p", "Description": "d", "Type": "SERVICE_CONTROL_POLICY",
        "Content": json.dumps(ALLOW),
    }  # fmt: skip


REGIONAL = {"EndpointType": "REGIONAL"}
MAKING = {
    ("acm", "ImportCertificate"): imported,
    ("acm", "RequestCertificate"): lambda lab: {
        "DomainName": "a.lab.example", "ValidationMethod": "DNS",
    },
    ("acm-pca", "CreateCertificateAuthority"): lambda lab: {
        "CertificateAuthorityType": "ROOT",
        "CertificateAuthorityConfiguration": {
            "KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "Root"},
        },
    },
    ("apigateway", "CreateDomainName"): lambda lab: {
        "domainName": "api.lab.example", "regionalCertificateArn": in_acm(lab),
        "endpointConfiguration": {"types": ["REGIONAL"]},
    },
    ("apigateway", "CreateRestApi"): lambda lab: {"name": "a"},
    ("apigatewayv2", "CreateApi"): lambda lab: {"Name": "a", "ProtocolType": "HTTP"},
    ("apigatewayv2", "CreateDomainName"): lambda lab: {
        "DomainName": "api.lab.example",
        "DomainNameConfigurations": [{"CertificateArn": in_acm(lab), **REGIONAL}],
    },
    ("cloudformation", "CreateStack"): lambda lab: {
        "StackName": "s", "TemplateBody": json.dumps(TEMPLATE),
    },
    ("cloudtrail", "CreateTrail"): trail,
    ("events", "CreateEventBus"): lambda lab: {"Name": "b"},
    ("events", "PutRule"): lambda lab: {"Name": "r", "ScheduleExpression": "rate(1 day)"},
    ("iam", "CreatePolicy"): lambda lab: {
        "PolicyName": "p", "PolicyDocument": json.dumps(ALLOW),
    },
    ("iam", "CreateRole"): lambda lab: {
        "RoleName": "r", "AssumeRolePolicyDocument": json.dumps(TRUST),
    },
    ("iam", "CreateUser"): lambda lab: {"UserName": "u"},
    ("iam", "CreateVirtualMFADevice"): lambda lab: {"VirtualMFADeviceName": "m"},
    ("kms", "CreateKey"): lambda lab: {},
    ("lambda", "CreateFunction"): function,
    ("logs", "CreateLogGroup"): lambda lab: {"logGroupName": "g"},
    ("organizations", "CreateOrganizationalUnit"): lambda lab: {
        "ParentId": organization(lab), "Name": "u",
    },
    ("organizations", "CreatePolicy"): control_policy,
    ("ram", "CreatePermission"): lambda lab: {
        "name": "p", "resourceType": "acm-pca:CertificateAuthority",
        "policyTemplate": json.dumps({"Effect": "Allow", "Action": ["acm-pca:ListTags"]}),
    },
    ("ram", "CreateResourceShare"): lambda lab: {"name": "s"},
    ("s3", "CreateBucket"): lambda lab: {"Bucket": "lab-bucket"},
    ("secretsmanager", "CreateSecret"): lambda lab: {"Name": "s", "SecretString": "hush"},
    ("securityhub", "EnableSecurityHub"): lambda lab: {"EnableDefaultStandards": False},
    ("sns", "CreateTopic"): lambda lab: {"Name": "t"},
    ("sqs", "CreateQueue"): lambda lab: {"QueueName": "q"},
    ("ssm", "PutParameter"): lambda lab: {"Name": "p", "Value": "v", "Type": "String"},
}  # fmt: skip
