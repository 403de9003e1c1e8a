"""What the AWS post on digital signing with KMS types: its commands, and its policy statements.

The text is taken from the post as it stands. What was changed before running is listed beside it,
and a change that is not needed any more fails the test.
"""

import base64
import hashlib
import json
import re
import shlex
import shutil
import subprocess

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from pkilab import Lab
from tests.posts import normalise

PLACEHOLDER = "<1234abcd-12ab-34cd-56ef-1234567890ab>"
ACCOUNT = "<111122223333>"
FILE = b"the file that application A sends to application B"


@pytest.fixture(scope="module")
def post(seeds):
    """The text of the post."""
    text = "\n".join(file.read_text() for file in seeds)
    start = text.index("https://aws.amazon.com/blogs/security/digital-signing-asymmetric-keys-aws")
    return text[start : text.index("Post Syndicated from", start)]


@pytest.fixture
def commands(post):
    """Its three commands: sign, verify, get-public-key."""
    found = re.findall(r"(?m)^(aws kms (?:[^\\\n]|\\\n)*)", post)
    assert [one.split()[2] for one in found] == ["sign", "verify", "get-public-key"]
    return found


@pytest.fixture
def aws(lab, aws_cli):
    """Run the AWS command line against the served world; return its exit, output and errors."""
    lab.serve()
    return lambda words: aws_cli(lab, *words[1:])


def with_key(command, key_id, *changes):
    """Name the key that was made, and split the line as a shell does."""
    line = normalise(command, (PLACEHOLDER, key_id, "a placeholder"), *changes)
    return shlex.split(line.replace("\\\n", " "))


def signing_key(lab, spec):
    """Make a key as the post does, by the name that the parameter had then."""
    made = lab.client("kms").create_key(CustomerMasterKeySpec=spec, KeyUsage="SIGN_VERIFY")
    return made["KeyMetadata"]["KeyId"]


def digest_file(tmp_path, content=FILE):
    """Write the digest that application A, or B, makes of the file."""
    (tmp_path / "ExampleDigest").write_bytes(hashlib.sha256(content).digest())


def test_the_key_of_the_post_and_its_algorithm_do_not_go_together(commands, lab, aws, tmp_path):
    """It makes a key of ECC_NIST_P384, and signs with ECDSA_SHA_256."""
    key_id = signing_key(lab, "ECC_NIST_P384")
    digest_file(tmp_path)
    (tmp_path / "Signature").write_bytes(b"x")
    for command, operation in zip(commands, ("Sign", "Verify"), strict=False):
        ran = aws(with_key(command, key_id))
        assert ran.returncode != 0
        assert (
            f"An error occurred (InvalidKeyUsageException) when calling the {operation} operation: "
            "Algorithm ECDSA_SHA_256 is incompatible with key spec ECC_NIST_P384."
        ) in ran.stderr


def test_the_commands_of_the_post_run_with_a_key_of_the_right_curve(commands, lab, aws, tmp_path):
    """Signed, verified by KMS, and verified by openssl with the public key alone."""
    sign, verify, get_public_key = commands
    key_id = signing_key(lab, "ECC_NIST_P256")
    digest_file(tmp_path)
    signed = json.loads(aws(with_key(sign, key_id)).stdout)
    assert set(signed) == {"KeyId", "Signature", "SigningAlgorithm"}
    assert signed["KeyId"].endswith(f":key/{key_id}")
    # The command line prints Base64; the file that the post hands to verify has the octets.
    (tmp_path / "Signature").write_bytes(base64.b64decode(signed["Signature"]))
    verified = json.loads(aws(with_key(verify, key_id)).stdout)
    assert verified["SignatureValid"] is True
    dash = ("\u2013key", "--key", "an en-dash for two hyphens")
    answer = json.loads(aws(with_key(get_public_key, key_id, dash)).stdout)
    assert (answer["KeyUsage"], answer["SigningAlgorithms"]) == ("SIGN_VERIFY", ["ECDSA_SHA_256"])
    public = load_der_public_key(base64.b64decode(answer["PublicKey"]))
    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(text)
    (tmp_path / "file").write_bytes(FILE)
    assert openssl(tmp_path) == "Verified OK"
    (tmp_path / "file").write_bytes(FILE + b"!")
    assert openssl(tmp_path) == "Verification failure"


