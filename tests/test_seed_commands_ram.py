"""What the AWS post on sharing a private CA types, from the share to the certificate.

The text is taken from the post as it stands. What was changed before running is listed beside it,
and a change that is not needed any more fails the test.
"""

import json
import re

import pytest

from pkilab import Lab
from pkilab.ca_hierarchy import create_root
from tests.posts import DESCRIBED, EN_DASH, check_described, requested, words_of

ACCOUNTS = {"owner": "111122223333", "consumer": "444455556666"}


@pytest.fixture(scope="module")
def post(seeds):
    """The post's text."""
    whole = "\n".join(file.read_text() for file in seeds)
    return whole[whole.index("How to use AWS RAM to share your ACM Private CA cross-account") :]


@pytest.fixture(params=[False, True], ids=["unenforced", "enforced"])
def shop(request):
    """A lab with the two accounts of the post."""
    with Lab.simulated(seed="tests", accounts=ACCOUNTS, enforce_policies=request.param) as lab:
        yield lab


@pytest.fixture
def run(shop, aws_cli):
    """Run a line against the served world, in an account of the lab's."""
    shop.serve()
    return lambda account, *line: aws_cli(shop, *line[1:], account=account)


@pytest.fixture
def aws(run):
    """Run a command that must succeed; return what it printed."""

    def checked(account, *line):
        ran = run(account, *line)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout or "{}")

    return checked


def commands(post):
    """Return the post's four commands in their order."""
    found = re.findall(r"(?m)^\s*(?:\$ )?(aws (?:ram|acm) .*)$", post)[:4]
    starts = ("ram create", "ram accept", "acm request", "acm describe")
    assert all(each.startswith(f"aws {start}") for each, start in zip(found, starts, strict=True))
    return found


def root(lab):
    """Make the owner's CA."""
    pca = lab.client("acm-pca", account="owner")
    return create_root(pca, {"CommonName": "Example.com"}, key_algorithm="RSA_2048")


SHARED = "arn:aws:acm-pca:region:111122223333:certificate-authority/fb149362-7de8-47be-8149-example"
NAMED = f"{EN_DASH}-name", "--name", "an en-dash for a hyphen"


def test_the_posts_commands_share_a_ca_and_have_a_certificate_issued(post, shop, aws):
    """Owner, consumer, consumer, consumer; between the first two somebody looks for the ARN."""
    share, accept, request, describe = commands(post)
    ca = root(shop)
    made = aws("owner", *words_of(share, NAMED, (SHARED, ca, "a placeholder")))
    found = made["resourceShare"]
    assert (found["name"], found["status"]) == ("Shared_Private_CA", "ACTIVE")
    assert found["owningAccountId"] == ACCOUNTS["owner"]

    # The post does not say where the invitation's ARN comes from.
    sent = aws("consumer", "aws", "ram", "get-resource-share-invitations")
    (invitation,) = sent["resourceShareInvitations"]
    assert invitation["status"] == "PENDING"
    arn = invitation["resourceShareInvitationArn"]
    placeholder = (
        "arn:aws:ram:region:111122223333:resource-share-invitation/ce4b7501-c93d-4477-a19b-example"
    )
    told = aws("consumer", *words_of(accept, (placeholder, arn, "a placeholder")))
    assert told["resourceShareInvitation"]["status"] == "ACCEPTED"

    # Here the CA has another number than the one that was shared.
    certificate = aws("consumer", *requested(request, ca))["CertificateArn"]
    assert f":{ACCOUNTS['consumer']}:certificate/" in certificate
    line = words_of(describe, (DESCRIBED, certificate, "a placeholder"))
    shown = aws("consumer", *line)["Certificate"]
    check_described(post, describe, shown, ca)
    assert [each["Name"] for each in shown["KeyUsages"]] == [
        "DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT",
    ]  # fmt: skip
    (option,) = shown["DomainValidationOptions"]
    assert (option["ValidationStatus"], option["ValidationMethod"]) == ("SUCCESS", "DNS")


def test_the_first_command_does_not_run_as_it_stands(post, shop, run):
    """The command line takes the en-dash for a value; the short option name it understands."""
    share = commands(post)[0]
    typed = run("owner", *words_of(share, (SHARED, root(shop), "a placeholder")))
    assert typed.returncode != 0
    assert "--name" in typed.stderr
    assert " --resource-arn " in share
    assert shop.client("ram", account="owner").get_resource_shares(resourceOwner="SELF")[
        "resourceShares"
    ] == []  # fmt: skip


def test_without_the_share_the_request_fails(post, shop, aws):
    """With the reason that ACM has for it."""
    request = commands(post)[2]
    certificate = aws("consumer", *requested(request, root(shop)))["CertificateArn"]
    describe = ("aws", "acm", "describe-certificate", "--certificate-arn", certificate)
    shown = aws("consumer", *describe)["Certificate"]
    assert (shown["Status"], shown["FailureReason"]) == ("FAILED", "PCA_ACCESS_DENIED")
