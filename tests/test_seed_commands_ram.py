"""What the AWS post on sharing a private CA types, from the share to the certificate.

The text is taken from the post as it stands. What was changed before running is listed beside it,
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

from pkilab import Lab
from pkilab.ca_hierarchy import create_root

ACCOUNTS = {"owner": "111122223333", "consumer": "444455556666"}
DASH = "\u2013"


@pytest.fixture(scope="module")
def post(project):
    """The post's text."""
    folder = project.parent / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("the posts (../shared/seeds) are not here")
    whole = "\n".join(file.read_text() for file in sorted(folder.glob("*.txt")))
    return whole[whole.index("How to use AWS RAM to share your ACM Private CA cross-account") :]


@pytest.fixture(params=[False, True], ids=["unenforced", "enforced"])
def shop(request):
    """A lab with the two accounts of the post."""
    with Lab.simulated(seed="tests", accounts=ACCOUNTS, enforce_policies=request.param) as lab:
        yield lab


@pytest.fixture
def run(shop, tmp_path):
    """Run the AWS command line against the served world, in an account of the lab's."""
    program = os.environ.get("PKILAB_AWS_CLI") or shutil.which("aws")
    if not program:
        pytest.skip("no aws command line: `make test` builds one, or set PKILAB_AWS_CLI")
    shop.serve()

    def run_one(account, *words):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_PAGER": "",
            **shop.environment(account),
        }  # fmt: skip
        return subprocess.run(
            [program, *words], env=environment, capture_output=True, text=True, check=False
        )

    return run_one


@pytest.fixture
def aws(run):
    """Run a command that must succeed; return what it printed."""

    def checked(account, *words):
        ran = run(account, *words)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout or "{}")

    return checked


def commands(post):
    """Return the post's four commands in their order."""
    found = re.findall(r"(?m)^\s*(?:\$ )?(aws (?:ram|acm) .*)$", post)[:4]
    starts = ("ram create", "ram accept", "acm request", "acm describe")
    assert all(each.startswith(f"aws {start}") for each, start in zip(found, starts, strict=True))
    return found


def normalise(text, changes):
    """Apply the listed changes, each of which must still be needed, and show both texts."""
    result = text
    for found, instead, _why in changes:
        assert found in result, f"{found!r} is not in the post's text any more"
        result = result.replace(found, instead)
    shown = "".join(f"      {found!r} -> {new!r}: {why}\n" for found, new, why in changes)
    sys.stdout.write(f"post: {text}\nran:  {result}\n{shown}")
    return shlex.split(result)[1:]


def root(lab):
    """Make the owner's CA."""
    pca = lab.client("acm-pca", account="owner")
    return create_root(pca, {"CommonName": "Example.com"}, key_algorithm="RSA_2048")


SHARED = "arn:aws:acm-pca:region:111122223333:certificate-authority/fb149362-7de8-47be-8149-example"
NAMED = f"{DASH}-name", "--name", "an en-dash for a hyphen"


def test_the_posts_commands_share_a_ca_and_have_a_certificate_issued(post, shop, aws):
    """Owner, consumer, consumer, consumer; between the first two somebody looks for the ARN."""
    share, accept, request, describe = commands(post)
    ca = root(shop)
    made = aws("owner", *normalise(share, [NAMED, (SHARED, ca, "a placeholder")]))
    found = made["resourceShare"]
    assert (found["name"], found["status"]) == ("Shared_Private_CA", "ACTIVE")
    assert found["owningAccountId"] == ACCOUNTS["owner"]

    # The post does not say where the invitation's ARN comes from.
    sent = aws("consumer", "ram", "get-resource-share-invitations")["resourceShareInvitations"]
    (invitation,) = sent
    assert invitation["status"] == "PENDING"
    arn = invitation["resourceShareInvitationArn"]
    placeholder = (
        "arn:aws:ram:region:111122223333:resource-share-invitation/ce4b7501-c93d-4477-a19b-example"
    )
    told = aws("consumer", *normalise(accept, [(placeholder, arn, "a placeholder")]))
    assert told["resourceShareInvitation"]["status"] == "ACCEPTED"

    # Here the CA has another number than the one that was shared.
    placeholder = (
        "arn:aws:acm-pca:region:111122223333:certificate-authority/12345678-1234-1234-1234-example"
    )
    changes = [
        (f"{DASH}-domain-name", "--domain-name", "an en-dash for a hyphen"),
        (placeholder, ca, "a placeholder"),
    ]
    certificate = aws("consumer", *normalise(request, changes))["CertificateArn"]
    assert f":{ACCOUNTS['consumer']}:certificate/" in certificate
    placeholder = "arn:aws:acm:region:444455556666:certificate/523ffc50-824a-492e-ac11-example"
    changes = [(placeholder, certificate, "a placeholder")]
    shown = aws("consumer", *normalise(describe, changes))["Certificate"]
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
    }.items() <= shown.items()
    assert [each["Name"] for each in shown["KeyUsages"]] == [
        "DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT",
    ]  # fmt: skip
    (option,) = shown["DomainValidationOptions"]
    assert (option["ValidationStatus"], option["ValidationMethod"]) == ("SUCCESS", "DNS")
    sample = post[post.index(describe) :].partition("\n\n\n")[0]
    members = set(re.findall(r'"(\w+)": ', sample)) - {"Certificate"}
    assert len(members) > 20
    # The sample of 2020 has an empty list of mails for a certificate that needs none.
    assert members - _members(shown) <= {"ValidationEmails"}


def _members(value):
    """Return every member's name in an answer."""
    if isinstance(value, list):
        return set().union(*map(_members, value)) if value else set()
    if isinstance(value, dict):
        return set(value) | set().union(*map(_members, value.values()))
    return set()


def test_the_first_command_does_not_run_as_it_stands(post, shop, run):
    """The command line takes the en-dash for a value; the short option name it understands."""
    share = commands(post)[0]
    typed = run("owner", *normalise(share, [(SHARED, root(shop), "a placeholder")]))
    assert typed.returncode != 0
    assert "--name" in typed.stderr
    assert " --resource-arn " in share
    assert shop.client("ram", account="owner").get_resource_shares(resourceOwner="SELF")[
        "resourceShares"
    ] == []  # fmt: skip


def test_without_the_share_the_request_fails(post, shop, aws):
    """With the reason that ACM has for it."""
    request = commands(post)[2]
    ca = root(shop)
    words = normalise(
        request,
        [
            (f"{DASH}-domain-name", "--domain-name", "an en-dash for a hyphen"),
            (
                "arn:aws:acm-pca:region:111122223333:certificate-authority/"
                "12345678-1234-1234-1234-example",
                ca,
                "a placeholder",
            ),
        ],
    )
    certificate = aws("consumer", *words)["CertificateArn"]
    describe = ("acm", "describe-certificate", "--certificate-arn", certificate)
    shown = aws("consumer", *describe)["Certificate"]
    assert (shown["Status"], shown["FailureReason"]) == ("FAILED", "PCA_ACCESS_DENIED")
