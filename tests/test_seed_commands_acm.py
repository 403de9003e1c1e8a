"""What the AWS posts on ACM type and write: its commands, and its CloudFormation snippets.

The text is taken from the posts as it stands. What was changed before running is listed beside it,
and a change that is not needed any more fails the test.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from pkilab import Lab, dns_validation
from pkilab.ca_hierarchy import create_root
from pkilab.ct.precertificates import scts_of
from pkilab.pki import pem

SITE = "example.com"


@pytest.fixture(scope="module")
def posts(project):
    """The text of the posts."""
    folder = project.parent / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("the posts (../shared/seeds) are not here")
    return "\n".join(file.read_text() for file in sorted(folder.glob("*.txt")))


@pytest.fixture
def aws(lab, tmp_path):
    """Run the AWS command line against the served world, in an account of the lab's."""
    program = os.environ.get("PKILAB_AWS_CLI") or shutil.which("aws")
    if not program:
        pytest.skip("no aws command line: `make test` builds one, or set PKILAB_AWS_CLI")
    lab.serve()

    def run(account, *words):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_PAGER": "",
            **lab.environment(account),
        }
        ran = subprocess.run(
            [program, *words], env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout or "{}")

    return run


def normalise(text, changes):
    """Apply the listed changes, each of which must still be needed, and show both texts."""
    result = text
    for found, instead, _why in changes:
        assert found in result, f"{found!r} is not in the post's text any more"
        result = result.replace(found, instead)
    shown = "".join(f"      {found!r} -> {new!r}: {why}\n" for found, new, why in changes)
    sys.stdout.write(f"post: {text}\nran:  {result}\n{shown}")
    return result


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
    command = normalise(
        request,
        [
            ("\u2013-domain-name", "--domain-name", "an en-dash for a hyphen"),
            (
                "arn:aws:acm-pca:region:111122223333:certificate-authority/"
                "12345678-1234-1234-1234-example",
                ca,
                "a placeholder",
            ),
        ],
    )
    made = aws("consumer", *shlex.split(command)[1:])["CertificateArn"]
    command = normalise(
        describe,
        [
            (
                "arn:aws:acm:region:444455556666:certificate/523ffc50-824a-492e-ac11-example",
                made,
                "a placeholder",
            )
        ],
    )
    told = aws("consumer", *shlex.split(command)[1:])["Certificate"]
    assert {
        "DomainName": "www.example2.com",
        "Subject": "CN=www.example2.com",
        "Issuer": "Example.com",
        "Status": "ISSUED",
        "Type": "PRIVATE",
        "KeyAlgorithm": "RSA-2048",
        "SignatureAlgorithm": "SHA256WITHRSA",
        "RenewalEligibility": "INELIGIBLE",
        "CertificateAuthorityArn": ca,
    }.items() <= told.items()
    sample = posts[posts.index(describe) :].partition("\n\n\n")[0]
    members = set(re.findall(r'"(\w+)": ', sample)) - {"Certificate"}
    assert len(members) > 20
    # The sample of 2020 has an empty list of mails for a certificate that needs none.
    assert members - _members(told) <= {"ValidationEmails"}


def _members(value):
    """Return every member's name in an answer."""
    if isinstance(value, list):
        return set().union(*map(_members, value)) if value else set()
    if isinstance(value, dict):
        return set(value) | set().union(*map(_members, value.values()))
    return set()


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
        [
            ("    Type:", "Resources:\n  Certificate:\n    Type:", _LOST),
            ("      DomainName: example", "    Properties:\n      DomainName: example", _LOST),
            ("            - Domain", "      DomainValidationOptions:\n            - Domain", _LOST),
            ("ZZZHHHHWWWWAAA", zone, "a placeholder"),
            *changes,
        ],
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