def openssl(tmp_path):
    """Verify the file's signature as "Verify Workflow 2" does, without KMS."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl on this machine")
    command = ["dgst", "-sha256", "-verify", "public.pem", "-signature", "Signature", "file"]
    ran = subprocess.run(
        [program, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    return ran.stdout.strip()


def test_a_file_that_was_changed_on_its_way_is_an_error_and_never_false(
    commands, lab, aws, tmp_path
):
    """The post tells of success alone: SignatureValid is True."""
    sign, verify, _ = commands
    key_id = signing_key(lab, "ECC_NIST_P256")
    digest_file(tmp_path)
    signed = json.loads(aws(with_key(sign, key_id)).stdout)
    (tmp_path / "Signature").write_bytes(base64.b64decode(signed["Signature"]))
    digest_file(tmp_path, FILE + b"!")
    ran = aws(with_key(verify, key_id))
    assert ran.returncode != 0
    assert "(KMSInvalidSignatureException)" in ran.stderr
    assert ran.stdout.strip() == ""


# Its policy statements


def stanzas(post, account, *changes):
    """Return the three statements, as they stand but for the account's placeholder."""
    found = re.findall(r'(?m)((?:^\t".*\n?)+)', post)
    texts = [one for one in found if '"Sid"' in one]
    assert len(texts) == 3
    text = normalise(
        ", ".join(f"{{{one}}}" for one in texts), (ACCOUNT, account, "a placeholder"), *changes
    )
    return json.loads(f"[{text}]")


def roles(lab):
    """Make the two roles of the post, which its user may assume."""
    iam = lab.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow", "Principal": {"AWS": lab.accounts["owner"]},
            "Action": "sts:AssumeRole",
        },
    }  # fmt: skip
    for name in ("SignRole", "VerifyRole"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))


def policy(*statements):
    """Write a key policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_the_statements_of_the_post_alone_make_no_key(post, lab):
    """Nobody could ever change such a policy; and the roles must be there first."""
    account = lab.accounts["owner"]
    kms = lab.client("kms")
    members = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
    written = stanzas(post, account)
    for message in ("invalid principals", "will not allow you to update the key policy"):
        with pytest.raises(kms.exceptions.MalformedPolicyDocumentException, match=message):
            kms.create_key(Policy=policy(*written), **members)
        if message == "invalid principals":
            roles(lab)
    root = {
        "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*", "Resource": "*",
    }  # fmt: skip
    kms.create_key(Policy=policy(root, *written), **members)


@pytest.mark.parametrize(("changes", "reads"), [((), False), ((("Key ", "Key", "a blank"),), True)])
def test_the_roles_of_the_post_sign_and_verify_and_a_blank_keeps_the_public_key(
    post, changes, reads
):
    """With policies enforced: the action "kms:GetPublicKey " is no action of KMS's."""
    accounts = {"owner": "111122223333"}
    with Lab.simulated(seed="tests", accounts=accounts, enforce_policies=True) as lab:
        account = lab.accounts["owner"]
        roles(lab)
        root = {
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "kms:*", "Resource": "*",
        }  # fmt: skip
        text = policy(root, *stanzas(post, account, *changes))
        key_id = lab.client("kms").create_key(
            KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", Policy=text
        )["KeyMetadata"]["KeyId"]
        signer, verifier = (
            lab.client(
                "kms",
                credentials=lab.client("sts").assume_role(
                    RoleArn=f"arn:aws:iam::{account}:role/{name}", RoleSessionName="post"
                )["Credentials"],
            )
            for name in ("SignRole", "VerifyRole")
        )
        message = {"KeyId": key_id, "Message": FILE, "SigningAlgorithm": "ECDSA_SHA_256"}
        signature = signer.sign(**message)["Signature"]
        assert verifier.verify(Signature=signature, **message)["SignatureValid"]
        for refused in (
            lambda: verifier.sign(**message),
            lambda: signer.verify(Signature=signature, **message),
            lambda: signer.get_public_key(KeyId=key_id),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                refused()
        if reads:
            assert verifier.get_public_key(KeyId=key_id)["KeySpec"] == "ECC_NIST_P256"
        else:
            with pytest.raises(ClientError, match="kms:GetPublicKey"):
                verifier.get_public_key(KeyId=key_id)
