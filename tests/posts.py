"""What the tests of the posts' own commands share."""

import re
import shlex
import sys

EN_DASH = "\u2013"

# What the post on sharing a CA has in the place of ARNs.
REQUESTED_FROM = (
    "arn:aws:acm-pca:region:111122223333:certificate-authority/12345678-1234-1234-1234-example"
)
DESCRIBED = "arn:aws:acm:region:444455556666:certificate/523ffc50-824a-492e-ac11-example"


def normalise(text, *changes):
    """Apply ``(found, instead, why)``, each of which must still be needed, and show both texts."""
    result = text
    for found, instead, _why in changes:
        assert found in result, f"{found!r} is not in the post's text any more"
        result = result.replace(found, instead)
    shown = "".join(f"      {found!r} -> {new!r}: {why}\n" for found, new, why in changes)
    sys.stdout.write(f"post: {text}\nran:  {result}\n{shown}")
    return result


def words_of(line, *changes):
    """Split a normalised line as a shell does."""
    return shlex.split(normalise(line, *changes))


def requested(line, ca):
    """Return the sharing post's words that request a certificate of this CA."""
    return words_of(
        line,
        (f"{EN_DASH}-domain-name", "--domain-name", "an en-dash for a hyphen"),
        (REQUESTED_FROM, ca, "a placeholder"),
    )


def check_described(post, line, shown, ca):
    """Hold a certificate against what the sharing post shows of its own, member for member."""
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
    sample = post[post.index(line) :].partition("\n\n\n")[0]
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
