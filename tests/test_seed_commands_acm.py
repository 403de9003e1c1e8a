"""What the AWS posts on ACM type and write: its commands, and its CloudFormation snippets.

The text is taken from the posts as it stands. What was changed before running is listed beside it,
and a change that is not needed any more fails the test.
"""

import json
import re

import pytest

from pkilab import Lab, dns_validation
from pkilab.ca_hierarchy import create_root
from pkilab.ct.precertificates import scts_of
from pkilab.pki import pem
from tests.posts import DESCRIBED, check_described, normalise, requested, words_of

SITE = "example.com"


@pytest.fixture(scope="module")
def posts(seeds):
    """The text of the posts."""
    return "\n".join(file.read_text() for file in seeds)


@pytest.fixture
def aws(lab, aws_cli):
    """Run the AWS command line against the served world, in an account of the lab's."""
    lab.serve()

    def run(account, *words):
        ran = aws_cli(lab, *words, account=account)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout or "{}")

    return run


def shared_ca(lab):
    """Have the owner share a root CA with the consumer, as RAM's default permission does."""
    pca = lab.client("acm-pca", account="owner")
    arn = create_root(pca, {"CommonName": "Example.com"}, key_algorithm="RSA_2048")
    consumer = {"AWS": lab.accounts["consumer"]}
    template = {"acm-pca:TemplateArn": "arn:aws:acm-pca:::template/EndEntityCertificate/V1"}
    reading = [
        f"acm-pca:{action}"
        for action in (
            "DescribeCertificateAuthority",
            "GetCertificate",
            "GetCertificateAuthorityCertificate",
            "ListPermissions",
            "ListTags",
        )
    ]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "1", "Effect": "Allow", "Principal": consumer, "Resource": arn,
                "Action": reading,
            },
            {
                "Sid": "2", "Effect": "Allow", "Principal": consumer, "Resource": arn,
                "Action": ["acm-pca:IssueCertificate"], "Condition": {"StringEquals": template},
            },
        ],
    }  # fmt: skip
    pca.put_policy(ResourceArn=arn, Policy=json.dumps(policy))
    return arn


def test_the_sharing_posts_acm_commands_run_and_print_what_it_shows(posts, lab, aws):
    """Requested in the consumer's account and issued by the owner's CA, member for member."""
    request, describe = re.findall(r"(?m)^\s*(?:\$ )?(aws acm .*)$", posts)
    ca = shared_ca(lab)
    made = aws("consumer", *requested(request, ca)[1:])["CertificateArn"]
    line = words_of(describe, (DESCRIBED, made, "a placeholder"))
    check_described(posts, describe, aws("consumer", *line[1:])["Certificate"], ca)


def test_the_steps_of_the_dns_validation_post_are_five_commands(lab, aws, tmp_path):
    """It shows a console and points to the command line: request, describe, write, wait, look."""
    zone = aws(
        "owner", "route53", "create-hosted-zone", "--name", SITE, "--caller-reference", "post"
    )["HostedZone"]["Id"]
    arn = aws(
        "owner", "acm", "request-certificate", "--domain-name", f"www.{SITE}",
        "--validation-method", "DNS",
    )["CertificateArn"]  # fmt: skip
    (option,) = aws("owner", "acm", "describe-certificate", "--certificate-arn", arn)[
        "Certificate"
    ]["DomainValidationOptions"]
    record = option["ResourceRecord"]
    assert (option["ValidationStatus"], record["Type"]) == ("PENDING_VALIDATION", "CNAME")
    record_set = {
        "Name": record["Name"], "Type": "CNAME", "TTL": 300,
        "ResourceRecords": [{"Value": record["Value"]}],
    }  # fmt: skip
    batch = tmp_path / "batch.json"
    batch.write_text(
        json.dumps({"Changes": [{"Action": "CREATE", "ResourceRecordSet": record_set}]})
    )
    aws(
        "owner", "route53", "change-resource-record-sets", "--hosted-zone-id", zone,
        "--change-batch", f"file://{batch}",
    )  # fmt: skip
    aws("owner", "acm", "wait", "certificate-validated", "--certificate-arn", arn)
    told = aws("owner", "acm", "describe-certificate", "--certificate-arn", arn)["Certificate"]
    assert (told["Status"], told["DomainValidationOptions"][0]["ValidationStatus"]) == (
        "ISSUED", "SUCCESS",
    )  # fmt: skip
    found = dns_validation.diagnose(
        lab.client("acm"), arn, resolve=dns_validation.resolver(lab.serve().dns)
    )
    assert found[0].cause is None


_LOST = "a line that the post lost"


def snippets(posts):
    """Return the certificate's resource as the CloudFormation post has it, twice."""
    found = re.findall(
        r'    Type: "AWS::CertificateManager::Certificate"\n(?:.*\n)*?.*ValidationMethod: DNS',
        posts,
    )
    assert len(found) == 2
    return found


def as_template(snippet, zone, *changes):
    """Put back what the typesetting lost, and what the reader has to fill in."""
    return normalise(
        snippet,
        ("    Type:", "Resources:\n  Certificate:\n    Type:", _LOST),
        ("      DomainName: example", "    Properties:\n      DomainName: example", _LOST),
        ("            - Domain", "      DomainValidationOptions:\n            - Domain", _LOST),
        ("ZZZHHHHWWWWAAA", zone, "a placeholder"),
        *changes,
    )


def stack_status(cloudformation, name):
    """Return a stack's status."""
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return stack["StackStatus"]


RIGHT_NAME = ("www.example.com", SITE, "the option must name what is requested")


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("changes", "works"), [((), False), ((RIGHT_NAME,), True)])
def test_the_cloudformation_posts_snippets_work_once_their_name_is_right(
    posts, lab, which, changes, works
):
    """As they stand, the name that is certified has no option: the stack hangs, and gives up."""
    cloudformation, route53 = lab.client("cloudformation"), lab.client("route53")
    zone = route53.create_hosted_zone(Name=SITE, CallerReference="post")["HostedZone"]["Id"]
    body = as_template(snippets(posts)[which], zone.rpartition("/")[2], *changes)
    cloudformation.create_stack(StackName="post", TemplateBody=body)
    lab.clock.advance(hours=1)
    wanted = "CREATE_COMPLETE" if works else "CREATE_IN_PROGRESS"
    assert stack_status(cloudformation, "post") == wanted
    events = cloudformation.describe_stack_events(StackName="post")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any(f".{SITE}.,Type: CNAME" in reason for reason in reasons), "the post's picture"
    if works:
        return
    (resource,) = cloudformation.describe_stack_resources(StackName="post")["StackResources"]
    found = dns_validation.diagnose(
        lab.client("acm"),
        resource["PhysicalResourceId"],
        resolve=dns_validation.resolver(lab.serve().dns),
    )
    assert found[0].cause is dns_validation.Cause.RECORD_ABSENT
    lab.clock.advance(hours=72)
    assert stack_status(cloudformation, "post") == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize(("now", "logged"), [(None, True), ("2020-09-01T09:00:00Z", False)])
def test_the_opt_out_of_the_cloudformation_post_had_an_effect_until_june_2026(posts, now, logged):
    """The same template, in the post's year and today."""
    with Lab.simulated(seed="tests", now=now) as lab:
        acm, cloudformation = lab.client("acm"), lab.client("cloudformation")
        zone = lab.client("route53").create_hosted_zone(Name=SITE, CallerReference="post")
        zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
        body = as_template(snippets(posts)[1], zone_id, RIGHT_NAME)
        cloudformation.create_stack(StackName="post", TemplateBody=body)
        (resource,) = cloudformation.describe_stack_resources(StackName="post")["StackResources"]
        issued = acm.get_certificate(CertificateArn=resource["PhysicalResourceId"])
        assert bool(scts_of(pem.load_certificate(issued["Certificate"]))) is logged
